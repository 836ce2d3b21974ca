//! The stage of the upgrade step: it switches to WebSocket, and shows what
//! comes then as bytes, since it cannot read it yet.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::golden::show;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{read_some, serve, write_all};
use ch01_sockets::frame::last_word;
use ch03_http::upgrade::handshake::{Origins, Policy, accept};

#[path = "tiny/mod.rs"]
mod tiny;

use tiny::{Hall, LAST_WAIT, Seat, read_request, refused, response};

const POLICY: Policy = Policy {
    origins: Origins::Same,
    protocols: &["echo"],
};

const COMMAND: Command = Command {
    name: "step8_upgrade",
    about: "Switches to WebSocket, and shows the bytes that come then.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7003"), PORT],
    try_it: "curl -i http://127.0.0.1:7003/",
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
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let hall = Arc::new(Hall::default());
    let clients = Arc::clone(&hall);
    thread::spawn(move || {
        let handle = |stream: TcpStream| {
            let seat = Seat::take(&clients, &stream)?;
            thread::Builder::new().spawn(move || {
                let _ = client(&stream); // a client that has gone
                drop(seat);
            })?;
            Ok(0)
        };
        let accept = || Ok(listener.accept()?.0);
        let log = Log::to_stderr(Level::Warn);
        if let Err(error) = serve(accept, handle, &RealClock::new(), &log) {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1);
        }
    });
    signals.wait();
    hall.close();
    hall.wait();
    Ok(())
}

/// One connection: its request, and the first bytes that come after it.
fn client(mut stream: &TcpStream) -> io::Result<()> {
    let Some((request, mut bytes)) = read_request(stream)? else {
        let answer = response("400 Bad Request", "this is no request\n");
        return last_word(stream, &answer, LAST_WAIT);
    };
    match accept(request.line(), &request.fields(), &POLICY) {
        Ok(accepted) => {
            write_all(&mut stream, accepted.head().as_bytes())?;
            if bytes.is_empty() {
                bytes = vec![0; 256];
                let count = read_some(&mut stream, &mut bytes)?;
                bytes.truncate(count);
            }
            println!("{}", show(&bytes));
            last_word(stream, &[], LAST_WAIT)
        }
        Err(refusal) => last_word(stream, &refused(refusal), LAST_WAIT),
    }
}
