//! From a channel as it stands in the file to where it leads.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::{MailOptions, SyslogOptions, Target, WebhookOptions};
use crate::ca::profile::{SecretFile, absolute, duration};
use crate::error::{Error, Result};
use crate::notice::policy::Faults;
use crate::outbound;
use crate::outbound::host::Host;
use crate::outbound::smtp::{Encryption, Mailbox};
use crate::outbound::syslog::Transport;

/// The longest that one message may take.
const LONGEST: Duration = Duration::from_secs(60);
const MOST_RECIPIENTS: usize = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawType {
    Smtp,
    Webhook,
    Syslog,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawEncryption {
    StartTls,
    Tls,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawTransport {
    Udp,
    Tcp,
    Tls,
}

/// A channel as it stands in the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::notice::policy) struct RawChannel {
    r#type: Spanned<RawType>,
    enabled: Option<bool>,
    server: Option<Spanned<String>>,
    encryption: Option<Spanned<RawEncryption>>,
    from: Option<Spanned<String>>,
    to: Option<Spanned<Vec<Spanned<String>>>>,
    user: Option<Spanned<String>>,
    password_file: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    allow_plain_http: Option<Spanned<bool>>,
    secret_file: Option<Spanned<String>>,
    transport: Option<Spanned<RawTransport>>,
    facility: Option<Spanned<String>>,
    ca_file: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
}

impl RawChannel {
    /// Where its type stands.
    pub(in crate::notice::policy) fn offset(&self) -> usize {
        self.r#type.span().start
    }

    /// Whether it is used.
    pub(in crate::notice::policy) fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

/// Reads where a channel leads; nothing, and its faults noted, if it leads nowhere.
pub(in crate::notice::policy) fn read(raw: RawChannel, faults: &mut Faults<'_>) -> Option<Target> {
    foreign_keys(&raw, faults);
    match raw.r#type.get_ref() {
        RawType::Smtp => mail(&raw, faults).map(|options| Target::Smtp(Box::new(options))),
        RawType::Webhook => webhook(&raw, faults).map(Target::Webhook),
        RawType::Syslog => syslog(&raw, faults).map(Target::Syslog),
    }
}

/// A key that the type does not know is a mistake, not a decoration.
fn foreign_keys(raw: &RawChannel, faults: &mut Faults<'_>) {
    use RawType::{Smtp, Syslog, Webhook};
    fn start<T>(value: &Option<Spanned<T>>) -> Option<usize> {
        value.as_ref().map(|value| value.span().start)
    }
    let keys: [(&str, Option<usize>, &[RawType]); 11] = [
        ("server", start(&raw.server), &[Smtp, Syslog]),
        ("encryption", start(&raw.encryption), &[Smtp]),
        ("from", start(&raw.from), &[Smtp]),
        ("to", start(&raw.to), &[Smtp]),
        ("user", start(&raw.user), &[Smtp]),
        ("password_file", start(&raw.password_file), &[Smtp]),
        ("url", start(&raw.url), &[Webhook]),
        ("allow_plain_http", start(&raw.allow_plain_http), &[Webhook]),
        ("secret_file", start(&raw.secret_file), &[Webhook]),
        ("transport", start(&raw.transport), &[Syslog]),
        ("facility", start(&raw.facility), &[Syslog]),
    ];
    for (key, given, types) in keys {
        if let Some(at) = given
            && !types.contains(raw.r#type.get_ref())
        {
            faults.note(at, &format!("{key} does not belong to a channel of this type"));
        }
    }
}

fn mail(raw: &RawChannel, faults: &mut Faults<'_>) -> Option<MailOptions> {
    let encryption = match raw.encryption.as_ref().map(Spanned::get_ref) {
        Some(RawEncryption::StartTls) => Encryption::StartTls,
        Some(RawEncryption::Tls) => Encryption::Tls,
        Some(RawEncryption::None) => Encryption::None,
        None => return needed("encryption (\"starttls\", \"tls\" or \"none\")", raw, faults),
    };
    let server = server(raw, encryption.port(), faults);
    let from = text("from", raw.from.as_ref(), raw, faults, Mailbox::parse);
    let to = recipients(raw, faults);
    let user = user(raw, encryption, faults);
    let ca_file = ca_file(raw, faults);
    let timeout = timeout(raw, Duration::from_secs(30), faults);
    Some(MailOptions {
        server: server?,
        encryption,
        ca_file: ca_file?,
        user: user?,
        from: from?,
        to: to?,
        timeout: timeout?,
    })
}

fn recipients(raw: &RawChannel, faults: &mut Faults<'_>) -> Option<Vec<Mailbox>> {
    let Some(to) = &raw.to else { return needed("to", raw, faults) };
    if !(1..=MOST_RECIPIENTS).contains(&to.get_ref().len()) {
        faults.note(to.span().start, &format!("to names 1 to {MOST_RECIPIENTS} addresses"));
        return None;
    }
    let read = |one: &Spanned<String>| faults.take("to", one.span().start, Mailbox::parse(one.get_ref()));
    to.get_ref().iter().map(read).collect()
}

/// A user has a password, and it is not sent in the clear to another machine's ears by accident.
fn user(
    raw: &RawChannel,
    encryption: Encryption,
    faults: &mut Faults<'_>,
) -> Option<Option<(String, SecretFile)>> {
    let (user, file) = match (&raw.user, &raw.password_file) {
        (None, None) => return Some(None),
        (Some(user), Some(file)) => (user, file),
        (Some(only), None) | (None, Some(only)) => {
            faults.note(only.span().start, "user and password_file stand together");
            return None;
        }
    };
    let fits = |name: &str| (1..=255).contains(&name.len()) && !name.chars().any(char::is_control);
    if !fits(user.get_ref()) {
        faults.note(user.span().start, "user is a line of 1 to 255 bytes");
    }
    if encryption == Encryption::None {
        faults.note(
            user.span().start,
            "a password is not sent in the clear: encryption = \"starttls\" or \"tls\"",
        );
    }
    let file = faults.take("password_file", file.span().start, SecretFile::parse(file.get_ref()))?;
    Some(Some((user.get_ref().clone(), file)))
}

fn webhook(raw: &RawChannel, faults: &mut Faults<'_>) -> Option<WebhookOptions> {
    let plain = raw.allow_plain_http.as_ref().is_some_and(|plain| *plain.get_ref());
    let target =
        text("url", raw.url.as_ref(), raw, faults, |url| outbound::webhook::Target::parse(url, plain));
    let secret = text("secret_file", raw.secret_file.as_ref(), raw, faults, SecretFile::parse);
    let ca_file = ca_file(raw, faults);
    let timeout = timeout(raw, Duration::from_secs(10), faults);
    Some(WebhookOptions { target: target?, secret: secret?, ca_file: ca_file?, timeout: timeout? })
}

fn syslog(raw: &RawChannel, faults: &mut Faults<'_>) -> Option<SyslogOptions> {
    let (transport, port) = match raw.transport.as_ref().map(Spanned::get_ref) {
        Some(RawTransport::Udp) => (Transport::Udp, 514),
        Some(RawTransport::Tcp) => (Transport::Tcp, 514),
        Some(RawTransport::Tls) => (Transport::Tls, 6514),
        None => return needed("transport (\"tls\", \"tcp\" or \"udp\")", raw, faults),
    };
    let server = server(raw, port, faults);
    let facility = match &raw.facility {
        None => Some(LOCAL0),
        Some(name) => faults.take("facility", name.span().start, facility(name.get_ref())),
    };
    let ca_file = ca_file(raw, faults);
    let timeout = timeout(raw, Duration::from_secs(10), faults);
    Some(SyslogOptions {
        server: server?,
        transport,
        ca_file: ca_file?,
        facility: facility?,
        timeout: timeout?,
    })
}

const LOCAL0: u8 = 16;

/// The number of a facility's name, as syslog.conf has them (RFC 5424 §6.2.1).
fn facility(name: &str) -> Result<u8> {
    const NAMED: [(&str, u8); 7] =
        [("user", 1), ("mail", 2), ("daemon", 3), ("auth", 4), ("syslog", 5), ("cron", 9), ("authpriv", 10)];
    let local = name.strip_prefix("local").and_then(|n| n.parse::<u8>().ok()).filter(|n| *n <= 7);
    let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, number)| *number);
    named.or(local.map(|n| LOCAL0 + n)).ok_or_else(|| {
        let names: Vec<&str> = NAMED.iter().map(|(name, _)| *name).collect();
        Error::invalid("bad-notices", format!("it is one of {}, local0 … local7", names.join(", ")))
    })
}

fn server(raw: &RawChannel, port: u16, faults: &mut Faults<'_>) -> Option<Host> {
    text("server", raw.server.as_ref(), raw, faults, |server| Host::parse(server, port))
}

/// A text that must be given and can be read.
fn text<T>(
    key: &str,
    given: Option<&Spanned<String>>,
    raw: &RawChannel,
    faults: &mut Faults<'_>,
    read: impl FnOnce(&str) -> Result<T>,
) -> Option<T> {
    match given {
        Some(given) => faults.take(key, given.span().start, read(given.get_ref())),
        None => needed(key, raw, faults),
    }
}

/// Outer: whether it can be read; inner: whether there is one.
fn ca_file(raw: &RawChannel, faults: &mut Faults<'_>) -> Option<Option<PathBuf>> {
    match &raw.ca_file {
        None => Some(None),
        Some(file) => faults.take("ca_file", file.span().start, absolute(file.get_ref())).map(Some),
    }
}

fn timeout(raw: &RawChannel, usual: Duration, faults: &mut Faults<'_>) -> Option<Duration> {
    let Some(given) = &raw.timeout else { return Some(usual) };
    let timeout = faults.take("timeout", given.span().start, duration::parse(given.get_ref()))?;
    if !(Duration::from_secs(1)..=LONGEST).contains(&timeout) {
        faults.note(given.span().start, "timeout is from 1s to 60s");
        return None;
    }
    Some(timeout)
}

fn needed<T>(key: &str, raw: &RawChannel, faults: &mut Faults<'_>) -> Option<T> {
    faults.note(raw.offset(), &format!("a channel of this type needs {key}"));
    None
}

#[cfg(test)]
mod tests {
    use crate::notice::policy::NoticePolicy;

    const MAIL: &str = "[channels.m]\ntype = \"smtp\"\nserver = \"mail.example.org\"\nencryption = \"starttls\"\n\
                        from = \"a@x.org\"\nto = [\"b@x.org\"]\n";
    const HOOK: &str =
        "[channels.w]\ntype = \"webhook\"\nurl = \"https://x.example/\"\nsecret_file = \"/s\"\n";
    const LOG: &str = "[channels.l]\ntype = \"syslog\"\nserver = \"log\"\ntransport = \"tls\"\n";

    #[test]
    fn each_type_has_its_own_keys_and_usual_ports() {
        let policy = NoticePolicy::parse(&[MAIL, HOOK, LOG].concat()).unwrap();
        let shown: Vec<String> =
            policy.channels.iter().map(|c| format!("{} {}", c.target.as_str(), c.target)).collect();
        assert_eq!(
            shown,
            ["syslog log:6514", "smtp b@x.org by mail.example.org:587", "webhook https://x.example"]
        );
    }

    #[test]
    fn a_channel_that_cannot_be_meant_is_refused_with_its_line() {
        let cases = [
            (MAIL.replace("encryption = \"starttls\"\n", ""), "2: a channel of this type needs encryption"),
            (MAIL.replace("starttls", "maybe"), "4: unknown variant `maybe`"),
            (MAIL.replace("mail.example.org", "169.254.169.254"), "3: server: a server is HOST"),
            (MAIL.replace("[\"b@x.org\"]", "[]"), "6: to names 1 to 20"),
            (MAIL.replace("b@x.org", "b@x.org\\r\\nBcc: c@x.org"), "6: to: a mail address"),
            (format!("{MAIL}user = \"u\"\n"), "7: user and password_file stand together"),
            (
                format!("{MAIL}user = \"u\"\npassword_file = \"/p\"\n").replace("starttls", "none"),
                "7: a password is not sent in the clear",
            ),
            (format!("{MAIL}user = \"u\"\npassword_file = \"p\"\n"), "8: password_file: the path of a file"),
            (format!("{MAIL}url = \"https://x\"\n"), "7: url does not belong"),
            (format!("{MAIL}timeout = \"2m\"\n"), "7: timeout is from 1s to 60s"),
            (
                HOOK.replace("https://x.example/", "http://x.example/"),
                "3: url: plain http goes to this machine",
            ),
            (
                HOOK.replace("https://x.example/", "file:///etc/passwd"),
                "3: url: a webhook is asked over https",
            ),
            (HOOK.replace("secret_file = \"/s\"\n", ""), "2: a channel of this type needs secret_file"),
            (LOG.replace("transport = \"tls\"\n", ""), "2: a channel of this type needs transport"),
            (format!("{LOG}facility = \"local8\"\n"), "5: facility: it is one of"),
            (format!("{LOG}pasword_file = \"/x\"\n"), "5: unknown field `pasword_file`"),
        ];
        for (text, expected) in cases {
            let found = NoticePolicy::parse(&text).unwrap_err();
            let first = found[0].to_string();
            assert!(first.starts_with(&format!("notices.toml:{expected}")), "{first}");
        }
    }
}
