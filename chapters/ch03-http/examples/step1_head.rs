//! The stage of the first step: answers a request with what its head says.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{self, ExitCode};
use std::thread;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, PORT, addr_opt, fail, usage};
use ch00_toolbox::clock::RealClock;
use ch00_toolbox::log::{Level, Log};
use ch00_toolbox::sys::{Signal, Signals};
use ch01_sockets::echo::{read_some, serve};
use ch01_sockets::frame::last_word;
use ch03_http::head::{HeadWriter, Refused, Request, RequestParser, Rules};

/// How long a client has for its next bytes, and in the end for its FIN.
const WAIT: Duration = Duration::from_secs(5);

const COMMAND: Command = Command {
    name: "step1_head",
    about: "Answers each request with what its head says.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7003"),
        PORT,
        Opt {
            name: "bare-lf",
            value: None,
            default: None,
            help: "take an LF without CR for the end of a line",
        },
    ],
    try_it: "curl -v http://127.0.0.1:7003/where?q=now",
};

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let rules = Rules {
        bare_lf: parsed.switch("bare-lf"),
        ..Rules::default()
    };
    let addr = match parsed.addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr, rules) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run(addr: SocketAddr, rules: Rules) -> io::Result<()> {
    let signals = Signals::new(&[Signal::Int, Signal::Term])?;
    let listener = TcpListener::bind(addr).map_err(|error| {
        io::Error::other(format!("cannot listen on {addr}: {error}"))
    })?;
    let addr = listener.local_addr()?;
    writeln!(io::stdout(), "{} listening on {addr}", COMMAND.name)?;
    let log = Log::to_stderr(Level::Info);
    thread::spawn(move || {
        let accept = || listener.accept().map(|(stream, _)| stream);
        let handle = |stream: TcpStream| answer(&stream, rules);
        if let Err(error) = serve(accept, handle, &RealClock::new(), &log) {
            fail(COMMAND.name, format_args!("accept: {error}"));
            process::exit(1);
        }
    });
    signals.wait();
    Ok(())
}

// ANCHOR: answer
/// Reads one head, answers, and closes.
fn answer(mut stream: &TcpStream, rules: Rules) -> io::Result<u64> {
    stream.set_read_timeout(Some(WAIT))?;
    let mut parser = RequestParser::new(rules);
    let (mut buffer, mut chunk) = (Vec::new(), [0; 16 * 1024]);
    let (status, text) = loop {
        match parser.parse(&buffer) {
            Ok(Some(length)) => {
                break (200, described(&parser.head(&buffer), length));
            }
            Err(error) => break (error.status(), format!("{error}\n")),
            Ok(None) => match read_some(&mut stream, &mut chunk)? {
                0 => return Ok(0), // gone, perhaps within a head
                count => buffer.extend_from_slice(&chunk[..count]),
            },
        }
    };
    let response = response(status, &text).map_err(io::Error::other)?;
    last_word(stream, &response, WAIT)?;
    Ok(buffer.len() as u64)
}

fn response(status: u16, text: &str) -> Result<Vec<u8>, Refused> {
    let mut out = Vec::new();
    HeadWriter::response(&mut out, status)?
        .field("Content-Type", "text/plain; charset=utf-8")?
        .field("Content-Length", text.len().to_string())?
        .field("Connection", "close")?
        .finish();
    out.extend_from_slice(text.as_bytes());
    Ok(out)
}
// ANCHOR_END: answer

fn described(request: &Request, length: usize) -> String {
    let method = request.method.token().escape_ascii();
    let (target, host) = (request.target, request.host());
    let mut text = format!("{length} bytes: {method} for {host:?}\n");
    text += &format!("{target:?}\n{:?}\n", request.version);
    for (name, value) in request.headers.iter() {
        let (name, value) = (name.escape_ascii(), value.escape_ascii());
        text += &format!("  {name}: {value}\n");
    }
    text
}
