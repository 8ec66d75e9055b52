//! Imports and exports of product files: starting one and showing its progress. A worker does the work itself.

use bytes::Bytes;
use domain::job::{ExportJob, FileFormat, ImportFault, ImportJob, ImportRowError, JobState, StockImport, import_key};
use domain::settings::Limit;
use domain::stored::Kept;
use domain::text::Line;
use domain::upload::{FileLink, Upload};
use domain::vendor::{Member, Permission, VendorJob};
use domain::{Call, Code, Currency, ExportId, ImportId, Outcome, PageRequest, Refusal, Slice, Timestamp, VendorId};
use platform::UploadSpec;
use serde::Deserialize;
use store::Backoff;
use store::rate_limits::Target;
use utoipa::{IntoParams, ToSchema};

use crate::files::CSV;
use crate::inviting::DAY;
use crate::{Desk, Done, Error, Operator};

/// The parameters of an import.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportParameters {
    /// The currency of the file's prices; by default the vendor's own. Prices in other currencies stay.
    currency: Option<Currency>,
    /// Only check the file: nothing is written but the report.
    #[serde(default)]
    dry_run: bool,
    /// Publish products, except those that the file marks as unpublished, draft or archived. Other products keep their
    /// state, new ones become drafts.
    #[serde(default)]
    publish: bool,
    /// Fetch the pictures that the file names by `https`, once for each address, so that they are shown from here in
    /// the sizes of pages. What cannot be fetched is in the report, and stays a link.
    #[serde(default = "yes")]
    fetch_images: bool,
    /// What is done with the units on hand that the file gives. By default those of variants that exist are kept: an
    /// older file would bring back what was sold since. The report counts what was not applied.
    #[serde(default = "keep")]
    stock: StockImport,
}

const fn yes() -> bool {
    true
}

const fn keep() -> StockImport {
    StockImport::Keep
}

/// The parameters of an export.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExportParameters {
    /// The currency of the file's prices; by default the vendor's own.
    currency: Option<Currency>,
    /// The format of the file. An import of either format brings back the same products.
    #[serde(default)]
    format: FileFormat,
}

/// Name and size of a file that is going to be uploaded, which files of more than 1 MB have to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnounceFile {
    /// The name of the file, shown with the import.
    filename: Line,
    /// Its exact length in bytes, at most 200 MB, or less where the operator has set less.
    #[schema(minimum = 1, maximum = 209_715_200)]
    size: u64,
}

/// An import that waits for its file, and where to upload it if it was announced.
#[derive(Clone, Debug)]
pub struct BegunImport {
    pub job: ImportJob,
    pub upload: Option<Upload>,
}

/// The file of an import that is asked for.
#[derive(Clone, Copy, Debug)]
pub enum AskedFile<'a> {
    /// It is going to be uploaded.
    Announced(&'a AnnounceFile),
    /// It came with the request, so many bytes of it, and with the name that it has on the vendor's device if it told
    /// one that can be shown.
    Inline { bytes: usize, filename: Option<&'a Line> },
}

/// An import with what is shown of it.
#[derive(Clone, Debug)]
pub struct ShownImport {
    pub job: ImportJob,
    pub faults: Vec<ImportRowError>,
    /// Where the file of refused rows can be downloaded, if there is one.
    pub refused_rows: Option<FileLink>,
}

impl Desk {
    /// Begins an import, whose file was announced or is put next. Returns also the import as it was begun here. A shop
    /// has one import at a time, and none before it is approved.
    pub async fn begin_import<R>(
        &self,
        member: &Member,
        asked: &ImportParameters,
        file: AskedFile<'_>,
        call: Call<'_, BegunImport, R>,
    ) -> Result<(Outcome<R>, ImportJob), Error> {
        let now = call.at();
        member.may(Permission::EditProducts)?;
        member.is_approved()?;
        let settings = self.settings.current().await?;
        let most = u64::from(settings.limits.import.bytes);
        let (announced, filename) = match file {
            AskedFile::Announced(announced) if !(1..=most).contains(&announced.size) => {
                return Err(Refusal::field("/size", "out_of_range", format!("1 to {most} bytes")).into());
            }
            AskedFile::Inline { bytes, .. } if u64::try_from(bytes).is_ok_and(|bytes| bytes > most) => {
                return Err(Refusal::because(Code::TooLarge, format!("a file has at most {most} bytes")).into());
            }
            AskedFile::Announced(announced) => (Some(announced), Some(&announced.filename)),
            AskedFile::Inline { filename, .. } => (None, filename),
        };
        let currency = asked.currency.unwrap_or(member.account.currency);
        let job = ImportJob {
            filename: filename.cloned(),
            dry_run: asked.dry_run,
            publish: asked.publish,
            fetch_images: asked.fetch_images,
            stock: asked.stock,
            is_inline: announced.is_none(),
            ..ImportJob::new(ImportId::new(now, platform::ids(now).bits()), member.vendor(), currency, now)
        };
        let mut begun = BegunImport { job, upload: None };
        if let Some(announced) = announced {
            begun.upload = Some(self.sign_file_upload(&begun.job, announced, now).await?);
        }
        let work = async {
            let limit = Limit { most: settings.quotas.imports, within: DAY };
            self.rate_limits.count_one("import", Target::Vendor(member.vendor()), limit, now).await?;
            let mut backoff = Backoff::default();
            loop {
                let last = self.accounts.began_last(member.vendor()).await?;
                let superseded = match &last.job {
                    Some(former) => self.superseded(former, now).await?,
                    None => None,
                };
                let superseded = superseded.as_ref().map(|(former, report)| (former, report.as_slice()));
                match self.accounts.add_import(&begun.job, &last, superseded, call.answer(&begun)?).await {
                    // Another import has begun, or the one whose place this takes has gone on after all.
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        let outcome = self.accounts.once(call.request(), work).await?;
        Ok((outcome, begun.job))
    }

    /// Begins another import of the file of one that is over: for real after a dry run, or with other columns. The file
    /// is copied next, by [`Desk::copy_file`].
    pub async fn import_again<R>(
        &self,
        member: &Member,
        from: ImportId,
        asked: &ImportParameters,
        call: Call<'_, BegunImport, R>,
    ) -> Result<(Outcome<R>, ImportJob), Error> {
        member.may(Permission::EditProducts)?;
        let former = self.accounts.import(member.vendor(), from).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if !former.is_over() {
            return Err(Refusal::of(Code::ImportRunning).into());
        }
        if !self.files.has(&former.key()).await? {
            return Err(Refusal::because(Code::Expired, "the file is not kept any more: choose it again").into());
        }
        // Its size was checked when it was put.
        let file = AskedFile::Inline { bytes: 0, filename: former.filename.as_ref() };
        self.begin_import(member, asked, file, call).await
    }

    /// Gives an import the file of an earlier one of its vendor. That starts it, so its job has to be stored before.
    pub async fn copy_file(&self, from: ImportId, job: &ImportJob) -> Result<(), Error> {
        Ok(self.files.copy(&import_key(job.vendor, from), &job.key()).await?)
    }

    /// What becomes of the shop's last import when another one begins: nothing when it is over. One whose file is not
    /// there, or whose message was lost, ends for it.
    async fn superseded(
        &self,
        former: &ImportJob,
        now: Timestamp,
    ) -> Result<Option<(ImportJob, Vec<ImportRowError>)>, Error> {
        if former.is_over() {
            return Ok(None);
        }
        let lacks_file = former.may_lack_file(now) && !self.files.has(&former.key()).await?;
        if !lacks_file && !former.is_abandoned(now) {
            return Err(Refusal::of(Code::ImportRunning).into());
        }
        let mut ended = former.clone();
        let detail = "another import was begun while this one waited for its file or for somebody to look after it";
        let report = ended.fail(ImportRowError::of_file(ImportFault::Superseded, detail), now);
        Ok(Some((ended, report)))
    }

    /// An import of the member's vendor, if it still waits for its file.
    pub async fn waiting_import(&self, member: &Member, id: ImportId) -> Result<Option<ImportJob>, Error> {
        let job = self.accounts.import(member.vendor(), id).await?;
        Ok(job.filter(|job| job.state == JobState::Waiting))
    }

    /// Signs the upload of an import's file.
    pub async fn sign_file_upload(
        &self,
        job: &ImportJob,
        announced: &AnnounceFile,
        now: Timestamp,
    ) -> Result<Upload, Error> {
        let key = job.key();
        let file = UploadSpec { key: &key, content_type: CSV, size: announced.size };
        Ok(self.files.presigner.upload(file, now).await?)
    }

    /// Puts an import's file. That starts the import, so its job has to be stored before.
    pub async fn put_file(&self, job: &ImportJob, file: Bytes) -> Result<(), Error> {
        Ok(self.files.put(&job.key(), file).await?)
    }

    /// An import with the faults of its file.
    pub async fn import(&self, member: &Member, id: ImportId, now: Timestamp) -> Result<ShownImport, Error> {
        member.may(Permission::ReadProducts)?;
        let found = self.accounts.import_with_faults(member.vendor(), id).await?;
        let (job, mut faults) = found.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if job.fetch_images && !job.dry_run {
            faults.extend(self.catalog.told_of_pictures(id).await?);
        }
        if job.is_abandoned(now) {
            // The worker checks whether the file was uploaded, and resumes the import or fails it.
            self.files.enqueue_abandoned_import(&VendorJob::Import { vendor_id: job.vendor, id }).await;
        }
        let mut refused_rows = None;
        if job.refused_file.as_ref().is_some_and(|file| file.is_complete) {
            refused_rows = Some(self.files.presigner.link(&job.refused_key(), now).await?);
        }
        Ok(ShownImport { job, faults, refused_rows })
    }

    /// The imports of the member's vendor, newest first.
    pub async fn imports(&self, member: &Member, page: &PageRequest) -> Result<Slice<ImportJob>, Error> {
        member.may(Permission::ReadProducts)?;
        Ok(self.accounts.imports_of(member.vendor(), page).await?)
    }

    /// The exports of the member's vendor, newest first.
    pub async fn exports(&self, member: &Member, page: &PageRequest) -> Result<Slice<ExportJob>, Error> {
        member.may(Permission::ReadProducts)?;
        Ok(self.accounts.exports_of(member.vendor(), page).await?)
    }

    /// Begins an export of all products of the vendor. It starts once it is enqueued. A shop has one export at a time.
    pub async fn begin_export<R>(
        &self,
        member: &Member,
        asked: &ExportParameters,
        call: Call<'_, ExportJob, R>,
    ) -> Done<R> {
        let now = call.at();
        member.may(Permission::ReadProducts)?;
        let job = ExportJob {
            languages: None,
            id: ExportId::new(now, platform::ids(now).bits()),
            vendor: member.vendor(),
            currency: asked.currency.unwrap_or(member.account.currency),
            format: asked.format,
            state: JobState::Waiting,
            rows: 0,
            products: 0,
            failure: None,
            file_columns: Vec::new(),
            after: None,
            upload: None,
            parts: Vec::new(),
            lease: None,
            created_at: now,
            finished_at: None,
            version: 0,
            kept: Kept::default(),
        };
        let work = async {
            let limit = Limit { most: self.settings.current().await?.quotas.exports, within: DAY };
            self.rate_limits.count_one("export", Target::Vendor(member.vendor()), limit, now).await?;
            let mut backoff = Backoff::default();
            loop {
                let last = self.accounts.began_last_export(member.vendor()).await?;
                if let Some(former) = &last.job {
                    self.check_export_is_over(former, now).await?;
                }
                match self.accounts.add_export(&job, &last, call.answer(&job)?).await {
                    // Another export has begun.
                    Err(store::Error::Conflict) => backoff.pause().await?,
                    done => return Ok::<_, Error>(done?),
                }
            }
        };
        self.accounts.once(call.request(), work).await
    }

    /// Refuses another export while the shop's last one is not over. If the request for that one may have died before
    /// it sent the message, it is sent here, since nobody else would before the export counts as abandoned.
    async fn check_export_is_over(&self, former: &ExportJob, now: Timestamp) -> Result<(), Error> {
        if former.is_over() || former.is_abandoned(now) {
            return Ok(());
        }
        if former.may_lack_message(now) {
            let job = VendorJob::Export { vendor_id: former.vendor, id: former.id };
            self.files.enqueue_abandoned_export(&job).await;
        }
        Err(Refusal::because(Code::ImportRunning, "another export of the shop is not over yet").into())
    }

    /// Enqueues an export. The job's lease makes a duplicate message harmless.
    pub async fn enqueue_export(&self, member: &Member, id: ExportId) -> Result<(), Error> {
        Ok(self.files.send_export(&VendorJob::Export { vendor_id: member.vendor(), id }).await?)
    }

    /// An export, and where to download its file once it is complete.
    pub async fn export(
        &self,
        member: &Member,
        id: ExportId,
        now: Timestamp,
    ) -> Result<(ExportJob, Option<FileLink>), Error> {
        member.may(Permission::ReadProducts)?;
        let job = self.accounts.export(member.vendor(), id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        if job.is_abandoned(now) {
            self.files.enqueue_abandoned_export(&VendorJob::Export { vendor_id: job.vendor, id }).await;
        }
        let mut link = None;
        if job.state == JobState::Completed {
            link = Some(self.files.presigner.link(&job.key(), now).await?);
        }
        Ok((job, link))
    }
}

impl Operator {
    /// The imports of a vendor, newest first.
    pub async fn imports_of(&self, vendor: VendorId, page: &PageRequest) -> Result<Slice<ImportJob>, Error> {
        self.vendor(vendor).await?;
        Ok(self.accounts.imports_of(vendor, page).await?)
    }
}
