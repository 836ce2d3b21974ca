//! Makes a directory to be served by two servers that are timed beside each
//! other, and prints where it is; in it, the configuration for nginx.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use ch00_toolbox::args::{Command, PORT, addr_opt, fail, usage};
use ch00_toolbox::rng::Rng;

const COMMAND: Command = Command {
    name: "beside",
    about: "Makes a directory to be served, and prints its path.",
    operands: "",
    options: &[addr_opt("127.0.0.1:7003"), PORT],
    try_it: "nginx -p \"$(beside --port 7004)\" -c nginx.conf",
};

/// One worker, since ours is one thread; sendfile, no log, connections that
/// last, and a hundred bytes from memory where ours has them.
const CONFIG: &str = "
daemon off;
worker_processes 1;
error_log stderr;
pid nginx.pid;
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_body_temp_path temp_body;
    proxy_temp_path temp_proxy;
    fastcgi_temp_path temp_fastcgi;
    uwsgi_temp_path temp_uwsgi;
    scgi_temp_path temp_scgi;
    types { text/plain txt; text/html html; }
    server {
        listen ADDR backlog=4096;
        root files;
        location = /-/ping { default_type text/plain; return 200 \"DOTS\"; }
    }
}
";

fn main() -> ExitCode {
    let addr = match COMMAND.from_env().addr() {
        Ok(addr) => addr,
        Err(stop) => return usage(COMMAND.name, stop),
    };
    match run(addr) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(COMMAND.name, error),
    }
}

fn run(addr: SocketAddr) -> io::Result<()> {
    // One for each port: the two servers of a bench do not share it.
    let name = format!("ch03-http-beside-{}", addr.port());
    let top: PathBuf = std::env::temp_dir().join(name);
    let files = top.join("files");
    fs::create_dir_all(&files)?;
    let text = b"All files are made of this one line, again and again.\n";
    let text: Vec<u8> = text.iter().copied().cycle().take(1024).collect();
    fs::write(files.join("1k.txt"), text)?;
    fs::write(files.join("1m.bin"), Rng::seeded(1).bytes(1024 * 1024))?;
    fs::write(files.join("index.html"), "<title>files</title>\n")?;
    let config = CONFIG.replace("ADDR", &addr.to_string());
    let config = config.replace("DOTS", &".".repeat(100));
    fs::write(top.join("nginx.conf"), config)?;
    writeln!(io::stdout(), "{}", top.display())
}
