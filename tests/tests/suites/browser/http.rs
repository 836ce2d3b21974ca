//! A browser as ch03's client: a page with a hundred files of its own, and a chat with itself.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use workbook::stage::{Built, Stage};
use workbook_tests::served::root;

use super::{World, clean, picture};

/// How many files the page loads besides itself.
const FILES: usize = 100;

/// The finished stage, with this directory.
fn start(directory: &Path) -> Result<Stage> {
    let built = Built::new(&root(), "ch03-http", false)?;
    let (program, name) = built.stage("ch03-http")?;
    let args = [directory.to_string_lossy().into_owned()];
    Stage::start(program, &name, &args, &root())
}

/// A page of a hundred scripts: each comes whole, with 200.
pub fn hundred(world: &World) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut page = String::from("<!doctype html><title>all</title><link rel=icon href='data:,'>");
    page += "<script>let sum = 0</script>";
    for number in 0..FILES {
        // From a few bytes to 60 KiB: some leave with their head, some by sendfile.
        let filler = "/".repeat(number * 600);
        fs::write(
            folder.path().join(format!("{number}.js")),
            format!("sum += {number}; //{filler}\n"),
        )?;
        page += &format!("<script src='{number}.js'></script>");
    }
    fs::write(folder.path().join("index.html"), page)?;
    let stage = start(folder.path())?;
    let host = format!("{}:{}", stage.host(), stage.port());
    let mut tab = world.browser.tab()?;
    tab.open(&format!("http://{host}/"))?;
    tab.until("document.readyState === 'complete'")?;
    let sum = tab.eval("sum")?;
    ensure!(sum == FILES * (FILES - 1) / 2, "the scripts added up to {sum}");
    let loaded = "performance.getEntriesByType('resource').filter(e => e.responseStatus === 200)";
    let whole = tab.eval(&format!("{loaded}.filter(e => e.decodedBodySize > 0).length"))?;
    ensure!(whole == FILES, "{whole} of {FILES} files came with 200");
    clean(&tab, &host)?;
    drop(tab);
    stage.end().context("after a hundred files")
}

/// Two windows of the chat: what one says, both show; and the stage ends while they are open.
pub fn chat(world: &World) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stage = start(folder.path())?;
    let host = format!("{}:{}", stage.host(), stage.port());
    let url = format!("http://{host}/-/chat");
    let (mut ann, mut bob) = (world.browser.tab()?, world.browser.tab()?);
    for tab in [&mut ann, &mut bob] {
        tab.open(&url)?;
        tab.until("document.getElementById('state').textContent === 'connected'")?;
    }
    for (tab, word) in [(&mut ann, "<b>hi</b> bob"), (&mut bob, "hi ann")] {
        tab.eval(&format!("text.value = '{word}'; document.querySelector('button').click()"))?;
        tab.until("text.value === ''")?;
        tab.until(&format!("said.lastChild.textContent === '{word}'"))?;
    }
    for tab in [&mut ann, &mut bob] {
        tab.until("said.children.length === 2")?;
        let shown = tab.eval("[...said.children].map(line => line.textContent).join()")?;
        ensure!(shown == "<b>hi</b> bob,hi ann", "shown: {shown}");
    }
    ann.picture(&picture("ch03-chat"), false)?;
    ann.eval("var ended; socket.addEventListener('close', event => { ended = event.code })")?;
    stage.end().context("with two windows open")?;
    ann.until("ended === 1001")?;
    let own = format!("//{host}/");
    let foreign = bob.requests().into_iter().find(|url| !url.contains(&own));
    ensure!(foreign.is_none(), "a request that leaves the machine: {foreign:?}");
    Ok(())
}
