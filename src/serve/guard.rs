//! Who may talk to the server: pages that it served itself, and nobody else.
//!
//! The server listens on loopback, but every web page that the reader's browser shows can send requests there. So:
//!
//! - I1: `Host`, and the target where it names a host, is this server's own address by number or `localhost`. A foreign name that was pointed at 127.0.0.1 (DNS
//!   rebinding) gets nothing, not even a page, since pages carry the token.
//! - I2: a request with an `Origin` that is not this server's, or with two, is refused.
//! - I3: what acts is POST and carries the token, a random number of this start. It stands in the pages' `<head>`; other
//!   sites cannot read it, and cannot send it without a preflight request, which is refused.
//! - I4: a request that does not come whole in time is refused, however slowly it trickles (its head: the connection).
//! - I5: pages may load and call this server only (Content-Security-Policy), and may not be framed by others.
//!
//! Left out: other users of this machine. What connects to loopback does not say whose it is, so they can read a page, and the
//! token in it.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time::timeout;

use super::ARRIVAL;

/// How long a body may be: more than a page's longest listing, or what a reader pastes into a console.
const BODY: usize = 2 * 1024 * 1024;

/// The header that carries the token.
pub const TOKEN: &str = "x-workbook-token";

const POLICY: &str = "default-src 'self' data: 'unsafe-inline'; connect-src 'self'; object-src 'none'; \
    base-uri 'self'; form-action 'self'; frame-ancestors 'self'";

/// What a request must show.
#[derive(Debug, Clone)]
pub struct Guard {
    port: u16,
    token: String,
}

impl Guard {
    /// A guard with a token of its own.
    ///
    /// # Errors
    /// When the system gives no random bytes.
    pub fn new(port: u16) -> anyhow::Result<Guard> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|error| anyhow::anyhow!("the system gives no random bytes: {error}"))?;
        Ok(Guard { port, token: bytes.iter().map(|byte| format!("{byte:02x}")).collect() })
    }

    /// The token of this start.
    pub fn token(&self) -> &str {
        &self.token
    }

    fn is_own_host(&self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else {
            // A browser leaves out the port when it is 80.
            return self.port == 80 && matches!(host, "127.0.0.1" | "localhost");
        };
        matches!(name, "127.0.0.1" | "localhost") && port.parse() == Ok(self.port)
    }

    /// Why a request is refused; `None` when it is not.
    pub fn refuses(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Option<Refusal> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or(""));
        if headers.get_all(header::HOST).iter().count() != 1 {
            return Some((
                StatusCode::BAD_REQUEST,
                "A request names its host once (RFC 9112, 3.2).",
            ));
        }
        // A target that names a host itself outranks the header (RFC 9112, 3.2.2).
        let is_own_target =
            |host: &Authority| uri.scheme_str() == Some("http") && self.is_own_host(host.as_str());
        if !uri.authority().is_none_or(is_own_target) {
            return Some((StatusCode::FORBIDDEN, "This address is not the workbook's."));
        }
        if headers.get_all(header::ORIGIN).iter().count() > 1 {
            return Some((
                StatusCode::BAD_REQUEST,
                "A request comes from one place (RFC 6454, 7.3).",
            ));
        }
        if !text("host").is_some_and(|host| self.is_own_host(host)) {
            return Some((StatusCode::FORBIDDEN, "This address is not the workbook's."));
        }
        let is_foreign = |origin: &str| {
            !origin.strip_prefix("http://").is_some_and(|host| self.is_own_host(host))
        };
        if text("origin").is_some_and(is_foreign) {
            return Some((StatusCode::FORBIDDEN, "Another site sent this request."));
        }
        if !uri.path().starts_with("/api/") {
            let reads = method == Method::GET || method == Method::HEAD;
            return (!reads).then_some((StatusCode::METHOD_NOT_ALLOWED, "Pages are for reading."));
        }
        if method != Method::POST {
            return Some((StatusCode::METHOD_NOT_ALLOWED, "What acts is POST."));
        }
        let given = text(TOKEN).unwrap_or("");
        // In constant time, though who could time it could also read the page.
        let differs = given.len() != self.token.len()
            || given.bytes().zip(self.token.bytes()).fold(0, |sum, (a, b)| sum | (a ^ b)) != 0;
        differs.then_some((
            StatusCode::UNAUTHORIZED,
            "The workbook was started anew since this page was loaded: load it again.",
        ))
    }
}

/// A status and a sentence.
pub type Refusal = (StatusCode, &'static str);

/// Lets a request through or not, and marks what goes out.
pub async fn check(State(guard): State<Guard>, request: Request, next: Next) -> Response {
    let mut response = match guard.refuses(request.method(), request.uri(), request.headers()) {
        Some(refusal) => refusal.into_response(),
        None => match whole(request).await {
            Ok(request) => next.run(request).await,
            Err(refusal) => refusal.into_response(),
        },
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    response
}

/// The request with its body read.
async fn whole(request: Request) -> Result<Request, Refusal> {
    let (head, body) = request.into_parts();
    match timeout(ARRIVAL, to_bytes(body, BODY)).await {
        Ok(Ok(bytes)) => Ok(Request::from_parts(head, Body::from(bytes))),
        Ok(Err(_)) => Err((StatusCode::PAYLOAD_TOO_LARGE, "At most 2 MiB at once.")),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "The rest of this request did not come.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_page_of_this_start_may_act() {
        let guard = Guard::new(3000).expect("random bytes");
        let good = guard.token().to_owned();
        let own = "http://127.0.0.1:3000";
        let forbidden = Some(StatusCode::FORBIDDEN);
        let check = |method, host, origin: Option<&str>, token: Option<&str>, expected| {
            let mut headers = HeaderMap::new();
            let mut put = |name: &'static str, value: &str| {
                headers.insert(name, HeaderValue::from_str(value).expect("plain text"));
            };
            put("host", host);
            if let Some(origin) = origin {
                put("origin", origin);
            }
            if let Some(token) = token {
                put(TOKEN, token);
            }
            let got = guard
                .refuses(&method, &Uri::from_static("/api/run"), &headers)
                .map(|(status, _)| status);
            assert_eq!(got, expected, "{method} {host} {origin:?} {token:?}");
        };
        let token = Some(good.as_str());
        check(Method::POST, "127.0.0.1:3000", Some(own), token, None);
        check(Method::POST, "localhost:3000", Some("http://localhost:3000"), token, None);
        check(Method::POST, "127.0.0.1:3000", None, token, None);
        check(Method::POST, "127.0.0.1:3001", Some(own), token, forbidden);
        check(Method::POST, "evil.example:3000", None, token, forbidden);
        check(Method::POST, "127.0.0.1.evil.example:3000", None, token, forbidden);
        check(Method::POST, "127.0.0.1:3000", Some("http://evil.example"), token, forbidden);
        check(Method::POST, "127.0.0.1:3000", Some("null"), token, forbidden);
        check(Method::POST, "127.0.0.1:3000", Some("https://127.0.0.1:3000"), token, forbidden);
        check(Method::GET, "127.0.0.1:3000", None, token, Some(StatusCode::METHOD_NOT_ALLOWED));
        check(Method::POST, "127.0.0.1:3000", Some(own), None, Some(StatusCode::UNAUTHORIZED));
        let wrong = "0".repeat(good.len());
        check(
            Method::POST,
            "127.0.0.1:3000",
            Some(own),
            Some(&wrong),
            Some(StatusCode::UNAUTHORIZED),
        );
        check(
            Method::POST,
            "127.0.0.1:3000",
            Some(own),
            Some(&good[1..]),
            Some(StatusCode::UNAUTHORIZED),
        );
    }

    #[test]
    fn a_request_names_its_host_once() {
        let guard = Guard::new(3000).expect("random bytes");
        let check = |hosts: &[&'static str], expected: Option<StatusCode>| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(header::HOST, HeaderValue::from_static(host));
            }
            let got = guard
                .refuses(&Method::GET, &Uri::from_static("/"), &headers)
                .map(|(status, _)| status);
            assert_eq!(got, expected, "{hosts:?}");
        };
        check(&["127.0.0.1:3000"], None);
        check(&["127.0.0.1:3000", "127.0.0.1:3000"], Some(StatusCode::BAD_REQUEST));
        check(&["127.0.0.1:3000", "evil.example"], Some(StatusCode::BAD_REQUEST));
        check(&[], Some(StatusCode::BAD_REQUEST));
    }
    #[test]
    fn a_target_that_names_a_host_names_this_one() {
        let guard = Guard::new(3000).expect("random bytes");
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:3000"));
        let check = |target: &'static str, expected: Option<StatusCode>| {
            let got = guard.refuses(&Method::GET, &Uri::from_static(target), &headers);
            assert_eq!(got.map(|(status, _)| status), expected, "{target}");
        };
        check("http://127.0.0.1:3000/", None);
        check("http://localhost:3000/a.html", None);
        check("/http://evil.example/", None);
        for target in [
            "http://evil.example/",
            "http://evil.example:3000/api/run",
            "http://127.0.0.1/",
            "https://127.0.0.1:3000/",
            "http://evil.example@127.0.0.1:3000/",
            "evil.example:3000",
        ] {
            check(target, Some(StatusCode::FORBIDDEN));
        }
    }

    #[test]
    fn a_request_comes_from_one_place() {
        let guard = Guard::new(3000).expect("random bytes");
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:3000"));
        for origin in ["http://127.0.0.1:3000", "http://evil.example"] {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        let got = guard.refuses(&Method::GET, &Uri::from_static("/"), &headers);
        assert_eq!(got.map(|(status, _)| status), Some(StatusCode::BAD_REQUEST));
    }
}
