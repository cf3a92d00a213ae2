//! Conditions: each form by the key that it begins with, each comparison by the type of its fact.

use serde_json::{Map, Value, json};

use super::values::{kinds, object, reference};
use crate::policy::Kind;
use crate::policy::facts::Unit;
use crate::policy::parse::BOUNDS;

/// The keys that a condition may begin with, and what each says.
const FORMS: [(&str, &str); 11] = [
    ("fact", "A fact keeps within a bound"),
    ("all", "Every one holds"),
    ("any", "At least one holds"),
    ("not", "It does not hold"),
    ("year_of", "The calendar year of a date"),
    (
        "months_from",
        "The time from one day to another, in calendar months",
    ),
    ("ratio", "The first fact as a part of the second, exact"),
    (
        "per",
        "So many of the first fact for each of the second, exact",
    ),
    ("score", "Points of a score of the pack"),
    ("class", "A class of the pack"),
    (
        "valid_uscc",
        "The code passes GB 32100-2015, or two persons accepted it",
    ),
];

/// The bounds that compare numbers.
const NUMBER_BOUNDS: [&str; 5] = ["at_least", "more_than", "at_most", "less_than", "is"];

pub(super) fn define(into: &mut Map<String, Value>) {
    let dispatch = FORMS.map(|(key, _)| {
        let form = reference(&format!("condition_{key}"));
        json!({ "if": { "required": [key] }, "then": form })
    });
    let begins = FORMS.map(|(key, _)| json!({ "required": [key] }));
    let mut put = |name: &str, schema: Value| into.insert(name.to_owned(), schema);
    put(
        "condition",
        json!({
            "type": "object",
            "description": "A condition on facts",
            "oneOf": begins,
            "allOf": dispatch,
        }),
    );
    let parts = json!({ "type": "array", "minItems": 1, "items": reference("condition") });
    let forms = FORMS.map(|(key, description)| {
        let mut form = match key {
            "fact" => by_fact(),
            "all" | "any" => object(json!({ key: parts }), &[key]),
            "not" => object(json!({ key: reference("condition") }), &[key]),
            "year_of" => numbers(json!({ key: reference("fact_date") }), key, &year()),
            "months_from" => numbers(
                json!({ key: reference("fact_date"), "to": reference("fact_date") }),
                key,
                &small(),
            ),
            "ratio" => numbers(json!({ key: reference("pair") }), key, &reference("ratio")),
            "per" => numbers(json!({ key: two_units() }), key, &reference("ratio")),
            "score" => numbers(json!({ key: reference("name") }), key, &small()),
            "class" => {
                let name = reference("name");
                let some = json!({ "type": "array", "minItems": 1, "items": name });
                one_of(
                    json!({ key: name, "is": name, "one_of": some }),
                    key,
                    &["is", "one_of"],
                )
            }
            _ => object(json!({ key: { "const": "uscc" } }), &[key]),
        };
        if let Some(members) = form.as_object_mut() {
            members.insert("description".to_owned(), json!(description));
        }
        (format!("condition_{key}"), form)
    });
    into.extend(forms);
    into.insert("pair".to_owned(), pair());
    for (name, kind, _) in kinds() {
        into.insert(format!("comparison_of_{name}"), comparison(&name, kind));
    }
}

/// Two facts of one type and unit.
fn pair() -> Value {
    let measurable = |kind| matches!(kind, Kind::Money | Kind::Count(_) | Kind::Quantity(_));
    let kinds = kinds().into_iter().filter(|(_, kind, _)| measurable(*kind));
    let pairs = kinds.map(|(_, _, facts)| json!({ "items": { "enum": facts } }));
    json!({
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "uniqueItems": true,
        "description": "Part and whole: two facts of one type and unit",
        "anyOf": pairs.collect::<Vec<_>>(),
    })
}

/// Two numbers of different units.
fn two_units() -> Value {
    json!({
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "uniqueItems": true,
        "description": "Two numbers of different units, such as firms and square metres",
        "items": reference("fact_number"),
    })
}

fn small() -> Value {
    json!({ "type": "integer", "minimum": 0, "maximum": 65535 })
}

fn year() -> Value {
    json!({ "anyOf": [
        { "type": "integer", "minimum": 1900, "maximum": 9999 },
        operand(Kind::Count(Unit::Year)),
    ] })
}

/// What a fact of the type can be compared with: another fact of the type, or for years that of a date.
fn operand(kind: Kind) -> Value {
    let kinds = kinds().into_iter();
    let facts: Vec<_> = kinds
        .filter(|(_, known, _)| *known == kind)
        .flat_map(|(_, _, facts)| facts)
        .collect();
    let fact = object(json!({ "fact": { "enum": facts } }), &["fact"]);
    if kind == Kind::Count(Unit::Year) {
        let year_of = object(json!({ "year_of": reference("fact_date") }), &["year_of"]);
        return json!({ "anyOf": [fact, year_of] });
    }
    fact
}

/// An object with exactly one of some keys.
fn one_of(properties: Value, key: &str, keys: &[&str]) -> Value {
    let mut schema = object(properties, &[key]);
    let each: Vec<_> = keys
        .iter()
        .map(|key| json!({ "required": [key] }))
        .collect();
    if let Some(members) = schema.as_object_mut() {
        members.insert("oneOf".to_owned(), json!(each));
    }
    schema
}

/// With one bound that is a number.
fn numbers(mut properties: Value, key: &str, bound: &Value) -> Value {
    if let Some(members) = properties.as_object_mut() {
        members.extend(NUMBER_BOUNDS.map(|name| (name.to_owned(), bound.clone())));
    }
    one_of(properties, key, &NUMBER_BOUNDS)
}

/// By the type of the fact, which bounds there are and what they are.
fn by_fact() -> Value {
    let each = kinds().into_iter().map(|(name, _, facts)| {
        let then = reference(&format!("comparison_of_{name}"));
        json!({ "if": { "properties": { "fact": { "enum": facts } } }, "then": then })
    });
    json!({
        "properties": { "fact": reference("fact") },
        "allOf": each.collect::<Vec<_>>(),
    })
}

fn comparison(name: &str, kind: Kind) -> Value {
    let value = reference(&format!("value_{name}"));
    let bound = match kind {
        Kind::Text => value.clone(),
        Kind::Money
        | Kind::Count(_)
        | Kind::Quantity(_)
        | Kind::Date
        | Kind::Bool
        | Kind::OneOf(_) => {
            json!({ "anyOf": [value, operand(kind)] })
        }
    };
    let mut properties = Map::new();
    properties.insert("fact".to_owned(), json!(true));
    let mut keys = Vec::new();
    for key in BOUNDS {
        let schema = match key {
            "one_of" => {
                json!({ "type": "array", "minItems": 1, "uniqueItems": true, "items": value })
            }
            "is" => bound.clone(),
            "from" if kind == Kind::Date => value.clone(),
            "from" => continue,
            _ if kind.ordered() => bound.clone(),
            _ => continue,
        };
        properties.insert(key.to_owned(), schema);
        keys.push(key);
    }
    let mut schema = if kind == Kind::Date {
        properties.insert("until".to_owned(), value);
        let mut schema = one_of(Value::Object(properties), "fact", &keys);
        if let Some(members) = schema.as_object_mut() {
            members.insert("dependentRequired".to_owned(), json!({ "until": ["from"] }));
        }
        schema
    } else {
        one_of(Value::Object(properties), "fact", &keys)
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(kind.how_to_write()));
    }
    schema
}
