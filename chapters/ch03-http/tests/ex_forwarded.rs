//! The checks of the exercise `ex_forwarded`.

#[path = "../solutions/ex_forwarded.rs"]
mod solution;

#[path = "../exercises/ex_forwarded.rs"]
#[allow(unused)] // a starter uses nothing yet
mod exercise;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use super::super::$subject::forwarded;

            /// `a=b;c=d | e=f` for two elements.
            fn check(value: &str, expected: Option<&str>) {
                let pair = |(name, value): &(String, String)| {
                    format!("{name}={value}")
                };
                let element = |pairs: &Vec<(String, String)>| {
                    pairs.iter().map(pair).collect::<Vec<_>>().join(";")
                };
                let got = forwarded(value.as_bytes()).map(|elements| {
                    let all: Vec<_> = elements.iter().map(element).collect();
                    all.join(" | ")
                });
                assert_eq!(got.as_deref(), expected, "input: {value:?}");
            }

            /// I2: RFC 7239's own examples (section 4), and lists with holes.
            #[test]
            $(#[$skip])?
            fn elements_and_pairs() {
                check("for=\"_gazonk\"", Some("for=_gazonk"));
                let v6 = "For=\"[2001:db8:cafe::17]:4711\"";
                check(v6, Some("for=[2001:db8:cafe::17]:4711"));
                let two = "for=192.0.2.60;proto=http;by=203.0.113.43";
                check(two, Some(two));
                let hops = "for=192.0.2.43, for=198.51.100.17";
                check(hops, Some("for=192.0.2.43 | for=198.51.100.17"));
                check("", Some(""));
                check(" , ;, for=a;, ;;b=c", Some("for=a | b=c"));
            }

            /// I2: a comma, a semicolon, an equals sign and an escaped quote
            /// within quotes end nothing.
            #[test]
            $(#[$skip])?
            fn quoted_strings() {
                check("a=\"b, c; d=e\",f=g", Some("a=b, c; d=e | f=g"));
                check(r#"a="b\"c\\";d=e"#, Some(r#"a=b"c\;d=e"#));
                check("a=\"\"", Some("a="));
                check("a=\"\\", None);
                check("a=\"b", None);
                check("a=\"b\"c", None);
                check("a=\"b\";c=\"d, e=f", None);
            }

            /// I2: what is not the grammar's is no field.
            #[test]
            $(#[$skip])?
            fn what_is_none() {
                for value in [
                    "for", "=a", "for=", "for = a", "for= a", "for=a b",
                    "fo(r=a", "for=[::1]", "a=b=c", "for=a,b", "for=\u{e9}",
                ] {
                    check(value, None);
                }
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_forwarded"]);
}
