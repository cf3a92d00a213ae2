//! The JSON Schema of packs (draft 2020-12), made from the tables that packs are read with: the registry of facts
//! and the words of the language. Editors complete and validate by it; [`super::check`] says more.

mod amount;
mod condition;
mod values;

use serde_json::{Map, Value, json};

use self::values::{fact_names, object, per_fact, reference, word_enum};
use super::pack::{Grade, Mode, Moment, OnExpiry, Payee, RoundingMode, Words as _};
use super::parse::ExhaustionWord;
use super::{Kind, Outcome, Source};
use crate::types::Currency;

/// Where the schema of this version stands in the repository.
pub const PACK_SCHEMA_ID: &str = "policy-pack.schema.json";

/// The schema of a pack. Dates are texts in it, as TOML tools hand them on.
pub fn pack_schema() -> Value {
    let mut definitions = Map::new();
    values::define(&mut definitions);
    condition::define(&mut definitions);
    amount::define(&mut definitions);
    let more = [
        ("legal_basis", legal_basis()),
        ("reading", bilingual_members(&["clause", "text"])),
        ("funder", funder()),
        ("funding", funding()),
        ("criterion", criterion()),
        ("fast_track", fast_track()),
        ("score", score()),
        ("class", class()),
        ("validity", validity()),
        ("exhaustion", exhaustion()),
        ("rounding", rounding()),
        ("usage", usage()),
        ("example", example()),
    ];
    definitions.extend(more.map(|(name, schema)| (name.to_owned(), schema)));
    let mut schema = pack();
    if let Some(members) = schema.as_object_mut() {
        members.insert("$defs".to_owned(), Value::Object(definitions));
    }
    schema
}

fn pack() -> Value {
    let some = |name: &str| json!({ "type": "array", "minItems": 1, "items": reference(name) });
    let mut schema = object(
        json!({
            "code": described("code", "The programme; one code, many versions"),
            "version": described("code", "The version of its rules"),
            "title": reference("bilingual"),
            "currency": currencies(),
            "mode": word_enum::<Mode>("When support is promised"),
            "payee": word_enum::<Payee>("Who is paid; not for a recognition"),
            "exhaustion": reference("exhaustion"),
            "rounding": reference("rounding"),
            "notice_days": { "type": "integer", "minimum": 0, "maximum": 65535,
                "description": "Working days of public disclosure before payment" },
            "documents": some("bilingual"),
            "in_force": reference("period"),
            "validity": reference("validity"),
            "legal_basis": some("legal_basis"),
            "reading": some("reading"),
            "funder": some("funder"),
            "funding": some("funding"),
            "accept": accept(),
            "score": some("score"),
            "class": some("class"),
            "criterion": some("criterion"),
            "exclusion": some("criterion"),
            "fast_track": some("fast_track"),
            "grant": reference("award"),
            "redemption": reference("award"),
            "claim": reference("award"),
            "example": some("example"),
        }),
        &[
            "code",
            "version",
            "title",
            "currency",
            "mode",
            "notice_days",
            "in_force",
            "legal_basis",
            "example",
        ],
    );
    if let Some(members) = schema.as_object_mut() {
        members.insert("allOf".to_owned(), by_mode());
        members.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        members.insert("$id".to_owned(), json!(PACK_SCHEMA_ID));
        members.insert("title".to_owned(), json!("Policy pack of subsidy-ledger"));
    }
    schema
}

/// What a pack of each mode must have, and what it can't have.
fn by_mode() -> Value {
    let moments = [Moment::Grant, Moment::Redemption, Moment::Claim];
    let rules = Mode::WORDS.iter().map(|(word, mode)| {
        let own = moments.iter().filter(|one| mode.moments().contains(one));
        let others = moments.iter().filter(|one| !mode.moments().contains(one));
        let mut required: Vec<&str> = own.map(|moment| moment.word()).collect();
        let mut absent: Vec<&str> = others.map(|moment| moment.word()).collect();
        match mode {
            Mode::Recognition => {
                absent.extend(["payee", "exhaustion", "rounding", "funder", "funding"]);
            }
            Mode::ExAnte => required.push("validity"),
            Mode::ExPost => absent.push("validity"),
        }
        let mut then = json!({});
        if *mode != Mode::Recognition {
            required.extend(["payee", "exhaustion", "rounding", "documents"]);
            then = json!({ "oneOf": [{ "required": ["funder"] }, { "required": ["funding"] }] });
        }
        let none: Map<String, Value> = absent
            .into_iter()
            .map(|name| (name.to_owned(), json!(false)))
            .collect();
        if let Some(members) = then.as_object_mut() {
            members.insert("required".to_owned(), json!(required));
            members.insert("properties".to_owned(), Value::Object(none));
        }
        json!({ "if": { "properties": { "mode": { "const": word } } }, "then": then })
    });
    rules.collect()
}

fn described(name: &str, description: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}"), "description": description })
}

fn currencies() -> Value {
    let codes: Vec<_> = Currency::ALL.iter().map(ToString::to_string).collect();
    json!({ "enum": codes, "description": "Of every amount in the pack" })
}

/// An object of texts in two languages, all required.
fn bilingual_members(names: &[&str]) -> Value {
    let members: Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), reference("bilingual")))
        .collect();
    object(Value::Object(members), names)
}

fn legal_basis() -> Value {
    object(
        json!({
            "title": reference("bilingual"),
            "clause": reference("bilingual"),
            "evidence": word_enum::<Grade>(
                "A read on an official page, B in a secondary copy, K general knowledge"),
            "note": reference("bilingual"),
        }),
        &["title", "clause", "evidence"],
    )
}

fn funder() -> Value {
    object(
        json!({
            "code": reference("code"),
            "name": reference("bilingual"),
            "share": described("ratio", "All shares are exactly one together"),
        }),
        &["code", "name", "share"],
    )
}

fn funding() -> Value {
    object(
        json!({
            "when": described("condition", "For whom; the last has none"),
            "funder": { "type": "array", "minItems": 1, "items": reference("funder") },
        }),
        &["funder"],
    )
}

fn accept() -> Value {
    json!({
        "type": "object",
        "description": "The sources that are believed of a fact; a mere declaration of others is seen",
        "propertyNames": reference("fact"),
        "additionalProperties":
            { "type": "array", "minItems": 1, "items": word_enum::<Source>("How a fact is known") },
    })
}

fn criterion() -> Value {
    let moments = word_enum::<Moment>("A moment of the pack");
    object(
        json!({
            "code": described("reason_code", "The reason code when it is not met; kept in later versions"),
            "at": { "type": "array", "minItems": 1, "items": moments,
                "description": "When it is looked at; left out: at every moment of the pack" },
            "clause": reference("bilingual"),
            "title": reference("bilingual"),
            "reason": described("bilingual", "What the applicant is told"),
            "test": reference("condition"),
        }),
        &["code", "clause", "title", "reason", "test"],
    )
}

fn fast_track() -> Value {
    object(
        json!({
            "code": reference("reason_code"),
            "clause": reference("bilingual"),
            "title": reference("bilingual"),
            "waives": { "type": "array", "minItems": 1, "items": reference("reason_code") },
            "test": reference("condition"),
        }),
        &["code", "clause", "title", "waives", "test"],
    )
}

fn score() -> Value {
    let names = json!({ "type": "array", "minItems": 1, "items": reference("name") });
    let points = json!({ "type": "integer", "minimum": 0, "maximum": 65535 });
    let band = object(json!({ "at_least": true, "points": points }), &["points"]);
    let mut schema = object(
        json!({
            "name": reference("name"),
            "title": reference("bilingual"),
            "clause": reference("bilingual"),
            "fact": reference("fact_ordered"),
            "ratio": reference("pair"),
            "bands": { "type": "array", "minItems": 1, "items": band,
                "description": "From the highest down; the last has no at_least" },
            "best_of": names,
            "sum": names,
        }),
        &["name", "title", "clause"],
    );
    if let Some(members) = schema.as_object_mut() {
        let rules = ["fact", "ratio", "best_of", "sum"].map(|key| json!({ "required": [key] }));
        members.insert("oneOf".to_owned(), json!(rules));
        let mut typed = vec![band_rule(
            &json!({ "required": ["ratio"] }),
            &reference("ratio"),
        )];
        typed.extend(values::kinds().into_iter().filter(|(_, kind, _)| kind.ordered()).map(
            |(name, _, facts)| {
                let is = json!({ "required": ["fact"], "properties": { "fact": { "enum": facts } } });
                band_rule(&is, &reference(&format!("value_{name}")))
            },
        ));
        members.insert("allOf".to_owned(), json!(typed));
    }
    schema
}

/// What `at_least` of a band is, where the condition holds.
fn band_rule(holds: &Value, bound: &Value) -> Value {
    json!({
        "if": holds,
        "then": {
            "required": ["bands"],
            "properties": { "bands": { "items": { "properties": { "at_least": bound } } } },
        },
    })
}

fn class() -> Value {
    let mut level = per_fact(Kind::ordered, |value| value);
    level.insert("class".to_owned(), reference("name"));
    let level = object(Value::Object(level), &["class"]);
    let row = object(
        json!({
            "is": { "type": "array", "minItems": 1, "items": { "type": "string" },
                "description": "Words of the fact under `by`" },
            "levels": { "type": "array", "minItems": 1, "items": level },
        }),
        &["levels"],
    );
    object(
        json!({
            "name": reference("name"),
            "title": reference("bilingual"),
            "clause": reference("bilingual"),
            "by": reference("fact_words"),
            "lowest": reference("name"),
            "row": { "type": "array", "minItems": 1, "items": row },
        }),
        &["name", "title", "clause", "lowest", "row"],
    )
}

fn validity() -> Value {
    let mut schema = object(
        json!({
            "months": { "type": "integer", "minimum": 1, "maximum": 65535 },
            "until": { "type": "string", "pattern": "^(calendar_year_end|[0-9]{2}-[0-9]{2})$",
                "description": "\"calendar_year_end\", or a month and day of the next year" },
            "on_expiry": word_enum::<OnExpiry>("What becomes of the rest; not for a recognition"),
        }),
        &[],
    );
    if let Some(members) = schema.as_object_mut() {
        let either = json!([{ "required": ["months"] }, { "required": ["until"] }]);
        members.insert("oneOf".to_owned(), either);
    }
    schema
}

fn exhaustion() -> Value {
    let top = object(
        json!({
            "top": { "type": "integer", "minimum": 1, "maximum": 65535 },
            "by": reference("fact_ordered"),
            "within": reference("fact_words"),
            "ties": { "type": "array", "minItems": 1, "items": reference("fact") },
        }),
        &["top", "by", "ties"],
    );
    json!({
        "description": "What happens when money runs out",
        "oneOf": [word_enum::<ExhaustionWord>("For all cases alike"), top],
    })
}

fn rounding() -> Value {
    let mode = word_enum::<RoundingMode>("Which way");
    let table = object(
        json!({ "mode": mode, "unit": reference("amount") }),
        &["mode", "unit"],
    );
    json!({ "description": "Once, at the end", "oneOf": [mode, table] })
}

fn usage() -> Value {
    let number = json!({ "type": "integer", "minimum": 0, "maximum": 65535 });
    let amounts = super::Usage::AMOUNTS
        .iter()
        .map(|name| (*name, reference("amount")));
    let numbers = super::Usage::NUMBERS
        .iter()
        .map(|name| (*name, number.clone()));
    let members: Map<String, Value> = amounts
        .chain(numbers)
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect();
    object(Value::Object(members), &[])
}

fn example() -> Value {
    let source = word_enum::<Source>("How the fact is known; declared, unless it says so");
    let stated = per_fact(
        |_| true,
        |value| {
            let table = object(
                json!({ "value": value, "source": source }),
                &["value", "source"],
            );
            json!({ "anyOf": [value, table] })
        },
    );
    let named = |schema: Value| json!({ "type": "object", "additionalProperties": schema });
    let expect = object(
        json!({
            "outcome": word_enum::<Outcome>("How it comes out"),
            "reasons": { "type": "array", "minItems": 1, "items": reference("reason_code") },
            "amount": reference("amount"),
            "own_share": reference("amount"),
            "last_day": reference("date"),
            "missing": { "type": "array", "minItems": 1, "items": { "enum": fact_names(|_| true) } },
            "scores": named(json!({ "type": "integer", "minimum": 0 })),
            "classes": named(reference("name")),
            "funding": named(reference("amount")),
        }),
        &["outcome"],
    );
    object(
        json!({
            "title": { "type": "string", "minLength": 1 },
            "moment": word_enum::<Moment>("May be left out where the pack has only one"),
            "on": described("date", "The day of the decision"),
            "facts": object(Value::Object(stated), &[]),
            "usage": reference("usage"),
            "expect": expect,
        }),
        &["title", "on", "facts", "expect"],
    )
}
