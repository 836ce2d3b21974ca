//! The body of a close (RFC 6455, sections 5.5.1 and 7.4): nothing, or a
//! code of two bytes and a reason.
//!
//! | code | meaning | on the wire |
//! |---|---|---|
//! | 1000 | done | yes |
//! | 1001 | going away: a page left, a server stops | yes |
//! | 1002 | protocol error | yes |
//! | 1003 | data of a kind that is not taken | yes |
//! | 1004 | reserved | no |
//! | 1005 | there was no code | never |
//! | 1006 | there was no close | never |
//! | 1007 | text that is not UTF-8 | yes |
//! | 1008 | against the server's policy | yes |
//! | 1009 | too big | yes |
//! | 1010 | an extension is missing, says a client | yes |
//! | 1011 | an error of the server's own | yes |
//! | 1012–1014 | restart, try later, bad gateway (IANA) | yes |
//! | 1015 | the TLS handshake failed | never |
//! | 3000–3999 | registered by libraries | yes |
//! | 4000–4999 | private | yes |

use ch03_http::frames::fault::Fault;

/// Stands for a close without a code.
pub const NO_CODE: u16 = 1005;

/// Stands for a stream that ended without a close.
pub const NO_CLOSE: u16 = 1006;

/// The longest reason, in bytes: a control frame less the code.
pub const MAX_REASON: usize = 123;

// ANCHOR: closed
/// Why a connection ended, in the words of who ended it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// The code; [`NO_CODE`] and [`NO_CLOSE`] where none was sent.
    pub code: u16,
    /// For people; often empty.
    pub reason: String,
}

/// Whether a code may stand in a close. What is not given out yet (1016 to
/// 2999) may not: an extension that uses it would have to be agreed on.
pub fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads the body of a close.
///
/// # Errors
/// One byte, a code that may not be sent, or a reason that is not UTF-8.
pub fn read(body: &[u8]) -> Result<Closed, Fault> {
    let Some((code, reason)) = body.split_first_chunk() else {
        return match body {
            [] => Ok(Closed {
                code: NO_CODE,
                reason: String::new(),
            }),
            _ => Err(Fault::CloseBody),
        };
    };
    let code = u16::from_be_bytes(*code);
    if !may_be_sent(code) {
        return Err(Fault::CloseCode(code));
    }
    let reason = str::from_utf8(reason).map_err(|_| Fault::Utf8)?;
    Ok(Closed {
        code,
        reason: reason.to_owned(),
    })
}
// ANCHOR_END: closed
