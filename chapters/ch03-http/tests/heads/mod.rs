//! What the tests of heads share: a parser that is fed in pieces, and heads
//! as a peer may send them.

use ch00_toolbox::prop::Gen;
use ch03_http::head::{
    FieldParser, HeadError, HeadWriter, Part, Refused, RequestParser,
    ResponseParser, Rules,
};

/// What a parser said, and what it found, as text.
pub type Found = Result<Option<(usize, String)>, HeadError>;

pub fn text(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

/// Method, target, version and fields of what has been parsed.
pub fn found(parser: &RequestParser, bytes: &[u8]) -> String {
    let request = parser.head(bytes);
    let (method, target) = (request.method.token(), request.raw_target);
    let mut line = format!("{} {target} {:?}", text(method), request.version);
    for (name, value) in request.headers.iter() {
        line += &format!(" | {}={}", text(name), text(value));
    }
    line
}

/// Parses a growing buffer; also how many bytes were looked at.
pub fn parse(rules: Rules, pieces: &[&[u8]]) -> (Found, usize) {
    let mut parser = RequestParser::new(rules);
    let mut buffer = Vec::new();
    let mut said = parser.parse(&buffer);
    for piece in pieces {
        buffer.extend_from_slice(piece);
        said = parser.parse(&buffer);
        if !matches!(said, Ok(None)) {
            break;
        }
    }
    let said =
        said.map(|whole| whole.map(|length| (length, found(&parser, &buffer))));
    (said, parser.scanned())
}

/// Whole, byte by byte, and cut in two at each place, it is the same.
pub fn check(rules: Rules, bytes: &[u8], expected: Found) {
    let mut ways: Vec<Vec<&[u8]>> =
        vec![vec![bytes], bytes.chunks(1).collect()];
    for at in 0..=bytes.len() {
        ways.push(vec![&bytes[..at], &bytes[at..]]);
    }
    for pieces in ways {
        let (got, _) = parse(rules, &pieces);
        let cuts: Vec<String> = pieces.iter().map(|it| text(it)).collect();
        assert_eq!(got, expected, "input: {cuts:?}");
    }
}

pub fn syntax(part: Part, at: usize) -> Found {
    Err(HeadError::Syntax { part, at })
}

pub fn whole(length: usize, found: &str) -> Found {
    Ok(Some((length, found.to_owned())))
}

/// A request as a peer may send it: nearly right, and sometimes not.
pub fn nearly(random: &mut Gen) -> Vec<u8> {
    // Pieces between bars; `^` is CR, `$` is LF.
    const PARTS: &str = "GET |POST |OPTIONS |CONNECT |/|/a?b |* |a.org:80 |\
        http://a.org/b |HTTP/1.1^$|HTTP/1.0^$|HTTP/1.1$|HTTP/2.0^$|\
        Host: a.org^$|Host: ^$|Host:b:9^$|Accept: */*^$|Content-Length: 5^$|\
        Content-Length : 5^$|X:\ta, \"b\" \t^$|X: \u{e9}^$| folded^$|\
        \tfolded^$|Transfer-Encoding: chunked^$|Connection: close^$|^$|\
        ^$^$|^|$|\0| |\t|:|a|aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa|#|\
        \x7f|\u{80}|Cookie: a=b; c=d^$|EOF";
    let parts: Vec<&str> = PARTS.split('|').collect();
    let mut bytes = Vec::new();
    if !random.once_in(4) {
        bytes.extend_from_slice(b"GET /where HTTP/1.1\r\nHost: a\r\n");
    }
    for part in random.vec(9, |random| *random.pick(&parts)) {
        let part = part.replace('^', "\r").replace('$', "\n");
        bytes.extend_from_slice(part.as_bytes());
    }
    if random.once_in(2) {
        bytes.extend_from_slice(b"\r\n\r\n");
    }
    bytes
}

/// Pieces that are together the bytes.
pub fn cut<'a>(bytes: &'a [u8], sizes: &[u64]) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    for size in sizes {
        let (piece, more) = rest.split_at(rest.len().min(*size as usize));
        pieces.push(piece);
        rest = more;
    }
    pieces.push(rest);
    pieces
}

/// A head as simply as can be: split at CRLF and at the colon.
pub fn naive(bytes: &[u8]) -> Option<(usize, String)> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let line = lines.next()?.strip_suffix(" HTTP/1.1")?;
    let mut said = format!("{line} Http11");
    for line in lines {
        let (name, value) = line.split_once(':')?;
        let value = value.trim_matches([' ', '\t']).escape_default();
        said += &format!(" | {name}={value}");
    }
    Some((end + 4, said))
}

pub fn fields(text: &str) -> (FieldParser, Vec<u8>) {
    let bytes = text.as_bytes().to_vec();
    let mut parser = FieldParser::new(0);
    let done = parser.parse(&bytes, &Rules::default());
    assert_eq!(done, Ok(Some(bytes.len())), "input: {text:?}");
    (parser, bytes)
}

pub fn written(fields: &[(&str, &[u8])]) -> Result<Vec<u8>, Refused> {
    let mut out = b"before".to_vec();
    let mut head = HeadWriter::response(&mut out, 200)?;
    for (name, value) in fields {
        head.field(name, value)?;
    }
    head.finish();
    drop(head);
    Ok(out)
}

/// A status line, followed by one field, cut in two at each place.
pub fn check_response(line: &str, expected: Result<(u16, &str), HeadError>) {
    let bytes = format!("{line}\r\nA: b\r\n\r\nbody");
    let cuts = 0..=bytes.len();
    for at in cuts {
        let mut parser = ResponseParser::new(Rules::default());
        let first = parser.parse(&bytes.as_bytes()[..at]);
        let said = match first {
            Ok(None) => parser.parse(bytes.as_bytes()),
            first => first,
        };
        let head = parser.head(bytes.as_bytes());
        let reason = text(head.reason);
        let whole = Ok(Some(bytes.len() - 4));
        let expected = expected.map(|it| (it.0, it.1.to_owned()));
        let got = said.map(|_| (head.status, reason));
        assert_eq!(got, expected, "input: {bytes:?} cut at {at}");
        if expected.is_ok() {
            assert_eq!(said, whole, "input: {bytes:?} cut at {at}");
            let value = head.headers.get("a");
            assert_eq!(value, Some(&b"b"[..]), "input: {bytes:?}");
        }
    }
}

/// A head of plain fields, and a body.
pub fn plain(random: &mut Gen) -> Vec<u8> {
    let mut bytes = b"GET /where HTTP/1.1\r\nHost: a\r\n".to_vec();
    for length in random.vec(5, |random| random.upto(70)) {
        let name = random.upto(30) as usize + 1;
        let pad = random.upto(3) as usize;
        bytes.extend(std::iter::repeat_n(b'n', name));
        bytes.push(b':');
        bytes.extend(std::iter::repeat_n(b' ', pad));
        bytes.extend((0..length).map(|_| 0x20 + random.upto(94) as u8));
        bytes.extend_from_slice(b"\t\r\n");
    }
    bytes.extend_from_slice(b"\r\nbody");
    bytes
}

/// Strict rules with these limits.
pub fn rules(line: usize, head: usize, fields: usize) -> Rules {
    Rules {
        line,
        head,
        fields,
        bare_lf: false,
    }
}
