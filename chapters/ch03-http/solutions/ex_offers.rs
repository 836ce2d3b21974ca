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
    // begin: offers, their parameters, and quoted values that are tokens
    let mut offers = Vec::new();
    for offer in value.split(',') {
        let mut parts = offer.split(';').map(|p| p.trim_matches([' ', '\t']));
        let name = parts.next().filter(|name| is_token(name))?.to_owned();
        let mut params = Vec::new();
        for part in parts {
            let (param, value) = match part.split_once('=') {
                Some((param, value)) => {
                    (param.trim_end_matches([' ', '\t']), Some(value))
                }
                None => (part, None),
            };
            let value = match value {
                Some(value) => Some(unquoted(value)?),
                None => None,
            };
            if !is_token(param) {
                return None;
            }
            params.push((param.to_owned(), value));
        }
        offers.push(Offer { name, params });
    }
    Some(offers)
    // end
}

/// A parameter's value as a token. What is between quotes has to be one as
/// well, so no comma or semicolon can hide there.
fn unquoted(value: &str) -> Option<String> {
    // begin: take off quotes and backslashes; the rest is a token
    let value = value.trim_start_matches([' ', '\t']);
    let token = match value.strip_prefix('"') {
        None => value.to_owned(),
        Some(quoted) => {
            let mut token = String::new();
            let mut rest = quoted.strip_suffix('"')?.chars();
            while let Some(c) = rest.next() {
                token.push(if c == '\\' { rest.next()? } else { c });
            }
            token
        }
    };
    is_token(&token).then_some(token)
    // end
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
    // begin: the first permessage-deflate whose parameters are all known
    'offers: for offer in offers {
        let mut answer = offer.name.clone();
        for (at, (name, value)) in offer.params.iter().enumerate() {
            let bits = value.as_deref().map(|value| {
                (8..=15).any(|bits: u8| bits.to_string() == value)
            });
            let right = match name.as_str() {
                "server_no_context_takeover" | "client_no_context_takeover" => {
                    bits.is_none()
                }
                "server_max_window_bits" => bits == Some(true),
                "client_max_window_bits" => bits != Some(false),
                _ => false,
            };
            let before = &offer.params[..at];
            if !right || before.iter().any(|(other, _)| other == name) {
                continue 'offers;
            }
            if name.starts_with("server_") {
                answer += &format!("; {name}");
                if let Some(value) = value {
                    answer += &format!("={value}");
                }
            }
        }
        if offer.name == "permessage-deflate" {
            return Some(answer);
        }
    }
    None
    // end
}
