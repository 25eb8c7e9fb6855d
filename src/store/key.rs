//! Ordered index keys.

/// Builds ordered index keys: each part sorts before its longer continuations.
#[derive(Debug, Default)]
pub struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    /// An empty key.
    pub fn new() -> Self {
        Self::default()
    }

    /// A text part, ended by a zero byte (inner zero bytes are dropped), at most 256 bytes.
    #[must_use]
    pub fn text(mut self, text: &str) -> Self {
        self.0.extend(text.bytes().filter(|b| *b != 0).take(256));
        self.0.push(0);
        self
    }

    /// The beginning of a text part, for a prefix scan.
    #[must_use]
    pub fn text_prefix(mut self, text: &str) -> Self {
        self.0.extend(text.bytes().filter(|b| *b != 0).take(256));
        self
    }

    /// Raw bytes that have a fixed length or stand last.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A moment.
    #[must_use]
    pub fn time(self, at: crate::clock::Timestamp) -> Self {
        self.bytes(&at.sort_key())
    }

    /// The key.
    pub fn build(self) -> Vec<u8> {
        self.0
    }
}
