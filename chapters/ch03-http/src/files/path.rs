//! From a target's path to a path below the root.
//!
//! It is decoded once, after it was split at its slashes: `%2F` in a name is
//! a slash in a name, which no file has, and not a separator.

// ANCHOR: path
/// A path below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Below {
    /// Relative, without `.` and `..`; empty is the root itself.
    pub path: String,
    /// Whether a directory was asked for: the target ends with a slash.
    pub is_directory: bool,
}

/// The path that a target's path names; `None` if it can name no file: a
/// broken escape, bytes that are not UTF-8, a NUL, a slash in a name, or a
/// `..` that leads above the root.
pub fn below(target: &str) -> Option<Below> {
    let mut names: Vec<String> = Vec::new();
    for part in target.strip_prefix('/')?.split('/') {
        let name = decode(part)?;
        match name.as_str() {
            "" | "." => {}
            ".." => drop(names.pop()?),
            _ if name.contains(['/', '\0']) => return None,
            _ => names.push(name),
        }
    }
    let last = target.rsplit('/').next().and_then(decode);
    let is_directory = matches!(last.as_deref(), Some("" | "." | ".."));
    Some(Below {
        path: names.join("/"),
        is_directory,
    })
}
// ANCHOR_END: path

// ANCHOR: decode
/// Takes `%41` for `A`. `None`: no two hex digits behind a `%`, or not UTF-8.
pub fn decode(text: &str) -> Option<String> {
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

/// Writes a name so that it can stand in a URI's path (RFC 3986, 2.3).
pub fn encode(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for &byte in name.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(byte.into()),
            b'-' | b'.' | b'_' | b'~' => out.push(byte.into()),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}
// ANCHOR_END: decode
