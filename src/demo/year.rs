//! The year, month by month.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{Days, NaiveDate};
use sqlx::PgConnection;

use super::applicants::{self, Order, Plan, SHANGHAI, YUHUAN};
use super::stage::{DemoError, People, Stage, first_day};
use super::{Progress, Size, Tell, YEAR, bank};
use crate::batch::Answered;
use crate::identity::Command;
use crate::journal;
use crate::party::{self, Party, PartyRole};
use crate::payment::{
    self, AccountFilter, Batch, Lock, PayableFilter, PayableState, PaymentError, STATEMENT_FIELDS,
    Selection, StatementReport, Vault,
};
use crate::programme::{self, Allocate, Appropriate, NewProgramme, ProgrammeKind};
use crate::tabular::{Format, Mapping, Table};
use crate::types::{Amount, Code, FiscalYear, HoldId, Money, PartyId, VoucherId};
use crate::voucher::{
    self, Cancel, Freeze, HoldAnswer, Issue, IssueAnswer, PlaceHold, Redeem, Release, Review,
};

/// The packs that the demonstration publishes, as they are in the repository.
const PACKS: [(&str, &str, &str, &str); 2] = [
    (
        SHANGHAI,
        "科技创新券(上海模式)",
        "Innovation vouchers, Shanghai style",
        include_str!("../../assets/policies/shanghai-2020.toml"),
    ),
    (
        YUHUAN,
        "科技创新券(玉环模式)",
        "Innovation vouchers, Yuhuan style",
        include_str!("../../assets/policies/yuhuan-2023.toml"),
    ),
];

/// Opening, twelve months, the turn of the year.
const STEPS: u64 = 14;

/// Plays the whole year, or what is missing of it.
pub(super) async fn play(stage: &mut Stage, size: Size, tell: Tell<'_>) -> Result<(), DemoError> {
    step(tell, 1, first_day(), "budget, rules and parties");
    open_budget(stage, size).await?;
    publish(stage).await?;
    import_parties(stage, size, tell).await?;
    let parties = all_parties(stage).await?;
    let providers: Vec<PartyId> = parties
        .iter()
        .filter(|party| party.roles.iter().any(|role| role == PartyRole::Provider))
        .map(|party| party.id)
        .collect();
    let mut plans = applicants::plans(&parties, size.seed);
    if providers.is_empty() {
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
        play_month(stage, month, due, &providers, tell).await?;
    }
    let new_year = day(YEAR, 12, 31) + Days::new(5);
    step(
        tell,
        STEPS,
        new_year,
        "expiry, last payments, closing of the year",
    );
    expire(stage, new_year, tell).await?;
    // What the bank rejected is sent again, until nothing is left.
    for attempt in 0..3 {
        pay(stage, new_year + Days::new(attempt * 2), tell).await?;
    }
    close(stage, new_year + Days::new(10), day(YEAR + 1, 4, 1)).await
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

fn amount(yuan: i64) -> Amount {
    Amount::new(Money::from_minor(yuan * 100)).expect("BUG: the budget is positive")
}

/// Enough for most of the year: towards its end the larger programme runs out, and applications wait.
async fn open_budget(stage: &Stage, size: Size) -> Result<(), DemoError> {
    let parties = i64::try_from(size.parties.max(1)).unwrap_or(i64::MAX / 1_000_000);
    let year = FiscalYear(YEAR);
    let allocations = [(SHANGHAI, 44_000 * parties), (YUHUAN, 12_000 * parties)];
    let input = Appropriate {
        amount: amount(60_000 * parties),
        document: "财预〔2023〕1号 budget of the zone"
            .parse()
            .expect("BUG: the constant is a reason"),
        year,
    };
    let caller = stage.caller(
        &stage.people.finance,
        first_day(),
        Some("demo appropriation".to_owned()),
    );
    stage
        .one(caller, input, |conn, command, input| {
            Box::pin(async move { programme::appropriate(conn, &command, input).await })
        })
        .await?;
    for (code, name_zh, name_en, _) in PACKS {
        let text = "BUG: the constant has its form";
        let new = NewProgramme {
            code: code.parse().expect(text),
            kind: ProgrammeKind::Voucher,
            name_en: name_en.parse().expect(text),
            name_zh: name_zh.parse().expect(text),
        };
        let caller = stage.caller(
            &stage.people.manager,
            first_day(),
            Some(format!("demo {code}")),
        );
        stage
            .one(caller, new, |conn, command, new| {
                Box::pin(async move { programme::create(conn, &command, new).await })
            })
            .await?;
    }
    for (code, yuan) in allocations {
        let programme: Code = code.parse().expect("BUG: the constant is a code");
        let input = Allocate {
            amount: amount(yuan),
            programme,
            year,
        };
        let key = Some(format!("demo allocation {code}"));
        let caller = stage.caller(&stage.people.finance, first_day(), key);
        stage
            .one(caller, input, |conn, command, input| {
                Box::pin(async move { programme::allocate(conn, &command, input).await })
            })
            .await?;
    }
    Ok(())
}

async fn publish(stage: &Stage) -> Result<(), DemoError> {
    for (code, _, _, pack) in PACKS {
        let programme: Code = code.parse().expect("BUG: the constant is a code");
        let key = Some(format!("demo proposal {code}"));
        let caller = stage.caller(&stage.people.rules, first_day(), key);
        stage
            .one(
                caller,
                (programme.clone(), pack),
                |conn, command, (programme, pack)| {
                    Box::pin(
                        async move { programme::propose(conn, &command, programme, pack).await },
                    )
                },
            )
            .await?;
        let key = Some(format!("demo publication {code}"));
        let caller = stage.caller(&stage.people.manager, first_day(), key);
        stage
            .one(
                caller,
                (programme, pack),
                |conn, command, (programme, pack)| {
                    Box::pin(
                        async move { programme::publish(conn, &command, programme, pack).await },
                    )
                },
            )
            .await?;
    }
    Ok(())
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
    let caller = stage.caller(&stage.people.manager, first_day(), None);
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

async fn play_month(
    stage: &Stage,
    month: u32,
    plans: Vec<Plan>,
    providers: &[PartyId],
    tell: Tell<'_>,
) -> Result<(), DemoError> {
    let applied_on = day(YEAR, month, 3) + Days::new(u64::from(month == 1) * 2);
    step(
        tell,
        u64::from(month) + 1,
        applied_on,
        "applications, orders, redemptions, payments",
    );
    expire(stage, applied_on, tell).await?;
    let vouchers = grant(stage, &plans, applied_on, tell).await?;
    let orders: Vec<(Plan, VoucherId)> = plans
        .into_iter()
        .zip(vouchers)
        .filter_map(|(plan, voucher)| voucher.map(|voucher| (plan, voucher)))
        .collect();
    let ordered_on = day(YEAR, month, 12);
    let holds = order(stage, &orders, providers, ordered_on, tell).await?;
    take_back(stage, &orders, ordered_on, tell).await?;
    settle(stage, &orders, &holds, day(YEAR, month, 20), tell).await?;
    pay(stage, day(YEAR, month, 25), tell).await?;
    stage
        .sign(
            stage
                .caller(&stage.people.system, day(YEAR, month, 27), None)
                .now,
        )
        .await
}

/// Applications, their review, and the vouchers of those that are recommended.
async fn grant(
    stage: &Stage,
    plans: &[Plan],
    on: NaiveDate,
    tell: Tell<'_>,
) -> Result<Vec<Option<VoucherId>>, DemoError> {
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

/// The office takes some vouchers back, and suspends one in a hundred for a week.
async fn take_back(
    stage: &Stage,
    orders: &[(Plan, VoucherId)],
    on: NaiveDate,
    tell: Tell<'_>,
) -> Result<(), DemoError> {
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
        let actor = &stage.people.reviewer;
        stage
            .many((actor, on, name), inputs, done, |conn, requests| {
                Box::pin(voucher::freeze(conn, requests))
            })
            .await?;
    }
    Ok(())
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

/// Finance approves, the cashier sends, the bank answers; the answer is imported as a file. A day that is
/// played again has been paid if the log goes on after it: what is owed now was redeemed later.
async fn pay(stage: &Stage, on: NaiveDate, tell: Tell<'_>) -> Result<(), DemoError> {
    let caller = stage.caller(&stage.people.finance, on, None);
    if stage.is_past(caller.now).await? {
        return Ok(());
    }
    let owed = PayableFilter::State(PayableState::Owed, 100_000);
    let approved = stage.one(caller, owed, |conn, command, filter| {
        Box::pin(async move { payment::approve(conn, &command, filter).await })
    });
    match approved.await {
        Ok(_) | Err(PaymentError::NothingToDo(_)) => {}
        Err(error) => return Err(error.into()),
    }
    enter_accounts(stage, on).await?;
    let caller = stage.caller(&stage.people.cashier, on, None);
    let second = stage.caller(&stage.people.cashier2, on, None);
    let report = stage.one(caller, second, |conn, command, second| {
        Box::pin(async move { send_and_hear(conn, &command, &second.command()).await })
    });
    match report.await {
        Ok(report) => {
            let lines = report.paid + report.rejected;
            tell(Progress::Commands(u64::try_from(lines).unwrap_or(0)));
            Ok(())
        }
        Err(PaymentError::NothingReady(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Finance enters the accounts of payees that have none yet, and the zone's own; another person of finance confirms them.
async fn enter_accounts(stage: &Stage, on: NaiveDate) -> Result<(), DemoError> {
    let zone = stage.zone.clone();
    let input = (zone.clone(), stage.keys.clone());
    let vault = stage
        .database
        .read(zone.id, input, |conn, (zone, keys)| {
            Box::pin(Vault::open(conn, zone, keys))
        })
        .await
        .map_err(PaymentError::from)?;
    let caller = stage.caller(&stage.people.finance, on, None);
    let second = stage.caller(&stage.people.finance2, on, None);
    let entered = stage.one(caller, (vault, second), |conn, command, (vault, second)| {
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

/// In one transaction here, so that a demonstration that is killed leaves no batch without an answer.
async fn send_and_hear(
    conn: &mut PgConnection,
    command: &Command<'_>,
    second: &Command<'_>,
) -> Result<StatementReport, PaymentError> {
    let selection = Selection {
        limit: 100_000,
        line_limit: None,
        cut_off: None,
    };
    let batch: Batch = payment::prepare(conn, command, &selection).await?;
    payment::release(conn, second, batch.id).await?;
    let currency = command.zone.currency;
    let booked_on = command.today() + Days::new(1);
    let file = bank::statement(&batch, booked_on, currency);
    let mapping = Mapping::default();
    let table = Table::read(file.as_bytes(), Format::Csv, &mapping.read_options());
    let table = table.expect("BUG: the demonstration's bank writes a table");
    let bound = mapping
        .bind(&table, STATEMENT_FIELDS)
        .expect("BUG: the demonstration's bank names its columns");
    let statement =
        payment::read_statement(file.as_bytes(), &bound, currency).map_err(PaymentError::Rows)?;
    let next_day = Command {
        now: command.now + chrono::TimeDelta::days(1),
        ..*command
    };
    payment::import_statement(conn, &next_day, &statement).await
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

/// Closes the year. What lapses on vouchers after that is lost to the programmes; it is recorded in the
/// same transaction, so that a closed year is a year that was played to its end.
async fn close(stage: &Stage, on: NaiveDate, lapsed_on: NaiveDate) -> Result<(), DemoError> {
    let caller = stage.caller(&stage.people.finance, on, None);
    let reason = "年度结账 closing of the year"
        .parse()
        .expect("BUG: the constant is a reason");
    let late = stage.caller(&stage.people.system, lapsed_on, None);
    let now = late.now;
    stage
        .one(caller, (reason, late), |conn, command, (reason, late)| {
            Box::pin(async move {
                let period = FiscalYear(YEAR).period();
                let (zone, actor) = (command.zone, command.actor.person);
                journal::close_period(conn, zone, command.now, actor, period, reason, None).await?;
                voucher::expire_due(conn, &late.command(), 100_000).await?;
                Ok::<_, DemoError>(())
            })
        })
        .await?;
    stage.sign(now).await
}
