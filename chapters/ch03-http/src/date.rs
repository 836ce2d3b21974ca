//! Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.
//!
//! RFC 9110, section 5.6.7: one form is written, three are read, and the two
//! old ones (RFC 850's, asctime's) only because some old client may send
//! them. All are in GMT, to the second.
//!
//! - I20: a date that is written is read back as the same second, from 1970
//!   to the end of 9999; what is no date is `None`, and never a wrong second.
//!
//! The arithmetic is Howard Hinnant's: years that begin in March, so that the
//! leap day is a year's last day (`chrono-Compatible Low-Level Date
//! Algorithms`).

use std::cell::Cell;
use std::time::Duration;

/// A date's length.
pub const LENGTH: usize = 29;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
    "Nov", "Dec",
];

/// The last second of 9999, since 1970: years have four digits.
const LAST: u64 = 253_402_300_799;

// ANCHOR: civil
/// Year, month (1 to 12) and day (1 to 31) of a day since 1970-01-01.
fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 0000-03-01
    let (era, day) = (days / 146_097, days % 146_097); // of 400 years
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // 0 is March
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, date)
}

/// The reverse of [`civil`].
fn days(year: u64, month: u64, date: u64) -> u64 {
    let year = year - u64::from(month <= 2);
    let month = if month > 2 { month - 3 } else { month + 9 };
    let (era, year) = (year / 400, year % 400);
    let day = (153 * month + 2) / 5 + date - 1;
    era * 146_097 + year * 365 + year / 4 - year / 100 + day - 719_468
}
// ANCHOR_END: civil

// ANCHOR: write
/// Writes the second; what is past 9999 is written as its last second.
pub fn write(unix: Duration) -> [u8; LENGTH] {
    let seconds = unix.as_secs().min(LAST);
    let (day, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, date) = civil(day);
    let (weekday, month) = (DAYS[day as usize % 7], MONTHS[month as usize - 1]);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut out = *b"Day, dd Mon yyyy hh:mm:ss GMT";
    out[..3].copy_from_slice(weekday.as_bytes());
    out[8..11].copy_from_slice(month.as_bytes());
    let numbers = [(5, date), (12, year / 100), (14, year % 100), (17, hour)];
    for (at, number) in numbers.into_iter().chain([(20, minute), (23, second)])
    {
        out[at] = b'0' + (number / 10) as u8;
        out[at + 1] = b'0' + (number % 10) as u8;
    }
    out
}
// ANCHOR_END: write

// ANCHOR: parse
/// The second that a date names, in any of the three forms.
pub fn parse(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    let words: Vec<&str> = text.split([' ', ',', '-']).collect();
    // The forms differ in where the parts stand; asctime's day may be
    // preceded by two spaces, which leaves an empty word.
    let (date, month, year, time) = match words[..] {
        [_, "", date, month, year, time, "GMT"] => (date, month, year, time),
        [_, month, "", date, time, year] if date.len() == 1 => {
            (date, month, year, time)
        }
        [_, month, date, time, year] => (date, month, year, time),
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| *name == month)? as u64 + 1;
    let (date, year) = (number(date, 1, 2)?, full_year(year)?);
    let mut parts = time.split(':').map(|part| number(part, 2, 2));
    let (hour, minute, second) =
        (parts.next()??, parts.next()??, parts.next()??);
    // A leap second is the second before it.
    let in_range = hour < 24 && minute < 60 && second <= 60;
    if !in_range || parts.next().is_some() || date == 0 || year < 1970 {
        return None;
    }
    let day = days(year, month, date);
    if civil(day) != (year, month, date) {
        return None; // 31 Feb
    }
    let second = hour * 3600 + minute * 60 + second.min(59);
    Some(Duration::from_secs(day * 86_400 + second))
}

/// A number of `least` to `most` digits.
fn number(text: &str, least: usize, most: usize) -> Option<u64> {
    let is_length = (least..=most).contains(&text.len());
    let is_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_length && is_digits)
}

/// A year of four digits, or of two: RFC 9110 wants those to be the past.
/// Fifty years of a server's life from 1970 on make 70 to 99 the last
/// century's.
fn full_year(text: &str) -> Option<u64> {
    match number(text, 2, 4)? {
        year if text.len() == 4 => Some(year),
        year if text.len() == 2 && year >= 70 => Some(1900 + year),
        year if text.len() == 2 => Some(2000 + year),
        _ => None,
    }
}
// ANCHOR_END: parse

// ANCHOR: now
/// The date of now, written once a second.
#[derive(Debug, Default)]
pub struct Now(Cell<Option<(u64, [u8; LENGTH])>>);

impl Now {
    /// The date at this time of the wall clock.
    pub fn at(&self, unix: Duration) -> [u8; LENGTH] {
        match self.0.get() {
            Some((second, text)) if second == unix.as_secs() => text,
            _ => {
                let text = write(unix);
                self.0.set(Some((unix.as_secs(), text)));
                text
            }
        }
    }
}
// ANCHOR_END: now
