//! Persons and roles.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::types::{PartyId, PersonId, excerpt};

macro_rules! roles {
    ($($(#[$doc:meta])* $role:ident $text:literal,)+) => {
        /// A duty in a zone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $($(#[$doc])* $role,)+ }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Self] = &[$(Self::$role,)+];

            /// As it is written.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$role => $text,)+ }
            }
        }
    };
}

roles! {
    /// Acts for an enterprise: applies, orders, claims.
    Sme "sme",
    /// Acts for a provider: redeems.
    Provider "provider",
    /// Acts for a carrier: records relief, claims.
    Incubator "incubator",
    /// Reviews applications and claims.
    Reviewer "reviewer",
    /// Approves awards, manages programmes.
    Manager "manager",
    /// Approves payables, holds the budget.
    Finance "finance",
    /// Sends batches, matches the bank's statement.
    Cashier "cashier",
    /// Reads everything, changes nothing.
    Auditor "auditor",
    /// Publishes rules.
    RuleAdmin "rule_admin",
    /// The service itself, acting on a rule: expiry, for one.
    System "system",
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no role.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown role {0:?}: use sme, provider, incubator, reviewer, manager, finance, cashier, auditor or rule_admin"
)]
pub struct UnknownRole(pub String);

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        let known = Self::ALL.iter().find(|role| role.as_str() == text);
        known.copied().ok_or_else(|| UnknownRole(excerpt(text)))
    }
}

/// What `--as` names a person by: 1 to 64 of `a-z`, `0-9`, `.`, `_` and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Login(String);

/// A text that is no login.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a login: use 1 to 64 of a-z, 0-9, full stop, hyphen and underscore")]
pub struct LoginError(pub String);

impl Login {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Login {
    type Err = LoginError;

    fn from_str(text: &str) -> Result<Self, LoginError> {
        let first = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let inner = |byte: u8| first(byte) || matches!(byte, b'.' | b'-' | b'_');
        let fits =
            text.len() <= 64 && text.bytes().next().is_some_and(first) && text.bytes().all(inner);
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(LoginError(excerpt(text)))
        }
    }
}

/// A person, with the roles that the person has in the zone of the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Actor {
    /// Whom entries name.
    pub person: PersonId,
    /// What `--as` names.
    pub login: Login,
    /// The party that the person acts for; `None` for the office's own staff.
    pub party: Option<PartyId>,
    /// Duties.
    pub roles: BTreeSet<Role>,
}

/// A person without the duty that a command needs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{login} may not do this: it needs the role {}", list(needs))]
pub struct Forbidden {
    /// Who tried.
    pub login: Login,
    /// One of these would do.
    pub needs: Vec<Role>,
}

fn list(roles: &[Role]) -> String {
    roles
        .iter()
        .map(|role| role.as_str())
        .collect::<Vec<_>>()
        .join(" or ")
}

impl Actor {
    /// Whether the person has one of these roles.
    pub fn require(&self, one_of: &[Role]) -> Result<(), Forbidden> {
        if one_of.iter().any(|role| self.roles.contains(role)) {
            Ok(())
        } else {
            Err(Forbidden {
                login: self.login.clone(),
                needs: one_of.to_vec(),
            })
        }
    }
}
