//! How fast httparse parses the heads of ch03's `parse_speed`, timed in the same way.

use std::hint::black_box;
use std::io;

#[rustfmt::skip] // it has the chapter's width
#[path = "../../../chapters/ch03-http/examples/heads/mod.rs"]
mod heads;

fn main() -> io::Result<()> {
    heads::run(|| {
        let request = |bytes: &[u8]| {
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut head = httparse::Request::new(&mut headers);
            let status = head.parse(bytes);
            black_box(&head);
            status.map_or(0, |status| status.unwrap())
        };
        let response = |bytes: &[u8]| {
            let mut headers = [httparse::EMPTY_HEADER; 16];
            let mut head = httparse::Response::new(&mut headers);
            let status = head.parse(bytes);
            black_box(&head);
            status.map_or(0, |status| status.unwrap())
        };
        heads::report(
            &mut (Box::new(request) as heads::Parse<'_>),
            &mut (Box::new(response) as heads::Parse<'_>),
        )
    })
}
