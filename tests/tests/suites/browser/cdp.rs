//! A small client of the Chrome DevTools Protocol: as much of it as the tests need. The browser reads JSON from its descriptor 3
//! and writes it to 4, each message with a zero byte behind it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser without a window.
pub struct Browser {
    child: Child,
    wire: Arc<Mutex<Wire>>,
    _profile: TempDir,
}

/// The two ways to the browser, which all tabs share.
struct Wire {
    to: ChildStdin,
    from: Receiver<Value>,
    next: u64,
}

/// The browser's program, if there is one.
pub fn program() -> Option<PathBuf> {
    let names = ["chromium", "chromium-browser", "google-chrome", "chrome"];
    let path = std::env::var_os("PATH")?;
    let mut places =
        std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    places.find(|program| program.is_file())
}

impl Browser {
    /// Starts it.
    pub fn start(program: &Path) -> Result<Browser> {
        let profile = tempfile::Builder::new().prefix("workbook-browser-").tempdir()?;
        // What the shell gets as 0 and 1 is what the browser takes for 3 and 4.
        let mut child = Command::new("sh")
            .args(["-c", "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null"])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg("--remote-debugging-pipe")
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start the browser")?;
        let to = child.stdin.take().context("no stdin")?;
        let stdout = child.stdout.take().context("no stdout")?;
        let (sender, from) = mpsc::channel();
        thread::spawn(move || {
            for message in BufReader::new(stdout).split(0).map_while(Result::ok) {
                let Ok(message) = serde_json::from_slice(&message) else { break };
                if sender.send(message).is_err() {
                    break;
                }
            }
        });
        let wire = Arc::new(Mutex::new(Wire { to, from, next: 0 }));
        Ok(Browser { child, wire, _profile: profile })
    }

    /// Opens a tab of its own, with storage of its own.
    pub fn tab(&self) -> Result<Tab> {
        let wire = Arc::clone(&self.wire);
        let mut tab = Tab { wire, session: None, context: Value::Null, events: Vec::new() };
        let context = tab.call("Target.createBrowserContext", json!({}))?;
        tab.context = context["browserContextId"].clone();
        let target = json!({ "url": "about:blank", "browserContextId": tab.context });
        let target = tab.call("Target.createTarget", target)?["targetId"].clone();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = tab.call("Target.attachToTarget", attach)?["sessionId"].clone();
        tab.session = session.as_str().map(str::to_owned);
        for domain in ["Page", "Runtime", "Network", "Log"] {
            tab.call(&format!("{domain}.enable"), json!({}))?;
        }
        tab.size(1280, 900)?;
        Ok(tab)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One page, and all that happened to it.
pub struct Tab {
    wire: Arc<Mutex<Wire>>,
    session: Option<String>,
    context: Value,
    events: Vec<Value>,
}

impl Tab {
    /// Calls a method and returns its result. Events that come in between are kept.
    pub fn call(&mut self, method: &str, params: Value) -> Result<Value> {
        let mut message = json!({ "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let id = self.wire().send(message)?;
        loop {
            let message = self.receive().with_context(|| format!("waiting for {method}"))?;
            if message["id"] == id {
                if let Some(error) = message.get("error") {
                    bail!("{method}: {error}");
                }
                return Ok(message["result"].clone());
            }
            self.events.push(message);
        }
    }

    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message that is this tab's.
    fn receive(&mut self) -> Result<Value> {
        loop {
            let message = self.wire().from.recv_timeout(PATIENCE);
            let message = message.context("the browser says nothing")?;
            if message.get("sessionId").and_then(Value::as_str) == self.session.as_deref() {
                return Ok(message);
            }
        }
    }

    /// The window's size.
    pub fn size(&mut self, width: u32, height: u32) -> Result<()> {
        let metrics =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", metrics)?;
        Ok(())
    }

    /// Loads an address and waits until the page is there.
    pub fn open(&mut self, url: &str) -> Result<()> {
        self.events.clear();
        let loaded = self.call("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = loaded["errorText"].as_str() {
            bail!("{url}: {error}");
        }
        self.wait_for_event("Page.loadEventFired")
    }

    /// Waits for an event that may have come already.
    pub fn wait_for_event(&mut self, method: &str) -> Result<()> {
        while !self.events.iter().any(|event| event["method"] == method) {
            let event = self.receive().with_context(|| format!("waiting for {method}"))?;
            self.events.push(event);
        }
        Ok(())
    }

    /// The value of an expression; promises are awaited.
    pub fn eval(&mut self, expression: &str) -> Result<Value> {
        let params = json!({
            "expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true,
        });
        let result = self.call("Runtime.evaluate", params)?;
        if let Some(error) = result.get("exceptionDetails") {
            bail!("{expression}: {}", error["exception"]["description"]);
        }
        Ok(result["result"]["value"].clone())
    }

    /// Waits until an expression holds; says what the page shows if it never does. Pages may load anew meanwhile.
    pub fn until(&mut self, expression: &str) -> Result<()> {
        let waits = format!(
            "new Promise(done => {{
                const end = performance.now() + 5000;
                const look = () => {{
                    let holds = false;
                    try {{ holds = Boolean({expression}); }} catch {{ holds = false; }}
                    if (holds || performance.now() > end) {{ done(holds); }} else {{ setTimeout(look, 15); }}
                }};
                look();
            }})"
        );
        for _ in 0..20 {
            if matches!(self.eval(&waits), Ok(Value::Bool(true))) {
                return Ok(());
            }
        }
        let text =
            self.eval("document.querySelector('main')?.innerText ?? document.body.innerText")?;
        bail!("waited in vain for {expression}; the page shows:\n{}", text.as_str().unwrap_or(""))
    }

    /// Presses a key: `Tab`, `Enter`, `a`.
    pub fn key(&mut self, key: &str, control: bool) -> Result<()> {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            "ArrowLeft" => 37,
            "ArrowRight" => 39,
            _ => 0,
        };
        let modifiers = if control { 2 } else { 0 };
        let mut down = json!({
            "type": if code == 0 || key == "Enter" { "keyDown" } else { "rawKeyDown" },
            "key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": modifiers,
        });
        if key == "Enter" && !control {
            down["text"] = json!("\r");
        } else if code == 0 {
            down["text"] = json!(key);
        }
        self.call("Input.dispatchKeyEvent", down)?;
        let up = json!({
            "type": "keyUp", "key": key, "code": key, "windowsVirtualKeyCode": code,
            "modifiers": modifiers,
        });
        self.call("Input.dispatchKeyEvent", up)?;
        Ok(())
    }

    /// Types a text into what has the focus.
    pub fn type_text(&mut self, text: &str) -> Result<()> {
        self.call("Input.insertText", json!({ "text": text }))?;
        Ok(())
    }

    /// Keeps a picture of the page, whole or as far as the window shows it.
    pub fn picture(&mut self, file: &Path, whole: bool) -> Result<()> {
        let params = json!({ "format": "png", "captureBeyondViewport": whole });
        let mut params = params;
        if whole {
            let size = self.call("Page.getLayoutMetrics", json!({}))?["cssContentSize"].clone();
            let height = size["height"].as_f64().unwrap_or(900.0).min(6000.0);
            params["clip"] =
                json!({ "x": 0, "y": 0, "width": size["width"], "height": height, "scale": 1 });
        }
        let shot = self.call("Page.captureScreenshot", params)?;
        let data = shot["data"].as_str().context("no picture")?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(file, base64(data)?)?;
        Ok(())
    }

    /// The addresses of all requests since the page was opened.
    pub fn requests(&self) -> Vec<String> {
        self.named("Network.requestWillBeSent")
            .filter_map(|params| params["request"]["url"].as_str().map(str::to_owned))
            .collect()
    }

    /// The bytes that all finished requests brought.
    pub fn weight(&self) -> u64 {
        self.named("Network.loadingFinished")
            .filter_map(|params| params["encodedDataLength"].as_f64())
            .sum::<f64>() as u64
    }

    /// What the console calls errors, and exceptions that nobody caught.
    pub fn errors(&self) -> Vec<String> {
        let thrown = self.named("Runtime.exceptionThrown").map(|params| params.to_string());
        let logged = self
            .named("Log.entryAdded")
            .filter(|params| params["entry"]["level"] == "error")
            .map(|params| params["entry"].to_string());
        let called = self
            .named("Runtime.consoleAPICalled")
            .filter(|params| params["type"] == "error")
            .map(|params| params.to_string());
        thrown.chain(logged).chain(called).collect()
    }

    fn named<'a>(&'a self, method: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events
            .iter()
            .filter(move |event| event["method"] == method)
            .map(|event| &event["params"])
    }
}

impl Drop for Tab {
    /// A tab that nobody looks at any more still takes its time.
    fn drop(&mut self) {
        let params = json!({ "browserContextId": self.context });
        let _ =
            self.wire().send(json!({ "method": "Target.disposeBrowserContext", "params": params }));
    }
}

impl Wire {
    /// Sends a message and returns the number that its answer will have.
    fn send(&mut self, mut message: Value) -> Result<u64> {
        self.next += 1;
        message["id"] = json!(self.next);
        self.to.write_all(format!("{message}\0").as_bytes()).context("the browser has ended")?;
        Ok(self.next)
    }
}

/// RFC 4648, as the protocol sends pictures.
fn base64(text: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let six = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => bail!("{byte:#x} is no base64"),
        };
        bits = bits << 6 | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Ok(bytes)
}
