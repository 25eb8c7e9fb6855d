//! Object identifiers of RFC 5652, 3211, 3370, 3565, 5754 and 8017.

use const_oid::ObjectIdentifier;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: ObjectIdentifier = ObjectIdentifier::new_unwrap($text);)*
    };
}

oids! {
    /// id-data
    DATA = "1.2.840.113549.1.7.1";
    /// id-signedData
    SIGNED_DATA = "1.2.840.113549.1.7.2";
    /// id-envelopedData
    ENVELOPED_DATA = "1.2.840.113549.1.7.3";
    /// id-ct-authEnvelopedData
    AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23";
    /// contentType attribute
    CONTENT_TYPE = "1.2.840.113549.1.9.3";
    /// messageDigest attribute
    MESSAGE_DIGEST = "1.2.840.113549.1.9.4";
    /// signingTime attribute
    SIGNING_TIME = "1.2.840.113549.1.9.5";
    /// MD5
    MD5 = "1.2.840.113549.2.5";
    /// SHA-1
    SHA1 = "1.3.14.3.2.26";
    /// SHA-256
    SHA256 = "2.16.840.1.101.3.4.2.1";
    /// SHA-384
    SHA384 = "2.16.840.1.101.3.4.2.2";
    /// SHA-512
    SHA512 = "2.16.840.1.101.3.4.2.3";
    /// md5WithRSAEncryption
    MD5_WITH_RSA = "1.2.840.113549.1.1.4";
    /// rsaEncryption
    RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
    /// id-RSASSA-PSS
    RSASSA_PSS = "1.2.840.113549.1.1.10";
    /// id-RSAES-OAEP
    RSAES_OAEP = "1.2.840.113549.1.1.7";
    /// id-mgf1
    MGF1 = "1.2.840.113549.1.1.8";
    /// sha1WithRSAEncryption
    SHA1_WITH_RSA = "1.2.840.113549.1.1.5";
    /// sha256WithRSAEncryption
    SHA256_WITH_RSA = "1.2.840.113549.1.1.11";
    /// sha384WithRSAEncryption
    SHA384_WITH_RSA = "1.2.840.113549.1.1.12";
    /// sha512WithRSAEncryption
    SHA512_WITH_RSA = "1.2.840.113549.1.1.13";
    /// id-ecPublicKey
    EC_PUBLIC_KEY = "1.2.840.10045.2.1";
    /// ecdsa-with-SHA256
    ECDSA_WITH_SHA256 = "1.2.840.10045.4.3.2";
    /// ecdsa-with-SHA384
    ECDSA_WITH_SHA384 = "1.2.840.10045.4.3.3";
    /// ecdsa-with-SHA512
    ECDSA_WITH_SHA512 = "1.2.840.10045.4.3.4";
    /// id-PBKDF2
    PBKDF2 = "1.2.840.113549.1.5.12";
    /// id-hmacWithSHA256
    HMAC_SHA256 = "1.2.840.113549.2.9";
    /// id-alg-PWRI-KEK
    PWRI_KEK = "1.2.840.113549.1.9.16.3.9";
    /// aes128-CBC
    AES128_CBC = "2.16.840.1.101.3.4.1.2";
    /// aes192-CBC
    AES192_CBC = "2.16.840.1.101.3.4.1.22";
    /// aes256-CBC
    AES256_CBC = "2.16.840.1.101.3.4.1.42";
    /// desCBC
    DES_CBC = "1.3.14.3.2.7";
    /// des-ede3-cbc
    DES_EDE3_CBC = "1.2.840.113549.3.7";
}
