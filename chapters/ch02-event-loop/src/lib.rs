//! Event loop.
#![forbid(unsafe_code)]

extern crate self as ch02_event_loop;
