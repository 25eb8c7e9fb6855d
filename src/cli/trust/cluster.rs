//! `signet trust cluster`.

use clap::Subcommand;
use serde_json::{Value, json};

use crate::cli::page::{self, Paging};
use crate::cli::trust::anchor::Sha256;
use crate::cli::trust::warn;
use crate::cli::{Context, ExitCode, client, show, usage};
use crate::error::Result;
use crate::id::ClusterId;
use crate::trust::identity::Purpose;
use crate::trust::records::{ListDigest, Mode};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  signet trust cluster create hq --with-tvs --with-tftp")]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a cluster: the recovery signer signs its lists, the CA capf stands in them
    #[command(after_help = "Examples:\n  signet trust cluster create hq --with-tvs --with-tftp\n  \
        signet trust cluster create branch --mode mixed --tvs tvs.example.org:2445\n\n\
        Nothing is published yet: look at its anchors (signet trust anchor list),\n\
        then signet trust publish.")]
    Create(Create),
    /// List clusters with the numbers of their lists
    #[command(after_help = "Example:\n  signet trust cluster list")]
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one cluster
    #[command(after_help = "Example:\n  signet trust cluster show hq")]
    Show {
        /// Its name
        id: ClusterId,
    },
    /// Change a cluster; phones see it with the next release
    #[command(after_help = "Examples:\n  signet trust cluster set hq --mode mixed\n  \
        signet trust cluster set hq --signer recovery\n  \
        signet trust cluster set hq --tvs tvs1.example.org:2445 \\\n      --tvs tvs2.example.org")]
    Set(Set),
    /// Forget a cluster and its anchors; what was published stays on record
    #[command(after_help = "Example:\n  signet trust cluster delete hq --yes")]
    Delete {
        /// Its name
        id: ClusterId,
        /// Yes, phones are to be served its lists no longer
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
struct Create {
    /// Its name, as hq
    id: ClusterId,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Whether its phones talk encrypted: non-secure (an ITL alone) or mixed (a CTL too)
    #[arg(long, default_value_t)]
    mode: Mode,
    /// How its lists are signed: sha512, or sha1 for old phones (feature legacy)
    #[arg(long, default_value_t)]
    digest: ListDigest,
    /// Where its phones find TVS; repeat for more
    #[arg(long, value_name = "HOST[:PORT]")]
    tvs: Vec<String>,
    /// Where they find files; repeat for more
    #[arg(long, value_name = "HOST[:PORT]")]
    tftp: Vec<String>,
    /// With our own TVS identity, made if there is none
    #[arg(long)]
    with_tvs: bool,
    /// With our own identity that signs configuration files, made if there is none
    #[arg(long)]
    with_tftp: bool,
    /// With our own identity for HTTPS on 6971 with an elliptic curve (lists with signer version 1.1)
    #[arg(long)]
    with_tftp_ec: bool,
    /// With our own identity for the CAPF port, where no CA presents itself there
    #[arg(long)]
    with_capf_tls: bool,
}

#[derive(Debug, clap::Args)]
struct Set {
    /// Its name
    id: ClusterId,
    /// What people call it
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// non-secure or mixed
    #[arg(long)]
    mode: Option<Mode>,
    /// sha512 or sha1
    #[arg(long)]
    digest: Option<ListDigest>,
    /// Who signs: recovery (the one in force), or the SHA-256 of an anchor whose key is here
    #[arg(long, value_name = "recovery|SHA256", value_parser = signer)]
    signer: Option<String>,
    /// Element 28 of the lists: 1.0, 1.1 or none
    #[arg(long, value_name = "VERSION")]
    signer_version: Option<String>,
    /// Where its phones find TVS, the whole list; "" for none
    #[arg(long, value_name = "HOST[:PORT]")]
    tvs: Vec<String>,
    /// Where they find files, the whole list; "" for none
    #[arg(long, value_name = "HOST[:PORT]")]
    tftp: Vec<String>,
}

/// Runs the verb.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    match args.verb {
        Verb::Create(new) => create(new, context).await?,
        Verb::List { paging } => {
            return page::print(context, ("/clusters", Vec::new()), &paging, COLUMNS).await;
        }
        Verb::Show { id } => {
            let cluster = client::connect(context)?.get(&format!("/clusters/{id}"), &[]).await?.json()?;
            show::object(context, &for_people(context, cluster))?;
        }
        Verb::Set(wanted) => set(wanted, context).await?,
        Verb::Delete { id, yes } => delete(&id, yes, context).await?,
    }
    Ok(ExitCode::Done)
}

const COLUMNS: &[show::Column] = &[
    ("ID", "id"),
    ("TITLE", "title"),
    ("MODE", "mode"),
    ("DIGEST", "digest"),
    ("SIGNER", "signer"),
    ("ANCHORS", "anchors"),
    ("CTL", "ctl_release"),
    ("ITL", "itl_release"),
    ("CHANGED", "changed"),
];

async fn create(new: Create, context: &Context) -> Result<()> {
    let identities = [
        (Purpose::Tvs, new.with_tvs),
        (Purpose::Tftp, new.with_tftp),
        (Purpose::TftpEc, new.with_tftp_ec),
        (Purpose::Capf, new.with_capf_tls),
    ];
    let identities: Vec<&str> =
        identities.iter().filter(|(_, on)| *on).map(|(purpose, _)| purpose.as_str()).collect();
    let body = json!({
        "id": new.id.as_str(),
        "title": new.title,
        "mode": new.mode.as_str(),
        "digest": new.digest.as_str(),
        "tvs": new.tvs,
        "tftp": new.tftp,
        "identities": identities,
    });
    let made = client::connect(context)?.post("/clusters", &body).await?.json()?;
    show::object(context, &for_people(context, made))?;
    let id = &new.id;
    eprintln!(
        "nothing is published yet; look, then publish:\n  signet trust anchor list {id}\n  \
         signet trust publish {id} --dry-run"
    );
    Ok(())
}

async fn set(wanted: Set, context: &Context) -> Result<()> {
    let mut body = json!({});
    let fields = [
        ("title", wanted.title.map(Value::from)),
        ("mode", wanted.mode.map(|mode| mode.as_str().into())),
        ("digest", wanted.digest.map(|digest| digest.as_str().into())),
        ("signer", wanted.signer.map(Value::from)),
        ("signer_version", wanted.signer_version.map(Value::from)),
        ("tvs", (!wanted.tvs.is_empty()).then(|| wanted.tvs.into())),
        ("tftp", (!wanted.tftp.is_empty()).then(|| wanted.tftp.into())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            body[name] = value;
        }
    }
    if body == json!({}) {
        return Err(usage("say what to set: signet trust cluster set --help shows what there is"));
    }
    let path = format!("/clusters/{}/settings", wanted.id);
    let cluster = client::connect(context)?.post(&path, &body).await?.json()?;
    warn(&cluster);
    show::object(context, &for_people(context, cluster))
}

async fn delete(id: &ClusterId, yes: bool, context: &Context) -> Result<()> {
    if !yes {
        return Err(usage("its phones would be served no lists any more: say --yes"));
    }
    client::connect(context)?.delete(&format!("/clusters/{id}")).await?;
    let answer = json!({"id": id.as_str(), "state": "deleted"});
    show::done(context, &answer, &format!("forgot the cluster {id} and its anchors"))
}

/// Warnings stand on standard error.
fn for_people(context: &Context, mut cluster: Value) -> Value {
    if !context.is_json()
        && let Some(fields) = cluster.as_object_mut()
    {
        fields.remove("warnings");
    }
    cluster
}

fn signer(text: &str) -> Result<String> {
    if text == "recovery" {
        return Ok(text.to_owned());
    }
    text.parse::<Sha256>().map(|sha256| sha256.to_string())
}
