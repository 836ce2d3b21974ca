//! The stage of the client step: a small curl.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use ch00_toolbox::args::{Command, Opt, Parsed, Stop, fail, usage};
use ch02_event_loop::runtime::Runtime;
use ch03_http::client::proxy::Proxy;
use ch03_http::client::{Client, ClientError, Outgoing, Payload, Settings};
use ch03_http::url::Url;

const fn value(
    name: &'static str,
    value: &'static str,
    default: Option<&'static str>,
    help: &'static str,
) -> Opt {
    Opt {
        name,
        value: Some(value),
        default,
        help,
    }
}

const fn switch(name: &'static str, help: &'static str) -> Opt {
    Opt {
        name,
        value: None,
        default: None,
        help,
    }
}

const COMMAND: Command = Command {
    name: "step7_client",
    about: "Gets URLs, over as few connections as it can, and prints them.",
    operands: "URL...",
    options: &[
        switch("include", "print the heads as well"),
        value("method", "M", None, "GET, or POST where there is data"),
        value("data", "TEXT", None, "the body of each request"),
        value(
            "header",
            "'N: V'",
            None,
            "a field; several on several lines",
        ),
        value("redirects", "N", Some("10"), "how many are followed"),
        value("proxy", "URL", None, "ask this one instead"),
        value("no-proxy", "HOSTS", Some(""), "but for these, with commas"),
        value("max-time", "S", Some("60"), "seconds for one URL"),
        switch("trace", "say on which connection an answer came"),
    ],
    try_it: "step7_client --trace http://127.0.0.1:7003/ \
             http://127.0.0.1:7003/ping",
};

fn main() -> ExitCode {
    let parsed = COMMAND.from_env();
    let settings = match settings(&parsed) {
        Ok(settings) => settings,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return fail(COMMAND.name, error),
    };
    let client = Client::new(&runtime, settings);
    for url in parsed.operands() {
        let done = runtime.block_on(show(&client, &parsed, url));
        if let Err(error) = done.and_then(|done| done) {
            return fail(COMMAND.name, format_args!("{url}: {error}"));
        }
    }
    ExitCode::SUCCESS
}

fn settings(parsed: &Parsed) -> Result<Settings, Stop> {
    let wrong =
        |e: &dyn std::fmt::Display| Stop::Usage(format!("--proxy: {e}"));
    let mut settings = Settings {
        redirects: parsed.value("redirects")?,
        ..Settings::default()
    };
    let seconds: u32 = parsed.value("max-time")?;
    settings.times.total = Some(Duration::from_secs(seconds.into()));
    if let Some(proxy) = parsed.text("proxy") {
        let url = Url::parse(proxy).map_err(|error| wrong(&error))?;
        let except = parsed.text("no-proxy").unwrap_or_default();
        let except = except.split(',').map(str::to_owned).collect();
        settings.proxy = Some(Proxy { url, except });
    }
    Ok(settings)
}

/// One URL: its answer, on stdout.
async fn show(client: &Client, parsed: &Parsed, url: &str) -> io::Result<()> {
    let outgoing = outgoing(parsed, url).map_err(io::Error::other)?;
    let mut reply = client.send(outgoing).await.map_err(io::Error::other)?;
    let mut stdout = io::stdout();
    if parsed.switch("trace") {
        let which = if reply.is_reused() { "reused" } else { "new" };
        let status = reply.status();
        writeln!(stdout, "* {}: {status}, {which} connection", reply.url())?;
    }
    if parsed.switch("include") {
        stdout.write_all(reply.head())?;
    }
    let mut piece = Vec::new();
    while reply.piece(&mut piece).await.map_err(io::Error::other)? {
        stdout.write_all(&piece)?;
        piece.clear();
    }
    stdout.flush()
}

fn outgoing(parsed: &Parsed, url: &str) -> Result<Outgoing, ClientError> {
    let data = parsed.text("data");
    let usual = if data.is_some() { "POST" } else { "GET" };
    let method = parsed.text("method").unwrap_or(usual);
    let mut outgoing = Outgoing::new(method, url)?;
    for line in parsed.text("header").unwrap_or_default().lines() {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        outgoing = outgoing.with(name, value.trim())?;
    }
    if let Some(data) = data {
        let bytes = data.to_owned().into_bytes();
        outgoing = outgoing.with_payload(Payload::Bytes(bytes.into()));
    }
    Ok(outgoing)
}
