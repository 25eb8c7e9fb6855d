//! Everything that reads a backup: its outer form, as it arrives piece by piece; and what lies in its envelope, as one who
//! holds the password might write it, down to the rows of the store.
#![no_main]

use libfuzzer_sys::fuzz_target;
use signet::keys::software::archive::{self, Frames};
use signet::server::backup::content::{Entry, Reader, SafePath};
use signet::storage::load::Load;

fuzz_target!(|data: &[u8]| {
    let whole = |step: usize| {
        let mut frames = Frames::begin();
        data.chunks(step).try_for_each(|piece| frames.follow(piece)).and_then(|()| frames.end()).is_ok()
    };
    assert_eq!(whole(1), whole(7), "the same in whichever pieces it comes");
    // Never as far as argon2: no input has the digest of its vault.
    let _ = archive::open(data, "a password");
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(path) = SafePath::parse(text)
    {
        let inside = path.below(std::path::Path::new("/data"));
        assert!(inside.starts_with("/data") && !text.split('/').any(|name| name == ".."));
    }
    let _ = read(data);
});

fn read(data: &[u8]) -> signet::error::Result<()> {
    let (mut reader, _) = Reader::begin(data)?;
    let mut load = Load::looking();
    loop {
        match reader.entry()? {
            Entry::File(_) => {}
            Entry::Row(part, key, value) => load.row(part, key, value)?,
            Entry::End(_) => return load.finish().map(drop),
        }
    }
}
