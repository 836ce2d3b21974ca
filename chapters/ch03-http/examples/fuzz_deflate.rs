//! Looks for a stream that the decoder gets wrong: data of many kinds, packed,
//! damaged, cut, and held against a decoder that is too plain to be wrong in
//! the same way.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ch00_toolbox::args::{Command, Opt, Stop, fail, usage};
use ch00_toolbox::prop::Gen;
use ch03_http::{gzip, zlib};

#[path = "../tests/kinds/mod.rs"]
mod kinds;
#[path = "../tests/naive/mod.rs"]
mod naive;

const COMMAND: Command = Command {
    name: "fuzz_deflate",
    about: "Packs, damages and unpacks, until something is wrong.",
    operands: "",
    options: &[
        Opt {
            name: "seconds",
            value: Some("N"),
            default: Some("10"),
            help: "for how long",
        },
        Opt {
            name: "seed",
            value: Some("N"),
            default: Some("1"),
            help: "the first case's; the next one's is one more",
        },
    ],
    try_it: "fuzz_deflate --seconds 60",
};

/// Most bytes that a damaged stream may give.
const MOST: u64 = 100_000;

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let options = || -> Result<(u64, u64), Stop> {
        Ok((parsed.value("seconds")?, parsed.value("seed")?))
    };
    let (seconds, first) = match options() {
        Ok(options) => options,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut counts = [0u64; 3];
    let mut seed = first;
    while Instant::now() < end {
        match case(&mut Gen::seeded(seed)) {
            Ok(kind) => counts[kind] += 1,
            Err(why) => {
                return fail(COMMAND.name, format_args!("seed {seed}: {why}"));
            }
        }
        seed = seed.wrapping_add(1);
    }
    let [right, wrong, cut] = counts;
    println!("{right} right, {wrong} wrong, {cut} cut, all as expected");
    ExitCode::SUCCESS
}

/// One case; 0 if its stream was right, 1 if it was wrong, 2 if it was cut.
fn case(g: &mut Gen) -> Result<usize, String> {
    let (bytes, level, cuts) =
        (kinds::data(g), kinds::level(g), kinds::cuts(g));
    let mut packed = kinds::deflate(&bytes, level);
    let (plain, end, read) = kinds::inflate(&packed, u64::MAX, &cuts);
    if plain != bytes || end != Ok(true) || read != packed.len() {
        return Err(format!("a round trip: {end:?} after {read}"));
    }
    damage(g, &mut packed);
    let whole = kinds::inflate(&packed, MOST, &vec![]);
    if kinds::inflate(&packed, MOST, &cuts).0 != whole.0 {
        return Err("in pieces it is something else".into());
    }
    let (plain, end) = naive::inflate(&packed, MOST as usize);
    let kind = match end {
        naive::End::Done(read) if whole.1 == Ok(true) && whole.2 == read => 0,
        naive::End::Wrong | naive::End::Long if whole.1.is_err() => 1,
        naive::End::Cut if whole.1 == Ok(false) => 2,
        end => return Err(format!("naive {end:?}, got {:?}", whole.1)),
    };
    if whole.0 != plain[..plain.len().min(MOST as usize)] {
        return Err(format!("{end:?}, but other bytes before it"));
    }
    let mut out = Vec::new();
    let _ = gzip::Decoder::new(MOST).pull(&packed, &mut out, usize::MAX);
    let _ = zlib::Decoder::new(MOST).pull(&packed, &mut out, usize::MAX);
    match out.len() as u64 <= 2 * MOST {
        true => Ok(kind),
        false => Err("more than may come out".into()),
    }
}

/// Flips bits, mostly early ones, where the codes are; or makes up a head.
fn damage(g: &mut Gen, packed: &mut Vec<u8>) {
    packed.truncate(4_000);
    let most = if g.once_in(2) {
        100
    } else {
        packed.len() as u64
    };
    for _ in 0..g.upto(4) {
        let at = g.upto(most).min(packed.len() as u64 - 1) as usize;
        packed[at] ^= 1 << g.upto(7);
    }
    if g.once_in(8) {
        let head = g.bytes(90);
        packed.splice(..head.len().min(packed.len()), head);
    }
    if g.once_in(8) {
        packed.truncate(g.upto(packed.len() as u64) as usize);
    }
}
