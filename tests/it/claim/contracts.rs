//! Contracts of purchased services: reserved by two persons, claimed milestone by milestone, ended early.
//!
//! Words beside those of `play.rs`: `contract NAME PROGRAMME PROVIDER AMOUNT DAY=AMOUNT …`, with `signed:DAY` and
//! `ref:NUMBER` if they matter; `confirm NAME`, `reject NAME`, `end NAME`, `confirm-end NAME`, `reject-end NAME`. `v=N` names
//! another proposal to end than the last.

use std::sync::Arc;

use sqlx::{Connection, PgConnection};
use subsidy_ledger::accounting::{FreeAtEnd, PeriodError, VouchersAtEnd};
use subsidy_ledger::contract::{
    self, ConfirmContract, ConfirmEnd, EndContract, MilestoneId, ProposeContract, RejectContract,
    RejectEnd,
};
use subsidy_ledger::db;
use subsidy_ledger::identity::Caller;
use subsidy_ledger::payment::{ApprovalOutcome, PayableFilter, PayableState};
use subsidy_ledger::policy::Sha256;
use subsidy_ledger::programme::ProgrammeKind;
use subsidy_ledger::types::{ContractId, DueOn, LogIndex};

use crate::budget_control::control;
use crate::kit::scenario::{Given, World, day, fen};
use crate::payment::{approve as approve_payables, hear, paid, send};
use crate::policy_cases::pack_text;
use crate::year_end::{confirm as confirm_close, propose_close, set_rule};

use super::persons::recuse;
use super::play::Claims;

pub(crate) const BUY: &str = "BUY-SERVICE";
/// What a claim for 100,000 yuan says.
const DONE: &str = "service_complete=true invoiced_amount=100000.00 docs";

impl Claims {
    /// A programme of purchases with so many yuan for 2020.
    pub(crate) async fn buying(budget: i64) -> Self {
        let world = World::new(&[]).await;
        let pack = pack_text("purchase-service-2020");
        world.publish_as(BUY, &pack, ProgrammeKind::Purchase).await;
        world.fund(BUY, 2020, budget).await;
        Self::on(Arc::new(world))
    }

    fn contract(&self, name: &str) -> ContractId {
        let known = self.contracts.get(name).copied();
        known.unwrap_or(ContractId(uuid::Uuid::nil()))
    }

    /// A milestone, by its contract's name and its number.
    pub(super) fn milestone(&self, name: &str) -> MilestoneId {
        let (contract, number) = name.split_once('-').unwrap();
        MilestoneId {
            contract: self.contract(contract),
            number: number.parse().unwrap(),
        }
    }

    /// Gives a command on a contract, if it is one.
    pub(super) async fn give_contract(&self, caller: &Caller, words: &[&str]) -> Option<Given> {
        macro_rules! give {
            ($input:expr, $run:path) => {
                self.world
                    .batch(vec![(caller.clone(), $input)], |conn, requests| {
                        Box::pin($run(conn, requests))
                    })
                    .await
            };
        }
        let contract = self.contract(words[1]);
        let reason = "for a reason".parse().unwrap();
        let ending = || match words {
            [.., version] if version.starts_with("v=") => LogIndex(version[2..].parse().unwrap()),
            _ => *self.endings.get(words[1]).unwrap_or(&LogIndex(0)),
        };
        let answers = match words {
            ["contract", name, programme, provider, amount, rest @ ..] => give!(
                ProposeContract {
                    programme: programme.parse().unwrap(),
                    provider: self.world.parties[provider],
                    ..proposal(name, amount, rest)
                },
                contract::propose
            ),
            ["confirm", _] => give!(ConfirmContract { contract }, contract::confirm),
            ["reject", _] => give!(RejectContract { contract, reason }, contract::reject),
            ["end", _] => give!(EndContract { contract, reason }, contract::end),
            ["confirm-end", ..] => {
                let proposed_index = ending();
                let input = ConfirmEnd {
                    contract,
                    proposed_index,
                };
                give!(input, contract::confirm_end)
            }
            ["reject-end", ..] => {
                let input = RejectEnd {
                    contract,
                    proposed_index: ending(),
                    reason,
                };
                give!(input, contract::reject_end)
            }
            _ => return None,
        };
        Some(answers.unwrap().pop().unwrap())
    }
}

/// A contract whose number is its name, signed on 2020-03-01.
fn proposal(name: &str, amount: &str, words: &[&str]) -> ProposeContract {
    let of = |prefix: &str| words.iter().find_map(|word| word.strip_prefix(prefix));
    let milestones = words.iter().filter_map(|word| word.split_once('='));
    ProposeContract {
        amount: amount.to_owned(),
        documents: vec![Sha256::of(b"the contract")],
        milestones: milestones
            .map(|(due, amount)| DueOn {
                amount: amount.to_owned(),
                due: day(due),
            })
            .collect(),
        programme: "P".parse().unwrap(),
        provider: subsidy_ledger::types::PartyId(uuid::Uuid::nil()),
        reference: of("ref:").unwrap_or(name).parse().unwrap(),
        service: "training of incubators".parse().unwrap(),
        signed_on: day(of("signed:").unwrap_or("2020-03-01")),
    }
}

/// From a proposal to the bank: what is reserved is accepted, or goes back; nothing is counted twice.
#[tokio::test]
async fn a_contract_is_reserved_claimed_and_paid_milestone_by_milestone() {
    let mut claims = Claims::buying(500_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50 B60 F5060 F2010
            2020-03-02 | manager  | contract k {BUY} p 300000.00 2020-06-30=100000.00 2020-11-30=200000.00 | proposed 300000.00 milestones=2 | 500000 0 0 0 0
            2020-03-03 | finance  | confirm k  | confirmed 300000.00 year=2020 | 200000 300000 0 0 0
            2020-06-30 | p        | draft a {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-06-30 | p        | submit a   | submitted pass 100000.00 version=1
            2020-07-01 | reviewer | review a recommend | recommended 100000.00
            2020-07-02 | manager  | approve a  | approved 100000.00 level=1 role=manager | 200000 200000 100000 100000 100000
            2020-11-30 | p        | draft b {BUY} p milestone:k-2 service_complete=true invoiced_amount=250000.00 docs | drafted version=1
            2020-11-30 | p        | submit b   | submitted pass 200000.00 version=1
            2020-12-01 | reviewer | review b recommend | recommended 200000.00 reasons=MILESTONE
            2020-12-01 | reviewer | review b return | refused WRONG_STATE
            2020-12-02 | manager  | decline b back | returned | 200000 200000 100000 100000 100000
            2020-12-02 | p        | submit b   | submitted pass 200000.00 version=1
            2020-12-03 | reviewer | review b recommend invoiced_amount=150000.00 | recommended 150000.00
            2020-12-04 | manager  | approve b  | approved 150000.00 level=1 role=manager | 250000 0 250000 250000 250000
            2020-12-05 | p        | draft c {BUY} p {DONE} | drafted version=1
            2020-12-05 | p        | submit c   | submitted pass 100000.00 version=1"
        ))
        .await;
    let world = &claims.world;
    let owed = PayableFilter::State(PayableState::Owed, 10);
    let approved = approve_payables(world, "finance2", owed).await.unwrap();
    assert_eq!(approved, [ApprovalOutcome::Approved; 2]);
    let batch = send(world, "cashier", "2020-12-07").await.unwrap();
    let rows = [paid(&batch, 0, "2020-12-08"), paid(&batch, 1, "2020-12-08")];
    hear(world, "cashier", "2020-12-09", &rows).await.unwrap();
    world.check_invariants().await;
    assert_eq!(world.balances().await["B70"], fen(250_000));
    // Nothing of a purchase was ever issued.
    let mut conn = world.db.superuser().await;
    let (issued, used): (String, String) = sqlx::query_as(
        "SELECT issued::text, used::text FROM ledger.budget_execution WHERE programme = $1",
    )
    .bind(BUY)
    .fetch_one(&mut conn)
    .await
    .unwrap();
    assert_eq!((issued.as_str(), used.as_str()), ("0.00", "250000.00"));
}

/// Whatever is wrong with a contract is refused by its field, and what two persons have to do, one can't.
#[tokio::test]
async fn a_contract_takes_two_persons_and_what_the_programme_has() {
    let mut claims = Claims::buying(500_000).await;
    let world = &claims.world;
    world
        .publish("SHAANXI-RENT", &pack_text("shaanxi-2020"))
        .await;
    let part = "2020-06-30=100000.00";
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50
            2020-03-02 | p        | contract k {BUY} p 100000.00 {part} | forbidden
            2020-03-02 | reviewer | contract k {BUY} p 100000.00 {part} | forbidden
            2020-03-02 | manager  | contract k NO-SUCH p 100000.00 {part} | unknown programme
            2020-03-02 | manager  | contract k SHAANXI-RENT p 100000.00 {part} | programme: SHAANXI-RENT is of kind post_subsidy, which buys no services: name a programme of kind purchase
            2020-03-02 | manager  | contract k {BUY} f 100000.00 {part} | provider: the party has not the role provider: name one that has, or register it as one
            2020-03-02 | manager  | contract k {BUY} p 100000.00 | milestones: due: name 1 to 120 milestones
            2020-03-02 | manager  | contract k {BUY} p 100000.01 {part} | milestones: due: the milestones add up to 100000.00, but 100000.01 is to be paid: correct an amount
            2020-03-02 | manager  | contract k {BUY} p 0.00 {part} | amount: the amount must be more than zero
            2020-03-02 | manager  | contract k {BUY} p 100000.00 {part} signed:2020-03-03 | signed on: 2020-03-03 is to come: record the contract once it is signed
            2020-03-02 | manager  | contract k {BUY} p 100000.00 2020-02-28=100000.00 | milestones: the first is due before the contract was signed: correct its day
            2020-03-02 | manager  | confirm k  | unknown contract
            2020-03-02 | manager  | contract k {BUY} p 100000.00 {part} | proposed 100000.00 milestones=1 | 500000 0
            2020-03-02 | finance  | contract l {BUY} p 100000.00 {part} ref:k | refused DUPLICATE reasons=K*
            2020-03-02 | finance  | contract l {BUY} p 100000.00 {part} ref:Ｋ | refused DUPLICATE reasons=K*
            2020-03-02 | manager  | confirm k  | refused SEGREGATION
            2020-03-02 | cashier  | confirm k  | forbidden
            2020-03-02 | p        | draft a {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-03-02 | p        | submit a   | refused CONTRACT_NOT_IN_FORCE
            2020-03-02 | manager  | end k      | refused WRONG_STATE
            2020-03-03 | manager  | reject k   | rejected | 500000 0
            2020-03-03 | finance  | reject k   | refused WRONG_STATE
            2020-03-03 | finance  | confirm k  | refused WRONG_STATE
            2020-03-03 | p        | submit a   | refused CONTRACT_NOT_IN_FORCE
            2020-03-04 | finance  | contract l {BUY} p 100000.00 {part} ref:k | proposed 100000.00 milestones=1
            2020-03-04 | finance  | contract m {BUY} p 400000.01 2020-06-30=400000.01 | proposed 400000.01 milestones=1
            2020-03-04 | manager  | confirm l  | confirmed 100000.00 year=2020 | 400000 100000
            2020-03-04 | manager  | confirm l  | refused WRONG_STATE | 400000 100000
            2020-03-04 | manager  | confirm m  | refused BUDGET_EXHAUSTED reasons=400000.00 | 400000 100000"
        ))
        .await;
    recuse(&claims.world, "manager2", "manager2", "p")
        .await
        .unwrap();
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-03-05 | manager2 | confirm m  | refused RECUSED
            2020-03-05 | manager2 | contract n {BUY} p 100000.00 {part} | refused RECUSED"
        ))
        .await;
}

/// A milestone is claimed once, by its own provider, and a claim beside a contract in force names one.
#[tokio::test]
async fn a_milestone_is_claimed_once() {
    let mut claims = Claims::buying(500_000).await;
    let parts = "2020-06-30=100000.00 2020-11-30=200000.00";
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50 B60
            2020-03-01 | p        | draft free {BUY} p {DONE} | drafted version=1
            2020-03-01 | p        | submit free | submitted pass 100000.00 version=1
            2020-03-01 | reviewer | review free recommend | recommended 100000.00
            2020-03-02 | manager  | contract k {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-03 | finance  | confirm k  | confirmed 300000.00 year=2020 | 200000 300000 0
            2020-03-04 | manager  | approve free | refused MILESTONE_NOT_NAMED
            2020-07-01 | p        | draft x {BUY} p milestone:k-3 {DONE} | milestone: the contract has milestones 1 to 2
            2020-07-01 | f        | draft x {BUY} f milestone:k-1 {DONE} | unknown contract
            2020-07-01 | p        | draft x {BUY} p milestone:no-1 {DONE} | unknown contract
            2020-07-01 | p        | draft a {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-07-01 | p        | draft b {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-07-01 | p        | draft c {BUY} p {DONE} | drafted version=1
            2020-07-01 | p        | submit a   | submitted pass 100000.00 version=1
            2020-07-01 | p        | submit b   | refused MILESTONE_CLAIMED reasons=C*
            2020-07-01 | p        | submit c   | refused MILESTONE_NOT_NAMED
            2020-07-01 | p        | revise c milestone:k-1 {DONE} | drafted version=2
            2020-07-01 | p        | submit c   | refused MILESTONE_CLAIMED reasons=C*
            2020-07-02 | reviewer | review a return | returned
            2020-07-02 | p        | submit b   | submitted pass 100000.00 version=1
            2020-07-02 | p        | submit a   | refused MILESTONE_CLAIMED reasons=C*
            2020-07-03 | reviewer | review b reject | rejected
            2020-07-03 | p        | submit a   | submitted pass 100000.00 version=1
            2020-07-03 | p        | withdraw a | withdrawn
            2020-07-03 | p        | submit c   | submitted pass 100000.00 version=2
            2020-07-04 | reviewer | review c recommend | recommended 100000.00
            2020-07-05 | manager  | approve c  | approved 100000.00 level=1 role=manager | 200000 200000 100000
            2020-07-06 | p        | draft d {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-07-06 | p        | submit d   | refused MILESTONE_CLAIMED reasons=C* | 200000 200000 100000"
        ))
        .await;
}

/// Two claims for one milestone at the same moment: one is submitted.
#[tokio::test]
async fn racing_claims_for_a_milestone_have_one_winner() {
    let mut claims = Claims::buying(500_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-03-02 | manager  | contract k {BUY} p 100000.00 2020-06-30=100000.00 | proposed 100000.00 milestones=1
            2020-03-03 | finance  | confirm k  | confirmed 100000.00 year=2020
            2020-07-01 | p        | draft a {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-07-01 | p        | draft b {BUY} p milestone:k-1 {DONE} | drafted version=1"
        ))
        .await;
    let submit = async |name: &str| {
        let (key, words) = (format!("race {name}"), ["submit", name]);
        let given = claims.give("2020-07-02", "p", &key, &words);
        given.await.unwrap().1["outcome"].clone()
    };
    let mut outcomes = tokio::join!(submit("a"), submit("b"));
    if outcomes.0 == "refused" {
        outcomes = (outcomes.1, outcomes.0);
    }
    assert_eq!(
        (&outcomes.0, &outcomes.1),
        (&"submitted".into(), &"refused".into())
    );
    claims.world.check_invariants().await;
}

/// Two persons end a contract: what is reserved goes back, what was accepted stays.
#[tokio::test]
async fn a_contract_is_ended_by_two_persons() {
    let mut claims = Claims::buying(500_000).await;
    let parts = "2020-06-30=100000.00 2020-11-30=200000.00";
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50 B60
            2020-03-02 | manager  | contract k {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-03 | finance  | confirm k  | confirmed 300000.00 year=2020 | 200000 300000 0
            2020-07-01 | p        | draft a {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-07-01 | p        | submit a   | submitted pass 100000.00 version=1
            2020-07-01 | p        | end k      | forbidden
            2020-07-01 | manager  | confirm-end k | refused STALE
            2020-07-01 | manager  | end k      | proposed 300000.00
            2020-07-01 | finance  | end k      | refused END_WAITS
            2020-07-01 | manager  | confirm-end k | refused SEGREGATION
            2020-07-01 | finance  | confirm-end k v=1 | refused STALE
            2020-07-01 | finance  | confirm-end k | refused MILESTONE_CLAIMED reasons=C*
            2020-07-01 | finance  | reject-end k v=1 | refused STALE
            2020-07-01 | manager  | reject-end k | rejected
            2020-07-01 | finance  | confirm-end k | refused STALE
            2020-07-02 | reviewer | review a recommend | recommended 100000.00
            2020-07-03 | manager  | approve a  | approved 100000.00 level=1 role=manager | 200000 200000 100000
            2020-07-04 | p        | draft b {BUY} p milestone:k-2 {DONE} | drafted version=1
            2020-07-05 | finance  | end k      | proposed 200000.00
            2020-07-05 | manager  | confirm-end k | ended 200000.00 returned_to=B30 | 400000 0 100000
            2020-07-05 | manager  | confirm-end k | refused STALE
            2020-07-05 | manager  | end k      | refused WRONG_STATE
            2020-07-05 | p        | submit b   | refused CONTRACT_NOT_IN_FORCE
            2020-07-06 | p        | draft c {BUY} p {DONE} | drafted version=1
            2020-07-06 | p        | submit c   | submitted pass 100000.00 version=1
            2020-07-07 | finance2 | revoke a   | revoked 100000.00 returned_to=B30 | 500000 0 0"
        ))
        .await;
}

/// A frozen budget takes no new contract, and one in force goes on.
#[tokio::test]
async fn a_freeze_stops_new_contracts_only() {
    let mut claims = Claims::buying(500_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-03-02 | manager  | contract k {BUY} p 100000.00 2020-06-30=100000.00 | proposed 100000.00 milestones=1
            2020-03-02 | manager  | contract l {BUY} p 100000.00 2020-06-30=100000.00 | proposed 100000.00 milestones=1
            2020-03-03 | finance  | confirm k  | confirmed 100000.00 year=2020"
        ))
        .await;
    control(&claims.world, "finance", true, (BUY, 2020))
        .await
        .unwrap();
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50 B60
            2020-03-05 | finance  | confirm l  | refused BUDGET_FROZEN | 400000 100000 0
            2020-07-01 | p        | draft a {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-07-01 | p        | submit a   | submitted pass 100000.00 version=1
            2020-07-02 | reviewer | review a recommend | recommended 100000.00
            2020-07-03 | manager  | approve a  | approved 100000.00 level=1 role=manager | 400000 0 100000"
        ))
        .await;
}

/// What is reserved outlives its year where the programme's rule keeps it, and pays out of that year; what is not accepted
/// lapses there. Where the rule ends it, the year is not closed before.
#[tokio::test]
async fn what_is_reserved_follows_the_rule_of_its_programme_at_the_end_of_a_year() {
    let mut claims = Claims::buying(500_000).await;
    let parts = "2020-06-30=100000.00 2021-03-31=200000.00";
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50 B60
            2020-03-02 | manager  | contract k {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-03 | finance  | confirm k  | confirmed 300000.00 year=2020 | 200000 300000 0"
        ))
        .await;
    set_rule(&claims.world, BUY, FreeAtEnd::Lapse, VouchersAtEnd::End).await;
    let blocked = propose_close(&claims.world, "finance", "2021-01-05", 2020).await;
    let Err(error @ PeriodError::VouchersLeft { .. }) = blocked else {
        panic!("{blocked:?}");
    };
    assert!(
        error.to_string().contains("300000.00 held or reserved"),
        "{error}"
    );
    assert!(error.to_string().contains("`contract end`"), "{error}");

    set_rule(&claims.world, BUY, FreeAtEnd::Lapse, VouchersAtEnd::Keep).await;
    let proposed = propose_close(&claims.world, "finance", "2021-01-05", 2020).await;
    let by = ("manager", "2021-01-05", None);
    let closed = confirm_close(&claims.world, by, proposed.unwrap()).await;
    assert_eq!(closed.unwrap().1, None);
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B50 B60 B80
            2021-03-31 | p        | draft a {BUY} p milestone:k-2 service_complete=true invoiced_amount=150000.00 docs | drafted version=1 | 0 300000 0 200000
            2021-03-31 | p        | submit a   | submitted pass 150000.00 version=1
            2021-04-01 | reviewer | review a recommend | recommended 150000.00
            2021-04-02 | manager  | approve a  | approved 150000.00 level=1 role=manager | 0 100000 150000 250000
            2021-04-03 | finance2 | revoke a   | revoked 150000.00 returned_to=B50 | 0 250000 0 250000
            2021-04-05 | manager  | end k      | proposed 250000.00
            2021-04-05 | finance  | confirm-end k | ended 250000.00 returned_to=B80 | 0 0 0 500000"
        ))
        .await;
}

/// What a superuser might write, Postgres refuses by name.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one statement after another")]
async fn postgres_refuses_contracts_that_can_t_be() {
    let mut claims = Claims::buying(500_000).await;
    let parts = "2020-06-30=100000.00 2020-11-30=200000.00";
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-03-02 | manager  | contract w {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-02 | manager  | contract k {BUY} p 300000.00 {parts} | proposed 300000.00 milestones=2
            2020-03-03 | finance  | confirm k  | confirmed 300000.00 year=2020
            2020-03-04 | manager  | end k      | proposed 300000.00
            2020-07-01 | p        | draft a {BUY} p milestone:k-1 {DONE} | drafted version=1
            2020-07-01 | p        | submit a   | submitted pass 100000.00 version=1
            2020-07-01 | p        | draft b {BUY} p milestone:k-1 {DONE} | drafted version=1"
        ))
        .await;
    let mut admin = claims.world.db.superuser().await;
    for (statement, constraint) in [
        (
            "UPDATE ledger.contract SET outcome = 'confirmed', decided_index = 9999, fiscal_year = 2020,
                 decided_by = proposed_by WHERE outcome IS NULL",
            "contract_two_persons",
        ),
        ("UPDATE ledger.contract SET amount = amount + 1", "contract_goes_forward"),
        (
            "UPDATE ledger.contract SET outcome = 'rejected' WHERE outcome IS NOT NULL",
            "contract_goes_forward",
        ),
        ("DELETE FROM ledger.contract", "contract_append_only"),
        (
            "UPDATE ledger.contract_milestone SET amount = amount + 1",
            "contract_milestone_stays_as_agreed",
        ),
        (
            "UPDATE ledger.contract_milestone SET reserved = amount + 1",
            "contract_milestone_parts_within",
        ),
        (
            "UPDATE ledger.contract_milestone SET reserved = 0, accepted = 1",
            "contract_milestone_accepted_of_claim",
        ),
        ("DELETE FROM ledger.contract_milestone", "contract_milestone_append_only"),
        (
            "UPDATE ledger.contract_ending SET outcome = 'confirmed', decided_by = proposed_by, decided_index = 9999",
            "contract_ending_two_persons",
        ),
        (
            "UPDATE ledger.contract_ending SET reason = 'another'",
            "contract_ending_decided_once",
        ),
        (
            "UPDATE ledger.claim SET state = 'submitted', submitted_by = s.submitted_by, submitted_index = s.submitted_index,
                 submitted_on = s.submitted_on, policy_id = s.policy_id
             FROM ledger.claim s WHERE s.state = 'submitted' AND claim.state = 'draft'",
            "claim_milestone_once",
        ),
        ("UPDATE ledger.claim SET milestone = NULL", "claim_milestone_whole"),
        ("UPDATE ledger.claim SET milestone = 3", "claim_milestone_fkey"),
        (
            "INSERT INTO ledger.contract (zone_id, contract_id, proposed_index, programme, provider_id, service, reference,
                 signed_on, amount, proposed_by)
             SELECT zone_id, gen_random_uuid(), 0, programme, provider_id, service, reference, signed_on, amount, proposed_by
             FROM ledger.contract LIMIT 1",
            "contract_reference_key",
        ),
        (
            "INSERT INTO ledger.contract (zone_id, contract_id, proposed_index, programme, provider_id, service, reference,
                 signed_on, amount, proposed_by)
             SELECT zone_id, gen_random_uuid(), 0, programme, provider_id, service, concat('  ', upper(reference)), signed_on,
                 amount, proposed_by
             FROM ledger.contract LIMIT 1",
            "contract_reference_alike",
        ),
        // What only the whole transaction shows.
        (
            "UPDATE ledger.contract_milestone m SET reserved = m.amount FROM ledger.contract c
             WHERE c.contract_id = m.contract_id AND c.outcome IS NULL",
            "contract_reserves_while_in_force",
        ),
        (
            "UPDATE ledger.contract SET ended_index = decided_index + 1 WHERE outcome IS NOT NULL",
            "contract_reserves_while_in_force",
        ),
        (
            "INSERT INTO ledger.contract_milestone (zone_id, contract_id, number, due, amount)
             SELECT zone_id, contract_id, 3, '2020-12-31', 1 FROM ledger.contract WHERE outcome IS NULL",
            "contract_is_its_milestones",
        ),
    ] {
        refused(&mut admin, statement, constraint).await;
    }
}

/// A statement that a guard must refuse by name, if not at once then when the transaction commits.
pub(super) async fn refused(conn: &mut PgConnection, statement: &'static str, constraint: &str) {
    let mut tx = conn.begin().await.unwrap();
    let done = sqlx::query(statement).execute(&mut *tx).await;
    let done = match done {
        Ok(_) => {
            sqlx::query("SET CONSTRAINTS ALL IMMEDIATE")
                .execute(&mut *tx)
                .await
        }
        Err(error) => Err(error),
    };
    let error = done.expect_err(statement);
    assert_eq!(
        db::violated_constraint(&error),
        Some(constraint),
        "{statement}: {error}"
    );
}
