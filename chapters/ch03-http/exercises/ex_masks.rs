//! A bug hunt: a test that no wrong mask survives.

/// Masks or unmasks a payload's next bytes, and leaves the key as it stands
/// at the byte after them: turned left by their number.
pub type Apply = fn(key: &mut [u8; 4], bytes: &mut [u8]);

/// Panics when `apply` is not what its type says. Gets the right one, and
/// mutants of it with one bug each.
pub fn hunt(apply: Apply) {
    todo!(
        "ex_masks: every length around a word, and every way to cut it in three"
    )
}
