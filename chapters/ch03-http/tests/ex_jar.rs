//! The checks of the exercise `ex_jar`.

#[allow(unused)] // a starter uses nothing yet
#[path = "../exercises/ex_jar.rs"]
mod exercise;

#[path = "../solutions/ex_jar.rs"]
mod solution;

macro_rules! checks {
    ($subject:ident $(, #[$skip:meta])?) => {
        mod $subject {
            use std::time::Duration;

            use ch03_http::url::Url;

            use super::super::$subject::{Jar, MOST};

            fn url(text: &str) -> Url {
                Url::parse(text).expect("a URL")
            }

            /// Sets these at 0 s, and asks at `now` for this URL.
            fn asked(
                set: &[(&str, &str)],
                to: &str,
                now: u64,
            ) -> Option<String> {
                let mut jar = Jar::default();
                for (from, line) in set {
                    jar.set(&url(from), line, Duration::ZERO);
                }
                jar.header(&url(to), Duration::from_secs(now))
            }

            /// I40: a cookie goes where it came from, and below its path.
            #[test]
            $(#[$skip])?
            fn paths_and_hosts_decide() {
                let root = "http://a.org/";
                let deep = "http://a.org/x/y?q=/z/";
                let table = [
                    (root, "n=v", root, "n=v"),
                    (root, " n = v ; Path", root, "n=v"),
                    (root, "n=a=b", root, "n=a=b"),
                    (root, "n=", root, "n="),
                    (root, "n=v", "http://a.org:81/x", "n=v"),
                    (root, "n=v", "http://b.org/", ""),
                    (root, "n=v", "http://w.a.org/", ""),
                    (root, "n", root, ""),
                    (root, "=v", root, ""),
                    (root, "n; a=b", root, ""),
                    (root, "n=v; Secure", root, ""),
                    (root, "n=v; HttpOnly; SameSite=Lax", root, "n=v"),
                    (deep, "n=v", "http://a.org/x/w", "n=v"),
                    (deep, "n=v", "http://a.org/x", "n=v"),
                    (deep, "n=v", "http://a.org/xy", ""),
                    (deep, "n=v", root, ""),
                    (deep, "n=v; path=/", root, "n=v"),
                    (deep, "n=v; path=y", "http://a.org/x/w", "n=v"),
                    (root, "n=v; path=/x/", "http://a.org/x/y", "n=v"),
                    (root, "n=v; path=/x/", "http://a.org/x", ""),
                ];
                for (from, line, to, expected) in table {
                    let got = asked(&[(from, line)], to, 0);
                    let got = got.unwrap_or_default();
                    assert_eq!(got, expected, "input: {line} at {from}: {to}");
                }
            }

            /// I40: a domain is for the hosts below, and for nobody else to
            /// set.
            #[test]
            $(#[$skip])?
            fn domains_are_checked() {
                let table = [
                    ("w.a.org", "a.org", "a.org", true),
                    ("w.a.org", ".A.org", "x.y.a.org", true),
                    ("a.org", "a.org", "w.a.org", true),
                    ("a.org", "w.a.org", "w.a.org", false),
                    ("a.org", "b.org", "b.org", false),
                    ("ba.org", "a.org", "a.org", false),
                    ("a.org", "org", "a.org", false),
                    ("localhost", "localhost", "localhost", false),
                    ("127.0.0.1", "0.0.1", "127.0.0.1", false),
                    ("127.0.0.1", "127.0.0.1", "127.0.0.1", true),
                    ("a.org", "", "a.org", true),
                    ("a.org", "", "w.a.org", false),
                ];
                for (from, domain, to, expected) in table {
                    let line = format!("n=v; Domain={domain}");
                    let from = format!("http://{from}");
                    let to = format!("http://{to}");
                    let got = asked(&[(&from, &line)], &to, 0).is_some();
                    assert_eq!(got, expected, "input: {line} at {from}: {to}");
                }
            }

            /// I40: a cookie ends in time, and another ends it.
            #[test]
            $(#[$skip])?
            fn cookies_end() {
                let a = "http://a.org/";
                let table: [(&[&str], u64, &str); 9] = [
                    (&["n=v; Max-Age=60"], 59, "n=v"),
                    (&["n=v; max-age=60"], 60, ""),
                    (&["n=v; Max-Age=0"], 0, ""),
                    (&["n=v; Max-Age=-9"], 0, ""),
                    (&["n=v; Max-Age=soon"], 99, "n=v"),
                    (&["n=v", "n=w"], 0, "n=w"),
                    (&["n=v", "n=w; Max-Age=0"], 0, ""),
                    (&["n=v; Max-Age=9", "n=w"], 99, "n=w"),
                    (&["n=v", "n=w; Secure"], 0, "n=v"),
                ];
                for (lines, now, expected) in table {
                    let set: Vec<_> = lines.iter().map(|it| (a, *it)).collect();
                    let got = asked(&set, a, now).unwrap_or_default();
                    assert_eq!(got, expected, "input: {lines:?} at {now} s");
                }
            }

            /// I40: longer paths first, then the older; a new value keeps
            /// its cookie's place.
            #[test]
            $(#[$skip])?
            fn cookies_have_an_order() {
                let at = "http://a.org/x/y";
                let set = [
                    (at, "a=1; path=/"),
                    (at, "b=2; path=/x"),
                    (at, "c=3; path=/"),
                    (at, "d=4; path=/x/y"),
                    (at, "a=5; path=/"),
                    (at, "a=6; path=/x"),
                ];
                let got = asked(&set, at, 0);
                let expected = "d=4; b=2; a=6; a=5; c=3".to_owned();
                assert_eq!(got, Some(expected), "input: six");
            }

            /// I42: a server cannot fill the jar for ever.
            #[test]
            $(#[$skip])?
            fn a_jar_is_full_at_some_time() {
                let lines: Vec<String> =
                    (0..=MOST).map(|n| format!("n{n}=v")).collect();
                let a = "http://a.org/";
                let set: Vec<_> = lines.iter().map(|it| (a, &it[..])).collect();
                let got = asked(&set, a, 0).unwrap_or_default();
                let count = got.split("; ").count();
                assert_eq!(count, MOST, "input: one too many");
                assert!(got.starts_with("n1=v"), "input: one too many");
            }
        }
    };
}

mod on {
    checks!(solution);
    checks!(exercise, #[ignore = "exercise: cargo run -- check ex_jar"]);
}
