//! The tags, and how they are called.

macro_rules! tags {
    ($(#[$doc:meta])* $module:ident, $lookup:ident: $($name:ident $tag:literal $text:literal;)*) => {
        $(#[$doc])*
        pub mod $module {
            $(#[doc = $text] pub const $name: u8 = $tag;)*
        }

        /// What a tag is called there; none if it is not known.
        pub fn $lookup(tag: u8) -> Option<&'static str> {
            match tag {
                $($tag => Some($text),)*
                _ => None,
            }
        }
    };
}

tags! {
    /// Tags in a header.
    header, name_in_header:
    VERSION 1 "version";
    LENGTH 2 "header length";
    SIGNER_INFO 3 "signer info";
    SIGNER_NAME 4 "signer name";
    SERIAL 5 "serial number";
    ISSUER_NAME 6 "issuer name";
    SIGNATURE_INFO 7 "signature info";
    DIGEST 8 "digest";
    SIGNATURE_ALGORITHM_INFO 9 "signature algorithm info";
    SIGNATURE_ALGORITHM 10 "signature algorithm";
    MODULUS 11 "modulus";
    SIGNATURE 12 "signature";
    PADDING 13 "padding";
    FILE_NAME 14 "file name";
    TIMESTAMP 15 "timestamp";
    ENCRYPTION_INFO 16 "encryption info";
    IV_INFO 17 "IV info";
    IV_MARK 18 "IV mark";
    IV 19 "IV";
    BODY_PADDING 20 "padding length";
    KEY_INFO 21 "key info";
    KEY_MARK 22 "key mark";
    KEY_SIZE 23 "key size";
    CIPHER 24 "cipher";
    WRAPPED_KEY 25 "wrapped key";
    PLAIN_DIGEST_ALGORITHM 26 "digest of the plain file: algorithm";
    PLAIN_DIGEST 27 "digest of the plain file";
    SIGNER_VERSION 28 "signer version";
}

tags! {
    /// Tags in a record.
    record, name_in_record:
    LENGTH 1 "record length";
    DNS_NAME 2 "DNS name";
    SUBJECT_NAME 3 "subject name";
    ROLE 4 "role";
    ISSUER_NAME 5 "issuer name";
    SERIAL 6 "serial number";
    PUBLIC_KEY 7 "public key";
    SIGNATURE 8 "signature";
    CERTIFICATE 9 "certificate";
    ADDRESS 10 "IP address";
    HASH 11 "certificate hash";
    HASH_ALGORITHM 12 "hash algorithm";
}
