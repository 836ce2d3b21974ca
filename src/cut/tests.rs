use super::*;

#[track_caller]
fn check(source: &str, expected: &str) {
    let cut = starter(source, "frame", 2).expect("cuts");
    assert_eq!(cut, expected, "source: {source}");
    assert_eq!(put_back(&cut, source, "frame").expect("goes back"), source);
    syn::parse_file(&cut).expect("a starter is Rust");
}

#[test]
fn bodies_are_replaced_at_their_own_indentation() {
    check(
        "pub fn a(n: u8) -> u8 {\n    n + 1\n}\n",
        "pub fn a(n: u8) -> u8 {\n    todo!(\"step 2: frame::a\")\n}\n",
    );
    check(
        "impl Reader {\n    fn next(&mut self) -> u8 {\n        1\n    }\n}\n",
        "impl Reader {\n    fn next(&mut self) -> u8 {\n        todo!(\"step 2: frame::Reader::next\")\n    }\n}\n",
    );
    check("fn a() -> u8 { 1 }\n", "fn a() -> u8 {\n    todo!(\"step 2: frame::a\")\n}\n");
    check("\tfn a() -> u8 { 1 }\n", "\tfn a() -> u8 {\n\t    todo!(\"step 2: frame::a\")\n\t}\n");
}

#[test]
fn every_kind_of_function_is_cut() {
    let body = |name: &str| format!("{{\n    todo!(\"step 2: frame::{name}\")\n}}\n");
    for (signature, name) in [
        ("async fn a() -> u8 ", "a"),
        ("unsafe fn a(p: *const u8) -> u8 ", "a"),
        ("extern \"C\" fn a(n: i32) ", "a"),
        ("fn a<T: Clone, const N: usize>(all: [T; N]) -> T\nwhere\n    T: Copy,\n", "a"),
        ("fn a(f: impl Fn(u8) -> u8) -> u8 ", "a"),
    ] {
        check(&format!("{signature}{{ 1 }}\n"), &format!("{signature}{}", body(name)));
    }
    check(
        "const fn a() -> u8 { 1 }\n",
        "const fn a() -> u8 {\n    panic!(\"not yet implemented: step 2: frame::a\")\n}\n",
    );
}

#[test]
fn methods_are_named_by_their_type_and_trait() {
    let names = |source: &str| -> Vec<String> {
        bodies(source, "frame").expect("parses").into_iter().map(|body| body.path).collect()
    };
    assert_eq!(
        names("impl<R: Read> Reader<'_, R> { fn next(&self) { 1; } }"),
        ["frame::Reader::next"]
    );
    assert_eq!(
        names("impl fmt::Display for Frame { fn fmt(&self) { 1; } }"),
        ["frame::<Frame as Display>::fmt"]
    );
    assert_eq!(
        names("trait Shape { fn area(&self) -> u8 { 1 } fn name(&self); }"),
        ["frame::Shape::area"]
    );
    assert_eq!(names("mod inner { fn a() { 1; } }"), ["frame::inner::a"]);
    assert_eq!(
        names("impl Clone for &mut Frame { fn clone(&self) { 1; } }"),
        ["frame::<&Frame as Clone>::clone"]
    );
}

#[test]
fn nested_functions_and_closures_go_with_the_outer_body() {
    check(
        "fn a() {\n    fn b() -> u8 { 1 }\n    let c = |x: u8| { x + b() };\n    c(1);\n}\n",
        "fn a() {\n    todo!(\"step 2: frame::a\")\n}\n",
    );
}

#[test]
fn tests_macros_constants_and_empty_bodies_stay() {
    for source in [
        "#[cfg(test)]\nmod tests {\n    #[test]\n    fn a() { assert!(true); }\n}\n",
        "#[cfg(all(test, unix))]\nfn a() { 1; }\n",
        "#[test]\nfn a() { 1; }\n",
        "macro_rules! m { () => { fn a() { 1; } } }\n",
        "m! { fn a() { 1; } }\n",
        "const TABLE: [u8; 2] = { fn a() -> u8 { 1 } [1, 2] };\n",
        "impl Drop for A { fn drop(&mut self) {} }\n",
        "extern \"C\" { fn poll(); }\n",
    ] {
        check(source, source);
    }
    check(
        "#[cfg(not(test))]\nfn a() { 1; }\n",
        "#[cfg(not(test))]\nfn a() {\n    todo!(\"step 2: frame::a\")\n}\n",
    );
}

#[test]
fn given_spans_stay() {
    let whole =
        "// given: a table teaches nothing to type in\nfn a() -> u8 {\n    1\n}\n// given end\n";
    check(whole, whole);
    check(
        "fn a() -> u8 {\n    // given: tedious\n    let t = [1, 2];\n    // given end\n    t[0]\n}\n",
        "fn a() -> u8 {\n    // given: tedious\n    let t = [1, 2];\n    // given end\n    todo!(\"step 2: frame::a\")\n}\n",
    );
    for (source, says) in [
        ("// given: x\nfn a() { 1; }\n", "line 1: `// given:` without `// given end`"),
        ("fn a() { 1; }\n// given end\n", "line 2: `// given end` without `// given:`"),
        ("// given: x\n// given: y\n// given end\n", "line 2: `// given:` within another"),
        (
            "fn a() {\n// given: x\n1;\n}\n// given end\n",
            "a `// given` span begins or ends in the middle of frame::a",
        ),
    ] {
        let error = starter(source, "frame", 2).expect_err(source);
        assert_eq!(error.to_string(), says, "source: {source}");
    }
}

#[test]
fn bytes_outside_of_bodies_are_untouched() {
    check(
        "//! Größe: 16 × 16 → «ok» 🦀\r\n/// ß\r\npub fn größe() -> &'static str {\r\n    \"🦀\"\r\n}\r\n// ende ✓",
        "//! Größe: 16 × 16 → «ok» 🦀\r\n/// ß\r\npub fn größe() -> &'static str {\r\n    todo!(\"step 2: frame::größe\")\r\n}\r\n// ende ✓",
    );
    check("\u{feff}fn a() { 1; }", "\u{feff}fn a() {\n    todo!(\"step 2: frame::a\")\n}");
    check(
        "fn  a( )  {\t 1;/* } */ \"}\"; }  // odd   spacing\nstruct  B ;\n",
        "fn  a( )  {\n    todo!(\"step 2: frame::a\")\n}  // odd   spacing\nstruct  B ;\n",
    );
}

#[test]
fn a_long_name_breaks_as_rustfmt_breaks_it() {
    let name = "a_name_that_is_as_long_as_a_line_may_be_and_then_some_more_of";
    check(
        &format!("fn {name}() {{\n    1;\n}}\n"),
        &format!("fn {name}() {{\n    todo!(\n        \"step 2: frame::{name}\"\n    )\n}}\n"),
    );
}

#[test]
fn what_todo_cannot_stand_for_is_refused_by_name() {
    let error = starter(
        "impl A { fn all(&self) -> impl Iterator<Item = u8> { [1].into_iter() } }",
        "frame",
        2,
    );
    assert_eq!(
        error.expect_err("refused").to_string(),
        "frame::A::all returns `impl Trait`, which todo!() cannot stand for: name its type"
    );
    let error = starter("fn a() {\n    (\n}\n", "frame", 2).expect_err("refused").to_string();
    assert!(error.starts_with("line "), "got: {error}");
}

#[test]
fn an_exercise_is_its_solution_without_the_marked_spans() {
    let cut = |solution: &str| exercise_starter(solution, "ex_shout");
    assert_eq!(
        cut("pub fn shout(line: &str) -> String {\n    // begin: say \"hey\" to {name}\n    line.into()\n    // end\n}\n").expect("cuts"),
        "pub fn shout(line: &str) -> String {\n    todo!(\"ex_shout: say \\\"hey\\\" to {{name}}\")\n}\n",
    );
    assert_eq!(
        cut("fn a() {\n    // begin: one\n    b();\n    // end\n\n    // then\n    c();\n}\n")
            .expect("cuts"),
        "fn a() {\n    todo!(\"ex_shout: one\");\n\n    // then\n    c();\n}\n",
    );
    assert_eq!(
        cut("fn a() {\r\n    // begin: one\r\n    b();\r\n    // end\r\n}\r\n").expect("cuts"),
        "fn a() {\r\n    todo!(\"ex_shout: one\")\r\n}\r\n",
    );
    for (solution, says) in [
        ("fn a() {}\n", "there is no `// begin: …`, so nothing is left to the reader"),
        ("// begin: a\n", "line 1: `// begin: …` without `// end`"),
        ("// end\n", "line 1: `// end` without `// begin: …`"),
        ("// begin: a\n// begin: b\n// end\n", "line 2: a span begins within the one of line 1"),
    ] {
        assert_eq!(cut(solution).expect_err(solution).to_string(), says, "solution: {solution}");
    }
}

#[test]
fn what_is_left_is_known_in_its_order_and_not_from_comments() {
    let source = "// todo!(\"step 1: a::no\")\nfn z() { todo!(\"step 2: a::z\") }\nconst fn c() { \
                  panic!(\"not yet implemented: step 2: a::c\") }\nmod m { fn b() {\n    todo!(\n        \
                  \"ex_shout: as \\\"many\\\" {{}}\"\n    );\n} }\nfn y() { todo!(); todo!(\"later: y\"); \
                  panic!(\"step 1: y\"); let todo = \"step 1: y\"; /* todo!(\"step 1: y\") */ }\n";
    let left: Vec<_> =
        left(source).into_iter().map(|l| format!("{}: {}", l.owner, l.what)).collect();
    let expected = ["step 2: a::z", "step 2: a::c", "ex_shout: as \"many\" {}"];
    assert_eq!(left, expected, "input: {source}");
}
