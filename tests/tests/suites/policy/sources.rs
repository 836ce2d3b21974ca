//! Rules on a chapter's Rust sources.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use proc_macro2::{TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, UseTree, Visibility};
use workbook::chapter::Chapter;

use super::{Finding, chapters, files, finding, finds, none, text};

/// Its tests.
pub const TESTS: &[(&str, fn())] = &[
    ("a_step_imports_only_what_is_below_it", a_step_imports_only_what_is_below_it),
    (
        "unsafe_code_stands_in_the_modules_of_system_calls_only",
        unsafe_code_stands_in_the_modules_of_system_calls_only,
    ),
    ("sources_do_not_panic_on_what_can_happen", sources_do_not_panic_on_what_can_happen),
    ("every_public_item_is_documented", every_public_item_is_documented),
    ("sources_fit_on_a_page", sources_fit_on_a_page),
    (
        "lib_rs_lists_the_modules_in_the_order_of_the_steps",
        lib_rs_lists_the_modules_in_the_order_of_the_steps,
    ),
];

/// A page shows sources, and a page has this many columns.
const COLUMNS: usize = 80;

/// A file that is longer has two ideas.
const LINES: usize = 500;

fn parse(file: &str, source: &str) -> syn::File {
    syn::parse_file(source).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.is_ident("test")
            || (path.is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|what| what.is_ident("test")))
    })
}

/// The names of a `use` as whole paths.
fn leaves(tree: &UseTree, before: &[String], all: &mut Vec<Vec<String>>) {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident), all),
        UseTree::Name(name) => all.push(with(&name.ident)),
        UseTree::Rename(name) => all.push(with(&name.ident)),
        UseTree::Glob(_) => all.push(before.to_vec()),
        UseTree::Group(group) => {
            group.items.iter().for_each(|tree| leaves(tree, before, all));
        }
    }
}

/// Every path of a file outside of its tests, with its line.
#[derive(Default)]
struct Paths(Vec<(usize, Vec<String>)>);

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let mut all = Vec::new();
        leaves(&item.tree, &[], &mut all);
        let line = item.span().start().line;
        self.0.extend(all.into_iter().map(|path| (line, path)));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0.push((path.span().start().line, names));
        visit::visit_path(self, path);
    }

    fn visit_visibility(&mut self, _: &'ast Visibility) {} // `pub(crate)` is no import
}

/// Modules import from steps before their own and from lower chapters, by the crates' names.
fn imports(
    file: &str,
    source: &str,
    lib: &str,
    own_step: usize,
    steps: &HashMap<String, usize>,
) -> Vec<Finding> {
    let mut paths = Paths::default();
    paths.visit_file(&parse(file, source));
    let mut found = Vec::new();
    for (line, path) in paths.0 {
        let first = path.first().map(String::as_str).unwrap_or_default();
        let second = path.get(1).map(String::as_str).unwrap_or_default();
        if matches!(first, "crate" | "super") && path.len() > 1 {
            let what = format!(
                "write `{lib}::…` for `{}`, so that the file can be lifted out",
                path.join("::")
            );
            found.push(finding(file, line, what));
        } else if first == lib {
            match steps.get(second) {
                Some(&step) if step > own_step => {
                    let what =
                        format!("step {own_step} cannot use `{second}`, which is step {step}'s");
                    found.push(finding(file, line, what));
                }
                _ => {}
            }
        } else if is_chapter(first) && first[2..4] > lib[2..4] {
            found.push(finding(file, line, format!("{lib} cannot use {first}, a later chapter")));
        }
    }
    found.dedup();
    found
}

/// Whether a path begins with a chapter's name: `ch01_sockets`.
fn is_chapter(name: &str) -> bool {
    name.len() > 5
        && name.starts_with("ch")
        && name.as_bytes()[2..4].iter().all(u8::is_ascii_digit)
        && name.as_bytes()[4] == b'_'
}

/// The step of each module.
fn steps(chapter: &Chapter) -> HashMap<String, usize> {
    let of = |step: &workbook::chapter::Step| {
        let number = step.number();
        step.modules.iter().map(|name| (name.clone(), number)).collect::<Vec<_>>()
    };
    chapter.steps.iter().flat_map(of).collect()
}

fn a_step_imports_only_what_is_below_it() {
    let mut found = Vec::new();
    for chapter in chapters() {
        let steps = steps(&chapter);
        for step in &chapter.steps {
            for path in chapter.step_files(step) {
                let (file, source) = text(&path);
                found.extend(imports(&file, &source, &chapter.lib_name(), step.number(), &steps));
            }
        }
    }
    none(found);

    let steps = HashMap::from([("echo".to_owned(), 1), ("frame".to_owned(), 2)]);
    let source = "use ch01_sockets::echo::serve;\nuse ch01_sockets::{echo, frame::Reader};\nuse crate::echo;\n\
                  use ch02_http::Request;\nuse ch00_toolbox::args;\nfn f() { ch01_sockets::frame::g() }\n\
                  #[cfg(test)]\nmod tests { use super::*; }\n";
    finds(
        imports("echo.rs", source, "ch01_sockets", 1, &steps),
        &[(2, "step 2"), (3, "lifted out"), (4, "later chapter"), (6, "step 2")],
    );
}

/// The tokens of a file, comments left out, groups opened.
fn tokens(stream: TokenStream, all: &mut Vec<TokenTree>) {
    for token in stream {
        if let TokenTree::Group(group) = &token {
            let inside = group.stream();
            all.push(token);
            tokens(inside, all);
        } else {
            all.push(token);
        }
    }
}

fn tokens_of(file: &str, source: &str) -> Vec<TokenTree> {
    let mut all = Vec::new();
    tokens(source.parse().unwrap_or_else(|error| panic!("{file}: {error}")), &mut all);
    all
}

/// Where `unsafe` may stand: the toolbox's system calls, and those that the event loop alone makes.
const SYSTEM_CALLS: [&str; 2] =
    ["chapters/ch00-toolbox/src/sys/", "chapters/ch02-event-loop/src/sys.rs"];

/// What a chapter's `lib.rs` must say about `unsafe`. One with system calls of its own cannot forbid it, since nothing
/// below a `forbid` may allow it again; it denies it, and the one module allows it.
fn lint(chapter: &str) -> Option<&'static str> {
    match chapter {
        "ch00-toolbox" => None,
        "ch02-event-loop" => Some("#![deny(unsafe_code)]"),
        _ => Some("#![forbid(unsafe_code)]"),
    }
}

/// `unsafe` stands in the modules of system calls and nowhere else.
fn unsafe_code(file: &str, source: &str) -> Vec<Finding> {
    let words = tokens_of(file, source);
    let lines = words.iter().filter_map(|token| match token {
        TokenTree::Ident(word) if *word == "unsafe" => Some(word.span().start().line),
        _ => None,
    });
    let what = "no `unsafe` here: ch00_toolbox::sys has the system calls";
    lines.map(|line| finding(file, line, what)).collect()
}

fn unsafe_code_stands_in_the_modules_of_system_calls_only() {
    let mut found = Vec::new();
    for chapter in chapters() {
        for path in files(&chapter.dir, &["rs"]) {
            let (file, source) = text(&path);
            if !SYSTEM_CALLS.iter().any(|allowed| file.starts_with(allowed)) {
                found.extend(unsafe_code(&file, &source));
            }
        }
        let (file, source) = text(&chapter.dir.join("src/lib.rs"));
        if let Some(lint) = lint(&chapter.name).filter(|lint| !source.contains(lint)) {
            found.push(finding(&file, 1, format!("begin with `{lint}`")));
        }
    }
    none(found);

    let source = "// unsafe\n/// unsafe\nfn f() { unsafe { g() } }\nunsafe extern \"C\" {}\n\
                  fn h() { m!(unsafe { g() }) }\n#[allow(unsafe_code)]\nfn i() {}\n";
    finds(unsafe_code("a.rs", source), &[(3, "unsafe"), (4, "unsafe"), (5, "unsafe")]);
}

/// The lines of a file that belong to its tests.
fn test_lines(file: &syn::File) -> Vec<RangeInclusive<usize>> {
    struct Tests(Vec<RangeInclusive<usize>>);
    impl<'ast> Visit<'ast> for Tests {
        fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
            if is_test(&item.attrs) {
                self.0.push(item.span().start().line..=item.span().end().line);
            }
            visit::visit_item_mod(self, item);
        }
        fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
            if is_test(&item.attrs) {
                self.0.push(item.span().start().line..=item.span().end().line);
            }
        }
    }
    let mut tests = Tests(Vec::new());
    tests.visit_file(file);
    tests.0
}

/// `unwrap` never, `expect` with a reason, nothing left to do.
fn panics(file: &str, source: &str) -> Vec<Finding> {
    let tests = test_lines(&parse(file, source));
    let all = tokens_of(file, source);
    let mut found = Vec::new();
    for (index, token) in all.iter().enumerate() {
        let TokenTree::Ident(name) = token else { continue };
        let line = name.span().start().line;
        if tests.iter().any(|range| range.contains(&line)) {
            continue;
        }
        let after = |what: char| matches!(all.get(index.wrapping_sub(1)), Some(TokenTree::Punct(p)) if p.as_char() == what);
        let before = |what: char| matches!(all.get(index + 1), Some(TokenTree::Punct(p)) if p.as_char() == what);
        match name.to_string().as_str() {
            "unwrap" | "unwrap_err" if after('.') => {
                found.push(finding(file, line, "no `unwrap` in src/: return the error"));
            }
            "expect" if after('.') => {
                let reason = match all.get(index + 2) {
                    Some(TokenTree::Literal(text)) => text.to_string(),
                    _ => String::new(),
                };
                if reason.split_whitespace().count() < 3 {
                    let what = "`expect` says why it cannot fail, in some words";
                    found.push(finding(file, line, what));
                }
            }
            "todo" | "unimplemented" | "dbg" if before('!') => {
                found.push(finding(file, line, format!("no `{name}!` in src/")));
            }
            _ => {}
        }
    }
    found
}

fn sources_do_not_panic_on_what_can_happen() {
    let mut found = Vec::new();
    for chapter in chapters() {
        for path in files(&chapter.dir.join("src"), &["rs"]) {
            let (file, source) = text(&path);
            found.extend(panics(&file, &source));
        }
    }
    none(found);

    let source = "fn f() { a.unwrap(); }\nfn g() { a.expect(\"no\"); println!(\"{}\", a.unwrap()) }\n\
                  fn h() { a.expect(\"invariant 3: never empty\"); a.unwrap_or(1); todo!() }\n\
                  #[cfg(test)]\nmod tests {\n  fn f() { a.unwrap() }\n}\n";
    finds(panics("a.rs", source), &[(1, "unwrap"), (2, "expect"), (2, "unwrap"), (3, "todo")]);
}

/// Public items without a doc comment.
#[derive(Default)]
struct Undocumented(Vec<(usize, String)>);

impl Undocumented {
    fn item(
        &mut self,
        public: bool,
        attributes: &[Attribute],
        name: &dyn ToString,
        at: &dyn Spanned,
    ) {
        let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
        if public && !documented {
            self.0.push((at.span().start().line, name.to_string()));
        }
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

impl<'ast> Visit<'ast> for Undocumented {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        use syn::Item;
        match item {
            Item::Fn(x) => self.item(is_public(&x.vis), &x.attrs, &x.sig.ident, &x.sig),
            Item::Struct(x) => self.item(is_public(&x.vis), &x.attrs, &x.ident, &x.ident),
            Item::Enum(x) => {
                self.item(is_public(&x.vis), &x.attrs, &x.ident, &x.ident);
                for variant in &x.variants {
                    self.item(is_public(&x.vis), &variant.attrs, &variant.ident, &variant.ident);
                }
            }
            Item::Trait(x) => {
                self.item(is_public(&x.vis), &x.attrs, &x.ident, &x.ident);
                for inner in &x.items {
                    if let syn::TraitItem::Fn(x) = inner {
                        self.item(true, &x.attrs, &x.sig.ident, &x.sig);
                    }
                }
            }
            Item::Const(x) => self.item(is_public(&x.vis), &x.attrs, &x.ident, &x.ident),
            Item::Static(x) => self.item(is_public(&x.vis), &x.attrs, &x.ident, &x.ident),
            Item::Type(x) => self.item(is_public(&x.vis), &x.attrs, &x.ident, &x.ident),
            Item::Mod(x) if is_test(&x.attrs) => return,
            Item::Mod(x) if x.content.is_some() => {
                self.item(is_public(&x.vis), &x.attrs, &x.ident, &x.ident);
            }
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_item_struct(&mut self, item: &'ast syn::ItemStruct) {
        for field in item.fields.iter().filter(|field| field.ident.is_some()) {
            let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
            let public = is_public(&item.vis) && is_public(&field.vis);
            self.item(public, &field.attrs, &name, field);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast syn::ImplItemFn) {
        let public = is_public(&method.vis);
        self.item(public, &method.attrs, &method.sig.ident, &method.sig);
    }
}

/// Every public item is documented, and so is every file.
fn documentation(file: &str, source: &str) -> Vec<Finding> {
    let parsed = parse(file, source);
    let mut undocumented = Undocumented::default();
    undocumented.visit_file(&parsed);
    let mut found: Vec<Finding> = undocumented
        .0
        .into_iter()
        .map(|(line, name)| finding(file, line, format!("document `{name}`, which is public")))
        .collect();
    if !parsed.attrs.iter().any(|attribute| attribute.path().is_ident("doc")) {
        let what = "begin with `//!`: what this is in the real system, its layout, its invariants";
        found.insert(0, finding(file, 1, what));
    }
    found
}

fn every_public_item_is_documented() {
    let mut found = Vec::new();
    for chapter in chapters() {
        for path in files(&chapter.dir.join("src"), &["rs"]) {
            let (file, source) = text(&path);
            found.extend(documentation(&file, &source));
        }
    }
    none(found);

    let source = "//! A file.\n/// One.\npub fn f() {}\npub fn g() {}\n/// S.\npub struct S {\n    pub a: u8,\n    b: u8,\n}\n\
                  impl S {\n    pub fn m() {}\n    fn n() {}\n}\n/// E.\npub enum E {\n    A,\n}\n\
                  struct T {\n    pub a: u8,\n}\n";
    finds(documentation("a.rs", source), &[(4, "`g`"), (7, "`a`"), (11, "`m`"), (16, "`A`")]);
    finds(documentation("a.rs", "fn f() {}\n"), &[(1, "//!")]);
}

/// Lines that are too wide, files that are too long.
fn size(file: &str, source: &str) -> Vec<Finding> {
    let mut found = Vec::new();
    for (index, line) in source.lines().enumerate() {
        let columns = line.chars().count();
        if columns > COLUMNS {
            found.push(finding(
                file,
                index + 1,
                format!("{columns} columns, {COLUMNS} fit on a page"),
            ));
        }
    }
    let lines = source.lines().count();
    if lines >= LINES {
        found.push(finding(file, lines, format!("{lines} lines; split the file below {LINES}")));
    }
    found
}

fn sources_fit_on_a_page() {
    let mut found = Vec::new();
    for chapter in chapters() {
        for path in files(&chapter.dir, &["rs"]) {
            let (file, source) = text(&path);
            found.extend(size(&file, &source));
        }
        let rustfmt = chapter.dir.join("rustfmt.toml");
        if !std::fs::read_to_string(&rustfmt).is_ok_and(|text| text.contains("max_width = 80")) {
            let file = format!("chapters/{}/rustfmt.toml", chapter.name);
            found.push(finding(&file, 0, "say `max_width = 80`"));
        }
    }
    none(found);

    finds(size("a.rs", &format!("ok\n{}\n", "ü".repeat(81))), &[(2, "81 columns")]);
    finds(size("a.rs", &"\n".repeat(500)), &[(500, "split")]);
}

/// `lib.rs` is the chapter's table of contents: its own name, and the modules in the order of the steps.
fn contents(file: &str, source: &str, lib: &str, modules: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    if !source.contains(&format!("extern crate self as {lib};")) {
        found.push(finding(file, 1, format!("say `extern crate self as {lib};`")));
    }
    let parsed = parse(file, source);
    let public = parsed.items.iter().filter_map(|item| match item {
        syn::Item::Mod(item) if is_public(&item.vis) => {
            Some((item.ident.span().start().line, item.ident.to_string()))
        }
        _ => None,
    });
    let public: Vec<(usize, String)> = public.collect();
    let names: Vec<&str> = public.iter().map(|(_, name)| name.as_str()).collect();
    if names != modules {
        let line = public.iter().zip(modules).find(|((_, name), module)| name != *module);
        let line = line.map_or(1, |((line, _), _)| *line);
        let what = format!(
            "the modules are {}, but exercises.toml's steps add {}, in this order",
            names.join(", "),
            modules.join(", ")
        );
        found.push(finding(file, line, what));
    }
    found
}

fn lib_rs_lists_the_modules_in_the_order_of_the_steps() {
    let mut found = Vec::new();
    for chapter in chapters() {
        let (file, source) = text(&chapter.dir.join("src/lib.rs"));
        let modules: Vec<String> =
            chapter.steps.iter().flat_map(|step| step.modules.clone()).collect();
        found.extend(contents(&file, &source, &chapter.lib_name(), &modules));
    }
    none(found);

    let modules = ["a".to_owned(), "b".to_owned()];
    let source = "extern crate self as ch09_x;\npub mod b;\npub mod a;\n";
    finds(contents("lib.rs", source, "ch09_x", &modules), &[(2, "in this order")]);
    finds(
        contents("lib.rs", "pub mod a;\npub mod b;\n", "ch09_x", &modules),
        &[(1, "extern crate")],
    );
}
