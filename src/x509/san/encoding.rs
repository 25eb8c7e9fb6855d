//! GeneralNames (RFC 5280 §4.2.1.6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{San, dns, email, uri};
use crate::error::{Error, Result};
use crate::x509::name::Name;
use crate::x509::tlv::{self, Broken, Reader, Tlv};

/// The most names of one extension (CSR-38).
const MAX_NAMES: usize = 250;

const OTHER_NAME: u8 = 0xa0;
const RFC822_NAME: u8 = 0x81;
const DNS_NAME: u8 = 0x82;
const DIRECTORY_NAME: u8 = 0xa4;
const UNIFORM_RESOURCE_IDENTIFIER: u8 = 0x86;
const IP_ADDRESS: u8 = 0x87;

/// The value of a SAN extension as names.
pub(super) fn decode_all(value: &[u8]) -> Result<Vec<San>> {
    let malformed = |_: Broken| Error::bad_csr("malformed SAN extension");
    let mut names = Reader::new(tlv::single(value, tlv::SEQUENCE).map_err(malformed)?.content);
    let mut sans = Vec::new();
    while !names.is_empty() {
        if sans.len() == MAX_NAMES {
            return Err(out_of_range());
        }
        sans.push(decode(names.any().map_err(malformed)?)?);
    }
    if sans.is_empty() { Err(out_of_range()) } else { Ok(sans) }
}

/// Names as the value of a SAN extension.
pub(super) fn encode_all(sans: &[San]) -> Result<Vec<u8>> {
    if sans.is_empty() || sans.len() > MAX_NAMES {
        return Err(out_of_range());
    }
    let mut content = Vec::with_capacity(sans.len() * 24);
    for san in sans {
        match san {
            San::Dns(name) => tlv::push(&mut content, DNS_NAME, name.as_bytes()),
            San::Email(address) => tlv::push(&mut content, RFC822_NAME, address.as_bytes()),
            San::Uri(uri) => tlv::push(&mut content, UNIFORM_RESOURCE_IDENTIFIER, uri.as_bytes()),
            San::Ip(IpAddr::V4(ip)) => tlv::push(&mut content, IP_ADDRESS, &ip.octets()),
            San::Ip(IpAddr::V6(ip)) => tlv::push(&mut content, IP_ADDRESS, &ip.octets()),
            San::Directory(name) => tlv::push(&mut content, DIRECTORY_NAME, name),
            San::Other(_, der) => content.extend_from_slice(der),
        }
    }
    Ok(tlv::tlv(tlv::SEQUENCE, &content))
}

fn decode(name: Tlv<'_>) -> Result<San> {
    match name.tag {
        DNS_NAME => dns::check(ascii(name, "malformed DNS name")?).map(San::Dns),
        RFC822_NAME => email::check(ascii(name, "bad email SAN")?).map(San::Email),
        UNIFORM_RESOURCE_IDENTIFIER => uri::check(ascii(name, "bad URI SAN")?).map(San::Uri),
        IP_ADDRESS => ip(name.content).map(San::Ip),
        // EXPLICIT, because Name is a CHOICE: the content is the Name itself.
        DIRECTORY_NAME => match Name::from_der(name.content) {
            Ok(_) => Ok(San::Directory(name.content.to_vec())),
            Err(e) => Err(Error::bad_csr(e.detail())),
        },
        OTHER_NAME..=0xbf | 0x80..=0x9f => Ok(San::Other(name.tag & 0x1f, name.whole.to_vec())),
        _ => Err(Error::bad_csr("malformed SAN extension")),
    }
}

fn ascii<'a>(name: Tlv<'a>, text: &'static str) -> Result<&'a str> {
    std::str::from_utf8(name.content).ok().filter(|t| t.is_ascii()).ok_or_else(|| Error::bad_csr(text))
}

fn ip(octets: &[u8]) -> Result<IpAddr> {
    if let Ok(v4) = <[u8; 4]>::try_from(octets) {
        return Ok(IpAddr::V4(Ipv4Addr::from(v4)));
    }
    match <[u8; 16]>::try_from(octets) {
        Ok(v6) => Ok(IpAddr::V6(Ipv6Addr::from(v6))),
        Err(_) => Err(Error::bad_csr("malformed IP address: 4 or 16 octets are expected")),
    }
}

fn out_of_range() -> Error {
    Error::bad_csr("SAN count out of range")
}
