//! Vendors' imports and exports. What a step of an import has to say of the file's rows is in items of its own, so that
//! each step of a long import writes little, in a partition of the import's own, so that a list of imports reads none
//! of them.

use domain::job::{ExportJob, ImportJob, ImportRowError, LastExport, LastImport, RefusedProduct, RowFault};
use domain::{ExportId, ImportId, Outcome, PageRequest, Prepared, Slice, VendorId};
use serde::Serialize;

use super::Accounts;
use crate::Error;
use crate::idempotency::transact;
use crate::item::{Attributes, Condition, body, key, number, put, raw_item, readable, string, text, update, version};
use crate::page::List;
use crate::retry::{QueryRequest, get, query, query_all, update_one};
use crate::stored::{Stored, json_of, read, stored, write};
use crate::transaction::{Purpose, Transaction};

const IMPORT: &str = "import";
const LAST_IMPORT: &str = "last_import";
const FAULTS: &str = "import_faults";
const REFUSED: &str = "import_refused";
const EXPORT: &str = "export";
const LAST_EXPORT: &str = "last_export";

stored! {
    IMPORT => ImportJob: [];
    LAST_IMPORT => LastImport: [];
    EXPORT => ExportJob: [];
    LAST_EXPORT => LastExport: [];
}

fn partition_of(vendor: VendorId) -> String {
    format!("VENDOR#{vendor}")
}

/// `VENDOR#<id>` / `IMPORT#<id>`.
fn import_key(vendor: VendorId, id: ImportId) -> Attributes {
    key(partition_of(vendor), format!("IMPORT#{id}"))
}

/// `VENDOR#<id>` / `LAST_IMPORT`.
fn last_import_key(vendor: VendorId) -> Attributes {
    key(partition_of(vendor), "LAST_IMPORT")
}

/// What a step of an import has to say, in the order of the steps. Releases before 2026-11-30 kept faults beside the
/// import, as `VENDOR#<id>` / `IMPORT#<id>#<version of the import>`.
#[derive(Clone, Copy, Debug)]
enum Told {
    /// `IMPORT#<id>` / `FAULTS#<version of the import>`.
    Faults,
    /// `IMPORT#<id>` / `REFUSED#<version of the import>`.
    Refused,
}

impl Told {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Faults => "FAULTS#",
            Self::Refused => "REFUSED#",
        }
    }

    const fn kind(self) -> &'static str {
        match self {
            Self::Faults => FAULTS,
            Self::Refused => REFUSED,
        }
    }

    /// The item of the step that wrote this version of the import.
    fn item<T: Serialize>(self, import: ImportId, version: u64, told: &[T]) -> Result<(Attributes, String), Error> {
        let data = serde_json::to_string(told).map_err(|source| Error::Corrupt { kind: self.kind(), source })?;
        Ok((key(format!("IMPORT#{import}"), format!("{}{version:09}", self.prefix())), data))
    }

    /// A query of all steps.
    fn of(self, table: &str, import: ImportId) -> QueryRequest {
        begins_with(table, format!("IMPORT#{import}"), self.prefix())
    }
}

/// The most bytes of what one step tells: an item has at most 400 KB, and a file can give each cell of each row a
/// fault.
const MAX_TOLD: usize = 300 * 1024;

/// The first entries of a step that fit into one item. The others are only counted, as are those beyond a thousand.
fn fitting(faults: &[ImportRowError]) -> Result<Vec<&ImportRowError>, Error> {
    let mut left = MAX_TOLD;
    let mut kept = Vec::with_capacity(faults.len());
    for fault in faults {
        let size = size_of_json(fault, FAULTS)?;
        if size <= left {
            left -= size;
            kept.push(fault);
        }
    }
    Ok(kept)
}

/// The products of a step that were refused, all of them: their rows are found by them. Where the reasons do not fit
/// into one item, the first one's code is left.
fn fitting_refused(refused: &[RefusedProduct]) -> Result<Vec<RefusedProduct>, Error> {
    let mut left = MAX_TOLD;
    let mut kept = Vec::with_capacity(refused.len());
    for product in refused {
        let size = size_of_json(product, REFUSED)?;
        let fits = size <= left;
        left -= if fits { size } else { 0 };
        let first = product.faults.first().map(|fault| RowFault { why: String::new(), ..fault.clone() });
        let faults = if fits { product.faults.clone() } else { first.into_iter().collect() };
        kept.push(RefusedProduct { key: product.key, faults });
    }
    Ok(kept)
}

fn size_of_json(told: &impl Serialize, kind: &'static str) -> Result<usize, Error> {
    let json = serde_json::to_vec(told).map_err(|source| Error::Corrupt { kind, source })?;
    Ok(json.len() + 1)
}

/// A consistent query of what begins with a text in a partition.
fn begins_with(table: &str, partition: String, sort_key: impl Into<String>) -> QueryRequest {
    QueryRequest {
        table: table.to_owned(),
        partition: ("pk", partition),
        sort_key_condition: Some((
            "begins_with(sk, :prefix)".to_owned(),
            Attributes::from([(":prefix".to_owned(), string(sort_key))]),
        )),
        consistent: true,
        ..QueryRequest::default()
    }
}

/// The import that a shop began last, under the version of the item that names it.
#[derive(Clone, Debug)]
pub struct BeganLast {
    named: Option<LastImport>,
    version: u64,
    /// Nothing for the first import, and for one that cannot be read.
    pub job: Option<ImportJob>,
}

/// The export that a shop began last, under the version of the item that names it.
#[derive(Clone, Debug)]
pub struct BeganLastExport {
    named: Option<LastExport>,
    version: u64,
    /// Nothing for the first export, and for one that cannot be read.
    pub job: Option<ExportJob>,
}

/// `VENDOR#<id>` / `EXPORT#<id>`.
fn export_key(vendor: VendorId, id: ExportId) -> Attributes {
    key(partition_of(vendor), format!("EXPORT#{id}"))
}

/// `VENDOR#<id>` / `LAST_EXPORT`.
fn last_export_key(vendor: VendorId) -> Attributes {
    key(partition_of(vendor), "LAST_EXPORT")
}

const CHANGE: &str = "SET #version = :version, #data = :data";

/// The item is at the version that was read; the values are this body and the next version.
fn change_condition(body: &impl Stored, loaded: u64) -> Result<Condition, Error> {
    let data = json_of(body)?;
    Ok(Condition::of("#version = :loaded")
        .name("#version", "version")
        .name("#data", "data")
        .value(":loaded", number(loaded))
        .value(":version", number(loaded + 1))
        .value(":data", string(data)))
}

impl Accounts {
    /// The import that the shop began last, read consistently.
    pub async fn began_last(&self, vendor: VendorId) -> Result<BeganLast, Error> {
        let Some(found) = get(&self.client, &self.table, last_import_key(vendor), true).await? else {
            return Ok(BeganLast { named: None, version: 0, job: None });
        };
        let named: Option<LastImport> = readable(read(&found), &found)?;
        let mut job = None;
        if let Some(named) = &named
            && let Some(found) = get(&self.client, &self.table, import_key(vendor, named.import), true).await?
        {
            job = readable(import_of(&found), &found)?;
        }
        Ok(BeganLast { named, version: version(&found), job })
    }

    /// Writes a new import, together with the response to the request for it, if the shop has begun none since. An
    /// import whose place it takes is written with what is to be said of its end, if it is at the version that was
    /// read.
    pub async fn add_import<R>(
        &self,
        job: &ImportJob,
        last: &BeganLast,
        superseded: Option<(&ImportJob, &[ImportRowError])>,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let kept = last.named.as_ref().map(|named| named.kept.clone()).unwrap_or_default();
        let named = LastImport { import: job.id, version: last.version + 1, kept };
        let new = write(import_key(job.vendor, job.id), 1, &ImportJob { version: 1, ..job.clone() })?;
        let naming = write(last_import_key(job.vendor), named.version, &named)?;
        let mut actions = vec![
            put(&self.table, new, &Condition::absent())?,
            put(&self.table, naming, &Condition::at_version(last.version))?,
        ];
        if let Some((former, faults)) = superseded {
            let ended = ImportJob { version: former.version + 1, ..former.clone() };
            let item = write(import_key(former.vendor, former.id), ended.version, &ended)?;
            actions.push(put(&self.table, item, &Condition::at_version(former.version))?);
            let (key, data) = Told::Faults.item(former.id, ended.version, faults)?;
            actions.push(put(&self.table, raw_item(key, FAULTS, 1, data), &Condition::absent())?);
        }
        let transaction = Transaction::of(Purpose::Item, actions);
        Ok(transact(&self.client, &self.table, transaction, response).await?)
    }

    /// An import, read consistently.
    pub async fn import(&self, vendor: VendorId, id: ImportId) -> Result<Option<ImportJob>, Error> {
        get(&self.client, &self.table, import_key(vendor, id), true).await?.as_ref().map(import_of).transpose()
    }

    /// An import with the row errors found so far, read consistently.
    pub async fn import_with_faults(
        &self,
        vendor: VendorId,
        id: ImportId,
    ) -> Result<Option<(ImportJob, Vec<ImportRowError>)>, Error> {
        let beside = begins_with(&self.table, partition_of(vendor), format!("IMPORT#{id}"));
        let (beside, apart) = tokio::try_join!(
            query_all(&self.client, beside),
            query_all(&self.client, Told::Faults.of(&self.table, id))
        )?;
        let (mut job, mut faults) = (None, Vec::new());
        for found in beside.iter().chain(&apart) {
            match text(found, "kind") {
                Some(IMPORT) => job = Some(import_of(found)?),
                Some(FAULTS) => {
                    faults.extend(readable(body::<Vec<ImportRowError>>(found, FAULTS), found)?.into_iter().flatten())
                }
                _ => {}
            }
        }
        Ok(job.map(|job| (job, faults)))
    }

    /// A vendor's imports, newest first. A page is one query, and one more for each import on it whose faults a release
    /// before 2026-11-30 stored beside it: the page goes on behind them.
    pub async fn imports_of(&self, vendor: VendorId, page: &PageRequest) -> Result<Slice<ImportJob>, Error> {
        let mut whole = Slice { items: Vec::new(), next: page.cursor.clone() };
        loop {
            let left = page.limit.saturating_sub(u16::try_from(whole.items.len()).unwrap_or(u16::MAX));
            // The sort key of an import's faults begins with that of the import and a mark, and sorts behind it. The
            // position of faults is the mark, so that the next page begins with the import itself.
            let position = |last: &Attributes| -> Option<String> {
                let of_import = text(last, "sk")?.strip_prefix("IMPORT#")?;
                Some(of_import.split_once('#').map_or(of_import.to_owned(), |(import, _)| format!("{import}#")))
            };
            let sort_key = |position: &String| key(partition_of(vendor), format!("IMPORT#{position}"));
            let list = List {
                query: QueryRequest {
                    newest_first: true,
                    consistent: false,
                    ..begins_with(&self.table, partition_of(vendor), "IMPORT#")
                },
                variant: "imports".to_owned(),
                position: &position,
                key: &sort_key,
            };
            let asked = PageRequest { limit: left, cursor: whole.next.take() };
            let of_kind = |found: &mut Attributes| match text(found, "kind") {
                Some(FAULTS) => Ok(None),
                _ => import_of(found).map(Some),
            };
            let found = list.page(&self.client, &asked, of_kind).await?;
            let had_faults = found.items.iter().any(Option::is_none);
            whole.items.extend(found.items.into_iter().flatten());
            whole.next = found.next;
            if whole.next.is_none() || !had_faults || whole.items.len() >= usize::from(page.limit) {
                return Ok(whole);
            }
        }
    }

    /// Hands over the products that an import has refused, one after the other: all of them may be many.
    pub async fn each_refused(&self, import: ImportId, mut take: impl FnMut(RefusedProduct)) -> Result<(), Error> {
        let mut request = Told::Refused.of(&self.table, import);
        loop {
            let page = query(&self.client, request.clone()).await?;
            for found in &page.items {
                let refused = readable(body::<Vec<RefusedProduct>>(found, REFUSED), found)?;
                refused.into_iter().flatten().for_each(&mut take);
            }
            match page.last {
                Some(last) => request.start = Some(last),
                None => return Ok(()),
            }
        }
    }

    /// Writes the progress of an import with the row errors and the refused products found since, if it is still at the
    /// version that was read: of two functions that work on it at the same time, one stops here.
    pub async fn save_import(
        &self,
        job: &ImportJob,
        faults: &[ImportRowError],
        refused: &[RefusedProduct],
    ) -> Result<ImportJob, Error> {
        let saved = ImportJob { version: job.version + 1, ..job.clone() };
        let at = import_key(job.vendor, job.id);
        let condition = change_condition(&saved, job.version)?;
        let mut told = Vec::new();
        if !faults.is_empty() {
            told.push((FAULTS, Told::Faults.item(job.id, saved.version, &fitting(faults)?)?));
        }
        if !refused.is_empty() {
            told.push((REFUSED, Told::Refused.item(job.id, saved.version, &fitting_refused(refused)?)?));
        }
        if told.is_empty() {
            update_one(&self.client, &self.table, at, CHANGE, &condition).await?;
            return Ok(saved);
        }
        let mut actions = vec![update(&self.table, at, CHANGE, &condition)?];
        for (kind, (key, data)) in told {
            // An update and not a put: the role of the function that works on files has the right to update items, not
            // to put them.
            let beginning = Condition::absent()
                .name("#kind", "kind")
                .name("#version", "version")
                .name("#data", "data")
                .value(":kind", string(kind))
                .value(":version", number(1))
                .value(":data", string(data));
            let change = "SET #kind = :kind, #version = :version, #data = :data";
            actions.push(update(&self.table, key, change, &beginning)?);
        }
        Transaction::of(Purpose::Item, actions).run(&self.client).await?;
        Ok(saved)
    }

    /// The export that the shop began last, read consistently.
    pub async fn began_last_export(&self, vendor: VendorId) -> Result<BeganLastExport, Error> {
        let Some(found) = get(&self.client, &self.table, last_export_key(vendor), true).await? else {
            return Ok(BeganLastExport { named: None, version: 0, job: None });
        };
        let named: Option<LastExport> = readable(read(&found), &found)?;
        let mut job = None;
        if let Some(named) = &named
            && let Some(found) = get(&self.client, &self.table, export_key(vendor, named.export), true).await?
        {
            job = readable(read(&found), &found)?;
        }
        Ok(BeganLastExport { named, version: version(&found), job })
    }

    /// Writes a new export, together with the response to the request for it, if the shop has begun none since.
    pub async fn add_export<R>(
        &self,
        job: &ExportJob,
        last: &BeganLastExport,
        response: Prepared<R>,
    ) -> Result<Outcome<R>, Error> {
        let kept = last.named.as_ref().map(|named| named.kept.clone()).unwrap_or_default();
        let named = LastExport { export: job.id, version: last.version + 1, kept };
        let new = write(export_key(job.vendor, job.id), 1, &ExportJob { version: 1, ..job.clone() })?;
        let naming = write(last_export_key(job.vendor), named.version, &named)?;
        let actions = vec![
            put(&self.table, new, &Condition::absent())?,
            put(&self.table, naming, &Condition::at_version(last.version))?,
        ];
        let transaction = Transaction::of(Purpose::Item, actions);
        Ok(transact(&self.client, &self.table, transaction, response).await?)
    }

    /// An export, read consistently.
    pub async fn export(&self, vendor: VendorId, id: ExportId) -> Result<Option<ExportJob>, Error> {
        get(&self.client, &self.table, export_key(vendor, id), true).await?.map(|found| read(&found)).transpose()
    }

    /// A vendor's exports, newest first.
    pub async fn exports_of(&self, vendor: VendorId, page: &PageRequest) -> Result<Slice<ExportJob>, Error> {
        let position = |last: &Attributes| text(last, "sk")?.strip_prefix("EXPORT#").map(str::to_owned);
        let sort_key = |position: &String| key(partition_of(vendor), format!("EXPORT#{position}"));
        let list = List {
            query: QueryRequest {
                newest_first: true,
                consistent: false,
                ..begins_with(&self.table, partition_of(vendor), "EXPORT#")
            },
            variant: "exports".to_owned(),
            position: &position,
            key: &sort_key,
        };
        list.page(&self.client, page, |found| read(found)).await
    }

    /// Writes the progress of an export, if it is still at the version that was read.
    pub async fn save_export(&self, job: &ExportJob) -> Result<ExportJob, Error> {
        let saved = ExportJob { version: job.version + 1, ..job.clone() };
        let condition = change_condition(&saved, job.version)?;
        update_one(&self.client, &self.table, export_key(job.vendor, job.id), CHANGE, &condition).await?;
        Ok(saved)
    }
}

fn import_of(found: &Attributes) -> Result<ImportJob, Error> {
    read(found)
}

#[cfg(test)]
mod tests {
    use domain::job::Severity;

    use super::*;

    #[test]
    fn what_a_step_tells_fits_into_an_item_and_names_every_refused_product() {
        let fault = |line: u64| ImportRowError {
            severity: Severity::Error,
            line,
            product: "ў".repeat(250),
            column: "к".repeat(250),
            value: "\u{1}".repeat(200),
            times: 1,
            code: "bad_price".to_owned(),
            detail: "is no price".to_owned(),
        };
        let faults: Vec<ImportRowError> = (0..1_000).map(fault).collect();
        let kept = fitting(&faults).unwrap();
        assert!(!kept.is_empty() && kept.len() < faults.len());
        assert!(serde_json::to_vec(&kept).unwrap().len() <= MAX_TOLD + 2);
        let of_row = |line: u64| RowFault { line, code: "bad_price".to_owned(), why: "x".repeat(2_000) };
        let product = |key: u64| RefusedProduct { key, faults: (0..10).map(of_row).collect() };
        let refused: Vec<RefusedProduct> = (0..24).map(product).collect();
        let kept = fitting_refused(&refused).unwrap();
        assert!(kept.iter().map(|product| product.key).eq(0..24));
        assert!(serde_json::to_vec(&kept).unwrap().len() <= MAX_TOLD + 24 * 40);
        assert_eq!((&kept[0], kept[23].faults.len(), kept[23].faults[0].why.len()), (&refused[0], 1, 0));
    }
}
