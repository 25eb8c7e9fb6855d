//! The last CRL of each CA: given, asked for, or gone on without.

use std::io::Write;
use std::path::Path;

use crate::ca::recover::{JUMP, Jumped, Recovery, Taken};
use crate::cli::{input, usage};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CaId;
use crate::outbound::fetch::fetch;
use crate::store::Db;

/// The largest CRL, in bytes.
const LARGEST: u64 = 64 << 20;

/// Takes over the CRLs that are given; asks for those that are missing, where somebody can be asked. Errors: `usage` if
/// some are missing and `without` does not say that this is meant; those of [`Recovery::take`].
pub(super) async fn take_over(
    db: &Db,
    now: Timestamp,
    given: &[String],
    without: bool,
    may_ask: bool,
) -> Result<(Vec<Taken>, Vec<Jumped>)> {
    let mut recovery = Recovery::begin(db, now).await?;
    let mut taken = Vec::new();
    for source in given {
        taken.push(recovery.take(&read(source).await?).await.map_err(|e| naming(source, &e))?);
    }
    let missing = recovery.missing().await?;
    if !without && may_ask {
        for ca in missing {
            taken.extend(ask(&mut recovery, &ca).await?);
        }
    } else if !without && !missing.is_empty() {
        let names: Vec<_> = missing.iter().map(CaId::as_str).collect();
        return Err(usage(format!(
            "no CRL was given of {}: give the last that each published (--crl FILE|URL), or --without-crl",
            names.join(", ")
        )));
    }
    Ok((taken, recovery.jump().await?))
}

/// Asks until what is answered is the CA's last CRL, or nothing.
async fn ask(recovery: &mut Recovery, ca: &CaId) -> Result<Option<Taken>> {
    loop {
        eprint!("Last CRL that {ca} published, file or URL (nothing: its number jumps by {JUMP}): ");
        let mut line = String::new();
        let read_line = std::io::stderr().flush().and_then(|()| std::io::stdin().read_line(&mut line));
        read_line.map_err(|e| usage("cannot read from the terminal").because(e))?;
        let source = line.trim();
        if source.is_empty() {
            return Ok(None);
        }
        let outcome = match read(source).await {
            Ok(bytes) => recovery.take(&bytes).await,
            Err(error) => Err(error),
        };
        match outcome {
            Ok(taken) if taken.ca == *ca => return Ok(Some(taken)),
            Ok(taken) => eprintln!("that was the CRL of {}: it is taken over too", taken.ca),
            Err(error) => eprintln!("{error}"),
        }
    }
}

async fn read(source: &str) -> Result<Vec<u8>> {
    if source.contains("://") {
        return fetch(source, LARGEST as usize).await;
    }
    Ok(input::bytes_within(Path::new(source), LARGEST)?.to_vec())
}

fn naming(source: &str, error: &Error) -> Error {
    Error::new(error.kind(), error.code(), format!("--crl {source}: {}", error.detail()))
}
