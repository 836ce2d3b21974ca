//! What a chapter is: its folder, its steps and its exercises, as `exercises.toml` names them.
//!
//! Everything else in the runner (cutting, checking, hints, progress) and in `tests/` asks here, so that there is one
//! reading of the layout that CONTRIBUTING.md describes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use serde::Deserialize;

/// One chapter of the book: a crate under `chapters/`.
#[derive(Debug, Clone)]
pub struct Chapter {
    /// The folder's and the package's name: `ch01-sockets`.
    pub name: String,
    /// `chapters/ch01-sockets`, absolute.
    pub dir: PathBuf,
    /// The chapter's title.
    pub title: String,
    /// 1 (a first look) to 3 (hard).
    pub level: u8,
    /// Reading and building, in minutes.
    pub minutes: u32,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// What goes beyond the steps.
    pub exercises: Vec<Exercise>,
}

/// One layer of a chapter: modules, a stage, tests and a page of the same name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// `step1_echo`: names the stage, the tests and (as `1-echo.md`) the page.
    pub id: String,
    /// What the step is called on its page.
    pub title: String,
    /// The modules of `src/lib.rs` that the step adds.
    pub modules: Vec<String>,
    /// Time to rebuild it, in minutes.
    pub minutes: u32,
    /// Nudge, approach, skeleton.
    pub hints: Vec<String>,
    /// Hints that come before those while the first `todo!` left is that of this function: `frame::last_word`.
    #[serde(default)]
    pub hints_for: BTreeMap<String, Vec<String>>,
}

/// A task beyond the steps.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exercise {
    /// `ex_shout`: names `exercises/`, `solutions/` and `tests/` files.
    pub id: String,
    /// What it is called on its page.
    pub title: String,
    /// What kind of task it is.
    pub kind: Kind,
    /// 1 to 3.
    pub level: u8,
    /// Time it takes, in minutes.
    pub minutes: u32,
    /// Page and anchor within the chapter's folder: `1-echo.md#your-turn`.
    pub section: String,
    /// Nudge, approach, skeleton.
    pub hints: Vec<String>,
}

/// The kinds of exercises beside the steps themselves (which are of the kind "rebuild").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A command or feature that the chapter left out.
    Extend,
    /// Write the test that kills a mutant.
    Bughunt,
    /// Meet a stated ratio.
    Measure,
    /// Reproduce a transcript that was recorded from the real system.
    Conform,
}

impl Kind {
    /// The word that `exercises.toml` has for it.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Extend => "extend",
            Kind::Bughunt => "bughunt",
            Kind::Measure => "measure",
            Kind::Conform => "conform",
        }
    }
}

impl Step {
    /// 1 for `step1_echo`.
    pub fn number(&self) -> usize {
        self.id
            .trim_start_matches("step")
            .split('_')
            .next()
            .and_then(|n| n.parse().ok())
            .unwrap_or(0)
    }

    /// `echo` for `step1_echo`: what progress remembers, since numbers may change.
    pub fn name(&self) -> &str {
        self.id.split_once('_').map_or(&self.id, |(_, name)| name)
    }

    /// `1-echo.md` for `step1_echo`.
    pub fn page(&self) -> String {
        format!("{}-{}.md", self.number(), self.name())
    }
}

impl Chapter {
    /// All chapters below `root/chapters`, in order.
    ///
    /// # Errors
    /// When a chapter's `exercises.toml` is missing or cannot be understood: the file, its line and what is wrong there.
    pub fn all(root: &Path) -> Result<Vec<Chapter>> {
        folders(root)?.iter().map(|dir| Chapter::load(dir)).collect()
    }

    /// As [`Chapter::all`], without those that cannot be understood: one broken chapter stops nobody who works on another.
    ///
    /// # Errors
    /// When there is no `chapters/`.
    pub fn sound(root: &Path) -> Result<Vec<Chapter>> {
        Ok(folders(root)?.iter().filter_map(|dir| Chapter::load(dir).ok()).collect())
    }

    /// The names of all chapters, in order: `ch01-sockets`.
    ///
    /// # Errors
    /// When there is no `chapters/`.
    pub fn names(root: &Path) -> Result<Vec<String>> {
        Ok(folders(root)?.iter().map(|dir| name_of(dir)).collect())
    }

    /// What is wrong with each chapter that [`Chapter::sound`] leaves out.
    pub fn broken(root: &Path) -> Vec<anyhow::Error> {
        let folders = folders(root).unwrap_or_default();
        folders.iter().filter_map(|dir| Chapter::load(dir).err()).collect()
    }

    /// The chapter that a reader means by `ch01`, `1`, `01` or `ch01-sockets`.
    ///
    /// # Errors
    /// When there is none such; the message lists those that there are. As [`Chapter::all`], for this chapter.
    pub fn find(root: &Path, wanted: &str) -> Result<Chapter> {
        let wanted = bare(wanted);
        let folders = folders(root)?;
        let names: Vec<String> = folders.iter().map(|dir| name_of(dir)).collect();
        let number =
            wanted.trim_start_matches("ch").split('-').next().and_then(|n| n.parse::<u32>().ok());
        let is_meant = |name: &String| {
            name == wanted || (!wanted.contains('-') && number == Some(number_of(name)))
        };
        match names.iter().position(is_meant) {
            Some(at) => Chapter::load(&folders[at]),
            None => Err(crate::usage(format!(
                "there is no chapter {wanted:?}; the book has {}",
                names.join(", ")
            ))),
        }
    }

    /// The chapter in one folder.
    ///
    /// # Errors
    /// As [`Chapter::all`].
    pub fn load(dir: &Path) -> Result<Chapter> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct File {
            title: String,
            level: u8,
            minutes: u32,
            #[serde(default)]
            step: Vec<Step>,
            #[serde(default)]
            exercise: Vec<Exercise>,
        }
        let name = name_of(dir);
        let shown = format!("chapters/{name}/exercises.toml");
        let text = fs::read_to_string(dir.join("exercises.toml"))
            .with_context(|| format!("cannot read {shown}"))?;
        let file: File = toml::from_str(&text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let what = error.message().replace('\n', ", ");
            anyhow!("{shown}:{}: {what}", before.matches('\n').count() + 1)
        })?;
        for (index, step) in file.step.iter().enumerate() {
            if !step.id.starts_with(&format!("step{}_", index + 1)) {
                let before = text.find(&format!("\"{}\"", step.id)).map_or("", |at| &text[..at]);
                bail!(
                    "{shown}:{}: step {:?} is number {} of the file, so its id starts with step{}_",
                    before.matches('\n').count() + 1,
                    step.id,
                    index + 1,
                    index + 1
                );
            }
        }
        Ok(Chapter {
            name,
            dir: dir.to_path_buf(),
            title: file.title,
            level: file.level,
            minutes: file.minutes,
            steps: file.step,
            exercises: file.exercise,
        })
    }

    /// The repository, two folders above the chapter's.
    pub fn root(&self) -> &Path {
        self.dir.ancestors().nth(2).unwrap_or(&self.dir)
    }

    /// 1 for `ch01-sockets`.
    pub fn number(&self) -> u32 {
        number_of(&self.name)
    }

    /// The library's name: `ch01_sockets`.
    pub fn lib_name(&self) -> String {
        self.name.replace('-', "_")
    }

    /// `ch01`: what a reader types.
    pub fn short(&self) -> &str {
        self.name.split('-').next().unwrap_or(&self.name)
    }

    /// The step that a module of `src/lib.rs` belongs to.
    pub fn step_of_module(&self, module: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.modules.iter().any(|name| name == module))
    }

    /// The source files of a step, below `src/`, in the order in which `exercises.toml` names its modules: a module is a
    /// file, or a folder of files with the module's own in it or beside it. The module's own comes first, then those that
    /// it declares in its order, so that what a reader writes first stands first.
    pub fn step_files(&self, step: &Step) -> Vec<PathBuf> {
        let src = self.dir.join("src");
        let mut files = Vec::new();
        for module in &step.modules {
            let mut own = Vec::new();
            let file = src.join(format!("{module}.rs"));
            if file.is_file() {
                own.push(file);
            }
            let mut pending = vec![src.join(module)];
            while let Some(folder) = pending.pop() {
                for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
                    let path = entry.path();
                    if path.is_dir() {
                        pending.push(path);
                    } else if path.extension().is_some_and(|ext| ext == "rs") {
                        own.push(path);
                    }
                }
            }
            let first = |path: &PathBuf| {
                path.parent() == Some(&src) || *path == src.join(module).join("mod.rs")
            };
            own.sort();
            let text = own.iter().find(|path| first(path)).map(fs::read_to_string);
            let text = text.and_then(Result::ok).unwrap_or_default();
            own.sort_by_cached_key(|path| {
                let below = path.strip_prefix(src.join(module)).unwrap_or(path).with_extension("");
                let child = below.iter().next().unwrap_or_default().to_string_lossy().into_owned();
                let place = text.find(&format!("mod {child};")).unwrap_or(usize::MAX);
                (!first(path), place)
            });
            files.extend(own);
        }
        files
    }
}

/// What is meant by a folder as a shell completes it: `ch01-sockets` for `my/ch01-sockets/`.
pub fn bare(wanted: &str) -> &str {
    let below = ["my/", "chapters/"].iter().find_map(|folder| wanted.strip_prefix(folder));
    below.unwrap_or(wanted).trim_end_matches('/')
}

/// The folders of the chapters, in order.
fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let folder = root.join("chapters");
    let mut found: Vec<PathBuf> = fs::read_dir(&folder)
        .with_context(|| format!("cannot list {}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect();
    found.sort();
    Ok(found)
}

/// A folder's own name.
fn name_of(dir: &Path) -> String {
    dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// 1 for `ch01-sockets`.
fn number_of(name: &str) -> u32 {
    name.trim_start_matches("ch").split('-').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// The repository's root: the folder above this source's, or the nearest one above the current folder that has a `book.toml`.
///
/// # Errors
/// When neither is there: the workbook was moved after it was built and is started from elsewhere.
pub fn root() -> Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder is gone")?;
    let found = here
        .ancestors()
        .find(|dir| dir.join("book.toml").is_file() && dir.join("chapters").is_dir());
    if let Some(dir) = found {
        return Ok(dir.to_path_buf());
    }
    let built = Path::new(env!("CARGO_MANIFEST_DIR"));
    if built.join("book.toml").is_file() {
        return Ok(built.to_path_buf());
    }
    bail!("this is not the workbook: no folder above {} has a book.toml", here.display())
}
