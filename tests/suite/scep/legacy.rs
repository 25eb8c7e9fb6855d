//! What old devices send, where a profile allows it (feature `legacy`): single DES, MD5, SHA-1 in requests and replies.

use super::device::{Device, Hash};
use super::envelope::{AES_128_CBC, DES_CBC, DES_EDE3_CBC, Envelope, Wrap};
use super::message::Message;
use super::server::{Server, refusal, scep, unique};
use crate::fixture::Fixture;

/// A profile that allows all that is old.
pub fn profile(more: &str) -> String {
    let ciphers = "ciphers = [\"aes-128-cbc\", \"des3-cbc\", \"des-cbc\"]";
    Fixture::profile(
        "scep-device",
        &[
            ("digests = [\"sha512\", \"sha384\", \"sha256\"]", "digests = [\"sha256\", \"sha1\", \"md5\"]"),
            ("ciphers = [\"aes-256-cbc\", \"aes-192-cbc\", \"aes-128-cbc\"]", &format!("{ciphers}\n{more}")),
        ],
    )
}

/// A first request by a profile, with these algorithms in the message and in the request inside it.
async fn request(
    server: &Server,
    device: &Device,
    profile: &str,
    cipher: &'static str,
    message: Hash,
    csr: Option<Hash>,
) -> Vec<u8> {
    let challenge = server.fixture.challenge(profile, &device.name).await;
    let csr = match csr {
        Some(hash) => device.key.csr_with_hash(&device.name, &challenge, hash),
        None => device.csr(Some(&challenge)),
    };
    let envelope = Envelope::with_cipher(&server.ra_certificate(), &csr, cipher, Wrap::Pkcs1).der();
    Message::new(device, "19", &unique("old"), &envelope).hash(message).signed_by(device)
}

#[test]
fn old_algorithms_are_read_where_a_profile_lists_them_and_leave_a_warning() {
    scep(async |server| {
        for (cipher, message, csr, warning) in [
            (DES_CBC, Hash::Sha1, None, "des-cbc, sha-1"),
            (DES_CBC, Hash::Md5, Some(Hash::Md5), "des-cbc, md5"),
            (DES_EDE3_CBC, Hash::Md5, Some(Hash::Sha1), "3des-cbc, md5"),
            (AES_128_CBC, Hash::Sha1, Some(Hash::Sha1), "sha-1"),
        ] {
            let device = server.device();
            let message = request(server, &device, "scep-legacy", cipher, message, csr).await;
            let reply = server.post_to("/scep/scep-legacy", &message).await;
            reply.certificate(&device);
            assert_eq!(reply.digest, "SHA-256", "no reply with an old digest unless the profile says so");
            assert_eq!(server.warnings(&device).await, [warning]);
        }
        let device = server.device();
        let message = request(server, &device, "scep-legacy", AES_128_CBC, Hash::Sha256, None).await;
        server.post_to("/scep/scep-legacy", &message).await.certificate(&device);
        assert!(server.warnings(&device).await.is_empty());
    });
}

/// The reply's cipher, as the recipient's openssl would see it.
#[test]
fn single_des_is_answered_with_triple_des() {
    scep(async |server| {
        let device = server.device();
        let message = request(server, &device, "scep-legacy", DES_CBC, Hash::Sha1, None).await;
        let reply = server.post_to("/scep/scep-legacy", &message).await;
        let content = reply.content.unwrap();
        let has = |oid: &str| {
            let written = super::der::oid(oid);
            content.windows(written.len()).any(|window| window == written)
        };
        assert!(has(DES_EDE3_CBC) && !has(DES_CBC));
    });
}

#[test]
fn sha1_replies_are_for_those_who_send_sha1_and_hold() {
    scep(async |server| {
        for (message, digest, warning) in [
            (Hash::Sha1, "SHA-1", &["sha-1, sha-1-reply"][..]),
            (Hash::Md5, "SHA-1", &["md5, sha-1-reply"]),
            (Hash::Sha256, "SHA-256", &[]),
        ] {
            let device = server.device();
            let message = request(server, &device, "scep-sha1", AES_128_CBC, message, None).await;
            // Reading it verifies the signature, by aws-lc.
            let reply = server.post_to("/scep/scep-sha1", &message).await;
            reply.certificate(&device);
            assert_eq!(reply.digest, digest);
            assert_eq!(server.warnings(&device).await, warning);
        }
    });
}

#[test]
fn elsewhere_each_is_refused_by_its_name() {
    scep(async |server| {
        let device = server.device();
        for (cipher, hash, text) in [
            (DES_CBC, Hash::Sha256, "cipher DES-CBC not allowed"),
            (AES_128_CBC, Hash::Md5, "digest MD5 not allowed"),
            (AES_128_CBC, Hash::Sha1, "digest SHA-1 not allowed"),
        ] {
            let message = request(server, &device, "scep-device", cipher, hash, None).await;
            assert_eq!(refusal(&server.post(&message).await), ("0", text));
        }
        // An old signature of the request itself stands inside the envelope, of which nothing is told.
        for hash in [Hash::Md5, Hash::Sha1] {
            let message =
                request(server, &device, "scep-device", AES_128_CBC, Hash::Sha256, Some(hash)).await;
            assert_eq!(refusal(&server.post(&message).await), ("1", "the envelope cannot be opened"));
        }
    });
}

#[test]
fn a_forged_md5_or_sha1_proof_does_not_hold() {
    scep(async |server| {
        for hash in [Hash::Md5, Hash::Sha1] {
            let device = server.device();
            let challenge = server.fixture.challenge("scep-legacy", &device.name).await;
            let mut csr = device.key.csr_with_hash(&device.name, &challenge, hash);
            *csr.last_mut().unwrap() ^= 1;
            let envelope = Envelope::new(&server.ra_certificate(), &csr).der();
            let message = Message::new(&device, "19", &unique("old"), &envelope);
            let reply = server.post_to("/scep/scep-legacy", &message.signed_by(&device)).await;
            assert_eq!(refusal(&reply), ("1", "the envelope cannot be opened"));
            let mut message = message.hash(hash).signed_by(&device);
            *message.last_mut().unwrap() ^= 1;
            let reply = server.post_to("/scep/scep-legacy", &message).await;
            assert_eq!(refusal(&reply), ("1", "signature invalid"));
        }
    });
}
