//! The reader's words, as a reader types them: the real program, on a small workbook of its own with one chapter.
//!
//! The workbooks stand in `target/`, where the last run left them, so that cargo has built most of them already.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::Duration;

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};
use workbook::stage::{Stage, clean};
use workbook_tests::served::{PATIENCE, processes_with, program, root, until};
use workbook_tests::suite::{Suite, cases};

/// Every test with a program of its own.
pub fn suite() -> Suite {
    let tests: &'static [(&str, fn())] = &[
        ("wrong_arguments_get_one_line_and_status_2", wrong_arguments_get_one_line_and_status_2),
        ("start_lays_out_and_never_overwrites", start_lays_out_and_never_overwrites),
        (
            "hints_climb_solutions_compare_and_reset_keeps_a_backup",
            hints_climb_solutions_compare_and_reset_keeps_a_backup,
        ),
        (
            "check_tells_the_verdicts_apart_and_none_hides_another",
            check_tells_the_verdicts_apart_and_none_hides_another,
        ),
        (
            "watch_judges_each_save_and_ctrl_c_leaves_nothing",
            watch_judges_each_save_and_ctrl_c_leaves_nothing,
        ),
        ("watch_works_where_the_disk_tells_nothing", watch_works_where_the_disk_tells_nothing),
        ("nothing_survives_a_check_that_is_ended", nothing_survives_a_check_that_is_ended),
        ("what_hides_from_a_check_ends_with_its_test", what_hides_from_a_check_ends_with_its_test),
        ("nothing_survives_its_leader", nothing_survives_its_leader),
        (
            "a_stopped_leader_ends_when_its_runner_is_killed",
            a_stopped_leader_ends_when_its_runner_is_killed,
        ),
        (
            "a_check_can_be_stopped_at_any_time_and_goes_on",
            a_check_can_be_stopped_at_any_time_and_goes_on,
        ),
        (
            "a_watch_says_once_that_it_waits_and_goes_on",
            a_watch_says_once_that_it_waits_and_goes_on,
        ),
        (
            "a_watch_ends_in_a_sentence_when_the_rebuild_is_gone",
            a_watch_ends_in_a_sentence_when_the_rebuild_is_gone,
        ),
        (
            "what_a_test_says_is_no_order_to_the_terminal",
            what_a_test_says_is_no_order_to_the_terminal,
        ),
        ("a_new_chapter_passes_its_checks", a_new_chapter_passes_its_checks),
        ("two_checks_at_once_take_turns", two_checks_at_once_take_turns),
        ("a_test_can_name_the_readers_package", a_test_can_name_the_readers_package),
        (
            "nothing_is_right_while_a_todo_of_the_starter_stands",
            nothing_is_right_while_a_todo_of_the_starter_stands,
        ),
        (
            "what_is_wrong_what_passes_and_what_is_not_started_are_counted_from_the_top",
            what_is_wrong_what_passes_and_what_is_not_started_are_counted_from_the_top,
        ),
        ("notes_on_a_verdict_break_between_words", notes_on_a_verdict_break_between_words),
        (
            "a_step_that_turns_right_says_how_to_run_it_and_what_comes_next",
            a_step_that_turns_right_says_how_to_run_it_and_what_comes_next,
        ),
        (
            "start_names_the_files_in_the_order_of_the_modules",
            start_names_the_files_in_the_order_of_the_modules,
        ),
        (
            "solutions_are_shown_without_the_marks_of_the_cut",
            solutions_are_shown_without_the_marks_of_the_cut,
        ),
        (
            "judges_of_what_is_not_written_yet_are_left_out_in_a_sentence",
            judges_of_what_is_not_written_yet_are_left_out_in_a_sentence,
        ),
        (
            "a_fork_needs_no_lock_file_that_knows_the_readers_package",
            a_fork_needs_no_lock_file_that_knows_the_readers_package,
        ),
        (
            "what_is_no_rebuild_is_named_with_one_way_out",
            what_is_no_rebuild_is_named_with_one_way_out,
        ),
        ("starts_at_once_begin_once", starts_at_once_begin_once),
        ("a_broken_chapter_stops_itself_only", a_broken_chapter_stops_itself_only),
        (
            "progress_that_cannot_be_read_is_kept_and_hides_nothing",
            progress_that_cannot_be_read_is_kept_and_hides_nothing,
        ),
        ("nothing_is_written_through_a_link", nothing_is_written_through_a_link),
        ("a_broken_manifest_is_named_as_the_readers", a_broken_manifest_is_named_as_the_readers),
        ("what_cannot_be_read_is_not_overwritten", what_cannot_be_read_is_not_overwritten),
        (
            "what_is_no_source_is_named_and_not_waited_for",
            what_is_no_source_is_named_and_not_waited_for,
        ),
        (
            "an_output_that_is_full_or_closed_is_said_or_quiet",
            an_output_that_is_full_or_closed_is_said_or_quiet,
        ),
        (
            "a_word_alone_means_the_chapter_that_you_stand_in",
            a_word_alone_means_the_chapter_that_you_stand_in,
        ),
    ];
    Suite { name: "runner", width: 2, is_remembered: true, cases: cases(tests).collect() }
}

/// A workbook with one chapter of five steps.
struct Book(PathBuf);

impl Book {
    /// The workbook of this name, with nothing of a reader's in it.
    fn new(name: &str) -> Book {
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("runner").join(name);
        for old in [
            dir.join("my"),
            dir.join("tmp"),
            dir.join("chapters/ch08-sql"),
            dir.join("book/ch08-sql"),
        ] {
            if old.exists() {
                fs::remove_dir_all(old).expect("a folder");
            }
        }
        let book = Book(dir);
        for (path, text) in BOOK {
            book.put(path, text);
        }
        for (number, (name, body, expected)) in STEPS.iter().enumerate() {
            let number = number + 1;
            let chapter = "chapters/ch07-tiny";
            let source = format!(
                "//! Step {number}.\n\n/// Does it.\npub fn {name}(n: u32) -> u32 {{\n    {body}\n}}\n"
            );
            book.put(&format!("{chapter}/src/{name}.rs"), &source);
            let mut test = TEST.replace("NAME", name).replace("NUMBER", &number.to_string());
            test.push_str(if *name == "four" { KNOCK } else { NO_KNOCK });
            book.put(
                &format!("{chapter}/tests/step{number}_{name}.rs"),
                &test.replace("EXPECTED", expected),
            );
        }
        book
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        if fs::read(&path).ok().as_deref() != Some(text.as_bytes()) {
            fs::write(&path, text).expect("a file");
        }
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).expect(path)
    }

    /// Where the runner and what it starts may put what is temporary.
    fn temporary(&self) -> PathBuf {
        let folder = self.0.join("tmp");
        fs::create_dir_all(&folder).expect("a folder");
        folder
    }

    fn read_if_there(&self, path: &str) -> String {
        fs::read_to_string(self.0.join(path)).unwrap_or_default()
    }

    /// Writes the body of the reader's function of a step.
    fn write_body(&self, name: &str, body: &str) {
        let path = format!("my/ch07-tiny/src/{name}.rs");
        let text = self.read(&path);
        let head = text.find("pub fn").expect("a function");
        let text = format!("{}pub fn {name}(n: u32) -> u32 {{\n    {body}\n}}\n", &text[..head]);
        self.put(&path, &text);
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program().expect("the runner builds"));
        command.args(args).current_dir(&self.0).stdin(Stdio::null());
        clean(&mut command);
        command.env_remove("TINY_PORT");
        command
    }

    fn run(&self, args: &[&str]) -> Said {
        let output = self.command(args).output().expect("the runner starts");
        Said::from(args, &output)
    }
}

/// What a word said, and with which status it ended.
#[derive(Debug)]
struct Said {
    word: String,
    status: Option<i32>,
    out: String,
    err: String,
}

impl Said {
    fn from(args: &[&str], output: &Output) -> Said {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said = Said {
            word: args.join(" "),
            status: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        };
        assert!(!said.out.contains('\x1b') && !said.err.contains('\x1b'), "plain: {said:#?}");
        said
    }

    /// Asserts the status, and parts of what was printed, in their order.
    fn says(&self, status: i32, parts: &[&str]) -> &Said {
        assert_eq!(self.status, Some(status), "{self:#?}");
        let mut rest = self.out.as_str();
        for part in parts {
            let Some(at) = rest.find(part) else {
                panic!("`{}` should say {part:?} next:\n{}\n{}", self.word, self.out, self.err);
            };
            rest = &rest[at + part.len()..];
        }
        self
    }

    /// Asserts the status, and that there is one line of complaint with these parts, and nothing else.
    fn refuses(&self, status: i32, parts: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:#?}");
        assert!(self.out.is_empty() && self.err.starts_with("workbook: "), "{self:#?}");
        assert_eq!(self.err.lines().count(), 1, "{self:#?}");
        for part in parts {
            assert!(self.err.contains(part), "it should say {part:?}: {self:#?}");
        }
    }

    /// The line of the verdict on a step or exercise.
    fn line(&self, name: &str) -> &str {
        let found = self.out.lines().find(|line| line.trim_start().starts_with(name));
        found.unwrap_or_else(|| panic!("no line for {name}: {self:#?}"))
    }
}

/// The steps: module and function, its body, and what the tests expect for 1, 2 and 3.
const STEPS: &[(&str, &str, &str)] = &[
    ("one", "n * 2", "2, 4, 6"),
    ("two", "ch07_tiny::one::one(n) * 2", "4, 8, 12"),
    ("three", "n * 3", "3, 6, 9"),
    ("four", "n * 4", "4, 8, 12"),
    ("five", "ch07_tiny::four::four(n) + 1", "5, 9, 13"),
];

/// The tests of a step.
const TEST: &str = r#"//! What step NUMBER must do.

use ch07_tiny::NAME::NAME;

/// INUMBER: it is as many times as much,
/// whatever it is.
#[test]
fn multiplies() {
    knock();
    let got: Vec<u32> = [1, 2, 3].map(NAME).to_vec();
    assert_eq!(got, [EXPECTED], "input: 1, 2, 3");
}
"#;

const NO_KNOCK: &str = "\nfn knock() {}\n";

/// Tells the listener at TINY_PORT that the test has begun, and leaves a child behind that has a process group of its own.
/// Both hold the connection for as long as they live.
const KNOCK: &str = r#"
fn knock() {
    use std::os::unix::process::CommandExt;
    let Ok(port) = std::env::var("TINY_PORT") else { return };
    let stream = std::net::TcpStream::connect(format!("127.0.0.1:{port}")).expect("connects");
    let held = std::os::fd::OwnedFd::from(stream.try_clone().expect("a clone"));
    let mut sleeper = std::process::Command::new("sleep");
    sleeper.arg("600").stdin(held).process_group(0).spawn().expect("starts");
    std::mem::forget(stream);
    std::fs::write(std::env::temp_dir().join("left"), "").expect("a temporary file");
}
"#;

const BOOK: &[(&str, &str)] = &[
    ("book.toml", "[book]\ntitle = \"Small\"\nsrc = \"book\"\n"),
    ("book/SUMMARY.md", "# Summary\n\n- [Tiny](ch07-tiny/README.md)\n"),
    ("book/ch07-tiny/README.md", "# Tiny\n"),
    (
        "Cargo.toml",
        "[workspace]\nresolver = \"3\"\nmembers = [\"chapters/*\", \"my/*\"]\n\n[workspace.package]\nedition = \"2024\"\n",
    ),
    ("tests/Cargo.toml", "[dev-dependencies]\nch07-tiny = { path = \"../chapters/ch07-tiny\" }\n"),
    ("my/README.md", "The reader's own.\n"),
    (
        "chapters/ch07-tiny/Cargo.toml",
        "[package]\nname = \"ch07-tiny\"\nedition.workspace = true\n\n[lib]\ndoctest = false\n",
    ),
    (
        "chapters/ch07-tiny/src/lib.rs",
        "//! Tiny.\n\nextern crate self as ch07_tiny;\n\npub mod one;\npub mod two;\npub mod three;\npub mod four;\npub mod five;\n",
    ),
    (
        "chapters/ch07-tiny/solutions/ex_shout.rs",
        "//! Shouts.\n\n/// Shouts so often.\npub fn shout(n: u32) -> String {\n    // begin: as many as step 5 says\n    \
         \"A\".repeat(ch07_tiny::five::five(n) as usize)\n    // end\n}\n",
    ),
    (
        "chapters/ch07-tiny/exercises/ex_shout.rs",
        "//! Shouts.\n\n/// Shouts so often.\npub fn shout(n: u32) -> String {\n    todo!(\"ex_shout: as many as step 5 says\")\n}\n",
    ),
    (
        "chapters/ch07-tiny/tests/ex_shout.rs",
        "//! Shout.\n#[path = \"../solutions/ex_shout.rs\"]\nmod solution;\n#[path = \"../exercises/ex_shout.rs\"]\nmod exercise;\n\n\
         macro_rules! checks {\n    ($subject:ident $(, #[$skip:meta])?) => {\n        mod $subject {\n            \
         /// I9: it shouts.\n            #[test]\n            $(#[$skip])?\n            fn shouts() {\n                \
         assert_eq!(crate::$subject::shout(1), \"AAAAA\", \"input: 1\");\n            }\n        }\n    };\n}\n\
         mod on {\n    checks!(solution);\n    checks!(exercise, #[ignore = \"exercise: cargo run -- check ex_shout\"]);\n}\n",
    ),
    (
        "chapters/ch07-tiny/exercises.toml",
        r#"title = "Tiny"
level = 1
minutes = 10

[[step]]
id = "step1_one"
title = "Twice"
modules = ["one"]
minutes = 1
hints = ["Nudge.", "Approach.", "Skeleton."]

[[step]]
id = "step2_two"
title = "Twice twice"
modules = ["two"]
minutes = 1
hints = ["Nudge.", "Approach.", "Skeleton."]
[step.hints_for]
"two::two" = ["Call it."]

[[step]]
id = "step3_three"
title = "Three times"
modules = ["three"]
minutes = 1
hints = ["Nudge.", "Approach.", "Skeleton."]

[[step]]
id = "step4_four"
title = "Four times"
modules = ["four"]
minutes = 1
hints = ["Nudge.", "Approach.", "Skeleton."]

[[step]]
id = "step5_five"
title = "And one"
modules = ["five"]
minutes = 1
hints = ["Nudge.", "Approach.", "Skeleton."]

[[exercise]]
id = "ex_shout"
title = "Shout"
kind = "extend"
level = 1
minutes = 1
section = "5-five.md#your-turn"
hints = ["Nudge.", "Approach.", "Skeleton."]
"#,
    ),
];

fn wrong_arguments_get_one_line_and_status_2() {
    let book = Book::new("wrong");
    let no_step = "there is no step or exercise \"step9\"";
    for (args, parts) in [
        (&["chekc"][..], &["there is no word \"chekc\"", "did you mean check?", "list"][..]),
        (&["check", "ch99"], &["there is no chapter \"ch99\"; the book has ch07-tiny"]),
        (&["check", "step9"], &[no_step, "cargo run -- list"]),
        (&["check", "ch07/step9"], &["no \"step9\" in ch07-tiny", "step1_one", "ex_shout"]),
        (&["--bogus"], &["'--bogus'", "`cargo run -- --help` lists the words"]),
        (&["check", "--limit", "0"], &["--limit"]),
        (
            &["check", "a", "b"],
            &["'b'", "usage: cargo run -- check [OPTIONS] [WHAT], and `--help`"],
        ),
        (&["bench", "--bogus"], &["usage: cargo run -- bench [OPTIONS] <CHAPTER>,"]),
        (&["start"], &["start what?", "`cargo run -- start ch01`"]),
        (&["start", "ch99"], &["the book has ch07-tiny"]),
        (&["start", "ch07", "--step", "6"], &["has the steps 1 to 5, not 6"]),
        (&["start", "ch07", "--step", "0"], &["has the steps 1 to 5, not 0"]),
        (&["start", "ch07", "--step", "x"], &["'x'"]),
        (&["start", "ex_shout", "--step", "2"], &["--step goes with a chapter"]),
        (&["watch", "step1"], &["watch takes a whole chapter", "cargo run -- watch ch07"]),
        (&["watch", "ch99"], &["the book has ch07-tiny"]),
        (&["hint", "step9"], &[no_step]),
        (&["hint", "step1", "--all"], &["'--all'"]),
        (&["solution"], &["solution what?", "`cargo run -- solution ch01/step1`"]),
        (&["solution", "ch07"], &["say which step or exercise, as ch07/step1_one"]),
        (&["solution", "step9"], &[no_step]),
        (&["reset"], &["reset what?", "`cargo run -- reset ch01/step1`"]),
        (&["reset", "step9"], &[no_step]),
        (&["reset", "ch07/chat"], &["no \"chat\" in ch07-tiny"]),
        (&["reset", "chat"], &["there is no step or exercise \"chat\""]),
        (&["list", "ch99"], &["the book has ch07-tiny"]),
        (&["progress", "ch07"], &["'ch07'"]),
        (&["cut", "ch99"], &["the book has ch07-tiny"]),
        (&["new"], &["new what?", "`cargo run -- new ch08-sql`"]),
        (&["judge"], &["judge what?", "`cargo run -- judge ch01`"]),
        (&["bench"], &["bench what?", "`cargo run -- bench ch01`"]),
        (&["new", "sql"], &["named as ch08-sql is", "\"sql\" is not"]),
        (&["new", "../ch08-sql"], &["named as ch08-sql is"]),
        (&["new", "ch07-sql"], &["number 07 is taken by ch07-tiny; ch08-sql is free"]),
    ] {
        book.run(args).refuses(2, parts);
    }
    // What is right in itself, but not now.
    for (args, parts) in [
        (&["check"][..], &["nothing is started yet", "cargo run -- start"][..]),
        (&["check", "ch07"], &["ch07-tiny is not started: `cargo run -- start ch07`"]),
        (&["watch"], &["nothing is started yet"]),
        (&["watch", "ch07"], &["not started"]),
        (&["hint"], &["nothing is started yet"]),
        (&["solution", "step1"], &["not started"]),
        (&["reset", "step1", "--yes"], &["not started"]),
    ] {
        book.run(args).refuses(1, parts);
    }
    let mut serve = book.command(&["serve", "--port", "0"]);
    let output = serve.env("WORKBOOK_LIMITS", "zzz").output().expect("it starts");
    Said::from(&["serve"], &output).refuses(2, &["WORKBOOK_LIMITS: \"zzz\" is not name=number"]);
    assert!(!book.0.join("my/ch07-tiny").exists(), "nothing was laid out");
    for args in [&["help"][..], &["--help"], &["check", "--help"]] {
        book.run(args).says(0, &["Usage: cargo run --"]);
    }
    // As a shell completes it.
    for folder in ["my/ch07-tiny", "chapters/ch07-tiny/", "ch07/", "ch07"] {
        book.run(&["list", folder]).says(0, &["ch07-tiny: Tiny"]);
        book.run(&["hint", folder]).says(0, &["step1_one"]);
    }
    book.run(&["hint", "my/ch07-tiny/step2"]).says(0, &["step2_two"]);
}

fn start_lays_out_and_never_overwrites() {
    let book = Book::new("start");
    let page = "http://127.0.0.1:3000/ch07-tiny/2-two.html";
    let parts = ["my/ch07-tiny is yours", page, "my/ch07-tiny/src/two.rs", "watch ch07", "red"];
    book.run(&["start", "ch07", "--step", "2"]).says(0, &parts);
    let chapter = "chapters/ch07-tiny";
    assert_eq!(book.read("my/ch07-tiny/src/one.rs"), book.read(&format!("{chapter}/src/one.rs")));
    let two = book.read("my/ch07-tiny/src/two.rs");
    assert!(two.contains("    todo!(\"step 2: two::two\")\n"), "{two}");
    let test = "tests/step2_two.rs";
    assert_eq!(book.read(&format!("my/ch07-tiny/{test}")), book.read(&format!("{chapter}/{test}")));

    book.write_body("two", "n * 7");
    let mine = book.read("my/ch07-tiny/src/two.rs");
    for args in [&["start", "ch07"][..], &["start", "7", "--step", "3"], &["start", "step2"]] {
        let said = book.run(args);
        said.says(1, &[]);
        for part in ["stays as it is", "watch ch07", "reset ch07", "--apply"] {
            assert!(said.err.contains(part), "{said:#?}");
        }
    }
    assert_eq!(book.read("my/ch07-tiny/src/two.rs"), mine);

    book.put("my/ch07-tiny/exercises/ex_shout.rs", "mine");
    let parts = ["ex_shout: Shout", "5-five.html#your-turn", "my/ch07-tiny/exercises/ex_shout.rs"];
    book.run(&["start", "ex_shout"]).says(0, &parts);
    assert_eq!(book.read("my/ch07-tiny/exercises/ex_shout.rs"), "mine");
}

fn hints_climb_solutions_compare_and_reset_keeps_a_backup() {
    let book = Book::new("hints");
    book.put("my/progress.txt", "# mine\nch99-future/idea done 2030-01-01 mood 3\n");
    book.run(&["start", "ch07"]).says(0, &[]);
    let one = book.run(&["hint"]);
    one.says(
        0,
        &["step1_one", "you are at one::one (todo)", "hint 1 of 3", "Nudge.", "same command"],
    );
    assert!(!one.out.contains("Approach."), "{one:#?}");
    book.run(&["hint", "step1"]).says(0, &["Nudge.", "Approach."]);
    book.run(&["hint", "ch07/one"]).says(0, &["Skeleton."]);
    for _ in 0..2 {
        book.run(&["hint", "one"])
            .says(0, &["hint 3 of 3", "no more hints: cargo run -- solution ch07/step1_one"]);
    }
    // A function with hints of its own comes first, and counts for itself.
    let at_two = book.run(&["hint", "step2"]);
    at_two.says(0, &["you are at two::two (todo)", "hint 1 of 4", "Call it."]);
    assert!(!at_two.out.contains("Nudge."), "{at_two:#?}");
    book.run(&["hint", "step2"]).says(0, &["hint 2 of 4", "Nudge."]);
    let progress = book.read("my/progress.txt");
    assert_eq!(
        progress,
        "# mine\nch99-future/idea done 2030-01-01 mood 3\nch07-tiny/one hints 3\n\
         ch07-tiny/two hints:two::two 2\n"
    );
    let path = "my/ch07-tiny/src/two.rs";
    let starter = book.read(path);
    book.put(path, &starter.replace("todo!(\"step 2: two::two\")", "n"));
    let wrong = book.run(&["hint", "step2"]);
    wrong.says(0, &["`cargo run -- check step2_two` names what is wrong", "hint 1 of 3", "Nudge."]);
    book.put(path, &starter);
    let progress = book.read("my/progress.txt");
    let parts = ["my/ch07-tiny/src/one.rs", "-    todo!(\"step 1: one::one\")", "+    n * 2"];
    book.run(&["solution", "step1"]).says(0, &parts);

    book.write_body("one", "n + n");
    let mine = book.read("my/ch07-tiny/src/one.rs");
    let kept = |said: &Said| {
        let at = said.out.find("my/ch07-tiny/backup/").expect("it says where");
        let folder = said.out[at..].split_whitespace().next().expect("a folder").to_string();
        book.read(&format!("{folder}/src/one.rs"))
    };
    let applied = book.run(&["solution", "step1", "--apply"]);
    assert_eq!(kept(applied.says(0, &["the book's version is in place"])), mine);
    let whole = book.read("chapters/ch07-tiny/src/one.rs");
    assert_eq!(book.read("my/ch07-tiny/src/one.rs"), whole);
    book.run(&["solution", "step1"]).says(0, &["no difference"]);

    // Nobody to ask: nothing happens.
    let asked = book.run(&["reset", "ch07"]);
    asked.says(1, &["my/ch07-tiny/src/one.rs"]);
    assert!(asked.err.contains("--yes"), "{asked:#?}");
    assert_eq!(book.read("my/ch07-tiny/src/one.rs"), whole);
    let mark = book.0.join("my/ch07-tiny/src/.#one.rs");
    std::os::unix::fs::symlink("reader@host.4711:1", &mark).expect("an editor's mark");
    let reset = book.run(&["reset", "ch07", "--yes"]);
    fs::remove_file(&mark).expect("the mark stays");
    assert_eq!(kept(reset.says(0, &["done; what you had is in"])), whole);
    assert!(book.read("my/ch07-tiny/src/one.rs").contains("todo!"), "the starter");
    book.run(&["reset", "step1"]).says(0, &["is the starter already"]);
    assert_eq!(book.read("my/progress.txt"), progress, "progress stays");
}

fn check_tells_the_verdicts_apart_and_none_hides_another() {
    let book = Book::new("check");
    book.run(&["start", "ch07"]).says(0, &[]);
    let first = book.run(&["check"]);
    first.says(1, &["next    step1_one: Twice", "edit    my/ch07-tiny/src/one.rs", "A red check"]);
    for name in ["1 one", "2 two", "3 three", "4 four", "5 five"] {
        assert!(first.line(name).contains("not started"), "{first:#?}");
    }

    book.write_body("one", "2 * n");
    book.write_body("two", "ch07_tiny::one::one(n) * missing * other");
    book.write_body("three", "n * 2 + 1");
    let mixed = book.run(&["check", "ch07"]);
    assert!(mixed.line("1 one").ends_with("1 test"), "{mixed:#?}");
    assert!(mixed.line("2 two").contains("does not compile  2 errors"), "{mixed:#?}");
    assert!(mixed.line("3 three").contains("wrong answer"), "{mixed:#?}");
    assert!(mixed.line("3 three").contains("on the book's step 2"), "{mixed:#?}");
    assert!(mixed.line("4 four").contains("not started"), "{mixed:#?}");
    let parts = [
        "step 2, Twice twice: does not compile",
        "error[E0425]: cannot find value `missing` in this scope",
        "--> my/ch07-tiny/src/two.rs:5:30",
        "and 1 more error: `cargo run -- check step2_two -v` shows it",
        "page  http://127.0.0.1:3000/ch07-tiny/2-two.html",
        "step 3, Three times: wrong answer",
        "  I3: it is as many times as much, whatever it is.",
        "test multiplies, my/ch07-tiny/tests/step3_three.rs:11",
        "    input     1, 2, 3\n    expected  [3, 6, 9]\n    got       [3, 5, 7]\n",
        "page  http://127.0.0.1:3000/ch07-tiny/3-three.html",
        "cargo run -- hint step3_three",
    ];
    mixed.says(1, &parts);
    assert!(!mixed.out.contains("`other`"), "the first error only: {mixed:#?}");
    assert!(mixed.out.lines().all(|line| line.chars().count() <= 80), "80 columns: {mixed:#?}");
    book.run(&["check", "two", "-v"]).says(1, &["`missing`", "`other`"]);
    book.run(&["check", "step1"]).says(0, &["1 one", "right", "all right"]);
    let progress = book.read("my/progress.txt");
    assert!(progress.contains("ch07-tiny/one done "), "{progress}");
    assert!(!progress.contains("/two") && !progress.contains("/three"), "{progress}");

    book.write_body("two", "n * 4");
    book.write_body("four", "loop { std::thread::park() }");
    // Told while it runs, though nobody looks at a terminal.
    let parts = [
        "  (still running: multiplies; it is ended after 4 s)",
        "4 four",
        "wrong answer",
        "it did not end within 4 s, and was ended",
        "It waits for ever, or loops",
    ];
    book.run(&["check", "four", "--limit", "4"]).says(1, &parts);

    book.write_body("four", "std::process::exit(n as i32 - 1)");
    book.run(&["check", "four"]).says(1, &["the process ended before the test did"]);
    book.put("my/ch07-tiny/tests/step4_four.rs", "");
    let parts = ["4 four", "missing", "tests/step4_four.rs holds no test", "reset ch07/step4_four"];
    book.run(&["check", "four"]).says(1, &parts);

    // An exercise that stands on a step that is not there yet.
    book.write_body("four", "n * 4");
    let solution = book.read("chapters/ch07-tiny/solutions/ex_shout.rs");
    book.run(&["check", "ex_shout"]).says(1, &["not started", "as many as step 5 says"]);
    book.put("my/ch07-tiny/exercises/ex_shout.rs", &solution);
    book.run(&["check", "ex_shout"]).says(1, &["waits", "for step 5, which is not written yet"]);

    // Right while a step above is not begun: that step is next.
    book.write_body("five", "n * 5");
    book.put(
        "my/ch07-tiny/exercises/ex_shout.rs",
        "//! S.\n\n/// S.\npub fn shout(n: u32) -> String {\n    \
              \"A\".repeat(n as usize * 5)\n}\n",
    );
    let parts = ["ex_shout", "all right", "next    step2_two: Twice twice", "ch07-tiny/2-two.html"];
    book.run(&["check", "ex_shout"]).says(0, &parts);
    book.put("my/ch07-tiny/exercises/ex_shout.rs", &solution);

    book.run(&["reset", "step4", "--yes"]).says(0, &[]);
    for step in ["step3", "step4", "step5"] {
        book.run(&["solution", step, "--apply"]).says(0, &[]);
    }
    book.run(&["check", "--all"]).says(0, &["5 five", "right", "ex_shout", "right", "all right"]);
    let list = book.run(&["list"]);
    assert!(list.says(0, &["ch07-tiny: Tiny"]).line("done  step1_one").contains("Twice"));
    assert!(!list.out.contains("done  step3"), "the book's own is nobody's progress: {list:#?}");
    book.run(&["progress"]).says(0, &["2 of 5 steps, 1 of 1 exercises", "3 of 6 done"]);
}

/// A word that goes on until it is ended, and its lines.
struct Running {
    child: Child,
    lines: Receiver<String>,
    said: String,
}

impl Running {
    fn start(book: &Book, args: &[&str], port: u16) -> Running {
        let mut command = book.command(args);
        command.env("TINY_PORT", port.to_string()).env("NO_COLOR", "1");
        command.env("TMPDIR", book.temporary());
        command.stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the runner starts");
        let out = BufReader::new(child.stdout.take().expect("a pipe"));
        let (send, lines) = mpsc::channel();
        thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|l| send.send(l)));
        Running { child, lines, said: String::new() }
    }

    /// Reads on until a line that holds this.
    fn until(&mut self, part: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                panic!("it should have said {part:?} next:\n{}", self.said);
            };
            self.said.push_str(&line);
            self.said.push('\n');
            if line.contains(part) {
                return line;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).expect("an id");
        kill_process(pid, signal).expect("it lives");
    }

    fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        until("the runner ends", || {
            status = self.child.try_wait().expect("a child");
            status.is_some()
        })
        .expect("it ends");
        status.expect("it ended")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its guard ends what it has started.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A test that runs, and all that it has started, hold the other end of this.
fn knocked(listener: &TcpListener) -> TcpStream {
    listener.set_nonblocking(true).expect("a socket");
    let mut accepted = None;
    until("a test knocks", || {
        accepted = listener.accept().ok();
        accepted.is_some()
    })
    .expect("a test knocks");
    let (stream, _) = accepted.expect("it knocked");
    stream.set_nonblocking(false).expect("a socket");
    stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
    stream
}

/// Waits until nobody holds the other end.
fn gone(mut stream: TcpStream) {
    let read = stream.read(&mut [0]);
    // Killed with nothing unread on either side, it is an end; otherwise it may be a reset.
    assert!(
        matches!(read, Ok(0))
            || read.is_err_and(|e| e.kind() == std::io::ErrorKind::ConnectionReset)
    );
}

const HANG: &str = "loop { std::thread::park() }";

fn watch_judges_each_save_and_ctrl_c_leaves_nothing() {
    let book = Book::new("watch");
    book.run(&["start", "ch07"]).says(0, &[]);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut watch = Running::start(&book, &["watch"], port);
    watch.until("watching my/ch07-tiny: Tiny");
    watch.until("0 of 5 steps right");
    // As editors save: another file is renamed into its place.
    let one = book.read("my/ch07-tiny/src/one.rs");
    book.put("my/ch07-tiny/src/one.rs~", &one.replace("todo!(\"step 1: one::one\")", "n + n"));
    let path = |name: &str| book.0.join("my/ch07-tiny/src").join(name);
    fs::rename(path("one.rs~"), path("one.rs")).expect("renamed");
    watch.until("saved src/one.rs");
    assert!(watch.until("1 one").contains("right"), "{}", watch.said);
    watch.until("1 of 5 steps right");
    // The tests of step 4 in these two checks have come and gone, and what they left behind as well.
    gone(knocked(&listener));
    gone(knocked(&listener));

    book.write_body("four", HANG);
    watch.until("saved src/four.rs");
    let hanging = knocked(&listener);
    // A save ends the check that hangs, long before its limit, and another begins.
    book.write_body("four", "n * 4");
    watch.until("saved src/four.rs");
    assert!(watch.until("4 four").contains("right"), "{}", watch.said);
    gone(hanging);
    watch.until("2 of 5 steps right");

    watch.signal(Signal::INT);
    assert_eq!(watch.wait().code(), Some(0), "{}", watch.said);
    assert!(!watch.said.contains('\x1b'), "plain: {}", watch.said);
    let left = processes_with(&book.0.display().to_string());
    assert!(left.is_empty(), "{left:#?}");
}

fn watch_works_where_the_disk_tells_nothing() {
    let book = Book::new("poll");
    book.run(&["start", "ch07"]).says(0, &[]);
    let mut watch = Running::start(&book, &["watch", "ch07", "--poll"], 1);
    watch.until("looking every 250 ms; Ctrl-C ends it");
    watch.until("0 of 5 steps right");
    book.write_body("three", "n + n + n");
    watch.until("saved src/three.rs");
    assert!(watch.until("3 three").contains("right"), "{}", watch.said);
    book.write_body("three", "n + n + \"n\"");
    watch.until("3 three");
    watch.until("error[E0277]: cannot add `&str` to `u32`");
    watch.signal(Signal::TERM);
    assert_eq!(watch.wait().code(), Some(0), "{}", watch.said);
}

fn nothing_survives_a_check_that_is_ended() {
    let book = Book::new("ended");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("four", HANG);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    for (signal, status) in
        [(Signal::INT, Some(130)), (Signal::TERM, Some(130)), (Signal::KILL, None)]
    {
        let mut check = Running::start(&book, &["check", "four", "--limit", "600"], port);
        let hanging = knocked(&listener);
        check.signal(signal);
        assert_eq!(check.wait().code(), status, "{signal:?}: {}", check.said);
        gone(hanging);
        let left = || fs::read_dir(book.temporary()).expect("a folder").flatten();
        until("no temporary file is left", || left().next().is_none())
            .unwrap_or_else(|_| panic!("{signal:?}: {:#?}", left().collect::<Vec<_>>()));
    }
}

/// Only Linux gives a process its descendants back.
#[cfg(not(target_os = "linux"))]
fn what_hides_from_a_check_ends_with_its_test() {}

#[cfg(target_os = "linux")]
fn what_hides_from_a_check_ends_with_its_test() {
    let book = Book::new("hides");
    book.run(&["start", "ch07"]).says(0, &[]);
    let sleeper = "sleeper.arg(\"600\").stdin(held).process_group(0).spawn().expect(\"starts\");";
    let hidden = "sleeper.args([\"-f\", \"env\", \"-i\", \"sleep\", \"600\"]).stdin(held).spawn().expect(\"starts\");";
    let test = book.read("my/ch07-tiny/tests/step4_four.rs");
    let test = test.replace("Command::new(\"sleep\")", "Command::new(\"setsid\")");
    assert!(test.contains(sleeper), "{test}");
    book.put("my/ch07-tiny/tests/step4_four.rs", &test.replace(sleeper, hidden));
    book.write_body("four", "n * 4");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut check = Running::start(&book, &["check", "four"], port);
    assert_eq!(check.wait().code(), Some(0));
    gone(knocked(&listener));
    book.write_body("four", HANG);
    for signal in [Signal::INT, Signal::KILL] {
        let mut check = Running::start(&book, &["check", "four", "--limit", "600"], port);
        let hanging = knocked(&listener);
        check.signal(signal);
        check.wait();
        gone(hanging);
    }
}

#[cfg(not(target_os = "linux"))]
fn nothing_survives_its_leader() {}

#[cfg(not(target_os = "linux"))]
fn a_stopped_leader_ends_when_its_runner_is_killed() {}

/// The runner lets a stopped leader go on; when it is killed, that is left to its guard.
#[cfg(target_os = "linux")]
fn a_stopped_leader_ends_when_its_runner_is_killed() {
    let book = Book::new("stopped");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("four", HANG);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut check = Running::start(&book, &["check", "four", "--limit", "600"], port);
    let hanging = knocked(&listener);
    check.signal(Signal::STOP);
    let leaders = processes_with(&format!("__lead {}", book.temporary().display()));
    assert!(!leaders.is_empty(), "a leader");
    for leader in leaders {
        let id = leader.trim_start_matches("/proc/").split(':').next().map(str::parse);
        let id = id.and_then(Result::ok).and_then(Pid::from_raw).expect("an id");
        kill_process(id, Signal::STOP).expect("it lives");
    }
    check.signal(Signal::KILL);
    check.wait();
    gone(hanging);
    let left = || fs::read_dir(book.temporary()).expect("a folder").flatten();
    until("no temporary file is left", || left().next().is_none())
        .unwrap_or_else(|_| panic!("{:#?}", left().collect::<Vec<_>>()));
}

/// A test's parent is its leader: what a test leaves behind ends even if that is killed, or stopped.
#[cfg(target_os = "linux")]
fn nothing_survives_its_leader() {
    let book = Book::new("leader");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("four", "n * 4");
    let path = "my/ch07-tiny/tests/step4_four.rs";
    let sleeper = "sleeper.arg(\"600\").stdin(held).process_group(0).spawn().expect(\"starts\");";
    let test = book.read(path).replace("Command::new(\"sleep\")", "Command::new(\"sh\")");
    assert!(test.contains(sleeper), "{test}");
    // It ends by itself when its leader has, or after so many turns.
    let again = "setsid -f env -i sh -c 'i=0; while [ $i -lt 5000000 ] && kill -STOP $0; do i=$((i+1)); done' $p";
    for (ends, again) in [("kill -KILL $p", ""), ("kill -STOP $p", ""), ("kill -STOP $p", again)] {
        let script = format!(
            "p=$(cut -d' ' -f4 /proc/$PPID/stat); setsid -f env -i sleep 600 <&0; {again}\n{ends}"
        );
        let hidden =
            format!("sleeper.args([\"-c\", {script:?}]).stdin(held).status().expect(\"starts\");");
        book.put(path, &test.replace(sleeper, &hidden));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let args = ["check", "four", "--limit", if again.is_empty() { "600" } else { "1" }];
        let mut check = Running::start(&book, &args, port);
        let hanging = knocked(&listener);
        let status = check.wait();
        gone(hanging);
        // One stop is no reason for another verdict.
        if again.is_empty() {
            assert_eq!(status.success(), ends.contains("STOP"), "{script}: {}", check.said);
        }
    }
}

fn a_check_can_be_stopped_at_any_time_and_goes_on() {
    let book = Book::new("stopped");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("one", "n * 2");
    let test = "#[test]\nfn tNUMBER() {\n    assert_eq!(ch07_tiny::one::one(1), 2);\n}\n";
    let tests: String = (0..100).map(|n| test.replace("NUMBER", &n.to_string())).collect();
    book.put("my/ch07-tiny/tests/step1_one.rs", &tests);
    book.run(&["check", "one"]).says(0, &["100 tests"]);
    let mut command = book.command(&["check", "one"]);
    // As a shell starts it, and as Ctrl-Z stops it: with all that is in its process group.
    let mut check = command.process_group(0).stdout(Stdio::null()).spawn().expect("it starts");
    let group = Pid::from_child(&check);
    let options = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    let (_never, between) = mpsc::channel::<()>();
    let mut stops = 0;
    while check.try_wait().expect("a child").is_none() {
        kill_process_group(group, Signal::TSTP).expect("it is there");
        until("it stops or ends", || {
            waitid(WaitId::Pid(group), options).is_ok_and(|stopped| stopped.is_some())
                || check.try_wait().is_ok_and(|ended| ended.is_some())
        })
        .unwrap_or_else(|_| {
            let _ = kill_process_group(group, Signal::KILL);
            panic!("after {stops} stops it neither stops nor ends");
        });
        stops += 1;
        let _ = kill_process_group(group, Signal::CONT);
        // The stops fall on all parts of a start.
        let _ = between.recv_timeout(Duration::from_millis(stops % 8));
    }
    let status = check.wait().expect("a child");
    assert_eq!(status.code(), Some(0), "after {stops} stops");
}

fn a_watch_says_once_that_it_waits_and_goes_on() {
    let book = Book::new("waits");
    book.run(&["start", "ch07"]).says(0, &[]);
    let mut watch = Running::start(&book, &["watch"], 1);
    watch.until("0 of 5 steps right");
    let other = File::options().write(true).open(book.0.join("target/my.lock")).expect("a lock");
    other.lock().expect("it is free");
    book.write_body("one", "n * 2");
    watch.until("waiting for the check in another terminal");
    other.unlock().expect("it was ours");
    watch.until("1 of 5 steps right");
    assert_eq!(watch.said.matches("waiting").count(), 1, "{}", watch.said);
}

fn a_watch_ends_in_a_sentence_when_the_rebuild_is_gone() {
    let book = Book::new("gone");
    book.run(&["start", "ch07"]).says(0, &[]);
    let mut watch = Running::start(&book, &["watch"], 1);
    watch.until("0 of 5 steps right");
    fs::remove_dir_all(book.0.join("my/ch07-tiny")).expect("it was there");
    assert_eq!(watch.wait().code(), Some(1), "{}", watch.said);
    assert!(!watch.said.contains("saved"), "nothing was saved: {}", watch.said);
}

fn what_a_test_says_is_no_order_to_the_terminal() {
    let book = Book::new("escapes");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("one", r#"panic!("\u{1b}]0;mine\u{7}\u{9b}2J\u{1b}[31m{n}")"#);
    // `Said` refuses an escape in anything.
    let shown = r"\x1b]0;mine\x07\u{9b}2J\x1b[31m1";
    book.run(&["check", "one"]).says(1, &["wrong answer", shown]);
    book.run(&["check", "one", "-v"]).says(1, &[shown, "all that it printed", shown]);
    book.write_body("one", r#"compile_error!("\u{1b}]0;mine\u{7}")"#);
    book.run(&["check", "one"]).says(1, &["does not compile", "]0;mine"]);
}

/// The parts of the root's `Cargo.toml` that a chapter inherits.
fn workspace() -> String {
    let text = fs::read_to_string(root().join("Cargo.toml")).expect("the root's Cargo.toml");
    let end = text.find("\n# The runner").expect("the runner's package follows");
    text[..end].lines().filter(|line| !line.contains("members")).fold(
        String::new(),
        |text, line| {
            text + line
                + if line == "[workspace]" { "\nmembers = [\"chapters/*\"]\n" } else { "\n" }
        },
    )
}

fn a_new_chapter_passes_its_checks() {
    let book = Book::new("new");
    book.put("Cargo.toml", &workspace());
    let toolbox = root().join("chapters/ch00-toolbox");
    for folder in ["src", "Cargo.toml", "exercises.toml"] {
        for path in
            workbook::rebuild::walk(&toolbox.join(folder)).into_iter().chain([toolbox.join(folder)])
        {
            if path.is_file() {
                let below =
                    path.strip_prefix(root()).expect("below the root").display().to_string();
                book.put(&below, &fs::read_to_string(&path).expect("text"));
            }
        }
    }
    let parts = ["chapters/ch08-sql", "book/ch08-sql/README.md", "cargo run -p ch08-sql -- --help"];
    book.run(&["new", "ch08-sql"]).says(0, &parts);
    book.run(&["new", "ch08-other"]).refuses(2, &["number 08 is taken by ch08-sql; ch09-other"]);
    assert_eq!(
        book.read("book/SUMMARY.md"),
        "# Summary\n\n- [Tiny](ch07-tiny/README.md)\n- [ch08: Sql](ch08-sql/README.md)\n"
    );
    assert!(
        book.read("tests/Cargo.toml")
            .ends_with("\nch08-sql = { path = \"../chapters/ch08-sql\" }\n")
    );
    book.run(&["list", "ch08"]).says(0, &["ch08-sql: Sql", "no steps yet"]);
    book.run(&["hint", "ch08"]).refuses(1, &["ch08-sql has no steps yet"]);
    book.run(&["start", "ch08"]).refuses(1, &["ch08-sql has no steps yet"]);

    let lines = [
        "clippy --quiet --offline -p ch08-sql --all-targets -- -D warnings",
        "fmt -p ch08-sql --check",
        "build --quiet --offline -p ch08-sql",
    ];
    for line in lines {
        let mut cargo = workbook::cargo(&book.0);
        cargo.args(line.split(' ')).env_remove("CARGO_TARGET_DIR");
        let output = cargo.output().expect("cargo starts");
        assert!(
            output.status.success(),
            "cargo {line}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    let program = book.0.join("target/debug/ch08-sql");
    let stage = Stage::start(&program, "ch08-sql", &[], &book.0).expect("it listens");
    stage.end().expect("it ends with status 0");
    let wrong = Command::new(&program).arg("--no-such-flag").output().expect("it starts");
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");
}

fn two_checks_at_once_take_turns() {
    let book = Book::new("turns");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("four", HANG);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut first = Running::start(&book, &["check", "four", "--limit", "600"], port);
    let hanging = knocked(&listener);
    // The first runs its tests, and what they were built from stays as it is.
    book.write_body("one", "n + missing");
    let mut second = Running::start(&book, &["check", "one"], port);
    second.until("waiting for the check in another terminal");
    let copied = book.read("target/check-ch07-tiny/src/one.rs");
    assert!(copied.contains("todo!"), "the copy is the first one's: {copied}");
    first.signal(Signal::INT);
    assert_eq!(first.wait().code(), Some(130), "{}", first.said);
    gone(hanging);
    assert!(second.until("1 one").contains("does not compile"), "{}", second.said);
    assert_eq!(second.wait().code(), Some(1), "{}", second.said);
    assert_eq!(second.said.matches("waiting").count(), 1, "{}", second.said);
}

fn a_test_can_name_the_readers_package() {
    let book = Book::new("replay");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("one", "n * 2");
    let replay = "replay: WORKBOOK_SEED=0x0123456789abcdef cargo test -p my-ch07-tiny";
    let test = r#"//! Says how to run it again.

#[test]
fn holds() {
    assert_eq!(ch07_tiny::one::one(1), 2);
    let package = std::env::var("CARGO_PKG_NAME").unwrap_or_default();
    let dir = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    assert!(dir.ends_with("ch07-tiny"), "{dir}");
    assert!(!std::env::args().any(|arg| arg == "--include-ignored"), "a step's tests run anyhow");
    let version = std::env::var_os("CARGO_PKG_VERSION_MAJOR");
    assert!(version.is_none_or(|version| version != "9"), "the runner's own");
    let input = "one of many lines\n".repeat(60);
    let replay = "WORKBOOK_SEED=0x0123456789abcdef cargo test";
    panic!("broken\n{input}  replay: {replay} -p {package} {}", "long_name".repeat(9));
}
"#;
    book.put("my/ch07-tiny/tests/step1_one.rs", test);
    let mut command = book.command(&["check", "one"]);
    command.env("CARGO_PKG_NAME", "workbook").env("CARGO_PKG_VERSION_MAJOR", "9");
    let said = Said::from(&["check", "one"], &command.output().expect("it starts"));
    let whole = format!("{replay} {}\n", "long_name".repeat(9));
    said.says(
        1,
        &["wrong answer", &whole, "more lines: `cargo run -- check step1_one -v` shows them"],
    );
}

fn nothing_is_right_while_a_todo_of_the_starter_stands() {
    let book = Book::new("unfinished");
    // Two more functions, in two files, above and below the one that the tests call.
    let source = book.read("chapters/ch07-tiny/src/one.rs");
    let more = "/// More.\npub fn zero() -> u32 {\n    0\n}\n\n/// Does it.";
    let source = source.replace("/// Does it.", more);
    book.put("chapters/ch07-tiny/src/one.rs", &source);
    book.run(&["start", "ch07"]).says(0, &[]);
    let path = "my/ch07-tiny/src/one.rs";
    let starter = book.read(path);
    book.put(path, &starter.replace("todo!(\"step 1: one::one\")", "n * 2"));
    let said = book.run(&["check", "step1"]);
    assert!(said.says(1, &[]).line("1 one").contains("not finished"), "{said:#?}");
    said.says(1, &["todo: one::zero; 1 test passes", "next    step1_one", "edit    my/ch07"]);
    assert!(!book.read_if_there("my/progress.txt").contains("ch07-tiny/one"), "{said:#?}");
    assert!(!said.out.contains("A red check"), "it has begun long ago: {said:#?}");
    let commented = "// todo!(\"step 1: one::zero\")\n    0";
    let whole = book.read(path).replace("todo!(\"step 1: one::zero\")", commented);
    book.put(path, &whole);
    book.run(&["check", "step1"]).says(0, &["1 one", "right", "all right"]);
    assert!(book.read("my/progress.txt").contains("ch07-tiny/one done"));

    // The same for an exercise.
    for step in ["step2", "step3", "step4", "step5"] {
        book.run(&["solution", step, "--apply"]).says(0, &[]);
    }
    let solution = book.read("chapters/ch07-tiny/solutions/ex_shout.rs");
    let more = "\n/// Whispers.\npub fn whisper() {\n    todo!(\"ex_shout: whisper\")\n}\n";
    book.put("my/ch07-tiny/exercises/ex_shout.rs", &(solution + more));
    let said = book.run(&["check", "ex_shout"]);
    said.says(1, &["not finished", "todo: whisper"]);
    assert!(!book.read("my/progress.txt").contains("ex_shout"), "{said:#?}");
}

fn what_is_wrong_what_passes_and_what_is_not_started_are_counted_from_the_top() {
    let book = Book::new("counted");
    let source = "//! Step 1.\n\n/// Z.\npub fn zebra() -> u32 {\n    1\n}\n\n/// A.\npub fn ant() -> u32 {\n    2\n}\n\n\
                  /// Does it.\npub fn one(n: u32) -> u32 {\n    n * 2\n}\n";
    let tests = "//! Step 1.\nuse ch07_tiny::one::*;\n\n#[test]\nfn z() {\n    assert_eq!(one(1), 2);\n}\n\n#[test]\n\
                 fn y() {\n    assert_eq!(zebra(), 1);\n}\n\n#[test]\nfn b() {\n    assert_eq!(one(2), 4);\n}\n\n#[test]\n\
                 fn a() {\n    assert_eq!(ant(), 2);\n}\n\n#[test]\nfn c() {\n    assert_eq!(1, 1);\n}\n";
    book.put("chapters/ch07-tiny/src/one.rs", source);
    book.put("chapters/ch07-tiny/tests/step1_one.rs", tests);
    book.run(&["start", "ch07"]).says(0, &[]);
    let said = book.run(&["check", "step1"]);
    assert!(said.line("1 one").contains("1 of 5 tests pass; todo: one::zebra"), "{said:#?}");
    let path = "my/ch07-tiny/src/one.rs";
    let text = book.read(path).replace("todo!(\"step 1: one::one\")", "n * 3");
    book.put(path, &text);
    let said = book.run(&["check", "step1"]);
    let line = said
        .says(1, &["test z, ", "`cargo run -- check step1_one -v` shows the others too: b"])
        .line("1 one");
    assert!(line.ends_with("wrong answer      2 wrong, 1 pass, 2 not started"), "{said:#?}");
}

fn notes_on_a_verdict_break_between_words() {
    let book = Book::new("notes");
    book.run(&["start", "ch07"]).says(0, &[]);
    for (name, body) in [("one", "n * no"), ("two", "n * no"), ("three", "n * 2")] {
        book.write_body(name, body);
    }
    let source = book.read("my/ch07-tiny/src/four.rs");
    let long = "it_is_four_times_as_much_whatever_it_may_be";
    book.put("my/ch07-tiny/src/four.rs", &source.replace("four::four", long));
    let said = book.run(&["check"]);
    assert!(said.out.lines().all(|line| line.chars().count() <= 80), "80 columns: {said:#?}");
    let note = format!("todo: {long};\n{}on the book's step 1 and 2\n", " ".repeat(30));
    said.says(1, &["4 four", &note]);
}

fn a_step_that_turns_right_says_how_to_run_it_and_what_comes_next() {
    let book = Book::new("turned");
    let example = "//! Twice.\nfn main() {\n    println!(\"{}\", ch07_tiny::one::one(21));\n}\n";
    book.put("chapters/ch07-tiny/examples/step1_one.rs", example);
    book.run(&["start", "ch07"]).says(0, &[]);
    let line = "cargo run -p my-ch07-tiny --example step1_one";
    let red = book.run(&["check"]);
    assert!(!red.out.contains(line), "{red:#?}");
    book.write_body("one", "2 * n");
    let try_it = format!("try it  {line}\n\nnext    step2_two: Twice twice");
    book.run(&["check"]).says(1, &["1 one", "right", &try_it]);
    let again = book.run(&["check"]);
    assert!(!again.out.contains(line), "once, when it turns right: {again:#?}");
    let page = "http://127.0.0.1:3000/ch07-tiny/2-two.html";
    book.run(&["check", "step1"])
        .says(0, &[line, "all right", "next    step2_two: Twice twice", page]);
    let mut cargo = workbook::cargo(&book.0);
    cargo.args(line.split(' ').skip(1)).args(["--quiet", "--offline"]);
    cargo.env_remove("CARGO_TARGET_DIR");
    let ran = cargo.output().expect("cargo starts");
    assert_eq!(String::from_utf8_lossy(&ran.stdout), "42\n", "{ran:?}");

    book.write_body("one", "n * 3");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let mut watch = Running::start(&book, &["watch"], port);
    watch.until("0 of 5 steps right");
    book.write_body("one", "n + n");
    watch.until("saved src/one.rs");
    watch.until(line);
    watch.until("next    step2_two");
    watch.signal(Signal::INT);
    assert_eq!(watch.wait().code(), Some(0), "{}", watch.said);
}

fn start_names_the_files_in_the_order_of_the_modules() {
    let book = Book::new("order");
    let exercises = book.read("chapters/ch07-tiny/exercises.toml");
    let two = "modules = [\"zoo\", \"one\"]";
    book.put("chapters/ch07-tiny/exercises.toml", &exercises.replace("modules = [\"one\"]", two));
    let lib = book.read("chapters/ch07-tiny/src/lib.rs");
    book.put("chapters/ch07-tiny/src/lib.rs", &(lib + "pub mod zoo;\n"));
    book.put("chapters/ch07-tiny/src/zoo/mod.rs", "//! Animals.\npub mod yak;\npub mod ant;\n");
    for name in ["ant", "yak"] {
        let text = format!("//! One.\n/// Legs.\npub fn {name}() -> u32 {{\n    4\n}}\n");
        book.put(&format!("chapters/ch07-tiny/src/zoo/{name}.rs"), &text);
    }
    let src = "my/ch07-tiny/src";
    let files = format!(
        "Edit    {src}/zoo/mod.rs\n        {src}/zoo/yak.rs\n        {src}/zoo/ant.rs\n        {src}/one.rs\n"
    );
    book.run(&["start", "ch07"]).says(0, &["if it names another port, that one", &files]);
    let parts = ["my/ch07-tiny laid out, nothing done yet: `cargo run -- watch ch07`"];
    book.run(&["progress"]).says(0, &parts);
}

fn solutions_are_shown_without_the_marks_of_the_cut() {
    let book = Book::new("marks");
    book.run(&["start", "ex_shout"]).says(0, &[]);
    let shown = book.run(&["solution", "ex_shout"]);
    shown.says(0, &["-    todo!(\"ex_shout: as many as step 5 says\")", "+    \"A\".repeat("]);
    assert!(!shown.out.contains("// begin") && !shown.out.contains("// end"), "{shown:#?}");
    book.run(&["solution", "ex_shout", "--apply"]).says(0, &[]);
    assert!(!book.read("my/ch07-tiny/exercises/ex_shout.rs").contains("// end"), "no marks");
    book.run(&["solution", "ex_shout"]).says(0, &["no difference"]);
    book.run(&["check", "ex_shout"]).says(0, &["right"]);
}

fn judges_of_what_is_not_written_yet_are_left_out_in_a_sentence() {
    let book = Book::new("judged");
    let about = "a number of words that go on and on until they no longer fit on a line";
    for (name, stage) in [("a_one", "ch07-tiny/step1_one"), ("b_two", "ch07-tiny/step2_two")] {
        let script = format!("# Says {about}.\nstage: {stage}\n\n$ echo yes\nyes\n");
        book.put(&format!("chapters/ch07-tiny/judges/{name}.txt"), &script);
    }
    let stage = r#"//! A stage.
use std::io::Read;
fn main() {
    if std::env::args().any(|arg| arg == "--help") {
        println!("127.0.0.1:7001");
        return;
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    println!("step1_one listening on {}", listener.local_addr().expect("an address"));
    ch07_tiny::one::one(1);
    let _ = std::io::stdin().read(&mut [0]);
    loop {
        std::thread::park();
    }
}
"#;
    book.put("chapters/ch07-tiny/examples/step1_one.rs", stage);
    book.run(&["judge", "ch07", "--mine"]).refuses(1, &["is not started"]);
    book.run(&["start", "ch07"]).says(0, &[]);
    let open = "step 1 in my/ch07-tiny still has a todo!: `cargo run -- watch ch07` says what is";
    book.run(&["judge", "ch07", "--mine"]).refuses(1, &[open]);
    book.write_body("one", "n * 2");
    let said = book.run(&["judge", "ch07", "--mine"]);
    let waits = "not judged yet, since step 2 in my/ch07-tiny still has a todo!: b_two";
    assert!(said.out.contains(waits) && said.out.contains("a_one  Says a number"), "{said:#?}");
    assert!(!said.out.contains("panicked"), "{said:#?}");
    let mut heads = said.out.lines().take_while(|line| !line.contains("a_one.txt"));
    assert!(heads.all(|line| line.chars().count() <= 80), "80 columns: {said:#?}");
}

fn a_fork_needs_no_lock_file_that_knows_the_readers_package() {
    let read = |path: &str| fs::read_to_string(root().join(path)).expect(path);
    let checks = read(".github/workflows/checks.yml");
    let (_, fork) = checks.split_once("  my-own-work:\n").expect("a job for forks");
    let commands: Vec<&str> = fork.lines().filter(|line| line.contains("cargo ")).collect();
    assert!(commands.len() >= 2, "{fork}");
    assert!(commands.iter().all(|line| !line.contains("--locked")), "{commands:#?}");
    for path in ["README.md", "my/README.md"] {
        assert!(read(path).contains("commit `my/` and `Cargo.lock`"), "{path}");
    }
    let version = env!("CARGO_PKG_RUST_VERSION");
    assert!(read("README.md").contains(&format!("({version} or later)")), "README.md");
}

fn what_is_no_rebuild_is_named_with_one_way_out() {
    let book = Book::new("strange");
    let place = book.0.join("my/ch07-tiny");
    let file = || fs::write(&place, "mine");
    let folder = || fs::create_dir(&place).and_then(|()| fs::write(place.join("notes"), "mine"));
    let link = || std::os::unix::fs::symlink("gone", &place);
    let kinds: [(&str, &dyn Fn() -> std::io::Result<()>); 3] = [
        ("is not a folder", &file),
        ("is a folder without a Cargo.toml", &folder),
        ("is a link that leads to no folder", &link),
    ];
    for (what, put) in kinds {
        put().expect(what);
        for args in [
            &["start", "ch07"][..],
            &["start", "ex_shout"],
            &["reset", "ch07", "--yes"],
            &["reset", "step1", "--yes"],
            &["check", "ch07"],
            &["solution", "step1", "--apply"],
        ] {
            let said = book.run(args);
            assert_eq!((said.status, said.out.as_str()), (Some(1), ""), "{said:#?}");
            let first = format!("workbook: my/ch07-tiny {what}, so it is no rebuild.");
            assert!(said.err.starts_with(&first), "{said:#?}");
            assert!(!said.err.contains("reset"), "one way out: {said:#?}");
        }
        // The way out that is named is one.
        let said = book.run(&["start", "ch07"]);
        let (mv, start) = ("mv my/ch07-tiny ch07-tiny.old", "cargo run -- start ch07");
        assert!(said.err.contains(mv) && said.err.contains(start), "{said:#?}");
        fs::rename(&place, book.0.join("ch07-tiny.old")).expect("moved");
        book.run(&["start", "ch07"]).says(0, &["my/ch07-tiny is yours"]);
        fs::remove_dir_all(&place).expect("a folder");
        let old = book.0.join("ch07-tiny.old");
        fs::remove_file(&old).or_else(|_| fs::remove_dir_all(&old)).expect("it was kept");
    }
    // A reader who has cleared all of my/ away.
    fs::remove_dir_all(book.0.join("my")).expect("a folder");
    book.run(&["start", "ch07"]).says(0, &["my/ch07-tiny is yours"]);
}

fn starts_at_once_begin_once() {
    let book = Book::new("at_once");
    for args in [["start", "ch07"], ["start", "ex_shout"]] {
        let begun: Vec<Child> = (0..4)
            .map(|_| {
                let mut command = book.command(&args);
                command.stdout(Stdio::piped()).stderr(Stdio::piped());
                command.spawn().expect("the runner starts")
            })
            .collect();
        let said: Vec<Said> = begun
            .into_iter()
            .map(|child| Said::from(&args, &child.wait_with_output().expect("it ends")))
            .collect();
        let won = said.iter().filter(|said| said.out.contains("my/ch07-tiny is yours")).count();
        assert_eq!(won, 1, "{said:#?}");
        for said in said {
            let late = said.err.contains("my/ch07-tiny is there already and stays as it is");
            assert!(said.status == Some(0) || (late && args[1] == "ch07"), "{said:#?}");
        }
        fs::remove_dir_all(book.0.join("my/ch07-tiny")).expect("a folder");
    }
}

fn a_broken_chapter_stops_itself_only() {
    let book = Book::new("broken");
    let manifest = "[package]\nname = \"ch06-odd\"\nedition.workspace = true\n";
    book.put("chapters/ch06-odd/Cargo.toml", manifest);
    book.put("chapters/ch06-odd/src/lib.rs", "//! Odd.\n");
    let path = "chapters/ch06-odd/exercises.toml";
    book.put(path, "title = \"Odd\"\nlevel = 1\nminuets = 1\n");
    let line = "workbook: chapters/ch06-odd/exercises.toml:3: unknown field `minuets`";
    for (args, status, part) in [
        (&["start", "ch07"][..], 0, "my/ch07-tiny is yours"),
        (&["list"], 0, "ch07-tiny: Tiny"),
        (&["progress"], 0, "ch07-tiny"),
        (&["hint"], 0, "hint 1 of 3"),
        (&["check", "step1"], 1, "not started"),
        (&["solution", "step1"], 0, "the book's"),
        (&["reset", "step1", "--yes"], 0, "is the starter already"),
        (&["doctor"], 0, "What the workbook needs"),
        (&["cut", "ch07", "--check"], 0, "1 exercises, 0 changed"),
    ] {
        let said = book.run(args);
        said.says(status, &[part]);
        assert!(said.err.starts_with(line) && said.err.lines().count() == 1, "{said:#?}");
    }
    // Asking for it, or for all of them.
    for args in [&["start", "ch06"][..], &["list", "6"], &["judge", "ch06"], &["bench", "ch06"]] {
        book.run(args).refuses(1, &[&line[10..]]);
    }
    book.run(&["cut"]).refuses(1, &[&line[10..]]);
    book.run(&["new", "ch06-even"]).refuses(1, &[&line[10..]]);
    let step = "title = \"Odd\"\nlevel = 1\nminutes = 1\n\n[[step]]\nid = \"step2_a\"\ntitle = \"A\"\nmodules = []\n\
                minutes = 1\nhints = []\n";
    book.put(path, step);
    book.run(&["list", "ch06"])
        .refuses(1, &["ch06-odd/exercises.toml:6: step \"step2_a\" is number 1"]);
    fs::remove_file(book.0.join(path)).expect("a file");
    book.run(&["list", "ch06"])
        .refuses(1, &["cannot read chapters/ch06-odd/exercises.toml: No such"]);
}

fn progress_that_cannot_be_read_is_kept_and_hides_nothing() {
    let book = Book::new("unread");
    book.run(&["start", "ch07"]).says(0, &[]);
    book.write_body("one", "2 * n");
    let path = book.0.join("my/progress.txt");
    let text = |bytes: &[u8]| fs::write(&path, bytes);
    let pipe = || Command::new("mkfifo").arg(&path).status().map(drop);
    let big = || {
        let file = File::create(&path)?;
        file.set_len(1 << 40)
    };
    let link = || std::os::unix::fs::symlink("gone", &path);
    let kinds: [(&str, &dyn Fn() -> std::io::Result<()>); 5] = [
        ("my/progress.txt is a link to nowhere: move it away", &link),
        ("my/progress.txt:2: this line is not UTF-8", &|| {
            text(b"ch07-tiny/two done 2026-01-01\n\xff\n")
        }),
        ("my/progress.txt is a folder: move it away", &|| fs::create_dir(&path)),
        ("my/progress.txt is a pipe: move it away", &pipe),
        ("my/progress.txt has more than 1024 KiB", &big),
    ];
    for (what, put) in kinds {
        put().expect(what);
        let before = fs::symlink_metadata(&path).expect(what);
        for (args, parts) in [
            (&["list"][..], &["step1_one", "ex_shout"][..]),
            (&["progress"], &[]),
            (&["hint"], &[]),
            (&["check", "step1"], &["1 one", "right", "all right", "next    step2_two"]),
            (&["check"], &["1 one", "next    step2_two"]),
        ] {
            let said = book.run(args);
            said.says(1, parts);
            assert!(said.err.contains(what) && said.err.lines().count() == 1, "{said:#?}");
        }
        let after = fs::symlink_metadata(&path).expect("it is kept");
        assert_eq!((after.len(), after.file_type()), (before.len(), before.file_type()), "{what}");
        assert_eq!(after.modified().ok(), before.modified().ok(), "{what}: not written");
        fs::remove_file(&path).or_else(|_| fs::remove_dir(&path)).expect("removed");
    }
    book.run(&["check", "step1"]).says(0, &["all right"]);
    assert!(book.read("my/progress.txt").contains("ch07-tiny/one done"), "as ever");
}

fn nothing_is_written_through_a_link() {
    let book = Book::new("links");
    let outside = book.0.join("outside");
    let source = "my/ch07-tiny/src";
    for (link, target, above) in [
        (format!("{source}/one.rs"), "one.rs", "my/ch07-tiny/src/one.rs is a link"),
        (source.into(), "src", "my/ch07-tiny/src is a link"),
        ("my/ch07-tiny/backup".into(), "backup", "my/ch07-tiny/backup is a link"),
        ("my/ch07-tiny".into(), "whole", "my/ch07-tiny is a link"),
    ] {
        for old in [&outside, &book.0.join("my/ch07-tiny")] {
            if fs::symlink_metadata(old).is_ok_and(|old| old.is_symlink()) {
                fs::remove_file(old).expect("a link");
            } else if old.exists() {
                fs::remove_dir_all(old).expect("a folder");
            }
        }
        fs::create_dir(&outside).expect("a folder");
        book.run(&["start", "ch07"]).says(0, &[]);
        book.write_body("one", "n + n");
        let (link, target) = (book.0.join(link), outside.join(target));
        if link.exists() {
            fs::rename(&link, &target).expect("moved out");
        } else {
            fs::create_dir(&target).expect("a folder");
        }
        std::os::unix::fs::symlink(&target, &link).expect("a link");
        let all = || {
            workbook::rebuild::walk(&outside).into_iter().map(|path| {
                let text = fs::read(&path).expect("a file");
                (path, text)
            })
        };
        let before: Vec<_> = all().collect();
        for args in [
            &["reset", "ch07", "--yes"][..],
            &["reset", "step1", "--yes"],
            &["solution", "step1", "--apply"],
        ] {
            book.run(args).refuses(1, &[above, "nothing is changed; move it away"]);
        }
        let after: Vec<_> = all().collect();
        assert_eq!(before, after, "{}", link.display());
        assert_eq!(book.read("my/ch07-tiny/src/one.rs").matches("n + n").count(), 1);
    }
    fs::remove_file(book.0.join("my/ch07-tiny")).expect("the link");
    book.run(&["start", "ch07"]).says(0, &[]);
    let pipe = book.0.join(format!("{source}/two.rs"));
    fs::remove_file(&pipe).expect("a file");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let parts = ["my/ch07-tiny/src/two.rs is neither a file nor a folder"];
    book.run(&["reset", "step2", "--yes"]).refuses(1, &parts);
    book.run(&["solution", "step2"]).says(0, &["+    ch07_tiny::one::one(n) * 2"]);
}

/// A file that is not read is a file that is not kept.
fn what_cannot_be_read_is_not_overwritten() {
    let book = Book::new("unreadable");
    book.run(&["start", "ch07"]).says(0, &[]);
    let path = book.0.join("my/ch07-tiny/src/one.rs");
    let long = || File::create(&path).and_then(|file| file.set_len(1 << 40));
    let folder = || fs::remove_file(&path).and_then(|()| fs::create_dir(&path));
    // Not even its owner may read it, unless that is root.
    let locked = || {
        fs::remove_dir(&path)?;
        fs::write(&path, "pub fn one() {}")?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o200))
    };
    let kinds: [(&str, &dyn Fn() -> std::io::Result<()>); 3] = [
        ("my/ch07-tiny/src/one.rs has more than 16384 KiB", &long),
        ("my/ch07-tiny/src/one.rs is a folder", &folder),
        ("my/ch07-tiny/src/one.rs cannot be read (Permission denied", &locked),
    ];
    let two = "//! Mine.\npub fn two() {}\n";
    for (what, put) in kinds {
        put().expect(what);
        if what.contains("Permission") && File::open(&path).is_ok() {
            continue;
        }
        let before = fs::symlink_metadata(&path).expect(what);
        book.put("my/ch07-tiny/src/two.rs", two);
        for args in [
            &["reset", "step1", "--yes"][..],
            &["reset", "ch07", "--yes"],
            &["solution", "step1", "--apply"],
        ] {
            book.run(args).refuses(1, &[what, "nothing is changed; move it away"]);
        }
        let after = fs::symlink_metadata(&path).expect("it is kept");
        assert_eq!((after.len(), after.file_type()), (before.len(), before.file_type()), "{what}");
        assert_eq!(book.read("my/ch07-tiny/src/two.rs"), two, "{what}");
    }
    assert!(!book.0.join("my/ch07-tiny/backup").exists(), "there is nothing to keep");
}

fn what_is_no_source_is_named_and_not_waited_for() {
    let book = Book::new("no_source");
    book.run(&["start", "ch07"]).says(0, &[]);
    let pipe = |path: &Path| Command::new("mkfifo").arg(path).status().map(drop);
    let zero = |path: &Path| std::os::unix::fs::symlink("/dev/zero", path);
    let nowhere = |path: &Path| std::os::unix::fs::symlink("gone", path);
    let folder = |path: &Path| fs::create_dir(path);
    let long = |path: &Path| File::create(path)?.set_len(1 << 40);
    type Put<'a> = &'a dyn Fn(&Path) -> std::io::Result<()>;
    let kinds: [(&str, Put); 5] = [
        ("is neither a file nor a folder", &pipe),
        ("is a link, and what it leads to is not the workbook's", &zero),
        ("is a link, and what it leads to is not the workbook's", &nowhere),
        ("is a folder", &folder),
        ("has more than 16384 KiB", &long),
    ];
    let old = book.0.join("old");
    let away = |path: &Path| {
        fs::rename(path, &old).expect("moved away");
        fs::remove_file(&old).or_else(|_| fs::remove_dir(&old)).expect("removed");
    };
    for (what, put) in kinds {
        let one = book.0.join("my/ch07-tiny/src/one.rs");
        fs::remove_file(&one).expect("the starter");
        put(&one).expect(what);
        book.run(&["hint"]).says(0, &["step1_one"]);
        let said = format!(
            "my/ch07-tiny/src/one.rs {what}, to be moved away; `cargo run -- reset ch07/step1_one`"
        );
        let check = book.run(&["check"]);
        check.says(1, &["1 one", "missing", "2 two", "not started", &said]);
        // The advice is one that works.
        away(&one);
        book.run(&["reset", "ch07/step1_one", "--yes"]).says(0, &["done"]);
        assert!(book.read("my/ch07-tiny/src/one.rs").contains("todo!"), "{what}");
    }
    // What belongs to no step is no reason to wait either.
    let more = book.0.join("my/ch07-tiny/src/more.rs");
    pipe(&more).expect("a pipe");
    let said = book.run(&["check"]);
    assert_eq!(said.status, Some(1), "{said:#?}");
    assert_eq!(said.err, "workbook: my/ch07-tiny/src/more.rs is a pipe: move it away\n");
    let mut watch = Running::start(&book, &["watch"], 1);
    watch.until("my/ch07-tiny/src/more.rs is a pipe: move it away");
    away(&more);
    watch.until("0 of 5 steps right");
}

fn a_broken_manifest_is_named_as_the_readers() {
    let book = Book::new("manifest");
    book.run(&["start", "ch07"]).says(0, &[]);
    let whole = book.read("my/ch07-tiny/Cargo.toml");
    for (mended, broken, part) in [
        ("publish = false", "publish false", "--> my/ch07-tiny/Cargo.toml:"),
        ("edition = \"2024\"", "edition = \"2O24\"", "at `my/ch07-tiny/Cargo.toml`"),
    ] {
        assert!(whole.contains(mended), "{whole}");
        book.put("my/ch07-tiny/Cargo.toml", &whole.replace(mended, broken));
        let said = book.run(&["check"]);
        assert_eq!(said.status, Some(1), "{said:#?}");
        let first = "workbook: cargo cannot build my/ch07-tiny:\n";
        assert!(said.err.starts_with(first) && said.err.contains(part), "{said:#?}");
        assert!(!said.err.contains("target/"), "{said:#?}");
    }
}

fn an_output_that_is_full_or_closed_is_said_or_quiet() {
    let book = Book::new("full");
    for args in
        [&["--help"][..], &["--version"], &["check", "--help"], &["list"], &["start", "ch07"]]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let closed = book.command(args).stdout(writer).output().expect("it starts");
        assert_eq!(
            (closed.status.code(), closed.stderr.as_slice()),
            (Some(1), &b""[..]),
            "{args:?}"
        );
        let Ok(full) = File::options().write(true).open("/dev/full") else { continue };
        let full = book.command(args).stdout(full).output().expect("it starts");
        let said = Said::from(args, &full);
        if args[0] != "start" {
            said.refuses(1, &["cannot print: No space left on device"]);
        }
    }
    let Ok(full) = File::options().write(true).open("/dev/full") else { return };
    let nobody = book.command(&["chekc"]).stderr(full).output().expect("it starts");
    assert_eq!(nobody.status.code(), Some(2), "{nobody:?}");
}

fn a_word_alone_means_the_chapter_that_you_stand_in() {
    let book = Book::new("stands");
    let manifest = "[package]\nname = \"ch06-even\"\nedition.workspace = true\n";
    book.put("chapters/ch06-even/Cargo.toml", manifest);
    book.put("chapters/ch06-even/src/lib.rs", "//! Even.\npub mod two;\n");
    book.put(
        "chapters/ch06-even/src/two.rs",
        "//! Two.\n/// Two.\npub fn two() -> u8 {\n    2\n}\n",
    );
    let step = "title = \"Even\"\nlevel = 1\nminutes = 1\n\n[[step]]\nid = \"step1_two\"\ntitle = \"Two\"\n\
                modules = [\"two\"]\nminutes = 1\nhints = [\"Count.\"]\n";
    book.put("chapters/ch06-even/exercises.toml", step);
    for (first, last) in [("ch06", "ch07"), ("ch07", "ch06")] {
        for chapter in [first, last] {
            book.run(&["start", chapter]).says(0, &[]);
        }
        for (folder, id) in [("ch06-even/src", "step1_two"), ("ch07-tiny", "step1_one")] {
            let mut command = book.command(&["hint"]);
            command.current_dir(book.0.join("my").join(folder));
            Said::from(&["hint"], &command.output().expect("it starts")).says(0, &[id]);
        }
        for folder in ["my/ch06-even", "my/ch07-tiny"] {
            fs::remove_dir_all(book.0.join(folder)).expect("a folder");
        }
    }
}
