//! The stage of step 3: an echo server of callbacks, on one thread.

use std::cell::Cell;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::process::ExitCode;
use std::rc::Rc;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals, nofile, set_nofile};
use ch02_event_loop::callbacks::Loop;
use ch02_event_loop::connection::{accept, serve};
use ch02_event_loop::poller::{Interest, Source, system};
use ch02_event_loop::sys::{ListenOptions, listen_on};

const COMMAND: Command = Command {
    name: "step3_callbacks",
    about: "Sends back what its clients send, all of them on one thread.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7002"), PORT],
    try_it: "printf 'hello\\n' | nc -N 127.0.0.1 7002",
};

fn main() -> ExitCode {
    let addr = match COMMAND.from_env().addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run(addr: SocketAddr) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener =
        listen_on(addr, ListenOptions::default()).map_err(|error| {
            io::Error::other(format!("cannot listen on {addr}: {error}"))
        })?;
    set_nofile(nofile()?.hard)?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;

    let mut l = Loop::new(system()?, Box::new(RealClock::new()));
    let source = Source(listener.as_raw_fd());
    let accept = move || accept(&listener);
    serve(&mut l, source, accept, Log::to_stderr(Level::Info))?;

    let is_over = Rc::new(Cell::new(false));
    let flag = is_over.clone();
    let source = Source(signals.as_fd().as_raw_fd());
    let token = l.add(source, move |l, token, _| {
        let came = signals.try_wait().is_some();
        flag.set(came || l.arm(token, Interest::READ).is_err());
    })?;
    l.arm(token, Interest::READ)?;
    // Those who are being served are cut off: step 8 does better.
    while !is_over.get() {
        l.turn(None)?;
    }
    Ok(())
}
