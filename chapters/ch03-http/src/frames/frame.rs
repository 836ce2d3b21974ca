//! Frames (RFC 6455, section 5.2): a head of 2 to 14 bytes, then a payload.
//!
//! ```text
//!   byte 0   FIN RSV RSV RSV  opcode      80 = last frame of its message
//!   byte 1   MASK length                  0–125, or 126: two bytes follow,
//!   …        length, 2 or 8 bytes         or 127: eight bytes follow
//!   …        masking key, 4 bytes         if MASK, which a client must set
//!   …        payload
//! ```
//!
//! - I44: parts depend on the bytes alone, not on how they were cut. Of what
//!   has come, at most an unfinished head of 13 bytes is kept here.
//! - I45: a frame that breaks a rule is refused at its head: no byte of its
//!   payload is looked at.
//!
//! Left out: a meaning for the reserved bits, which extensions give them.

use ch03_http::frames::fault::Fault;
use ch03_http::frames::mask::Mask;

/// The longest head: 2 bytes, a length of 8, a key of 4.
const MAX_HEAD: usize = 14;

/// The longest payload of a control frame, in bytes (section 5.5).
pub const MAX_CONTROL: usize = 125;

// ANCHOR: side
/// One of the two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Who opened the connection: its frames are masked.
    Client,
    /// Who answered: its frames are not.
    Server,
}

/// What a frame is for (section 11.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    /// The next frame of the message that is not whole yet.
    Continuation = 0,
    /// The first frame of a message of UTF-8.
    Text = 1,
    /// The first frame of a message of bytes.
    Binary = 2,
    /// The end, with a code and a reason.
    Close = 8,
    /// A question whether the peer is there.
    Ping = 9,
    /// The answer: the ping's payload.
    Pong = 10,
}

// ANCHOR_END: side

// ANCHOR: opcode
impl Opcode {
    /// The opcode of that number.
    ///
    /// # Errors
    /// It is reserved.
    pub fn of(number: u8) -> Result<Opcode, Fault> {
        Ok(match number {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            _ => return Err(Fault::Opcode(number)),
        })
    }

    /// Close, ping and pong: they may stand between a message's frames.
    pub fn is_control(self) -> bool {
        self as u8 & 8 != 0
    }
}
// ANCHOR_END: opcode

// ANCHOR: head
/// All of a frame but its payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The last frame of its message (FIN).
    pub last: bool,
    /// What it is for.
    pub opcode: Opcode,
    /// The masking key; `None` from a server.
    pub key: Option<[u8; 4]>,
    /// The payload's length in bytes.
    pub length: u64,
}
// ANCHOR_END: head

impl Head {
    // ANCHOR: decode
    /// The head at the beginning of these bytes, which `from` has sent, and
    /// its own length; `None` for "need more".
    ///
    /// # Errors
    /// The rule of section 5.2 or 5.5 that it breaks, as soon as the bytes
    /// that break it are there.
    pub fn decode(
        bytes: &[u8],
        from: Side,
    ) -> Result<Option<(Head, usize)>, Fault> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let (last, opcode) = first_byte(first)?;
        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let short = second_byte(second, opcode, from)?;
        let Some((length, rest)) = length(short, rest)? else {
            return Ok(None);
        };
        let (key, rest) = match (from, rest.split_first_chunk()) {
            (Side::Server, _) => (None, rest),
            (Side::Client, Some((key, rest))) => (Some(*key), rest),
            (Side::Client, None) => return Ok(None),
        };
        let head = Head {
            last,
            opcode,
            key,
            length,
        };
        Ok(Some((head, bytes.len() - rest.len())))
    }
    // ANCHOR_END: decode

    // ANCHOR: encode
    /// Appends the head, its length in the shortest form.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mask = if self.key.is_some() { 0x80 } else { 0 };
        out.push(u8::from(self.last) << 7 | self.opcode as u8);
        match (u8::try_from(self.length), u16::try_from(self.length)) {
            (Ok(short @ 0..126), _) => out.push(mask | short),
            (_, Ok(two)) => {
                out.push(mask | 126);
                out.extend_from_slice(&two.to_be_bytes());
            }
            _ => {
                out.push(mask | 127);
                out.extend_from_slice(&self.length.to_be_bytes());
            }
        }
        out.extend_from_slice(self.key.as_ref().map_or(&[], |key| &key[..]));
    }
    // ANCHOR_END: encode
}

// ANCHOR: first_bytes
/// Whether the frame is the last of its message, and what it is for.
fn first_byte(byte: u8) -> Result<(bool, Opcode), Fault> {
    let last = byte & 0x80 != 0;
    if byte & 0x70 != 0 {
        return Err(Fault::Reserved);
    }
    let opcode = Opcode::of(byte & 0x0f)?;
    if opcode.is_control() && !last {
        return Err(Fault::ControlInFragments);
    }
    Ok((last, opcode))
}

/// The seven bits of the length.
fn second_byte(byte: u8, opcode: Opcode, from: Side) -> Result<u8, Fault> {
    let short = byte & 0x7f;
    match (from, byte & 0x80 != 0) {
        (Side::Client, false) => return Err(Fault::Unmasked),
        (Side::Server, true) => return Err(Fault::Masked),
        _ => {}
    }
    if opcode.is_control() && usize::from(short) > MAX_CONTROL {
        return Err(Fault::ControlTooLong);
    }
    Ok(short)
}
// ANCHOR_END: first_bytes

// ANCHOR: length
/// The length, and the bytes behind it; `None` for "need more".
fn length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Fault> {
    let (length, rest, least) = match short {
        126 => match rest.split_first_chunk() {
            Some((two, rest)) => (u16::from_be_bytes(*two).into(), rest, 126),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((eight, rest)) => (u64::from_be_bytes(*eight), rest, 1 << 16),
            None => return Ok(None),
        },
        _ => (u64::from(short), rest, 0),
    };
    if length < least || length >> 63 != 0 {
        return Err(Fault::Length);
    }
    Ok(Some((length, rest)))
}
// ANCHOR_END: length

// ANCHOR: part
/// What comes next in a stream of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// A frame begins.
    Head(Head),
    /// Some of its payload.
    Piece(Piece<'a>),
    /// The frame is whole.
    End,
}

/// Bytes of a payload, still masked if they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece<'a> {
    bytes: &'a [u8],
    mask: Option<Mask>,
}

impl Piece<'_> {
    /// Appends them unmasked.
    pub fn append_to(mut self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(self.bytes);
        if let Some(mask) = &mut self.mask {
            mask.apply(&mut out[start..]);
        }
    }
}
// ANCHOR_END: part

// ANCHOR: reader
/// Cuts what one side sends into parts, and keeps no payload.
#[derive(Debug)]
pub struct Reader {
    from: Side,
    head: [u8; MAX_HEAD],
    have: usize, // bytes of `head` that are there
    /// The frame whose payload is coming.
    frame: Option<Frame>,
}

#[derive(Debug)]
struct Frame {
    left: u64, // bytes of the payload that are still to come
    mask: Option<Mask>,
}
// ANCHOR_END: reader

impl Reader {
    // given: a reader between two frames
    /// A reader of what `from` sends.
    pub fn new(from: Side) -> Reader {
        Reader {
            from,
            head: [0; MAX_HEAD],
            have: 0,
            frame: None,
        }
    }
    // given end

    // ANCHOR: next
    /// The next part, whose bytes are taken off the front of `input`; `None`
    /// when it is empty and nothing more can be said.
    ///
    /// # Errors
    /// See [`Head::decode`]. Where the next frame begins is lost then.
    pub fn next<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<Part<'a>>, Fault> {
        let Some(frame) = &mut self.frame else {
            return Ok(self.next_head(input)?.map(Part::Head));
        };
        if frame.left == 0 {
            self.frame = None;
            return Ok(Some(Part::End));
        }
        let most = usize::try_from(frame.left).unwrap_or(usize::MAX);
        let (bytes, rest) = input.split_at(most.min(input.len()));
        if bytes.is_empty() {
            return Ok(None);
        }
        *input = rest;
        frame.left -= bytes.len() as u64;
        let mask = frame.mask;
        if let Some(mask) = &mut frame.mask {
            mask.turn(bytes.len());
        }
        Ok(Some(Part::Piece(Piece { bytes, mask })))
    }
    // ANCHOR_END: next

    // ANCHOR: next_head
    /// Takes the bytes of a head off `input`, and not one byte more.
    fn next_head(&mut self, input: &mut &[u8]) -> Result<Option<Head>, Fault> {
        let before = self.have;
        let more = input.len().min(MAX_HEAD - before);
        self.head[before..before + more].copy_from_slice(&input[..more]);
        self.have += more;
        let decoded = Head::decode(&self.head[..self.have], self.from)?;
        let Some((head, size)) = decoded else {
            *input = &input[more..];
            return Ok(None);
        };
        *input = &input[size - before..];
        self.have = 0;
        let (left, mask) = (head.length, head.key.map(Mask::new));
        self.frame = Some(Frame { left, mask });
        Ok(Some(head))
    }
    // ANCHOR_END: next_head
}
