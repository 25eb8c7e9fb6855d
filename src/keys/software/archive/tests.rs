//! Archives as their readers see them: whole, or damaged at any place.

use std::io::{Read, Write};

use super::*;
use crate::keys::KeyStore;
use crate::keys::software::password::Cost;
use crate::x509::key::KeyAlgorithm;

const PASSWORD: &str = "correct horse battery staple";

fn vault() -> (tempfile::TempDir, Vault) {
    let dir = tempfile::tempdir().unwrap();
    let cheap = Cost { memory: 8, passes: 1, lanes: 1 };
    let vault = Vault::create_at_cost(dir.path(), PASSWORD, &Random::system(), cheap).unwrap();
    (dir, vault)
}

fn sealed(vault: &Vault, text: &[u8]) -> Vec<u8> {
    let mut writer = vault.archivist().seal(Vec::new()).unwrap();
    writer.write_all(text).unwrap();
    writer.finish().unwrap()
}

fn opened(archive: &[u8], password: &str) -> Result<Vec<u8>> {
    let mut text = Vec::new();
    match open(archive, password)?.read_to_end(&mut text) {
        Ok(_) => Ok(text),
        Err(e) => Err(*e.into_inner().unwrap().downcast::<Error>().unwrap()),
    }
}

fn refused(archive: &[u8]) -> &'static str {
    opened(archive, PASSWORD).unwrap_err().code()
}

fn whole(archive: &[u8], step: usize) -> Result<()> {
    let mut frames = Frames::begin();
    archive.chunks(step).try_for_each(|bytes| frames.follow(bytes))?;
    frames.end()
}

#[test]
fn what_was_sealed_is_opened_whatever_its_length() {
    let (_dir, vault) = vault();
    for length in [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME] {
        let text: Vec<u8> = (0..length).map(|n| n as u8).collect();
        let archive = sealed(&vault, &text);
        assert_eq!(opened(&archive, PASSWORD).unwrap(), text);
        for step in [1, 3, archive.len()] {
            whole(&archive, step).unwrap();
        }
    }
}

#[test]
fn the_password_in_force_opens_it_also_after_it_changed() {
    let (_dir, vault) = vault();
    let before = sealed(&vault, b"text");
    vault.change_password(PASSWORD, "another").unwrap();
    let after = sealed(&vault, b"text");
    assert_eq!(opened(&before, PASSWORD).unwrap(), b"text");
    assert_eq!(opened(&before, "another").unwrap_err().code(), "wrong-password");
    assert_eq!(opened(&after, "another").unwrap(), b"text");
    let error = opened(&after, PASSWORD).unwrap_err();
    assert_eq!(
        (error.code(), error.detail()),
        ("wrong-password", "the security password is not the one that was in force when the backup was made")
    );
}

#[test]
fn every_flipped_bit_and_every_cut_is_seen() {
    let (_dir, vault) = vault();
    let archive = sealed(&vault, b"a short text");
    for place in 0..archive.len() {
        let mut changed = archive.clone();
        changed[place] ^= 1;
        let expected: &[&str] = match place {
            0..9 => &["not-a-backup"],
            9 => &["backup-newer"],
            _ => &["damaged-backup"],
        };
        assert!(expected.contains(&refused(&changed)), "byte {place}: {}", refused(&changed));
        assert!(["damaged-backup", "not-a-backup"].contains(&refused(&archive[..place])), "cut at {place}");
        assert!(whole(&archive[..place], 5).is_err(), "cut at {place}");
    }
    assert_eq!(refused(&[&archive[..], b"x"].concat()), "damaged-backup");
    assert_eq!(whole(&[&archive[..], b"x"].concat(), 64).unwrap_err().code(), "damaged-backup");
}

#[test]
fn frames_are_neither_swapped_nor_left_out_nor_taken_from_another_archive() {
    let (_dir, vault) = vault();
    let (one, two) = (sealed(&vault, &vec![1; 3 * FRAME]), sealed(&vault, &vec![1; 3 * FRAME]));
    let first = MAGIC.len() + 4 + vault_length(&one) + SALT_LEN;
    let frame = 4 + FRAME + tag_len();
    let cut = |archive: &[u8], n: usize| archive[first + n * frame..first + (n + 1) * frame].to_vec();
    let built = |parts: &[Vec<u8>]| [&one[..first], &parts.concat()].concat();
    let (a, b, last) = (cut(&one, 0), cut(&one, 1), one[first + 2 * frame..].to_vec());
    assert_eq!(opened(&built(&[a.clone(), b.clone(), last.clone()]), PASSWORD).unwrap().len(), 3 * FRAME);
    for parts in [
        vec![b.clone(), a.clone(), last.clone()],
        vec![a.clone(), last.clone()],
        vec![a.clone(), a.clone(), b.clone(), last.clone()],
        vec![a.clone(), cut(&two, 1), last.clone()],
        vec![last],
    ] {
        assert_eq!(refused(&built(&parts)), "damaged-backup");
    }
    let mut early_end = b;
    early_end[0] |= 0x80;
    assert_eq!(refused(&built(&[a, early_end])), "damaged-backup");
}

#[test]
fn a_head_that_asks_for_too_much_is_refused_before_it_is_given() {
    let (_dir, vault) = vault();
    let archive = sealed(&vault, b"text");
    let mut long = archive.clone();
    long[10..14].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(refused(&long), "damaged-backup");
    // argon2id with 4 TiB of memory, and the digest that belongs to it.
    let mut greedy = archive.clone();
    let end = MAGIC.len() + 4 + vault_length(&archive);
    let start = MAGIC.len() + 4;
    greedy[start + 9..start + 13].copy_from_slice(&u32::MAX.to_be_bytes());
    let digest = Sha256::digest(&greedy[start..end - 32]);
    greedy[end - 32..end].copy_from_slice(&digest);
    assert_eq!(refused(&greedy), "damaged-backup");
    let frame = end + SALT_LEN;
    let mut large = archive;
    large[frame..frame + 4].copy_from_slice(&(FRAME as u32 + 17).to_be_bytes());
    assert_eq!(refused(&large), "damaged-backup");
}

#[test]
fn keys_are_given_as_they_lie_and_never_the_vault_among_them() {
    let (dir, vault) = vault();
    vault.generate(&"k".parse().unwrap(), KeyAlgorithm::P256).unwrap();
    std::fs::write(dir.path().join("keys/other.key.tmp"), "half").unwrap();
    let found = vault.archivist().key_files().unwrap();
    assert_eq!(found, [("k.key".to_owned(), std::fs::read(dir.path().join("keys/k.key")).unwrap())]);
}

fn vault_length(archive: &[u8]) -> usize {
    u32::from_be_bytes(archive[10..14].try_into().unwrap()) as usize
}
