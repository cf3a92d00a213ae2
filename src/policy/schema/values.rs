//! Values: of each type of fact, and the facts themselves with what they are.

use serde_json::{Map, Value, json};

use crate::policy::facts::Unit;
use crate::policy::pack::Words;
use crate::policy::{Fact, Kind, Locale, StatedBy};

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

/// An object with these members and no others.
pub(super) fn object(properties: Value, required: &[&str]) -> Value {
    let mut schema = json!({
        "type": "object",
        "required": required,
        "additionalProperties": false,
    });
    if let Some(members) = schema.as_object_mut() {
        members.insert("properties".to_owned(), properties);
    }
    schema
}

/// The words that the language has for something.
pub(super) fn word_enum<T: Words>(description: &str) -> Value {
    let words: Vec<&str> = T::WORDS.iter().map(|(word, _)| *word).collect();
    json!({ "enum": words, "description": description })
}

/// Every type of fact with a name of its own and the facts that have it.
pub(super) fn kinds() -> Vec<(String, Kind, Vec<&'static str>)> {
    let mut kinds: Vec<(String, Kind, Vec<&'static str>)> = Vec::new();
    for fact in Fact::ALL {
        let kind = fact.kind();
        match kinds.iter_mut().find(|(_, known, _)| *known == kind) {
            Some((_, _, facts)) => facts.push(fact.name()),
            None => kinds.push((kind_name(*fact), kind, vec![fact.name()])),
        }
    }
    kinds
}

fn kind_name(fact: Fact) -> String {
    let unit = |unit: Unit| {
        let label = unit.label(Locale::En).replace(' ', "_");
        match label.as_str() {
            "m²" => "square_metres".to_owned(),
            "%" => "percent".to_owned(),
            _ => label,
        }
    };
    match fact.kind() {
        Kind::Money => "money".to_owned(),
        Kind::Count(of) => format!("count_of_{}", unit(of)),
        Kind::Quantity(of) => format!("quantity_of_{}", unit(of)),
        Kind::Date => "date".to_owned(),
        Kind::Bool => "yes_or_no".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::OneOf(_) => format!("words_of_{}", fact.name()),
    }
}

pub(super) fn fact_names(wanted: impl Fn(Kind) -> bool) -> Vec<&'static str> {
    let facts = Fact::ALL.iter().filter(|fact| wanted(fact.kind()));
    facts.map(|fact| fact.name()).collect()
}

/// A member for each fact, made from the schema of its value.
pub(super) fn per_fact(
    wanted: impl Fn(Kind) -> bool,
    member: impl Fn(Value) -> Value,
) -> Map<String, Value> {
    let kinds = kinds().into_iter().filter(|(_, kind, _)| wanted(*kind));
    let members = kinds.flat_map(|(name, _, facts)| {
        let schema = member(reference(&format!("value_{name}")));
        facts
            .into_iter()
            .map(move |fact| (fact.to_owned(), schema.clone()))
    });
    members.collect()
}

/// One fact as an editor offers it.
fn offered(fact: Fact) -> Value {
    let spec = fact.spec();
    let by = match spec.stated_by {
        StatedBy::Applicant => "the applicant states it",
        StatedBy::Office => "the office determines it",
        StatedBy::Ledger => "this ledger knows it",
    };
    let what = spec.what(Locale::En);
    let (how, evidence) = (spec.kind.how_to_write(), spec.evidence(Locale::En));
    json!({
        "const": spec.name,
        "title": spec.what(Locale::Zh),
        "description": format!("{what}: {how}; {by}, shown by {evidence}"),
    })
}

fn facts_of(wanted: impl Fn(Kind) -> bool) -> Value {
    let facts = Fact::ALL.iter().filter(|fact| wanted(fact.kind()));
    let each = facts.map(|fact| reference(&format!("is_{}", fact.name())));
    json!({ "oneOf": each.collect::<Vec<_>>() })
}

fn value(kind: Kind) -> Value {
    let mut schema = match kind {
        Kind::Money => return reference("amount"),
        Kind::Date => return reference("date"),
        Kind::Count(Unit::Year) => json!({ "type": "integer", "minimum": 1900, "maximum": 9999 }),
        Kind::Count(_) => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Kind::Quantity(_) => json!({ "type": "string", "pattern": "^[0-9]{1,12}\\.[0-9]{2}$" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Text => json!({ "type": "string", "minLength": 1, "maxLength": 200 }),
        Kind::OneOf(words) => {
            let words = words.iter().map(
                |word| json!({ "const": word.name, "title": word.zh, "description": word.en }),
            );
            json!({ "oneOf": words.collect::<Vec<_>>() })
        }
    };
    if let Some(members) = schema.as_object_mut() {
        members.insert("description".to_owned(), json!(kind.how_to_write()));
    }
    schema
}

/// Values, names, and facts by type.
pub(super) fn define(into: &mut Map<String, Value>) {
    let text = |pattern: &str, description: &str| json!({ "type": "string", "pattern": pattern, "description": description });
    let line = json!({ "type": "string", "minLength": 1 });
    let mut put = |name: &str, schema: Value| into.insert(name.to_owned(), schema);
    put(
        "bilingual",
        object(json!({ "zh": line, "en": line }), &["zh", "en"]),
    );
    put(
        "amount",
        text(
            "^[0-9]{1,12}(\\.[0-9]{2})?$",
            "An amount as text with the currency's decimals, such as \"20000.00\"",
        ),
    );
    put(
        "ratio",
        text(
            "^[0-9]+(/[0-9]+|\\.[0-9]{1,6})?$",
            "From 0 to 1, as text: \"1/2\" or \"0.5\"",
        ),
    );
    put(
        "date",
        json!({ "type": "string", "format": "date", "description": "A day, without quotes: 2020-02-28" }),
    );
    put(
        "code",
        text(
            "^[A-Z0-9]([A-Z0-9-]{0,30}[A-Z0-9])?$",
            "1 to 32 capitals, digits and hyphens",
        ),
    );
    put(
        "reason_code",
        text("^[A-Z][A-Z0-9_]{0,39}$", "Such as RELATED_PARTY"),
    );
    put("name", text("^[a-z][a-z0-9_]{0,39}$", "Such as rd_sales"));
    put(
        "period",
        object(
            json!({
                "from": reference("date"),
                "until": { "$ref": "#/$defs/date", "description": "The first day that is no longer in it" },
            }),
            &["from"],
        ),
    );
    put("fact", facts_of(|_| true));
    put("fact_ordered", facts_of(Kind::ordered));
    put(
        "fact_words",
        facts_of(|kind| matches!(kind, Kind::OneOf(_))),
    );
    put("fact_money", facts_of(|kind| kind == Kind::Money));
    put("fact_date", facts_of(|kind| kind == Kind::Date));
    put(
        "fact_count",
        facts_of(|kind| matches!(kind, Kind::Count(_))),
    );
    let is_number = |kind| matches!(kind, Kind::Count(_) | Kind::Quantity(_));
    put("fact_number", facts_of(is_number));
    for (name, kind, _) in kinds() {
        put(&format!("value_{name}"), value(kind));
    }
    for fact in Fact::ALL {
        put(&format!("is_{}", fact.name()), offered(*fact));
    }
}
