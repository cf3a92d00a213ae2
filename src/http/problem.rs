//! Refusals and failures as problem details (RFC 9457).
//!
//! A handler answers with a [`Problem`]; [`super::boundary`] writes its body, with the request's id,
//! and logs its cause. So no handler can forget either, and no cause can reach a client.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::types::LogIndex;

/// What went wrong with one field of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// The field, such as `price` or `evidence[2]`.
    pub field: String,
    /// What is wrong with it and what would be right.
    pub detail: String,
}

/// Why a request was not answered as asked.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The status.
    pub status: StatusCode,
    /// Stable name, for programs.
    pub code: Cow<'static, str>,
    /// For people.
    pub detail: String,
    /// The fields at fault.
    pub errors: Box<[FieldError]>,
    /// The entry of the log that says so, if it was recorded.
    pub entry: Option<LogIndex>,
    /// The policy's own reason codes.
    pub reasons: Box<[String]>,
    /// Whole seconds after which the same request may succeed.
    pub retry_after: Option<u16>,
    /// What the service's own log says; never sent.
    pub cause: Option<Box<str>>,
}

impl Problem {
    /// A problem without fields.
    pub fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
    ) -> Self {
        Self {
            status,
            code: code.into(),
            detail: detail.into(),
            errors: Box::default(),
            entry: None,
            reasons: Box::default(),
            retry_after: None,
            cause: None,
        }
    }

    /// The request is not even well-formed.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// There is no such thing, or it is none of the client's business.
    pub fn not_found(what: &str) -> Self {
        let detail = format!("there is no such {what}");
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// Well-formed, but a field's value is not acceptable.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let (field, detail) = (field.into(), detail.into());
        let summary = if field.is_empty() {
            detail.clone()
        } else {
            format!("{field}: {detail}")
        };
        Self {
            errors: Box::new([FieldError { field, detail }]),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", summary)
        }
    }

    /// The same of several faults, each with its field: `summary` is what they are together.
    pub fn faults(summary: impl Into<String>, errors: Vec<FieldError>) -> Self {
        Self {
            errors: errors.into(),
            ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", summary)
        }
    }

    /// The same of several fields, told one after the other.
    pub fn of_fields(errors: Vec<FieldError>) -> Self {
        let told = errors.iter().map(|error| match &*error.field {
            "" => error.detail.clone(),
            field => format!("{field}: {}", error.detail),
        });
        Self::faults(told.collect::<Vec<_>>().join("; "), errors)
    }

    /// This one, with the fields of another, if both are about fields.
    #[must_use]
    pub fn and(self, other: &Self) -> Self {
        if self.code != "invalid" || other.code != "invalid" {
            return self;
        }
        let detail = format!("{}; {}", self.detail, other.detail);
        Self::faults(detail, [self.errors, other.errors.clone()].concat())
    }

    /// The state of things does not allow it.
    pub fn conflict(code: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// A defect of ours. What it was stands in the service's log under the request's id.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string().into()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal",
                "the service failed; give its operator the request id",
            )
        }
    }

    /// Not now: the client may repeat the request, with the same idempotency key if it has one.
    pub fn unavailable(code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(1),
            ..Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail)
        }
    }

    /// The same, with what the service's log should say.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string().into());
        self
    }

    /// The body, with the request's id.
    pub(super) fn body(&self, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            code: &'a str,
            detail: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            field: Option<&'a str>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            errors: &'a [FieldError],
            #[serde(skip_serializing_if = "Option::is_none")]
            entry: Option<LogIndex>,
            #[serde(skip_serializing_if = "<[_]>::is_empty")]
            reasons: &'a [String],
            request_id: &'a str,
        }
        let field = match &*self.errors {
            [only] if !only.field.is_empty() => Some(only.field.as_str()),
            _ => None,
        };
        let body = Body {
            r#type: format!("urn:subsidy-ledger:problem:{}", self.code),
            title: self.status.canonical_reason().unwrap_or("Problem"),
            status: self.status.as_u16(),
            code: &self.code,
            detail: &self.detail,
            field,
            errors: &self.errors,
            entry: self.entry,
            reasons: &self.reasons,
            request_id,
        };
        serde_json::to_vec(&body).expect("BUG: text and numbers are JSON")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}
