//! Certificates as files.

use axum::http::StatusCode;
use axum::response::Response;

use crate::admin::api::json::of_bytes;
use crate::error::Result;
use crate::x509::pem as armor;

/// PEM: the leaf, then the chain.
pub fn pem(status: StatusCode, leaf: &[u8], chain: &[Vec<u8>]) -> Result<Response> {
    Ok(of_bytes(status, "application/x-pem-file", bundle(leaf, chain).into_bytes()))
}

/// DER: the leaf alone (RFC 2585 §4.1).
pub fn der(status: StatusCode, leaf: &[u8]) -> Result<Response> {
    Ok(of_bytes(status, "application/pkix-cert", leaf.to_vec()))
}

/// PKCS#7, certificates only: the leaf, then the chain (RFC 8551 §3.2.1).
pub fn pkcs7(status: StatusCode, leaf: &[u8], chain: &[Vec<u8>]) -> Result<Response> {
    let all: Vec<&[u8]> = std::iter::once(leaf).chain(chain.iter().map(Vec::as_slice)).collect();
    Ok(of_bytes(status, "application/pkcs7-mime", armor::pkcs7_certs_only(&all)?))
}

/// The leaf as PEM text, then its chain, which is PEM already.
pub fn above(leaf: &[u8], chain: &str) -> String {
    let mut text = armor::encode("CERTIFICATE", leaf);
    text.push_str(chain);
    text
}

/// The leaf and the chain as PEM text.
pub fn bundle(leaf: &[u8], chain: &[Vec<u8>]) -> String {
    let mut text = armor::encode("CERTIFICATE", leaf);
    chain.iter().for_each(|der| text.push_str(&armor::encode("CERTIFICATE", der)));
    text
}
