//! The stage of step 4: three servers are asked at once. The first answer
//! counts; the others are waited for, or cancelled.

use std::fmt::Display;
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::process::ExitCode;
use std::thread::{self, JoinHandle};

use ch00_toolbox::args::{Command, Opt, Parsed, Stop, fail, usage};
use ch02_event_loop::combine::{Either, join_all, select};
use ch02_event_loop::promise::{Promise, Promised, block_on, promise};

const COMMAND: Command = Command {
    name: "step4_promises",
    about: "Asks three servers at once, each of them a thread.",
    operands: "",
    options: &[
        Opt {
            name: "first",
            value: Some("a|b|c"),
            default: Some("b"),
            help: "who answers first",
        },
        Opt {
            name: "crash",
            value: Some("a|b|c"),
            default: None,
            help: "who crashes before it has answered",
        },
        Opt {
            name: "race",
            value: None,
            default: None,
            help: "take the first answer, and cancel the others",
        },
    ],
    try_it: "step4_promises --first c\n\
             step4_promises --crash a\n\
             step4_promises --race",
};

const NAMES: [char; 3] = ['a', 'b', 'c'];

fn main() -> ExitCode {
    match start(&COMMAND.from_env()) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) => fail(COMMAND.name, error),
        Err(stop) => usage(COMMAND.name, stop),
    }
}

fn start(parsed: &Parsed) -> Result<io::Result<()>, Stop> {
    let first = place(parsed, "first")?;
    let crash = match parsed.text("crash") {
        Some(_) => Some(place(parsed, "crash")?),
        None => None,
    };
    Ok(ask(first, crash, parsed.switch("race")))
}

/// Which of the servers an option names.
fn place(parsed: &Parsed, option: &str) -> Result<usize, Stop> {
    let name: char = parsed.value(option)?;
    let found = NAMES.iter().position(|server| *server == name);
    found.ok_or_else(|| {
        Stop::Usage(format!("--{option} wants a|b|c, got {name:?}"))
    })
}

// ANCHOR: server
/// A server, as who asks sees it.
struct Server {
    go: Promise<()>, // kept when it may begin
    answer: Promised<char>,
    thread: JoinHandle<&'static str>,
}

/// What a server does: it waits until it may, works, and answers.
fn serve(
    name: char,
    go: Promised<()>,
    answer: Promise<char>,
    crashes: bool,
) -> &'static str {
    let _ = block_on(go); // or broken: nobody is left to hold it back
    if answer.is_abandoned() {
        return "cancelled, so it did nothing";
    }
    if crashes {
        resume_unwind(Box::new("a crash")); // and the promise is dropped
    }
    answer.keep(name);
    "answered"
}

fn server(name: char, crashes: bool) -> Server {
    let (go, may_begin) = promise();
    let (promise, answer) = promise();
    let work = move || serve(name, may_begin, promise, crashes);
    let thread = thread::spawn(work);
    Server { go, answer, thread }
}
// ANCHOR_END: server

// ANCHOR: ask
/// Asks all, reports who was first, and what became of the others.
fn ask(first: usize, crash: Option<usize>, race: bool) -> io::Result<()> {
    let mut out = io::stdout();
    let (mut gos, mut answers, mut threads) = (vec![], vec![], vec![]);
    for (at, name) in NAMES.into_iter().enumerate() {
        let server = server(name, crash == Some(at));
        gos.push(server.go);
        answers.push(server.answer);
        threads.push(server.thread);
    }
    writeln!(out, "asked a, b and c")?;
    gos.remove(first).keep(());
    // Lent to select, so that who comes second is not dropped.
    let [a, b, c] = &mut answers[..] else {
        return Ok(());
    };
    let (at, answer) = match block_on(select(a, select(b, c))) {
        Either::Left(answer) => (0, answer),
        Either::Right(Either::Left(answer)) => (1, answer),
        Either::Right(Either::Right(answer)) => (2, answer),
    };
    writeln!(out, "first: {}", told(NAMES[at], answer))?;
    answers.remove(at);
    if race {
        answers.clear();
    }
    gos.into_iter().for_each(|go| go.keep(()));
    let rest = NAMES.into_iter().filter(|name| *name != NAMES[at]);
    for (name, answer) in rest.zip(block_on(join_all(answers))) {
        writeln!(out, "then:  {}", told(name, answer))?;
    }
    for (name, thread) in NAMES.into_iter().zip(threads) {
        let end = thread.join().unwrap_or("crashed");
        writeln!(out, "{name}: {end}")?;
    }
    Ok(())
}
// ANCHOR_END: ask

fn told<E: Display>(name: char, answer: Result<char, E>) -> String {
    match answer {
        Ok(answer) => format!("{answer}"),
        Err(error) => format!("{name}'s promise was {error}"),
    }
}
