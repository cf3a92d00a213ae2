//! An array of flat JSON objects. Numbers keep their digits: nothing becomes a float.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use csv::StringRecord;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{MAX_COLUMNS, MAX_ROWS, ReadError, RowError, Rows, Table, header};

pub(super) fn read(bytes: &[u8]) -> Result<Table, ReadError> {
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(ReadError::Utf16);
    }
    let objects: Vec<Object<'_>> =
        serde_json::from_slice(bytes).map_err(|error| ReadError::Damaged {
            format: "JSON",
            detail: format!("an array of flat objects is expected: {error}"),
        })?;
    if objects.len() > MAX_ROWS {
        return Err(ReadError::TooManyRows);
    }
    let mut columns: Vec<&str> = Vec::new();
    let mut positions: HashMap<&str, usize> = HashMap::new();
    for (key, _) in objects.iter().flat_map(|Object(fields)| fields) {
        if !positions.contains_key(key.as_ref()) {
            positions.insert(key, columns.len());
            columns.push(key);
            if columns.len() > MAX_COLUMNS {
                return Err(ReadError::TooManyColumns(columns.len()));
            }
        }
    }
    if columns.is_empty() {
        return Err(ReadError::NoObjects);
    }
    let names = header(columns.iter().copied())?;
    let mut rows = Rows::default();
    for (number, Object(fields)) in (1_u64..).zip(&objects) {
        let mut cells: Vec<Option<Cow<'_, str>>> = vec![None; columns.len()];
        for (key, value) in fields {
            let place = positions
                .get(key.as_ref())
                .and_then(|index| cells.get_mut(*index));
            let problem = match (scalar(value.get()), place) {
                (Ok(text), Some(place)) if place.is_none() => {
                    *place = Some(text);
                    continue;
                }
                (Ok(_), _) => "is there twice in one object",
                (Err(problem), _) => problem,
            };
            rows.errors.push(RowError::of_cell(
                number,
                key,
                value.get(),
                problem,
                "write one text or number",
            ));
        }
        let cells: StringRecord = cells
            .iter()
            .map(|cell| cell.as_deref().unwrap_or(""))
            .collect();
        rows.push(number, cells)?;
    }
    rows.finish(names, "JSON in UTF-8".to_owned())
}

/// The text of a value that is not nested; nothing for null.
fn scalar(raw: &str) -> Result<Cow<'_, str>, &'static str> {
    match raw.as_bytes().first() {
        Some(b'{' | b'[') => Err("is an object or an array"),
        Some(b'"') => serde_json::from_str(raw)
            .map(Cow::Owned)
            .map_err(|_| "has half a character (a lone surrogate)"),
        Some(b'n') => Ok(Cow::Borrowed("")),
        Some(_) | None => Ok(Cow::Borrowed(raw)),
    }
}

/// Fields in the order of the file, repeated keys included.
struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flat object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    fields.push((key, map.next_value()?));
                }
                Ok(Object(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
