//! What `gzip -l` says of a file, without decoding it.

use ch00_toolbox::cursor::{Cursor, Short};

/// The line that `gzip -l NAME.gz` prints for a file of one member: its size
/// in bytes, the size of what it holds (from ISIZE, which is why gzip is wrong
/// about 4 GiB), what is saved, and `name`.
///
/// Saved is, in percent of what it holds, what it holds less the bytes of the
/// DEFLATE stream alone; 0.0 if it holds nothing. The columns are 19, 19 and 5
/// wide, to the right, with a blank between.
///
/// # Errors
/// The header is cut, or its end and the 8 bytes after the stream overlap.
pub fn line(name: &str, file: &[u8]) -> Result<String, Short> {
    // begin: step over the header, read the end
    let mut header = Cursor::new(file);
    header.skip(3)?;
    let flags = header.u8()?;
    header.skip(6)?;
    if flags & 0x04 != 0 {
        let length = header.u16_le()?;
        header.skip(length.into())?;
    }
    for text in [0x08, 0x10] {
        if flags & text != 0 {
            header.until(0)?;
        }
    }
    if flags & 0x02 != 0 {
        header.skip(2)?;
    }
    let mut stream = header;
    stream.skip(8)?; // the seal has to be there, and is behind the stream
    let (stream, mut seal) = (stream.remaining(), Cursor::new(file));
    seal.skip(file.len() - 4)?;
    let plain = seal.u32_le()?;
    let saved = match plain {
        0 => 0.0,
        _ => (f64::from(plain) - stream as f64) / f64::from(plain) * 100.0,
    };
    let packed = file.len();
    Ok(format!("{packed:>19} {plain:>19} {saved:>5.1}% {name}"))
    // end
}
