//! The catalogue of bad inputs, where it lies beside the repository: each of its SCEP and CSR rows is some test's.

use std::collections::BTreeSet;
use std::path::Path;

/// Ids as they stand in a comment, also in lists as `CSR-26, -27`, and in a test's name, as `csr_26_27_twice`.
fn ids(text: &str, sort: &str) -> BTreeSet<u32> {
    let mut found = listed(text, &format!("{sort}-"), &[", -", " and -"]);
    found.extend(listed(text, &format!("fn {}_", sort.to_lowercase()), &["_"]));
    found
}

/// The numbers behind each `start`, and behind each separator that follows.
fn listed(text: &str, start: &str, separators: &[&str]) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(start) {
        let mut rest = Some(&text[at + start.len()..]);
        while let Some((number, after)) = rest.and_then(leading_number) {
            found.insert(number);
            rest = separators.iter().find_map(|separator| after.strip_prefix(separator));
        }
    }
    found
}

fn leading_number(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, after) = text.split_at(digits);
    Some((number.parse().ok()?, after))
}

/// The tests in a folder: all of it, or what stands behind `#[cfg(test)]` and in files of tests.
fn tests(folder: &Path, whole: bool, all: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let whole = whole || path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() {
            tests(&path, whole, all);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(path).unwrap();
            let from = if whole { 0 } else { text.find("#[cfg(test)]").unwrap_or(text.len()) };
            all.push_str(&text[from..]);
        }
    }
}

#[test]
fn ids_are_found_in_lists() {
    let found = ids("/// CSR-04, -06, CSR-07 and -08\n// SCEP-01\nfn csr_26_27_twice() {", "CSR");
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [4, 6, 7, 8, 26, 27]);
}

#[test]
fn every_row_is_a_test_s() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Ok(rows) = std::fs::read_to_string(root.join("../shared/conformance/bad-input.tsv")) else {
        return; // the repository stands alone
    };
    let mut all = String::new();
    tests(&root.join("tests"), true, &mut all);
    tests(&root.join("src"), false, &mut all);
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
