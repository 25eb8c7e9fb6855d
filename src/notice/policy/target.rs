//! Where a channel leads.

use std::path::PathBuf;
use std::time::Duration;

use crate::ca::profile::SecretFile;
use crate::outbound;
use crate::outbound::host::Host;
use crate::outbound::smtp::{Encryption, Mailbox};
use crate::outbound::syslog::Transport;

mod read;

pub(super) use read::{RawChannel, read};

/// Where a channel leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A mail server.
    Smtp(Box<MailOptions>),
    /// Another program, told over HTTP.
    Webhook(WebhookOptions),
    /// A syslog server.
    Syslog(SyslogOptions),
}

impl Target {
    /// As it is written in the policy.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Smtp(_) => "smtp",
            Self::Webhook(_) => "webhook",
            Self::Syslog(_) => "syslog",
        }
    }
}

impl std::fmt::Display for Target {
    /// Where to, without secrets: no path of a webhook.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Smtp(mail) => {
                let to: Vec<String> = mail.to.iter().map(ToString::to_string).collect();
                write!(f, "{} by {}", to.join(", "), mail.server)
            }
            Self::Webhook(webhook) => webhook.target.fmt(f),
            Self::Syslog(syslog) => syslog.server.fmt(f),
        }
    }
}

/// How mail is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailOptions {
    /// The mail server.
    pub server: Host,
    /// How it is spoken to.
    pub encryption: Encryption,
    /// The CAs of its TLS certificate, PEM; none: the system's.
    pub ca_file: Option<PathBuf>,
    /// The user, and where its password is.
    pub user: Option<(String, SecretFile)>,
    /// Who writes.
    pub from: Mailbox,
    /// Who reads.
    pub to: Vec<Mailbox>,
    /// For one letter.
    pub timeout: Duration,
}

/// How a webhook is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookOptions {
    /// The address.
    pub target: outbound::webhook::Target,
    /// The key of the signature.
    pub secret: SecretFile,
    /// The CAs of its TLS certificate, PEM; none: the system's.
    pub ca_file: Option<PathBuf>,
    /// For the whole exchange.
    pub timeout: Duration,
}

/// How a syslog server is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyslogOptions {
    /// The server.
    pub server: Host,
    /// How it is reached.
    pub transport: Transport,
    /// The CAs of its TLS certificate, PEM; none: the system's.
    pub ca_file: Option<PathBuf>,
    /// The facility's number (RFC 5424 §6.2.1).
    pub facility: u8,
    /// For one message.
    pub timeout: Duration,
}
