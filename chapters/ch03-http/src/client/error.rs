//! Why there is no answer, sorted by who must act.

use std::fmt;
use std::io;
use std::net::SocketAddr;

use ch03_http::chunked::BodyError;
use ch03_http::framing::FramingError;
use ch03_http::head::{HeadError, Refused};
use ch03_http::url::UrlError;

// ANCHOR: error
/// Why there is no answer, or no more of it.
#[derive(Debug)]
pub enum ClientError {
    /// The caller: this cannot be asked for.
    Request(RequestFault),
    /// The caller's content failed, or was not as long as it had said.
    Content(io::Error),
    /// Whoever runs the names: this host has no address.
    Name(String, io::Error),
    /// Whoever runs the server: nobody answers at any of its addresses. This
    /// is what the last one said.
    Connect(SocketAddr, io::Error),
    /// Nobody in particular: the connection was lost. Whether the server has
    /// acted on the request is not known.
    Lost(io::Error),
    /// Whoever is slow.
    TimedOut(Step),
    /// The server's author: this is not HTTP.
    Answer(AnswerFault),
    /// The site's author: the way leads nowhere.
    Redirect(RedirectFault),
}

/// What the client was waiting for when the time was up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// For one of the connections that it may have.
    Place,
    /// For the host's addresses.
    Name,
    /// For the server to take the connection.
    Connect,
    /// For the server to take what is sent.
    Send,
    /// For the end of the answer's head.
    Head,
    /// For the next piece of its body.
    Body,
    /// For all of it together.
    Total,
}
// ANCHOR_END: error

/// What is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestFault {
    /// Not a URL that this client can ask for.
    Url(UrlError),
    /// A method, a target or a field that would not be read as one.
    Refused(Refused),
}

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerFault {
    /// Its head.
    Head(HeadError),
    /// What the head says about the body's end.
    Framing(FramingError),
    /// Its body, or more of it than the settings or the caller wanted.
    Body(BodyError),
    /// Too many heads with a status of 1xx before it.
    Interims(usize),
    /// Another protocol, which nobody had asked for.
    Upgrade,
}

/// What is wrong with a redirect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectFault {
    /// One more than the settings allow.
    TooMany(usize),
    /// To where this request has been already.
    Loop(String),
    /// To something that cannot be asked for.
    Url(String, UrlError),
    /// The body would have to be sent again, and it is gone.
    Body,
}

// given: conversions, and how errors read
impl From<Refused> for ClientError {
    fn from(refused: Refused) -> ClientError {
        ClientError::Request(RequestFault::Refused(refused))
    }
}

impl From<UrlError> for ClientError {
    fn from(error: UrlError) -> ClientError {
        ClientError::Request(RequestFault::Url(error))
    }
}

impl From<HeadError> for ClientError {
    fn from(error: HeadError) -> ClientError {
        ClientError::Answer(AnswerFault::Head(error))
    }
}

impl From<FramingError> for ClientError {
    fn from(error: FramingError) -> ClientError {
        ClientError::Answer(AnswerFault::Framing(error))
    }
}

impl From<BodyError> for ClientError {
    fn from(error: BodyError) -> ClientError {
        ClientError::Answer(AnswerFault::Body(error))
    }
}

impl From<RedirectFault> for ClientError {
    fn from(fault: RedirectFault) -> ClientError {
        ClientError::Redirect(fault)
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ClientError::Request(RequestFault::Url(error)) => error.fmt(f),
            ClientError::Request(RequestFault::Refused(error)) => error.fmt(f),
            ClientError::Content(error) => write!(f, "the content: {error}"),
            ClientError::Name(host, error) => write!(f, "{host}: {error}"),
            ClientError::Connect(addr, error) => {
                write!(f, "cannot connect to {addr}: {error}")
            }
            ClientError::Lost(error) => {
                write!(f, "the connection was lost: {error}")
            }
            ClientError::TimedOut(step) => write!(f, "timed out: {step}"),
            ClientError::Answer(fault) => write!(f, "a bad answer: {fault}"),
            ClientError::Redirect(fault) => write!(f, "a redirect {fault}"),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Step::Place => "no connection became free",
            Step::Name => "no address was found",
            Step::Connect => "the server did not take the connection",
            Step::Send => "the server did not take the request",
            Step::Head => "the server did not answer",
            Step::Body => "the server did not go on",
            Step::Total => "all of it took too long",
        })
    }
}

impl fmt::Display for AnswerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnswerFault::Head(error) => error.fmt(f),
            AnswerFault::Framing(error) => error.fmt(f),
            AnswerFault::Body(error) => error.fmt(f),
            AnswerFault::Interims(most) => {
                write!(f, "more than {most} heads of 1xx before it")
            }
            AnswerFault::Upgrade => f.write_str("101 without being asked"),
        }
    }
}

impl fmt::Display for RedirectFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RedirectFault::TooMany(most) => {
                write!(f, "too many: {most} were followed")
            }
            RedirectFault::Loop(url) => write!(f, "in a loop: to {url} again"),
            RedirectFault::Url(to, error) => write!(f, "to {to:?}: {error}"),
            RedirectFault::Body => {
                f.write_str("wants the body again, which is gone")
            }
        }
    }
}

impl std::error::Error for ClientError {}
// given end
