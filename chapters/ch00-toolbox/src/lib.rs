//! The toolbox: what every later chapter stands on, on `std` alone.
#![deny(unsafe_code)]

extern crate self as ch00_toolbox;

pub mod args;
pub mod log;
pub mod clock;
pub mod rng;
pub mod cursor;
pub mod sys;
pub mod prop;
pub mod golden;
pub mod disk;
pub mod process;
