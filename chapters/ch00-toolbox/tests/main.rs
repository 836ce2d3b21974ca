//! The finished stage, from outside.

use ch00_toolbox::process::{Finished, Launch, Server};

fn run(args: &[&str]) -> Finished {
    Launch::bin("ch00-toolbox").args(args).run(b"").unwrap()
}

fn golden(file: &str) -> String {
    format!("{}/tests/golden/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// Scripts of shell commands hold, or show what differs with status 1.
#[test]
fn golden_compares() {
    let done = run(&["golden", &golden("shell.txt")]);
    assert_eq!((done.status.code(), done.stdout.as_str()), (Some(0), ""));
    let done = run(&["golden", &golden("store.txt")]);
    assert_eq!(done.status.code(), Some(1));
    assert!(
        done.stdout
            .contains("store.txt:2: get colour\n- no colour\n")
    );
    assert!(
        done.stderr.contains("outputs that differ: 3"),
        "{}",
        done.stderr
    );
}

/// With the syncs, every crash is survived; without one, it is seen.
#[test]
fn crash_finds_what_is_left_out() {
    for seed in ["1", "2", "3", "4", "5"] {
        let done = run(&["crash", "--writes", "20", "--seed", seed]);
        assert_eq!(done.status.code(), Some(0), "input: seed {seed}");
        assert!(!done.stdout.contains("WRONG"), "{}", done.stdout);
        let lines = done.stdout.lines().count();
        assert_eq!(lines, 1 + 7 + 2 * 20, "{}", done.stdout);
        for call in ["sync", "sync_dir"] {
            let args = ["--writes", "20", "--seed", seed, "--without", call];
            let done = run(&[&["crash"], &args[..]].concat());
            assert_eq!(done.status.code(), Some(1), "{}", done.stdout);
            assert!(done.stdout.contains("WRONG"), "{}", done.stdout);
        }
    }
}

/// A server is awaited, a script is run against it, and both end.
#[test]
fn wait_runs_a_script() {
    let stage = Server::example("ch00-toolbox", "step9_process");
    let path = stage.path().to_str().unwrap().to_owned();
    let then = "echo $HOST";
    let done = run(&["wait", "--then", then, "--", &path, "--port", "0"]);
    assert_eq!(done.status.code(), Some(0), "{}", done.stderr);
    let lines: Vec<_> = done.stdout.lines().collect();
    assert!(lines[0].starts_with("listening on 127.0.0.1:"));
    assert_eq!(lines[1..], ["127.0.0.1"]);
    let done = run(&["wait", "--then", "exit 3", "--", &path, "--port", "0"]);
    assert_eq!(done.status.code(), Some(1));
    assert!(done.stderr.contains("the script: exit status: 3"));
}

/// Mistakes are one line on stderr, and status 2.
#[test]
fn mistakes_are_one_line() {
    for (args, part) in [
        (&["dance"][..], "no such word: dance"),
        (&["crash", "--without", "luck"], "cannot leave out \"luck\""),
        (&["crash", "--writes", "many"], "--writes wants K"),
        (&["crash", "--writes", "1001"], "at most 1000"),
        (&["golden"], "missing FILE..."),
        (&["wait"], "missing COMMAND..."),
    ] {
        let done = run(args);
        assert_eq!(done.status.code(), Some(2), "input: {args:?}");
        assert!(done.stderr.contains(part), "got: {}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "got: {}", done.stderr);
    }
    let done = run(&["golden", "/nowhere"]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(run(&["--help"]).status.code(), Some(0));
    assert_eq!(run(&["wait", "--help"]).status.code(), Some(0));
}
