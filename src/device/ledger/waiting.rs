//! The notes of a device that wait to be written: few, and what it told stays longest.

use super::note::{Note, What};
use super::records::LedgerRecord;
use crate::clock::Timestamp;

/// So many notes of a device wait at the most.
pub(super) const NOTES: usize = 16;

/// What waits, oldest first.
#[derive(Debug, Default)]
pub(super) struct Notes(Vec<Waits>);

#[derive(Debug)]
struct Waits {
    at: Timestamp,
    note: Note,
    /// How often the same was fetched.
    times: u32,
}

impl Notes {
    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a note. What is fetched again, and the next question to TVS, take the place of the one before.
    pub(super) fn add(&mut self, at: Timestamp, note: Note) {
        self.push(Waits { at, note, times: 1 });
    }

    /// Adds notes that are newer.
    pub(super) fn append(&mut self, newer: Self) {
        newer.0.into_iter().for_each(|waits| self.push(waits));
    }

    /// Has a record take up all that waits.
    pub(super) fn apply(&self, record: &mut LedgerRecord) {
        self.0.iter().for_each(|waits| record.apply_often(waits.at, &waits.note, waits.times));
    }

    fn push(&mut self, mut waits: Waits) {
        if let Some(place) = self.replaced(&waits.note) {
            waits.times = waits.times.saturating_add(self.0.remove(place).times);
        }
        self.0.push(waits);
        if self.0.len() > NOTES {
            let least = (0..self.0.len()).min_by_key(|place| weight(&self.0[*place].note));
            least.map(|place| self.0.remove(place));
        }
    }

    /// What was fetched before an alarm stays before it: the alarm speaks of it.
    fn replaced(&self, note: &Note) -> Option<usize> {
        let told = self.0.iter().rposition(|waits| matches!(waits.note, Note::Alarm { .. }));
        let since = told.map_or(0, |place| place + 1);
        match note {
            Note::Fetched { what, .. } => {
                let same = |waits: &Waits| matches!(&waits.note, Note::Fetched { what: w, .. } if w == what);
                self.0[since..].iter().position(same).map(|place| place + since)
            }
            Note::AskedTvs { .. } => {
                self.0.iter().position(|waits| matches!(waits.note, Note::AskedTvs { .. }))
            }
            Note::Alarm { .. } => None,
        }
    }
}

/// The lightest goes first, of equal ones the oldest.
fn weight(note: &Note) -> u8 {
    match note {
        Note::Fetched { what: What::File(_), .. } => 0,
        Note::Fetched { what: What::List(_), .. } | Note::AskedTvs { .. } => 1,
        Note::Alarm { .. } => 2,
    }
}
