//! What firms apply for and order in the demonstration, by seeded chance.

use chrono::NaiveDate;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::Size;
use crate::party::{self, NewParty, Party, PartyRole};
use crate::policy::{Fact, Facts, Raw, Source};
use crate::types::{Code, Currency, Money, PartyId};
use crate::voucher::Apply;

/// The programme whose vouchers the provider redeems.
pub(super) const SHANGHAI: &str = "SH-VOUCHER";
/// The programme whose vouchers the firm claims.
pub(super) const SHANXI: &str = "SX-VOUCHER";

/// One firm's plan: in which month it applies for what.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) party: PartyId,
    pub(super) programme: Code,
    pub(super) month: u32,
    /// Price of the service that it wants, minor units.
    pub(super) price: i64,
    /// How its order goes.
    pub(super) order: Order,
}

/// How an order goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Delivered at this part of the price, in hundredths.
    Delivered(i64),
    /// Placed, and given up.
    GivenUp,
    /// Never placed: the voucher lapses.
    Never,
    /// Placed, and denied by the provider: refused where the policy asks it to confirm.
    Denied,
    /// Never placed: the office takes the voucher back.
    Cancelled,
}

/// The parties of a demonstration: where so few were made up that none of several is a provider, the last is the first
/// provider that more of them would have brought, as nothing is ordered without one.
pub(super) fn parties(size: Size) -> Vec<NewParty> {
    /// Of a hundred, six are.
    const MORE: usize = 1_000;
    let is_provider = |party: &NewParty| party.roles.iter().any(|role| role == PartyRole::Provider);
    let mut parties = party::generate(size.seed, size.parties);
    if parties.len() > 1
        && !parties.iter().any(is_provider)
        && let Some(last) = parties.last_mut()
        && let Some(provider) = party::generate(size.seed, MORE)
            .into_iter()
            .find(is_provider)
    {
        *last = provider;
    }
    parties
}

/// Plans for the enterprises among `parties`, the same for the same seed.
pub(super) fn plans(parties: &[Party], seed: u64) -> Vec<Plan> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5EED);
    let enterprise = |party: &&Party| party.roles.iter().any(|role| role == PartyRole::Enterprise);
    parties
        .iter()
        .filter(enterprise)
        .map(|party| plan(party, &mut rng))
        .collect()
}

fn plan(party: &Party, rng: &mut ChaCha8Rng) -> Plan {
    let shanghai = rng.random_ratio(2, 5);
    let yuan = if shanghai {
        rng.random_range(20..800) * 1_000
    } else {
        rng.random_range(4..45) * 1_000
    };
    let order = match rng.random_range(0..100) {
        0..72 => Order::Delivered(rng.random_range(80..=100)),
        72..80 => Order::GivenUp,
        80..92 => Order::Never,
        92..97 => Order::Denied,
        _ => Order::Cancelled,
    };
    let code = if shanghai { SHANGHAI } else { SHANXI };
    Plan {
        party: party.id,
        programme: code.parse().expect("BUG: the constant is a code"),
        month: rng.random_range(1..=11),
        price: yuan * 100 + rng.random_range(0..10_000),
        order,
    }
}

fn state(facts: &mut Facts, fact: Fact, raw: Raw<'_>, day: NaiveDate) {
    facts
        .state(fact, raw, Source::Declared, day)
        .expect("BUG: the demonstration states facts by their type");
}

/// The application that a plan makes.
pub(super) fn application(plan: &Plan, day: NaiveDate, currency: Currency) -> Apply {
    let mut facts = Facts::new(currency);
    let text = Money::from_minor(plan.price).to_text(currency);
    if plan.programme.as_str() == SHANGHAI {
        state(
            &mut facts,
            Fact::ApplicantKind,
            Raw::Text("enterprise"),
            day,
        );
        state(&mut facts, Fact::ServicePrice, Raw::Text(&text), day);
    } else {
        state(
            &mut facts,
            Fact::RequestedAmount,
            Raw::Text("20000.00"),
            day,
        );
    }
    Apply {
        facts,
        party: plan.party,
        programme: plan.programme.clone(),
    }
}

/// What is stated about a plan's order.
pub(super) fn order_facts(plan: &Plan, day: NaiveDate, currency: Currency) -> Facts {
    let mut facts = Facts::new(currency);
    let confirmed = Raw::Bool(plan.order != Order::Denied);
    state(&mut facts, Fact::ProviderConfirmed, confirmed, day);
    facts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without a provider nothing is ordered, and nothing redeemed.
    #[test]
    fn of_several_parties_one_provides() {
        for (seed, count) in (0..20).flat_map(|seed| [(seed, 2), (seed, 40)]) {
            let size = Size {
                parties: count,
                seed,
            };
            let parties = parties(size);
            assert_eq!(parties.len(), count);
            let provides =
                |party: &NewParty| party.roles.iter().any(|role| role == PartyRole::Provider);
            assert!(parties.iter().any(provides), "seed {seed}, {count} parties");
        }
    }
}
