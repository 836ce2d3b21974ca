//! Every Rust block on every page is compiled and run: skeptic's tests, made by `build.rs` from the pages as mdBook
//! expands them. A verdict names the page's line (or the included file's) and gives the compiler's own message.
//!
//!     cargo test -p workbook-tests book::                           # all
//!     cargo test -p workbook-tests book::ch01_sockets_1_echo        # one page

use std::cell::Cell;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Once, mpsc};
use std::thread;
use std::time::Duration;

use libtest_mimic::Failed;
use regex::{Captures, Regex};
use serde_json::Value;
use workbook::chapter::Chapter;
use workbook_tests::memory::Memory;
use workbook_tests::page::Page;
use workbook_tests::served::root;
use workbook_tests::suite::{Case, Suite, cases};

include!(concat!(env!("OUT_DIR"), "/book-tests.rs"));

/// A block that takes longer than this to compile and run is killed: a page's program ends within a second.
const LIMIT: Duration = Duration::from_secs(60);

/// A program is "busy" (ETXTBSY) while a process holds it open for writing: any that was forked, for another block, between
/// skeptic's opening of the file and its closing. That process is about to become the compiler, which closes it; on a busy
/// machine it may be some time until it gets to that, and nothing tells when it has.
const BUSY_TRIES: u32 = 200;

/// From one try to the next.
const BUSY_PAUSE: Duration = Duration::from_millis(100);

/// A verdict's message is at most this long; it says how much was left out.
const MESSAGE_LINES: usize = 24;

/// A Rust block, as the build script found it.
struct Block {
    page: String,
    module: String,
    line: usize,
    kind: String,
    /// The file and line that each of the block's lines is from. Line 0: not known.
    lines: Vec<(String, usize)>,
}

static BLOCKS: LazyLock<Vec<Block>> = LazyLock::new(|| {
    let all: Value = serde_json::from_str(include_str!(concat!(env!("OUT_DIR"), "/blocks.json")))
        .expect("the build script wrote blocks.json");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = |value: &Value| value.as_u64().unwrap_or(0) as usize;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let block = |value: &Value| Block {
        page: text(&value["page"]),
        module: text(&value["module"]),
        line: number(&value["line"]),
        kind: text(&value["kind"]),
        lines: list(&value["lines"])
            .iter()
            .map(|line| (text(&value["files"][number(&line[0])]), number(&line[1])))
            .collect(),
    };
    list(&all).iter().map(block).collect()
});

/// A block's test: the verdict when it fails.
type Test = fn() -> Result<(), String>;

thread_local! {
    /// Set while skeptic runs, whose panics repeat the compiler's whole command line.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// One case for each block, and what is to be true of all of them.
pub fn suite() -> Suite {
    let own: &'static [(&str, fn())] = &[
        ("every_block_is_tried", every_block_is_tried),
        (
            "a_verdict_names_the_line_and_gives_the_compilers_first_error",
            a_verdict_names_the_line_and_gives_the_compilers_first_error,
        ),
        ("a_verdict_names_the_line_that_panicked", a_verdict_names_the_line_that_panicked),
        (
            "what_should_fail_has_to_fail_in_just_that_way",
            what_should_fail_has_to_fail_in_just_that_way,
        ),
        ("a_page_sees_the_chapters_and_nothing_else", a_page_sees_the_chapters_and_nothing_else),
    ];
    let all = Memory::of("book");
    let own = cases(own)
        .zip(own)
        .map(|(case, (name, _))| case.remembered(all.named(&format!("book/{name}"))));
    let root = root();
    let chapters = Chapter::all(&root).unwrap_or_default();
    let memories: Vec<(String, Memory)> = chapters
        .iter()
        .filter_map(|chapter| {
            let pages = format!("book/{}", chapter.name);
            let others = [pages.as_str(), "tests/tests/suites/book.rs"];
            let memory = Memory::of_chapter(&root, chapter, &others).ok()?;
            Some((format!("{}_", chapter.lib_name()), memory))
        })
        .collect();
    let blocks = TESTS.iter().map(|(name, hash, test)| {
        // A page that is no chapter's may show anything.
        let of_chapter = memories.iter().find(|(prefix, _)| name.starts_with(prefix.as_str()));
        let memory = of_chapter.map_or(&all, |(_, memory)| memory);
        let case = Case::new(*name, || test().map_err(Failed::from));
        case.remembered(memory.named(&format!("book/{name}")).with(hash))
    });
    let cases = own.chain(blocks).map(Case::work).collect();
    Suite { name: "book", width: 1, is_remembered: false, cases }
}

/// One of skeptic's tests: fails with a verdict in the page's terms.
fn check(number: usize, test: impl Fn()) -> Result<(), String> {
    attempt(&BLOCKS[number], test)
}

/// Runs one of skeptic's tests and, when it fails, says why.
fn attempt(block: &Block, test: impl Fn()) -> Result<(), String> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                usual(info);
            }
        }));
    });
    let report = report(block);
    for part in ["rustc", "out", "pid"] {
        let _ = fs::remove_file(report.with_extension(part));
    }
    let (done, waits) = mpsc::channel::<()>();
    let pid = report.with_extension("pid");
    let watchdog = thread::spawn(move || {
        let late = waits.recv_timeout(LIMIT) == Err(mpsc::RecvTimeoutError::Timeout);
        if late && let Ok(pid) = fs::read_to_string(pid) {
            let _ = Command::new("kill").args(["-9", pid.trim()]).status();
        }
        late
    });
    QUIET.set(true);
    let mut outcome = Ok(());
    for _ in 0..BUSY_TRIES {
        outcome = panic::catch_unwind(AssertUnwindSafe(&test));
        let message = outcome.as_ref().err().and_then(|payload| payload.downcast_ref::<String>());
        if !message.is_some_and(|message| message.contains("(os error 26)")) {
            break;
        }
        thread::sleep(BUSY_PAUSE);
    }
    QUIET.set(false);
    drop(done);
    let late = watchdog.join().unwrap_or(false);
    outcome.map_err(|payload| verdict(block, late, payload.downcast_ref::<String>()))
}

/// Where the wrapper leaves what happened to a block.
fn report(block: &Block) -> PathBuf {
    let name = format!("{}_{}", block.module, block.line);
    Path::new(env!("OUT_DIR")).join("reports").join(name)
}

/// What went wrong with a block.
fn verdict(block: &Block, late: bool, skeptic: Option<&String>) -> String {
    let report = report(block);
    let messages = fs::read_to_string(report.with_extension("rustc")).unwrap_or_default();
    let output = fs::read_to_string(report.with_extension("out"));
    let first = first_error(&messages);
    let (what, message) = match (block.kind.as_str(), output, first) {
        _ if late => (format!("this program did not end within {} s", LIMIT.as_secs()), None),
        ("should_panic", Ok(output), _) => {
            ("this program should panic, and ended otherwise".to_owned(), Some(output))
        }
        (_, Ok(output), _) => ("this program fails".to_owned(), Some(output)),
        (kind, Err(_), first) => match (kind.strip_prefix("compile_fail "), first) {
            (Some(code), None) => (format!("this should not compile ({code}), and does"), None),
            (Some(code), Some(error)) => {
                (format!("this should not compile for {code}, but does not for"), Some(error))
            }
            (None, Some(error)) => ("this does not compile".to_owned(), Some(error)),
            (None, None) => ("this could not be tried".to_owned(), skeptic.cloned()),
        },
    };
    let mut text = format!("{}:{}: {what}\n", block.page, block.line);
    let message = locate(block, message.unwrap_or_default().trim_end());
    let lines: Vec<&str> = message.lines().collect();
    let left_out = lines.len().saturating_sub(MESSAGE_LINES);
    // The compiler says first what matters, a program last.
    let shown = if report.with_extension("out").exists() {
        if left_out > 0 {
            text.push_str(&format!("  ({left_out} lines before)\n"));
        }
        &lines[left_out..]
    } else {
        &lines[..lines.len() - left_out]
    };
    for line in shown {
        text.push_str(&format!("  {line}\n"));
    }
    text
}

/// The first error among the compiler's messages, as the compiler would print it.
fn first_error(messages: &str) -> Option<String> {
    let mut all = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let error = all.find(|message| message["level"] == "error")?;
    Some(error["rendered"].as_str()?.to_owned())
}

/// Replaces places in skeptic's temporary file by places on the page or in the included file.
fn locate(block: &Block, message: &str) -> String {
    static PLACE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[^\s]*rust-skeptic[^\s]*test\.rs:(\d+)").expect("a regex"));
    static GUTTER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"^( *)(\d+)( +[|])").expect("a regex"));
    // Line 1 is skeptic's empty one, line 2 the order to the wrapper.
    let origin = |line: &str| {
        let index = line.parse::<usize>().ok()?.checked_sub(3)?;
        block.lines.get(index).filter(|(_, line)| *line > 0)
    };
    let mut text = String::new();
    for line in message.lines() {
        let line = PLACE.replace_all(line, |found: &Captures| match origin(&found[1]) {
            Some((file, line)) => format!("{file}:{line}"),
            None => format!("{}:{}", block.page, block.line),
        });
        let line = GUTTER.replace(&line, |found: &Captures| {
            let number =
                origin(&found[2]).map_or(found[2].to_owned(), |(_, line)| line.to_string());
            let width = found[1].len() + found[2].len();
            format!("{number:>width$}{}", &found[3])
        });
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// What stands on the pages is what was tried: counted in the pages' sources, without the build script's eyes.
fn every_block_is_tried() {
    let root = &root();
    let summary = fs::read_to_string(root.join("book/SUMMARY.md")).expect("a summary");
    let link = Regex::new(r"\]\(([^)]+\.md)\)").expect("a regex");
    let fence = Regex::new(r"(?m)^ *```rust\b").expect("a regex");
    let mut pages = 0;
    let mut on_pages = 0;
    let mut consoles = 0;
    for found in link.captures_iter(&summary) {
        let page = Page::load(root, &format!("book/{}", &found[1])).expect("a page");
        pages += 1;
        on_pages += fence.find_iter(&page.source).count();
        consoles += page.blocks().iter().filter(|block| block.is("console")).count();
    }
    let count = |kind: &str| BLOCKS.iter().filter(|block| block.kind.starts_with(kind)).count();
    let line = format!(
        "book: {pages} pages, {on_pages} Rust blocks: {} compiled ({} run, {} only compiled, {} must panic), \
         {} must not compile; {consoles} transcripts",
        BLOCKS.len() - count("compile_fail"),
        count("run"),
        count("no_run"),
        count("should_panic"),
        count("compile_fail"),
    );
    println!("{line}");
    assert_eq!(on_pages, BLOCKS.len(), "Rust blocks on the pages, and blocks tried");
}

/// What `attempt` says of a program that stands on line 10 of a page, its first line on line 11.
fn tried(name: &str, kind: &str, program: &str) -> String {
    let lines = program.lines().count();
    let block = Block {
        page: "book/fixture.md".into(),
        module: name.into(),
        line: 10,
        kind: kind.into(),
        lines: (0..lines).map(|index| ("book/fixture.md".into(), 11 + index)).collect(),
    };
    let order = format!("// page: book/fixture.md:10 | {kind} | {}", report(&block).display());
    let text = format!("\n{order}\n{program}");
    let (root, out) = (env!("CARGO_MANIFEST_DIR"), env!("OUT_DIR"));
    let run = || skeptic::rt::run_test(root, out, env!("WORKBOOK_TARGET"), &text);
    attempt(&block, run).err().unwrap_or_default()
}

fn a_verdict_names_the_line_and_gives_the_compilers_first_error() {
    let program = "fn main() {\n    let n: u8 = \"one\";\n    let m: u8 = \"two\";\n}\n";
    let verdict = tried("fixture_compile", "run", program);
    assert!(verdict.starts_with("book/fixture.md:10: this does not compile\n"), "{verdict}");
    assert!(verdict.contains("--> book/fixture.md:12:17"), "{verdict}");
    assert!(verdict.contains("12 |     let n: u8"), "{verdict}");
    assert!(!verdict.contains("two"), "only the first error: {verdict}");
    assert!(verdict.lines().count() < 30, "{verdict}");
}

fn a_verdict_names_the_line_that_panicked() {
    let program = "fn main() {\n    for n in 0..99 {\n        println!(\"{n}\");\n    }\n    panic!(\"no\");\n}\n";
    let verdict = tried("fixture_run", "run", program);
    assert!(verdict.starts_with("book/fixture.md:10: this program fails\n"), "{verdict}");
    assert!(verdict.contains("panicked at book/fixture.md:15:5"), "{verdict}");
    assert!(verdict.lines().count() < 30, "{verdict}");
}

fn what_should_fail_has_to_fail_in_just_that_way() {
    let moved = "fn main() {\n    let a = String::new();\n    drop(a);\n    drop(a);\n}\n";
    assert_eq!(tried("fixture_moved", "compile_fail E0382", moved), "");
    let verdict = tried("fixture_code", "compile_fail E0499", moved);
    assert!(verdict.contains("should not compile for E0499, but does not for"), "{verdict}");
    assert!(verdict.contains("error[E0382]"), "{verdict}");
    let verdict = tried("fixture_compiles", "compile_fail E0382", "fn main() {}\n");
    assert!(verdict.contains("this should not compile (E0382), and does"), "{verdict}");

    assert_eq!(tried("fixture_panics", "should_panic", "fn main() { panic!() }\n"), "");
    for (name, program) in [
        ("fixture_ends", "fn main() {}\n"),
        ("fixture_exits", "fn main() { std::process::exit(3) }\n"),
    ] {
        let verdict = tried(name, "should_panic", program);
        assert!(verdict.contains("should panic, and ended otherwise"), "{verdict}");
    }
    let verdict = tried("fixture_broken", "should_panic", "fn main() { panic!(1 }\n");
    assert!(verdict.contains("this does not compile"), "{verdict}");

    assert_eq!(tried("fixture_endless", "no_run", "fn main() { loop {} }\n"), "");
}

fn a_page_sees_the_chapters_and_nothing_else() {
    let chapter = "use ch01_sockets as _;\nfn main() {}\n";
    assert_eq!(tried("fixture_chapter", "run", chapter), "");
    let verdict = tried("fixture_crate", "run", "use regex::Regex;\nfn main() {}\n");
    assert!(verdict.contains("unresolved import `regex`"), "{verdict}");
    let edition = "fn main() {\n    let gen = 1;\n}\n";
    assert!(
        tried("fixture_edition", "run", edition).contains("gen"),
        "edition 2024 reserves `gen`"
    );
}
