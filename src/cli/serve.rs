//! `signet serve`: serve the CA of a data folder.

use crate::cli::demo::Demo;
use crate::cli::serving::{self, ServerFlags};
use crate::cli::{Context, ExitCode, Output, next_steps};
use crate::error::{Error, Result};
use crate::server::bound::Bound;
use crate::server::layout::Layout;
use crate::server::lock::FolderLock;
use crate::server::run::{Start, run as run_server};
use crate::server::settings::Given;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  signet serve --data /var/lib/signet \\\n      --http 0.0.0.0:8080 --https 0.0.0.0:8443"
)]
pub struct Args {
    #[command(flatten)]
    server: ServerFlags,
}

/// Runs the verb until SIGTERM or SIGINT. Errors: `not-initialised`, `already-running`, those of the parts.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let layout = serving::layout(context)?;
    if !layout.is_initialised() {
        let dir = layout.dir().display();
        let text = format!("there is no CA in {dir}; make one: signet init --data {dir} --url http://HOST");
        return Err(Error::conflict("not-initialised", text));
    }
    let settings = args.server.settings(&layout)?;
    let _lock = FolderLock::take(&layout)?;
    let bound = Bound::bind(&settings).await?;
    serve(&args.server, context, &layout, &settings, bound, None).await
}

/// Serves with listeners that are bound already; a demo begins when all serve.
pub async fn serve(
    flags: &ServerFlags,
    context: &Context,
    layout: &Layout,
    settings: &Given,
    bound: Bound,
    demo: Option<Demo>,
) -> Result<ExitCode> {
    let addresses = bound.addresses();
    let url = flags.url(settings, addresses.http.map(|a| a.port()))?;
    let password = serving::password_to_open(settings, layout)?;
    let start = Start {
        layout,
        settings,
        url,
        password: &password,
        clock: context.clock.clone(),
        random: context.random.clone(),
    };
    let ready = || {
        match context.global.output {
            Output::Text | Output::Csv => next_steps::print(layout, addresses),
            Output::Json => println!("{}", next_steps::document(layout, addresses)),
        }
        if let Some(demo) = demo {
            demo.start(addresses);
        }
    };
    run_server(start, bound, ready).await?;
    Ok(ExitCode::Done)
}
