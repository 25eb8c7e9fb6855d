//! `signet token`: API tokens.

use clap::Subcommand;
use serde_json::json;

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::Result;
use crate::id::RecordId;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet token create --name ci --role operator --ttl 30d")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a token; it alone goes to standard output, once
    #[command(
        after_help = "Example:\n  umask 077\n  signet token create --name ci --role operator --ttl 30d > ci.token"
    )]
    Create {
        /// Its name, as it stands in the audit log
        #[arg(long)]
        name: String,
        /// Its role: see policies/roles.toml
        #[arg(long)]
        role: String,
        /// How long it lives: 1h, 30d
        #[arg(long, default_value = "90d", allow_hyphen_values = true, value_parser = input::duration)]
        ttl: String,
    },
    /// List tokens; a secret is never shown again
    #[command(after_help = "Example:\n  signet token list")]
    List {
        /// Only of this role
        #[arg(long)]
        role: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Make a new administrator's token where none is left; needs the data folder and its server stopped
    #[command(after_help = "Example:\n  signet token recover --data /var/lib/signet\n\n\
        The token goes to DIR/admin.token (0600) and stands in the audit log. The\n\
        old ones still work: signet token list, then signet token revoke ID.")]
    Recover,
    /// Revoke a token: it ends at once
    #[command(after_help = "Example:\n  signet token revoke 0199f2c4-7b1c-7cc3-98c4-dc0c0c07398f")]
    Revoke {
        /// Its identifier, from the list
        id: RecordId,
    },
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Create { name, role, ttl } => {
            let body = json!({"name": name, "role": role, "ttl": ttl});
            let made = client::connect(context)?.post("/tokens", &body).await?.json()?;
            if context.is_json() {
                show::json(&made)?;
            } else {
                println!("{}", made["token"].as_str().unwrap_or_default());
            }
            Ok(ExitCode::Done)
        }
        Verb::List { role, paging } => {
            page::print(context, ("/tokens", page::given(vec![("role", role)])), &paging, COLUMNS).await
        }
        Verb::Recover => recover(context).await,
        Verb::Revoke { id } => {
            client::connect(context)?.delete(&format!("/tokens/{id}")).await?;
            let revoked = json!({"id": id.to_string(), "state": "revoked"});
            show::done(context, &revoked, &format!("revoked the token {id}"))?;
            Ok(ExitCode::Done)
        }
    }
}

async fn recover(context: &Context) -> Result<ExitCode> {
    let data = context.data()?;
    let record = crate::server::offline::recover_token(&data, &context.clock, &context.random).await?;
    let file = data.join("admin.token").display().to_string();
    let answer = json!({"id": record.id.to_string(), "name": record.name, "file": file});
    show::done(context, &answer, &format!("a new administrator's token, {}, is in {file}", record.name))?;
    Ok(ExitCode::Done)
}

const COLUMNS: &[show::Column] =
    &[("ID", "id"), ("NAME", "name"), ("ROLE", "role"), ("STATE", "state"), ("EXPIRES", "expires")];
