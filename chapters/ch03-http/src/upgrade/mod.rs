//! The way from HTTP to WebSocket: a request that ends HTTP on its
//! connection (RFC 6455, section 4).
//!
//! | module | what |
//! |---|---|
//! | `sha1`, `base64` | what the server's proof is made of |
//! | `handshake` | the two heads, and who may switch |

pub mod sha1;
pub mod base64;
pub mod handshake;
