//! Where the server is, and with which token: `--server`, or what stands in the data folder.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cli::{Context, usage};
use crate::error::{Error, Kind, Result};
use crate::outbound::{Answer, Api, Identity};

/// The HTTP status of work that goes on.
const RUNNING: u16 = 202;

/// The API that the common arguments name. Errors: `usage` without any; `unreachable` if no server runs on the
/// data folder; `bad-token-file`.
pub fn connect(context: &Context) -> Result<Api> {
    let global = &context.global;
    if let Some(server) = &global.server {
        let token = global.token_file.as_deref().map(token).transpose()?;
        return Api::new(server, token, global.ca.as_deref()).map_err(as_usage);
    }
    let data = context.global.data.clone().ok_or_else(|| {
        usage("name the server: --data DIR on its own machine, or --server URL --token-file FILE --ca FILE")
    })?;
    let token_file = global.token_file.clone().unwrap_or_else(|| data.join("admin.token"));
    let ca: PathBuf = global.ca.clone().unwrap_or_else(|| data.join("tls-ca.pem"));
    Api::new(&address(&data)?, Some(token(&token_file)?), Some(&ca))
}

/// The same API for who shows a certificate instead of a token. Errors: as [`connect`].
pub fn connect_as(context: &Context, identity: Identity) -> Result<Api> {
    let global = &context.global;
    if let Some(server) = &global.server {
        return Api::with_certificate(server, global.ca.as_deref(), identity).map_err(as_usage);
    }
    let data = global
        .data
        .clone()
        .ok_or_else(|| usage("name the server: --server URL --ca FILE, or --data DIR on its own machine"))?;
    let ca: PathBuf = global.ca.clone().unwrap_or_else(|| data.join("tls-ca.pem"));
    Api::with_certificate(&address(&data)?, Some(&ca), identity)
}

/// Posts to the server; none if no server answers for the data folder that was named (also one that broke off and
/// left its addresses behind): then what is in the folder can be looked at. Errors: as [`connect`], and the server's.
pub async fn post_if_running(
    context: &Context,
    path: &str,
    body: &serde_json::Value,
) -> Result<Option<Answer>> {
    let answer = match connect(context) {
        Ok(api) => api.post(path, body).await,
        Err(e) => Err(e),
    };
    let by_folder = context.global.server.is_none() && context.global.data.is_some();
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(e) if e.kind() == Kind::Unreachable && by_folder => Ok(None),
        Err(e) => Err(e),
    }
}

/// What a long look into the store of the server found; while it goes on, its end is asked for again and again.
/// None as with [`post_if_running`]. Errors: as there.
pub async fn look_if_running(
    context: &Context,
    path: &str,
    body: &serde_json::Value,
) -> Result<Option<serde_json::Value>> {
    let Some(mut answer) = post_if_running(context, path, body).await? else { return Ok(None) };
    while answer.status == RUNNING {
        answer = connect(context)?.get(path, &[]).await?;
    }
    answer.json().map(Some)
}

/// An address that is none is a matter of how the command was called.
fn as_usage(error: Error) -> Error {
    if error.code() == "bad-address" { usage(format!("--server: {}", error.detail())) } else { error }
}

/// The HTTPS address that a server wrote into its data folder.
fn address(data: &Path) -> Result<String> {
    let file = data.join("listeners.json");
    let text = std::fs::read_to_string(&file).map_err(|_| not_running(data))?;
    let listeners: serde_json::Value = serde_json::from_str(&text).map_err(|_| not_running(data))?;
    let https = listeners["https"].as_str().ok_or_else(|| {
        Error::new(
            Kind::Unreachable,
            "unreachable",
            "the server on this data folder has its HTTPS listener off",
        )
    })?;
    Ok(format!("https://{}", reachable(https)))
}

/// A listener on all addresses is reached on the loopback one.
fn reachable(listener: &str) -> String {
    match listener.rsplit_once(':') {
        Some(("0.0.0.0", port)) => format!("127.0.0.1:{port}"),
        Some(("[::]", port)) => format!("[::1]:{port}"),
        _ => listener.to_owned(),
    }
}

fn not_running(data: &Path) -> Error {
    let data = data.display();
    Error::new(
        Kind::Unreachable,
        "unreachable",
        format!(
            "no server runs on {data} ({data}/listeners.json is not there); start it: signet serve --data {data}"
        ),
    )
}

fn token(file: &Path) -> Result<Zeroizing<String>> {
    let text = std::fs::read_to_string(file).map(Zeroizing::new).map_err(|e| {
        Error::invalid("bad-token-file", format!("cannot read the token from {}", file.display())).because(e)
    })?;
    let token = text.trim();
    let is_token = (1..=200).contains(&token.len()) && token.bytes().all(|b| b.is_ascii_graphic());
    if !is_token {
        return Err(Error::invalid("bad-token-file", format!("{} holds no token", file.display())));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_token_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let read = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            token(file.path())
        };
        assert_eq!(*read("signet_abc\n").unwrap(), "signet_abc");
        for bad in ["", "\n", "-----BEGIN CERTIFICATE-----\nMII\n", "two words", &"x".repeat(201)] {
            let error = read(bad).unwrap_err();
            assert!(error.detail().ends_with("holds no token"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_wildcard_listener_is_reached_on_loopback() {
        assert_eq!(reachable("0.0.0.0:8443"), "127.0.0.1:8443");
        assert_eq!(reachable("[::]:8443"), "[::1]:8443");
        assert_eq!(reachable("10.0.0.9:8443"), "10.0.0.9:8443");
    }
}
