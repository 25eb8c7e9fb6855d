//! What a build without feature `legacy`, and a FIPS build, do not contain.

use std::process::Command;

fn crates(arguments: &[&str]) -> String {
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--locked", "--edges", "normal,build", "--prefix", "none"])
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn only_feature_legacy_brings_openssl() {
    let has = |tree: &str| {
        tree.lines().any(|line| line.starts_with("openssl v") || line.starts_with("openssl-sys v"))
    };
    assert!(!has(&crates(&[])));
    assert!(!has(&crates(&["--features", "sled"])));
    assert!(has(&crates(&["--features", "legacy"])));
}

/// What stands before the rooms in the library is given to the compiler alone, which is quick.
#[test]
fn a_fips_build_refuses_feature_legacy() {
    let says_so = |arguments: &[&str]| {
        let folder = tempfile::tempdir().unwrap();
        let library = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/src/lib.rs")).unwrap();
        let (guard, _) = library.split_once("\npub mod ").unwrap();
        let source = folder.path().join("guard.rs");
        std::fs::write(&source, guard).unwrap();
        let output = Command::new("rustc")
            .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--out-dir"])
            .arg(folder.path())
            .args(arguments)
            .arg(&source)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).contains("a FIPS build never has feature legacy");
        assert_eq!(output.status.success(), !said);
        said
    };
    assert!(says_so(&["--cfg", "fips", "--cfg", "feature=\"legacy\""]));
    assert!(!says_so(&["--cfg", "feature=\"legacy\""]));
    assert!(!says_so(&["--cfg", "fips"]));
}
