//! The log: JSON lines on standard output, where Lambda collects them.

use tracing_subscriber::filter::LevelFilter;

/// Starts the log. A second start in one process changes nothing.
pub(crate) fn start(level: LevelFilter) {
    // A plain maximum level instead of directives, which would link a regular expression engine. No time: Lambda adds
    // it.
    let started = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .without_time()
        .with_ansi(false)
        .with_max_level(level)
        .finish();
    // An error means that a log was started already: the first one stays.
    let _ = tracing::subscriber::set_global_default(started);
}
