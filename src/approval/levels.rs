//! Which duties approve a case of an amount. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::identity::Role;
use crate::types::{Currency, Money};

/// More levels than this nobody needs.
pub const MOST_LEVELS: usize = 5;

/// From an amount on, these duties approve, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    from: Money,
    roles: Vec<Role>,
}

/// Steps by amount: from zero on, and never fewer approvers for more money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    currency: Currency,
    steps: Vec<Step>,
}

/// Why a set of levels is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelsError {
    /// A step is not written as one.
    #[error(
        "level {0:?}: write the amount from which on, and the duties that approve in their order, such as \
         0.00=manager or 300000.00=manager,finance"
    )]
    Form(String),
    /// The steps do not begin with zero.
    #[error("the first level is from 0.00 on: somebody approves every amount")]
    Start,
    /// Amounts do not grow.
    #[error("level {0}: each amount is larger than the one before")]
    Order(String),
    /// More money has fewer approvers.
    #[error("level {0}: more money never has fewer approvers than the level before")]
    Fewer(String),
    /// Too many, or none.
    #[error("level {0}: one to {MOST_LEVELS} duties approve, each manager or finance")]
    Roles(String),
}

/// As entries and rows write a step.
#[derive(Serialize, Deserialize)]
struct Written {
    from: String,
    roles: Vec<Role>,
}

impl Levels {
    /// One manager, whatever the amount: what holds until a zone has confirmed a set of its own.
    pub fn one_manager(currency: Currency) -> Self {
        let steps = vec![Step {
            from: Money::ZERO,
            roles: vec![Role::Manager],
        }];
        Self { currency, steps }
    }

    /// From texts such as `300000.00=manager,finance`, one for each step.
    pub fn parse(steps: &[String], currency: Currency) -> Result<Self, LevelsError> {
        let steps: Result<Vec<Step>, LevelsError> =
            steps.iter().map(|text| step(text, currency)).collect();
        Self::checked(steps?, currency)
    }

    fn checked(steps: Vec<Step>, currency: Currency) -> Result<Self, LevelsError> {
        if steps.first().is_none_or(|first| first.from != Money::ZERO) {
            return Err(LevelsError::Start);
        }
        for (lower, higher) in steps.iter().zip(steps.iter().skip(1)) {
            let from = || higher.from.to_text(currency);
            if higher.from <= lower.from {
                return Err(LevelsError::Order(from()));
            }
            if higher.roles.len() < lower.roles.len() {
                return Err(LevelsError::Fewer(from()));
            }
        }
        Ok(Self { currency, steps })
    }

    /// The duties that approve an amount, in their order; the step begins with its own amount.
    pub fn of(&self, amount: Money) -> &[Role] {
        let mut steps = self.steps.iter().rev();
        let step = steps.find(|step| step.from <= amount);
        step.map_or(&[], |step| &step.roles)
    }

    /// The amounts, above zero, from which on others approve.
    pub fn thresholds(&self) -> impl Iterator<Item = Money> {
        let from = self.steps.iter().map(|step| step.from);
        from.filter(|from| *from > Money::ZERO)
    }

    /// As a row keeps them: JSON.
    pub fn to_json(&self) -> String {
        let written: Vec<Written> = self
            .steps
            .iter()
            .map(|step| Written {
                from: step.from.to_text(self.currency),
                roles: step.roles.clone(),
            })
            .collect();
        serde_json::to_string(&written).expect("BUG: levels can be written as JSON")
    }

    /// Reads what [`Self::to_json`] wrote.
    pub fn from_json(text: &str, currency: Currency) -> Result<Self, LevelsError> {
        let form = || LevelsError::Form(text.chars().take(200).collect());
        let written: Vec<Written> = serde_json::from_str(text).map_err(|_| form())?;
        let steps: Option<Vec<Step>> = written
            .into_iter()
            .map(|step| {
                let from = Money::parse(&step.from, currency).ok()?;
                Some(Step {
                    from,
                    roles: step.roles,
                })
            })
            .collect();
        Self::checked(steps.ok_or_else(form)?, currency)
    }
}

/// One line for each step, as [`Levels::parse`] reads them.
impl fmt::Display for Levels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.steps.iter().enumerate() {
            let roles: Vec<&str> = step.roles.iter().map(|role| role.as_str()).collect();
            let line_end = if at == 0 { "" } else { "\n" };
            let from = step.from.to_text(self.currency);
            write!(f, "{line_end}{from}={}", roles.join(","))?;
        }
        Ok(())
    }
}

fn step(text: &str, currency: Currency) -> Result<Step, LevelsError> {
    let form = || LevelsError::Form(text.chars().take(80).collect());
    let (from, roles) = text.split_once('=').ok_or_else(form)?;
    let from = Money::parse(from.trim(), currency).map_err(|_| form())?;
    let roles: Result<Vec<Role>, _> = roles
        .split(',')
        .map(|role| Role::from_str(role.trim()))
        .collect();
    let roles = roles.map_err(|_| form())?;
    let known = roles
        .iter()
        .all(|role| matches!(role, Role::Manager | Role::Finance));
    if !known || roles.len() > MOST_LEVELS {
        return Err(LevelsError::Roles(from.to_text(currency)));
    }
    Ok(Step { from, roles })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(steps: &[&str]) -> Result<Levels, LevelsError> {
        let steps: Vec<String> = steps.iter().map(|text| (*text).to_owned()).collect();
        Levels::parse(&steps, Currency::Cny)
    }

    #[test]
    fn more_money_takes_more_approvers() {
        let levels = parse(&[
            "0.00=manager",
            "300000.00=manager,finance",
            "1000000.00=manager,manager,finance",
        ])
        .unwrap();
        for (amount, expected) in [
            ("0.01", "manager"),
            ("299999.99", "manager"),
            ("300000.00", "manager finance"),
            ("999999.99", "manager finance"),
            ("1000000.00", "manager manager finance"),
        ] {
            let amount = Money::parse(amount, Currency::Cny).unwrap();
            let roles: Vec<&str> = levels.of(amount).iter().map(|role| role.as_str()).collect();
            assert_eq!(roles.join(" "), expected);
        }
        let again = Levels::from_json(&levels.to_json(), Currency::Cny);
        assert_eq!(again.as_ref(), Ok(&levels));
        let lines: Vec<String> = levels.to_string().lines().map(str::to_owned).collect();
        assert_eq!(Levels::parse(&lines, Currency::Cny), Ok(levels));
    }

    #[test]
    fn what_is_no_ladder_is_refused_by_name() {
        let text = |error: LevelsError| error.to_string();
        for (steps, expected) in [
            (&[][..], "the first level is from 0.00 on"),
            (&["1.00=manager"], "the first level is from 0.00 on"),
            (&["0.00"], "write the amount"),
            (&["0.001=manager"], "write the amount"),
            (&["-1.00=manager"], "write the amount"),
            (&["0.00=boss"], "write the amount"),
            (&["0.00="], "write the amount"),
            (&["0.00=cashier"], "each manager or finance"),
            (
                &["0.00=manager,manager,manager,manager,manager,manager"],
                "one to 5 duties",
            ),
            (
                &["0.00=manager", "0.00=manager,finance"],
                "each amount is larger",
            ),
            (
                &["0.00=manager,finance", "5.00=manager"],
                "never has fewer approvers",
            ),
        ] {
            let refused = parse(steps).map_err(text).unwrap_err();
            assert!(refused.contains(expected), "{steps:?}: {refused}");
        }
    }
}
