//! An echo server on tokio's runtime of one thread, for a chapter's event loop to be timed beside.
//!
//! It is written as tokio's users write one: a task for each connection, a buffer of 16 KiB in it, `read` and `write_all`.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Bytes that one read takes.
const BUFFER: usize = 16 * 1024;

/// Connections that wait to be accepted: a load opens all of its own at once.
const BACKLOG: u32 = 4096;

/// Time for descriptors to become free when there are none.
const BREATH: Duration = Duration::from_millis(50);

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let port = match (args.next().as_deref(), args.next().map(|port| port.parse()), args.next()) {
        (Some("--port"), Some(Ok(port)), None) => port,
        _ => {
            eprintln!("tokio_echo: usage: tokio_echo --port N");
            return ExitCode::from(2);
        }
    };
    match run(port) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tokio_echo: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(port: u16) -> io::Result<()> {
    raise_descriptors();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let listener = socket.listen(BACKLOG)?;
        println!("tokio_echo listening on {}", listener.local_addr()?);
        serve(listener).await
    })
}

/// As many connections as the system lets this user have: the soft limit is often 1,024.
fn raise_descriptors() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        // What is refused leaves the limit as it was; accept says when it is reached.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}

async fn serve(listener: TcpListener) -> io::Result<()> {
    loop {
        match listener.accept().await {
            // A client that breaks off is no reason to end.
            Ok((stream, _)) => drop(tokio::spawn(async { drop(echo(stream).await) })),
            Err(error) => {
                eprintln!("tokio_echo: accept: {error}");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.read(&mut buffer).await? {
            0 => return Ok(()),
            count => stream.write_all(&buffer[..count]).await?,
        }
    }
}
