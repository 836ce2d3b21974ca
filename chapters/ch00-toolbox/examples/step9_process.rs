//! The stage of step 9: a server to be started by a test, and a program that
//! starts one itself.
use ch00_toolbox::process::Server;
use std::io::Write;
use std::net::TcpListener;
fn main() -> std::io::Result<()> {
    let child = if std::env::args().any(|a| a == "--child") {
        let child = Server::example("ch00-toolbox", "step9_process").start()?;
        Some(child)
    } else {
        None
    };
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("step9_process listening on {}", listener.local_addr()?);
    if let Some(child) = &child {
        println!("child listening on {}", child.addr());
    }
    for stream in listener.incoming() {
        let mut stream = stream?;
        writeln!(stream, "pid {}", std::process::id())?;
        let mut line = String::new();
        std::io::BufRead::read_line(
            &mut std::io::BufReader::new(stream),
            &mut line,
        )?;
    }
    Ok(())
}
