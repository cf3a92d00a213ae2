//! What screening tells people and programs: a page of a zone's parties, and a party's programmes.

use chrono::NaiveDate;
use serde::Serialize;

use super::load::{Among, Wanted, assumed_in_vain};
use super::one::Qualified;
use super::whole::{Screened, ScreeningError};
use crate::party::Party;
use crate::policy::{Fact, Facts, Locale, Moment, Outcome, ReasonCode, explain, nearest};
use crate::types::{Code, Currency, Money, PartyId};

/// What a policy decides for a zone, and one page of its parties.
#[derive(Debug, Serialize)]
pub struct Listing {
    /// The programme.
    pub programme: Code,
    /// The version of its rules.
    pub version: Code,
    /// What was decided.
    pub moment: Moment,
    /// The day.
    pub on: NaiveDate,
    /// Which parties were looked at.
    pub among: Among,
    /// How many.
    pub parties: usize,
    /// How many of them were registered after the day.
    #[serde(skip_serializing_if = "is_zero")]
    pub registered_since: usize,
    /// Facts that were assumed in vain: the pack does not ask for them, or they are known of every party.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub assumed_in_vain: Vec<Fact>,
    /// How many pass.
    pub pass: usize,
    /// How many of these are excluded on the day: they would be refused, and their amounts are in the cost.
    #[serde(skip_serializing_if = "is_zero")]
    pub excluded: usize,
    /// How many fail.
    pub fail: usize,
    /// How many need review.
    pub needs_review: usize,
    /// What those who pass are given, decimal text.
    pub cost: String,
    /// What the programme has left to give, if it has a budget.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub budget_left: Option<String>,
    /// Of all amounts.
    pub currency: Currency,
    /// How many each criterion keeps out, and after them what else does: a day, a rank, a cap.
    pub criteria: Vec<Unmet>,
    /// The page.
    pub rows: Vec<Row>,
    /// How many more there are after the last row.
    pub more: usize,
}

/// How many a criterion, a day, a rank or a cap keeps out.
#[derive(Debug, Serialize)]
pub struct Unmet {
    /// Its code.
    pub code: ReasonCode,
    /// How many do not meet it.
    pub unmet: usize,
    /// Of how many it is open.
    pub open: usize,
    /// To how many of those who pass it gives less.
    #[serde(skip_serializing_if = "is_zero")]
    pub lowered: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
pub(super) const fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// What became of one party.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Who.
    pub party: PartyId,
    /// Its code, number or name.
    pub identifier: String,
    /// Its name.
    pub name: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What it is given, decimal text.
    pub amount: String,
    /// The criteria that it does not meet, or that are open.
    pub reasons: Vec<ReasonCode>,
    /// If it is excluded on the day, the last day of that: then it gets nothing new, whatever the rules say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded_until: Option<NaiveDate>,
}

impl Row {
    /// A row of a screening, for whom `parties` has the name.
    pub fn of(
        screened: &Screened,
        row: usize,
        parties: &[Party],
        currency: Currency,
    ) -> Option<Self> {
        let id = *screened.parties.get(row)?;
        let party = parties.iter().find(|party| party.id == id)?;
        let amount = screened.screening.amounts.get(row).copied();
        Some(Self {
            party: id,
            identifier: party.identity.identifier().to_owned(),
            name: party.name.to_string(),
            outcome: *screened.screening.outcomes.get(row)?,
            amount: amount.unwrap_or(Money::ZERO).to_text(currency),
            reasons: screened.reasons(row),
            excluded_until: screened.excluded.until(id),
        })
    }
}

impl Screened {
    /// The rows that came out so (all of them, if nothing is asked), after that of a party, in the order in which
    /// parties were registered.
    pub fn rows(
        &self,
        outcome: Option<Outcome>,
        after: Option<PartyId>,
    ) -> Result<Vec<usize>, ScreeningError> {
        let first = match after {
            None => 0,
            Some(after) => {
                let place = self.parties.iter().position(|party| *party == after);
                place.ok_or(ScreeningError::NoSuchParty(after))? + 1
            }
        };
        let outcomes = self.screening.outcomes.iter().enumerate().skip(first);
        let taken = outcomes.filter(|(_, found)| outcome.is_none_or(|asked| asked == **found));
        Ok(taken.map(|(row, _)| row).collect())
    }

    /// How many each criterion keeps out, and after them what else does.
    pub fn unmet(&self) -> Vec<Unmet> {
        let criteria = self.by_criterion().into_iter();
        let criteria = criteria.map(|(code, unmet, open)| Unmet {
            code,
            unmet,
            open,
            lowered: 0,
        });
        let others = self.by_built_in().into_iter().map(|(code, counts)| {
            let count = |outcome| counts.get(&outcome).copied().unwrap_or(0);
            Unmet {
                code,
                unmet: count(Outcome::Fail),
                open: count(Outcome::NeedsReview),
                lowered: count(Outcome::Pass),
            }
        });
        criteria.chain(others).collect()
    }
}

impl Listing {
    /// Of a screening, with these rows of `listed` that were asked for.
    pub fn of(
        wanted: Wanted<'_>,
        on: NaiveDate,
        assumed: &Facts,
        screened: &Screened,
        page: &[usize],
        parties: &[Party],
        listed: usize,
    ) -> Self {
        let currency = wanted.policy.currency();
        let text = |money: Money| money.to_text(currency);
        let rows = page.iter();
        Self {
            programme: wanted.policy.code().clone(),
            version: wanted.policy.version().clone(),
            moment: wanted.moment,
            on,
            among: wanted.among,
            parties: screened.parties.len(),
            registered_since: screened.registered_since,
            assumed_in_vain: assumed_in_vain(assumed, &[wanted]),
            pass: screened.screening.count(Outcome::Pass),
            excluded: screened.excluded(),
            fail: screened.screening.count(Outcome::Fail),
            needs_review: screened.screening.count(Outcome::NeedsReview),
            cost: text(screened.cost()),
            budget_left: screened.budget_left.map(text),
            currency,
            criteria: screened.unmet(),
            rows: rows
                .filter_map(|row| Row::of(screened, *row, parties, currency))
                .collect(),
            more: listed.saturating_sub(page.len()),
        }
    }
}

/// What one programme decides for a party, in words.
#[derive(Debug, Serialize)]
pub struct Eligibility {
    /// The programme.
    pub programme: Code,
    /// The version of its rules.
    pub version: Code,
    /// Its title.
    pub title: String,
    /// What was decided.
    pub moment: Moment,
    /// How it came out by the rules.
    pub outcome: Outcome,
    /// If the party is excluded on the day, the last day of that: then it gets nothing new, whatever the rules say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub excluded_until: Option<NaiveDate>,
    /// What would be given, decimal text.
    pub amount: String,
    /// Reason codes.
    pub reasons: Vec<ReasonCode>,
    /// The facts that are missing.
    pub missing: Vec<Fact>,
    /// Those among them that are for the office to determine, and that no applicant can bring.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_determine: Vec<Fact>,
    /// If it fails, the criterion that is nearest to be met.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<String>,
    /// Every sentence of the decision, if they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<String>,
}

impl Eligibility {
    /// In that language, with every sentence if `trace`.
    pub fn of(one: &Qualified, locale: Locale, trace: bool) -> Self {
        let Qualified {
            policy,
            decision,
            excluded_until,
        } = one;
        Self {
            programme: policy.code().clone(),
            version: policy.version().clone(),
            title: policy.title().get(locale).to_owned(),
            moment: decision.moment,
            outcome: decision.outcome,
            excluded_until: *excluded_until,
            amount: decision.amount.to_string(),
            reasons: decision.reasons.clone(),
            missing: decision.missing.clone(),
            to_determine: {
                let missing = decision.missing.iter().copied();
                missing.filter(|fact| policy.is_for_office(*fact)).collect()
            },
            nearest: nearest(decision, policy, locale),
            trace: if trace {
                explain(decision, policy, locale)
            } else {
                Vec::new()
            },
        }
    }
}
