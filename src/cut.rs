//! `cut`: starters from finished sources, and exercises from their solutions.
//!
//! A starter is the book's own source with the bodies of its functions replaced by `todo!("step 2: frame::Reader::next")`.
//! syn only says where a body begins and ends; the text is never printed from a syntax tree, so everything outside of
//! the bodies stays byte for byte: comments, formatting, line endings.
//!
//! What is kept whole: empty bodies, everything within `#[cfg(test)]` and `#[test]`, macros, and the lines from
//! `// given:` to `// given end`, whether they stand around functions or within one.

use std::fs;
use std::ops::Range;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, anyhow, bail, ensure};
use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::chapter::{Chapter, Step};

/// What follows the word `cut`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    /// Only this chapter: `ch01`
    pub chapter: Option<String>,
    /// Write nothing; fail if an exercise is not what its solution gives
    #[arg(long)]
    pub check: bool,
}

/// Writes every exercise from its solution, and says which have changed.
///
/// # Errors
/// When a solution is missing or its marks do not pair up; with `--check`, when an exercise is out of date.
pub fn run(root: &Path, args: &Args) -> Result<ExitCode> {
    let chapters = match &args.chapter {
        Some(wanted) => vec![Chapter::find(root, wanted)?],
        None => Chapter::all(root)?,
    };
    let (mut total, mut changed) = (0, Vec::new());
    for chapter in &chapters {
        for exercise in &chapter.exercises {
            let solution = chapter.dir.join(format!("solutions/{}.rs", exercise.id));
            let text = fs::read_to_string(&solution)
                .with_context(|| format!("cannot read {}", solution.display()))?;
            let starter = exercise_starter(&text, &exercise.id)
                .with_context(|| format!("in {}", solution.display()))?;
            let path = chapter.dir.join(format!("exercises/{}.rs", exercise.id));
            total += 1;
            if fs::read_to_string(&path).ok().as_deref() != Some(&starter) {
                changed.push(path.strip_prefix(root).unwrap_or(&path).display().to_string());
                if !args.check {
                    crate::write(&path, &starter)?;
                }
            }
        }
    }
    if args.check && !changed.is_empty() {
        bail!("`cargo run -- cut` gives something else for {}", changed.join(", "));
    }
    for path in &changed {
        println!("wrote {path}");
    }
    println!("{total} exercises, {} changed", changed.len());
    Ok(ExitCode::SUCCESS)
}

/// One function's body in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// `frame::Reader::next`, or `frame::<Reader as Iterator>::next` in an implementation of a trait.
    pub path: String,
    /// The bytes between the body's braces, without them.
    pub inside: Range<usize>,
    /// Whether the function is `const`: formatting macros are not allowed in it.
    pub constant: bool,
    /// Whether it returns `impl Trait`, which `todo!()` cannot stand for.
    pub opaque: bool,
}

/// The function bodies of a module's source that a starter replaces, in order.
///
/// # Errors
/// When the source is not Rust, or a `// given` mark has no partner.
pub fn bodies(source: &str, module: &str) -> Result<Vec<Body>> {
    let given = given(source)?;
    let file = syn::parse_file(source)
        .map_err(|error| anyhow!("line {}: {error}", error.span().start().line))?;
    let mut finder = Finder { path: vec![module.to_string()], found: Vec::new() };
    finder.visit_file(&file);
    // syn drops a byte order mark before it counts.
    let shift = if source.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut found = finder.found;
    for body in &mut found {
        body.inside = body.inside.start + shift..body.inside.end + shift;
        let opened = source.as_bytes().get(body.inside.start.wrapping_sub(1));
        let closed = source.as_bytes().get(body.inside.end);
        ensure!(opened == Some(&b'{') && closed == Some(&b'}'), "lost the body of {}", body.path);
    }
    found.retain(|body| {
        let empty = source[body.inside.clone()].trim().is_empty();
        let kept = given.iter().any(|g| g.start <= body.inside.start && body.inside.end <= g.end);
        !empty && !kept
    });
    Ok(found)
}

/// The source of a step's module with its bodies cut out: what the reader begins with.
///
/// # Errors
/// As [`bodies`]; when a function returns `impl Trait`; when a `// given` span crosses a body's brace.
pub fn starter(source: &str, module: &str, step: usize) -> Result<String> {
    let given = given(source)?;
    let newline = if source.contains("\r\n") { "\r\n" } else { "\n" };
    let mut out = String::with_capacity(source.len());
    let mut done = 0;
    for body in bodies(source, module)? {
        if body.opaque {
            bail!(
                "{} returns `impl Trait`, which todo!() cannot stand for: name its type",
                body.path
            );
        }
        let Range { start, end } = body.inside;
        out.push_str(&source[done..start]);
        out.push_str(newline);
        for span in given.iter().filter(|span| span.start < end && start < span.end) {
            let within = start < span.start && span.end <= end;
            ensure!(within, "a `// given` span begins or ends in the middle of {}", body.path);
            out.push_str(&source[span.clone()]);
        }
        let line = source[..end].rfind('\n').map_or(0, |at| at + 1);
        let indent: String =
            source[line..].chars().take_while(|c| *c == ' ' || *c == '\t').collect();
        let message = format!("step {step}: {}", body.path);
        out.push_str(&todo(&format!("{indent}    "), &message, body.constant, "", newline));
        out.push_str(&indent);
        done = end;
    }
    out.push_str(&source[done..]);
    Ok(out)
}

/// A starter with the bodies of `book` put back: the proof that cutting changed nothing else.
///
/// # Errors
/// When the two do not have the same functions in the same order.
pub fn put_back(starter: &str, book: &str, module: &str) -> Result<String> {
    let (from, into) = (bodies(book, module)?, bodies(starter, module)?);
    let names = |all: &[Body]| all.iter().map(|body| body.path.clone()).collect::<Vec<_>>();
    ensure!(names(&from) == names(&into), "the functions differ from the book's");
    let mut out = String::with_capacity(book.len());
    let mut done = 0;
    for (from, into) in from.iter().zip(&into) {
        out.push_str(&starter[done..into.inside.start]);
        out.push_str(&book[from.inside.clone()]);
        done = into.inside.end;
    }
    out.push_str(&starter[done..]);
    Ok(out)
}

/// The source file `path` of a step with its bodies cut out; `path` is one of [`Chapter::step_files`].
///
/// # Errors
/// As [`starter`], with the file's name.
pub fn step_file(chapter: &Chapter, step: &Step, path: &Path) -> Result<String> {
    let text =
        fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    starter(&text, &module_of(chapter, path), step.number())
        .with_context(|| format!("in {}", path.display()))
}

/// `frame::reader` for `src/frame/reader.rs`, `frame` for `src/frame/mod.rs`.
pub fn module_of(chapter: &Chapter, path: &Path) -> String {
    let below = path.strip_prefix(chapter.dir.join("src")).unwrap_or(path).with_extension("");
    let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
    let names = match names.split_last() {
        Some((last, rest)) if last == "mod" && !rest.is_empty() => rest,
        _ => &names,
    };
    names.join("::")
}

/// What the reader edits: the solution with each span from `// begin: …` to `// end` turned into a `todo!`.
///
/// # Errors
/// When there is no span, or a mark without its partner; the line's number.
pub fn exercise_starter(solution: &str, id: &str) -> Result<String> {
    let newline = if solution.contains("\r\n") { "\r\n" } else { "\n" };
    let lines: Vec<&str> = solution.split_inclusive('\n').collect();
    let mut out = String::with_capacity(solution.len());
    let mut open: Option<(usize, &str, &str)> = None;
    let mut spans = 0;
    for (number, line) in lines.iter().enumerate() {
        let text = line.trim();
        if let Some(task) = text.strip_prefix("// begin:") {
            if let Some((begun, ..)) = open {
                bail!("line {}: a span begins within the one of line {begun}", number + 1);
            }
            open = Some((number + 1, &line[..line.len() - line.trim_start().len()], task.trim()));
        } else if text == "// end" {
            let Some((_, indent, task)) = open.take() else {
                bail!("line {}: `// end` without `// begin: …`", number + 1);
            };
            let code = |line: &&&str| !line.trim().is_empty() && !line.trim().starts_with("//");
            let last = lines[number + 1..].iter().find(code);
            let semicolon = if last.is_none_or(|l| l.trim().starts_with('}')) { "" } else { ";" };
            out.push_str(&todo(indent, &format!("{id}: {task}"), false, semicolon, newline));
            spans += 1;
        } else if open.is_none() {
            out.push_str(line);
        }
    }
    if let Some((begun, ..)) = open {
        bail!("line {begun}: `// begin: …` without `// end`");
    }
    ensure!(spans > 0, "there is no `// begin: …`, so nothing is left to the reader");
    Ok(out)
}

/// A `todo!` of a starter that still stands in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// `step 2` or `ex_shout`.
    pub owner: String,
    /// `frame::Reader::next`, or what is to do.
    pub what: String,
}

/// The starter's `todo!`s that stand in a source, in its order; not those in comments. None where it is not Rust.
pub fn left(source: &str) -> Vec<Left> {
    let mut found = Vec::new();
    let tokens = source.trim_start_matches('\u{feff}').parse::<TokenStream>();
    tokens.into_iter().for_each(|tokens| left_in(tokens, &mut found));
    found
}

fn left_in(tokens: TokenStream, found: &mut Vec<Left>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let TokenTree::Group(group) = token else { continue };
        let name = match tokens[..at] {
            [.., TokenTree::Ident(ref name), TokenTree::Punct(ref mark)]
                if mark.as_char() == '!' =>
            {
                name.to_string()
            }
            _ => String::new(),
        };
        let first = group.stream().into_iter().next();
        let message = match (name.as_str(), first) {
            ("todo" | "panic", Some(TokenTree::Literal(text))) => {
                syn::parse_str::<syn::LitStr>(&text.to_string()).ok().map(|text| text.value())
            }
            _ => None,
        };
        let message = message.as_deref().and_then(|text| match name.as_str() {
            "panic" => text.strip_prefix("not yet implemented: "),
            _ => Some(text),
        });
        match message.and_then(|text| text.split_once(": ")) {
            Some((owner, what)) if owner.starts_with("step ") || owner.starts_with("ex_") => {
                let what = what.trim().replace("{{", "{").replace("}}", "}");
                found.push(Left { owner: owner.into(), what });
            }
            _ => left_in(group.stream(), found),
        }
    }
}

/// One `todo!` as rustfmt leaves it at 80 columns: on one line where it fits, otherwise with its message on a line of its own.
fn todo(indent: &str, message: &str, constant: bool, semicolon: &str, newline: &str) -> String {
    let quoted = message.replace('\\', "\\\\").replace('"', "\\\"");
    let quoted = quoted.replace('{', "{{").replace('}', "}}");
    // `todo!` with a message formats, which a `const fn` must not; a literal alone is fine, and reads the same.
    let (name, quoted) = match constant {
        true => ("panic", format!("\"not yet implemented: {quoted}\"")),
        false => ("todo", format!("\"{quoted}\"")),
    };
    let line = format!("{indent}{name}!({quoted}){semicolon}");
    let inner = format!("{indent}    {quoted}");
    if line.chars().count() <= 80 {
        format!("{line}{newline}")
    } else {
        format!("{indent}{name}!({newline}{inner}{newline}{indent}){semicolon}{newline}")
    }
}

/// The bytes of each `// given: …` to `// given end`, whole lines.
fn given(source: &str) -> Result<Vec<Range<usize>>> {
    let (mut spans, mut open, mut at) = (Vec::new(), None, 0);
    for (number, line) in source.split_inclusive('\n').enumerate() {
        let text = line.trim();
        if text.starts_with("// given:") {
            ensure!(open.is_none(), "line {}: `// given:` within another", number + 1);
            open = Some((number + 1, at));
        } else if text == "// given end" {
            let Some((_, start)) = open.take() else {
                bail!("line {}: `// given end` without `// given:`", number + 1);
            };
            spans.push(start..at + line.len());
        }
        at += line.len();
    }
    if let Some((number, _)) = open {
        bail!("line {number}: `// given:` without `// given end`");
    }
    Ok(spans)
}

/// Walks items, never into bodies: what is nested in a function is part of it.
struct Finder {
    path: Vec<String>,
    found: Vec<Body>,
}

impl Finder {
    fn add(
        &mut self,
        signature: &syn::Signature,
        block: &syn::Block,
        attributes: &[syn::Attribute],
    ) {
        if only_for_tests(attributes) {
            return;
        }
        let mut opaque = Opaque(false);
        opaque.visit_return_type(&signature.output);
        let braces = block.brace_token.span;
        self.found.push(Body {
            path: format!("{}::{}", self.path.join("::"), signature.ident),
            inside: braces.open().byte_range().end..braces.close().byte_range().start,
            constant: signature.constness.is_some(),
            opaque: opaque.0,
        });
    }

    fn within(&mut self, name: String, walk: impl FnOnce(&mut Self)) {
        self.path.push(name);
        walk(self);
        self.path.pop();
    }
}

impl<'ast> Visit<'ast> for Finder {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !only_for_tests(&item.attrs) {
            self.within(item.ident.to_string(), |this| visit::visit_item_mod(this, item));
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if only_for_tests(&item.attrs) {
            return;
        }
        let ty = type_name(&item.self_ty);
        let of = item.trait_.as_ref().and_then(|(path, _)| path.segments.last());
        let of = of.map(|segment| segment.ident.to_string());
        let name = of.map_or_else(|| ty.clone(), |of| format!("<{ty} as {of}>"));
        self.within(name, |this| visit::visit_item_impl(this, item));
    }

    fn visit_item_trait(&mut self, item: &'ast syn::ItemTrait) {
        if !only_for_tests(&item.attrs) {
            self.within(item.ident.to_string(), |this| visit::visit_item_trait(this, item));
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.add(&item.sig, &item.block, &item.attrs);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.add(&item.sig, &item.block, &item.attrs);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.add(&item.sig, block, &item.attrs);
        }
    }

    // Functions can hide in the blocks of these; they are constants, and stay.
    fn visit_expr(&mut self, _: &'ast syn::Expr) {}
}

/// Whether a type says `impl Trait` anywhere.
struct Opaque(bool);

impl<'ast> Visit<'ast> for Opaque {
    fn visit_type_impl_trait(&mut self, _: &'ast syn::TypeImplTrait) {
        self.0 = true;
    }
}

/// `#[test]`, `#[cfg(test)]`, `#[cfg(all(test, unix))]`; not `#[cfg(not(test))]`.
fn only_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::Path(path) => path.is_ident("test"),
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let said: String =
                list.tokens.to_string().chars().filter(|c| !c.is_whitespace()).collect();
            let alone = |text: &str| {
                text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "test")
            };
            alone(&said) && !said.starts_with("not(") && !said.starts_with("any(")
        }
        _ => false,
    })
}

/// `Reader` for `Reader<'a, R>` and `&mut Reader`; the type's text for what has no name.
fn type_name(ty: &syn::Type) -> String {
    match ty {
        syn::Type::Path(path) => {
            path.path.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
        }
        syn::Type::Reference(inner) => format!("&{}", type_name(&inner.elem)),
        other => other.span().source_text().unwrap_or_else(|| "_".into()),
    }
}

#[cfg(test)]
mod tests;
