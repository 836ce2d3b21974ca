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
    todo!("ex_shuffle: count each order, and compare with its share")
}
