//! The stage of the frames step: it switches to WebSocket, and says of each
//! frame that comes what it is. It answers none of them.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{read_some, serve, write_all};
use ch01_sockets::frame::last_word;
use ch03_http::frames::frame::{Part, Reader, Side};
use ch03_http::upgrade::handshake::{Origins, Policy, accept};

#[path = "tiny/mod.rs"]
mod tiny;

use tiny::{Hall, LAST_WAIT, Seat, read_request, refused, response};

const POLICY: Policy = Policy {
    origins: Origins::Same,
    protocols: &["echo"],
};

/// How long a client may keep quiet.
const SILENCE: Duration = Duration::from_secs(60);

const COMMAND: Command = Command {
    name: "step9_frames",
    about: "Switches to WebSocket, and shows each frame that comes then.",
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

/// One connection: its request, and the frames that come after it.
fn client(mut stream: &TcpStream) -> io::Result<()> {
    let Some((request, bytes)) = read_request(stream)? else {
        let answer = response("400 Bad Request", "this is no request\n");
        return last_word(stream, &answer, LAST_WAIT);
    };
    match accept(request.line(), &request.fields(), &POLICY) {
        Ok(accepted) => {
            write_all(&mut stream, accepted.head().as_bytes())?;
            stream.set_read_timeout(Some(SILENCE))?;
            frames(stream, bytes)
        }
        Err(refusal) => last_word(stream, &refused(refusal), LAST_WAIT),
    }
}

/// Shows the frames of a client until it leaves, or breaks a rule.
fn frames(mut stream: &TcpStream, mut bytes: Vec<u8>) -> io::Result<()> {
    let mut reader = Reader::new(Side::Client);
    let mut payload = Vec::new();
    loop {
        let mut input = &bytes[..];
        while let Some(part) = reader.next(&mut input).map_err(|fault| {
            println!("{fault}");
            io::Error::other(fault)
        })? {
            match part {
                Part::Head(head) => println!("{head:?}"),
                Part::Piece(piece) => {
                    payload.clear();
                    piece.append_to(&mut payload);
                    println!("  {}", payload.escape_ascii());
                }
                Part::End => println!("  end"),
            }
        }
        bytes.resize(4096, 0);
        match read_some(&mut stream, &mut bytes)? {
            0 => return Ok(()),
            count => bytes.truncate(count),
        }
    }
}
