//! The keys of new CAs, made at the same time.

use std::sync::Arc;

use super::{NewCa, key_id};
use crate::ca::{Authority, on_thread};
use crate::error::{Error, Result};
use crate::id::{CaId, KeyId};
use crate::keys::{KeyStore, Place, Signer};
use crate::x509::key::KeyAlgorithm;

/// One key for each CA of a plan, in its order, each made on a thread of its own.
pub async fn keys(authority: &Authority, plan: &[NewCa]) -> Result<Vec<Arc<dyn Signer>>> {
    let mut under_way = Vec::with_capacity(plan.len());
    for new in plan {
        let (store, id) = (Arc::clone(&authority.keys), key_id(&new.id)?);
        let (place, algorithm) = (new.place, new.algorithm);
        under_way.push(tokio::spawn(on_thread(move || generate_or_reuse(&*store, place, &id, algorithm))));
    }
    let mut signers = Vec::with_capacity(under_way.len());
    for task in under_way {
        signers.push(task.await.map_err(|e| Error::internal("making a key broke off").because(e))??);
    }
    Ok(signers)
}

/// Takes a key pair that stands in the token already for the CA that is to be made next under this name.
/// Errors: `ca-exists`; those of [`KeyStore::adopt`].
pub async fn adopt_key(
    authority: &Authority,
    id: &CaId,
    object: Vec<u8>,
    algorithm: KeyAlgorithm,
) -> Result<()> {
    if authority.hierarchy().require(id).is_ok() {
        return Err(Error::conflict("ca-exists", format!("there is a CA {id} already")).at("/id"));
    }
    let (keys, key) = (Arc::clone(&authority.keys), key_id(id)?);
    on_thread(move || keys.adopt(&key, &object, algorithm).map(drop)).await
}

/// No CA of this name is recorded, so a key that stands there is what a broken-off attempt left.
pub fn generate_or_reuse(
    store: &dyn KeyStore,
    place: Place,
    id: &KeyId,
    algorithm: KeyAlgorithm,
) -> Result<Arc<dyn Signer>> {
    let taken = match store.generate_in(place, id, algorithm) {
        Err(error) if error.code() == "key-exists" => error,
        other => return other,
    };
    let left = store.signer(id)?;
    if left.public_key().algorithm() == Some(algorithm) && store.place(id) == place {
        Ok(left)
    } else {
        Err(taken)
    }
}
