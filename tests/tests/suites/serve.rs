//! The server of `cargo run`: who may act, what is limited, and that nothing outlives what started it.
//!
//! Most tests share one server on a small book; those that end it, or change its book, have their own.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use workbook_tests::served::{PATIENCE, Served, processes_with, small_book, until};
use workbook_tests::suite::{Case, Shared, Suite};

/// Short enough for a test, long enough for a busy machine to get to the limit that is meant.
const LIMITS: &str =
    "wall_ms=100000,cpu_s=1,memory_mib=256,address_mib=4096,processes=16,threads=64,file_mib=1";

/// The server that tests share, and its book.
struct World {
    served: Served,
    folder: TempDir,
}

type Test = fn(&World) -> Result<()>;

/// Every test; those that take what others need (tasks of the same user, memory, the queue of runs) run alone.
pub fn suite() -> Suite {
    let shared = Shared::new(start);
    let tests: &[(&str, Test)] = &[
        ("pages_carry_the_token_and_may_load_nothing_foreign", pages),
        ("no_path_leads_out_of_the_book", paths),
        ("only_pages_of_this_start_may_act", refusals),
        ("a_request_that_does_not_come_whole_is_given_up", half_sent),
        ("who_does_not_read_is_let_go", unread),
        ("one_more_than_may_be_connected_waits", crowd),
        ("a_block_runs_with_stderr_apart_and_its_status", runs),
        ("a_block_uses_a_chapter", uses_chapter),
        ("a_block_of_tests_runs_its_tests", runs_tests),
        ("a_block_without_main_is_the_body_of_one", body_of_main),
        ("a_compile_error_is_the_compilers_own", compile_error),
        ("an_endless_loop_meets_the_cpu_limit", endless_loop),
        ("a_sleeper_meets_the_time_limit", sleeper),
        ("fork_bombs_meet_the_process_limit", fork_bomb),
        ("10_gb_at_once_and_bit_by_bit_meet_the_memory_limit", memory),
        ("endless_printing_meets_the_output_limit", printing),
        ("a_large_file_meets_the_file_limit", large_file),
        ("many_files_meet_the_disk_limit", many_files),
        ("a_child_that_outlives_its_parent_is_ended", left_behind),
        ("200_runs_at_once_are_queued_and_all_run", many),
        ("a_closed_page_ends_its_run", closed_page),
        ("ctrl_c_leaves_nothing", ctrl_c),
        ("a_second_ctrl_c_does_not_wait", second_ctrl_c),
        ("a_killed_server_leaves_nothing", killed),
        ("a_taken_port_is_passed_over_aloud", taken_port),
        ("a_broken_page_does_not_end_the_server", broken_page),
        ("what_mdbook_warns_of_is_told_until_it_is_mended", warned),
        ("an_unchanged_book_is_not_built_again", unchanged),
        ("a_book_that_four_build_at_once_is_whole", built_at_once),
        ("progress_is_told_while_it_is_made", progress),
        ("other_words_name_the_address_of_the_server_that_runs", address),
        ("a_stage_starts_talks_and_stops", stage),
        ("a_stage_takes_and_gives_more_than_the_buffers_hold", stage_under_load),
        ("a_stage_that_is_not_there_is_refused", no_stage),
        ("a_page_has_the_chapter_and_not_the_readers_rebuild", own_builds),
        ("a_closed_page_ends_its_stage", closed_stage),
        ("a_page_that_does_not_read_can_still_stop_its_stage", unread_stage),
    ];
    let cases = tests.iter().map(|(name, test)| {
        let (shared, test) = (Arc::clone(&shared), *test);
        let case = Case::new(*name, move || {
            test(shared.get()?).map_err(|error| format!("{error:?}").into())
        });
        // The supervisor knows descendants by /proc and the subreaper, which other systems do not have.
        let case = case.ignored((!cfg!(target_os = "linux")).then_some("needs Linux"));
        match ALONE.contains(name) {
            true => case.alone(),
            false => case,
        }
    });
    Suite { name: "serve", width: 2, is_remembered: true, cases: cases.collect() }
}

/// What takes the tasks of a user, the memory, or the places in the queue of runs.
const ALONE: &[&str] = &[
    "fork_bombs_meet_the_process_limit",
    "10_gb_at_once_and_bit_by_bit_meet_the_memory_limit",
    "200_runs_at_once_are_queued_and_all_run",
];

fn start() -> Result<World> {
    let folder = small_book()?;
    let served = serve(folder.path())?;
    Ok(World { served, folder })
}

fn serve(folder: &Path) -> Result<Served> {
    Served::start(folder, &["--port", "0"], &[("WORKBOOK_LIMITS", LIMITS)])
}

fn pages(shared: &World) -> Result<()> {
    let answer = shared.served.request("GET", "/", &[], "")?;
    ensure!(answer.status == 200, "{}", answer.head);
    let head = answer.head.to_ascii_lowercase();
    ensure!(head.contains("content-security-policy: default-src 'self'"), "{head}");
    ensure!(head.contains("cache-control: no-store"), "a page with a token is not kept: {head}");
    let page = answer.text()?;
    ensure!(page.contains("<h1 id=\"introduction\">"), "{page}");
    ensure!(shared.served.token()?.len() == 32, "a token of 128 bits");
    let (status, text) = shared.served.get("/no-such-page.html")?;
    ensure!(status == 404 && text.contains("name=\"workbook\""), "mdBook's own 404 page: {text}");
    let (status, _) = shared.served.get("/ch01-demo/")?;
    ensure!(status == 200, "a folder is its index");
    Ok(())
}

fn paths(shared: &World) -> Result<()> {
    for path in
        ["/../book.toml", "/ch01-demo/../../Cargo.toml", "/..", "//etc/passwd", "/%2e%2e/book.toml"]
    {
        let (status, text) = shared.served.get(path)?;
        ensure!(status == 404 && !text.contains("[book]"), "input: {path}, got {status}: {text}");
    }
    for path in ["/ch01-demo", "//ch01-demo", "///ch01-demo"] {
        let answer = shared.served.request("GET", path, &[], "")?;
        let on_this_host = answer.head.contains("\r\nlocation: /ch01-demo/\r\n");
        ensure!(answer.status == 308 && on_this_host, "input: {path}, got {}", answer.head);
    }
    Ok(())
}

fn refusals(shared: &World) -> Result<()> {
    let served = &shared.served;
    let token = served.token()?;
    let own = format!("http://{}", served.host);
    let port = served.host.rsplit(':').next().context("a port")?.to_owned();
    let rebound = format!("evil.example:{port}");
    let body = r#"{"code":"fn main() {}"}"#;
    let check = |method: &str, path: &str, host: &str, origin: &str, token: &str, expected: u16| {
        let headers = [
            ("host", host),
            ("origin", origin),
            ("x-workbook-token", token),
            ("content-type", "application/json"),
        ];
        let headers: Vec<_> = headers.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let got = served.request(method, path, &headers, body)?.status;
        ensure!(got == expected, "{method} {path} {headers:?}: got {got}, expected {expected}");
        Ok(())
    };
    for path in ["/api/run", "/api/events", "/api/stage/start", "/api/stage/stop"] {
        check("POST", path, &served.host, "http://evil.example", &token, 403)?;
        check("POST", path, &served.host, "null", &token, 403)?;
        check("POST", path, &rebound, &format!("http://{rebound}"), &token, 403)?;
        check("POST", path, &served.host, &own, "", 401)?;
        check("POST", path, &served.host, &own, "00000000000000000000000000000000", 401)?;
        check("GET", path, &served.host, "", &token, 405)?;
        check("OPTIONS", path, &served.host, "http://evil.example", "", 403)?;
    }
    check("GET", "/", &rebound, "", "", 403)?;
    check("GET", "/index.html", &rebound, "", "", 403)?;
    check("POST", "/", &served.host, &own, &token, 405)?;
    check("GET", "http://evil.example/", &served.host, "", "", 403)?;
    check("GET", &format!("{own}/"), &served.host, "", "", 200)?;
    let two = [("origin", own.as_str()), ("origin", "http://evil.example")];
    let answer = served.request("GET", "/", &two, "")?;
    ensure!(answer.status == 400, "two origins: {}", answer.head);
    check("POST", "/api/run", &served.host, &own, &token, 200)
}

fn half_sent(shared: &World) -> Result<()> {
    let served = &shared.served;
    let send = |text: &str| -> Result<TcpStream> {
        let mut stream = TcpStream::connect(&served.host)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(text.as_bytes())?;
        Ok(stream)
    };
    let body = format!(
        "POST /api/run HTTP/1.1\r\nhost: {}\r\nx-workbook-token: {}\r\n\
         content-type: application/json\r\ncontent-length: 99\r\n\r\n{{",
        served.host,
        served.token()?
    );
    // Side by side: each takes as long as the server is patient.
    let streams = [("", ""), ("GET / HTTP/1.1\r\nhost: ", ""), (body.as_str(), " 408 ")]
        .map(|(text, expected)| (send(text), text, expected));
    for (stream, text, expected) in streams {
        let mut said = String::new();
        stream?.read_to_string(&mut said).with_context(|| format!("after {text:?}"))?;
        ensure!(said.contains(expected), "after {text:?}: {said:?}");
    }
    let twice = [("host", served.host.as_str()), ("host", "evil.example")];
    let answer = served.request("GET", "/", &twice, "")?;
    ensure!(answer.status == 400, "two hosts: {}", answer.head);
    Ok(())
}

/// How many sockets the server has open.
fn sockets(served: &Served) -> usize {
    let entries = fs::read_dir(format!("/proc/{}/fd", served.pid())).into_iter().flatten();
    let links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.filter(|link| link.to_string_lossy().starts_with("socket:")).count()
}

fn unread(shared: &World) -> Result<()> {
    let limits = [("WORKBOOK_LIMITS", "unread_ms=500")];
    let served = Served::start(shared.folder.path(), &["--port", "0"], &limits)?;
    let before = sockets(&served);
    let page = served.get("/print.html")?.1.len();
    let request = format!("GET /print.html HTTP/1.1\r\nhost: {}\r\n\r\n", served.host);
    let times = (8 << 20) / page;
    let mut peers = Vec::new();
    for _ in 0..20 {
        let mut peer = TcpStream::connect(&served.host)?;
        peer.set_read_timeout(Some(PATIENCE))?;
        peer.set_nonblocking(true)?;
        // Its own requests may not all find room: the server reads no more of them while it waits.
        let _ = peer.write(request.repeat(times).as_bytes())?;
        peer.set_nonblocking(false)?;
        peers.push(peer);
    }
    for peer in &peers {
        ensure!(peer.peek(&mut [0])? == 1, "an answer has begun");
    }
    until("their sockets are closed", || sockets(&served) <= before)?;
    for mut peer in peers {
        let mut got = Vec::new();
        let ended = peer.read_to_end(&mut got);
        ensure!(got.len() < times * page, "it got all of it, {} bytes: {ended:?}", got.len());
    }
    Ok(())
}

fn crowd(shared: &World) -> Result<()> {
    let served = serve(shared.folder.path())?;
    let before = sockets(&served);
    // In the middle of their requests, and the server is patient with them.
    let mut peers = Vec::new();
    for _ in 0..256 {
        let mut peer = TcpStream::connect(&served.host)?;
        peer.write_all(b"GET / HTTP/1.1\r\n")?;
        peers.push(peer);
    }
    until("all are let in", || sockets(&served) == before + peers.len())?;
    let mut last = TcpStream::connect(&served.host)?;
    let request = format!("GET / HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", served.host);
    last.write_all(request.as_bytes())?;
    // It can only be found too early, not too late, that nothing comes.
    last.set_read_timeout(Some(Duration::from_millis(300)))?;
    let early = last.read(&mut [0; 9]);
    ensure!(early.is_err(), "it was let in beside {} others: {early:?}", peers.len());
    drop(peers);
    last.set_read_timeout(Some(PATIENCE))?;
    let mut said = String::new();
    last.read_to_string(&mut said)?;
    ensure!(said.starts_with("HTTP/1.1 200 "), "{said}");
    Ok(())
}

fn ended(exit: &Value, code: i64) -> Result<()> {
    ensure!(exit["phase"] == "run" && exit["code"] == code, "it ended with {exit}");
    Ok(())
}

fn met(exit: &Value, limit: &str, words: &str) -> Result<()> {
    let text = exit["text"].as_str().unwrap_or_default();
    ensure!(exit["limit"] == limit && text.contains(words), "expected {limit:?}, got {exit}");
    Ok(())
}

fn runs(shared: &World) -> Result<()> {
    let code = r#"fn main() { println!("out é"); eprintln!("err"); std::process::exit(3) }"#;
    let ran = shared.served.run(code)?;
    ensure!(ran.out == "out é\n" && ran.err == "err\n", "{ran:?}");
    ended(&ran.exit, 3)?;
    ensure!(ran.exit["wall_ms"].is_u64(), "{ran:?}");
    let ran = shared.served.run("fn main() { let none: Option<u8> = None; none.unwrap(); }")?;
    ensure!(ran.err.contains("called `Option::unwrap()` on a `None` value"), "{ran:?}");
    ended(&ran.exit, 101)?;
    // It runs in a folder of its own, which is gone afterwards.
    let code = r#"fn main() { println!("{}", std::env::current_dir().unwrap().display()); }"#;
    let ran = shared.served.run(code)?;
    let dir = ran.out.trim().to_owned();
    ensure!(dir.contains("workbook-run-"), "{ran:?}");
    until("its folder is gone", || !Path::new(&dir).exists())
}

fn uses_chapter(shared: &World) -> Result<()> {
    let ran = shared.served.run(r#"fn main() { println!("{}", ch01_demo::echo::shout("a")); }"#)?;
    ensure!(ran.out == "A\n", "{ran:?}");
    ended(&ran.exit, 0)
}

fn runs_tests(shared: &World) -> Result<()> {
    let ran = shared.served.run("#[test]\nfn a() { assert_eq!(1, 1); }\n")?;
    ensure!(ran.out.contains("test result: ok. 1 passed"), "{ran:?}");
    ended(&ran.exit, 0)?;
    let ran = shared.served.run("#[test]\nfn a() { assert_eq!(1, 2); }\n")?;
    ensure!(ran.out.contains("left: 1"), "{ran:?}");
    ended(&ran.exit, 101)
}

fn body_of_main(shared: &World) -> Result<()> {
    let ran = shared.served.run("#![allow(unused)]\nlet a = 1;\nprintln!(\"{}\", a + 1);")?;
    ensure!(ran.out == "2\n", "{ran:?}");
    ended(&ran.exit, 0)
}

fn compile_error(shared: &World) -> Result<()> {
    let ran = shared.served.run("fn main() {\n    let n: u8 = \"a\";\n}")?;
    ensure!(ran.diagnostic.contains("error[E0308]: mismatched types"), "{ran:?}");
    ensure!(ran.diagnostic.contains("listing.rs:2:17"), "{ran:?}");
    ensure!(ran.exit["phase"] == "compile" && ran.exit["code"] == 1, "{ran:?}");
    Ok(())
}

fn endless_loop(shared: &World) -> Result<()> {
    let ran = shared.served.run("fn main() { println!(\"spins\"); loop {} }")?;
    ensure!(ran.out == "spins\n", "{ran:?}");
    met(&ran.exit, "cpu", "CPU time limit met: 1 s")
}

fn sleeper(shared: &World) -> Result<()> {
    let limits = [("WORKBOOK_LIMITS", "wall_ms=300")];
    let served = Served::start(shared.folder.path(), &["--port", "0"], &limits)?;
    let ran = served.run("fn main() { loop { std::thread::park() } }")?;
    met(&ran.exit, "time", "Time limit met: 0.3 s")
}

fn fork_bomb(shared: &World) -> Result<()> {
    let marker = "86391.25";
    let code = format!(
        r#"fn main() {{
            for _ in 0..1000 {{
                let _ = std::process::Command::new("sleep").arg("{marker}").spawn();
            }}
            loop {{ std::thread::park() }}
        }}"#
    );
    let ran = shared.served.run(&code)?;
    met(&ran.exit, "processes", "Process limit met: 16 at once")?;
    none_left(marker)?;
    // Each starts two more, which would be 63 if nothing stopped them.
    let marker = "86390.25";
    let code = format!(
        r#"fn main() -> std::io::Result<()> {{
            let generation: u32 =
                std::env::var("GENERATION").map_or(0, |text| text.parse().unwrap_or(5));
            for _ in 0..if generation < 5 {{ 2 }} else {{ 0 }} {{
                let mut own = std::process::Command::new(std::env::current_exe()?);
                own.arg("{marker}").env("GENERATION", (generation + 1).to_string()).spawn()?;
            }}
            loop {{ std::thread::park() }}
        }}"#
    );
    let ran = shared.served.run(&code)?;
    met(&ran.exit, "processes", "Process limit met: 16 at once")?;
    none_left(marker)
}

fn none_left(marker: &str) -> Result<()> {
    let left = processes_with(marker);
    ensure!(left.is_empty(), "still there when the run had ended: {left:#?}");
    Ok(())
}

fn memory(shared: &World) -> Result<()> {
    let ran =
        shared.served.run("fn main() { println!(\"{}\", vec![1u8; 10_000_000_000].len()); }")?;
    met(&ran.exit, "memory", "Memory limit met: 256 MiB")?;
    let code = "fn main() {
        let mut all = Vec::new();
        for _ in 0..10_000 {
            all.push(vec![1u8; 1 << 20]);
        }
        println!(\"{}\", all.len());
    }";
    let ran = shared.served.run(code)?;
    met(&ran.exit, "memory", "Memory limit met: 256 MiB")
}

fn printing(shared: &World) -> Result<()> {
    let ran = shared.served.run("fn main() { loop { println!(\"more and more\"); } }")?;
    met(&ran.exit, "output", "Output limit met: 256 KiB")?;
    ensure!((200_000..300_000).contains(&ran.out.len()), "{} bytes", ran.out.len());
    Ok(())
}

fn large_file(shared: &World) -> Result<()> {
    let code = "fn main() -> std::io::Result<()> { std::fs::write(\"a\", vec![0; 2 << 20]) }";
    let ran = shared.served.run(code)?;
    met(&ran.exit, "file", "File size limit met: 1 MiB")
}

fn many_files(shared: &World) -> Result<()> {
    // To make many files takes a processor longer than the shared server gives.
    let limits = [("WORKBOOK_LIMITS", "disk_mib=16")];
    let served = Served::start(shared.folder.path(), &["--port", "0"], &limits)?;
    let check = |count: usize, bytes: usize, expected: &str| {
        let code = format!(
            "fn main() -> std::io::Result<()> {{
                std::fs::create_dir(\"below\")?;
                for number in 0..{count} {{
                    std::fs::write(format!(\"below/{{number}}\"), [1; {bytes}])?;
                }}
                loop {{ std::thread::park() }}
            }}"
        );
        met(&served.run(&code)?.exit, "disk", expected)
    };
    check(24, 1 << 20, "Disk limit met: 16 MiB.")?;
    check(10_001, 0, "Disk limit met: 10000 files.")
}

fn left_behind(shared: &World) -> Result<()> {
    let marker = "86392.25";
    // A session of its own, its parent gone: nothing but the subreaper ties it to the run.
    let code = format!(
        r#"use std::process::{{Command, Stdio}};
        fn main() {{
            let script = "setsid sh -c 'sleep {marker} & sleep {marker} &' & wait; echo ready";
            let mut shell = Command::new("sh");
            let out = shell.args(["-c", script]).stdin(Stdio::null()).output().map(|_| ());
            println!("{{out:?}}");
        }}"#
    )
    .replace("sleep 86392.25", "sleep 86392.25 >/dev/null 2>&1");
    let ran = shared.served.run(&code)?;
    ended(&ran.exit, 0)?;
    ensure!(ran.notes.contains("left 2 processes behind"), "{ran:?}");
    none_left(marker)
}

fn many(shared: &World) -> Result<()> {
    // The parser refuses it: the shortest run that there is.
    let results: Vec<Result<_>> = thread::scope(|scope| {
        let runs: Vec<_> =
            (0..200).map(|_| scope.spawn(|| shared.served.run("fn main() {"))).collect();
        runs.into_iter().map(|run| run.join().unwrap_or_else(|_| bail!("a run panicked"))).collect()
    });
    let mut longest = 0;
    for ran in results {
        let ran = ran?;
        ensure!(ran.diagnostic.contains("unclosed delimiter"), "{ran:?}");
        ensure!(ran.queued.is_sorted_by(|a, b| a > b), "places only move up: {:?}", ran.queued);
        longest = longest.max(ran.queued.first().copied().unwrap_or(0));
    }
    ensure!(longest > 50, "200 at once, and none had to wait for more than {longest}");
    Ok(())
}

/// A program that starts another one, both with a marker, and says so.
fn lasting(marker: &str) -> String {
    format!(
        r#"fn main() {{
            let child = std::process::Command::new("sleep").arg("{marker}").spawn();
            println!("started {{}}", child.is_ok());
            loop {{ std::thread::park() }}
        }}"#
    )
}

/// Starts [`lasting`] on a server; the connection keeps it alive.
fn start_lasting(served: &Served, marker: &str) -> Result<workbook_tests::served::Answer> {
    let mut answer = served.post("/api/run", &json!({ "code": lasting(marker) }))?;
    answer.line_where(|line| line["text"] == "started true\n")?;
    until("it runs", || !processes_with(marker).is_empty())?;
    Ok(answer)
}

fn closed_page(shared: &World) -> Result<()> {
    let answer = start_lasting(&shared.served, "86393.25")?;
    drop(answer);
    until("the run has ended", || processes_with("86393.25").is_empty())
}

fn ctrl_c(shared: &World) -> Result<()> {
    let mut served = serve(shared.folder.path())?;
    let _page = start_lasting(&served, "86394.25")?;
    served.signal("INT")?;
    let status = served.wait()?;
    ensure!(status.code() == Some(0), "{status}");
    none_left("86394.25")
}

fn second_ctrl_c(shared: &World) -> Result<()> {
    let mut served = serve(shared.folder.path())?;
    let mut page = start_lasting(&served, "86396.25")?;
    // A supervisor that stands still is what the end waits for.
    let parent = format!("PPid:\t{}\n", served.pid());
    let is_below = |pid: &&str| {
        fs::read_to_string(format!("/proc/{pid}/status")).is_ok_and(|text| text.contains(&parent))
    };
    let all = processes_with("__supervise");
    let mut pids = all.iter().filter_map(|line| line.split(['/', ':']).nth(2));
    let pid = pids.find(is_below).context("there is no supervisor")?;
    let signal = |name: &str| Command::new("kill").args(["-s", name, pid]).status();
    signal("STOP")?;
    served.signal("INT")?;
    while page.line()?.is_some() {}
    served.signal("INT")?;
    let status = served.wait();
    signal("CONT")?;
    ensure!(status?.code() == Some(130), "it waited for what cannot end");
    until("the run has ended", || processes_with("86396.25").is_empty())
}

fn killed(shared: &World) -> Result<()> {
    let mut served = serve(shared.folder.path())?;
    let code = lasting("86395.25").replace(
        "loop {",
        "println!(\"in {}\", std::env::current_dir().unwrap().display()); loop {",
    );
    let mut page = served.post("/api/run", &json!({ "code": code }))?;
    let mut heard = String::new();
    while !heard.contains("in /") || !heard.ends_with('\n') {
        let line = page.line()?.context("it runs on")?;
        heard.push_str(line["text"].as_str().unwrap_or_default());
    }
    let dir = heard.lines().find_map(|line| line.strip_prefix("in ")).context("a folder")?;
    served.signal("KILL")?;
    served.wait()?;
    until("the run has ended", || processes_with("86395.25").is_empty())?;
    until("its folder is gone", || !Path::new(dir).exists())
}

fn taken_port(shared: &World) -> Result<()> {
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let served = Served::start(shared.folder.path(), &["--port", &port.to_string()], &[])?;
    let said = served.said.join("\n");
    ensure!(said.contains(&format!("Port {port} is taken; using ")), "{said}");
    ensure!(served.host != format!("127.0.0.1:{port}"), "{}", served.host);
    Ok(())
}

fn broken_page(_: &World) -> Result<()> {
    let folder = small_book()?;
    let served = serve(folder.path())?;
    let summary = folder.path().join("book/SUMMARY.md");
    let good = fs::read_to_string(&summary)?;
    let mut news = served.post("/api/events", &json!({}))?;
    let first = news.line()?.context("the news as they are")?;
    ensure!(first["error"].is_null(), "{first}");

    fs::write(&summary, format!("{good}- [Not there](not-there.md)\n"))?;
    let broken = news.line_where(|line| !line["error"].is_null())?;
    ensure!(broken["stamp"] == first["stamp"], "the old book stays: {broken}");
    ensure!(broken["error"].as_str().unwrap_or_default().contains("not-there.md"), "{broken}");
    ensure!(served.get("/ch01-demo/1-echo.html")?.0 == 200, "the old pages are there");

    fs::write(folder.path().join("book/not-there.md"), "# Now it is\n")?;
    let mended = news.line_where(|line| line["error"].is_null())?;
    ensure!(mended["stamp"] != first["stamp"], "a new book: {mended}");
    let (status, page) = served.get("/not-there.html")?;
    ensure!(status == 200 && page.contains("Now it is"), "{page}");
    Ok(())
}

fn warned(_: &World) -> Result<()> {
    let folder = small_book()?;
    let source = folder.path().join("book/introduction.md");
    let good = fs::read_to_string(&source)?;
    fs::write(&source, format!("{good}\n{{{{#include <none>.svg}}}}\n"))?;
    let says = |line: &Value| line["warnings"].to_string().contains("<none>.svg");
    // When it is built, and when a later start finds it built.
    for start in ["first", "second"] {
        let served = serve(folder.path())?;
        let news = served.post("/api/events", &json!({}))?.line()?.context("news")?;
        ensure!(says(&news), "{start} start: {news}");
    }
    let served = serve(folder.path())?;
    let mut news = served.post("/api/events", &json!({}))?;
    fs::write(&source, good)?;
    news.line_where(|line| line["warnings"] == json!([]))?;
    Ok(())
}

fn unchanged(_: &World) -> Result<()> {
    let folder = small_book()?;
    let first = serve(folder.path())?;
    ensure!(first.said.iter().any(|line| line.starts_with("Built the book")), "{:?}", first.said);
    drop(first);
    let page = folder.path().join("target/book/index.html");
    let built = fs::metadata(&page)?.modified()?;
    // Written again as it was: newer, but the same.
    let source = folder.path().join("book/introduction.md");
    fs::write(&source, fs::read(&source)?)?;
    let second = serve(folder.path())?;
    ensure!(!second.said.iter().any(|line| line.contains("Build")), "{:?}", second.said);
    let mut news = second.post("/api/events", &json!({}))?;
    let stamp = news.line()?.context("news")?["stamp"].clone();
    ensure!(fs::metadata(&page)?.modified()? == built, "it was built again");
    // Changed while nothing is served: the old book at once, the new one soon.
    drop((news, second));
    fs::write(&source, "# Introduction\n\nAnother text.\n")?;
    let third = serve(folder.path())?;
    let mut news = third.post("/api/events", &json!({}))?;
    news.line_where(|line| line["stamp"] != stamp)?;
    ensure!(third.get("/introduction.html")?.1.contains("Another text."), "the new book");
    Ok(())
}

fn built_at_once(_: &World) -> Result<()> {
    use workbook::serve::book;
    let folder = small_book()?;
    let root = folder.path();
    thread::scope(|scope| {
        let builders: Vec<_> = (0..4).map(|_| scope.spawn(|| book::build(root))).collect();
        for builder in builders {
            let stamp = builder.join().map_err(|_| anyhow::anyhow!("a builder panicked"))??;
            ensure!(stamp.stamp == book::current_stamp(root), "{stamp:?}");
        }
        for file in ["index.html", "ch01-demo/1-echo.html", "404.html"] {
            ensure!(book::folder(root).join(file).is_file(), "there is no {file}");
        }
        Ok(())
    })
}

fn address(_: &World) -> Result<()> {
    let folder = small_book()?;
    let chapter = workbook::chapter::Chapter::find(folder.path(), "ch01")?;
    let page = || workbook::page(&chapter, "1-echo.md#your-turn");
    let usual = "http://127.0.0.1:3000/ch01-demo/1-echo.html#your-turn";
    ensure!(page() == usual, "without a server: {}", page());
    let mut served = serve(folder.path())?;
    let own = format!("http://{}/ch01-demo/1-echo.html#your-turn", served.host);
    ensure!(page() == own, "with one: {}", page());
    // A second one of the same folder says nothing of itself.
    let mut second = serve(folder.path())?;
    ensure!(page() == own, "with two: {}", page());
    second.signal("INT")?;
    second.wait()?;
    ensure!(page() == own, "without the second: {}", page());
    served.signal("KILL")?;
    served.wait()?;
    ensure!(page() == usual, "however it ended: {}", page());
    Ok(())
}

fn progress(_: &World) -> Result<()> {
    let folder = small_book()?;
    let served = serve(folder.path())?;
    let mut news = served.post("/api/events", &json!({}))?;
    let first = news.line()?.context("the news as they are")?;
    ensure!(first["done"] == json!([]), "{first}");
    let file = folder.path().join("my/progress.txt");
    fs::write(&file, "# mine\nch01-demo/echo done 2026-01-01\nch01-demo/ex_a hints 2\n")?;
    news.line_where(|line| line["done"] == json!(["ch01-demo/echo"]))?;
    fs::remove_file(&file)?;
    news.line_where(|line| line["done"] == json!([]))?;
    Ok(())
}

fn stage(shared: &World) -> Result<()> {
    let served = &shared.served;
    let mut log = served.post("/api/stage/start", &json!({ "stage": "ch01-demo/step1_echo" }))?;
    let id = log.line_where(|line| line["type"] == "stage")?["id"].clone();
    log.line_where(|line| line["type"] == "listening")?;
    let ask = |path: &str, body: Value| -> Result<Value> {
        let answer = served.post(path, &body)?;
        let status = answer.status;
        let text = answer.text()?;
        ensure!(status == 200, "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    };
    let mut connections = Vec::new();
    for text in ["hello\n", "from another client\n"] {
        let connection = ask("/api/stage/connect", json!({ "id": id }))?["connection"].clone();
        let body = json!({ "id": id, "connection": connection, "text": text });
        ask("/api/stage/send", body)?;
        // A stream of bytes: what was written with one call may come with two.
        let mut received = String::new();
        while received.len() < text.len() {
            let got = log.line_where(|line| line["type"] == "received")?;
            ensure!(got["connection"] == connection, "{got}");
            received.push_str(got["text"].as_str().context("a text")?);
        }
        ensure!(received == text, "{received:?}");
        connections.push(connection);
    }
    ensure!(connections[0] != connections[1], "{connections:?}");
    ask("/api/stage/close", json!({ "id": id, "connection": connections[0] }))?;
    log.line_where(|line| line["type"] == "closed" && line["connection"] == connections[0])?;
    ask("/api/stage/stop", json!({ "id": id }))?;
    log.line_where(|line| line["type"] == "exit")?;
    ensure!(log.line()?.is_none(), "the end of the stream");
    let gone = served.post("/api/stage/connect", &json!({ "id": id }))?;
    ensure!(gone.status == 410, "{}", gone.head);
    Ok(())
}

fn stage_under_load(shared: &World) -> Result<()> {
    let served = &shared.served;
    let mut log = served.post("/api/stage/start", &json!({ "stage": "ch01-demo/step1_echo" }))?;
    let id = log.line_where(|line| line["type"] == "stage")?["id"].clone();
    log.line_where(|line| line["type"] == "listening")?;
    let opened = served.post("/api/stage/connect", &json!({ "id": id }))?.text()?;
    let opened: Value = serde_json::from_str(&opened)?;
    let text = "x".repeat(1_900_000) + "\n";
    let body = json!({ "id": id, "connection": opened["connection"], "text": text });
    let times = 12;
    thread::scope(|scope| {
        let sender = scope.spawn(|| -> Result<()> {
            for number in 0..times {
                let answer = served.post("/api/stage/send", &body)?;
                ensure!(answer.status == 200, "text {number}: {}", answer.head);
            }
            Ok(())
        });
        let mut left = times * text.len();
        while left > 0 {
            let line = log.line_where(|line| line["type"] == "received")?;
            left -= line["text"].as_str().unwrap_or_default().len();
        }
        sender.join().map_err(|_| anyhow::anyhow!("the sender panicked"))?
    })?;
    let stopped = served.post("/api/stage/stop", &json!({ "id": id }))?;
    ensure!(stopped.status == 200, "{}", stopped.head);
    log.line_where(|line| line["type"] == "exit")?;
    Ok(())
}

fn unread_stage(_: &World) -> Result<()> {
    let folder = small_book()?;
    let program = "fn main() {
        println!(\"step2_flood listening on 127.0.0.1:1\");
        loop {
            println!(\"more and more\");
        }
    }";
    fs::write(folder.path().join("chapters/ch01-demo/examples/step2_flood.rs"), program)?;
    let served = serve(folder.path())?;
    let mut log = served.post("/api/stage/start", &json!({ "stage": "ch01-demo/step2_flood" }))?;
    let id = log.line_where(|line| line["type"] == "stage")?["id"].clone();
    log.line_where(|line| line["type"] == "out")?;
    // Nobody reads on, and in the end the stage has no room to write. A pause in its writing is not yet that end.
    let mine =
        format!("{}/target/pages/debug/examples/step2_flood --port", folder.path().display());
    let all = processes_with(&mine);
    let stage = all.iter().find(|line| !line.contains("__")).context("the stage")?;
    let io = format!("/proc/{}/io", stage.split(['/', ':']).nth(2).context("its number")?);
    let mut written = vec![String::new()];
    while written.len() < 300 {
        let ask = json!({ "id": id, "connection": 9 });
        let asked = served.post("/api/stage/close", &ask)?;
        ensure!(asked.status == 200, "the stage is asked for something: {}", asked.head);
        let now = fs::read_to_string(&io)?;
        written.retain(|before| *before == now);
        written.push(now);
    }
    let stopped = served.post("/api/stage/stop", &json!({ "id": id }))?;
    ensure!(stopped.status == 200, "{}", stopped.head);
    log.line_where(|line| line["type"] == "exit")?;
    Ok(())
}

fn no_stage(shared: &World) -> Result<()> {
    for stage in ["ch09-none", "ch01-demo/step9_none", "../../bin/sh", "ch01-demo/../x", ""] {
        let mut log = shared.served.post("/api/stage/start", &json!({ "stage": stage }))?;
        let exit = log.line_where(|line| line["type"] == "exit")?;
        let text = exit["text"].as_str().unwrap_or_default();
        ensure!(text.contains("there is no") || text.contains("has no stage"), "{stage}: {exit}");
    }
    Ok(())
}

fn own_builds(_: &World) -> Result<()> {
    let folder = small_book()?;
    let put = |path: &str, text: &str| -> Result<()> {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().context("a file is in a folder")?)?;
        Ok(fs::write(path, text)?)
    };
    put("Cargo.toml", "[workspace]\nresolver = \"3\"\nmembers = [\"chapters/*\", \"my/ch*\"]\n")?;
    let manifest =
        "[package]\nname = \"my-ch01-demo\"\nedition = \"2024\"\n\n[lib]\nname = \"ch01_demo\"\n";
    put("my/ch01-demo/Cargo.toml", manifest)?;
    let library = "pub mod echo { pub fn shout(_: &str) -> &'static str { \"mine\" } }\n";
    put("my/ch01-demo/src/lib.rs", library)?;
    put("my/ch01-demo/examples/step1_echo.rs", "fn main() { println!(\"mine\"); }\n")?;
    let served = serve(folder.path())?;
    let block = r#"fn main() { println!("{}", ch01_demo::echo::shout("a")); }"#;
    for time in ["at first", "when the rebuild was built last"] {
        let ran = served.run(block)?;
        ensure!(ran.out == "A\n", "{time}: {ran:?}");
        let stage = json!({ "stage": "ch01-demo/step1_echo" });
        let mut log = served.post("/api/stage/start", &stage)?;
        let line = log.line_where(|line| line["type"] == "out" || line["type"] == "exit")?;
        let said = line["text"].as_str().unwrap_or_default();
        ensure!(said.starts_with("step1_echo listening on "), "{time}: {line}");
        drop(log);
        let mut cargo = workbook::cargo(folder.path());
        cargo.args(["build", "--quiet", "-p", "my-ch01-demo", "--lib", "--examples"]);
        ensure!(cargo.status()?.success(), "the rebuild is built");
    }
    Ok(())
}

fn closed_stage(shared: &World) -> Result<()> {
    let stage = json!({ "stage": "ch01-demo/step1_echo" });
    let mut log = shared.served.post("/api/stage/start", &stage)?;
    let listening = log.line_where(|line| line["type"] == "listening")?;
    let address = listening["address"].as_str().context("an address")?.to_owned();
    TcpStream::connect(&address)?.shutdown(Shutdown::Both)?;
    drop(log);
    until("nobody listens", || TcpStream::connect(&address).is_err())
}
