//! Keys of simulated phones. A real phone takes half a minute for an RSA key; here they are made before, and many phones may
//! share one where only the server's work is of interest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::{Fault, Outcome};

mod pair;
mod proof;

pub use pair::KeyPair;
pub use proof::Proof;

/// What kind of key CAPF asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RSA, of so many bits.
    Rsa(u16),
    /// EC, on the curve of this number.
    Ec(u8),
}

/// RSA keys made beforehand; an EC key is made when it is asked for.
#[derive(Debug, Default)]
pub struct Keys {
    rsa_2048: Vec<Arc<KeyPair>>,
    next: AtomicUsize,
}

impl Keys {
    /// With so many RSA-2048 keys in store, made on as many threads. Faults: the machine gives no keys.
    pub fn with(rsa_2048: usize) -> Outcome<Self> {
        let made: Outcome<Vec<_>> = thread::scope(|scope| {
            let makers: Vec<_> =
                (0..rsa_2048).map(|_| scope.spawn(|| KeyPair::generate(Kind::Rsa(2048)))).collect();
            makers
                .into_iter()
                .map(|maker| maker.join().unwrap_or_else(|_| Err(failed())).map(Arc::new))
                .collect()
        });
        Ok(Self { rsa_2048: made?, next: AtomicUsize::new(0) })
    }

    /// A key of this kind: the next in store, or a new one. Faults: phones make no such keys.
    pub fn pair(&self, kind: Kind) -> Outcome<Arc<KeyPair>> {
        if kind == Kind::Rsa(2048) && !self.rsa_2048.is_empty() {
            let next = self.next.fetch_add(1, Ordering::Relaxed) % self.rsa_2048.len();
            return self.rsa_2048.get(next).cloned().ok_or_else(failed);
        }
        KeyPair::generate(kind).map(Arc::new)
    }
}

fn failed() -> Fault {
    Fault::new("the key could not be made")
}
