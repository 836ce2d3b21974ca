//! Rules on every finished stage and every step's stage, tried from outside.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use workbook::processes::Group;
use workbook::stage::{Built, Stage, clean};
use workbook_tests::memory::Memory;
use workbook_tests::transcripts::root;

use super::{Finding, chapters, finding, finds, none};

/// Its tests.
pub const TESTS: &[(&str, fn())] = &[
    ("stages_answer_for_themselves", stages_answer_for_themselves),
    ("a_program_that_is_no_stage_is_found", a_program_that_is_no_stage_is_found),
];

/// Each of these ends at once; this is for a machine that is busy with something else.
const LIMIT: Duration = Duration::from_secs(10);

/// A program that is still there after this is a server.
const STAYS: Duration = Duration::from_secs(1);

/// What a program printed and how it ended, if it ended in time. If not, it is killed.
fn run_for(program: &Path, args: &[&str], limit: Duration) -> Option<Output> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| fs::File::create(folder.path().join(name)).expect("a file");
    let mut command = Command::new(program);
    command.args(args).current_dir(root());
    clean(&mut command);
    let (mut group, ..) =
        Group::spawn(&command, file("out"), file("err")).expect("the program starts");
    let status = group.wait(limit)?;
    let read = |name: &str| fs::read(folder.path().join(name)).expect("a file");
    Some(Output { status, stdout: read("out"), stderr: read("err") })
}

fn run(program: &Path, args: &[&str]) -> Output {
    let late = || panic!("{} {args:?} does not end", program.display());
    run_for(program, args, LIMIT).unwrap_or_else(late)
}

/// An error is one line on stderr that begins with the program's name, nothing on stdout, and a status.
fn one_line(stage: &str, what: &str, output: &Output, status: i32) -> Vec<Finding> {
    let name = stage.rsplit('/').next().unwrap_or(stage);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut found = Vec::new();
    if output.status.code() != Some(status) {
        let text = format!("{what}: {}, not status {status}", output.status);
        found.push(finding(stage, 0, text));
    }
    if stderr.lines().count() != 1 || !stderr.starts_with(&format!("{name}: ")) {
        let text = format!("{what}: one line on stderr, `{name}: …`, not {stderr:?}");
        found.push(finding(stage, 0, text));
    }
    if !output.stdout.is_empty() {
        found.push(finding(stage, 0, format!("{what}: nothing on stdout")));
    }
    found
}

/// `--help` and a wrong flag, on any stage; a taken port, on a server.
fn stage(stage: &str, program: &Path) -> Vec<Finding> {
    let name = stage.rsplit('/').next().unwrap_or(stage);
    let help = run(program, &["--help"]);
    let text = String::from_utf8_lossy(&help.stdout);
    let mut found = Vec::new();
    if !help.status.success() || !text.contains(name) || !help.stderr.is_empty() {
        let what = "--help prints what it is on stdout and ends with status 0";
        found.push(finding(stage, 0, what));
    }
    found.extend(one_line(stage, "--no-such-flag", &run(program, &["--no-such-flag"]), 2));
    if !text.contains("--port") {
        return found;
    }
    found.extend(one_line(stage, "--port x", &run(program, &["--port", "x"]), 2));
    if !listens(&text, program) {
        return found;
    }
    match Stage::start(program, name, &[], &root()) {
        Err(error) => found.push(finding(stage, 0, format!("--port 0: {error:#}"))),
        Ok(running) => {
            let taken = run(program, &["--port", running.port()]);
            found.extend(one_line(stage, "a taken port", &taken, 1));
            if let Err(error) = running.end() {
                found.push(finding(stage, 0, format!("{error:#}")));
            }
        }
    }
    found
}

/// Whether a program is a server: it says so, or it stays when it is given any port. A client ends there, and so does a
/// program that only reads its arguments.
fn listens(help: &str, program: &Path) -> bool {
    help.contains("listen") || run_for(program, &["--port", "0"], STAYS).is_none()
}

fn stages_answer_for_themselves() {
    let memory = Memory::of("stages");
    if memory.holds() {
        return;
    }
    let mut found = Vec::new();
    for chapter in chapters() {
        let built = match Built::new(&root(), &chapter.name, false) {
            Ok(built) => built,
            Err(error) => {
                found.push(finding(&chapter.name, 0, format!("{error:#}")));
                continue;
            }
        };
        match &built.bin {
            Some(program) => found.extend(stage(&chapter.name, program)),
            None => {
                found.push(finding(
                    &chapter.name,
                    0,
                    "a chapter has a finished stage, src/main.rs",
                ));
            }
        }
        let steps = built.examples.iter().filter(|(name, _)| name.starts_with("step"));
        for (example, program) in steps {
            found.extend(stage(&format!("{}/{example}", chapter.name), program));
        }
    }
    none(found);
    memory.keep();
}

fn a_program_that_is_no_stage_is_found() {
    // `false` prints nothing and ends with status 1, whatever it is asked.
    let program = workbook::client::which("false").expect("every Unix has false");
    finds(stage("false", &program), &[(0, "--help"), (0, "not status 2"), (0, "one line")]);
}
