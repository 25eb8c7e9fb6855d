//! Messages of CAPF: a header, then elements.

use tokio::io::AsyncReadExt;

use crate::phone::header::value_at;
use crate::phone::{Fault, Outcome};

const PROTOCOL: u8 = 0x55;

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
    /// Reads one. Faults: a connection that ends, a length that lies.
    pub async fn receive(stream: &mut (impl AsyncReadExt + Unpin)) -> Outcome<Self> {
        let mut head = [0; 8];
        stream.read_exact(&mut head).await?;
        let [protocol, command, s0, s1, s2, s3, l0, l1] = head;
        if protocol != PROTOCOL {
            return Err(Fault::new("the server does not speak CAPF"));
        }
        let mut body = vec![0; usize::from(u16::from_be_bytes([l0, l1]))];
        stream.read_exact(&mut body).await?;
        let (mut elements, mut at) = (Vec::new(), 0);
        while let Some(tag) = body.get(at) {
            let value = value_at(&body, at, body.len())?;
            at = value.end;
            elements.push((*tag, body.get(value).unwrap_or_default().to_vec()));
        }
        Ok(Self { command, session: u32::from_be_bytes([s0, s1, s2, s3]), elements })
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
