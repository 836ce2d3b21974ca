//! The checks of the exercise `ex_offers`.

#[path = "../solutions/ex_offers.rs"]
mod solution;

#[path = "../exercises/ex_offers.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::{Offer, choose, offers};

            type Param<'a> = (&'a str, Option<&'a str>);

            fn offer(name: &str, params: &[Param]) -> Offer {
                let params = params
                    .iter()
                    .map(|(n, v)| ((*n).to_owned(), v.map(str::to_owned)));
                Offer { name: name.to_owned(), params: params.collect() }
            }

            /// I43: offers and parameters, with blanks, values and quotes.
            #[test]
            $(#[$skip])?
            fn offers_are_read() {
                let check = |value: &str, expected: &[Offer]| {
                    let got = offers(value);
                    assert_eq!(got.as_deref(), Some(expected), "{value:?}");
                };
                check("a", &[offer("a", &[])]);
                check(" a\t,b ", &[offer("a", &[]), offer("b", &[])]);
                check("a;x", &[offer("a", &[("x", None)])]);
                let two = [("x", Some("1")), ("y", None)];
                check("a; x=1; y", &[offer("a", &two)]);
                check("a ;x = 1 ; y", &[offer("a", &two)]);
                check("a; x=\"1\"; y", &[offer("a", &two)]);
                check("a; x=\"\\1\"; y", &[offer("a", &two)]);
                check("a;x;x", &[offer("a", &[("x", None), ("x", None)])]);
                let chrome = "permessage-deflate; client_max_window_bits";
                let params = [("client_max_window_bits", None)];
                check(chrome, &[offer("permessage-deflate", &params)]);
            }

            /// I43: what is malformed is no offer at all.
            #[test]
            $(#[$skip])?
            fn malformed_offers() {
                for value in [
                    "", ",", "a,", ",a", "a;", ";x", "a; ;x", "a b", "a;x=",
                    "a;=1", "a;x=\"\"", "a;x=\"1", "a;x=1\"", "a;x=\"1 2\"",
                    "a;x=\"1,2\"", "a;x=\"1;2\"", "a;x=\"\\\"", "a;x=1=2",
                    "a;x y", "a;x=\u{e9}",
                ] {
                    assert_eq!(offers(value), None, "input: {value:?}");
                }
            }

            /// I43: the first offer that can be accepted is, and the answer
            /// says what the server then has to keep to.
            #[test]
            $(#[$skip])?
            fn the_decision() {
                let check = |value: &str, expected: Option<&str>| {
                    let read = offers(value).unwrap_or_default();
                    let got = choose(&read);
                    let input = format!("input: {value}");
                    assert_eq!(got.as_deref(), expected, "{input}");
                };
                let bare = Some("permessage-deflate");
                check("permessage-deflate", bare);
                check("permessage-deflate; client_max_window_bits", bare);
                check("permessage-deflate; client_max_window_bits=10", bare);
                check("permessage-deflate; client_no_context_takeover", bare);
                for same in [
                    "permessage-deflate; server_no_context_takeover",
                    "permessage-deflate; server_max_window_bits=8",
                    "permessage-deflate; server_max_window_bits=15; \
                     server_no_context_takeover",
                ] {
                    check(same, Some(same));
                }
                for no in [
                    "x-webkit-deflate-frame",
                    "Permessage-Deflate",
                    "permessage-deflate; unknown",
                    "permessage-deflate; server_max_window_bits",
                    "permessage-deflate; server_max_window_bits=7",
                    "permessage-deflate; server_max_window_bits=16",
                    "permessage-deflate; server_max_window_bits=08",
                    "permessage-deflate; server_max_window_bits=+8",
                    "permessage-deflate; client_max_window_bits=7",
                    "permessage-deflate; server_no_context_takeover=1",
                    "permessage-deflate; client_max_window_bits; \
                     client_max_window_bits",
                ] {
                    check(no, None);
                    check(&format!("{no}, permessage-deflate"), bare);
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_offers"]);
}
