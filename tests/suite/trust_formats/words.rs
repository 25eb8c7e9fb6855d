//! What differs between two lists and what is said of a large one, in words.

use signet::clock::Timestamp;
use signet::trust::list::diff::diff;
use signet::trust::list::limits::{self, Warning};
use signet::trust::list::{Contents, Entry, HashAlgorithm, Heading, List};
use signet::trust::role::Role;
use signet::trust::sign::SignatureDigest;
use signet::trust::tlv::SignerVersion;

use super::estate::{estate, heading};

fn contents(signer: &str, version: Option<SignerVersion>, others: Vec<Entry>) -> Contents {
    let estate = estate();
    let mut entries = vec![estate.entry(Role::Sast, "recovery"), estate.entry(Role::Sast, "recovery-4096")];
    entries.extend(others);
    let heading = heading("ITLFile.tlv", SignatureDigest::Sha512, version);
    Contents::new(heading, estate.certificate(signer), entries).unwrap()
}

#[test]
fn releases_are_told_apart_in_words() {
    let estate = estate();
    let old = contents(
        "recovery",
        None,
        vec![estate.entry(Role::Tftp, "callmanager"), estate.entry(Role::Tvs, "tvs")],
    );
    let new = contents(
        "recovery-4096",
        Some(SignerVersion::V1_1),
        vec![
            estate.entry(Role::CcmTftp, "callmanager"),
            estate.entry(Role::Capf, "callmanager"),
            estate.entry(Role::Tftp, "https"),
        ],
    );
    let words: Vec<String> = diff(&old.outline(), &new.outline()).iter().map(ToString::to_string).collect();
    let recovery =
        "CN=ITLRECOVERY_pub,OU=Voice,O=Acme\\, Inc.,L=Zürich,ST=ZH,C=CH (serial number 8080808080808080)";
    assert_eq!(words.len(), 5, "{words:#?}");
    assert_eq!(
        words[0],
        format!("signer changed from {recovery} to CN=ITLRECOVERY_4096 (serial number 7F00FF)")
    );
    assert_eq!(words[1], "signer version changed from none to 1.1");
    assert_eq!(words[2], "removed tvs CN=TVS (serial number 20)");
    assert!(words.contains(&"added tftp CN=cucm-pub-EC (serial number 80)".to_owned()), "{words:#?}");
    let role = "role of CN=cucm-pub,O=Acme (serial number 0A0B0C) changed from tftp to ccm+tftp and capf";
    assert!(words.contains(&role.to_owned()), "{words:#?}");
}

#[test]
fn the_same_list_read_back_and_in_another_order_does_not_differ() {
    let estate = estate();
    let others = || vec![estate.entry(Role::Tftp, "callmanager"), estate.entry(Role::Tvs, "tvs")];
    let one = contents("recovery", None, others());
    let other = contents("recovery", None, others().into_iter().rev().collect());
    assert!(diff(&one.outline(), &other.outline()).is_empty());
    let file = one.to_be_signed().unwrap().sign(&*estate.signer("recovery")).unwrap();
    assert!(diff(&List::parse(&file).unwrap().outline(), &other.outline()).is_empty());
}

#[test]
fn lists_that_differ_in_their_time_alone_have_one_fingerprint() {
    let list = |at: i64, version| {
        let heading = Heading {
            timestamp: Timestamp::from_millis(at),
            ..heading("ITLFile.tlv", SignatureDigest::Sha512, version)
        };
        let estate = estate();
        let entries = vec![estate.entry(Role::Sast, "recovery")];
        Contents::new(heading, estate.certificate("recovery"), entries).unwrap().fingerprint().unwrap()
    };
    assert_eq!(list(1_800_000_000_123, None), list(1_900_000_000_000, None));
    assert_ne!(list(1_800_000_000_000, None), list(1_800_000_000_000, Some(SignerVersion::V1_0)));
}

/// TRUSTLIST-64
#[test]
fn a_list_that_some_phones_do_not_hold_is_written_and_said() {
    let estate = estate();
    let large = |others: usize| {
        let entries = (0..others).map(|_| estate.entry(Role::Ccm, "callmanager")).collect();
        let contents = contents("recovery", None, entries);
        let file = contents.to_be_signed().unwrap().sign(&*estate.signer("recovery")).unwrap();
        assert_eq!(List::parse(&file).unwrap().entries().len(), others + 2);
        limits::warnings(contents.entries().len(), file.len())
    };
    assert!(large(37).is_empty());
    let many = large(38);
    assert_eq!(many, [Warning::Certificates(40)]);
    assert_eq!(many[0].to_string(), "the list holds 40 certificates; some phones take 39 at the most");
    assert!(matches!(large(60)[..], [Warning::Certificates(62), Warning::Octets(65_537..)]));
    assert_eq!(limits::warnings(39, 65_536), []);
}

#[test]
fn a_small_list_holds_hashes_and_its_signer_is_known_by_his_key() {
    let estate = estate();
    let signer = estate.certificate("recovery");
    let entry = Entry::hashed(Role::Sast, &signer, HashAlgorithm::Sha256).unwrap();
    let heading = heading("ITLFile.tlv", SignatureDigest::Sha512, None);
    let file = Contents::new(heading, signer, vec![entry])
        .unwrap()
        .to_be_signed()
        .unwrap()
        .sign(&*estate.signer("recovery"))
        .unwrap();
    let list = List::parse(&file).unwrap();
    assert!(list.verify().unwrap().certificate().is_none());
    assert_eq!(list.contents().unwrap_err().code(), "signer-not-in-list");
}
