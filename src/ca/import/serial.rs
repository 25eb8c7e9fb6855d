//! Serial numbers in text with their sign, as openssl writes them: foreign ones may be negative.

use crate::error::{Error, Result};
use crate::id::Serial;

/// The most octets of a foreign serial number.
const MOST: usize = 64;

/// Reads hexadecimal with an optional minus sign, as `1A2B` or `-7F`. Errors: `invalid-serial`.
pub fn parse(text: &str) -> Result<Serial> {
    let bad = || Error::invalid("invalid-serial", "a serial number is hexadecimal, at most 64 octets");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    if digits.is_empty() || digits.len() > 2 * MOST || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(bad());
    }
    let digits = format!("{}{digits}", if digits.len().is_multiple_of(2) { "00" } else { "0" });
    let octet = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| bad());
    let mut content = (0..digits.len()).step_by(2).map(octet).collect::<Result<Vec<u8>>>()?;
    if negative {
        negate(&mut content);
    }
    let spare = content.windows(2).take_while(|pair| is_spare(pair[0], pair[1])).count();
    Serial::from_content(&content[spare..]).map_err(|_| bad())
}

/// Upper-case hexadecimal with a minus sign for a negative one, as [`parse`] reads it.
pub fn text(serial: &Serial) -> String {
    if serial.content().first().is_none_or(|first| *first < 0x80) {
        return serial.to_string();
    }
    let mut content = [&[0xff], serial.content()].concat();
    negate(&mut content);
    Serial::from_content(&content[1..]).map_or_else(|_| String::new(), |positive| format!("-{positive}"))
}

/// Two's complement, in place.
fn negate(octets: &mut [u8]) {
    let mut carry = true;
    for octet in octets.iter_mut().rev() {
        let (value, over) = (!*octet).overflowing_add(u8::from(carry));
        *octet = value;
        carry = over;
    }
}

/// Whether the first octet says nothing but the sign that the second says too (X.690 §8.3.2).
fn is_spare(first: u8, second: u8) -> bool {
    (first == 0 && second < 0x80) || (first == 0xff && second >= 0x80)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serial_numbers_are_minimal_der_of_either_sign() {
        for (written, content, back) in [
            ("01", &[1][..], "01"),
            ("1", &[1], "01"),
            ("0001", &[1], "01"),
            ("80", &[0, 0x80], "80"),
            ("FFFF", &[0, 0xff, 0xff], "FFFF"),
            ("-01", &[0xff], "-01"),
            ("-80", &[0x80], "-80"),
            ("-81", &[0xff, 0x7f], "-81"),
            ("-0100", &[0xff, 0], "-0100"),
            ("-FF", &[0xff, 1], "-FF"),
            ("00", &[0], "00"),
            ("-00", &[0], "00"),
        ] {
            let serial = parse(written).unwrap();
            assert_eq!(serial.content(), content, "{written}");
            assert_eq!(text(&serial), back, "{written}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in ["", "-", "--1", "0x10", "1 2", "g1", &"1".repeat(2 * MOST + 1), &"F".repeat(2 * MOST)] {
            assert_eq!(parse(bad).unwrap_err().code(), "invalid-serial", "{bad}");
        }
    }
}
