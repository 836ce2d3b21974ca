//! A server on a simulated network, so that every cut, delay and reset happens
//! on every run.

mod dates;
mod one;
mod rows;
mod turns;

use super::peer::{self, Answer, answers, calm};
use super::wire;

/// Cases of a property.
const CASES: u32 = 1000;

/// What a client is told whose answer failed.
const FAILED: &str = "the server failed\n";

pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

pub fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n\
         {body}"
    )
}

/// What one client gets for its bytes.
pub fn said(text: &str) -> Vec<Answer> {
    let methods: Vec<&str> = text
        .split("\r\n")
        .filter_map(|line| line.split_once(" /").map(|(method, _)| method))
        .collect();
    let got = calm(async |world| Ok(world.say(text).await));
    let (found, rest) = answers(got.as_bytes(), &methods);
    assert_eq!(rest.escape_ascii().to_string(), "", "input: {text}");
    found
}

pub fn check(text: &str, expected: &[(u16, &str)]) -> Vec<Answer> {
    let found = said(text);
    let got: Vec<(u16, String)> = (found.iter())
        .map(|it| (it.status, String::from_utf8_lossy(&it.content).into()))
        .collect();
    let expected: Vec<(u16, String)> =
        expected.iter().map(|it| (it.0, it.1.to_owned())).collect();
    assert_eq!(got, expected, "input: {text}");
    found
}
