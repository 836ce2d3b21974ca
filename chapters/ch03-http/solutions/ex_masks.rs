//! A bug hunt: a test that no wrong mask survives.

/// Masks or unmasks a payload's next bytes, and leaves the key as it stands
/// at the byte after them: turned left by their number.
pub type Apply = fn(key: &mut [u8; 4], bytes: &mut [u8]);

/// Panics when `apply` is not what its type says. Gets the right one, and
/// mutants of it with one bug each.
pub fn hunt(apply: Apply) {
    // begin: every length around a word, and every way to cut it in three
    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d]; // no two bytes the same
    for length in 0..=33 {
        let payload: Vec<u8> = (0..length).map(|i| i as u8 ^ 0x5a).collect();
        let bytes = payload.iter().enumerate();
        let expected: Vec<u8> = bytes.map(|(i, b)| b ^ KEY[i % 4]).collect();
        for a in 0..=length {
            for b in a..=length {
                let (mut key, mut got) = (KEY, payload.clone());
                apply(&mut key, &mut got[..a]);
                apply(&mut key, &mut got[a..b]);
                apply(&mut key, &mut got[b..]);
                let input = format!("{length} bytes, cut at {a} and {b}");
                assert_eq!(got, expected, "input: {input}");
                let mut turned = KEY;
                turned.rotate_left(length % 4);
                assert_eq!(key, turned, "the key after {input}");
            }
        }
    }
    // end
}
