//! Facts that the ledger itself knows of an applicant: what it was granted of the programme before, and what of that is
//! unused. Nobody states them; a decision sees them with the source `imported`, as of its day.
//!
//! * `earlier_awards`: vouchers of the programme that it was issued, whatever has become of them.
//! * `earlier_of_type`: those among them that were applied for with the same `voucher_type`.
//! * `earlier_unused`: what of them is neither used nor taken back nor expired; what an order holds is not used yet.
//! * `prior_year_unused`: what of those of the budget year before was not used, also where it has expired since.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::store;
use crate::policy::{Fact, Facts, Moment, Policy, Source, Stated, Sum, Value};
use crate::types::{Code, Currency, FiscalYear, Money, PartyId, Zone};

/// What a party was granted of a programme before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// How many vouchers.
    pub awards: u32,
    /// How many of each type.
    pub of_type: BTreeMap<String, u32>,
    /// What can still be used.
    pub unused: Money,
    /// What was not used of the budget year before.
    pub prior_year_unused: Money,
}

impl Earlier {
    /// The value of a fact of this module; `voucher_type` is that of the case.
    pub fn value(
        &self,
        fact: Fact,
        voucher_type: Option<&str>,
        currency: Currency,
    ) -> Option<Value> {
        let money = |money| Some(Value::Money(Sum::new(money, currency)));
        if fact == Fact::EarlierAwards {
            Some(Value::Count(self.awards))
        } else if fact == Fact::EarlierOfType {
            let of_type = self.of_type.get(voucher_type?);
            Some(Value::Count(of_type.copied().unwrap_or(0)))
        } else if fact == Fact::EarlierUnused {
            money(self.unused)
        } else if fact == Fact::PriorYearUnused {
            money(self.prior_year_unused)
        } else {
            None
        }
    }
}

/// The facts of this module.
const EARLIER: [Fact; 4] = [
    Fact::EarlierAwards,
    Fact::EarlierOfType,
    Fact::EarlierUnused,
    Fact::PriorYearUnused,
];

/// Which of these facts a policy asks for when a voucher is granted.
fn wanted(policy: &Policy) -> impl Iterator<Item = Fact> + '_ {
    let facts = policy.wanted(Moment::Grant);
    EARLIER.into_iter().filter(|fact| facts.contains(fact))
}

/// Whether a policy asks for any of these facts.
pub(super) fn asks(policy: &Policy) -> bool {
    wanted(policy).next().is_some()
}

fn year_before(day: NaiveDate) -> FiscalYear {
    FiscalYear(FiscalYear::of(day).0.saturating_sub(1))
}

/// What every party of a zone was granted of a programme before, as of a day: the parties that are not in it were granted
/// nothing. Of types nothing is said: they are a case's own.
pub async fn earlier_by_party(
    conn: &mut PgConnection,
    zone: &Zone,
    programme: &Code,
    on: NaiveDate,
) -> Result<HashMap<PartyId, Earlier>, sqlx::Error> {
    store::earlier_of_all(conn, zone.id, programme, year_before(on)).await
}

/// What a batch of decisions is to know of what was granted before; as earlier ones of the batch have left it.
#[derive(Debug)]
pub struct Known {
    on: NaiveDate,
    currency: Currency,
    of: HashMap<Code, HashMap<PartyId, Earlier>>,
}

impl Known {
    /// Reads what was granted to these parties, where their policies ask for it. What a decision rests on is read while the
    /// head of the log is locked.
    pub async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        on: NaiveDate,
        asked: impl Iterator<Item = (&Policy, PartyId)>,
    ) -> Result<Self, sqlx::Error> {
        let mut parties: HashMap<Code, (BTreeSet<PartyId>, bool)> = HashMap::new();
        for (policy, party) in asked {
            for fact in wanted(policy) {
                let (ids, types) = parties.entry(policy.code().clone()).or_default();
                ids.insert(party);
                *types |= fact == Fact::EarlierOfType;
            }
        }
        let mut of = HashMap::with_capacity(parties.len());
        for (programme, (ids, types)) in parties {
            let ids: Vec<PartyId> = ids.into_iter().collect();
            let (zone, prior) = (zone.id, year_before(on));
            let mut known = store::earlier_of(conn, zone, &programme, prior, &ids).await?;
            if types {
                for (party, of_type, awards) in
                    store::earlier_types(conn, zone, &programme, &ids).await?
                {
                    let earlier = known.entry(party).or_default();
                    earlier.of_type.insert(of_type, awards);
                }
            }
            of.insert(programme, known);
        }
        Ok(Self {
            on,
            currency: zone.currency,
            of,
        })
    }

    /// Adds what a policy asks for to the facts of a party's case, in place of what was known before; whether it asks for
    /// anything.
    pub fn extend(&self, policy: &Policy, party: PartyId, facts: &mut Facts) -> bool {
        let nothing = Earlier::default();
        let known = self.of.get(policy.code());
        let earlier = known.and_then(|known| known.get(&party));
        let earlier = earlier.unwrap_or(&nothing);
        let voucher_type = voucher_type(facts);
        let mut any = false;
        for fact in wanted(policy) {
            let value = earlier.value(fact, voucher_type.as_deref(), self.currency);
            any |= value.is_some();
            if let Some(value) = value {
                let stated = Stated {
                    as_of: self.on,
                    entry: None,
                    source: Source::Imported,
                    value,
                };
                facts.insert(fact, stated);
            }
        }
        any
    }

    /// Counts a voucher that was granted just now.
    pub(super) fn granted(&mut self, policy: &Policy, party: PartyId, facts: &Facts, face: Money) {
        let Some(known) = self.of.get_mut(policy.code()) else {
            return;
        };
        let earlier = known.entry(party).or_default();
        earlier.awards = earlier.awards.saturating_add(1);
        earlier.unused = [earlier.unused, face].into_iter().sum();
        if let Some(voucher_type) = voucher_type(facts) {
            *earlier.of_type.entry(voucher_type).or_default() += 1;
        }
    }
}

/// The type of voucher that is applied for.
fn voucher_type(facts: &Facts) -> Option<String> {
    match &facts.get(Fact::VoucherType)?.value {
        Value::Choice(word) => Some(word.name.to_owned()),
        Value::Money(_)
        | Value::Count(_)
        | Value::Quantity(_)
        | Value::Date(_)
        | Value::Bool(_)
        | Value::Text(_) => None,
    }
}
