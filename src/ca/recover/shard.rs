//! The shard that an address of ours names.

use crate::ca::records::MOST_SHARDS;
use crate::id::CaId;

/// The shard in the address of a distribution point of ours, `/crl/<ca>/<shard>.crl`; 0 for the CA's first CRL.
pub(in crate::ca) fn shard_in(ca: &CaId, point: &[u8]) -> u32 {
    let (text, mark) = (String::from_utf8_lossy(point), format!("/crl/{ca}/"));
    let number = text.split_once(&mark).and_then(|(_, rest)| rest.split_once(".crl"));
    let shard = number.and_then(|(digits, _)| digits.parse().ok());
    shard.filter(|shard| *shard <= MOST_SHARDS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_read_from_the_address_that_names_it() {
        let ca: CaId = "ec-issuing".parse().unwrap();
        for (address, shard) in [
            ("\x30\x20http://pki/crl/ec-issuing.crl", 0),
            ("\x30\x20http://pki/crl/ec-issuing/7.crl\x05", 7),
            ("http://pki/crl/ec-issuing/4096.crl", 4096),
            ("http://pki/crl/ec-issuing/4097.crl", 0),
            ("http://pki/crl/other/7.crl", 0),
            ("http://pki/crl/ec-issuing/x.crl", 0),
        ] {
            assert_eq!(shard_in(&ca, address.as_bytes()), shard, "{address}");
        }
    }
}
