//! A client: a request in, an answer out, whatever lies between.
//!
//! ```text
//!   send ─▶ a connection ─▶ exchange ─▶ redirect? ─ no ─▶ Reply ─▶ pieces
//!    ▲      │ idle, or new    │            │ yes                     │
//!    │      │                 │ lost: once │                         │
//!    │      └────◀────────────┘   more     │                         │
//!    └────────────────────◀────────────────┘    the end: idle again ─┘
//! ```
//!
//! - I36: a connection is used again only behind an answer that was read to
//!   its end, with nothing behind it, after a request that was sent whole.
//! - I37: a request is made twice only if the first connection was used
//!   before, gave no byte of an answer, and doing it twice is as good as
//!   once, or none of it was sent. It is made at most twice.
//! - I38: there are never more connections than places, in use and idle
//!   together.
//! - I39: every wait has an end, and the error names the one that was
//!   waited for.
//! - I40: what the caller has set for one server (`Authorization`, `Cookie`,
//!   `Host`) goes to no other one, and a request that comes round again is
//!   an error.
//! - I41: the answer that the caller sees depends on the server's bytes
//!   alone, not on how they were cut.
//! - I42: nothing that a server sends is without a limit: the head, heads
//!   before it, redirects, and the body if the caller wants it whole.
//!
//! A content coding (gzip) is not the client's business: who wants one sets
//! `Accept-Encoding`, looks at `Content-Encoding`, and decodes the pieces.
//!
//! Left out: TLS; HTTP/2; pipelining, which no proxy on the way can be
//! trusted with; a cache and cookies; both directions at the same time, since
//! a body is sent to its end before the answer's is read.

pub mod error;
pub mod outgoing;
pub mod redirect;
pub mod pool;
pub mod dial;
pub mod proxy;
pub mod settings;
pub mod line;
pub mod exchange;
pub mod keep;
pub mod reply;
pub mod send;

pub use error::ClientError;
pub use keep::Counts;
pub use outgoing::{Outgoing, Payload};
pub use reply::Reply;
pub use send::Client;
pub use settings::{Settings, Times};
