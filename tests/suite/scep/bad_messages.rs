//! Catalogue rows SCEP-04 to SCEP-18, -44, -64: the signed message and its framing.

use super::der::{content_info, int, octets, oid, seq, set, t, to_ber};
use super::device::{Device, Hash};
use super::envelope::{DATA, ENVELOPED_DATA, Envelope, SIGNED_DATA};
use super::message::{MESSAGE_DIGEST, Message};
use super::server::{Server, refusal, scep};

fn request(server: &Server) -> (Device, Message) {
    let device = server.device();
    let message = server.request(&device, "19", &device.csr(None));
    (device, message)
}

/// SCEP-05, SCEP-07, SCEP-08
#[test]
fn framing_that_cannot_be_read_is_refused_before_anything_else() {
    scep(async |server| {
        let (device, message) = request(server);
        let mut trailing = message.signed_by(&device);
        trailing.push(0);
        assert_eq!(server.refused(&trailing).await, (400, "scep: trailing data".to_owned()));
        let mut open = to_ber(&message.signed_by(&device), 100, &[0x31]);
        open.truncate(open.len() - 2);
        assert_eq!(server.refused(&open).await.0, 400);
        let bomb = [0x30, 0x80].repeat(20_000);
        assert_eq!(server.refused(&bomb).await, (400, "scep: ASN.1 nesting limit".to_owned()));
        let strings = [0x24, 0x80].repeat(20_000);
        assert_eq!(server.refused(&strings).await, (400, "scep: ASN.1 nesting limit".to_owned()));
    });
}

/// SCEP-10, SCEP-12, SCEP-14, SCEP-21
#[test]
fn what_is_not_a_signed_message_with_signed_attributes_is_refused() {
    scep(async |server| {
        let (device, message) = request(server);
        let outer = "scep: outer content must be signedData";
        for content_type in [ENVELOPED_DATA, DATA] {
            let other = content_info(content_type, &octets(b"x"));
            assert_eq!(server.refused(&other).await, (400, outer.to_owned()));
        }
        assert_eq!(server.refused(&message.assemble(&[])).await, (400, "scep: unsigned message".to_owned()));
        let signer = message.signer_info(&device);
        let (status, text) = server.refused(&message.assemble(&[signer.clone(), signer])).await;
        assert_eq!((status, text.as_str()), (400, "scep: exactly one SignerInfo is expected"));
        let mut bare = message.clone();
        bare.has_signed_attributes = false;
        assert_eq!(server.refused(&bare.signed_by(&device)).await.1, "scep: signedAttrs missing");
        let mut unsigned = message.clone();
        unsigned.unsigned = std::mem::take(&mut unsigned.attributes);
        unsigned.attributes = message.attributes[..2].to_vec();
        assert_eq!(server.refused(&unsigned.signed_by(&device)).await.1, "scep: transactionID not signed");
    });
}

/// SCEP-11, SCEP-15, SCEP-17
#[test]
fn content_and_signature_must_fit_each_other() {
    scep(async |server| {
        let (device, message) = request(server);
        let mut other_type = message.clone();
        other_type.content_type = SIGNED_DATA;
        let reply = server.post(&other_type.signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("2", "eContentType must be data"));
        let wrong_digest = message.clone().attribute(MESSAGE_DIGEST, vec![octets(&[7; 32])]);
        let no_digest = message.clone().without(MESSAGE_DIGEST);
        let mut implicit = message.clone();
        implicit.signs_implicit = true;
        for spoilt in [wrong_digest, no_digest, implicit] {
            let reply = server.post(&spoilt.signed_by(&device)).await;
            assert_eq!(refusal(&reply).0, "1", "{reply:?}");
        }
        let stranger = server.device();
        let reply = server.post(&message.signed_by(&device.holding(&stranger.certificate))).await;
        assert_eq!(refusal(&reply), ("1", "the signer's certificate is not in the message"));
    });
}

/// SCEP-18
#[test]
fn attributes_out_of_order_are_verified_as_they_were_sent() {
    scep(async |server| {
        let device = server.device();
        let mut message = server.first_request(&device).await;
        message.sorted = false;
        message.attributes.reverse();
        server.post(&message.signed_by(&device)).await.certificate(&device);
    });
}

/// SCEP-44
#[test]
fn a_signer_that_two_certificates_answer_to_is_ambiguous() {
    scep(async |server| {
        let (device, mut message) = request(server);
        let other = Device::new(&device.name);
        message.certificates.push(other.certificate);
        let reply = server.post(&message.signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("1", "ambiguous signer"));
    });
}

/// SCEP-64, and digests that the profile does not list
#[test]
fn digests_are_named_when_they_are_refused() {
    scep(async |server| {
        let (device, message) = request(server);
        for (hash, text) in [(Hash::Md5, "digest MD5 not allowed"), (Hash::Sha1, "digest SHA-1 not allowed")]
        {
            let reply = server.post(&message.clone().hash(hash).signed_by(&device)).await;
            assert_eq!(refusal(&reply), ("0", text));
        }
        let mut inconsistent = message.clone();
        inconsistent.listed = Hash::Sha512;
        let reply = server.post(&inconsistent.signed_by(&device)).await;
        assert_eq!(refusal(&reply), ("0", "digestAlgorithms does not list the signer's digest"));
    });
}

/// Go clients: `[0]` constructed. jscep and Bouncy Castle: indefinite lengths, strings in pieces.
#[test]
fn ber_as_clients_send_it_is_read() {
    scep(async |server| {
        for kept in [&[0xa0, 0x31][..], &[0x31]] {
            let device = server.device();
            let challenge = server.challenge(&device).await;
            let mut envelope = Envelope::new(&server.ra_certificate(), &device.csr(Some(&challenge)));
            envelope.constructed = true;
            let envelope = to_ber(&envelope.der(), 64, &[]);
            let message = Message::new(&device, "19", &super::server::unique("ber"), &envelope);
            let der = message.signed_by(&device);
            let ber = if kept.contains(&0xa0) { wrap(&der) } else { split_content(&der) };
            server.post(&ber).await.certificate(&device);
        }
    });
}

/// Indefinite lengths around everything but the SignedData's fields.
fn wrap(der: &[u8]) -> Vec<u8> {
    let fields = signet::x509::tlv::single(der, 0x30).unwrap().content;
    let id = oid(SIGNED_DATA);
    let inner = &fields[id.len()..];
    let signed_data = signet::x509::tlv::single(inner, 0xa0).unwrap().content;
    [&[0x30, 0x80][..], &id, &[0xa0, 0x80], signed_data, &[0; 4]].concat()
}

/// The eContent in pieces of 100, in a SignedData of indefinite length.
fn split_content(der: &[u8]) -> Vec<u8> {
    let mut reader = signet::x509::tlv::Reader::new(signet::x509::tlv::single(der, 0x30).unwrap().content);
    let id = reader.any().unwrap().whole;
    let mut fields = reader.enter(0xa0).unwrap().enter(0x30).unwrap();
    let mut out = [&[0x30, 0x80][..], id, &[0xa0, 0x80, 0x30, 0x80]].concat();
    for place in 0.. {
        let Ok(field) = fields.any() else { break };
        if place == 2 {
            out.extend(to_ber(field.whole, 100, &[]));
        } else {
            out.extend(field.whole);
        }
    }
    out.extend([0; 6]);
    out
}

/// A request with an empty set of recipients, versions that nobody writes: read or refused, never a fault.
#[test]
fn odd_but_well_framed_messages_are_refused_in_words() {
    scep(async |server| {
        let device = server.device();
        let empty = content_info(ENVELOPED_DATA, &seq(&[&int(&[0]), &set(&[]), &seq(&[&oid(DATA)])]));
        for content in [b"no ASN.1".to_vec(), Vec::new(), empty, t(0x30, &[])] {
            let message = Message::new(&device, "19", "odd", &content);
            let reply = server.post(&message.signed_by(&device)).await;
            assert_eq!(refusal(&reply), ("2", "the content must be an EnvelopedData"));
        }
    });
}
