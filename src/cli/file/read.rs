//! Signed files on this machine: who signed them, and what is in them.

use std::path::PathBuf;

use serde_json::json;

use crate::cli::{Context, ExitCode, input, show, usage};
use crate::error::{Error, Result};
use crate::keys::software::ForeignKey;
use crate::trust::list::List;
use crate::trust::signed::SignedFile;
use crate::x509::cert::Certificate;

/// The most that is read: 4 MiB and a header.
const LARGEST: u64 = 5 * 1024 * 1024;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("by").required(true))]
pub struct Verify {
    /// The file, .sgn or .enc.sgn
    file: PathBuf,
    /// A trust list: one of its certificates with role tftp or ccm+tftp must have signed
    #[arg(long, value_name = "FILE", group = "by")]
    list: Option<PathBuf>,
    /// The certificate that must have signed, PEM or DER
    #[arg(long, value_name = "FILE", group = "by")]
    certificate: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Open {
    /// The file, .sgn or .enc.sgn
    file: PathBuf,
    /// The file to write; without it: standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The device's private key (PEM), for an encrypted file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// The first line is that key's passphrase, if it has one
    #[arg(long, value_name = "FILE", requires = "key")]
    passphrase_file: Option<PathBuf>,
}

/// Checks a file's signature.
pub fn verify(args: &Verify, context: &Context) -> Result<ExitCode> {
    let file = SignedFile::parse(&input::bytes_within(&args.file, LARGEST)?)?;
    let signers = match (&args.list, &args.certificate) {
        (Some(list), _) => of_list(&List::parse(&input::bytes(list)?)?)?,
        (None, Some(certificate)) => vec![Certificate::read(&input::bytes(certificate)?)?],
        (None, None) => return Err(usage("say by what: --list FILE or --certificate FILE")),
    };
    let mut failure = None;
    for signer in &signers {
        match file.verify(signer) {
            Ok(()) => return told(&file, signer, context),
            // Of several, the one that the file names is the one that counts.
            Err(e) if e.code() != "signer-differs" || failure.is_none() => failure = Some(e),
            Err(_) => {}
        }
    }
    Err(failure.unwrap_or_else(|| {
        Error::invalid("no-file-signer", "no certificate of the list signs files (tftp or ccm+tftp)")
    }))
}

/// The certificates by which phones that hold this list take files. A list that does not verify names nobody.
fn of_list(list: &List) -> Result<Vec<Certificate>> {
    list.verify()?;
    let signers = list.entries().iter().filter(|entry| entry.role().signs_files());
    Ok(signers.filter_map(|entry| entry.certificate()).map(|certificate| (**certificate).clone()).collect())
}

fn told(file: &SignedFile, signer: &Certificate, context: &Context) -> Result<ExitCode> {
    let answer = json!({
        "file_name": file.file_name().as_str(),
        "signer": signer.subject().to_string(),
        "digest": file.digest().to_string(),
        "signed": file.timestamp().to_string(),
        "encrypted": file.is_encrypted(),
        "signature": "holds",
    });
    let (name, digest) = (file.file_name(), file.digest());
    let sentence = format!("{name}: signed by {} at {} ({digest})", signer.subject(), file.timestamp());
    show::done(context, &answer, &show::text(&sentence.into()))?;
    Ok(ExitCode::Done)
}

/// Writes what is in a file.
pub fn open(args: &Open, context: &Context) -> Result<ExitCode> {
    let file = SignedFile::parse(&input::bytes_within(&args.file, LARGEST)?)?;
    let content = match file.content() {
        Some(plain) => plain.to_vec().into(),
        None => decrypted(&file, args, context)?,
    };
    match &args.out {
        Some(out) => {
            input::write_whole(out, &content)?;
            let (name, bytes) = (out.display().to_string(), content.len());
            let answer = json!({"file": name, "bytes": bytes, "encrypted": file.is_encrypted()});
            show::done(
                context,
                &answer,
                &format!("wrote {name} ({bytes} bytes); who signed it, signet file verify says"),
            )?;
        }
        None if context.is_json() => {
            return Err(usage("a file does not go into JSON: name it with --out FILE"));
        }
        None => input::write(None, &content)?,
    }
    Ok(ExitCode::Done)
}

fn decrypted(file: &SignedFile, args: &Open, context: &Context) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    let Some(key) = &args.key else {
        return Err(usage("the file is encrypted to a device: give the device's key with --key FILE"));
    };
    let passphrase = match &args.passphrase_file {
        Some(path) => Some(input::passphrase(Some(path), "")?),
        None => None,
    };
    let key = ForeignKey::from_pem(&input::text(key)?, passphrase.as_ref().map(|text| text.as_str()))?;
    file.open(&*key.decrypter(&context.random)?)
}
