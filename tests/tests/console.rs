//! Every `console` block of the pages and of the README is executed, and what it prints compared.
//!
//!     cargo test -p workbook-tests --test console               # all
//!     cargo test -p workbook-tests --test console 1-echo.md:80  # one

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use workbook::processes;
use workbook_tests::memory::Memory;
use workbook_tests::transcripts::{of_page, pages, trial};

fn main() -> ExitCode {
    if let Some(code) = processes::main_if_asked() {
        return code;
    }
    let mut trials = Vec::new();
    let pages = pages().unwrap_or_default();
    for page in &pages {
        match of_page(page) {
            Ok(scripts) => trials.extend(scripts.into_iter().map(|script| {
                let name = format!("{page}:{}", script.exchanges[0].line);
                trial(name, script)
            })),
            Err(error) => trials.push(failing(page.clone(), format!("{error:#}"))),
        }
    }
    if pages.is_empty() {
        trials.push(failing("book/SUMMARY.md".into(), "it lists no pages".into()));
    }
    Memory::of("console").run(&Arguments::from_args(), trials)
}

fn failing(name: String, why: String) -> Trial {
    Trial::test(name, move || Err(Failed::from(why)))
}
