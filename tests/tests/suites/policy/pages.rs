//! Rules on the book's pages and pictures, as they are written.

use std::collections::{HashMap, HashSet};

use regex::Regex;
use workbook_tests::page::{Block, Page, mark};
use workbook_tests::transcripts::root;

use super::{Finding, book, chapters, files, finding, finds, none, text};

/// Its tests.
pub const TESTS: &[(&str, fn())] = &[
    ("includes_include_something", includes_include_something),
    ("anchors_are_closed_filled_and_shown", anchors_are_closed_filled_and_shown),
    ("listings_fit_and_name_their_file", listings_fit_and_name_their_file),
    ("pages_have_their_rhythm", pages_have_their_rhythm),
    ("the_summary_lists_every_page", the_summary_lists_every_page),
    ("pictures_have_a_text_and_both_themes", pictures_have_a_text_and_both_themes),
];

/// A listing that is longer is two.
const SHOWN_LINES: usize = 45;

/// What a page has room for.
const COLUMNS: usize = 80;

/// Each step's page, in this order and with nothing between.
const STEP: &[&str] =
    &["The problem", "Predict", "The smallest thing that works", "Break it", "Run it", "Your turn"];

/// A chapter's README has these in this order, among others.
const README: &[&str] = &[
    "The contract",
    "The steps",
    "Checkpoint",
    "Measured",
    "What the judges found",
    "In the real one",
    "When you outgrow this",
];

fn page(path: &str, source: &str, others: &[(&str, &str)]) -> Page {
    let others: HashMap<&str, &str> = others.iter().copied().collect();
    Page::new(path, source.to_owned(), |file| others.get(file).map(|text| (*text).to_owned()))
}

/// Includes stand alone on their lines, and what they include is there.
fn includes(page: &Page, read: impl Fn(&str) -> Option<String>) -> Vec<Finding> {
    let mut found = Vec::new();
    let whole: HashSet<usize> = page.includes().into_iter().map(|(line, _)| line).collect();
    for (index, line) in page.source.lines().enumerate() {
        if line.contains("{{#") && !line.contains("\\{{#") && !whole.contains(&(index + 1)) {
            let what =
                "an include or rustdoc_include stands alone on its line; nothing else is used";
            found.push(finding(&page.path, index + 1, what));
        }
    }
    for (line, include) in page.includes() {
        let Some(content) = read(&include.file) else {
            found.push(finding(&page.path, line, format!("{} is not there", include.file)));
            continue;
        };
        let part = include.part.as_str();
        let is_range = part.chars().all(|c| c.is_ascii_digit() || c == ':');
        if !part.is_empty() && is_range {
            found.push(finding(&page.path, line, "include by anchor: line numbers move"));
        } else if !part.is_empty() && !content.lines().any(|text| mark(text) == Some((false, part)))
        {
            let what = format!("{} has no anchor {part}", include.file);
            found.push(finding(&page.path, line, what));
        } else if part.is_empty() && content.lines().any(|text| mark(text).is_some()) {
            let what = format!("{} has anchors, which would show: include one", include.file);
            found.push(finding(&page.path, line, what));
        }
    }
    found
}

fn includes_include_something() {
    let read = |file: &str| std::fs::read_to_string(root().join(file)).ok();
    none(book().iter().flat_map(|page| includes(page, read)));

    let source = "{{#include gone.svg}}\n{{#include a.rs:x}}\n{{#include a.rs:y}}\n{{#include a.rs:3:4}}\n\
                  see {{#include a.rs:x}}\n{{#title X}}\n{{#include a.rs}}\n\\{{#include shown}}\n";
    let read =
        |file: &str| (file == "book/a.rs").then(|| "// ANCHOR: x\n1\n// ANCHOR_END: x\n".into());
    finds(
        includes(&page("book/p.md", source, &[]), read),
        &[
            (5, "alone"),
            (6, "alone"),
            (1, "not there"),
            (3, "no anchor y"),
            (4, "by anchor"),
            (7, "anchors"),
        ],
    );
}

/// Anchors are closed, hold something, and are used.
fn anchors(file: &str, source: &str, used: &HashSet<String>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut open: Vec<(String, usize, bool)> = Vec::new();
    let mut seen = HashSet::new();
    for (index, line) in source.lines().enumerate() {
        match mark(line) {
            Some((false, name)) => {
                if !seen.insert(name.to_owned()) {
                    let what = format!("a second anchor {name}: a page would show both");
                    found.push(finding(file, index + 1, what));
                } else if !used.contains(name) {
                    let what = format!("no page shows the anchor {name}: remove it, or show it");
                    found.push(finding(file, index + 1, what));
                }
                open.push((name.to_owned(), index + 1, false));
            }
            Some((true, name)) => match open.iter().position(|(have, ..)| have == name) {
                Some(at) => {
                    let (_, line, filled) = open.remove(at);
                    if !filled {
                        found.push(finding(file, line, format!("the anchor {name} is empty")));
                    }
                }
                None => {
                    found.push(finding(file, index + 1, format!("{name} ends, but never began")));
                }
            },
            None if !line.trim().is_empty() => {
                open.iter_mut().for_each(|(.., filled)| *filled = true);
            }
            None => {}
        }
    }
    for (name, line, _) in open {
        found.push(finding(file, line, format!("the anchor {name} has no ANCHOR_END")));
    }
    found
}

fn anchors_are_closed_filled_and_shown() {
    let mut used: HashMap<String, HashSet<String>> = HashMap::new();
    for page in book() {
        for (_, include) in page.includes() {
            used.entry(include.file).or_default().insert(include.part);
        }
    }
    let mut found = Vec::new();
    for chapter in chapters() {
        for path in files(&chapter.dir, &["rs", "txt", "toml"]) {
            let (file, source) = text(&path);
            found.extend(anchors(&file, &source, used.get(&file).unwrap_or(&HashSet::new())));
        }
    }
    none(found);

    let used = HashSet::from(["a".to_owned(), "b".to_owned(), "c".to_owned()]);
    let source = "// ANCHOR: a\n1\n// ANCHOR_END: a\n// ANCHOR: b\n\n// ANCHOR_END: b\n// ANCHOR: c\n1\n// ANCHOR: d\n2\n\
                  // ANCHOR_END: d\n// ANCHOR_END: e\n";
    finds(
        anchors("a.rs", source, &used),
        &[(4, "empty"), (9, "no page"), (12, "never began"), (7, "no ANCHOR_END")],
    );
}

/// The lines of a Rust block that a reader sees before unfolding.
fn shown(block: &Block) -> Vec<&workbook_tests::page::Line> {
    let hidden = |text: &str| text.trim_start().starts_with("# ") || text.trim() == "#";
    let rust = block.is("rust");
    block.lines.iter().filter(|line| !(rust && hidden(&line.text))).collect()
}

/// Listings fit on the page, say where they are from, and are from there; no block escapes the tests.
fn blocks(page: &Page) -> Vec<Finding> {
    let mut found = Vec::new();
    for block in page.blocks() {
        let mut say = |line: usize, what: String| found.push(finding(&page.path, line, what));
        let language = block.words.first().map(String::as_str).unwrap_or_default();
        match language {
            "" => say(block.line, "name the block's language (`text` if it has none)".into()),
            "sh" | "bash" | "shell" | "zsh" if page.path.starts_with("book/ch") => {
                say(block.line, "a shell block is `console`, and is executed".into());
            }
            _ if language != "rust" && block.is("rust") => {
                say(block.line, "`rust` is the first word of the fence".into());
            }
            _ => {}
        }
        if block.is("ignore") {
            say(block.line, "no block is ignored: `no_run` for what cannot end".into());
        }
        if block.is("compile_fail") && block.words.len() < 3 {
            say(block.line, "say which error: compile_fail,E0382".into());
        }
        if !matches!(language, "rust" | "text") {
            continue;
        }
        let lines = shown(&block);
        for line in &lines {
            let columns = line.text.chars().count();
            if columns > COLUMNS {
                let at = if line.file == page.path { line.line } else { block.line };
                say(at, format!("{columns} columns, {COLUMNS} fit: {:?}", line.text));
            }
        }
        if language == "rust" && lines.len() > SHOWN_LINES {
            let what = format!("{} lines are shown; split it at {SHOWN_LINES}", lines.len());
            say(block.line, what);
        }
        let Some(from) = block.lines.iter().find(|line| line.file != page.path) else { continue };
        let before =
            page.lines[..block.fence].iter().rev().find(|line| !line.text.trim().is_empty());
        let caption = before.map(|line| line.text.trim()).unwrap_or_default();
        let inner = caption.strip_prefix('*').and_then(|inner| inner.strip_suffix('*'));
        let named = inner.map(|inner| inner.split(',').next().unwrap_or(inner).trim_matches('`'));
        if language == "rust" && named != Some(from.file.as_str()) {
            let what = format!("the line before a listing is its caption: *{}, `item`*", from.file);
            say(block.line, what);
        }
        if lines.iter().all(|line| line.file == page.path) {
            say(block.line, format!("nothing of {} is shown", from.file));
        }
    }
    found
}

fn listings_fit_and_name_their_file() {
    none(book().iter().flat_map(blocks));

    let long = "x".repeat(81);
    let others = [("book/ch09/a.rs", "fn a() {}\n// ANCHOR: x\nfn b() {}\n// ANCHOR_END: x\n")];
    let source = format!(
        "*book/ch09/a.rs, `b`*\n\n```rust\n{{{{#rustdoc_include a.rs:x}}}}\n# fn main() {{}}\n```\n\n\
         *book/ch09/b.rs*\n\n```rust\n{{{{#rustdoc_include a.rs:x}}}}\n```\n\n```rust,ignore\n{long}\n```\n\n\
         ```sh\nls\n```\n\n```\n```\n\n```rust,compile_fail\n{}```\n",
        "a\n".repeat(46)
    );
    finds(
        blocks(&page("book/ch09/p.md", &source, &others)),
        &[
            (10, "caption"),
            (14, "ignored"),
            (15, "81 columns"),
            (18, "console"),
            (22, "language"),
            (25, "which error"),
            (25, "46 lines"),
        ],
    );
}

/// The headings of the second level outside of blocks.
fn headings(page: &Page) -> Vec<(usize, String)> {
    let mut within = HashSet::new();
    for block in page.blocks() {
        within.extend(block.fence..=block.fence + block.lines.len());
    }
    let heads = page.lines.iter().enumerate().filter(|(index, _)| !within.contains(index));
    heads
        .filter_map(|(_, line)| Some((line.line, line.text.strip_prefix("## ")?.trim().to_owned())))
        .collect()
}

/// A step's page has its rhythm, a chapter's README its parts.
fn rhythm(page: &Page) -> Vec<Finding> {
    let mut found = Vec::new();
    let headings = headings(page);
    let names: Vec<&str> = headings.iter().map(|(_, name)| name.as_str()).collect();
    if page.path.ends_with("/README.md") {
        let mut rest = names.iter();
        if let Some(part) = README.iter().find(|part| !rest.any(|name| name == *part)) {
            let all = README.join(", ");
            let what = format!("a chapter's README has, in this order: {all}; {part} is missing");
            found.push(finding(&page.path, 0, what));
        }
        return found;
    }
    if names != STEP {
        let line = headings.iter().zip(STEP).find(|((_, name), step)| name != *step);
        let what = format!("a step's page has just these `##`: {}", STEP.join(", "));
        found.push(finding(&page.path, line.map_or(0, |((line, _), _)| *line), what));
    }
    let source: Vec<&str> = page.source.lines().collect();
    if let Some(from) = source.iter().position(|line| line.trim() == "## Predict") {
        let part = &source[from + 1..];
        let end = part.iter().position(|line| line.starts_with("## ")).unwrap_or(part.len());
        if !part[..end].iter().any(|line| line.contains("<details>")) {
            found.push(finding(&page.path, from + 1, "fold the answer away in <details>"));
        }
    }
    found
}

fn pages_have_their_rhythm() {
    let pages = book();
    none(pages.iter().filter(|page| page.path.starts_with("book/ch")).flat_map(rhythm));

    let source = "## The problem\n## Predict\n## Break it\n";
    finds(rhythm(&page("book/ch09/1-a.md", source, &[])), &[(3, "just these"), (2, "<details>")]);
    let readme = "## The contract\n```text\n## The steps\n```\n## Checkpoint\n";
    finds(rhythm(&page("book/ch09/README.md", readme, &[])), &[(0, "The steps is missing")]);
}

/// Every page is listed, once, and is there.
fn summary(text: &str, pages: &[String]) -> Vec<Finding> {
    let link = Regex::new(r"\]\(([^)]*)\)").expect("a pattern");
    let mut found = Vec::new();
    let mut listed = HashSet::new();
    let mut say = |line: usize, what: String| found.push(finding("book/SUMMARY.md", line, what));
    for (index, line) in text.lines().enumerate() {
        for target in link.captures_iter(line) {
            let path = format!("book/{}", &target[1]);
            if !pages.contains(&path) {
                say(index + 1, format!("{path} is not there"));
            } else if !listed.insert(path.clone()) {
                say(index + 1, format!("{path} is listed twice"));
            }
        }
    }
    let missing = pages.iter().filter(|path| !listed.contains(*path));
    found.extend(missing.map(|path| finding(path, 0, "list it in book/SUMMARY.md")));
    found
}

fn the_summary_lists_every_page() {
    let (_, summary_text) = text(&root().join("book/SUMMARY.md"));
    let all = files(&root().join("book"), &["md"]).into_iter().map(|path| text(&path).0);
    // A bench's table is a part of its chapter's page.
    let bench = Regex::new("/bench(-[a-z0-9-]+)?[.]md$").expect("a pattern");
    let pages = all.filter(|path| path != "book/SUMMARY.md" && !bench.is_match(path));
    none(summary(&summary_text, &pages.collect::<Vec<_>>()));

    let pages = ["book/a.md".to_owned(), "book/b.md".to_owned()];
    finds(
        summary("[A](a.md)\n[A](a.md)\n[C](c.md)\n", &pages),
        &[(2, "twice"), (3, "not there"), (0, "list it")],
    );
}

/// Pictures are read aloud, and follow the theme.
fn picture(file: &str, svg: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for part in ["title", "desc"] {
        let has = Regex::new(&format!(r"<{part}[^>]*>\s*\S")).expect("a pattern").is_match(svg);
        if !has {
            found.push(finding(file, 1, format!("give the picture a <{part}>")));
        }
    }
    if !svg.contains("viewBox") {
        found.push(finding(file, 1, "a viewBox lets the picture shrink with the page"));
    }
    let fixed = Regex::new(
        r##"(?i)(?:fill|stroke|color|background)\s*[:=]\s*["']?\s*(#000000|#000|#ffffff|#fff|black|white)\b"##,
    )
    .expect("a pattern");
    let outside = r#"(?i)(href|src)\s*=\s*["']https?:|url\(\s*["']?https?:|@import"#;
    let outside = Regex::new(outside).expect("a pattern");
    for (index, line) in svg.lines().enumerate() {
        if let Some(colour) = fixed.captures(line) {
            let what = format!("{} is lost in one of the themes: use currentColor", &colour[1]);
            found.push(finding(file, index + 1, what));
        }
        if outside.is_match(line) {
            found.push(finding(file, index + 1, "a picture loads nothing"));
        }
        if line.trim().is_empty() {
            let what = "an empty line ends the picture within a page: remove it";
            found.push(finding(file, index + 1, what));
        }
    }
    found
}

fn pictures_have_a_text_and_both_themes() {
    let mut found = Vec::new();
    for path in files(&root().join("book"), &["svg"]) {
        let (file, svg) = text(&path);
        if !file.starts_with("book/theme/") {
            found.extend(picture(&file, &svg));
        }
    }
    none(found);

    let svg = "<svg>\n<rect fill=\"#fff\" stroke='black'/>\n\n<path style=\"stroke: white\"/>\n\
               <image href=\"http://a/b\"/>\n</svg>\n";
    finds(
        picture("a.svg", svg),
        &[
            (1, "title"),
            (1, "desc"),
            (1, "viewBox"),
            (2, "#fff"),
            (3, "empty line"),
            (4, "white"),
            (5, "loads"),
        ],
    );
}
