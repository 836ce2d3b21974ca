//! How fast heads are parsed: GB/s for four of them.
//!
//! `cargo run --release -p ch03-http --example parse_speed`

use std::hint::black_box;
use std::io;

use ch03_http::head::{RequestParser, ResponseParser, Rules};

mod heads;

fn main() -> io::Result<()> {
    let mut requests = RequestParser::new(Rules::default());
    let mut responses = ResponseParser::new(Rules::default());
    heads::run(move || {
        let request = |bytes: &[u8]| {
            requests.reset();
            let length = requests.parse(bytes).ok().flatten().unwrap_or(0);
            black_box(&requests);
            length
        };
        let response = |bytes: &[u8]| {
            responses.reset();
            let length = responses.parse(bytes).ok().flatten().unwrap_or(0);
            black_box(&responses);
            length
        };
        heads::report(
            &mut (Box::new(request) as heads::Parse<'_>),
            &mut (Box::new(response) as heads::Parse<'_>),
        )
    })
}
