//! What the tests ask for, send and say.

use ch03_http::client::{ClientError, Outgoing, Payload};
use ch03_http::out::Out;
use ch03_http::response::{Content, Later};

use super::super::script::{Act, say};

pub const A: &str = "http://127.0.0.1:80/a";

pub fn get(url: &str) -> Outgoing {
    Outgoing::new("GET", url).expect("a request")
}

pub fn with_body(method: &str, url: &str, body: &'static str) -> Outgoing {
    let outgoing = Outgoing::new(method, url).expect("a request");
    outgoing.with_payload(Payload::Bytes(body.as_bytes().into()))
}

/// How a request ended, in short.
pub fn short(result: Result<(u16, String), ClientError>) -> String {
    match result {
        Ok((status, body)) => format!("{status} {body}"),
        Err(ClientError::Lost(_)) => "lost".to_owned(),
        Err(ClientError::Connect(..)) => "refused".to_owned(),
        Err(error) => error.to_string(),
    }
}
pub fn redirect(status: u16, to: &str) -> Act {
    let head = format!("HTTP/1.1 {status} \r\nLocation: {to}\r\n");
    say(&format!("{head}Content-Length: 4\r\n\r\nmove"))
}

/// A content of so many bytes, whose length is told or not.
pub struct Stream {
    pub length: u64,
    pub told: bool,
    pub really: u64,
}

impl Stream {
    pub fn of(length: u64) -> Stream {
        Stream {
            length,
            told: true,
            really: length,
        }
    }
}

pub fn byte_at(at: u64) -> u8 {
    (at % 251) as u8
}

impl Content for Stream {
    fn length(&self) -> Option<u64> {
        self.told.then_some(self.length)
    }

    fn send<'a>(&'a mut self, out: &'a mut Out<'_>) -> Later<'a> {
        Box::pin(async move {
            let mut at = 0;
            while at < self.really {
                let end = (at + 10_007).min(self.really);
                let piece: Vec<u8> = (at..end).map(byte_at).collect();
                out.write(&piece).await?;
                at = end;
            }
            Ok(())
        })
    }
}

pub fn upload(length: u64, told: bool, really: u64) -> Outgoing {
    let content = Stream {
        length,
        told,
        really,
    };
    let outgoing = Outgoing::new("POST", A).expect("a request");
    outgoing.with_payload(Payload::Content(Box::new(content)))
}
