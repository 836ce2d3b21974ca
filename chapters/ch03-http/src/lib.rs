//! Http.
#![forbid(unsafe_code)]

extern crate self as ch03_http;
