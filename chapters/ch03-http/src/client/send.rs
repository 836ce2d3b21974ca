//! Requests until there is an answer: again after a loss, and on to where a
//! redirect points.

use std::rc::Rc;
use std::time::Duration;

use ch02_event_loop::runtime::Runtime;
use ch03_http::client::error::{ClientError, RedirectFault, Step};
use ch03_http::client::exchange::Exchange;
use ch03_http::client::keep::{Counts, Keeper};
use ch03_http::client::outgoing::Outgoing;
use ch03_http::client::pool::Key;
use ch03_http::client::redirect;
use ch03_http::client::reply::Reply;
use ch03_http::client::settings::Settings;
use ch03_http::url::Url;

/// A client, with the connections that it keeps. Clones are the same one.
#[derive(Clone)]
pub struct Client(Rc<Keeper>);

impl Client {
    /// A client on this loop.
    pub fn new(runtime: &Runtime, settings: Settings) -> Client {
        Client(Keeper::new(runtime, settings))
    }

    /// What it has done so far.
    pub fn counts(&self) -> Counts {
        self.0.counts()
    }

    /// How many connections are idle.
    pub fn idle(&self) -> usize {
        self.0.idle()
    }

    /// How many more connections it could have.
    pub fn places(&self) -> usize {
        self.0.places()
    }

    /// Makes a request and waits for the head of its answer, or of the
    /// answer to the last of its redirects.
    ///
    /// # Errors
    /// [`ClientError`]: there is none. A status of 4xx or 5xx is an answer.
    pub async fn send(&self, outgoing: Outgoing) -> Result<Reply, ClientError> {
        let Some(total) = self.0.settings().times.total else {
            return self.follow(outgoing, None).await;
        };
        let runtime = self.0.runtime();
        let deadline = runtime.now().saturating_add(total);
        let follow = self.follow(outgoing, Some(deadline));
        let done = runtime.timeout(total, follow).await;
        done.unwrap_or(Err(ClientError::TimedOut(Step::Total)))
    }

    // ANCHOR: follow
    /// Request after request, as long as the answer names another one.
    async fn follow(
        &self,
        mut outgoing: Outgoing,
        deadline: Option<Duration>,
    ) -> Result<Reply, ClientError> {
        let most = self.0.settings().redirects;
        let at = |it: &Outgoing| (it.method().to_owned(), it.url().clone());
        let mut seen = vec![at(&outgoing)];
        loop {
            let reply = self.once(&mut outgoing, deadline).await?;
            if most == 0 || !redirect::turn(&mut outgoing, &reply.response())? {
                return Ok(reply);
            }
            let next = at(&outgoing);
            if seen.contains(&next) {
                let url = next.1.to_string();
                return Err(RedirectFault::Loop(url).into());
            }
            if seen.len() > most {
                return Err(RedirectFault::TooMany(most).into());
            }
            seen.push(next);
            reply.pass_over().await;
        }
    }
    // ANCHOR_END: follow

    // ANCHOR: once
    /// One request: tried again if the connection turns out to be closed
    /// already, or if the server does not know what Expect is.
    async fn once(
        &self,
        outgoing: &mut Outgoing,
        deadline: Option<Duration>,
    ) -> Result<Reply, ClientError> {
        let route = self.route(outgoing.url());
        let length = outgoing.payload().length();
        let over = self.0.settings().expect_over;
        let mut expects = length.is_none_or(|length| length > over);
        let mut fresh = false;
        loop {
            let mut line = self.0.line(&route.key, fresh).await?;
            let (runtime, settings) = (self.0.runtime(), self.0.settings());
            let mut exchange =
                Exchange::new(runtime, settings, route.absolute, expects);
            let done = exchange.run(&mut line, outgoing).await;
            match done {
                Err(error) => {
                    let was_used = line.served > 0 && !fresh;
                    if !was_used || !exchange.may_retry(&error, outgoing) {
                        return Err(error);
                    }
                    fresh = true;
                    self.0.count(|counts| counts.retried += 1);
                }
                Ok(()) if exchange.is_misunderstood(outgoing) => {
                    expects = false;
                }
                Ok(()) => {
                    let whole = exchange.is_whole();
                    let (keeper, heads) = (self.0.clone(), exchange.heads);
                    return Reply::begin(
                        keeper, heads, line, outgoing, whole, deadline,
                    );
                }
            }
        }
    }
    // ANCHOR_END: once

    /// Which server gets the request, and in which form.
    fn route(&self, url: &Url) -> Route {
        let proxy = self.0.settings().proxy.as_ref();
        let proxy = proxy.filter(|proxy| proxy.is_for(url));
        let to = proxy.map_or(url, |proxy| &proxy.url);
        Route {
            key: (to.host().to_owned(), to.port()),
            absolute: proxy.is_some(),
        }
    }
}

/// Where a request goes.
struct Route {
    key: Key,
    absolute: bool,
}
