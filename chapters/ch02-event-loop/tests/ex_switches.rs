//! The checks of the exercise `ex_switches`.

#[path = "../exercises/ex_switches.rs"]
#[allow(dead_code, unused)]
mod exercise;
#[path = "../solutions/ex_switches.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::switches_per_byte;

            /// I2: one byte at a time, each of the two threads waits for
            /// nearly every byte.
            #[test]
            #[cfg(target_os = "linux")]
            $(#[$skip])?
            fn a_byte_at_a_time_costs_switches() -> std::io::Result<()> {
                let got = switches_per_byte(2_000, 1)?;
                let is_right = (0.5..100.0).contains(&got);
                assert!(is_right, "2,000 bursts of 1 byte: {got} per byte");
                Ok(())
            }

            /// I3: 64 bytes at a time cost an eighth at most: what is paid
            /// for is the burst, not the byte.
            #[test]
            #[cfg(target_os = "linux")]
            $(#[$skip])?
            fn a_burst_costs_what_a_byte_costs() -> std::io::Result<()> {
                let one = switches_per_byte(2_000, 1)?;
                let many = switches_per_byte(2_000, 64)?;
                let is_right = many > 0.0 && many <= one / 8.0;
                assert!(is_right, "{one} by ones, {many} by 64s, per byte");
                Ok(())
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_switches"]);
}
