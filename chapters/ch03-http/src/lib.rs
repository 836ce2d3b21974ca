//! HTTP/1.1 from its bytes up, for both ends of the connection, and what it
//! can be upgraded to.
#![forbid(unsafe_code)]

extern crate self as ch03_http;

pub mod head;

pub mod framing;
pub mod connection;
pub mod chunked;
pub mod body;

pub mod patience;
pub mod date;
pub mod out;
pub mod response;
pub mod manner;
pub mod incoming;
pub mod serve;

pub mod slow;

pub mod files;

pub mod deflate;
pub mod crc32;
pub mod adler32;
pub mod gzip;
pub mod zlib;
pub mod negotiate;
pub mod compress;

pub mod url;
pub mod client;

pub mod upgrade;

pub mod frames;

pub mod websocket;

pub mod events;

pub mod page;
pub mod live;
pub mod site;
