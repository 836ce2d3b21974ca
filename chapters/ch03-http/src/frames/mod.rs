//! Frames (RFC 6455, section 5): what both sides send behind the upgrade.
//!
//! | module | what |
//! |---|---|
//! | `fault` | what a peer can do wrong, and the code for it |
//! | `mask` | the XOR over what a client sends |
//! | `frame` | heads out of bytes, bytes out of heads; a stream in parts |

pub mod fault;
pub mod mask;
pub mod frame;
