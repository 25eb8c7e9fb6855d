//! Files in one: a tar archive (POSIX.1-2001, ustar), as `tar xf` unpacks it.

use crate::error::{Error, Result};

const BLOCK: usize = 512;
/// The folder that the files are unpacked into.
const FOLDER: &[u8] = b"requests";

/// The archive of these files, each with its name and its bytes, changed at `seconds` since 1970.
/// Errors: `internal` for a name that is too long.
pub fn archive(files: &[(String, Vec<u8>)], seconds: u64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    for (name, bytes) in files {
        out.extend(header(name, bytes.len() as u64, seconds)?);
        out.extend(bytes);
        out.resize(out.len().next_multiple_of(BLOCK), 0);
    }
    out.resize(out.len() + 2 * BLOCK, 0);
    Ok(out)
}

fn header(name: &str, size: u64, seconds: u64) -> Result<[u8; BLOCK]> {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, most: usize, text: &[u8]| {
        let place = block.get_mut(at..at + text.len()).filter(|_| text.len() <= most);
        place.map(|place| place.copy_from_slice(text)).ok_or_else(|| Error::internal("a name is too long"))
    };
    put(0, 100, name.as_bytes())?;
    put(100, 8, b"0000644\0")?;
    put(108, 8, b"0000000\0")?;
    put(116, 8, b"0000000\0")?;
    put(124, 12, format!("{size:011o}\0").as_bytes())?;
    put(136, 12, format!("{seconds:011o}\0").as_bytes())?;
    // The sum is taken as if its own field were blanks.
    put(148, 8, b"        ")?;
    put(156, 1, b"0")?;
    put(257, 8, b"ustar\x0000")?;
    put(345, 155, FOLDER)?;
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(block)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_whole_blocks_and_its_names_are_bounded() {
        let files = [("a.pem".to_owned(), vec![7; 513]), ("b".to_owned(), Vec::new())];
        let archive = archive(&files, 0).unwrap();
        assert_eq!(archive.len(), (1 + 2 + 1 + 2) * BLOCK);
        assert_eq!(&archive[BLOCK..BLOCK + 513], &[7; 513]);
        assert!(super::archive(&[("n".repeat(101), Vec::new())], 0).is_err());
    }
}
