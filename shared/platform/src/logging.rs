//! The log: JSON lines on standard output, where Lambda collects them.

use std::str::FromStr;

use tracing_subscriber::filter::LevelFilter;

use crate::fatal::Fatal;

/// Starts the log. A second start in one process changes nothing.
pub(crate) fn start(level: Option<&str>) -> Result<(), Fatal> {
    let level = match level.filter(|level| !level.is_empty()) {
        None => LevelFilter::INFO,
        Some(named) => {
            LevelFilter::from_str(named).map_err(|_| Fatal::new(format!("LOG_LEVEL is no level: {named}")))?
        }
    };
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
    Ok(())
}
