//! What a client may do, and what its servers may.

use std::sync::Arc;
use std::time::Duration;

use ch03_http::chunked::BodyLimits;
use ch03_http::client::dial::{Lookup, system};
use ch03_http::client::pool::Limits;
use ch03_http::client::proxy::Proxy;
use ch03_http::head::Rules;
use ch03_http::patience::{Patience, Phase};

/// How long the client waits, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// For a connection to become free, when there are as many as may be.
    pub place: Duration,
    /// For the host's addresses, and again for each of them to answer.
    pub connect: Duration,
    /// For each write to be taken.
    pub send: Duration,
    /// From the request's end to the end of the answer's head: also the time
    /// that the server may think.
    pub head: Duration,
    /// From one piece of the body to the next.
    pub idle: Duration,
    /// For `100 Continue`, before the body is sent without it.
    pub go_on: Duration,
    /// For all of it, redirects and the answer's body included; `None`: as
    /// long as it goes on.
    pub total: Option<Duration>,
}

impl Default for Times {
    fn default() -> Times {
        let seconds = Duration::from_secs;
        Times {
            place: seconds(30),
            connect: seconds(10),
            send: seconds(30),
            head: seconds(60),
            idle: seconds(30),
            go_on: seconds(1), // as curl
            total: None,
        }
    }
}

impl Patience for Times {
    fn left(&self, phase: Phase, _: Duration, _: u64) -> Option<Duration> {
        (phase == Phase::Send).then_some(self.send)
    }
}

/// What a client may do, and what its servers may.
#[derive(Clone)]
pub struct Settings {
    /// How long it waits.
    pub times: Times,
    /// How many connections it holds.
    pub limits: Limits,
    /// What an answer's head may have.
    pub rules: Rules,
    /// What an answer's body may have, read piece by piece.
    pub body: BodyLimits,
    /// How many heads of 1xx may come before an answer.
    pub interims: usize,
    /// How many redirects are followed; 0: they are answers like others.
    pub redirects: usize,
    /// A body of more bytes waits for `100 Continue`, and so does one of
    /// unknown length.
    pub expect_over: u64,
    /// Whom to ask instead of the servers.
    pub proxy: Option<Proxy>,
    /// Who knows the addresses.
    pub lookup: Lookup,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            times: Times::default(),
            limits: Limits::default(),
            rules: Rules::default(),
            body: BodyLimits {
                body: u64::MAX, // the caller stops when it has enough
                ..BodyLimits::default()
            },
            interims: 16,
            redirects: 10, // the fetch standard: 20; curl: 50
            expect_over: 1024 * 1024, // as curl
            proxy: None,
            lookup: Arc::new(system),
        }
    }
}
