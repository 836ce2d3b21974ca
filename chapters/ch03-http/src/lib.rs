//! Http.
#![forbid(unsafe_code)]

extern crate self as ch03_http;

pub mod upgrade;

pub mod frames;

pub mod websocket;

pub mod events;
