//! CAPF as a phone speaks it: the server asks, the phone answers.

use std::sync::Arc;

use tokio::io::AsyncWriteExt;

use super::certificate::Certificate;
use super::header::u16_of;
use super::keys::{KeyPair, Keys, Kind};
use super::list;
use super::state::{Identity, Phone};
use super::tls::Tls;
use super::wire::within;
use super::{Fault, Outcome};

mod message;

use message::Message;

const VERSION: u8 = 3;
const LSC: u8 = 1;
const MIC: u8 = 2;
const OK: u8 = 1;
const DECLINED: u8 = 7;
const SHA512: u8 = 3;
/// So many questions a server may ask.
const MOST: usize = 16;

mod command {
    pub const AUTH_REQUEST: u8 = 1;
    pub const AUTH_RESPONSE: u8 = 2;
    pub const KEY_REQUEST: u8 = 3;
    pub const KEY_RESPONSE: u8 = 4;
    pub const STORE_REQUEST: u8 = 9;
    pub const STORE_RESPONSE: u8 = 10;
    pub const FETCH_REQUEST: u8 = 11;
    pub const FETCH_RESPONSE: u8 = 12;
    pub const DELETE_REQUEST: u8 = 13;
    pub const DELETE_RESPONSE: u8 = 14;
    pub const END: u8 = 15;
    pub const RETRY_LATER: u8 = 16;
}

/// How a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing was to be done.
    Nothing,
    /// What was asked for was done.
    Done,
    /// The server refused: the reason of its EndSession.
    Refused(u8),
}

/// Runs a session: what the server wants done is done, also to the phone's certificate. The server must present a
/// certificate that the phone's lists have as CAPF's, unless it has no lists. Faults: it does not, or does not speak CAPF.
pub(super) async fn session(phone: &mut Phone, tls: &Tls, to: &str, keys: &Keys) -> Outcome<Ended> {
    let (mut stream, shown) = tls.open(to).await?;
    if !phone.installed.is_empty() && !phone.installed.trusts(list::CAPF, &shown) {
        return Err(Fault::new("the server's certificate is not listed as CAPF's"));
    }
    let mut talk = Talk { phone, keys, made: None };
    let mut session = None;
    for _ in 0..MOST {
        let asked = within(Message::receive(&mut stream)).await??;
        if *session.get_or_insert(asked.session) != asked.session {
            return Err(Fault::new("the server changed the number of the session"));
        }
        let answer = match asked.command {
            command::END => return Ok(ended(asked.byte(1).unwrap_or(0))),
            command::RETRY_LATER if talk.phone.takes_later => return Ok(Ended::Nothing),
            command::RETRY_LATER => return Err(Fault::new("RetryLater is nothing that this phone knows")),
            _ => talk.answer(&asked)?,
        };
        let answer = Message { session: asked.session, ..answer };
        within(stream.write_all(&answer.bytes())).await??;
        stream.flush().await?;
    }
    Err(Fault::new("the server asked without an end"))
}

fn ended(reason: u8) -> Ended {
    match reason {
        0 => Ended::Nothing,
        1 => Ended::Done,
        other => Ended::Refused(other),
    }
}

/// One session.
struct Talk<'a> {
    phone: &'a mut Phone,
    keys: &'a Keys,
    /// The key that was made in it.
    made: Option<Arc<KeyPair>>,
}

impl Talk<'_> {
    fn answer(&mut self, asked: &Message) -> Outcome<Message> {
        let said = |command, elements| Message { command, session: 0, elements };
        match asked.command {
            command::AUTH_REQUEST => Ok(said(command::AUTH_RESPONSE, introduction(self.phone)?)),
            command::KEY_REQUEST => {
                self.made = self.key(asked)?;
                let public = self.made.as_ref().map(|key| (9, key.public().to_vec()));
                Ok(said(command::KEY_RESPONSE, vec![public.unwrap_or((1, vec![DECLINED]))]))
            }
            command::STORE_REQUEST => {
                if asked.value(3)? != [LSC] {
                    return Err(Fault::new("element 3 does not say that an LSC comes"));
                }
                let reason = self.store(certificate(asked.value(4)?)?)?;
                Ok(said(command::STORE_RESPONSE, vec![(1, vec![reason])]))
            }
            command::FETCH_REQUEST => {
                let own = self.phone.lsc.as_ref().map(|own| (4, wrapped(&own.certificate, LSC)));
                let elements = [(1, vec![OK])].into_iter().chain(own).collect();
                Ok(said(command::FETCH_RESPONSE, elements))
            }
            command::DELETE_REQUEST => {
                self.phone.lsc = None;
                Ok(said(command::DELETE_RESPONSE, vec![(1, vec![OK])]))
            }
            other => Err(Fault::new(format!("the server sent command {other}"))),
        }
    }

    /// A key as it is asked for; none if the phone cannot make it.
    fn key(&self, asked: &Message) -> Outcome<Option<Arc<KeyPair>>> {
        let kind = match asked.byte(17) {
            Some(0) => Kind::Rsa(u16_of(Some(asked.value(10)?))?),
            Some(1) if self.phone.only_rsa => return Ok(None),
            Some(1) => Kind::Ec(asked.byte(18).ok_or_else(|| Fault::new("no curve was named"))?),
            _ => return Err(Fault::new("no type of key was named")),
        };
        self.keys.pair(kind).map(Some)
    }

    /// Keeps a certificate for the key that was made in this session, and no other.
    fn store(&mut self, der: &[u8]) -> Outcome<u8> {
        let public = Certificate::read(der)?.spki()?;
        match self.made.take() {
            Some(key) if key.public() == public => {
                self.phone.lsc = Some(Identity { certificate: der.to_vec(), key });
                Ok(OK)
            }
            Some(_) | None => Ok(DECLINED),
        }
    }
}

/// Who the phone is, and all that it can prove itself by: it is not told what is asked for.
fn introduction(phone: &Phone) -> Outcome<Vec<(u8, Vec<u8>)>> {
    let text = |text: &str| [text.as_bytes(), &[0]].concat();
    let string = phone.string.as_deref().unwrap_or_default();
    let mut elements = vec![(1, vec![OK]), (7, vec![VERSION]), (11, text(string)), (13, text(&phone.name))];
    if let Some(own) = phone.shown() {
        let message = [&text(&phone.name)[..], &own.certificate].concat();
        let proof = own.key.prove(&message)?;
        let sort =
            if phone.lsc.as_ref().is_some_and(|lsc| lsc.certificate == own.certificate) { LSC } else { MIC };
        elements.push((4, wrapped(&own.certificate, sort)));
        elements.push((6, proof.sha1));
        elements.push((20, [&[SHA512][..], &length(proof.sha512.len()), &proof.sha512].concat()));
        elements.sort_by_key(|(tag, _)| *tag);
    }
    Ok(elements)
}

/// The DER of the LSC in a certificate's element: `01`, its length and 2, `00`, type, DER.
fn certificate(value: &[u8]) -> Outcome<&[u8]> {
    let length = usize::from(u16_of(value.get(1..3))?);
    match value.split_at_checked(5) {
        Some(([1, _, _, 0, LSC], der)) if der.len() + 2 == length => Ok(der),
        _ => Err(Fault::new("the certificate is not wrapped as it should be")),
    }
}

fn wrapped(der: &[u8], sort: u8) -> Vec<u8> {
    [&[1][..], &length(der.len() + 2), &[0, sort], der].concat()
}

fn length(of: usize) -> [u8; 2] {
    u16::try_from(of).unwrap_or(u16::MAX).to_be_bytes()
}
