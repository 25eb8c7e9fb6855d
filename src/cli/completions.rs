//! `signet completions`: a shell's completion script.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::{Cli, Context, ExitCode};
use crate::error::Result;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet completions bash > /etc/bash_completion.d/signet")]
pub struct Args {
    /// The shell
    shell: Shell,
}

/// Runs the verb.
pub async fn run(args: Args, _context: &Context) -> Result<ExitCode> {
    clap_complete::generate(args.shell, &mut Cli::command(), "signet", &mut std::io::stdout());
    Ok(ExitCode::Done)
}
