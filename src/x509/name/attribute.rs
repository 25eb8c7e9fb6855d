//! Attribute types: how each is called, encoded and bounded (RFC 5280 A.1, RFC 4519, PKCS#9).

use const_oid::ObjectIdentifier;

/// commonName.
pub const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// organizationName.
pub const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
/// serialNumber (of a device, not of a certificate).
pub const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
/// emailAddress (PKCS#9).
pub const EMAIL_ADDRESS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1");

/// Organization and place: organizationName, organizationalUnitName, localityName, stateOrProvinceName, countryName.
pub const OF_PLACE: [ObjectIdentifier; 5] = [
    ORGANIZATION,
    ObjectIdentifier::new_unwrap("2.5.4.11"),
    ObjectIdentifier::new_unwrap("2.5.4.7"),
    ObjectIdentifier::new_unwrap("2.5.4.8"),
    ObjectIdentifier::new_unwrap("2.5.4.6"),
];

/// The string type that an attribute is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// UTF8String.
    Utf8,
    /// PrintableString.
    Printable,
    /// IA5String.
    Ia5,
}

/// What is known of an attribute type.
#[derive(Clone, Copy, Debug)]
pub struct AttributeType {
    /// Its identifier.
    pub oid: ObjectIdentifier,
    /// The name it is printed with.
    pub name: &'static str,
    /// Other names that are read.
    pub aliases: &'static [&'static str],
    /// The type it is written in.
    pub encoding: Encoding,
    /// The most characters it may have.
    pub max: usize,
}

macro_rules! types {
    ($($oid:literal $name:literal [$($alias:literal),*] $encoding:ident $max:literal;)*) => {
        &[$(AttributeType {
            oid: ObjectIdentifier::new_unwrap($oid),
            name: $name,
            aliases: &[$($alias),*],
            encoding: Encoding::$encoding,
            max: $max,
        }),*]
    };
}

static TYPES: &[AttributeType] = types! {
    "2.5.4.3" "CN" ["commonName"] Utf8 64;
    "2.5.4.4" "SN" ["surname"] Utf8 64;
    "2.5.4.5" "serialNumber" [] Printable 64;
    "2.5.4.6" "C" ["countryName"] Printable 2;
    "2.5.4.7" "L" ["localityName"] Utf8 128;
    "2.5.4.8" "ST" ["S", "stateOrProvinceName"] Utf8 128;
    "2.5.4.9" "STREET" ["streetAddress"] Utf8 128;
    "2.5.4.10" "O" ["organizationName"] Utf8 64;
    "2.5.4.11" "OU" ["organizationalUnitName"] Utf8 64;
    "2.5.4.12" "title" ["T"] Utf8 64;
    "2.5.4.13" "description" [] Utf8 1024;
    "2.5.4.15" "businessCategory" [] Utf8 128;
    "2.5.4.17" "postalCode" [] Utf8 40;
    "2.5.4.41" "name" [] Utf8 1024;
    "2.5.4.42" "GN" ["givenName", "G"] Utf8 64;
    "2.5.4.43" "initials" [] Utf8 64;
    "2.5.4.44" "generationQualifier" [] Utf8 64;
    "2.5.4.46" "dnQualifier" [] Printable 64;
    "2.5.4.65" "pseudonym" [] Utf8 128;
    "2.5.4.97" "organizationIdentifier" [] Utf8 256;
    "0.9.2342.19200300.100.1.1" "UID" ["userId"] Utf8 256;
    "0.9.2342.19200300.100.1.25" "DC" ["domainComponent"] Ia5 63;
    "1.2.840.113549.1.9.1" "emailAddress" ["E", "email"] Ia5 255;
    "1.2.840.113549.1.9.2" "unstructuredName" [] Utf8 255;
    "1.2.840.113549.1.9.8" "unstructuredAddress" [] Utf8 255;
};

/// The most characters of an attribute type that stands in no table.
pub const MAX_OTHER: usize = 1024;

/// What is known of a type.
pub fn by_oid(oid: &ObjectIdentifier) -> Option<&'static AttributeType> {
    TYPES.iter().find(|t| t.oid == *oid)
}

/// The type that a name in text means, in any case; a dotted identifier means itself.
pub fn by_name(name: &str) -> Option<ObjectIdentifier> {
    let known = TYPES
        .iter()
        .find(|t| std::iter::once(&t.name).chain(t.aliases).any(|n| n.eq_ignore_ascii_case(name)));
    match known {
        Some(found) => Some(found.oid),
        None => ObjectIdentifier::new(name.strip_prefix("OID.").unwrap_or(name)).ok(),
    }
}

/// The name of a type for people: as in the table, or dotted.
pub fn name_of(oid: &ObjectIdentifier) -> String {
    by_oid(oid).map_or_else(|| oid.to_string(), |t| t.name.to_owned())
}
