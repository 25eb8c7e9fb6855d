//! A device: a key (RSA, or P-256), the self-signed certificate it signs with, and its PKCS#10 requests.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{Pkcs1PrivateDecryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair};
use rsa::pkcs8::{DecodePrivateKey, EncodePublicKey};
use rsa::traits::PublicKeyParts;
use rsa::{Pkcs1v15Encrypt, Pkcs1v15Sign, RsaPrivateKey};
use sha2::Digest as _;
use zeroize::Zeroizing;

use super::der::{algorithm, bits, int, name, oid, seq, set, t, utf8};

/// The digests that clients sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    pub fn oid(self) -> &'static str {
        match self {
            Self::Md5 => "1.2.840.113549.2.5",
            Self::Sha1 => "1.3.14.3.2.26",
            Self::Sha256 => "2.16.840.1.101.3.4.2.1",
            Self::Sha384 => "2.16.840.1.101.3.4.2.2",
            Self::Sha512 => "2.16.840.1.101.3.4.2.3",
        }
    }

    pub fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Md5 => md5::Md5::digest(bytes).to_vec(),
            Self::Sha1 => sha1::Sha1::digest(bytes).to_vec(),
            Self::Sha256 => sha2::Sha256::digest(bytes).to_vec(),
            Self::Sha384 => sha2::Sha384::digest(bytes).to_vec(),
            Self::Sha512 => sha2::Sha512::digest(bytes).to_vec(),
        }
    }
}

/// Before the digest in a DigestInfo of MD5 (RFC 8017 §9.2, note 1).
const MD5_DIGEST_INFO: [u8; 18] = [
    0x30, 0x20, 0x30, 0x0c, 0x06, 0x08, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x02, 0x05, 0x05, 0x00, 0x04,
    0x10,
];

/// A key in the hands of a client.
#[derive(Clone)]
pub struct Key {
    pub pkcs8: Zeroizing<Vec<u8>>,
    private: Private,
}

#[derive(Clone)]
enum Private {
    Rsa(Box<RsaPrivateKey>),
    /// P-256, signed with by aws-lc from its PKCS#8.
    Ec,
}

impl Key {
    /// A new RSA-2048 key.
    pub fn new() -> Self {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let private = RsaPrivateKey::from_pkcs8_der(der.as_ref()).unwrap();
        Self { pkcs8: Zeroizing::new(der.as_ref().to_vec()), private: Private::Rsa(Box::new(private)) }
    }

    /// A new RSA key of 1024 bits, made by OpenSSL.
    #[cfg(feature = "legacy")]
    pub fn rsa_1024() -> Self {
        let pair = openssl::pkey::PKey::from_rsa(openssl::rsa::Rsa::generate(1024).unwrap()).unwrap();
        let der = pair.private_key_to_pkcs8().unwrap();
        let private = RsaPrivateKey::from_pkcs8_der(&der).unwrap();
        Self { pkcs8: Zeroizing::new(der), private: Private::Rsa(Box::new(private)) }
    }

    /// The content key that was encrypted to this key.
    pub fn open(&self, encrypted: &[u8]) -> Vec<u8> {
        let Private::Rsa(private) = &self.private else { panic!("an EC key opens nothing") };
        if private.size() < 256 {
            return private.decrypt(Pkcs1v15Encrypt, encrypted).unwrap();
        }
        let private = PrivateDecryptingKey::from_pkcs8(&self.pkcs8).unwrap();
        let private = Pkcs1PrivateDecryptingKey::new(private).unwrap();
        let mut buffer = vec![0; private.min_output_size()];
        private.decrypt(encrypted, &mut buffer).unwrap().to_vec()
    }

    /// A new P-256 key.
    pub fn ec() -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().unwrap().as_ref().to_vec());
        Self { pkcs8, private: Private::Ec }
    }

    fn pair(&self) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &self.pkcs8).unwrap()
    }

    pub fn spki(&self) -> Vec<u8> {
        match &self.private {
            Private::Rsa(private) => private.to_public_key().to_public_key_der().unwrap().into_vec(),
            Private::Ec => {
                let curve = seq(&[&oid("1.2.840.10045.2.1"), &oid("1.2.840.10045.3.1.7")]);
                seq(&[&curve, &bits(self.pair().public_key().as_ref())])
            }
        }
    }

    /// The AlgorithmIdentifier of its signatures with SHA-256.
    fn algorithm(&self) -> Vec<u8> {
        match self.private {
            Private::Rsa(_) => algorithm("1.2.840.113549.1.1.11"),
            Private::Ec => seq(&[&oid("1.2.840.10045.4.3.2")]),
        }
    }

    /// What a SignerInfo says of them: for RSA the key's own algorithm.
    pub fn signer_algorithm(&self) -> Vec<u8> {
        match self.private {
            Private::Rsa(_) => algorithm("1.2.840.113549.1.1.1"),
            Private::Ec => self.algorithm(),
        }
    }

    pub fn sign(&self, hash: Hash, bytes: &[u8]) -> Vec<u8> {
        let Private::Rsa(private) = &self.private else {
            return self.pair().sign(&SystemRandom::new(), bytes).unwrap().as_ref().to_vec();
        };
        let digest = hash.digest(bytes);
        let padding = match hash {
            Hash::Md5 => Pkcs1v15Sign { hash_len: Some(16), prefix: Box::new(MD5_DIGEST_INFO) },
            Hash::Sha1 => Pkcs1v15Sign::new::<sha1::Sha1>(),
            Hash::Sha256 => Pkcs1v15Sign::new::<sha2::Sha256>(),
            Hash::Sha384 => Pkcs1v15Sign::new::<sha2::Sha384>(),
            Hash::Sha512 => Pkcs1v15Sign::new::<sha2::Sha512>(),
        };
        private.sign(padding, &digest).unwrap()
    }

    fn signed(&self, tbs: &[u8]) -> Vec<u8> {
        let signature = self.sign(Hash::Sha256, tbs);
        seq(&[tbs, &self.algorithm(), &bits(&signature)])
    }

    /// A certificate for this key, signed by it.
    pub fn self_signed(&self, common_name: &str, serial: &[u8]) -> Vec<u8> {
        self.certificate(&name(common_name), &name(common_name), serial, &self.spki())
    }

    /// A certificate for another key, signed by this one.
    pub fn certificate(&self, issuer: &[u8], subject: &[u8], serial: &[u8], spki: &[u8]) -> Vec<u8> {
        self.extended(issuer, subject, serial, spki, &[])
    }

    /// The same with extensions (DER, none for none).
    pub fn extended(
        &self,
        issuer: &[u8],
        subject: &[u8],
        serial: &[u8],
        spki: &[u8],
        extensions: &[&[u8]],
    ) -> Vec<u8> {
        let validity = seq(&[&t(0x17, &[b"200101000000Z"]), &t(0x17, &[b"490101000000Z"])]);
        let algorithm = self.algorithm();
        let version = t(0xa0, &[&int(&[2])]);
        let listed = if extensions.is_empty() { Vec::new() } else { t(0xa3, &[&seq(extensions)]) };
        self.signed(&seq(&[&version, &int(serial), &algorithm, issuer, &validity, subject, spki, &listed]))
    }

    /// A certificate of version 1 for this key, signed by it.
    pub fn version_1(&self, common_name: &str) -> Vec<u8> {
        let validity = seq(&[&t(0x17, &[b"200101000000Z"]), &t(0x17, &[b"490101000000Z"])]);
        let name = name(common_name);
        self.signed(&seq(&[&int(&[7]), &self.algorithm(), &name, &validity, &name, &self.spki()]))
    }

    /// A PKCS#10 request.
    pub fn csr(&self, common_name: &str, challenge: Option<&str>) -> Vec<u8> {
        self.csr_with_version(common_name, challenge, 0)
    }

    /// A PKCS#10 request whose signature has an old digest.
    #[cfg(feature = "legacy")]
    pub fn csr_with_hash(&self, common_name: &str, challenge: &str, hash: Hash) -> Vec<u8> {
        let combined = match hash {
            Hash::Md5 => "1.2.840.113549.1.1.4",
            Hash::Sha1 => "1.2.840.113549.1.1.5",
            Hash::Sha256 | Hash::Sha384 | Hash::Sha512 => panic!("not an old digest"),
        };
        let attribute = seq(&[&oid("1.2.840.113549.1.9.7"), &set(&[&utf8(challenge)])]);
        let info = seq(&[&int(&[0]), &name(common_name), &self.spki(), &t(0xa0, &[&attribute])]);
        let signature = self.sign(hash, &info);
        seq(&[&info, &algorithm(combined), &bits(&signature)])
    }

    /// A PKCS#10 request with another version, as Apple sends it.
    pub fn csr_with_version(&self, common_name: &str, challenge: Option<&str>, version: u8) -> Vec<u8> {
        let attribute = challenge
            .map(|text| seq(&[&oid("1.2.840.113549.1.9.7"), &set(&[&utf8(text)])]))
            .unwrap_or_default();
        let attributes = t(0xa0, &[&attribute]);
        self.signed(&seq(&[&int(&[version]), &name(common_name), &self.spki(), &attributes]))
    }
}

/// A device with the certificate it signs with.
#[derive(Clone)]
pub struct Device {
    pub name: String,
    pub key: Key,
    pub certificate: Vec<u8>,
}

impl Device {
    /// A device that has only its self-signed certificate.
    pub fn new(common_name: &str) -> Self {
        Self::with_serial(common_name, &[1])
    }

    /// The same, with a serial number of its own making.
    pub fn with_serial(common_name: &str, serial: &[u8]) -> Self {
        Self::with_key(common_name, Key::new(), serial)
    }

    /// A device with a P-256 key, which signs but cannot decrypt.
    pub fn ec(common_name: &str) -> Self {
        Self::with_key(common_name, Key::ec(), &[1])
    }

    /// A device with this key.
    pub fn with_key(common_name: &str, key: Key, serial: &[u8]) -> Self {
        let certificate = key.self_signed(common_name, serial);
        Self { name: common_name.to_owned(), key, certificate }
    }

    /// The same device with a certificate that was issued to it.
    pub fn holding(&self, certificate: &[u8]) -> Self {
        Self { certificate: certificate.to_vec(), ..self.clone() }
    }

    pub fn csr(&self, challenge: Option<&str>) -> Vec<u8> {
        self.key.csr(&self.name, challenge)
    }
}
