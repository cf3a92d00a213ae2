//! How much: bases, rates, caps.

use serde_json::{Map, Value, json};

use super::values::{object, reference, word_enum};
use crate::policy::award::{Over, Scope};
use crate::policy::pack::Words as _;

pub(super) fn define(into: &mut Map<String, Value>) {
    let mut put = |name: &str, schema: Value| into.insert(name.to_owned(), schema);
    put("award", award());
    put("tier", tier());
    put(
        "tiers",
        json!({ "type": "array", "minItems": 1, "items": reference("tier") }),
    );
    put("conditional_rate", conditional_rate());
    put("factor", factor());
    put("term", object(Value::Object(term()), &["fact"]));
    put("base", base());
    put("cap", cap());
    let mut dated = Map::new();
    dated.insert("from".to_owned(), reference("date"));
    dated.insert("until".to_owned(), reference("date"));
    dated.insert("amount".to_owned(), reference("amount"));
    put(
        "dated_amount",
        object(Value::Object(dated), &["from", "amount"]),
    );
}

/// The three ways to say a rate.
fn rates() -> Map<String, Value> {
    let members = [
        ("rate", reference("ratio")),
        ("tiers", reference("tiers")),
        ("flat", reference("amount")),
    ];
    members
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

fn exactly_one(mut schema: Value, keys: &[&str]) -> Value {
    let each: Vec<_> = keys
        .iter()
        .map(|key| json!({ "required": [key] }))
        .collect();
    if let Some(members) = schema.as_object_mut() {
        members.insert("oneOf".to_owned(), json!(each));
    }
    schema
}

fn award() -> Value {
    let mut members = rates();
    let bases = json!({ "type": "array", "minItems": 1, "items": reference("base") });
    let base = json!({
        "description": "What the rate applies to; left out where every rate is a fixed amount",
        "anyOf": [reference("fact_money"), reference("base"), bases],
    });
    members.insert("base".to_owned(), base);
    let rates = json!({ "type": "array", "minItems": 1, "items": reference("conditional_rate"),
        "description": "The first whose `when` holds" });
    members.insert("rates".to_owned(), rates);
    let caps = json!({ "type": "array", "minItems": 1, "items": reference("cap"),
        "description": "In the order in which they apply" });
    members.insert("cap".to_owned(), caps);
    exactly_one(
        object(Value::Object(members), &[]),
        &["rate", "tiers", "flat", "rates"],
    )
}

fn conditional_rate() -> Value {
    let mut members = rates();
    members.insert("when".to_owned(), reference("condition"));
    exactly_one(
        object(Value::Object(members), &[]),
        &["rate", "tiers", "flat"],
    )
}

fn tier() -> Value {
    object(
        json!({
            "over": reference("amount"),
            "up_to": { "$ref": "#/$defs/amount", "description": "The last tier has none" },
            "rate": reference("ratio"),
        }),
        &["over", "rate"],
    )
}

fn term() -> Map<String, Value> {
    let other = object(json!({ "fact": reference("fact_money") }), &["fact"]);
    let members = [
        ("fact", reference("fact_money")),
        ("at_most", json!({ "anyOf": [reference("amount"), other] })),
        (
            "times",
            json!({ "type": "array", "minItems": 1, "items": reference("factor") }),
        ),
    ];
    members
        .into_iter()
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

fn factor() -> Value {
    let positive = json!({ "type": "integer", "minimum": 1, "maximum": 65535 });
    let schema = object(
        json!({
            "number": positive,
            "fact": reference("fact_number"),
            "at_most": { "type": ["integer", "string"], "description": "The most that counts of the fact" },
            "per": positive,
        }),
        &[],
    );
    exactly_one(schema, &["number", "fact"])
}

fn base() -> Value {
    let mut members = term();
    let more = [
        ("when", reference("condition")),
        (
            "sum",
            json!({ "type": "array", "minItems": 1, "items": reference("term") }),
        ),
        (
            "less",
            json!({ "type": "array", "minItems": 1, "items": reference("fact_money") }),
        ),
    ];
    members.extend(more.map(|(name, schema)| (name.to_owned(), schema)));
    exactly_one(object(Value::Object(members), &[]), &["fact", "sum"])
}

/// A cap has an amount, dated amounts, or a count, by what it limits.
fn cap() -> Value {
    let schema = object(
        json!({
            "scope": word_enum::<Scope>("What it limits"),
            "clause": reference("bilingual"),
            "when": reference("condition"),
            "amount": reference("amount"),
            "amounts": { "type": "array", "minItems": 1, "items": reference("dated_amount"),
                "description": "By the day of the decision, without gap" },
            "per": reference("fact_count"),
            "count": { "type": "integer", "minimum": 1, "maximum": 65535 },
            "over": word_enum::<Over>("What happens to an award that is over it; reduced, unless it says so"),
        }),
        &["scope", "clause"],
    );
    let mut schema = exactly_one(schema, &["amount", "amounts", "count"]);
    let words = |wanted: fn(Scope) -> bool| -> Vec<&str> {
        let words = Scope::WORDS.iter().filter(|(_, scope)| wanted(*scope));
        words.map(|(word, _)| *word).collect()
    };
    let counting = json!({ "properties": { "scope": { "enum": words(Scope::counts) } } });
    let unit =
        json!({ "properties": { "scope": { "enum": words(|scope| scope == Scope::Unit) } } });
    let rules = json!([
        { "if": counting, "then": { "required": ["count"] }, "else": { "properties": { "count": false } } },
        { "if": unit, "then": { "required": ["per"] }, "else": { "properties": { "per": false } } },
    ]);
    if let Some(members) = schema.as_object_mut() {
        members.insert("allOf".to_owned(), rules);
    }
    schema
}
