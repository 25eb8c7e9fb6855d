//! Bodies: strict JSON in, JSON out.

use axum::body::Body as HttpBody;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Serialize;

use crate::admin::api::problem::Answer;
use crate::error::{Error, Result};

pub mod fields;
pub mod reader;
pub mod rules;
pub mod value;

pub use fields::Fields;
pub use reader::Limits;

/// A body's type: the fields it may have, and how they are read.
pub trait Body: Sized {
    /// Every field's name; any other is refused (`unknown-field`).
    const FIELDS: &'static [&'static str];
    /// Takes its fields. Errors: as [`Fields`].
    fn from_fields(fields: &mut Fields<'_>) -> Result<Self>;
}

/// Reads a body of this type. Errors: as [`reader::parse`] and [`Fields`], each with its JSON pointer.
pub fn read<T: Body>(bytes: &[u8]) -> Result<T> {
    let value = reader::parse(bytes, Limits::default())?;
    let mut fields = Fields::of(value, "", T::FIELDS)?;
    T::from_fields(&mut fields)
}

/// `value` as a JSON answer.
pub fn answer<T: Serialize>(status: StatusCode, value: &T) -> Answer<Response> {
    let body =
        serde_json::to_vec(value).map_err(|e| Error::internal("cannot encode an answer").because(e))?;
    Ok(of_bytes(status, "application/json", body))
}

/// An answer of any type.
pub fn of_bytes(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response {
    let mut response = Response::new(HttpBody::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Upper-case hexadecimal, as openssl prints fingerprints and serial numbers.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble & 15)]);
    let mut out = String::with_capacity(bytes.len() * 2);
    bytes.iter().for_each(|b| out.extend([digit(b >> 4), digit(*b)]));
    out
}

/// Lower-case hexadecimal, as in `head.json`.
pub fn lower_hex(bytes: &[u8]) -> String {
    hex(bytes).to_ascii_lowercase()
}
