//! CTL or ITL: only the file name tells.

use crate::trust::tlv::FileName;

/// Which list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Certificate trust list: of a cluster in mixed mode, read first.
    Ctl,
    /// Initial (identity) trust list: of every cluster.
    Itl,
}

impl Kind {
    /// By a file name: `CTLFile.tlv`, `ITLFile.tlv`, `ITLSEP001122334455.tlv`.
    pub fn of(name: &FileName) -> Option<Self> {
        let name = name.as_str().strip_suffix(".tlv")?;
        match name.get(..3)? {
            "CTL" => Some(Self::Ctl),
            "ITL" => Some(Self::Itl),
            _ => None,
        }
    }

    /// `ctl`, `itl`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ctl => "ctl",
            Self::Itl => "itl",
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Ctl => "CTL",
            Self::Itl => "ITL",
        })
    }
}
