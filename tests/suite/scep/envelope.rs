//! EnvelopedData as clients write it, and as attackers do.

use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey,
    PublicEncryptingKey,
};
use cbc::cipher::{Block, BlockModeEncrypt, KeyIvInit};
use signet::x509::cert::Certificate;

use super::der::{algorithm, content_info, int, octets, oid, seq, set, t};

pub const DATA: &str = "1.2.840.113549.1.7.1";
pub const SIGNED_DATA: &str = "1.2.840.113549.1.7.2";
pub const ENVELOPED_DATA: &str = "1.2.840.113549.1.7.3";

pub const AES_128_CBC: &str = "2.16.840.1.101.3.4.1.2";
pub const AES_192_CBC: &str = "2.16.840.1.101.3.4.1.22";
pub const AES_256_CBC: &str = "2.16.840.1.101.3.4.1.42";
pub const DES_EDE3_CBC: &str = "1.2.840.113549.3.7";
pub const DES_CBC: &str = "1.3.14.3.2.7";

#[derive(Clone, Copy, Debug)]
pub enum Wrap {
    Pkcs1,
    OaepSha1,
    OaepSha256,
}

/// An envelope, part by part.
#[derive(Clone)]
pub struct Envelope {
    pub cipher: &'static str,
    pub key: Vec<u8>,
    pub iv: Vec<u8>,
    /// The ciphertext.
    pub encrypted: Vec<u8>,
    pub recipients: Vec<Vec<u8>>,
    /// `[0]` constructed around OCTET STRINGs, as Go clients write it.
    pub constructed: bool,
    pub content_type: &'static str,
}

impl Envelope {
    /// For the RA's certificate, AES-128 and PKCS#1 v1.5.
    pub fn new(ra: &Certificate, content: &[u8]) -> Self {
        Self::with_cipher(ra, content, AES_128_CBC, Wrap::Pkcs1)
    }

    pub fn with_cipher(ra: &Certificate, content: &[u8], cipher: &'static str, wrap: Wrap) -> Self {
        let (key_len, block) = match cipher {
            AES_128_CBC => (16, 16),
            AES_192_CBC => (24, 16),
            AES_256_CBC => (32, 16),
            DES_CBC => (8, 8),
            _ => (24, 8),
        };
        let key: Vec<u8> = (0..key_len).map(|i| i * 7 + 1).collect();
        let iv = vec![0x42; block];
        let encrypted = encrypt(cipher, &key, &iv, &padded(content, block));
        let recipients = vec![recipient(&issuer_and_serial(ra), wrap, &wrapped(ra, wrap, &key))];
        Self { cipher, key, iv, encrypted, recipients, constructed: false, content_type: ENVELOPED_DATA }
    }

    pub fn der(&self) -> Vec<u8> {
        let parameters = octets(&self.iv);
        let encrypted = if self.constructed {
            let parts: Vec<Vec<u8>> = self.encrypted.chunks(100).map(octets).collect();
            t(0xa0, &[&parts.concat()])
        } else {
            t(0x80, &[&self.encrypted])
        };
        let algorithm = seq(&[&oid(self.cipher), &parameters]);
        let content = seq(&[&oid(DATA), &algorithm, &encrypted]);
        content_info(self.content_type, &seq(&[&int(&[0]), &set(&[&self.recipients.concat()]), &content]))
    }
}

pub fn padded(content: &[u8], block: usize) -> Vec<u8> {
    let padding = block - content.len() % block;
    let mut out = content.to_vec();
    out.resize(content.len() + padding, padding as u8);
    out
}

/// CBC without padding.
pub fn encrypt(cipher: &str, key: &[u8], iv: &[u8], content: &[u8]) -> Vec<u8> {
    let mut out = content.to_vec();
    let algorithm = match cipher {
        AES_128_CBC => &AES_128,
        AES_192_CBC => &AES_192,
        AES_256_CBC => &AES_256,
        DES_CBC => {
            let mut mode = cbc::Encryptor::<des::Des>::new_from_slices(key, iv).unwrap();
            for block in out.chunks_exact_mut(8) {
                mode.encrypt_block(<&mut Block<des::Des>>::try_from(block).unwrap());
            }
            return out;
        }
        _ => {
            let mut mode = cbc::Encryptor::<des::TdesEde3>::new_from_slices(key, iv).unwrap();
            for block in out.chunks_exact_mut(8) {
                mode.encrypt_block(<&mut Block<des::TdesEde3>>::try_from(block).unwrap());
            }
            return out;
        }
    };
    let key = EncryptingKey::cbc(UnboundCipherKey::new(algorithm, key).unwrap()).unwrap();
    let iv: [u8; 16] = iv.try_into().unwrap();
    key.less_safe_encrypt(&mut out, EncryptionContext::Iv128((&iv).into())).unwrap();
    out
}

pub fn issuer_and_serial(certificate: &Certificate) -> Vec<u8> {
    seq(&[certificate.issuer().der(), &int(certificate.serial().content())])
}

/// A KeyTransRecipientInfo.
pub fn recipient(id: &[u8], wrap: Wrap, wrapped: &[u8]) -> Vec<u8> {
    let oaep = "1.2.840.113549.1.1.7";
    let sha256 = algorithm("2.16.840.1.101.3.4.2.1");
    let algorithm = match wrap {
        Wrap::Pkcs1 => algorithm("1.2.840.113549.1.1.1"),
        Wrap::OaepSha1 => seq(&[&oid(oaep), &seq(&[])]),
        Wrap::OaepSha256 => {
            let mask = seq(&[&oid("1.2.840.113549.1.1.8"), &sha256]);
            seq(&[&oid(oaep), &seq(&[&t(0xa0, &[&sha256]), &t(0xa1, &[&mask])])])
        }
    };
    seq(&[&int(&[0]), id, &algorithm, &octets(wrapped)])
}

pub fn wrapped(ra: &Certificate, wrap: Wrap, key: &[u8]) -> Vec<u8> {
    let public = PublicEncryptingKey::from_der(ra.spki()).unwrap();
    let mut out = vec![0; public.key_size_bytes()];
    let oaep = |algorithm, out: &mut Vec<u8>| {
        let public = OaepPublicEncryptingKey::new(public.clone()).unwrap();
        public.encrypt(algorithm, key, out, None).unwrap();
    };
    match wrap {
        Wrap::Pkcs1 => {
            let public = Pkcs1PublicEncryptingKey::new(public.clone()).unwrap();
            public.encrypt(key, &mut out).unwrap();
        }
        Wrap::OaepSha1 => oaep(&OAEP_SHA1_MGF1SHA1, &mut out),
        Wrap::OaepSha256 => oaep(&OAEP_SHA256_MGF1SHA256, &mut out),
    }
    out
}
