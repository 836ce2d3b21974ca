//! Every chapter's judges against its finished stages: `chapters/*/judges/*.txt`.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};
use workbook::chapter::Chapter;
use workbook::judge;
use workbook::processes;
use workbook_tests::transcripts::{root, trial};

fn main() -> ExitCode {
    if let Some(code) = processes::main_if_asked() {
        return code;
    }
    let root = root();
    let mut trials = Vec::new();
    for chapter in Chapter::all(&root).unwrap_or_default() {
        match judge::scripts(&root, &chapter) {
            Ok(scripts) => trials.extend(scripts.into_iter().map(|script| {
                let name = format!("{}::{}", chapter.lib_name(), script.name());
                trial(name, script)
            })),
            Err(error) => {
                let why = format!("{error:#}");
                trials.push(Trial::test(chapter.lib_name(), move || Err(Failed::from(why))));
            }
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
