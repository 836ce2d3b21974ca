//! What varies from run to run, taken out of a golden script's output.
//!
//! A server on port 0 listens on another port each time. Its script is to say
//! that it listens, not where.

/// What stands before a port.
pub const HOST: &str = "127.0.0.1:";

/// What stands for it in a script.
pub const PORT: &str = "[port]";

/// `text` with each port of the loopback address replaced by [`PORT`].
pub fn redact(text: &str) -> String {
    // begin: replace the digits after each HOST by PORT; all else stays
    let (mut redacted, mut rest) = (String::new(), text);
    while let Some(at) = rest.find(HOST) {
        let (before, after) = rest.split_at(at + HOST.len());
        redacted += before;
        let tail = after.trim_start_matches(|c: char| c.is_ascii_digit());
        if tail.len() < after.len() {
            redacted += PORT;
        }
        rest = tail;
    }
    redacted + rest
    // end
}
