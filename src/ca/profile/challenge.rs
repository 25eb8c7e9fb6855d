//! Where the challenges of a profile come from, and who judges them: `[challenge]` of its file.

use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::outbound::webhook::Target;

mod check;

pub(super) use check::source;

/// Who judges a challenge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChallengeSource {
    /// Signet: each challenge was made for one identity and serves once.
    OneTime,
    /// Signet, by one secret that all devices share: it proves nothing of the single device.
    SharedSecret {
        /// Where the secret is.
        secret: SecretFile,
    },
    /// Another program, asked over HTTP.
    Webhook(WebhookOptions),
    /// A RADIUS server (RFC 2865).
    Radius(RadiusOptions),
}

impl ChallengeSource {
    /// As it is written in a profile.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::OneTime => "one-time",
            Self::SharedSecret { .. } => "shared-secret",
            Self::Webhook(_) => "webhook",
            Self::Radius(_) => "radius",
        }
    }
}

/// How a webhook is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookOptions {
    /// The address.
    pub target: Target,
    /// The key of the signature.
    pub secret: SecretFile,
    /// The CAs of its TLS certificate, PEM; none: the system's.
    pub ca_file: Option<PathBuf>,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// How RADIUS servers are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RadiusOptions {
    /// One to three, asked in this order.
    pub servers: Vec<std::net::SocketAddr>,
    /// The secret that is shared with them.
    pub secret: SecretFile,
    /// NAS-Identifier (RFC 2865 §5.32).
    pub nas_identifier: String,
    /// For the answer to one packet.
    pub timeout: Duration,
    /// How often each server is sent the packet.
    pub tries: u32,
}

/// Where a secret is: never in the profile itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretFile {
    /// A file that only its owner may read, by its absolute path.
    Path(PathBuf),
    /// A systemd credential, by its name.
    Credential(String),
}

impl SecretFile {
    /// Reads an absolute path, or `credential:NAME`. Errors: `bad-profile`.
    pub fn parse(text: &str) -> Result<Self> {
        match text.strip_prefix("credential:") {
            Some(name) if is_credential(name) => Ok(Self::Credential(name.to_owned())),
            Some(_) => Err(Error::invalid(
                "bad-profile",
                "a credential's name is of letters, digits, dots, dashes and underscores",
            )),
            None => absolute(text).map(Self::Path),
        }
    }
}

fn is_credential(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=255).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(fits)
}

/// The path of a file that a policy names. Errors: `bad-profile` if it does not begin with a slash.
pub fn absolute(text: &str) -> Result<PathBuf> {
    let path = PathBuf::from(text);
    if path.is_absolute() && !text.chars().any(char::is_control) {
        return Ok(path);
    }
    Err(Error::invalid("bad-profile", "the path of a file begins with /"))
}

impl std::fmt::Display for SecretFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}
