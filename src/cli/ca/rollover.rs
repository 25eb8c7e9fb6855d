//! `signet ca rollover`: the CA that follows another.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::exported;
use crate::cli::{Context, client, input, show};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::CaId;

/// Shown under `--help`.
pub const EXAMPLES: &str = "Examples:\n  signet ca rollover prepare rsa-issuing\n  \
    signet ca rollover activate rsa-issuing --at 2027-01-01T03:00:00Z";

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make the next CA: same subject, new key; announced from now on, it issues after its turn
    #[command(after_help = "Examples:\n  signet ca rollover prepare rsa-issuing --algorithm rsa-3072\n  \
        signet ca rollover prepare rsa-root --parent-key rsa-root.key")]
    Prepare(Prepare),
    /// Let the next CA take over: now, or at a date
    #[command(after_help = "Example:\n  signet ca rollover activate rsa-issuing --at 2027-01-01T03:00:00Z")]
    Activate {
        /// The CA, or the one that follows it
        id: CaId,
        /// When, as 2027-01-01T03:00:00Z; without it: now
        #[arg(long, value_name = "TIME", value_parser = input::time)]
        at: Option<Timestamp>,
    },
    /// Call it off: the next CA is announced no longer and never takes over
    #[command(after_help = "Example:\n  signet ca rollover cancel rsa-issuing")]
    Cancel {
        /// The CA, or the one that was to follow it
        id: CaId,
    },
}

#[derive(Debug, clap::Args)]
struct Prepare {
    /// The CA that is to be followed
    id: CaId,
    /// The next one's key: rsa-2048 … p-521; without it: as before
    #[arg(long, value_name = "KEY")]
    algorithm: Option<String>,
    /// Our CA that signs it; without it: the parent before, or who followed that
    #[arg(long)]
    parent: Option<CaId>,
    /// How many days it lives; without it: 20 years for a root, 10 for an issuing CA
    #[arg(long, value_name = "DAYS")]
    validity_days: Option<u32>,
    /// The exported key that signs it (the parent's, or the root's own), if it was removed
    #[arg(long, value_name = "FILE")]
    parent_key: Option<PathBuf>,
    /// The first line is that key's passphrase; without it: asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<()> {
    let api = client::connect(context)?;
    match args.verb {
        Verb::Prepare(prepare) => {
            let (path, body) = (format!("/cas/{}/rollover", prepare.id), prepare.body()?);
            let next = api.post(&path, &body).await?.json()?;
            let id = text(&next["id"]);
            shown(context, next)?;
            eprintln!(
                "announced; when the clients know it, let it take over:\n  signet ca rollover activate {id} [--at TIME]"
            );
        }
        Verb::Activate { id, at } => {
            let body = at.map_or_else(|| json!({}), |at| json!({"at": at.to_string()}));
            shown(context, api.post(&format!("/cas/{id}/rollover/activation"), &body).await?.json()?)?;
        }
        Verb::Cancel { id } => {
            let off = api.delete(&format!("/cas/{id}/rollover")).await?.json()?;
            let name = text(&off["id"]);
            show::done(context, &off, &format!("{name} was called off: it never takes over"))?;
        }
    }
    Ok(())
}

/// A CA for people: what is said of its rollover stands in lines of its own, cross-certificates last.
pub fn for_people(context: &Context, mut ca: Value) -> Value {
    if !context.is_json()
        && let Some(mut rollover) = ca.as_object_mut().and_then(|ca| ca.remove("rollover"))
    {
        let crosses = rollover["cross_certificates"].take();
        for (name, value) in rollover.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null())
        {
            let name = if name == "summary" { "rollover".to_owned() } else { format!("rollover_{name}") };
            ca[name] = value.clone();
        }
        for (number, cross) in crosses.as_array().into_iter().flatten().enumerate() {
            let title = format!("{} certified by {}", text(&cross["subject"]), text(&cross["issuer"]));
            ca[format!("cross_certificate_{}", number + 1)] =
                format!("{title}: {}", text(&cross["url"])).into();
            ca[format!("cross_certificate_{}_pem", number + 1)] =
                format!("# {title}\n{}", cross["pem"].as_str().unwrap_or_default()).into();
        }
    }
    ca
}

fn shown(context: &Context, ca: Value) -> Result<()> {
    show::object(context, &for_people(context, ca))
}

fn text(value: &Value) -> String {
    show::text(value)
}

impl Prepare {
    fn body(self) -> Result<Value> {
        let mut body = json!({});
        let optional = [
            ("algorithm", self.algorithm.map(Value::from)),
            ("parent", self.parent.map(|id| id.as_str().into())),
            ("validity_days", self.validity_days.map(Value::from)),
        ];
        for (name, value) in optional {
            if let Some(value) = value {
                body[name] = value;
            }
        }
        if let Some((pem, passphrase)) =
            exported(self.parent_key.as_deref(), self.passphrase_file.as_deref())?
        {
            body["parent_key_pem"] = pem.into();
            body["parent_key_passphrase"] = passphrase.into();
        }
        Ok(body)
    }
}
