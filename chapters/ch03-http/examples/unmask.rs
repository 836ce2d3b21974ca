//! How fast a payload is unmasked: a byte at a time, and eight at a time;
//! and what else has to be done with it.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use ch00_toolbox::args::{Command, Opt, Stop, usage};
use ch03_http::frames::frame::{Head, Opcode, Side};
use ch03_http::frames::mask::Mask;
use ch03_http::websocket::message::Messages;
use ch03_http::websocket::utf8::Utf8;

const COMMAND: Command = Command {
    name: "unmask",
    about: "Times the two ways to unmask, and what else a message costs.",
    operands: "",
    options: &[Opt {
        name: "bytes",
        value: Some("N"),
        default: Some("16384"),
        help: "the length of the payload",
    }],
    try_it: "cargo run --release -p ch03-http --example unmask",
};

/// Bytes in front of the frame, as in a read that brought other frames too.
/// Some AMD processors copy 30 times slower (`rep movsb`) where source and
/// target are 1 to 15 bytes apart modulo a page, which two allocations of
/// one size easily are.
const BEFORE: usize = 1_000;

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
    let mut read = vec![0; BEFORE];
    read.extend(frame(bytes, key));
    time("a frame to a message", &mut payload, |_| {
        let mut messages = Messages::new(Side::Client, bytes);
        let _ = black_box(messages.next(&mut &black_box(&read)[BEFORE..]));
    });
    ExitCode::SUCCESS
}

/// A client's frame with a payload of so many bytes.
fn frame(length: usize, key: [u8; 4]) -> Vec<u8> {
    let (last, opcode, length) = (true, Opcode::Binary, length as u64);
    let mut frame = Vec::new();
    Head {
        last,
        opcode,
        key: Some(key),
        length,
    }
    .encode(&mut frame);
    frame.resize(frame.len() + length as usize, b'x');
    frame
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
