//! The heads that a parser is timed with, and how: shared by `parse_speed` and
//! by the same program over httparse, which stands outside of the chapter.

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{self, BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::time::Instant;

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

/// What parses a head: gives its length.
pub type Parse<'p> = Box<dyn FnMut(&[u8]) -> usize + 'p>;

/// Times both parsers with two heads each: a line for each, with GB/s in the
/// best of the rounds, which is the one that other programs disturbed least.
pub fn report(request: &mut Parse<'_>, response: &mut Parse<'_>) -> String {
    let path = "/library/images/2026/03/a-cat-that-sleeps-on-a-keyboard.jpg";
    let long = format!("GET {path} HTTP/1.1\r\n{FIELDS}").into_bytes();
    let reply = format!("HTTP/1.1 200 OK\r\n{FIELDS}").into_bytes();
    let brief = b"HTTP/1.0 200 OK\r\nDate: Thu, 02 Apr 2026 07:28:00 GMT\r\n\
        Set-Cookie: theme=dark; visits=31\r\n\r\n";
    let mut text = String::new();
    for (name, head) in [("request_short", SHORT), ("request_long", &long)] {
        line(&mut text, name, head, request);
    }
    for (name, head) in
        [("response_short", &brief[..]), ("response_long", &reply)]
    {
        line(&mut text, name, head, response);
    }
    text
}

fn line(text: &mut String, name: &str, head: &[u8], parse: &mut Parse<'_>) {
    assert_eq!(parse(head), head.len(), "{name}: the whole head");
    let round = |_| {
        let start = Instant::now();
        for _ in 0..BATCH {
            black_box(parse(black_box(head)));
        }
        let total = f64::from(BATCH) * head.len() as f64;
        total / start.elapsed().as_secs_f64() / 1e9
    };
    let best = (0..ROUNDS).map(round).fold(0.0, f64::max);
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{name} {} bytes: {best:.2} GB/s", head.len());
}

/// Prints the report; or, with `--port N`, gives it to each client that sends
/// a line, for `bench`, which times servers.
///
/// # Errors
/// The port is taken.
pub fn run(mut report: impl FnMut() -> String) -> io::Result<()> {
    let mut args = std::env::args().skip(1);
    let Some("--port") = args.next().as_deref() else {
        return io::stdout().write_all(report().as_bytes());
    };
    let port = args.next().and_then(|port| port.parse().ok()).unwrap_or(0);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("listening on {}", listener.local_addr()?);
    for client in listener.incoming() {
        let mut client = client?;
        let mut asked = String::new();
        let read = BufReader::new(&client).read_line(&mut asked);
        if read.is_ok_and(|count| count > 0) {
            // A client that has gone does not need it any more.
            let _ = client.write_all(report().as_bytes());
        }
    }
    Ok(())
}
