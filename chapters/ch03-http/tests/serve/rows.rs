//! Many requests in a row, and every way to cut them.

use ch00_toolbox::golden;
use ch00_toolbox::prop::{self, Gen};
use ch02_event_loop::sim::{Faults, Sim};
use ch03_http::chunked::BodyLimits;
use ch03_http::head::Rules;
use ch03_http::serve::Settings;

use super::peer::{answers, simulated, statuses};
use super::wire;
use super::{CASES, get, post};

/// The scripts of the steps before, at every cut: the whole server gives the
/// statuses that they say, and the service is called for the whole ones.
fn golden_statuses(file: &str) {
    golden::run(format!("tests/golden/{file}"), |command| {
        let bytes = wire::unescape(command);
        let (rules, limits) = (Rules::default(), BodyLimits::default());
        let script = wire::requests(&[&bytes], rules, limits);
        let expected = expected(&script);
        for pieces in wire::cuts(&bytes) {
            let sim = Sim::new(7, Faults::NONE);
            let got = simulated(&sim, Settings::default(), async |world| {
                world.talk(&pieces).await
            });
            let methods: Vec<&str> = expected.0.iter().map(|m| &**m).collect();
            let got = got.unwrap_or_else(|error| panic!("{pieces:?}: {error}"));
            let (found, rest) = answers(&got, &methods);
            assert_eq!(rest, b"", "input: {pieces:?}");
            assert_eq!(statuses(&found), expected.1, "input: {pieces:?}");
        }
        script
    });
}

/// The methods and the statuses that a script of `wire::requests` stands for.
fn expected(script: &str) -> (Vec<String>, Vec<u16>) {
    let (mut methods, mut found) = (Vec::<String>::new(), Vec::new());
    for line in script.lines() {
        let is_body = ["no body", "length: ", "chunks: "];
        if line.starts_with(' ') || line.starts_with("trailer") {
            continue;
        } else if is_body.iter().any(|it| line.starts_with(it)) {
            let is_connect = methods.last().is_some_and(|it| it == "CONNECT");
            found.push(if is_connect { 405 } else { 200 });
        } else if line == "needs more" {
            found.push(400);
        } else if let Some(Ok(status)) = line.get(..3).map(str::parse) {
            found.push(status);
        } else if let Some((method, _)) = line.split_once(' ') {
            methods.push(method.to_owned());
        }
    }
    (methods, found)
}

/// I1, I15: request lines, at every cut.
#[test]
fn golden_lines() {
    golden_statuses("requests_line.txt");
}

/// I2, I15: fields, at every cut.
#[test]
fn golden_fields() {
    golden_statuses("requests_fields.txt");
}

/// I6, I14: framing, at every cut.
#[test]
fn golden_framing() {
    golden_statuses("requests_framing.txt");
}

/// I7, I14: chunks, at every cut.
#[test]
fn golden_chunks() {
    golden_statuses("requests_chunks.txt");
}

/// A row of requests, what they are answered with, and how they are cut.
#[derive(Debug)]
struct Row {
    seed: u64,
    requests: Vec<(String, String, &'static str)>, // bytes, content, method
    cuts: Vec<usize>,
}

fn row(g: &mut Gen) -> Row {
    let request = |g: &mut Gen| {
        let body = "b".repeat(g.upto(40) as usize);
        match g.upto(7) {
            0 => (get("/a"), "GET /a ".into(), "GET"),
            1 => (get("/x").replace("GET", "HEAD"), String::new(), "HEAD"),
            2 => (get("/count"), "12".into(), "GET"),
            3 => (get("/nothing"), String::new(), "GET"),
            4 => (post("/skip", &body), "skipped".into(), "POST"),
            5 => (post("/p", &body), format!("POST /p {body}"), "POST"),
            6 => {
                let text = String::from(
                    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \
                     chunked\r\n\r\n2;x=y\r\nhi\r\n1\r\n!\r\n0\r\nA: b\r\n\r\n",
                );
                (text, "POST /c hi!".into(), "POST")
            }
            _ => {
                let text = post("/e", "hello");
                let text = text.replace("Host", "Expect: 100-continue\r\nHost");
                ("\r\n".to_owned() + &text, "POST /e hello".into(), "POST")
            }
        }
    };
    let requests = g.vec(8, request);
    Row {
        seed: g.upto(u64::MAX),
        cuts: g.vec(5, |g| g.upto(2000) as usize),
        requests,
    }
}

fn play(row: &Row, faults: Faults) -> (Result<Vec<u8>, String>, Sim) {
    let text: String = row.requests.iter().map(|it| it.0.as_str()).collect();
    let mut cuts: Vec<usize> =
        row.cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
    cuts.extend([0, text.len()]);
    cuts.sort_unstable();
    let pieces: Vec<&[u8]> = (cuts.windows(2))
        .map(|pair| &text.as_bytes()[pair[0]..pair[1]])
        .collect();
    let sim = Sim::new(row.seed, faults);
    let got = simulated(&sim, Settings::default(), async |world| {
        world.talk(&pieces).await
    });
    (got.map_err(|error| error.to_string()), sim)
}

/// I12, I14, I15: pipelined requests are answered in their order, however
/// they are cut and whatever the network does; the answers are the same.
#[test]
fn pipelines() {
    prop::check("pipelines", CASES, row, |row| {
        let (got, sim) = play(row, Faults::ROUGH);
        let got = got.map_err(|error| format!("{error}\n{}", sim.trace()))?;
        let methods: Vec<&str> = row.requests.iter().map(|it| it.2).collect();
        let (found, rest) = answers(&got, &methods);
        let found: Vec<String> = (found.into_iter())
            .filter(|it| it.status >= 200)
            .map(|it| String::from_utf8_lossy(&it.content).into_owned())
            .collect();
        let expected: Vec<String> =
            row.requests.iter().map(|it| it.1.clone()).collect();
        match found == expected && rest.is_empty() {
            true => Ok(()),
            false => Err(format!("{found:?}, then {rest:?}")),
        }
    });
}

/// I15: whenever the connection is reset, what has come until then is the
/// beginning of the right answers, and the server goes on.
#[test]
fn resets() {
    let faults = Faults {
        reset: 0.02,
        ..Faults::ROUGH
    };
    let without_date = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let lines = text.split_inclusive("\r\n");
        // The last one may be the beginning of a date.
        let is_date = |line: &str| {
            line.starts_with("Date: ") || "Date: ".starts_with(line)
        };
        let lines = lines.filter(|line| !is_date(line));
        lines.collect::<String>()
    };
    let mut were_reset = 0;
    for seed in 0..1000 {
        let mut g = Gen::seeded(seed);
        let row = Row {
            cuts: vec![],
            ..row(&mut g)
        };
        let (whole, _) = play(&row, Faults::NONE);
        let (got, sim) = play(&row, faults);
        match got {
            Ok(got) => {
                let (whole, got) =
                    (without_date(&whole.expect("calm")), without_date(&got));
                // 100 Continue comes or not, by how the bytes were cut.
                let go_on = "HTTP/1.1 100 Continue\r\n\r\n";
                let got = got.replace(go_on, "");
                let is_start = whole.starts_with(&got);
                assert!(is_start, "seed={seed}: {got}\n{whole}");
            }
            Err(error) => {
                let is_reset = ["reset", "broken pipe", "not connected"];
                let is_reset = is_reset.iter().any(|it| error.contains(it));
                assert!(is_reset, "seed={seed}: {error}\n{}", sim.trace());
                were_reset += 1;
            }
        }
    }
    assert!(
        were_reset > 100,
        "only {were_reset} of 1,000 runs were reset"
    );
}

/// I12: many answers leave in one write, and never gather without bound, not
/// even if they are heads alone.
#[test]
fn gathered() {
    let sim = Sim::new(
        1,
        Faults {
            room: 1 << 20,
            ..Faults::NONE
        },
    );
    let text = get("/a").repeat(100);
    let got = simulated(&sim, Settings::default(), async |world| {
        world.talk(&[text.as_bytes()]).await
    });
    assert_eq!(answers(&got.expect("a world"), &[]).0.len(), 100);
    let writes = |sim: &Sim| -> Vec<usize> {
        let trace = sim.trace();
        let lines = trace
            .lines()
            .into_iter()
            .filter(|line| line.contains(" writes "));
        let count = |line: &str| line.rsplit(' ').next()?.parse().ok();
        lines.filter_map(count).collect()
    };
    let sizes = writes(&sim);
    assert_eq!(sizes.len(), 2, "the client's and the server's: {sizes:?}");
    // A thousand bytes of fields in each of 1,000 answers.
    let sim = Sim::new(
        1,
        Faults {
            room: 1 << 20,
            ..Faults::NONE
        },
    );
    let text = get("/wide").repeat(1000);
    let got = simulated(&sim, Settings::default(), async |world| {
        world.talk(&[text.as_bytes()]).await
    });
    assert_eq!(answers(&got.expect("a world"), &[]).0.len(), 1000);
    let sizes = writes(&sim);
    let largest = sizes[1..].iter().max().copied().unwrap_or(0);
    assert!((16_384..18_000).contains(&largest), "{sizes:?}");
}
