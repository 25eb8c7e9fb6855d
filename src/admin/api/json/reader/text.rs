//! Strings: escapes, surrogates, and what may not stand bare.

use std::borrow::Cow;

use super::Reader;
use crate::error::{Error, Result};

/// Room that is taken for a string before its end is known.
const MOST_AT_ONCE: usize = 4096;

impl<'a> Reader<'a> {
    /// A string; the reader stands at its opening quote. Borrows from the body if nothing is escaped.
    pub(super) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        self.plain()?;
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut out = String::with_capacity((self.bytes.len() - start).min(MOST_AT_ONCE));
        out.push_str(&self.text[start..self.at]);
        loop {
            let run = self.at;
            self.plain()?;
            out.push_str(&self.text[run..self.at]);
            if self.eat(b'"') {
                return Ok(Cow::Owned(out));
            }
            self.at += 1;
            out.push(self.escape()?);
        }
    }

    /// Goes on to the next quote or backslash.
    fn plain(&mut self) -> Result<()> {
        loop {
            match self.peek() {
                Some(b'"' | b'\\') => return Ok(()),
                Some(0..=0x1f) => return Err(self.invalid("a control character in a string must be escaped")),
                Some(_) => self.at += 1,
                None => return Err(self.invalid("the document ends inside a string")),
            }
        }
    }

    /// The character of an escape; the reader stands after its backslash.
    fn escape(&mut self) -> Result<char> {
        let plain = match self.peek() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(),
            _ => return Err(self.invalid("an unknown escape")),
        };
        self.at += 1;
        Ok(plain)
    }

    fn unicode(&mut self) -> Result<char> {
        let lone = || Error::malformed("invalid-utf8", "a surrogate stands alone in a string");
        let first = self.hex()?;
        if !(0xd800..0xe000).contains(&first) {
            return char::from_u32(first).ok_or_else(lone);
        }
        if first >= 0xdc00 || !self.eat(b'\\') || self.peek() != Some(b'u') {
            return Err(lone());
        }
        let second = self.hex()?;
        if !(0xdc00..0xe000).contains(&second) {
            return Err(lone());
        }
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)).ok_or_else(lone)
    }

    /// Four hexadecimal digits; the reader stands at the `u` before them.
    fn hex(&mut self) -> Result<u32> {
        self.at += 1;
        let digits = self.bytes.get(self.at..self.at + 4).unwrap_or_default();
        if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
            return Err(self.invalid("four hexadecimal digits are expected"));
        }
        let value = u32::from_str_radix(&self.text[self.at..self.at + 4], 16)
            .map_err(|_| self.invalid("four hexadecimal digits are expected"))?;
        self.at += 4;
        Ok(value)
    }
}
