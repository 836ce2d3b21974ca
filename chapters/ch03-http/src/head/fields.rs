//! Fields: `name: value`, line by line, up to an empty line. The same lines
//! follow a request line, a status line, and the last chunk of a body.
//!
//! ```text
//! H o s t :  SP e x a m p l e . o r g SP CR LF
//! \_name_/      \_______value_______/
//! ```
//!
//! What is kept of a field is two ranges. A value begins after the spaces
//! and tabs that follow the colon, and ends before those that precede the
//! CRLF; a CR, an LF or another control character in it is refused, and so
//! is a space before the colon (RFC 9112, section 5).

use ch03_http::head::class::{token_end, value_end};
use ch03_http::head::error::{HeadError, Part, syntax};
use ch03_http::head::list::List;

// ANCHOR: rules
/// What a parser takes. nginx takes a head that fits into four buffers of
/// 8 KiB, each line into one (`large_client_header_buffers`). Apache has
/// `LimitRequestLine` 8,190, `LimitRequestFieldSize` 8,190 for a line, and
/// `LimitRequestFields` 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The most bytes of a request line, without its CRLF. RFC 9112, section
    /// 3, recommends 8,000 at least.
    pub line: usize,
    /// The most bytes of a whole head, from its first to its empty line's
    /// LF. Offsets are 32 bits wide: more than 4 GiB is as 4 GiB.
    pub head: usize,
    /// The most fields of a head.
    pub fields: usize,
    /// Whether an LF alone ends a line, as RFC 9112, section 2.2, permits
    /// (MAY). Off: whoever before or behind us does not take it for an end
    /// sees other lines than we do.
    pub bare_lf: bool,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            line: 8 * 1024,
            head: 32 * 1024, // nginx: four buffers of 8 KiB
            fields: 100,
            bare_lf: false,
        }
    }
}
// ANCHOR_END: rules

// given: offsets have 32 bits
impl Rules {
    /// The rules, with a head of at most 4 GiB: what a [`Span`] can reach.
    pub fn clamped(self) -> Rules {
        Rules {
            head: self.head.min(u32::MAX as usize),
            ..self
        }
    }
}
// given end

// ANCHOR: span
/// A range of the buffer: `start..end`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// The range. `Rules::head` keeps both ends within 32 bits.
    pub fn new(start: usize, end: usize) -> Span {
        Span {
            start: start as u32,
            end: end as u32,
        }
    }

    /// The bytes of the range; none if the buffer is not the one that was
    /// parsed and has no such range.
    pub fn of(self, bytes: &[u8]) -> &[u8] {
        let range = self.start as usize..self.end as usize;
        bytes.get(range).unwrap_or(&[])
    }
}
// ANCHOR_END: span

/// Where a field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    name: Span,
    value: Span,
}

/// Which byte a [`FieldParser`] waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Line,
    Name,
    Padding,
    Value,
    Lf,
    LastLf,
    Done,
}

// ANCHOR: parser
/// Parses lines of fields up to the empty line, from any place of a buffer.
#[derive(Debug)]
pub struct FieldParser {
    state: State,
    at: usize,    // the next byte to look at
    start: usize, // where the name or the value began
    name: Span,
    fields: Vec<Field>,
}
// ANCHOR_END: parser

// given: the fields' first values, and what is read out
impl FieldParser {
    /// For fields that begin at the byte `at` of the buffer.
    pub fn new(at: usize) -> FieldParser {
        FieldParser {
            state: State::Line,
            at,
            start: at,
            name: Span::default(),
            fields: Vec::with_capacity(16),
        }
    }

    /// As new, but with the memory of the fields before.
    pub fn reset(&mut self, at: usize) {
        self.state = State::Line;
        self.at = at;
        self.fields.clear();
    }

    /// The next byte to look at.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Forgets the fields whose name `keep` does not want; `bytes` are those
    /// that were parsed.
    pub fn retain(&mut self, bytes: &[u8], keep: fn(&[u8]) -> bool) {
        self.fields.retain(|field| keep(field.name.of(bytes)));
    }

    /// The fields found so far, in the bytes that were parsed.
    pub fn headers<'a>(&'a self, bytes: &'a [u8]) -> Headers<'a> {
        Headers {
            bytes,
            fields: &self.fields,
        }
    }
}
// given end

impl FieldParser {
    // ANCHOR: parse
    /// Goes on where the last call stopped. `bytes` is the buffer from its
    /// start, with what has come since. Gives the index behind the empty
    /// line's LF, or `None` for "need more".
    ///
    /// # Errors
    /// [`HeadError::Syntax`]; `LongHead` when `rules.head` bytes are not
    /// enough, `ManyFields` at the first byte of one too many. The call
    /// after an error means nothing.
    pub fn parse(
        &mut self,
        bytes: &[u8],
        rules: &Rules,
    ) -> Result<Option<usize>, HeadError> {
        let limit = rules.clamped().head;
        let window = &bytes[..bytes.len().min(limit)];
        let done = self.scan(window, rules)?;
        if !done && self.at >= limit {
            return Err(HeadError::LongHead { limit });
        }
        Ok(done.then_some(self.at))
    }
    // ANCHOR_END: parse

    // ANCHOR: scan
    /// The machine itself: true at the end of the fields. Each part falls
    /// through to the next, so that a whole line that is here is scanned
    /// without asking for the state again.
    fn scan(&mut self, bytes: &[u8], rules: &Rules) -> Result<bool, HeadError> {
        while let Some(&byte) = bytes.get(self.at) {
            if self.state == State::Line {
                self.line(byte, rules)?;
            }
            if self.state == State::Name && !self.name(bytes)? {
                return Ok(false);
            }
            if self.state == State::Padding && !self.padding(bytes) {
                return Ok(false);
            }
            if self.state == State::Value && !self.value(bytes, rules)? {
                return Ok(false);
            }
            if !self.line_end(bytes)? {
                return Ok(self.state == State::Done);
            }
        }
        Ok(false)
    }
    // ANCHOR_END: scan

    // ANCHOR: line
    /// What a line begins that begins with `byte`.
    #[inline(always)]
    fn line(&mut self, byte: u8, rules: &Rules) -> Result<(), HeadError> {
        let wrong = |part| Err(syntax(part, self.at));
        match byte {
            b'\r' => {
                self.at += 1;
                self.state = State::LastLf;
            }
            b'\n' if rules.bare_lf => self.state = State::LastLf,
            b'\n' => return wrong(Part::LineEnd),
            b' ' | b'\t' => return wrong(Part::Fold),
            _ if self.fields.len() >= rules.fields => {
                let limit = rules.fields;
                return Err(HeadError::ManyFields { limit });
            }
            _ => {
                self.start = self.at;
                self.state = State::Name;
            }
        }
        Ok(())
    }

    // ANCHOR_END: line

    // ANCHOR: name
    /// Goes to the end of a name: true when its colon is there.
    #[inline(always)]
    fn name(&mut self, bytes: &[u8]) -> Result<bool, HeadError> {
        self.at = token_end(bytes, self.at);
        match bytes.get(self.at) {
            None => Ok(false),
            Some(b':') if self.at > self.start => {
                self.name = Span::new(self.start, self.at);
                self.at += 1;
                self.state = State::Padding;
                Ok(true)
            }
            Some(_) => Err(syntax(Part::Name, self.at)),
        }
    }

    /// Passes over the spaces before a value: true at a byte that is none.
    #[inline(always)]
    fn padding(&mut self, bytes: &[u8]) -> bool {
        while matches!(bytes.get(self.at), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if self.at == bytes.len() {
            return false;
        }
        self.start = self.at;
        self.state = State::Value;
        true
    }

    // ANCHOR_END: name

    // ANCHOR: value
    /// Goes to the end of a value: true when it is whole.
    #[inline(always)]
    fn value(
        &mut self,
        bytes: &[u8],
        rules: &Rules,
    ) -> Result<bool, HeadError> {
        let end = value_end(bytes, self.at);
        self.at = end;
        match bytes.get(end) {
            None => return Ok(false),
            Some(b'\r') => self.at += 1,
            Some(b'\n') if rules.bare_lf => {}
            Some(b'\n') => return Err(syntax(Part::LineEnd, end)),
            Some(_) => return Err(syntax(Part::Value, end)),
        }
        let value = bytes[self.start..end].trim_ascii_end();
        self.fields.push(Field {
            name: self.name,
            value: Span::new(self.start, self.start + value.len()),
        });
        self.state = State::Lf;
        Ok(true)
    }

    /// Takes the LF that must come: true if another line may follow.
    #[inline(always)]
    fn line_end(&mut self, bytes: &[u8]) -> Result<bool, HeadError> {
        match bytes.get(self.at) {
            None => Ok(false),
            Some(b'\n') => {
                self.at += 1;
                let last = self.state == State::LastLf;
                self.state = if last { State::Done } else { State::Line };
                Ok(!last)
            }
            Some(_) => Err(syntax(Part::LineEnd, self.at)),
        }
    }
    // ANCHOR_END: value
}

// ANCHOR: headers
/// The fields of a head, in the order in which they came.
#[derive(Debug, Clone, Copy)]
pub struct Headers<'a> {
    bytes: &'a [u8],
    fields: &'a [Field],
}
// ANCHOR_END: headers

// given: thin ways to ask
impl<'a> Headers<'a> {
    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Name and value of each field.
    pub fn iter(&self) -> Iter<'a> {
        Iter {
            bytes: self.bytes,
            fields: self.fields.iter(),
        }
    }

    /// The values of all fields of this name, upper and lower case being
    /// the same, in the order in which they came.
    pub fn all<'n>(&self, name: &'n str) -> Values<'a, 'n> {
        Values {
            fields: self.iter(),
            name,
        }
    }

    /// The value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The members of a field whose value is a list, from all fields of this
    /// name (RFC 9110, section 5.3: they are one list, in this order).
    pub fn list<'n>(&self, name: &'n str) -> List<'a, Values<'a, 'n>> {
        List::new(self.all(name))
    }

    /// Whether a list has this member, upper and lower case being the same:
    /// `has("connection", "close")`.
    pub fn has(&self, name: &str, member: &str) -> bool {
        let same = |it: &[u8]| it.eq_ignore_ascii_case(member.as_bytes());
        self.list(name).any(same)
    }
}
// given end

// given: how to walk over them
/// Name and value of each field: see [`Headers::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    fields: std::slice::Iter<'a, Field>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<(&'a [u8], &'a [u8])> {
        let field = self.fields.next()?;
        Some((field.name.of(self.bytes), field.value.of(self.bytes)))
    }
}

/// The values of the fields of one name: see [`Headers::all`].
#[derive(Debug, Clone)]
pub struct Values<'a, 'n> {
    fields: Iter<'a>,
    name: &'n str,
}

impl<'a> Iterator for Values<'a, '_> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let wanted = self.name.as_bytes();
        let found = self
            .fields
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value)
    }
}
// given end
