//! TCP from its two calls up: echo, frames, a client, a chat, and every way
//! that a connection can end.
#![forbid(unsafe_code)]

extern crate self as ch01_sockets;

pub mod echo;
pub mod frame;
pub mod client;

pub mod text;
pub mod registry;
pub mod outbox;
pub mod bucket;
pub mod chat;

pub mod patience;
pub mod endings;
pub mod gate;
