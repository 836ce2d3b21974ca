//! Five ways to take one request off a connection. One of them is right, and
//! on a good network all five look it.

use std::time::Duration;

use ch02_event_loop::runtime::Runtime;
use ch02_event_loop::tcp::TcpStream;

/// A way to take a request of eight bytes: `None` if the peer ends, or has
/// not sent all of it within the limit.
pub trait Takes {
    /// Takes it.
    fn take(
        &self,
        runtime: &Runtime,
        stream: &TcpStream,
        limit: Duration,
    ) -> impl Future<Output = Option<[u8; 8]>>;
}

/// Whether this way is right on every network: it gives the peer's eight
/// bytes whenever they come in time, and `None` at the limit, neither much
/// earlier nor much later.
pub fn is_right(takes: &impl Takes) -> bool {
    // begin: run it on networks with faults; a loop's error is a no
    use std::net::SocketAddr;

    use ch02_event_loop::combine::join;
    use ch02_event_loop::sim::{Faults, Sim};
    use ch02_event_loop::sys::ListenOptions;

    const LIMIT: Duration = Duration::from_secs(10);
    let asks = [&b"12345678"[..], b"1234", b""];
    let inputs = (0..50).flat_map(|seed| asks.map(|sent| (seed, sent)));
    inputs.into_iter().all(|(seed, sent)| {
        let sim = Sim::new(seed, Faults::ROUGH);
        let runtime = Runtime::simulated(&sim);
        let at = SocketAddr::from(([10, 0, 0, 1], 80));
        let run = async {
            let options = ListenOptions::default();
            let listener = runtime.listen(at, options)?;
            let client = runtime.connect(at).await?;
            let (server, _) = listener.accept().await?;
            let began = runtime.now();
            let sends = async {
                for byte in sent {
                    runtime.sleep(LIMIT / 20).await;
                    client.write_all(&[*byte]).await?;
                }
                Ok::<_, std::io::Error>(())
            };
            let takes = async {
                let taken = takes.take(&runtime, &server, LIMIT).await;
                (taken, runtime.now().saturating_sub(began))
            };
            let (sent, taken) = join(sends, takes).await;
            sent.map(|()| taken)
        };
        let whole: Option<[u8; 8]> = sent.try_into().ok();
        match runtime.block_on(run) {
            Ok(Ok((taken, took))) => {
                let in_time = match taken {
                    Some(_) => took < LIMIT,
                    None => took >= LIMIT && took < LIMIT * 6 / 5,
                };
                taken == whole && in_time
            }
            _ => false,
        }
    })
    // end
}
