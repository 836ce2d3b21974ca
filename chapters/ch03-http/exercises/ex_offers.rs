//! Exercise: what a browser offers in `Sec-WebSocket-Extensions`, and the
//! decision about it.
//!
//! ```text
//!   permessage-deflate; client_max_window_bits, x-mux; channels="4"
//!   name                parameter             name   parameter = value
//! ```

/// One extension that is offered, with its parameters in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Its name.
    pub name: String,
    /// Names of parameters, with their values if they have any.
    pub params: Vec<(String, Option<String>)>,
}

/// Whether the text is a token (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    let mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || mark(b))
}

/// Reads the field's value (RFC 6455, section 9.1): offers between commas,
/// parameters behind semicolons, blanks and tabs around any of these. A value
/// is a token, or between double quotes what is a token once the quotes and
/// each backslash before a character are gone. `None`: it is malformed, an
/// empty offer included.
pub fn offers(value: &str) -> Option<Vec<Offer>> {
    todo!(
        "ex_offers: offers, their parameters, and quoted values that are tokens"
    )
}

/// A parameter's value as a token. What is between quotes has to be one as
/// well, so no comma or semicolon can hide there.
fn unquoted(value: &str) -> Option<String> {
    todo!("ex_offers: take off quotes and backslashes; the rest is a token")
}

/// The answer to the first offer that can be accepted, as the value of the
/// answer's `Sec-WebSocket-Extensions`; `None`: there is none.
///
/// The one extension is `permessage-deflate`, with these parameters, each
/// at most once (RFC 7692, section 7.1). Any other makes the offer one that
/// must be declined; a later one may still do.
///
/// | parameter | value | in the answer |
/// |---|---|---|
/// | `server_no_context_takeover` | none | the same |
/// | `client_no_context_takeover` | none | nothing |
/// | `server_max_window_bits` | 8 to 15, no zero in front | the same |
/// | `client_max_window_bits` | the same, or none | nothing |
pub fn choose(offers: &[Offer]) -> Option<String> {
    todo!(
        "ex_offers: the first permessage-deflate whose parameters are all known"
    )
}
