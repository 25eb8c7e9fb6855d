//! Entries as they are written, and as someone who holds the password might write them.

use super::*;

fn begin() -> Begin {
    Begin { format: FORMAT, signet: "0.1.0".into(), made: "2026-11-22T00:00:00Z".into(), audit_entries: 1 }
}

fn written() -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), &begin()).unwrap();
    writer.file(&SafePath::parse("policies/roles.toml").unwrap(), b"roles").unwrap();
    writer.file(&SafePath::parse("keys/a.key").unwrap(), &vec![7; 200_000]).unwrap();
    writer.row(Part::Records, b"\x0akey", b"value").unwrap();
    writer.row(Part::Audit, &[0; 8], b"entry").unwrap();
    writer.finish().unwrap().0
}

/// Everything in a few words, or the error.
fn read(bytes: &[u8]) -> Result<Vec<String>> {
    let (mut reader, _) = Reader::begin(bytes)?;
    let mut seen = Vec::new();
    loop {
        let file = match reader.entry()? {
            Entry::File(path) => path.to_string(),
            Entry::Row(part, key, value) => {
                seen.push(format!("{part:?} {} {}", key.len(), value.len()));
                continue;
            }
            Entry::End(end) => {
                seen.push(format!("{} {}", end.files, end.records));
                return Ok(seen);
            }
        };
        let mut bytes = Vec::new();
        reader.file(&mut bytes)?;
        seen.push(format!("{file} {}", bytes.len()));
    }
}

#[test]
fn entries_are_read_as_they_were_written() {
    let seen = read(&written()).unwrap();
    assert_eq!(seen, ["policies/roles.toml 5", "keys/a.key 200000", "Records 4 5", "Audit 8 5", "2 1"]);
}

#[test]
fn files_may_be_passed_over() {
    let bytes = written();
    let (mut reader, _) = Reader::begin(&bytes[..]).unwrap();
    while !matches!(reader.entry().unwrap(), Entry::End(_)) {}
}

#[test]
fn every_cut_is_seen() {
    let mut writer = Writer::begin(Vec::new(), &begin()).unwrap();
    writer.row(Part::Records, b"\x0akey", b"value").unwrap();
    let (bytes, _) = writer.finish().unwrap();
    for cut in 0..bytes.len() {
        assert_eq!(read(&bytes[..cut]).unwrap_err().code(), "damaged-backup", "cut at {cut}");
    }
    assert_eq!(read(&[&bytes[..], &[4]].concat()).unwrap_err().code(), "damaged-backup");
}

#[test]
fn an_end_that_lies_is_refused() {
    let one = |part: Part| {
        let mut writer = Writer::begin(Vec::new(), &begin()).unwrap();
        writer.row(part, b"key", b"value").unwrap();
        writer.finish().unwrap().0
    };
    let (records, counters) = (one(Part::Records), one(Part::Counters));
    let at = |bytes: &[u8]| bytes.windows(8).position(|w| w == b"{\"files\"").unwrap() - 5;
    let lie = [&records[..at(&records)], &counters[at(&counters)..]].concat();
    assert!(read(&lie).unwrap_err().detail().contains("does not hold what its end says"));
    let mut changed = records;
    let place = at(&changed) - 1;
    changed[place] ^= 1;
    assert!(read(&changed).unwrap_err().detail().contains("does not hold what its end says"));
}

#[test]
fn a_later_form_is_told_from_damage() {
    let later = Begin { format: FORMAT + 1, signet: "9.9.9".into(), ..begin() };
    let bytes = Writer::begin(Vec::new(), &later).unwrap().finish().unwrap().0;
    let error = read(&bytes).unwrap_err();
    assert_eq!(error.code(), "backup-newer");
    assert!(error.detail().contains("9.9.9"));
}

#[test]
fn lengths_out_of_bounds_are_refused_before_anything_is_made_room_for() {
    let start = Writer::begin(Vec::new(), &begin()).unwrap().finish().unwrap().0;
    let start = &start[..start.windows(8).position(|w| w == b"{\"files\"").unwrap() - 5];
    for entry in [
        &[FILE, 0, 1, 0xff, 0xff, 0xff, 0xff][..],
        &[FILE, 0xff, 0xff, 0, 0, 0, 1],
        &[ROW, 2, 0xff, 0xff, 0, 0, 0, 1],
        &[ROW, 2, 0, 1, 0xff, 0xff, 0xff, 0xff],
        &[ROW, 9, 0, 1, 0, 0, 0, 1],
        &[END, 0xff, 0xff, 0xff, 0xff],
        &[BEGIN, 0, 0, 0, 0],
        &[5],
    ] {
        assert_eq!(read(&[start, entry].concat()).unwrap_err().code(), "damaged-backup", "{entry:?}");
    }
}

#[test]
fn paths_lead_nowhere_but_to_the_files_of_a_data_folder() {
    for good in
        ["signet.toml", "keys/ca-rsa.key", "policies/profiles/a b.toml", "audit/head.json", "policies/ä"]
    {
        assert_eq!(SafePath::parse(good).unwrap().as_str(), good);
    }
    let long = format!("policies/{}", "x".repeat(256));
    let deep = format!("policies{}", "/x".repeat(8));
    for bad in [
        "",
        "/",
        "/etc/passwd",
        "..",
        "../x",
        "policies",
        "policies/",
        "policies/../admin.token",
        "policies//x",
        "policies/./x",
        "keys/../../x.key",
        "keys/x",
        "keys/x/y.key",
        "keys/vault",
        "store/data",
        "store.marker",
        "security-password",
        "signet.toml/x",
        "policies/a\0b",
        "policies/a\nb",
        "policies\\..\\x",
        "audit/x",
        "lock",
        &long,
        &deep,
    ] {
        assert_eq!(SafePath::parse(bad).unwrap_err().code(), "damaged-backup", "{bad:?}");
    }
}
