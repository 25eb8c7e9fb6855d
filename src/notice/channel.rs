//! The channels of a policy, opened: secrets and CA files are read, no network is touched.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;

use crate::enrol::source::secret_file;
use crate::error::{Error, Kind, Result};
use crate::notice::digest::Digest;
use crate::notice::policy::{
    self, ChannelPolicy, MailOptions, NoticePolicy, SyslogOptions, Target, WebhookOptions,
};
use crate::outbound::smtp::{Letter, Smtp, User};
use crate::outbound::syslog::{Syslog, Transport};
use crate::outbound::webhook::{self, Webhook};

/// As many octets as a key of HMAC-SHA-256 that is worth its name.
const SHORTEST_SECRET: usize = 16;
/// What every receiver takes, and no network cuts to pieces (RFC 5426 §3.2).
const LARGEST_DATAGRAM: usize = 1180;
/// What receivers are asked to take on connections (RFC 5425 §4.3.1).
const LARGEST_MESSAGE: usize = 8192;
/// More than the header of a syslog message has.
const HEADER: usize = 320;
/// warning (RFC 5424 §6.2.1).
const SEVERITY: u8 = 4;

/// Channels by name; those that could not be opened fail what they are to send.
#[derive(Default)]
pub struct Channels(BTreeMap<String, std::result::Result<Channel, String>>);

enum Channel {
    Mail(Box<Smtp>),
    Webhook(Box<(Webhook, hmac::Key)>),
    Syslog { door: Box<Syslog>, priority: u8, most: usize },
}

impl Channels {
    /// Opens every channel. Also says every fault found, with `file:line` as its field: `secret-file`, `bad-ca-file`.
    pub(super) fn open(policy: &NoticePolicy) -> (Self, Vec<Error>) {
        let (mut channels, mut faults) = (Self::default(), Vec::new());
        for channel in &policy.channels {
            let opened = Channel::open(&channel.target).map_err(|fault| {
                let why = fault.detail().to_owned();
                faults.push(located(channel, fault));
                why
            });
            channels.0.insert(channel.name.clone(), opened);
        }
        (channels, faults)
    }

    /// Why a channel cannot be used, if it cannot.
    pub fn fault(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_ref().err().map(String::as_str)
    }

    /// Sends a message, once. Errors: `channel-unusable`, `mail-failed`, `webhook-failed`, `syslog-failed`.
    pub(super) async fn send(&self, name: &str, digest: &Digest) -> Result<()> {
        let sent = match self.0.get(name) {
            None => Err(Error::not_found("channel", "of that name")),
            Some(Err(why)) => Err(Error::new(Kind::Unreachable, "channel-unusable", why.clone())),
            Some(Ok(channel)) => channel.send(digest).await,
        };
        let result = if sent.is_ok() { "sent" } else { "failed" };
        metrics::counter!("signet_notice_messages_total", "channel" => name.to_owned(), "result" => result)
            .increment(1);
        sent
    }
}

impl Channel {
    fn open(target: &Target) -> Result<Self> {
        match target {
            Target::Smtp(options) => mail(options),
            Target::Webhook(options) => hook(options),
            Target::Syslog(options) => syslog(options),
        }
    }

    async fn send(&self, digest: &Digest) -> Result<()> {
        match self {
            Self::Mail(smtp) => {
                let (subject, text) = (digest.headline(), digest.text());
                let letter = Letter { id: &digest.id, at: digest.at, subject: &subject, text: &text };
                smtp.send(&letter).await
            }
            Self::Webhook(hook) => {
                let (door, key) = &**hook;
                let body = digest.json();
                door.tell(&webhook::signed(key, digest.at, &body), body).await
            }
            Self::Syslog { door, priority, most } => {
                door.send(log_message(*priority, digest, *most).as_bytes()).await
            }
        }
    }
}

fn mail(options: &MailOptions) -> Result<Channel> {
    let user = match &options.user {
        None => None,
        Some((name, file)) => Some(User { name: name.clone(), password: secret_file::line(file, 1)? }),
    };
    let server = (options.server.clone(), options.encryption);
    let parties = (options.from.clone(), options.to.clone());
    let smtp = Smtp::new(server, options.ca_file.as_deref(), user, parties, options.timeout)?;
    Ok(Channel::Mail(Box::new(smtp)))
}

fn hook(options: &WebhookOptions) -> Result<Channel> {
    let secret = secret_file::line(&options.secret, SHORTEST_SECRET)?;
    let door = Webhook::new(&options.target, options.ca_file.as_deref(), options.timeout)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    Ok(Channel::Webhook(Box::new((door, key))))
}

fn syslog(options: &SyslogOptions) -> Result<Channel> {
    let (server, ca) = (options.server.clone(), options.ca_file.as_deref());
    let door = Syslog::new(server, options.transport, ca, options.timeout)?;
    let most = match options.transport {
        Transport::Udp => LARGEST_DATAGRAM,
        Transport::Tcp | Transport::Tls => LARGEST_MESSAGE,
    };
    Ok(Channel::Syslog { door: Box::new(door), priority: options.facility * 8 + SEVERITY, most })
}

/// RFC 5424 §6: a text beyond ASCII says so by its mark (§6.4).
fn log_message(priority: u8, digest: &Digest, most: usize) -> String {
    let text = digest.line(most.saturating_sub(HEADER));
    let mark = if text.is_ascii() { "" } else { "\u{feff}" };
    format!("<{priority}>1 {} {} signet {} notice - {mark}{text}", digest.at, host_name(), std::process::id())
}

/// This machine's name, as Linux says it; `-` (unknown) elsewhere.
fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name.trim().chars().filter(char::is_ascii_graphic).take(255).collect();
    if name.is_empty() { "-".to_owned() } else { name }
}

fn located(channel: &ChannelPolicy, fault: Error) -> Error {
    fault.at(format!("{}:{}", policy::FILE, channel.line))
}
