//! Characters that could mislead a reader or a terminal, and how text that holds them is printed.

/// Whether a character is a control (C0, DEL, C1), reverses the direction of writing, breaks a line,
/// is invisible or is no character at all (CSR-51, CSR-53).
pub fn unsafe_character(c: char) -> bool {
    c.is_control()
        || is_noncharacter(c)
        || matches!(c,
            '\u{061c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// U+FDD0 to U+FDEF and the last two of every plane (Unicode §23.7).
pub(super) fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe
}

/// Text on a single line, for logs and lists: what could mislead stands as `\` and the hex of its UTF-8 octets.
pub fn escape_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if unsafe_character(c) { push_hex(&mut out, c) } else { out.push(c) }
    }
    out
}

/// Appends the UTF-8 octets of a character as `\XX` each (RFC 4514 §2.4).
pub(super) fn push_hex(out: &mut String, c: char) {
    let mut octets = [0; 4];
    for b in c.encode_utf8(&mut octets).bytes() {
        out.push('\\');
        for digit in [b >> 4, b & 15] {
            out.push(char::from_digit(u32::from(digit), 16).unwrap_or('0').to_ascii_uppercase());
        }
    }
}
