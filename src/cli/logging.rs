//! The log: `tracing` on standard error.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::cli::LogForm;

/// Starts the log, filtered by `SIGNET_LOG` (default `info`); a second call changes nothing.
pub fn start(form: LogForm) {
    let filter = EnvFilter::try_from_env("SIGNET_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // An error means that a log is running already.
    let _ = match form {
        LogForm::Text => log.with_ansi(false).try_init(),
        LogForm::Json => log.json().flatten_event(true).try_init(),
    };
}
