//! What a text may hold: names that look alike or hide something are refused before anyone reads them.

use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::error::{Error, Result};

/// A single line, at most `most` characters, in Unicode's normal form C.
/// Errors: `control-character`, `confusable-name`, `too-long`.
pub fn line(text: &str, most: usize) -> Result<String> {
    if text.chars().any(char::is_control) {
        return Err(Error::invalid("control-character", "control characters are not allowed here"));
    }
    if text.chars().any(is_invisible) || mixes_scripts(text) {
        return Err(Error::invalid(
            "confusable-name",
            "invisible or direction-changing characters, or letters of scripts that look alike, are not allowed",
        ));
    }
    if text.chars().count() > most {
        return Err(Error::invalid("too-long", format!("at most {most} characters")));
    }
    Ok(if is_nfc(text) { text.to_owned() } else { text.nfc().collect() })
}

/// Lines of text, as PEM. Errors: `control-character`, `private-key-not-accepted`.
pub fn public_pem(text: &str) -> Result<()> {
    if text.contains("PRIVATE KEY-----") {
        return Err(Error::invalid(
            "private-key-not-accepted",
            "a private key does not belong here; it was not kept",
        ));
    }
    lines(text)
}

/// Lines of text. Errors: `control-character`.
pub fn lines(text: &str) -> Result<()> {
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid("control-character", "control characters are not allowed here"));
    }
    Ok(())
}

/// The name of a thing of ours (a profile, a role): plain ASCII. Errors: as [`line`], `confusable-name`.
pub fn name(text: &str) -> Result<String> {
    let name = line(text, 64)?;
    if !name.is_ascii() {
        return Err(Error::invalid("confusable-name", "a name has ASCII letters, digits and hyphens"));
    }
    Ok(name)
}

/// Zero-width and bidirectional controls (Unicode UAX #9, TR #36).
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Latin letters beside Greek or Cyrillic ones in one word.
fn mixes_scripts(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(|word| {
        let latin = word.chars().any(|c| c.is_ascii_alphabetic());
        let alike = word.chars().any(|c| matches!(c, '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}'));
        latin && alike
    })
}
