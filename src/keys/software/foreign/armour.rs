//! The PEM block of a private key, with the headers of the old encrypted form (RFC 1421 §4.6).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::bad_key;
use crate::error::Result;

/// How an old encrypted block says it was encrypted (`DEK-Info`).
#[derive(Debug, PartialEq, Eq)]
pub struct DekInfo {
    /// As openssl names it: `AES-256-CBC`.
    pub cipher: String,
    /// The IV, whose first eight octets are the salt too.
    pub iv: Vec<u8>,
}

/// One block.
pub struct Block<'a> {
    /// Its label, as `EC PRIVATE KEY`.
    pub label: &'a str,
    /// Its bytes.
    pub der: Zeroizing<Vec<u8>>,
    /// How they are encrypted, in the old form.
    pub cipher: Option<DekInfo>,
}

impl<'a> Block<'a> {
    /// The only block of a private key in `text`. Errors: `bad-key` if there is none, or more than one.
    pub fn of_key(text: &'a str) -> Result<Self> {
        let mut lines = text.lines().map(str::trim);
        let mut found = None;
        while let Some(line) = lines.next() {
            let Some(label) = label(line, "BEGIN").filter(|l| l.ends_with("PRIVATE KEY")) else { continue };
            if found.is_some() {
                return Err(bad_key("the text holds more than one"));
            }
            found = Some(read(label, &mut lines)?);
        }
        found.ok_or_else(|| bad_key("no PEM block of a private key stands in the text"))
    }
}

fn label<'a>(line: &'a str, edge: &str) -> Option<&'a str> {
    line.strip_prefix("-----")?.strip_prefix(edge)?.strip_prefix(' ')?.strip_suffix("-----")
}

fn read<'a>(name: &'a str, lines: &mut impl Iterator<Item = &'a str>) -> Result<Block<'a>> {
    let mut body = Zeroizing::new(String::with_capacity(8192));
    let mut cipher = None;
    for line in lines {
        if let Some(end) = label(line, "END") {
            if end != name {
                return Err(bad_key("its BEGIN and END lines differ"));
            }
            let der = STANDARD.decode(body.as_bytes()).map_err(|_| bad_key("it is not base64"))?;
            return Ok(Block { label: name, der: Zeroizing::new(der), cipher });
        }
        match line.split_once(':') {
            Some(("DEK-Info", value)) => cipher = Some(dek_info(value)?),
            Some(_) => {}
            None => body.push_str(line),
        }
    }
    Err(bad_key("its END line is missing"))
}

fn dek_info(value: &str) -> Result<DekInfo> {
    let bad = || bad_key("its DEK-Info line is not a cipher and an IV");
    let (cipher, iv) = value.trim().split_once(',').ok_or_else(bad)?;
    let digits = iv.trim().as_bytes();
    if digits.len() % 2 != 0 || digits.len() > 64 {
        return Err(bad());
    }
    let octet = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let iv = digits.chunks(2).map(octet).collect::<Option<Vec<u8>>>().ok_or_else(bad)?;
    Ok(DekInfo { cipher: cipher.trim().to_owned(), iv })
}
