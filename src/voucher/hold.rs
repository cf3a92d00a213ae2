//! An order reserves a part of a voucher.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::batch::{self, Answers, Decided, Refused, Rejected, Round, Step, VoucherError};
use super::model::{Hold, HoldState, Voucher, VoucherRefusal};
use super::rules::{self, Policies};
use super::usages::{Asked, Usages};
use super::{postings, store};
use crate::identity::{Command, Role};
use crate::party::{self, PartyRole};
use crate::policy::Facts;
use crate::types::{Amount, HoldId, Money, PartyId, PersonId, VoucherId};

/// An order for a service.
#[derive(Clone, Debug, Serialize)]
pub struct PlaceHold {
    /// Facts as stated for this order, such as that buyer and provider are not related.
    pub facts: Facts,
    /// Price of the service, decimal text in the zone's currency.
    pub price: String,
    /// The provider.
    pub provider: PartyId,
    /// The voucher.
    pub voucher: VoucherId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum HoldAnswer {
    /// Value is reserved.
    Held {
        /// How much, decimal text.
        amount: String,
        /// Identity of the hold.
        hold: HoldId,
        /// What the firm pays itself, decimal text.
        own_share: String,
    },
    /// Nothing is reserved.
    Refused(Refused),
}

const NAME: &str = "voucher.hold";

/// Reserves value for orders: as much as the policy would pay for the price, at most what is free.
pub async fn hold(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, PlaceHold)],
) -> Result<Answers<HoldAnswer>, VoucherError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(reserve(conn, round))
    })
    .await
}

async fn reserve(
    conn: &mut PgConnection,
    round: &Round<'_, PlaceHold>,
) -> Result<Answers<HoldAnswer>, VoucherError> {
    let (zone, new) = (round.zone, &round.requests);
    let ids: Vec<VoucherId> = new.iter().map(|(_, input)| input.voucher).collect();
    let mut vouchers = store::lock_vouchers(conn, zone, &ids).await?;
    let granted_on = rules::facts_of_grants(conn, zone.id, &vouchers).await?;
    let policies = Policies::of(
        conn,
        zone.id,
        vouchers.values().map(|voucher| voucher.policy),
    )
    .await?;
    let services = new
        .iter()
        .filter_map(|(_, input)| Some((vouchers.get(&input.voucher)?, input.provider)));
    let usages = rules::usages_of_services(conn, zone, round.today, &policies, services).await?;

    let asked: Vec<PartyId> = new.iter().map(|(_, input)| input.provider).collect();
    let providers: HashSet<PartyId> = party::store::parties(conn, zone.id, &asked)
        .await?
        .into_iter()
        .filter(|party| party.roles.iter().any(|role| role == PartyRole::Provider))
        .map(|party| party.id)
        .collect();

    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        decided.push(if providers.contains(&input.provider) {
            decide(
                command,
                input,
                &mut vouchers,
                &granted_on,
                (&policies, &usages),
            )?
        } else {
            Err(Rejected::Unknown {
                what: "provider",
                id: input.provider.to_string(),
            })
        });
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let holds: Vec<store::NewHold> = effects
        .into_iter()
        .filter_map(|(effect, index)| effect.map(|(hold, by)| store::NewHold { hold, by, index }))
        .collect();
    let touched: HashSet<VoucherId> = holds.iter().map(|new| new.hold.voucher).collect();
    vouchers.retain(|id, _| touched.contains(id));
    store::insert_holds(conn, zone.id, &holds).await?;
    store::update_vouchers(conn, zone.id, &vouchers.values().collect::<Vec<_>>(), &[]).await?;
    Ok(answers)
}

/// A new hold, and who placed it.
type Effect = Option<(Hold, PersonId)>;

/// Decides one order on the vouchers as earlier orders of the batch have left them.
fn decide(
    command: &Command<'_>,
    input: &PlaceHold,
    vouchers: &mut HashMap<VoucherId, Voucher>,
    granted_on: &HashMap<VoucherId, Facts>,
    (policies, usages): (&Policies, &Usages),
) -> Result<Decided<PlaceHold, HoldAnswer, Effect>, VoucherError> {
    let (price, voucher) = match check(command, input, vouchers) {
        Ok(checked) => checked,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let today = command.today();
    let policy = policies.get(voucher.policy)?;
    let no_facts =
        || VoucherError::Unreadable(voucher.issued_index, "its facts are missing".into());
    let granted_on = granted_on.get(&voucher.id).ok_or_else(no_facts)?;
    if let Some(rejected) = rules::restated(&policy, granted_on, &input.facts) {
        return Ok(Err(rejected));
    }
    let facts = rules::order_facts(granted_on, input, voucher, price, today);
    let usage = usages.of(Asked::redemption(&policy, voucher.holder, input.provider));
    let decision = rules::redemption(&policy, &facts, voucher.parts.free, usage, today);
    let amount = rules::granted(&decision, voucher.parts.free);
    let currency = voucher.line.currency;
    let text = |money: Money| money.to_text(currency);
    let reserved = if input.provider == voucher.holder {
        Err(Refused::from(VoucherRefusal::OwnProvider))
    } else if today > voucher.last_day {
        Err(Refused::from(VoucherRefusal::Expired))
    } else {
        amount
            .ok_or_else(|| rules::refused(&decision))
            .and_then(|amount| {
                let transfer = postings::hold(voucher, amount);
                voucher.hold(amount, today)?;
                Ok((amount, transfer))
            })
    };
    let (kind, answer, transfers, effect) = match reserved {
        Err(refused) => (
            "hold.refused",
            HoldAnswer::Refused(refused),
            Vec::new(),
            None,
        ),
        Ok((amount, transfer)) => {
            let hold = new_hold(input, &facts, price, amount);
            let own_share = text(price.money().saturating_sub(amount.money()));
            let answer = HoldAnswer::Held {
                amount: text(amount.money()),
                hold: hold.id,
                own_share,
            };
            (
                "voucher.held",
                answer,
                vec![transfer?],
                Some((hold, command.actor.person)),
            )
        }
    };
    let step = Step::new(kind, voucher.id, input, answer)
        .decided(decision)
        .moving(transfers);
    Ok(Ok((step, effect)))
}

/// The price, and the voucher if the actor may order with it.
fn check<'v>(
    command: &Command<'_>,
    input: &PlaceHold,
    vouchers: &'v mut HashMap<VoucherId, Voucher>,
) -> Result<(Amount, &'v mut Voucher), Rejected> {
    command
        .actor
        .require(&[Role::Sme, Role::Incubator, Role::Manager])?;
    let voucher = batch::find(vouchers, "voucher", &input.voucher)?;
    if !batch::acts_for(command.actor, &[voucher.holder]) {
        return Err(Rejected::Unknown {
            what: "voucher",
            id: input.voucher.to_string(),
        });
    }
    Ok((rules::price(&input.price, voucher.line.currency)?, voucher))
}

fn new_hold(input: &PlaceHold, facts: &Facts, price: Amount, amount: Amount) -> Hold {
    Hold {
        id: HoldId::generate(),
        voucher: input.voucher,
        provider: input.provider,
        facts: rules::facts_text(facts),
        price,
        amount,
        redeemed: Money::ZERO,
        state: HoldState::Held,
    }
}
