//! Http.
#![forbid(unsafe_code)]

extern crate self as ch03_http;

pub mod deflate;
pub mod crc32;
pub mod adler32;
pub mod gzip;
pub mod zlib;
pub mod negotiate;
