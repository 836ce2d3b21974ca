//! Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.
//!
//! RFC 9110, section 5.6.7: one form is written, three are read, and the two
//! old ones (RFC 850's, asctime's) only because some old client may send
//! them. All are in GMT, to the second.
//!
//! - I9: a date that is written is read back as the same second, from 1970
//!   to the end of 9999; what is in none of the three forms, or names a day
//!   that there is not, is `None`.
//!
//! The arithmetic is Howard Hinnant's: years that begin in March, so that the
//! leap day is a year's last day (`chrono-Compatible Low-Level Date
//! Algorithms`).

use std::cell::Cell;
use std::time::Duration;

/// A date's length.
pub const LENGTH: usize = 29;

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const LONG_DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];
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
    let date = [(5, date), (12, year / 100), (14, year % 100)];
    let time = [(17, hour), (20, minute), (23, second)];
    for (at, number) in date.into_iter().chain(time) {
        out[at] = b'0' + (number / 10) as u8;
        out[at + 1] = b'0' + (number % 10) as u8;
    }
    out
}
// ANCHOR_END: write

// ANCHOR: parse
/// The second that a date names, in any of the three forms. The name of the
/// day has to be one, and is not compared with the date.
pub fn parse(text: &[u8]) -> Option<Duration> {
    let end = text.iter().position(|byte| !byte.is_ascii_alphabetic())?;
    let (name, rest) = text.split_at(end);
    let name = std::str::from_utf8(name).ok()?;
    let parts = match (DAYS.contains(&name), LONG_DAYS.contains(&name)) {
        (true, _) => matched(rest, b", dd Mon yyyy hh:mm:ss GMT")
            .or_else(|| matched(rest, b" Mon _d hh:mm:ss yyyy"))?,
        (_, true) => {
            let mut parts = matched(rest, b", dd-Mon-YY hh:mm:ss GMT")?;
            // RFC 9110: what is more than 50 years ahead is past. A clock
            // of 2019 or later has none of 2000 to 2069 so far ahead.
            parts.year += if parts.year < 70 { 2000 } else { 1900 };
            parts
        }
        _ => return None,
    };
    parts.to_unix()
}

// ANCHOR_END: parse

// ANCHOR: matched
/// The numbers in a date.
#[derive(Default)]
struct Parts {
    year: u64,
    month: u64, // 1 to 12
    date: u64,
    time: [u64; 3], // hour, minute, second
}

/// Compares with a form: a letter stands for a digit of a part, `Mon` for the
/// name of a month, `_` for a space or a digit, all else for itself.
fn matched(text: &[u8], form: &[u8]) -> Option<Parts> {
    if text.len() != form.len() {
        return None;
    }
    let at = form.windows(3).position(|it| it == b"Mon")?;
    let name = text.get(at..at + 3)?;
    let month = MONTHS.iter().position(|it| it.as_bytes() == name)?;
    let mut parts = Parts {
        month: month as u64 + 1,
        ..Parts::default()
    };
    let mut colons = 0;
    for (index, (&byte, &kind)) in text.iter().zip(form).enumerate() {
        colons += usize::from(kind == b':');
        let part = match kind {
            _ if (at..at + 3).contains(&index) => continue,
            b'_' if byte == b' ' => continue,
            b'_' | b'd' => &mut parts.date,
            b'y' | b'Y' => &mut parts.year,
            b'h' | b'm' | b's' => &mut parts.time[colons],
            _ if byte == kind => continue,
            _ => return None,
        };
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        *part = *part * 10 + digit;
    }
    Some(parts)
}

// ANCHOR_END: matched

// ANCHOR: to_unix
impl Parts {
    /// The second, if there is such a day and such a time.
    fn to_unix(&self) -> Option<Duration> {
        let [hour, minute, second] = self.time;
        // A leap second is taken for the second before it.
        let is_time = hour < 24 && minute < 60 && second <= 60;
        if !is_time || self.date == 0 || self.year < 1970 {
            return None;
        }
        let day = days(self.year, self.month, self.date);
        if civil(day) != (self.year, self.month, self.date) {
            return None; // 31 Feb
        }
        let second = hour * 3600 + minute * 60 + second.min(59);
        Some(Duration::from_secs(day * 86_400 + second))
    }
}
// ANCHOR_END: to_unix

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
