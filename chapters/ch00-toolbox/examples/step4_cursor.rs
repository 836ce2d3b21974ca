//! The stage of step 4: lists the chunks of a PNG picture.

use std::fs;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use ch00_toolbox::args::{Command, fail};
use ch00_toolbox::cursor::{Cursor, Short};

const COMMAND: Command = Command {
    name: "step4_cursor",
    about: "Lists the chunks of a PNG picture (ISO/IEC 15948).",
    operands: "[FILE]",
    options: &[],
    try_it: "step4_cursor picture.png",
};

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let name = parsed.operands().first().map_or("-", String::as_str);
    let bytes = match read(name) {
        Ok(bytes) => bytes,
        Err(error) => {
            return fail(COMMAND.name, format_args!("{name}: {error}"));
        }
    };
    let mut text = String::new();
    let listed = list(&bytes, &mut text);
    let _ = io::stdout().write_all(text.as_bytes());
    match listed {
        Ok(()) => ExitCode::SUCCESS,
        Err(wrong) => fail(COMMAND.name, format_args!("{name}: {wrong}")),
    }
}

/// At most 64 MiB: an endless pipe is no picture.
fn read(name: &str) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let from: &mut dyn Read = match name {
        "-" => &mut io::stdin(),
        _ => &mut fs::File::open(name)?,
    };
    from.take(64 << 20).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn list(bytes: &[u8], text: &mut String) -> Result<(), String> {
    let mut cursor = Cursor::new(bytes);
    if cursor.bytes(8) != Ok(b"\x89PNG\r\n\x1a\n") {
        return Err("not a PNG picture".into());
    }
    while !cursor.is_empty() {
        let line = chunk(&mut cursor).map_err(|short| short.to_string())?;
        text.push_str(&line);
    }
    Ok(())
}

/// length: u32, type: 4 letters, data: length bytes, checksum: u32.
fn chunk(cursor: &mut Cursor<'_>) -> Result<String, Short> {
    let length = cursor.u32_be()? as usize;
    let kind: [u8; 4] = cursor.array()?;
    let mut data = cursor.sub(length)?;
    let crc = cursor.u32_be()?;
    let kind = kind.escape_ascii().to_string();
    let mut line = format!("{kind} {length} bytes, checksum {crc:08x}");
    if kind == "IHDR" {
        let (width, height) = (data.u32_be()?, data.u32_be()?);
        line.push_str(&format!(", {width} x {height}"));
    }
    line.push('\n');
    Ok(line)
}
