//! A client of the chat, as the tests of steps 4 and 5 use it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

/// Longer than anything takes that is right.
pub const LONG: Duration = Duration::from_secs(20);

pub struct Client {
    pub stream: TcpStream,
    lines: Mutex<BufReader<TcpStream>>,
}

impl Client {
    #[track_caller]
    pub fn new(addr: SocketAddr) -> Client {
        let stream = TcpStream::connect(addr).expect("a connection");
        stream.set_read_timeout(Some(LONG)).expect("a timeout");
        stream.set_write_timeout(Some(LONG)).expect("a timeout");
        let lines = BufReader::new(stream.try_clone().expect("a clone"));
        Client {
            stream,
            lines: Mutex::new(lines),
        }
    }

    /// Connected, named, and its arrival heard.
    #[track_caller]
    pub fn named(addr: SocketAddr, name: &str) -> Client {
        let client = Client::new(addr);
        client.say(name);
        client.until(&format!("* {name} joined lobby"));
        client
    }

    #[track_caller]
    pub fn say(&self, line: &str) {
        (&self.stream)
            .write_all(format!("{line}\n").as_bytes())
            .expect("a write");
    }

    /// The next line, or `None` at the end.
    #[track_caller]
    pub fn hear(&self) -> Option<String> {
        let mut line = String::new();
        let read = self.reader().read_line(&mut line);
        read.unwrap_or_else(|e| panic!("{e}, and {line:?} before it"));
        line.strip_suffix('\n').map(str::to_string)
    }

    /// Reads on to this line.
    #[track_caller]
    pub fn until(&self, wanted: &str) {
        let mut heard = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.reader().read_line(&mut line);
            let last = &heard[heard.len().saturating_sub(5)..];
            match read {
                Ok(1..) if line.trim_end_matches('\n') == wanted => return,
                Ok(1..) => {}
                Ok(0) => panic!("the end, and no {wanted:?}: heard {last:?}"),
                Err(e) => panic!("{e}, and no {wanted:?}: heard {last:?}"),
            }
            heard.push(line);
        }
    }

    /// What comes, as a stream.
    pub fn reader(&self) -> MutexGuard<'_, BufReader<TcpStream>> {
        self.lines.lock().expect("no panic")
    }
}
