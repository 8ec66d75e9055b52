//! Rules of jobs.

use super::*;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds * 1_000)
}

#[test]
fn a_job_is_worked_on_by_one_message_at_a_time() {
    let lease = Lease::new("first", at(0));
    let running = |message, now| claim(JobState::Running, Some(&lease), message, now);
    assert_eq!(claim(JobState::Waiting, None, "first", at(0)), Claim::Granted);
    assert_eq!(running("first", at(64)), Claim::Later);
    assert_eq!(running("second", at(64)), Claim::Obsolete);
    assert_eq!(running("first", at(65)), Claim::Granted);
    assert_eq!(running("second", at(65)), Claim::Granted);
    assert_eq!(claim(JobState::Completed, None, "first", at(0)), Claim::Obsolete);
    assert_eq!(claim(JobState::Failed, Some(&lease), "first", at(900)), Claim::Obsolete);
}

#[test]
fn a_job_is_abandoned_when_it_has_long_given_no_sign_of_life() {
    let lease = Lease::new("first", at(1_000));
    let abandoned = |state, lease: Option<&Lease>, now| is_abandoned(state, lease, at(0), at(now));
    assert!(!abandoned(JobState::Waiting, None, 3_599));
    assert!(abandoned(JobState::Waiting, None, 3_600));
    assert!(!abandoned(JobState::Running, Some(&lease), 4_664));
    assert!(abandoned(JobState::Running, Some(&lease), 4_665));
    for over in [JobState::Completed, JobState::Failed] {
        assert!(!abandoned(over, None, 1_000_000), "{over:?}");
    }
}

#[test]
fn an_import_at_work_for_hours_is_not_abandoned_between_two_slices() {
    let begun = ImportJob::new(ImportId::from_bits(5), VendorId::from_bits(4), Currency::USD, at(0));
    let state = JobState::Running;
    let at_work = ImportJob { state, worked: Some((at(10), at(9_000))), ..begun };
    assert!(!at_work.is_abandoned(at(9_060)), "it waits for its next slice");
    assert!(!at_work.is_abandoned(at(12_599)));
    assert!(at_work.is_abandoned(at(12_600)), "its message is lost");
}

#[test]
fn only_an_import_that_has_no_file_and_gets_none_by_its_request_may_lack_it() {
    let announced = ImportJob::new(ImportId::from_bits(5), VendorId::from_bits(4), Currency::USD, at(0));
    let inline = ImportJob { is_inline: true, ..announced.clone() };
    assert!(announced.may_lack_file(at(0)));
    assert!(!inline.may_lack_file(at(34)), "the request may still put it");
    assert!(inline.may_lack_file(at(35)));
    for state in [JobState::Running, JobState::Completed, JobState::Failed] {
        assert!(!ImportJob { state, ..inline.clone() }.may_lack_file(at(99)), "{state:?}");
    }
}

#[test]
fn the_fault_that_ends_an_import_is_stored_however_full_its_report_is() {
    let mut job = ImportJob::new(ImportId::from_bits(5), VendorId::from_bits(4), Currency::USD, at(0));
    job.counts.errors = MAX_ROW_ERRORS;
    let report = job.fail(ImportRowError::of_file(ImportFault::FileMissing, "gone"), at(9));
    assert_eq!((report.len(), job.state, job.finished_at), (1, JobState::Failed, Some(at(9))));
    assert_eq!(job.counts.errors, MAX_ROW_ERRORS + 1);
}

#[test]
fn an_object_key_names_its_import() {
    let (vendor, id) = (VendorId::from_bits(4), ImportId::from_bits(5));
    let key = import_key(vendor, id);
    assert_eq!(import_of(&key), Some((vendor, id)));
    let refused = ImportJob::new(id, vendor, Currency::USD, at(0)).refused_key();
    assert_eq!(import_of(&refused), None, "the file of refused rows is not imported by itself");
    for bad in
        [format!("x{key}"), format!("{key}.bak"), "imports/a/b.csv".to_owned(), key.replace("imports", "exports")]
    {
        assert_eq!(import_of(&bad), None, "{bad}");
    }
}

#[test]
fn the_pace_of_an_import_is_that_of_its_rows_so_far() {
    let new = ImportJob::new(ImportId::from_bits(1), VendorId::from_bits(1), Currency::USD, at(0));
    assert_eq!(new.pace(), None);
    let position = FilePosition { rows: 250, ..FilePosition::default() };
    let state = JobState::Running;
    let running = ImportJob { rows: Some(1_000), worked: Some((at(10), at(60))), position, state, ..new };
    assert_eq!(running.pace(), Some((300, 150)));
    assert_eq!(ImportJob { worked: Some((at(10), at(10))), ..running.clone() }.pace(), None);
    assert_eq!(ImportJob { state: JobState::Completed, ..running }.pace(), None);
}

#[test]
fn row_errors_are_stored_up_to_a_bound_and_then_only_counted() {
    let counts = ImportCounts { errors: MAX_ROW_ERRORS - 1, ..ImportCounts::default() };
    let new = ImportJob::new(ImportId::from_bits(1), VendorId::from_bits(1), Currency::USD, at(0));
    let mut job = ImportJob { counts, ..new };
    let error = ImportRowError::of_file(ImportFault::Conflict, "");
    let warning = ImportRowError { severity: Severity::Warning, ..error.clone() };
    let counts = ImportCounts { errors: 2, ..ImportCounts::default() };
    assert_eq!(job.advance(FilePosition::default(), counts, vec![error.clone(), error.clone()]).len(), 1);
    assert!(job.advance(FilePosition::default(), counts, vec![error.clone(), error]).is_empty());
    assert_eq!(job.counts.errors, MAX_ROW_ERRORS + 3);
    let warned = ImportCounts { warnings: 2, ..ImportCounts::default() };
    assert_eq!(job.advance(FilePosition::default(), warned, vec![warning.clone(), warning]).len(), 2);
}
