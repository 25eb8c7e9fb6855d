//! The vault's own file: the master key, wrapped under the security password.
//!
//! `SGNVAULT`, format 1, argon2id memory (KiB), passes and lanes (32 bits each, big-endian), salt (16), nonce (12),
//! the master key under AES-256-GCM with all before the nonce as additional data (32 + 16), SHA-256 (32).

use zeroize::Zeroizing;

use super::frame::{KEY_LEN, SealingKey, damaged, undamaged};
use super::password::{Cost, SALT_LEN, derive};
use crate::error::{Error, Kind, Result};
use crate::random::Random;

/// Its name in the folder of the keys.
pub const NAME: &str = "vault";

const MAGIC: &[u8; 9] = b"SGNVAULT\x01";
const HEADER_LEN: usize = MAGIC.len() + 3 * 4 + SALT_LEN;

/// The file that holds `master` under `password`.
pub fn encode(master: &[u8; KEY_LEN], password: &str, cost: Cost, random: &Random) -> Result<Vec<u8>> {
    let salt: [u8; SALT_LEN] = random.bytes()?;
    let mut header = Vec::with_capacity(HEADER_LEN);
    header.extend_from_slice(MAGIC);
    for number in [cost.memory, cost.passes, cost.lanes] {
        header.extend_from_slice(&number.to_be_bytes());
    }
    header.extend_from_slice(&salt);
    SealingKey::new(&*derive(password, &salt, cost)?)?.seal(&header, master, random)
}

/// The master key in `file` and the cost of its password.
/// Errors: `damaged-file`, `wrong-password`, `invalid-password`.
pub fn decode(file: &[u8], password: &str) -> Result<(Zeroizing<[u8; KEY_LEN]>, Cost)> {
    let bytes = undamaged(file).ok_or_else(|| damaged(NAME, "its digest does not hold"))?;
    let (header, body) =
        bytes.split_at_checked(HEADER_LEN).ok_or_else(|| damaged(NAME, "it is too short"))?;
    let (cost, salt) = read_header(header).ok_or_else(|| damaged(NAME, "its header is not one we write"))?;
    if !cost.is_bearable() {
        return Err(damaged(NAME, "its argon2 parameters are out of bounds"));
    }
    let master = SealingKey::new(&*derive(password, &salt, cost)?)?
        .open(header, body)
        .ok_or_else(|| Error::new(Kind::Unauthenticated, "wrong-password", WRONG_PASSWORD))?;
    let mut key = Zeroizing::new([0; KEY_LEN]);
    if master.len() != KEY_LEN {
        return Err(damaged(NAME, "its key has another length"));
    }
    key.copy_from_slice(&master);
    Ok((key, cost))
}

const WRONG_PASSWORD: &str = "the security password is not the one that this data folder was made with";

fn read_header(header: &[u8]) -> Option<(Cost, [u8; SALT_LEN])> {
    let rest = header.strip_prefix(MAGIC)?;
    let (memory, rest) = rest.split_first_chunk()?;
    let (passes, rest) = rest.split_first_chunk()?;
    let (lanes, salt) = rest.split_first_chunk()?;
    let cost = Cost {
        memory: u32::from_be_bytes(*memory),
        passes: u32::from_be_bytes(*passes),
        lanes: u32::from_be_bytes(*lanes),
    };
    Some((cost, salt.try_into().ok()?))
}
