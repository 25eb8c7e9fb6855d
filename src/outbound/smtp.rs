//! A mail server, one letter at a time (RFC 5321): under TLS from the first byte, after STARTTLS, or in the clear by
//! explicit word. A server without STARTTLS that is asked for it gets no letter.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::host::Host;
use super::{innermost, printable};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};

/// How a letter is carried to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// In the clear, then under TLS, or not at all (RFC 3207).
    StartTls,
    /// Under TLS from the first byte (RFC 8314).
    Tls,
    /// In the clear.
    None,
}

impl Encryption {
    /// The port that is usual for it.
    pub fn port(self) -> u16 {
        match self {
            Self::StartTls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

/// A mail address, perhaps with a name: `Signet <signet@example.org>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox(lettre::message::Mailbox);

impl Mailbox {
    /// Reads one. Errors: `bad-address`.
    pub fn parse(text: &str) -> Result<Self> {
        let hidden = text.len() > 320 || text.chars().any(char::is_control);
        let read = text.parse().ok().filter(|_| !hidden).map(Self);
        read.ok_or_else(|| {
            Error::invalid("bad-address", "a mail address is NAME@HOST, or Words <NAME@HOST>, on one line")
        })
    }
}

impl std::fmt::Display for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A user of the mail server.
pub struct User {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: Zeroizing<String>,
}

/// A letter.
pub struct Letter<'a> {
    /// The same for each copy, so that a reader's program can drop the second.
    pub id: &'a str,
    /// When it was written.
    pub at: Timestamp,
    /// What it is about: one line.
    pub subject: &'a str,
    /// What it says.
    pub text: &'a str,
}

/// A mail server, and who writes to whom.
pub struct Smtp {
    host: Host,
    encryption: Encryption,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    from: Mailbox,
    to: Vec<Mailbox>,
    patience: Duration,
}

impl Smtp {
    /// Prepares to write; the server's TLS certificate chains to one in the PEM file `ca`, or in the system's store.
    /// `patience` is for one letter. Errors: `bad-ca-file`.
    pub fn new(
        (host, encryption): (Host, Encryption),
        ca: Option<&Path>,
        user: Option<User>,
        (from, to): (Mailbox, Vec<Mailbox>),
        patience: Duration,
    ) -> Result<Self> {
        let tls = match encryption {
            Encryption::StartTls | Encryption::Tls => Some(tls(host.name(), ca)?),
            Encryption::None => None,
        };
        let credentials = user.map(|user| Credentials::new(user.name, user.password.as_str().to_owned()));
        Ok(Self { host, encryption, tls, credentials, from, to, patience })
    }

    /// Sends a letter to all who shall have it. Errors: `mail-failed`.
    pub async fn send(&self, letter: &Letter<'_>) -> Result<()> {
        let message = self.message(letter)?;
        match timeout(self.patience, self.deliver(&message)).await {
            Ok(sent) => sent.map_err(|why| self.failed(&why)),
            Err(_elapsed) => Err(self.failed("no answer in time")),
        }
    }

    async fn deliver(&self, message: &lettre::Message) -> std::result::Result<(), String> {
        let told = |e: lettre::transport::smtp::Error| told(&e);
        let mut connection = self.connect().await?;
        if let (Encryption::StartTls, Some(tls)) = (self.encryption, &self.tls) {
            connection.starttls(tls.clone(), &self.hello()).await.map_err(told)?;
        }
        if let Some(credentials) = &self.credentials {
            connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await.map_err(told)?;
        }
        connection.send(message.envelope(), &message.formatted()).await.map_err(told)?;
        // The letter is accepted: how the farewell goes changes nothing.
        let _ = connection.quit().await;
        Ok(())
    }

    /// Greets the first of the server's addresses that answers.
    async fn connect(&self) -> std::result::Result<AsyncSmtpConnection, String> {
        let tls = if self.encryption == Encryption::Tls { self.tls.clone() } else { None };
        let mut failure = "it has no address".to_owned();
        for address in self.host.addresses().await.map_err(|e| e.to_string())? {
            let (hello, tls) = (self.hello(), tls.clone());
            let connecting =
                AsyncSmtpConnection::connect_tokio1(address, Some(self.patience), &hello, tls, None);
            match connecting.await {
                Ok(connection) => return Ok(connection),
                Err(e) => failure = told(&e),
            }
        }
        Err(failure)
    }

    /// Who we say we are (RFC 5321 §4.1.1.1).
    fn hello(&self) -> ClientId {
        ClientId::Domain(self.from.0.email.domain().to_owned())
    }

    fn message(&self, letter: &Letter<'_>) -> Result<lettre::Message> {
        let millis = u64::try_from(letter.at.millis()).unwrap_or(0);
        let id = format!("<{}@{}>", letter.id, self.from.0.email.domain());
        // RFC 3834: no machine answers a machine.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        let mut message = lettre::Message::builder()
            .from(self.from.0.clone())
            .subject(printable(letter.subject))
            .date(UNIX_EPOCH + Duration::from_millis(millis))
            .message_id(Some(id))
            .raw_header(HeaderValue::new(automatic, "auto-generated".to_owned()))
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.0.clone());
        }
        message.body(letter.text.to_owned()).map_err(|e| Error::internal("a letter").because(e))
    }

    fn failed(&self, why: &str) -> Error {
        let text = format!("the mail server {}: {}", self.host, printable(why));
        Error::new(Kind::Unreachable, "mail-failed", text)
    }
}

/// What went wrong, with the server's own words if it had some.
fn told(error: &lettre::transport::smtp::Error) -> String {
    match error.status() {
        Some(_) => error.to_string(),
        None => innermost(error),
    }
}

fn tls(domain: &str, ca: Option<&Path>) -> Result<TlsParameters> {
    let bad = |e: String| Error::invalid("bad-ca-file", format!("the mail server's CA file: {e}"));
    let mut parameters = TlsParameters::builder(domain.to_owned());
    if let Some(file) = ca {
        super::roots(Some(file))?;
        let pem = std::fs::read(file).map_err(|e| bad(e.to_string()))?;
        let trusted = Certificate::from_pem(&pem).map_err(|e| bad(e.to_string()))?;
        parameters = parameters.certificate_store(CertificateStore::None).add_root_certificate(trusted);
    }
    parameters.build().map_err(|e| bad(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_line_and_no_more() {
        for good in ["ops@example.org", "Ops Team <ops@example.org>"] {
            assert!(Mailbox::parse(good).unwrap().to_string().contains("ops@example.org"), "{good}");
        }
        for bad in ["", "ops", "a@b\r\nBcc: c@d", "a@b, c@d", "<a@b", &format!("{}@x.org", "a".repeat(400))] {
            assert_eq!(Mailbox::parse(bad).unwrap_err().code(), "bad-address", "{bad}");
        }
    }

    #[test]
    fn a_letter_says_who_when_and_that_a_machine_wrote_it() {
        let mailbox = |text| Mailbox::parse(text).unwrap();
        let parties = (mailbox("Signet <signet@example.org>"), vec![mailbox("a@x.org"), mailbox("b@x.org")]);
        let server = (Host::parse("localhost", 25).unwrap(), Encryption::None);
        let smtp = Smtp::new(server, None, None, parties, Duration::from_secs(1)).unwrap();
        let at = Timestamp::parse("2026-11-22T01:26:00Z").unwrap();
        let letter = Letter { id: "run-1", at, subject: "one\r\nBcc: evil@x.org", text: "Grüße\n" };
        let text = String::from_utf8(smtp.message(&letter).unwrap().formatted()).unwrap();
        for line in [
            "To: a@x.org, b@x.org\r\n",
            "Subject: oneBcc: evil@x.org\r\n",
            "Message-ID: <run-1@example.org>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "Date: Sun, 22 Nov 2026 01:26:00 +0000\r\n",
        ] {
            assert!(text.contains(line), "{line}: {text}");
        }
        assert!(!text.contains("\r\nBcc"), "{text}");
    }
}
