//! A decoder that is as plain as RFC 1951: the whole input at once, bit by
//! bit, every word looked for in a list. The real one is compared with it.

#![allow(dead_code)] // each test uses a part

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// After the last block, and so many bytes of input.
    Done(usize),
    /// The input ended before.
    Cut,
    /// Something is wrong with it.
    Wrong,
    /// There is more output than asked for.
    Long,
}

struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Which bug it has; 0 is none. The others are mutants for a bug hunt.
    bug: u8,
    /// The lengths of the third code, as far as a bug keeps them.
    third: [u8; 19],
}

impl Bits<'_> {
    fn bit(&mut self) -> Result<u32, End> {
        let byte = self.bytes.get(self.at / 8).ok_or(End::Cut)?;
        let bit = byte >> (self.at % 8) & 1;
        self.at += 1;
        Ok(u32::from(bit))
    }

    fn number(&mut self, bits: u32) -> Result<usize, End> {
        let mut number = 0;
        for place in 0..bits {
            number |= self.bit()? << place;
        }
        Ok(number as usize)
    }
}

/// A word with its length, and its symbol.
type Code = Vec<(u32, u32, usize)>;

/// What a code may be.
#[derive(PartialEq)]
enum May {
    Complete,
    OneWord,
    OneOrNone,
}

fn code(lengths: &[u8], may: May) -> Result<Code, End> {
    let mut code = Code::new();
    let mut word = 0;
    for length in 1..=15 {
        word <<= 1;
        for (symbol, own) in lengths.iter().enumerate() {
            if u32::from(*own) == length {
                code.push((word, length, symbol));
                word += 1;
            }
        }
        if word > 1 << length {
            return Err(End::Wrong);
        }
    }
    let one = code.len() == 1 && code[0].1 == 1;
    match may {
        _ if word == 1 << 15 => Ok(code),
        May::OneWord | May::OneOrNone if one => Ok(code),
        May::OneOrNone if code.is_empty() => Ok(code),
        _ => Err(End::Wrong),
    }
}

fn symbol(bits: &mut Bits<'_>, code: &Code) -> Result<usize, End> {
    let mut word = 0;
    for length in 1..=15 {
        word = word << 1 | bits.bit()?;
        let found = code.iter().find(|c| (c.0, c.1) == (word, length));
        if let Some((.., symbol)) = found {
            return Ok(*symbol);
        }
        let longer = code.iter().any(|c| c.1 > length);
        if !longer {
            break;
        }
    }
    Err(End::Wrong)
}

const LENGTHS: [usize; 29] = [
    3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59,
    67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_BITS: [u32; 29] = [
    0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5,
    5, 5, 5, 0,
];
const DISTANCES: [usize; 30] = [
    1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513,
    769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577,
];
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];

fn dynamic(bits: &mut Bits<'_>) -> Result<(Code, Code), End> {
    let literals = bits.number(5)? + 257;
    let distances = bits.number(5)? + 1;
    let count = bits.number(4)? + 4;
    if literals > 286 || distances > 30 {
        return Err(End::Wrong);
    }
    let mut lengths = match bits.bug {
        1 => bits.third,
        _ => [0; 19],
    };
    for place in &ORDER[..count] {
        lengths[*place] = bits.number(3)? as u8;
    }
    bits.third = lengths;
    let third = code(&lengths, May::Complete)?;
    let mut lengths: Vec<u8> = Vec::new();
    while lengths.len() < literals + distances {
        let (length, count) = match symbol(bits, &third)? {
            16 => {
                let extra = bits.number(2)?;
                (*lengths.last().ok_or(End::Wrong)?, 3 + extra)
            }
            17 => (0, 3 + bits.number(3)?),
            18 => (0, 11 + bits.number(7)?),
            length => (length as u8, 1),
        };
        lengths.extend(vec![length; count]);
    }
    if lengths.len() > literals + distances || lengths[256] == 0 {
        return Err(End::Wrong);
    }
    let far = code(&lengths[literals..], May::OneOrNone);
    Ok((code(&lengths[..literals], May::OneWord)?, far?))
}

fn block(
    bits: &mut Bits<'_>,
    out: &mut Vec<u8>,
    most: usize,
) -> Result<bool, End> {
    let last = bits.bit()? == 1;
    let (literals, distances) = match bits.number(2)? {
        0 => {
            if bits.bug == 6 {
                bits.at += 5; // what is left, in the stream's first block
            } else {
                bits.at = bits.at.next_multiple_of(8);
            }
            let (len, nlen) = (bits.number(16)?, bits.number(16)?);
            if len ^ nlen != 0xffff {
                return Err(End::Wrong);
            }
            for _ in 0..len {
                out.push(bits.number(8)? as u8);
            }
            return Ok(last);
        }
        1 => {
            let mut literals = [8; 288];
            literals[144..256].fill(9);
            literals[256..280].fill(7);
            (
                code(&literals, May::Complete)?,
                code(&[5; 32], May::Complete)?,
            )
        }
        2 => dynamic(bits)?,
        _ => return Err(End::Wrong),
    };
    while out.len() <= most {
        let symbol_ = symbol(bits, &literals)?;
        if symbol_ < 256 {
            out.push(symbol_ as u8);
            continue;
        }
        if symbol_ == 256 {
            return Ok(last);
        }
        let Some(length) = LENGTHS.get(symbol_ - 257) else {
            return Err(End::Wrong);
        };
        let mut length = length + bits.number(LENGTH_BITS[symbol_ - 257])?;
        if bits.bug == 2 && symbol_ == 285 {
            length = 257;
        }
        let far = symbol(bits, &distances)?;
        let Some(distance) = DISTANCES.get(far) else {
            return Err(End::Wrong);
        };
        let extra = (far as u32 / 2).saturating_sub(1);
        let more = match (bits.bug, bits.number(extra)?) {
            (3, more) if extra > 0 => {
                (more as u16).reverse_bits() as usize >> (16 - extra)
            }
            (_, more) => more,
        };
        let distance = distance + more;
        if bits.bug == 4 && distance == 32_768 {
            return Err(End::Wrong);
        }
        let Some(from) = out.len().checked_sub(distance) else {
            return Err(End::Wrong);
        };
        let end = out.len();
        for at in from..from + length {
            let at = if bits.bug == 5 && at >= end { from } else { at };
            out.push(out[at]);
        }
    }
    Err(End::Long)
}

/// What the stream holds, up to where it ends, and how it does; at most about
/// `most` bytes.
pub fn inflate(bytes: &[u8], most: usize) -> (Vec<u8>, End) {
    with_bug(0, bytes, most)
}

/// The same, with the bug of that number.
pub fn with_bug(bug: u8, bytes: &[u8], most: usize) -> (Vec<u8>, End) {
    let third = [0; 19];
    let (mut bits, mut out) = (
        Bits {
            bytes,
            at: 0,
            bug,
            third,
        },
        Vec::new(),
    );
    loop {
        match block(&mut bits, &mut out, most) {
            _ if out.len() > most => return (out, End::Long),
            Ok(false) if bug != 7 => {}
            Ok(_) => return (out, End::Done(bits.at.div_ceil(8))),
            Err(end) => return (out, end),
        }
    }
}
