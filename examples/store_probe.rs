//! A small program over the store, for tests of its durability: it does what its standard input
//! says and answers each line on standard output once it is done.
//!
//! `store_probe create|open DIR`, then lines: `put KEY LENGTH`, `has KEY`, `health`. Answers:
//! `ok KEY`, `failed KEY: reason`, `yes`, `no`.

use std::error::Error;
use std::io::{BufRead, Write};
use std::path::Path;

use signet::error::Result;
use signet::storage::{self, EngineKind};
use signet::store::{Index, IndexKey, Item, Kind, Store, Unit, When};

const KIND: Kind = Kind { id: 251, name: "probe" };
const WORD: Index = Index { id: 1, name: "word", unique: false };

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [verb, dir] = arguments.as_slice() else { return Err("usage: store_probe create|open DIR".into()) };
    let dir = Path::new(dir);
    let store = match verb.as_str() {
        "create" => storage::create(dir, EngineKind::Redb)?,
        _ => storage::open(dir, None)?,
    };
    answer("ready")?;
    for line in std::io::stdin().lock().lines() {
        answer(&obey(&*store, &line?).await)?;
    }
    store.close().await?;
    Ok(())
}

/// One write, so that a trace shows one acknowledgement as one call.
fn answer(text: &str) -> std::io::Result<()> {
    std::io::stdout().write_all(format!("{text}\n").as_bytes())?;
    std::io::stdout().flush()
}

async fn obey(store: &dyn Store, line: &str) -> String {
    match line.split(' ').collect::<Vec<_>>().as_slice() {
        ["put", key, length] => match put(store, key, length.parse().unwrap_or(0)).await {
            Ok(()) => format!("ok {key}"),
            Err(e) => format!("failed {key}: {e}"),
        },
        ["has", key] => match store.fetch(KIND, key.as_bytes()).await {
            Ok(found) => if found.is_some() { "yes" } else { "no" }.to_owned(),
            Err(e) => format!("failed {key}: {e}"),
        },
        ["health"] => store.health().map_or_else(|e| format!("failed: {e}"), |()| "ok".to_owned()),
        other => format!("unknown: {other:?}"),
    }
}

async fn put(store: &dyn Store, key: &str, length: usize) -> Result<()> {
    // Marks the data of this key in a trace of what is written to the file.
    let body = key.bytes().cycle().take(length).collect();
    let indexes = vec![IndexKey { index: WORD, key: key.as_bytes().to_vec() }];
    let key = key.as_bytes().to_vec();
    let item = Item::Put { kind: KIND, key, indexes, version: 1, body, when: When::Absent };
    store.commit(Unit { items: vec![item], events: vec![] }).await?;
    Ok(())
}
