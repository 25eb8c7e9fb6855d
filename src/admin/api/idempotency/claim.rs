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

    /// Reserves the key. Returns the earlier answer if there is one. Errors: as [`super::once`].
    pub async fn reserve(&self, db: &Db) -> Answer<Option<Response>> {
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

    /// A unit that writes the key together with what it is for; item 0 is the key.
    pub fn unit(claim: Option<&Self>) -> Result<Unit> {
        let mut unit = Unit::new();
        if let Some(claim) = claim {
            unit.insert(&claim.record)?;
        }
        Ok(unit)
    }

    /// Refuses a key that was used before. Errors: as [`super::once`].
    pub async fn refuse_replay(claim: Option<&Self>, db: &Db) -> Answer<()> {
        let Some(claim) = claim else { return Ok(()) };
        let key = IdempotencyRecord::key_of(&claim.record.token, &claim.record.key_hash);
        let Some(standing) = db.get::<IdempotencyRecord>(&key).await? else { return Ok(()) };
        if standing.value.expires > claim.record.at {
            claim.same(&standing.value)?;
            return Err(replay(Kept::Secret).err().map_or_else(mismatch, Problem::from));
        }
        let mut unit = Unit::new();
        unit.delete::<IdempotencyRecord>(&key, When::Revision(standing.revision));
        Ok(db.commit(unit).await.map(|_| ()).map_err(Error::from)?)
    }

    /// Keeps the answer of a success and frees the key after a refusal.
    pub async fn settle(self, db: &Db, answer: Answer) -> Answer {
        let mut unit = Unit::new();
        let answer = match answer {
            Ok(response) => {
                let (response, kept) = keep(response).await?;
                unit.put(&IdempotencyRecord { kept, ..self.record }, When::Present)?;
                Ok(response)
            }
            Err(problem) => {
                let key = IdempotencyRecord::key_of(&self.record.token, &self.record.key_hash);
                unit.delete::<IdempotencyRecord>(&key, When::Always);
                Err(problem)
            }
        };
        if let Err(e) = db.commit(unit).await {
            tracing::warn!(error = %Error::from(e), "an answer could not be kept for its Idempotency-Key");
        }
        answer
    }

    /// Frees the key.
    pub async fn free(&self, db: &Db) {
        let mut unit = Unit::new();
        let key = IdempotencyRecord::key_of(&self.record.token, &self.record.key_hash);
        unit.delete::<IdempotencyRecord>(&key, When::Always);
        if let Err(e) = db.commit(unit).await {
            tracing::warn!(error = %Error::from(e), "an Idempotency-Key could not be freed");
        }
    }

    async fn meet(&self, db: &Db, standing: Stored<IdempotencyRecord>) -> Answer<Option<Response>> {
        let now = self.record.at;
        let abandoned = standing.value.kept == Kept::Running && now.since(standing.value.at) >= ABANDONED;
        if standing.value.expires <= now || (abandoned && self.same(&standing.value).is_ok()) {
            let mut unit = Unit::new();
            unit.replace(&self.record, standing.revision)?;
            db.commit(unit).await.map_err(Error::from)?;
            return Ok(None);
        }
        self.same(&standing.value)?;
        match standing.value.kept {
            Kept::Enrolment => Ok(None),
            kept => Ok(Some(replay(kept)?)),
        }
    }

    fn same(&self, standing: &IdempotencyRecord) -> Answer<()> {
        let same = subtle::ConstantTimeEq::ct_eq(&standing.request[..], &self.record.request[..]);
        if bool::from(same) { Ok(()) } else { Err(mismatch()) }
    }
}
