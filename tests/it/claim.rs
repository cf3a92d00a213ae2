//! Claims, from draft to what is owed: every step and every refusal, in a real Postgres.

mod commands;
mod contracts;
mod persons;
mod play;
mod relief;
mod revoke;
mod rounds;

use subsidy_ledger::db;
use subsidy_ledger::payment::{ApprovalOutcome, PayableFilter, PayableState};

use crate::payment::{approve as approve_payables, hear, paid, send};

const SHAANXI: &str = "SHAANXI-RENT";
pub(crate) const RELIEF: &str = "relief_kind=waiver waiver_from=2020-02-01 waiver_until=2020-07-31";

pub(crate) use self::contracts::BUY;
pub(crate) use self::persons::{delegate, lift, recuse, revoke, set_levels};
pub(crate) use self::play::Claims;

#[tokio::test]
async fn a_claim_goes_from_draft_to_the_bank() {
    let mut claims = Claims::new(1_000_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60 F5020 F2010
            2020-09-01 | f        | draft a {SHAANXI} f {RELIEF} waived_amount=38000.00@lease-1 waived_amount=12000.00@lease-2 doc:1 | drafted version=1 | 2000000 0 0 0
            2020-09-01 | f        | submit a   | refused DOCUMENTS_MISSING reasons=2,3,4
            2020-09-01 | f        | revise a {RELIEF} waived_amount=38000.00@lease-1 waived_amount=12000.00@lease-2 docs | drafted version=2
            2020-09-02 | f        | submit a   | submitted pass 5000.00 version=2
            2020-09-03 | reviewer | review a return | returned
            2020-09-04 | f        | revise a {RELIEF} waived_amount=38000.00@lease-1 waived_amount=10000.00@lease-2 docs | drafted version=3
            2020-09-04 | f        | submit a   | submitted pass 4800.00 version=3
            2020-09-07 | reviewer | review a silent | recommended 4800.00
            2020-09-07 | manager  | approve a  | refused NOTICE_REQUIRED
            2020-09-28 | reviewer | notice {SHAANXI} | published 1 last_day=2020-10-12 total=4800.00
            2020-10-12 | manager  | approve a  | refused NOTICE_RUNNING
            2020-10-13 | manager  | approve a  | approved 4800.00 level=1 role=manager | 1995200 4800 4800 4800",
        ))
        .await;
    let world = &claims.world;
    let owed = PayableFilter::State(PayableState::Owed, 10);
    let approved = approve_payables(world, "finance", owed).await.unwrap();
    assert_eq!(approved, [ApprovalOutcome::Approved]);
    let batch = send(world, "cashier", "2020-10-14").await.unwrap();
    let rows = [paid(&batch, 0, "2020-10-15")];
    hear(world, "cashier", "2020-10-16", &rows).await.unwrap();
    world.check_invariants().await;
    let balances = world.balances().await;
    assert_eq!((balances["B70"], balances["F2010"]), (4_800_00, 0));
}

#[tokio::test]
async fn an_objection_opens_the_review_again_and_blocks_approval() {
    let mut claims = Claims::new(1_000_000).await;
    let content = format!("{RELIEF} waived_amount=50000.00 docs");
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a {SHAANXI} f {content} | drafted version=1
            2020-09-01 | g        | draft b {SHAANXI} g {content} | drafted version=1
            2020-09-01 | f        | submit a   | submitted pass 5000.00 version=1
            2020-09-01 | g        | submit b   | submitted pass 5000.00 version=1
            2020-09-02 | reviewer | object a   | refused WRONG_STATE
            2020-09-02 | reviewer | review a recommend | recommended 5000.00
            2020-09-02 | reviewer | review b recommend | recommended 5000.00
            2020-09-02 | reviewer | object a   | refused WRONG_STATE
            2020-09-02 | clerk    | notice {SHAANXI} | clerk may not do this: it needs the role reviewer or manager
            2020-09-02 | manager  | notice {SHAANXI} | published 2 last_day=2020-09-09 total=10000.00
            2020-09-02 | manager  | notice {SHAANXI} | no recommended claim of {SHAANXI} waits for a notice: `claim list --programme {SHAANXI}` shows where its claims stand
            2020-09-09 | f        | object b   | forbidden
            2020-09-09 | auditor  | object a   | objected
            2020-09-09 | auditor  | object a   | refused WRONG_STATE
            2020-09-10 | manager  | object b   | refused NOTICE_OVER
            2020-09-10 | manager  | approve a  | refused WRONG_STATE
            2020-09-10 | manager  | decline a down | refused WRONG_STATE
            2020-09-10 | f        | revise a {content} | refused WRONG_STATE
            2020-09-10 | f        | submit a   | refused WRONG_STATE
            2020-09-10 | manager  | approve b  | approved 5000.00 level=1 role=manager
            2020-09-10 | reviewer | review a silent | reason: say why it is returned, rejected, or recommended despite an objection
            2020-09-10 | reviewer | review a recommend waived_amount=40000.00 | recommended 4000.00
            2020-09-10 | manager  | approve a  | refused NOTICE_REQUIRED
            2020-09-10 | reviewer | notice {SHAANXI} | published 1 last_day=2020-09-17 total=4000.00
            2020-09-18 | manager  | approve a v=9 | refused STALE
            2020-09-18 | manager  | approve a  | approved 4000.00 level=1 role=manager",
        ))
        .await;
}

#[tokio::test]
async fn what_is_not_at_its_step_is_refused() {
    let mut claims = Claims::new(1_000_000).await;
    let half = "relief_kind=waiver waived_amount=600000.00 tenant_confirmed=600000.00 landlord_relief=250000.00 docs";
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60
            2020-06-01 | f        | draft a RENT-HALF f {half} | drafted version=1 | 2000000 0
            2020-06-01 | f        | draft x RENT-HALF g {half} | unknown party
            2020-06-01 | f        | draft x NO-SUCH f {half} | unknown programme
            2020-06-01 | f        | draft x SH-VOUCHER f {half} | programme SH-VOUCHER is of kind voucher, of which nothing is claimed: name a programme of kind post_subsidy, award, purchase or rent_compensation
            2020-06-01 | reviewer | draft x RENT-HALF f {half} | forbidden
            2020-06-01 | f        | draft x RENT-HALF f waiver_reviewed=true | waiver_reviewed: the office or the ledger itself says it; leave it out
            2020-06-01 | g        | submit a   | unknown claim
            2020-06-01 | f        | submit x   | unknown claim
            2020-06-01 | reviewer | review a recommend | refused WRONG_STATE
            2020-06-01 | manager  | approve a  | refused WRONG_STATE
            2020-06-01 | manager  | decline a down | refused WRONG_STATE
            2020-06-01 | reviewer | object a   | refused WRONG_STATE
            2020-06-02 | f        | submit a   | submitted pass 175000.00 version=1
            2020-06-02 | f        | revise a {half} | refused WRONG_STATE
            2020-06-02 | f        | submit a   | refused WRONG_STATE
            2020-06-03 | clerk    | review a recommend | forbidden
            2020-06-03 | reviewer | review a recommend v=2 | refused STALE
            2020-06-03 | reviewer | review a recommend claimed_on=2020-01-01 | claimed_on: the ledger itself knows it; leave it out
            2020-06-03 | reviewer | review a recommend tenant_confirmed=400000.00 | needs_review missing=waiver_reviewed reasons=MISSING_FACT
            2020-06-03 | reviewer | review a recommend tenant_confirmed=400000.00 waiver_reviewed=true | recommended 75000.00
            2020-06-03 | reviewer | review a recommend | refused WRONG_STATE
            2020-06-04 | reviewer | approve a  | forbidden
            2020-06-04 | finance  | approve a  | refused LEVEL_ORDER
            2020-06-04 | manager  | decline a back | returned
            2020-06-04 | manager  | approve a  | refused WRONG_STATE
            2020-06-04 | f        | submit a   | submitted pass 175000.00 version=1
            2020-06-05 | reviewer | review a recommend | recommended 175000.00
            2020-06-05 | manager  | approve a  | approved 175000.00 level=1 role=manager | 1825000 175000
            2020-06-05 | manager2 | approve a  | refused WRONG_STATE
            2020-06-05 | f        | withdraw a | refused WRONG_STATE
            2020-06-05 | manager  | decline a down | refused WRONG_STATE
            2020-06-08 | f        | draft b RENT-HALF f {half} | drafted version=1
            2020-06-08 | g        | withdraw b | unknown claim
            2020-06-08 | f        | withdraw b | withdrawn
            2020-06-08 | f        | withdraw b | refused WRONG_STATE
            2020-06-08 | f        | submit b   | refused WRONG_STATE
            2020-06-08 | f        | draft c RENT-HALF f {half} | drafted version=1
            2020-06-08 | f        | submit c   | submitted pass 175000.00 version=1
            2020-06-08 | reviewer | review c reject | rejected
            2020-06-08 | f        | revise c {half} | refused WRONG_STATE
            2020-06-08 | f        | draft d RENT-HALF f relief_kind=deferral waived_amount=100.00 tenant_confirmed=100.00 landlord_relief=0.00 docs | drafted version=1
            2020-06-08 | f        | submit d   | submitted fail 0.00 reasons=DEFERRAL version=1
            2020-06-08 | reviewer | review d recommend | rejected reasons=DEFERRAL
            2020-06-08 | f        | draft e RENT-HALF f {half} | drafted version=1
            2020-06-08 | f        | submit e   | submitted pass 175000.00 version=1
            2020-06-08 | reviewer | review e recommend | recommended 175000.00
            2020-06-08 | manager  | decline e down | declined
            2020-06-08 | f        | submit e   | refused WRONG_STATE | 1825000 175000",
        ))
        .await;
}

#[tokio::test]
async fn caps_and_the_budget_decide_when_the_last_level_approves() {
    let mut claims = Claims::new(300_000).await;
    let half = |amount: &str| {
        format!(
            "relief_kind=waiver waived_amount={amount} tenant_confirmed={amount} landlord_relief=0.00 docs"
        )
    };
    let relief = |amount: &str| format!("{RELIEF} waived_amount={amount} docs");
    let (large, small) = (half("400000.00"), half("300000.00"));
    let (first, second) = (relief("1500000.00"), relief("800000.00"));
    claims
        .check(&format!(
            "day       | who      | command    | outcome | B30 B60
            2020-06-01 | f        | draft a RENT-HALF f {large} | drafted version=1
            2020-06-01 | g        | draft b RENT-HALF g {small} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 200000.00 version=1
            2020-06-01 | g        | submit b   | submitted pass 150000.00 version=1
            2020-06-02 | reviewer | review a recommend | recommended 200000.00
            2020-06-02 | reviewer | review b recommend | recommended 150000.00
            2020-06-03 | manager  | approve a  | approved 200000.00 level=1 role=manager | 400000 200000
            2020-06-03 | manager  | approve b  | refused BUDGET_EXHAUSTED | 400000 200000
            2020-06-01 | f        | draft c {SHAANXI} f {first} | drafted version=1
            2020-06-01 | f        | draft d {SHAANXI} f {second} | drafted version=1
            2020-06-01 | f        | submit c   | submitted pass 150000.00 version=1
            2020-06-01 | f        | submit d   | submitted pass 80000.00 version=1
            2020-06-02 | reviewer | review c recommend | recommended 150000.00
            2020-06-02 | reviewer | review d recommend | recommended 80000.00
            2020-06-02 | reviewer | notice {SHAANXI} | published 2 last_day=2020-06-09 total=230000.00
            2020-06-10 | manager  | approve c  | approved 150000.00 level=1 role=manager | 250000 350000
            2020-06-10 | manager  | approve d  | approved 50000.00 level=1 reasons=CAP_FIRM_YEAR role=manager | 200000 400000",
        ))
        .await;
}

#[tokio::test]
async fn one_invoice_in_two_claims_is_flagged() {
    let mut claims = Claims::new(1_000_000).await;
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a {SHAANXI} f {RELIEF} waived_amount=38000.00@lease-1 docs | drafted version=1
            2020-09-01 | g        | draft b {SHAANXI} g {RELIEF} waived_amount=38000.00@lease-1 docs | drafted version=1
            2020-09-01 | f        | draft x {SHAANXI} f {RELIEF} waived_amount=1.00@one waived_amount=1.00@one | line one: it stands twice among the lines of waived_amount; one thing is claimed once
            2020-09-01 | f        | submit a   | submitted pass 3800.00 version=1",
        ))
        .await;
    let given = claims
        .give("2020-09-02", "g", "flagged", &["submit", "b"])
        .await;
    let (_, answer) = given.unwrap();
    // To another party its name is told no more than that.
    assert_eq!(answer["also_claimed"], serde_json::json!(["another claim"]));
    // Its documents are those of the other claim, all of them.
    assert_eq!(answer["reused_evidence"].as_array().unwrap().len(), 6);
    let content = format!("{RELIEF} waived_amount=38000.00@lease-1 docs");
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-02 | clerk    | draft c {SHAANXI} g {content} | drafted version=1",
        ))
        .await;
    let given = claims
        .give("2020-09-02", "clerk", "by the office", &["submit", "c"])
        .await;
    let (_, answer) = given.unwrap();
    let mut numbers = Vec::new();
    for name in ["a", "b"] {
        numbers.push(format!("C{}", claims.stored(name).await.drafted_index));
    }
    assert_eq!(answer["also_claimed"], serde_json::json!(numbers));
}

#[tokio::test]
async fn a_batch_revises_one_claim_twice() {
    let mut claims = Claims::new(1_000_000).await;
    let line = |amount: &str| format!("{RELIEF} waived_amount={amount}@lease-1 docs");
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a {SHAANXI} f {} | drafted version=1",
            line("100.00"),
        ))
        .await;
    let versions = claims
        .revise_all("f", "2020-09-02", "a", &[&line("200.00"), &line("300.00")])
        .await;
    assert_eq!(versions, [2, 3]);
    claims
        .check(
            "day       | who      | command    | outcome
            2020-09-03 | f        | submit a   | submitted pass 30.00 version=3",
        )
        .await;
}

/// An office's own number is shown as a code is; a team has none.
#[tokio::test]
async fn a_notice_shows_the_office_s_number_of_who_has_one() {
    let mut claims = Claims::numbered(1_000_000, "o", "LAB-7").await;
    let content = format!("{RELIEF} waived_amount=50000.00 docs");
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | clerk    | draft a {SHAANXI} o {content} | drafted version=1
            2020-09-01 | clerk    | submit a   | submitted pass 5000.00 version=1
            2020-09-02 | reviewer | review a recommend | recommended 5000.00
            2020-09-02 | manager  | notice {SHAANXI} | published 1 last_day=2020-09-09 total=5000.00",
        ))
        .await;
    let shown = claims.shown("a").await;
    assert_eq!(shown, [(Some("LAB-7".to_owned()), 5_000_00)]);
}

/// Under a key, a repeat answers for what the first time approved, and approves nothing twice.
#[tokio::test]
async fn a_notice_is_approved_under_one_key() {
    let mut claims = Claims::new(1_000_000).await;
    let content = format!("{RELIEF} waived_amount=50000.00 docs");
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-09-01 | f        | draft a {SHAANXI} f {content} | drafted version=1
            2020-09-01 | g        | draft b {SHAANXI} g {content} | drafted version=1
            2020-09-01 | f        | submit a   | submitted pass 5000.00 version=1
            2020-09-01 | g        | submit b   | submitted pass 5000.00 version=1
            2020-09-02 | reviewer | review a recommend | recommended 5000.00
            2020-09-02 | reviewer | review b recommend | recommended 5000.00
            2020-09-02 | manager  | notice {SHAANXI} | published 2 last_day=2020-09-09 total=10000.00",
        ))
        .await;
    let approve = async |key| {
        claims
            .approve_notice("manager", "2020-09-10", "a", key)
            .await
    };
    let first = approve(Some("all")).await;
    assert_eq!(first.len(), 2);
    let size = claims.world.size().await;
    assert_eq!(approve(Some("all")).await, first);
    assert_eq!(approve(None).await, []);
    assert_eq!(approve(Some("another")).await, []);
    assert_eq!(claims.world.size().await, size);
}

/// Worked case R13: the rent that a maker space pays, up to limits of price and area, and half of it in the second year.
#[tokio::test]
async fn the_rent_of_a_maker_space_by_years_of_operation() {
    const SPACE: &str = "WUCHANG-SPACE-RENT";
    let packs = [(SPACE, "wuchang-makerspace-rent-2020")];
    let mut claims = Claims::under(&packs, 2020, 2_000_000).await;
    claims.world.fund(SPACE, 2021, 1_000_000).await;
    let open = "submitted needs_review 0.00 missing=carrier_class,carrier_level,year_of_operation reasons=MISSING_FACT version=1";
    let seen = "carrier_class=makerspace carrier_level=district year_of_operation";
    claims
        .check(&format!(
            "day       | who      | command | outcome | B60
            2020-06-01 | f        | draft a {SPACE} f rent_price=60.00 area=1200.00 docs | drafted version=1 | 0
            2020-06-01 | g        | draft b {SPACE} g rent_price=95.00 area=1200.00 docs | drafted version=1 | 0
            2020-06-01 | f        | submit a | {open} | 0
            2020-06-01 | g        | submit b | {open} | 0
            2020-06-02 | reviewer | review a recommend {seen}=1 | recommended 720000.00 | 0
            2020-06-02 | reviewer | review b recommend {seen}=1 | recommended 960000.00 | 0
            2020-06-03 | manager  | approve a | approved 720000.00 level=1 role=manager | 720000
            2020-06-03 | manager  | approve b | approved 960000.00 level=1 role=manager | 1680000
            2021-06-01 | f        | draft c {SPACE} f rent_price=60.00 area=1200.00 docs | drafted version=1 | 1680000
            2021-06-01 | f        | submit c | {open} | 1680000
            2021-06-02 | reviewer | review c recommend {seen}=2 | recommended 360000.00 | 1680000
            2021-06-03 | manager  | approve c | approved 360000.00 level=1 role=manager | 2040000",
        ))
        .await;
}

#[tokio::test]
async fn postgres_itself_refuses_what_claims_must_not_be() {
    let mut claims = Claims::new(1_000_000).await;
    let half = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | f        | draft a RENT-HALF f {half} | drafted version=1
            2020-06-01 | f        | submit a   | submitted pass 100000.00 version=1
            2020-06-02 | reviewer | review a recommend | recommended 100000.00
            2020-06-03 | manager  | approve a  | approved 100000.00 level=1 role=manager",
        ))
        .await;
    let mut admin = claims.world.db.superuser().await;
    for (statement, constraint) in [
        (
            "UPDATE ledger.claim SET reviewed_by = submitted_by",
            "claim_reviewer_is_another",
        ),
        (
            "UPDATE ledger.claim SET decided_by = reviewed_by",
            "claim_approver_is_another",
        ),
        (
            "UPDATE ledger.claim SET awarded = recommended + 1",
            "claim_awarded_within",
        ),
        (
            "UPDATE ledger.claim SET awarded = NULL",
            "claim_decided_whole",
        ),
        (
            "UPDATE ledger.claim SET content = content || ' '",
            "claim_content_sha256_of_content",
        ),
        (
            "UPDATE ledger.payable SET state = 'approved', approved_index = 1, approved_by = handled_by[1]",
            "payable_approver_is_no_handler",
        ),
        (
            "INSERT INTO ledger.claim_approval SELECT zone_id, claim_id, version, reviewed_index, 2, role, reviewed_by,
                 NULL, submitted_by, reviewed_by, log_index FROM ledger.claim_approval",
            "claim_approval_by_another",
        ),
        (
            "INSERT INTO ledger.claim_approval SELECT zone_id, claim_id, version, reviewed_index, 2, role, person_id,
                 NULL, submitted_by, reviewed_by, log_index FROM ledger.claim_approval",
            "claim_approval_one_level_each",
        ),
        (
            "DELETE FROM ledger.claim_approval",
            "claim_approval_append_only",
        ),
    ] {
        let refused = sqlx::query(statement).execute(&mut admin).await;
        let error = refused.unwrap_err();
        assert_eq!(db::violated_constraint(&error), Some(constraint), "{error}");
    }
}
