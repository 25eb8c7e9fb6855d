//! Every way in which clients write a message that is not DER, or not as we would write it: each enrols.

use signet::x509::tlv::Reader;

use super::cert_rep::CertRep;
use super::der::{algorithm, int, name, octets, oid, seq, t, to_ber, to_long_lengths};
use super::device::{Device, Hash};
use super::envelope::{AES_256_CBC, Envelope, Wrap};
use super::message::{Message, SENDER_NONCE};
use super::server::{Server, scep, unique};

/// A device as a case wants it.
type Made = fn(&str) -> Device;
/// Writes the device's request.
type Written = fn(&Server, &Device, &[u8]) -> Vec<u8>;

const CASES: &[(&str, Made, Written)] = &[
    ("indefinite lengths and strings in pieces throughout", Device::new, |server, device, csr| {
        to_ber(&plain(server, device, csr).signed_by(device), 64, &[])
    }),
    (
        "strings in pieces of one octet, in a message of definite length",
        Device::new,
        |server, device, csr| to_ber(&plain(server, device, csr).signed_by(device), 1, &[0x30, 0x31, 0xa0]),
    ),
    ("lengths in four octets each", Device::new, |server, device, csr| {
        to_long_lengths(&plain(server, device, csr).signed_by(device))
    }),
    ("an envelope of indefinite lengths in a DER message", Device::new, |server, device, csr| {
        let envelope = to_ber(&Envelope::new(&server.ra_certificate(), csr).der(), 16, &[]);
        Message::new(device, "19", &unique("ber"), &envelope).signed_by(device)
    }),
    ("encrypted content in pieces", Device::new, |server, device, csr| {
        let envelope = Envelope { constructed: true, ..Envelope::new(&server.ra_certificate(), csr) };
        let both = to_ber(&envelope.der(), 50, &[]);
        Message::new(device, "19", &unique("ber"), &both).signed_by(device)
    }),
    ("a request of indefinite lengths in the envelope", Device::new, |server, device, csr| {
        plain(server, device, &to_ber(csr, 32, &[])).signed_by(device)
    }),
    ("digests without parameters", Device::new, |server, device, csr| {
        Message { null_parameters: false, ..plain(server, device, csr) }.signed_by(device)
    }),
    ("rsaEncryption without parameters", Device::new, |server, device, csr| {
        let bare = seq(&[&oid("1.2.840.113549.1.1.1")]);
        Message { signature_algorithm: Some(bare), ..plain(server, device, csr) }.signed_by(device)
    }),
    ("sha256WithRSAEncryption for the signature", Device::new, |server, device, csr| {
        let combined = algorithm("1.2.840.113549.1.1.11");
        Message { signature_algorithm: Some(combined), ..plain(server, device, csr) }.signed_by(device)
    }),
    ("a nonce of 8 octets", Device::new, |server, device, csr| {
        plain(server, device, csr).attribute(SENDER_NONCE, vec![octets(&[7; 8])]).signed_by(device)
    }),
    (
        "a signer certificate of version 1",
        |name| {
            let device = Device::new(name);
            device.holding(&device.key.version_1(name))
        },
        |server, device, csr| plain(server, device, csr).signed_by(device),
    ),
    ("a critical authority key identifier in the signer", critical_key_identifier, |server, device, csr| {
        plain(server, device, csr).signed_by(device)
    }),
    ("a signer named by its key identifier", critical_key_identifier, |server, device, csr| {
        Message { key_id: Some(vec![9; 20]), ..plain(server, device, csr) }.signed_by(device)
    }),
    (
        "a signer with a negative serial number",
        |name| Device::with_serial(name, &[0x85, 0x01]),
        |server, device, csr| plain(server, device, csr).signed_by(device),
    ),
    ("key transport by OAEP with SHA-1", Device::new, |server, device, csr| {
        transported(server, device, csr, Wrap::OaepSha1)
    }),
    ("key transport by OAEP with SHA-256", Device::new, |server, device, csr| {
        transported(server, device, csr, Wrap::OaepSha256)
    }),
    ("an RSA-PSS signer with SHA-256", Device::new, |server, device, csr| {
        let pss = Some((pss(Hash::Sha256, 32), "-sha256"));
        Message { pss, ..plain(server, device, csr) }.signed_by(device)
    }),
    ("an RSA-PSS signer with SHA-512", Device::new, |server, device, csr| {
        let pss = Some((pss(Hash::Sha512, 64), "-sha512"));
        Message { pss, ..plain(server, device, csr).hash(Hash::Sha512) }.signed_by(device)
    }),
];

#[test]
fn whatever_clients_write_is_read() {
    scep(async |server| {
        for (what, made, written) in CASES {
            let device = made(&unique("ber"));
            let challenge = server.challenge(&device).await;
            let message = written(server, &device, &device.csr(Some(&challenge)));
            let reply = server.post(&message).await;
            assert_eq!(reply.status, "0", "{what}: {:?}", reply.text);
            let issued = reply.certificate(&device);
            assert!(issued.windows(device.name.len()).any(|w| w == device.name.as_bytes()), "{what}");
            is_strict_der(&reply);
        }
    });
}

/// A PSS signature whose parameters name another digest than the SignerInfo does is none that we verify.
#[test]
fn pss_parameters_must_fit_the_digest() {
    scep(async |server| {
        for (stated, salt) in [(Hash::Sha512, 64), (Hash::Sha256, 20), (Hash::Sha1, 20)] {
            let device = server.device();
            let message = Message {
                pss: Some((pss(stated, salt), "-sha256")),
                ..plain(server, &device, &device.csr(None))
            };
            let reply = server.post(&message.signed_by(&device)).await;
            let refused = super::server::refusal(&reply);
            assert_eq!(refused, ("0", "the signature algorithm does not fit the key and the digest"));
        }
    });
}

fn plain(server: &Server, device: &Device, csr: &[u8]) -> Message {
    server.request(device, "19", csr)
}

fn transported(server: &Server, device: &Device, csr: &[u8], wrap: Wrap) -> Vec<u8> {
    let envelope = Envelope::with_cipher(&server.ra_certificate(), csr, AES_256_CBC, wrap);
    Message::new(device, "19", &unique("oaep"), &envelope.der()).signed_by(device)
}

/// A self-signed certificate whose authority key identifier is critical, against RFC 5280 §4.2.1.1.
fn critical_key_identifier(common_name: &str) -> Device {
    let device = Device::new(common_name);
    let (own, key) = (name(common_name), [9; 20]);
    let subject_key = seq(&[&oid("2.5.29.14"), &octets(&octets(&key))]);
    let authority_key = seq(&[&oid("2.5.29.35"), &[1, 1, 0xff], &octets(&seq(&[&t(0x80, &[&key])]))]);
    let extensions = [&subject_key[..], &authority_key];
    let certificate = device.key.extended(&own, &own, &[3], &device.key.spki(), &extensions);
    device.holding(&certificate)
}

/// RSASSA-PSS with one digest for both uses (RFC 4055 §3.1).
fn pss(hash: Hash, salt: u8) -> Vec<u8> {
    let digest = algorithm(hash.oid());
    let mask = seq(&[&oid("1.2.840.113549.1.1.8"), &digest]);
    let parameters = seq(&[&t(0xa0, &[&digest]), &t(0xa1, &[&mask]), &t(0xa2, &[&int(&[salt])])]);
    seq(&[&oid("1.2.840.113549.1.1.10"), &parameters])
}

/// Whatever came in, what goes out is DER: definite lengths, each as short as can be.
fn is_strict_der(reply: &CertRep) {
    let content = reply.content.as_ref().unwrap();
    let mut reader = Reader::new(content);
    reader.expect(0x30).unwrap();
    reader.finish().unwrap();
    assert!(matches!(signet::x509::ber::to_der(content, 65_536), Ok(std::borrow::Cow::Borrowed(_))));
}
