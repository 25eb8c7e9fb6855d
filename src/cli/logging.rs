//! The log: `tracing` on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::cli::LogForm;

/// Starts the log, filtered by `SIGNET_LOG` (default `info`); a second call changes nothing.
pub fn start(form: LogForm) {
    let filter = std::env::var("SIGNET_LOG").ok().filter(|text| !text.trim().is_empty());
    let filter = filter.and_then(|text| EnvFilter::try_new(text).ok());
    let filter = filter.unwrap_or_else(|| EnvFilter::new("info"));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // An error means that a log is running already.
    let _ = match form {
        LogForm::Text => log.with_ansi(false).try_init(),
        LogForm::Json => log.json().flatten_event(true).try_init(),
    };
}
