//! What phones can hold.

/// The most certificates in a list that every phone takes.
pub const CERTIFICATES: usize = 39;
/// The largest list that every phone takes, in octets.
pub const OCTETS: usize = 64 << 10;

/// A list that some phones may not take. It is said, and nothing is refused: newer phones take more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warning {
    /// So many certificates.
    Certificates(usize),
    /// So many octets.
    Octets(usize),
}

/// What is to be said of a list with so many entries and octets.
pub fn warnings(entries: usize, octets: usize) -> Vec<Warning> {
    let certificates = (entries > CERTIFICATES).then_some(Warning::Certificates(entries));
    let size = (octets > OCTETS).then_some(Warning::Octets(octets));
    certificates.into_iter().chain(size).collect()
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Certificates(count) => {
                write!(f, "the list holds {count} certificates; some phones take {CERTIFICATES} at the most")
            }
            Self::Octets(octets) => {
                write!(f, "the list has {octets} octets; some phones take 65,536 at the most")
            }
        }
    }
}
