//! `signet device requests import`: certificates that a CA elsewhere signed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::x509::pem;

/// Certificates of one request: a body has at most 256 KiB.
const BATCH: usize = 50;
const LARGEST: u64 = 256 * 1024;
const MOST_IN_FILE: usize = 10_000;

/// Sends every certificate of these files and folders. Errors: `unreadable-file`, the server's.
pub async fn run(from: &[PathBuf], context: &Context) -> Result<ExitCode> {
    let mut found: Vec<(String, String)> = Vec::new();
    for path in from {
        for file in files(path)? {
            found.extend(certificates(&file)?);
        }
    }
    let api = client::connect(context)?;
    let (mut taken, mut unchanged, mut refused) = (0, 0, Vec::new());
    for batch in found.chunks(BATCH) {
        let certificates: Vec<Value> = batch.iter().map(|(_, pem)| json!({"pem": pem})).collect();
        let body = json!({"certificates": certificates});
        let answer = api.post("/offline-requests/certificates", &body).await?.json()?;
        taken += answer["taken"].as_u64().unwrap_or(0);
        unchanged += answer["unchanged"].as_u64().unwrap_or(0);
        let outcomes = answer["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        let not_taken = batch.iter().zip(outcomes).filter(|(_, outcome)| outcome["outcome"] == "refused");
        refused.extend(not_taken.map(|((file, _), outcome)| {
            json!({"file": file, "code": outcome["code"], "detail": outcome["detail"]})
        }));
    }
    report(context, (taken, unchanged), &refused)
}

fn report(context: &Context, (taken, unchanged): (u64, u64), refused: &[Value]) -> Result<ExitCode> {
    let answer = json!({"taken": taken, "unchanged": unchanged, "refused": refused});
    if !context.is_json() {
        for one in refused {
            eprintln!("{}: {}", show::text(&one["file"]), show::text(&one["detail"]));
        }
    }
    let count = refused.len();
    show::done(context, &answer, &format!("{taken} taken, {unchanged} known already, {count} refused"))?;
    Ok(if refused.is_empty() { ExitCode::Done } else { ExitCode::Failed })
}

/// The file, or those of a folder in the order of their names.
fn files(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let unreadable = |e: std::io::Error| {
        Error::invalid("unreadable-file", format!("cannot read {}", path.display())).because(e)
    };
    let entries =
        fs::read_dir(path).map_err(unreadable)?.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|file| {
        let name = file.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
        (name.ends_with(".pem") || name.ends_with(".crt")) && !name.ends_with(".pub.pem")
    });
    files.sort();
    Ok(files)
}

/// (file, PEM) of each certificate in a file.
fn certificates(file: &Path) -> Result<Vec<(String, String)>> {
    let bytes = input::bytes_within(file, LARGEST * 64)?;
    let blocks = pem::decode_all(&bytes, MOST_IN_FILE)?;
    let of_certificates = blocks.iter().filter(|(label, _)| label == "CERTIFICATE");
    let name = file.display().to_string();
    Ok(of_certificates.map(|(label, der)| (name.clone(), pem::encode(label, der))).collect())
}
