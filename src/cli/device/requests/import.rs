//! `signet device requests import`: certificates that a CA elsewhere signed.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::x509::cert::Certificate;
use crate::x509::{cms, pem};

/// Certificates of one request: a body has at most 256 KiB.
const BATCH: usize = 50;
const LARGEST: u64 = 256 * 1024;
const MOST_IN_FILE: usize = 10_000;
/// How the files end that are read of a folder.
const ENDS: [&str; 6] = [".pem", ".crt", ".cer", ".der", ".p7b", ".p7c"];

/// Sends every certificate of these files and folders. Errors: `unreadable-file`, the server's.
pub async fn run(from: &[PathBuf], context: &Context) -> Result<ExitCode> {
    let mut found: Vec<(String, String)> = Vec::new();
    for path in from {
        for file in files(path)? {
            found.extend(certificates(&file)?);
        }
    }
    if found.is_empty() {
        return Err(Error::invalid(
            "unreadable-file",
            "there is no certificate of a device in what was named",
        ));
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
        ENDS.iter().any(|end| name.ends_with(end)) && !name.ends_with(".pub.pem")
    });
    files.sort();
    Ok(files)
}

/// (file, PEM) of each certificate in a file that is no CA's: bundles have the CA's own with them.
fn certificates(file: &Path) -> Result<Vec<(String, String)>> {
    let bytes = input::bytes_within(file, LARGEST * 64)?;
    let name = file.display().to_string();
    let found = ders(&bytes).map_err(|e| {
        let text = format!("{name}: no certificates in PEM, DER or PKCS#7");
        Error::invalid("unreadable-file", text).because(e)
    })?;
    let is_no_ca = |der: &Vec<u8>| !Certificate::from_der(der).is_ok_and(|certificate| certificate.is_ca());
    let leaves = found.into_iter().filter(is_no_ca);
    Ok(leaves.map(|der| (name.clone(), pem::encode("CERTIFICATE", &der))).collect())
}

/// The certificates in bytes that say by themselves what they are.
fn ders(bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
    const SEQUENCE: u8 = 0x30;
    if bytes.first() == Some(&SEQUENCE) {
        return cms::certificates(bytes, MOST_IN_FILE)
            .or_else(|_| Certificate::from_der(bytes).map(|certificate| vec![certificate.der().to_vec()]));
    }
    let mut found = Vec::new();
    for (label, der) in pem::decode_all(bytes, MOST_IN_FILE)? {
        match label.as_str() {
            "CERTIFICATE" | "X509 CERTIFICATE" => found.push(der),
            "PKCS7" | "CMS" => found.extend(cms::certificates(&der, MOST_IN_FILE)?),
            _ => {}
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_neither_a_certificate_nor_a_bundle_is_refused() {
        for bytes in
            [&[0x30, 3, 2, 1, 0][..], &[0x30, 0x80], b"-----BEGIN PKCS7-----\nMAA=\n-----END PKCS7-----\n"]
        {
            assert!(ders(bytes).is_err(), "{bytes:02x?}");
        }
        assert_eq!(ders(b"nothing").unwrap(), Vec::<Vec<u8>>::new());
    }
}
