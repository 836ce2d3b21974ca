//! The finished stage, from outside.

mod scratch;

use std::fs;

use ch00_toolbox::process::{Finished, Launch, Server};
use ch00_toolbox::sys::Signal;
use scratch::Scratch;

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

/// An update that cannot be written leaves the script as it was: here the
/// kernel lets no file grow. One that can changes the script alone.
#[test]
fn golden_updates_or_leaves_the_script() {
    let folder = Scratch::new("update");
    let (script, link) = (folder.join("a.txt"), folder.join("link.txt"));
    let old = "echo new\n---\nold\n";
    fs::write(&script, old).unwrap();
    std::os::unix::fs::symlink("a.txt", &link).unwrap();

    let stage = Launch::bin("ch00-toolbox");
    let stage = stage.path().to_str().unwrap().to_owned();
    let file = link.to_str().unwrap().to_owned();
    let limited = "ulimit -f 0; exec \"$0\" golden --update \"$1\"";
    let sh = Launch::program("sh").args(["-c", limited, &stage, &file]);
    assert!(!sh.run(b"").unwrap().status.success());
    assert_eq!(fs::read_to_string(&script).unwrap(), old);

    let done = run(&["golden", "--update", &file]);
    assert_eq!(done.status.code(), Some(0), "{}", done.stderr);
    let new = "echo new\n---\nnew\n";
    assert_eq!(fs::read_to_string(&script).unwrap(), new);
    assert!(link.is_symlink(), "the link is a file now");
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

/// A signal is heard before the server listens, and while a script runs; the
/// server ends with it.
#[test]
fn a_signal_ends_what_is_waited_for() {
    let folder = Scratch::new("signal");
    let fifo = folder.join("begun").to_str().unwrap().to_owned();
    let made = Launch::program("mkfifo").args([&fifo]).run(b"").unwrap();
    assert!(made.status.success(), "{}", made.stderr);
    let forever = format!("echo begun >'{fifo}'; exec sleep 600");
    let stage = Server::example("ch00-toolbox", "step9_process");
    let path = stage.path().to_str().unwrap();
    let silent = ["wait", "--", "sh", "-c", &forever];
    let script = ["wait", "--then", &forever, "--", path, "--port", "0"];
    for args in [&silent[..], &script] {
        let mut wait = Launch::bin("ch00-toolbox").args(args).spawn().unwrap();
        assert_eq!(fs::read_to_string(&fifo).unwrap(), "begun\n");
        wait.signal(Signal::Int);
        let status = wait.wait().unwrap();
        assert_eq!(status.code(), Some(1), "input: {args:?}");
        let said = wait.errors().join("\n");
        assert!(said.contains("ended by SIGINT"), "got: {said}");
    }
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
