//! Durations as people write them: `45s`, `30m`, `1h`, `90d`.

use std::time::Duration;

use crate::error::{Error, Result};

/// Reads a whole number and its unit: s, m, h or d. Errors: `invalid-duration`.
pub fn parse(text: &str) -> Result<Duration> {
    let digits = text.len().saturating_sub(1);
    let number =
        text.get(..digits).filter(|d| !d.is_empty() && d.len() <= 9 && d.bytes().all(|b| b.is_ascii_digit()));
    let unit = match text.as_bytes().last() {
        Some(b's') => Some(1),
        Some(b'm') => Some(60),
        Some(b'h') => Some(3600),
        Some(b'd') => Some(86_400),
        _ => None,
    };
    match (number.and_then(|n| n.parse::<u64>().ok()), unit) {
        (Some(number), Some(unit)) if number > 0 => Ok(Duration::from_secs(number * unit)),
        _ => Err(Error::invalid("invalid-duration", "a duration is a number and s, m, h or d, as 90d")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_people_write() {
        assert_eq!(parse("1h").unwrap(), Duration::from_secs(3600));
        assert_eq!(parse("90d").unwrap(), Duration::from_secs(90 * 86_400));
    }

    /// ADMINJSON-52.
    #[test]
    fn adminjson_52_refuses_anything_else() {
        for bad in
            ["", "1", "h", "0h", "P1Y2M", "1d;rm", "* * * * * *", "-1h", "1.5h", "9999999999d", "1ü", "1 h"]
        {
            assert_eq!(parse(bad).unwrap_err().code(), "invalid-duration", "{bad}");
        }
    }
}
