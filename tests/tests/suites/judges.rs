//! Every chapter's judges against its finished stages: `chapters/*/judges/*.txt`.

use libtest_mimic::Failed;
use workbook::chapter::Chapter;
use workbook::judge;
use workbook_tests::suite::{Case, Suite};
use workbook_tests::transcripts::{case, root};

/// One case for each judge.
pub fn suite() -> Suite {
    let root = root();
    let mut cases = Vec::new();
    for chapter in Chapter::all(&root).unwrap_or_default() {
        match judge::scripts(&root, &chapter) {
            Ok(scripts) => cases.extend(scripts.into_iter().map(|script| {
                let name = format!("{}::{}", chapter.lib_name(), script.name());
                case(name, script)
            })),
            Err(error) => {
                let why = format!("{error:#}");
                cases.push(Case::new(chapter.lib_name(), move || Err(Failed::from(why))));
            }
        }
    }
    Suite { name: "judges", width: 2, is_remembered: false, cases }
}
