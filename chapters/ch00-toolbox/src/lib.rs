//! The toolbox: what every later chapter stands on, on `std` alone.
#![deny(unsafe_code)]

extern crate self as ch00_toolbox;

pub mod rng;
pub mod prop;
pub mod golden;
pub mod process;
