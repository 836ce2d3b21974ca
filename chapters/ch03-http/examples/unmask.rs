//! How fast a payload is unmasked: a byte at a time, and eight at a time.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use ch00_toolbox::args::{Command, Opt, Stop, usage};
use ch03_http::websocket::mask::Mask;
use ch03_http::websocket::utf8::Utf8;

const COMMAND: Command = Command {
    name: "unmask",
    about: "Times the two ways to unmask, and the check for UTF-8.",
    operands: "",
    options: &[Opt {
        name: "bytes",
        value: Some("N"),
        default: Some("16384"),
        help: "the length of the payload",
    }],
    try_it: "cargo run --release -p ch03-http --example unmask",
};

/// Bytes in all, for each measurement.
const TOTAL: usize = 1 << 30;

fn main() -> ExitCode {
    let parse = || -> Result<usize, Stop> { COMMAND.from_env().value("bytes") };
    let bytes: usize = match parse() {
        Ok(bytes) => bytes.max(1),
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let mut payload = vec![b'x'; bytes];
    let key = [0x37, 0xfa, 0x21, 0x3d];
    time("a byte at a time", &mut payload, |payload| {
        Mask::new(key).apply_bytes(payload);
    });
    time("eight at a time", &mut payload, |payload| {
        Mask::new(key).apply(payload);
    });
    let mut text = vec![b'x'; bytes];
    time("UTF-8, all ASCII", &mut text, |text| {
        let _ = black_box(Utf8::default().push(text));
    });
    let mut text = "é".repeat(bytes.div_ceil(2)).into_bytes();
    time("UTF-8, two bytes each", &mut text, |text| {
        let _ = black_box(Utf8::default().push(text));
    });
    ExitCode::SUCCESS
}

/// The best of five runs, each over [`TOTAL`] bytes.
fn time(what: &str, bytes: &mut [u8], work: impl Fn(&mut [u8])) {
    let rounds = TOTAL.div_ceil(bytes.len());
    let best = (0..5)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..rounds {
                work(black_box(bytes));
            }
            start.elapsed()
        })
        .min()
        .unwrap_or_default();
    let total = (rounds * bytes.len()) as f64;
    let rate = total / best.as_secs_f64() / 1e9;
    println!("{what}: {rate:.2} GB/s, {} bytes each", bytes.len());
}
