//! How each row of signed files is tried.

use serde_json::json;
use signet::error::Result;
use signet::random::Random;
use signet::trust::sign::SignatureDigest;
use signet::trust::signed::{self, ContentKey, MAX_LEN, SignedFile, companion, insert_srst};
use signet::trust::tlv::FileName;

use super::estate::{by, estate};
use super::files::{CONFIGURATION, encrypted, python_file, signed};
use super::mutate::{element, header, in_header, lie};

/// What comes of it; none if the row is not known.
pub fn attempt(id: &str) -> Option<Vec<Result<()>>> {
    let (plain, secret) = (signed(), encrypted());
    let bad = in_headers(&secret, id);
    let judged = bad.map(|files| files.iter().map(|file| judge(file)).collect());
    judged.or_else(|| outer(&plain, &secret, id)).or_else(|| opened(&secret, id)).or_else(|| made(id))
}

fn judge(file: &[u8]) -> Result<()> {
    SignedFile::parse(file)?.verify(&estate().certificate("callmanager"))
}

fn every(file: &[u8], change: impl Fn(usize) -> Vec<u8>) -> Vec<Result<()>> {
    (0..file.len()).map(|place| judge(&change(place))).collect()
}

fn flipped(file: &[u8], place: usize) -> Vec<u8> {
    let mut file = file.to_vec();
    file[place] ^= 1 << (place % 8);
    file
}

fn outer(plain: &[u8], secret: &[u8], id: &str) -> Option<Vec<Result<()>>> {
    let verified_by = |name: &str| SignedFile::parse(plain)?.verify(&estate().certificate(name));
    let version = |file: &[u8], major: u8| judge(&[&file[..3], &[major], &file[4..]].concat());
    Some(match id {
        "SIGNEDFILE-01" => vec![judge(&[]), judge(b"<device></device>")],
        "SIGNEDFILE-02" => {
            [every(plain, |end| plain[..end].to_vec()), every(secret, |end| secret[..end].to_vec())]
                .into_iter()
                .flatten()
                .collect()
        }
        "SIGNEDFILE-03" => [every(plain, |at| flipped(plain, at)), every(secret, |at| flipped(secret, at))]
            .into_iter()
            .flatten()
            .collect(),
        "SIGNEDFILE-04" => vec![judge(&estate().list())],
        "SIGNEDFILE-05" => vec![version(plain, 2), version(secret, 1)],
        "SIGNEDFILE-06" => vec![judge(&header(plain, |e| e.extend(element(28, &[1, 0]))))],
        "SIGNEDFILE-07" => {
            vec![renamed(plain, "SEP.cnf.xml"), renamed(secret, "SEP.cnf.xml.sgn"), renamed(plain, ".sgn")]
        }
        "SIGNEDFILE-08" => vec![renamed(plain, "../SEP.cnf.xml.sgn"), renamed(plain, "a\\b.sgn")],
        "SIGNEDFILE-09" => vec![verified_by("recovery"), verified_by("device")],
        "SIGNEDFILE-10" => vec![
            SignedFile::parse(&python_file("recovery", json!({}), b"x"))
                .and_then(|file| file.verify(&estate().certificate("impostor"))),
        ],
        "SIGNEDFILE-11" => vec![judge(&[plain, b" "].concat()), judge(&plain[..plain.len() - 1])],
        "SIGNEDFILE-12" => vec![judge(&vec![0; MAX_LEN + (64 << 10) + 1])],
        _ => return None,
    })
}

fn renamed(file: &[u8], name: &str) -> Result<()> {
    judge(&header(file, |e| in_header(e, 14, &element(14, &[name.as_bytes(), b"\0"].concat()))))
}

/// Headers of encrypted files.
fn in_headers(secret: &[u8], id: &str) -> Option<Vec<Vec<u8>>> {
    let change = |f: &dyn Fn(&mut Vec<u8>)| header(secret, f);
    // With a value of another length the containers around it are told truly.
    let put = |tag: u8, value: &[u8]| {
        change(&|e| {
            let before = e.len();
            in_header(e, tag, &element(tag, value));
            let more = i32::try_from(e.len()).unwrap() - i32::try_from(before).unwrap();
            match tag {
                18..=20 => [16, 17].iter().for_each(|around| lie(e, *around, more)),
                22..=25 => [16, 21].iter().for_each(|around| lie(e, *around, more)),
                _ => {}
            }
        })
    };
    let lies = |tag: u8, more: i32| change(&|e| lie(e, tag, more));
    let body = |octets: usize| secret[..secret.len() - octets].to_vec();
    let length = usize::from(u16::from_be_bytes([secret[8], secret[9]]));
    Some(match id {
        "SIGNEDFILE-13" => vec![body(1), body(15)],
        "SIGNEDFILE-14" => vec![secret[..length].to_vec()],
        "SIGNEDFILE-15" => vec![put(20, &[0, 0]), put(20, &[0, 17]), put(20, &[1, 1])],
        "SIGNEDFILE-16" => vec![put(19, &[7; 15]), put(19, &[7; 17])],
        "SIGNEDFILE-17" => vec![put(23, &[4, 0]), put(25, &[1; 127]), put(25, &[])],
        "SIGNEDFILE-18" => vec![put(24, &[2])],
        "SIGNEDFILE-19" => vec![put(18, &[1]), put(22, &[1])],
        "SIGNEDFILE-20" => vec![put(26, &[1]), put(26, &[2])],
        "SIGNEDFILE-21" => vec![put(27, &[7; 20])],
        "SIGNEDFILE-22" => vec![lies(16, 200), lies(17, 4), lies(21, 1), lies(21, -3)],
        "SIGNEDFILE-23" => vec![change(&|e| in_header(e, 27, &[])), change(&|e| in_header(e, 26, &[]))],
        "SIGNEDFILE-24" => vec![change(&|e| {
            in_header(e, 19, &[]);
            lie(e, 16, -19);
            lie(e, 17, -19);
        })],
        "SIGNEDFILE-25" => vec![change(&|e| e.extend(element(19, &[7; 16])))],
        _ => return None,
    })
}

fn opened(secret: &[u8], id: &str) -> Option<Vec<Result<()>>> {
    let open = |file: &[u8], key: &str| SignedFile::parse(file)?.open(&*estate().decrypter(key)).map(drop);
    let made = |more: serde_json::Value| {
        let mut spec = json!({ "device": estate().path("device.der") });
        more.as_object().into_iter().flatten().for_each(|(key, value)| spec[key] = value.clone());
        python_file("callmanager", spec, CONFIGURATION.as_bytes())
    };
    let garbage = header(secret, |e| in_header(e, 25, &element(25, &[1; 256])));
    Some(match id {
        "SIGNEDFILE-26" => vec![open(secret, "callmanager"), open(&garbage, "device")],
        "SIGNEDFILE-27" => vec![open(&made(json!({ "filler": " " })), "device")],
        "SIGNEDFILE-28" => vec![open(&made(json!({ "digest_of": "another file" })), "device")],
        "SIGNEDFILE-29" => vec![open(&signed(), "device")],
        _ => return None,
    })
}

/// What is asked of us.
fn made(id: &str) -> Option<Vec<Result<()>>> {
    let estate = estate();
    let name = FileName::parse("SEP001122334455.cnf.xml").ok()?;
    let sign = |signer: &str, content: &[u8]| {
        signed::sign(&name, content, by(&estate.certificate(signer), SignatureDigest::Sha512)).map(drop)
    };
    let beside = |text: &[u8]| companion(text, &estate.certificate("device")).map(drop);
    let srst = |text: &str| insert_srst(text.as_bytes(), &estate.certificate("tvs"), "certificate").map(drop);
    Some(match id {
        "SIGNEDFILE-30" => vec![sign("odd-size", b"x")],
        "SIGNEDFILE-31" => vec![sign("tvs", b"x")],
        "SIGNEDFILE-32" => vec![sign("old", b"x")],
        "SIGNEDFILE-33" => vec![sign("callmanager", &vec![b'x'; MAX_LEN + 1])],
        "SIGNEDFILE-34" => {
            vec![ContentKey::for_device(&estate.certificate("device-ec"), &Random::system()).map(drop)]
        }
        "SIGNEDFILE-35" => {
            ["a/b.cnf.xml", "..", "", "a\nb", "a\0b"].iter().map(|n| FileName::parse(n).map(drop)).collect()
        }
        "SIGNEDFILE-36" => vec![beside(b"<!DOCTYPE device [<!ENTITY a \"b\">]><device>&a;</device>")],
        "SIGNEDFILE-37" => vec![beside(b"<device>\xff</device>"), beside(b"\xff\xfe<\0d\0")],
        "SIGNEDFILE-38" => vec![beside(b"<phone></phone>")],
        "SIGNEDFILE-39" => {
            vec![beside(b"<device><a></device>"), beside(b""), beside(b"<device>"), beside(b"fullConfig")]
        }
        "SIGNEDFILE-40" => vec![srst("<device></device>"), srst("<device><srstInfo/></device>")],
        "SIGNEDFILE-41" => vec![srst("<d><srstInfo>a</srstInfo><srstInfo>b</srstInfo></d>")],
        _ => return None,
    })
}
