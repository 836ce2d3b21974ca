//! `cargo run`: opens the workbook. `cargo run -- help` lists the other words.

fn main() {}
