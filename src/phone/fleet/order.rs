//! The order in which a fleet boots.

/// The same things in an order that looks random and is the same for the same seed: phones come as after a power cut, and the
/// run can be repeated.
pub fn shuffled<T>(mut things: Vec<T>, seed: u64) -> Vec<T> {
    let mut state = seed;
    for place in (1..things.len()).rev() {
        let other = next(&mut state) % (place as u64 + 1);
        things.swap(place, other as usize);
    }
    things
}

/// SplitMix64: a sequence of numbers, good enough for an order and for nothing secret.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_comes_again_with_its_seed_and_loses_nothing() {
        let all: Vec<u32> = (0..1000).collect();
        let one = shuffled(all.clone(), 7);
        assert_eq!(one, shuffled(all.clone(), 7));
        assert_ne!(one, shuffled(all.clone(), 8));
        assert_ne!(one, all);
        let mut sorted = one;
        sorted.sort_unstable();
        assert_eq!(sorted, all);
        assert_eq!(shuffled(Vec::<u32>::new(), 7), Vec::<u32>::new());
    }
}
