//! The rows of docs/conformance/phone-rows.tsv: each is tried, and the phone does as it says.

use std::collections::BTreeSet;
use std::path::Path;

use signet::phone::{Boot, Configuration, Ended};

use super::{capf_rows, encrypted_rows, file_rows, list_rows};

/// One row: its answer is what the phone does and, in quotes, what it says of it.
struct Row {
    id: String,
    does: String,
    says: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance/phone-rows.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let [id, _, answer] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let (does, says) = answer.split_once(" \"").unwrap_or((answer, "\""));
        Row { id: id.to_owned(), does: does.to_owned(), says: says.strip_suffix('"').unwrap().to_owned() }
    });
    rows.collect()
}

fn of(family: &str) -> Vec<Row> {
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.id.starts_with(family)).collect();
    assert!(!rows.is_empty(), "{family}");
    rows
}

impl Row {
    /// Every boot went as the row says.
    fn hold(&self, boots: &[Boot], did: fn(&Boot) -> String) {
        assert!(!boots.is_empty(), "{}", self.id);
        for (place, boot) in boots.iter().enumerate() {
            let said = boot.fault().unwrap_or_default();
            assert_eq!(did(boot), self.does, "{} ({place}): {said}", self.id);
            assert!(said.contains(&self.says), "{} ({place}): {said}", self.id);
            assert_eq!(said.is_empty(), self.says.is_empty(), "{} ({place}): {said}", self.id);
        }
    }
}

fn alarm(boot: &Boot) -> String {
    boot.alarm.map_or("none", |alarm| alarm.name()).to_owned()
}

fn configuration(boot: &Boot) -> String {
    let did = match boot.configuration.as_ref().expect("it was asked for") {
        Ok(Configuration::Signed) => "signed",
        Ok(Configuration::Encrypted) => "encrypted",
        Ok(Configuration::ForAnother(_)) => "to-capf",
        Err(_) => "refused",
    };
    did.to_owned()
}

fn capf(boot: &Boot) -> String {
    let did = match boot.capf.as_ref().expect("it was gone to") {
        Ok(Ended::Done) => "done",
        Ok(Ended::Nothing) => "nothing",
        Ok(Ended::Refused(_)) => "refused",
        Err(_) => "left",
    };
    did.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_taken_and_refused_as_the_rows_say() {
    for row in of("PHONELIST-") {
        row.hold(&list_rows::attempt(&row.id).await, alarm);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_files_are_taken_and_refused_as_the_rows_say() {
    for row in of("PHONEFILE-") {
        row.hold(&file_rows::attempt(&row.id).await, configuration);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn encrypted_files_are_opened_and_refused_as_the_rows_say() {
    for row in of("PHONEENC-") {
        row.hold(&encrypted_rows::attempt(&row.id).await, configuration);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn capf_is_spoken_with_or_left_as_the_rows_say() {
    for row in of("PHONECAPF-") {
        row.hold(&capf_rows::attempt(&row.id).await, capf);
    }
}

#[test]
fn every_row_has_an_id_of_its_own_and_a_family_that_is_tried() {
    let rows = rows();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len());
    let tried = ["PHONELIST-", "PHONEFILE-", "PHONEENC-", "PHONECAPF-"];
    assert!(rows.iter().all(|row| tried.iter().any(|family| row.id.starts_with(family))));
}
