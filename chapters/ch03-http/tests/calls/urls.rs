//! URLs.

use ch00_toolbox::prop;
use ch00_toolbox::prop::Gen;
use ch03_http::url::{Url, UrlError, remove_dots, resolve, split};

pub fn references_mean_what_the_rfc_says() {
    let base = "http://a/b/c/d;p?q";
    let table = [
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        ("#s", "http://a/b/c/d;p?q#s"),
        ("g#s", "http://a/b/c/g#s"),
        ("g?y#s", "http://a/b/c/g?y#s"),
        (";x", "http://a/b/c/;x"),
        ("g;x", "http://a/b/c/g;x"),
        ("g;x?y#s", "http://a/b/c/g;x?y#s"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("./", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../..", "http://a/"),
        ("../../", "http://a/"),
        ("../../g", "http://a/g"),
        // Section 5.4.2: abnormal ones.
        ("../../../g", "http://a/g"),
        ("../../../../g", "http://a/g"),
        ("/./g", "http://a/g"),
        ("/../g", "http://a/g"),
        ("g.", "http://a/b/c/g."),
        (".g", "http://a/b/c/.g"),
        ("g..", "http://a/b/c/g.."),
        ("..g", "http://a/b/c/..g"),
        ("./../g", "http://a/b/g"),
        ("./g/.", "http://a/b/c/g/"),
        ("g/./h", "http://a/b/c/g/h"),
        ("g/../h", "http://a/b/c/h"),
        ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/./x", "http://a/b/c/g?y/./x"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
        ("g#s/./x", "http://a/b/c/g#s/./x"),
        ("g#s/../x", "http://a/b/c/g#s/../x"),
        ("http:g", "http:g"), // strictly
    ];
    for (reference, expected) in table {
        let got = resolve(&split(base), &split(reference));
        assert_eq!(got, expected, "input: {reference}");
    }
    let got = resolve(&split("http://a"), &split("g"));
    assert_eq!(got, "http://a/g", "input: g, on a page without a path");
}

/// Section 5.2.4, letter by letter: the naive version.
fn remove_dots_slowly(path: &str) -> String {
    let (mut input, mut output) = (path.to_owned(), String::new());
    let up = |output: &mut String| {
        output.truncate(output.rfind('/').unwrap_or(0));
    };
    while !input.is_empty() {
        if let Some(rest) = input.strip_prefix("/./") {
            input = format!("/{rest}"); // B
        } else if input == "/." {
            input = "/".to_owned();
        } else if let Some(rest) = input.strip_prefix("/../") {
            input = format!("/{rest}"); // C
            up(&mut output);
        } else if input == "/.." {
            input = "/".to_owned();
            up(&mut output);
        } else {
            let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
            output += &input[..end]; // E
            input = input[end..].to_owned();
        }
    }
    output
}

pub fn dots_go_as_in_the_rfc() {
    let paths = |g: &mut Gen| {
        let parts = ["", ".", "..", "a", ".b", "c.", "..."];
        let parts = g.vec(8, |g| *g.pick(&parts));
        format!("/{}", parts.join("/"))
    };
    prop::check("dots", 2_000, paths, |path| {
        let (got, expected) = (remove_dots(path), remove_dots_slowly(path));
        match got == expected && remove_dots(&got) == got {
            true => Ok(()),
            false => Err(format!("got {got}, expected {expected}")),
        }
    });
}

pub fn urls_are_checked() {
    let scheme = |s: &str| Err(UrlError::Scheme(s.to_owned()));
    let host = |s: &str| Err(UrlError::Host(s.to_owned()));
    type Row<'a> = (&'a str, Result<&'a str, UrlError>);
    let table: [Row; 24] = [
        ("http://a", Ok("http://a/")),
        ("HTTP://A.Org/B", Ok("http://a.org/B")),
        ("http://a:80/", Ok("http://a/")),
        ("http://a:/", Ok("http://a/")),
        ("http://a:8080?q", Ok("http://a:8080/?q")),
        ("http://a/?", Ok("http://a/?")),
        ("http://a#f", Ok("http://a/")),
        ("http://a/x/../y?a=/../b", Ok("http://a/y?a=/../b")),
        ("http://[::1]:7003/", Ok("http://[::1]:7003/")),
        ("http://a/%41", Ok("http://a/%41")),
        ("http://a//b", Ok("http://a//b")),
        ("https://a/", scheme("https")),
        ("ftp://a/", scheme("ftp")),
        ("a.org/", scheme("")),
        ("//a.org/", scheme("")),
        ("http:a", host("")),
        ("http:///a", host("")),
        ("http://a:x/", host("a:x")),
        ("http://a:65536/", host("a:65536")),
        ("http://[::1/", host("[::1")),
        ("http://me:secret@a/", Err(UrlError::User)),
        ("http://a/b c", Err(UrlError::Byte(b' '))),
        ("http://a/\r\nX: y", Err(UrlError::Byte(b'\r'))),
        ("http://a/ü", Err(UrlError::Byte(0xc3))),
    ];
    for (text, expected) in table {
        let got = Url::parse(text).map(|url| url.to_string());
        assert_eq!(got, expected.map(str::to_owned), "input: {text:?}");
    }
    let long = format!("http://a/{}", "x".repeat(20_000));
    assert_eq!(Url::parse(&long), Err(UrlError::Long), "input: 20 kB");
    let url = Url::parse("http://[::1]:7003/").expect("a URL");
    assert_eq!((url.host(), url.port()), ("::1", 7003), "input: {url}");
}

pub fn any_text_is_a_url_or_is_refused() {
    let texts = |g: &mut Gen| {
        let pieces =
            ["http:", "//", "a", "[::1]", ":", "9", "@", "/", "?", "#"];
        let parts = g.vec(9, |g| match g.once_in(9) {
            true => g.text(3),
            false => (*g.pick(&pieces)).to_owned(),
        });
        parts.concat()
    };
    let base = Url::parse("http://base/x/y?z").expect("a URL");
    prop::check("urls", 3_000, texts, |text| {
        for url in [Url::parse(text), base.join(text)].into_iter().flatten() {
            let again = Url::parse(&url.to_string());
            if again.as_ref() != Ok(&url) {
                return Err(format!("{url} became {again:?}"));
            }
        }
        Ok(())
    });
}
