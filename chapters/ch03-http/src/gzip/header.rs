//! A member's header: what it says about a file, and its flags (RFC 1952,
//! section 2.3).

/// The longest name and the longest comment that are taken, in bytes. A file
/// system allows 255 for a name; this is for those who write a path.
pub const LONGEST_TEXT: usize = 4096;

/// Flag: a checksum of the header follows it.
pub const FHCRC: u8 = 0x02;
/// Flag: extra bytes, with their length before them.
pub const FEXTRA: u8 = 0x04;
/// Flag: a name, up to a 00.
pub const FNAME: u8 = 0x08;
/// Flag: a comment, up to a 00.
pub const FCOMMENT: u8 = 0x10;
/// Bits that mean nothing yet, and must be 0: they may add a field.
pub const RESERVED: u8 = 0xe0;

/// What a member says about the file that it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// When it was last changed, in seconds since 1970; 0 if not told.
    pub mtime: u32,
    /// Its name, without the 00.
    pub name: Option<Vec<u8>>,
    /// A comment, without the 00.
    pub comment: Option<Vec<u8>>,
}

impl Header {
    /// The bytes of a header. A text ends before its first 00, and after
    /// 4,096 bytes.
    pub fn encode(&self) -> Vec<u8> {
        const UNKNOWN: u8 = 255; // the operating system: nobody's business
        let flag = |text: &Option<Vec<u8>>, flag| match text {
            Some(_) => flag,
            None => 0,
        };
        let flags = flag(&self.name, FNAME) | flag(&self.comment, FCOMMENT);
        let mut bytes = vec![0x1f, 0x8b, 8, flags];
        bytes.extend(self.mtime.to_le_bytes());
        bytes.extend([0, UNKNOWN]);
        for text in [&self.name, &self.comment].into_iter().flatten() {
            let text = &text[..text.len().min(LONGEST_TEXT)];
            bytes.extend(text.iter().take_while(|byte| **byte != 0));
            bytes.push(0);
        }
        bytes
    }
}
