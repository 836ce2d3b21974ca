//! Data of many kinds, streams pushed in many ways.

#![allow(dead_code)] // each test uses a part

use ch00_toolbox::prop::Gen;
use ch00_toolbox::rng::Rng;
use ch03_http::deflate::Error;
use ch03_http::deflate::compress::{Deflater, Flush, Level};
use ch03_http::deflate::inflate::Inflater;

/// A few thousand bytes of some kind; now and then more than the buffers hold.
pub fn data(g: &mut Gen) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..g.range(1, 3) {
        let most = if g.once_in(100) { 200_000 } else { 3_000 };
        let length = g.upto(most) as usize;
        let mut rng = Rng::seeded(g.upto(1 << 32));
        let end = bytes.len() + length;
        match g.upto(6) {
            0 => bytes.resize(end, b'a'),
            1 => bytes.extend(rng.bytes(length)),
            2 => (0..length).for_each(|_| bytes.push(rng.below(3) as u8)),
            3 => {
                let period = rng.bytes(1 + g.upto(300) as usize);
                bytes.extend(period.iter().cycle().take(length));
            }
            4 => words(&mut bytes, end, &mut rng),
            5 => again(&mut bytes, end, &mut rng),
            _ => {
                let skewed = |rng: &mut Rng| rng.next_u64().trailing_zeros();
                (0..length).for_each(|_| bytes.push(skewed(&mut rng) as u8));
            }
        }
    }
    bytes
}

fn words(bytes: &mut Vec<u8>, end: usize, rng: &mut Rng) {
    while bytes.len() < end {
        let word = format!("word{} ", rng.below(200));
        bytes.extend(word.bytes());
    }
}

/// Copies of what there is, of every length and from every distance.
fn again(bytes: &mut Vec<u8>, end: usize, rng: &mut Rng) {
    bytes.push(rng.below(256) as u8);
    while bytes.len() < end {
        let from = rng.below(bytes.len() as u64) as usize;
        let length = 1 + rng.below(300) as usize;
        let to = bytes.len().min(from + length);
        bytes.extend_from_within(from..to);
        bytes.push(rng.below(256) as u8);
    }
}

/// Any level.
pub fn level(g: &mut Gen) -> Level {
    Level::new(g.upto(9) as u8).unwrap()
}

/// The whole stream of `bytes`.
pub fn deflate(bytes: &[u8], level: Level) -> Vec<u8> {
    let mut out = Vec::new();
    let mut deflater = Deflater::new(level);
    let end = deflater.push(bytes, Flush::Finish, &mut out, usize::MAX);
    assert!(end.done && end.read == bytes.len() && end.wrote == out.len());
    out
}

/// A way to cut: how many bytes the next call gets, and may give.
pub type Cuts = Vec<(usize, usize)>;

/// Any.
pub fn cuts(g: &mut Gen) -> Cuts {
    let most = *g.pick(&[1, 3, 20, 400, 70_000]);
    let cut = |g: &mut Gen| (g.upto(most) as usize, g.upto(most) as usize);
    g.vec(12, cut)
}

/// What comes out, whether the stream has ended, and how many bytes were
/// taken, when `bytes` are pulled in pieces of these sizes, again and again.
pub fn inflate(
    bytes: &[u8],
    most: u64,
    cuts: &Cuts,
) -> (Vec<u8>, Result<bool, Error>, usize) {
    let (mut inflater, mut out) = (Inflater::new(most), Vec::new());
    let (mut read, mut idle, mut given) = (0, 0, 0usize);
    let whole = [(usize::MAX, usize::MAX)];
    for (input, limit) in cuts.iter().chain(&whole).cycle() {
        // What was not taken is pushed again, with a few bytes more.
        given = bytes.len().min(read.max(given).saturating_add(*input));
        let before = out.len();
        let pulled = inflater.pull(&bytes[read..given], &mut out, *limit);
        assert!(out.len() - before <= *limit, "over the limit");
        match pulled {
            Err(error) => return (out, Err(error), read),
            Ok(progress) => {
                read += progress.read;
                assert_eq!(progress.wrote, out.len() - before);
                if progress.done {
                    return (out, Ok(true), read);
                }
                let moved = progress.read + progress.wrote > 0;
                idle = if moved { 0 } else { idle + 1 };
            }
        }
        if idle > 2 * cuts.len() + 4 && read == bytes.len() {
            return (out, Ok(false), read);
        }
        assert!(idle < 1000, "stuck at {read} of {}", bytes.len());
    }
    unreachable!("a cycle does not end")
}
