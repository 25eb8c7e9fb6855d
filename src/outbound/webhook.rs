//! One question to one address over HTTP: bounded in time and size, no redirect, no proxy, only where it may go.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Url, redirect};

use super::host::Reach;
use super::{innermost, printable, roots, trusting};
use crate::clock::Timestamp;
use crate::error::{Error, Kind, Result};

/// The most of an answer that is read.
const LARGEST_ANSWER: usize = 16 * 1024;
/// Connections that are kept for the next question, and for how long.
const IDLE_CONNECTIONS: usize = 8;
const IDLE: Duration = Duration::from_secs(30);

/// An address that a webhook may have: https, or plain http to this very machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    url: Url,
    reach: Reach,
}

impl Target {
    /// Reads an address; `plain` allows http to other machines. Errors: `scheme-not-allowed` (ADMINJSON-43),
    /// `bad-address` for user names, fragments, and addresses that are no single host's (ADMINJSON-45).
    pub fn parse(text: &str, plain: bool) -> Result<Self> {
        let bad = |why: &str| Error::invalid("bad-address", format!("the address of a webhook {why}"));
        let hidden = |c: char| c.is_control() || c.is_whitespace();
        if text.len() > 2000 || text.chars().any(hidden) {
            return Err(bad("has at most 2000 characters, none of them blank"));
        }
        let url = Url::parse(text).map_err(|_| bad("is https://HOST[:PORT]/PATH"))?;
        let scheme = |why: &str| Error::invalid("scheme-not-allowed", why);
        if !matches!(url.scheme(), "http" | "https") {
            return Err(scheme("a webhook is asked over https"));
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(bad("holds no user name, password or fragment"));
        }
        let host = url.host_str().unwrap_or_default().to_owned();
        let ip = literal(&host);
        let local = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback());
        if url.scheme() == "http" && !local && !plain {
            return Err(scheme(
                "plain http goes to this machine only; use https, or set allow_plain_http = true",
            ));
        }
        let reach = if url.scheme() == "http" && !plain { Reach::Loopback } else { Reach::Hosts };
        if ip.is_some_and(|ip| !reach.includes(ip)) {
            return Err(bad("is that of a single host, not link-local, multicast or unspecified"));
        }
        Ok(Self { url, reach })
    }
}

impl std::fmt::Display for Target {
    /// Scheme, host and port: a path may hold a token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.url.origin().ascii_serialization())
    }
}

fn literal(host: &str) -> Option<IpAddr> {
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// A webhook with the connections to it.
#[derive(Debug)]
pub struct Webhook {
    client: reqwest::Client,
    target: Target,
}

impl Webhook {
    /// Prepares to ask `target`; its TLS certificate chains to one in the PEM file `ca`, or in the system's store.
    /// `timeout` is for the whole exchange. Errors: `bad-ca-file`.
    pub fn new(target: &Target, ca: Option<&Path>, timeout: Duration) -> Result<Self> {
        let tls = match target.url.scheme() {
            "https" => trusting(roots(ca)?)?,
            _ => trusting(rustls::RootCertStore::empty())?,
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .dns_resolver(Resolver(target.reach))
            .connect_timeout(timeout)
            .timeout(timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE)
            .user_agent(concat!("signet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| Error::internal("cannot make an HTTP client").because(e))?;
        Ok(Self { client, target: target.clone() })
    }

    /// Posts JSON once, and returns the body of a 200. Errors: `webhook-failed` for anything else: no connection, no
    /// answer in time, another status (a redirect too), an answer over 16 KiB.
    pub async fn post(&self, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<Vec<u8>> {
        let response = self.send(headers, body).await?;
        self.body_of(response, LARGEST_ANSWER).await
    }

    /// Asks once without saying anything, and returns the body of a 200, at most `largest` bytes. Errors: as
    /// [`Webhook::post`].
    pub(super) async fn get(&self, largest: usize) -> Result<Vec<u8>> {
        let response = self.client.get(self.target.url.clone()).send().await;
        self.body_of(response.map_err(|e| self.failed(&told(&e)))?, largest).await
    }

    async fn body_of(&self, mut response: reqwest::Response, largest: usize) -> Result<Vec<u8>> {
        if response.status().as_u16() != 200 {
            return Err(self.failed(&format!("answered {}, not 200", response.status().as_u16())));
        }
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| self.failed(&told(&e)))? {
            if answer.len() + chunk.len() > largest {
                return Err(self.failed(&format!("answered with more than {} KiB", largest / 1024)));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// Posts JSON once to one who has nothing to say but that it arrived (200 to 299). Errors: `webhook-failed`.
    pub async fn tell(&self, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<()> {
        let status = self.send(headers, body).await?.status();
        if status.is_success() {
            return Ok(());
        }
        Err(self.failed(&format!("answered {}, not 200 to 299", status.as_u16())))
    }

    async fn send(&self, headers: &[(&'static str, String)], body: Vec<u8>) -> Result<reqwest::Response> {
        let mut request =
            self.client.post(self.target.url.clone()).header("content-type", "application/json").body(body);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        request.send().await.map_err(|e| self.failed(&told(&e)))
    }

    fn failed(&self, why: &str) -> Error {
        let text = format!("the webhook {} {}", self.target, printable(why));
        Error::new(Kind::Unreachable, "webhook-failed", text)
    }
}

/// The headers that prove who wrote a body, and when: HMAC-SHA-256 over `timestamp "." body`, so that neither can be
/// exchanged and an old one shows its age.
pub fn signed(key: &hmac::Key, at: Timestamp, body: &[u8]) -> [(&'static str, String); 2] {
    let timestamp = at.secs().to_string();
    let mut mac = hmac::Context::with_key(key);
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let signature: String = mac.sign().as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    [("signet-timestamp", timestamp), ("signet-signature", format!("v1={signature}"))]
}

fn told(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "gave no answer in time".to_owned();
    }
    format!("gave no answer: {}", innermost(error))
}

/// The system's resolver, without the addresses that are out of reach.
struct Resolver(Reach);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0;
        let host: Arc<str> = name.as_str().into();
        Box::pin(async move {
            let allowed = reach.resolve(&host, 0).await?;
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, plain: bool) -> &'static str {
        Target::parse(text, plain).map_or_else(|e| e.code(), |_| "ok")
    }

    #[test]
    fn adminjson_43_only_http_and_plain_only_to_this_machine() {
        for bad in
            ["file:///etc/passwd", "gopher://x/", "ftp://x/", "http://inventory.example/", "http://10.0.0.1/"]
        {
            assert_eq!(code(bad, false), "scheme-not-allowed", "{bad}");
        }
        for good in [
            "https://inventory.example/signet?x=1",
            "http://localhost:9000/",
            "http://127.0.0.1/",
            "http://[::1]/",
        ] {
            assert_eq!(code(good, false), "ok", "{good}");
        }
        assert_eq!(code("http://inventory.example/", true), "ok");
        assert_eq!(code("ftp://inventory.example/", true), "scheme-not-allowed");
    }

    #[test]
    fn adminjson_45_no_user_names_line_breaks_or_addresses_of_nobody() {
        for bad in [
            "https://u:p@inventory.example/",
            "https://u@inventory.example/",
            "https://inventory.example/#x",
            "https://inventory.example/\r\nX: y",
            "https://a b/",
            "https://169.254.169.254/latest",
            "https://[fe80::1]/",
            "https://[::ffff:169.254.169.254]/",
            "https://0.0.0.0/",
            "https://224.0.0.1/",
            "https://255.255.255.255/",
            "x",
        ] {
            assert_eq!(code(bad, false), "bad-address", "{bad}");
            assert_eq!(code(&bad.replace("https", "http"), true), "bad-address", "{bad}");
        }
    }

    #[test]
    fn what_is_shown_of_an_address_is_not_its_path() {
        let target = Target::parse("https://inventory.example:8443/hooks/s3cr3t?token=x", false).unwrap();
        assert_eq!(target.to_string(), "https://inventory.example:8443");
    }

    /// What the manual tells a receiver to compute, by openssl:
    /// `printf '1800000000.{}' | openssl dgst -sha256 -hmac 'correct horse battery'`
    #[test]
    fn the_signature_is_the_one_that_openssl_makes() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"correct horse battery");
        let [(_, timestamp), (_, signature)] = signed(&key, Timestamp::from_secs(1_800_000_000), b"{}");
        assert_eq!(timestamp, "1800000000");
        assert_eq!(signature, "v1=b252bc267e40bf828863cf3aefd08a5669ec2dd5d0fb8d8e72879b2d7aa9d2df");
    }

    #[tokio::test]
    async fn a_name_leads_only_where_the_target_may_go() {
        let resolved = |reach| Resolver(reach).resolve("localhost".parse().unwrap());
        let found: Vec<_> = resolved(Reach::Loopback).await.unwrap().collect();
        assert!(!found.is_empty() && found.iter().all(|a| a.ip().is_loopback()), "{found:?}");
        let literal = Resolver(Reach::Loopback).resolve("192.0.2.1".parse().unwrap()).await;
        assert!(literal.is_err());
    }
}
