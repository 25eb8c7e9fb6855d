//! CMS against openssl: what it writes we read, what we write it reads.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signet::clock::{Clock, Timestamp};
use signet::keys::{Decrypter, KeyStore, KeyTransport, Signer, software::Vault};
use signet::random::Random;
use signet::x509::ber;
use signet::x509::cert::Certificate;
use signet::x509::cms::write::{Signing, To, envelop};
use signet::x509::cms::{ContentCipher, DigestAlgorithm, EnvelopedData, Recipient, SignedData, Transport};
use signet::x509::key::Digest;

use crate::openssl::openssl;

const CONTENT: &[u8] = b"a PKCS#10 request, say";

/// A folder with a self-signed certificate, its key, and the same key in a vault.
struct Identity {
    folder: tempfile::TempDir,
    certificate: Certificate,
    vault: Vault,
}

impl Identity {
    fn new(new_key: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (key, pem) = (folder.path().join("key.pem"), folder.path().join("cert.pem"));
        let subject = ["req", "-x509", "-nodes", "-subj", "/CN=device/O=Acme", "-days", "2", "-keyout"];
        let mut arguments: Vec<&str> = subject.to_vec();
        arguments.extend([text(&key), "-out", text(&pem)]);
        arguments.extend(new_key);
        openssl(&arguments, b"");
        let pkcs8 = openssl(&["pkcs8", "-topk8", "-nocrypt", "-outform", "DER", "-in", text(&key)], b"");
        let vault = Vault::create(folder.path(), "correct horse", &Random::system()).unwrap();
        vault.import(&"device".parse().unwrap(), &pkcs8).unwrap();
        let certificate = Certificate::read(&std::fs::read(&pem).unwrap()).unwrap();
        Self { folder, certificate, vault }
    }

    fn rsa() -> Self {
        Self::new(&["-newkey", "rsa:2048"])
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        std::fs::write(self.path(name), content).unwrap();
        self.path(name)
    }

    fn signer(&self) -> Arc<dyn Signer> {
        self.vault.signer(&"device".parse().unwrap()).unwrap()
    }

    fn decrypter(&self) -> Arc<dyn Decrypter> {
        self.vault.decrypter(&"device".parse().unwrap()).unwrap()
    }

    /// `openssl cms` with this identity's certificate and key, and more arguments.
    fn cms(&self, arguments: &[&str], content: &[u8]) -> Vec<u8> {
        let (certificate, key) = (self.path("cert.pem"), self.path("key.pem"));
        let content = self.write("content", content);
        let mut all = vec!["cms", "-binary", "-in", text(&content)];
        match arguments[0] {
            "-sign" => all.extend(["-signer", text(&certificate), "-inkey", text(&key)]),
            "-decrypt" => all.extend(["-recip", text(&certificate), "-inkey", text(&key)]),
            _ => {}
        }
        all.extend(arguments);
        openssl(&all, b"")
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn verify(message: &[u8], identity: &Identity) -> signet::error::Result<()> {
    let der = ber::to_der(message, 65_536)?;
    let signed = SignedData::read(&der)?;
    assert_eq!(signed.content, Some(CONTENT));
    let certificates: Vec<_> =
        signed.certificates.iter().map(|c| Certificate::from_der(c).unwrap()).collect();
    let signer = signed.signer.certificate(&certificates)?;
    assert_eq!(signer, &identity.certificate);
    let digest = DigestAlgorithm::from_oid(signed.signer.digest)?;
    signed.signer.verify(&signer.public_key()?, digest, signed.content_type, CONTENT)
}

/// `-stream` makes openssl write indefinite lengths and constructed strings.
#[test]
fn what_openssl_signed_is_verified_in_der_and_in_ber() {
    let identity = Identity::rsa();
    for digest in ["sha1", "sha256", "sha384", "sha512"] {
        for more in [&["-nodetach"][..], &["-nodetach", "-stream"], &["-nodetach", "-keyid"]] {
            let message =
                identity.cms(&[&["-sign", "-outform", "DER", "-md", digest], more].concat(), CONTENT);
            assert_eq!(message[1] == 0x80, more.contains(&"-stream"));
            verify(&message, &identity).unwrap();
        }
    }
    let ec = Identity::new(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    let message = ec.cms(&["-sign", "-nodetach", "-outform", "DER", "-md", "sha384"], CONTENT);
    verify(&message, &ec).unwrap();
}

#[test]
fn a_signature_over_other_attributes_or_other_content_is_refused() {
    let identity = Identity::rsa();
    let message = identity.cms(&["-sign", "-nodetach", "-outform", "DER", "-md", "sha256"], CONTENT);
    let at = message.windows(CONTENT.len()).position(|w| w == CONTENT).unwrap();
    let mut changed = message.clone();
    changed[at] ^= 1;
    let der = ber::to_der(&changed, 65_536).unwrap();
    let signed = SignedData::read(&der).unwrap();
    let key = identity.certificate.public_key().unwrap();
    let content = signed.content.unwrap();
    let refused =
        signed.signer.verify(&key, DigestAlgorithm::Sha256, signed.content_type, content).unwrap_err();
    assert_eq!(
        (refused.code(), refused.detail()),
        ("cms-signature", "messageDigest does not fit the content")
    );
    let mut changed = message.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(verify(&changed, &identity).unwrap_err().detail(), "signature invalid");
}

fn open(message: &[u8], identity: &Identity) -> Vec<u8> {
    let der = ber::to_der(message, 65_536).unwrap();
    let enveloped = EnvelopedData::read(&der).unwrap();
    let [Recipient::KeyTransport { id, transport, encrypted_key }] = &enveloped.recipients[..] else {
        panic!("one key transport recipient: {:?}", enveloped.recipients)
    };
    assert!(id.matches(&identity.certificate));
    let transport = match transport.unwrap() {
        Transport::Pkcs1 => KeyTransport::Pkcs1,
        Transport::OaepSha1 => KeyTransport::OaepSha1,
        Transport::OaepSha256 => KeyTransport::OaepSha256,
    };
    let key = identity.decrypter().open_key(transport, encrypted_key, enveloped.cipher.key_len());
    enveloped.open(&key).unwrap().to_vec()
}

#[test]
fn what_openssl_encrypted_is_opened_with_every_cipher_and_transport() {
    let identity = Identity::rsa();
    let certificate = identity.path("cert.pem");
    let transports = [
        &[][..],
        &["-keyopt", "rsa_padding_mode:oaep"],
        &["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256"],
    ];
    for cipher in ["-aes128", "-aes192", "-aes256", "-des3"] {
        for transport in transports {
            for more in [&[][..], &["-stream"], &["-keyid"]] {
                let recipient = ["-encrypt", "-outform", "DER", cipher, "-recip", text(&certificate)];
                let message = identity.cms(&[&recipient[..], transport, more].concat(), CONTENT);
                assert_eq!(open(&message, &identity), CONTENT, "{cipher} {transport:?} {more:?}");
            }
        }
    }
}

/// SCEP-61, SCEP-62
#[test]
fn forbidden_content_ciphers_are_refused_by_their_identifier() {
    let identity = Identity::rsa();
    let certificate = identity.path("cert.pem");
    for cipher in [&["-aes-128-gcm"][..], &["-aes-256-ofb"], &["-camellia128"]] {
        let recipient = ["-encrypt", "-outform", "DER", "-recip", text(&certificate)];
        let message = identity.cms(&[&recipient[..], cipher].concat(), CONTENT);
        let der = ber::to_der(&message, 65_536).unwrap();
        let refused = EnvelopedData::read(&der).unwrap_err();
        assert_eq!(
            (refused.code(), refused.detail()),
            ("cms-algorithm", "algorithm forbidden"),
            "{cipher:?}"
        );
    }
}

#[test]
fn openssl_opens_what_we_envelop() {
    let identity = Identity::rsa();
    for cipher in ContentCipher::ALL {
        let message =
            envelop(To::Certificate(&identity.certificate), cipher, CONTENT, &Random::system()).unwrap();
        assert_eq!(identity.cms(&["-decrypt", "-inform", "DER"], &message), CONTENT, "{cipher}");
    }
    let ec = Identity::new(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    let refused =
        envelop(To::Certificate(&ec.certificate), ContentCipher::Aes128, CONTENT, &Random::system())
            .unwrap_err();
    assert_eq!(refused.code(), "cms-recipient");
}

#[test]
fn openssl_verifies_what_we_sign_with_and_without_content() {
    let identity = Identity::rsa();
    let now = Clock::system().now();
    for (digest, ours) in [
        (DigestAlgorithm::Sha256, Digest::Sha256),
        (DigestAlgorithm::Sha384, Digest::Sha384),
        (DigestAlgorithm::Sha512, Digest::Sha512),
    ] {
        for content in [Some(CONTENT), None] {
            let signing = Signing::new(&identity.certificate, digest, content, now).unwrap();
            let signature = identity.signer().sign(ours, &signing.to_be_signed()).unwrap();
            let message = signing.finish(&signature).unwrap();
            let detached = ["-content", "/dev/null"];
            let more = if content.is_some() { &[][..] } else { &detached };
            let read = identity.cms(&[&["-verify", "-inform", "DER", "-noverify"], more].concat(), &message);
            assert_eq!(read, content.unwrap_or_default());
        }
    }
    let late = Timestamp::parse("2051-01-01T00:00:00Z").unwrap();
    let signing = Signing::new(&identity.certificate, DigestAlgorithm::Sha256, None, late).unwrap();
    assert!(signing.to_be_signed().windows(15).any(|w| w == b"20510101000000Z"));
}

/// Feature `legacy`: single DES is opened, MD5 verified, SHA-1 signed, each judged by openssl.
#[cfg(feature = "legacy")]
#[test]
fn openssl_and_we_agree_on_what_is_old() {
    let identity = Identity::rsa();
    let certificate = identity.path("cert.pem");
    let providers = ["-provider", "legacy", "-provider", "default"];
    let recipient = ["-encrypt", "-outform", "DER", "-des-cbc", "-recip", text(&certificate)];
    let message = identity.cms(&[&recipient[..], &providers].concat(), CONTENT);
    assert_eq!(open(&message, &identity), CONTENT);

    let message = identity.cms(&["-sign", "-nodetach", "-outform", "DER", "-md", "md5"], CONTENT);
    verify(&message, &identity).unwrap();
    let mut changed = message;
    *changed.last_mut().unwrap() ^= 1;
    assert_eq!(verify(&changed, &identity).unwrap_err().detail(), "signature invalid");

    let now = Clock::system().now();
    let signing = Signing::new(&identity.certificate, DigestAlgorithm::Sha1, Some(CONTENT), now).unwrap();
    let signature = identity.signer().sign_sha1(&signing.to_be_signed()).unwrap();
    let message = signing.finish(&signature).unwrap();
    assert_eq!(identity.cms(&["-verify", "-inform", "DER", "-noverify"], &message), CONTENT);

    let ec = Identity::new(&["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]);
    assert_eq!(ec.signer().sign_sha1(b"x").unwrap_err().code(), "digest-not-supported");
}
