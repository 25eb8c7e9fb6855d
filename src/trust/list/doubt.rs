//! What is odd about a foreign list without being wrong.

/// Something that a reader of the list should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The header calls the signer otherwise than his certificate does.
    SignerName,
    /// This record (the first is 1) names another subject than its certificate does.
    Subject(usize),
    /// This record names another issuer than its certificate does.
    Issuer(usize),
}

impl std::fmt::Display for Doubt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SignerName => {
                f.write_str("the header calls the signer otherwise than his certificate does")
            }
            Self::Subject(number) => {
                write!(f, "record {number} names another subject than its certificate does")
            }
            Self::Issuer(number) => {
                write!(f, "record {number} names another issuer than its certificate does")
            }
        }
    }
}
