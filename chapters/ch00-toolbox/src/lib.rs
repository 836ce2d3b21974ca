//! The toolbox: what every later chapter stands on, on `std` alone.

extern crate self as ch00_toolbox;
