//! Records: one for each entry.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::MAX_RECORDS;
use super::doubt::Doubt;
use super::entry::{CertificateHash, Entry, HashAlgorithm, Trusted};
use crate::error::Result;
use crate::trust::role::Role;
use crate::trust::sign::PublicKeyBits;
use crate::trust::tlv::record_tag as tag;
use crate::trust::tlv::{Element, Format, Part, Reader, names, serial};
use crate::trust::tlv::{FRAME, length_of, missing, push, push_text};
use crate::x509::cert::Certificate;

/// The octets of the element that begins a record.
const LENGTH_ELEMENT: usize = FRAME + 2;

/// The elements of a record by their tags.
struct Found<'a> {
    elements: [Option<Element<'a>>; 13],
    reader: Reader<'a>,
}

/// Reads the records from the offset `at` to the end of the file. Errors: `bad-trust-list`.
pub(super) fn read_all(file: &[u8], mut at: usize, doubts: &mut Vec<Doubt>) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    while at < file.len() {
        let number = entries.len() + 1;
        if number > MAX_RECORDS {
            return Err(
                Format::TrustList.bad(format!("offset {at}: a list has at most {MAX_RECORDS} records"))
            );
        }
        let rest = file.get(at..).unwrap_or_default();
        let mut reader = Reader::new(rest, at, Format::TrustList, Part::Record(number));
        let length = usize::from(u16::from_be_bytes(reader.expect(tag::LENGTH)?));
        let Some(elements) = rest.get(LENGTH_ELEMENT..length) else {
            return Err(Format::TrustList.bad(format!(
                "record {number}: element 1 (record length) at offset {at}: it says {length}, and {} octets are left",
                rest.len()
            )));
        };
        let found =
            Found::read(Reader::new(elements, at + LENGTH_ELEMENT, Format::TrustList, Part::Record(number)))?;
        entries.push(found.entry(number, doubts)?);
        at += length;
    }
    Ok(entries)
}

/// The records of these entries. Errors: `element-too-long`, `bad-certificate`.
pub(super) fn write_all(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(entries.len() * 1536);
    for entry in entries {
        let start = out.len();
        push(&mut out, tag::LENGTH, &[0; 2])?;
        push_entry(&mut out, entry)?;
        let length = length_of(out.len() - start, "a record")?.to_be_bytes();
        if let Some(place) = out.get_mut(start + FRAME..start + LENGTH_ELEMENT) {
            place.copy_from_slice(&length);
        }
    }
    Ok(out)
}

fn push_entry(out: &mut Vec<u8>, entry: &Entry) -> Result<()> {
    if let Some(name) = entry.dns_name() {
        push_text(out, tag::DNS_NAME, name)?;
    }
    push_text(out, tag::SUBJECT_NAME, &entry.subject())?;
    push_text(out, tag::ISSUER_NAME, &entry.issuer())?;
    push(out, tag::SERIAL, entry.serial())?;
    push(out, tag::ROLE, &u16::from(entry.role().code()).to_be_bytes())?;
    match entry.trusted() {
        Trusted::Certificate(certificate) => {
            push(out, tag::PUBLIC_KEY, &PublicKeyBits::in_record(certificate)?)?;
            push(out, tag::SIGNATURE, certificate.signature())?;
            push(out, tag::CERTIFICATE, certificate.der())?;
        }
        Trusted::Hash(hash) => {
            push(out, tag::PUBLIC_KEY, &hash.public_key)?;
            push(out, tag::SIGNATURE, &hash.signature)?;
        }
    }
    if let Some(address) = entry.address() {
        push(out, tag::ADDRESS, &address.octets())?;
    }
    if let Trusted::Hash(hash) = entry.trusted() {
        push(out, tag::HASH, &hash.hash)?;
        push(out, tag::HASH_ALGORITHM, &[hash.algorithm.code()])?;
    }
    Ok(())
}

impl<'a> Found<'a> {
    fn read(reader: Reader<'a>) -> Result<Self> {
        let mut elements = [None; 13];
        let mut rest = reader.clone();
        while !rest.is_empty() {
            let element = rest.element()?;
            let place = (element.tag != tag::LENGTH && element.tag != 0)
                .then(|| elements.get_mut(usize::from(element.tag)))
                .flatten();
            match place {
                Some(place @ None) => *place = Some(element),
                Some(Some(_)) => return Err(element.fault("it stands there twice")),
                None if element.tag == tag::LENGTH => return Err(element.fault("it stands there twice")),
                None => return Err(element.fault("no such element is known")),
            }
        }
        Ok(Self { elements, reader })
    }

    fn get(&self, tag: u8) -> Option<Element<'a>> {
        self.elements.get(usize::from(tag)).copied().flatten()
    }

    fn require(&self, tag: u8) -> Result<Element<'a>> {
        self.get(tag).ok_or_else(|| missing(tag, &self.reader))
    }

    fn entry(&self, number: usize, doubts: &mut Vec<Doubt>) -> Result<Entry> {
        let role = self.require(tag::ROLE)?;
        let role =
            Role::of_code(role.word()?).ok_or_else(|| role.fault("a role is 0, 1, 2, 3, 4, 7 or 21"))?;
        let address = self.get(tag::ADDRESS).map(|element| element.octets::<4>()).transpose()?;
        let dns_name = self.get(tag::DNS_NAME).map(|element| element.text()).transpose()?;
        let trusted = match (self.get(tag::CERTIFICATE), self.get(tag::HASH)) {
            (Some(certificate), None) => {
                Trusted::Certificate(self.certificate(&certificate, number, doubts)?)
            }
            (None, Some(hash)) => Trusted::Hash(self.hash(&hash)?),
            (Some(_), Some(hash)) => {
                return Err(hash.fault("a record has a certificate or its hash, not both"));
            }
            (None, None) => return Err(missing(tag::CERTIFICATE, &self.reader)),
        };
        Ok(Entry::from_parts(role, dns_name.map(str::to_owned), address.map(Ipv4Addr::from), trusted))
    }

    /// The certificate, if what a phone looks at beside it says the same.
    fn certificate(
        &self,
        element: &Element<'_>,
        number: usize,
        doubts: &mut Vec<Doubt>,
    ) -> Result<Arc<Certificate>> {
        if let Some(algorithm) = self.get(tag::HASH_ALGORITHM) {
            return Err(algorithm.fault("it stands there without a hash"));
        }
        let certificate = Certificate::from_der(element.value).map_err(|e| element.fault(e.detail()))?;
        let number_given = self.require(tag::SERIAL)?;
        if !serial::same(number_given.serial()?, certificate.serial().content()) {
            return Err(number_given.fault("it is not that of the certificate"));
        }
        let key = self.require(tag::PUBLIC_KEY)?;
        let own = PublicKeyBits::in_record(&certificate).map_err(|e| element.fault(e.detail()))?;
        if key.value != &*own {
            return Err(key.fault("it is not that of the certificate"));
        }
        let signature = self.require(tag::SIGNATURE)?;
        if signature.value != certificate.signature() {
            return Err(signature.fault("it is not that of the certificate"));
        }
        if !names::denotes(self.require(tag::SUBJECT_NAME)?.text()?, certificate.subject()) {
            doubts.push(Doubt::Subject(number));
        }
        if !names::denotes(self.require(tag::ISSUER_NAME)?.text()?, certificate.issuer()) {
            doubts.push(Doubt::Issuer(number));
        }
        Ok(Arc::new(certificate))
    }

    fn hash(&self, element: &Element<'_>) -> Result<CertificateHash> {
        let algorithm = self.require(tag::HASH_ALGORITHM)?;
        let known = HashAlgorithm::from_code(algorithm.byte()?)
            .ok_or_else(|| algorithm.fault("1 (SHA-1), 2 (SHA-256) and 3 (SHA-512) are known"))?;
        if element.value.len() != known.octets() {
            return Err(element.fault(&format!("a hash by its algorithm has {} octets", known.octets())));
        }
        Ok(CertificateHash {
            subject: self.require(tag::SUBJECT_NAME)?.text()?.to_owned(),
            issuer: self.require(tag::ISSUER_NAME)?.text()?.to_owned(),
            serial: self.require(tag::SERIAL)?.serial()?.to_vec(),
            public_key: self.require(tag::PUBLIC_KEY)?.value.to_vec(),
            signature: self.require(tag::SIGNATURE)?.value.to_vec(),
            algorithm: known,
            hash: element.value.to_vec(),
        })
    }
}
