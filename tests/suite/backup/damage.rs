//! Files that are no backup, or no longer whole: refused, and nothing is put in place.

use super::*;

#[test]
fn a_damaged_backup_is_told_from_a_wrong_password_and_leaves_nothing() {
    let site = Site::new();
    // So that it has several frames.
    std::fs::write(site.home.file("policies/long"), vec![7; 200_000]).unwrap();
    let whole = std::fs::read(site.backup("one.backup")).unwrap();
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    let head = 14 + 117 + 32;
    for (name, bytes, reason) in [
        ("empty", Vec::new(), "it is cut short"),
        ("other", b"PK\x03\x04 this is no backup of Signet's".to_vec(), "not a backup of Signet's"),
        ("cut", whole[..whole.len() / 2].to_vec(), "it is cut short"),
        ("vault", changed(60), "its head is not as it was written"),
        ("salt", changed(head - 1), "frame 0 is not as it was written"),
        ("frame", changed(head + 4 + 70_000), "frame 1 is not as it was written"),
        ("longer", [&whole[..], b"x"].concat(), "something follows its end"),
    ] {
        let file = site.path(name);
        std::fs::write(&file, bytes).unwrap();
        let (code, _, said) = site.home.run(&["backup", "verify", text(&file)]);
        assert_eq!((code, said.contains(reason)), (1, true), "{name}: {said}");
        assert!(!said.contains("password"), "{name}: {said}");
        let (empty, (code, _, said)) = site.restored(&file, &["--without-crl"]);
        assert_eq!((code, said.contains(reason)), (1, true), "{name}: {said}");
        assert_eq!(names(&empty.home.data()), ["lock", "security-password"], "{name}");
    }
}

#[test]
fn what_cannot_be_written_is_no_backup_and_leaves_nothing() {
    let site = Site::new();
    for target in ["/proc/signet.backup", "/nonexistent/signet.backup"] {
        let (code, _, said) = site.home.run(&["backup", "create", target]);
        assert_eq!((code, said.contains("cannot write")), (1, true), "{said}");
    }
}
