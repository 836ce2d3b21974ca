//! Where a generator's numbers come from, and the list of those it was given.
//!
//! Every number goes through `Gen::draw`, which writes it down. Handing the
//! list out again makes the same input; handing out a changed list makes
//! another input of the same generator.

use ch00_toolbox::rng::Rng;

/// The most choices that one input may draw. A generator that recurses
/// without an end meets zeros from here on, which end it.
const MAX_CHOICES: usize = 1 << 16;

// ANCHOR: gen
/// Where a generator gets its numbers from: a seed, or an earlier run's
/// choices.
pub struct Gen {
    /// What this run has drawn, as it was used.
    choices: Vec<u64>,
    /// Choices to hand out again; past their end come zeros.
    replay: Vec<u64>,
    /// The source of new choices; `None` while replaying.
    fresh: Option<Rng>,
}

impl Gen {
    /// A source of new choices.
    pub fn seeded(seed: u64) -> Gen {
        let fresh = Some(Rng::seeded(seed));
        Gen {
            choices: Vec::new(),
            replay: Vec::new(),
            fresh,
        }
    }

    /// A source that hands out `choices` again, cut down to what is asked
    /// for, and zeros after their end.
    pub fn replaying(choices: &[u64]) -> Gen {
        let replay = choices.to_vec();
        Gen {
            choices: Vec::new(),
            replay,
            fresh: None,
        }
    }
    // ANCHOR_END: gen

    // ANCHOR: draw
    /// A number in `0..=max`: the one way to the choice sequence.
    /// `propose` says what a fresh one is; its answer is cut down to `max`.
    fn draw(&mut self, max: u64, propose: impl Fn(&mut Rng) -> u64) -> u64 {
        let at = self.choices.len();
        if at >= MAX_CHOICES {
            return 0;
        }
        let choice = match &mut self.fresh {
            Some(rng) => propose(rng),
            None => self.replay.get(at).copied().unwrap_or(0),
        };
        self.choices.push(choice.min(max));
        choice.min(max)
    }
    // ANCHOR_END: draw

    // ANCHOR: ask
    /// A number in `0..=max`. Shrinks towards 0. One in four is an end of
    /// the range or close to it, where the bugs are.
    pub fn upto(&mut self, max: u64) -> u64 {
        self.draw(max, |rng| match rng.next_u64() % 8 {
            0 => rng.next_u64() % 3,
            1 => max - (rng.next_u64() % 3).min(max),
            _ if max == u64::MAX => rng.next_u64(),
            _ => rng.below(max + 1),
        })
    }

    /// A number in `low..=high`. Shrinks towards `low`.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "an empty range: {low}..={high}");
        low + self.upto(high - low)
    }

    /// Any `i64`. Shrinks towards 0, and to 3 rather than to -3.
    pub fn int(&mut self) -> i64 {
        let folded = self.upto(u64::MAX); // 0 1 2 3 4 → 0 -1 1 -2 2
        ((folded >> 1) as i64) ^ -((folded & 1) as i64)
    }
    // ANCHOR_END: ask

    /// A byte. Shrinks towards 0.
    pub fn byte(&mut self) -> u8 {
        self.upto(255) as u8
    }

    /// True once in `n` times, on average. Shrinks to false.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.draw(1, |rng| u64::from(rng.below(n.max(1)) == 0)) == 1
    }

    /// One of `items`. Shrinks towards the first.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        assert!(!items.is_empty(), "nothing to pick from");
        let last = items.len() as u64 - 1;
        &items[self.draw(last, |rng| rng.below(last + 1)) as usize]
    }

    // ANCHOR: vec
    /// Up to `max` values that `item` makes. Shrinks by losing items, then
    /// by shrinking them.
    pub fn vec<T>(
        &mut self,
        max: usize,
        mut item: impl FnMut(&mut Gen) -> T,
    ) -> Vec<T> {
        // How long a fresh one gets is decided here, and not written down:
        // the choices say only "one more" before each item, and "stop".
        let target = match &mut self.fresh {
            Some(rng) => {
                let few = max.min(8);
                let most = if rng.chance(0.5) { max } else { few };
                rng.below(most as u64 + 1)
            }
            None => 0,
        };
        let mut items = Vec::new();
        while items.len() < max {
            let more = u64::from((items.len() as u64) < target);
            if self.draw(1, |_| more) == 0 {
                break;
            }
            items.push(item(self));
        }
        items
    }
    // ANCHOR_END: vec

    /// Up to `max` bytes.
    pub fn bytes(&mut self, max: usize) -> Vec<u8> {
        self.vec(max, Gen::byte)
    }

    /// Up to `max` characters: letters, now and then a space, a control
    /// character, a quote, or one of several bytes. Shrinks towards `aaa…`.
    pub fn text(&mut self, max: usize) -> String {
        const RARE: [char; 10] =
            [' ', '\n', '\r', '\t', '\0', '"', '\\', 'é', '漢', '🦀'];
        let letter = |g: &mut Gen| match g.once_in(6) {
            true => *g.pick(&RARE),
            false => (b'a' + g.upto(25) as u8) as char,
        };
        self.vec(max, letter).into_iter().collect()
    }

    /// What was drawn, as it was used.
    pub fn into_choices(self) -> Vec<u64> {
        self.choices
    }
}
