//! A bug hunt: data that no wrong decoder survives.

use ch03_http::deflate::compress::{Deflater, Flush, Level};

/// Panics when `inflate` is no decoder of DEFLATE: it gets a stream and gives
/// what the stream holds, or `None` if it refuses it. Gets a right one, and
/// decoders with one bug each.
pub fn hunt(inflate: &dyn Fn(&[u8]) -> Option<Vec<u8>>) {
    // begin: data that uses all of the format
    let mut state = 1u32;
    let mut noise = |length: usize, bits: u32| -> Vec<u8> {
        let mut byte = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> (32 - bits)) as u8
        };
        (0..length).map(|_| byte()).collect()
    };
    let far = noise(32_768, 6); // 6 bits of 8: not worth storing
    let far = [&far[..], &far[..300]].concat();
    let text: Vec<u8> = (0..3000)
        .flat_map(|n| format!("{n} ").into_bytes())
        .collect();
    let (stored, sixteen) = (noise(500, 8), noise(3000, 4));
    let cases: [&[&[u8]]; 7] = [
        &[b""],
        &[b"abcabcabc"], // a copy that reads what it writes
        &[&[0; 1000]],   // the longest copy
        &[&far],         // the furthest
        &[&text],        // distances of every size
        &[b"a", &stored, b"b"], // stored, not at the first bit
        &[&text, &sixteen, b"a"], // codes of codes, and then shorter ones
    ];
    for parts in cases {
        let (mut deflater, mut packed) =
            (Deflater::new(Level::DEFAULT), vec![]);
        for part in parts {
            deflater.push(part, Flush::Sync, &mut packed, usize::MAX);
        }
        deflater.push(b"", Flush::Finish, &mut packed, usize::MAX);
        let plain = parts.concat();
        let start = plain[..plain.len().min(20)].escape_ascii();
        let right = inflate(&packed).as_ref() == Some(&plain);
        assert!(right, "input: {} bytes, {start}…", plain.len());
    }
    // end
}
