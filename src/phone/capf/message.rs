//! Messages of CAPF: a header, then elements.

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

use crate::phone::header::value_at;
use crate::phone::{Fault, Outcome};

const PROTOCOL: u8 = 0x55;
/// The octets before the elements.
const HEAD: usize = 8;
/// The elements that clients take: known ones abort on others.
const TAKEN: [u8; 8] = [1, 3, 4, 7, 8, 10, 17, 18];

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// What is asked for, or answered.
    pub command: u8,
    /// The number that the server gave the session.
    pub session: u32,
    /// Tags and values.
    pub elements: Vec<(u8, Vec<u8>)>,
}

impl Message {
    /// Reads one, which must come in one record of TLS: a phone waits for the rest of another and does not go on. Faults: it
    /// does not, a length that lies, elements that phones do not take or that do not stand in the order of their tags.
    pub async fn receive(stream: &mut (impl AsyncBufRead + Unpin)) -> Outcome<Self> {
        // What is buffered first is one record, whatever came behind it.
        let record = stream.fill_buf().await?;
        let (message, length) = Self::read(record)?;
        stream.consume(length);
        Ok(message)
    }

    /// The message that a record begins with, and its length.
    fn read(record: &[u8]) -> Outcome<(Self, usize)> {
        match record.first() {
            None => return Err(Fault::new("the server closed the connection")),
            Some(&PROTOCOL) => {}
            Some(_) => return Err(Fault::new("the server does not speak CAPF")),
        }
        let cut = || Fault::new("a message did not come in one record of TLS");
        let Some(([_, command, s0, s1, s2, s3, l0, l1], rest)) = record.split_first_chunk::<HEAD>() else {
            return Err(cut());
        };
        let length = usize::from(u16::from_be_bytes([*l0, *l1]));
        let elements = elements(rest.get(..length).ok_or_else(cut)?)?;
        let session = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        Ok((Self { command: *command, session, elements }, HEAD + length))
    }

    /// As it is sent: in one write.
    pub fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        for (tag, value) in &self.elements {
            body.push(*tag);
            body.extend(u16::try_from(value.len()).unwrap_or(u16::MAX).to_be_bytes());
            body.extend(value);
        }
        let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
        [&[PROTOCOL, self.command][..], &self.session.to_be_bytes(), &length, &body].concat()
    }

    /// The value of an element, which must be there.
    pub fn value(&self, tag: u8) -> Outcome<&[u8]> {
        let found = self.elements.iter().find(|(own, _)| *own == tag).map(|(_, value)| value.as_slice());
        found.ok_or_else(|| Fault::new(format!("element {tag} is missing")))
    }

    /// The value of an element of one byte.
    pub fn byte(&self, tag: u8) -> Option<u8> {
        match self.value(tag) {
            Ok([byte]) => Some(*byte),
            Ok(_) | Err(_) => None,
        }
    }
}

fn elements(body: &[u8]) -> Outcome<Vec<(u8, Vec<u8>)>> {
    let (mut elements, mut at) = (Vec::<(u8, Vec<u8>)>::new(), 0);
    while let Some(tag) = body.get(at) {
        let value = value_at(body, at, body.len())?;
        if !TAKEN.contains(tag) {
            return Err(Fault::new(format!("element {tag} is none that phones take")));
        }
        if elements.last().is_some_and(|(before, _)| before >= tag) {
            return Err(Fault::new(format!("element {tag} does not stand in the order of tags")));
        }
        at = value.end;
        elements.push((*tag, body.get(value).unwrap_or_default().to_vec()));
    }
    Ok(elements)
}
