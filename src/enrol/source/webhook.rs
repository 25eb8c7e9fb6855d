//! Another program is asked: one signed POST, and its answer is taken only as it must be.
//!
//! The body is signed ([`outbound::webhook::signed`]). The answer is `{"allow": true}` or `{"allow": false, "reason": "…"}`.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::ca::profile::WebhookOptions;
use crate::enrol::source::{Question, Verdict, secret_file};
use crate::error::{Error, Kind, Result};
use crate::outbound;

/// As many octets as a key of HMAC-SHA-256 that is worth its name.
const SHORTEST_SECRET: usize = 16;

/// The program that judges a profile's challenges.
pub struct Webhook {
    door: outbound::webhook::Webhook,
    key: hmac::Key,
}

/// What it is asked.
#[derive(Serialize)]
struct Body<'a> {
    /// The same for each copy of a request.
    id: String,
    profile: &'a str,
    subject: String,
    sans: Vec<String>,
    device: Option<&'a str>,
    transaction: Option<&'a str>,
    challenge: &'a str,
    csr: String,
    address: Option<String>,
}

/// What it says.
#[derive(Deserialize)]
struct Answer {
    allow: bool,
    reason: Option<String>,
}

impl Webhook {
    /// Reads the secret and the CA file. Errors: `secret-file`, `bad-ca-file`.
    pub fn open(options: &WebhookOptions) -> Result<Self> {
        let secret = secret_file::line(&options.secret, SHORTEST_SECRET)?;
        let door =
            outbound::webhook::Webhook::new(&options.target, options.ca_file.as_deref(), options.timeout)?;
        Ok(Self { door, key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()) })
    }

    /// Asks once. Errors: `webhook-failed` for anything but a clear yes or no.
    pub async fn ask(&self, question: &Question<'_>) -> Result<Verdict> {
        let body = body(question)?;
        let headers = outbound::webhook::signed(&self.key, question.at, &body);
        let answer = self.door.post(&headers, body.to_vec()).await?;
        let answer: Answer = serde_json::from_slice(&answer).map_err(|_| {
            let text = "the webhook's answer is not {\"allow\": true or false, \"reason\": text}";
            Error::new(Kind::Unreachable, "webhook-failed", text)
        })?;
        Ok(if answer.allow { Verdict::Accepted } else { Verdict::Refused(answer.reason) })
    }
}

fn body(question: &Question<'_>) -> Result<Zeroizing<Vec<u8>>> {
    let body = Body {
        id: id(question),
        profile: question.profile.as_str(),
        subject: question.subject.to_string(),
        sans: question.sans.iter().map(ToString::to_string).collect(),
        device: question.device,
        transaction: question.transaction,
        challenge: question.challenge,
        csr: STANDARD.encode(question.csr),
        address: question.address.map(|address| address.to_string()),
    };
    let body = serde_json::to_vec(&body);
    body.map(Zeroizing::new).map_err(|e| Error::internal("cannot encode a question").because(e))
}

fn id(question: &Question<'_>) -> String {
    let transaction = question.transaction.unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(question.profile.as_str())
        .chain_update([0])
        .chain_update(transaction)
        .chain_update([0])
        .chain_update(question.csr_digest)
        .finalize();
    hex(&digest[..16])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_clear_yes_or_no() {
        let read = |text: &str| serde_json::from_str::<Answer>(text).map(|a| (a.allow, a.reason));
        assert_eq!(read(r#"{"allow":true,"more":1}"#).unwrap(), (true, None));
        assert_eq!(read(r#"{"allow":false,"reason":"no"}"#).unwrap(), (false, Some("no".into())));
        for bad in [
            "",
            "true",
            "{}",
            r#"{"allow":"true"}"#,
            r#"{"allow":1}"#,
            r#"{"allow":true}}"#,
            r#"{"allow":false,"allow":true}"#,
            r#"{"allow":null}"#,
            r#"[true]"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
