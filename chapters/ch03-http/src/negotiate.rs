//! Which coding a response gets, and whether it gets one at all.
//!
//! ```text
//! Accept-Encoding: gzip;q=0.8, deflate, *;q=0
//!                  ──┬─ ──┬──  ───┬───  ──┬──
//!                    │  weight: 0.8    │  not a single other one
//!                  coding   weight: 1  ┘
//! ```
//!
//! RFC 9110, section 12.5.3. `identity`, no coding, may always be sent, unless
//! `identity;q=0` or `*;q=0` says that it may not.
//!
//! - A field that cannot be understood never makes a response worse than plain:
//!   an element that breaks the grammar counts as not there.
//! - Of codings of the same weight, the server's first choice is taken.
//! - Whoever compresses for one client says so to the caches: `Vary`.

/// A content coding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// The gzip format; `x-gzip` is another name for it.
    Gzip,
    /// The zlib format.
    Deflate,
    /// As it is.
    Identity,
}

impl Coding {
    /// Its name in `Content-Encoding`, where no coding has none.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Coding::Gzip => Some("gzip"),
            Coding::Deflate => Some("deflate"),
            Coding::Identity => None,
        }
    }

    fn is(self, name: &str) -> bool {
        let names: &[&str] = match self {
            Coding::Gzip => &["gzip", "x-gzip"],
            Coding::Deflate => &["deflate"],
            Coding::Identity => &["identity"],
        };
        names.iter().any(|one| one.eq_ignore_ascii_case(name))
    }
}

// ANCHOR: weight
/// A weight in thousandths: `0.8` is 800 (RFC 9110, section 12.4.2). `None`
/// if it is none: more than three digits, or over 1.
pub fn weight(text: &str) -> Option<u16> {
    let (whole, digits) = text.split_once('.').unwrap_or((text, ""));
    let whole = match whole {
        "0" => 0,
        "1" => 1000,
        _ => return None,
    };
    if digits.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let part = format!("{digits:0<3}").parse::<u16>().ok()?;
    Some(whole + part).filter(|weight| *weight <= 1000)
}

/// One element: a coding's name or `*`, and its weight.
fn element(text: &str) -> Option<(&str, u16)> {
    let blank = |c| c == ' ' || c == '\t';
    let (name, rest) = match text.split_once(';') {
        Some((name, rest)) => (name, Some(rest.trim_matches(blank))),
        None => (text, None),
    };
    let weight = match rest {
        None => 1000,
        Some(rest) => {
            let (q, value) = rest.split_once('=')?;
            weight(value).filter(|_| q.eq_ignore_ascii_case("q"))?
        }
    };
    Some((name.trim_matches(blank), weight))
}
// ANCHOR_END: weight

// ANCHOR: choose
/// The best of the codings that are `offered`, in the server's order, for a
/// request with this `Accept-Encoding`, all of its lines joined by commas.
/// `None` if the client wants none of them, not even identity: 406, or the
/// response as it is.
pub fn choose(accept: Option<&str>, offered: &[Coding]) -> Option<Coding> {
    let Some(accept) = accept else {
        return Some(Coding::Identity); // anything would do; plain always does
    };
    let elements: Vec<_> = accept.split(',').filter_map(element).collect();
    let named = |coding: Coding| {
        let mut all = elements.iter().filter(|(name, _)| coding.is(name));
        all.next().map(|(_, weight)| *weight)
    };
    let star = elements.iter().find(|(name, _)| *name == "*");
    let star = star.map(|(_, weight)| *weight);
    let mut best = None;
    for coding in offered.iter().filter(|c| **c != Coding::Identity) {
        let weight = named(*coding).or(star).unwrap_or(0);
        if weight > best.map_or(0, |(_, best)| best) {
            best = Some((*coding, weight));
        }
    }
    let plain = named(Coding::Identity);
    let (least, refused) = match (plain, star) {
        (Some(weight), _) => (weight, weight == 0),
        (None, star) => (0, star == Some(0)),
    };
    match best {
        Some((coding, weight)) if weight >= least => Some(coding),
        _ if !refused => Some(Coding::Identity),
        best => best.map(|(coding, _)| coding),
    }
}
// ANCHOR_END: choose

/// Below this, compressing saves no packet: the response fits one segment of
/// an Ethernet's 1,500 bytes, its head included, as it is.
pub const LEAST: u64 = 1024;

// ANCHOR: worth
/// Whether a response should be compressed: its `Content-Type`, its length in
/// bytes if it is known, and its `Cache-Control`.
pub fn is_worth(
    content_type: &str,
    length: Option<u64>,
    cache_control: &str,
) -> bool {
    let media = content_type.split(';').next().unwrap_or_default();
    let media = media.trim().to_ascii_lowercase();
    let (kind, subtype) = media.split_once('/').unwrap_or((&media, ""));
    let compresses = match (kind, subtype) {
        ("text", _) | ("image", "bmp" | "x-icon") => true,
        ("application", "json" | "javascript" | "xml" | "wasm") => true,
        ("font", "ttf" | "otf") => true,
        (_, other) => other.ends_with("+json") || other.ends_with("+xml"),
    };
    let directives = cache_control.split(',').map(str::trim);
    let mut directives = directives.map(str::to_ascii_lowercase);
    compresses
        && length.is_none_or(|length| length >= LEAST)
        && !directives.any(|directive| directive == "no-transform")
}
// ANCHOR_END: worth

/// The entity tag of a response that is compressed on the way. A strong tag
/// promises the same bytes, and these are others: it becomes a weak one, which
/// promises the same meaning (RFC 9110, section 8.8.3).
pub fn weak(etag: &str) -> String {
    match etag.starts_with("W/") {
        true => etag.to_owned(),
        false => format!("W/{etag}"),
    }
}
