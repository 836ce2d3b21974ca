//! The real clients and servers: which of them a command needs, whether they are here, and how to get them.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use regex::Regex;

/// A program of somebody else's that judges a chapter, or that a chapter is timed against.
#[derive(Debug)]
pub struct Client {
    /// The command.
    pub name: &'static str,
    /// What it is.
    pub what: &'static str,
    /// Debian's and Ubuntu's package.
    pub apt: &'static str,
    /// Homebrew's formula; empty where macOS brings it along.
    pub brew: &'static str,
    /// What prints its version.
    version: &'static [&'static str],
}

const fn client(
    name: &'static str,
    what: &'static str,
    apt: &'static str,
    brew: &'static str,
    version: &'static [&'static str],
) -> Client {
    Client { name, what, apt, brew, version }
}

/// Those that the chapters ask for. A chapter that wants another adds its line here.
pub const CLIENTS: &[Client] = &[
    client("nc", "netcat, OpenBSD's", "netcat-openbsd", "", &["-h"]),
    client("socat", "relays bytes between any two ends", "socat", "socat", &["-V"]),
    client("telnet", "the oldest client", "telnet", "telnet", &["--version"]),
    client("curl", "HTTP's client", "curl", "", &["--version"]),
    client("gzip", "compresses files", "gzip", "", &["--version"]),
    client("xxd", "shows bytes in hex", "xxd", "", &["-v"]),
    client(
        "nginx",
        "a web server, and what stands before many others",
        "nginx-light",
        "nginx",
        &["-v"],
    ),
    client("python3", "Python, which has zlib", "python3", "python", &["--version"]),
    client("wrk", "HTTP's load", "wrk", "wrk", &["-v"]),
    client("python3-httpx", "Python's HTTP client", "python3-httpx", "", &[]),
    client("python3-websockets", "Python's WebSockets", "python3-websockets", "", &[]),
];

/// The client of this name.
pub fn find(name: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.name == name)
}

/// Where a program stands on PATH.
pub fn which(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

impl Client {
    /// Whether it is here and is what its name promises.
    pub fn here(&self) -> bool {
        if let Some(module) = self.module() {
            return python_with(module).is_some();
        }
        which(self.name).is_some() && (self.name != "nc" || nc_shuts_down())
    }

    /// The module of Python that it is, if it is no program: `python3-NAME`.
    fn module(&self) -> Option<&'static str> {
        self.name.strip_prefix("python3-")
    }

    /// The first line that tells its version.
    pub fn version(&self) -> Option<String> {
        let mut command = match self.module() {
            None => Command::new(self.name),
            Some(module) => {
                let script = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))";
                let mut python = Command::new(python_with(module)?);
                python.args(["-c", script, module]);
                python
            }
        };
        let output = command.args(self.version).stdin(Stdio::null()).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        let digits = |line: &&str| line.chars().any(|c| c.is_ascii_digit());
        text.lines().find(digits).map(|line| line.trim().to_owned())
    }

    /// The command that installs it here.
    pub fn install(&self) -> String {
        if let (true, Some(module)) = (cfg!(target_os = "macos"), self.module()) {
            return format!("python3 -m pip install {module}");
        }
        match (cfg!(target_os = "macos"), self.name, self.brew) {
            (true, "nc", _) => "run this on Linux: macOS's nc has no -N".into(),
            (true, _, "") => format!("{} comes with macOS; look at your PATH", self.name),
            (true, _, formula) => format!("brew install {formula}"),
            (false, ..) => format!("sudo apt-get install {}", self.apt),
        }
    }
}

/// The Python that has this module: the first on PATH, or the system's, for which packages are installed.
fn python_with(module: &str) -> Option<&'static str> {
    let import = format!("import {module}");
    ["python3", "/usr/bin/python3"].into_iter().find(|python| {
        let mut command = Command::new(python);
        command.args(["-c", &import]).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    })
}

/// How to get a program, known or not.
pub fn install(name: &str) -> String {
    find(name).map_or_else(|| format!("install {name}"), Client::install)
}

/// Whether a program is here (and, if it is one of [`CLIENTS`], is the right one).
pub fn here(name: &str) -> bool {
    find(name).map_or_else(|| which(name).is_some(), Client::here)
}

/// `nc -N` ends its sending side when its input ends. Other netcats have another `-N`, or none.
fn nc_shuts_down() -> bool {
    let Ok(output) = Command::new("nc").arg("-h").stdin(Stdio::null()).output() else {
        return false;
    };
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().any(|line| {
        line.trim_start().starts_with("-N") && line.to_ascii_lowercase().contains("shutdown")
    })
}

/// The clients that a shell command calls: those of [`CLIENTS`] that stand where a command stands.
pub fn named_in(command: &str) -> Vec<&'static str> {
    static START: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let opens = r"(?:^|[|;&(){`!\n])\s*";
        let passes_on = r"(?:exec|time|do|then|if|while|else|timeout\s+\S+|\w+=[^\s$(]*)\s+";
        Regex::new(&format!(r"{opens}(?:{passes_on})*([\w.-]+)")).ok()
    });
    let words = START.iter().flat_map(|start| start.captures_iter(command));
    let mut found: Vec<&'static str> =
        words.filter_map(|word| find(word.get(1)?.as_str())).map(|client| client.name).collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::named_in;

    #[test]
    fn clients_are_found_where_commands_stand() {
        for (command, expected) in [
            ("printf 'a\\n' | nc -N 127.0.0.1 7001", &["nc"][..]),
            ("socat - TCP:127.0.0.1:7001", &["socat"]),
            ("(printf 'a'; sleep 1) | nc localhost 1", &["nc"]),
            ("echo socat nc telnet", &[]),
            ("timeout 5 nc -l 1 & socat - TCP:a:1", &["nc", "socat"]),
            ("for i in 1 2; do nc a 1; done", &["nc"]),
            ("X=1 telnet a 1", &["telnet"]),
            ("x=$(nc a 1)", &["nc"]),
            ("cargo run -q -p ch01-sockets -- --help", &[]),
        ] {
            assert_eq!(named_in(command), expected, "input: {command}");
        }
    }
}
