//! `signet ca`: certificate authorities.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::keys::Place;
use crate::keys::token::parse_object;

mod import;
mod revoke;
mod rollover;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet ca list")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List the CAs, issuing first
    #[command(after_help = "Example:\n  signet ca list")]
    List,
    /// Show one CA with its certificate
    #[command(after_help = "Example:\n  signet ca show rsa-issuing")]
    Show {
        /// Its name
        id: CaId,
    },
    /// Write a CA's chain as PEM: itself first, the root last; without a name: of every issuing CA
    #[command(after_help = "Example:\n  signet ca chain ec-issuing > chain.pem")]
    Chain {
        /// Its name
        id: Option<CaId>,
    },
    /// Make a CA: a root, an issuing CA under one, or one for an external root to sign
    #[command(after_help = "Examples:\n  signet ca create voice --parent rsa-root --key rsa-3072\n  \
        signet ca create corp-voice --external --key p-384 > corp-voice.csr\n  \
        signet ca create new-root --root --key rsa-4096\n  \
        signet ca create vault-voice --parent rsa-root --key-store pkcs11")]
    Create(Box<Create>),
    /// Bring in a CA that another program ran, with what it issued and what it revoked
    #[command(after_help = import::EXAMPLES)]
    Import(Box<import::Args>),
    /// Prepare a CA's successor, let it take over, or call it off
    #[command(after_help = rollover::EXAMPLES)]
    Rollover(rollover::Args),
    /// Bring in the chain with which an external root answered a CA's request
    #[command(after_help = "Example:\n  signet ca certificate corp-voice --chain signed-chain.pem")]
    Certificate {
        /// Its name
        id: CaId,
        /// The CA's new certificate and those above it, PEM
        #[arg(long, value_name = "FILE")]
        chain: PathBuf,
    },
    /// Set how a CA makes its CRLs: how many, for how long, with or without deltas
    #[command(after_help = "Examples:\n  signet ca set rsa-issuing --crl-shards 16\n  \
        signet ca set ec-issuing --crl-window-hours 72 --crl-delta-hours 4")]
    Set(Set),
    /// Make and publish a CA's next CRL now; a root whose key was removed needs the exported key
    #[command(
        visible_alias = "publish-crl",
        after_help = "Example:\n  signet ca sign-crl rsa-root --key rsa-root.key \\\n      --passphrase-file pass"
    )]
    SignCrl(SignCrl),
    /// Revoke a CA: nothing is issued by it any more
    #[command(after_help = revoke::EXAMPLES)]
    Revoke(Box<revoke::Args>),
    /// Export a CA's key, encrypted under a passphrase (PKCS#8), as for a safe
    #[command(after_help = "Example:\n  signet ca export-key rsa-root --out rsa-root.key")]
    ExportKey(ExportKey),
    /// Remove a CA's key from this server; export it first
    #[command(after_help = "Example:\n  signet ca remove-key rsa-root --yes")]
    RemoveKey {
        /// Its name
        id: CaId,
        /// Yes, it was exported and is not needed here
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Its name, as it stands in URLs
    id: CaId,
    /// A root, signed by itself
    #[arg(long, conflicts_with_all = ["parent", "external"])]
    root: bool,
    /// Our CA that signs it
    #[arg(long, conflicts_with = "external")]
    parent: Option<CaId>,
    /// An external root signs it: its request goes to standard output
    #[arg(long)]
    external: bool,
    /// It may present its own certificate in TLS handshakes, as the CA that phones know by CAPF
    #[arg(long, conflicts_with_all = ["root", "external"])]
    serves_tls: bool,
    /// Its key: rsa-2048, rsa-3072, rsa-4096, p-256, p-384, p-521
    #[arg(long, value_name = "KEY", default_value = "p-384")]
    key: String,
    /// Its subject; without it: CN=Signet NAME
    #[arg(long, value_name = "DN")]
    subject: Option<String>,
    /// Where its key is made: software, or pkcs11 (the token that the server's settings name)
    #[arg(long, value_name = "WHERE", default_value_t)]
    key_store: Place,
    /// A key pair that stands in the token already, by its CKA_ID (hexadecimal), instead of a new one
    #[arg(long, value_name = "CKA_ID", value_parser = pkcs11_id)]
    pkcs11_id: Option<String>,
    /// How many days it lives; without it: 20 years for a root, 10 for an issuing CA
    #[arg(long, value_name = "DAYS")]
    validity_days: Option<u32>,
    /// The parent's exported key, if it was removed from the server
    #[arg(long, value_name = "FILE")]
    parent_key: Option<PathBuf>,
    /// The first line is that key's passphrase; without it: asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct Set {
    /// The CA
    id: CaId,
    /// Over how many CRLs the certificates issued from now on are spread: 1 to 4096
    #[arg(long, value_name = "N")]
    crl_shards: Option<u32>,
    /// How many hours a complete CRL is good for; the next comes at half of that
    #[arg(long, value_name = "HOURS")]
    crl_window_hours: Option<u64>,
    /// How many hours a delta CRL is good for; 0: there are none
    #[arg(long, value_name = "HOURS")]
    crl_delta_hours: Option<u64>,
}

#[derive(Debug, clap::Args)]
struct SignCrl {
    /// The CA
    id: CaId,
    /// Its exported key, if it was removed from the server
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The first line is the key's passphrase; without it: asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct ExportKey {
    /// The CA
    id: CaId,
    /// Where to (0600); it must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The first line is the passphrase to encrypt it under; without it: asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List => return page::print(context, ("/cas", Vec::new()), &Paging::default(), COLUMNS).await,
        Verb::Show { id } => {
            let ca = client::connect(context)?.get(&format!("/cas/{id}"), &[]).await?.json()?;
            show_one(context, rollover::for_people(context, ca))?;
        }
        Verb::Chain { id } => chain(id, context).await?,
        Verb::Create(new) => create(*new, context).await?,
        Verb::Import(args) => import::run(*args, context).await?,
        Verb::Rollover(args) => rollover::run(args, context).await?,
        Verb::Certificate { id, chain } => {
            let body = json!({"chain_pem": input::text(&chain)?.as_str()});
            let path = format!("/cas/{id}/certificate");
            show::object(context, &client::connect(context)?.post(&path, &body).await?.json()?)?;
        }
        Verb::Set(wanted) => set(wanted, context).await?,
        Verb::SignCrl(sign) => sign_crl(sign, context).await?,
        Verb::Revoke(args) => return revoke::run(*args, context).await,
        Verb::ExportKey(export) => export_key(export, context).await?,
        Verb::RemoveKey { id, yes } => remove_key(&id, yes, context).await?,
    }
    Ok(ExitCode::Done)
}

const COLUMNS: &[show::Column] = &[
    ("ID", "id"),
    ("ROLE", "role"),
    ("KEY", "algorithm"),
    ("SUBJECT", "subject"),
    ("EXPIRES", "not_after"),
    ("PRIVATE KEY", "key"),
    ("KEY STORE", "key_store"),
    ("STATE", "state"),
    ("CRL", "crl.number"),
    ("CRL STATE", "crl_state"),
    ("ROLLOVER", "rollover.summary"),
];

const SHARDS: &[show::Column] = &[
    ("SHARD", "shard"),
    ("NUMBER", "number"),
    ("ENTRIES", "entries"),
    ("BYTES", "bytes"),
    ("UNTIL", "next_update"),
    ("DELTA", "delta.number"),
    ("DELTA ENTRIES", "delta.entries"),
    ("URL", "url"),
];

/// A CA; its CRLs, if it has several, stand below as a table.
fn show_one(context: &Context, mut ca: Value) -> Result<()> {
    if context.is_json() {
        return show::json(&ca);
    }
    let crls = ca.as_object_mut().and_then(|fields| fields.remove("crls"));
    show::object(context, &ca)?;
    if let Some(crls) = crls.as_ref().and_then(Value::as_array) {
        print!("\n{}", show::table(crls, SHARDS));
    }
    Ok(())
}

async fn chain(id: Option<CaId>, context: &Context) -> Result<()> {
    let api = client::connect(context)?;
    let ids = match id {
        Some(id) => vec![id],
        None => issuing(&page::fetch(&api, "/cas", Vec::new(), &Paging::default()).await?),
    };
    let mut items = Vec::new();
    for id in ids {
        let pem = api.get(&format!("/cas/{id}/chain"), &[]).await?.text();
        if pem.is_empty() {
            return Err(no_chain(&id));
        }
        items.push((id, pem));
    }
    if context.is_json() {
        let items: Vec<_> =
            items.iter().map(|(id, pem)| json!({"id": id.as_str(), "pem": pem.as_str()})).collect();
        return show::json(&json!({"items": items}));
    }
    items.iter().for_each(|(_, pem)| print!("{pem}"));
    Ok(())
}

fn no_chain(id: &CaId) -> Error {
    Error::conflict(
        "no-chain",
        format!(
            "{id} has no certificate yet; bring in the chain that its external root made: \
             signet ca certificate {id} --chain FILE"
        ),
    )
}

/// The issuing CAs that have a certificate.
fn issuing(cas: &Value) -> Vec<CaId> {
    let all = cas["items"].as_array().into_iter().flatten();
    let issues = |state: &Value| ["active", "next", "retiring"].iter().any(|word| state == word);
    all.filter(|ca| ca["role"] == "issuing" && issues(&ca["state"]))
        .filter_map(|ca| ca["id"].as_str()?.parse().ok())
        .collect()
}

async fn create(new: Create, context: &Context) -> Result<()> {
    let mut body = json!({
        "id": new.id.as_str(),
        "role": if new.root { "root" } else { "issuing" },
        "algorithm": new.key,
        "external": new.external,
        "key_store": if new.pkcs11_id.is_some() { Place::Token } else { new.key_store }.as_str(),
    });
    let optional = [
        ("parent", new.parent.map(|id| id.as_str().into())),
        ("subject", new.subject.map(Value::from)),
        ("pkcs11_id", new.pkcs11_id.map(Value::from)),
        ("validity_days", new.validity_days.map(Value::from)),
        ("serves_tls", new.serves_tls.then(|| true.into())),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    if let Some((pem, passphrase)) = exported(new.parent_key.as_deref(), new.passphrase_file.as_deref())? {
        body["parent_key_pem"] = pem.into();
        body["parent_key_passphrase"] = passphrase.into();
    }
    let made = client::connect(context)?.post("/cas", &body).await?.json()?;
    match made["request_pem"].as_str() {
        Some(request) if !context.is_json() => print!("{request}"),
        _ => show::object(context, &made)?,
    }
    if new.external {
        eprintln!(
            "have the request signed by the external root, then bring in what it made:\n  \
             signet ca certificate {} --chain FILE",
            new.id
        );
    }
    Ok(())
}

fn pkcs11_id(text: &str) -> Result<String> {
    parse_object(text).map(|_| text.to_owned())
}

/// An exported key and its passphrase.
fn exported(key: Option<&Path>, passphrase_file: Option<&Path>) -> Result<Option<(String, String)>> {
    let Some(key) = key else { return Ok(None) };
    let pem = input::text(key)?;
    let passphrase = input::passphrase(passphrase_file, "Passphrase of the exported key: ")?;
    Ok(Some((pem.to_string(), passphrase.to_string())))
}

async fn set(wanted: Set, context: &Context) -> Result<()> {
    let mut body = json!({});
    let fields = [
        ("crl_shards", wanted.crl_shards.map(u64::from)),
        ("crl_window_hours", wanted.crl_window_hours),
        ("crl_delta_hours", wanted.crl_delta_hours),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            body[name] = value.into();
        }
    }
    if body == json!({}) {
        return Err(crate::cli::usage(
            "say what to set: signet ca set --help shows what there is".to_owned(),
        ));
    }
    let path = format!("/cas/{}/settings", wanted.id);
    show::object(context, &client::connect(context)?.post(&path, &body).await?.json()?)
}

async fn sign_crl(sign: SignCrl, context: &Context) -> Result<()> {
    let mut body = json!({});
    if let Some((pem, passphrase)) = exported(sign.key.as_deref(), sign.passphrase_file.as_deref())? {
        body = json!({"key_pem": pem, "passphrase": passphrase});
    }
    let path = format!("/cas/{}/crl", sign.id);
    show::object(context, &client::connect(context)?.post(&path, &body).await?.json()?)
}

async fn export_key(export: ExportKey, context: &Context) -> Result<()> {
    let unwritable =
        |e| Error::invalid("unwritable-file", format!("cannot make {}", export.out.display())).because(e);
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(&export.out).map_err(unwritable)?;
    let written = async {
        let passphrase =
            input::passphrase(export.passphrase_file.as_deref(), "Passphrase to encrypt it under: ")?;
        let body = json!({"passphrase": passphrase.as_str()});
        let path = format!("/cas/{}/key/export", export.id);
        let answer = client::connect(context)?.post(&path, &body).await?.json()?;
        let pem = answer["pem"].as_str().unwrap_or_default();
        std::io::Write::write_all(&mut file, pem.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(unwritable)
    }
    .await;
    if written.is_err() {
        let _ = std::fs::remove_file(&export.out);
    }
    written?;
    let (id, out) = (&export.id, export.out.display());
    let answer = json!({"id": id.as_str(), "file": out.to_string()});
    show::done(context, &answer, &format!("exported to {out}; then: signet ca remove-key {id} --yes"))
}

async fn remove_key(id: &CaId, yes: bool, context: &Context) -> Result<()> {
    if !yes {
        return Err(crate::cli::usage(format!(
            "this cannot be undone; export the key first (signet ca export-key {id} --out FILE), then say --yes"
        )));
    }
    client::connect(context)?.delete(&format!("/cas/{id}/key")).await?;
    let answer = json!({"id": id.as_str(), "key": "removed"});
    show::done(context, &answer, &format!("the key of {id} is no longer on this server"))
}
