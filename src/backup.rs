//! What is taken away from a reader is kept: `my/ch01-sockets/backup/2026-11-22-1/src/echo.rs`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};

use crate::rebuild::{self, Files, Rebuild};

/// Puts `files` into the rebuild in place of what is there, and keeps what is there in a new folder below `backup/`. Returns that folder
/// as the reader names it; `None` if nothing had to be kept. `remove` are files that go without another in their place.
///
/// # Errors
/// When a file cannot be read, copied or written, or is not in the rebuild's folder but leads out of it. What is there is copied before
/// anything is written, and nothing is written if any file cannot be.
pub fn replace(
    root: &Path,
    mine: &Rebuild,
    files: &Files,
    remove: &[PathBuf],
) -> Result<Option<String>> {
    let _turn = rebuild::turn(root)?;
    allowed(mine, files, remove)?;
    let changed = changed(mine, files)?;
    let mut kept: Vec<&PathBuf> =
        changed.iter().filter(|change| change.is_there).map(|change| change.path).collect();
    kept.extend(remove);
    let mut folder = None;
    if !kept.is_empty() {
        let name = free_name(&mine.dir.join("backup"));
        for path in &kept {
            let to = mine.dir.join("backup").join(&name).join(path);
            let parent = to.parent().unwrap_or(&mine.dir);
            fs::create_dir_all(parent)
                .and_then(|()| fs::copy(mine.dir.join(path), &to))
                .with_context(|| format!("cannot keep {} as {}", path.display(), to.display()))?;
        }
        folder = Some(mine.shown(format!("backup/{name}")));
    }
    for Change { path, text, .. } in changed {
        let to = mine.dir.join(path);
        let parent = to.parent().unwrap_or(&mine.dir);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&to, text))
            .with_context(|| format!("cannot write {}", to.display()))?;
    }
    for path in remove {
        let path = mine.dir.join(path);
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
    }
    Ok(folder)
}

/// A file that is not yet as it is to be.
pub struct Change<'a> {
    /// Below the rebuild's folder.
    pub path: &'a PathBuf,
    /// What is to be in it.
    pub text: &'a [u8],
    /// Whether something is in it now.
    pub is_there: bool,
}

/// Those of `files` that [`replace`] would write.
///
/// # Errors
/// When one cannot be read: what cannot be compared may be the reader's work, and would be lost.
pub fn changed<'a>(mine: &Rebuild, files: &'a Files) -> Result<Vec<Change<'a>>> {
    let mut changed = Vec::new();
    for (path, text) in files {
        let now = mine.read(path).map_err(|odd| refusal(&format!("{} {odd}", mine.shown(path))))?;
        if now.as_ref() != Some(text) {
            changed.push(Change { path, text, is_there: now.is_some() });
        }
    }
    Ok(changed)
}

fn refusal(what: &str) -> anyhow::Error {
    anyhow!("{what}: nothing is changed; move it away, and ask again")
}

/// Whether [`replace`] may touch all of these.
///
/// # Errors
/// As [`within`].
pub fn allowed(mine: &Rebuild, files: &Files, remove: &[PathBuf]) -> Result<()> {
    let paths = files.keys().chain(remove).map(PathBuf::as_path);
    // Of a backup, the folder alone may be there.
    paths.chain([Path::new("backup/new")]).try_for_each(|path| within(mine, path))
}

/// Refuses to touch what is not the rebuild's own: a link would be followed out of `my/`, a pipe be waited for.
///
/// # Errors
/// As [`in_the_way`].
pub fn within(mine: &Rebuild, path: &Path) -> Result<()> {
    in_the_way(mine, path).map_or(Ok(()), |what| Err(refusal(&what)))
}

/// The first part of a file's path that is a link, or something else than a folder or at last a file, and what it is.
pub fn in_the_way(mine: &Rebuild, path: &Path) -> Option<String> {
    let mut whole = mine.dir.clone();
    let mut parts: Vec<PathBuf> = vec![whole.clone()];
    for part in path {
        whole.push(part);
        parts.push(whole.clone());
    }
    for part in &parts {
        let is_last = *part == whole;
        let what = match fs::symlink_metadata(part).ok()?.file_type() {
            kind if kind.is_symlink() => "a link, and what it leads to is not the workbook's",
            kind if kind.is_dir() && is_last => "a folder",
            kind if kind.is_file() && !is_last => "no folder",
            kind if kind.is_file() || kind.is_dir() => continue,
            _ => "neither a file nor a folder",
        };
        let shown = mine.shown(part.strip_prefix(&mine.dir).unwrap_or(part));
        return Some(format!("{} is {what}", shown.trim_end_matches('/')));
    }
    None
}

/// Today's date and the first number that is not taken.
fn free_name(dir: &Path) -> String {
    let date = crate::progress::today();
    let mut number = 1;
    while dir.join(format!("{date}-{number}")).exists() {
        number += 1;
    }
    format!("{date}-{number}")
}
