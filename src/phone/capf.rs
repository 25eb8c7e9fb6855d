//! CAPF as a phone speaks it: the server asks, the phone answers.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::certificate::Certificate;
use super::header::u16_of;
use super::keys::{Keys, Kind};
use super::list;
use super::state::Phone;
use super::tls::Tls;
use super::wire::within;
use super::{Fault, Outcome};

const PROTOCOL: u8 = 0x55;
const VERSION: u8 = 3;
const LSC: u8 = 1;
const OK: u8 = 1;
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
/// certificate that the phone's lists have as CAPF's, unless it has no lists.
pub async fn session(phone: &mut Phone, tls: &Tls, to: &str, keys: &Keys) -> Outcome<Ended> {
    let (mut stream, shown) = tls.open(to).await?;
    if !phone.installed.is_empty() && !phone.installed.trusts(list::CAPF, &shown) {
        return Err(Fault::new("the server's certificate is not listed as CAPF's"));
    }
    for _ in 0..MOST {
        let asked = within(Message::receive(&mut stream)).await??;
        let answer = match asked.command {
            command::END => return Ok(ended(asked.byte(1).unwrap_or(0))),
            command::RETRY_LATER => return Ok(Ended::Nothing),
            _ => answer(phone, keys, &asked)?,
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

fn answer(phone: &mut Phone, keys: &Keys, asked: &Message) -> Outcome<Message> {
    let said = |command, elements| Message { command, session: 0, elements };
    match asked.command {
        command::AUTH_REQUEST => Ok(said(command::AUTH_RESPONSE, introduction(phone))),
        command::KEY_REQUEST => match key(phone, keys, asked)? {
            Some(public) => Ok(said(command::KEY_RESPONSE, vec![(9, public)])),
            None => Ok(said(command::KEY_RESPONSE, vec![(1, vec![7])])),
        },
        command::STORE_REQUEST => {
            let der = certificate(asked.value(4)?)?;
            Certificate::read(der)?;
            phone.lsc = Some(der.to_vec());
            Ok(said(command::STORE_RESPONSE, vec![(1, vec![OK])]))
        }
        command::FETCH_REQUEST => {
            let mut elements = vec![(1, vec![OK])];
            elements.extend(phone.lsc.as_ref().map(|der| (4, wrapped(der))));
            Ok(said(command::FETCH_RESPONSE, elements))
        }
        command::DELETE_REQUEST => {
            phone.lsc = None;
            Ok(said(command::DELETE_RESPONSE, vec![(1, vec![OK])]))
        }
        other => Err(Fault::new(format!("the server sent command {other}"))),
    }
}

fn introduction(phone: &Phone) -> Vec<(u8, Vec<u8>)> {
    let text = |text: &str| [text.as_bytes(), &[0]].concat();
    let string = phone.string.as_deref().unwrap_or_default();
    vec![(1, vec![OK]), (7, vec![VERSION]), (11, text(string)), (13, text(&phone.name))]
}

/// The public key that is asked for; none if the phone cannot make it.
fn key(phone: &Phone, keys: &Keys, asked: &Message) -> Outcome<Option<Vec<u8>>> {
    let kind = match asked.byte(17) {
        Some(0) => Kind::Rsa(u16_of(Some(asked.value(10)?))?),
        Some(1) if phone.only_rsa => return Ok(None),
        Some(1) => Kind::Ec(asked.byte(18).ok_or_else(|| Fault::new("no curve was named"))?),
        _ => return Err(Fault::new("no type of key was named")),
    };
    keys.public(kind).map(Some)
}

/// The DER in a certificate's element: `01`, its length and 2, `00`, type, DER.
fn certificate(value: &[u8]) -> Outcome<&[u8]> {
    let length = usize::from(u16_of(value.get(1..3))?);
    match value.split_at_checked(5) {
        Some(([1, _, _, 0, _], der)) if der.len() + 2 == length => Ok(der),
        _ => Err(Fault::new("the certificate is not wrapped as it should be")),
    }
}

fn wrapped(der: &[u8]) -> Vec<u8> {
    let length = u16::try_from(der.len() + 2).unwrap_or(u16::MAX).to_be_bytes();
    [&[1, length[0], length[1], 0, LSC], der].concat()
}

#[derive(Clone, Debug)]
struct Message {
    command: u8,
    session: u32,
    elements: Vec<(u8, Vec<u8>)>,
}

impl Message {
    async fn receive(stream: &mut (impl AsyncReadExt + Unpin)) -> Outcome<Self> {
        let mut head = [0; 8];
        stream.read_exact(&mut head).await?;
        let [protocol, command, s0, s1, s2, s3, l0, l1] = head;
        if protocol != PROTOCOL {
            return Err(Fault::new("the server does not speak CAPF"));
        }
        let mut body = vec![0; usize::from(u16::from_be_bytes([l0, l1]))];
        stream.read_exact(&mut body).await?;
        let (mut elements, mut at) = (Vec::new(), 0);
        while at < body.len() {
            let value = super::header::value_at(&body, at, body.len())?;
            let end = value.end;
            elements.push((body[at], body[value].to_vec()));
            at = end;
        }
        Ok(Self { command, session: u32::from_be_bytes([s0, s1, s2, s3]), elements })
    }

    fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (tag, value) in &self.elements {
            body.push(*tag);
            body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
            body.extend(value);
        }
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[PROTOCOL, self.command][..], &self.session.to_be_bytes(), &length, &body].concat()
    }

    fn value(&self, tag: u8) -> Outcome<&[u8]> {
        let found = self.elements.iter().find(|(own, _)| *own == tag).map(|(_, value)| value.as_slice());
        found.ok_or_else(|| Fault::new(format!("element {tag} is missing")))
    }

    fn byte(&self, tag: u8) -> Option<u8> {
        match self.value(tag) {
            Ok([byte]) => Some(*byte),
            Ok(_) | Err(_) => None,
        }
    }
}
