//! Durations as an operator writes them: one number and one unit, as `365d`, `12h`, `5m`, `30s`.

use std::time::Duration;

use crate::error::{Error, Result};

/// Reads `365d`, `12h`, `5m` or `30s`. Errors: `invalid-duration` (ADMINJSON-52),
/// `out-of-range` if negative or past 9 digits (ADMINJSON-39).
pub fn parse(text: &str) -> Result<Duration> {
    let bad =
        || Error::invalid("invalid-duration", "a duration is one number and one of s, m, h, d, as in 365d");
    let unit = match text.as_bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 3_600,
        Some(b'd') => 86_400,
        Some(_) | None => return Err(bad()),
    };
    let digits = &text[..text.len() - 1];
    if digits.strip_prefix('-').is_some_and(|d| d.parse::<u64>().is_ok()) {
        return Err(Error::invalid("out-of-range", "a duration is not negative"));
    }
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(bad());
    }
    if digits.len() > 9 {
        return Err(Error::invalid("out-of-range", "the duration has more than 9 digits"));
    }
    let number: u64 = digits.parse().map_err(|_| bad())?;
    Ok(Duration::from_secs(number * unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_read() {
        assert_eq!(parse("365d").unwrap(), Duration::from_secs(365 * 86_400));
        assert_eq!(parse("12h").unwrap(), Duration::from_secs(43_200));
        assert_eq!(parse("5m").unwrap(), Duration::from_secs(300));
        assert_eq!(parse("0s").unwrap(), Duration::ZERO);
    }

    #[test]
    fn adminjson_52_other_forms_are_refused() {
        for text in ["", "d", "P1Y2M", "1d;rm", "--1d", "1.5d", "1d2h", " 1d", "1é", "+1d"] {
            assert_eq!(parse(text).unwrap_err().code(), "invalid-duration", "{text}");
        }
        assert_eq!(parse("9999999999d").unwrap_err().code(), "out-of-range");
        assert_eq!(parse("-1d").unwrap_err().code(), "out-of-range");
    }
}
