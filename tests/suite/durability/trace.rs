//! The order of system calls, as strace saw it.

use std::collections::HashMap;

use super::*;

/// A call: the lines of the trace on which it began and ended.
#[derive(Debug)]
struct Call {
    began: usize,
    ended: usize,
    text: String,
}

impl Call {
    fn syncs(&self, path: &str) -> bool {
        (self.text.starts_with("fsync(") || self.text.starts_with("fdatasync("))
            && self.text.contains(&format!("<{path}>"))
            && self.text.trim_end().ends_with("= 0")
    }

    fn writes(&self, path: &str, data: &str) -> bool {
        self.text.starts_with("pwrite64(") && self.text.contains(path) && self.text.contains(data)
    }

    fn answers(&self, text: &str) -> bool {
        self.text.starts_with("write(1") && self.text.contains(&format!("\"{text}\\n\""))
    }
}

fn calls(trace: &str) -> Vec<Call> {
    let (mut found, mut open) = (Vec::new(), HashMap::new());
    for (line, text) in trace.lines().enumerate() {
        let (thread, text) = text.split_once(' ').unwrap();
        let text = text.trim_start();
        if let Some(began) = text.strip_suffix("<unfinished ...>") {
            open.insert(thread, (line, began.to_owned()));
        } else if let Some((_, rest)) = text.strip_prefix("<... ").and_then(|t| t.split_once('>')) {
            if let Some((began, start)) = open.remove(thread) {
                found.push(Call { began, ended: line, text: start + rest });
            }
        } else {
            found.push(Call { began: line, ended: line, text: text.to_owned() });
        }
    }
    found.sort_by_key(|call| call.ended);
    found
}

/// Runs the probe under strace and returns its calls.
fn traced(dir: &Path, puts: usize) -> Vec<Call> {
    let trace = dir.join("trace");
    let mut strace = tool("strace", "strace");
    strace.args(["-f", "-y", "-s", "8192", "-o"]).arg(&trace);
    strace.args(["-e", "trace=fsync,fdatasync,pwrite64,write,rename,renameat,renameat2"]);
    strace.arg(probe()).arg("create").arg(dir.join("data"));
    let mut talk = Talk::start(strace);
    assert_eq!(talk.line(), "ready");
    for n in 0..puts {
        assert_eq!(talk.ask(&format!("put marker-{n:04}- 200")), format!("ok marker-{n:04}-"));
    }
    talk.end();
    calls(&std::fs::read_to_string(trace).unwrap())
}

#[test]
fn every_acknowledgement_follows_the_sync_of_its_data() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let calls = traced(&dir, 20);
    let file = dir.join("data/store/signet.redb").display().to_string();
    for n in 0..20 {
        let marker = format!("marker-{n:04}-");
        let answer = calls.iter().find(|c| c.answers(&format!("ok {marker}"))).expect("an answer");
        // The body holds the key again and again: this is the record, not only its index.
        let data = marker.repeat(5);
        let written = calls.iter().find(|c| c.writes(&file, &data)).expect("its data was written");
        let synced =
            calls.iter().any(|c| c.syncs(&file) && written.ended < c.began && c.ended < answer.began);
        assert!(synced, "{marker} was acknowledged before its data was synced");
    }
}

#[test]
fn a_new_store_is_synced_with_its_folders_before_it_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let calls = traced(&dir, 0);
    let path = |name: &str| dir.join(name).display().to_string();
    let place = |what: &str, found: &dyn Fn(&Call) -> bool| {
        calls.iter().rposition(found).unwrap_or_else(|| panic!("{what}: {calls:#?}"))
    };
    let renamed = |to: &str| format!("{to}\")");
    let file = place("the file", &|c| c.syncs(&path("data/store.new/signet.redb")));
    let folder = place("its folder", &|c| c.syncs(&path("data/store.new")));
    let in_place = place("the renaming", &|c| c.text.contains(&renamed("data/store")));
    let marker = place("the marker", &|c| c.text.contains(&renamed("data/store.marker")));
    let parent = place("the data folder", &|c| c.syncs(&path("data")));
    let above = place("the folder above it", &|c| c.syncs(&dir.display().to_string()));
    let ready = place("ready", &|c| c.answers("ready"));
    assert!(file < in_place && folder < in_place, "what is renamed was synced");
    assert!(in_place < parent && marker < parent, "the renamings were synced");
    assert!(parent < ready && above < ready, "all was synced before it is used");
}
