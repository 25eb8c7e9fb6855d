//! Validity: encodings and the issuer's bounds (RFC 5280 §4.1.2.5).

use der::asn1::{GeneralizedTime, UtcTime};
use der::{Decode, Tag};

use super::read::Element;
use super::{Issuer, broken};
use crate::clock::Timestamp;
use crate::error::Result;

pub fn hold(not_before: Element<'_>, not_after: Element<'_>, issuer: &Issuer) -> Result<()> {
    let first = moment(not_before, "notBefore")?;
    let last = moment(not_after, "notAfter")?;
    if first >= last {
        return Err(broken("validity", "must begin before it ends"));
    }
    if first < issuer.not_before {
        return Err(broken("notBefore", "lies before the issuer's own validity"));
    }
    if last > issuer.not_after {
        return Err(broken("notAfter", "lies beyond the issuer's own validity"));
    }
    Ok(())
}

/// UTCTime through 2049, GeneralizedTime from 2050; both in Z with seconds and without fractions.
fn moment(element: Element<'_>, field: &'static str) -> Result<Timestamp> {
    let bad = |e: der::Error| broken(field, "must be in Z, with seconds, without a fraction").because(e);
    let seconds = match element.tag {
        Tag::UtcTime => UtcTime::from_der(element.whole).map_err(bad)?.to_unix_duration(),
        Tag::GeneralizedTime => {
            let time = GeneralizedTime::from_der(element.whole).map_err(bad)?;
            if time.to_date_time().year() < 2050 {
                return Err(broken(field, "before 2050 must be a UTCTime"));
            }
            time.to_unix_duration()
        }
        _ => return Err(broken(field, "must be a UTCTime or a GeneralizedTime")),
    };
    Ok(Timestamp::from_secs(i64::try_from(seconds.as_secs()).unwrap_or(i64::MAX)))
}
