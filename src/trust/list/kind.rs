//! CTL or ITL: only the file name tells.

use crate::trust::records::ListKind;
use crate::trust::tlv::FileName;

/// Which list a file name means: `CTLFile.tlv`, `ITLFile.tlv`, `ITLSEP001122334455.tlv`; none for another name.
pub fn kind_of(name: &FileName) -> Option<ListKind> {
    let name = name.as_str().strip_suffix(".tlv")?;
    match name.get(..3)? {
        "CTL" => Some(ListKind::Ctl),
        "ITL" => Some(ListKind::Itl),
        _ => None,
    }
}
