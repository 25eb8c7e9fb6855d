//! Which step a certificate is at: pure arithmetic.
//!
//! A look every `every` finds a certificate when at most `step` days and `every` are left, so that it is told no later
//! than `step` days before.

use std::time::Duration;

use crate::clock::Timestamp;

/// What expires within a step, and not within the next: `from <= not_after < until`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) step: u16,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// The windows of all steps (most days first) at `now`. The last begins where the look before ended (`covered`), so
/// that what expired meanwhile is told too, and else now.
pub(super) fn windows(
    steps: &[u16],
    every: Duration,
    now: Timestamp,
    covered: impl Fn(u16) -> Option<Timestamp>,
) -> Vec<Window> {
    let edge = |step: u16| now.plus(days(step)).plus(every);
    let windows = steps.iter().enumerate().map(|(place, step)| {
        let lower = match steps.get(place + 1) {
            Some(next) => covered(*step).map_or_else(|| edge(*next), |at| at.max(edge(*next))),
            None => covered(*step).unwrap_or(now),
        };
        Window { step: *step, from: lower, until: edge(*step) }
    });
    windows.filter(|window| window.from < window.until).collect()
}

/// The step (most days first) that a certificate is at; none if it is at none yet, or expired.
pub(super) fn current(steps: &[u16], every: Duration, now: Timestamp, not_after: Timestamp) -> Option<u16> {
    let left = |step: u16| not_after < now.plus(days(step)).plus(every);
    steps.iter().rev().copied().find(|step| left(*step)).filter(|_| not_after >= now)
}

/// Whether a step counts for a certificate: one of more than a quarter of its life says nothing, since its renewal
/// (at two thirds) is not late by then.
pub(super) fn counts(step: u16, not_before: Timestamp, not_after: Timestamp) -> bool {
    days(step) * 4 <= not_after.since(not_before)
}

fn days(count: u16) -> Duration {
    Duration::from_hours(24 * u64::from(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_hours(24);
    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);
    const STEPS: [u16; 3] = [30, 7, 1];

    fn day(count: u32) -> Timestamp {
        NOW.plus(DAY * count)
    }

    fn seen(covered: impl Fn(u16) -> Option<Timestamp>) -> Vec<(u16, u64, u64)> {
        let days = |at: Timestamp| at.since(NOW).as_secs() / 86_400;
        let windows = windows(&STEPS, DAY, NOW, covered);
        windows.iter().map(|w| (w.step, days(w.from), days(w.until))).collect()
    }

    #[test]
    fn the_first_look_sees_everything_once_by_the_step_it_is_at() {
        assert_eq!(seen(|_| None), [(30, 8, 31), (7, 2, 8), (1, 0, 2)]);
    }

    #[test]
    fn the_next_look_sees_what_came_into_a_window_since() {
        // Looked a day ago.
        assert_eq!(seen(|step| Some(day(u32::from(step)))), [(30, 30, 31), (7, 7, 8), (1, 1, 2)]);
        // At this very time.
        assert_eq!(seen(|step| Some(day(u32::from(step) + 1))), []);
    }

    #[test]
    fn after_a_long_stop_nothing_is_seen_at_two_steps_and_what_expired_is_seen() {
        // Looked ten days ago.
        let before = |step: u16| Some(day(u32::from(step) + 1).minus(DAY * 10));
        let windows = windows(&STEPS, DAY, NOW, before);
        assert_eq!(windows[2].from, NOW.minus(DAY * 8));
        assert_eq!(seen(before)[..2], [(30, 21, 31), (7, 2, 8)]);
        assert!(windows.windows(2).all(|pair| pair[1].until <= pair[0].from));
    }

    #[test]
    fn a_certificate_is_at_its_smallest_step() {
        let at = |left| current(&STEPS, DAY, NOW, day(left));
        assert_eq!(
            [at(32), at(30), at(8), at(7), at(1), at(0)],
            [None, Some(30), Some(30), Some(7), Some(1), Some(1)]
        );
        assert_eq!(current(&STEPS, DAY, NOW, NOW.minus(DAY)), None);
        assert_eq!(current(&[], DAY, NOW, day(1)), None);
    }

    #[test]
    fn a_step_of_more_than_a_quarter_of_the_life_is_left_out() {
        assert!(counts(30, NOW, day(120)) && !counts(30, NOW, day(119)));
        assert!(!counts(1, NOW, day(3)));
    }
}
