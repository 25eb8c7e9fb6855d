//! One-time challenge passwords, bound to identity and profile.

use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::audit::{Actor, Event};
use crate::ca::profile::{Approval, ChallengeSource, Profile, ProfileSet};
use crate::enrol::Desk;
use crate::enrol::records::ChallengeRecord;
use crate::error::{Error, Result};
use crate::id::{ProfileId, RecordId};
use crate::random::Random;
use crate::store::{Unit, When};
use crate::x509::name::Name;
use crate::x509::san::San;

mod spend;

pub use spend::expire_all;

const MAX_TTL: Duration = Duration::from_secs(30 * 86_400);

/// Thirty-two characters that nobody confuses: no 0, 1, l, o.
const ALPHABET: &[u8; 32] = b"23456789abcdefghijkmnpqrstuvwxyz";
/// 26 characters of 5 bits: 130 bits.
const LENGTH: usize = 26;

/// What a challenge is for.
#[derive(Clone, Debug)]
pub struct NewChallenge {
    /// By which profile it may be used.
    pub profile: ProfileId,
    /// The subject it may be used for (RFC 5280 §7.1).
    pub subject: Name,
    /// The alternative names it may be used for, as a set.
    pub sans: Vec<San>,
    /// How long it lives, at most 30 days.
    pub ttl: Duration,
}

/// Makes a challenge: 130 random bits in a readable alphabet, returned once and stored hashed.
/// Errors: `not-found` (no such profile), `profile-disabled`, `no-challenges` (the profile takes none),
/// `out-of-range` (ttl), `bad-identity` (what the profile would not certify).
pub async fn create(
    desk: &Desk,
    new: NewChallenge,
    actor: Actor,
) -> Result<(ChallengeRecord, Zeroizing<String>)> {
    create_with(desk, new, actor, Unit::new()).await
}

/// As [`create`], writing `alongside` in the same commit. Errors: as there, and `state-conflict` if a condition of
/// `alongside` does not hold.
pub async fn create_with(
    desk: &Desk,
    new: NewChallenge,
    actor: Actor,
    alongside: Unit,
) -> Result<(ChallengeRecord, Zeroizing<String>)> {
    let profiles = desk.profiles.current();
    let mut unit = alongside;
    let made = add(desk, &profiles, new, &actor, &mut unit)?;
    desk.authority.db.commit(unit).await?;
    Ok(made)
}

/// Makes challenges, all in one commit or none of them, writing `alongside` too. Returns them in their order.
/// Errors: every fault found with the place of its item, as [`create`] has them.
pub async fn create_batch(
    desk: &Desk,
    all: Vec<NewChallenge>,
    actor: Actor,
    alongside: Unit,
) -> Result<Vec<(ChallengeRecord, Zeroizing<String>)>, Vec<(usize, Error)>> {
    let profiles = desk.profiles.current();
    let (mut made, mut faults, mut unit) = (Vec::with_capacity(all.len()), Vec::new(), alongside);
    for (place, new) in all.into_iter().enumerate() {
        match add(desk, &profiles, new, &actor, &mut unit) {
            Ok(challenge) => made.push(challenge),
            Err(fault) => faults.push((place, fault)),
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    desk.authority.db.commit(unit).await.map_err(|e| vec![(0, e.into())])?;
    Ok(made)
}

/// What [`create`] would refuse a challenge for, changing nothing. Errors: as there.
pub fn check(desk: &Desk, new: &NewChallenge) -> Result<()> {
    hold(desk.profiles.current().require(&new.profile).map_err(|e| e.at("/profile"))?, new)
}

/// Adds a challenge and its event to a unit.
fn add(
    desk: &Desk,
    profiles: &ProfileSet,
    new: NewChallenge,
    actor: &Actor,
    unit: &mut Unit,
) -> Result<(ChallengeRecord, Zeroizing<String>)> {
    let authority = &desk.authority;
    let now = authority.clock.now();
    hold(profiles.require(&new.profile).map_err(|e| e.at("/profile"))?, &new)?;
    let secret = secret(&authority.random)?;
    let record = ChallengeRecord {
        id: RecordId::new(now, &authority.random)?,
        secret_hash: hash(&secret),
        profile: new.profile,
        subject: new.subject,
        sans: new.sans,
        expires: now.plus(new.ttl),
        created_by: actor.to_string(),
        used_for: None,
    };
    unit.insert(&record)?;
    unit.event(
        Event::new(now, actor.clone(), "challenge.create", format!("challenge:{}", record.id))
            .with("profile", &record.profile)
            .with("subject", &record.subject)
            .with("expires", record.expires),
    );
    Ok((record, secret))
}

/// Withdraws an unused challenge. Errors: `not-found`, `state-conflict` if it was used.
pub async fn withdraw(desk: &Desk, id: RecordId, actor: Actor) -> Result<()> {
    let authority = &desk.authority;
    let stored = authority.db.require::<ChallengeRecord>(id.as_bytes(), id).await?;
    if stored.value.used_for.is_some() {
        return Err(Error::conflict("state-conflict", "the challenge was used already"));
    }
    let mut unit = Unit::new();
    unit.delete::<ChallengeRecord>(id.as_bytes(), When::Revision(stored.revision));
    unit.event(
        Event::new(authority.clock.now(), actor, "challenge.withdraw", format!("challenge:{id}"))
            .with("profile", &stored.value.profile)
            .with("subject", &stored.value.subject),
    );
    authority.db.commit(unit).await?;
    Ok(())
}

/// The hash by which a challenge is stored and found.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn hold(profile: &Profile, new: &NewChallenge) -> Result<()> {
    if !profile.is_enabled() {
        return Err(Error::invalid("profile-disabled", "the profile is switched off").at("/profile"));
    }
    if profile.approval() != Approval::Challenge {
        let text = format!("{} cannot be enrolled by challenge", profile.id());
        return Err(Error::invalid("no-challenges", text).at("/profile"));
    }
    if *profile.challenge_source() != ChallengeSource::OneTime {
        let source = profile.challenge_source().as_str();
        let text = format!("the challenges of {} come from another source: {source}", profile.id());
        return Err(Error::invalid("no-challenges", text).at("/profile"));
    }
    if new.ttl < Duration::from_secs(1) || new.ttl > MAX_TTL {
        return Err(Error::invalid("out-of-range", "a challenge lives from 1 second to 30 days").at("/ttl"));
    }
    let unfit = |field| move |e: Error| Error::invalid("bad-identity", e.detail().to_owned()).at(field);
    let subject = profile.subject_for(&new.subject).map_err(unfit("/subject"))?;
    profile.sans_for(&subject, &new.sans).map_err(unfit("/sans"))?;
    Ok(())
}

/// Five groups, as `k7mw2-…`.
fn secret(random: &Random) -> Result<Zeroizing<String>> {
    let bytes: Zeroizing<[u8; LENGTH]> = Zeroizing::new(random.bytes()?);
    let mut text = Zeroizing::new(String::with_capacity(LENGTH + 4));
    for (place, byte) in bytes.iter().enumerate() {
        if place % 5 == 0 && (5..=20).contains(&place) {
            text.push('-');
        }
        text.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_readable_and_differ() {
        let random = Random::system();
        let (one, two) = (secret(&random).unwrap(), secret(&random).unwrap());
        assert_ne!(one, two);
        let groups: Vec<usize> = one.split('-').map(str::len).collect();
        assert_eq!(groups, [5, 5, 5, 5, 6]);
        assert!(one.bytes().all(|b| b == b'-' || ALPHABET.contains(&b)));
        assert!(!one.contains(['0', '1', 'l', 'o']));
    }
}
