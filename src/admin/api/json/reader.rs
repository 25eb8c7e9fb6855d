//! Strict JSON (RFC 8259): no duplicate names, no byte order mark, no lone surrogates, bounded.

use std::borrow::Cow;

use crate::admin::api::json::value::{Value, pointer};
use crate::error::{Error, Result};

mod text;

/// How large a document may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Nesting of arrays and objects.
    pub depth: usize,
    /// Elements of an array.
    pub items: usize,
    /// Members of an object.
    pub members: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth: 16, items: 1000, members: 100 }
    }
}

/// Reads one JSON document. Errors: `invalid-json` (with line and column), `invalid-utf8`, `duplicate-key`,
/// `out-of-range` (NaN, Infinity), `too-many-items`, `too-deep`, each with its JSON pointer.
pub fn parse(bytes: &[u8], limits: Limits) -> Result<Value<'_>> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| Error::malformed("invalid-utf8", "the body is not valid UTF-8"))?;
    let mut reader = Reader { text, bytes, at: 0, limits };
    let value = reader.value("", 0)?;
    reader.blank();
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.invalid("something follows the document's end")),
    }
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    limits: Limits,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn invalid(&self, what: &str) -> Error {
        let before = &self.bytes[..self.at.min(self.bytes.len())];
        let line = 1 + before.iter().filter(|b| **b == b'\n').count();
        let start = before.iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1);
        let column = 1 + String::from_utf8_lossy(&before[start..]).chars().count();
        Error::malformed("invalid-json", format!("line {line}, column {column}: {what}"))
    }

    fn value(&mut self, path: &str, depth: usize) -> Result<Value<'a>> {
        self.blank();
        match self.peek() {
            Some(b'{') => self.object(path, depth + 1),
            Some(b'[') => self.list(path, depth + 1),
            Some(b'"') => Ok(Value::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => self.number(path),
            Some(b't') => self.word("true", Value::Bool(true)),
            Some(b'f') => self.word("false", Value::Bool(false)),
            Some(b'n') => self.word("null", Value::Null),
            Some(_) => Err(self.invalid("a value is expected")),
            None => Err(self.invalid("the document ends where a value is expected")),
        }
    }

    fn word(&mut self, word: &str, value: Value<'a>) -> Result<Value<'a>> {
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            return Err(self.invalid("a value is expected"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, path: &str, depth: usize) -> Result<Value<'a>> {
        self.enter(path, depth)?;
        let mut members: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
        self.blank();
        if self.eat(b'}') {
            return Ok(Value::Object(members));
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return Err(self.invalid("a name in quotes is expected"));
            }
            let name = self.string()?;
            let here = pointer(path, &name);
            if members.iter().any(|(known, _)| *known == name) {
                return Err(Error::malformed("duplicate-key", "the name stands twice in one object").at(here));
            }
            self.blank();
            if !self.eat(b':') {
                return Err(self.invalid("a colon is expected"));
            }
            let value = self.value(&here, depth)?;
            members.push((name, value));
            if members.len() > self.limits.members {
                return Err(too_many(path, self.limits.members));
            }
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.invalid("a comma or a closing brace is expected")),
            }
        }
        self.at += 1;
        Ok(Value::Object(members))
    }

    fn list(&mut self, path: &str, depth: usize) -> Result<Value<'a>> {
        self.enter(path, depth)?;
        let mut items = Vec::new();
        self.blank();
        if self.eat(b']') {
            return Ok(Value::List(items));
        }
        loop {
            if items.len() == self.limits.items {
                return Err(too_many(path, self.limits.items));
            }
            let here = format!("{path}/{}", items.len());
            items.push(self.value(&here, depth)?);
            self.blank();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.invalid("a comma or a closing bracket is expected")),
            }
        }
        self.at += 1;
        Ok(Value::List(items))
    }

    fn enter(&mut self, path: &str, depth: usize) -> Result<()> {
        if depth > self.limits.depth {
            let most = self.limits.depth;
            return Err(Error::malformed("too-deep", format!("nested deeper than {most}")).at(path));
        }
        self.at += 1;
        Ok(())
    }

    /// A number as it was written. `-0` and leading zeros are refused: nothing here needs them, and readers differ.
    fn number(&mut self, path: &str) -> Result<Value<'a>> {
        let start = self.at;
        let negative = self.eat(b'-');
        let rest = &self.bytes[self.at..];
        if rest.starts_with(b"NaN") || rest.starts_with(b"Infinity") {
            return Err(Error::invalid("out-of-range", "a finite number is expected").at(path));
        }
        let whole = self.digits();
        if whole == 0 || (whole > 1 && self.bytes[self.at - whole] == b'0') {
            return Err(self.invalid("not a number"));
        }
        if self.eat(b'.') && self.digits() == 0 {
            return Err(self.invalid("a digit is expected"));
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            let _sign = self.eat(b'+') || self.eat(b'-');
            if self.digits() == 0 {
                return Err(self.invalid("a digit is expected"));
            }
        }
        let written = &self.text[start..self.at];
        if negative
            && !written.bytes().take_while(|b| !matches!(b, b'e' | b'E')).any(|b| (b'1'..=b'9').contains(&b))
        {
            return Err(self.invalid("minus zero is not taken"));
        }
        Ok(Value::Number(written))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }
}

fn too_many(path: &str, most: usize) -> Error {
    Error::invalid("too-many-items", format!("more than {most} items")).at(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_json_is() {
        let text = r#" {"a": [1, -2.5e+3, true, null], "b": "x\n\ud83d\ude00\/", "c": {}} "#;
        let Value::Object(members) = parse(text.as_bytes(), Limits::default()).unwrap() else { panic!() };
        assert_eq!(
            members[0].1,
            Value::List(vec![Value::Number("1"), Value::Number("-2.5e+3"), Value::Bool(true), Value::Null,])
        );
        assert_eq!(members[1].1, Value::Text("x\n😀/".into()));
        assert_eq!(members[2].1, Value::Object(Vec::new()));
    }

    #[test]
    fn agrees_with_another_reader_on_what_is_json() {
        let texts = [
            "{}",
            "[]",
            "[1,2]",
            "\"\"",
            "0",
            "-1",
            "1e5",
            "1E-5",
            "[[[]]]",
            "{\"a\":{\"b\":[]}}",
            "",
            "{",
            "}",
            "[1 2]",
            "{\"a\"}",
            "{\"a\":}",
            "{,}",
            "[,]",
            "\"\\x\"",
            "\"\\u12\"",
            "tru",
            "nulll",
            "01",
            "1.",
            "--1",
            "\u{1}",
        ];
        for text in texts {
            let ours = parse(text.as_bytes(), Limits::default()).is_ok();
            assert_eq!(ours, serde_json::from_str::<serde_json::Value>(text).is_ok(), "{text:?}");
        }
    }
}
