//! Rules on the book as mdBook builds it: no warnings, no dead links, nothing from the network.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use mdbook_driver::MDBook;
use regex::Regex;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span, subscriber};
use workbook_tests::memory::Memory;
use workbook_tests::page::normal;
use workbook_tests::transcripts::root;

use super::{Finding, files, finding, finds, none};

/// Its tests.
pub const TESTS: &[(&str, fn())] = &[
    ("the_built_book_is_whole_and_needs_no_network", the_built_book_is_whole_and_needs_no_network),
    (
        "a_dead_link_and_a_load_from_the_network_are_found",
        a_dead_link_and_a_load_from_the_network_are_found,
    ),
    ("mdbooks_complaints_are_found", mdbooks_complaints_are_found),
];

/// Keeps the messages of mdBook that say that something is wrong.
#[derive(Clone, Default)]
struct Complaints(Arc<Mutex<Vec<String>>>);

struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}

impl Subscriber for Complaints {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn event(&self, event: &Event<'_>) {
        let mut message = Message(format!("{}: ", event.metadata().level()));
        event.record(&mut message);
        if workbook::serve::book::is_known(&message.0) {
            return;
        }
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message.0);
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// Builds the book at `from` into `to`, and returns what mdBook complained about.
fn build(from: &Path, to: &Path) -> Vec<Finding> {
    let complaints = Complaints::default();
    subscriber::with_default(complaints.clone(), || {
        let built = MDBook::load(from).and_then(|mut book| {
            book.config.build.build_dir = to.to_path_buf();
            book.build()
        });
        if let Err(error) = built {
            let mut said = complaints.0.lock().unwrap_or_else(PoisonError::into_inner);
            said.push(format!("ERROR: {error:#}"));
        }
    });
    let complaints = complaints.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    complaints.iter().map(|text| finding("book", 0, format!("mdBook says {text}"))).collect()
}

/// A built page: its ids, what it links to, what it loads.
#[derive(Default)]
struct Built {
    ids: HashSet<String>,
    links: Vec<(usize, String)>,
    loads: Vec<(usize, String)>,
}

fn read(html: &str) -> Built {
    let tags = Regex::new(r#"<([a-zA-Z]+)((?:[^<>"']|"[^"]*"|'[^']*')*)>"#).expect("a pattern");
    let attributes =
        Regex::new(r#"([a-zA-Z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')"#).expect("a pattern");
    let mut built = Built::default();
    let (mut line, mut counted) = (1, 0);
    for tag in tags.captures_iter(html) {
        let start = tag.get(0).map_or(0, |tag| tag.start());
        line += html[counted..start].matches('\n').count();
        counted = start;
        let name = tag[1].to_ascii_lowercase();
        for found in attributes.captures_iter(&tag[2]) {
            let value = found.get(2).or(found.get(3)).map_or("", |value| value.as_str());
            let value = value.replace("&amp;", "&");
            match (name.as_str(), found[1].to_ascii_lowercase().as_str()) {
                (_, "id") | ("a", "name") => drop(built.ids.insert(value)),
                ("a", "href") => built.links.push((line, value)),
                (_, "href" | "src" | "data" | "poster" | "action" | "srcset") => {
                    built.loads.push((line, value));
                }
                (_, "style") if value.contains("url(") => built.loads.push((line, value)),
                _ => {}
            }
        }
    }
    built
}

fn is_outside(link: &str) -> bool {
    let link = link.to_ascii_lowercase();
    link.starts_with("//") || link.contains("http://") || link.contains("https://")
}

/// Dead links, and what a page would load from elsewhere. `pages` are the built files by their path.
fn links(pages: &BTreeMap<String, Built>, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut found = Vec::new();
    for (path, page) in pages {
        let folder = Path::new(path).parent().unwrap_or(Path::new(""));
        for (line, load) in &page.loads {
            if load.starts_with("data:") || load.starts_with('#') || load.is_empty() {
                continue;
            }
            let file = load.split(['?', '#']).next().unwrap_or_default();
            if is_outside(load) {
                let what = format!("{load} would be loaded from the network");
                found.push(finding(path, *line, what));
            } else if !exists(&normal(&folder.join(file))) {
                found.push(finding(path, *line, format!("{load} is not there")));
            }
        }
        for (line, link) in &page.links {
            if is_outside(link) || link.starts_with("mailto:") {
                continue;
            }
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let mut target = match file {
                "" => path.clone(),
                file => normal(&folder.join(file)),
            };
            if target.is_empty() {
                target = "index.html".into();
            }
            if !exists(&target) {
                found.push(finding(path, *line, format!("the link {link} leads nowhere")));
            } else if !fragment.is_empty()
                && pages.get(&target).is_some_and(|page| !page.ids.contains(fragment))
            {
                let what = format!("the link {link}: the page has no #{fragment}");
                found.push(finding(path, *line, what));
            }
        }
    }
    found
}

/// A style that asks the network.
fn style(file: &str, css: &str) -> Vec<Finding> {
    let outside =
        Regex::new(r#"(?i)(url\(\s*["']?|@import\s+["'])\s*(https?:)?//"#).expect("a pattern");
    let lines = css.lines().enumerate().filter(|(_, line)| outside.is_match(line));
    let what = "a style loads nothing from the network";
    lines.map(|(index, _)| finding(file, index + 1, what)).collect()
}

fn the_built_book_is_whole_and_needs_no_network() {
    let memory = Memory::of("built");
    if memory.holds() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let top = folder.path();
    let mut found = build(&root(), top);
    let mut pages = BTreeMap::new();
    for path in files(top, &["html"]) {
        let name = normal(path.strip_prefix(top).unwrap_or(&path));
        // All pages in one, with the same links from another folder; and a page that is served from anywhere.
        if name != "print.html" && name != "404.html" {
            pages.insert(name, read(&std::fs::read_to_string(&path).expect("a page")));
        }
    }
    assert!(pages.len() > 3, "mdBook built {} pages", pages.len());
    found.extend(links(&pages, |path| top.join(path).is_file()));
    for path in files(top, &["css"]) {
        let css = std::fs::read_to_string(&path).expect("a style");
        found.extend(style(&normal(path.strip_prefix(top).unwrap_or(&path)), &css));
    }
    none(found);
    memory.keep();
}

fn a_dead_link_and_a_load_from_the_network_are_found() {
    let html = "<h2 id=\"here\">x</h2>\n<a href=\"#here\">a</a> <a href=\"#gone\">b</a>\n<a href=\"no.html\">c</a>\n\
                <a href=\"https://example.org\">d</a>\n<img src=\"https://example.org/a.png\">\n\
                <script src=\"a.js\"></script>\n<link rel=\"stylesheet\" href=\"//example.org/a.css\">\
                <a href=\"../x/p.html#here\">e</a>\n";
    let pages = BTreeMap::from([("x/p.html".to_owned(), read(html))]);
    finds(
        links(&pages, |path| path == "x/p.html"),
        &[
            (5, "network"),
            (6, "a.js is not there"),
            (7, "network"),
            (2, "no #gone"),
            (3, "nowhere"),
        ],
    );
    finds(
        style("a.css", "a { b: url(a.png) }\n@import 'https://a/b';\nb { c: url(//a/b) }\n"),
        &[(2, "network"), (3, "network")],
    );
}

fn mdbooks_complaints_are_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    write("book.toml", "[book]\ntitle = \"X\"\n\n[output.html]\nno-such-key = true\n");
    write("src/SUMMARY.md", "# Summary\n\n[A](a.md)\n");
    write("src/a.md", "# A\n\n{{#include gone.rs}}\n");
    let found = build(folder.path(), &folder.path().join("built"));
    let all: Vec<String> = found.iter().map(Finding::to_string).collect();
    assert!(all.join("\n").contains("no-such-key"), "an unknown key: {all:#?}");
    write("book.toml", "[book]\ntitle = \"X\"\n");
    let found = build(folder.path(), &folder.path().join("built"));
    let all: Vec<String> = found.iter().map(Finding::to_string).collect();
    assert!(all.join("\n").contains("gone.rs"), "a missing include: {all:#?}");
}
