//! What is done where no server runs: `check`, `audit verify`, and a new token for an administrator who lost theirs.
//! The store is opened for it and closed again.

use std::path::Path;

use serde::Serialize;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::admin::Inspector;
use crate::admin::api::audit::SignedHead;
use crate::admin::records::TokenRecord;
use crate::admin::tokens::{self, ADMIN, ADMIN_TTL, Mint, NewToken};
use crate::audit::Actor;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::random::Random;
use crate::server::files;
use crate::server::inspector::StoreInspector;
use crate::server::layout::Layout;
use crate::server::lock::FolderLock;
use crate::storage;
use crate::store::{Db, Unit};
use crate::x509::key::PublicKey;
use crate::x509::pem;

/// What `POST /check` would answer. Errors: `not-initialised`, `store-locked` if a server runs, `store-missing`, `storage`.
pub async fn check(data: &Path) -> Result<Value> {
    look(data, |inspector| inspector.check()).await
}

/// What `POST /audit/verify` would answer. Errors: as [`check`], and `bad-head`.
pub async fn verify_audit(data: &Path, head: Option<Value>) -> Result<Value> {
    let head: Option<SignedHead> = head
        .map(serde_json::from_value)
        .transpose()
        .map_err(|e| Error::invalid("bad-head", "the file is not a signed head").because(e))?;
    look(data, move |inspector| inspector.verify(head)).await
}

/// Makes an administrator's token and puts it into `DIR/admin.token` (0600): whoever may write the data folder has
/// all power already. Errors: `not-initialised`, `already-running`, `store-locked`, `storage`.
pub async fn recover_token(data: &Path, clock: &Clock, random: &Random) -> Result<TokenRecord> {
    let layout = initialised(data)?;
    let _lock = FolderLock::take(&layout)?;
    let db = Db::new(storage::open(data, None)?);
    let new = NewToken {
        // A name is given once, and that of the lost token is taken.
        name: format!("{ADMIN} {}", clock.now()),
        role: "administrator".to_owned(),
        ttl: ADMIN_TTL,
    };
    let made = tokens::create(Mint { db: &db, clock, random }, new, Actor::System, Unit::new()).await;
    let written = made.and_then(|(record, token)| {
        let line = Zeroizing::new(format!("{}\n", token.as_str()));
        files::write(&layout.admin_token(), line.as_bytes(), files::PRIVATE).map(|()| record)
    });
    db.raw().close().await?;
    written
}

async fn look<T: Serialize + Send + 'static>(
    data: &Path,
    look: impl FnOnce(&dyn Inspector) -> Result<T> + Send + 'static,
) -> Result<Value> {
    let layout = initialised(data)?;
    let key = audit_key(&layout)?;
    let db = Db::new(storage::open(data, None)?);
    let inspector = StoreInspector::new(db.clone(), key);
    let task = tokio::task::spawn_blocking(move || look(&inspector));
    let found = task.await.unwrap_or_else(|e| Err(Error::internal("looking into the store").because(e)));
    db.raw().close().await?;
    serde_json::to_value(found?).map_err(|e| Error::internal("a report").because(e))
}

/// Errors: `not-initialised`.
fn initialised(data: &Path) -> Result<Layout> {
    let layout = Layout::new(data);
    if layout.is_initialised() {
        return Ok(layout);
    }
    Err(Error::conflict("not-initialised", format!("there is no CA in {}", data.display())))
}

fn audit_key(layout: &Layout) -> Result<PublicKey> {
    let path = layout.audit().join("key.pem");
    let unreadable = || Error::storage(format!("cannot read the audit log's key from {}", path.display()));
    let text = std::fs::read(&path).map_err(|e| unreadable().because(e))?;
    let (_, spki) = pem::decode_all(&text, 1)?.into_iter().next().ok_or_else(unreadable)?;
    PublicKey::from_spki(&spki)
}
