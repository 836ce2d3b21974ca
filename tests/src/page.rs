//! A page as mdBook expands it, with where each of its lines comes from.
//!
//! mdBook replaces `{{#rustdoc_include …}}` by text and forgets where it was from. A verdict on a page has to name the
//! line that an author can change, so includes are expanded here a second time, line by line, by the same rules; the
//! build script compares the two expansions and takes mdBook's word for it where they differ.
//!
//! Left out: includes within included files, and several directives on one line. Neither stands on a page.

use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// One line of an expanded page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The text, as mdBook would have it (`# ` in front of what is hidden).
    pub text: String,
    /// The file that it stands in, relative to the repository's root.
    pub file: String,
    /// The line in that file, from 1.
    pub line: usize,
}

/// A fenced block of an expanded page.
#[derive(Debug, Clone)]
pub struct Block {
    /// The line of the fence on the page, from 1.
    pub line: usize,
    /// The index of the opening fence in the expanded lines.
    pub fence: usize,
    /// What stands between the fences.
    pub lines: Vec<Line>,
    /// The words after the fence: `rust`, `no_run`, …
    pub words: Vec<String>,
}

/// An include directive on a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Include {
    /// `include` or `rustdoc_include`.
    pub kind: String,
    /// The included file, relative to the repository's root.
    pub file: String,
    /// What follows the colon: an anchor, a range of lines, or nothing.
    pub part: String,
}

/// A page of the book.
#[derive(Debug, Clone)]
pub struct Page {
    /// Relative to the repository's root: `book/ch01-sockets/1-echo.md`.
    pub path: String,
    /// The source, unexpanded.
    pub source: String,
    /// The page with its includes expanded.
    pub lines: Vec<Line>,
}

impl Page {
    /// Reads and expands the page at `path`, which is relative to `root`.
    ///
    /// # Errors
    /// When the page itself cannot be read. A missing include stays as its directive, as mdBook leaves it.
    pub fn load(root: &Path, path: &str) -> std::io::Result<Page> {
        let source = fs::read_to_string(root.join(path))?;
        Ok(Page::new(path, source, |file| fs::read_to_string(root.join(file)).ok()))
    }

    /// Expands `source`, taking included files from `read`.
    pub fn new(path: &str, source: String, read: impl Fn(&str) -> Option<String>) -> Page {
        let mut lines = Vec::new();
        let mut files: HashMap<String, Option<String>> = HashMap::new();
        for (index, text) in source.lines().enumerate() {
            let included = include(path, text).and_then(|include| {
                let file = include.file.clone();
                let content = files.entry(file.clone()).or_insert_with(|| read(&file)).as_ref()?;
                Some(take(content, &include))
            });
            match included {
                Some((file, taken)) => lines.extend(taken.into_iter().map(|(line, text)| Line {
                    text,
                    file: file.clone(),
                    line,
                })),
                None => lines.push(Line {
                    text: text.to_owned(),
                    file: path.to_owned(),
                    line: index + 1,
                }),
            }
        }
        Page { path: path.to_owned(), source, lines }
    }

    /// The expanded text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// The fenced blocks in order. An unclosed one ends with the page.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut open: Option<(Fence, Block)> = None;
        for (index, line) in self.lines.iter().enumerate() {
            match &mut open {
                Some((fence, block)) if !fence.closed_by(&line.text) => {
                    let indent = line.text.len() - line.text.trim_start_matches(' ').len();
                    let text = line.text[indent.min(fence.indent)..].to_owned();
                    block.lines.push(Line { text, ..line.clone() });
                }
                Some(_) => blocks.extend(open.take().map(|(_, block)| block)),
                None => {
                    open = Fence::parse(&line.text).map(|(fence, info)| {
                        let words = info
                            .split([',', ' ', '\t'])
                            .filter(|word| !word.is_empty())
                            .map(str::to_owned)
                            .collect();
                        (fence, Block { line: line.line, fence: index, lines: Vec::new(), words })
                    });
                }
            }
        }
        blocks.extend(open.map(|(_, block)| block));
        blocks
    }

    /// The include directives, with the line of the page that each stands on.
    pub fn includes(&self) -> Vec<(usize, Include)> {
        self.source
            .lines()
            .enumerate()
            .filter_map(|(index, text)| Some((index + 1, include(&self.path, text)?)))
            .collect()
    }
}

impl Block {
    /// Whether the fence carries the word.
    pub fn is(&self, word: &str) -> bool {
        self.words.iter().any(|have| have == word)
    }

    /// The value of a word `name=value`.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }
}

/// An opening fence: which character, how often, how far indented.
struct Fence {
    mark: char,
    count: usize,
    indent: usize,
}

impl Fence {
    fn parse(text: &str) -> Option<(Fence, &str)> {
        let trimmed = text.trim_start_matches(' ');
        let mark = trimmed.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
        let info = trimmed.trim_start_matches(mark);
        let count = trimmed.len() - info.len();
        let indent = text.len() - trimmed.len();
        (count >= 3 && !info.contains('`')).then(|| (Fence { mark, count, indent }, info.trim()))
    }

    fn closed_by(&self, text: &str) -> bool {
        Fence::parse(text).is_some_and(|(fence, info)| {
            fence.mark == self.mark && fence.count >= self.count && info.is_empty()
        })
    }
}

/// The directive that a line consists of.
fn include(page: &str, text: &str) -> Option<Include> {
    let inner = text.trim().strip_prefix("{{#")?.strip_suffix("}}")?;
    let (kind, rest) = inner.split_once(char::is_whitespace)?;
    if !matches!(kind, "include" | "rustdoc_include") {
        return None;
    }
    let rest = rest.split_whitespace().next()?;
    let (path, part) = rest.split_once(':').unwrap_or((rest, ""));
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    Some(Include { kind: kind.to_owned(), file: normal(&folder.join(path)), part: part.to_owned() })
}

/// A path without `.` and `..`, with `/` between its parts.
pub fn normal(path: &Path) -> String {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts.to_string_lossy().replace('\\', "/")
}

/// The lines of `content` that the directive shows or hides, numbered from 1: mdBook's own rules.
fn take(content: &str, include: &Include) -> (String, Vec<(usize, String)>) {
    let rustdoc = include.kind == "rustdoc_include";
    let hidden = |text: &str| format!("# {text}");
    let mut taken = Vec::new();
    if let Some((start, end)) = range(&include.part) {
        for (index, text) in content.lines().enumerate() {
            if index >= start && index < end {
                taken.push((index + 1, text.to_owned()));
            } else if rustdoc {
                taken.push((index + 1, hidden(text)));
            }
        }
        return (include.file.clone(), taken);
    }
    let mut within = false;
    let mut over = false;
    for (index, text) in content.lines().enumerate() {
        match (mark(text), within) {
            (Some((true, name)), true) if name == include.part => {
                within = false;
                over = !rustdoc;
            }
            (Some((false, name)), false) if name == include.part && !over => within = true,
            (Some(_), _) => {}
            (None, true) => taken.push((index + 1, text.to_owned())),
            (None, false) if rustdoc => taken.push((index + 1, hidden(text))),
            (None, false) => {}
        }
    }
    (include.file.clone(), taken)
}

/// The anchor that a line marks, and whether it is the anchor's end.
pub fn mark(text: &str) -> Option<(bool, &str)> {
    let (end, rest) = match text.split_once("ANCHOR_END:") {
        Some((_, rest)) => (true, rest),
        None => (false, text.split_once("ANCHOR:")?.1),
    };
    let rest = rest.trim_start();
    let stop = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
    let name = &rest[..stop.unwrap_or(rest.len())];
    (!name.is_empty()).then_some((end, name))
}

/// `3:9`, `3:`, `:9`, `3` and nothing, as mdBook reads them; `None` is an anchor.
fn range(part: &str) -> Option<(usize, usize)> {
    let mut parts = part.splitn(3, ':');
    let first = parts.next().unwrap_or("");
    let second = parts.next();
    let start = match first {
        "" => None,
        number => Some(number.parse::<usize>().ok()?.saturating_sub(1)),
    };
    let end = second.map(|end| end.parse::<usize>().unwrap_or(usize::MAX));
    Some(match (start, end) {
        (Some(start), Some(end)) => (start, end),
        (Some(start), None) => (start, start + 1),
        (None, end) => (0, end.unwrap_or(usize::MAX)),
    })
}
