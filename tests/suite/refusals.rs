//! Every refusal has an explanation, and every device file is sound.

use std::collections::BTreeSet;
use std::path::Path;

use signet::enrol::refused::device::DeviceSet;
use signet::enrol::refused::table::{self, Entry};
use signet::error::ProfileRule;

/// The sources that a request for a certificate passes through.
fn passed_through(path: &Path) -> bool {
    let text = path.to_string_lossy().replace('\\', "/");
    let in_room = ["/src/enrol", "/src/x509", "/src/keys"].iter().any(|room| text.contains(room));
    let of_ca = [
        "/ca/issue.rs",
        "/ca/lint",
        "/ca/hierarchy.rs",
        "/ca/profile/subject.rs",
        "/ca/profile/alternative.rs",
    ];
    let own = text.contains("/refused/");
    (in_room && !own) || of_ca.iter().any(|part| text.contains(part))
}

fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if passed_through(&path)
            && path.extension().is_some_and(|e| e == "rs")
            && path.file_name().unwrap() != "tests.rs"
        {
            let text = std::fs::read_to_string(&path).unwrap();
            found.push(text.split("#[cfg(test)]\nmod ").next().unwrap().to_owned());
        }
    }
}

fn all_sources() -> Vec<String> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 60, "only {} sources", found.len());
    found
}

/// The first text in double quotes within the call that begins with `call`.
fn first_texts(sources: &[String], call: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for source in sources {
        for (at, _) in source.match_indices(call) {
            let inside = source[at + call.len()..].split(';').next().unwrap();
            if let Some((_, rest)) = inside.split_once('"') {
                found.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    found
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// Codes of keys and their files and of other questions, which no request for a certificate meets.
const OF_OPERATION: &[&str] = &[
    "backup-newer",
    "bad-key",
    "bad-manufacturing-root",
    "bad-offline-crl",
    "bad-phones",
    "bad-pkcs12",
    "crl-number-rollback",
    "crl-settings",
    "crl-too-large",
    "damaged-backup",
    "invalid-key-algorithm",
    "invalid-key-store",
    "invalid-passphrase",
    "invalid-password",
    "invalid-pkcs11-id",
    "invalid-role",
    "invalid-reason",
    "invalid-serial",
    "key-exists",
    "key-in-token",
    "message-not-kept",
    "no-pkcs11",
    "not-a-backup",
    "ocsp-malformed",
    "offline-misfit",
    "offline-superseded",
    "offline-unknown-key",
    "passphrase-needed",
    "radius-attribute",
    "radius-failed",
    "radius-reply",
    "secret-file",
    "token-module",
    "token-not-configured",
    "unreadable-backup",
    "vault-exists",
    "vault-missing",
    "webhook-failed",
    "wrong-key",
    "wrong-passphrase",
    "wrong-password",
];

#[test]
fn every_code_that_a_request_can_be_refused_with_is_explained() {
    let sources = all_sources();
    let calls = ["Error::invalid(", "Error::malformed(", "Error::conflict(", "Error::new(", "Refusal::new("];
    let codes: BTreeSet<String> = calls.iter().flat_map(|call| first_texts(&sources, call)).collect();
    let codes: Vec<_> = codes.iter().filter(|code| is_code(code) && code.len() > 3).collect();
    assert!(codes.len() > 40, "{codes:?}");
    let missing: Vec<_> =
        codes.iter().filter(|c| !table::is_known(c) && !OF_OPERATION.contains(&c.as_str())).collect();
    assert!(missing.is_empty(), "no explanation in src/enrol/refused/table for {missing:?}");
}

#[test]
fn every_text_of_bad_csr_has_an_explanation_of_its_own() {
    let texts = first_texts(&all_sources(), "bad_csr(");
    assert!(texts.len() > 30, "{texts:?}");
    let general = |text: &str| table::find("bad-csr", text, None).unwrap().said.is_empty();
    // Those that begin with a value are of the profile's rules, which have entries of their own.
    let missing: Vec<_> =
        texts.iter().filter(|text| !text.starts_with('{') && text.len() > 3 && general(text)).collect();
    assert!(missing.is_empty(), "no explanation in src/enrol/refused/table/request.rs for {missing:?}");
}

#[test]
fn every_explanation_says_what_and_who() {
    let rules = [
        ProfileRule::SubjectForbidden,
        ProfileRule::SubjectRequired,
        ProfileRule::SubjectRepeated,
        ProfileRule::SubjectPattern,
        ProfileRule::SanType,
        ProfileRule::SanWildcard,
        ProfileRule::SanPattern,
        ProfileRule::SanCount,
        ProfileRule::CommonNameAmong,
        ProfileRule::Key,
        ProfileRule::Expression,
    ];
    let mut seen = BTreeSet::new();
    let all: Vec<&Entry> = table::all().chain(rules.map(table::of_rule)).collect();
    for entry in &all {
        let place = format!("{} {:?}", entry.code, entry.said);
        assert!(!entry.advice.is_empty(), "{place}: who is to change what?");
        for text in entry.advice.iter().map(|(_, text)| *text).chain([entry.means]) {
            assert!(text.len() >= 10 && text.ends_with(['.', ')']), "{place}: {text}");
        }
    }
    for entry in table::all() {
        assert!(seen.insert((entry.code, entry.said)), "{} {:?} stands twice", entry.code, entry.said);
    }
}

#[test]
fn the_most_particular_explanation_is_found() {
    let said = |code, rule| table::find(code, rule, None).unwrap().said;
    assert_eq!(said("cms-algorithm", "digest MD5 not allowed"), "digest");
    assert_eq!(said("cms-algorithm", "key transport not allowed"), "");
    assert_eq!(said("bad-csr", "key in use"), "key in use");
    assert!(table::find("no-such-code", "", None).is_none());
}

#[test]
fn the_shipped_devices_are_sound_and_a_faulty_set_is_refused_as_a_whole() {
    assert!(DeviceSet::shipped().unwrap().count() >= 10);
    let device = |body: &str| format!("name = \"x\"\nvendor = \"y\"\n{body}");
    let faults = |text: String| {
        let good = device("[match]\nany = [{ traits = [\"ber\"] }]\n");
        let files = [("good.toml".to_owned(), good), ("bad.toml".to_owned(), text)];
        let faults = DeviceSet::from_sources(&files).unwrap_err();
        assert_eq!(faults.len(), 1);
        assert_eq!(faults[0].code(), "bad-device");
        faults[0].to_string()
    };
    assert_eq!(
        faults(device("[match]\nany = [{ traits = [\"bear\"] }]\n")).split(';').next().unwrap(),
        "bad.toml match.any: there is no trait bear"
    );
    assert!(faults(device("[match]\nany = []\n")).contains("name at least one condition"));
    assert!(faults(device("[match]\nany = [{}]\n")).contains("would fit every request"));
    assert!(faults(device("[match]\nany = [{ profiles = [\"[\"] }]\n")).starts_with("bad.toml match.any"));
    let hint = "[match]\nany = [{ traits = [\"ber\"] }]\n[[hints]]\ncodes = [\"bad-car\"]\ntext = \"x\"\n";
    assert!(faults(device(hint)).contains("no request is refused with the code bad-car"));
    assert!(faults(device("allows = true\n[match]\nany = []\n")).starts_with("bad.toml:3: unknown field"));
}
