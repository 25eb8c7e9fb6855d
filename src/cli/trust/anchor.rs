//! `signet trust anchor`.

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::trust::warn;
use crate::cli::{Context, ExitCode, Output, client, input, show, usage};
use crate::error::{Error, Result};
use crate::id::{CaId, ClusterId};
use crate::outbound::Api;
use crate::trust::identity::Purpose;
use crate::trust::role::Role;
use crate::x509::cert::Certificate;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet trust anchor list hq")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// List what a cluster trusts
    #[command(after_help = "Example:\n  signet trust anchor list hq")]
    List {
        /// The cluster
        cluster: ClusterId,
        #[command(flatten)]
        paging: Paging,
    },
    /// Add a CA of ours, an identity of our own, or a certificate from a file
    #[command(after_help = "Examples:\n  signet trust anchor add hq --own tvs\n  \
        signet trust anchor add hq --from-ca capf --role capf\n  \
        signet trust anchor add hq --file cucm-pub.pem --role ccm+tftp --role sast\n\n\
        One that is there already gets the roles that it lacks. --own adds the newest\n\
        certificate of that identity, and those before it that other clusters trust:\n\
        phones are shown the one that the lists of all clusters hold.")]
    Add(Add),
    /// Show one anchor, with its certificate
    #[command(after_help = "Example:\n  signet trust anchor show hq 5F3A99C01B2D4E6F")]
    Show(Which),
    /// Give an anchor other roles
    #[command(after_help = "Example:\n  signet trust anchor roles hq 5F3A99C01B2D4E6F --role tftp")]
    Roles {
        #[command(flatten)]
        which: Which,
        /// sast, ccm, ccm+tftp, tftp, capf, app-server or tvs; repeat for more
        #[arg(long, required = true)]
        role: Vec<Role>,
    },
    /// Take an anchor out: the next lists lack it
    #[command(after_help = "Example:\n  signet trust anchor remove hq 5F3A99C01B2D4E6F")]
    Remove(Which),
}

#[derive(Debug, clap::Args)]
struct Which {
    /// The cluster
    cluster: ClusterId,
    /// SHA-256 of the certificate, or its first 8 digits or more
    #[arg(value_name = "SHA256")]
    sha256: Sha256,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("whose").required(true))]
struct Add {
    /// The cluster
    cluster: ClusterId,
    /// A CA of ours
    #[arg(long, value_name = "CA", group = "whose")]
    from_ca: Option<CaId>,
    /// An identity of our own: tvs, tftp, tftp-ec (HTTPS with an elliptic curve) or capf-tls
    #[arg(long, value_name = "IDENTITY", group = "whose")]
    own: Option<Purpose>,
    /// A certificate, PEM or DER
    #[arg(long, value_name = "FILE", group = "whose")]
    file: Option<PathBuf>,
    /// With --own: make its next certificate and add it beside the one before
    #[arg(long, requires = "own")]
    renew: bool,
    /// For what: sast, ccm, ccm+tftp, tftp, capf, app-server or tvs; repeat for more
    #[arg(long)]
    role: Vec<Role>,
    /// The name of its server, as it is to stand in lists
    #[arg(long, value_name = "HOST")]
    dns_name: Option<String>,
    /// The address of its server, as it is to stand in lists
    #[arg(long, value_name = "IPV4")]
    address: Option<Ipv4Addr>,
}

/// A SHA-256 in hexadecimal, or its beginning.
#[derive(Clone, Debug)]
pub struct Sha256(String);

impl FromStr for Sha256 {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let digits: String = text.chars().filter(|c| *c != ':').collect();
        if (8..=64).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(Self(digits.to_ascii_uppercase()));
        }
        Err(Error::invalid("invalid-fingerprint", "a SHA-256 is given by 8 to 64 of its hexadecimal digits"))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::List { cluster, paging } => list(&cluster, &paging, context).await?,
        Verb::Add(new) => add(new, context).await?,
        Verb::Show(which) => {
            let api = client::connect(context)?;
            let path = place(&api, &which).await?;
            show::object(context, &api.get(&path, &[]).await?.json()?)?;
        }
        Verb::Roles { which, role } => {
            let api = client::connect(context)?;
            let path = format!("{}/roles", place(&api, &which).await?);
            let roles: Vec<String> = role.iter().map(Role::to_string).collect();
            changed(context, &api.post(&path, &json!({"roles": roles})).await?.json()?, "now")?;
        }
        Verb::Remove(which) => {
            let api = client::connect(context)?;
            let path = place(&api, &which).await?;
            changed(context, &api.delete(&path).await?.json()?, "removed")?;
        }
    }
    Ok(ExitCode::Done)
}

const COLUMNS: &[show::Column] = &[
    ("SHA-256", "sha256"),
    ("ROLES", "roles"),
    ("SUBJECT", "subject"),
    ("KEY", "key"),
    ("EXPIRES", "not_after"),
    ("SOURCE", "source"),
    ("SIGNS", "signs"),
];

async fn list(cluster: &ClusterId, paging: &Paging, context: &Context) -> Result<()> {
    let path = format!("/clusters/{cluster}/anchors");
    if context.global.output != Output::Text {
        return page::print(context, (&path, Vec::new()), paging, COLUMNS).await.map(drop);
    }
    let mut found = page::fetch(&client::connect(context)?, &path, Vec::new(), paging).await?;
    // What people copy is the beginning: it is enough, and the line stays readable.
    for item in found["items"].as_array_mut().into_iter().flatten() {
        let beginning: String = show::text(&item["sha256"]).chars().take(16).collect();
        item["sha256"] = beginning.into();
    }
    show::list(context, &found, COLUMNS, "--cursor")
}

async fn add(new: Add, context: &Context) -> Result<()> {
    let mut body = json!({
        "roles": new.role.iter().map(Role::to_string).collect::<Vec<_>>(),
        "dns_name": new.dns_name,
        "address": new.address.map(|address| address.to_string()),
    });
    if let Some(ca) = &new.from_ca {
        body["ca"] = ca.as_str().into();
    }
    if let Some(purpose) = new.own {
        body["identity"] = purpose.as_str().into();
        body["renew"] = new.renew.into();
    }
    if let Some(file) = &new.file {
        body["certificate"] = Certificate::read(&input::bytes(file)?)?.pem().into();
    }
    if new.role.is_empty() && new.own.is_none() {
        return Err(usage("say for what: --role sast, ccm, ccm+tftp, tftp, capf, app-server or tvs"));
    }
    let path = format!("/clusters/{}/anchors", new.cluster);
    let answer = client::connect(context)?.post(&path, &body).await?.json()?;
    changed(context, &answer, "now")?;
    eprintln!("phones see it with the next release: signet trust publish {}", new.cluster);
    Ok(())
}

/// Says what changed.
fn changed(context: &Context, answer: &Value, how: &str) -> Result<()> {
    warn(answer);
    let lines: Vec<String> = answer["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|anchor| format!("{} {how} {}", show::text(&anchor["subject"]), show::text(&anchor["roles"])))
        .collect();
    show::done(context, answer, &lines.join("\n"))
}

/// The one anchor whose SHA-256 begins so.
async fn place(api: &Api, which: &Which) -> Result<String> {
    let Which { cluster, sha256 } = which;
    let path = format!("/clusters/{cluster}/anchors");
    if sha256.0.len() == 64 {
        return Ok(format!("{path}/{sha256}"));
    }
    let all = api.get(&path, &[]).await?.json()?;
    let known = all["items"].as_array().into_iter().flatten().filter_map(|anchor| anchor["sha256"].as_str());
    let found: Vec<&str> = known.filter(|known| known.starts_with(&sha256.0)).collect();
    match found.as_slice() {
        [only] => Ok(format!("{path}/{only}")),
        [] => Err(Error::not_found("anchor whose SHA-256 begins with", sha256)),
        _ => Err(usage(format!("several anchors begin with {sha256}: give more digits"))),
    }
}
