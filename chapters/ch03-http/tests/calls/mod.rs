//! The tests of the client, by what they are about.

pub mod parts;
pub mod urls;
pub mod pool;
pub mod reuse;
pub mod race;
pub mod waits;
pub mod redirects;
pub mod bodies;
pub mod answers;
pub mod proxies;
pub mod network;
