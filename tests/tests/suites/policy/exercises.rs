//! Rules on `exercises.toml` and on what it names.

use std::path::Path;

use workbook::chapter::Chapter;
use workbook::cut;
use workbook_tests::transcripts::root;

use super::{Finding, chapters, finding, finds, none, text};

/// Its tests.
pub const TESTS: &[(&str, fn())] = &[
    ("what_exercises_toml_names_is_there", what_exercises_toml_names_is_there),
    ("exercises_are_cut_from_their_solutions", exercises_are_cut_from_their_solutions),
];

/// What a chapter's `exercises.toml` names and `dir` or `pages` lack.
fn named(chapter: &Chapter, pages: &Path) -> Vec<Finding> {
    let file = format!("chapters/{}/exercises.toml", chapter.name);
    let mut found = Vec::new();
    let mut want = |there: bool, what: String| {
        if !there {
            found.push(finding(&file, 0, what));
        }
    };
    let dir = &chapter.dir;
    want((1..=3).contains(&chapter.level), "the chapter's level is 1, 2 or 3".into());
    want(chapter.minutes > 0 && !chapter.title.is_empty(), "a title, and minutes".into());
    for step in &chapter.steps {
        let id = &step.id;
        want(step.hints.len() == 3, format!("{id} has {} hints, not three", step.hints.len()));
        let files = chapter.step_files(step).into_iter();
        let starters = files.filter_map(|path| cut::step_file(chapter, step, &path).ok());
        let todos: Vec<_> = starters.flat_map(|starter| cut::left(&starter)).collect();
        for what in step.hints_for.keys() {
            let there = todos.iter().any(|todo| todo.what == *what);
            want(there, format!("{id} has hints for `{what}`, of which its starter has no todo"));
        }
        want(step.minutes > 0, format!("{id} takes some minutes"));
        for path in [format!("examples/{id}.rs"), format!("tests/{id}.rs")] {
            want(dir.join(&path).is_file(), format!("{id} needs {path}"));
        }
        let page = step.page();
        want(pages.join(&page).is_file(), format!("{id} needs book/{}/{page}", chapter.name));
        for module in &step.modules {
            let there = [format!("src/{module}.rs"), format!("src/{module}/mod.rs")];
            let there = there.iter().any(|path| dir.join(path).is_file());
            want(there, format!("{id} names the module `{module}`, which is not in src/"));
        }
    }
    for exercise in &chapter.exercises {
        let id = &exercise.id;
        want(id.starts_with("ex_"), format!("{id} should begin with ex_"));
        want(
            exercise.hints.len() == 3,
            format!("{id} has {} hints, not three", exercise.hints.len()),
        );
        want((1..=3).contains(&exercise.level), format!("{id}: the level is 1, 2 or 3"));
        want(exercise.minutes > 0, format!("{id} takes some minutes"));
        for folder in ["solutions", "exercises", "tests"] {
            want(
                dir.join(folder).join(format!("{id}.rs")).is_file(),
                format!("{id} needs {folder}/{id}.rs"),
            );
        }
        let (page, anchor) = exercise.section.split_once('#').unwrap_or((&exercise.section, ""));
        let page_text = std::fs::read_to_string(pages.join(page)).unwrap_or_default();
        let heading = page_text
            .lines()
            .filter_map(|line| line.strip_prefix('#'))
            .any(|line| slug(line.trim_start_matches('#').trim()) == anchor);
        want(heading, format!("{id}: there is no heading for {}", exercise.section));
        want(page_text.contains(id.as_str()), format!("{id}: {page} does not mention it"));
    }
    let known: Vec<&str> = chapter
        .steps
        .iter()
        .map(|step| step.id.as_str())
        .chain(chapter.exercises.iter().map(|exercise| exercise.id.as_str()))
        .collect();
    for folder in ["exercises", "solutions", "examples", "tests"] {
        for entry in std::fs::read_dir(dir.join(folder)).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(id) = name.strip_suffix(".rs") else { continue };
            if id.starts_with("step") || id.starts_with("ex_") {
                want(known.contains(&id), format!("it does not name {folder}/{name}"));
            }
        }
    }
    found
}

/// A heading's id, as mdBook makes it.
fn slug(heading: &str) -> String {
    let keep = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' || c == '-' => Some(c.to_ascii_lowercase()),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    };
    heading.chars().filter_map(keep).collect()
}

fn what_exercises_toml_names_is_there() {
    let pages = |chapter: &Chapter| root().join("book").join(&chapter.name);
    none(chapters().iter().flat_map(|chapter| named(chapter, &pages(chapter))));

    let folder = tempfile::tempdir().expect("a folder");
    let dir = folder.path().join("ch09-x");
    for path in ["exercises", "examples"] {
        std::fs::create_dir_all(dir.join(path)).expect("a folder");
    }
    std::fs::write(dir.join("examples/step2_old.rs"), "").expect("a file");
    std::fs::write(
        dir.join("exercises.toml"),
        "title = \"X\"\nlevel = 4\nminutes = 1\n[[step]]\nid = \"step1_a\"\ntitle = \"A\"\nmodules = [\"a\"]\nminutes = 1\n\
         hints = [\"one\"]\nhints_for = { \"a::b\" = [] }\n[[exercise]]\nid = \"ex_b\"\ntitle = \"B\"\nkind = \"extend\"\nlevel = 1\nminutes = 1\n\
         section = \"1-a.md#your-turn\"\nhints = [\"1\", \"2\", \"3\"]\n",
    )
    .expect("a file");
    let chapter = Chapter::load(&dir).expect("a chapter");
    finds(
        named(&chapter, &folder.path().join("book")),
        &[
            (0, "level"),
            (0, "1 hints"),
            (0, "hints for `a::b`"),
            (0, "examples/step1_a.rs"),
            (0, "tests/step1_a.rs"),
            (0, "1-a.md"),
            (0, "module `a`"),
            (0, "solutions/ex_b.rs"),
            (0, "exercises/ex_b.rs"),
            (0, "tests/ex_b.rs"),
            (0, "no heading"),
            (0, "does not mention"),
            (0, "examples/step2_old.rs"),
        ],
    );
}

/// Whether an exercise is what its solution gives.
fn uncut(file: &str, solution: &str, exercise: &str, id: &str) -> Vec<Finding> {
    match cut::exercise_starter(solution, id) {
        Err(error) => vec![finding(file, 0, format!("{error:#}"))],
        Ok(cut) if cut == exercise => Vec::new(),
        Ok(cut) => {
            let differs = cut.lines().zip(exercise.lines()).position(|(a, b)| a != b);
            let line =
                differs.map_or(cut.lines().count().min(exercise.lines().count()), |at| at) + 1;
            vec![finding(file, line, "not what its solution gives: `cargo run -- cut` writes it")]
        }
    }
}

fn exercises_are_cut_from_their_solutions() {
    let mut found = Vec::new();
    for chapter in chapters() {
        for exercise in &chapter.exercises {
            let (_, solution) = text(&chapter.dir.join(format!("solutions/{}.rs", exercise.id)));
            let (file, cut) = text(&chapter.dir.join(format!("exercises/{}.rs", exercise.id)));
            found.extend(uncut(&file, &solution, &cut, &exercise.id));
        }
    }
    none(found);

    let solution =
        "//! X.\n\n/// F.\npub fn f() -> u8 {\n    // begin: one\n    1\n    // end\n}\n";
    let cut = cut::exercise_starter(solution, "ex_f").expect("a cut");
    finds(uncut("e.rs", solution, &cut, "ex_f"), &[]);
    finds(
        uncut("e.rs", solution, &cut.replace("todo!", "panic!"), "ex_f"),
        &[(5, "cargo run -- cut")],
    );
}
