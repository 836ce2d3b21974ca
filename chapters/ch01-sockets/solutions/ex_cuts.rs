//! A bug hunt: a test that no wrong framing survives.

use ch01_sockets::frame::{FrameError, Framing};

/// Panics when what `new` makes is not a framing with a four-byte length
/// before each frame, as step 2 defines it; its argument is the limit. Gets
/// the right one, and mutants of it with one bug each.
pub fn hunt<F: Framing>(new: fn(usize) -> F) {
    // begin: streams, the frames in them, and every way to cut them
    const LIMIT: usize = 8;
    let cut = |have| Err(FrameError::Cut { have });
    let over = |length| {
        Err(FrameError::Announced {
            length,
            limit: LIMIT,
        })
    };
    // A stream, the frames in it, and what its end is.
    type Row<'a> = (&'a [u8], &'a [&'a [u8]], Result<(), FrameError>);
    let table: [Row; 8] = [
        (b"", &[], Ok(())),
        (b"\0\0\0\x02hi", &[b"hi"], Ok(())),
        (b"\0\0\0\0\0\0\0\x01a\0\0\0\0", &[b"", b"a", b""], Ok(())),
        (b"\0\0\0\x0812345678", &[b"12345678"], Ok(())), // at the limit
        (b"\0\0\0\x01a\0\0\0", &[b"a"], cut(3)),
        (b"\0\0\0\x02h", &[], cut(5)),
        (b"\0\0\0\x01a\0\0\0\x09", &[b"a"], over(9)), // refused at once
        (b"\0\0\x01\x01", &[], over(257)),
    ];
    for (stream, expected, end) in table {
        let mut ways = vec![stream.chunks(1).collect::<Vec<_>>()];
        for at in 0..=stream.len() {
            ways.push(vec![&stream[..at], &stream[at..]]);
        }
        for pieces in ways {
            let mut framing = new(LIMIT);
            let mut frames = Vec::new();
            let mut ended = Ok(());
            for piece in &pieces {
                framing.push(piece);
                while ended.is_ok() {
                    match framing.next() {
                        Ok(Some(frame)) => frames.push(frame),
                        Ok(None) => break,
                        Err(error) => ended = Err(error),
                    }
                }
            }
            let ended = ended.and_then(|()| framing.finish());
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
            let input: Vec<_> = pieces.iter().map(|p| text(p)).collect();
            let got: Vec<_> = frames.iter().map(|f| text(f)).collect();
            let expected: Vec<_> = expected.iter().map(|f| text(f)).collect();
            assert_eq!(got, expected, "input: frames of {input:?}");
            assert_eq!(ended, end, "input: the end of {input:?}");
        }
    }
    // end
}
