//! What a delta CRL lists (RFC 5280 §5.2.4).

use std::collections::{HashMap, HashSet};

use crate::error::Result;
use crate::x509::crl::{EntryList, raw_entries};

/// The entries by which a complete CRL from `base` on becomes `complete` (all DER): those that `base` lacks or says
/// otherwise, and a removal for what no longer stands there: released, or expired and gone. What came and went since
/// `base` is known from `previous`, the last delta CRL of the same base: a client may hold a complete CRL from between.
/// Errors: `bad-crl`.
pub(super) fn changes(base: &[u8], previous: Option<&[u8]>, complete: &[u8]) -> Result<EntryList> {
    let (base, complete) = (raw_entries(base)?, raw_entries(complete)?);
    let previous = previous.map(raw_entries).transpose()?.unwrap_or_default();
    let said: HashMap<&[u8], &[u8]> = base.iter().map(|entry| (entry.serial, entry.der)).collect();
    let mut list = EntryList::default();
    for entry in complete.iter().filter(|entry| said.get(entry.serial) != Some(&entry.der)) {
        list.push_raw(entry);
    }
    let stands: HashSet<&[u8]> = complete.iter().map(|entry| entry.serial).collect();
    let since = previous.iter().filter(|entry| !said.contains_key(entry.serial));
    for entry in base.iter().chain(since).filter(|entry| !stands.contains(entry.serial)) {
        list.push_removal(entry)?;
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::id::Serial;
    use crate::x509::cert::assemble;
    use crate::x509::crl::{Crl, Reason, Revoked, TbsCrl};
    use crate::x509::key::{Digest, KeyKind, signature_algorithm};
    use crate::x509::name::Name;

    fn crl(list: EntryList) -> Vec<u8> {
        let at = Timestamp::from_secs(1_800_000_000);
        let tbs = TbsCrl {
            signature_algorithm: signature_algorithm(KeyKind::P256, Digest::Sha256),
            issuer: Name::parse("CN=a").unwrap(),
            this_update: at,
            next_update: at,
            entries: list,
            authority_key_id: vec![1],
            number: 1,
            base: None,
            points: Vec::new(),
            freshest: None,
        };
        assemble(&tbs.to_der().unwrap(), &tbs.signature_algorithm, &[0; 70]).unwrap()
    }

    fn complete(entries: &[(u8, Reason)]) -> Vec<u8> {
        let revoked = |(serial, reason): &(u8, Reason)| Revoked {
            serial: Serial::from_content(&[*serial]).unwrap(),
            at: Timestamp::from_secs(1_800_000_000),
            reason: *reason,
            invalidity: None,
        };
        crl(EntryList::of(&entries.iter().map(revoked).collect::<Vec<_>>()).unwrap())
    }

    /// Each entry's serial number, and whether it takes an earlier one back.
    fn said(delta: &[u8]) -> Vec<(u8, bool)> {
        let removal = [0x55, 0x1d, 21, 4, 3, 0x0a, 1, 8];
        raw_entries(delta).unwrap().iter().map(|e| (e.serial[0], e.der.ends_with(&removal))).collect()
    }

    #[test]
    fn what_came_changed_and_went_is_said_and_nothing_else() {
        use Reason::{CertificateHold, KeyCompromise, Superseded};
        let base = complete(&[(1, Superseded), (2, CertificateHold), (3, CertificateHold)]);
        let first = crl(changes(&base, None, &base).unwrap());
        assert_eq!(said(&first), []);
        let now = complete(&[(1, Superseded), (3, KeyCompromise), (4, CertificateHold)]);
        let second = crl(changes(&base, Some(&first), &now).unwrap());
        assert_eq!(said(&second), [(3, false), (4, false), (2, true)]);
        assert_eq!(Crl::from_der(&second).unwrap().entries()[0].reason, KeyCompromise);
        // 4 was on hold on a complete CRL in between: whoever holds that must learn of its release, also later.
        let later = complete(&[(1, Superseded), (3, KeyCompromise)]);
        let third = crl(changes(&base, Some(&second), &later).unwrap());
        assert_eq!(said(&third), [(3, false), (2, true), (4, true)]);
        assert_eq!(said(&crl(changes(&base, Some(&third), &later).unwrap())), said(&third));
    }
}
