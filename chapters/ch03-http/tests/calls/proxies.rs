//! Proxies.

use ch03_http::client::Settings;
use ch03_http::client::proxy::Proxy;
use ch03_http::url::Url;

use super::super::script::{Act, World, ok};
use super::parts::short;

pub fn a_proxy_gets_the_whole_url() {
    let url = Url::parse("http://127.0.0.1:3128").expect("a URL");
    let except = vec!["127.0.0.1:80".to_owned()];
    let proxy = Some(Proxy { url, except });
    let settings = Settings {
        proxy,
        ..Settings::default()
    };
    World::calm(settings, async |world| {
        let direct = world.serve(80, vec![vec![Act::Take, ok("direct")]]);
        let script = vec![Act::Take, ok("1"), Act::Take, ok("2")];
        let proxied = world.serve(3128, vec![script]);
        for (url, expected) in [
            ("http://a.test/x?y", "200 1"),
            ("http://b.test:81/", "200 2"), // on the same connection
            ("http://127.0.0.1/z", "200 direct"),
        ] {
            assert_eq!(short(world.get(url).await), expected, "input: {url}");
        }
        let heads: Vec<String> =
            proxied.borrow().iter().map(|s| s.head.clone()).collect();
        let expected = [
            "GET http://a.test/x?y HTTP/1.1\r\nHost: a.test\r\n\r\n",
            "GET http://b.test:81/ HTTP/1.1\r\nHost: b.test:81\r\n\r\n",
        ];
        assert_eq!(heads, expected, "input: by proxy");
        assert_eq!(direct.borrow()[0].line(), "GET /z HTTP/1.1", "input: z");
    });
}

pub fn exceptions_name_hosts() {
    let table = [
        ("*", "http://a.org/", false),
        ("a.org", "http://a.org/", false),
        ("A.ORG", "http://a.org/", false),
        ("a.org", "http://b.a.org/", false),
        (".a.org", "http://b.a.org/", false),
        (".a.org", "http://a.org/", false),
        ("a.org", "http://ba.org/", true),
        ("b.a.org", "http://a.org/", true),
        ("a.org:80", "http://a.org/", false),
        ("a.org:81", "http://a.org/", true),
        ("0.0.1", "http://127.0.0.1/", true),
        ("127.0.0.1", "http://127.0.0.1:7/", false),
        ("::1", "http://[::1]/", false),
        ("[::1]", "http://[::1]:7/", false),
        ("", "http://a.org/", true),
    ];
    for (entry, url, expected) in table {
        let proxy = Proxy {
            url: Url::parse("http://proxy/").expect("a URL"),
            except: vec!["other".to_owned(), entry.to_owned()],
        };
        let got = proxy.is_for(&Url::parse(url).expect("a URL"));
        assert_eq!(got, expected, "input: {entry:?} for {url}");
    }
}
