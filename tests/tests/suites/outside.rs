//! The words that deal with what is outside: `judge`, `bench` and `doctor`, with right and wrong arguments.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use workbook::processes::Group;
use workbook::stage::clean;
use workbook::{client, judge};
use workbook_tests::served::{program, root, small_book, until};
use workbook_tests::suite::{Suite, cases};

/// Every test with a program of its own.
pub fn suite() -> Suite {
    let tests: &'static [(&str, fn())] = &[
        (
            "a_judge_passes_fails_or_is_skipped_and_says_why",
            a_judge_passes_fails_or_is_skipped_and_says_why,
        ),
        ("judge_refuses_what_it_cannot_do", judge_refuses_what_it_cannot_do),
        ("a_judge_takes_any_server", a_judge_takes_any_server),
        ("an_interrupted_judge_leaves_no_process", an_interrupted_judge_leaves_no_process),
        (
            "nothing_survives_a_judge_or_a_bench_that_is_ended",
            nothing_survives_a_judge_or_a_bench_that_is_ended,
        ),
        (
            "what_a_server_says_is_no_order_to_the_terminal",
            what_a_server_says_is_no_order_to_the_terminal,
        ),
        (
            "bench_measures_in_turns_and_writes_what_the_page_includes",
            bench_measures_in_turns_and_writes_what_the_page_includes,
        ),
        (
            "bench_says_which_peer_is_missing_and_keeps_the_old_table",
            bench_says_which_peer_is_missing_and_keeps_the_old_table,
        ),
        (
            "a_group_of_cases_has_its_own_table_and_a_case_may_stand_alone",
            a_group_of_cases_has_its_own_table_and_a_case_may_stand_alone,
        ),
        ("switches_are_counted_while_the_load_runs", switches_are_counted_while_the_load_runs),
        ("a_peer_is_built_before_it_is_timed", a_peer_is_built_before_it_is_timed),
        ("bench_refuses_what_it_cannot_do", bench_refuses_what_it_cannot_do),
        ("the_doctor_says_what_is_here", the_doctor_says_what_is_here),
    ];
    Suite { name: "outside", width: 2, is_remembered: true, cases: cases(tests).collect() }
}

/// Runs the workbook in a folder.
fn workbook(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(program().expect("the runner builds"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    clean(&mut command);
    command.env_remove("WORKBOOK_JUDGES").output().expect("the runner starts")
}

/// A stage that does as much as these tests need: it shows its port, ends well on SIGTERM (by the shell's `trap`, since std
/// has no signals), and on a port that it is given it answers.
const STAGE: &str = r#"//! A stage.
use std::os::unix::process::CommandExt;

const SH: &str = "trap 'exit 0' TERM; echo step1_echo listening on 127.0.0.1:9; sleep 600 & wait";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--help"] => println!("--addr HOST:PORT (127.0.0.1:7001)"),
        ["--port", "0"] => panic!("{}", std::process::Command::new("sh").args(["-c", SH]).exec()),
        ["--port", port] => {
            let listener = std::net::TcpListener::bind(format!("127.0.0.1:{port}")).expect("a port");
            listener.incoming().for_each(drop);
        }
        ["connect", port] => {
            use std::io::{Read, Write};
            for _ in 0..100 {
                let address = format!("127.0.0.1:{port}");
                let mut stream = std::net::TcpStream::connect(address).expect("the server");
                stream.read(&mut [0]).expect("its end");
            }
            println!("100 requests");
            std::io::stdout().flush().expect("a number");
            // The load of switches may hold what it has until it is ended.
            std::thread::park();
        }
        _ => panic!("{args:?}"),
    }
}
"#;

/// A small book with these files in its chapter's folder. It stands where the last run left it, so that cargo has built it.
fn book(name: &str, files: &[(&str, &str)]) -> PathBuf {
    let book = Path::new(env!("CARGO_TARGET_TMPDIR")).join("outside").join(name);
    let chapter = book.join("chapters/ch01-demo");
    for old in [chapter.join("judges"), book.join("tmp"), book.join("book/ch01-demo")] {
        if old.exists() {
            fs::remove_dir_all(old).expect("a folder");
        }
    }
    for old in [chapter.join("bench.toml"), book.join("pid")] {
        if old.exists() {
            fs::remove_file(old).expect("a file");
        }
    }
    let put = |path: &Path, text: &[u8]| {
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        if fs::read(path).ok().as_deref() != Some(text) {
            fs::write(path, text).expect("a file");
        }
    };
    let small = small_book().expect("a small book");
    let mut pending = vec![small.path().to_path_buf()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            let path = entry.path();
            let below = path.strip_prefix(small.path()).expect("below");
            if path.is_dir() {
                pending.push(path);
            } else if !below.ends_with("step1_echo.rs") {
                put(&book.join(below), &fs::read(&path).expect("a file"));
            }
        }
    }
    put(&chapter.join("examples/step1_echo.rs"), STAGE.as_bytes());
    for (path, text) in files {
        put(&chapter.join(path), text.as_bytes());
    }
    book
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn refuses(folder: &Path, args: &[&str], status: i32, says: &str) {
    let output = workbook(folder, args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "{args:?}: {stderr}");
    assert_eq!(stderr.trim_end().lines().count(), 1, "{args:?}: one line: {stderr}");
    assert!(stderr.contains(says), "{args:?} should say {says:?}: {stderr}");
}

const RIGHT: &str =
    "# It is up.\nstage: ch01-demo/step1_echo\n\n$ test -n \"$PORT\" && echo up\nup\n";
const WRONG: &str = "# It is down.\nstage: ch01-demo/step1_echo\n\n$ echo up\ndown\n";
const MISSING: &str = "# It needs what nobody has.\nneeds: no-such-client\n\n$ no-such-client\n";

fn a_judge_passes_fails_or_is_skipped_and_says_why() {
    let book = book(
        "judge",
        &[("judges/a.txt", RIGHT), ("judges/b.txt", WRONG), ("judges/c.txt", MISSING)],
    );
    let output = workbook(&book, &["judge", "ch01"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("pass   a  It is up."), "{text}");
    assert!(
        text.contains("chapters/ch01-demo/judges/b.txt:4: `echo up` printed something else"),
        "{text}"
    );
    assert!(text.contains("- down\n"), "{text}");
    assert!(text.contains("+ up\n"), "{text}");
    assert!(text.contains("needs no-such-client: install no-such-client"), "{text}");
    assert!(text.contains("1 passed, 1 failed, 1 skipped"), "{text}");

    for (only, status) in [("a", 0), ("b", 1), ("c", 0)] {
        let output = workbook(&book, &["judge", "1", "--only", only]);
        assert_eq!(output.status.code(), Some(status), "--only {only}: {}", stdout(&output));
    }
    let mut command = Command::new(program().expect("the runner builds"));
    command.args(["judge", "ch01", "--only", "c"]).current_dir(&book);
    clean(&mut command);
    let required = command.env("WORKBOOK_JUDGES", "required").output().expect("the runner starts");
    assert_eq!(required.status.code(), Some(1), "{}", stdout(&required));
}

fn judge_refuses_what_it_cannot_do() {
    let book = book("judge-refuses", &[("judges/a.txt", RIGHT)]);
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
    let closed = closed.expect("a port").to_string();
    for (args, status, says) in [
        (&["judge"][..], 2, "cargo run -- judge ch01"),
        (&["judge", "ch99"], 2, "ch01-demo"),
        (&["judge", "ch01", "--only", "zz"], 2, "it has a"),
        (&["judge", "ch01", "--against", "nowhere"], 2, "HOST:PORT"),
        (&["judge", "ch01", "--against", "127.0.0.1:0"], 2, "HOST:PORT"),
        (&["judge", "ch01", "--against", &closed], 1, "nothing answers"),
        (&["judge", "ch01", "--mine"], 1, "cargo run -- start ch01"),
        (&["judge", "ch01", "--mine", "--against", &closed], 2, "--against"),
    ] {
        refuses(&book, args, status, says);
    }
    fs::write(book.join("chapters/ch01-demo/judges/a.txt"), "stag: x\n").expect("a file");
    refuses(&book, &["judge", "ch01"], 1, "a.txt:1");
    fs::remove_dir_all(book.join("chapters/ch01-demo/judges")).expect("a folder");
    refuses(&book, &["judge", "ch01"], 1, "has no judges");
}

fn a_judge_takes_any_server() {
    if !client::here("socat") {
        assert!(!judge::required(), "WORKBOOK_JUDGES=required, and there is no socat");
        eprintln!("skipped: {}", client::install("socat"));
        return;
    }
    for (serves, status, says) in [("EXEC:cat", 0, "1 passed"), ("EXEC:wc -c", 1, "1 failed")] {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|port| port.local_addr());
        let port = port.expect("a port").port();
        let mut socat = Command::new("socat");
        socat.arg(format!("TCP-LISTEN:{port},fork,reuseaddr,bind=127.0.0.1")).arg(serves);
        let (mut server, ..) =
            Group::spawn(&socat, Stdio::null(), Stdio::null()).expect("socat starts");
        let started = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(server.wait(Duration::from_millis(10)).is_none(), "socat ended");
            assert!(started.elapsed() < Duration::from_secs(10), "socat does not listen");
        }
        let address = format!("127.0.0.1:{port}");
        let args = ["judge", "ch01", "--against", &address, "--only", "socat_echo"];
        let output = workbook(&root(), &args);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(status), "{serves}: {text}");
        assert!(text.contains(says) && text.contains("speaks echo"), "{serves}: {text}");
    }
}

/// Says that it runs, and leaves a temporary folder.
const ENDLESS: &str = "mktemp -d >pid.tmp && echo $$ >pid.tmp && mv pid.tmp pid && exec sleep 600";

fn nothing_survives_a_judge_or_a_bench_that_is_ended() {
    let judge = format!("# It does not end.\nstage: ch01-demo/step1_echo\n\n$ {ENDLESS}\n");
    let bench = bench("{examples}/step1_echo --port {port}")
        .replace("echo speed 12.5 MB/s", &format!("sh -c '{ENDLESS}'"));
    let book = book("ended", &[("judges/a.txt", &judge), ("bench.toml", &bench)]);
    let temporary = book.join("tmp");
    fs::create_dir_all(&temporary).expect("a folder");
    let all = ["judge", "bench"].map(|word| [(word, Signal::INT), (word, Signal::KILL)]);
    for (word, signal) in all.concat() {
        let _ = fs::remove_file(book.join("pid"));
        let mut command = Command::new(program().expect("the runner builds"));
        command.args([word, "ch01"]).current_dir(&book).stdin(Stdio::null());
        clean(&mut command);
        command.env("TMPDIR", &temporary).stdout(Stdio::null()).stderr(Stdio::null());
        let mut runner = command.spawn().expect("the runner starts");
        until("it has begun", || book.join("pid").exists()).expect("it begins");
        kill_process(Pid::from_child(&runner), signal).expect("it lives");
        let status = runner.wait().expect("a child");
        let expected = if signal == Signal::INT { Some(130) } else { None };
        assert_eq!(status.code(), expected, "{word}, {signal:?}");
        until("nothing runs in the book", || processes_in(&book).is_empty())
            .unwrap_or_else(|_| panic!("{word}, {signal:?}: {:#?}", processes_in(&book)));
        let left =
            || fs::read_dir(&temporary).expect("a folder").flatten().map(|entry| entry.path());
        until("nothing is left", || left().next().is_none())
            .unwrap_or_else(|_| panic!("{word}, {signal:?}: {:#?}", left().collect::<Vec<_>>()));
    }
}

/// The processes whose working folder this is, which have not ended.
fn processes_in(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        if fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == folder) {
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            found.push(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    found
}

fn what_a_server_says_is_no_order_to_the_terminal() {
    let says = "# It says.\n\n$ printf '\\033]0;mine\\007\\033[2J'\ndown\n";
    let book = book("escapes", &[("judges/a.txt", says)]);
    let output = workbook(&book, &["judge", "ch01"]);
    let text = stdout(&output);
    assert!(text.contains("+ \\x1b]0;mine\\x07\\x1b[2J"), "{text}");
    assert!(!text.contains(['\x1b', '\x07']), "{text:?}");
}

fn an_interrupted_judge_leaves_no_process() {
    let endless = "# It does not end.\n\n$ echo $$ >pid.tmp && mv pid.tmp pid && exec sleep 600\n";
    let book = book("interrupted", &[("judges/a.txt", endless)]);
    let mut command = Command::new(program().expect("the runner builds"));
    command.args(["judge", "ch01"]).current_dir(&book);
    clean(&mut command);
    let (mut runner, ..) =
        Group::spawn(&command, Stdio::null(), Stdio::null()).expect("the runner starts");
    let started = Instant::now();
    let pid = loop {
        if let Ok(pid) = fs::read_to_string(book.join("pid")) {
            break pid.trim().parse::<i32>().ok().and_then(Pid::from_raw).expect("a process id");
        }
        assert!(runner.wait(Duration::from_millis(10)).is_none(), "the runner ended");
        assert!(started.elapsed() < Duration::from_secs(60), "the judge does not start");
    };
    runner.signal(Signal::INT);
    let status = runner.wait(Duration::from_secs(10)).expect("the runner ends");
    assert_eq!(status.code(), Some(130));
    let started = Instant::now();
    while test_kill_process(pid).is_ok() && is_alive(pid) {
        assert!(started.elapsed() < Duration::from_secs(10), "{pid:?} lives on");
        std::thread::yield_now();
    }
}

/// Whether a process runs, rather than waits for somebody to take note of its end.
fn is_alive(pid: Pid) -> bool {
    let pid = pid.as_raw_nonzero().to_string();
    let state = Command::new("ps").args(["-o", "stat=", "-p", &pid]).output().expect("ps");
    let state = String::from_utf8_lossy(&state.stdout).trim().to_owned();
    !state.is_empty() && !state.starts_with('Z')
}

fn bench(theirs: &str) -> String {
    format!(
        "[[case]]\nid = \"speed\"\ntitle = \"Speed & more\"\nunit = \"MB/s\"\nbetter = \"higher\"\nrounds = 2\n\
         ours = \"{{examples}}/step1_echo --port {{port}}\"\ntheirs = \"{theirs}\"\ntheirs_name = \"theirs\"\n\
         load = \"echo speed 12.5 MB/s\"\ncapture = 'speed ([0-9.]+) MB/s'\n"
    )
}

fn bench_measures_in_turns_and_writes_what_the_page_includes() {
    let book =
        book("bench on a pâth", &[("bench.toml", &bench("{examples}/step1_echo --port {port}"))]);
    let page = book.join("book/ch01-demo/bench.md");
    let dry = workbook(&book, &["bench", "ch01", "--dry-run"]);
    assert!(dry.status.success(), "{}", String::from_utf8_lossy(&dry.stderr));
    assert!(!page.exists(), "--dry-run writes nothing");

    let output = workbook(&book, &["bench", "ch01"]);
    let (text, progress) = (stdout(&output), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{progress}");
    let rounds: Vec<&str> = progress.lines().filter(|line| line.contains("round")).collect();
    let who = |line: &str| if line.contains(": ours ") { 'o' } else { 't' };
    assert_eq!(rounds.iter().map(|line| who(line)).collect::<String>(), "otto", "{progress}");
    assert!(text.contains("12.5  (12.5–12.5)  ours / theirs: 1.00 ×"), "{text}");
    assert!(text.contains("Measured on: ") && text.contains(" cores"), "{text}");
    let markdown = fs::read_to_string(page).expect("bench.md");
    assert!(
        markdown.contains("| Speed & more, MB/s (more is better) | theirs | 12.5"),
        "{markdown}"
    );
    let svg = fs::read_to_string(book.join("book/ch01-demo/bench.svg")).expect("bench.svg");
    assert!(
        svg.contains("<title") && svg.contains("<desc") && svg.contains("currentColor"),
        "{svg}"
    );
    assert!(svg.contains("Speed &amp; more") && !svg.contains("\n\n"), "{svg}");
}

fn bench_says_which_peer_is_missing_and_keeps_the_old_table() {
    let book = book("bench-missing", &[("bench.toml", &bench("no-such-server {port}"))]);
    let output = workbook(&book, &["bench", "ch01"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("not measured: no-such-server is not here"), "{text}");
    assert!(!book.join("book/ch01-demo/bench.md").exists(), "{text}");
}

fn bench_refuses_what_it_cannot_do() {
    let book = book("bench-refuses", &[]);
    refuses(&book, &["bench", "ch01"], 1, "no bench.toml");
    refuses(&book, &["bench"], 2, "cargo run -- bench ch01");
    refuses(&book, &["bench", "ch99"], 2, "ch01-demo");
    let path = book.join("chapters/ch01-demo/bench.toml");
    fs::write(&path, bench("x")).expect("a file");
    refuses(&book, &["bench", "ch01", "--only", "zz"], 2, "it has speed");
    refuses(&book, &["bench", "ch01", "--rounds", "0"], 2, "--rounds");
    refuses(&book, &["bench", "ch01", "--group", "zz"], 2, "no group");
    fs::write(&path, bench("x").replace("capture", "measure")).expect("a file");
    let output = workbook(&book, &["bench", "ch01"]);
    assert_eq!(output.status.code(), Some(1));
    let refused = |from: &str, to: &str, says: &str| {
        let text = bench("x");
        assert!(text.contains(from), "{from} in {text}");
        fs::write(&path, text.replace(from, to)).expect("a file");
        refuses(&book, &["bench", "ch01"], 1, says);
    };
    refused("capture = 'speed ([0-9.]+) MB/s'", "connections = 1", "either `capture`");
    refused("theirs_name = \"theirs\"", "", "come together");
    refused("theirs = \"x\"", "", "come together");
    refused("rounds = 2", "group = \"a/b\"", "`group` is");
    let alone = "measure = \"switches-per-request\"";
    refused("capture = 'speed ([0-9.]+) MB/s'", alone, "switches-per-request needs `capture`");
}

/// A case's lines with some of them replaced, each by its key.
fn with(lines: &[(&str, &str)]) -> String {
    let mut text = bench("{examples}/step1_echo --port {port}");
    for (key, line) in lines {
        let old = text.lines().find(|old| old.split(" = ").next() == Some(key)).expect("a key");
        text = text.replacen(old, line, 1);
    }
    text
}

fn a_group_of_cases_has_its_own_table_and_a_case_may_stand_alone() {
    let grouped = with(&[
        ("id", "id = \"alone\"\ngroup = \"loops\""),
        ("theirs", ""),
        ("theirs_name", ""),
        ("title", "title = \"Ours\""),
    ]);
    let both = format!("{}\n{grouped}", with(&[]));
    let book = book("bench-group", &[("bench.toml", &both)]);
    let page = |name: &str| fs::read_to_string(book.join("book/ch01-demo").join(name));
    let output = workbook(&book, &["bench", "ch01", "--group", "loops"]);
    let text = stdout(&output);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(page("bench.md").is_err(), "the other cases were not asked for: {text}");
    assert!(!text.contains("Speed & more") && text.contains("ch01-demo       12.5"), "{text}");
    let table = page("bench-loops.md").expect("bench-loops.md");
    assert!(table.contains("`cargo run -- bench ch01 --group loops`"), "{table}");
    let row = "| Ours, MB/s (more is better) |  | 12.5 <small>(12.5–12.5)</small> |  |  |";
    assert!(table.contains(row) && !table.contains("in turns"), "{table}");
    let picture = page("bench-loops.svg").expect("bench-loops.svg");
    assert_eq!(picture.matches("<rect").count(), 1, "one bar: {picture}");

    let output = workbook(&book, &["bench", "ch01"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let (all, of_group) = (page("bench.md").expect("bench.md"), page("bench-loops.md"));
    assert!(all.contains("| Speed & more") && !all.contains("| Ours"), "{all}");
    assert!(of_group.expect("bench-loops.md").contains("| Ours"), "{all}");
    let ids = ["bench.svg", "bench-loops.svg"].map(|name| {
        let svg = page(name).expect(name);
        svg.split("aria-labelledby=\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next().map(String::from))
    });
    assert_ne!(ids[0], ids[1], "two pictures on one page");
    refuses(&book, &["bench", "ch01", "--group", "zz"], 2, "it has loops");
}

/// The load connects a hundred times, and each time the server, which waits in accept, is woken.
fn switches_are_counted_while_the_load_runs() {
    let ours = with(&[
        ("theirs", "measure = \"switches-per-request\""),
        ("theirs_name", ""),
        ("rounds", "rounds = 1"),
        ("load", "load = \"{examples}/step1_echo connect {port}\""),
        ("capture", "capture = '([0-9]+) requests'"),
    ]);
    let book = book("bench-switches", &[("bench.toml", &ours)]);
    let output = workbook(&book, &["bench", "ch01", "--dry-run"]);
    let (text, progress) = (stdout(&output), String::from_utf8_lossy(&output.stderr));
    if !cfg!(target_os = "linux") {
        assert!(progress.contains("Linux's /proc"), "{progress}");
        return;
    }
    assert!(output.status.success(), "{progress}");
    let number = text.lines().find_map(|line| line.trim().strip_prefix("ch01-demo"));
    let number = number.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    assert!(number.is_some_and(|number| (0.5..50.0).contains(&number)), "{text}{progress}");
}

fn a_peer_is_built_before_it_is_timed() {
    let ours = with(&[("theirs", "theirs = \"{peers}/tokio_echo --port {port}\"")]);
    let book = book("bench-peers", &[("bench.toml", &ours)]);
    let put = |path: &str, text: &str| {
        let path = book.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    let output = workbook(&book, &["bench", "ch01", "--dry-run"]);
    let progress = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && progress.contains("tests/peers"), "{progress}");

    put(
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"chapters/*\", \"tests/peers\"]\n",
    );
    put(
        "tests/peers/Cargo.toml",
        "[package]\nname = \"workbook-peers\"\nedition = \"2024\"\n[[bin]]\nname = \"tokio_echo\"\npath = \"a.rs\"\n",
    );
    put("tests/peers/a.rs", STAGE);
    let output = workbook(&book, &["bench", "ch01"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = fs::read_to_string(book.join("book/ch01-demo/bench.md")).expect("bench.md");
    assert!(table.contains("| theirs | 12.5"), "{table}");
    fs::remove_dir_all(book.join("tests")).expect("a folder");
}

fn the_doctor_says_what_is_here() {
    let book = book("doctor", &[("judges/c.txt", MISSING)]);
    let output = workbook(&book, &["doctor"]);
    let text = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for says in ["no-such-client", "ch01's judges", "rustc", "watching", "port 3000", "browser"] {
        assert!(text.contains(says), "{says:?} in {text}");
    }
    refuses(&book, &["doctor", "please"], 2, "please");
}
