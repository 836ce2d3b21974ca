//! The stage of step 3: retries with growing, random pauses, for hours, at
//! once.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, Parsed, Stop, fail, usage};
use ch00_toolbox::clock::{Clock, Deadline, RealClock, VirtualClock};
use ch00_toolbox::rng::Rng;

const COMMAND: Command = Command {
    name: "step3_time",
    about: "Calls a server that is down, with growing, random pauses.",
    operands: "",
    options: &[
        Opt {
            name: "seed",
            value: Some("N"),
            default: Some("1"),
            help: "what the pauses are drawn from",
        },
        Opt {
            name: "give-up",
            value: Some("SECONDS"),
            default: Some("3600"),
            help: "when to stop trying",
        },
        Opt {
            name: "real",
            value: None,
            default: None,
            help: "wait in real time instead of virtual",
        },
    ],
    try_it: "step3_time --seed 2\nstep3_time --real --give-up 5",
};

fn main() -> ExitCode {
    match start(&COMMAND.from_env()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(COMMAND.name, error),
        Err(stop) => usage(COMMAND.name, stop),
    }
}

fn start(parsed: &Parsed) -> Result<io::Result<()>, Stop> {
    let rng = Rng::seeded(parsed.value("seed")?);
    let give_up = Duration::from_secs(parsed.value("give-up")?);
    Ok(match parsed.switch("real") {
        true => retry(&RealClock::new(), rng, give_up),
        false => retry(&VirtualClock::new(), rng, give_up),
    })
}

/// Exponential backoff with full jitter: the pause is drawn from the whole
/// interval, so that a thousand clients that failed at the same moment do not
/// come back at the same moment.
fn retry(clock: &dyn Clock, mut rng: Rng, give_up: Duration) -> io::Result<()> {
    let mut out = io::stdout();
    let deadline = Deadline::after(clock, give_up);
    let mut limit_ms = 1_000;
    for attempt in 1.. {
        let now = clock.now().as_secs_f64();
        writeln!(out, "{now:9.3} s  attempt {attempt}: no answer")?;
        let pause = Duration::from_millis(rng.below(limit_ms) + 1);
        if pause >= deadline.left(clock) {
            break;
        }
        clock.sleep(pause);
        limit_ms = (limit_ms * 2).min(600_000); // ten minutes
    }
    writeln!(out, "{:9.3} s  gave up", clock.now().as_secs_f64())
}
