//! What step 7 must do: compare scripts, rewrite them, show the difference.

mod scratch;

use std::collections::BTreeMap;
use std::fs;
use std::panic;
use std::path::PathBuf;

use ch00_toolbox::golden::{Piece, diff, parse, play, render, run, show};
use ch00_toolbox::prop::{Gen, check};
use scratch::Scratch;

/// A little program to be scripted: `set NAME VALUE`, `get NAME`.
fn store() -> impl FnMut(&str) -> String {
    let mut values = BTreeMap::new();
    move |command| match command.split(' ').collect::<Vec<_>>()[..] {
        ["set", name, value] => {
            values.insert(name.to_owned(), value.to_owned());
            String::new()
        }
        ["get", name] => match values.get(name) {
            Some(value) => format!("{value}\n"),
            None => format!("no {name}\n"),
        },
        _ => format!("what is {command:?}?\n"),
    }
}

/// The scripts of this folder hold.
#[test]
fn runs_the_scripts_of_a_folder() {
    let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");
    run(PathBuf::from(dir).join("store.txt"), store());
}

/// I1: what is rewritten passes, for any commands and any output.
#[test]
fn an_updated_script_passes() {
    let case = |g: &mut Gen| {
        let command = format!("c{}", g.text(5).replace('\n', ""));
        let mut lines = g.vec(4, |g| match g.upto(3) {
            0 => g.text(4),
            1 => "---".to_owned(),
            2 => format!("\\{}", g.text(3)),
            _ => "# not a comment".to_owned(),
        });
        lines.push(g.text(3));
        (command, lines.join("\n"))
    };
    let script = |g: &mut Gen| g.vec(6, case);
    check("update, then run", 2_000, script, |cases| {
        let mut script = String::new();
        for (command, _) in cases {
            script += &format!("# a comment\n{command}\n---\nold\n\n");
        }
        let mut answers = cases.iter().map(|(_, output)| output.clone());
        let (updated, _) = play(&script, |_| answers.next().unwrap())?;
        let mut answers = cases.iter().map(|(_, output)| output.clone());
        let (again, left) = play(&updated, |_| answers.next().unwrap())?;
        match left.is_empty() && again == updated {
            true => Ok(()),
            false => Err(format!("{updated:?} then differs: {left:?}")),
        }
    });
}

/// I1: reading and writing a script changes nothing in it.
#[test]
fn what_is_parsed_renders_the_same() {
    let script = "# top\n\na\nb\n---\n1\n\\\n\\\\2\n\n\n# end\n";
    let pieces = parse(script).unwrap();
    let (command, output) = ("a\nb".to_owned(), "1\n\n\\2".to_owned());
    assert_eq!(
        pieces[2],
        Piece::Case {
            line: 3,
            command,
            output
        }
    );
    assert_eq!(render(&pieces), script);
}

/// A script that is damaged is refused with its line, not passed over.
#[test]
fn a_command_without_a_rule_is_refused() {
    for (script, line) in [
        ("a\n", "line 1"),
        ("# c\n\na\n\n---\n1\n", "line 3"),
        ("---\n1\n", "line 1"),
        ("a\n---\n1\n\nb", "line 5"),
    ] {
        let got = parse(script).unwrap_err();
        assert!(got.starts_with(line), "input: {script:?}, got: {got}");
    }
}

/// I2: a run that differs says so, and leaves the script as it was.
#[test]
fn a_difference_panics_and_writes_nothing() {
    assert_eq!(diff("1", "1"), "");
    let folder = Scratch::new("differs");
    let file = folder.join("store.txt");
    let script = "set a 1\n---\n\nget a\n---\n2\n";
    fs::write(&file, script).unwrap();
    if std::env::var_os("UPDATE").is_some() {
        return; // asked to accept what differs
    }
    let target = file.clone();
    let failed = panic::catch_unwind(move || run(target, store()));
    let text = *failed.unwrap_err().downcast::<String>().unwrap();
    for part in ["store.txt: line 4", "> get a", "- 2", "+ 1", "UPDATE=1"] {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), script);
}

/// An empty folder is a mistake in its name more often than not.
#[test]
#[should_panic(expected = "no scripts")]
fn a_folder_without_scripts_is_refused() {
    run(&*Scratch::new("empty"), store());
}

/// I3: the lines that changed, and what cannot be seen.
#[test]
fn a_diff_shows_what_changed() {
    for (expected, got, text) in [
        ("a", "a", ""),
        ("a", "b", "- a\n+ b\n"),
        ("a\nb\nc", "a\nc", "  a\n- b\n  c\n"),
        ("a\nc", "a\nb\nc", "  a\n+ b\n  c\n"),
        ("a ", "a", "- a·\n+ a\n"),
        ("a\tb", "a b\r", "- a\\tb\n+ a b\\r\n"),
        (
            "1\n2\n3\n4\n5\nx",
            "1\n2\n3\n4\n5\ny",
            "  ...\n  4\n  5\n- x\n+ y\n",
        ),
    ] {
        assert_eq!(diff(expected, got), text, "input: {expected:?}, {got:?}");
    }
}

/// I3: the difference, applied to what was expected, is what was got.
#[test]
fn a_diff_leads_from_one_to_the_other() {
    let lines = |g: &mut Gen| {
        let line = |g: &mut Gen| g.pick(&["a", "b", "c"]).to_string();
        (g.vec(6, line).join("\n"), g.vec(6, line).join("\n"))
    };
    // Without `...`: six lines are all within each other's context or equal.
    check("a diff applies", 2_000, lines, |(expected, got)| {
        let text = diff(expected, got);
        if text.is_empty() || text.contains("...") {
            return Ok(());
        }
        let side = |drop: char| {
            let kept = text.lines().filter(|line| !line.starts_with(drop));
            kept.map(|line| &line[2..]).collect::<Vec<_>>().join("\n")
        };
        match (side('+') == *expected, side('-') == *got) {
            (true, true) => Ok(()),
            _ => Err(format!("the diff is\n{text}")),
        }
    });
}

/// Bytes as hex and ASCII, on one line where they fit.
#[test]
fn shows_bytes() {
    for (bytes, text) in [
        (&b""[..], "(no bytes)"),
        (b"hello\n", "68 65 6c 6c 6f 0a |hello.|"),
        (b"\x00\x7f\xff~ ", "00 7f ff 7e 20 |...~ |"),
        (
            b"0123456789abcdefg",
            "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66 \
             |0123456789abcdef|\n00000010  67                            \
             \u{20}                 |g|",
        ),
    ] {
        assert_eq!(show(bytes), text, "input: {bytes:?}");
    }
}
