//! The year, month by month.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate, TimeDelta};
use sqlx::PgConnection;

use super::applicants::{self, Order, Plan};
use super::bank::{self, Bank, Receipt};
use super::stage::{DemoError, People, Stage, first_day};
use super::{Progress, Size, Tell, YEAR};
use crate::batch::Answered;
use crate::identity::Command;
use crate::party::{self, Party, PartyRole};
use crate::payment::iso20022::{read_statements, read_status_report};
use crate::payment::{
    self, AccountFilter, Batch, Lock, PayableFilter, PayableState, PaymentError, Selection,
    StatementFile, StatusFile, Vault,
};
use crate::tabular::{Format, Mapping, Table};
use crate::types::{HoldId, Money, PartyId, VoucherId};
use crate::voucher::{
    self, Cancel, Freeze, HoldAnswer, Issue, IssueAnswer, PlaceHold, Redeem, Release, Review,
};

/// Opening, twelve months, the turn of the year.
const STEPS: u64 = 14;

/// How a year goes on: what is played, and what the bank keeps.
struct Year<'a, B> {
    stage: &'a Stage,
    bank: Bank,
    providers: Vec<PartyId>,
    between: B,
}

/// Plays the whole year, or what is missing of it.
pub(super) async fn play<B>(
    stage: &Stage,
    size: Size,
    tell: Tell<'_>,
    between: B,
) -> Result<(), DemoError>
where
    B: AsyncFnMut(&Stage, &mut Bank, NaiveDate) -> Result<(), DemoError>,
{
    let mut year = Year {
        stage,
        bank: Bank::default(),
        providers: Vec::new(),
        between,
    };
    step(tell, 1, first_day(), "budget, rules and parties");
    year.until(first_day() + Days::new(1)).await?;
    import_parties(stage, size, tell).await?;
    let parties = all_parties(stage).await?;
    year.providers = parties
        .iter()
        .filter(|party| party.roles.iter().any(|role| role == PartyRole::Provider))
        .map(|party| party.id)
        .collect();
    let mut plans = applicants::plans(&parties, size.seed);
    if year.providers.is_empty() {
        // One party alone is no provider: vouchers are issued, and lapse.
        for plan in &mut plans {
            plan.order = Order::Never;
        }
    }
    for month in 1..=12 {
        let due = plans
            .iter()
            .filter(|plan| plan.month == month)
            .cloned()
            .collect();
        year.month(month, due, tell).await?;
    }
    let new_year = day(YEAR, 12, 31) + Days::new(5);
    step(
        tell,
        STEPS,
        new_year,
        "expiry, last payments, closing of the year",
    );
    year.until(new_year).await?;
    expire(stage, new_year, tell).await?;
    // What the bank rejected is sent again, until nothing is left.
    for attempt in 0..3 {
        let on = new_year + Days::new(attempt * 2);
        year.until(on).await?;
        year.pay(on, tell).await?;
    }
    year.until(NaiveDate::MAX).await
}

impl<B> Year<'_, B>
where
    B: AsyncFnMut(&Stage, &mut Bank, NaiveDate) -> Result<(), DemoError>,
{
    /// Plays what else happens before a day.
    async fn until(&mut self, day: NaiveDate) -> Result<(), DemoError> {
        (self.between)(self.stage, &mut self.bank, day).await
    }

    async fn month(
        &mut self,
        month: u32,
        plans: Vec<Plan>,
        tell: Tell<'_>,
    ) -> Result<(), DemoError> {
        let stage = self.stage;
        let applied_on = day(YEAR, month, 3) + Days::new(u64::from(month == 1) * 2);
        let what = "applications, orders, redemptions, payments";
        step(tell, u64::from(month) + 1, applied_on, what);
        self.until(applied_on).await?;
        expire(stage, applied_on, tell).await?;
        let vouchers = self.grant(&plans, applied_on, tell).await?;
        let orders: Vec<(Plan, VoucherId)> = plans
            .into_iter()
            .zip(vouchers)
            .filter_map(|(plan, voucher)| voucher.map(|voucher| (plan, voucher)))
            .collect();
        let ordered_on = day(YEAR, month, 12);
        self.until(ordered_on).await?;
        let holds = order(stage, &orders, &self.providers, ordered_on, tell).await?;
        self.take_back(&orders, ordered_on, tell).await?;
        let settled_on = day(YEAR, month, 20);
        self.until(settled_on).await?;
        settle(stage, &orders, &holds, settled_on, tell).await?;
        let paid_on = day(YEAR, month, 25);
        self.until(paid_on).await?;
        self.pay(paid_on, tell).await?;
        let signed = stage.morning(day(YEAR, month, 27));
        self.until(day(YEAR, month, 27)).await?;
        stage.sign(signed).await
    }

    /// Applications, their review, and the vouchers of those that are recommended.
    async fn grant(
        &mut self,
        plans: &[Plan],
        on: NaiveDate,
        tell: Tell<'_>,
    ) -> Result<Vec<Option<VoucherId>>, DemoError> {
        let stage = self.stage;
        let People {
            clerk,
            reviewer,
            manager,
            ..
        } = &stage.people;
        let done = &mut |count| tell(Progress::Commands(count));
        let currency = stage.zone.currency;
        let inputs = plans
            .iter()
            .map(|plan| applicants::application(plan, on, currency))
            .collect();
        let applied = stage
            .many((clerk, on, "apply"), inputs, done, |conn, requests| {
                Box::pin(voucher::apply(conn, requests))
            })
            .await?;
        let on = on + Days::new(2);
        self.until(on).await?;
        let ids: Vec<VoucherId> = applied
            .iter()
            .map(|applied| applied.answer.application)
            .collect();
        let inputs = ids.iter().map(|id| Review { application: *id }).collect();
        stage
            .many((reviewer, on, "review"), inputs, done, |conn, requests| {
                Box::pin(voucher::review(conn, requests))
            })
            .await?;
        let on = on + Days::new(2);
        self.until(on).await?;
        let inputs = ids.iter().map(|id| Issue { application: *id }).collect();
        let issued = stage
            .many((manager, on, "issue"), inputs, done, |conn, requests| {
                Box::pin(voucher::issue(conn, requests))
            })
            .await?;
        Ok(issued
            .into_iter()
            .map(|Answered { answer, .. }| match answer {
                IssueAnswer::Issued { voucher, .. } => Some(voucher),
                IssueAnswer::Rejected { .. } | IssueAnswer::Refused(_) => None,
            })
            .collect())
    }

    /// The office takes some vouchers back, and suspends one in a hundred for a week.
    async fn take_back(
        &mut self,
        orders: &[(Plan, VoucherId)],
        on: NaiveDate,
        tell: Tell<'_>,
    ) -> Result<(), DemoError> {
        let stage = self.stage;
        let reason = |text: &str| text.parse().expect("BUG: the constant is a reason");
        let done = &mut |count| tell(Progress::Commands(count));
        let cancels = orders
            .iter()
            .filter(|(plan, _)| plan.order == Order::Cancelled)
            .map(|(_, voucher)| Cancel {
                reason: reason("企业注销 firm dissolved"),
                voucher: *voucher,
            })
            .collect();
        let actor = &stage.people.manager;
        stage
            .many((actor, on, "cancel"), cancels, done, |conn, requests| {
                Box::pin(voucher::cancel(conn, requests))
            })
            .await?;
        for (frozen, days, why) in [
            (true, 1, "材料待核实 evidence in doubt"),
            (false, 7, "已核实 evidence confirmed"),
        ] {
            let inputs = orders
                .iter()
                .step_by(100)
                .map(|(_, voucher)| Freeze {
                    frozen,
                    reason: reason(why),
                    voucher: *voucher,
                })
                .collect();
            let name = if frozen { "freeze" } else { "thaw" };
            let on = on + Days::new(days);
            self.until(on).await?;
            let actor = &stage.people.reviewer;
            stage
                .many((actor, on, name), inputs, done, |conn, requests| {
                    Box::pin(voucher::freeze(conn, requests))
                })
                .await?;
        }
        Ok(())
    }

    /// Finance approves, the cashier sends, the bank answers in files, which are imported. A day whose statement is in
    /// the log is paid already.
    async fn pay(&mut self, on: NaiveDate, tell: Tell<'_>) -> Result<(), DemoError> {
        let stage = self.stage;
        let told_on = on + Days::new(1);
        let known = stage.recorded_at(stage.morning(told_on)).await?;
        if known.is_some() {
            self.bank.told(known);
            return Ok(());
        }
        let caller = stage.caller(&stage.people.finance, on, None);
        let owed = PayableFilter::State(PayableState::Owed, 100_000);
        let approved = stage.one(caller, owed, |conn, command, filter| {
            Box::pin(async move { payment::approve(conn, &command, filter).await })
        });
        match approved.await {
            Ok(_) | Err(PaymentError::NothingToDo(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let vault = vault(stage).await?;
        enter_accounts(stage, &vault, on).await?;
        let callers = [
            stage.caller(&stage.people.cashier2, on, None),
            stage.caller(&stage.people.cashier, told_on, None),
        ];
        let first = stage.caller(&stage.people.cashier, on, None);
        let input = (callers, vault, self.bank.receipts());
        let lines = stage.one(first, input, |conn, command, (callers, vault, receipts)| {
            let [second, told] = callers;
            Box::pin(async move {
                let batch = send(conn, &command, &second.command()).await?;
                hear(conn, &told.command(), vault, (batch, receipts)).await
            })
        });
        let lines = lines.await?;
        self.bank
            .told(stage.recorded_at(stage.morning(told_on)).await?);
        tell(Progress::Commands(u64::try_from(lines).unwrap_or(0)));
        Ok(())
    }
}

fn day(year: i16, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(i32::from(year), month, day).unwrap_or_default()
}

fn step(tell: Tell<'_>, number: u64, day: NaiveDate, what: &str) {
    tell(Progress::Step {
        number,
        of: STEPS,
        day,
        what: what.to_owned(),
    });
}

/// Generates a file of parties and imports it, the way an office would.
async fn import_parties(stage: &Stage, size: Size, tell: Tell<'_>) -> Result<(), DemoError> {
    let mut file = Vec::new();
    let file_error = |error: &dyn std::fmt::Display| DemoError::File(error.to_string());
    party::write_csv(&applicants::parties(size), &mut file).map_err(|error| file_error(&error))?;
    let mapping = Mapping::default();
    let table =
        Table::read(&file, Format::Csv, &mapping.read_options()).map_err(|e| file_error(&e))?;
    let rows = party::read(&table, &mapping)?;
    let total = u64::try_from(rows.len()).unwrap_or(0);
    let day = first_day() + Days::new(1);
    let caller = stage.caller(&stage.people.manager, day, None);
    stage
        .one(caller, rows, |conn, command, rows| {
            Box::pin(async move {
                let plan = party::plan(conn, &command, rows).await?;
                party::apply(conn, &command, plan, &|_| {}).await
            })
        })
        .await?;
    tell(Progress::Commands(total));
    Ok(())
}

async fn all_parties(stage: &Stage) -> Result<Vec<Party>, DemoError> {
    Ok(stage
        .database
        .read(stage.zone.id, stage.zone.id, |conn, zone| {
            Box::pin(party::store::all(conn, *zone))
        })
        .await?)
}

/// Orders, for those who place one: the hold of each voucher.
async fn order(
    stage: &Stage,
    orders: &[(Plan, VoucherId)],
    providers: &[PartyId],
    on: NaiveDate,
    tell: Tell<'_>,
) -> Result<HashMap<VoucherId, HoldId>, DemoError> {
    let currency = stage.zone.currency;
    let placed = orders
        .iter()
        .enumerate()
        .filter(|(_, (plan, _))| !matches!(plan.order, Order::Never | Order::Cancelled));
    let inputs: Vec<PlaceHold> = placed
        .filter_map(|(place, (plan, voucher))| {
            let provider = *providers.get(place % providers.len().max(1))?;
            Some(PlaceHold {
                facts: applicants::order_facts(plan, on, currency),
                price: Money::from_minor(plan.price).to_text(currency),
                provider,
                voucher: *voucher,
            })
        })
        .collect();
    let vouchers: Vec<VoucherId> = inputs.iter().map(|input| input.voucher).collect();
    let done = &mut |count| tell(Progress::Commands(count));
    let answers = stage
        .many(
            (&stage.people.clerk, on, "hold"),
            inputs,
            done,
            |conn, requests| Box::pin(voucher::hold(conn, requests)),
        )
        .await?;
    Ok(vouchers
        .into_iter()
        .zip(answers)
        .filter_map(|(voucher, answered)| match answered.answer {
            HoldAnswer::Held { hold, .. } => Some((voucher, hold)),
            HoldAnswer::Refused(_) => None,
        })
        .collect())
}

/// Delivered services are redeemed, given-up orders released.
async fn settle(
    stage: &Stage,
    orders: &[(Plan, VoucherId)],
    holds: &HashMap<VoucherId, HoldId>,
    on: NaiveDate,
    tell: Tell<'_>,
) -> Result<(), DemoError> {
    let (mut redemptions, mut releases) = (Vec::new(), Vec::new());
    for (plan, voucher) in orders {
        let Some(hold) = holds.get(voucher).copied() else {
            continue;
        };
        if let Order::Delivered(percent) = plan.order {
            let price = Money::from_minor(plan.price * percent / 100).to_text(stage.zone.currency);
            redemptions.push(Redeem {
                evidence: Vec::new(),
                hold,
                price,
            });
        } else {
            let reason = "订单取消 order cancelled"
                .parse()
                .expect("BUG: the constant is a reason");
            releases.push(Release { hold, reason });
        }
    }
    let clerk = &stage.people.clerk;
    let done = &mut |count| tell(Progress::Commands(count));
    stage
        .many(
            (clerk, on, "redeem"),
            redemptions,
            done,
            |conn, requests| Box::pin(voucher::redeem(conn, requests)),
        )
        .await?;
    stage
        .many((clerk, on, "release"), releases, done, |conn, requests| {
            Box::pin(voucher::release(conn, requests))
        })
        .await?;
    Ok(())
}

/// What opens the sealed account numbers.
async fn vault(stage: &Stage) -> Result<Vault, DemoError> {
    let zone = stage.zone.clone();
    let input = (zone.clone(), stage.keys.clone());
    let vault = stage.database.read(zone.id, input, |conn, (zone, keys)| {
        Box::pin(Vault::open(conn, zone, keys))
    });
    Ok(vault.await.map_err(PaymentError::from)?)
}

/// Finance enters the accounts of payees that have none yet, and the zone's own; another person of finance confirms them.
async fn enter_accounts(stage: &Stage, vault: &Vault, on: NaiveDate) -> Result<(), DemoError> {
    let caller = stage.caller(&stage.people.finance, on, None);
    let second = stage.caller(&stage.people.finance2, on, None);
    let input = (vault.clone(), second);
    let entered = stage.one(caller, input, |conn, command, (vault, second)| {
        Box::pin(async move {
            let zone = command.zone;
            let ready = PayableFilter::State(PayableState::Approved, 100_000);
            let ready = payment::payables(conn, zone.id, zone.currency, &ready, Lock::No).await?;
            let known = payment::accounts(conn, zone.id, None).await?;
            let has_own = known.iter().any(|row| row.party.is_none());
            let known: HashSet<PartyId> = known.into_iter().filter_map(|row| row.party).collect();
            let payees: BTreeSet<PartyId> = ready.iter().map(|payable| payable.payee).collect();
            let mut new = Vec::new();
            if !has_own {
                new.push(bank::own_account());
            }
            for payee in payees.difference(&known.into_iter().collect()) {
                if let Some(party) = party::store::party(conn, zone.id, *payee).await? {
                    new.push(bank::account(*payee, party.name));
                }
            }
            if !new.is_empty() {
                payment::propose_accounts(conn, &command, vault, &new).await?;
                payment::confirm_accounts(conn, &second.command(), &AccountFilter::Proposed)
                    .await?;
            }
            Ok::<_, PaymentError>(())
        })
    });
    Ok(entered.await?)
}

/// One cashier prepares a batch of what is ready, another releases it.
async fn send(
    conn: &mut PgConnection,
    command: &Command<'_>,
    second: &Command<'_>,
) -> Result<Option<Batch>, PaymentError> {
    let selection = Selection {
        limit: 100_000,
        line_limit: None,
        cut_off: None,
    };
    let batch = match payment::prepare(conn, command, &selection).await {
        Ok(batch) => batch,
        Err(PaymentError::NothingReady(_)) => return Ok(None),
        Err(error) => return Err(error),
    };
    payment::release(conn, second, batch.id).await?;
    Ok(Some(batch))
}

/// The bank's answer: what it rejects of a batch, and a statement of what it booked. In the transaction that sent the
/// batch, so that a demonstration that is killed leaves none without an answer. Says how many lines there were.
async fn hear(
    conn: &mut PgConnection,
    command: &Command<'_>,
    vault: &Vault,
    (batch, receipts): (Option<Batch>, &[Receipt]),
) -> Result<usize, PaymentError> {
    let zone = command.zone;
    let currency = zone.currency;
    let report = batch
        .as_ref()
        .and_then(|batch| bank::status_report(batch, command.now, currency));
    if let Some(file) = report {
        let file = file.as_bytes();
        let report = StatusFile::new(file, read_status_report(file, currency)?);
        let before = Command {
            now: command.now - TimeDelta::hours(1),
            ..*command
        };
        payment::import_status(conn, &before, &report).await?;
    }
    let opening = match payment::reconcile(conn, zone).await {
        Ok(last) => last.closing,
        Err(PaymentError::NothingToDo(_)) => Money::ZERO,
        Err(error) => return Err(error),
    };
    let lines = batch.as_ref().map_or(&[][..], |batch| &batch.lines);
    let file = bank::statement((lines, receipts), opening, command.today(), currency);
    let file = file.as_bytes();
    let statement = StatementFile::new(file, read_statements(file, currency)?);
    payment::import_statements(conn, command, vault, &statement).await?;
    Ok(lines.len())
}

/// Lapses what is free on vouchers whose last day has passed.
async fn expire(stage: &Stage, on: NaiveDate, tell: Tell<'_>) -> Result<(), DemoError> {
    loop {
        let caller = stage.caller(&stage.people.system, on, None);
        let lapsed = stage
            .one(caller, (), |conn, command, ()| {
                Box::pin(async move { voucher::expire_due(conn, &command, 500).await })
            })
            .await?;
        tell(Progress::Commands(u64::try_from(lapsed).unwrap_or(0)));
        if lapsed == 0 {
            return Ok(());
        }
    }
}
