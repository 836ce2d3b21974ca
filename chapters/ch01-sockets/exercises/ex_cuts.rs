//! A bug hunt: a test that no wrong framing survives.

use ch01_sockets::frame::{FrameError, Framing};

/// Panics when what `new` makes is not a framing with a four-byte length
/// before each frame, as step 2 defines it; its argument is the limit. Gets
/// the right one, and mutants of it with one bug each.
pub fn hunt<F: Framing>(new: fn(usize) -> F) {
    todo!("ex_cuts: streams, the frames in them, and every way to cut them")
}
