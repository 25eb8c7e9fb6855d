//! `signet init`: make a CA.

use serde_json::json;

use crate::cli::serving::{self, NewFlags, ServerFlags};
use crate::cli::{Context, ExitCode, show};
use crate::error::Result;
use crate::server::layout::Layout;
use crate::server::public_url::PublicUrl;
use crate::server::settings::{Given, Listen};
use crate::server::setup::{self, NewAuthority, Site};

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  signet init --data /var/lib/signet --url http://pki.example.org \\\n    \
    --security-password-file /etc/signet/password --organization 'Example Ltd'"
)]
pub struct Args {
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    new: NewFlags,
}

/// Runs the verb. Errors: `already-initialised`, `folder-in-use`, `usage`.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let layout = serving::layout(context)?;
    let site = Site::prepare(&layout)?;
    let made = make(&args, context, &layout, &site).await;
    if let Err(error) = made {
        site.abandon();
        return Err(error);
    }
    site.finish()?;
    let dir = layout.dir().display();
    let sentence = format!("A new CA is in {dir}. Serve it:\n  signet serve --data {dir}");
    show::done(context, &json!({"data": dir.to_string()}), &sentence)?;
    Ok(ExitCode::Done)
}

async fn make(args: &Args, context: &Context, layout: &Layout, site: &Site<'_>) -> Result<()> {
    let settings = args.server.settings(layout)?;
    let port = match settings.http() {
        Listen::At(address) => Some(address.port()),
        Listen::Off => None,
    };
    let url = args.server.url(&settings, port)?;
    let password = serving::password_to_choose(&settings, layout)?;
    build(&args.new, context, (layout, site), settings, &url, &password).await
}

/// Builds a new CA in `DIR/.init`, saying what goes on.
pub async fn build(
    flags: &NewFlags,
    context: &Context,
    (layout, site): (&Layout, &Site<'_>),
    settings: Given,
    url: &PublicUrl,
    password: &str,
) -> Result<()> {
    let building = site.clear()?;
    let algorithms = flags.algorithms();
    eprintln!(
        "making keys and certificates: rsa-root ({}) over rsa-issuing ({}) and capf (rsa-2048), ec-root ({}) over ec-issuing ({}) …",
        algorithms.rsa_root, algorithms.rsa_issuing, algorithms.ec_root, algorithms.ec_issuing
    );
    let new = NewAuthority {
        settings: Given { url: Some(url.clone()), ..settings },
        url: url.to_string(),
        algorithms,
        places: flags.places(),
        organization: flags.organization.clone(),
        password,
        clock: context.clock.clone(),
        random: context.random.clone(),
    };
    setup::build(new, &building, layout).await?;
    eprintln!(
        "made: CAs, profiles, audit key, the administrator's token ({})",
        layout.admin_token().display()
    );
    Ok(())
}
