//! What timers cost, in the wheel and in the heap: for `bench.toml`.
//!
//! Medians of many small batches, so that an interrupt spoils one of them
//! and not the result.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ch00_toolbox::args::{Command, Opt, Parsed, Stop, fail, usage};
use ch00_toolbox::rng::Rng;
use ch02_event_loop::heap::Heap;
use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::wheel::Wheel;

const BATCH: usize = 1_000;
const BATCHES: usize = 1_000;
/// The timeout of an idle connection.
const TIMEOUT_MS: u64 = 60_000;
/// The timeout of a request: sooner than most others are due.
const REQUEST_MS: u64 = 1_000;

const COMMAND: Command = Command {
    name: "timers",
    about: "Times the wheel and the heap: insert+cancel, push-back, expire.",
    operands: "",
    options: &[Opt {
        name: "pending",
        value: Some("N"),
        default: Some("1000000"),
        help: "how many timers there are meanwhile, one at least",
    }],
    try_it: "cargo run -r -p ch02-event-loop --example timers",
};

fn main() -> ExitCode {
    let pending = match pending(&COMMAND.from_env()) {
        Ok(pending) => pending,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(pending) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn pending(parsed: &Parsed) -> Result<usize, Stop> {
    parsed.value("pending").map(|pending: usize| pending.max(1))
}

fn run(pending: usize) -> io::Result<()> {
    let wheel = measure::<Wheel<u64>>(pending);
    let heap = measure::<Heap<u64>>(pending);
    let mut out = io::stdout().lock();
    for (what, wheel, heap) in [
        ("insert+cancel", wheel.insert_cancel, heap.insert_cancel),
        ("push-back", wheel.push_back, heap.push_back),
        ("expire", wheel.expire, heap.expire),
    ] {
        writeln!(
            out,
            "wheel {what} {wheel:.1} ns median, heap {heap:.1} ns, \
             at {pending} pending"
        )?;
    }
    Ok(())
}

/// Nanoseconds for one operation, or a pair of them.
struct Costs {
    insert_cancel: f64,
    push_back: f64,
    expire: f64,
}

fn measure<Q: TimerQueue<u64> + Default>(pending: usize) -> Costs {
    let mut queue = Q::default();
    let mut random = Rng::seeded(1);
    // Connections that had their last byte within the last minute.
    let mut keys: Vec<TimerKey> = (0..pending)
        .map(|n| queue.insert(Tick(random.below(TIMEOUT_MS)), n as u64))
        .collect();
    Costs {
        insert_cancel: insert_cancel(&mut queue, &mut random),
        push_back: push_back(&mut queue, &mut keys, &mut random),
        expire: expire(&mut queue, pending),
    }
}

/// A request's timeout: it begins, and ends unused a few requests later.
fn insert_cancel(queue: &mut impl TimerQueue<u64>, random: &mut Rng) -> f64 {
    median(|| {
        let at: Vec<Tick> =
            (0..BATCH).map(|_| Tick(random.below(REQUEST_MS))).collect();
        let mut running = [None; 16];
        let start = Instant::now();
        for (n, at) in at.into_iter().enumerate() {
            let key = queue.insert(at, 0);
            if let Some(old) = running[n % 16].replace(key) {
                queue.cancel(old);
            }
        }
        for key in running.into_iter().flatten() {
            queue.cancel(key);
        }
        start.elapsed()
    })
}

/// Any of the connections gets a byte: its deadline is a minute from now.
fn push_back(
    queue: &mut impl TimerQueue<u64>,
    keys: &mut [TimerKey],
    random: &mut Rng,
) -> f64 {
    median(|| {
        let count = keys.len() as u64;
        let which: Vec<usize> =
            (0..BATCH).map(|_| random.below(count) as usize).collect();
        let start = Instant::now();
        for which in which {
            queue.cancel(keys[which]);
            keys[which] = queue.insert(Tick(TIMEOUT_MS), which as u64);
        }
        start.elapsed()
    })
}

/// Nobody speaks any more: all are due within the next minute. The mean.
fn expire(queue: &mut impl TimerQueue<u64>, pending: usize) -> f64 {
    let mut fired = Vec::new();
    let start = Instant::now();
    for now in 0..=TIMEOUT_MS {
        queue.expire(Tick(now), &mut fired);
        fired.clear();
    }
    start.elapsed().as_nanos() as f64 / pending as f64
}

/// The median batch's time, for one of its operations.
fn median(mut batch: impl FnMut() -> Duration) -> f64 {
    let mut times: Vec<Duration> = (0..BATCHES).map(|_| batch()).collect();
    times.sort();
    times[BATCHES / 2].as_nanos() as f64 / BATCH as f64
}
