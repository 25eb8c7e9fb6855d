//! `signet up`: make a CA if there is none, then serve it.

use zeroize::Zeroizing;

use crate::cli::demo::Demo;
use crate::cli::serving::{self, NewFlags, ServerFlags};
use crate::cli::{Context, ExitCode, init, serve};
use crate::error::Result;
use crate::keys::software::generate_password;
use crate::server::bound::Bound;
use crate::server::layout::Layout;
use crate::server::lock::FolderLock;
use crate::server::password;
use crate::server::settings::Given;
use crate::server::setup::Site;

/// Its arguments.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  signet up --data ./signet --demo\n  \
    signet up --data /var/lib/signet --url http://pki.example.org \\\n      --http 0.0.0.0:80 --https 0.0.0.0:8443")]
pub struct Args {
    #[command(flatten)]
    server: ServerFlags,
    #[command(flatten)]
    new: NewFlags,
    /// With --demo: so many simulated phones come for lists, certificates and files; 0 for none
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = clap::value_parser!(u32).range(0..=1000))]
    phones: u32,
}

impl Args {
    fn settings(&self, layout: &Layout) -> Result<Given> {
        let settings = self.server.settings(layout)?;
        Ok(if self.has_phones() { Demo::settings(settings) } else { settings })
    }

    fn demo(&self, context: &Context, layout: &Layout) -> Option<Demo> {
        self.has_phones().then(|| Demo::new(self.phones, context, layout))
    }

    fn has_phones(&self) -> bool {
        self.server.demo && self.phones > 0
    }
}

/// Runs the verb until SIGTERM or SIGINT. Errors: those of `init` and `serve`.
pub async fn run(args: Args, context: &Context) -> Result<ExitCode> {
    let layout = serving::layout(context)?;
    let settings = args.settings(&layout)?;
    if layout.is_initialised() {
        let _lock = FolderLock::take(&layout)?;
        let bound = Bound::bind(&settings).await?;
        return serve::serve(&args.server, context, &layout, &settings, bound, args.demo(context, &layout))
            .await;
    }
    let site = Site::prepare(&layout)?;
    match first(&args, context, &layout, &site, &settings).await {
        Ok(bound) => {
            let _lock = site.finish()?;
            // With what `init` has just written.
            let settings = args.settings(&layout)?;
            serve::serve(&args.server, context, &layout, &settings, bound, args.demo(context, &layout)).await
        }
        Err(error) => {
            site.abandon();
            Err(error)
        }
    }
}

/// Binds first: with port 0 the address in the certificates is known only then.
async fn first(
    args: &Args,
    context: &Context,
    layout: &Layout,
    site: &Site<'_>,
    settings: &Given,
) -> Result<Bound> {
    let bound = Bound::bind(settings).await?;
    let url = args.server.url(settings, bound.addresses().http.map(|a| a.port()))?;
    let password = choose_password(settings, layout, context)?;
    init::build(&args.new, context, (layout, site), settings.clone(), &url, &password).await?;
    Ok(bound)
}

fn choose_password(settings: &Given, layout: &Layout, context: &Context) -> Result<Zeroizing<String>> {
    let random = || generate_password(&context.random);
    let (password, written) =
        password::find_or_write(settings.security_password_file.as_deref(), layout, random)?;
    if let Some(path) = written {
        eprintln!(
            "wrote a random security password to {} (0600): it opens the CA's keys. For a service, keep it elsewhere \
             and give --security-password-file or a systemd credential",
            path.display()
        );
    }
    Ok(password)
}
