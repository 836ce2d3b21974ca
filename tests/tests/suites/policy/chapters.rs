//! Rules on a chapter's package.

use serde_json::Value;
use workbook_tests::transcripts::root;

use super::{Finding, chapters, finding, finds, none, text};

/// Its tests.
pub const TESTS: &[(&str, fn())] = &[
    ("chapters_depend_on_lower_chapters_and_std", chapters_depend_on_lower_chapters_and_std),
    ("the_tests_depend_on_every_chapter", the_tests_depend_on_every_chapter),
];

/// What a chapter's package may not have, from `cargo metadata`.
fn package(package: &Value) -> Vec<Finding> {
    let name = package["name"].as_str().unwrap_or_default();
    let file = format!("chapters/{name}/Cargo.toml");
    let mut found = Vec::new();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for dependency in list(&package["dependencies"]) {
        let other = dependency["name"].as_str().unwrap_or_default();
        let lower = dependency["path"].is_string()
            && other.get(..2) == Some("ch")
            && other.get(2..4) < name.get(2..4);
        if !lower {
            let what = format!("a chapter depends on lower chapters and std; `{other}` is neither");
            found.push(finding(&file, 0, what));
        }
    }
    for target in list(&package["targets"]) {
        for kind in list(&target["kind"]) {
            if matches!(kind.as_str(), Some("custom-build" | "proc-macro" | "dylib" | "cdylib")) {
                found.push(finding(
                    &file,
                    0,
                    format!("a chapter has no {}", kind.as_str().unwrap_or("")),
                ));
            }
        }
    }
    found
}

fn metadata() -> Value {
    let output = workbook::cargo(&root())
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

fn chapters_depend_on_lower_chapters_and_std() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let chapters: Vec<Value> = packages
        .into_iter()
        .filter(|package| {
            let manifest = package["manifest_path"].as_str().unwrap_or_default();
            manifest.starts_with(&*root().join("chapters").to_string_lossy())
        })
        .collect();
    assert!(chapters.len() >= 2, "cargo metadata lists the chapters");
    none(chapters.iter().flat_map(package));

    let violation = serde_json::json!({
        "name": "ch03-x",
        "dependencies": [
            {"name": "ch00-toolbox", "path": "/r/chapters/ch00-toolbox"},
            {"name": "ch04-json", "path": "/r/chapters/ch04-json"},
            {"name": "rand", "kind": "dev"},
        ],
        "targets": [{"kind": ["lib"]}, {"kind": ["custom-build"]}],
    });
    finds(package(&violation), &[(0, "ch04-json"), (0, "rand"), (0, "custom-build")]);
}

/// The pages' blocks are compiled against what the tests' package depends on.
fn dependency(manifest: &str, chapters: &[String]) -> Vec<Finding> {
    let missing = chapters.iter().filter(|name| !manifest.contains(&format!("\n{name} = ")));
    let what = |name| format!("add `{name} = {{ path = \"../chapters/{name}\" }}`, for its pages");
    missing.map(|name| finding("tests/Cargo.toml", 0, what(name))).collect()
}

fn the_tests_depend_on_every_chapter() {
    let (_, manifest) = text(&root().join("tests/Cargo.toml"));
    let names: Vec<String> = chapters().into_iter().map(|chapter| chapter.name).collect();
    none(dependency(&manifest, &names));
    finds(dependency("\nch00-a = 1\n", &["ch00-a".into(), "ch01-b".into()]), &[(0, "ch01-b")]);
}
