//! Published rules: packs, facts, decisions. Pure but for `store.rs`.
//!
//! A *pack* is a TOML file with the rules of one programme in one version ([`Policy`]); `parse`
//! type-checks it against the registry of facts (`facts.rs`) and [`check`] runs its own examples.
//! [`decide`] applies it to a snapshot of [`Facts`] and to the [`Usage`] that the quota accounts
//! show, and gives a [`Decision`]: outcome, amount, reason codes and the steps between. [`explain`]
//! turns a decision into sentences in Chinese or English.
//!
//! A voucher programme decides at two moments, and a pack has a section for each:
//!
//! * the *grant*: an application for a voucher. Base, rate and caps give its face value.
//! * the *redemption*: an order or its bill. Base, rate and caps give what the voucher pays of the
//!   price, and never more than the balance held.
//!
//! Criteria are shared, and name the moments `at` which they are looked at. The language is shown by
//! example in `docs/policies.md`.

mod assess;
mod award;
mod check;
mod columns;
mod decide;
mod decision;
mod diff;
mod digest;
mod exact;
mod explain;
mod facts;
mod json;
mod measure;
mod nearest;
mod pack;
mod parse;
mod phrase;
mod predicate;
mod problem;
mod registry;
mod replay;
mod schema;
mod snapshot;
pub mod store;
mod undated;
mod usage;
mod wording;
mod written;

pub use assess::Step;
pub use award::{Award, Base, Cap, ConditionalRate, Most, Over, Rate, Scope, Term, Tier};
pub use check::{check, check_examples};
pub use columns::{Screening, Table, screen};
pub use decide::decide;
pub use decision::{CriterionOutcome, Decision, FunderShare, PolicyRef};
pub use diff::{Change, Difference, diff};
pub use digest::{NotASha256, Sha256};
pub use exact::{Exact, Ratio, RatioError, Sum};
pub use explain::{explain, explain_on};
pub use facts::{FactError, FactSpec, Kind, Quantity, Raw, Span, StatedBy, Unit, Value, Word};
pub use measure::{Band, Class, ClassSeen, Score, ScoreSeen};
pub use nearest::nearest;
pub use pack::{
    Criterion, CriterionKind, Example, Exhaustion, FastTrack, Funder, Funding, Grade, LegalBasis,
    Mode, Moment, OnExpiry, Payee, Policy, Reading, Rounding, RoundingMode, Validity, split,
};
pub use predicate::{Bound, Comparison, Operand, Outcome, Predicate};
pub use problem::{PackProblems, Problem};
pub use registry::Fact;
pub use replay::{Replayed, replay};
pub use schema::{PACK_SCHEMA_ID, pack_schema};
pub use snapshot::{Facts, FactsFileError, Seen, Source, Stated, read_facts_file};
pub use usage::{Usage, UsageSeen};
pub use wording::{Bilingual, BuiltIns, Locale, NotAReasonCode, ReasonCode};
