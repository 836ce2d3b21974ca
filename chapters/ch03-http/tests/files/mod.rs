//! A directory to serve, and two ways to ask for what lies in it: by a call,
//! and over a connection.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use ch02_event_loop::drain::Drain;
use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::sim::{Faults, Sim};
use ch02_event_loop::sys::ListenOptions;
use ch03_http::files::Files;
use ch03_http::head::{RequestParser, ResponseParser, Rules};
use ch03_http::response::{Payload, Response};
use ch03_http::serve::{Server, Service, Settings};

/// When all files here were modified: Sun, 06 Nov 1994 08:49:37 GMT.
pub const MODIFIED: Duration = Duration::new(784_111_777, 500_000_000);

/// When all of this happens: Fri, 13 Feb 2009 23:31:30 GMT.
pub const NOW: Duration = Duration::from_secs(1_234_567_890);

/// A directory that is removed in the end.
pub struct Dir(PathBuf);

impl Dir {
    /// An empty one, whose path has no links.
    pub fn new(name: &str) -> Dir {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("files-{name}-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory");
        Dir(path.canonicalize().expect("its path"))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file, and the directories above it.
    pub fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(&path, bytes).expect("written");
        set_modified(&path, MODIFIED);
        path
    }

    pub fn link(&self, name: &str, to: impl AsRef<Path>) {
        std::os::unix::fs::symlink(to, self.0.join(name)).expect("a link");
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub fn set_modified(path: &Path, unix: Duration) {
    let file = File::options().write(true).open(path).expect("opened");
    file.set_modified(UNIX_EPOCH + unix).expect("its time set");
}

/// A request's bytes: a line without the version, and fields.
pub fn request(line: &str, fields: &[&str]) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\nHost: h\r\n");
    for field in fields {
        text.push_str(field);
        text.push_str("\r\n");
    }
    text.push_str("\r\n");
    text.into_bytes()
}

/// The answer to a request, by a call; `None` if its head is refused.
pub fn ask(files: &Files, request: &[u8]) -> Option<Response> {
    let mut parser = RequestParser::new(Rules::default());
    let length = parser.parse(request).ok()?.expect("a whole head");
    let answer = files.answer(&parser.head(&request[..length]), NOW);
    Some(answer.expect("fields that can be written"))
}

/// The content of an answer that is one piece.
pub fn content(response: &Response) -> Vec<u8> {
    match response.payload() {
        Payload::Empty => Vec::new(),
        Payload::Bytes(bytes) => bytes.to_vec(),
        Payload::Content(content) => {
            let bytes = content.to_bytes(u64::MAX).expect("one piece");
            bytes.expect("a file that can be read")
        }
        Payload::Upgrade(_) => panic!("an upgrade"),
    }
}

/// An answer as a client has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter();
        let found = fields.find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// What came up to the end of the connection.
    pub fn read(bytes: &[u8]) -> Answer {
        let mut parser = ResponseParser::new(Rules::default());
        let length = parser.parse(bytes).expect("a head").expect("all of it");
        let head = parser.head(&bytes[..length]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = head.headers.iter();
        Answer {
            status: head.status,
            fields: fields
                .map(|(name, value)| (text(name), text(value)))
                .collect(),
            body: bytes[length..].to_vec(),
        }
    }

    /// And it has just the length that it says.
    pub fn checked(self) -> Answer {
        let said = self.get("content-length").map(str::to_owned);
        let length = self.body.len().to_string();
        assert_eq!(said, Some(length), "Content-Length of {self:?}");
        self
    }
}

/// Sends bytes to a service over a connection of the runtime's network, and
/// gives all that comes back up to the end.
pub async fn over(
    runtime: &Runtime,
    service: impl Service + 'static,
    sent: &[u8],
) -> Vec<u8> {
    let stream = connect(runtime, service).await;
    stream.write_all(sent).await.expect("sent");
    read_to_end(&stream, Vec::new()).await
}

/// A connection to a service.
pub async fn connect(
    runtime: &Runtime,
    service: impl Service + 'static,
) -> ch02_event_loop::tcp::TcpStream {
    let (drain, settings) = (Drain::default(), Settings::default());
    let server = Server::new(service, runtime, &drain, settings);
    let addr = SocketAddr::from(([127, 0, 0, 1], 0));
    let listener = runtime.listen(addr, ListenOptions::default());
    let listener = listener.expect("a listener");
    let at = listener.local_addr().expect("its address");
    let serves = async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let _ = server.connection(stream).await;
    };
    runtime.spawn(serves).detach();
    runtime.connect(at).await.expect("a connection")
}

/// All that is still to come, behind what there is.
pub async fn read_to_end(
    stream: &ch02_event_loop::tcp::TcpStream,
    mut all: Vec<u8>,
) -> Vec<u8> {
    let mut buf = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buf).await {
            Ok(0) | Err(_) => return all,
            Ok(count) => all.extend_from_slice(&buf[..count]),
        }
    }
}

/// The same in a simulated world.
pub fn exchange(service: impl Service + 'static, sent: &[u8]) -> Answer {
    let sim = Sim::new(1, Faults::NONE);
    sim.clock().set_unix(NOW);
    let runtime = Runtime::simulated(&sim);
    let done = runtime.block_on(over(&runtime, service, sent));
    Answer::read(&done.expect("a world that goes on"))
}
