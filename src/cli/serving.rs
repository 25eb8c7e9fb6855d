//! What `up`, `init` and `serve` have in common: flags, the address for certificates, the password.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::cli::{Context, usage};
use crate::error::{Error, Result};
use crate::id::ProfileId;
use crate::keys::Place;
use crate::server::layout::Layout;
use crate::server::password::{self, Purpose};
use crate::server::public_url::PublicUrl;
use crate::server::settings::{Given, Listen};
use crate::server::setup::{Algorithms, Places};
use crate::x509::key::KeyAlgorithm;

mod phones;

pub use phones::PhoneFlags;

/// Settings by flag or environment; `DIR/signet.toml` may say the same.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerFlags {
    /// The address that stands in certificates (CRL, CA), as http://pki.example.org
    #[arg(long, env = "SIGNET_URL", value_name = "http://HOST[:PORT]")]
    pub url: Option<PublicUrl>,
    /// For trying it out: the address is http://localhost:PORT unless --url says otherwise
    #[arg(long)]
    pub demo: bool,
    /// A file with the security password (mode 0600); else the systemd credential
    /// signet-security-password, else DIR/security-password, else asked for
    #[arg(long, env = "SIGNET_SECURITY_PASSWORD_FILE", value_name = "FILE")]
    pub security_password_file: Option<PathBuf>,
    /// The folder of profiles and roles [default: DIR/policies]
    #[arg(long, env = "SIGNET_POLICIES", value_name = "DIR")]
    pub policies: Option<PathBuf>,
    /// The store's engine: redb or sled [default: redb]
    #[arg(long, env = "SIGNET_STORE", value_name = "ENGINE", value_parser = engine)]
    pub store: Option<String>,
    /// Plain HTTP: SCEP, CRLs, trust bundles; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "SIGNET_HTTP", value_name = "ADDR:PORT|off")]
    pub http: Option<Listen>,
    /// HTTPS: the API [default: 127.0.0.1:8443]
    #[arg(long, env = "SIGNET_HTTPS", value_name = "ADDR:PORT|off")]
    pub https: Option<Listen>,
    /// CAPF, for phones; usually 0.0.0.0:3804 [default: off]
    #[arg(long, env = "SIGNET_CAPF", value_name = "ADDR:PORT|off")]
    pub capf: Option<Listen>,
    /// CAPF for old phones: TLS 1.0 to 1.2 with old suites; needs a build with feature legacy
    #[arg(long, env = "SIGNET_CAPF_LEGACY", value_name = "ADDR:PORT|off")]
    pub capf_legacy: Option<Listen>,
    /// The profile of phones that are told none, whose CA CAPF stands for [default: capf-lsc]
    #[arg(long, env = "SIGNET_CAPF_PROFILE", value_name = "NAME")]
    pub capf_profile: Option<ProfileId>,
    /// What phones come for.
    #[command(flatten)]
    pub phones: PhoneFlags,
    /// The token that holds CA keys.
    #[command(flatten)]
    pub token: TokenFlags,
}

/// The PKCS#11 token that holds CA keys.
#[derive(Clone, Debug, clap::Args)]
pub struct TokenFlags {
    /// The PKCS#11 module (a library) of the token that holds CA keys
    #[arg(long, env = "SIGNET_PKCS11_MODULE", value_name = "FILE")]
    pub pkcs11_module: Option<PathBuf>,
    /// That token's label or serial number
    #[arg(long, env = "SIGNET_PKCS11_TOKEN", value_name = "LABEL|SERIAL")]
    pub pkcs11_token: Option<String>,
    /// A file with its PIN (mode 0600); else the systemd credential signet-pkcs11-pin
    #[arg(long, env = "SIGNET_PKCS11_PIN_FILE", value_name = "FILE")]
    pub pkcs11_pin_file: Option<PathBuf>,
}

/// What only a new CA needs.
#[derive(Clone, Debug, clap::Args)]
pub struct NewFlags {
    /// The organization in the names of the CAs
    #[arg(long, value_name = "NAME")]
    pub organization: Option<String>,
    /// Key of the root for phones, SCEP and 802.1X
    #[arg(long, value_name = "KEY", default_value = "rsa-4096")]
    pub rsa_root: KeyAlgorithm,
    /// Key of its issuing CA
    #[arg(long, value_name = "KEY", default_value = "rsa-2048")]
    pub rsa_issuing: KeyAlgorithm,
    /// Key of the root for servers
    #[arg(long, value_name = "KEY", default_value = "p-384")]
    pub ec_root: KeyAlgorithm,
    /// Key of its issuing CA
    #[arg(long, value_name = "KEY", default_value = "p-384")]
    pub ec_issuing: KeyAlgorithm,
    /// Where the keys of all CAs are made: software, or pkcs11 (the token of --pkcs11-token)
    #[arg(long, value_name = "WHERE", default_value_t)]
    pub ca_keys: Place,
    /// Where the keys of the roots are made, if elsewhere
    #[arg(long, value_name = "WHERE")]
    pub root_keys: Option<Place>,
}

impl NewFlags {
    /// Where the keys are made.
    pub fn places(&self) -> Places {
        Places { roots: self.root_keys.unwrap_or(self.ca_keys), issuing: self.ca_keys }
    }

    /// The key types.
    pub fn algorithms(&self) -> Algorithms {
        Algorithms {
            rsa_root: self.rsa_root,
            rsa_issuing: self.rsa_issuing,
            ec_root: self.ec_root,
            ec_issuing: self.ec_issuing,
        }
    }
}

fn engine(text: &str) -> Result<String> {
    text.parse::<crate::storage::EngineKind>().map(|kind| kind.to_string())
}

impl ServerFlags {
    /// The settings in force: flag, environment, `DIR/signet.toml`. Errors: `bad-settings`; `usage` if nothing is on.
    pub fn settings(&self, layout: &Layout) -> Result<Given> {
        let given = Given {
            url: self.url.clone(),
            http: self.http,
            https: self.https,
            capf: self.capf,
            capf_legacy: self.capf_legacy,
            capf_profile: self.capf_profile.clone(),
            tvs: self.phones.tvs,
            tvs_ttl: self.phones.tvs_ttl,
            phone_http: self.phones.phone_http,
            phone_https: self.phones.phone_https,
            phone_https_second: self.phones.phone_https_second,
            tftp: self.phones.tftp,
            syslog_in: self.phones.syslog_in,
            syslog_in_from: self.phones.syslog_in_from.clone(),
            sign_from: self.phones.sign_from.clone(),
            store: self.store.clone(),
            policies: self.policies.clone(),
            security_password_file: self.security_password_file.clone(),
            pkcs11_module: self.token.pkcs11_module.clone(),
            pkcs11_token: self.token.pkcs11_token.clone(),
            pkcs11_pin_file: self.token.pkcs11_pin_file.clone(),
            connections: None,
            connections_per_address: None,
            ocsp_signatures_per_address: None,
        };
        let mut settings = given.or(Given::read(layout)?);
        if (settings.http(), settings.https()) == (Listen::Off, Listen::Off) {
            return Err(usage(
                "--http and --https are both off: nothing would be served; give one of them ADDR:PORT",
            ));
        }
        if settings.capf_legacy() != Listen::Off && !cfg!(feature = "legacy") {
            return Err(usage("--capf-legacy needs a program that was built with feature legacy"));
        }
        // What a relative path is relative to must not change with the folder the next start is made from.
        let paths = [
            &mut settings.policies,
            &mut settings.sign_from,
            &mut settings.security_password_file,
            &mut settings.pkcs11_module,
            &mut settings.pkcs11_pin_file,
        ];
        for path in paths.into_iter().flatten() {
            *path = std::path::absolute(&*path)
                .map_err(|e| Error::storage(format!("no such path: {}", path.display())).because(e))?;
        }
        Ok(settings)
    }

    /// The address for certificates: as set, of this machine with `--demo`, or asked for on a terminal.
    /// `http_port` is the real port of the plain listener, if it is known. Errors: `usage`.
    pub fn url(&self, settings: &Given, http_port: Option<u16>) -> Result<PublicUrl> {
        if let Some(url) = &settings.url {
            return Ok(url.clone());
        }
        if self.demo {
            let port = http_port.filter(|port| *port != 0);
            let unknown = "--demo needs the port of plain HTTP for the address in certificates: give --url, or --http ADDR:PORT";
            return port.map(PublicUrl::localhost).ok_or_else(|| usage(unknown));
        }
        if std::io::stdin().is_terminal() { ask_url() } else { Err(usage(NO_URL)) }
    }
}

const NO_URL: &str = "the address that stands in certificates is missing. Devices fetch the CRL and the CA \
    certificate there over plain HTTP, for as long as the certificates live, so choose a name that stays:\n  \
    --url http://pki.example.org        (or --url http://pki.example.org:8080, or SIGNET_URL, or url in signet.toml)\n\
    For trying it out on this machine alone: --demo";

fn ask_url() -> Result<PublicUrl> {
    eprintln!(
        "Certificates carry the address of their CRL and CA, for as long as they live. Give a name that stays and\n\
         that devices reach over plain HTTP, as http://pki.example.org or http://pki.example.org:8080"
    );
    eprint!("URL: ");
    let mut line = String::new();
    let read = std::io::stderr().flush().and_then(|()| std::io::stdin().read_line(&mut line));
    read.map_err(|e| usage("cannot read from the terminal").because(e))?;
    line.trim().parse().map_err(|e: Error| usage(e.detail()))
}

/// The password of a vault that is there. Errors: `usage` if there is none; `password-file`.
pub fn password_to_open(settings: &Given, layout: &Layout) -> Result<Zeroizing<String>> {
    password::find(settings.security_password_file.as_deref(), layout, Purpose::Open).map_err(as_usage)
}

/// The password of a new vault. Errors: as [`password_to_open`].
pub fn password_to_choose(settings: &Given, layout: &Layout) -> Result<Zeroizing<String>> {
    password::find(settings.security_password_file.as_deref(), layout, Purpose::Choose).map_err(as_usage)
}

/// A missing source is a matter of how the command was called.
fn as_usage(error: Error) -> Error {
    if error.code() == "no-password" { usage(error.detail()) } else { error }
}

/// The data folder's layout, by its absolute path. Errors: `usage` without `--data`.
pub fn layout(context: &Context) -> Result<Layout> {
    let data = context.data()?;
    let dir = std::path::absolute(&data)
        .map_err(|e| Error::storage(format!("no such path: {}", data.display())).because(e))?;
    Ok(Layout::new(dir))
}
