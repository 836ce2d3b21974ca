//! The stage of step 3: what you type goes to a server, what it says comes
//! back, both at the same time.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;

use ch00_toolbox::args::{Command, Opt, PORT, addr_opt, fail, usage};
use ch01_sockets::client::{converse, in_turns};

const COMMAND: Command = Command {
    name: "step3_client",
    about: "Sends stdin to a server and prints what it says, at once.",
    operands: "",
    options: &[
        addr_opt("127.0.0.1:7001"),
        PORT,
        Opt {
            name: "in-turns",
            value: None,
            default: None,
            help: "send everything first, then receive: gets stuck",
        },
    ],
    try_it: "start step1_echo, then: echo hello | step3_client",
};

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let addr = match parsed.addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match talk(addr, parsed.switch("in-turns")) {
        // Whoever reads us (`| head -1`) has enough: that is their choice.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => fail(COMMAND.name, format_args!("{addr}: {error}")),
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn talk(addr: SocketAddr, turns: bool) -> io::Result<()> {
    let stream = TcpStream::connect(addr)?;
    // Not `lock`ed: the sending thread would wait for a lock it never gets.
    let (mut input, mut output) = (io::stdin(), io::stdout());
    if turns {
        in_turns(&stream, &mut input, &mut output)
    } else {
        converse(&stream, input, &mut output)
    }
}
