//! Slow bodies, slow readers, and clients that do not stop.

use std::io::ErrorKind;
use std::time::Duration;

use ch00_toolbox::prop::{self, Gen};

use super::peer::{MS, SEC, answers, read_to_end, statuses};
use super::{CASES, assert_at, get, slowly, timed, times};

fn post(length: usize) -> String {
    format!("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")
}

/// I20: a body that comes a byte at a time, in its content, its sizes, its
/// extensions or its trailer, ends in a 408, whatever a byte moves.
#[test]
fn a_slow_body() {
    let coded = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \
                 chunked\r\n\r\n";
    let check = |head: &str, slow: &str| {
        let mut pieces = vec![(Duration::ZERO, head.as_bytes().to_vec())];
        pieces.extend(slowly(slow, SEC / 2));
        let (got, end) = timed(times(), async |w| w.drip(pieces).await);
        let (found, _) = answers(got.as_bytes(), &[]);
        assert_eq!(statuses(&found), [408], "input: {head}, slowly {slow:?}");
        assert_at(end, 3 * SEC, slow);
    };
    check(&post(99), &"x".repeat(99));
    check(coded, "0000000000000001\r\nx");
    check(coded, &("1;".to_owned() + &"x".repeat(99)));
    check(&format!("{coded}63\r\n"), &"x".repeat(99));
    check(coded, &"1\r\nx\r\n".repeat(99));
    check(&format!("{coded}0\r\n"), &"X: y\r\n".repeat(99));
}

/// I20: a body keeps its connection just while it comes fast enough: a model
/// counts along.
#[test]
fn bodies_in_time() {
    let t = times();
    prop::check(
        "bodies_in_time",
        CASES,
        |g: &mut Gen| {
            g.vec(12, |g| {
                let pause = 20 * MS * g.range(1, 100) as u32;
                (pause, g.range(1, 300) as usize)
            })
        },
        |pieces: &Vec<(Duration, usize)>| {
            // The model, and how near it came to a deadline.
            let (mut waited, mut received) = (Duration::ZERO, 0);
            let (mut is_slow, mut nearest) = (false, SEC);
            for (pause, count) in pieces {
                let earned = SEC * (received / 100) as u32;
                let most = t.body + earned;
                waited += *pause;
                nearest = nearest.min(waited.abs_diff(most));
                if waited > most {
                    is_slow = true;
                    break;
                }
                received += count;
            }
            if nearest <= 40 * MS {
                return Ok(()); // who knows
            }
            let whole: usize = pieces.iter().map(|piece| piece.1).sum();
            let head = (Duration::ZERO, post(whole).into_bytes());
            let rest = pieces.iter();
            let rest = rest.map(|&(pause, count)| (pause, vec![b'x'; count]));
            let bytes: Vec<_> = [head].into_iter().chain(rest).collect();
            let (got, _) = timed(times(), async |w| w.drip(bytes).await);
            let (found, _) = answers(got.as_bytes(), &[]);
            let expected = if is_slow { 408 } else { 200 };
            match statuses(&found) == [expected] {
                true => Ok(()),
                false => Err(format!("not {expected}: {got}")),
            }
        },
    );
}

/// I20: the time in which the service did not ask is not the client's.
#[test]
fn a_slow_service_is_not_a_slow_body() {
    let head = post(4).replace("/x", "/pause");
    let mut pieces = vec![(Duration::ZERO, head.into_bytes())];
    pieces.extend(slowly("abcd", 8 * SEC));
    pieces[1].0 = SEC; // then the service is busy for 10 s after each
    let (got, _) = timed(times(), async |w| w.drip(pieces).await);
    let (found, _) = answers(got.as_bytes(), &[]);
    assert_eq!(
        statuses(&found),
        [200],
        "input: a body beside a slow service"
    );
    assert_eq!(found[0].content, b"abcd");
}

/// A body that nobody wants is waited for no longer than another one.
#[test]
fn a_slow_body_that_nobody_wants() {
    let head = post(9).replace("/x", "/skip");
    let pieces = vec![(Duration::ZERO, head.into_bytes())];
    let (got, end) = timed(times(), async |w| w.drip(pieces).await);
    let (found, _) = answers(got.as_bytes(), &[]);
    assert_eq!(statuses(&found), [200], "input: no body");
    assert_at(end, 3 * SEC, "no body");
}

/// I21: a client that reads nothing of what it has asked for is reset at its
/// deadline; until then the server holds no more than it may.
#[test]
fn a_client_that_does_not_read() {
    let pipeline = get("/big").repeat(500);
    for text in [pipeline.as_str(), &get("/many")] {
        timed(times(), async |world| {
            let client = world.connect().await?;
            client.write_all(text.as_bytes()).await?;
            world.runtime.sleep(3 * SEC).await;
            assert!(world.ends.borrow().is_empty(), "before its time");
            // While it waits for the first answers to go, it makes no more.
            let calls = world.server.service().calls.get();
            assert!(calls <= 2, "{calls} answers for nobody");
            world.runtime.sleep(2 * SEC).await;
            let ends = world.ends.borrow().clone();
            assert_eq!(ends, [Err(ErrorKind::TimedOut)], "the connection");
            let read = read_to_end(&client).await.map_err(|e| e.kind());
            assert_eq!(read, Err(ErrorKind::ConnectionReset), "the client");
            Ok(())
        });
    }
}

/// I21: a byte now and then is not reading; enough bytes are.
#[test]
fn slow_readers() {
    let check = |count: usize, expected: bool| {
        let whole = timed(times(), async |world| {
            let client = world.connect().await?;
            client.write_all(get("/big").as_bytes()).await?;
            world.runtime.sleep(SEC).await;
            let (mut got, mut buf) = (0, vec![0; count]);
            loop {
                match client.read(&mut buf).await {
                    Ok(0) => return Ok(got > 100_000),
                    Ok(count) => got += count,
                    Err(_) => return Ok(false),
                }
                if got > 100_000 {
                    return Ok(true);
                }
                world.runtime.sleep(SEC).await;
            }
        });
        assert_eq!(whole, expected, "input: {count} bytes a second");
    };
    check(1, false);
    check(50, false);
    check(5_000, true);
}

/// A client that goes on sending after its last answer is left alone after
/// `linger`, and one that floods us, after some megabytes.
#[test]
fn after_the_end() {
    let mut pieces = slowly("no request\r\n", Duration::ZERO);
    pieces.extend(slowly(&"x".repeat(99), SEC / 4));
    timed(times(), async |world| {
        let (got, _) = world.drip(pieces).await?;
        assert!(got.starts_with("HTTP/1.1 400 "), "{got}");
        Ok(())
    });
    let at = timed(times(), async |world| {
        let client = world.connect().await?;
        client.write_all(b"no request\r\n").await?;
        while world.ends.borrow().is_empty() {
            let _ = client.write_all(b"x").await;
            world.runtime.sleep(SEC / 10).await;
        }
        Ok(world.runtime.now())
    });
    assert!((2 * SEC..3 * SEC).contains(&at), "{at:?}");
    let taken = timed(times(), async |world| {
        let client = world.connect().await?;
        client.write_all(b"no request\r\n").await?;
        let (block, mut taken) = (vec![b'x'; 64 * 1024], 0);
        while taken < 10 << 20 && client.write_all(&block).await.is_ok() {
            taken += block.len();
        }
        Ok(taken >> 20)
    });
    assert!((8..10).contains(&taken), "{taken} MiB");
}
