//! The command line: one file per verb. `up`, `init` and `serve` work on this machine; every other
//! verb asks a running server through its API.

use std::path::PathBuf;
use std::process;

use clap::builder::Resettable;
use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::clock::Clock;
use crate::error::{Error, Kind, Result};
use crate::random::Random;

pub mod audit;
pub mod backup;
pub mod ca;
pub mod campaign;
pub mod cert;
pub mod challenge;
pub mod check;
mod client;
pub mod completions;
mod csv;
mod demo;
pub mod device;
mod failure;
pub mod file;
pub mod health;
pub mod init;
mod input;
pub mod logging;
mod next_steps;
pub mod notice;
mod page;
pub mod phone;
pub mod profile;
mod progress;
pub mod request;
pub mod restore;
pub mod serve;
mod serving;
mod show;
pub mod store;
pub mod task;
pub mod token;
pub mod trust;
pub mod up;
pub mod version;
mod watch;

/// Signet: a private certificate authority for phones, gateways and servers.
#[derive(Debug, Parser)]
#[command(name = "signet", version, max_term_width = 100, subcommand_required = true)]
#[command(after_help = "Examples:\n  signet up --data ./signet --url http://pki.example.org:8080\n  \
    signet challenge create --data ./signet --profile scep-device \\\n      --subject CN=gw1.example.org\n  \
    signet cert list --data ./signet --output json")]
pub struct Cli {
    /// What holds for every verb.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
}

/// Arguments that every verb takes.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Global {
    /// The data folder: of the server itself, and where the client finds address, token and CA
    #[arg(long, global = true, env = "SIGNET_DATA", value_name = "DIR", help_heading = "Common options")]
    pub data: Option<PathBuf>,
    /// The server's address, as https://pki.example.org:8443 (instead of --data)
    #[arg(long, global = true, env = "SIGNET_SERVER", value_name = "URL", help_heading = "Common options")]
    pub server: Option<String>,
    /// A file that holds the API token (instead of DIR/admin.token)
    #[arg(
        long,
        global = true,
        env = "SIGNET_TOKEN_FILE",
        value_name = "FILE",
        help_heading = "Common options"
    )]
    pub token_file: Option<PathBuf>,
    /// A PEM file with the CA of the server's TLS certificate (instead of DIR/tls-ca.pem)
    #[arg(
        long = "ca",
        id = "trusted-ca",
        global = true,
        env = "SIGNET_CA",
        value_name = "FILE",
        help_heading = "Common options"
    )]
    pub ca: Option<PathBuf>,
    /// How results are written to standard output
    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "FORM",
        help_heading = "Common options"
    )]
    pub output: Output,
    /// How the log is written to standard error (filter: SIGNET_LOG, as info or signet=debug)
    #[arg(
        long,
        global = true,
        env = "SIGNET_LOG_FORMAT",
        value_enum,
        default_value_t,
        value_name = "FORM",
        help_heading = "Common options"
    )]
    pub log: LogForm,
}

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// Tables and sentences for people.
    #[default]
    Text,
    /// One JSON document for scripts.
    Json,
    /// Lists alone: a line for each thing (RFC 4180).
    Csv,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogForm {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Make a CA if there is none in the data folder, then serve it
    Up(up::Args),
    /// Make a CA: keys, hierarchies, profiles, admin token
    Init(init::Args),
    /// Serve the CA of a data folder
    Serve(serve::Args),
    /// One-time challenge passwords
    Challenge(challenge::Args),
    /// Certificates: issue, search, show, revoke
    Cert(cert::Args),
    /// Devices: the inventory, what is to be done with each, CSV in and out, reports
    Device(device::Args),
    /// Campaigns: the same operation for many devices, so many at a time
    Campaign(campaign::Args),
    /// Certificate authorities: list, chain, keys, CRLs
    Ca(ca::Args),
    /// Profiles: list, check, reload
    Profile(profile::Args),
    /// Requests that wait for an operator, or were refused
    Request(request::Args),
    /// API tokens
    Token(token::Args),
    /// Configuration files of phones: sign, encrypt, verify, open
    File(file::Args),
    /// Trust lists of phones: clusters, anchors, releases, the recovery signer
    Trust(trust::Args),
    /// Scheduled work: list, show, run now, cancel
    Task(task::Args),
    /// Simulate phones against a server
    Phone(phone::Args),
    /// Notices before certificates expire: list, channels, test
    Notice(notice::Args),
    /// The audit log: list, verify
    Audit(audit::Args),
    /// What the server says of itself: store, CAs, challenge sources
    Health(health::Args),
    /// Prove that indexes, chain and serials are consistent
    Check(check::Args),
    /// Back everything up into one encrypted file, and look through such a file
    Backup(backup::Args),
    /// Make a data folder from a backup
    Restore(restore::Args),
    /// The store itself: measure it
    Store(store::Args),
    /// Write a shell's completion script
    Completions(completions::Args),
    /// Print the version, of the server too if one is named
    Version(version::Args),
}

/// What a verb is given besides its own arguments.
#[derive(Clone, Debug)]
pub struct Context {
    /// The common arguments.
    pub global: Global,
    /// Time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
}

impl Context {
    /// The data folder. Errors: `usage` without one.
    pub fn data(&self) -> Result<PathBuf> {
        self.global.data.clone().ok_or_else(|| {
            usage("name the data folder: --data DIR (or SIGNET_DATA), as --data /var/lib/signet")
        })
    }

    /// Whether results are JSON.
    pub fn is_json(&self) -> bool {
        self.global.output == Output::Json
    }
}

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// 0: done.
    Done,
    /// 1: refused or failed.
    Failed,
    /// 2: the command cannot be understood as it stands.
    Usage,
    /// 3: the server was not reached.
    Unreachable,
}

impl ExitCode {
    /// The code that an error ends the program with.
    pub fn of(error: &Error) -> Self {
        if error.code() == USAGE {
            return Self::Usage;
        }
        match error.kind() {
            Kind::Unreachable => Self::Unreachable,
            Kind::Malformed
            | Kind::Invalid
            | Kind::Unauthenticated
            | Kind::Forbidden
            | Kind::NotFound
            | Kind::Conflict
            | Kind::Throttled
            | Kind::TooLarge
            | Kind::Busy
            | Kind::Storage
            | Kind::Internal => Self::Failed,
        }
    }
}

impl From<ExitCode> for process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

const USAGE: &str = "usage";

/// A command that cannot be understood as it stands: exit code 2.
pub fn usage(detail: impl Into<String>) -> Error {
    Error::malformed(USAGE, detail)
}

/// Reads the arguments and runs the verb; a failure is one sentence on standard error.
pub fn main() -> process::ExitCode {
    let matches = without_empty_variables(Cli::command()).get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|e| e.exit());
    logging::start(cli.global.log);
    let output = cli.global.output;
    if output == Output::Csv && !has_rows(&matches) {
        return report(&usage("--output csv is for lists; here: text or json"), output).into();
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return report(&Error::internal("cannot start the runtime").because(e), output).into(),
    };
    let context = Context { global: cli.global, clock: Clock::system(), random: Random::system() };
    let code = runtime.block_on(run(cli.verb, &context)).unwrap_or_else(|e| report(&e, output));
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    code.into()
}

/// Whether the verb's result is a list: only that has lines for CSV.
fn has_rows(matches: &ArgMatches) -> bool {
    match matches.subcommand() {
        // `trust list` is no list: it has verbs of its own, of which one shows rows.
        Some(("list", inner)) if inner.subcommand().is_some() => inner.subcommand_name() == Some("parse"),
        Some(("list" | "bulk" | "due" | "history" | "devices", _)) => true,
        Some(("device", inner)) if inner.subcommand_name() == Some("report") => true,
        Some(("cert", inner)) if inner.subcommand_name() == Some("revoke") => true,
        Some((_, inner)) => has_rows(inner),
        None => false,
    }
}

/// An environment variable that is set and empty counts as not set.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| {
        arg.get_env().is_some_and(|name| std::env::var_os(name).is_some_and(|value| value.is_empty()))
    };
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::Reset) } else { arg })
        .mut_subcommands(without_empty_variables)
}

async fn run(verb: Verb, context: &Context) -> Result<ExitCode> {
    match verb {
        Verb::Up(args) => up::run(args, context).await,
        Verb::Init(args) => init::run(args, context).await,
        Verb::Serve(args) => serve::run(args, context).await,
        Verb::Challenge(args) => challenge::run(args, context).await,
        Verb::Cert(args) => cert::run(args, context).await,
        Verb::Device(args) => device::run(args, context).await,
        Verb::Campaign(args) => campaign::run(args, context).await,
        Verb::Ca(args) => ca::run(args, context).await,
        Verb::Profile(args) => profile::run(args, context).await,
        Verb::Request(args) => request::run(args, context).await,
        Verb::Token(args) => token::run(args, context).await,
        Verb::File(args) => file::run(args, context).await,
        Verb::Trust(args) => trust::run(args, context).await,
        Verb::Task(args) => task::run(args, context).await,
        Verb::Phone(args) => phone::run(args, context).await,
        Verb::Notice(args) => notice::run(args, context).await,
        Verb::Audit(args) => audit::run(args, context).await,
        Verb::Health(args) => health::run(args, context).await,
        Verb::Check(args) => check::run(args, context).await,
        Verb::Backup(args) => backup::run(args, context).await,
        Verb::Restore(args) => restore::run(args, context).await,
        Verb::Store(args) => store::run(args, context).await,
        Verb::Completions(args) => completions::run(args, context).await,
        Verb::Version(args) => version::run(args, context).await,
    }
}

fn report(error: &Error, output: Output) -> ExitCode {
    match output {
        Output::Text | Output::Csv => eprintln!("signet: {}", failure::sentence(error)),
        Output::Json => eprintln!("{}", failure::document(error)),
    }
    ExitCode::of(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    /// Every subcommand, under its whole name.
    fn all(command: clap::Command, path: &str, found: &mut Vec<(String, clap::Command)>) {
        let name = format!("{path} {}", command.get_name());
        command.get_subcommands().for_each(|inner| all(inner.clone(), &name, found));
        found.push((name, command));
    }

    #[test]
    fn every_help_has_an_example_that_can_be_copied() {
        let mut commands = Vec::new();
        all(Cli::command(), "", &mut commands);
        for (name, command) in commands {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.starts_with("Example"), "{name} shows no example");
            let wrapped: Vec<_> = help.lines().filter(|line| line.chars().count() > 79).collect();
            assert!(wrapped.is_empty(), "{name}: wrapped on a terminal of 80 columns: {wrapped:#?}");
        }
    }

    #[test]
    fn what_names_a_resource_is_checked_before_it_becomes_a_path() {
        for bad in [
            &["cert", "revoke", "../profiles/reload?x="][..],
            &["cert", "show", "12/34"],
            &["cert", "download", "%2e%2e"],
            &["ca", "show", "../certificates"],
            &["ca", "remove-key", "rsa-root?", "--yes"],
            &["profile", "show", "a/b"],
            &["request", "approve", "../x"],
            &["challenge", "withdraw", "1"],
            &["challenge", "create", "--profile", "p", "--subject", "CN=x", "--ttl", "-1h"],
            &["token", "revoke", ""],
            &["cert", "list", "--expires-before", "tomorrow"],
            &["trust", "cluster", "show", "../clusters"],
            &["trust", "anchor", "show", "hq", "../../x"],
            &["trust", "release", "show", "hq", "itl", "x/1"],
        ] {
            let error = Cli::try_parse_from([&["signet"], bad].concat()).unwrap_err();
            assert_eq!((error.exit_code(), error.kind()), (2, clap::error::ErrorKind::ValueValidation));
        }
    }

    #[test]
    fn exit_codes_follow_the_kind_of_failure() {
        assert_eq!(ExitCode::of(&usage("x")), ExitCode::Usage);
        assert_eq!(ExitCode::of(&Error::invalid("x", "x")), ExitCode::Failed);
        assert_eq!(ExitCode::of(&Error::new(Kind::Unreachable, "x", "x")), ExitCode::Unreachable);
    }
}
