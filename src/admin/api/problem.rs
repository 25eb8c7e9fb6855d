//! RFC 9457 problem details: the one table from our errors to HTTP.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Kind};

/// Why a request was refused (`application/problem+json`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the code tells the sort.
    #[serde(rename = "type")]
    pub kind: String,
    /// The HTTP status in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// Stable, for programs: `missing-field`.
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// The JSON pointer (RFC 6901) of the field it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
}

/// What a handler answers.
pub type Answer<T = Response> = std::result::Result<T, Refusal>;

/// A problem on its way out.
#[derive(Debug)]
pub struct Refusal(Box<Problem>);

impl Refusal {
    /// What it says.
    pub fn problem(&self) -> &Problem {
        &self.0
    }
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Problem::from(error).into()
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl Problem {
    /// A problem that no inner error stands for (routing, content types).
    pub fn new(status: StatusCode, code: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank".to_owned(),
            title: status.canonical_reason().unwrap_or("Error").to_owned(),
            status: status.as_u16(),
            code: code.to_owned(),
            detail: detail.into(),
            pointer: None,
        }
    }

    /// The one answer to every missing, unknown, expired or revoked token.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "a valid bearer token is needed")
    }
}

/// The status of each kind of error.
fn status_of(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::Busy | Kind::Storage => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Unreachable => StatusCode::BAD_GATEWAY,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// The sentence that may leave the house: faults of ours go to the log instead.
fn public_detail(error: &Error) -> String {
    match error.kind() {
        Kind::Unauthenticated => "a valid bearer token is needed".to_owned(),
        Kind::Internal => "a fault of the service; its log says more".to_owned(),
        Kind::Storage => unavailable_store(error).to_owned(),
        Kind::Malformed
        | Kind::Invalid
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::Throttled
        | Kind::TooLarge
        | Kind::Busy
        | Kind::Unreachable => error.detail().to_owned(),
    }
}

/// The reason of a failed store in words of our own: paths and engines go to the log.
fn unavailable_store(error: &Error) -> &'static str {
    let text = error.to_string().to_lowercase();
    if text.contains("no space left") || text.contains("disk is full") {
        "the store's disk is full: nothing is acknowledged until there is room"
    } else if text.contains("read-only") {
        "the store's file system is read-only: nothing is acknowledged until it takes writes"
    } else {
        "the store cannot read or write now: nothing was acknowledged"
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error.kind() {
            Kind::Internal | Kind::Storage => {
                tracing::error!(code = error.code(), error = %error, "request failed");
            }
            _ => tracing::debug!(code = error.code(), "request refused"),
        }
        let mut problem = Self::new(status_of(error.kind()), error.code(), public_detail(&error));
        problem.pointer = error.field().filter(|f| f.is_empty() || f.starts_with('/')).map(str::to_owned);
        problem
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        match status {
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            StatusCode::TOO_MANY_REQUESTS => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            }
            _ => {}
        }
        response
    }
}

/// The refusals that every operation may answer with, for the API's description.
#[derive(utoipa::IntoResponses)]
pub enum Refusals {
    /// The request cannot be read.
    #[response(status = 400, content_type = "application/problem+json")]
    Malformed(Problem),
    /// No valid bearer token.
    #[response(status = 401, content_type = "application/problem+json")]
    Unauthenticated(Problem),
    /// The token's role lacks the permission.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(Problem),
    /// No such thing.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(Problem),
    /// The thing is in another state than the request supposes.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(Problem),
    /// The body is over its limit.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(Problem),
    /// The body's type or encoding is not taken here.
    #[response(status = 415, content_type = "application/problem+json")]
    MediaType(Problem),
    /// The request was read and breaks a rule.
    #[response(status = 422, content_type = "application/problem+json")]
    Invalid(Problem),
    /// Too many attempts.
    #[response(status = 429, content_type = "application/problem+json")]
    Throttled(Problem),
    /// Busy, or the store does not write: try again.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(Problem),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internals_stay_inside_and_a_full_disk_is_told() {
        let error = Error::storage("the store failed: /srv/x/store.redb: No space left on device");
        let problem = Problem::from(error);
        assert_eq!((problem.status, problem.code.as_str()), (503, "storage"));
        assert!(
            problem.detail.contains("disk is full") && !problem.detail.contains("/srv"),
            "{}",
            problem.detail
        );
        let problem = Problem::from(Error::internal("key 0x1234 at src/x.rs"));
        assert_eq!(problem.status, 500);
        assert!(!problem.detail.contains("0x1234"), "{}", problem.detail);
    }
}
