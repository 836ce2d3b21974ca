//! How fast, and how small: the compressor and the decoder on four kinds of
//! data, made from a seed, or on files.

use std::fs;
use std::process::ExitCode;
use std::time::Instant;

use ch00_toolbox::args::{Command, Opt, Stop, fail, usage};
use ch00_toolbox::rng::Rng;
use ch03_http::deflate::compress::{Deflater, Flush, Level};
use ch03_http::deflate::inflate::Inflater;

const COMMAND: Command = Command {
    name: "gzip_speed",
    about: "Measures the compressor and the decoder, in MB/s of plain bytes.",
    operands: "[FILE...]",
    options: &[
        Opt {
            name: "rounds",
            value: Some("N"),
            default: Some("5"),
            help: "the best of so many counts",
        },
        Opt {
            name: "dump",
            value: Some("FOLDER"),
            default: None,
            help: "write the data there instead, to time others with it",
        },
    ],
    try_it: "gzip_speed book/introduction.md",
};

/// Makes one kind of data.
type Make = fn(&mut Rng) -> Vec<u8>;

/// Bytes of each kind.
const SIZE: usize = 4 << 20;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(Wrong::Usage(stop)) => usage(COMMAND.name, stop),
        Err(Wrong::File(text)) => fail(COMMAND.name, text),
    }
}

enum Wrong {
    Usage(Stop),
    File(String),
}

fn run() -> Result<(), Wrong> {
    let parsed = COMMAND.from_env();
    let rounds: u32 = parsed.value("rounds").map_err(Wrong::Usage)?;
    let mut all = Vec::new();
    for name in parsed.operands() {
        let read = fs::read(name);
        let bytes = read.map_err(|e| Wrong::File(format!("{name}: {e}")))?;
        all.push((name.clone(), bytes));
    }
    if all.is_empty() {
        let kinds: [(&str, Make); 4] = [
            ("text", text),
            ("json", json),
            ("binary", binary),
            ("noise", noise),
        ];
        for (name, make) in kinds {
            all.push((name.to_owned(), make(&mut Rng::seeded(1))));
        }
    }
    if let Some(folder) = parsed.text("dump") {
        for (name, bytes) in all {
            let path = format!("{folder}/{name}");
            let wrote = fs::write(&path, bytes);
            wrote.map_err(|e| Wrong::File(format!("{path}: {e}")))?;
        }
        return Ok(());
    }
    println!("data    level   ratio   compress   decompress (MB/s)");
    for (name, bytes) in &all {
        for level in [1, 6, 9] {
            measure(name, bytes, level, rounds);
        }
    }
    Ok(())
}

fn measure(name: &str, bytes: &[u8], level: u8, rounds: u32) {
    let level = Level::new(level).unwrap_or(Level::DEFAULT);
    let (mut packed, mut plain) = (Vec::new(), Vec::new());
    let (mut in_s, mut out_s) = (f64::MAX, f64::MAX);
    for _ in 0..rounds {
        packed.clear();
        plain.clear();
        let start = Instant::now();
        let mut deflater = Deflater::new(level);
        deflater.push(bytes, Flush::Finish, &mut packed, usize::MAX);
        in_s = in_s.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        let mut inflater = Inflater::new(u64::MAX);
        let end = inflater.pull(&packed, &mut plain, usize::MAX);
        out_s = out_s.min(start.elapsed().as_secs_f64());
        assert!(end.is_ok_and(|end| end.done) && plain == bytes, "{name}");
    }
    let mb = bytes.len() as f64 / 1e6;
    println!(
        "{name:8} {:>4} {:>7.3} {:>10.1} {:>12.1}",
        level.number(),
        bytes.len() as f64 / packed.len() as f64,
        mb / in_s,
        mb / out_s,
    );
}

/// Words by Zipf's law, in sentences.
fn text(rng: &mut Rng) -> Vec<u8> {
    let words: Vec<Vec<u8>> = (0..8000)
        .map(|_| {
            let length = 2 + rng.below(9);
            let letter = |_| rng.pick(b"eeetttaaooiinsshrdlcumwfgypbvk");
            (0..length).filter_map(letter).copied().collect()
        })
        .collect();
    let mut bytes = Vec::new();
    while bytes.len() < SIZE {
        let rank =
            8000f64.powf(rng.below(1 << 20) as f64 / (1u64 << 20) as f64);
        bytes.extend(&words[rank as usize % words.len()]);
        let end: &[u8] = match rng.below(14) {
            0 => b". ",
            1 => b", ",
            2 => b".\n",
            _ => b" ",
        };
        bytes.extend(end);
    }
    bytes
}

/// Records as an API gives them.
fn json(rng: &mut Rng) -> Vec<u8> {
    let mut text = String::from("[");
    while text.len() < SIZE {
        let kind =
            ["login", "view", "purchase", "logout"][rng.below(4) as usize];
        text.push_str(&format!(
            "{{\"id\":{},\"type\":\"{kind}\",\"user\":\"user{}\",\
             \"time\":\"2026-{:02}-{:02}T{:02}:{:02}:{:02}Z\",\
             \"price\":{}.{:02},\"tags\":[\"a{}\",\"b{}\"],\"ok\":{}}},\n",
            rng.below(1 << 32),
            rng.below(5000),
            1 + rng.below(12),
            1 + rng.below(28),
            rng.below(24),
            rng.below(60),
            rng.below(60),
            rng.below(1000),
            rng.below(100),
            rng.below(10),
            rng.below(300),
            rng.chance(0.9),
        ));
    }
    text.into_bytes()
}

/// Rows of little-endian numbers that grow, with some noise.
fn binary(rng: &mut Rng) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut time, mut value) = (1_700_000_000u64, 500i32);
    while bytes.len() < SIZE {
        time += rng.below(50);
        value += rng.below(21) as i32 - 10;
        bytes.extend(time.to_le_bytes());
        bytes.extend(value.to_le_bytes());
        bytes.extend((rng.below(16) as u16).to_le_bytes());
        bytes.extend([0, 0]);
    }
    bytes
}

fn noise(rng: &mut Rng) -> Vec<u8> {
    rng.bytes(SIZE)
}
