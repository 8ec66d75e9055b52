//! The file of refused rows: once all rows were worked on, the file is read again, and the rows of refused products are
//! copied, wherever they stand.

use std::collections::HashMap;

use domain::job::{ImportJob, JobState, RefusedFile, RefusedProduct};
use pages::Language;
use platform::Slice;
use product_file::{Copied, RowCopier};
use store::Accounts;

use crate::App;
use crate::files::{FilesError, PART};
use crate::import::{SliceError, language_of};
use crate::text::Text;
use crate::work::{Delivery, Progress};

/// The filename in `Content-Disposition`.
const FILENAME: &str = "refused-rows.csv";
/// What is said in English beside rows of a refused product that have no fault themselves.
const OTHER_ROW: &str = "see the other rows of the product";
/// The most bytes of different reasons that are held: others are shown by their codes, of which there are few.
const REASONS_LIMIT: usize = 4 * 1024 * 1024;

/// Why rows were refused. Most reasons occur often, so each is held once.
#[derive(Debug, Default)]
struct Reasons {
    texts: Vec<String>,
    /// Key of the product, line, index of the text; sorted.
    faults: Vec<(u64, u32, u32)>,
    /// The language of the vendor, which the texts are in already.
    language: Language,
}

fn short(line: u64) -> u32 {
    u32::try_from(line).unwrap_or(u32::MAX)
}

impl Reasons {
    async fn read(accounts: &Accounts, job: &ImportJob) -> Result<Self, store::Error> {
        let language = accounts.vendor(job.vendor).await?.as_ref().map(language_of).unwrap_or_default();
        let (mut reasons, mut known, mut held) = (Self { language, ..Self::default() }, HashMap::new(), 0);
        accounts.each_refused(job.id, |refused| reasons.add(refused, &mut known, &mut held)).await?;
        reasons.faults.sort_unstable();
        // A batch that was repeated, or parts of a product that stand apart, may say the same twice.
        reasons.faults.dedup();
        Ok(reasons)
    }

    fn add(&mut self, refused: RefusedProduct, known: &mut HashMap<String, u32>, held: &mut usize) {
        for fault in refused.faults {
            let mut text = format!("{}: {}", fault.code, fault.why);
            if *held > REASONS_LIMIT && !known.contains_key(&text) {
                text = fault.code;
            }
            let index = *known.entry(text).or_insert_with_key(|text| {
                *held += text.len();
                self.texts.push(text.clone());
                u32::try_from(self.texts.len() - 1).unwrap_or(u32::MAX)
            });
            self.faults.push((refused.key, short(fault.line), index));
        }
    }

    /// What is said beside a row; nothing when its product was not refused.
    fn of(&self, key: u64, line: u64) -> Option<String> {
        let line = short(line);
        let from = self.faults.partition_point(|fault| fault.0 < key);
        let of_product = self.faults.get(from..)?.iter().take_while(|fault| fault.0 == key);
        let mut is_refused = false;
        let of_row = of_product.inspect(|_| is_refused = true).filter(|fault| fault.1 == line);
        let texts: Vec<&str> =
            of_row.filter_map(|fault| self.texts.get(usize::try_from(fault.2).ok()?)).map(String::as_str).collect();
        match (is_refused, texts.is_empty()) {
            (false, _) => None,
            (true, true) => Some(other_row(self.language)),
            (true, false) => Some(texts.join("; ")),
        }
    }
}

/// What is said beside rows of a refused product that have no fault themselves. As each reason, it begins with one of
/// `a` to `z`, by which a row with an open quote ends before it.
fn other_row(language: Language) -> String {
    pages::other_row(language).map_or_else(|| OTHER_ROW.to_owned(), |said| format!("other_row: {said}"))
}

impl App {
    /// Writes the file of refused rows and completes the import, a part of the file in each step. The parts that were
    /// stored stay; what was copied behind them is copied again after an interruption.
    pub(crate) async fn write_refused_rows(
        &self,
        job: &mut ImportJob,
        delivery: Delivery<'_>,
        slice: &Slice,
    ) -> Result<Progress, SliceError> {
        let reasons = Reasons::read(&self.accounts, job).await?;
        let (from, to) = (job.key(), job.refused_key());
        let mut text = Text::new(self.files.download(&from, job.tag.clone()), job.encoding.as_deref())?;
        let mut ahead = job.refused_file.clone().unwrap_or_default();
        let mut copier = RowCopier::resume(ahead.rows).mapped(job.mapping.clone());
        loop {
            let mut bytes = Vec::new();
            let ended = loop {
                match copier.copy_row(|key, line| reasons.of(key, line), &mut bytes)? {
                    Copied::Row if bytes.len() >= PART => break false,
                    Copied::Row => {}
                    Copied::End => break true,
                    Copied::NeedsMore => match text.next().await? {
                        Some(chunk) => copier.feed(&chunk),
                        None => copier.end(),
                    },
                }
            };
            let written =
                self.files.write_part((&to, FILENAME), (&mut ahead.upload, &mut ahead.parts), bytes, ended).await;
            if let Err(error) = written {
                if matches!(error, FilesError::Missing) {
                    // As with an export: the upload was completed or aborted, and the job could not be saved.
                    job.refused_file = Some(RefusedFile::default());
                    *job = self.accounts.save_import(job, &[], &[]).await?;
                }
                return Err(SliceError::Transient(error.into()));
            }
            ahead.rows = copier.rows();
            ahead.is_complete = ended;
            job.refused_file = Some(ahead.clone());
            if ended {
                job.finish(JobState::Completed, delivery.now + slice.elapsed());
            }
            *job = self.accounts.save_import(job, &[], &[]).await?;
            if ended {
                return Ok(Progress::Done);
            }
            if slice.is_over() {
                return Ok(Progress::More);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::job::RowFault;

    use super::*;

    fn refused(key: u64, faults: &[(u64, &str, &str)]) -> RefusedProduct {
        let fault =
            |(line, code, why): &(u64, &str, &str)| RowFault { line: *line, code: (*code).into(), why: (*why).into() };
        RefusedProduct { key, faults: faults.iter().map(fault).collect() }
    }

    fn reasons(all: Vec<RefusedProduct>, mut held: usize) -> Reasons {
        let (mut reasons, mut known) = (Reasons::default(), HashMap::new());
        all.into_iter().for_each(|one| reasons.add(one, &mut known, &mut held));
        reasons.faults.sort_unstable();
        reasons
    }

    #[test]
    fn the_faulty_row_has_its_reasons_and_the_others_of_its_product_say_that_they_belong_to_it() {
        let price = (3, "bad_price", "Variant Price: no price");
        let all = vec![refused(9, &[price, (3, "bad_handle", "too long")]), refused(7, &[price]), refused(9, &[price])];
        let reasons = reasons(all, 0);
        assert_eq!(reasons.texts.len(), 2, "each text is held once");
        assert_eq!(reasons.of(7, 3).as_deref(), Some("bad_price: Variant Price: no price"));
        assert_eq!(reasons.of(9, 4).as_deref(), Some(OTHER_ROW));
        assert!(reasons.of(9, 3).is_some_and(|both| both.contains("bad_price") && both.contains("bad_handle")));
        assert_eq!((reasons.of(8, 3), reasons.of(10, 3), reasons.of(0, 0)), (None, None, None));
    }

    #[test]
    fn reasons_that_all_differ_are_held_up_to_a_limit() {
        let all = (0..100).map(|key| refused(key, &[(1, "unknown_variant", &format!("variant {key}"))])).collect();
        let reasons = reasons(all, REASONS_LIMIT + 1);
        assert_eq!(reasons.texts, ["unknown_variant"]);
        assert_eq!(reasons.of(99, 1).as_deref(), Some("unknown_variant"));
    }
}
