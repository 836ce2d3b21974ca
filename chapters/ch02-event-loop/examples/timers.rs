//! What timers cost, in the wheel and in the heap: for `bench.toml`.
//!
//! Medians of many small batches, so that an interrupt spoils one of them
//! and not the result.

use std::fs;
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
/// The timeout of an idle connection.
const TIMEOUT_MS: u64 = 60_000;
/// The timeout of a request: sooner than most others are due.
const REQUEST_MS: u64 = 1_000;

/// What takes longer than this is timed by how long the thread ran, which the
/// kernel may count in steps of 4 ms.
const COARSE: Duration = Duration::from_millis(200);

/// What can be measured.
const COSTS: [&str; 3] = ["insert+cancel", "push-back", "expire"];

const COMMAND: Command = Command {
    name: "timers",
    about: "Times timers: insert+cancel, push-back, expire.",
    operands: "[wheel|heap|ask] [COST]",
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
    try_it: "timers, or: timers wheel & timers ask push-back",
};

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let options = parsed.value("pending").and_then(|pending: usize| {
        let words = parsed.operands().iter().map(String::as_str);
        Ok((words.collect::<Vec<_>>(), parsed.addr()?, pending.max(1)))
    });
    let (words, addr, pending) = match options {
        Ok(options) => options,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let done = match words[..] {
        [] => compare(pending),
        ["wheel"] => serve(addr, |what| cost::<Wheel<u64>>(what, pending)),
        ["heap"] => serve(addr, |what| cost::<Heap<u64>>(what, pending)),
        ["ask", what] if COSTS.contains(&what) => ask(addr, what),
        _ => {
            let why = format!("no such thing to do: {}", words.join(" "));
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
    for what in COSTS {
        let wheel = cost::<Wheel<u64>>(what, pending);
        let heap = cost::<Heap<u64>>(what, pending);
        writeln!(
            io::stdout(),
            "wheel {what} {wheel:.1} ns, heap {heap:.1} ns, \
             at {pending} pending"
        )?;
    }
    Ok(())
}

/// One queue as a server, as `bench` wants it: measures when it is asked.
fn serve(addr: SocketAddr, cost: impl Fn(&str) -> f64) -> io::Result<()> {
    let listener = TcpListener::bind(addr)?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    for stream in listener.incoming() {
        let mut stream = stream?;
        let mut which = [0];
        // Who only wants to know whether it is there asks nothing.
        if let Ok(1) = stream.read(&mut which)
            && let Some(what) = COSTS.get(usize::from(which[0]))
        {
            writeln!(stream, "{what} {:.1} ns", cost(what))?;
        }
    }
    Ok(())
}

fn ask(addr: SocketAddr, what: &str) -> io::Result<()> {
    let which = COSTS.iter().position(|cost| *cost == what);
    let mut stream = TcpStream::connect(addr)?;
    stream.write_all(&[which.unwrap_or(0) as u8])?;
    io::copy(&mut stream, &mut io::stdout()).map(drop)
}

/// Nanoseconds for one operation, or a pair of them.
fn cost<Q: TimerQueue<u64> + Default>(what: &str, pending: usize) -> f64 {
    let mut random = Rng::seeded(1);
    if what == "expire" {
        return expire::<Q>(&mut random, pending);
    }
    let mut queue = Q::default();
    let mut keys = fill(&mut queue, &mut random, pending);
    match what {
        "push-back" => push_back(&mut queue, &mut keys, &mut random),
        _ => insert_cancel(&mut queue, &mut random),
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

/// Nobody speaks any more: all are due within a minute, tick by tick. The
/// mean of them.
fn expire<Q: TimerQueue<u64> + Default>(
    random: &mut Rng,
    pending: usize,
) -> f64 {
    let mut queue = Q::default();
    fill(&mut queue, random, pending);
    let mut fired = Vec::with_capacity(pending);
    let (start, ran) = (Instant::now(), on_cpu());
    (0..TIMEOUT_MS).for_each(|now| queue.expire(Tick(now), &mut fired));
    let took = start.elapsed();
    let ran = on_cpu().zip(ran).map(|(now, then)| now - then);
    let took = ran.filter(|_| took > COARSE).unwrap_or(took);
    took.as_nanos() as f64 / pending as f64
}

/// How long this thread has run, where Linux says so: a long measurement
/// does not have the processor for itself.
fn on_cpu() -> Option<Duration> {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let ns = stat.split(' ').next()?.parse().ok()?;
    Some(Duration::from_nanos(ns))
}

/// The median batch's time, for one of its operations.
fn median(mut batch: impl FnMut() -> Duration) -> f64 {
    let mut times: Vec<Duration> = (0..BATCHES).map(|_| batch()).collect();
    times.sort();
    times[BATCHES / 2].as_nanos() as f64 / BATCH as f64
}
