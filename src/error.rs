//! The one internal error. It knows nothing of HTTP, SCEP or exit codes: each
//! edge maps [`Kind`] and the stable `code` in one table of its own.

use std::fmt;

mod misfit;

pub use misfit::{Misfit, ProfileRule};

/// What every fallible function of the library returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of failure it is: decides how an edge answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The input cannot be read at all (not JSON, not DER).
    Malformed,
    /// The input was read and breaks a rule.
    Invalid,
    /// No or no valid credential.
    Unauthenticated,
    /// A valid credential without the right.
    Forbidden,
    /// No such thing, or none that the caller may see.
    NotFound,
    /// The thing is in another state than the request supposes.
    Conflict,
    /// Too many attempts; try later.
    Throttled,
    /// Over a size limit.
    TooLarge,
    /// A bounded queue is full; try again at once or soon.
    Busy,
    /// The store cannot write or read now (full, read-only, damaged).
    Storage,
    /// A peer or our own server cannot be reached.
    Unreachable,
    /// A fault of ours.
    Internal,
}

/// A failure with a stable machine-readable code and a sentence for people.
///
/// `detail` names the field and the rule and never holds a secret; `field` is a
/// JSON pointer or a configuration path.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    code: &'static str,
    detail: String,
    field: Option<String>,
    misfit: Option<Box<Misfit>>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with its stable `code` (kebab-case) and its sentence.
    pub fn new(kind: Kind, code: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, code, detail: detail.into(), field: None, misfit: None, source: None }
    }

    /// Input that was read and breaks a rule.
    pub fn invalid(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, code, detail)
    }

    /// Input that cannot be read.
    pub fn malformed(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Malformed, code, detail)
    }

    /// `bad-csr` with the catalogue's text: over SCEP badRequest, over the API 422.
    pub fn bad_csr(detail: impl Into<String>) -> Self {
        Self::invalid("bad-csr", detail)
    }

    /// No such `what` (as `certificate`), named by `id`.
    pub fn not_found(what: &str, id: impl fmt::Display) -> Self {
        Self::new(Kind::NotFound, "not-found", format!("no {what} {id}"))
    }

    /// A state that does not allow the request.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, detail)
    }

    /// A fault of ours; `detail` goes to the log, edges answer without it.
    pub fn internal(detail: impl Into<String>) -> Self {
        Self::new(Kind::Internal, "internal", detail)
    }

    /// The store failed.
    pub fn storage(detail: impl Into<String>) -> Self {
        Self::new(Kind::Storage, "storage", detail)
    }

    /// The same error, naming the field it is about.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same error, with the value that broke a rule of a profile.
    #[must_use]
    pub fn misfit(mut self, misfit: Misfit) -> Self {
        self.misfit = Some(Box::new(misfit));
        self
    }

    /// The same error with more behind its sentence.
    #[must_use]
    pub fn saying(mut self, more: &str) -> Self {
        self.detail.push_str(more);
        self
    }

    /// The same error, keeping its cause for the log.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its stable code.
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Its sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The value that broke a rule of a profile, if that is what it is about.
    pub fn unfit(&self) -> Option<&Misfit> {
        self.misfit.as_deref()
    }

    /// The field it is about, if one.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.detail)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|s| s.as_ref() as &(dyn std::error::Error + 'static))
    }
}
