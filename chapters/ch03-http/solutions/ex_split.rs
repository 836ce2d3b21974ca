//! Where a block should end: when the data changes, so should the codes.

use ch03_http::deflate::bits::BitWriter;
use ch03_http::deflate::block::Block;

/// What a block is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// A byte.
    Literal(u8),
    /// A copy: its length and its distance.
    Copy(usize, usize),
}

/// Cuts the tokens into runs that each become a block. All runs one after the
/// other are the tokens; none is empty, unless there are no tokens at all.
pub fn split(tokens: &[Token]) -> Vec<&[Token]> {
    // begin: grow a block by a thousand tokens as long as that is cheaper
    const STEP: usize = 1000;
    let mut runs = Vec::new();
    let (mut start, mut end) = (0, STEP.min(tokens.len()));
    while end < tokens.len() {
        let next = (end + STEP).min(tokens.len());
        let apart = bits(&tokens[start..end]) + bits(&tokens[end..next]);
        if bits(&tokens[start..next]) > apart {
            runs.push(&tokens[start..end]);
            start = end;
        }
        end = next;
    }
    runs.push(&tokens[start..]);
    runs
    // end
}

/// How many bits these tokens take as one block, all told.
pub fn bits(tokens: &[Token]) -> u64 {
    let (mut block, mut writer) = (Block::default(), BitWriter::default());
    for token in tokens {
        match *token {
            Token::Literal(byte) => block.literal(byte),
            Token::Copy(length, distance) => block.copy(length, distance),
        }
    }
    block.write(None, false, &mut writer);
    let bits = u64::from(writer.over());
    writer.align();
    let mut out = Vec::new();
    let bytes = writer.drain(&mut out, usize::MAX) as u64;
    if bits == 0 {
        8 * bytes
    } else {
        8 * bytes - 8 + bits
    }
}
