//! How each row of trust lists is tried.

use serde_json::json;
use signet::error::Result;
use signet::trust::list::{Contents, List, MAX_LEN};
use signet::trust::role::Role;
use signet::trust::sign::SignatureDigest;
use signet::trust::tlv::FileName;

use super::estate::{estate, heading};
use super::lists::python_list;
use super::mutate::{element, header, in_header, in_record, lie, record, record_place};

/// What comes of it; none if the row is not known.
pub fn attempt(id: &str) -> Option<Vec<Result<()>>> {
    let good = estate().list();
    let bad = in_headers(&good, id).or_else(|| in_records(&good, id));
    let judged = bad.map(|files| files.iter().map(|file| judge(file)).collect());
    judged.or_else(|| outer(&good, id)).or_else(|| signed(id))
}

fn judge(file: &[u8]) -> Result<()> {
    List::parse(file)?.verify().map(drop)
}

/// The file as a whole.
fn outer(good: &[u8], id: &str) -> Option<Vec<Result<()>>> {
    let length = |new: usize| {
        let new = u16::try_from(new).unwrap().to_be_bytes();
        judge(&[&good[..8], &new, &good[10..]].concat())
    };
    let own = usize::from(u16::from_be_bytes([good[8], good[9]]));
    Some(match id {
        "TRUSTLIST-01" => vec![judge(&[])],
        "TRUSTLIST-02" => (1..good.len()).map(|end| judge(&good[..end])).collect(),
        "TRUSTLIST-03" => (0..good.len()).map(|place| judge(&flipped(good, place))).collect(),
        "TRUSTLIST-04" => vec![judge(&[good, &[0]].concat()), judge(&[good, &[1, 0, 2, 0]].concat())],
        "TRUSTLIST-05" => vec![length(65_532), length(good.len() + 4)],
        "TRUSTLIST-06" => vec![length(own - 8), length(16)],
        "TRUSTLIST-07" => vec![length(own - 1), length(own + 2)],
        "TRUSTLIST-08" => vec![length(0), length(9)],
        "TRUSTLIST-09" => vec![judge(&vec![1; MAX_LEN + 1])],
        _ => return None,
    })
}

fn flipped(good: &[u8], place: usize) -> Vec<u8> {
    let mut file = good.to_vec();
    file[place] ^= 1 << (place % 8);
    file
}

/// Headers.
fn in_headers(good: &[u8], id: &str) -> Option<Vec<Vec<u8>>> {
    let change = |f: &dyn Fn(&mut Vec<u8>)| header(good, f);
    let put = |tag: u8, value: &[u8]| change(&|e| in_header(e, tag, &element(tag, value)));
    let lies = |tag: u8, more: i32| change(&|e| lie(e, tag, more));
    let version = |major, minor| [&good[..3], &[major, minor], &good[5..]].concat();
    Some(match id {
        "TRUSTLIST-10" => vec![version(1, 0), version(2, 0), version(1, 3)],
        "TRUSTLIST-11" => {
            vec![change(&|e| e.extend(element(40, b"x"))), change(&|e| e.extend(element(0, b"")))]
        }
        "TRUSTLIST-12" => {
            vec![change(&|e| e.extend(element(15, &[0; 4]))), change(&|e| e.extend(element(2, &[0; 2])))]
        }
        "TRUSTLIST-13" => vec![lies(3, 1), lies(3, 3), lies(3, 200)],
        "TRUSTLIST-14" => vec![lies(3, -1), lies(3, -11)],
        "TRUSTLIST-15" => vec![change(&|e| {
            in_header(e, 5, &[]);
            lie(e, 3, -11);
            e.extend(element(5, &[1; 8]));
        })],
        "TRUSTLIST-16" => vec![lies(9, 4), lies(9, -4), lies(7, 3), lies(7, -4)],
        "TRUSTLIST-17" => vec![put(8, &[2])],
        "TRUSTLIST-18" => vec![put(8, &[0]), put(8, &[9])],
        "TRUSTLIST-19" => vec![put(10, &[1])],
        "TRUSTLIST-20" => vec![put(11, &[0])],
        "TRUSTLIST-21" => vec![put(11, &[4])],
        "TRUSTLIST-22" => vec![put(11, &[3]), put(12, &[1; 255]), put(12, &[])],
        "TRUSTLIST-23" => vec![change(&|e| {
            in_header(e, 11, &element(11, &[3]));
            in_header(e, 12, &element(12, &[1; 512]));
        })],
        "TRUSTLIST-24" => vec![text(good, 4, b"CN=without NUL")],
        "TRUSTLIST-25" => vec![text(good, 4, b"CN=a\0,O=b\0"), text(good, 6, b"CN=\0\0")],
        "TRUSTLIST-26" => vec![text(good, 4, b"CN=\xff\xfe\0"), put(14, b"ITL\xc3.tlv\0")],
        "TRUSTLIST-27" => ["../ITLFile.tlv\0", "/ITLFile.tlv\0", "..\\ITL.tlv\0", "..\0", "\0"]
            .iter()
            .map(|name| put(14, name.as_bytes()))
            .chain([put(14, b"ITL\nFile.tlv\0"), put(14, "ITL\u{202e}.tlv\0".as_bytes())])
            .collect(),
        "TRUSTLIST-28" => vec![change(&|e| e.extend([13; 4])), change(&|e| e.extend([13, 14, 0, 0]))],
        "TRUSTLIST-29" => vec![put(15, &[1; 3]), put(15, &[1; 5])],
        "TRUSTLIST-30" => vec![put(28, &[2, 0]), put(28, &[1, 2])],
        "TRUSTLIST-31" => [3, 7, 9, 12, 14, 15].iter().map(|tag| change(&|e| drop_whole(e, *tag))).collect(),
        "TRUSTLIST-32" => vec![serial(good, &[]), serial(good, &[1; 65])],
        "TRUSTLIST-33" => {
            vec![change(&|e| e.extend(element(26, &[3]))), change(&|e| e.extend(element(16, b"")))]
        }
        "TRUSTLIST-34" => vec![change(&|e| {
            let nested = element(3, &element(3, &element(3, &[])));
            in_header(e, 28, &nested);
        })],
        _ => return None,
    })
}

/// The header with another text in its signer info, whose length is told truly.
fn text(good: &[u8], tag: u8, value: &[u8]) -> Vec<u8> {
    header(good, |e| {
        let before = e.len();
        in_header(e, tag, &element(tag, value));
        let more = i32::try_from(e.len()).unwrap() - i32::try_from(before).unwrap();
        lie(e, 3, more);
    })
}

fn serial(good: &[u8], value: &[u8]) -> Vec<u8> {
    text(good, 5, value)
}

/// Without an element and all that is in it.
fn drop_whole(elements: &mut Vec<u8>, tag: u8) {
    let inner: &[u8] = match tag {
        3 => &[4, 6, 5],
        7 => &[8, 10, 11, 9],
        9 => &[10, 11],
        _ => &[],
    };
    inner.iter().for_each(|tag| in_header(elements, *tag, &[]));
    in_header(elements, tag, &[]);
    if tag == 9 {
        lie(elements, 7, -11);
    }
}

/// Records; the second has a certificate, and so has the third, of which an address is known too.
fn in_records(good: &[u8], id: &str) -> Option<Vec<Vec<u8>>> {
    let change = |f: &dyn Fn(&mut Vec<u8>)| record(good, 2, f);
    let put = |tag: u8, value: &[u8]| change(&|e| in_record(e, tag, &element(tag, value)));
    let hash = |hash: &[u8], algorithm: &[u8]| {
        change(&|e| {
            in_record(e, 9, &element(11, hash));
            e.extend(element(12, algorithm));
        })
    };
    Some(match id {
        "TRUSTLIST-35" => [0, 4, 65_535].map(|length| record_length(good, 3, length)).to_vec(),
        "TRUSTLIST-36" => vec![change(&|e| {
            let end = e.len();
            e.truncate(end - 1);
        })],
        "TRUSTLIST-37" => {
            vec![change(&|e| e.extend(element(99, b"x"))), change(&|e| e.extend(element(0, b"")))]
        }
        "TRUSTLIST-38" => {
            vec![change(&|e| e.extend(element(4, &[0, 0]))), change(&|e| e.extend(element(1, &[0, 9])))]
        }
        "TRUSTLIST-39" => vec![put(4, &[0, 5]), put(4, &[0, 22]), put(4, &[1, 0])],
        "TRUSTLIST-40" => vec![put(4, &[2]), put(4, &[0, 0, 2])],
        "TRUSTLIST-41" => vec![put(9, b"no certificate"), put(9, &[0x30, 0x80, 0, 0]), put(9, b"")],
        "TRUSTLIST-42" => vec![put(6, &[1]), put(6, &[0x0a, 0x0b, 0x0c, 0])],
        "TRUSTLIST-43" => vec![put(7, b""), put(7, &[0x30, 0])],
        "TRUSTLIST-44" => vec![put(8, &[0; 256])],
        "TRUSTLIST-45" => vec![change(&|e| {
            e.extend(element(11, &[7; 20]));
            e.extend(element(12, &[1]));
        })],
        "TRUSTLIST-46" => vec![change(&|e| e.extend(element(12, &[1])))],
        "TRUSTLIST-47" => {
            vec![hash(&[7; 20], &[4]), hash(&[7; 20], &[0]), hash(&[7; 20], &[2]), hash(&[], &[1])]
        }
        "TRUSTLIST-48" => {
            [3, 4, 5, 6, 7, 8, 9].iter().map(|tag| change(&|e| in_record(e, *tag, &[]))).collect()
        }
        "TRUSTLIST-49" => vec![record(good, 3, |e| in_record(e, 10, &element(10, &[10, 0, 0])))],
        "TRUSTLIST-50" => vec![put(3, b"CN=cucm-pub"), put(5, b"CN=\xff\0"), put(2, b"a\0b\0")],
        "TRUSTLIST-51" => {
            let (start, end) = record_place(good, 2);
            let many = good[start..end].repeat(510);
            vec![[&good[..end], &many, &good[end..]].concat()]
        }
        "TRUSTLIST-52" => vec![change(&|e| in_record(e, 6, &element(6, &[])))],
        _ => return None,
    })
}

fn record_length(good: &[u8], number: usize, length: u16) -> Vec<u8> {
    let (start, _) = record_place(good, number);
    [&good[..start + 3], &length.to_be_bytes(), &good[start + 5..]].concat()
}

/// Signers and names.
fn signed(id: &str) -> Option<Vec<Result<()>>> {
    let entries = |role: &str, signer: &str| {
        json!({ "entries": [
            { "role": role, "certificate": signer },
            { "role": "tftp", "certificate": "callmanager" },
        ]})
    };
    let accepted = |more| judge(&python_list("recovery", more));
    Some(match id {
        "TRUSTLIST-53" => vec![accepted(entries("sast", "recovery-4096"))],
        "TRUSTLIST-54" => vec![accepted(entries("ccm+tftp", "recovery"))],
        "TRUSTLIST-55" => vec![accepted(entries("sast", "impostor"))],
        "TRUSTLIST-56" => vec![made_by("odd-size").map(drop)],
        "TRUSTLIST-57" => vec![made_by("tvs").map(drop)],
        "TRUSTLIST-58" => vec![made_by("old").map(drop)],
        "TRUSTLIST-59" => {
            let unsigned = made_by("recovery").ok()?.to_be_signed().ok()?;
            vec![unsigned.sign(&*estate().signer("recovery-4096")).map(drop)]
        }
        "TRUSTLIST-60" => vec![judge(&python_list("old", json!({ "digest": "sha-1" })))],
        "TRUSTLIST-61" => vec![accepted(json!({ "separator": ";" }))],
        "TRUSTLIST-62" => vec![accepted(json!({ "reverse": true }))],
        "TRUSTLIST-63" => vec![accepted(json!({ "entries": [
            { "role": "sast", "certificate": "recovery" },
            { "role": "tftp", "certificate": "callmanager", "subject": "CN=somebody else" },
        ]}))],
        "TRUSTLIST-64" => {
            let entries = json!({ "role": "sast", "certificate": "recovery" });
            vec![accepted(json!({ "entries": vec![entries; 40] }))]
        }
        "TRUSTLIST-65" => {
            let name = |name: &str| {
                let heading = signet::trust::list::Heading {
                    file_name: FileName::parse(name)?,
                    ..heading("ITLFile.tlv", SignatureDigest::Sha512, None)
                };
                let estate = estate();
                let entries = vec![estate.entry(Role::Sast, "recovery")];
                Contents::new(heading, estate.certificate("recovery"), entries).map(drop)
            };
            vec![name("../ITLFile.tlv"), name("SEP001122334455.cnf.xml"), name("ITLFile"), name("")]
        }
        "TRUSTLIST-66" => {
            let estate = estate();
            let heading = heading("ITLFile.tlv", SignatureDigest::Sha512, None);
            let twice = vec![estate.entry(Role::Sast, "recovery"), estate.entry(Role::Sast, "impostor")];
            vec![Contents::new(heading, estate.certificate("recovery"), twice).map(drop)]
        }
        _ => return None,
    })
}

fn made_by(signer: &str) -> Result<Contents> {
    let estate = estate();
    let entries = vec![estate.entry(Role::Sast, signer)];
    Contents::new(heading("ITLFile.tlv", SignatureDigest::Sha512, None), estate.certificate(signer), entries)
}
