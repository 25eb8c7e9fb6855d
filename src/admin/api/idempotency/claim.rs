//! The claim of one request on its key.

use axum::response::Response;

use super::*;

/// A key that is to be reserved, or written together with what it is for.
pub struct Claim {
    record: IdempotencyRecord,
}

/// The claim of this request; none without an Idempotency-Key. `kept` is what a replay meets until it is settled.
pub fn claim(now: Timestamp, caller: &Caller, body: &Body, kept: Kept) -> Option<Claim> {
    let key = body.key.as_deref()?;
    let record = IdempotencyRecord {
        token: caller.token.id,
        key_hash: key_hash(key),
        request: request_mac(caller, body),
        kept,
        at: now,
        expires: now.plus(KEPT),
    };
    Some(Claim { record })
}

impl Claim {
    /// The MAC over the request.
    pub fn request(&self) -> [u8; 32] {
        self.record.request
    }

    /// What must be written together with the work: the key, absent until now. Nothing without a key, and nothing
    /// where the work is safe to do again. Errors: as [`super::once`].
    pub async fn alongside(claim: Option<&Self>, db: &Db) -> Answer<Unit> {
        let mut unit = Unit::new();
        let Some(claim) = claim else { return Ok(unit) };
        match db.get::<IdempotencyRecord>(&claim.record.key()).await? {
            None => {
                unit.insert(&claim.record)?;
            }
            Some(standing) if standing.value.expires <= claim.record.at => {
                unit.replace(&claim.record, standing.revision)?;
            }
            Some(standing) => {
                claim.same(&standing.value)?;
                match standing.value.kept {
                    Kept::Enrolment => {}
                    kept @ (Kept::Running | Kept::Answer { .. } | Kept::Secret) => {
                        replay(kept)?;
                    }
                }
            }
        }
        Ok(unit)
    }

    /// Reserves the key. Returns the earlier answer if there is one. Errors: as [`super::once`].
    pub(super) async fn reserve(&self, db: &Db) -> Answer<Option<Response>> {
        let mut unit = Unit::new();
        unit.insert(&self.record)?;
        match db.commit(unit).await {
            Ok(_) => Ok(None),
            Err(CommitError::Refused { standing: Some(standing), .. }) => {
                self.meet(db, Stored::open(&standing)?).await
            }
            Err(e) => Err(Error::from(e).into()),
        }
    }

    /// Keeps the answer of a success and frees the key after a refusal.
    pub(super) async fn settle(self, db: &Db, answer: Answer) -> Answer {
        let mut unit = Unit::new();
        let answer = match answer {
            Ok(response) => {
                let (response, kept) = keep(response).await?;
                unit.put(&IdempotencyRecord { kept, ..self.record }, When::Present)?;
                Ok(response)
            }
            Err(problem) => {
                unit.delete::<IdempotencyRecord>(&self.record.key(), When::Present);
                Err(problem)
            }
        };
        if let Err(e) = db.commit(unit).await {
            tracing::warn!(error = %Error::from(e), "an answer could not be kept for its Idempotency-Key");
        }
        answer
    }

    async fn meet(&self, db: &Db, standing: Stored<IdempotencyRecord>) -> Answer<Option<Response>> {
        let now = self.record.at;
        let expired = standing.value.expires <= now;
        let abandoned = standing.value.kept == Kept::Running && now.since(standing.value.at) >= ABANDONED;
        if !expired {
            self.same(&standing.value)?;
        }
        if expired || abandoned {
            let mut unit = Unit::new();
            unit.replace(&self.record, standing.revision)?;
            db.commit(unit).await.map_err(Error::from)?;
            return Ok(None);
        }
        Ok(Some(replay(standing.value.kept)?))
    }

    fn same(&self, standing: &IdempotencyRecord) -> Answer<()> {
        let same = subtle::ConstantTimeEq::ct_eq(&standing.request[..], &self.record.request[..]);
        if bool::from(same) { Ok(()) } else { Err(mismatch()) }
    }
}
