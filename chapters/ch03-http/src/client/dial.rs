//! From a name to a connection: the name's addresses, each tried in turn.
//!
//! Left out: trying the next address while the last one has not answered yet
//! ("happy eyeballs", RFC 8305), which spares a user a wait of `connect` for
//! each dead address.

use std::future::Future;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use ch02_event_loop::runtime::Runtime;
use ch03_http::client::error::{ClientError, Step};
use ch03_http::client::pool::Key;

/// How many addresses of one name are tried.
const ADDRESSES: usize = 8;

/// Finds the addresses of a host; it may wait, and does so on the pool for
/// such work.
pub type Lookup =
    Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// The system's: getaddrinfo(3), which reads `/etc/hosts` and asks DNS.
///
/// # Errors
/// The system's: there is no such name, or nobody to ask.
pub fn system(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}

/// The addresses of a server, at least one. An address in digits is itself.
///
/// # Errors
/// `Name`, or `TimedOut` if it is not found within `limit`.
pub async fn addresses(
    runtime: &Runtime,
    lookup: &Lookup,
    (host, port): &Key,
    limit: Duration,
) -> Result<Vec<SocketAddr>, ClientError> {
    if let Ok(ip) = host.parse::<IpAddr>() {
        return Ok(vec![SocketAddr::new(ip, *port)]);
    }
    let (lookup, name, port) = (lookup.clone(), host.clone(), *port);
    let found = runtime.blocking(move || lookup(&name, port));
    let found = runtime.timeout(limit, found).await;
    let found = found.map_err(|_| ClientError::TimedOut(Step::Name))?;
    let error = match found.and_then(|found| found) {
        Ok(mut found) if !found.is_empty() => {
            found.truncate(ADDRESSES);
            return Ok(found);
        }
        Ok(_) => io::Error::new(ErrorKind::NotFound, "no address"),
        Err(error) => error,
    };
    Err(ClientError::Name(host.clone(), error))
}

// ANCHOR: first
/// Tries one address after the other, each for so long, and gives what the
/// first gives that answers.
///
/// # Errors
/// What the last one said: `Connect`, or `TimedOut`.
pub async fn first<T, F>(
    runtime: &Runtime,
    addresses: &[SocketAddr],
    limit: Duration,
    connect: impl Fn(SocketAddr) -> F,
) -> Result<T, ClientError>
where
    F: Future<Output = io::Result<T>>,
{
    let mut said = ClientError::TimedOut(Step::Connect); // of no address
    for &addr in addresses {
        match runtime.timeout(limit, connect(addr)).await {
            Ok(Ok(connected)) => return Ok(connected),
            Ok(Err(error)) => said = ClientError::Connect(addr, error),
            Err(_) => said = ClientError::TimedOut(Step::Connect),
        }
    }
    Err(said)
}
// ANCHOR_END: first
