//! How a list of past awards is laid out: a mapping with the import's own options.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde::Deserialize;

use super::amount::AmountFormat;
use crate::party::Roles;
use crate::tabular::{Field, Mapping, MappingError};
use crate::types::{Code, Currency};

/// What is read from each row.
pub const FIELDS: &[Field] = &[
    field("recipient", true),
    field("programme", true),
    field("granted", true),
    field("requested", false),
    field("year", false),
    field("date", false),
    field("id", false),
    field("recipient_number", false),
    field("project", false),
    field("department", false),
    field("theme", false),
    field("recurrence", false),
];

/// Fields that are kept as they are written and decide nothing.
pub(super) const FACTS: &[&str] = &["project", "department", "theme", "recurrence"];

const fn field(name: &'static str, required: bool) -> Field {
    Field {
        name,
        headers: &[],
        required,
    }
}

/// A parsed map. Besides what every mapping has (`[columns]`, `[constants]`, `ignore`, …):
///
/// ```toml
/// [options]
/// source = "AMS-2016"            # code of the list: files of one list correct each other
/// currency = "EUR"               # must be the zone's
/// anonymous = ["(Particulier)"]  # what the list writes instead of a person's name
/// roles = "enterprise"           # of recipients that the zone does not know yet
///
/// [options.amounts.requested]    # how a column writes amounts
/// symbol = "€"
/// thousands = "."
/// decimal = ","
///
/// [options.programmes]           # codes of programmes; made from the name otherwise
/// "Meedoen Noord" = "MEEDOEN-NOORD"
/// ```
#[derive(Clone, Debug)]
pub struct AwardMap {
    /// Columns and constants.
    pub(super) mapping: Mapping,
    /// The list.
    pub(super) source: Code,
    /// What amounts are counted in.
    pub(super) currency: Currency,
    /// Texts that stand for a natural person whom the list does not name.
    pub(super) anonymous: Vec<String>,
    /// Roles of recipients that are registered by the import.
    pub(super) roles: Roles,
    /// Of the amount asked for.
    pub(super) requested: AmountFormat,
    /// Of the amount granted.
    pub(super) granted: AmountFormat,
    /// Codes by name.
    pub(super) programmes: BTreeMap<String, Code>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Options {
    source: Code,
    currency: Currency,
    #[serde(default)]
    anonymous: Vec<String>,
    #[serde(default)]
    roles: Option<String>,
    #[serde(default)]
    amounts: Amounts,
    #[serde(default)]
    programmes: BTreeMap<String, Code>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Amounts {
    requested: AmountFormat,
    granted: AmountFormat,
}

/// Why a map can't be used.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// The mapping, or its options.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// No role of that name.
    #[error("options.roles: {0}")]
    Roles(#[from] crate::party::UnknownPartyRole),
}

impl FromStr for AwardMap {
    type Err = MapError;

    fn from_str(text: &str) -> Result<Self, MapError> {
        let mapping: Mapping = text.parse()?;
        let options: Options = mapping.options()?;
        Ok(Self {
            mapping,
            source: options.source,
            currency: options.currency,
            anonymous: options.anonymous,
            roles: options.roles.as_deref().unwrap_or("enterprise").parse()?,
            requested: options.amounts.requested,
            granted: options.amounts.granted,
            programmes: options.programmes,
        })
    }
}
