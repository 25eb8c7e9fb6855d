//! Serial numbers as lists and signed files carry them: big-endian, unsigned, as short as they can be.

/// The longest serial number that is read, in octets.
pub const MAX_LEN: usize = 64;

/// The octets of a DER INTEGER without its sign octet; also what any two writings of one number have in common.
pub fn minimal(octets: &[u8]) -> &[u8] {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    // Zero itself keeps one octet.
    octets.get(zeros.min(octets.len().saturating_sub(1))..).unwrap_or_default()
}

/// Whether two serial numbers are the same number.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    minimal(a) == minimal(b)
}

/// A serial number for people: upper-case hexadecimal.
pub fn text(octets: &[u8]) -> String {
    minimal(octets).iter().map(|octet| format!("{octet:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sign_octet_goes_and_zero_stays() {
        assert_eq!(minimal(&[0, 0x80, 1]), [0x80, 1]);
        assert_eq!(minimal(&[0x7f, 0]), [0x7f, 0]);
        assert_eq!(minimal(&[0]), [0]);
        assert_eq!(minimal(&[0, 0]), [0]);
        assert!(minimal(&[]).is_empty());
        assert!(same(&[0, 0xab], &[0xab]) && !same(&[0xab], &[0xab, 0]));
        assert_eq!(text(&[0, 0xab, 1]), "AB01");
    }
}
