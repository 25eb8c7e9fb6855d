//! A failure on standard error: a sentence for people, one JSON object for scripts.

use serde_json::{Value, json};

use crate::error::Error;
use crate::outbound;

/// What people read: field, rule and cause; with the server's code where it is the server that refused.
pub fn sentence(error: &Error) -> String {
    match (outbound::server_code(error), error.field()) {
        (None, _) => error.to_string(),
        (Some(code), None) => format!("{} ({code})", error.detail()),
        (Some(code), Some(field)) => format!("{field}: {} ({code})", error.detail()),
    }
}

/// What scripts read: `{"error": {"code", "detail", "pointer"}}`, on one line. The code is the server's own
/// where it is the server that refused.
pub fn document(error: &Error) -> Value {
    let (code, detail) = match (outbound::server_code(error), std::error::Error::source(error)) {
        (Some(code), _) => (code, error.detail().to_owned()),
        (None, Some(cause)) => (error.code(), format!("{}: {cause}", error.detail())),
        (None, None) => (error.code(), error.detail().to_owned()),
    };
    json!({"error": {"code": code, "detail": detail, "pointer": error.field()}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_reads_code_detail_and_pointer() {
        let error = Error::invalid("bad-csr", "the CSR is empty").at("/csr");
        assert_eq!(
            document(&error).to_string(),
            r#"{"error":{"code":"bad-csr","detail":"the CSR is empty","pointer":"/csr"}}"#
        );
        assert_eq!(sentence(&error), "/csr: the CSR is empty");
        let error = Error::invalid("unreadable-file", "cannot read x").because("no such file");
        assert_eq!(document(&error)["error"]["detail"], "cannot read x: no such file");
        assert_eq!(document(&error)["error"]["pointer"], Value::Null);
    }
}
