//! RADIUS (RFC 2865): the device's name and its challenge are put before up to three servers.

use std::sync::atomic::{AtomicUsize, Ordering};

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use zeroize::Zeroizing;

use crate::ca::profile::RadiusOptions;
use crate::enrol::source::{Question, Verdict, secret_file};
use crate::error::{Error, Kind, Result};
use crate::outbound::datagram::{Patience, exchange};
use crate::random::Random;

mod attribute;
pub mod reply;
pub mod request;

use reply::Reply;
use request::{AccessRequest, Sent};

/// Octets before the attributes, and of the longest packet (RFC 2865 §3).
const HEADER: usize = 20;
const LONGEST: usize = 4096;
/// RFC 2865 §3: a secret is at least as hard to guess as a good password.
const SHORTEST_SECRET: usize = 16;

/// The servers of one profile.
pub struct Radius {
    options: RadiusOptions,
    secret: Zeroizing<Vec<u8>>,
    /// The server that answered last is asked first.
    first: AtomicUsize,
}

impl Radius {
    /// Reads the secret. Errors: `secret-file`.
    pub fn open(options: &RadiusOptions) -> Result<Self> {
        let secret = secret_file::line(&options.secret, SHORTEST_SECRET)?;
        let secret = Zeroizing::new(secret.as_bytes().to_vec());
        Ok(Self { options: options.clone(), secret, first: AtomicUsize::new(0) })
    }

    /// Asks the servers in turn until one answers. Errors: `challenge-source-unavailable` if none does.
    pub async fn ask(&self, question: &Question<'_>, random: &Random) -> Result<Verdict> {
        let Some(user) = question.device else {
            return Ok(Verdict::Refused(Some("the subject does not name the device".to_owned())));
        };
        let station = question.address.map(|address| address.to_string());
        let request = AccessRequest {
            user,
            password: question.challenge,
            nas_identifier: &self.options.nas_identifier,
            station: station.as_deref(),
        };
        let sent = match request.write(&self.secret, random) {
            Ok(sent) => sent,
            Err(unfit) if unfit.code() == "radius-attribute" => {
                return Ok(Verdict::Refused(Some(unfit.detail().to_owned())));
            }
            Err(e) => return Err(e),
        };
        self.put_before_servers(&sent).await.map(verdict)
    }

    async fn put_before_servers(&self, sent: &Sent) -> Result<Reply> {
        let (count, first) = (self.options.servers.len(), self.first.load(Ordering::Relaxed));
        let mut silent = Vec::new();
        for place in (0..count).map(|n| (first + n) % count) {
            match self.put_before(place, sent).await {
                Ok(reply) => {
                    self.first.store(place, Ordering::Relaxed);
                    return Ok(reply);
                }
                Err(why) => silent.push(why.detail().to_owned()),
            }
        }
        Err(Error::new(
            Kind::Unreachable,
            "radius-failed",
            format!("no RADIUS server answered: {}", silent.join("; ")),
        ))
    }

    /// What is no valid answer is passed over (RFC 2865 §3), but told if nothing better comes.
    async fn put_before(&self, place: usize, sent: &Sent) -> Result<Reply> {
        let patience = Patience { tries: self.options.tries, wait: self.options.timeout };
        let mut passed_over = None;
        let accept = |datagram: &[u8]| match reply::read(datagram, sent, &self.secret) {
            Ok(reply) => Some(reply),
            Err(flaw) => {
                passed_over = Some(flaw.detail().to_owned());
                None
            }
        };
        let answer = exchange(self.options.servers[place], &sent.bytes, patience, LONGEST, accept).await;
        answer.map_err(|e| match passed_over {
            Some(flaw) => Error::new(e.kind(), e.code(), format!("{} but {flaw}", e.detail())),
            None => e,
        })
    }
}

fn verdict(reply: Reply) -> Verdict {
    match reply {
        Reply::Accept => Verdict::Accepted,
        Reply::Reject(message) => Verdict::Refused(message),
        Reply::Challenge => {
            Verdict::Refused(Some("the RADIUS server asks for more than a challenge".to_owned()))
        }
    }
}

/// HMAC-MD5 under the secret over these parts (RFC 3579 §3.2).
fn message_authenticator(secret: &[u8], parts: &[&[u8]]) -> Result<[u8; 16]> {
    let mut mac = Hmac::<Md5>::new_from_slice(secret).map_err(|e| Error::internal("HMAC-MD5").because(e))?;
    parts.iter().for_each(|part| mac.update(part));
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
pub(super) mod tests {
    use md5::Digest;

    use super::*;

    /// RFC 2865 §7.1
    pub const SECRET: &[u8] = b"xyzzy5461";
    pub const AUTHENTICATOR: [u8; 16] =
        [0x0f, 0x40, 0x3f, 0x94, 0x73, 0x97, 0x80, 0x57, 0xbd, 0x83, 0xd5, 0xcb, 0x98, 0xf4, 0x22, 0x7a];

    pub fn sent() -> Sent {
        Sent { bytes: Zeroizing::new(Vec::new()), id: 0, authenticator: AUTHENTICATOR }
    }

    /// A sound answer to [`sent`], with attributes before and after its Message-Authenticator.
    pub fn answer(code: u8, before: &[u8], after: &[u8]) -> Vec<u8> {
        let length = (HEADER + before.len() + 18 + after.len()) as u16;
        let mut packet = vec![code, 0];
        packet.extend(length.to_be_bytes());
        packet.extend(AUTHENTICATOR);
        packet.extend(before);
        packet.extend([80, 18]);
        let at = packet.len();
        packet.extend([0; 16]);
        packet.extend(after);
        let mac = message_authenticator(SECRET, &[&packet]).unwrap();
        packet[at..at + 16].copy_from_slice(&mac);
        let sum: [u8; 16] = Md5::new().chain_update(&packet).chain_update(SECRET).finalize().into();
        packet[4..HEADER].copy_from_slice(&sum);
        packet
    }
}
