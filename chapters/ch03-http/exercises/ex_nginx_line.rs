//! Conform: the request lines that nginx takes.

/// The status with which nginx 1.22 answers a request that begins with this
/// line (the line's end is part of it) and goes on with a good Host. The
/// transcript is in `tests/ex_nginx_line.rs`; where it has no such line,
/// nobody asks. What nginx says:
///
/// - CRs and LFs before the line do not count.
/// - A method is made of `A` to `Z`, `-` and `_`. One or more spaces follow.
/// - The target begins with `/`. No control character may stand in it. One
///   or more spaces follow.
/// - Then `HTTP/`, the major version, a dot, the minor one: each has a digit
///   at least and three at most, and the major one does not begin with 0. A
///   major version over 1 is answered with 505, whatever follows.
/// - Spaces may follow, and then comes LF, or CR and LF.
/// - Everything else is answered with 400.
pub fn status(line: &[u8]) -> u16 {
    todo!("ex_nginx_line: part by part, each on what the one before has left")
}

/// The status; `None` where a part is not there.
fn part_by_part(line: &[u8]) -> Option<u16> {
    todo!("ex_nginx_line: method, spaces, target, spaces, version, spaces, end")
}

/// The bytes that are in the class, one at least, and what follows.
fn some(bytes: &[u8], is_in: fn(u8) -> bool) -> Option<(&[u8], &[u8])> {
    let count = bytes.iter().take_while(|byte| is_in(**byte)).count();
    (count > 0).then(|| bytes.split_at(count))
}
