//! The checks of the exercise `ex_cuts`. The mutants are below: whoever reads
//! on before having hunted them spoils the hunt.

use ch01_sockets::frame::{FrameError, Framing};

#[path = "../solutions/ex_cuts.rs"]
mod solution;

#[path = "../exercises/ex_cuts.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

/// A second implementation of `LengthPrefixed`, with the bug of that number.
/// Number 0 has none: a hunt that panics on it is wrong.
struct Mutant<const BUG: u8> {
    limit: usize,
    bytes: Vec<u8>,
    failed: Option<FrameError>,
}

fn mutant<const BUG: u8>(limit: usize) -> Mutant<BUG> {
    Mutant {
        limit,
        bytes: Vec::new(),
        failed: None,
    }
}

impl<const BUG: u8> Framing for Mutant<BUG> {
    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn next(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let Some((prefix, rest)) = self.bytes.split_first_chunk() else {
            if BUG == 1 {
                self.bytes.clear(); // a length that was cut is lost
            }
            return Ok(None);
        };
        let length = u32::from_be_bytes(*prefix);
        let length = if BUG == 2 { length & 0xff } else { length };
        let whole = length as usize;
        let most = if BUG == 3 { self.limit - 1 } else { self.limit };
        let waits = BUG == 4 && rest.len() < whole; // before it refuses
        if whole > most && !waits {
            let limit = self.limit;
            let error = FrameError::Announced { length, limit };
            self.failed = Some(error);
            return Err(error);
        }
        if rest.len() < whole || (BUG == 5 && whole == 0) {
            return Ok(None);
        }
        let frame = rest[..whole].to_vec();
        let used = 4 + whole;
        let used = if BUG == 6 { self.bytes.len() } else { used };
        self.bytes.drain(..used);
        Ok(Some(frame))
    }

    fn finish(&self) -> Result<(), FrameError> {
        match (self.failed, self.bytes.len()) {
            (Some(error), _) => Err(error),
            (None, 0) => Ok(()),
            (None, 1..4) if BUG == 7 => Ok(()),
            (None, have) => Err(FrameError::Cut { have }),
        }
    }

    fn encode(
        &self,
        frame: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), FrameError> {
        if frame.len() > self.limit {
            return Err(FrameError::TooLong { limit: self.limit });
        }
        out.extend_from_slice(&(frame.len() as u32).to_be_bytes());
        out.extend_from_slice(frame);
        Ok(())
    }
}

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::panic::catch_unwind;

            use ch01_sockets::frame::{Framing, LengthPrefixed};

            use super::super::$subject::hunt;
            use super::super::mutant;

            fn killed<F: Framing + 'static>(new: fn(usize) -> F, bug: &str) {
                hunt(LengthPrefixed::new);
                let survived = catch_unwind(move || hunt(new)).is_ok();
                assert!(!survived, "this mutant survives: {bug}");
            }

            /// I3, I4, I5: the finished framing passes, and so does another
            /// one that does the same.
            #[test]
            $(#[$skip])?
            fn the_right_ones_pass() {
                hunt(LengthPrefixed::new);
                hunt(mutant::<0>);
            }

            /// I3: a length that two reads bring is one length.
            #[test]
            $(#[$skip])?
            fn mutant_1() {
                killed(mutant::<1>, "1, of an invariant about cuts");
            }

            /// I4: all four bytes of the length count.
            #[test]
            $(#[$skip])?
            fn mutant_2() {
                killed(mutant::<2>, "2, of an invariant about limits");
            }

            /// I4: a frame of exactly the limit is taken.
            #[test]
            $(#[$skip])?
            fn mutant_3() {
                killed(mutant::<3>, "3, of an invariant about limits");
            }

            /// I4: a length over the limit is refused before its frame.
            #[test]
            $(#[$skip])?
            fn mutant_4() {
                killed(mutant::<4>, "4, of an invariant about limits");
            }

            /// I5: a frame of no bytes is a frame.
            #[test]
            $(#[$skip])?
            fn mutant_5() {
                killed(mutant::<5>, "5, about what a whole frame is");
            }

            /// I3: what came with the end of a frame is kept.
            #[test]
            $(#[$skip])?
            fn mutant_6() {
                killed(mutant::<6>, "6, of an invariant about cuts");
            }

            /// I5: an end inside the length is an error.
            #[test]
            $(#[$skip])?
            fn mutant_7() {
                killed(mutant::<7>, "7, about what a whole frame is");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_cuts"]);
}
