//! Names of files as phones ask for them. Nothing else is a name here: no folder, no dot at the beginning.

use crate::device::DeviceName;
use crate::trust::records::ListKind;

const MOST: usize = 160;

/// What a device asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A trust list: `CTLSEP0123456789AB.tlv`, or `CTLFile.tlv` without a device.
    List {
        /// Which.
        kind: ListKind,
        /// For whom.
        device: Option<DeviceName>,
    },
    /// A signed file.
    File(File),
}

/// A signed file, as `SEP0123456789AB.cnf.xml.sgn`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name: letters, digits, `.`, `_` and `-`, as it stands in its folder.
    pub name: String,
    /// Whose configuration it is.
    pub device: Option<DeviceName>,
}

impl Wanted {
    /// Reads a name as it was asked for; none if it is no name of a file that can be here.
    pub fn parse(name: &str) -> Option<Self> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-');
        if name.len() > MOST || name.starts_with('.') || !name.bytes().all(allowed) {
            return None;
        }
        match name.strip_suffix(".tlv") {
            Some(list) => Self::list(list),
            None => Self::file(name),
        }
    }

    /// Who asks, as far as the name says it.
    pub fn device(&self) -> Option<&DeviceName> {
        match self {
            Self::List { device, .. } | Self::File(File { device, .. }) => device.as_ref(),
        }
    }

    fn list(name: &str) -> Option<Self> {
        let (kind, rest) = name
            .strip_prefix("CTL")
            .map(|rest| (ListKind::Ctl, rest))
            .or_else(|| name.strip_prefix("ITL").map(|rest| (ListKind::Itl, rest)))?;
        let device = if rest == "File" { None } else { Some(rest.parse().ok()?) };
        Some(Self::List { kind, device })
    }

    fn file(name: &str) -> Option<Self> {
        let signed = name.strip_suffix(".sgn")?;
        let plain = signed.strip_suffix(".enc").unwrap_or(signed);
        let device = plain.strip_suffix(".cnf.xml").map(str::parse).transpose().ok()?;
        let stem_is_there = !plain.is_empty();
        stem_is_there.then(|| Self::File(File { name: name.to_owned(), device }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_phones_ask_for_them() {
        let device: DeviceName = "SEP0123456789AB".parse().unwrap();
        let of = |kind| Some(Wanted::List { kind, device: Some(device.clone()) });
        assert_eq!(Wanted::parse("CTLSEP0123456789AB.tlv"), of(ListKind::Ctl));
        assert_eq!(Wanted::parse("ITLSEP0123456789AB.tlv"), of(ListKind::Itl));
        assert_eq!(Wanted::parse("ITLFile.tlv"), Some(Wanted::List { kind: ListKind::Itl, device: None }));
        for name in ["SEP0123456789AB.cnf.xml.sgn", "SEP0123456789AB.cnf.xml.enc.sgn"] {
            let file = File { name: name.into(), device: Some(device.clone()) };
            assert_eq!(Wanted::parse(name), Some(Wanted::File(file)));
        }
        let ring = File { name: "Ringlist-wb.xml.sgn".into(), device: None };
        assert_eq!(Wanted::parse("Ringlist-wb.xml.sgn"), Some(Wanted::File(ring)));
    }

    /// FETCH-01 to FETCH-06.
    #[test]
    fn what_leads_elsewhere_is_no_name() {
        for name in [
            "",
            ".",
            "..",
            ".sgn",
            ".enc.sgn",
            ".tlv",
            "CTL.tlv",
            "XTLFile.tlv",
            "CTLFile.tlv.bak",
            "../CTLFile.tlv",
            "/CTLFile.tlv",
            "..\\CTLFile.tlv",
            "a/b.sgn",
            "a%2fb.sgn",
            "SEP0123456789AB.cnf.xml",
            ".cnf.xml.sgn",
            ".hidden.sgn",
            "CTLFile.tlv\0.txt",
            "Gerät.sgn",
            "signet.toml",
            "admin.token",
            &format!("{}.sgn", "a".repeat(160)),
        ] {
            assert_eq!(Wanted::parse(name), None, "{name:?}");
        }
    }
}
