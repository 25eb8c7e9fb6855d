//! `signet ca import`: everything of a CA is read here, a little at a time, and brought to the server in bounded steps.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use self::door::Door;
use self::last_number::LastNumber;
use self::tally::Tally;
use crate::cli::{Context, client, input, usage};
use crate::error::{Error, Result};
use crate::id::{CaId, ProfileId};
use crate::outbound::Api;
use crate::x509::cert::Certificate;

mod door;
mod last_number;
mod revoked;
mod sources;
mod tally;

pub(super) const EXAMPLES: &str = "Examples:\n  \
    signet ca import old-ca --role issuing --key cakey.pem --chain cacert.pem \\\n      \
    --certificates newcerts --index index.txt --crlnumber crlnumber \\\n      --profile scep-device --dry-run\n  \
    signet ca import voice --pkcs12 voice.p12 --passphrase-file pass \\\n      \
    --certificates certs --crl voice.crl\n\n\
    Nothing is signed before all of it is there; a broken-off import is repeated\n\
    as it was, and goes on. See docs/manual/moving-in.md.";

/// Its arguments.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Its name here, as it will stand in URLs
    id: CaId,
    /// Its key, PEM: PKCS#8, PKCS#1 or SEC 1, encrypted or not
    #[arg(long, value_name = "FILE", required_unless_present = "pkcs12", conflicts_with = "pkcs12")]
    key: Option<PathBuf>,
    /// Its certificate and those above it, PEM or DER; may be given several times
    #[arg(long, value_name = "FILE", required_unless_present = "pkcs12")]
    chain: Vec<PathBuf>,
    /// Key and chain in one PKCS#12 file
    #[arg(long, value_name = "FILE")]
    pkcs12: Option<PathBuf>,
    /// The first line is what opens the key; without it the systemd credential import-passphrase, else asked for
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    /// Whether a self-signed CA signs CAs only (root) or certificates by profiles (issuing)
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<Role>,
    /// Its root is another's and not to be had: the chain may end below it
    #[arg(long)]
    root_external: bool,
    /// What it issued: a folder (*.pem, *.crt, *.cer, *.der), a PEM bundle or one certificate; several times
    #[arg(long, value_name = "PATH")]
    certificates: Vec<PathBuf>,
    /// The profile that they count as, which renews them
    #[arg(long, value_name = "PROFILE")]
    profile: Option<ProfileId>,
    /// Its last CRL, PEM or DER; several times if it was published in parts
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// The index.txt of openssl ca
    #[arg(long, value_name = "FILE")]
    index: Option<PathBuf>,
    /// The crlnumber file of openssl ca: its next CRL number, hexadecimal
    #[arg(long, value_name = "FILE")]
    crlnumber: Option<PathBuf>,
    /// The highest CRL number that it ever published, decimal
    #[arg(long, value_name = "N")]
    last_crl_number: Option<u64>,
    /// Look at everything and report, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Stop at the first certificate or revocation that is refused
    #[arg(long)]
    strict: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Role {
    Root,
    Issuing,
}

/// Runs the verb. What cannot be read of the revocations ends it before anything is kept: what was revoked stays revoked.
pub(super) async fn run(args: Args, context: &Context) -> Result<()> {
    if let Some(index) = &args.index {
        revoked::check_index(index)?;
    }
    let api = client::connect(context)?;
    let mut body = begin_body(&args)?;
    body["dry_run"] = true.into();
    let looked_at = begin(&api, &body).await?;
    let ca = certificate(&looked_at)?;
    require_role(&args, &ca)?;
    let crls = revoked::read_crls(&args.crl, &ca)?;
    let mut tally = Tally::new(args.strict, context.clock.clone());
    let number = LastNumber::find(&args, &crls, &mut tally)?;
    tally.warn_of_old(&crls);
    if args.crl.is_empty() && args.index.is_none() {
        tally.warn("neither --crl nor --index was given: nothing counts as revoked");
    }
    let door = match args.dry_run {
        true => Door::dry(&ca),
        false => {
            body["dry_run"] = false.into();
            begin(&api, &body).await?;
            Door::server(&api, &args.id, args.profile.as_ref(), &context.clock)
        }
    };
    drop(body);
    door.bring_certificates(&args.certificates, &mut tally).await?;
    door.bring_revocations(args.index.as_deref(), &crls, &mut tally).await?;
    let end = if args.dry_run { looked_at } else { activate(&api, &args.id, number, &mut tally).await? };
    tally.report(context, &args.id, &end, args.dry_run)
}

fn begin_body(args: &Args) -> Result<Value> {
    let mut body = json!({"id": args.id.as_str(), "root_external": args.root_external});
    if let Some(role) = args.role {
        body["role"] = match role {
            Role::Root => "root",
            Role::Issuing => "issuing",
        }
        .into();
    }
    let mut chain = String::new();
    for file in &args.chain {
        chain.push_str(&chain_text(file)?);
    }
    if !chain.is_empty() {
        body["chain_pem"] = chain.into();
    }
    let encrypted = match (&args.key, &args.pkcs12) {
        (Some(key), _) => {
            let text = input::text(key)?;
            body["key_pem"] = text.as_str().into();
            text.contains("ENCRYPTED")
        }
        (None, Some(file)) => {
            body["pkcs12"] = STANDARD.encode(input::bytes(file)?.as_slice()).into();
            true
        }
        (None, None) => return Err(usage("name the CA's key: --key FILE or --pkcs12 FILE")),
    };
    if encrypted {
        body["passphrase"] = passphrase(args)?.as_str().into();
    }
    Ok(body)
}

/// PEM as it is, without what stands between the blocks; DER as PEM.
fn chain_text(file: &std::path::Path) -> Result<String> {
    let found = input::bytes(file)?;
    let unreadable = |e: Error| Error::invalid(e.code(), format!("{}: {}", file.display(), e.detail()));
    if found.first() == Some(&0x30) {
        return Certificate::from_der(&found).map(|c| c.pem()).map_err(unreadable);
    }
    let blocks = crate::x509::pem::decode_all(&found, 32).map_err(unreadable)?;
    let certificates = blocks.iter().filter(|(label, _)| label == "CERTIFICATE");
    Ok(certificates.map(|(label, der)| crate::x509::pem::encode(label, der)).collect())
}

fn passphrase(args: &Args) -> Result<Zeroizing<String>> {
    let credential =
        std::env::var_os("CREDENTIALS_DIRECTORY").map(|dir| PathBuf::from(dir).join("import-passphrase"));
    let file = args.passphrase_file.clone().or(credential.filter(|file| file.is_file()));
    input::passphrase(file.as_deref(), "Passphrase of the CA's key: ")
}

async fn begin(api: &Api, body: &Value) -> Result<Value> {
    api.post("/cas/import", body).await?.json()
}

async fn activate(api: &Api, id: &CaId, number: Option<u64>, tally: &mut Tally) -> Result<Value> {
    let body = number.map_or_else(|| json!({}), |n| json!({"last_crl_number": n}));
    let done = api.post(&format!("/cas/import/{id}/activate"), &body).await?.json()?;
    if done["jumped"] == true {
        tally.warn("nothing told the last CRL number: ours begins at the seconds since 1970");
    }
    Ok(done)
}

fn certificate(begun: &Value) -> Result<Certificate> {
    Certificate::read(begun["certificate_pem"].as_str().unwrap_or_default().as_bytes())
}

/// What a CA is cannot be changed later, and of a self-signed one only its owner knows.
fn require_role(args: &Args, ca: &Certificate) -> Result<()> {
    if args.role.is_some() || ca.issuer() != ca.subject() {
        return Ok(());
    }
    Err(usage(
        "this CA signed itself: say --role issuing if certificates of devices and servers come from it, \
         --role root if it signs CAs only",
    ))
}
