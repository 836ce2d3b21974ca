//! WebSocket (RFC 6455) behind its upgrade: messages both ways.
//!
//! | module | what |
//! |---|---|
//! | `utf8` | text that is wrong is known at its first wrong byte |
//! | `close` | the codes of a close, and which may be sent |
//! | `message` | frames to messages: fragments, limits |
//! | `pulse` | when to ask whether the peer is still there |
//! | `connection` | all of it as one state machine, for either side |
//!
//! Architecture invariant: nothing here does I/O, looks at a clock or draws
//! a random number. Bytes, moments and masking keys come in as arguments;
//! events and bytes to send come out.
//!
//! Left out: extensions, permessage-deflate (RFC 7692) among them: every
//! offer is declined by not being named in the answer. WebSocket over HTTP/2
//! (RFC 8441).

pub mod utf8;
pub mod close;
pub mod message;
pub mod pulse;
pub mod connection;
