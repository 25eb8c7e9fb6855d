//! The seeds of the fuzz target, whole and changed: what reads a backup errs and never panics.

use std::io::Read;

use signet::error::Result;
use signet::keys::software::archive::{self, Frames};
use signet::server::backup::content::{Entry, Reader};
use signet::storage::load::Load;

fn seed(name: &str) -> Vec<u8> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/backup");
    std::fs::read(folder.join(name)).unwrap()
}

fn content(data: &[u8]) -> Result<u64> {
    let (mut reader, _) = Reader::begin(data)?;
    let mut load = Load::looking();
    loop {
        match reader.entry()? {
            Entry::File(_) => {}
            Entry::Row(part, key, value) => load.row(part, key, value)?,
            Entry::End(end) => return load.finish().map(|_| end.records),
        }
    }
}

fn frames(data: &[u8], step: usize) -> Result<()> {
    let mut frames = Frames::begin();
    data.chunks(step).try_for_each(|piece| frames.follow(piece))?;
    frames.end()
}

/// Every byte changed in several ways, and every cut.
fn changed(seed: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let bytes = (0..seed.len()).flat_map(move |place| {
        [0x01, 0x80, 0xff].into_iter().map(move |mask| {
            let mut bytes = seed.to_vec();
            bytes[place] ^= mask;
            bytes
        })
    });
    bytes.chain((0..seed.len()).map(move |end| seed[..end].to_vec()))
}

#[test]
fn what_lies_in_a_backup_is_read_whole_or_refused() {
    let seed = seed("content");
    assert_eq!(content(&seed).unwrap(), 1);
    for bytes in changed(&seed) {
        let code = content(&bytes).unwrap_err().code();
        assert!(["damaged-backup", "backup-newer", "store-newer"].contains(&code), "{code}");
    }
}

#[test]
fn the_outer_form_is_the_same_in_whichever_pieces_it_comes() {
    let seed = seed("frames");
    frames(&seed, 1).unwrap();
    for bytes in changed(&seed) {
        assert_eq!(frames(&bytes, 1).is_ok(), frames(&bytes, 7).is_ok());
        // The digest of its vault does not hold: never as far as argon2.
        let opened =
            archive::open(&bytes[..], "a password").map(|mut archive| archive.read(&mut [0]).is_ok());
        assert!(opened.is_err());
    }
}
