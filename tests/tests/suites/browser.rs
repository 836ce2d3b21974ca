//! The page in a browser: read, run, edit, break, stop, reset, talk to a stage, see progress; in both themes, by keyboard,
//! without JavaScript, and without a request that leaves the machine.
//!
//! Pictures of what was seen are kept in `target/browser/`.

mod cdp;
mod http;

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, ensure};
use cdp::{Browser, Tab};
use serde_json::{Value, json};
use tempfile::TempDir;
use workbook_tests::served::{Served, root, small_book, until};
use workbook_tests::suite::{Case, Shared, Suite};

/// What a page may weigh with all that it loads.
const WEIGHT: u64 = 1_500_000;

/// A browser, the book, and a small book that tests may change.
struct World {
    browser: Browser,
    book: Served,
    small: Served,
    folder: TempDir,
}

type Test = fn(&World) -> Result<()>;

/// Every test, one after another: a browser gives its processor time to the tab that is looked at.
pub fn suite() -> Suite {
    let tests: &[(&str, Test)] = &[
        ("a_page_reads_and_loads_nothing_foreign", reads),
        ("every_theme_is_legible", legible),
        ("a_listing_runs_is_edited_broken_and_reset", listing),
        ("an_endless_listing_is_stopped", stop),
        ("hidden_lines_unfold_and_belong_to_the_program", hidden_lines),
        ("a_console_starts_a_stage_and_talks_to_it", console),
        ("progress_ticks_in_the_sidebar", progress),
        ("what_is_yours_to_write_is_folded_until_it_is_right", folds),
        ("a_changed_page_loads_itself_again_and_keeps_edits", reloads),
        ("all_of_it_works_by_keyboard", keyboard),
        ("a_page_reads_without_javascript", without_javascript),
        ("a_page_reads_without_the_runner", without_runner),
        ("copies_leave_out_prompts", copies),
        ("a_page_with_a_hundred_files_loads_from_ch03", http::hundred),
        ("two_windows_of_ch03s_chat_hear_each_other", http::chat),
        ("every_listing_of_the_book_runs", every_listing),
        ("every_console_of_the_book_starts_and_stops", every_console),
    ];
    let missing = cdp::program().is_none() && !is_required();
    let world = Shared::new(|| start().map(Mutex::new));
    let cases = tests.iter().map(|(name, test)| {
        let (world, test) = (Arc::clone(&world), *test);
        let case = Case::new(*name, move || {
            let world = world.get()?.lock().map_err(|_| "an earlier test panicked")?;
            test(&world).map_err(|error| format!("{error:#}").into())
        });
        case.ignored(missing.then_some("needs chromium: `apt install chromium` brings it"))
    });
    Suite { name: "browser", width: 1, is_remembered: true, cases: cases.collect() }
}

/// Whether whoever runs the tests wants all of them, whatever they take.
fn is_required() -> bool {
    std::env::var_os("WORKBOOK_JUDGES").is_some_and(|value| value == "required")
}

fn start() -> Result<World> {
    let program = cdp::program().context("there is no chromium: apt install chromium")?;
    let folder = small_book()?;
    let book = Served::start(&root(), &["--port", "0"], &[])?;
    // The book of an earlier start is served at once, and pages load themselves again when today's is built.
    let stamp = workbook::serve::book::current_stamp(&root());
    until("the book is of today", || book.get("/").is_ok_and(|(_, page)| page.contains(&stamp)))?;
    Ok(World {
        browser: Browser::start(&program)?,
        book,
        small: Served::start(folder.path(), &["--port", "0"], &[])?,
        folder,
    })
}

/// The small book's page with a bit of everything.
const PAGE: &str = "ch01-demo/1-echo.html";

fn open_small(world: &World) -> Result<Tab> {
    let mut tab = world.browser.tab()?;
    tab.open(&format!("http://{}/{PAGE}", world.small.host))?;
    tab.until("document.querySelectorAll('.listing').length === 4")?;
    Ok(tab)
}

fn picture(name: &str) -> PathBuf {
    root().join("target/browser").join(format!("{name}.png"))
}

/// No request to anybody but `host`, and nothing that the console calls an error.
fn clean(tab: &Tab, host: &str) -> Result<()> {
    let own = format!("http://{host}/");
    let foreign: Vec<String> = tab
        .requests()
        .into_iter()
        .filter(|url| !url.starts_with(&own) && !url.starts_with("data:"))
        .collect();
    ensure!(foreign.is_empty(), "requests that leave the machine: {foreign:#?}");
    ensure!(tab.errors().is_empty(), "errors on the console: {:#?}", tab.errors());
    Ok(())
}

/// The book's pages of steps: bytes and path.
fn pages() -> Result<Vec<(u64, String)>> {
    let mut pages = Vec::new();
    for chapter in fs::read_dir(root().join("target/book"))?.flatten() {
        for page in fs::read_dir(chapter.path()).into_iter().flatten().flatten() {
            let name = page.file_name().to_string_lossy().into_owned();
            if name.starts_with(|first: char| first.is_ascii_digit()) && name.ends_with(".html") {
                let chapter = chapter.file_name().to_string_lossy().into_owned();
                pages.push((page.metadata()?.len(), format!("{chapter}/{name}")));
            }
        }
    }
    pages.sort();
    Ok(pages)
}

/// The longest of them.
fn long_page(world: &World) -> Result<String> {
    let (_, page) = pages()?.pop().context("the book has a step's page")?;
    Ok(format!("http://{}/{page}", world.book.host))
}

fn reads(world: &World) -> Result<()> {
    let mut tab = world.browser.tab()?;
    let url = long_page(world)?;
    tab.open(&url)?;
    tab.until("document.querySelector('.listing .run')")?;
    let weight = tab.weight();
    ensure!(weight < WEIGHT, "{url} weighs {weight} bytes, more than {WEIGHT}");
    println!("{url}: {} requests, {weight} bytes", tab.requests().len());
    clean(&tab, &world.book.host)?;
    for theme in ["light", "navy"] {
        tab.eval(&format!("localStorage.setItem('mdbook-theme', '{theme}')"))?;
        tab.open(&url)?;
        tab.until(&format!("document.documentElement.classList.contains('{theme}')"))?;
        tab.eval("document.querySelector('main details')?.setAttribute('open', '')")?;
        tab.eval("document.querySelector('.listing .run').click()")?;
        tab.until("document.querySelector('.listing .output .end')")?;
        tab.picture(&picture(&format!("top-{theme}")), false)?;
        tab.picture(&picture(&format!("page-{theme}")), true)?;
        clean(&tab, &world.book.host)?;
    }
    // A narrow window: nothing sticks out but what scrolls by itself.
    tab.size(400, 800)?;
    tab.open(&url)?;
    tab.until("document.documentElement.scrollWidth <= 400")?;
    tab.picture(&picture("page-narrow"), false)
}

/// Texts whose contrast is below 4.5 (WCAG 2.2, 1.4.3): each as `ratio words`.
const CONTRAST: &str = r"(() => {
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    // What was worked out once: a page has few colours, and most texts have their ancestors in common.
    const once = work => {
        const known = new Map();
        return key => {
            if (!known.has(key)) { known.set(key, work(key)); }
            return known.get(key);
        };
    };
    const rgba = once(color => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return [r, g, b, a / 255];
    });
    const over = (top, below) => [0, 1, 2].map(i => top[i] * top[3] + below[i] * (1 - top[3])).concat(1);
    const ground = once(element =>
        element ? over(rgba(getComputedStyle(element).backgroundColor), ground(element.parentElement)) : [255, 255, 255, 1]);
    const opacity = once(element =>
        element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1);
    const light = ([r, g, b]) => {
        const [x, y, z] = [r, g, b].map(v => v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * x + 0.7152 * y + 0.0722 * z;
    };
    const found = new Map();
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.data.trim() || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true })
            || element.closest('svg, script, style, textarea, .menu-title, .theme-popup')) {
            continue;
        }
        const below = ground(element);
        let color = rgba(getComputedStyle(element).color);
        color = over([color[0], color[1], color[2], color[3] * opacity(element)], below);
        const [a, b] = [light(color), light(below)].sort((x, y) => y - x);
        const ratio = (a + 0.05) / (b + 0.05);
        const kind = `${element.nodeName}.${element.className}`;
        if (ratio < 4.5 && !found.has(kind)) {
            found.set(kind, `${ratio.toFixed(2)} ${kind}: ${node.data.trim().slice(0, 40)}`);
        }
    }
    return [...found.values()];
})()";

fn legible(world: &World) -> Result<()> {
    let mut tab = world.browser.tab()?;
    let mut all = Vec::new();
    let small = format!("http://{}/{PAGE}", world.small.host);
    for url in [long_page(world)?, small] {
        tab.open(&url)?;
        tab.until("document.querySelector('.listing .run')")?;
        tab.eval("document.querySelectorAll('details').forEach(each => { each.open = true; })")?;
        for theme in ["light", "rust", "coal", "navy", "ayu"] {
            // As the menu does it.
            tab.eval(&format!("document.getElementById('mdbook-theme-{theme}').click()"))?;
            tab.until(&format!("document.documentElement.classList.contains('{theme}')"))?;
            for text in tab.eval(CONTRAST)?.as_array().into_iter().flatten() {
                all.push(format!("{theme}: {}", text.as_str().unwrap_or_default()));
            }
        }
    }
    ensure!(all.is_empty(), "texts with a contrast below 4.5:\n{}", all.join("\n"));
    Ok(())
}

fn text_of(tab: &mut Tab, selector: &str) -> Result<String> {
    let value = tab.eval(&format!("document.querySelector({selector:?})?.textContent ?? ''"))?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Clicks as a pointer does: in the middle of what is there.
fn click(tab: &mut Tab, selector: &str) -> Result<()> {
    let place = tab.eval(&format!(
        "(() => {{ const e = document.querySelector({selector:?}); e.scrollIntoView({{ block: 'center' }});
         const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; }})()"
    ))?;
    for kind in ["mousePressed", "mouseReleased"] {
        let event = json!({ "type": kind, "x": place[0], "y": place[1], "button": "left", "clickCount": 1 });
        tab.call("Input.dispatchMouseEvent", event)?;
    }
    Ok(())
}

/// Listing `n` of the small page; it counts from 1.
fn nth(n: usize, what: &str) -> String {
    format!(".listing[data-number='{n}'] {what}")
}

fn listing(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    let output = nth(2, ".output");
    let ended = format!("document.querySelector({:?})", nth(2, ".output .end"));
    click(&mut tab, &nth(2, ".run"))?;
    tab.until(&ended)?;
    ensure!(text_of(&mut tab, &nth(2, ".output .out"))? == "FROM THE PAGE\n", "stdout");
    ensure!(text_of(&mut tab, &nth(2, ".output .err"))? == "and this is stderr\n", "stderr apart");
    let end = text_of(&mut tab, &nth(2, ".output .end"))?;
    ensure!(end.starts_with("Exit status 0.") && end.ends_with(" s"), "status and time: {end}");
    let roles = format!(
        "[document.querySelector({output:?}).getAttribute('role'),
          document.querySelector({output:?}).getAttribute('aria-label')]"
    );
    ensure!(tab.eval(&roles)? == json!(["log", "Output of listing 2"]), "named for readers");

    // Edit it.
    click(&mut tab, &nth(2, ".edit"))?;
    tab.until("document.activeElement.nodeName === 'TEXTAREA'")?;
    tab.eval("document.activeElement.select()")?;
    tab.type_text(
        "use ch01_demo::echo::shout;\n\nfn main() {\n    println!(\"{}\", shout(\"mine\"));\n}\n",
    )?;
    tab.key("Enter", true)?;
    tab.until(&format!("document.querySelector({output:?}).textContent.includes('MINE')"))?;
    tab.until(&ended)?;
    tab.picture(&picture("edited"), false)?;
    // Edits survive a reload.
    tab.open(&format!("http://{}/{PAGE}", world.small.host))?;
    let area = nth(2, "textarea");
    tab.until(&format!("document.querySelector({area:?})?.value.includes('shout(\"mine\")')"))?;

    // Break it.
    tab.eval(&format!(
        "document.querySelector({area:?}).focus(); document.activeElement.select()"
    ))?;
    tab.type_text("fn main() {\n    let n: u8 = \"a\";\n}\n")?;
    click(&mut tab, &nth(2, ".run"))?;
    tab.until(&format!(
        "document.querySelector({output:?}).textContent.includes('mismatched types')"
    ))?;
    tab.until(&ended)?;
    let said = text_of(&mut tab, &output)?;
    ensure!(said.contains("line 2, column 17") && said.contains("Does not compile."), "{said}");
    tab.picture(&picture("broken"), false)?;

    // Reset it.
    click(&mut tab, &nth(2, ".reset"))?;
    tab.until(&format!("!document.querySelector({area:?})"))?;
    click(&mut tab, &nth(2, ".run"))?;
    tab.until(&format!(
        "document.querySelector({output:?}).textContent.includes('FROM THE PAGE')"
    ))?;
    tab.open(&format!("http://{}/{PAGE}", world.small.host))?;
    tab.until("document.querySelectorAll('.listing').length === 4")?;
    ensure!(tab.eval("document.querySelector('textarea')")?.is_null(), "no edit is left");
    // Tests run as tests.
    ensure!(text_of(&mut tab, &nth(4, ".run"))? == "Run tests", "a block of tests says so");
    click(&mut tab, &nth(4, ".run"))?;
    let tests = nth(4, ".output");
    tab.until(&format!("document.querySelector({tests:?}).textContent.includes('1 passed')"))?;
    clean(&tab, &world.small.host)
}

fn stop(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    let output = nth(3, ".output");
    click(&mut tab, &nth(3, ".run"))?;
    tab.until(&format!("document.querySelector({output:?}).textContent.includes('it spins')"))?;
    click(&mut tab, &nth(3, ".stop"))?;
    tab.until(&format!("document.querySelector({output:?}).textContent.includes('Stopped.')"))?;
    tab.until(&format!("document.querySelector({:?}).checkVisibility()", nth(3, ".run")))?;
    clean(&tab, &world.small.host)
}

fn hidden_lines(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    let code = nth(1, "code");
    let shown = format!("document.querySelector({code:?}).innerText");
    let text = tab.eval(&shown)?;
    let text = text.as_str().unwrap_or_default();
    ensure!(text.contains("pub fn shout") && !text.contains("fn main"), "folded: {text}");
    let eye = nth(1, ".buttons button[title='Show hidden lines']");
    tab.eval(&format!("document.querySelector({eye:?}).click()"))?;
    tab.until(&format!("{shown}.includes('fn main')"))?;
    // They belong to the program, folded or not, edited or not.
    tab.eval(&format!(
        "document.querySelector({:?}).click()",
        nth(1, ".buttons button[title='Hide lines']")
    ))?;
    click(&mut tab, &nth(1, ".edit"))?;
    let area = nth(1, "textarea");
    let value = tab.eval(&format!("document.querySelector({area:?}).value"))?;
    let value = value.as_str().unwrap_or_default();
    ensure!(value.starts_with("/// Says it louder.") && !value.contains("fn main"), "{value}");
    let edited = value.replace("to_uppercase()", "repeat(2)");
    tab.eval("document.activeElement.select()")?;
    tab.type_text(&edited)?;
    click(&mut tab, &nth(1, ".run"))?;
    let output = nth(1, ".output");
    tab.until(&format!("document.querySelector({output:?}).textContent.includes('hellohello')"))?;
    clean(&tab, &world.small.host)
}

fn console(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    click(&mut tab, ".stage .run")?;
    tab.until("document.querySelector('.stage input')?.value === 'hello'")?;
    tab.until("document.activeElement === document.querySelector('.stage input')")?;
    tab.key("Enter", false)?;
    tab.until("document.querySelector('.client .output .out')?.textContent === 'hello\\n'")?;
    tab.eval("document.querySelector('.stage .edit').click()")?;
    tab.until("document.querySelectorAll('.client').length === 2")?;
    tab.type_text("from another client")?;
    tab.key("Enter", false)?;
    tab.until(
        "document.querySelectorAll('.client .output')[1].textContent.includes('another client\\n')",
    )?;
    tab.until("document.querySelector('.stage > .output').textContent.includes('listening on 127.0.0.1:')")?;
    tab.picture(&picture("console"), false)?;
    click(&mut tab, ".stage .bar .stop")?;
    tab.until("document.querySelector('.stage > .output .end')")?;
    ensure!(tab.eval("document.querySelector('.stage input').disabled")? == json!(true), "closed");
    clean(&tab, &world.small.host)
}

fn progress(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    let file = world.folder.path().join("my/progress.txt");
    let ticks = "[...document.querySelectorAll('#mdbook-sidebar .workbook-tick')]";
    tab.until(&format!("{ticks}.length === 0"))?;
    fs::write(&file, "ch01-demo/echo done 2026-01-01\n")?;
    // The step, and the chapter, which has no other.
    tab.until(&format!("{ticks}.length === 2"))?;
    let labels = tab.eval(&format!("{ticks}.map(tick => tick.getAttribute('aria-label'))"))?;
    ensure!(labels == json!(["done", "done"]), "{labels}");
    tab.picture(&picture("progress"), false)?;
    fs::remove_file(&file)?;
    tab.until(&format!("{ticks}.length === 0"))?;
    clean(&tab, &world.small.host)
}

fn folds(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    let my = world.folder.path().join("my");
    let mine = my.join("ch01-demo");
    let visible = "[...document.querySelectorAll('.listing')].map(each => each.checkVisibility())";
    let all = json!([true, true, true, true]);
    ensure!(tab.eval(visible)? == all, "nothing is folded before a rebuild is begun");
    let source = fs::read_to_string(world.folder.path().join("chapters/ch01-demo/src/echo.rs"))?;
    fs::create_dir_all(mine.join("src"))?;
    fs::write(mine.join("src/echo.rs"), source.replace("text.to_string()", "todo!()"))?;
    fs::write(mine.join("Cargo.toml"), "")?;
    tab.until("document.querySelector('button.fold')")?;
    // The captioned one only; programs, tests and the console stay.
    ensure!(tab.eval(visible)? == json!([false, true, true, true]), "{}", tab.eval(visible)?);
    let expanded = "document.querySelector('.caption + button.fold').getAttribute('aria-expanded')";
    ensure!(tab.eval(expanded)? == "false", "it says that it is folded");
    for theme in ["light", "rust", "coal", "navy", "ayu"] {
        tab.eval(&format!("document.getElementById('mdbook-theme-{theme}').click()"))?;
        tab.until(&format!("document.documentElement.classList.contains('{theme}')"))?;
        ensure!(tab.eval(CONTRAST)? == json!([]), "{theme}: {}", tab.eval(CONTRAST)?);
    }
    tab.eval("document.getElementById('mdbook-theme-light').click()")?;
    tab.picture(&picture("folded"), false)?;
    // By keyboard; the button stays where it is, and Run follows.
    let top = "document.querySelector('button.fold').getBoundingClientRect().top";
    tab.eval("document.querySelector('button.fold').focus()")?;
    let before = tab.eval(top)?;
    tab.key("Enter", false)?;
    tab.until(&format!("{expanded} === 'true'"))?;
    ensure!(tab.eval(top)? == before && tab.eval(visible)? == all, "it opens below the button");
    tab.picture(&picture("unfolded"), false)?;
    click(&mut tab, &nth(1, ".run"))?;
    tab.until(&format!(
        "document.querySelector({:?}).textContent.includes('HELLO')",
        nth(1, ".output")
    ))?;
    // What was opened is open after a reload; what was closed again is not.
    for open in ["true", "false"] {
        tab.open(&format!("http://{}/{PAGE}", world.small.host))?;
        tab.until(&format!("{expanded} === '{open}'"))?;
        tab.eval("document.querySelector('button.fold').click()")?;
        tab.until(&format!("{expanded} !== '{open}'"))?;
    }
    tab.eval("document.querySelector('button.fold').click()")?;
    ensure!(tab.eval(visible)? == json!([false, true, true, true]), "{}", tab.eval(visible)?);
    // The head says what is folded, before any news.
    let (_, page) = world.small.get(&format!("/{PAGE}"))?;
    ensure!(page.contains("data-unwritten=\"chapters/ch01-demo/src/echo.rs\""), "in the head");
    // Once it is right, it is there to compare.
    fs::write(my.join("progress.txt"), "ch01-demo/echo done 2026-01-01\n")?;
    tab.until("!document.querySelector('button.fold')")?;
    ensure!(tab.eval(visible)? == all, "all is unfolded");
    fs::remove_file(my.join("progress.txt"))?;
    tab.until("document.querySelector('button.fold')")?;
    // The book's own source is nobody's to write.
    fs::write(mine.join("src/echo.rs"), source)?;
    tab.until("!document.querySelector('button.fold')")?;
    fs::remove_dir_all(&mine)?;
    clean(&tab, &world.small.host)
}

fn reloads(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    click(&mut tab, &nth(2, ".edit"))?;
    tab.until("document.activeElement.nodeName === 'TEXTAREA'")?;
    tab.type_text("// mine\n")?;
    tab.eval("document.activeElement.blur(); window.scrollTo(0, 300)")?;
    let source = world.folder.path().join("book/ch01-demo/1-echo.md");
    let before = fs::read_to_string(&source)?;
    fs::write(&source, before.replace("A transcript:", "A transcript, changed:"))?;
    tab.until("document.querySelector('main').textContent.includes('A transcript, changed:')")?;
    let area = nth(2, "textarea");
    tab.until(&format!("document.querySelector({area:?})?.value.startsWith('// mine')"))?;
    tab.until("Math.abs(window.scrollY - 300) < 5")?;
    // Whoever types is asked first.
    tab.eval(&format!("document.querySelector({area:?}).focus()"))?;
    fs::write(&source, &before)?;
    tab.until(
        "document.querySelector('.workbook-banner button')?.textContent === 'Load it again'",
    )?;
    tab.eval("document.querySelector('.workbook-banner button').click()")?;
    tab.until("document.querySelector('main').textContent.includes('A transcript:')")?;
    tab.eval("localStorage.clear()")?;
    Ok(())
}

fn keyboard(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    let at = tab.eval("location.href")?;
    tab.eval("document.querySelector('main h1 a').focus()")?;
    let focused = "document.activeElement.getAttribute('aria-label') ?? ''";
    let mut stops = Vec::new();
    // By Tab alone to the second listing's Run.
    while stops.last().map(String::as_str) != Some("Run listing 2") {
        ensure!(stops.len() < 30, "Tab does not reach Run: {stops:#?}");
        tab.key("Tab", false)?;
        stops.push(tab.eval(focused)?.as_str().unwrap_or_default().to_owned());
    }
    ensure!(
        tab.eval("getComputedStyle(document.activeElement).outlineStyle")? == json!("solid"),
        "the focus is seen"
    );
    tab.key("Enter", false)?;
    let output = nth(2, ".output");
    tab.until(&format!(
        "document.querySelector({output:?}).textContent.includes('FROM THE PAGE')"
    ))?;
    // Arrow keys in the output, on a button and in the editor stay there.
    tab.until(&format!("{focused} === 'Run listing 2'"))?;
    tab.key("ArrowRight", false)?;
    tab.key("Tab", false)?;
    tab.until(&format!("{focused} === 'Edit listing 2'"))?;
    tab.key("Enter", false)?;
    tab.until("document.activeElement.nodeName === 'TEXTAREA'")?;
    for key in ["ArrowRight", "ArrowLeft", "ArrowLeft", "s", "?", "/"] {
        tab.key(key, false)?;
    }
    ensure!(
        tab.eval("document.activeElement.value.startsWith('s?/use ch01')")? == json!(true),
        "keys are text: {}",
        tab.eval("document.activeElement.value.slice(0, 20)")?
    );
    // No trap: Escape and Tab lead out.
    tab.key("Escape", false)?;
    tab.until(&format!("{focused} === 'Run listing 2'"))?;
    tab.eval("document.querySelector('textarea').focus()")?;
    tab.key("Tab", false)?;
    tab.until(&format!("{focused} === 'Run listing 2'"))?;
    ensure!(tab.eval("location.href")? == at, "the page was turned");
    let pressed = "document.getElementById('mdbook-search-wrapper').classList.contains('hidden')";
    ensure!(tab.eval(pressed)? == json!(true), "the search was opened");
    // What mdBook made for a pointer only: a chapter's fold mark and the sidebar's button.
    for control in [".chapter-fold-toggle", "#mdbook-sidebar-toggle"] {
        let control = format!("document.querySelector('{control}')");
        let state = format!("{control}.getAttribute('aria-expanded')");
        let before = tab.eval(&state)?;
        tab.eval(&format!("{control}.focus()"))?;
        for (key, expected) in [("Enter", before == "false"), (" ", before == "true")] {
            tab.key(key, false)?;
            tab.until(&format!("{state} === '{expected}'")).context(control.clone())?;
        }
    }
    clean(&tab, &world.small.host)?;
    tab.eval("localStorage.clear()")?;
    // Elsewhere the arrow keys still turn pages.
    tab.eval("document.activeElement.blur()")?;
    tab.key("ArrowLeft", false)?;
    tab.until("location.pathname.endsWith('/ch01-demo/index.html')")
}

fn without_javascript(world: &World) -> Result<()> {
    let mut tab = world.browser.tab()?;
    tab.call("Emulation.setScriptExecutionDisabled", json!({ "value": true }))?;
    let url = format!("http://{}/{PAGE}", world.small.host);
    tab.open(&url)?;
    tab.picture(&picture("without-javascript"), false)?;
    clean(&tab, &world.small.host)?;
    let note = note(&mut tab)?;
    ensure!(note.contains("turn JavaScript on"), "how to get the rest: {note}");
    let text = tab.call("DOM.getDocument", json!({ "depth": -1 }))?.to_string();
    ensure!(text.contains("A program that uses it:"), "it reads");
    Ok(())
}

/// The line above the page's text, which is made by CSS.
fn note(tab: &mut Tab) -> Result<String> {
    // Scripts of the tests run even where the page's do not.
    let content =
        tab.eval("getComputedStyle(document.querySelector('main'), '::before').content")?;
    Ok(content.as_str().unwrap_or_default().to_owned())
}

fn without_runner(world: &World) -> Result<()> {
    let mut tab = world.browser.tab()?;
    let file = world.folder.path().join("target/book").join(PAGE);
    tab.open(&format!("file://{}", file.display()))?;
    ensure!(note(&mut tab)?.contains("cargo run"), "how to get the rest");
    ensure!(tab.eval("document.querySelectorAll('.listing, .bar').length")? == json!(0), "no bars");
    let shown = "getComputedStyle(document.querySelector('.stage'), '::before').content";
    ensure!(
        tab.eval(shown)?.as_str().unwrap_or_default().contains("console"),
        "the console says so"
    );
    tab.picture(&picture("without-runner"), false)?;
    let foreign: Vec<String> = tab
        .requests()
        .into_iter()
        .filter(|url| !url.starts_with("file://") && !url.starts_with("data:"))
        .collect();
    ensure!(foreign.is_empty(), "requests that leave the machine: {foreign:#?}");
    ensure!(tab.errors().is_empty(), "errors on the console: {:#?}", tab.errors());
    Ok(())
}

fn copies(world: &World) -> Result<()> {
    let mut tab = open_small(world)?;
    let copied = |which: &str| {
        format!("playground_text(document.querySelector({which:?}).closest('pre'), false)")
    };
    let console = tab.eval(&copied("code.language-console"))?;
    ensure!(console == json!("printf 'hello\\n' | tr a-z A-Z\n"), "{console}");
    let listing = tab.eval(&copied(&nth(1, "code")))?;
    let text = listing.as_str().unwrap_or_default();
    ensure!(text.contains("pub fn shout") && !text.contains("fn main"), "what is shown: {text}");
    ensure!(!matches!(listing, Value::Null), "a text");
    Ok(())
}

/// Runs every listing of the page one after the other: for each, the time from the click to the first output in
/// milliseconds, and how it ended.
const RUN_ALL: &str = r"(async () => {
    const seen = [];
    const wait = (holds, time) => new Promise((done, fail) => {
        const end = performance.now() + time;
        const look = () => {
            if (holds()) { done(); } else if (performance.now() > end) { fail(new Error('no end')); } else { setTimeout(look, 5); }
        };
        look();
    });
    for (const listing of document.querySelectorAll('.listing')) {
        const output = listing.querySelector('.output');
        const began = performance.now();
        listing.querySelector('.run').click();
        await wait(() => output.childElementCount > 0, 60000);
        const first = performance.now() - began;
        if (listing.querySelector('code.no_run')) {
            listing.querySelector('.stop').click();
        }
        await wait(() => output.querySelector('.end'), 60000);
        const meant = listing.querySelector('code.should_panic, code.compile_fail, code.no_run') !== null;
        const good = listing.classList.contains('good');
        seen.push([first, meant || good, `${listing.getAttribute('aria-label')}: ${output.textContent.slice(0, 500)}`]);
    }
    return seen;
})()";

fn every_listing(world: &World) -> Result<()> {
    let mut tab = world.browser.tab()?;
    let (mut times, mut bad) = (Vec::new(), Vec::new());
    // The suite book has compiled and run them all; here it is about the page, of which one will do when nobody asks for more.
    let some = if is_required() { usize::MAX } else { 1 };
    for (_, page) in pages()?.into_iter().take(some) {
        tab.open(&format!("http://{}/{page}", world.book.host))?;
        for seen in tab.eval(RUN_ALL)?.as_array().into_iter().flatten() {
            times.push(seen[0].as_f64().unwrap_or_default() as u64);
            if seen[1] != true {
                bad.push(format!("{page}, {}", seen[2].as_str().unwrap_or_default()));
            }
        }
        clean(&tab, &world.book.host)?;
    }
    times.sort_unstable();
    let at = |part: usize| times.get(times.len() * part / 100).copied().unwrap_or_default();
    println!(
        "{} listings, click to first output: median {} ms, 90 % {} ms",
        times.len(),
        at(50),
        at(90)
    );
    ensure!(bad.is_empty(), "listings that did not run to a good end:\n{}", bad.join("\n"));
    Ok(())
}

fn every_console(world: &World) -> Result<()> {
    let mut tab = world.browser.tab()?;
    for (_, page) in pages()? {
        tab.open(&format!("http://{}/{page}", world.book.host))?;
        let count = tab.eval("document.querySelectorAll('.stage').length")?.as_u64().unwrap_or(0);
        for index in 0..count {
            let stage = format!("document.querySelectorAll('.stage')[{index}]");
            let found = format!("{page}: {}", tab.eval(&format!("{stage}.dataset.stage"))?);
            tab.eval(&format!("{stage}.querySelector('.run').click()"))?;
            tab.until(&format!("{stage}.querySelector('input')")).context(found.clone())?;
            tab.eval(&format!("{stage}.querySelector('.bar .stop').click()"))?;
            tab.until(&format!("{stage}.querySelector(':scope > .output .end')"))
                .context(found.clone())?;
            let end =
                tab.eval(&format!("{stage}.querySelector(':scope > .output .end').textContent"))?;
            ensure!(end == "Exit status 0.", "{found} ended with {end}");
        }
        clean(&tab, &world.book.host)?;
    }
    Ok(())
}
