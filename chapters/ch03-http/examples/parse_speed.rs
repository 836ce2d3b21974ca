//! How fast heads are parsed: GB/s for four of them, in the best of the
//! rounds, which is the one that other programs disturbed least.
//!
//! `cargo run --release -p ch03-http --example parse_speed`

use std::hint::black_box;
use std::time::Instant;

use ch03_http::head::{RequestParser, ResponseParser, Rules};

/// A request of a client that says little: 68 bytes.
const SHORT: &[u8] = b"GET / HTTP/1.1\r\nHost: example.org\r\n\
    Cookie: theme=dark; visits=31\r\n\r\n";

/// The fields that a browser with cookies sends: nine of them.
const FIELDS: &str = "Host: www.workbook.org\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0; en-GB-oxendict; \
    build 20240704-7) Gecko/20100101 Firefox/128.0 Reader/1.4\r\n\
    Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n\
    Accept-Language: en-gb,en;q=0.7,fr;q=0.3\r\n\
    Accept-Encoding: gzip,deflate\r\n\
    Accept-Charset: ISO-8859-1,utf-8;q=0.7,*;q=0.7\r\n\
    Keep-Alive: 120\r\n\
    Connection: keep-alive\r\n\
    Cookie: session_token=0123456789abcdef0123456789abcdef; \
    first_visit=1719999999; __stat=000000000.1111111111.2222222222.\
    3333333333.4444444444.5; __from=000000000.1111111111.1.1.source=\
    (referral)|name=search.example.net|page=/results|medium=referral|pad=42\
    \r\n\r\n";

/// How many heads are parsed between two looks at the clock.
const BATCH: u32 = 20_000;

/// How many times the clock is looked at.
const ROUNDS: usize = 41;

fn main() {
    let path = "/library/images/2026/03/a-cat-that-sleeps-on-a-keyboard.jpg";
    let long = format!("GET {path} HTTP/1.1\r\n{FIELDS}").into_bytes();
    let reply = format!("HTTP/1.1 200 OK\r\n{FIELDS}").into_bytes();
    let brief = b"HTTP/1.0 200 OK\r\nDate: Thu, 02 Apr 2026 07:28:00 GMT\r\n\
        Set-Cookie: theme=dark; visits=31\r\n\r\n";
    request("request_short", SHORT);
    request("request_long", &long);
    response("response_short", brief);
    response("response_long", &reply);
}

fn request(name: &str, bytes: &[u8]) {
    let mut parser = RequestParser::new(Rules::default());
    measure(name, bytes, |bytes| {
        parser.reset();
        let length = parser.parse(bytes).ok().flatten().unwrap_or(0);
        length + black_box(&parser).scanned()
    });
}

fn response(name: &str, bytes: &[u8]) {
    let mut parser = ResponseParser::new(Rules::default());
    measure(name, bytes, |bytes| {
        parser.reset();
        let length = parser.parse(bytes).ok().flatten().unwrap_or(0);
        length + black_box(&parser).scanned()
    });
}

/// Prints GB/s, the best of the rounds, after checking that `parse` gets
/// to the end.
fn measure(name: &str, bytes: &[u8], mut parse: impl FnMut(&[u8]) -> usize) {
    assert_eq!(parse(bytes), 2 * bytes.len(), "{name}: the whole head");
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..BATCH {
                black_box(parse(black_box(bytes)));
            }
            let total = f64::from(BATCH) * bytes.len() as f64;
            total / start.elapsed().as_secs_f64() / 1e9
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let rate = rates[ROUNDS - 1];
    println!("{name} {} bytes: {rate:.2} GB/s", bytes.len());
}
