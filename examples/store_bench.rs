//! Measures the store: `cargo run --release --example store_bench -- DIR SECONDS WRITERS…`.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use signet::clock::Clock;
use signet::random::Random;
use signet::storage::bench::{Plan, run};
use signet::storage::{self, EngineKind};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(dir), Some(seconds)) = (arguments.next(), arguments.next()) else {
        return Err("usage: store_bench DIR SECONDS WRITERS…".into());
    };
    let (dir, time) = (Path::new(&dir), Duration::from_secs(seconds.parse()?));
    let store = if storage::exists(dir) {
        storage::open(dir, None)?
    } else {
        storage::create(dir, EngineKind::Redb)?
    };
    for writers in arguments {
        let plan = Plan { writers: writers.parse()?, time, body: 1_500 };
        println!("{}", run(store.clone(), &Clock::system(), &Random::system(), plan).await?);
    }
    store.close().await?;
    Ok(())
}
