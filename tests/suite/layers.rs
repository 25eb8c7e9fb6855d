//! The house keeps its shape: who may use whom, who may name axum, who decides, who connects out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The rooms from the ground up; a room uses only what stands before it. `storage` stands beside them.
const ROOMS: &[&str] =
    &["x509", "keys", "ca", "trust", "device", "enrol", "notice", "admin", "server", "cli"];
/// The simulated phone stands beside all rooms: it knows the ground floor alone, and only the command line knows it.
const BESIDE: &[&str] = &["storage", "outbound", "phone"];
/// What everyone may use.
const GROUND: &[&str] = &["error", "clock", "random", "id", "store", "audit", "task"];

/// A source file without its unit tests.
struct Source {
    path: PathBuf,
    room: String,
    code: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    collect(&root, &root, &mut found);
    assert!(found.len() > 100, "only {} files under {}", found.len(), root.display());
    found
}

fn collect(root: &Path, folder: &Path, found: &mut Vec<Source>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && path.file_name().unwrap() != "tests.rs" {
            let inside = path.strip_prefix(root).unwrap().to_owned();
            if inside.components().any(|c| c.as_os_str() == "tests") {
                continue;
            }
            let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let room = first.trim_end_matches(".rs").to_owned();
            found.push(Source { path: inside, room, code: without_tests_and_comments(&text) });
        }
    }
}

fn without_tests_and_comments(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    code.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
}

/// The rooms named by `crate::room` in a source, also in `use crate::{a, b::c}`.
fn named_rooms(code: &str) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => named.extend(first_words(group)),
            None => {
                named.insert(word(rest));
            }
        }
    }
    named
}

/// The first word of each item of a brace group that is not nested deeper.
fn first_words(group: &str) -> Vec<String> {
    let (mut words, mut depth, mut item_starts) = (Vec::new(), 0, true);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => item_starts = true,
            c if item_starts && !c.is_whitespace() => {
                words.push(word(&group[at..]));
                item_starts = false;
            }
            _ => {}
        }
    }
    words
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

fn may_use(room: &str, other: &str) -> bool {
    if room == other || GROUND.contains(&other) {
        return true;
    }
    let place = |name: &str| ROOMS.iter().position(|r| *r == name);
    match (room, other) {
        // The command line's client goes out, enrolment to whoever judges challenges, by addresses that a profile
        // names, and notices to whom their policy names.
        (_, "outbound") => matches!(room, "cli" | "notice" | "enrol" | "ca"),
        (_, "storage") => matches!(room, "server" | "cli"),
        (_, "phone") => room == "cli",
        ("main" | "lib", _) => true,
        _ => matches!((place(room), place(other)), (Some(own), Some(others)) if others < own),
    }
}

#[test]
fn a_room_uses_only_what_stands_to_its_right() {
    let mut wrong = Vec::new();
    for source in sources() {
        for other in named_rooms(&source.code) {
            let is_room = ROOMS.contains(&other.as_str()) || BESIDE.contains(&other.as_str());
            let is_ground = GROUND.contains(&other.as_str());
            if (is_room || is_ground) && !may_use(&source.room, &other) {
                wrong.push(format!("{} uses crate::{other}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_source_belongs_to_a_room_that_this_test_knows() {
    for source in sources() {
        let known = [ROOMS, GROUND, BESIDE, &["main", "lib", "bin"]].concat();
        assert!(
            known.contains(&source.room.as_str()),
            "{}: add the room {}",
            source.path.display(),
            source.room
        );
    }
}

#[test]
fn axum_is_named_only_at_the_edges() {
    for source in sources().iter().filter(|s| s.code.contains("axum")) {
        let edge = matches!(source.room.as_str(), "admin" | "server") || source.path.ends_with("http.rs");
        assert!(edge, "{} names axum", source.path.display());
    }
}

#[test]
fn nothing_connects_out_but_the_one_door() {
    // A simulated phone is somebody else, who comes in from the network.
    let inside = |s: &&Source| s.room != "outbound" && !s.path.starts_with("phone");
    for source in sources().iter().filter(inside) {
        // Where phones come in with datagrams, and are answered.
        let takes_in = ["server/tftp", "server/tftp.rs", "server/syslog_in.rs", "server/bound/phones.rs"]
            .iter()
            .any(|listener| source.path.starts_with(listener));
        for name in ["reqwest", "TcpStream::connect", "UdpSocket", "UnixStream"] {
            assert!(
                (takes_in && name == "UdpSocket") || !source.code.contains(name),
                "{} names {name}",
                source.path.display()
            );
        }
    }
}

#[test]
fn only_approval_makes_an_order() {
    // As a whole word: `AuditOrder` is another thing.
    let makes = |code: &str| {
        ["Order {", "Order::new", "Order::from"].iter().any(|made| {
            code.match_indices(made).any(|(at, _)| !code[..at].ends_with(|c: char| c.is_alphanumeric()))
        })
    };
    for source in sources().iter().filter(|s| makes(&s.code)) {
        let declares = source.path == Path::new("ca/issue.rs");
        let decides =
            source.path.starts_with("enrol/approve") || source.path == Path::new("enrol/approve.rs");
        assert!(declares || decides, "{} makes an Order", source.path.display());
    }
}

#[test]
fn every_kind_of_record_has_a_number_of_its_own() {
    let mut holders: BTreeMap<u8, String> = BTreeMap::new();
    for source in sources() {
        for (at, declaration) in source.code.match_indices("Kind { id: ") {
            let number = word(&source.code[at + declaration.len()..]);
            let Ok(number) = number.parse::<u8>() else { continue };
            let path = source.path.display().to_string();
            if let Some(other) = holders.insert(number, path.clone()) {
                panic!("{path} and {other} both use the number {number}");
            }
        }
    }
    assert!(holders.len() >= 10, "{holders:?}");
}

#[test]
fn time_and_randomness_have_one_source_each() {
    for source in sources() {
        let is_own = |room: &str| source.room == room;
        for name in ["SystemTime::now", "Instant::now", "OffsetDateTime::now"] {
            assert!(is_own("clock") || !source.code.contains(name), "{}: {name}", source.path.display());
        }
        // `keys` hands aws-lc's own generator to aws-lc's signatures, as its interface asks.
        for name in ["SystemRandom", "OsRng", "thread_rng", "rand::random"] {
            assert!(
                is_own("random") || is_own("keys") || !source.code.contains(name),
                "{}: {name}",
                source.path.display()
            );
        }
    }
}
