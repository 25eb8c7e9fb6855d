//! The rows of docs/conformance/trust-rows.tsv: each is tried, and answered as it says.

use std::collections::BTreeSet;
use std::path::Path;

use signet::error::Result;

use super::{file_rows, list_rows};

/// One row: its answer is codes joined by `|` (or `accepted`) and, in quotes, what the text says.
struct Row {
    id: String,
    codes: Vec<String>,
    says: String,
}

fn rows() -> Vec<Row> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/conformance/trust-rows.tsv");
    let text = std::fs::read_to_string(path).unwrap();
    let rows = text.lines().skip(1).map(|line| {
        let [id, _, answer] = line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let (codes, says) = answer.split_once(" \"").unwrap_or((answer, "\""));
        Row {
            id: id.to_owned(),
            codes: codes.split('|').map(str::to_owned).collect(),
            says: says.strip_suffix('"').unwrap().to_owned(),
        }
    });
    rows.collect()
}

fn hold(family: &str, attempt: fn(&str) -> Option<Vec<Result<()>>>) {
    let rows: Vec<Row> = rows().into_iter().filter(|row| row.id.starts_with(family)).collect();
    assert!(rows.len() > 30, "{} rows of {family}", rows.len());
    for row in rows {
        let outcomes = attempt(&row.id).unwrap_or_else(|| panic!("{} is tried nowhere", row.id));
        assert!(!outcomes.is_empty(), "{}", row.id);
        for (place, outcome) in outcomes.iter().enumerate() {
            let (code, detail) = match outcome {
                Ok(()) => ("accepted", String::new()),
                Err(e) => (e.code(), e.to_string()),
            };
            assert!(row.codes.iter().any(|c| c == code), "{} ({place}): {code} {detail}", row.id);
            assert!(detail.contains(&row.says), "{} ({place}): {detail}", row.id);
        }
    }
}

#[test]
fn bad_trust_lists_are_answered_as_the_rows_say() {
    hold("TRUSTLIST-", list_rows::attempt);
}

#[test]
fn bad_signed_files_are_answered_as_the_rows_say() {
    hold("SIGNEDFILE-", file_rows::attempt);
}

#[test]
fn every_row_has_an_id_of_its_own() {
    let rows = rows();
    let ids: BTreeSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids.len(), rows.len());
}
