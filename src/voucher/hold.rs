//! An order reserves a part of a voucher.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::model::{Hold, HoldState, Voucher, VoucherRefusal};
use super::rules;
use super::{postings, store};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::caps::{Asked, Usages};
use crate::exclusion::{self, Excluded};
use crate::fact;
use crate::fact::InLedger;
use crate::identity::{Command, Role};
use crate::journal::{Transfer, TransferError};
use crate::party::{self, PartyRole};
use crate::policy::store::Policies;
use crate::policy::{Decision, Facts, Moment};
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
) -> Result<Answers<HoldAnswer>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(reserve(conn, round))
    })
    .await
}

async fn reserve(
    conn: &mut PgConnection,
    round: &Round<'_, PlaceHold>,
) -> Result<Answers<HoldAnswer>, BatchError> {
    let (zone, new) = (round.zone, &round.requests);
    let ids: Vec<VoucherId> = new.iter().map(|(_, input)| input.voucher).collect();
    let vouchers = store::lock_vouchers(conn, zone, &ids).await?;
    let policies = Policies::of(
        conn,
        zone.id,
        vouchers.values().map(|voucher| voucher.policy),
    )
    .await?;
    let asked: Vec<PartyId> = new.iter().map(|(_, input)| input.provider).collect();
    let providers: HashSet<PartyId> = party::store::parties(conn, zone.id, &asked)
        .await?
        .into_iter()
        .filter(|party| party.roles.iter().any(|role| role == PartyRole::Provider))
        .map(|party| party.id)
        .collect();
    let granted_on = rules::facts_of_grants(conn, zone.id, &vouchers).await?;
    batch::lock_head(conn, round).await?;
    let services = new
        .iter()
        .filter_map(|(_, input)| Some((vouchers.get(&input.voucher)?, input.provider)));
    let mut desk = Desk {
        usages: rules::usages_of_services(conn, zone, round.today, &policies, services).await?,
        granted_on,
        ledger: ledger_of(conn, round, &vouchers, &policies).await?,
        excluded: {
            let holders = vouchers.values().map(|voucher| voucher.holder);
            let both: Vec<PartyId> = holders.chain(asked).collect();
            exclusion::excluded_on(conn, zone.id, round.today, &both).await?
        },
        vouchers,
        policies,
        kept: Vec::new(),
    };

    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        decided.push(if providers.contains(&input.provider) {
            desk.decide(command, input)?
        } else {
            Err(Rejected::Unknown {
                what: "provider",
                id: input.provider.to_string(),
            })
        });
    }
    fact::store::keep_snapshots(conn, zone.id, &desk.kept.iter().collect::<Vec<_>>()).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let holds: Vec<store::NewHold> = effects
        .into_iter()
        .filter_map(|(effect, index)| effect.map(|(hold, by)| store::NewHold { hold, by, index }))
        .collect();
    let touched: HashSet<VoucherId> = holds.iter().map(|new| new.hold.voucher).collect();
    desk.vouchers.retain(|id, _| touched.contains(id));
    store::insert_holds(conn, zone.id, &holds).await?;
    let touched: Vec<&Voucher> = desk.vouchers.values().collect();
    store::update_vouchers(conn, zone.id, &touched, &[]).await?;
    Ok(answers)
}

/// What is stated of holders.
async fn ledger_of(
    conn: &mut PgConnection,
    round: &Round<'_, PlaceHold>,
    vouchers: &HashMap<VoucherId, Voucher>,
    policies: &Policies,
) -> Result<InLedger, BatchError> {
    let holders = vouchers.values();
    let holders = holders
        .map(|voucher| Ok((policies.get(voucher.policy)?, voucher.holder)))
        .collect::<Result<Vec<_>, BatchError>>()?;
    let asked = holders.iter().map(|(policy, holder)| (&**policy, *holder));
    Ok(InLedger::read(conn, round.zone, round.today, Moment::Redemption, asked).await?)
}

/// A new hold, and who placed it.
type Effect = Option<(Hold, PersonId)>;

/// Everything that decisions of one batch read. Vouchers are as earlier orders of it have left them.
struct Desk {
    vouchers: HashMap<VoucherId, Voucher>,
    granted_on: HashMap<VoucherId, Facts>,
    policies: Policies,
    usages: Usages,
    ledger: InLedger,
    excluded: Excluded,
    /// Facts that orders were refused on, which no hold keeps.
    kept: Vec<Facts>,
}

impl Desk {
    fn decide(
        &mut self,
        command: &Command<'_>,
        input: &PlaceHold,
    ) -> Result<Decided<PlaceHold, HoldAnswer, Effect>, BatchError> {
        let (price, voucher) = match check(command, input, &mut self.vouchers) {
            Ok(checked) => checked,
            Err(rejected) => return Ok(Err(rejected)),
        };
        let today = command.today();
        let policy = self.policies.get(voucher.policy)?;
        let no_facts =
            || BatchError::Unreadable(voucher.issued_index, "its facts are missing".into());
        let granted_on = self.granted_on.get(&voucher.id).ok_or_else(no_facts)?;
        if let Some(rejected) = rules::restated(&policy, granted_on, &input.facts) {
            return Ok(Err(rejected));
        }
        let mut facts = rules::order_facts(granted_on, input, voucher, price, today);
        let of_ledger = self
            .ledger
            .extend(&policy, Moment::Redemption, voucher.holder, &mut facts);
        let usage = self
            .usages
            .of(Asked::redemption(&policy, voucher.holder, input.provider));
        let decision = rules::redemption(&policy, &facts, voucher.parts.free, usage, today);
        let currency = voucher.line.currency;
        let text = |money: Money| money.to_text(currency);
        let (kind, answer, transfers, effect) =
            match place((voucher, &self.excluded), input.provider, &decision, today) {
                Err(refused) => {
                    self.kept.extend(of_ledger.then_some(facts));
                    let answer = HoldAnswer::Refused(refused);
                    ("hold.refused", answer, Vec::new(), None)
                }
                Ok((amount, transfer)) => {
                    let hold = new_hold(input, &facts, price, amount);
                    let own_share = text(price.money().saturating_sub(amount.money()));
                    let answer = HoldAnswer::Held {
                        amount: text(amount.money()),
                        hold: hold.id,
                        own_share,
                    };
                    let effect = Some((hold, command.actor.person));
                    ("voucher.held", answer, vec![transfer?], effect)
                }
            };
        let step = Step::new(kind, input.voucher, input, answer)
            .decided(decision)
            .moving(transfers);
        Ok(Ok((step, effect)))
    }
}

/// How much is reserved for an order, and what that moves; the voucher has it held then.
fn place(
    (voucher, excluded): (&mut Voucher, &Excluded),
    provider: PartyId,
    decision: &Decision,
    today: NaiveDate,
) -> Result<(Amount, Result<Transfer, TransferError>), Refused> {
    if let Some(excluded) = rules::excluded(excluded, voucher.holder) {
        return Err(excluded);
    }
    if let Some(excluded) = rules::provider_excluded(excluded, provider) {
        return Err(excluded);
    }
    if provider == voucher.holder {
        return Err(VoucherRefusal::OwnProvider.into());
    }
    if today > voucher.last_day {
        return Err(VoucherRefusal::Expired.into());
    }
    let amount = rules::granted(decision, voucher.parts.free);
    let amount = amount.ok_or_else(|| rules::refused(decision))?;
    let transfer = postings::hold(voucher, amount);
    voucher.hold(amount, today)?;
    Ok((amount, transfer))
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
    rules::possible(&input.facts, command.today())?;
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
