//! The stage of this step: a filter that compresses, or decompresses.

use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;

use ch00_toolbox::args::{Command, Opt, Parsed, Stop, fail, usage};
use ch03_http::deflate::Progress;
use ch03_http::deflate::compress::{Flush, Level};
use ch03_http::{gzip, zlib};

const COMMAND: Command = Command {
    name: "step6_gzip",
    about: "Compresses stdin to stdout, or decompresses it.",
    operands: "",
    options: &[
        Opt {
            name: "decompress",
            value: None,
            default: None,
            help: "decompress",
        },
        Opt {
            name: "level",
            value: Some("N"),
            default: Some("6"),
            help: "0 stores, 1 is fast, 9 is small",
        },
        Opt {
            name: "zlib",
            value: None,
            default: None,
            help: "the zlib format instead of gzip's",
        },
        Opt {
            name: "most",
            value: Some("BYTES"),
            default: Some("1099511627776"),
            help: "refuse to decompress to more than this",
        },
    ],
    try_it: "printf hello | step6_gzip | gunzip",
};

/// How much is read at a time, and written.
const CHUNK: usize = 64 * 1024;

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let (level, most) = match options(&parsed) {
        Ok(options) => options,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let ended = match (parsed.switch("decompress"), parsed.switch("zlib")) {
        (false, false) => {
            let header = gzip::Header::default();
            let mut encoder = gzip::Encoder::new(level, &header);
            compress(|i, f, o| encoder.push(i, f, o, CHUNK))
        }
        (false, true) => {
            let mut encoder = zlib::Encoder::new(level);
            compress(|i, f, o| encoder.push(i, f, o, CHUNK))
        }
        (true, false) => {
            let mut decoder = gzip::Decoder::new(most);
            decompress(|i, o| decoder.pull(i, o, CHUNK).map_err(invalid))
        }
        (true, true) => {
            let mut decoder = zlib::Decoder::new(most);
            decompress(|i, o| decoder.pull(i, o, CHUNK).map_err(invalid))
        }
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn options(parsed: &Parsed) -> Result<(Level, u64), Stop> {
    let number: u8 = parsed.value("level")?;
    let level = Level::new(number);
    let wrong = || Stop::Usage(format!("--level {number}: 0 to 9"));
    Ok((level.ok_or_else(wrong)?, parsed.value("most")?))
}

fn invalid(error: impl ToString) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error.to_string())
}

/// Pushes stdin through the encoder, to its end.
fn compress(
    mut push: impl FnMut(&[u8], Flush, &mut Vec<u8>) -> Progress,
) -> io::Result<()> {
    let (mut chunk, mut out) = (vec![0; CHUNK], Vec::new());
    loop {
        let count = read(&mut chunk)?;
        let flush = match count {
            0 => Flush::Finish,
            _ => Flush::None,
        };
        let mut rest = &chunk[..count];
        loop {
            let progress = push(rest, flush, &mut out);
            rest = &rest[progress.read..];
            write(&mut out)?;
            if progress.done {
                break;
            }
        }
        if count == 0 {
            return Ok(());
        }
    }
}

/// Pulls stdin through the decoder. What came out before an error is written.
fn decompress(
    mut pull: impl FnMut(&[u8], &mut Vec<u8>) -> io::Result<Progress>,
) -> io::Result<()> {
    let (mut chunk, mut out) = (vec![0; CHUNK], Vec::new());
    let mut done = false;
    loop {
        let count = read(&mut chunk)?;
        if count == 0 && !done {
            return Err(invalid("it ends too early"));
        }
        if count == 0 {
            return Ok(());
        }
        let mut rest = &chunk[..count];
        loop {
            let pulled = pull(rest, &mut out);
            write(&mut out)?;
            let progress = pulled?;
            rest = &rest[progress.read..];
            done = progress.done;
            if done && !rest.is_empty() {
                return Err(invalid("something stands behind the end"));
            }
            if rest.is_empty() && progress.wrote < CHUNK {
                break;
            }
        }
    }
}

/// One read of stdin; 0 is the end.
fn read(chunk: &mut [u8]) -> io::Result<usize> {
    loop {
        match io::stdin().read(chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

fn write(out: &mut Vec<u8>) -> io::Result<()> {
    io::stdout().write_all(out)?;
    out.clear();
    io::stdout().flush()
}
