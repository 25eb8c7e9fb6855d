//! What every request must keep to, whatever it asks for (catalogue rows HTTP-01 to -29).

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::refusal::Refusal;
use crate::enrol::scep::http::PATHS;
use crate::server::public_url::is_host_name;

/// Header fields, together.
const HEAD_MOST: usize = 16 * 1024;
/// Header fields, by number.
const FIELDS_MOST: usize = 100;
/// The request target, but for a SCEP message in a query.
const TARGET_MOST: usize = 8 * 1024;
/// The request target of a SCEP message by GET.
const SCEP_TARGET_MOST: usize = 64 * 1024;

/// Bounds of a listener's requests.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Whether SCEP is here, whose messages may stand in the request target.
    pub scep: bool,
    /// Whether refusals are problem+json.
    pub problems: bool,
    /// The most bytes of a body.
    pub body: usize,
    /// Header fields of every answer, unless its handler said otherwise.
    pub fields: &'static [(&'static str, &'static str)],
}

const NOT_SNIFFED: (&str, &str) = ("x-content-type-options", "nosniff");

impl Rules {
    /// For the plain listener: SCEP messages of up to 64 KiB.
    pub const PLAIN: Self = Self { scep: true, problems: false, body: 64 * 1024, fields: &[NOT_SNIFFED] };
    /// For what phones fetch: their names are in the path, and nothing else is said.
    pub const FILES: Self = Self { scep: false, problems: false, body: 1024, fields: &[NOT_SNIFFED] };
    /// For the API.
    pub const API: Self = Self {
        scep: false,
        problems: true,
        body: 256 * 1024,
        fields: &[
            NOT_SNIFFED,
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("strict-transport-security", "max-age=31536000"),
            ("cache-control", "no-store"),
        ],
    };

    /// The most bytes that hyper keeps of a head; what is over its own bound is 431.
    pub fn head_buffer(&self) -> usize {
        HEAD_MOST + 2 * if self.scep { SCEP_TARGET_MOST } else { TARGET_MOST }
    }

    /// Checks the head (with the name that the TLS handshake asked for) and takes in the body, whole and bounded, so that no handler waits for a peer.
    pub(super) async fn admit(
        &self,
        request: Request<Incoming>,
        server_name: Option<&str>,
        time: Duration,
    ) -> Result<Request<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        self.check(&parts)?;
        check_server_name(&parts, server_name)?;
        let bytes = match tokio::time::timeout(time, Limited::new(body, self.body).collect()).await {
            Ok(Ok(collected)) => collected.to_bytes(),
            Ok(Err(e)) if e.is::<LengthLimitError>() => return Err(TOO_LARGE),
            Ok(Err(_)) => return Err(Refusal::bad("the body is not framed as the head says")),
            Err(_) => return Err(BODY_LATE),
        };
        Ok(Request::from_parts(parts, whole(bytes)))
    }

    fn check(&self, parts: &Parts) -> Result<(), Refusal> {
        check_method(&parts.method)?;
        self.check_target(parts)?;
        check_fields(&parts.headers)?;
        check_host(parts)?;
        check_framing(&parts.headers)?;
        let declared = parts.headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        if declared.is_some_and(|n| n > self.body as u64) {
            return Err(TOO_LARGE);
        }
        Ok(())
    }

    fn check_target(&self, parts: &Parts) -> Result<(), Refusal> {
        let path = parts.uri.path();
        let length = path.len() + parts.uri.query().map_or(0, |q| q.len() + 1);
        let is_scep = self.scep && PATHS.iter().any(|scep| path.starts_with(scep));
        if length > if is_scep { SCEP_TARGET_MOST } else { TARGET_MOST } {
            return Err(if is_scep { USE_POST } else { TARGET_LONG });
        }
        // What follows there is data in base64, which no file is named by.
        let is_ocsp = self.scep && path.starts_with("/ocsp/");
        if is_ocsp || path_is_plain(path) {
            Ok(())
        } else {
            Err(Refusal::bad("the path has an empty, dot or encoded part"))
        }
    }
}

const TOO_LARGE: Refusal = Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "the body is too large");
const BODY_LATE: Refusal =
    Refusal::new(StatusCode::REQUEST_TIMEOUT, "timeout", "the body did not arrive in time");
const USE_POST: Refusal = Refusal::new(StatusCode::URI_TOO_LONG, "target-too-long", "use POST");
const TARGET_LONG: Refusal =
    Refusal::new(StatusCode::URI_TOO_LONG, "target-too-long", "the request target is too long");
const HEAD_LARGE: Refusal = Refusal::new(
    StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
    "head-too-large",
    "the header fields are too many or too large",
);

const MISDIRECTED: Refusal = Refusal::new(
    StatusCode::MISDIRECTED_REQUEST,
    "misdirected",
    "the Host is not the name that the TLS connection was made for",
);

fn whole(bytes: Bytes) -> Body {
    if bytes.is_empty() { Body::empty() } else { Body::from(bytes) }
}

/// TRACE would echo credentials, CONNECT is a proxy's; any other unknown word is no HTTP of ours.
fn check_method(method: &Method) -> Result<(), Refusal> {
    match *method {
        Method::GET
        | Method::HEAD
        | Method::POST
        | Method::PUT
        | Method::PATCH
        | Method::DELETE
        | Method::OPTIONS => Ok(()),
        Method::TRACE | Method::CONNECT => Err(Refusal::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "this method is not allowed",
        )),
        _ => Err(Refusal::bad("unknown method")),
    }
}

fn check_fields(headers: &HeaderMap) -> Result<(), Refusal> {
    let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
    if size > HEAD_MOST || headers.len() > FIELDS_MOST { Err(HEAD_LARGE) } else { Ok(()) }
}

/// RFC 9112 §3.2: exactly one valid Host in HTTP/1.1; HTTP/2 may have its authority instead.
fn check_host(parts: &Parts) -> Result<(), Refusal> {
    let mut hosts = parts.headers.get_all(HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    if second.is_some() {
        return Err(Refusal::bad("more than one Host"));
    }
    if let Some(authority) = parts.uri.authority().filter(|a| !is_host(a.as_str())) {
        tracing::debug!(%authority, "bad authority");
        return Err(Refusal::bad("the Host is not a host name or address with a port"));
    }
    match first {
        Some(host) if host.to_str().is_ok_and(is_host) => Ok(()),
        Some(_) => Err(Refusal::bad("the Host is not a host name or address with a port")),
        None if parts.version == Version::HTTP_2 && parts.uri.authority().is_some() => Ok(()),
        None if parts.version <= Version::HTTP_10 => Ok(()),
        None => Err(Refusal::bad("no Host")),
    }
}

/// RFC 9110 §7.4: a request for another host than the TLS connection was made for was led here by mistake.
fn check_server_name(parts: &Parts, server_name: Option<&str>) -> Result<(), Refusal> {
    let host = parts.uri.authority().map(axum::http::uri::Authority::as_str);
    let host = host.or_else(|| parts.headers.get(HOST)?.to_str().ok());
    let (Some(wanted), Some(host)) = (server_name, host) else { return Ok(()) };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let same = name.trim_end_matches('.').eq_ignore_ascii_case(wanted.trim_end_matches('.'));
    if same { Ok(()) } else { Err(MISDIRECTED) }
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((inside, port)) if inside.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", port),
            _ => return false,
        },
        None => match text.find(':') {
            Some(i) => text.split_at(i),
            None => (text, ""),
        },
    };
    let number = |p: &str| p.bytes().all(|b| b.is_ascii_digit()) && p.parse::<u16>().is_ok();
    is_host_name(host.strip_suffix('.').unwrap_or(host))
        && (port.is_empty() || port.strip_prefix(':').is_some_and(number))
}

/// Only `chunked`, once, and no content coding: nothing is decompressed here.
fn check_framing(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    if let Some(first) = codings.next()
        && (codings.next().is_some() || !first.as_bytes().eq_ignore_ascii_case(b"chunked"))
    {
        return Err(Refusal::bad("Transfer-Encoding is chunked or nothing"));
    }
    let coded =
        headers.get_all(CONTENT_ENCODING).iter().any(|v| !v.as_bytes().eq_ignore_ascii_case(b"identity"));
    if coded {
        let detail = "no content coding is accepted";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-coding", detail));
    }
    Ok(())
}

/// No empty or dot segment, backslash, NUL or overlong form, as written or after decoding (HTTP-14).
fn path_is_plain(path: &str) -> bool {
    if path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_/".contains(&b)) {
        return !path.contains("//");
    }
    let decoded = decode(path);
    let Some(decoded) = decoded.as_deref().and_then(|d| std::str::from_utf8(d).ok()) else { return false };
    let segment = |s: &str| {
        let name = s.split(';').next().unwrap_or(s);
        name != "." && name != ".."
    };
    !decoded.contains("//")
        && !decoded.contains(|c: char| c == '\\' || c.is_control())
        && decoded.split('/').all(segment)
}

fn decode(path: &str) -> Option<Vec<u8>> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::with_capacity(path.len());
    while let Some(b) = bytes.next() {
        if b != b'%' {
            decoded.push(b);
            continue;
        }
        let mut digit = || bytes.next().and_then(|d| char::from(d).to_digit(16));
        let (high, low) = (digit()?, digit()?);
        decoded.push((high * 16 + low) as u8);
    }
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_14_paths_that_climb_or_hide_are_refused() {
        for path in ["/%2e%2e/", "/..;/", "//", "/a\\b", "/%5c", "/%00", "/%c0%ae/", "/%zz", "/%2", "/a/./b"]
        {
            assert!(!path_is_plain(path), "{path}");
        }
        for path in
            ["/", "/scep/phone-lsc", "/crl/rsa-issuing.crl", "/cgi-bin/pkiclient.exe", "/trust/a.pem.sha512"]
        {
            assert!(path_is_plain(path), "{path}");
        }
    }

    #[test]
    fn http_09_hosts() {
        for host in
            ["pki", "pki.example.org:8080", "10.0.0.1", "[::1]:8443", "localhost.", "pki.example.org."]
        {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "a@b", "a_b", "a:99999", "a:+1", "[::1", "[x]", "a b", ":80", "a,b"] {
            assert!(!is_host(host), "{host}");
        }
    }
}
