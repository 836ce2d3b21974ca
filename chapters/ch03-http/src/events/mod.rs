//! Server-sent events (WHATWG HTML, section 9.2): a response that does not
//! end, made of lines.
//!
//! ```text
//!   HTTP/1.1 200 OK
//!   Content-Type: text/event-stream
//!
//!   id: 7-41                     remembered by the browser
//!   event: tick                  "message" if there is none
//!   data: two                    lines of data are joined
//!   data: lines
//!                                a blank line hands the event out
//!   : still here                 a comment, which nobody is told
//! ```
//!
//! | module | what |
//! |---|---|
//! | `writer` | events to lines, for a server |
//! | `parser` | lines to events, as a browser reads them |
//! | `history` | the last events, for who comes back with `Last-Event-ID` |
//!
//! Left out: the connecting again itself, which is the client's.

pub mod writer;
pub mod parser;
pub mod history;
