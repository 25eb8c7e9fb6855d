//! Signed heads of the audit log: what proves, from outside, that nothing before them was cut or rewritten.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::admin::api::audit::SignedHead;
use crate::audit::{Actor, Event, Head, Outcome};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::KeyId;
use crate::keys::pool::Pool;
use crate::keys::{KeyStore, Signer};
use crate::server::files;
use crate::server::records::HeadRecord;
use crate::storage::verify::compare_head;
use crate::store::{Db, Direction, PRIMARY, Scan, Unit, When};
use crate::x509::key::{Digest, PublicKey, signature_algorithm};
use crate::x509::pem;

const MILLIS_OF_A_DAY: i64 = 24 * 60 * 60 * 1000;

/// The key that signs heads, made by `init`.
pub fn key_id() -> Result<KeyId> {
    "audit".parse()
}

/// Signs heads, keeps them in the store and exports the newest.
pub struct Heads {
    db: Db,
    pool: Pool,
    signer: Arc<dyn Signer>,
    folder: std::path::PathBuf,
    fault: Arc<Fault>,
}

/// Why the log is not the one that `head.json` was signed over; none if it is.
#[derive(Debug, Default)]
pub struct Fault(RwLock<Option<String>>);

impl Fault {
    /// The reason, for people.
    pub fn reason(&self) -> Option<String> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes it; returns whether it is another than before.
    fn note(&self, reason: Option<String>) -> bool {
        let mut standing = self.0.write().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *standing, reason.clone()) != reason
    }
}

impl Heads {
    /// Exports the public key to `folder`/key.pem. Errors: `key-not-present`, `storage`.
    pub fn open(db: Db, pool: Pool, keys: &dyn KeyStore, folder: &Path) -> Result<Self> {
        let signer = keys.signer(&key_id()?)?;
        std::fs::create_dir_all(folder)
            .map_err(|e| Error::storage(format!("cannot make {}", folder.display())).because(e))?;
        let key = pem::encode("PUBLIC KEY", signer.public_key().spki());
        let path = folder.join("key.pem");
        if std::fs::read_to_string(&path).ok().as_ref() != Some(&key) {
            files::write(&path, key.as_bytes(), files::PUBLIC)?;
        }
        Ok(Self { db, pool, signer, folder: folder.to_owned(), fault: Arc::default() })
    }

    /// The key that verifies them.
    pub fn public_key(&self) -> PublicKey {
        self.signer.public_key().clone()
    }

    /// What stands against the log, kept up by [`Heads::sign`].
    pub fn fault(&self) -> Arc<Fault> {
        self.fault.clone()
    }

    /// Signs the present head, unless it was signed already, after holding the log against the head that was
    /// exported last: a log that is not its continuation (a store put back from a copy) is never signed over it.
    /// Errors: `busy`, `storage`; `log-rolled-back`.
    pub async fn sign(&self, now: Timestamp) -> Result<()> {
        if let Some(reason) = self.compare().await? {
            self.warn(&reason, now).await?;
            return Err(Error::conflict("log-rolled-back", reason));
        }
        self.fault.note(None);
        let head = self.db.raw().head().await?;
        let last = newest(&self.db).await?;
        let path = self.folder.join("head.json");
        if let Some(last) = last.filter(|last| last.seq == head.seq) {
            return if path.exists() { Ok(()) } else { export(&path, &last) };
        }
        let signed = self.sign_head(head, now).await?;
        let mut unit = Unit::new();
        unit.put(&record(&signed, now), When::Always)?;
        self.db.commit(unit).await?;
        export(&path, &signed)
    }

    /// Why the log does not continue the exported head, if it does not.
    async fn compare(&self) -> Result<Option<String>> {
        let path = self.folder.join("head.json");
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::storage(format!("cannot read {}", path.display())).because(e)),
        };
        let kept = serde_json::from_slice::<SignedHead>(&text)
            .map_err(|_| Error::invalid("bad-head", "it is not a signed head"))
            .and_then(|signed| verify(&signed, self.signer.public_key()));
        let kept = match kept {
            Ok(kept) => kept,
            Err(e) => return Ok(Some(format!("DIR/audit/head.json does not hold: {}", e.detail()))),
        };
        let db = self.db.clone();
        let task = tokio::task::spawn_blocking(move || compare_head(&*db.raw().snapshot()?, kept));
        let report = task.await.unwrap_or_else(|e| Err(Error::internal("comparing heads").because(e)))?;
        Ok((!report.is_clean()).then(|| report.findings.join("; ")))
    }

    /// Says it once in the audit log, each time in the server's.
    async fn warn(&self, reason: &str, now: Timestamp) -> Result<()> {
        tracing::error!(
            reason,
            "the audit log does not continue DIR/audit/head.json: the store was put back or rewritten, and what was \
             issued or revoked since is not known here. Restore the newest backup; if this store is the one you \
             want, keep head.json elsewhere and move it away: signing then goes on"
        );
        if !self.fault.note(Some(reason.to_owned())) {
            return Ok(());
        }
        let mut unit = Unit::new();
        let event = Event::new(now, Actor::System, "audit.rolled-back", "audit:log");
        unit.event(event.outcome(Outcome::Warning).with("reason", reason));
        self.db.commit(unit).await?;
        Ok(())
    }

    async fn sign_head(&self, head: Head, now: Timestamp) -> Result<SignedHead> {
        let mut signed = SignedHead {
            seq: head.seq,
            hash: hex(&head.hash),
            at: now.to_string(),
            key_id: hex(&self.signer.public_key().key_id()),
            signature: String::new(),
        };
        let (signer, message) = (self.signer.clone(), message(&signed));
        let signature = self.pool.run(move || signer.sign(Digest::Sha256, message.as_bytes())).await??;
        signed.signature = STANDARD.encode(signature);
        Ok(signed)
    }
}

/// The newest signed head, if there is one.
pub async fn newest(db: &Db) -> Result<Option<SignedHead>> {
    let scan = Scan { direction: Direction::Backward, limit: 1, ..Scan::all::<HeadRecord>(PRIMARY) };
    let page = db.scan::<HeadRecord>(scan).await?;
    Ok(page.items.into_iter().next().map(|stored| signed(stored.value)))
}

/// Checks the signature of a head that was kept elsewhere and reads it.
/// Errors: `bad-head` for a malformed one; `head-not-ours` for another key; `signature-invalid`.
pub fn verify(signed: &SignedHead, key: &PublicKey) -> Result<Head> {
    let bad = |what: &str| Error::invalid("bad-head", format!("the head's {what} cannot be read"));
    let hash = unhex(&signed.hash).ok_or_else(|| bad("hash"))?;
    if signed.key_id != hex(&key.key_id()) {
        return Err(Error::invalid(
            "head-not-ours",
            "the head was signed by another key than DIR/audit/key.pem",
        ));
    }
    let signature = STANDARD.decode(&signed.signature).map_err(|_| bad("signature"))?;
    let algorithm = signature_algorithm(key.kind(), Digest::Sha256);
    key.verify(&algorithm, message(signed).as_bytes(), &signature)?;
    Ok(Head { seq: signed.seq, hash })
}

/// What is signed: four lines, so that openssl can check it too.
fn message(head: &SignedHead) -> String {
    format!("signet audit head 1\n{}\n{}\n{}\n", head.seq, head.hash, head.at)
}

fn export(path: &Path, head: &SignedHead) -> Result<()> {
    let mut json = serde_json::to_vec_pretty(head).map_err(|e| Error::internal("head.json").because(e))?;
    json.push(b'\n');
    files::write(path, &json, files::PUBLIC)
}

fn record(head: &SignedHead, now: Timestamp) -> HeadRecord {
    HeadRecord {
        day: u32::try_from(now.millis() / MILLIS_OF_A_DAY).unwrap_or_default(),
        seq: head.seq,
        hash: head.hash.clone(),
        at: head.at.clone(),
        key_id: head.key_id.clone(),
        signature: head.signature.clone(),
    }
}

fn signed(record: HeadRecord) -> SignedHead {
    let HeadRecord { day: _, seq, hash, at, key_id, signature } = record;
    SignedHead { seq, hash, at, key_id, signature }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digits: Vec<u32> = text.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.chunks_exact(2).map(|d| (d[0] * 16 + d[1]) as u8).collect();
    (digits.len() == 64).then(|| bytes.try_into().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::software::Vault;
    use crate::random::Random;
    use crate::x509::key::KeyAlgorithm;

    fn signed_by(signer: &dyn Signer) -> SignedHead {
        let mut head = SignedHead {
            seq: 7,
            hash: hex(&[0xab; 32]),
            at: "2026-11-22T01:26:00Z".into(),
            key_id: hex(&signer.public_key().key_id()),
            signature: String::new(),
        };
        head.signature = STANDARD.encode(signer.sign(Digest::Sha256, message(&head).as_bytes()).unwrap());
        head
    }

    #[test]
    fn a_head_is_verified_by_its_key_alone_and_only_as_it_was_signed() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::create(dir.path(), "password", &Random::system()).unwrap();
        let signer = vault.generate(&key_id().unwrap(), KeyAlgorithm::P256).unwrap();
        let other = vault.generate(&"other".parse().unwrap(), KeyAlgorithm::P256).unwrap();
        let head = signed_by(&*signer);
        assert_eq!(verify(&head, signer.public_key()).unwrap(), Head { seq: 7, hash: [0xab; 32] });
        assert_eq!(verify(&head, other.public_key()).unwrap_err().code(), "head-not-ours");
        let altered = SignedHead { seq: 8, ..head.clone() };
        assert_eq!(verify(&altered, signer.public_key()).unwrap_err().code(), "signature-invalid");
        for hash in ["", "ab", &"zz".repeat(32)] {
            let malformed = SignedHead { hash: hash.to_owned(), ..head.clone() };
            assert_eq!(verify(&malformed, signer.public_key()).unwrap_err().code(), "bad-head");
        }
    }
}
