//! Fills the zone with cases: bank accounts, claims at every step, payments in transit, leases with their bills.

use std::collections::HashMap;

use sqlx::{PgConnection, Row};
use subsidy_ledger::claim::{
    self, Approve, ApproveAnswer, Content, Document, Draft, DraftAnswer, Line, Review,
    ReviewAnswer, Submit, SubmitAnswer, Verdict,
};
use subsidy_ledger::db;
use subsidy_ledger::payment::{
    self, AccountFilter, BankAccount, NewAccount, PayableFilter, PayableState, PaymentError,
    Release, Selection,
};
use subsidy_ledger::policy::{Fact, Facts, Sha256};
use subsidy_ledger::rent::{self, AddLease, BillRent, Charges, LeaseAnswer, Month, RentAnswer};
use subsidy_ledger::types::{AccountId, ClaimId, Currency, LeaseId, LogIndex, PartyId, PayableId};

use crate::fill::{BATCH, CLAIMS, Size, Stage, count, firms, ids, of_role, rows};
use crate::office::Office;

/// The zone's own bank account.
pub(crate) const OWN: &str = "31050161360000001234";
/// Payments in a batch.
const BATCH_OF_PAYMENTS: usize = 10_000;
/// Payables that are approved and in no batch.
const WAITING: usize = 5_000;
/// The months that every lease is billed for.
pub(crate) const BILLED: [&str; 3] = ["2020-03", "2020-04", "2020-05"];
const LEASES_OF_CARRIER: usize = 100;

pub(crate) async fn fill(office: &Office, look: &mut PgConnection, size: Size) {
    accounts(office, look, size).await;
    claims(office, look, size).await;
    payments(office, look, size).await;
    leases(office, look, size).await;
    bills(office, look).await;
}

/// The account number of the payee of this number.
pub(crate) fn account_number(payee: usize) -> String {
    format!("622202100111{payee:06}")
}

pub(crate) fn account(number: &str) -> BankAccount {
    BankAccount {
        holder: "云川智达光电科技有限公司".parse().unwrap(),
        number: number.parse().unwrap(),
        bank: "102290000012".parse().unwrap(),
        bank_name: None,
    }
}

/// Proposes accounts, and has a second person confirm them.
async fn enter(office: &Office, new: Vec<NewAccount>) {
    let input = (office.vault().await, new);
    let proposed = office
        .one(
            office.by("finance"),
            input,
            |conn, command, (vault, new)| {
                Box::pin(async move {
                    db::plan_each_time(conn).await?;
                    payment::propose_accounts(conn, &command, vault, new).await
                })
            },
        )
        .await
        .unwrap();
    let proposed: Vec<AccountId> = proposed.iter().map(|one| one.account).collect();
    let confirmed = office.one(
        office.by("finance2"),
        AccountFilter::Ids(proposed),
        |conn, command, filter| {
            Box::pin(async move {
                db::plan_each_time(conn).await?;
                payment::confirm_accounts(conn, &command, filter).await
            })
        },
    );
    confirmed.await.unwrap();
}

async fn accounts(office: &Office, look: &mut PgConnection, size: Size) {
    let known = count(look, "bank_account").await;
    let stage = Stage::new("accounts", known, size.payees + 1);
    if known == 0 {
        let own = NewAccount {
            party: None,
            account: account(OWN),
        };
        enter(office, vec![own]).await;
    }
    let payees = firms(look, size.payees).await;
    let numbered: Vec<(usize, PartyId)> = payees.into_iter().enumerate().collect();
    let known = known.saturating_sub(1);
    for chunk in numbered.get(known..).unwrap_or_default().chunks(BATCH) {
        let new = chunk.iter().map(|(number, party)| NewAccount {
            party: Some(*party),
            account: account(&account_number(*number)),
        });
        enter(office, new.collect()).await;
        stage.at(chunk.last().map_or(0, |(number, _)| number + 2));
    }
    stage.done();
}

/// A claim for an invoice: half of its price is given, so that no two claims are over the same amount.
pub(crate) fn draft(number: usize, party: PartyId) -> Draft {
    let price = 2 * (10_000 + number);
    Draft {
        content: Content {
            documents: vec![Document {
                number: Some(1),
                sha256: Sha256::of(format!("invoice {number}").as_bytes()),
            }],
            facts: Facts::new(Currency::Cny),
            lines: vec![Line {
                fact: Fact::ServicePrice,
                reference: format!("invoice-{number}").parse().unwrap(),
                value: format!("{}.{:02}", price / 100, price % 100),
            }],
            milestone: None,
        },
        party,
        programme: CLAIMS.parse().unwrap(),
        relief: None,
    }
}

/// How far the claim of this number goes: of a hundred six stay drafts, six submitted, six recommended, the others are
/// owed.
fn steps(number: usize) -> usize {
    match number % 100 {
        0..6 => 0,
        6..12 => 1,
        12..18 => 2,
        _ => 3,
    }
}

async fn claims(office: &Office, look: &mut PgConnection, size: Size) {
    let known = count(look, "claim").await;
    let stage = Stage::new("claims", known, size.claims);
    let payees = firms(look, size.payees).await;
    for first in (known..size.claims).step_by(BATCH) {
        let numbers: Vec<usize> = (first..(first + BATCH).min(size.claims)).collect();
        let drafts = numbers.iter().map(|number| {
            let payee = payees.get(number % payees.len()).unwrap();
            draft(*number, *payee)
        });
        claim_all(office, &numbers, drafts.collect()).await;
        stage.at(numbers.last().unwrap() + 1);
    }
    stage.done();
}

/// Takes claims as far as their numbers say, all of them in one transaction: one that is stopped leaves none.
async fn claim_all(office: &Office, numbers: &[usize], drafts: Vec<Draft>) {
    let callers = ["clerk", "reviewer", "manager"].map(|login| office.by(login));
    let input = (callers, numbers.to_vec(), drafts);
    let done = office
        .database
        .write(office.zone.id, input, |conn, (callers, numbers, drafts)| {
            Box::pin(async move {
                let [clerk, reviewer, manager] = callers.each_ref().map(|one| one.command());
                db::plan_each_time(conn).await?;
                let requests: Vec<_> = drafts.iter().map(|draft| (clerk, draft.clone())).collect();
                let drafted = claim::draft(conn, &requests).await?;
                let drafted = drafted
                    .into_iter()
                    .map(|one| drafted_claim(&one.unwrap().answer));
                let numbered: Vec<(usize, ClaimId)> =
                    numbers.iter().copied().zip(drafted).collect();
                let up_to = |least: usize| {
                    let claims = numbered
                        .iter()
                        .filter(move |(number, _)| steps(*number) >= least);
                    claims.map(|(_, claim)| *claim)
                };
                let submits: Vec<_> = up_to(1).map(|claim| (clerk, Submit { claim })).collect();
                for answer in claim::submit(conn, &submits).await? {
                    let answer = answer.unwrap().answer;
                    assert!(
                        matches!(answer, SubmitAnswer::Submitted { .. }),
                        "{answer:?}"
                    );
                }
                let reviews: Vec<_> = up_to(2).map(|claim| (reviewer, recommend(claim))).collect();
                let mut seen = HashMap::new();
                for (answer, (_, input)) in claim::review(conn, &reviews)
                    .await?
                    .into_iter()
                    .zip(&reviews)
                {
                    let answer = answer.unwrap();
                    assert!(
                        matches!(answer.answer, ReviewAnswer::Recommended { .. }),
                        "{answer:?}"
                    );
                    seen.insert(input.claim, answer.index);
                }
                let approvals: Vec<_> = up_to(3)
                    .map(|claim| {
                        let review = *seen.get(&claim).unwrap();
                        (manager, Approve { claim, review })
                    })
                    .collect();
                for answer in claim::approve(conn, &approvals).await? {
                    let answer = answer.unwrap().answer;
                    assert!(
                        matches!(answer, ApproveAnswer::Approved { .. }),
                        "{answer:?}"
                    );
                }
                Ok::<_, subsidy_ledger::batch::BatchError>(())
            })
        });
    done.await.unwrap();
}

pub(crate) fn recommend(claim: ClaimId) -> Review {
    Review {
        claim,
        facts: None,
        reason: None,
        verdict: Verdict::Recommend,
        version: 1,
    }
}

#[expect(clippy::panic, reason = "a benchmark fails where it stands")]
pub(crate) fn drafted_claim(answer: &DraftAnswer) -> ClaimId {
    match answer {
        DraftAnswer::Drafted(drafted) => drafted.claim,
        DraftAnswer::Refused(refused) => panic!("{refused:?}"),
    }
}

/// Finance approves, one cashier prepares and another one releases, ten thousand at a time.
async fn payments(office: &Office, look: &mut PgConnection, size: Size) {
    let known = count(look, "payment_line").await;
    let stage = Stage::new("payments", known, size.sent);
    for first in (known..size.sent).step_by(BATCH_OF_PAYMENTS) {
        let lines = BATCH_OF_PAYMENTS.min(size.sent - first);
        send(office, i64::try_from(lines).unwrap()).await;
        stage.at(first + lines);
    }
    stage.done();
    let waiting = count(look, "payable WHERE state = 'approved'").await;
    if waiting == 0 {
        let waiting = i64::try_from(WAITING.min(size.sent / 4)).unwrap();
        let approved = office
            .one(office.by("finance"), waiting, |conn, command, limit| {
                Box::pin(async move {
                    db::plan_each_time(conn).await?;
                    let filter = PayableFilter::State(PayableState::Owed, *limit);
                    payment::approve(conn, &command, &filter).await
                })
            })
            .await;
        approved.unwrap();
    }
}

async fn send(office: &Office, lines: i64) {
    let callers = ["finance", "cashier", "cashier2"].map(|login| office.by(login));
    let input = (callers, lines);
    let sent = office
        .database
        .write(office.zone.id, input, |conn, (callers, lines)| {
            Box::pin(async move {
                let [finance, cashier, second] = callers.each_ref().map(|one| one.command());
                db::plan_each_time(conn).await?;
                let filter = PayableFilter::State(PayableState::Owed, *lines);
                payment::approve(conn, &finance, &filter).await?;
                let selection = Selection {
                    limit: *lines,
                    line_limit: None,
                    cut_off: None,
                };
                let batch = payment::prepare(conn, &cashier, &selection).await?;
                let released = payment::release(conn, &second, batch.id).await?;
                assert!(matches!(released, Release::Released(_)), "{released:?}");
                Ok::<_, PaymentError>(())
            })
        });
    sent.await.unwrap();
}

pub(crate) fn lease(number: usize, carrier: PartyId, tenant: PartyId) -> AddLease {
    AddLease {
        area: "120.00".parse().unwrap(),
        carrier,
        charges: Charges {
            other: "0.00".to_owned(),
            parking: "0.00".to_owned(),
            property_fee: "300.00".to_owned(),
            utilities: "0.00".to_owned(),
        },
        first_day: "2019-01-01".parse().unwrap(),
        last_day: "2022-12-31".parse().unwrap(),
        monthly_rent: "6000.00".to_owned(),
        premises: format!("UNIT-{number}").parse().unwrap(),
        sublet: false,
        tenant,
    }
}

async fn leases(office: &Office, look: &mut PgConnection, size: Size) {
    let known = count(look, "lease").await;
    let stage = Stage::new("leases", known, size.leases);
    let carriers = of_role(look, "carrier", size.leases.div_ceil(LEASES_OF_CARRIER)).await;
    let tenants = firms(look, size.firms).await;
    for first in (known..size.leases).step_by(BATCH) {
        let last = (first + BATCH).min(size.leases);
        let new = (first..last).map(|number| {
            let carrier = carriers
                .get(number / LEASES_OF_CARRIER % carriers.len())
                .unwrap();
            lease(
                number,
                *carrier,
                *tenants.get(number % tenants.len()).unwrap(),
            )
        });
        let added = office
            .batch(&office.by("clerk"), new.collect(), |conn, requests| {
                Box::pin(rent::add_lease(conn, requests))
            })
            .await;
        let is_added = |answer: &LeaseAnswer| matches!(answer, LeaseAnswer::Added { .. });
        assert!(added.iter().all(is_added), "a lease was refused");
        stage.at(last);
    }
    stage.done();
}

async fn bills(office: &Office, look: &mut PgConnection) {
    let leases = ids(
        look,
        "SELECT lease_id FROM ledger.lease ORDER BY added_index".to_owned(),
    )
    .await;
    let known = count(look, "rent_bill").await;
    let stage = Stage::new("bills", known, leases.len() * BILLED.len());
    for (place, month) in BILLED.iter().enumerate() {
        let month: Month = month.parse().unwrap();
        for (number, chunk) in leases.chunks(BATCH).enumerate() {
            let before = place * leases.len() + number * BATCH;
            if before < known {
                continue;
            }
            let bill = |lease: &uuid::Uuid| BillRent {
                lease: LeaseId(*lease),
                month,
                on: None,
            };
            let billed = office
                .batch(
                    &office.by("clerk"),
                    chunk.iter().map(bill).collect(),
                    |conn, requests| Box::pin(rent::bill_rent(conn, requests)),
                )
                .await;
            let is_billed = |answer: &RentAnswer| matches!(answer, RentAnswer::Billed { .. });
            assert!(billed.iter().all(is_billed), "a bill was refused");
            stage.at(before + chunk.len());
        }
    }
    stage.done();
}

/// Payables in a state, oldest first.
pub(crate) async fn payables(
    look: &mut PgConnection,
    state: &str,
    limit: usize,
) -> Vec<(PayableId, LogIndex)> {
    let sql = format!(
        "SELECT payable_id, owed_index FROM ledger.payable WHERE state = '{state}' ORDER BY owed_index LIMIT {limit}"
    );
    let rows = rows(look, sql).await;
    let payable = rows
        .iter()
        .map(|row| (PayableId(row.get(0)), LogIndex(row.get(1))));
    payable.collect()
}
