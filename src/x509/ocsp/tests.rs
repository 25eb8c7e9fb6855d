//! Requests as they come, good and bad (the judges of whole answers are foreign programs).

use super::*;
use crate::x509::tlv;

const SHA1: &[u8] = &[0x30, 9, 6, 5, 0x2b, 14, 3, 2, 26, 5, 0];

fn id_with(algorithm: &[u8], hash: &[u8], serial: &[u8]) -> Vec<u8> {
    let hash = tlv::tlv(tlv::OCTET_STRING, hash);
    tlv::join(tlv::SEQUENCE, &[algorithm, &hash, &hash, &tlv::tlv(tlv::INTEGER, serial)])
}

fn id() -> Vec<u8> {
    id_with(SHA1, &[7; 20], &[5])
}

fn request(version: &[u8], ids: &[Vec<u8>], extensions: &[u8]) -> Vec<u8> {
    let list: Vec<u8> = ids.iter().flat_map(|id| tlv::tlv(tlv::SEQUENCE, id)).collect();
    let tbs = tlv::join(tlv::SEQUENCE, &[version, &tlv::tlv(tlv::SEQUENCE, &list), extensions]);
    tlv::tlv(tlv::SEQUENCE, &tbs)
}

fn extension(oid: ObjectIdentifier, critical: bool, value: &[u8]) -> Vec<u8> {
    let flag: &[u8] = if critical { &[tlv::BOOLEAN, 1, 0xff] } else { &[] };
    let value = tlv::tlv(tlv::OCTET_STRING, value);
    tlv::join(tlv::SEQUENCE, &[&tlv::object_identifier(&oid), flag, &value])
}

fn extensions(tag: u8, list: &[Vec<u8>]) -> Vec<u8> {
    tlv::tlv(tag, &tlv::tlv(tlv::SEQUENCE, &list.concat()))
}

fn nonce(length: usize) -> Vec<u8> {
    extension(NONCE, false, &tlv::tlv(tlv::OCTET_STRING, &vec![9; length]))
}

fn read(der: &[u8]) -> Result<Request, String> {
    Request::from_der(der).map_err(|e| {
        assert_eq!(e.code(), "ocsp-malformed");
        e.detail().to_owned()
    })
}

#[test]
fn a_request_is_read_and_its_cert_id_kept_verbatim() {
    let read = read(&request(&[], &[id(), id_with(SHA1, &[8; 20], &[0, 0, 0x7f])], &[])).unwrap();
    assert_eq!((read.ids.len(), &read.nonce), (2, &None));
    assert_eq!((&read.ids[0].der, read.ids[0].digest), (&id(), IdDigest::Sha1));
    // REVOCATION-16: compared in canonical form.
    assert_eq!(read.ids[1].serial.content(), [0x7f]);
}

#[test]
fn a_serial_number_padded_with_zeros_is_bounded() {
    let padded =
        |octets: usize| request(&[], &[id_with(SHA1, &[7; 20], &[vec![0; octets], vec![5]].concat())], &[]);
    assert_eq!(read(&padded(64)).unwrap().ids[0].serial.content(), [5]);
    assert!(read(&padded(65)).unwrap_err().contains("65 octets"));
}

#[test]
fn revocation_02_every_truncation_is_malformed() {
    let whole = request(&[], &[id()], &extensions(0xa2, &[nonce(16)]));
    assert!(read(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(read(&whole[..end]).is_err(), "{end} octets");
    }
    assert!(read(&[whole, vec![0]].concat()).is_err());
}

#[test]
fn revocation_05_06_none_and_too_many_are_malformed() {
    assert!(read(&request(&[], &[], &[])).unwrap_err().contains("no certificate"));
    assert!(read(&request(&[], &vec![id(); 64], &[])).is_ok());
    assert!(read(&request(&[], &vec![id(); 65], &[])).unwrap_err().contains("more than 64"));
    assert!(read(&vec![0x30; 17_000]).unwrap_err().contains("16 KiB"));
}

#[test]
fn revocation_09_12_13_version_hash_and_algorithm_are_checked() {
    assert!(read(&request(&[0xa0, 3, 2, 1, 0], &[id()], &[])).is_ok());
    assert!(read(&request(&[0xa0, 3, 2, 1, 1], &[id()], &[])).unwrap_err().contains("v1"));
    assert!(read(&request(&[], &[id_with(SHA1, &[7; 32], &[5])], &[])).unwrap_err().contains("length"));
    let sha256 = [&[0x30, 11, 6, 9][..], &[0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1]].concat();
    assert_eq!(
        read(&request(&[], &[id_with(&sha256, &[7; 32], &[5])], &[])).unwrap().ids[0].digest,
        IdDigest::Sha256
    );
    let garbage = [&[0x30, 10, 6, 5, 0x2b, 14, 3, 2, 26][..], &[2, 1, 1]].concat();
    assert!(read(&request(&[], &[id_with(&garbage, &[7; 20], &[5])], &[])).is_err());
    let md5 = [0x30, 12, 6, 8, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 2, 5, 5, 0];
    assert!(read(&request(&[], &[id_with(&md5, &[7; 16], &[5])], &[])).is_err());
}

#[test]
fn revocation_20_22_23_25_nonces() {
    let with = |list: &[Vec<u8>]| read(&request(&[], &[id()], &extensions(0xa2, list)));
    for (length, echoed) in [(1, false), (15, false), (16, true), (32, true), (33, false), (128, false)] {
        assert_eq!(with(&[nonce(length)]).unwrap().nonce.is_some(), echoed, "{length} octets");
    }
    for length in [0, 129] {
        assert!(with(&[nonce(length)]).unwrap_err().contains("nonce"), "{length} octets");
    }
    assert!(with(&[nonce(16), nonce(16)]).unwrap_err().contains("duplicate"));
}

#[test]
fn revocation_26_28_unknown_extensions() {
    let unknown = ObjectIdentifier::new_unwrap("1.2.3.4");
    let plain = extension(unknown, false, &[5, 0]);
    let critical = extension(unknown, true, &[5, 0]);
    assert!(read(&request(&[], &[id()], &extensions(0xa2, std::slice::from_ref(&plain)))).is_ok());
    assert!(read(&request(&[], &[id()], &extensions(0xa2, std::slice::from_ref(&critical)))).is_err());
    let single = |list: &[Vec<u8>]| request(&[], &[[id(), extensions(0xa0, list)].concat()], &[]);
    assert!(read(&single(&[plain])).is_ok());
    assert!(read(&single(&[critical])).unwrap_err().contains("critical"));
}

#[test]
fn revocation_32_33_a_signature_and_a_name_are_passed_over() {
    let name = tlv::tlv(0xa1, &tlv::tlv(0x82, b"host"));
    let tbs_of = |whole: &[u8]| tlv::single(whole, tlv::SEQUENCE).unwrap().content.to_vec();
    let named = request(&name, &[id()], &[]);
    assert_eq!(read(&named).unwrap().ids.len(), 1);
    let signed = tlv::join(tlv::SEQUENCE, &[&tbs_of(&named), &tlv::tlv(0xa0, &[0x30, 0])]);
    assert_eq!(read(&signed).unwrap().ids.len(), 1);
}
