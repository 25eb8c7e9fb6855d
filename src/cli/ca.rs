//! `signet ca`: certificate authorities.

use crate::cli::{Context, ExitCode};
use crate::error::{Error, Result};

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Runs the verb.
pub async fn run(_args: Args, _context: &Context) -> Result<ExitCode> {
    Err(Error::internal("not there yet"))
}
