//! Turns the Rust blocks of the book's pages into tests.
//!
//! ```text
//! book/*.md ── mdBook's preprocessors ──> expanded pages ── mark() ──> OUT_DIR/pages/ch01_sockets_1_echo.md
//!                                                                               │ skeptic
//! suites/book.rs <── include! ── OUT_DIR/book-tests.rs <── rename() ── skeptic-tests.rs
//!                <── include_str! ── OUT_DIR/blocks.json: where each line of each block is from
//! ```
//!
//! A block's first line becomes a comment that tells the compiler wrapper (`tests/rustc-2024`) what the block is to do
//! and where to write what happened; the suite book reads that and names the page's line.

#[allow(dead_code)]
#[path = "src/page.rs"]
mod page;

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use mdbook_driver::MDBook;
use mdbook_driver::book::BookItem;
use mdbook_driver::builtin_renderers::MarkdownRenderer;
use page::{Block, Page};

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("tests/ has no folder above it")?
        .to_path_buf();
    let out = PathBuf::from(env::var_os("OUT_DIR").context("cargo sets OUT_DIR")?);
    let pages = load(&root)?;
    for watched in watched(&root, &pages)? {
        println!("cargo::rerun-if-changed={watched}");
    }

    println!("cargo::rustc-env=WORKBOOK_TARGET={}", env::var("TARGET")?);

    let flat = out.join("pages");
    fs::create_dir_all(&flat)?;
    fs::create_dir_all(out.join("reports"))?;
    let mut documents = Vec::new();
    let mut blocks = Vec::new();
    for page in &pages {
        let name = test_name(&page.path);
        let text = mark(page, &name, &out, &mut blocks)?;
        let document = flat.join(format!("{name}.md"));
        write(&document, &text)?;
        documents.push(document);
    }
    skeptic::generate_doc_tests(&documents);
    let generated = fs::read_to_string(out.join("skeptic-tests.rs"))?;
    write(&out.join("book-tests.rs"), &rename(&generated, &blocks)?)?;
    write(&out.join("blocks.json"), &json(&blocks))?;
    Ok(())
}

/// The pages as SUMMARY.md lists them, expanded by mdBook itself.
fn load(root: &Path) -> Result<Vec<Page>> {
    let book = MDBook::load(root)?;
    let (expanded, _) = book.preprocess_book(&MarkdownRenderer::new())?;
    let mut pages = Vec::new();
    for item in expanded.iter() {
        let BookItem::Chapter(chapter) = item else { continue };
        let Some(source) = &chapter.source_path else { continue };
        let path = page::normal(&Path::new("book").join(source));
        let mut page = Page::load(root, &path).with_context(|| format!("cannot read {path}"))?;
        let ours: Vec<&str> = page.lines.iter().map(|line| line.text.as_str()).collect();
        let theirs: Vec<&str> = chapter.content.lines().collect();
        if ours != theirs {
            // The text is mdBook's; where its lines are from is then unknown but for the page.
            page.lines = theirs
                .into_iter()
                .map(|text| page::Line { text: text.to_owned(), file: path.clone(), line: 0 })
                .collect();
        }
        pages.push(page);
    }
    Ok(pages)
}

/// What, when changed, changes the tests: the pages, the sources, and whatever else a page includes.
fn watched(root: &Path, pages: &[Page]) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::from(["book.toml".to_owned(), "book".to_owned()]);
    for chapter in fs::read_dir(root.join("chapters"))? {
        let source = chapter?.path().join("src");
        if source.is_dir() {
            all.insert(page::normal(source.strip_prefix(root)?));
        }
    }
    for page in pages {
        for (_, include) in page.includes() {
            if root.join(&include.file).exists() {
                all.insert(include.file);
            }
        }
    }
    Ok(all.into_iter().map(|path| format!("../{path}")).collect())
}

/// `ch01_sockets_1_echo` for `book/ch01-sockets/1-echo.md`.
fn test_name(path: &str) -> String {
    path.trim_start_matches("book/")
        .trim_end_matches(".md")
        .to_ascii_lowercase()
        .replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

/// A Rust block of a page.
struct Case {
    page: String,
    module: String,
    kind: String,
    block: Block,
}

/// The page for skeptic: each Rust block says on its first line what is to become of it.
fn mark(page: &Page, name: &str, out: &Path, cases: &mut Vec<Case>) -> Result<String> {
    let mut text = String::new();
    let mut next = 0;
    for block in page.blocks() {
        if !block.is("rust") {
            continue;
        }
        let at = format!("{}:{}", page.path, block.line);
        let kind = kind(&block).with_context(|| at.clone())?;
        for line in &page.lines[next..block.fence] {
            writeln!(text, "{}", line.text)?;
        }
        next = block.fence + 1 + block.lines.len();
        let report = out.join("reports").join(format!("{name}_{}", block.line));
        ensure!(!report.to_string_lossy().contains('\''), "the path {} has a '", report.display());
        let indent = " ".repeat(indent(&page.lines[block.fence].text));
        writeln!(text, "{indent}```rust")?;
        writeln!(text, "{indent}// page: {at} | {kind} | {}", report.display())?;
        for line in &block.lines {
            writeln!(text, "{indent}{}", line.text)?;
        }
        cases.push(Case { page: page.path.clone(), module: name.to_owned(), kind, block });
    }
    for line in &page.lines[next..] {
        writeln!(text, "{}", line.text)?;
    }
    Ok(text)
}

fn indent(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

/// What a block is to do: `run`, `no_run`, `should_panic`, or `compile_fail E0382`.
fn kind(block: &Block) -> Result<String> {
    let mut kind = "run".to_owned();
    for word in &block.words {
        match word.as_str() {
            "rust" | "editable" | "noplayground" | "mdbook-runnable" => {}
            "no_run" | "should_panic" => kind = word.clone(),
            "compile_fail" => {
                let code = block.words.iter().find(|word| is_code(word));
                let code =
                    code.context("compile_fail needs the error's code: compile_fail,E0382")?;
                kind = format!("compile_fail {code}");
            }
            word if is_code(word) => {}
            word => bail!("a Rust block cannot be {word:?}"),
        }
    }
    Ok(kind)
}

fn is_code(word: &str) -> bool {
    word.strip_prefix('E').is_some_and(|rest| rest.len() == 4 && rest.parse::<u16>().is_ok())
}

/// Skeptic's tests with names of our own (the page's module and line) and within `super::check`, which knows the block.
fn rename(generated: &str, cases: &[Case]) -> Result<String> {
    let mut text = String::new();
    let mut list = String::new();
    let mut number = 0;
    let mut module = "";
    for line in generated.lines() {
        if line.starts_with("#[test] fn ") {
            let case = cases.get(number).context("skeptic found a block that is none of ours")?;
            if module != case.module {
                if !module.is_empty() {
                    writeln!(text, "}}")?;
                }
                writeln!(text, "mod {} {{", case.module)?;
                module = &case.module;
            }
            let name = format!("{}::line_{}", case.module, case.block.line);
            writeln!(list, "    ({name:?}, {:?}, {name}),", hash(case))?;
            writeln!(text, "pub fn line_{}() -> Result<(), String> {{", case.block.line)?;
            number += 1;
        } else if let Some(call) = line.strip_prefix("    skeptic::rt::run_test(") {
            let call = call.trim_end_matches(';');
            writeln!(text, "    super::check({}, || ::skeptic::rt::run_test({call})", number - 1)?;
        } else if line != "extern crate skeptic;" {
            writeln!(text, "{line}")?;
        }
    }
    if !module.is_empty() {
        writeln!(text, "}}")?;
    }
    ensure!(number == cases.len(), "skeptic made {number} tests of {} blocks", cases.len());
    writeln!(text, "const TESTS: &[(&str, &str, Test)] = &[\n{list}];")?;
    Ok(text)
}

/// A number for the program, wherever its lines are from.
fn hash(case: &Case) -> String {
    let mut hasher = DefaultHasher::new();
    case.kind.hash(&mut hasher);
    case.block.lines.iter().for_each(|line| line.text.hash(&mut hasher));
    format!("{:016x}", hasher.finish())
}

/// `[{page, line, kind, files, lines: [[file, line], …]}, …]`, by hand: nothing in it needs more than quotes escaped.
fn json(cases: &[Case]) -> String {
    let string = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut all = Vec::new();
    for case in cases {
        let mut files: Vec<String> = Vec::new();
        let mut seen: HashMap<&str, usize> = HashMap::new();
        let mut lines = Vec::new();
        for line in &case.block.lines {
            let file = *seen.entry(&line.file).or_insert_with(|| {
                files.push(string(&line.file));
                files.len() - 1
            });
            lines.push(format!("[{file},{}]", line.line));
        }
        all.push(format!(
            "{{\"page\":{},\"module\":{},\"line\":{},\"kind\":{},\"files\":[{}],\"lines\":[{}]}}",
            string(&case.page),
            string(&case.module),
            case.block.line,
            string(&case.kind),
            files.join(","),
            lines.join(",")
        ));
    }
    format!("[{}]\n", all.join(",\n"))
}

/// Writes what has changed, dated long ago: cargo runs a build script again when a file that it names (and skeptic names
/// these) is younger than the script's last run.
fn write(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
    fs::File::options().write(true).open(path)?.set_modified(long_ago)?;
    Ok(())
}
