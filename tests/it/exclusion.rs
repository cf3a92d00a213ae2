//! Parties that get nothing new for some days, in a real Postgres.

use serde_json::Value;
use subsidy_ledger::batch::Rejected;
use subsidy_ledger::exclusion::{self, ConfirmExclusion, Exclude, LiftExclusion, RejectExclusion};
use subsidy_ledger::party;
use subsidy_ledger::policy::{Fact, Facts, Moment, Outcome, Raw, Source};
use subsidy_ledger::screening::{self, ScreeningError, Wanted};
use subsidy_ledger::types::{Currency, LogIndex};

use crate::claim::{Claims, recuse};
use crate::kit::scenario::{Given, World, day};
use crate::kit::table::Play;

const ON: &str = "2020-05-31";

/// Gives one command, and its answer in one word: the outcome, or the code of a refusal.
macro_rules! give {
    ($world:expr, $who:expr, $input:expr, $run:path) => {{
        let caller = $world.caller($who, ON, None);
        let given = $world.batch(vec![(caller, $input)], |conn, requests| {
            Box::pin($run(conn, requests))
        });
        given.await.unwrap().pop().unwrap()
    }};
}

fn word(given: &Given) -> String {
    match given {
        Err(Rejected::Forbidden(_)) => "forbidden".to_owned(),
        Err(other) => other.to_string(),
        Ok((_, answer)) => {
            let code = answer.get("code").or(answer.get("outcome"));
            code.and_then(Value::as_str).unwrap().to_owned()
        }
    }
}

/// Proposes to exclude a party from June to December 2020.
async fn propose(world: &World, who: &str, party: &str) -> Given {
    let input = Exclude {
        first_day: day("2020-06-01"),
        last_day: day("2020-12-31"),
        party: world.parties[party],
        reason: "defrauded".parse().unwrap(),
    };
    give!(world, who, input, exclusion::exclude)
}

pub(crate) async fn confirm(world: &World, who: &str, proposed_index: LogIndex) -> String {
    let input = ConfirmExclusion { proposed_index };
    word(&give!(world, who, input, exclusion::confirm))
}

pub(crate) async fn reject(world: &World, who: &str, proposed_index: LogIndex) -> String {
    let reason = "another party".parse().unwrap();
    let input = RejectExclusion {
        proposed_index,
        reason,
    };
    word(&give!(world, who, input, exclusion::reject))
}

pub(crate) async fn lift(world: &World, who: &str, proposed_index: LogIndex) -> String {
    let reason = "by the court".parse().unwrap();
    let input = LiftExclusion {
        proposed_index,
        reason,
    };
    word(&give!(world, who, input, exclusion::lift))
}

/// The entry of a proposal by the reviewer.
pub(crate) async fn proposed(world: &World, party: &str) -> LogIndex {
    propose(world, "reviewer", party).await.unwrap().0
}

#[tokio::test]
async fn an_exclusion_takes_two_persons_and_is_decided_and_lifted_once() {
    let world = World::new(&[]).await;
    recuse(&world, "manager", "manager2", "f").await.unwrap();
    for (who, expected) in [
        ("cashier", "forbidden"),
        ("f", "forbidden"),
        ("manager2", "RECUSED"),
    ] {
        assert_eq!(word(&propose(&world, who, "f").await), expected, "{who}");
    }
    let first = propose(&world, "manager", "f").await.unwrap().0;
    let unknown = confirm(&world, "finance", LogIndex(0)).await;
    assert_eq!(unknown, "no exclusion proposed by entry 0 in this zone");
    for (who, expected) in [
        ("reviewer", "forbidden"),
        ("manager", "SEGREGATION"),
        ("manager2", "RECUSED"),
    ] {
        assert_eq!(confirm(&world, who, first).await, expected, "{who}");
    }
    assert_eq!(lift(&world, "manager", first).await, "WRONG_STATE");
    assert_eq!(confirm(&world, "finance", first).await, "confirmed");
    assert_eq!(confirm(&world, "all", first).await, "WRONG_STATE");
    assert_eq!(reject(&world, "manager", first).await, "WRONG_STATE");
    assert_eq!(lift(&world, "finance", first).await, "SEGREGATION");
    assert_eq!(lift(&world, "manager", first).await, "lifted");
    assert_eq!(lift(&world, "manager", first).await, "WRONG_STATE");
    let second = proposed(&world, "f").await;
    assert_eq!(reject(&world, "manager", second).await, "rejected");
    assert_eq!(confirm(&world, "finance", second).await, "WRONG_STATE");
    world.check_invariants().await;
}

#[tokio::test]
async fn nothing_is_claimed_by_a_party_that_is_excluded() {
    let mut claims = Claims::new(1_000_000).await;
    let half = "relief_kind=waiver waived_amount=200000.00 tenant_confirmed=200000.00 landlord_relief=0.00 docs";
    let begun = |name: &str| {
        format!(
            "2020-05-01 | f        | draft {name} RENT-HALF f {half} | drafted version=1
            2020-05-01 | f        | submit {name}   | submitted pass 100000.00 version=1"
        )
    };
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            {}
            {}
            2020-05-02 | reviewer | review b recommend | recommended 100000.00
            2020-05-02 | f        | draft c RENT-HALF f {half} | drafted version=1",
            begun("a"),
            begun("b")
        ))
        .await;
    let excluded = proposed(&claims.world, "f").await;
    assert_eq!(
        confirm(&claims.world, "manager", excluded).await,
        "confirmed"
    );
    let refused = "refused EXCLUDED reasons=2020-12-31";
    claims
        .check(&format!(
            "day       | who      | command    | outcome
            2020-06-01 | f        | submit c   | {refused}
            2020-06-01 | reviewer | review a recommend | {refused}
            2020-06-01 | manager  | approve b  | {refused}
            2020-06-01 | reviewer | review a return | returned
            2020-06-01 | f        | submit a   | {refused}"
        ))
        .await;
    assert_eq!(lift(&claims.world, "manager2", excluded).await, "lifted");
    claims
        .check(
            "day       | who      | command    | outcome
            2020-06-02 | manager  | approve b  | approved 100000.00 level=1 role=manager
            2020-06-02 | f        | submit a   | submitted pass 100000.00 version=1",
        )
        .await;
}

#[tokio::test]
async fn no_voucher_is_issued_to_or_used_by_a_party_that_is_excluded() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=100000.00 | pass 50000.00
        2020-05-01 | clerk    | apply b SH f applicant_kind=enterprise service_price=100000.00 | pass 50000.00
        2020-05-02 | reviewer | review a   | recommended 50000.00
        2020-05-02 | reviewer | review b   | recommended 50000.00
        2020-05-03 | manager  | issue a    | issued 50000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00",
    )
    .await;
    let excluded = proposed(&play.world, "f").await;
    assert_eq!(confirm(&play.world, "manager", excluded).await, "confirmed");
    // What was ordered before is redeemed.
    play.check(
        "day       | who      | command    | outcome
        2020-06-01 | manager  | issue b    | refused EXCLUDED reasons=2020-12-31
        2020-06-01 | clerk    | apply c SH f applicant_kind=enterprise service_price=100000.00 | pass 50000.00 excluded_until=2020-12-31
        2020-06-01 | f        | hold i a p 20000.00 | refused EXCLUDED reasons=2020-12-31
        2020-06-01 | p        | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00",
    )
    .await;
}

#[tokio::test]
async fn an_excluded_provider_gets_no_new_orders() {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=100000.00 | pass 50000.00
        2020-05-02 | reviewer | review a   | recommended 50000.00
        2020-05-03 | manager  | issue a    | issued 50000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00",
    )
    .await;
    let excluded = proposed(&play.world, "p").await;
    assert_eq!(confirm(&play.world, "manager", excluded).await, "confirmed");
    // What was ordered before is redeemed.
    play.check(
        "day       | who | command    | outcome
        2020-06-01 | f   | hold i a p 20000.00 | refused PROVIDER_EXCLUDED reasons=2020-12-31
        2020-06-01 | p   | redeem h 20000.00 | redeemed 10000.00 own_share=10000.00 payee=p returned=0.00",
    )
    .await;
}

/// What screening a zone and one party says on a day: how many pass and how many of these are excluded, and until when the
/// party is, by both.
async fn screened(world: &World, name: &str, on: &'static str) -> [String; 2] {
    let input = (world.zone.clone(), world.parties[name]);
    let read = world
        .db
        .app()
        .read(world.zone.id, input, move |conn, (zone, id)| {
            Box::pin(async move {
                let on = day(on);
                let mut assumed = Facts::new(Currency::Cny);
                for (fact, value) in [
                    (Fact::ApplicantKind, "enterprise"),
                    (Fact::ServicePrice, "100000.00"),
                ] {
                    let raw = Raw::typed(fact, value);
                    assumed.state(fact, raw, Source::Imported, on).unwrap();
                }
                let policy =
                    screening::find_policy(conn, zone, &"SH-VOUCHER".parse().unwrap(), on).await?;
                let wanted = Wanted::new(&policy, Moment::Grant);
                let all = screening::screen(conn, zone, wanted, on, &assumed, &|_, _| {}).await?;
                let pass = all.screening.count(Outcome::Pass);
                let party = party::store::party(conn, zone.id, *id).await?.unwrap();
                let one = screening::for_party(conn, zone, &party, on, &assumed).await?;
                let one = one
                    .iter()
                    .find(|one| one.policy.code().as_str() == "SH-VOUCHER");
                let one = one.unwrap();
                assert_eq!(one.decision.outcome, Outcome::Pass);
                assert_eq!(one.excluded_until, all.excluded.until(*id));
                let until = one.excluded_until.map(|last| last.to_string());
                Ok::<_, ScreeningError>([
                    format!("{} of {pass}", all.excluded()),
                    until.unwrap_or_default(),
                ])
            })
        });
    read.await.unwrap()
}

#[tokio::test]
async fn screenings_name_the_parties_that_are_excluded() {
    let play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    let excluded = proposed(&play.world, "f").await;
    assert_eq!(screened(&play.world, "f", "2020-06-01").await[1], "");
    assert_eq!(confirm(&play.world, "manager", excluded).await, "confirmed");
    for (party, on, until) in [
        ("f", "2020-05-31", ""),
        ("f", "2020-06-01", "2020-12-31"),
        ("f", "2020-12-31", "2020-12-31"),
        ("f", "2021-01-01", ""),
        ("g", "2020-06-01", ""),
    ] {
        let of_pass = if (day("2020-06-01")..=day("2020-12-31")).contains(&day(on)) {
            "1 of 2"
        } else {
            "0 of 2"
        };
        let found = screened(&play.world, party, on).await;
        assert_eq!(
            found,
            [of_pass.to_owned(), until.to_owned()],
            "{party} {on}"
        );
    }
}
