//! Step 3: random numbers that can be had again.
//!
//! xoshiro256** by David Blackman and Sebastiano Vigna (2018): 256 bits of
//! state, a period of 2^256 - 1, four shifts and rotations per number. Its
//! state is filled from a 64-bit seed by SplitMix64, as its authors advise,
//! because it must not start with all zeros and starts badly with almost all.
//!
//! - **I1** The same seed gives the same numbers, on every machine, for ever:
//!   a seed printed by a failing test can be run again next year.
//! - **I2** The numbers are those of the published reference programs.
//! - **I3** `below(n)` gives each of 0..n equally often.
//!
//! **Not for secrets**: four outputs are enough to compute all that follow.
//! Keys, tokens and nonces come from the kernel (`getrandom`, /dev/urandom).
//!
//! Left out: `jump`, which moves a generator 2^128 numbers on, for parallel
//! streams ([`Rng::fork`] seeds a new one instead), and distributions other
//! than the uniform one.

use std::ops::Range;

/// SplitMix64: a counter that is mixed well. Every seed is a good seed.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

// ANCHOR: splitmix
impl SplitMix64 {
    /// A generator whose counter starts at `seed`.
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    /// The next number.
    pub fn next_u64(&mut self) -> u64 {
        // 2^64 divided by the golden ratio: odd, so that the counter visits
        // every value, and with bits enough to change many at each step.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}
// ANCHOR_END: splitmix

/// xoshiro256**.
#[derive(Debug, Clone)]
pub struct Rng {
    s: [u64; 4],
}

impl Rng {
    // ANCHOR: seeded
    /// The generator of a seed. Every seed will do, 0 too.
    pub fn seeded(seed: u64) -> Rng {
        let mut mix = SplitMix64::new(seed);
        Rng::from_state(std::array::from_fn(|_| mix.next_u64()))
    }
    // ANCHOR_END: seeded

    /// The generator in a given state.
    ///
    /// # Panics
    /// When the state is all zeros, from which only zeros follow.
    pub fn from_state(s: [u64; 4]) -> Rng {
        assert!(s != [0; 4], "the state of xoshiro256** must not be zero");
        Rng { s }
    }

    // ANCHOR: next
    /// The next number, all 64 bits of it.
    pub fn next_u64(&mut self) -> u64 {
        let s = &mut self.s;
        let result = s[1].wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }
    // ANCHOR_END: next

    // ANCHOR: below
    /// A number in `0..n`, each equally likely.
    ///
    /// Lemire's method (ACM TOMACS 29:1, 2019). The number x stands for the
    /// fraction x / 2^64; times n, its whole part is the result. Each result
    /// owns 2^64 / n of the x, but 2^64 is seldom a multiple of n: of the x
    /// whose remainder is below 2^64 mod n there is one too many, and they
    /// are thrown away.
    ///
    /// # Panics
    /// When `n` is 0: there is no number to give.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "below(0): there is no number below 0");
        let surplus = n.wrapping_neg() % n; // 2^64 mod n
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            let (whole, rest) = ((product >> 64) as u64, product as u64);
            if rest >= surplus {
                return whole;
            }
        }
    }
    // ANCHOR_END: below

    /// A number in the range, each equally likely.
    ///
    /// # Panics
    /// When the range is empty.
    pub fn range(&mut self, range: Range<u64>) -> u64 {
        assert!(range.start < range.end, "the range {range:?} is empty");
        range.start + self.below(range.end - range.start)
    }

    /// True with probability `p`: never at 0, always at 1.
    pub fn chance(&mut self, p: f64) -> bool {
        // The upper 53 bits as a fraction: as many as an f64 can tell apart.
        let unit = (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        unit < p
    }

    /// One of the items, or `None` if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            return None;
        }
        items.get(self.below(items.len() as u64) as usize)
    }

    // ANCHOR: shuffle
    /// Puts the items into an order, each order equally likely (Fisher and
    /// Yates, 1938).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last as u64 + 1) as usize);
        }
    }
    // ANCHOR_END: shuffle

    /// `n` bytes.
    pub fn bytes(&mut self, n: usize) -> Vec<u8> {
        let mut bytes = vec![0; n];
        self.fill(&mut bytes);
        bytes
    }

    /// Fills a buffer, eight bytes from each number, the low byte first.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let number = self.next_u64().to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
    }

    /// A second generator, seeded by this one: so that what one part of a
    /// test draws does not shift what another part gets.
    pub fn fork(&mut self) -> Rng {
        Rng::seeded(self.next_u64())
    }
}
