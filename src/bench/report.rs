//! What was measured, as a table for the terminal, a table for the page, and a picture.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::{fs, thread};

use super::{Better, Measured, Numbers, Unmeasured};
use crate::chapter::Chapter;
use crate::client;

/// Three digits that matter: `1240`, `87.3`, `0.412`.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 100.0 => 0,
        v if v >= 10.0 => 1,
        v if v >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

fn spread(numbers: &Numbers) -> String {
    format!("{}–{}", number(numbers.least()), number(numbers.greatest()))
}

/// Ours divided by theirs, and what that means.
fn ratio(measured: &Measured, theirs: &Numbers) -> String {
    format!("{} ×", number(measured.ours.median() / theirs.median()))
}

fn better(measured: &Measured) -> &'static str {
    match measured.case.better {
        Better::Higher => "more is better",
        Better::Lower => "less is better",
    }
}

/// The table for the terminal: a case takes a heading and a line for each server.
pub fn text(chapter: &Chapter, all: &[Measured]) -> String {
    let mut text = String::new();
    for one in all {
        let case = &one.case;
        let _ = writeln!(text, "{}, {} ({})", case.title, case.unit, better(one));
        let width = chapter.name.len().max(case.theirs_name.len());
        let mut row = |name: &str, numbers: &Numbers, more: &str| {
            let (median, spread) = (number(numbers.median()), spread(numbers));
            let _ = writeln!(text, "  {name:width$}  {median:>9}  ({spread}){more}");
        };
        row(&chapter.name, &one.ours, "");
        match &one.theirs {
            Ok(theirs) => {
                row(&case.theirs_name, theirs, &format!("  ours / theirs: {}", ratio(one, theirs)));
            }
            Err(Unmeasured::Absent(why)) => {
                let _ = writeln!(text, "  {:width$}  not measured: {why}", case.theirs_name);
            }
            Err(Unmeasured::Nobody) => {}
        }
    }
    text
}

/// The table for the page.
pub fn markdown(chapter: &Chapter, group: Option<&str>, all: &[Measured], machine: &str) -> String {
    let group = group.map_or(String::new(), |group| format!(" --group {group}"));
    let mut text = format!(
        "<!-- Written by `cargo run -- bench ch{:02}{group}`. -->\n\n\
         | what | beside | ours | theirs | ours / theirs |\n|---|---|---:|---:|---:|\n",
        chapter.number()
    );
    for one in all {
        let case = &one.case;
        let cell = |numbers: &Numbers| {
            format!("{} <small>({})</small>", number(numbers.median()), spread(numbers))
        };
        let (theirs, ratio) = match &one.theirs {
            Ok(theirs) => (cell(theirs), ratio(one, theirs)),
            Err(_) => Default::default(),
        };
        let _ = writeln!(
            text,
            "| {}, {} ({}) | {} | {} | {theirs} | {ratio} |",
            case.title,
            case.unit,
            better(one),
            case.theirs_name,
            cell(&one.ours),
        );
    }
    let rounds: BTreeSet<String> = all.iter().map(|one| one.rounds.to_string()).collect();
    let rounds = rounds.into_iter().collect::<Vec<_>>().join(" or ");
    let turns = if is_compared(all) { ", ours and theirs in turns" } else { "" };
    let _ = writeln!(
        text,
        "\nEach number is the median of {rounds} rounds{turns}; in parentheses, the least and the greatest. {machine}"
    );
    for note in all.iter().filter_map(|one| one.case.note.as_ref()) {
        let _ = writeln!(text, "\n{note}");
    }
    text
}

/// Whether there is a server of somebody else's among the measured.
fn is_compared(all: &[Measured]) -> bool {
    all.iter().any(|one| one.theirs.is_ok())
}

/// Bars, ours above theirs, each case on a scale of its own. Colours are the text's, so both themes can read them.
pub fn svg(chapter: &Chapter, group: Option<&str>, all: &[Measured]) -> String {
    const WIDTH: f64 = 740.0;
    const LEFT: f64 = 130.0;
    const FULL: f64 = 430.0;
    const BAR: f64 = 20.0;
    const AROUND: f64 = 34.0;
    let group = group.map_or(String::new(), |group| format!("-{group}"));
    let id = format!("bench-ch{:02}{group}", chapter.number());
    let mut described = Vec::new();
    let mut body = String::new();
    let mut top = 0.0;
    for one in all {
        let case = &one.case;
        let mut bars = vec![(&chapter.name, &one.ours, 0.55)];
        bars.extend(one.theirs.as_ref().ok().map(|theirs| (&case.theirs_name, theirs, 0.25)));
        let most = bars.iter().fold(f64::MIN_POSITIVE, |most, bar| most.max(bar.1.greatest()));
        let title = escape(&format!("{}, {} ({})", case.title, case.unit, better(one)));
        let _ =
            writeln!(body, r#"<text x="0" y="{:.0}" font-weight="600">{title}</text>"#, top + 18.0);
        let said: Vec<String> = bars
            .iter()
            .map(|(name, numbers, _)| format!("{name} {} {}", number(numbers.median()), case.unit))
            .collect();
        described.push(format!("{}: {}.", case.title, said.join(", ")));
        for (row, (name, numbers, opacity)) in bars.iter().enumerate() {
            let y = top + 28.0 + row as f64 * BAR;
            let x = |value: f64| LEFT + value / most * FULL;
            let (median, least, greatest) = (numbers.median(), numbers.least(), numbers.greatest());
            let label = LEFT - 8.0;
            let text_y = y + 12.0;
            let name = escape(name);
            let _ = writeln!(
                body,
                r#"<text x="{label:.0}" y="{text_y:.0}" text-anchor="end">{name}</text>"#
            );
            let width = (x(median) - LEFT).max(1.0);
            let _ = writeln!(
                body,
                r#"<rect x="{LEFT:.0}" y="{y:.0}" width="{width:.1}" height="15" fill-opacity="{opacity}"/>"#
            );
            let (from, to, middle) = (x(least), x(greatest), y + 7.5);
            let _ = writeln!(
                body,
                r#"<path d="M{from:.1} {middle:.1}H{to:.1}M{from:.1} {y:.0}v15M{to:.1} {y:.0}v15" fill="none" stroke="currentColor"/>"#
            );
            let _ = writeln!(
                body,
                r#"<text x="{:.1}" y="{text_y:.0}">{}</text>"#,
                to.max(x(median)) + 8.0,
                number(median)
            );
        }
        top += AROUND + BAR * bars.len() as f64;
    }
    let height = top + 8.0;
    let what = if is_compared(all) { "beside the real thing" } else { "measured" };
    let title = escape(&format!("{} {what}", chapter.name));
    let description = escape(&described.join(" "));
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 {WIDTH:.0} {height:.0}" role="img" aria-labelledby="{id}-title {id}-desc" style="max-width:{WIDTH:.0}px;width:100%" fill="currentColor" font-family="inherit" font-size="13">
<title id="{id}-title">{title}</title>
<desc id="{id}-desc">{description}</desc>
{body}</svg>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What it was measured on: processor, cores, kernel, versions, date.
pub fn machine(root: &Path, all: &[Measured]) -> String {
    let first_line = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().next().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned)
    };
    let cpu = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        })
        .or_else(|| first_line("sysctl", &["-n", "machdep.cpu.brand_string"]))
        .unwrap_or_else(|| "an unnamed processor".into());
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut parts = vec![
        format!("{cpu}, {cores} cores"),
        first_line("uname", &["-sr"]).unwrap_or_default(),
        first_line("rustc", &["-V"]).unwrap_or_default(),
    ];
    let peers: BTreeSet<&str> = all.iter().filter_map(|one| one.case.peer()).collect();
    for peer in peers {
        parts.extend(client::find(peer).and_then(client::Client::version));
    }
    let built: BTreeSet<&str> = all.iter().flat_map(|one| one.case.built_peers()).collect();
    let lock = fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    parts.extend(built.into_iter().filter_map(|peer| locked(&lock, peer)));
    parts.extend(first_line("date", &["+%Y-%m-%d"]));
    parts.retain(|part| !part.is_empty());
    format!("Measured on: {}.", parts.join("; "))
}

/// `tokio 1.54.1` for the peer `tokio_echo`: its name begins with the crate that it shows.
fn locked(lock: &str, peer: &str) -> Option<String> {
    let name = peer.split('_').next()?;
    let at = lock.find(&format!("name = \"{name}\"\nversion = \""))?;
    let version = lock[at..].lines().nth(1)?.split('"').nth(1)?;
    Some(format!("{name} {version}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_the_version_of_its_crate() {
        let lock = "[[package]]\nname = \"tokio\"\nversion = \"1.2.3\"\n";
        for (peer, expected) in [("tokio_echo", Some("tokio 1.2.3".to_owned())), ("toki_o", None)] {
            assert_eq!(locked(lock, peer), expected, "input: {peer}");
        }
    }

    #[test]
    fn numbers_keep_three_digits() {
        for (value, expected) in
            [(1234.5, "1234"), (123.4, "123"), (12.34, "12.3"), (1.234, "1.23"), (0.1234, "0.123")]
        {
            assert_eq!(number(value), expected, "input: {value}");
        }
    }

    #[test]
    fn the_median_is_in_the_middle() {
        for (numbers, expected) in
            [(vec![3.0, 1.0, 2.0], 2.0), (vec![4.0, 1.0, 2.0, 3.0], 2.5), (vec![7.0], 7.0)]
        {
            assert_eq!(Numbers(numbers.clone()).median(), expected, "input: {numbers:?}");
        }
    }
}
