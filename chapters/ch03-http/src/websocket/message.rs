//! Messages out of frames: fragments joined, control frames taken out from
//! between them.
//!
//! ```text
//!   Text "Hel"   Ping "?"   Continuation "lo", last     frames
//!                Ping "?"   Text "Hello"                events
//! ```
//!
//! - I46: a message is handed out whole or not at all. Text is UTF-8, and
//!   is refused at the first byte that is not, however far its end is.
//! - I47: a message over the limit is refused at the head that announces it.
//!   What is kept is at most one message and one control frame.
//!
//! Left out: messages that are handed out before they are whole, and a limit
//! on how many frames one may have: empty ones cost time and no memory.

use ch03_http::frames::fault::Fault;
use ch03_http::frames::frame::{Head, Opcode, Part, Reader, Side};
use ch03_http::websocket::close::{self, Closed};
use ch03_http::websocket::utf8::Utf8;

// ANCHOR: event
/// What a peer has said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A message of text.
    Text(String),
    /// A message of bytes.
    Binary(Vec<u8>),
    /// It asks whether we are there.
    Ping(Vec<u8>),
    /// It answers a ping, or says unasked that it is there.
    Pong(Vec<u8>),
    /// It closes, or has gone. The last event.
    Close(Closed),
    /// It broke a rule. The last event.
    Failed(Fault),
}
// ANCHOR_END: event

// ANCHOR: messages
/// Makes events of what one side sends.
#[derive(Debug)]
pub struct Messages {
    reader: Reader,
    limit: usize, // of a message, in bytes
    /// Text or binary, while a message is not whole.
    kind: Option<Opcode>,
    message: Vec<u8>,
    utf8: Utf8,
    control: Vec<u8>,
    /// The frame whose payload is coming.
    head: Option<Head>,
    failed: Option<Fault>,
}
// ANCHOR_END: messages

impl Messages {
    // given: the fields' first values
    /// Messages of at most `limit` bytes that `from` sends.
    pub fn new(from: Side, limit: usize) -> Messages {
        Messages {
            reader: Reader::new(from),
            limit,
            kind: None,
            message: Vec::new(),
            utf8: Utf8::default(),
            control: Vec::new(),
            head: None,
            failed: None,
        }
    }
    // given end

    // ANCHOR: next
    /// The next event, whose bytes are taken off the front of `input`;
    /// `None` when all of it is taken and more is needed.
    ///
    /// # Errors
    /// What the peer did wrong, and from then on for ever.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Event>, Fault> {
        let next = match self.failed {
            Some(fault) => Err(fault),
            None => self.next_whole(input),
        };
        if let Err(fault) = next {
            self.failed = Some(fault);
            self.message = Vec::new(); // not clear: give the memory back
            *input = &[];
        }
        next
    }

    fn next_whole(
        &mut self,
        input: &mut &[u8],
    ) -> Result<Option<Event>, Fault> {
        while let Some(part) = self.reader.next(input)? {
            match part {
                Part::Head(head) => self.begin(head)?,
                Part::Piece(piece) if self.in_control() => {
                    piece.append_to(&mut self.control);
                }
                Part::Piece(piece) => {
                    let start = self.message.len();
                    piece.append_to(&mut self.message);
                    if self.kind == Some(Opcode::Text) {
                        self.utf8.push(&self.message[start..])?; // I46
                    }
                }
                Part::End => match self.end()? {
                    Some(event) => return Ok(Some(event)),
                    None => continue,
                },
            }
        }
        Ok(None)
    }
    // ANCHOR_END: next

    fn in_control(&self) -> bool {
        self.head.is_some_and(|head| head.opcode.is_control())
    }

    // ANCHOR: begin
    /// A frame begins: may it stand here, and may it be as long as it says?
    fn begin(&mut self, head: Head) -> Result<(), Fault> {
        match (head.opcode, self.kind) {
            (Opcode::Continuation, None) => {
                return Err(Fault::NothingToContinue);
            }
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(Fault::Interrupted);
            }
            (Opcode::Text | Opcode::Binary, None) => {
                self.kind = Some(head.opcode);
            }
            _ => {}
        }
        let room = self.limit - self.message.len(); // I47
        if !head.opcode.is_control() && head.length > room as u64 {
            return Err(Fault::TooLong { limit: self.limit });
        }
        self.head = Some(head);
        Ok(())
    }
    // ANCHOR_END: begin

    // ANCHOR: end
    /// A frame is whole: is there an event now?
    fn end(&mut self) -> Result<Option<Event>, Fault> {
        let Some(head) = self.head.take() else {
            return Ok(None);
        };
        if head.opcode.is_control() {
            let body = std::mem::take(&mut self.control);
            return Ok(Some(match head.opcode {
                Opcode::Close => Event::Close(close::read(&body)?),
                Opcode::Ping => Event::Ping(body),
                _ => Event::Pong(body),
            }));
        }
        if !head.last {
            return Ok(None);
        }
        let message = std::mem::take(&mut self.message);
        if self.kind.take() == Some(Opcode::Binary) {
            return Ok(Some(Event::Binary(message)));
        }
        // A second look at the text is the price of no unsafe here. It finds
        // what the first could not: an end within a character.
        let text = String::from_utf8(message).map_err(|_| Fault::Utf8)?;
        Ok(Some(Event::Text(text)))
    }
    // ANCHOR_END: end
}
