//! The catalogue of bad inputs, where it lies beside the repository: each of its SCEP and CSR rows is some test's.

use std::collections::BTreeSet;
use std::path::Path;

/// Ids as they stand in a text, also in lists like `CSR-26, -27` and ranges like `SCEP-04 to SCEP-18`.
fn ids(text: &str, sort: &str) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(&format!("{sort}-")) {
        let mut rest = &text[at + sort.len() + 1..];
        while let Some((number, after)) = leading_number(rest) {
            found.insert(number);
            match after.strip_prefix(", -").or_else(|| after.strip_prefix(" and -")) {
                Some(next) => rest = next,
                None => break,
            }
        }
    }
    found
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = text.split_at(digits);
    Some((number.parse().ok()?, after))
}

fn texts(folder: &Path, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            texts(&path, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            all.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn ids_are_found_in_lists() {
    let found = ids("/// CSR-04, -06, CSR-07 and -08\n// SCEP-01", "CSR");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [4, 6, 7, 8]);
}

#[test]
fn every_row_is_a_test_s() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(rows) = std::fs::read_to_string(root.join("../shared/conformance/bad-input.tsv")) else {
        return; // the repository stands alone
    };
    let mut all = String::new();
    texts(&root.join("tests"), &mut all);
    texts(&root.join("src"), &mut all);
    let mut missing = Vec::new();
    for sort in ["SCEP", "CSR"] {
        let tested = ids(&all, sort);
        let prefix = format!("{sort}-");
        for id in rows.lines().filter_map(|row| row.strip_prefix(&prefix)) {
            let (number, _) = leading_number(id).unwrap();
            if !tested.contains(&number) {
                missing.push(format!("{sort}-{number:02}"));
            }
        }
    }
    assert!(missing.is_empty(), "no test cites {missing:?}");
}
