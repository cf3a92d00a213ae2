//! What tells one party from another, and what a party is.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::types::{Name, TextError, Uscc, UsccError};

/// A code of the right form whose check character is wrong, though a licence may have it (worked case E11).
/// It identifies a party only after two persons have recorded an override.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ContestedUscc(String);

/// Why a text is no contested code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotContested {
    /// The code passes its check.
    #[error("{0} passes its check and needs no override")]
    Valid(Uscc),
    /// The text is no code at all.
    #[error(transparent)]
    Form(#[from] UsccError),
}

impl ContestedUscc {
    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for ContestedUscc {
    type Err = NotContested;

    fn from_str(text: &str) -> Result<Self, NotContested> {
        match text.parse::<Uscc>() {
            Ok(valid) => Err(NotContested::Valid(valid)),
            Err(UsccError::Check { .. }) => Ok(Self(text.to_owned())),
            Err(error) => Err(error.into()),
        }
    }
}

impl fmt::Display for ContestedUscc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A number or code that the office itself gave: one line of 1 to 200 characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct OfficeNumber(String);

impl OfficeNumber {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OfficeNumber {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        text.parse::<Name>().map(|line| Self(line.into()))
    }
}

/// What tells a party from all others of its zone.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(tag = "scheme", content = "identifier", rename_all = "snake_case")]
pub enum Identity {
    /// A unified social credit code.
    Uscc(Uscc),
    /// A code that fails its check, accepted by two persons.
    UsccOverride(ContestedUscc),
    /// A number that the office gave to a party without a code.
    OfficeNumber(OfficeNumber),
    /// Only its name is known.
    Name(Name),
    /// An unregistered team of natural persons, by the number that the office gave it.
    Team(OfficeNumber),
}

impl Identity {
    /// What the identifier is, as it is stored.
    pub const fn scheme(&self) -> &'static str {
        match self {
            Self::Uscc(_) => "uscc",
            Self::UsccOverride(_) => "uscc_override",
            Self::OfficeNumber(_) => "office_number",
            Self::Name(_) => "name",
            Self::Team(_) => "team",
        }
    }

    /// The code, number or name itself.
    pub fn identifier(&self) -> &str {
        match self {
            Self::Uscc(code) => code.as_str(),
            Self::UsccOverride(code) => code.as_str(),
            Self::OfficeNumber(number) | Self::Team(number) => number.as_str(),
            Self::Name(name) => name.as_str(),
        }
    }

    /// The code, if it is one that needs an override.
    pub(super) const fn contested(&self) -> Option<&ContestedUscc> {
        match self {
            Self::UsccOverride(code) => Some(code),
            Self::Uscc(_) | Self::OfficeNumber(_) | Self::Name(_) | Self::Team(_) => None,
        }
    }

    /// Read back from a row; `None` if no identity is written so.
    pub(super) fn from_row(scheme: &str, identifier: &str) -> Option<Self> {
        match scheme {
            "uscc" => identifier.parse().ok().map(Self::Uscc),
            "uscc_override" => identifier.parse().ok().map(Self::UsccOverride),
            "office_number" => identifier.parse().ok().map(Self::OfficeNumber),
            "name" => identifier.parse().ok().map(Self::Name),
            "team" => identifier.parse().ok().map(Self::Team),
            _ => None,
        }
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self {
            Self::Uscc(_) | Self::UsccOverride(_) => "USCC",
            Self::OfficeNumber(_) => "office number",
            Self::Name(_) => "name",
            Self::Team(_) => "team",
        };
        write!(f, "{scheme} {}", self.identifier())
    }
}

/// What a party is; one may be several.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PartyRole {
    /// 企业: holds vouchers, claims support.
    Enterprise,
    /// 载体: an incubator, maker space, university park, test platform or transfer agency.
    Carrier,
    /// 服务机构: delivers services and redeems vouchers for them.
    Provider,
}

impl PartyRole {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enterprise => "enterprise",
            Self::Carrier => "carrier",
            Self::Provider => "provider",
        }
    }

    /// The Chinese word.
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Enterprise => "企业",
            Self::Carrier => "载体",
            Self::Provider => "服务机构",
        }
    }
}

/// A text that is no role of a party.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no role: use enterprise (企业), carrier (载体) or provider (服务机构), separated by ;"
)]
pub struct UnknownPartyRole(pub String);

impl FromStr for PartyRole {
    type Err = UnknownPartyRole;

    fn from_str(text: &str) -> Result<Self, UnknownPartyRole> {
        [Self::Enterprise, Self::Carrier, Self::Provider]
            .into_iter()
            .find(|role| role.as_str() == text || role.zh() == text)
            .ok_or_else(|| UnknownPartyRole(text.chars().take(40).collect()))
    }
}

/// At least one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Roles(BTreeSet<PartyRole>);

impl Roles {
    /// The roles, in order.
    pub fn iter(&self) -> impl Iterator<Item = PartyRole> {
        self.0.iter().copied()
    }
}

impl<const N: usize> From<[PartyRole; N]> for Roles {
    /// At compile time, so that nobody has none.
    fn from(roles: [PartyRole; N]) -> Self {
        const { assert!(N > 0, "a party has at least one role") }
        Self(roles.into())
    }
}

/// Roles separated by `;`, `；`, `、`, `,` or `|`.
impl FromStr for Roles {
    type Err = UnknownPartyRole;

    fn from_str(text: &str) -> Result<Self, UnknownPartyRole> {
        text.split([';', '；', '、', ',', '|'])
            .map(|role| role.trim().parse())
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roles: Vec<&str> = self.iter().map(PartyRole::as_str).collect();
        f.write_str(&roles.join(";"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_words_of_either_language() {
        let roles: Roles = "服务机构；enterprise".parse().unwrap();
        assert_eq!(roles, [PartyRole::Enterprise, PartyRole::Provider].into());
        assert_eq!(roles.to_string(), "enterprise;provider");
        for bad in ["", ";", "enterprise;", "Enterprise", "bank"] {
            assert!(bad.parse::<Roles>().is_err(), "{bad:?}");
        }
    }

    /// Worked case E11.
    #[test]
    fn only_a_code_that_fails_its_check_is_contested() {
        assert!("91350211M0000XUF46".parse::<ContestedUscc>().is_ok());
        let valid = "914403001922038216".parse::<ContestedUscc>();
        assert!(matches!(valid, Err(NotContested::Valid(_))));
        let form = "914403001922o38216".parse::<ContestedUscc>();
        assert!(matches!(
            form,
            Err(NotContested::Form(UsccError::Alphabet { .. }))
        ));
    }
}
