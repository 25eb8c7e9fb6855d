//! The dates of a revocation: not in the future, not before the certificate, whole seconds (RFC 5280 §5.3.2).

use super::Revocation;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// Reads a date as people write it, in whole seconds. Errors: `invalid-time`, `date-out-of-range`.
pub fn parse(text: &str) -> Result<Timestamp> {
    let at = Timestamp::parse(text)?;
    if text.contains('.') { Err(out_of_range("it has fractions of a second")) } else { Ok(at) }
}

/// When the revocation counts from, in whole seconds. Errors: `date-out-of-range` naming the rule.
pub(super) fn hold(how: &Revocation, not_before: Timestamp, now: Timestamp) -> Result<Timestamp> {
    let now = now.whole_secs();
    let at = how.at.map(|at| within("/date", at, not_before, now)).transpose()?.unwrap_or(now);
    how.invalidity.map(|at| within("/invalidity_date", at, not_before, now)).transpose()?;
    Ok(at)
}

fn within(field: &str, at: Timestamp, not_before: Timestamp, now: Timestamp) -> Result<Timestamp> {
    if at != at.whole_secs() {
        return Err(out_of_range("it has fractions of a second").at(field));
    }
    if at > now {
        return Err(out_of_range(&format!("{at} lies in the future")).at(field));
    }
    if at < not_before.whole_secs() {
        let rule = format!("{at} is before the certificate, which is valid from {not_before}");
        return Err(out_of_range(&rule).at(field));
    }
    Ok(at)
}

/// `date-out-of-range` with its rule.
pub(super) fn out_of_range(rule: &str) -> Error {
    Error::malformed("date-out-of-range", format!("revocation date out of range: {rule}"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::x509::crl::Reason;

    #[test]
    fn revocation_53_dates_are_whole_past_and_not_before_the_certificate() {
        let (not_before, now) = (Timestamp::from_secs(1_000), Timestamp::from_millis(2_000_500));
        let judged = |at: Option<i64>, invalidity: Option<i64>| {
            let date = |millis: Option<i64>| millis.map(Timestamp::from_millis);
            let plain = Revocation::from(Reason::Superseded);
            hold(&Revocation { at: date(at), invalidity: date(invalidity), ..plain }, not_before, now)
        };
        assert_eq!(judged(None, None).unwrap(), Timestamp::from_secs(2_000));
        assert_eq!(judged(Some(1_500_000), Some(1_000_000)).unwrap(), Timestamp::from_secs(1_500));
        assert_eq!(judged(Some(2_000_000), Some(2_000_000)).unwrap(), now.minus(Duration::from_millis(500)));
        for (at, invalidity, field) in [
            (Some(2_001_000), None, "/date"),
            (Some(999_000), None, "/date"),
            (Some(1_500_001), None, "/date"),
            (None, Some(2_001_000), "/invalidity_date"),
            (None, Some(999_000), "/invalidity_date"),
            (None, Some(1_500_999), "/invalidity_date"),
        ] {
            let error = judged(at, invalidity).unwrap_err();
            assert_eq!((error.code(), error.field()), ("date-out-of-range", Some(field)));
            assert!(error.detail().starts_with("revocation date out of range"), "{error}");
        }
    }
}
