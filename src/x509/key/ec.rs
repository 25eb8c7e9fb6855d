//! Points on the NIST curves (SEC 1 §2.3.3).

use std::borrow::Cow;

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{SECP_256_R_1, SECP_384_R_1, SECP_521_R_1};
use p256::elliptic_curve::sec1::ToSec1Point;

use super::KeyKind;
use crate::error::{Error, Result};

/// A curve that is allowed.
#[derive(Clone, Copy)]
pub(super) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    /// The curve of a namedCurve identifier.
    pub(super) fn named(oid: ObjectIdentifier) -> Option<Self> {
        match oid {
            SECP_256_R_1 => Some(Self::P256),
            SECP_384_R_1 => Some(Self::P384),
            SECP_521_R_1 => Some(Self::P521),
            _ => None,
        }
    }

    /// Its kind of key.
    pub(super) fn kind(self) -> KeyKind {
        match self {
            Self::P256 => KeyKind::P256,
            Self::P384 => KeyKind::P384,
            Self::P521 => KeyKind::P521,
        }
    }

    /// The octets of one coordinate.
    fn field_len(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// The uncompressed form of a point (CSR-21). Infinity, the hybrid form and wrong lengths are refused (CSR-18).
pub(super) fn uncompressed(curve: Curve, point: &[u8]) -> Result<Cow<'_, [u8]>> {
    let field = curve.field_len();
    match point {
        [0x04, xy @ ..] if xy.len() == 2 * field => Ok(Cow::Borrowed(point)),
        [0x02 | 0x03, x @ ..] if x.len() == field => {
            decompress(curve, point).map(Cow::Owned).ok_or_else(invalid)
        }
        _ => Err(invalid()),
    }
}

fn decompress(curve: Curve, point: &[u8]) -> Option<Vec<u8>> {
    Some(match curve {
        Curve::P256 => p256::PublicKey::from_sec1_bytes(point).ok()?.to_sec1_point(false).as_bytes().to_vec(),
        Curve::P384 => p384::PublicKey::from_sec1_bytes(point).ok()?.to_sec1_point(false).as_bytes().to_vec(),
        Curve::P521 => p521::PublicKey::from_sec1_bytes(point).ok()?.to_sec1_point(false).as_bytes().to_vec(),
    })
}

/// What is said of every point that is none.
pub(super) fn invalid() -> Error {
    Error::bad_csr("invalid EC point")
}
