//! The policy room, as vouchers ask it.

use std::collections::HashMap;

use chrono::NaiveDate;
use sqlx::PgConnection;

use super::Refused;
use super::earlier::Known;
use super::hold::PlaceHold;
use super::model::{Voucher, VoucherRefusal};
use super::run;
use super::store::{self, Application};
use crate::batch::{BatchError, Rejected};
use crate::caps::{Asked, Usages, rests_on_usage};
use crate::exclusion::Excluded;
use crate::fact;
use crate::fact::InLedger;
use crate::policy::store::Policies;
use crate::policy::{
    self, Decision, Fact, Facts, Moment, Outcome, Policy, Raw, ReasonCode, Source, Span, Usage,
};
use crate::types::{Amount, Currency, LogIndex, Money, PartyId, VoucherId, Zone, ZoneId, excerpt};

/// A price as it came.
pub(super) fn price(text: &str, currency: Currency) -> Result<Amount, Rejected> {
    amount("price", text, currency)
}

/// An amount as it came, in a field.
pub(super) fn amount(field: &str, text: &str, currency: Currency) -> Result<Amount, Rejected> {
    let facts = |error: String| Rejected::Facts(format!("{field}: {error}"));
    let money = Money::parse(text, currency).map_err(|error| facts(error.to_string()))?;
    Amount::new(money).map_err(|error| facts(error.to_string()))
}

/// Whether what is stated with a case can be so today.
pub(super) fn possible(stated: &Facts, today: NaiveDate) -> Result<(), Rejected> {
    let value = |fact| stated.get(fact).map(|stated| &stated.value);
    let wrong = fact::impossible(value, today).into_iter().next();
    wrong.map_or(Ok(()), |wrong| Err(Rejected::Facts(wrong.to_string())))
}

/// The facts of an application, read back, with what the ledger knows of its applicant by now; and whether that is
/// anything, so that they are no longer those that the application keeps.
pub(super) fn current_facts(
    application: &Application,
    policy: &Policy,
    earlier: &Known,
    ledger: &InLedger,
) -> Result<(Facts, bool), BatchError> {
    let party = application.party;
    let mut facts = read_facts(application.applied_index, &application.facts)?;
    let is_granted_before = earlier.extend(policy, party, &mut facts);
    let is_stated = ledger.extend(policy, Moment::Grant, party, &mut facts);
    Ok((facts, is_granted_before || is_stated))
}

/// Facts as a row keeps them.
pub(super) fn read_facts(index: LogIndex, text: &str) -> Result<Facts, BatchError> {
    Facts::from_canonical_json(text.as_bytes())
        .map_err(|error| BatchError::Unreadable(index, error.to_string()))
}

/// The facts that vouchers were granted on: those of their applications, or the snapshots that award runs kept.
pub(super) async fn facts_of_grants(
    conn: &mut PgConnection,
    zone: ZoneId,
    vouchers: &HashMap<VoucherId, Voucher>,
) -> Result<HashMap<VoucherId, Facts>, BatchError> {
    let mut ids: Vec<VoucherId> = vouchers.keys().copied().collect();
    let mut granted_on = HashMap::with_capacity(ids.len());
    for (id, text) in store::facts_of_applications(conn, zone, &ids).await? {
        let issued = vouchers.get(&id).map(|voucher| voucher.issued_index);
        granted_on.insert(id, read_facts(issued.unwrap_or(LogIndex(0)), &text)?);
    }
    ids.retain(|id| !granted_on.contains_key(id));
    if !ids.is_empty() {
        for (id, sha256) in run::store::facts_of_awards(conn, zone, &ids).await? {
            let facts = fact::store::snapshot_by_hash(conn, zone, sha256).await?;
            granted_on.extend(facts.map(|facts| (id, facts)));
        }
    }
    Ok(granted_on)
}

/// Facts as a row keeps them: canonical JSON.
pub(super) fn facts_text(facts: &Facts) -> String {
    String::from_utf8(facts.to_canonical_json()).expect("BUG: JSON is UTF-8")
}

/// Whether a voucher is granted, and how much.
pub(super) fn grant(policy: &Policy, facts: &Facts, usage: &Usage, on: NaiveDate) -> Decision {
    policy::decide(policy, Moment::Grant, facts, usage, on)
}

/// What an order states otherwise than the application, of the case that the voucher was granted on: its type, for one.
pub(super) fn restated(policy: &Policy, granted_on: &Facts, order: &Facts) -> Option<Rejected> {
    let of_grant = policy.wanted(Moment::Grant);
    let otherwise = |fact: Fact| {
        let (granted, stated) = (granted_on.get(fact)?, order.get(fact)?);
        let is_of_case = fact.spec().span == Span::Case && of_grant.contains(&fact);
        (is_of_case && granted.value != stated.value).then(|| {
            Rejected::Facts(format!(
                "{fact}: {} was stated with the application, and the voucher was granted on it: an order can't say {}",
                granted.value, stated.value
            ))
        })
    };
    fact::said_by_applicant(order)
        .iter()
        .find_map(|(fact, _)| otherwise(fact))
}

/// The facts of an order: those of the application, those stated for the order, and the ledger's own.
pub(super) fn order_facts(
    application: &Facts,
    order: &PlaceHold,
    voucher: &Voucher,
    price: Amount,
    ordered_on: NaiveDate,
) -> Facts {
    let mut facts = application.clone();
    facts.extend(&fact::said_by_applicant(&order.facts));
    let day = |day: NaiveDate| day.to_string();
    let own = [
        (Fact::IssuedOn, day(voucher.issued_on)),
        (Fact::OrderDate, day(ordered_on)),
        (
            Fact::ServicePrice,
            price.money().to_text(voucher.line.currency),
        ),
    ];
    for (fact, text) in own {
        facts
            .state(fact, Raw::Text(&text), Source::Imported, ordered_on)
            .expect("BUG: the ledger's own facts have their types");
    }
    if order.provider == voucher.holder {
        facts
            .state(
                Fact::RelatedParty,
                Raw::Bool(true),
                Source::Imported,
                ordered_on,
            )
            .expect("BUG: being related is yes or no");
    }
    facts
}

/// Digests of documents as they came: each 64 small hexadecimal digits.
pub(super) fn evidence(digests: &[String]) -> Result<(), Rejected> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let is_digest = |text: &String| text.len() == 64 && text.bytes().all(is_digit);
    match digests.iter().find(|text| !is_digest(text)) {
        None => Ok(()),
        Some(other) => Err(Rejected::Facts(format!(
            "evidence: {:?} is no SHA-256: write the 64 small hexadecimal digits that sha256sum prints",
            excerpt(other)
        ))),
    }
}

/// The facts of an order when it is invoiced: the price is now that of the invoice.
pub(super) fn invoiced(mut facts: Facts, price: Amount, today: NaiveDate) -> Facts {
    facts
        .state_money(Fact::ServicePrice, price.money(), Source::Imported, today)
        .expect("BUG: the price of a service is money");
    facts
}

/// What has been used of the caps of redemptions, by vouchers and the providers of the services.
pub(super) async fn usages_of_services(
    conn: &mut PgConnection,
    zone: &Zone,
    today: NaiveDate,
    policies: &Policies,
    services: impl Iterator<Item = (&Voucher, PartyId)>,
) -> Result<Usages, BatchError> {
    let mut counted = Vec::new();
    for (voucher, provider) in services {
        let policy = policies.get(voucher.policy)?;
        if rests_on_usage(&policy, Moment::Redemption) {
            counted.push((policy, voucher.holder, provider));
        }
    }
    let asked: Vec<Asked<'_>> = counted
        .iter()
        .map(|(policy, holder, provider)| Asked::redemption(policy, *holder, *provider))
        .collect();
    Ok(Usages::read(conn, zone, today, &asked).await?)
}

/// How much of a price a voucher pays, with `held` to pay it from; `usage` says the rest.
pub(super) fn redemption(
    policy: &Policy,
    facts: &Facts,
    held: Money,
    usage: Usage,
    on: NaiveDate,
) -> Decision {
    let usage = Usage {
        held_now: held,
        ..usage
    };
    policy::decide(policy, Moment::Redemption, facts, &usage, on)
}

/// What a decision grants, at most `limit`; nothing unless it passed with an amount.
pub(super) fn granted(decision: &Decision, limit: Money) -> Option<Amount> {
    let amount = decision.amount.money().min(limit);
    if decision.outcome == Outcome::Pass {
        Amount::new(amount).ok()
    } else {
        None
    }
}

/// A refusal by the policy; expiry has a code of its own.
pub(super) fn refused(decision: &Decision) -> Refused {
    let code = if decision.reasons.contains(&ReasonCode::EXPIRED) {
        VoucherRefusal::Expired
    } else {
        VoucherRefusal::Policy
    };
    Refused {
        code,
        reasons: reasons(decision),
    }
}

/// That a party is excluded from programmes, and until when.
pub(super) fn excluded(excluded: &Excluded, party: PartyId) -> Option<Refused> {
    until(excluded, party, VoucherRefusal::Excluded)
}

/// That a provider is excluded from programmes, and until when.
pub(super) fn provider_excluded(excluded: &Excluded, provider: PartyId) -> Option<Refused> {
    until(excluded, provider, VoucherRefusal::ProviderExcluded)
}

fn until(excluded: &Excluded, party: PartyId, code: VoucherRefusal) -> Option<Refused> {
    let reasons = vec![excluded.until(party)?.to_string()];
    Some(Refused { code, reasons })
}

/// The reason codes of a decision, as text.
pub(super) fn reasons(decision: &Decision) -> Vec<String> {
    decision.reasons.iter().map(ToString::to_string).collect()
}

/// The facts that a decision misses, by name.
pub(super) fn missing(decision: &Decision) -> Vec<String> {
    decision.missing.iter().map(ToString::to_string).collect()
}
