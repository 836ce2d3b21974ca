//! The stage of step 2: says of each frame how long it is and what is in it.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, Stop, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{serve, write_all};
use ch01_sockets::frame::{
    FrameError, Frames, Framing, LengthPrefixed, Lines, last_word,
};

/// How long a peer that was refused has for its end.
const LAST_WAIT: Duration = Duration::from_secs(2);

const COMMAND: Command = Command {
    name: "step2_frame",
    about: "Answers each frame with its length and its bytes.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7001"),
        PORT,
        Opt {
            name: "max-frame",
            value: Some("BYTES"),
            default: Some("65536"),
            help: "the longest frame that is taken",
        },
        Opt {
            name: "length-prefixed",
            value: None,
            default: None,
            help: "frames have their length before them; otherwise lines",
        },
    ],
    try_it: "printf 'one\\ntwo\\nthr' | nc -N 127.0.0.1 7001",
};

/// What the command line asks for.
#[derive(Clone, Copy)]
struct Config {
    addr: SocketAddr,
    max_frame: usize,
    length_prefixed: bool,
}

fn main() -> ExitCode {
    let config = match config() {
        Ok(config) => config,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn config() -> Result<Config, Stop> {
    let parsed = COMMAND.from_env();
    Ok(Config {
        addr: parsed.addr()?,
        max_frame: parsed.value("max-frame")?,
        length_prefixed: parsed.switch("length-prefixed"),
    })
}

fn run(config: Config) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let addr = config.addr;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let log = Log::to_stderr(Level::Info);
    thread::spawn(move || {
        let accept = || {
            let (stream, peer) = listener.accept()?;
            log.info(format_args!("{peer} connected"));
            Ok(stream)
        };
        let handle = |stream: TcpStream| {
            let most = config.max_frame;
            if config.length_prefixed {
                answer(&stream, most, LengthPrefixed::new)
            } else {
                answer(&stream, most, Lines::new)
            }
        };
        if let Err(error) = serve(accept, handle, &RealClock::new(), &log) {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1);
        }
    });
    signals.wait();
    Ok(())
}

// ANCHOR: answer
/// Answers each frame, and a broken one with the reason and the end.
fn answer<F: Framing>(
    mut stream: &TcpStream,
    max_frame: usize,
    new: fn(usize) -> F,
) -> io::Result<u64> {
    let mut frames = Frames::new(stream, new(max_frame));
    let answers = new(usize::MAX);
    let (mut out, mut taken) = (Vec::new(), 0);
    loop {
        out.clear();
        match frames.next_frame() {
            Ok(None) => return Ok(taken),
            Ok(Some(frame)) => {
                taken += frame.len() as u64;
                let text = frame.escape_ascii();
                let text = format!("{} bytes: {text}", frame.len());
                answers.encode(text.as_bytes(), &mut out)?;
                write_all(&mut stream, &out)?;
            }
            Err(error) => {
                if let Some(why) = FrameError::within(&error) {
                    let text = format!("error: {why}");
                    answers.encode(text.as_bytes(), &mut out)?;
                    last_word(stream, &out, LAST_WAIT)?;
                }
                return Err(error);
            }
        }
    }
}
// ANCHOR_END: answer
