//! What step 1 must do: heads, read and written.

mod heads;

use ch00_toolbox::golden::show;
use ch00_toolbox::prop;
use ch03_http::head::target::{is_host, split_port};
use ch03_http::head::{
    HeadError, HeadWriter, HostFault, Method, Part, Refused, RequestParser,
    ResponseParser, Rules, Target, Version,
};
use heads::{
    check, check_response, cut, fields, found, naive, nearly, parse, plain,
    rules, syntax, text, whole, written,
};

/// I1: a whole head is found whole, however it is cut; what follows it is
/// left alone; a part of it needs more.
#[test]
fn heads_are_found() {
    let rules = Rules::default();
    let head = b"GET /a?b HTTP/1.1\r\nHost: a.org\r\nX:\t b c \r\n\r\n";
    let said = "GET /a?b Http11 | Host=a.org | X=b c";
    check(rules, head, whole(head.len(), said));
    let more = [&head[..], b"\0 what follows\r\n\r\n"].concat();
    check(rules, &more, whole(head.len(), said));
    for end in 0..head.len() {
        check(rules, &head[..end], Ok(None));
    }
    let old = b"\r\n\r\nPUT / HTTP/1.0\r\n\r\n";
    check(rules, old, whole(22, "PUT / Http10"));
    let empty = b"GET / HTTP/1.1\r\nHost:a\r\nE:\r\nF: \t\r\n\r\n";
    check(rules, empty, whole(36, "GET / Http11 | Host=a | E= | F="));
}

/// I2: what the grammar does not have is refused at its first wrong byte.
#[test]
fn wrong_heads_are_refused() {
    let line = |line: &str, expected| {
        let bytes = format!("{line}\r\nHost: a\r\n\r\n");
        check(Rules::default(), bytes.as_bytes(), expected);
    };
    line(" GET / HTTP/1.1", syntax(Part::Method, 0));
    line("G@T / HTTP/1.1", syntax(Part::Method, 1));
    line("GET", syntax(Part::Method, 3));
    line("GET  / HTTP/1.1", syntax(Part::Target, 4));
    line("GET a HTTP/1.1", syntax(Part::Target, 4));
    line("GET /\u{e9} HTTP/1.1", syntax(Part::Target, 5));
    line("GET /#a HTTP/1.1", syntax(Part::Target, 5));
    line("GET /\t HTTP/1.1", syntax(Part::Target, 5));
    line("GET /", syntax(Part::Target, 5));
    line("GET / ", syntax(Part::Version, 6));
    line("GET / HHTTP/1.1", syntax(Part::Version, 7));
    line("GET / HTTP/1.1 ", syntax(Part::Version, 14));
    line("GET / HTTP/1.1\r", syntax(Part::LineEnd, 15));
    line("GET / HTTP/1.1\n", syntax(Part::LineEnd, 14));
    let (major, minor) = (2, 0);
    line("GET / HTTP/2.0", Err(HeadError::Version { major, minor }));

    let field = |field: &str, part, at: usize| {
        let bytes = format!("GET / HTTP/1.1\r\nHost: a\r\n{field}\r\n\r\n");
        let expected = syntax(part, 25 + at);
        check(Rules::default(), bytes.as_bytes(), expected);
    };
    field(" A: b", Part::Fold, 0);
    field("\tA: b", Part::Fold, 0);
    field("A: b\r\n c", Part::Fold, 6);
    field(": b", Part::Name, 0);
    field("A : b", Part::Name, 1);
    field("A", Part::Name, 1);
    field("A\0: b", Part::Name, 1);
    field("\u{e9}: b", Part::Name, 0);
    field("A: b\rC: d", Part::LineEnd, 5);
    field("A: b\nC: d", Part::LineEnd, 4);
    field("\n", Part::LineEnd, 0);
    field("A: b\0c", Part::Value, 4);
    field("A: b\x7fc", Part::Value, 4);
    field("A: \x0b", Part::Value, 3);
    field("A: 0123456789abcdef0123456789ab\x1fdef", Part::Value, 31);
}

/// I2: an LF alone ends a line only where the rules say so.
#[test]
fn a_bare_lf_is_a_switch() {
    let lenient = Rules {
        bare_lf: true,
        ..Rules::default()
    };
    let bytes = b"\nGET / HTTP/1.1\nHost: a\nB: c \r\n\n";
    check(lenient, bytes, whole(32, "GET / Http11 | Host=a | B=c"));
    check(Rules::default(), bytes, syntax(Part::Method, 0));
    let bare_cr = b"GET / HTTP/1.1\nHost: a\rB: c\n\n";
    check(lenient, bare_cr, syntax(Part::LineEnd, 23));
}

/// I3: at a limit a head is taken, and one byte or field over it is not.
#[test]
fn limits_are_exact() {
    let head = b"GET /a HTTP/1.1\r\nHost: a\r\nB: c\r\n\r\n"; // 15; 34; 2
    let good = whole(34, "GET /a Http11 | Host=a | B=c");
    check(rules(15, 34, 2), head, good);
    let limit = 14;
    check(rules(14, 34, 2), head, Err(HeadError::LongLine { limit }));
    for limit in 0..34 {
        let over = Err(HeadError::LongHead { limit });
        check(rules(15, limit, 2), head, over);
    }
    let limit = 1;
    check(rules(15, 34, 1), head, Err(HeadError::ManyFields { limit }));

    // Nothing of what is past a limit is waited for, or looked at.
    let endless = [b'a'; 600];
    let over = Err(HeadError::LongLine { limit: 100 });
    check(rules(100, 400, 9), &endless, over);
    let over = Err(HeadError::LongHead { limit: 400 });
    check(rules(500, 400, 9), &endless, over.clone());
    check(rules(100, 400, 9), &b"\r\n".repeat(300), over.clone());
    let mut fields = b"GET / HTTP/1.1\r\nA:".to_vec();
    fields.extend_from_slice(&endless);
    check(rules(100, 400, 9), &fields, over);
    let (_, scanned) = parse(rules(100, 400, 9), &[&fields]);
    assert_eq!(scanned, 400, "input: a field of 600 bytes, 400 allowed");
}

/// I3: each error has its status.
#[test]
fn errors_have_a_status() {
    let check = |error: HeadError, expected| {
        assert_eq!(error.status(), expected, "error: {error}");
    };
    let (part, at, limit) = (Part::Fold, 0, 9);
    check(HeadError::Syntax { part, at }, 400);
    check(HeadError::Host(HostFault::Many), 400);
    check(HeadError::LongLine { limit }, 414);
    check(HeadError::LongHead { limit }, 431);
    check(HeadError::ManyFields { limit }, 431);
    check(HeadError::Version { major: 3, minor: 0 }, 505);
}

/// I4: HTTP/1.1 needs one valid Host, and HTTP/1.0 none.
#[test]
fn hosts_are_checked() {
    let check = |version: &str, fields: &str, expected: Option<HostFault>| {
        let bytes = format!("GET / HTTP/{version}\r\n{fields}\r\n");
        let (got, _) = parse(Rules::default(), &[bytes.as_bytes()]);
        let got = got.map(|whole| whole.is_some());
        let expected = expected.map_or(Ok(true), |f| Err(HeadError::Host(f)));
        assert_eq!(got, expected, "input: {bytes:?}");
    };
    check("1.1", "Host: a\r\n", None);
    check("1.1", "hOST:a:80\r\n", None);
    check("1.1", "X: Host\r\n", Some(HostFault::Missing));
    check("1.0", "", None);
    check("1.0", "Host: a b\r\n", Some(HostFault::Invalid));
    check("1.1", "Host: a\r\nHost: a\r\n", Some(HostFault::Many));
    check("1.0", "Host: a\r\nhost: b\r\n", Some(HostFault::Many));
    check("1.1", "Host: \r\n", Some(HostFault::Invalid));
}

/// I4: what may stand in Host.
#[test]
fn a_host_is_a_name_or_an_address() {
    let good = "a a.org A.ORG:80 a.org: a_b~!$&'()*+,;=%41 127.0.0.1:7003 \
                [::1] [2001:db8::7]:65535";
    let bad = ":80 a:b a:65536 a:-1 a:80:80 a/ a@b a? [::1 ::1 [::1]80 \
               [a.org] [] ] %4 %4g % a\u{e9} \"a\" a:99999999999999999 a:+80";
    for host in good.split(' ') {
        assert!(is_host(host.as_bytes()), "input: {host:?}");
    }
    for host in bad.split(' ').chain(["", "a b"]) {
        assert!(!is_host(host.as_bytes()), "input: {host:?}");
    }
    assert!(!is_host(b"a\xff"), "input: a\\xff");
    let got = split_port("[::1]:80");
    assert_eq!(got, Some(("[::1]", Some("80"))), "input: [::1]:80");
}

/// I4: the four forms, each with what goes with it; the target's host wins.
#[test]
fn targets_have_forms() {
    let check = |method: &str, target, expected| {
        let got = Target::parse(method.as_bytes(), target);
        assert_eq!(got, expected, "input: {method} {target}");
    };
    let origin = |path, query| Some(Target::Origin { path, query });
    check("GET", "/", origin("/", None));
    check("GET", "//a.org/b?c?d", origin("//a.org/b", Some("c?d")));
    check("GET", "/?", origin("/", Some("")));
    check("OPTIONS", "*", Some(Target::Asterisk));
    check("GET", "*", None);
    check("OPTIONS", "**", None);
    let authority = "a.org:443";
    check("CONNECT", authority, Some(Target::Authority { authority }));
    for target in ["a.org", "a.org:", "/", "*", "http://a.org:443/", ":443"] {
        check("CONNECT", target, None);
    }
    let absolute = |authority, path, query| {
        let scheme = "http";
        Some(Target::Absolute {
            scheme,
            authority,
            path,
            query,
        })
    };
    check("GET", "http://a.org", absolute("a.org", "", None));
    check("GET", "http://a:1/b?c", absolute("a:1", "/b", Some("c")));
    check("GET", "http://a?b/c", absolute("a", "", Some("b/c")));
    for target in ["http:///", "1http://a/", "://a/", "a", "http:/a", ""] {
        check("GET", target, None);
    }

    let head = b"GET HTTP://a.org?q HTTP/1.1\r\nHost: b.org\r\n\r\n";
    let mut parser = RequestParser::new(Rules::default());
    assert_eq!(parser.parse(head), Ok(Some(head.len())), "absolute form");
    let request = parser.head(head);
    assert_eq!(request.host(), Some("a.org"), "absolute form, another Host");
    assert_eq!(request.target.path(), Some("/"), "absolute form, no path");
    assert_eq!(request.method, Method::Get, "method");
    assert_eq!(request.version, Version::Http11, "version");
}

/// I1: any split of any bytes gives what the whole gives, and looks at no
/// byte twice.
#[test]
fn splits_do_not_matter() {
    prop::check(
        "splits_do_not_matter",
        4_000,
        |random| {
            let bytes = nearly(random);
            let line = *random.pick(&[8192, 30]);
            let head = *random.pick(&[8192, 70]);
            let mut rules = rules(line, head, *random.pick(&[100, 2]));
            rules.bare_lf = random.once_in(4);
            (bytes, random.vec(12, |random| random.upto(20)), rules)
        },
        |(bytes, sizes, rules)| {
            let (expected, once) = parse(*rules, &[bytes]);
            let (got, scanned) = parse(*rules, &cut(bytes, sizes));
            if got != expected {
                let bytes = show(bytes);
                return Err(format!("{bytes}\n{got:?}\nnot {expected:?}"));
            }
            if scanned > bytes.len() || (got.is_ok() && scanned != once) {
                return Err(format!("{scanned} bytes looked at, not {once}"));
            }
            Ok(())
        },
    );
}

/// I1: what has been looked at is not looked at again: it may even be
/// overwritten. (The first byte of a target says which form it has.)
#[test]
fn no_byte_is_looked_at_twice() {
    let head = b"\r\nGET /where HTTP/1.0\r\nName:  value\r\nB:c\r\n\r\n";
    let mut parser = RequestParser::new(Rules::default());
    let mut seen = Vec::new();
    for (at, byte) in head.iter().enumerate() {
        seen.push(*byte);
        let expected = (at + 1 == head.len()).then_some(head.len());
        let input = text(&head[..=at]);
        assert_eq!(parser.parse(&seen), Ok(expected), "input: {input}");
        assert_eq!(parser.scanned(), at + 1, "input: {input}");
        if *byte != b'/' || at > 6 {
            seen[at] = 0;
        }
    }
    let found = found(&parser, head);
    let expected = "GET /where Http10 | Name=value | B=c";
    assert_eq!(found, expected, "input: byte by byte, then overwritten");

    let head = b"HTTP/1.1 200 OK\r\nName:\tvalue\r\n\r\n";
    let mut parser = ResponseParser::new(Rules::default());
    let mut seen = Vec::new();
    for (at, byte) in head.iter().enumerate() {
        seen.push(*byte);
        let expected = (at + 1 == head.len()).then_some(head.len());
        let input = text(&head[..=at]);
        assert_eq!(parser.parse(&seen), Ok(expected), "input: {input}");
        assert_eq!(parser.scanned(), at + 1, "input: {input}");
        seen[at] = 0;
    }
    let response = parser.head(head);
    assert_eq!(text(response.reason), "OK", "input: byte by byte");
    let value = response.headers.get("name");
    assert_eq!(value, Some(&b"value"[..]), "input: byte by byte");
}

/// I1: what is taken is what the naive reader finds.
#[test]
fn the_naive_reader_finds_the_same() {
    let taken = std::cell::Cell::new(0);
    prop::check("the_naive_reader_finds_the_same", 2_000, plain, |bytes| {
        let (got, _) = parse(Rules::default(), &[bytes]);
        taken.set(taken.get() + u32::from(got.is_ok()));
        let expected = naive(bytes);
        match got.clone().ok().flatten() == expected {
            true => Ok(()),
            false => Err(format!("{got:?}\nnot {expected:?}")),
        }
    });
    assert!(
        taken.get() > 0,
        "the property has seen a head that is taken"
    );
}

/// I1: after a head the parser is ready for the next; what it said before
/// that, it goes on saying.
#[test]
fn a_parser_is_used_again() {
    let mut parser = RequestParser::new(Rules::default());
    let two = b"GET /1 HTTP/1.0\r\nA: b\r\n\r\n\r\nGET /2 HTTP/1.0\r\n\r\n";
    assert!(!parser.begun(), "input: nothing yet");
    assert_eq!(parser.parse(two), Ok(Some(25)), "the first of two");
    assert_eq!(parser.parse(two), Ok(Some(25)), "the first of two, again");
    assert!(parser.begun(), "input: a head");
    parser.reset();
    assert!(!parser.begun(), "after reset");
    let rest = &two[25..];
    assert_eq!(parser.parse(&rest[..2]), Ok(None), "an empty line");
    assert!(!parser.begun(), "input: an empty line");
    assert_eq!(parser.parse(rest), Ok(Some(21)), "the second of two");
    assert_eq!(found(&parser, rest), "GET /2 Http10", "the second of two");

    parser.reset();
    let error = parser.parse(b"\0");
    assert_eq!(
        error,
        Err(HeadError::Syntax {
            part: Part::Method,
            at: 0
        })
    );
    assert_eq!(parser.parse(b"GET /"), error, "after an error");
    parser.reset();
    assert_eq!(parser.parse(b"GET /"), Ok(None), "after an error and reset");

    // Other bytes than those that were parsed: nonsense, but no panic.
    assert_eq!(parser.parse(b"G"), Ok(None), "fewer bytes than before");
    assert_eq!(parser.head(b"").raw_target, "", "other bytes");
}

/// I2: names are compared without regard to case, order is kept, and one
/// name's fields are one list.
#[test]
fn headers_are_looked_up() {
    let text = "A: 1\r\nB: 2, 3\r\na: 4\r\nb:\r\nB: 5\r\n\r\n";
    let (parser, bytes) = fields(text);
    let headers = parser.headers(&bytes);
    assert_eq!(headers.len(), 5, "input: {text:?}");
    assert_eq!(headers.get("a"), Some(&b"1"[..]), "input: {text:?}");
    assert_eq!(headers.get("ab"), None, "input: {text:?}");
    let all: Vec<&[u8]> = headers.all("A").collect();
    assert_eq!(all, [&b"1"[..], b"4"], "input: {text:?}");
    let list: Vec<&[u8]> = headers.list("b").collect();
    assert_eq!(list, [&b"2"[..], b"3", b"5"], "input: {text:?}");
    assert!(headers.has("b", "5"), "input: {text:?}");
    assert!(!headers.has("b", "2, 3"), "input: {text:?}");
}

/// I2: a list is split at its commas, and not at those that are quoted.
#[test]
fn lists_are_split_at_commas() {
    let check = |value: &str, expected: &[&str]| {
        let (parser, bytes) = fields(&format!("L: {value}\r\n\r\n"));
        let headers = parser.headers(&bytes);
        let got: Vec<String> = headers.list("l").map(text).collect();
        let expected: Vec<String> =
            expected.iter().map(|it| text(it.as_bytes())).collect();
        assert_eq!(got, expected, "input: {value:?}");
    };
    check("", &[]);
    check("a", &["a"]);
    check(",, a\t,,b ,", &["a", "b"]);
    check("a;b=\"c, d\", e", &["a;b=\"c, d\"", "e"]);
    check(r#""a\",b",c"#, &[r#""a\",b""#, "c"]);
    check(r#""a\\",b"#, &[r#""a\\""#, "b"]);
    check(r#"a\,b"#, &[r#"a\"#, "b"]);
    check("\"a, b", &["\"a, b"]);
}

/// I1, I2: status lines, however they are cut.
#[test]
fn responses_are_found() {
    let check = check_response;
    let wrong = |part, at| Err(HeadError::Syntax { part, at });
    check("HTTP/1.1 200 OK", Ok((200, "OK")));
    check("HTTP/1.0 599 ", Ok((599, "")));
    check("HTTP/1.1 404", Ok((404, "")));
    check("HTTP/1.1 404 Not \t\u{e9}", Ok((404, "Not \\t\\xc3\\xa9")));
    check("HTTP/1.1 099 ", wrong(Part::Status, 9));
    check("HTTP/1.1 600 ", wrong(Part::Status, 9));
    check("HTTP/1.1 20 OK", wrong(Part::Status, 11));
    check("HTTP/1.1 2000", wrong(Part::Status, 12));
    check("HTTP/1.1 200 O\0K", wrong(Part::Value, 14));
    check("HTTP/1.1 200 O\rK", wrong(Part::LineEnd, 15));
    check("HTTP/1.1 200\n", wrong(Part::LineEnd, 12));
    check("HTTP/1.1  200", wrong(Part::Status, 9));
    check("HTTP 200 OK", wrong(Part::Version, 4));
    check(" HTTP/1.1 200", wrong(Part::Version, 0));
    let (major, minor) = (3, 0);
    check("HTTP/3.0 200 OK", Err(HeadError::Version { major, minor }));
}

/// I3: a response's head has a limit, too.
#[test]
fn a_long_response_is_refused() {
    let rules = rules(8192, 30, 100);
    for line in ["HTTP/1.1 200 ", "HTTP/1.1 200\r\n", "HTTP/1.1 200 \r\nA:"] {
        let bytes = line.to_owned() + &"x".repeat(60);
        let got = ResponseParser::new(rules).parse(bytes.as_bytes());
        let expected = Err(HeadError::LongHead { limit: 30 });
        assert_eq!(got, expected, "input: {bytes:?}");
    }
}

/// I5: a head is written as it travels, or not at all.
#[test]
fn heads_are_written() {
    let got = written(&[("A", b"b"), ("C", b"")]).map(|out| text(&out));
    let expected = "beforeHTTP/1.1 200 OK\\r\\nA: b\\r\\nC: \\r\\n\\r\\n";
    assert_eq!(got, Ok(expected.to_owned()), "input: two fields");

    let mut out = Vec::new();
    let request = HeadWriter::request(&mut out, "GET", "/a?b");
    request.map(|mut head| head.finish()).expect("all in order");
    assert_eq!(text(&out), "GET /a?b HTTP/1.1\\r\\n\\r\\n", "a request");

    for (name, value, refused) in [
        ("A", &b"b\r\nSet-Cookie: c"[..], Refused::Value),
        ("A", b"b\n", Refused::Value),
        ("A", b"\rb", Refused::Value),
        ("A", b"b\0", Refused::Value),
        ("A", b"\x7f", Refused::Value),
        ("A:", b"b", Refused::Name),
        ("A\r\nB", b"b", Refused::Name),
        ("", b"b", Refused::Name),
        ("A b", b"b", Refused::Name),
    ] {
        let got = written(&[("First", b"1"), (name, value)]);
        assert_eq!(got, Err(refused), "input: {name:?}, {}", text(value));
    }

    let mut out = b"before".to_vec();
    let head = HeadWriter::response(&mut out, 200).map(drop);
    assert_eq!(head, Ok(()), "input: a writer that is dropped");
    assert_eq!(text(&out), "before", "after a writer that was dropped");
}

/// I5: a line that would not be read as one is not written.
#[test]
fn wrong_lines_are_not_written() {
    let mut out = Vec::new();
    let mut check = |method: &str, target: &str, expected: Refused| {
        let got = HeadWriter::request(&mut out, method, target).map(drop);
        assert_eq!(got, Err(expected), "input: {method:?} {target:?}");
        assert_eq!(text(&out), "", "input: {method:?} {target:?}");
    };
    check("GET /", "/", Refused::Method);
    check("", "/", Refused::Method);
    check("GET", "", Refused::Target);
    check("GET", "/ HTTP/1.1\r\nA: b", Refused::Target);
    check("GET", "/\u{e9}", Refused::Target);
    for status in [0, 99, 600, 1000] {
        let got = HeadWriter::response(&mut out, status).map(drop);
        assert_eq!(got, Err(Refused::Status), "input: {status}");
    }
}

/// I5: what is written is what the other side reads, whatever the value;
/// else it is refused.
#[test]
fn what_is_written_is_read() {
    prop::check(
        "what_is_written_is_read",
        2_000,
        |random| (random.text(8), random.bytes(20)),
        |(name, value)| {
            let Ok(out) = written(&[(name, value), ("Last", b"1")]) else {
                return Ok(()); // what must be refused: the table above
            };
            let out = &out[6..];
            let mut parser = ResponseParser::new(Rules::default());
            let said = parser.parse(out);
            if said != Ok(Some(out.len())) {
                return Err(format!("{said:?} for\n{}", show(out)));
            }
            let headers = parser.head(out).headers;
            let sent = value.trim_ascii();
            match headers.len() == 2 && headers.get(name) == Some(sent) {
                true => Ok(()),
                false => Err(format!("other fields in\n{}", show(out))),
            }
        },
    );
}
