//! `cargo run`: opens the workbook. `cargo run -- help` lists the other words.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser, Subcommand};
use workbook::chapter::Chapter;
use workbook::style::{Style, shown};
use workbook::{
    bench, build, chapter, check, cut, doctor, hint, judge, list, new, processes, progress, reset,
    serve, solution, start, supervise, watch,
};

/// A workbook that rebuilds real systems from first principles. Without a word, it opens the book.
#[derive(Parser)]
#[command(name = "workbook", bin_name = "cargo run --", version, disable_help_subcommand = false)]
#[command(override_usage = "cargo run -- [WORD]", subcommand_help_heading = "Words")]
struct Cli {
    #[command(subcommand)]
    word: Word,
}

#[derive(Subcommand)]
enum Word {
    /// Open the workbook in the browser (this is what happens without a word)
    Serve(serve::Args),
    /// Lay out a chapter to rebuild in my/
    Start(start::Args),
    /// Check what you save, as you save it
    Watch(watch::Args),
    /// Check your work once
    Check(check::Args),
    /// Get a hint; ask again for the next one
    Hint(hint::Args),
    /// Compare your version with the book's
    Solution(solution::Args),
    /// Go back to the starter (what you have is kept)
    Reset(reset::Args),
    /// List the chapters, steps and exercises
    List(list::Args),
    /// Count what is done
    Progress(progress::Args),
    /// Let the real client judge a finished stage, or yours
    Judge(judge::Args),
    /// Time a finished stage beside the real thing
    Bench(bench::Args),
    /// Say which real clients are here, and how to get the others
    Doctor(doctor::Args),
    /// For authors: build the book as files in target/book
    Build(build::Args),
    /// For authors: lay out an empty chapter
    New(new::Args),
    /// For authors: write exercises/ from solutions/
    Cut(cut::Args),
}

fn main() -> ExitCode {
    if let Some(code) = supervise::main_if_asked().or_else(processes::main_if_asked) {
        return code;
    }
    end_when_nothing_can_be_printed();
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.len() < 2 {
        words.push("serve".into());
    }
    let first = words[1].to_string_lossy().into_owned();
    let word = match Cli::try_parse_from(words) {
        Ok(cli) => cli.word,
        Err(error) => return refuse(&error, &first),
    };
    match chapter::root().and_then(|root| run(&root, &word)).and_then(flushed) {
        Ok(code) => code,
        Err(error) => {
            complain(&format!("{error:#}"));
            ExitCode::from(if error.is::<workbook::Usage>() { 2 } else { 1 })
        }
    }
}

/// One line on stderr, if it takes one, and not the same line twice.
fn complain(message: &str) {
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap_or_else(PoisonError::into_inner).insert(message.into()) {
        let _ = writeln!(io::stderr(), "workbook: {}", shown(message));
    }
}

/// What is printed but not written yet can still fail to be.
fn flushed(code: ExitCode) -> anyhow::Result<ExitCode> {
    match io::stdout().flush() {
        Err(error) => end_unheard(&error.to_string(), error.kind() == io::ErrorKind::BrokenPipe),
        Ok(()) => Ok(code),
    }
}

/// Print gives up by a panic. `cargo run -- list | head -3` and a full disk are no reason for a stack trace.
fn end_when_nothing_can_be_printed() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>();
        match said.and_then(|text| text.strip_prefix("failed printing to ")?.split_once(": ")) {
            Some((_, why)) => end_unheard(why, why.starts_with("Broken pipe")),
            None => default(panic),
        }
    }));
}

/// Ends with status 1: quietly where nobody reads, with the reason where nothing can be written.
fn end_unheard(why: &str, nobody_reads: bool) -> ! {
    if !nobody_reads {
        complain(&format!("cannot print: {why}"));
    }
    processes::end();
    std::process::exit(1)
}

fn run(root: &Path, word: &Word) -> anyhow::Result<ExitCode> {
    for broken in Chapter::broken(root) {
        complain(&format!("{broken:#}"));
    }
    match word {
        Word::Serve(args) => serve::run(root, args),
        Word::Start(args) => start::run(root, args),
        Word::Watch(args) => watch::run(root, args),
        Word::Check(args) => check::run(root, args),
        Word::Hint(args) => hint::run(root, args),
        Word::Solution(args) => solution::run(root, args),
        Word::Reset(args) => reset::run(root, args),
        Word::List(args) => list::run(root, args),
        Word::Progress(args) => progress::run(root, args),
        Word::Judge(args) => judge::run(root, args),
        Word::Bench(args) => bench::run(root, args),
        Word::Doctor(args) => doctor::run(root, args),
        Word::Build(args) => build::run(root, args),
        Word::New(args) => new::run(root, args),
        Word::Cut(args) => cut::run(root, args),
    }
}

/// What stands behind a word that cannot stand alone.
fn example(word: &str) -> Option<&'static str> {
    Some(match word {
        "start" => "A chapter or an exercise, for example `cargo run -- start ch01`",
        "solution" => "A step or an exercise, for example `cargo run -- solution ch01/step1`",
        "reset" => "A chapter, a step or an exercise, for example `cargo run -- reset ch01/step1`",
        "judge" => "A chapter, for example `cargo run -- judge ch01`",
        "bench" => "A chapter, for example `cargo run -- bench ch01`",
        "new" => "A chapter's number and name, for example `cargo run -- new ch08-sql`",
        _ => return None,
    })
}

/// Help goes to stdout with status 0; anything else is one line on stderr that says what there is instead.
fn refuse(error: &clap::Error, word: &str) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        // The same way as everything else that is printed: what cannot be written is said.
        let help = error.render();
        match Style::stdout().colour {
            true => print!("{}", help.ansi()),
            false => print!("{help}"),
        }
        return flushed(ExitCode::SUCCESS).unwrap_or(ExitCode::FAILURE);
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(all)) => Some(all.join(", ")),
        _ => None,
    };
    let message = match (error.kind(), text(ContextKind::InvalidSubcommand)) {
        (ErrorKind::MissingRequiredArgument, _) if example(word).is_some() => {
            format!("{word} what? {}", example(word).unwrap_or_default())
        }
        (ErrorKind::InvalidSubcommand, Some(wanted)) => {
            let cli = Cli::command();
            let words: Vec<&str> = cli.get_subcommands().map(clap::Command::get_name).collect();
            let near = text(ContextKind::SuggestedSubcommand)
                .map(|near| format!(" (did you mean {near}?)"))
                .unwrap_or_default();
            format!("there is no word {wanted:?}{near}; the words are {}", words.join(", "))
        }
        _ => {
            let rendered = error.to_string();
            let mut lines = rendered.lines();
            let mut first: String = lines.next().unwrap_or_default().into();
            for line in lines.by_ref().take_while(|line| !line.trim().is_empty()) {
                first.push(' ');
                first.push_str(line.trim());
            }
            let mut cli = Cli::command();
            cli.build();
            let usage = match cli.find_subcommand_mut(word) {
                // An argument that is known, with a value that is not, needs no list of the others.
                Some(command) if error.kind() != ErrorKind::ValueValidation => {
                    let usage = command.render_usage().to_string();
                    format!("; {}, and `--help` explains", usage.replacen("Usage:", "usage:", 1))
                }
                Some(_) => String::new(),
                None => "; `cargo run -- --help` lists the words".into(),
            };
            format!("{}{usage}", first.trim_start_matches("error: "))
        }
    };
    complain(&message);
    ExitCode::from(2)
}
