//! Exercise: a bug hunt. Four shuffles, all of which give every item back
//! and look well mixed. One is fair: each of the n! orders comes equally
//! often. Write the test that lets it pass and catches the others.

use ch00_toolbox::rng::Rng;

/// Puts the items into some order.
pub type Shuffle = fn(&mut Rng, &mut [u8]);

/// Calls the shuffle as often as it likes, and judges it.
///
/// A fair one must pass for every seed that is tried here, so leave chance
/// some room: a count that should be 1000 is off by more than 160 (five
/// standard deviations) about once in a million and a half times.
///
/// # Errors
/// What is unfair about it, with numbers.
pub fn hunt(shuffle: Shuffle, rng: &mut Rng) -> Result<(), String> {
    // begin: count each order, and compare with its share
    use std::collections::BTreeMap;

    const EACH: u32 = 1000;
    // Three items have few orders, and every one of them can be counted.
    // With four as well, a fault that spares one size has less room.
    for (items, orders) in [(&[0, 1, 2][..], 6), (&[0, 1, 2, 3], 24)] {
        let mut count = BTreeMap::new();
        for _ in 0..orders * EACH {
            let mut items = items.to_vec();
            shuffle(rng, &mut items);
            *count.entry(items).or_insert(0_u32) += 1;
        }
        if count.len() != orders as usize {
            let n = count.len();
            return Err(format!("{n} orders came of {orders}: {count:?}"));
        }
        for (order, n) in count {
            if n.abs_diff(EACH) > 200 {
                return Err(format!("{order:?} came {n} times, not {EACH}"));
            }
        }
    }
    Ok(())
    // end
}
