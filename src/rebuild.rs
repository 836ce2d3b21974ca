//! A reader's rebuild of a chapter: the package `my/ch01-sockets`.
//!
//! It is the chapter with the bodies of its functions cut out from some step on. Its library keeps the chapter's name, so
//! sources, stages and tests stand in it unchanged; `solutions/` points at the book's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::chapter::Chapter;
use crate::cut;
use crate::source::{self, Odd};

/// A chapter together with the reader's folder for it.
#[derive(Debug, Clone)]
pub struct Rebuild {
    /// The book's chapter.
    pub chapter: Chapter,
    /// `my/ch01-sockets`, absolute.
    pub dir: PathBuf,
}

/// Files by their path below a folder.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Rebuild {
    /// The reader's folder for a chapter, whether it is there or not.
    pub fn of(root: &Path, chapter: Chapter) -> Rebuild {
        let dir = root.join("my").join(&chapter.name);
        Rebuild { chapter, dir }
    }

    /// As [`Rebuild::of`].
    ///
    /// # Errors
    /// When it has not been started; the message says how. When something else stands in its place.
    pub fn started(root: &Path, chapter: Chapter) -> Result<Rebuild> {
        let mine = Rebuild::of(root, chapter);
        if !mine.is_taken()? {
            bail!(
                "{} is not started: `cargo run -- start {}` lays it out in my/",
                mine.chapter.name,
                mine.chapter.short()
            );
        }
        Ok(mine)
    }

    /// Whether the reader's folder is there.
    ///
    /// # Errors
    /// When something else is: what, and the one way out. Cargo, too, stops at a folder in `my/` without a `Cargo.toml`.
    pub fn is_taken(&self) -> Result<bool> {
        let what = match fs::symlink_metadata(&self.dir) {
            Err(_) => return Ok(false),
            Ok(_) if self.exists() => return Ok(true),
            Ok(_) if self.dir.is_dir() => "is a folder without a Cargo.toml",
            Ok(found) if found.is_symlink() => "is a link that leads to no folder",
            Ok(_) => "is not a folder",
        };
        let (name, short) = (&self.chapter.name, self.chapter.short());
        bail!(
            "my/{name} {what}, so it is no rebuild. It stays as it is.\n  \
             to keep it elsewhere   mv my/{name} {name}.old\n  \
             then                   cargo run -- start {short}"
        )
    }

    /// Whether the reader has started the chapter.
    pub fn exists(&self) -> bool {
        self.dir.join("Cargo.toml").is_file()
    }

    /// `my/ch01-sockets/src/echo.rs`: a file of the rebuild as the reader names it.
    pub fn shown(&self, below: impl AsRef<Path>) -> String {
        format!("my/{}/{}", self.chapter.name, below.as_ref().display())
    }

    /// What a file of the rebuild holds; `None` if it is not there.
    ///
    /// # Errors
    /// As [`source::read`].
    pub fn read(&self, below: impl AsRef<Path>) -> Result<Option<Vec<u8>>, Odd> {
        source::read(&self.dir.join(below), source::MAX_BYTES)
    }

    /// The text of a source of the rebuild; none if there is none to be had.
    pub fn text(&self, below: impl AsRef<Path>) -> String {
        let bytes = self.read(below).ok().flatten().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// When one of its sources was last saved.
    fn last_saved(&self) -> Option<SystemTime> {
        let folders = ["src", "exercises", "tests", "examples"];
        let files = folders.iter().flat_map(|folder| walk(&self.dir.join(folder)));
        files.filter_map(|file| fs::metadata(file).ok()?.modified().ok()).max()
    }
}

/// Waits until no other runner writes in `my/`, and keeps them all waiting as long as the answer lives.
///
/// # Errors
/// When there is no `my/` and none can be made.
pub fn turn(root: &Path) -> Result<File> {
    let folder = root.join("my");
    let open = || {
        fs::create_dir_all(&folder)?;
        let lock = File::open(&folder)?;
        lock.lock().map(|()| lock)
    };
    open().with_context(|| format!("cannot open {}", folder.display()))
}

/// What a word without arguments is about: the rebuild that the reader stands in, otherwise the one whose sources were saved
/// last.
///
/// # Errors
/// When the chapters cannot be read.
pub fn current(root: &Path) -> Result<Option<Rebuild>> {
    let all = Chapter::sound(root)?.into_iter().map(|chapter| Rebuild::of(root, chapter));
    let here = std::env::current_dir().unwrap_or_default();
    let stands_in = |mine: &Rebuild| here.starts_with(&mine.dir);
    Ok(all.filter(Rebuild::exists).max_by_key(|mine| (stands_in(mine), mine.last_saved())))
}

/// All files below a folder, in order; none if it is not there.
pub fn walk(dir: &Path) -> Vec<PathBuf> {
    let (mut files, mut pending) = (Vec::new(), vec![dir.to_path_buf()]);
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => pending.push(path),
                Ok(_) => files.push(path),
                Err(_) => {}
            }
        }
    }
    files.sort();
    files
}

/// Everything that a rebuild of `chapter` begins with when steps from `from` on are left to the reader; `from` past the last
/// step gives the whole chapter.
///
/// # Errors
/// When a file cannot be read or cut.
pub fn files(root: &Path, chapter: &Chapter, from: usize) -> Result<Files> {
    let mut files = Files::new();
    files.insert("Cargo.toml".into(), manifest(root, chapter)?.into_bytes());
    if let Ok(text) = fs::read(chapter.dir.join("rustfmt.toml")) {
        files.insert("rustfmt.toml".into(), text);
    }
    for folder in ["src", "examples", "tests", "exercises", "judges"] {
        for path in walk(&chapter.dir.join(folder)) {
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            files.insert(below(chapter, &path), text);
        }
    }
    for step in chapter.steps.iter().filter(|step| step.number() >= from) {
        for path in chapter.step_files(step) {
            files.insert(below(chapter, &path), cut::step_file(chapter, step, &path)?.into_bytes());
        }
    }
    for path in walk(&chapter.dir.join("solutions")) {
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = format!(
            "// The book's solution; `cargo run -- solution {}` compares yours with it.\n\
             #[path = \"../../../chapters/{}/solutions/{file}\"]\nmod book;\npub use book::*;\n",
            file.trim_end_matches(".rs"),
            chapter.name,
        );
        files.insert(below(chapter, &path), text.into_bytes());
    }
    Ok(files)
}

fn below(chapter: &Chapter, path: &Path) -> PathBuf {
    path.strip_prefix(&chapter.dir).unwrap_or(path).to_path_buf()
}

/// The rebuild's `Cargo.toml`: the chapter's dependencies, and nothing inherited, so that a copy of it stands anywhere.
fn manifest(root: &Path, chapter: &Chapter) -> Result<String> {
    let read = |path: PathBuf| -> Result<toml::Table> {
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        toml::from_str(&text).with_context(|| format!("in {}", path.display()))
    };
    let book = read(chapter.dir.join("Cargo.toml"))?;
    let edition = read(root.join("Cargo.toml"))?
        .get("workspace")
        .and_then(|workspace| workspace.get("package")?.get("edition")?.as_str().map(String::from))
        .unwrap_or_else(|| "2024".into());
    let mut text = format!(
        "# Your rebuild of {name}. The library keeps the chapter's name, so that its tests and stages stand here\n\
         # unchanged. `cargo run -- watch {short}` checks what you save. my/README.md says what each folder is for, and what\n\
         # the marks `// ANCHOR:` and `// given:` in the sources mean.\n\
         [package]\nname = \"my-{name}\"\nversion = \"0.1.0\"\nedition = \"{edition}\"\npublish = false\n\n\
         [lib]\nname = \"{lib}\"\ndoctest = false\n",
        name = chapter.name,
        short = chapter.short(),
        lib = chapter.lib_name(),
    );
    if chapter.dir.join("src/main.rs").is_file() {
        text += &format!("\n[[bin]]\nname = \"{}\"\npath = \"src/main.rs\"\n", chapter.name);
    }
    text += "\n# A body that is not written yet leaves its arguments and imports unused.\n[lints.rust]\nunused = \"allow\"\n";
    for table in ["dependencies", "dev-dependencies"] {
        let Some(dependencies) = book.get(table).and_then(|value| value.as_table()) else {
            continue;
        };
        text += &format!("\n[{table}]\n");
        for (name, value) in dependencies {
            let path = value.get("path").and_then(|path| path.as_str()).with_context(|| {
                format!("{} depends on {name}, which is not a path below chapters/", chapter.name)
            })?;
            let folder = path.trim_start_matches("../");
            text += &format!("{name} = {{ path = \"../../chapters/{folder}\" }}\n");
        }
    }
    Ok(text)
}
