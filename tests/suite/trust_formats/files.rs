//! Signed and encrypted files, both ways.

use base64::Engine as _;
use serde_json::{Value, json};
use signet::random::Random;
use signet::trust::sign::SignatureDigest;
use signet::trust::signed::{self, ContentKey, SRST_CERTIFICATE, SignedFile, companion, insert_srst};
use signet::trust::tlv::FileName;

use super::estate::{AT, DIGESTS, Exchange, by, estate, python};

/// A phone's configuration, with everything that a companion takes over and more.
pub const CONFIGURATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<device xsi:type=\"axl:XIPPhone\">\n\
    <fullConfig>true</fullConfig>\n<devicePool><name>Züri</name>\n<srstInfo uuid=\"{1}\">\n\
    <name>gateway</name><isSecure>false</isSecure>\n</srstInfo></devicePool>\n<ipAddressMode>0</ipAddressMode>\n\
    <loadInformation model=\"CP-8845\">sip8845.14-2</loadInformation>\n<capfAuthMode>0</capfAuthMode>\n\
    <capfList><capf><phonePort>3804</phonePort><!-- here --><processNodeName>pub</processNodeName></capf></capfList>\n\
    <certHash></certHash><encrConfig>false</encrConfig></device>\n";

const NAME: &str = "SEP001122334455.cnf.xml";

fn name() -> FileName {
    FileName::parse(NAME).unwrap()
}

fn sign(content: &[u8], signer: &str, digest: SignatureDigest) -> Vec<u8> {
    let estate = estate();
    let unsigned = signed::sign(&name(), content, by(&estate.certificate(signer), digest)).unwrap();
    unsigned.sign(&*estate.signer(signer)).unwrap()
}

fn encrypt(content: &[u8], signer: &str, digest: SignatureDigest) -> Vec<u8> {
    let estate = estate();
    let key = ContentKey::for_device(&estate.certificate("device"), &Random::system()).unwrap();
    write_again(content, &key, signer, digest)
}

fn write_again(content: &[u8], key: &ContentKey, signer: &str, digest: SignatureDigest) -> Vec<u8> {
    let estate = estate();
    let unsigned = signed::encrypt(&name(), content, key, by(&estate.certificate(signer), digest)).unwrap();
    unsigned.sign(&*estate.signer(signer)).unwrap()
}

/// The signed file by which bad ones are made.
pub fn signed() -> Vec<u8> {
    sign(b"<device></device>", "callmanager", SignatureDigest::Sha512)
}

/// The encrypted file by which bad ones are made.
pub fn encrypted() -> Vec<u8> {
    encrypt(b"<device></device>", "callmanager", SignatureDigest::Sha512)
}

/// A file as the Python writer is told to make it.
pub fn python_file(signer: &str, more: Value, content: &[u8]) -> Vec<u8> {
    let (estate, exchange) = (estate(), Exchange::new());
    let mut spec = json!({
        "signer": estate.path(&format!("{signer}.der")),
        "key": estate.path(&format!("{signer}.key")),
        "digest": "sha-512",
        "name": NAME,
        "timestamp": AT.secs(),
    });
    more.as_object().into_iter().flatten().for_each(|(key, value)| spec[key] = value.clone());
    let spec = exchange.put("spec.json", spec.to_string().as_bytes());
    let content = exchange.put("content", content);
    python("signed_file.py", &["sign", &spec, &content, &exchange.path("out")]);
    exchange.take("out")
}

/// Contents of every length around a block.
fn contents() -> Vec<Vec<u8>> {
    let lengths = [0, 1, 15, 16, 17, 31, 32].map(|length| vec![b'x'; length]);
    lengths.into_iter().chain([CONFIGURATION.as_bytes().to_vec(), vec![0, 255, 13, 13]]).collect()
}

#[test]
fn what_we_sign_python_opens_and_signs_again_byte_for_byte() {
    let (estate, exchange) = (estate(), Exchange::new());
    for (signer, content) in
        ["callmanager", "recovery-4096", "odd-names"].iter().zip(contents().into_iter().rev())
    {
        for &digest in DIGESTS {
            let file = sign(&content, signer, digest);
            let path = exchange.put("ours.sgn", &file);
            let [certificate, key] = ["der", "key"].map(|kind| estate.path(&format!("{signer}.{kind}")));
            assert_eq!(python("signed_file.py", &["open", &path, &certificate]), content);
            python("signed_file.py", &["rewrite", &path, &certificate, &key, &exchange.path("again")]);
            assert_eq!(exchange.take("again"), file, "{signer} {digest}");
        }
    }
}

#[test]
fn what_python_signs_we_read_and_sign_again_byte_for_byte() {
    let estate = estate();
    for (signer, content) in [("callmanager", CONFIGURATION), ("recovery-4096", ""), ("odd-names", "x")] {
        for &digest in DIGESTS {
            let spec = json!({ "digest": serde_json::to_value(digest).unwrap() });
            let bytes = python_file(signer, spec, content.as_bytes());
            let file = SignedFile::parse(&bytes).unwrap();
            file.verify(&estate.certificate(signer)).unwrap();
            assert_eq!(file.content(), Some(content.as_bytes()));
            assert_eq!((file.content_name(), file.digest(), file.timestamp()), (Some(name()), digest, AT));
            assert_eq!(sign(content.as_bytes(), signer, digest), bytes, "{signer} {digest}");
        }
    }
    // Of 1024 bits: read, and not made.
    let old = python_file("old", json!({ "digest": "sha-1" }), b"x");
    SignedFile::parse(&old).unwrap().verify(&estate.certificate("old")).unwrap();
}

#[test]
fn what_we_encrypt_python_opens_and_encrypts_again_byte_for_byte() {
    let (estate, exchange) = (estate(), Exchange::new());
    let [certificate, key] = ["der", "key"].map(|kind| estate.path(&format!("callmanager.{kind}")));
    let device = estate.path("device.key");
    for (content, digest) in contents().iter().zip(DIGESTS.iter().cycle()) {
        let file = encrypt(content, "callmanager", *digest);
        let path = exchange.put("ours.enc.sgn", &file);
        assert_eq!(python("signed_file.py", &["open", &path, &certificate, &device]), *content);
        python("signed_file.py", &["rewrite", &path, &certificate, &key, &exchange.path("again"), &device]);
        assert_eq!(exchange.take("again"), file, "{} octets, {digest}", content.len());
    }
}

#[test]
fn what_python_encrypts_we_open_and_encrypt_again_byte_for_byte() {
    let estate = estate();
    let key = estate.decrypter("device");
    for (content, digest) in contents().iter().zip(DIGESTS.iter().cycle()) {
        let spec =
            json!({ "digest": serde_json::to_value(digest).unwrap(), "device": estate.path("device.der") });
        let bytes = python_file("callmanager", spec, content);
        let file = SignedFile::parse(&bytes).unwrap();
        file.verify(&estate.certificate("callmanager")).unwrap();
        assert!(file.is_encrypted() && file.content().is_none());
        assert_eq!(file.content_name(), Some(name()));
        assert_eq!(file.open(&*key).unwrap().as_slice(), content);
        let again = write_again(content, &file.content_key(&*key).unwrap(), "callmanager", *digest);
        assert_eq!(again, bytes, "{} octets, {digest}", content.len());
    }
}

#[test]
fn two_files_for_one_device_share_nothing() {
    let (one, other) = (encrypted(), encrypted());
    let blocks = |file: &[u8]| file[file.len() - 16..].to_vec();
    assert_ne!(blocks(&one), blocks(&other));
}

#[test]
fn the_companion_tells_the_key_and_nothing_more() {
    let (estate, exchange) = (estate(), Exchange::new());
    let beside = companion(CONFIGURATION.as_bytes(), &estate.certificate("device")).unwrap();
    let text = String::from_utf8(beside.clone()).unwrap();
    for secret in ["devicePool", "Züri", "srstInfo", "axl:XIPPhone"] {
        assert!(!text.contains(secret), "{text}");
    }
    // Without the prefix that nobody declares, which Python would refuse.
    let configuration = CONFIGURATION.replace(" xsi:type=\"axl:XIPPhone\"", "");
    let paths = [exchange.put("beside", &beside), exchange.put("full", configuration.as_bytes())];
    python("signed_file.py", &["judge-companion", &paths[0], &paths[1], &estate.path("device.der")]);
    let bare = companion("\u{feff}<device/>".as_bytes(), &estate.certificate("device-ec")).unwrap();
    assert!(String::from_utf8(bare).unwrap().contains("<encrConfig>true</encrConfig>"));
}

#[test]
fn the_srst_certificate_stands_in_the_configuration_once() {
    let gateway = estate().certificate("tvs");
    let base64 = base64::engine::general_purpose::STANDARD.encode(gateway.der());
    let once = insert_srst(CONFIGURATION.as_bytes(), &gateway, SRST_CERTIFICATE).unwrap();
    let element = format!("<certificate>{base64}</certificate>");
    let expected = CONFIGURATION
        .replace("<isSecure>false</isSecure>\n", &format!("<isSecure>true</isSecure>\n{element}"));
    assert_eq!(String::from_utf8(once.clone()).unwrap(), expected);
    assert_eq!(insert_srst(&once, &gateway, SRST_CERTIFICATE).unwrap(), once);
    // Another takes its place.
    let other = estate().certificate("https");
    let replaced = insert_srst(&once, &other, SRST_CERTIFICATE).unwrap();
    assert!(!String::from_utf8(replaced).unwrap().contains(&base64));
    assert_eq!(insert_srst(&once, &gateway, "a b").unwrap_err().code(), "bad-element-name");
}
