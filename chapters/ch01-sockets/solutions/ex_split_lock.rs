//! Exercise: a bug hunt. Somebody "shortened the critical section": the
//! core decides under the lock, and the pushes follow after it. Write the
//! test that notices.
//!
//! `Hall` is a chat for two, ann and bob, with that choice as a trait, so
//! that your test meets both: the right one and the mutant. `between` is
//! called between the push to ann and the push to bob: it is where another
//! thread would get in, and your test may speak there.

/// A room for two.
pub trait Hall {
    /// Says a line. When ann has been told and bob has not, `between` is
    /// called, and may say something itself; where the lock is held, its
    /// line has to wait for its turn and comes after this one.
    fn say(&self, line: &str, between: &dyn Fn());
    /// What ann was told, and what bob was.
    fn told(&self) -> (Vec<String>, Vec<String>);
}

/// Err with what was seen, if the hall lets ann and bob see two orders.
///
/// # Errors
/// The two orders.
pub fn hunt(hall: &dyn Hall) -> Result<(), String> {
    // begin: say a line, another in between; compare
    hall.say("first", &|| hall.say("second", &|| {}));
    let (ann, bob) = hall.told();
    match ann == bob {
        true => Ok(()),
        false => Err(format!("ann saw {ann:?}, bob saw {bob:?}")),
    }
    // end
}
