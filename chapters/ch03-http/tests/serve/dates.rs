//! Dates: written, read, and neither.

use std::time::Duration;

use ch00_toolbox::prop::{self, Gen};
use ch03_http::date;

use super::CASES;
use super::peer::MS;

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn written(seconds: u64) -> String {
    String::from_utf8(date::write(at(seconds)).to_vec()).expect("ASCII")
}

/// I9: dates of RFC 9110, the first and the last one, leap days, and the
/// centuries that have one or none.
#[test]
fn dates_are_written() {
    let check = |seconds: u64, expected: &str| {
        assert_eq!(written(seconds), expected, "input: {seconds}");
        let read = date::parse(expected.as_bytes());
        assert_eq!(read, Some(at(seconds)), "input: {expected}");
    };
    check(0, "Thu, 01 Jan 1970 00:00:00 GMT");
    check(784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT");
    check(951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT");
    check(951_868_800, "Wed, 01 Mar 2000 00:00:00 GMT");
    check(1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT");
    check(4_107_542_399, "Sun, 28 Feb 2100 23:59:59 GMT");
    check(4_107_542_400, "Mon, 01 Mar 2100 00:00:00 GMT");
    check(253_402_300_799, "Fri, 31 Dec 9999 23:59:59 GMT");
    let last = "Fri, 31 Dec 9999 23:59:59 GMT";
    assert_eq!(written(253_402_300_800), last, "input: a second later");
    assert_eq!(written(u64::MAX), last, "input: the end of time");
}

/// I9: three forms are read, and nothing else is.
#[test]
fn dates_are_read() {
    let check = |text: &str, expected: Option<u64>| {
        let got = date::parse(text.as_bytes()).map(|it| it.as_secs());
        assert_eq!(got, expected, "input: {text}");
    };
    let then = Some(784_111_777);
    check("Sun, 06 Nov 1994 08:49:37 GMT", then);
    check("Sunday, 06-Nov-94 08:49:37 GMT", then);
    check("Sun Nov  6 08:49:37 1994", then);
    check("Sun Nov 06 08:49:37 1994", then);
    check("Wed Nov 16 08:49:37 1994", Some(784_975_777));
    check("Thursday, 01-Jan-70 00:00:00 GMT", Some(0));
    check("Tuesday, 31-Dec-69 23:59:59 GMT", Some(3_155_759_999));
    // The name of the day is not compared: this was a Sunday.
    check("Mon, 06 Nov 1994 08:49:37 GMT", then);
    // A leap second is taken for the one before it.
    check("Sat, 31 Dec 2016 23:59:60 GMT", Some(1_483_228_799));
    for wrong in [
        "",
        "Sun",
        "0",
        "784111777",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 Nov 1994 8:49:37 GMT",
        "Sun, 06 Nov 1994 08-49-37 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Day, 06 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 29 Feb 2023 08:49:37 GMT",
        "Sun, 06 Nov 1969 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, +6 Nov 1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:37 G\u{4d}\u{308}T",
    ] {
        check(wrong, None);
    }
}

/// I9: each second from 1970 to 9999 comes back from all forms that have it.
#[test]
fn dates_come_back() {
    prop::check(
        "dates_come_back",
        CASES,
        |g: &mut Gen| g.upto(253_402_300_799),
        |&seconds| {
            let text = written(seconds);
            if date::parse(text.as_bytes()) != Some(at(seconds)) {
                return Err(text);
            }
            let (month, day) = (&text[8..11], &text[5..7]);
            let (year, time) = (&text[12..16], &text[17..25]);
            let day = day.strip_prefix('0').unwrap_or(day);
            let old = format!("{} {month} {day:>2} {time} {year}", &text[..3]);
            match date::parse(old.as_bytes()) == Some(at(seconds)) {
                true => Ok(()),
                false => Err(old),
            }
        },
    );
}

/// I9: no bytes panic, and a date that is read is written as itself.
#[test]
fn no_bytes_are_a_wrong_date() {
    prop::check(
        "no_bytes_are_a_wrong_date",
        CASES,
        |g: &mut Gen| {
            let mut text = date::write(at(g.upto(253_402_300_799))).to_vec();
            for _ in 0..g.range(1, 4) {
                let index = g.upto(28) as usize;
                text[index] = *g.pick(b"0123456789 :,-GMTJanSu\xff");
            }
            text
        },
        |text: &Vec<u8>| match date::parse(text) {
            Some(read) if read.as_secs() % 60 != 59 => {
                let again = date::write(read);
                match again[5..] == text[5..] {
                    true => Ok(()), // but for the name of the day
                    false => Err(again.escape_ascii().to_string()),
                }
            }
            _ => Ok(()),
        },
    );
}

/// I9: the date of now is that of the second, whatever was asked before.
#[test]
fn now_is_now() {
    let now = date::Now::default();
    for seconds in [5, 5, 6, 5, 784_111_777, 0] {
        let got = now.at(at(seconds) + 999 * MS);
        assert_eq!(got, date::write(at(seconds)), "input: {seconds}");
    }
}
