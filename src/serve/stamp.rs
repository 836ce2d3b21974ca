//! Whether files changed: by what the file system says of them, which is quick, and by what is in them, which is sure.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// A number that changes when a file below `places` is written, added or removed.
pub fn of_metadata(root: &Path, places: &[&str]) -> u64 {
    stamp(root, places, |path, hasher| {
        if let Ok(metadata) = fs::metadata(path) {
            metadata.len().hash(hasher);
            metadata.modified().ok().hash(hasher);
        }
    })
}

/// A number that changes when the content of a file below `places` changes, or a file is added or removed.
pub fn of_content(root: &Path, places: &[&str]) -> u64 {
    stamp(root, places, |path, hasher| fs::read(path).unwrap_or_default().hash(hasher))
}

fn stamp(root: &Path, places: &[&str], read: impl Fn(&Path, &mut DefaultHasher)) -> u64 {
    let mut files: Vec<PathBuf> = Vec::new();
    let mut pending: Vec<PathBuf> = places.iter().map(|place| root.join(place)).collect();
    while let Some(path) = pending.pop() {
        // A link to a folder is not followed: it could lead back.
        if path.is_dir() && !path.is_symlink() {
            let entries = fs::read_dir(&path).into_iter().flatten().flatten();
            pending.extend(entries.map(|entry| entry.path()).filter(|path| !is_noise(path)));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        file.hash(&mut hasher);
        read(&file, &mut hasher);
    }
    hasher.finish()
}

/// What editors and builds leave about.
fn is_noise(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name == "target" || name.starts_with('.') || name.ends_with('~') || name.ends_with(".swp")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_counts_and_noise_does_not() -> std::io::Result<()> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("book/a.md");
        fs::create_dir(dir.path().join("book"))?;
        fs::write(&file, "one")?;
        let first = of_content(dir.path(), &["book"]);
        fs::write(&file, "one")?;
        fs::write(dir.path().join("book/.a.md.swp"), "x")?;
        fs::write(dir.path().join("book/a.md~"), "x")?;
        assert_eq!(of_content(dir.path(), &["book"]), first, "the same content");
        fs::write(&file, "two")?;
        assert_ne!(of_content(dir.path(), &["book"]), first, "another content");
        fs::write(&file, "one")?;
        fs::write(dir.path().join("book/b.md"), "")?;
        assert_ne!(of_content(dir.path(), &["book"]), first, "another file");
        Ok(())
    }
}
