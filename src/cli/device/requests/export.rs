//! `signet device requests export`: a folder, or one file, that can be carried to the CA.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::tar;
use crate::cli::csv::Sheet;
use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show, usage};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::x509::crmf;
use crate::x509::name::Name;

/// Writes all requests that wait: into a folder, into a file that is named `*.tar`, or as such a file on standard output
/// (`-`). Errors: `unwritable-file`, the server's; `usage` for an archive on a terminal.
pub async fn run(target: &Path, context: &Context) -> Result<ExitCode> {
    let is_stdout = target == Path::new("-");
    let is_file = target.extension().is_some_and(|end| end.eq_ignore_ascii_case("tar"));
    if is_stdout && std::io::stdout().is_terminal() {
        return Err(usage("an archive is not for a terminal: name a file, or pipe it on"));
    }
    if !is_stdout && !is_file {
        make(target)?;
    }
    let api = client::connect(context)?;
    let found = page::fetch(&api, "/offline-requests", Vec::new(), &Paging::default()).await?;
    let requests = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let files = files(requests)?;
    let said = format!("wrote {} requests to {}", requests.len(), target.display());
    if is_stdout {
        std::io::stdout().write_all(&archive(&files)?).map_err(unwritable(target))?;
        eprintln!("{said}");
        return Ok(ExitCode::Done);
    }
    let field = if is_file { "file" } else { "folder" };
    match is_file {
        true => input::write_whole(target, &archive(&files)?)?,
        false => {
            files.iter().try_for_each(|(name, bytes)| input::write_whole(&target.join(name), bytes))?;
        }
    }
    show::done(context, &json!({"requests": requests.len(), field: target}), &said)?;
    Ok(ExitCode::Done)
}

fn archive(files: &[(String, Vec<u8>)]) -> Result<Vec<u8>> {
    tar::archive(files, u64::try_from(Clock::system().now().secs()).unwrap_or(0))
}

/// (name, bytes) of every file.
fn files(requests: &[Value]) -> Result<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::with_capacity(requests.len() * 3 + 2);
    for request in requests {
        files.extend(one(request)?);
    }
    let messages = requests.iter().map(message).collect::<Result<Vec<_>>>()?;
    files.push(("requests.crmf".to_owned(), crmf::request_messages(&messages)));
    let mut sheet = Vec::new();
    Sheet::new(&mut sheet, super::COLUMNS).rows(requests)?;
    files.push(("requests.csv".to_owned(), sheet));
    Ok(files)
}

/// A folder with other things in it might hold requests of before, which would be signed again.
fn make(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(unwritable(folder))?;
    if fs::read_dir(folder).map_err(unwritable(folder))?.next().is_some() {
        let text = format!("{} is not empty; name a folder that is new, or empty", folder.display());
        return Err(Error::invalid("unwritable-file", text));
    }
    Ok(())
}

fn unwritable(target: &Path) -> impl Fn(std::io::Error) -> Error {
    move |e| Error::invalid("unwritable-file", format!("cannot write {}", target.display())).because(e)
}

/// What OpenSSL needs for one device.
fn one(request: &Value) -> Result<[(String, Vec<u8>); 3]> {
    let device = text(request, "device")?;
    let file = |end: &str, text: String| (format!("{device}.{end}"), text.into_bytes());
    Ok([
        file("pub.pem", text(request, "public_key")?.to_owned()),
        file("subject", subject(text(request, "subject")?)?),
        file("cnf", extensions(request)),
    ])
}

/// As `openssl x509 -subj` takes it: `/2.5.4.3=SEP001122334455`.
fn subject(name: &str) -> Result<String> {
    let name = Name::parse(name)?;
    Ok(name.attributes().map(|part| format!("/{}={}", part.oid, escaped(&part.value))).collect())
}

fn escaped(value: &str) -> String {
    value.chars().flat_map(|c| matches!(c, '\\' | '/' | '+').then_some('\\').into_iter().chain([c])).collect()
}

/// As `openssl x509 -extfile` takes it.
fn extensions(request: &Value) -> String {
    let listed = |field: &str| {
        let all = request[field].as_array().map(Vec::as_slice).unwrap_or_default();
        all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(",")
    };
    let mut lines = vec![
        "basicConstraints=critical,CA:FALSE".to_owned(),
        format!("keyUsage=critical,{}", listed("key_usage")),
        "subjectKeyIdentifier=hash".to_owned(),
        "authorityKeyIdentifier=keyid".to_owned(),
    ];
    let purposes = listed("extended_key_usage");
    lines.extend((!purposes.is_empty()).then(|| format!("extendedKeyUsage={purposes}")));
    let names = listed("sans").replace("dns:", "DNS:").replace("ip:", "IP:");
    lines.extend((!names.is_empty()).then(|| format!("subjectAltName={names}")));
    lines.join("\n") + "\n"
}

fn message(request: &Value) -> Result<Vec<u8>> {
    STANDARD.decode(text(request, "request")?).map_err(|e| unreadable("request").because(e))
}

fn text<'a>(request: &'a Value, field: &str) -> Result<&'a str> {
    request[field].as_str().ok_or_else(|| unreadable(field))
}

fn unreadable(field: &str) -> Error {
    Error::invalid(
        "unreadable-answer",
        format!("the server's answer has no {field}: is it of another version?"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openssl_gets_a_subject_in_its_own_form() {
        let written = subject("CN=SEP001122334455,O=A/B \\+ C").unwrap();
        assert_eq!(written, "/2.5.4.10=A\\/B \\+ C/2.5.4.3=SEP001122334455");
    }
}
