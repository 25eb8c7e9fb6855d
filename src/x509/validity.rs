//! Times in certificates and CRLs (RFC 5280 §4.1.2.5): UTCTime through 2049, then GeneralizedTime.

use time::{Date, Month, OffsetDateTime, Time};

use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::x509::tlv::{self, Broken, Tlv};

/// Reads either form, with Z and without fractions. Seconds may be missing, as old issuers left them out.
pub(super) fn decode(element: Tlv<'_>) -> Result<Timestamp, Broken> {
    let (pairs, last) = element.content.as_chunks::<2>();
    if last != b"Z" {
        return Err(Broken);
    }
    let mut numbers = [0u8; 7];
    let (count, min) = match element.tag {
        tlv::UTC_TIME => (6, 5),
        tlv::GENERALIZED_TIME => (7, 6),
        _ => return Err(Broken),
    };
    if !(min..=count).contains(&pairs.len()) {
        return Err(Broken);
    }
    for (number, pair) in numbers.iter_mut().zip(pairs) {
        *number = two_digits(*pair)?;
    }
    let (year, rest) = if count == 7 {
        (i32::from(numbers[0]) * 100 + i32::from(numbers[1]), &numbers[2..7])
    } else {
        let century = if numbers[0] >= 50 { 1900 } else { 2000 };
        (century + i32::from(numbers[0]), &numbers[1..6])
    };
    moment(year, rest)
}

/// Reads the text of a UTCTime (`291231235959Z`) or of a GeneralizedTime (`20511231235959Z`), with seconds.
pub fn utc_time(text: &str) -> Option<Timestamp> {
    let tag = match text.len() {
        13 => tlv::UTC_TIME,
        15 => tlv::GENERALIZED_TIME,
        _ => return None,
    };
    decode(Tlv { tag, content: text.as_bytes(), whole: text.as_bytes() }).ok()
}

/// Appends a moment, to the second: as a UTCTime through 2049, then as a GeneralizedTime.
/// Errors: `internal` outside the years 1950 to 9999.
pub(super) fn push(out: &mut Vec<u8>, at: Timestamp) -> Result<()> {
    let t = date(at)?;
    if t.year() < 2050 {
        tlv::push_header(out, tlv::UTC_TIME, 13);
        push_digits(out, t);
        return Ok(());
    }
    push_generalized(out, at)
}

/// Appends a moment, to the second, as a GeneralizedTime. Errors: as [`push`].
pub(super) fn push_generalized(out: &mut Vec<u8>, at: Timestamp) -> Result<()> {
    let t = date(at)?;
    tlv::push_header(out, tlv::GENERALIZED_TIME, 15);
    push_pair(out, t.year() / 100);
    push_digits(out, t);
    Ok(())
}

fn date(at: Timestamp) -> Result<OffsetDateTime> {
    let t = OffsetDateTime::from_unix_timestamp(at.secs()).ok();
    t.filter(|t| (1950..=9999).contains(&t.year()))
        .ok_or_else(|| Error::internal("a time outside the years 1950 to 9999"))
}

/// The last two digits of the year, and the rest.
fn push_digits(out: &mut Vec<u8>, t: OffsetDateTime) {
    push_pair(out, t.year() % 100);
    [u8::from(t.month()), t.day(), t.hour(), t.minute(), t.second()]
        .into_iter()
        .for_each(|n| push_pair(out, i32::from(n)));
    out.push(b'Z');
}

fn push_pair(out: &mut Vec<u8>, n: i32) {
    out.extend([b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8]);
}

fn moment(year: i32, rest: &[u8]) -> Result<Timestamp, Broken> {
    let &[month, day, hour, minute, second] = rest else { return Err(Broken) };
    let month = Month::try_from(month).map_err(|_| Broken)?;
    let date = Date::from_calendar_date(year, month, day).map_err(|_| Broken)?;
    let time = Time::from_hms(hour, minute, second.min(59)).map_err(|_| Broken)?;
    Ok(Timestamp::from_secs(OffsetDateTime::new_utc(date, time).unix_timestamp()))
}

fn two_digits([tens, ones]: [u8; 2]) -> Result<u8, Broken> {
    if tens.is_ascii_digit() && ones.is_ascii_digit() {
        return Ok((tens - b'0') * 10 + ones - b'0');
    }
    Err(Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        push(&mut out, Timestamp::parse(text).unwrap()).unwrap();
        out
    }

    #[test]
    fn the_form_changes_with_2050_and_both_are_read_back() {
        assert_eq!(written("2049-12-31T23:59:59Z"), b"\x17\x0d491231235959Z");
        assert_eq!(written("2050-01-01T00:00:00Z"), b"\x18\x0f20500101000000Z");
        for text in ["1950-01-01T00:00:00Z", "2024-02-29T12:34:56Z", "9999-12-31T23:59:59Z"] {
            let der = written(text);
            let read = decode(tlv::single(&der, der[0]).unwrap()).unwrap();
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        let refused = [
            &b"\x17\x0d490231235959Z"[..],
            b"\x17\x0d491231245959Z",
            b"\x17\x0d4912312359590",
            b"\x17\x0b49-231235959",
            b"\x18\x0d491231235959Z",
            b"\x18\x1120500101000000.5Z",
            b"\x17\x11491231235959+0100",
        ];
        for der in refused {
            assert!(tlv::single(der, der[0]).and_then(decode).is_err(), "{der:?}");
        }
        assert!(push(&mut Vec::new(), Timestamp::from_millis(i64::MAX)).is_err());
    }
}
