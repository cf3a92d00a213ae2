//! Single commands on vouchers, claims and leases: each case goes its way from one kind of command to the next.

use sqlx::{PgConnection, Row};
use subsidy_ledger::claim::{
    self, Approve, ApproveAnswer, DraftAnswer, Revise, Submit, SubmitAnswer, Withdraw,
};
use subsidy_ledger::party;
use subsidy_ledger::policy::{Fact, Facts, Raw, Source};
use subsidy_ledger::rent::{
    self, AuditWaiver, BillRent, ConfirmWaiver, DeferRent, DeferralAnswer, LeaseAnswer, Measure,
    PayInstalment, PayRent, RentAnswer, Waive, WaiverAnswer, Way,
};
use subsidy_ledger::types::{
    ClaimId, Currency, DeferralId, HoldId, LeaseId, LogIndex, PartyId, Reason, Schedule, VoucherId,
    WaiverId,
};
use subsidy_ledger::voucher::{
    self, Apply, Cancel, Freeze, HoldAnswer, Issue, IssueAnswer, PlaceHold, Redeem, RedeemAnswer,
    Release, Review,
};

use crate::cases::{BILLED, draft, drafted_claim, lease, recommend};
use crate::fill::{Size, firms, ids, of_role, rows, voucher_programme};
use crate::measure::Bench;

pub(crate) fn reason() -> Reason {
    "as the benchmark wants it".parse().unwrap()
}

fn stated(bench: &Bench, facts: &[(Fact, &str)]) -> Facts {
    let mut stated = Facts::new(Currency::Cny);
    let day = bench.office.by("clerk").command().today();
    for (fact, text) in facts {
        let raw = Raw::Text(text);
        stated.state(*fact, raw, Source::Declared, day).unwrap();
    }
    stated
}

/// New firms, from registration on.
pub(crate) async fn register(bench: &mut Bench) {
    let office = bench.office.clone();
    // Another seed than the zone was filled with, so other firms.
    let new = party::generate(2, bench.wanted());
    bench
        .calls(
            "party.register",
            &office.by("manager"),
            new,
            |conn, command, new| {
                Box::pin(
                    async move { party::register(conn, &command, crate::office::only(new)).await },
                )
            },
        )
        .await;
}

/// Applications become vouchers; of other vouchers, orders are redeemed or given back.
pub(crate) async fn vouchers(bench: &mut Bench, look: &mut PgConnection) {
    let office = bench.office.clone();
    let (clerk, reviewer) = (office.by("clerk"), office.by("reviewer"));
    let manager = office.by("manager");
    let facts = stated(bench, &[(Fact::RequestedAmount, "5000.00")]);
    let apply = firms(look, bench.wanted())
        .await
        .into_iter()
        .map(|party| Apply {
            facts: facts.clone(),
            party,
            programme: voucher_programme(0).parse().unwrap(),
        });
    let applied = bench
        .commands(
            "voucher.apply",
            &clerk,
            apply.collect(),
            |conn, requests| Box::pin(voucher::apply(conn, requests)),
        )
        .await;
    let applications: Vec<VoucherId> = applied.iter().map(|applied| applied.application).collect();
    let review = applications.iter().map(|id| Review { application: *id });
    bench
        .commands(
            "voucher.review",
            &reviewer,
            review.collect(),
            |conn, requests| Box::pin(voucher::review(conn, requests)),
        )
        .await;
    let issue = applications.iter().map(|id| Issue { application: *id });
    let issued = bench
        .commands(
            "voucher.issue",
            &manager,
            issue.collect(),
            |conn, requests| Box::pin(voucher::issue(conn, requests)),
        )
        .await;
    let is_issued = |answer: &IssueAnswer| matches!(answer, IssueAnswer::Issued { .. });
    assert!(issued.iter().all(is_issued), "{issued:?}");
    orders(bench, look, applications).await;
}

async fn orders(bench: &mut Bench, look: &mut PgConnection, issued: Vec<VoucherId>) {
    let clerk = bench.office.by("clerk");
    let provider = *of_role(look, "provider", 1).await.first().unwrap();
    // Of the whole zone, not of the first firms: what is asked for lies far apart.
    let sql = format!(
        "SELECT voucher_id FROM ledger.voucher WHERE programme = '{}' ORDER BY md5(voucher_id::text) LIMIT {}",
        voucher_programme(1),
        2 * bench.wanted()
    );
    let vouchers: Vec<VoucherId> = ids(look, sql).await.into_iter().map(VoucherId).collect();
    let order = |voucher: &VoucherId| PlaceHold {
        facts: Facts::new(Currency::Cny),
        price: "2000.00".to_owned(),
        provider,
        voucher: *voucher,
    };
    let (first, second) = vouchers.split_at(vouchers.len() / 2);
    let held = bench
        .commands(
            "voucher.order",
            &clerk,
            first.iter().map(order).collect(),
            |conn, requests| Box::pin(voucher::hold(conn, requests)),
        )
        .await;
    let redeem = held.iter().map(|held| Redeem {
        evidence: Vec::new(),
        hold: hold_of(held),
        price: "1800.00".to_owned(),
    });
    let redeemed = bench
        .commands(
            "voucher.redeem",
            &clerk,
            redeem.collect(),
            |conn, requests| Box::pin(voucher::redeem(conn, requests)),
        )
        .await;
    let is_redeemed = |answer: &RedeemAnswer| matches!(answer, RedeemAnswer::Redeemed { .. });
    assert!(redeemed.iter().all(is_redeemed), "{redeemed:?}");
    endings(bench, second.iter().map(order).collect(), issued).await;
}

/// Orders that come to nothing, and what else ends a voucher's use.
async fn endings(bench: &mut Bench, orders: Vec<PlaceHold>, issued: Vec<VoucherId>) {
    let office = bench.office.clone();
    let (clerk, manager) = (office.by("clerk"), office.by("manager"));
    let second: Vec<VoucherId> = orders.iter().map(|order| order.voucher).collect();
    // Placed together, unmeasured.
    let held = office
        .batch(&clerk, orders, |conn, requests| {
            Box::pin(voucher::hold(conn, requests))
        })
        .await;
    let release = held.iter().map(|held| Release {
        hold: hold_of(held),
        reason: reason(),
    });
    bench
        .commands(
            "voucher.release",
            &clerk,
            release.collect(),
            |conn, requests| Box::pin(voucher::release(conn, requests)),
        )
        .await;
    let freeze = second.iter().map(|voucher| Freeze {
        frozen: true,
        reason: reason(),
        voucher: *voucher,
    });
    bench
        .commands(
            "voucher.freeze",
            &manager,
            freeze.collect(),
            |conn, requests| Box::pin(voucher::freeze(conn, requests)),
        )
        .await;
    let cancel = issued.iter().map(|voucher| Cancel {
        reason: reason(),
        voucher: *voucher,
    });
    bench
        .commands(
            "voucher.cancel",
            &manager,
            cancel.collect(),
            |conn, requests| Box::pin(voucher::cancel(conn, requests)),
        )
        .await;
}

#[expect(clippy::panic, reason = "a benchmark fails where it stands")]
fn hold_of(answer: &HoldAnswer) -> HoldId {
    match answer {
        HoldAnswer::Held { hold, .. } => *hold,
        HoldAnswer::Refused(refused) => panic!("{refused:?}"),
    }
}

/// New claims, from draft to what is owed; and drafts of the stock, corrected and withdrawn.
pub(crate) async fn claims(bench: &mut Bench, look: &mut PgConnection, size: Size) {
    let office = bench.office.clone();
    let (clerk, reviewer) = (office.by("clerk"), office.by("reviewer"));
    let parties = firms(look, size.payees).await;
    let new = parties
        .iter()
        .rev()
        .cycle()
        .take(bench.wanted())
        .enumerate();
    let drafts = new.map(|(number, party)| draft(size.claims + number, *party));
    let drafted = bench
        .commands("claim.draft", &clerk, drafts.collect(), |conn, requests| {
            Box::pin(claim::draft(conn, requests))
        })
        .await;
    let claims: Vec<ClaimId> = drafted.iter().map(drafted_claim).collect();
    let submits = claims.iter().map(|claim| Submit { claim: *claim });
    let submitted = bench
        .commands(
            "claim.submit",
            &clerk,
            submits.collect(),
            |conn, requests| Box::pin(claim::submit(conn, requests)),
        )
        .await;
    let is_submitted = |answer: &SubmitAnswer| matches!(answer, SubmitAnswer::Submitted { .. });
    assert!(submitted.iter().all(is_submitted), "{submitted:?}");
    let reviews = claims.iter().map(|claim| recommend(*claim));
    bench
        .commands(
            "claim.review",
            &reviewer,
            reviews.collect(),
            |conn, requests| Box::pin(claim::review(conn, requests)),
        )
        .await;
    approvals(bench, look).await;
    changes(bench, look, size).await;
}

async fn approvals(bench: &mut Bench, look: &mut PgConnection) {
    let manager = bench.office.by("manager");
    let sql = format!(
        "SELECT claim_id, reviewed_index FROM ledger.claim WHERE state = 'recommended'
         ORDER BY drafted_index DESC LIMIT {}",
        bench.wanted()
    );
    let recommended = rows(look, sql).await;
    let approve = recommended.iter().map(|row| Approve {
        claim: ClaimId(row.get(0)),
        review: LogIndex(row.get(1)),
    });
    let approved = bench
        .commands(
            "claim.approve",
            &manager,
            approve.collect(),
            |conn, requests| Box::pin(claim::approve(conn, requests)),
        )
        .await;
    let is_approved = |answer: &ApproveAnswer| matches!(answer, ApproveAnswer::Approved { .. });
    assert!(approved.iter().all(is_approved), "{approved:?}");
}

async fn changes(bench: &mut Bench, look: &mut PgConnection, size: Size) {
    let clerk = bench.office.by("clerk");
    let sql = format!(
        "SELECT claim_id, party_id FROM ledger.claim WHERE state = 'draft' ORDER BY drafted_index LIMIT {}",
        bench.wanted()
    );
    let drafts = rows(look, sql).await;
    let revise = drafts.iter().enumerate().map(|(number, row)| Revise {
        claim: ClaimId(row.get(0)),
        content: draft(2 * size.claims + number, PartyId(row.get(1))).content,
        relief: None,
    });
    let revised = bench
        .commands(
            "claim.revise",
            &clerk,
            revise.collect(),
            |conn, requests| Box::pin(claim::revise(conn, requests)),
        )
        .await;
    let is_revised = |answer: &DraftAnswer| matches!(answer, DraftAnswer::Drafted(_));
    assert!(revised.iter().all(is_revised), "{revised:?}");
    let withdraw = drafts.iter().map(|row| Withdraw {
        claim: ClaimId(row.get(0)),
        reason: reason(),
    });
    bench
        .commands(
            "claim.withdraw",
            &clerk,
            withdraw.collect(),
            |conn, requests| Box::pin(claim::withdraw(conn, requests)),
        )
        .await;
}

/// New leases of one tenant, with waivers that it confirms; bills and payments of the stock's leases, and deferrals.
pub(crate) async fn rent(bench: &mut Bench, look: &mut PgConnection) {
    let carrier = *of_role(look, "carrier", 1).await.first().unwrap();
    let tenant = *firms(look, 1).await.first().unwrap();
    bench.office.enrol_for("tenant", tenant).await;
    let office = bench.office.clone();
    let clerk = office.by("clerk");
    let new = (0..bench.wanted()).map(|number| lease(10_000_000 + number, carrier, tenant));
    let added = bench
        .commands("rent.lease", &clerk, new.collect(), |conn, requests| {
            Box::pin(rent::add_lease(conn, requests))
        })
        .await;
    let leases: Vec<LeaseId> = added
        .iter()
        .filter_map(|answer| match answer {
            LeaseAnswer::Added { lease } => Some(*lease),
            LeaseAnswer::Ended { .. } | LeaseAnswer::Refused(_) => None,
        })
        .collect();
    assert_eq!(leases.len(), bench.wanted(), "{added:?}");
    let month = BILLED.first().unwrap().parse().unwrap();
    let bills = leases.iter().map(|lease| BillRent {
        lease: *lease,
        month,
        on: None,
    });
    let billed = bench
        .commands("rent.bill", &clerk, bills.collect(), |conn, requests| {
            Box::pin(rent::bill_rent(conn, requests))
        })
        .await;
    let is_billed = |answer: &RentAnswer| matches!(answer, RentAnswer::Billed { .. });
    assert!(billed.iter().all(is_billed), "{billed:?}");
    waivers(bench, &leases).await;
    deferrals(bench, look).await;
}

async fn waivers(bench: &mut Bench, leases: &[LeaseId]) {
    let office = bench.office.clone();
    let waive = leases.iter().map(|lease| Waive {
        against: Vec::new(),
        evidence: Vec::new(),
        from: Some(BILLED.first().unwrap().parse().unwrap()),
        landlord_relief: None,
        lease: *lease,
        measure: Measure::Half,
        until: None,
        way: Way::Reduction,
    });
    let clerk = office.by("clerk");
    let waived = bench
        .commands("rent.waive", &clerk, waive.collect(), |conn, requests| {
            Box::pin(rent::waive(conn, requests))
        })
        .await;
    let waivers: Vec<WaiverId> = waived.iter().map(declared).collect();
    let confirm = waivers.iter().map(|waiver| ConfirmWaiver {
        evidence: Vec::new(),
        stated: "3000.00".to_owned(),
        waiver: *waiver,
    });
    let tenant = office.by("tenant");
    bench
        .commands(
            "rent.confirm",
            &tenant,
            confirm.collect(),
            |conn, requests| Box::pin(rent::confirm_waiver(conn, requests)),
        )
        .await;
    let audit = waivers.iter().map(|waiver| AuditWaiver {
        amount: "3000.00".to_owned(),
        compensable: true,
        evidence: Vec::new(),
        reason: reason(),
        waiver: *waiver,
    });
    let reviewer = office.by("reviewer");
    let audited = bench
        .commands(
            "rent.audit",
            &reviewer,
            audit.collect(),
            |conn, requests| Box::pin(rent::audit_waiver(conn, requests)),
        )
        .await;
    let is_audited = |answer: &WaiverAnswer| matches!(answer, WaiverAnswer::Audited { .. });
    assert!(audited.iter().all(is_audited), "{audited:?}");
}

#[expect(clippy::panic, reason = "a benchmark fails where it stands")]
fn declared(answer: &WaiverAnswer) -> WaiverId {
    let WaiverAnswer::Declared { waiver, .. } = answer else {
        panic!("{answer:?}");
    };
    *waiver
}

async fn deferrals(bench: &mut Bench, look: &mut PgConnection) {
    let clerk = bench.office.by("clerk");
    let sql = format!(
        "SELECT lease_id FROM ledger.lease WHERE EXISTS (SELECT FROM ledger.rent_bill b
             WHERE b.zone_id = lease.zone_id AND b.lease_id = lease.lease_id AND b.month = '2020-05-01')
         ORDER BY md5(premises) LIMIT {}",
        bench.wanted()
    );
    let leases: Vec<LeaseId> = ids(look, sql).await.into_iter().map(LeaseId).collect();
    let pay = leases.iter().map(|lease| PayRent {
        amount: "6000.00".to_owned(),
        lease: *lease,
        month: None,
    });
    let paid = bench
        .commands("rent.pay", &clerk, pay.collect(), |conn, requests| {
            Box::pin(rent::pay_rent(conn, requests))
        })
        .await;
    let is_paid = |answer: &RentAnswer| matches!(answer, RentAnswer::Paid { .. });
    assert!(paid.iter().all(is_paid), "{paid:?}");
    let defer = leases.iter().map(|lease| DeferRent {
        amount: None,
        evidence: Vec::new(),
        from: "2020-04".parse().unwrap(),
        lease: *lease,
        schedule: Schedule::Months {
            count: 3,
            first: "2020-07-31".parse().unwrap(),
        },
        until: "2020-05".parse().unwrap(),
    });
    let deferred = bench
        .commands("rent.defer", &clerk, defer.collect(), |conn, requests| {
            Box::pin(rent::defer_rent(conn, requests))
        })
        .await;
    let instalments = deferred.iter().map(|answer| PayInstalment {
        amount: "4000.00".to_owned(),
        deferral: agreed(answer),
    });
    bench
        .commands(
            "rent.instalment",
            &clerk,
            instalments.collect(),
            |conn, requests| Box::pin(rent::pay_instalment(conn, requests)),
        )
        .await;
}

#[expect(clippy::panic, reason = "a benchmark fails where it stands")]
fn agreed(answer: &DeferralAnswer) -> DeferralId {
    let DeferralAnswer::Agreed { deferral, .. } = answer else {
        panic!("{answer:?}");
    };
    *deferral
}
