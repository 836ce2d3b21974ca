//! Every `console` block of the pages and of the README is executed, and what it prints compared.
//!
//!     cargo test -p workbook-tests console::          # all
//!     cargo test -p workbook-tests console::book/ch01-sockets/1-echo.md:80

use libtest_mimic::Failed;
use workbook_tests::suite::{Case, Suite};
use workbook_tests::transcripts::{case, of_page, pages};

/// One case for each block.
pub fn suite() -> Suite {
    let mut cases = Vec::new();
    let pages = pages().unwrap_or_default();
    for page in &pages {
        match of_page(page) {
            Ok(scripts) => cases.extend(scripts.into_iter().map(|script| {
                let name = format!("{page}:{}", script.exchanges[0].line);
                case(name, script)
            })),
            Err(error) => cases.push(failing(page.clone(), format!("{error:#}"))),
        }
    }
    if pages.is_empty() {
        cases.push(failing("book/SUMMARY.md".into(), "it lists no pages".into()));
    }
    Suite { name: "console", width: 2, is_remembered: true, cases }
}

fn failing(name: String, why: String) -> Case {
    Case::new(name, move || Err(Failed::from(why)))
}
