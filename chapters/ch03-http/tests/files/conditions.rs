//! Only if it has changed.

use std::time::Duration;

use ch03_http::files::Files;
use ch03_http::files::conditional::{
    Validators, Verdict, evaluate, range_counts,
};
use ch03_http::head::{RequestParser, Rules};

use super::files::{Dir, MODIFIED, NOW, ask, request, set_modified};

const TAG: &str = "\"2b-5\"";
const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const AFTER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// The state that the tables are about.
fn state() -> Validators {
    Validators {
        etag: TAG.to_owned(),
        modified: Duration::from_secs(MODIFIED.as_secs()),
        is_date_strong: true,
    }
}

/// What a head's fields say; `{tag}` stands for the tag, and so on.
fn said<T>(
    fields: &str,
    ask: impl Fn(&ch03_http::head::Headers<'_>) -> T,
) -> T {
    let fields = fields.replace("{tag}", TAG).replace("{then}", THEN);
    let fields = fields.replace("{before}", BEFORE).replace("{after}", AFTER);
    let lines: Vec<&str> =
        fields.split(" | ").filter(|l| !l.is_empty()).collect();
    let bytes = request("GET /", &lines);
    let mut parser = RequestParser::new(Rules::default());
    let length = parser.parse(&bytes).expect("a good head").expect("whole");
    ask(&parser.head(&bytes[..length]).headers)
}

/// I24: the conditions count in the order of RFC 9110, section 13.2.2.
#[test]
fn conditions() {
    use Verdict::{Failed, Go, NotModified};

    let check = |fields: &str, read: Verdict, write: Verdict| {
        for (is_read, expected) in [(true, read), (false, write)] {
            let got = said(fields, |it| evaluate(it, &state(), is_read));
            assert_eq!(got, expected, "input: {fields}, read: {is_read}");
        }
    };
    check("", Go, Go);
    // If-Match: the strong comparison.
    check("If-Match: {tag}", Go, Go);
    check("If-Match: *", Go, Go);
    check("If-Match: \"x\"", Failed, Failed);
    check("If-Match: W/{tag}", Failed, Failed);
    check("If-Match: \"x\", {tag}", Go, Go);
    check("If-Match: \"x\" | If-Match: {tag}", Go, Go);
    check("If-Match:", Failed, Failed);
    check("If-Match: 2b-5", Failed, Failed); // no quotes, no tag
    check("If-Match: \"x\", *", Failed, Failed); // a star stands alone
    // A date counts only where there are no tags.
    check("If-Unmodified-Since: {then}", Go, Go);
    check("If-Unmodified-Since: {after}", Go, Go);
    check("If-Unmodified-Since: {before}", Failed, Failed);
    check("If-Unmodified-Since: yesterday", Go, Go);
    check(
        "If-Unmodified-Since: {before} | If-Unmodified-Since: {then}",
        Go,
        Go,
    );
    check("If-Match: {tag} | If-Unmodified-Since: {before}", Go, Go);
    check(
        "If-Match: \"x\" | If-Unmodified-Since: {then}",
        Failed,
        Failed,
    );
    // If-None-Match: the weak comparison.
    check("If-None-Match: {tag}", NotModified, Failed);
    check("If-None-Match: W/{tag}", NotModified, Failed);
    check("If-None-Match: *", NotModified, Failed);
    check("If-None-Match: \"x\"", Go, Go);
    check("If-None-Match: \"x\", W/\"y\" ,{tag}", NotModified, Failed);
    check("If-None-Match: ,, {tag}", NotModified, Failed);
    check("If-None-Match: \"a, {tag}", Go, Go); // what is none ends the list
    check("If-None-Match: \"a\\\", {tag}", NotModified, Failed);
    check("If-None-Match: \"a,b\", {tag}", NotModified, Failed);
    check("If-None-Match: w/{tag}", Go, Go); // W is upper case
    check("If-None-Match: \"\"", Go, Go);
    // Its date is for reads alone.
    check("If-Modified-Since: {then}", NotModified, Go);
    check("If-Modified-Since: {after}", NotModified, Go);
    check("If-Modified-Since: {before}", Go, Go);
    check("If-Modified-Since: 784111777", Go, Go);
    check(
        "If-Modified-Since: {then} | If-Modified-Since: {then}",
        Go,
        Go,
    );
    check("If-None-Match: \"x\" | If-Modified-Since: {after}", Go, Go);
    check(
        "If-None-Match: {tag} | If-Modified-Since: {before}",
        NotModified,
        Failed,
    );
    // The old forms of dates.
    check(
        "If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT",
        NotModified,
        Go,
    );
    check(
        "If-Modified-Since: Sun Nov  6 08:49:37 1994",
        NotModified,
        Go,
    );
    // Both halves.
    check(
        "If-Match: {tag} | If-None-Match: {tag}",
        NotModified,
        Failed,
    );
    check("If-Match: \"x\" | If-None-Match: {tag}", Failed, Failed);
    check(
        "If-Unmodified-Since: {then} | If-Modified-Since: {then}",
        NotModified,
        Go,
    );
}

/// I24: a range counts if If-Range names just this state, by something strong.
#[test]
fn if_range() {
    let check = |fields: &str, expected: bool, weak: bool| {
        for (is_date_strong, expected) in [(true, expected), (false, weak)] {
            let state = Validators {
                is_date_strong,
                ..state()
            };
            let got = said(fields, |it| range_counts(it, &state));
            let input = format!("{fields}, strong date: {is_date_strong}");
            assert_eq!(got, expected, "input: {input}");
        }
    };
    check("", true, true);
    check("If-Range: {tag}", true, true);
    check("If-Range: W/{tag}", false, false);
    check("If-Range: \"x\"", false, false);
    check("If-Range: *", false, false);
    check("If-Range: \"x\", {tag}", false, false); // no list here
    check("If-Range: {then}", true, false);
    check("If-Range: {after}", false, false);
    check("If-Range: {before}", false, false);
    check("If-Range: soon", false, false);
    check("If-Range: {tag} | If-Range: {tag}", false, false);
}

/// I24: two states of a file differ in their tags, and a date is neither in
/// the future nor strong while its second lasts.
#[test]
fn validators() {
    let check = |modified: Duration, date: u64, is_strong: bool| {
        let got = Validators::of(5, modified, NOW);
        let got = (got.modified.as_secs(), got.is_date_strong);
        assert_eq!(got, (date, is_strong), "input: {modified:?}");
    };
    let (second, now) = (Duration::from_secs(1), NOW.as_secs());
    check(MODIFIED, MODIFIED.as_secs(), true);
    check(NOW - second, now - 1, true);
    check(NOW, now, false);
    check(NOW + second, now, false);
    check(Duration::ZERO, 0, true);
    let tag = |length, modified| Validators::of(length, modified, NOW).etag;
    let nano = Duration::from_nanos(1);
    assert_ne!(tag(5, MODIFIED), tag(6, MODIFIED), "another length");
    assert_ne!(tag(5, MODIFIED), tag(5, MODIFIED + nano), "another time");
    assert_ne!(tag(5, NOW + second), tag(5, NOW + nano), "in the future");
}

/// I24: a conditional request for a file: the status, the validators, and a
/// precondition before a range.
#[test]
fn conditional_requests() {
    let dir = Dir::new("conditional");
    let path = dir.file("a.txt", b"hello");
    let files = Files::new(dir.path(), false).expect("a root");
    let get = |line: &str, fields: &[&str]| {
        ask(&files, &request(line, fields)).expect("a good head")
    };
    let first = get("GET /a.txt", &[]);
    let tag = first.get("etag").expect("a tag").to_owned();
    assert_eq!(first.get("last-modified"), Some(THEN));
    let check = |line: &str, fields: &[&str], expected: u16| {
        let fields: Vec<String> =
            fields.iter().map(|it| it.replace("{tag}", &tag)).collect();
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let got = get(line, &fields);
        assert_eq!(got.status(), expected, "input: {line} {fields:?}");
        if [200, 206, 304].contains(&expected) {
            assert_eq!(got.get("etag"), Some(&*tag), "{line} {fields:?}");
        }
    };
    let since = format!("If-Modified-Since: {THEN}");
    for line in ["GET /a.txt", "HEAD /a.txt"] {
        check(line, &["If-None-Match: {tag}"], 304);
        check(line, &["If-None-Match: \"x\""], 200);
        check(line, &["If-Match: \"x\""], 412);
        check(line, &["If-Match: {tag}"], 200);
        check(line, &[&since], 304);
    }
    let range = "Range: bytes=0-1";
    check("GET /a.txt", &[range], 206);
    check("HEAD /a.txt", &[range], 200);
    check("GET /a.txt", &[range, range], 200);
    check("GET /a.txt", &[range, "If-None-Match: {tag}"], 304);
    check(
        "GET /a.txt",
        &["Range: bytes=9-", "If-None-Match: {tag}"],
        304,
    );
    check(
        "GET /a.txt",
        &["Range: bytes=9-", "If-None-Match: \"x\""],
        416,
    );
    check("GET /a.txt", &["Range: bytes=9-", "If-Match: \"x\""], 412);
    check("GET /a.txt", &[range, "If-Range: {tag}"], 206);
    check("GET /a.txt", &[range, "If-Range: \"x\""], 200);
    check("GET /a.txt", &["Range: bytes=9-", "If-Range: \"x\""], 200);
    check("GET /a.txt", &[range, &format!("If-Range: {THEN}")], 206);
    // A condition is about a file: where there is none, it says nothing.
    check("GET /none", &["If-None-Match: *"], 404);
    check("GET /none", &["If-Match: *"], 404);
    check("POST /a.txt", &["If-Match: \"x\""], 405);
    set_modified(&path, MODIFIED + Duration::from_secs(1));
    for field in [since, format!("If-None-Match: {tag}")] {
        let got = get("GET /a.txt", &[&field]).status();
        assert_eq!(got, 200, "input: modified a second later; {field}");
    }
}
