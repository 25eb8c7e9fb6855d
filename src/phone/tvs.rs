//! TVS as a phone asks it: may this certificate be trusted, and for what?

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::header::value_at;
use super::list;
use super::state::Phone;
use super::tls::Tls;
use super::wire::within;
use super::{Fault, Outcome};

const PROTOCOL: u8 = 0x57;
const VERSION: u8 = 1;
const VERIFY_REQUEST: u8 = 1;
const VERIFY_RESPONSE: u8 = 2;
const QUERY_REQUEST: u8 = 3;
const QUERY_RESPONSE: u8 = 4;
const SESSION: [u8; 4] = [0, 0, 0, 1];

/// What TVS says of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// Whether it may be trusted.
    pub valid: bool,
    /// For which roles.
    pub roles: Vec<u8>,
    /// The certificate that was asked for by its number and names, DER.
    pub certificate: Option<Vec<u8>>,
    /// For how many seconds that may be remembered.
    pub ttl: u32,
}

impl Answer {
    /// Whether the certificate may be trusted in one of these roles.
    pub fn vouches(&self, roles: &[u8]) -> bool {
        self.valid && self.roles.iter().any(|role| roles.contains(role))
    }
}

/// Asks about a certificate (DER).
pub async fn verify(phone: &Phone, tls: &Tls, to: &str, der: &[u8]) -> Outcome<Answer> {
    ask(phone, tls, to, (VERIFY_REQUEST, VERIFY_RESPONSE), &[(2, der)]).await
}

/// Asks for the certificate of a signer of which only names and number are known, as they stand in a header.
pub async fn query(
    phone: &Phone,
    tls: &Tls,
    to: &str,
    (subject, issuer, serial): (&str, &str, &[u8]),
) -> Outcome<Answer> {
    let text = |text: &str| [text.as_bytes(), &[0]].concat();
    let (subject, issuer) = (text(subject), text(issuer));
    let elements: [(u8, &[u8]); 3] = [(3, &subject), (4, &issuer), (5, serial)];
    ask(phone, tls, to, (QUERY_REQUEST, QUERY_RESPONSE), &elements).await
}

async fn ask(
    phone: &Phone,
    tls: &Tls,
    to: &str,
    (question, answer): (u8, u8),
    elements: &[(u8, &[u8])],
) -> Outcome<Answer> {
    let (mut stream, shown) = tls.open(to).await?;
    if !phone.installed.itl.as_ref().is_some_and(|itl| itl.lists(list::TVS, &shown)) {
        return Err(Fault::new("the server's certificate is not listed as that of TVS"));
    }
    let name = [&[1], phone.identity().as_bytes()].concat();
    let mut body = element(1, &name);
    elements.iter().for_each(|(tag, value)| body.extend(element(*tag, value)));
    let length = u16::try_from(body.len()).map_err(|_| Fault::new("the question is too long"))?.to_be_bytes();
    let asked = [&[PROTOCOL, VERSION, question, 0][..], &SESSION, &length, &body].concat();
    within(stream.write_all(&asked)).await??;
    stream.flush().await?;

    let mut head = [0; 10];
    within(stream.read_exact(&mut head)).await??;
    let [protocol, _, command, _, session @ .., l0, l1] = head;
    if (protocol, command, session) != (PROTOCOL, answer, SESSION) {
        return Err(Fault::new("not an answer of TVS to this question"));
    }
    let mut body = vec![0; usize::from(u16::from_be_bytes([l0, l1]))];
    within(stream.read_exact(&mut body)).await??;
    read(&body)
}

fn element(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes();
    [&[tag, length[0], length[1]], value].concat()
}

fn read(body: &[u8]) -> Outcome<Answer> {
    let (mut answer, mut status, mut at) = (Answer::default(), None, 0);
    while let Some(tag) = body.get(at) {
        let value = value_at(body, at, body.len())?;
        at = value.end;
        match (tag, body.get(value).unwrap_or_default()) {
            (7, [byte]) => status = Some(*byte),
            (8, roles) => answer.roles = roles.to_vec(),
            (2, der) => answer.certificate = Some(der.to_vec()),
            (9, [a, b, c, d]) => answer.ttl = u32::from_be_bytes([*a, *b, *c, *d]),
            _ => {}
        }
    }
    let status = status.ok_or_else(|| Fault::new("TVS gave no status"))?;
    Ok(Answer { valid: status == 0, ..answer })
}
