//! What this step must do: dates, contents, and a server.

mod peer;
mod serve;
#[allow(dead_code)] // the earlier steps use the rest
mod wire;

use ch00_toolbox::process::Server as Stage;
use ch03_http::date;
use peer::{answers, statuses};
use serve::{get, post};

/// The stage: two requests on one connection of the kernel's, and the end.
#[test]
fn the_stage() {
    use std::io::{Read, Write};
    assert!(date::parse(b"now").is_none());
    let mut stage = Stage::example("ch03-http", "step3_serve")
        .start()
        .expect("a stage");
    let mut client = stage.connect().expect("a connection");
    let close = get("/count/3").replace("Host", "Connection: close\r\nHost");
    let text = post("/echo", "hello") + &close;
    client.write_all(text.as_bytes()).expect("sent");
    let mut got = Vec::new();
    client.read_to_end(&mut got).expect("all of it");
    let (found, rest) = answers(&got, &["POST"]);
    assert_eq!(rest, b"");
    assert_eq!(statuses(&found), [200, 200]);
    assert_eq!(found[0].content, b"hello");
    assert!(found[1].has("transfer-encoding: chunked"), "{found:?}");
    assert!(stage.terminate().success());
}
