//! The checks of the exercise `ex_nginx_line`: what nginx 1.22.1 has
//! answered. Each line was followed by `Host: a`, CR LF, CR LF.

#[path = "../solutions/ex_nginx_line.rs"]
mod solution;

#[path = "../exercises/ex_nginx_line.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// The transcript: a line, and the status of nginx's answer.
const ANSWERS: [(&[u8], u16); 46] = [
    (b"GET / HTTP/1.1\r\n", 200),
    (b"GET / HTTP/1.0\r\n", 200),
    (b"GET / HTTP/1.1\n", 200),
    (b"GET / HTTP/1.1\r", 400),
    (b"GET / HTTP/1.1\r\r\n", 400),
    (b"GET / HTTP/1.1 \r\n", 200),
    (b"GET / HTTP/1.1   \n", 200),
    (b"GET / HTTP/1.1 x\r\n", 400),
    (b"GET / HTTP/1.1\t\r\n", 400),
    (b"GET  / HTTP/1.1\r\n", 200),
    (b"GET /   HTTP/1.1\r\n", 200),
    (b"GET\t/ HTTP/1.1\r\n", 400),
    (b"GET /\tHTTP/1.1\r\n", 400),
    (b"get / HTTP/1.1\r\n", 400),
    (b"M-SEARCH / HTTP/1.1\r\n", 200),
    (b"G_T / HTTP/1.1\r\n", 200),
    (b"GET1 / HTTP/1.1\r\n", 400),
    (b"-- / HTTP/1.1\r\n", 200),
    (b" GET / HTTP/1.1\r\n", 400),
    (b" / HTTP/1.1\r\n", 400),
    (b"GET / HTTP/1.2\r\n", 200),
    (b"GET / HTTP/1.10\r\n", 200),
    (b"GET / HTTP/1.01\r\n", 200),
    (b"GET / HTTP/1.999\r\n", 200),
    (b"GET / HTTP/2.0\r\n", 505),
    (b"GET / HTTP/9.9\r\n", 505),
    (b"GET / HTTP/10.0\r\n", 505),
    (b"GET / HTTP/0.9\r\n", 400),
    (b"GET / HTTP/01.1\r\n", 400),
    (b"GET / HTTP/1.\r\n", 400),
    (b"GET / HTTP/1\r\n", 400),
    (b"GET / HTTP/.1\r\n", 400),
    (b"GET / http/1.1\r\n", 400),
    (b"GET / HTTPS/1.1\r\n", 400),
    (b"GET /a|b\"c HTTP/1.1\r\n", 200),
    (b"GET /\xc3\xa9 HTTP/1.1\r\n", 200),
    (b"GET /#a HTTP/1.1\r\n", 200),
    (b"GET /a\0b HTTP/1.1\r\n", 400),
    (b"GET /a\x1fb HTTP/1.1\r\n", 400),
    (b"GET /a\x7fb HTTP/1.1\r\n", 400),
    (b"GET /a b HTTP/1.1\r\n", 400),
    (b"GET a HTTP/1.1\r\n", 400),
    (b"GET * HTTP/1.1\r\n", 400),
    (b"\r\nGET / HTTP/1.1\r\n", 200),
    (b"\r\n\n\r\rGET / HTTP/1.1\r\n", 200),
    (b"GET\r\n", 400),
];

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::status;
            use super::super::ANSWERS;

            /// I2: each line is answered as nginx has answered it.
            #[test]
            $(#[$skip])?
            fn answers_as_nginx() {
                for (line, expected) in ANSWERS {
                    let shown = line.escape_ascii();
                    assert_eq!(status(line), expected, "input: {shown}");
                }
            }

            /// I2: a line that is cut anywhere is no line.
            #[test]
            $(#[$skip])?
            fn cut_lines_are_none() {
                let line = b"GET /a HTTP/1.1\r\n";
                for end in 0..line.len() {
                    let shown = line[..end].escape_ascii();
                    assert_eq!(status(&line[..end]), 400, "input: {shown}");
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_nginx_line"]);
}
