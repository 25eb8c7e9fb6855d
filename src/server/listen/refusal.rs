//! Answers that are given before any handler sees the request.

use axum::body::Body;
use axum::http::header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};

/// Why a request is refused at the door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status.
    pub status: StatusCode,
    /// The stable code.
    pub code: &'static str,
    /// The rule.
    pub detail: &'static str,
}

impl Refusal {
    /// A refusal.
    pub const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self { status, code, detail }
    }

    /// 400.
    pub const fn bad(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", detail)
    }

    /// The answer; the connection ends with it, because what follows may be out of step.
    pub fn response(self, as_problem: bool) -> Response<Body> {
        let body = if as_problem { self.problem() } else { format!("{}\n", self.detail) };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let media = if as_problem { "application/problem+json" } else { "text/plain; charset=utf-8" };
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }

    fn problem(self) -> String {
        let title = self.status.canonical_reason().unwrap_or("refused");
        serde_json::json!({
            "type": "about:blank",
            "title": title,
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        })
        .to_string()
    }
}
