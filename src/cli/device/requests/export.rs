//! `signet device requests export`: a folder that can be carried to the CA.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::cli::csv::Sheet;
use crate::cli::page::{self, Paging};
use crate::cli::{Context, ExitCode, client, input, show};
use crate::error::{Error, Result};
use crate::x509::crmf;
use crate::x509::name::Name;

/// Writes all requests that wait. Errors: `unwritable-file`, the server's.
pub async fn run(folder: &Path, context: &Context) -> Result<ExitCode> {
    make(folder)?;
    let api = client::connect(context)?;
    let found = page::fetch(&api, "/offline-requests", Vec::new(), &Paging::default()).await?;
    let requests = found["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    for request in requests {
        one(folder, request)?;
    }
    let messages = requests.iter().map(message).collect::<Result<Vec<_>>>()?;
    input::write_whole(&folder.join("requests.crmf"), &crmf::request_messages(&messages))?;
    let mut sheet = Vec::new();
    Sheet::new(&mut sheet, super::COLUMNS).rows(requests)?;
    input::write_whole(&folder.join("requests.csv"), &sheet)?;
    let answer = json!({"requests": requests.len(), "folder": folder});
    show::done(context, &answer, &format!("wrote {} requests to {}", requests.len(), folder.display()))?;
    Ok(ExitCode::Done)
}

/// A folder with other things in it might hold requests of before, which would be signed again.
fn make(folder: &Path) -> Result<()> {
    let failed = |e: std::io::Error| {
        Error::invalid("unwritable-file", format!("cannot write {}", folder.display())).because(e)
    };
    fs::create_dir_all(folder).map_err(failed)?;
    if fs::read_dir(folder).map_err(failed)?.next().is_some() {
        let text = format!("{} is not empty; name a folder that is new, or empty", folder.display());
        return Err(Error::invalid("unwritable-file", text));
    }
    Ok(())
}

/// What OpenSSL needs for one device.
fn one(folder: &Path, request: &Value) -> Result<()> {
    let device = text(request, "device")?;
    let write =
        |end: &str, text: &str| input::write_whole(&folder.join(format!("{device}.{end}")), text.as_bytes());
    write("pub.pem", text(request, "public_key")?)?;
    write("subject", &subject(text(request, "subject")?)?)?;
    write("cnf", &extensions(request))
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
