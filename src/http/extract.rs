//! axum's extractors, answering with problems, and stricter. Handlers use these only.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use futures::StreamExt;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use validator::{Validate, ValidationErrors, ValidationErrorsKind};

use super::problem::{FieldError, Problem};
use super::state::App;
use super::strict_json::Strict;
use crate::tabular::{Encoding, Format};
use crate::types::excerpt;

/// A JSON body, checked by its own rules.
///
/// 415 for another media type or an encoded body, 413 beyond the limit, 408 when it arrives too
/// slowly, 400 when it is no JSON in UTF-8 or has a key twice, 422 for unknown fields and for values
/// that are not acceptable.
pub(super) struct Json<T>(pub(super) T);

/// As [`Json`], of a request that may hold a policy pack, and so be longer.
pub(super) struct PackJson<T>(pub(super) T);

impl<T: DeserializeOwned + Validate> FromRequest<Arc<App>> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        read_json(request, app, app.limits.body).await.map(Self)
    }
}

impl<T: DeserializeOwned + Validate> FromRequest<Arc<App>> for PackJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        read_json(request, app, app.limits.pack).await.map(Self)
    }
}

/// A file of rows as the whole body: `text/csv`, `application/json` or a workbook, by its media type.
pub(super) struct Upload {
    pub(super) format: Format,
    /// The encoding that the media type declares.
    pub(super) encoding: Option<Encoding>,
    pub(super) bytes: Vec<u8>,
}

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

impl FromRequest<Arc<App>> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        let given = media_type(request.headers())?;
        let format = match given.split(';').next().unwrap_or_default().trim() {
            "text/csv" => Format::Csv,
            "application/json" => Format::Json,
            XLSX => Format::Xlsx,
            _ => {
                let detail = format!("send Content-Type: text/csv, application/json or {XLSX}");
                return Err(unsupported(detail));
            }
        };
        let encoding = declared_encoding(&given, format)?;
        let bytes = arrived(request, app, app.limits.import).await?;
        Ok(Self {
            format,
            encoding,
            bytes,
        })
    }
}

/// The `charset` of a media type: of CSV what [`Encoding`] knows, of JSON UTF-8. A workbook has none to declare.
fn declared_encoding(media_type: &str, format: Format) -> Result<Option<Encoding>, Problem> {
    let mut parameters = media_type.split(';').skip(1);
    let charset = parameters.find_map(|parameter| parameter.trim().strip_prefix("charset="));
    let Some(charset) = charset else {
        return Ok(None);
    };
    let detail = match (format, charset.trim_matches('"').parse()) {
        (Format::Csv, Ok(encoding)) => return Ok(Some(encoding)),
        (Format::Json, Ok(Encoding::Utf8)) | (Format::Xlsx, _) => return Ok(None),
        (Format::Csv, Err(_)) => "send text/csv with charset=utf-8, gb18030, gbk or gb2312",
        (Format::Json, _) => "send application/json in UTF-8",
    };
    Err(unsupported(detail))
}

async fn read_json<T: DeserializeOwned + Validate>(
    request: Request,
    app: &App,
    longest: usize,
) -> Result<T, Problem> {
    check_media_type(request.headers())?;
    let bytes = arrived(request, app, longest).await?;
    let Strict(value) = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::bad_request("not_json", format!("the body is not JSON: {error}"))
    })?;
    parse(value).map_err(Problem::of_fields)
}

/// The body as its type has it, or every fault that it has: what is not acceptable is left out, and the rest is looked
/// at again.
fn parse<T: DeserializeOwned + Validate>(mut value: Value) -> Result<T, Vec<FieldError>> {
    let mut faults: Vec<FieldError> = Vec::new();
    loop {
        let error = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(input) => {
                if let Err(errors) = input.validate() {
                    faults.extend(of_validation(&errors));
                }
                return if faults.is_empty() {
                    Ok(input)
                } else {
                    Err(faults)
                };
            }
            Err(error) => error,
        };
        let place = match error.path().to_string() {
            root if root == "." => String::new(),
            place => place,
        };
        let keys = keys(error.path());
        let detail = in_words(&error.into_inner().to_string());
        let field = match missing(&detail) {
            Some(name) if place.is_empty() => name.to_owned(),
            Some(name) => format!("{place}.{name}"),
            None => place,
        };
        // What is missing only because it was left out is no fault of its own.
        let is_new = faults
            .iter()
            .all(|fault| fault.field != field && !is_within(&fault.field, &field));
        if is_new {
            faults.push(FieldError { field, detail });
        }
        if !leave_out(&mut value, &keys) {
            return Err(faults);
        }
    }
}

/// The objects' keys on the way to what is wrong, as far as the first array.
fn keys(path: &serde_path_to_error::Path) -> Vec<String> {
    let key = |segment: &Segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Seq { .. } | Segment::Enum { .. } | Segment::Unknown => None,
    };
    path.iter().map_while(key).collect()
}

/// Takes what stands under the keys out of a value, if it stands there.
fn leave_out(value: &mut Value, keys: &[String]) -> bool {
    let Some((last, way)) = keys.split_last() else {
        return false;
    };
    let inner = way
        .iter()
        .try_fold(value, |value, key| value.get_mut(key.as_str()));
    let object = inner.and_then(Value::as_object_mut);
    object.and_then(|object| object.remove(last)).is_some()
}

/// Whether a place in a body is part of a field.
fn is_within(place: &str, field: &str) -> bool {
    place
        .strip_prefix(field)
        .is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// The field that a parser says is missing.
fn missing(detail: &str) -> Option<&str> {
    detail.strip_prefix("missing field `")?.strip_suffix('`')
}

/// What a parser expected, in the words of people who write requests.
fn in_words(message: &str) -> String {
    let Some((given, expected)) = message.split_once(", expected ") else {
        return message.to_owned();
    };
    let expected = match expected {
        "usize" | "u16" | "u32" | "u64" => "a whole number from 0",
        "a map" => "a JSON object",
        of_type if of_type.starts_with("struct ") => "a JSON object",
        other => other,
    };
    format!("{given}, expected {expected}")
}

/// The body, whole and in time.
async fn arrived(request: Request, app: &App, longest: usize) -> Result<Vec<u8>, Problem> {
    let body = read_body(request.into_body(), longest);
    let arrived = tokio::time::timeout(app.limits.arrival, body).await;
    arrived.map_err(|_| {
        Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "slow_body",
            "the body took too long to arrive",
        )
    })?
}

fn unsupported(detail: impl Into<String>) -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported_media_type",
        detail,
    )
}

/// What the body is said to be, in small letters.
fn media_type(headers: &HeaderMap) -> Result<String, Problem> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(unsupported(
            "send the body as it is, without Content-Encoding",
        ));
    }
    let given = headers.get(header::CONTENT_TYPE);
    let given = given.and_then(|value| value.to_str().ok());
    Ok(given.unwrap_or_default().to_ascii_lowercase())
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = media_type(headers)?;
    let (essence, parameter) = match given.split_once(';') {
        Some((essence, parameter)) => (essence, parameter.trim()),
        None => (given.as_str(), ""),
    };
    let is_json = essence.trim() == "application/json";
    if is_json && (parameter.is_empty() || parameter == "charset=utf-8") {
        Ok(())
    } else {
        Err(unsupported("send Content-Type: application/json"))
    }
}

async fn read_body(body: Body, limit: usize) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    let mut chunks = body.into_data_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Problem::bad_request("body_broken", "the body did not arrive whole").because(error)
        })?;
        if bytes.len() + chunk.len() > limit {
            let detail = format!("the body may have at most {limit} bytes");
            return Err(Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                detail,
            ));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn of_validation(errors: &ValidationErrors) -> Vec<FieldError> {
    let mut fields = Vec::new();
    for (field, kind) in errors.errors() {
        if let ValidationErrorsKind::Field(errors) = kind {
            fields.extend(errors.iter().map(|error| {
                FieldError {
                    field: field.to_string(),
                    detail: error
                        .message
                        .clone()
                        .unwrap_or_else(|| error.code.clone())
                        .into_owned(),
                }
            }));
        }
    }
    fields.sort_by(|one, other| one.field.cmp(&other.field));
    fields
}

/// Parts of the path. What they can't name does not exist: 404.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Problem))]
pub(super) struct Path<T>(pub(super) T);

impl From<PathRejection> for Problem {
    fn from(rejection: PathRejection) -> Self {
        if matches!(rejection, PathRejection::FailedToDeserializePathParams(_)) {
            Self::not_found("resource")
        } else {
            Self::internal(rejection)
        }
    }
}

/// The query. 400 for what stands twice, 422 for all that is unknown or not acceptable.
pub(super) struct Query<T>(pub(super) T);

/// Names and values of a query.
type Pairs = Vec<(String, String)>;

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = axum::extract::Query::<Pairs>::try_from_uri(&parts.uri);
        let axum::extract::Query(pairs) = pairs.map_err(|error| {
            let FieldError { field, detail } = of_query(&error, &[]);
            Problem::invalid(field, detail)
        })?;
        let mut seen = HashSet::new();
        if let Some((twice, _)) = pairs.iter().find(|(name, _)| !seen.insert(name)) {
            let detail = format!("{twice:?} stands twice in the query: give it once");
            return Err(Problem::bad_request("duplicate_parameter", detail));
        }
        ask(pairs).map(Self).map_err(Problem::of_fields)
    }
}

/// The query as its type has it, or every fault that it has, as with a body.
fn ask<T: DeserializeOwned>(mut pairs: Pairs) -> Result<T, Vec<FieldError>> {
    let mut faults: Vec<FieldError> = Vec::new();
    loop {
        let error = match axum::extract::Query::<T>::try_from_uri(&uri(&pairs)) {
            Ok(axum::extract::Query(query)) if faults.is_empty() => return Ok(query),
            Ok(_) => return Err(faults),
            Err(error) => error,
        };
        let fault = of_query(&error, &pairs);
        let left_out = pairs.iter().position(|(name, _)| *name == fault.field);
        if faults.iter().all(|other| other.field != fault.field) {
            faults.push(fault);
        }
        match left_out {
            Some(place) => drop(pairs.remove(place)),
            None => return Err(faults),
        }
    }
}

/// An address with this query.
fn uri(pairs: &[(String, String)]) -> Uri {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let pairs = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)));
    let text = format!("/?{}", pairs.collect::<Vec<_>>().join("&"));
    text.parse().unwrap_or_default()
}

/// The parameter, what belongs there, and what was given.
fn of_query(error: &QueryRejection, pairs: &[(String, String)]) -> FieldError {
    // "Failed to deserialize query string: limit: must be a whole number from 1 to 500"
    let text = error.body_text();
    let detail = text
        .split_once(": ")
        .map_or(text.as_str(), |(_, detail)| detail);
    let (field, detail) = match detail.split_once(": ") {
        Some((field, detail)) => (field, detail),
        None => (missing(detail).unwrap_or_default(), detail),
    };
    let given = pairs.iter().find(|(name, _)| name == field);
    let detail = match given {
        Some((_, given)) => {
            format!("{detail} (given: {:?})", excerpt(given))
        }
        None => detail.to_owned(),
    };
    FieldError {
        field: field.to_owned(),
        detail,
    }
}

/// A header that a request must have exactly once, in visible ASCII.
pub(super) fn required_header<'h>(
    headers: &'h HeaderMap,
    name: &'static str,
    missing: &'static str,
) -> Result<&'h str, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next().map(|value| value.to_str()), values.next()) {
        (Some(Ok(text)), None) => Ok(text),
        (None, _) => Err(Problem::bad_request(
            missing,
            format!("the header {name} is missing"),
        )),
        (Some(_), _) => {
            let detail = format!("the header {name} must stand once, in visible ASCII characters");
            Err(Problem::bad_request(missing, detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;
    use serde_json::json;

    use super::*;
    use crate::types::Day;

    #[derive(Debug, Deserialize, Validate)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is of interest")]
    struct Asked {
        name: String,
        on: Option<Day>,
        #[validate(range(max = 500, message = "must be at most 500"))]
        limit: Option<usize>,
        tags: Option<Vec<String>>,
        words: Option<BTreeMap<String, String>>,
        inner: Option<Inner>,
    }

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only whether it can be read is of interest")]
    struct Inner {
        text: String,
    }

    /// A media type declares how a file is written.
    #[test]
    fn a_charset_is_an_encoding_or_refused() {
        let declared = |given: &str, format| declared_encoding(given, format).ok().flatten();
        for (given, expected) in [
            ("text/csv", None),
            ("text/csv; header=present", None),
            ("text/csv;charset=utf-8", Some(Encoding::Utf8)),
            (
                "text/csv; header=present; charset=\"gbk\"",
                Some(Encoding::Gb18030),
            ),
            ("text/csv; charset=gb2312", Some(Encoding::Gb18030)),
        ] {
            assert_eq!(declared(given, Format::Csv), expected, "{given}");
        }
        for (given, format) in [
            ("text/csv; charset=latin1", Format::Csv),
            ("application/json; charset=gbk", Format::Json),
        ] {
            let refused = declared_encoding(given, format).unwrap_err();
            assert_eq!(refused.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read is of interest")]
    struct Page {
        named: String,
        on: Option<Day>,
        is_whole: Option<bool>,
        limit: Option<u16>,
    }

    #[test]
    fn every_fault_of_a_query_is_told() {
        let faults = |query: &str| {
            let uri = format!("/?{query}").parse().unwrap();
            let pairs = axum::extract::Query::<Pairs>::try_from_uri(&uri).unwrap().0;
            let faults = ask::<Page>(pairs).map_or_else(|faults| faults, |_| Vec::new());
            let told = faults
                .iter()
                .map(|fault| format!("{}: {}", fault.field, fault.detail));
            told.collect::<Vec<_>>()
        };
        assert!(faults("named=a%26+b&on=2020-02-29&is_whole=true&limit=5").is_empty());
        assert_eq!(
            faults("limit=x&on=5&more=1"),
            [
                "limit: invalid digit found in string (given: \"x\")",
                "on: \"5\" is not a day: write it as 2023-03-31, between the years 1900 and 9998 (given: \"5\")",
                "more: unknown field `more`, expected one of `named`, `on`, `is_whole`, `limit` (given: \"1\")",
                "named: missing field `named`",
            ]
        );
    }

    fn faults(value: Value) -> Vec<String> {
        let faults = parse::<Asked>(value).map_or_else(|faults| faults, |_| Vec::new());
        let told = faults
            .iter()
            .map(|fault| format!("{}: {}", fault.field, fault.detail));
        told.collect()
    }

    #[test]
    fn every_fault_of_a_body_is_told_in_words() {
        assert!(faults(json!({ "name": "a", "on": "2020-02-29" })).is_empty());
        let all =
            json!({ "name": "a", "on": "2023-02-30", "limit": "x", "tags": ["a", 5], "more": 1 });
        assert_eq!(
            faults(all),
            [
                "limit: invalid type: string \"x\", expected a whole number from 0",
                "more: unknown field `more`, expected one of `name`, `on`, `limit`, `tags`, `words`, `inner`",
                "on: \"2023-02-30\" is not a day: write it as 2023-03-31, between the years 1900 and 9998",
                "tags[1]: invalid type: integer `5`, expected a string",
            ]
        );
        assert_eq!(
            faults(json!({ "name": 1, "limit": 501 })),
            ["name: invalid type: integer `1`, expected a string"]
        );
        assert_eq!(
            faults(json!({ "name": "a", "limit": 501, "on": 5 })),
            [
                "on: invalid type: integer `5`, expected a string",
                "limit: must be at most 500"
            ]
        );
        assert_eq!(
            faults(json!({ "limit": 1 })),
            ["name: missing field `name`"]
        );
        assert_eq!(
            faults(json!({ "limit": "x" })),
            [
                "limit: invalid type: string \"x\", expected a whole number from 0",
                "name: missing field `name`",
            ]
        );
        assert_eq!(
            faults(json!({ "name": "a", "words": { "a": 5, "b": "x", "c.d": null } })),
            [
                "words.a: invalid type: integer `5`, expected a string",
                "words.c.d: invalid type: null, expected a string",
            ]
        );
        assert_eq!(
            faults(json!({ "name": "a", "inner": {}, "on": 5 })),
            [
                "inner.text: missing field `text`",
                "on: invalid type: integer `5`, expected a string"
            ]
        );
        assert_eq!(
            faults(json!({ "name": "a", "inner": { "text": 1 } })),
            ["inner.text: invalid type: integer `1`, expected a string"]
        );
        assert_eq!(
            faults(json!("x")),
            [": invalid type: string \"x\", expected a JSON object"]
        );
    }
}
