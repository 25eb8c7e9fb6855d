//! `signet phone manufacturer`, and reading again what it wrote.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::{Context, ExitCode, input, show};
use crate::error::{Error, Result};
use crate::phone::manufacturer::Manufacturer;
use crate::server::files;

const CERTIFICATE: &str = "manufacturer.pem";
const KEY: &str = "manufacturer.key";

/// Its arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to write to; it is made if it is not there
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// Runs the verb.
pub fn run(args: &Args, context: &Context) -> Result<ExitCode> {
    let (certificate, key) = (args.folder.join(CERTIFICATE), args.folder.join(KEY));
    if key.exists() {
        let text = format!("{} is there already: the phones of its MICs would be strangers", key.display());
        return Err(Error::invalid("key-exists", text));
    }
    let made = Manufacturer::new().map_err(|fault| Error::internal(fault.to_string()))?;
    let unwritable = |e| {
        Error::invalid("unwritable-file", format!("cannot write to {}", args.folder.display())).because(e)
    };
    std::fs::create_dir_all(&args.folder).map_err(unwritable)?;
    files::write(&key, made.key().as_bytes(), files::PRIVATE)?;
    input::write_whole(&certificate, made.certificate().as_bytes())?;
    let answer = json!({"certificate": certificate, "key": key});
    let sentence = format!(
        "made {}: copy it to policies/manufacturing-roots/ of a data folder for tests, and run signet profile reload",
        certificate.display()
    );
    show::done(context, &answer, &sentence)?;
    Ok(ExitCode::Done)
}

/// The manufacturer of a folder. Errors: `unreadable-file`; `bad-key`.
pub(super) fn read(folder: &Path) -> Result<Manufacturer> {
    let key = input::text(&folder.join(KEY))?;
    Manufacturer::read(&key).map_err(|fault| Error::invalid("bad-key", fault.to_string()))
}
