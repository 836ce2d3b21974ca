//! The finder: where did these bytes stand before?
//!
//! Comparing with all of the last 32 KiB would be exact, and hopeless. So
//! every position goes into a hash table by its first four bytes, and each
//! entry leads to the one before it that had the same hash, a *chain*:
//!
//! ```text
//! buffer      a b c d x a b c d y a b c d
//! position    0         5        10
//!
//! heads[hash("abcd")] ─▶ 10 ── back[10] = 5 ─▶ 5 ── back[5] = 5 ─▶ 0
//! ```
//!
//! A second table, without chains, finds the last place with the same three
//! bytes: a copy of three is worth its bits only if it is close by.
//!
//! - A hash may collide, an entry may be older than the window, and a counter
//!   may have wrapped: the tables only propose. What is returned was compared.
//! - The work for one position is bounded by [`Effort::tries`].
//!
//! Left out: rolling hashes, trees of suffixes (libdeflate's and LZMA's
//! `bt_matchfinder`), which find the longest of many in less time.

use ch03_http::deflate::WINDOW;
use ch03_http::deflate::symbols::{LONGEST, SHORTEST};

/// What the buffer holds at the most: the window, what waits to become a
/// block, and what has just come. See `Deflater`.
pub const ROOM: usize = 6 * WINDOW;

/// Zeros behind the buffer, so that eight bytes can be read at any position.
const SLACK: usize = 8;

/// Places in the table of four bytes, and in that of three.
const HEADS: u32 = 15;
const NEAR_HEADS: u32 = 13;

/// A copy of three bytes from further away than this takes more bits than
/// three literals do, in most data.
const NEAR: usize = 4096;

/// How hard to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// How many places of a chain are compared.
    pub tries: u32,
    /// With a copy this long found, a better one is looked for with a
    /// quarter of the tries.
    pub good: usize,
    /// A copy this long is taken without looking whether the next position
    /// has a better one.
    pub lazy: usize,
    /// A copy this long ends the search.
    pub nice: usize,
}

/// Bytes from `distance` back, `length` of them; no bytes at all if nothing
/// was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Copy {
    /// 3 to 258, or 0.
    pub length: usize,
    /// 1 to 32768.
    pub distance: usize,
}

/// The buffer, and the tables that lead into it.
#[derive(Debug, Clone)]
pub struct Finder {
    bytes: Vec<u8>,
    end: usize,
    /// How many bytes have left the buffer, modulo 2³²; a multiple of 32 KiB.
    gone: u32,
    /// Up to here, positions are in the tables.
    entered: usize,
    /// The last position, counted from the stream's first byte, by hash.
    heads: Vec<u32>,
    near_heads: Vec<u32>,
    /// For each of the last 32 Ki positions, how far back the one before it
    /// in its chain is; 65535 if that is out of reach.
    back: Vec<u16>,
}

impl Default for Finder {
    fn default() -> Finder {
        Finder {
            bytes: vec![0; ROOM + SLACK],
            end: 0,
            gone: WINDOW as u32, // so that no position is 0
            entered: 0,
            heads: vec![0; 1 << HEADS],
            near_heads: vec![0; 1 << NEAR_HEADS],
            back: vec![0; WINDOW],
        }
    }
}

impl Finder {
    // given: a buffer that lets its beginning go
    /// The bytes that are here.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.end]
    }

    /// Appends what there is room for, and says how much that was.
    pub fn append(&mut self, input: &[u8]) -> usize {
        let count = input.len().min(ROOM - self.end);
        self.bytes[self.end..][..count].copy_from_slice(&input[..count]);
        self.end += count;
        count
    }

    /// Whether the buffer is so full that some of it should leave.
    pub fn is_crowded(&self) -> bool {
        self.end > ROOM - WINDOW
    }

    /// Lets the bytes before `keep` leave, in steps of 32 KiB, and says how
    /// many have left. The position that is compressed next must be at least
    /// a window behind `keep`.
    pub fn forget(&mut self, keep: usize) -> usize {
        let shift = keep / WINDOW * WINDOW;
        self.bytes.copy_within(shift..self.end, 0);
        self.end -= shift;
        self.entered = self.entered.saturating_sub(shift);
        self.gone = self.gone.wrapping_add(shift as u32);
        shift
    }

    /// Eight bytes as a number.
    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        match self.bytes[at..].first_chunk() {
            Some(bytes) => u64::from_le_bytes(*bytes),
            None => 0, // never: the slack is behind the last position
        }
    }
    // given end
}

impl Finder {
    // ANCHOR: enter
    /// Enters the position `at` into the tables, and says how far back the
    /// last ones with the same four and the same three bytes are.
    #[inline(always)]
    fn enter(&mut self, at: usize) -> (usize, usize) {
        let word = self.word(at) as u32;
        let here = self.gone.wrapping_add(at as u32);
        let far = &mut self.heads[hash(word, HEADS)];
        // 0 would be this very position, 4 GiB ago.
        let back = here.wrapping_sub(*far).wrapping_sub(1).saturating_add(1);
        *far = here;
        let near = &mut self.near_heads[hash(word << 8, NEAR_HEADS)];
        let near_back = here.wrapping_sub(*near);
        *near = here;
        self.back[at % WINDOW] = back.min(0xffff) as u16;
        (back as usize, near_back as usize)
    }
    // ANCHOR_END: enter

    /// Enters all positions before `at` that are not entered yet.
    fn catch_up(&mut self, at: usize) {
        while self.entered < at && self.entered + 4 <= self.end {
            self.enter(self.entered);
            self.entered += 1;
        }
    }
}

/// Multiplies, so that every bit of `word` has a say in the highest ones.
#[inline(always)]
fn hash(word: u32, bits: u32) -> usize {
    (word.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
}

impl Finder {
    // ANCHOR: find
    /// A copy for the bytes from `at` that is longer than `best`, or none. No
    /// position after `at` has been asked for yet.
    pub fn find(&mut self, at: usize, best: usize, effort: &Effort) -> Copy {
        let most = LONGEST.min(self.end - at);
        let mut found = Copy::default();
        self.catch_up(at);
        if most < 4 {
            return found;
        }
        let (mut distance, near) = self.enter(at);
        self.entered = at + 1;
        if best < SHORTEST {
            found = self.near(at, near, most);
        }
        let mut best = best.max(found.length).max(SHORTEST - 1);
        let mut tries = effort.tries;
        if best >= effort.good {
            tries /= 4;
        }
        let reach = at.min(WINDOW);
        while tries > 0 && distance <= reach && best < most {
            let then = at - distance;
            // The byte that would make it longer decides most cases.
            if self.bytes[then + best] == self.bytes[at + best]
                && self.word(then) as u32 == self.word(at) as u32
            {
                let length = self.same(at, distance, most);
                if length > best {
                    best = length;
                    found = Copy { length, distance };
                    if length >= effort.nice {
                        break;
                    }
                }
            }
            distance += usize::from(self.back[then % WINDOW]);
            tries -= 1;
        }
        found
    }
    // ANCHOR_END: find

    /// The copy from `distance` back, where the last three bytes with the same
    /// hash are, if they are the same and close by.
    fn near(&self, at: usize, distance: usize, most: usize) -> Copy {
        let is_near = (1..=at.min(NEAR)).contains(&distance);
        let length = match is_near {
            true => self.same(at, distance, most),
            false => 0,
        };
        match length >= SHORTEST {
            true => Copy { length, distance },
            false => Copy::default(),
        }
    }

    // ANCHOR: same
    /// How many bytes from `at` are the same as those `distance` before, at
    /// most `most`.
    #[inline(always)]
    fn same(&self, at: usize, distance: usize, most: usize) -> usize {
        let mut count = 0;
        while count < most {
            let differ =
                self.word(at + count) ^ self.word(at + count - distance);
            if differ != 0 {
                count += differ.trailing_zeros() as usize / 8;
                break;
            }
            count += 8;
        }
        count.min(most)
    }
    // ANCHOR_END: same
}
