//! What timers cost, in the wheel and in the heap: for `bench.toml`.
//!
//! Medians of many small batches, so that an interrupt spoils one of them
//! and not the result.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::rng::Rng;
use ch02_event_loop::heap::Heap;
use ch02_event_loop::queue::{Tick, TimerKey, TimerQueue};
use ch02_event_loop::wheel::Wheel;

const BATCH: usize = 1_000;
const BATCHES: usize = 1_000;
/// How often a queue is filled and emptied.
const FILLS: usize = 5;
/// The timeout of an idle connection.
const TIMEOUT_MS: u64 = 60_000;
/// The timeout of a request: sooner than most others are due.
const REQUEST_MS: u64 = 1_000;

const COMMAND: Command = Command {
    name: "timers",
    about: "Times timers: insert+cancel, push-back, expire.",
    operands: "[wheel|heap|ask]",
    options: &[
        Opt {
            name: "pending",
            value: Some("N"),
            default: Some("1000000"),
            help: "how many timers there are meanwhile, one at least",
        },
        addr_opt("127.0.0.1:7002"),
        PORT,
    ],
    try_it: "timers, or: timers wheel & timers ask",
};

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let options = parsed.value("pending").and_then(|pending: usize| {
        let what = parsed.operands().first().map_or("", String::as_str);
        Ok((what, parsed.addr()?, pending.max(1)))
    });
    let (what, addr, pending) = match options {
        Ok(options) => options,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let done = match what {
        "" => compare(pending),
        "wheel" => serve(addr, || measure::<Wheel<u64>>(pending)),
        "heap" => serve(addr, || measure::<Heap<u64>>(pending)),
        "ask" => ask(addr),
        _ => {
            let why = format!("no such thing to do: {what}");
            return usage(COMMAND.name, Stop::Usage(why));
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

/// Both queues, side by side.
fn compare(pending: usize) -> io::Result<()> {
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

/// One queue as a server, as `bench` wants it: measures when it is asked.
fn serve(addr: SocketAddr, measure: impl Fn() -> Costs) -> io::Result<()> {
    let listener = TcpListener::bind(addr)?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        // Who only wants to know whether it is there asks nothing.
        if matches!(stream.read(&mut [0]), Ok(1)) {
            let costs = measure();
            writeln!(
                stream,
                "insert+cancel {:.1} ns\npush-back {:.1} ns\nexpire {:.1} ns",
                costs.insert_cancel, costs.push_back, costs.expire
            )?;
        }
    }
    Ok(())
}

fn ask(addr: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(b"?")?;
    io::copy(&mut stream, &mut io::stdout()).map(drop)
}

/// Nanoseconds for one operation, or a pair of them.
struct Costs {
    insert_cancel: f64,
    push_back: f64,
    expire: f64,
}

fn measure<Q: TimerQueue<u64> + Default>(pending: usize) -> Costs {
    let mut random = Rng::seeded(1);
    let mut queue = Q::default();
    let mut keys = fill(&mut queue, &mut random, pending);
    Costs {
        insert_cancel: insert_cancel(&mut queue, &mut random),
        push_back: push_back(&mut queue, &mut keys, &mut random),
        expire: expire::<Q>(&mut random, pending),
    }
}

/// Connections that had their last byte within the last minute.
fn fill(
    queue: &mut impl TimerQueue<u64>,
    random: &mut Rng,
    pending: usize,
) -> Vec<TimerKey> {
    (0..pending)
        .map(|n| queue.insert(Tick(random.below(TIMEOUT_MS)), n as u64))
        .collect()
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

/// Nobody speaks any more: all are due within a minute, tick by tick.
fn expire<Q: TimerQueue<u64> + Default>(
    random: &mut Rng,
    pending: usize,
) -> f64 {
    let mut fired = Vec::with_capacity(pending);
    let mut times: Vec<Duration> = (0..FILLS)
        .map(|_| {
            let mut queue = Q::default();
            fill(&mut queue, random, pending);
            fired.clear();
            let start = Instant::now();
            (0..TIMEOUT_MS).for_each(|now| queue.expire(Tick(now), &mut fired));
            start.elapsed()
        })
        .collect();
    times.sort();
    times[FILLS / 2].as_nanos() as f64 / pending as f64
}

/// The median batch's time, for one of its operations.
fn median(mut batch: impl FnMut() -> Duration) -> f64 {
    let mut times: Vec<Duration> = (0..BATCHES).map(|_| batch()).collect();
    times.sort();
    times[BATCHES / 2].as_nanos() as f64 / BATCH as f64
}
