//! What the ledger knows of an applicant by itself: nobody states it, and every way of deciding sees the same.

use subsidy_ledger::fact::{NewStatement, When};
use subsidy_ledger::policy::{Fact, Facts, Moment, Outcome, Policy, Raw, Source, check};
use subsidy_ledger::screening::{self, ScreeningError, Wanted};
use subsidy_ledger::types::Currency;
use subsidy_ledger::{party, voucher};

use crate::award_run::{approved, resume};
use crate::caps::pack;
use crate::fact::{days, declared, evidence, state_as};
use crate::kit::scenario::{Step, World, day};
use crate::kit::table::Play;
use crate::policy_cases::pack_text;
use crate::policy_replay;

fn changed(name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = pack_text(name);
    for (old, new) in changes {
        assert!(text.contains(old), "{name} has no {old:?}");
        text = text.replace(old, new);
    }
    text
}

async fn play(code: &str, pack: &str, years: &[i16]) -> Play {
    check(pack).unwrap_or_else(|problems| panic!("{}", problems.render(code)));
    let play = Play::new(&[]).await;
    play.world.publish(code, pack).await;
    for year in years {
        play.world.fund(code, *year, 1_000_000).await;
    }
    play
}

const FIRM: &str = "applicant_kind=enterprise industry=software staff=15 annual_sales=6000000.00 \
    rd_expense=800000.00";

#[tokio::test]
async fn what_is_left_of_last_year_bars_an_application() {
    let code = "SZX-VOUCHER";
    let mut play = play(code, &pack_text("shenzhen-2022"), &[2022, 2023]).await;
    let table = "day | who | command | outcome
        2022-03-01 | clerk    | apply a SZX-VOUCHER f ALIKE service_price=260000.00 prior_year_unused=1.00 | pass 100000.00 reasons=CAP_FIRM_YEAR
        2022-03-02 | reviewer | review a       | recommended 100000.00
        2022-03-03 | manager  | issue a        | issued 100000.00 last_day=2022-12-31 reasons=CAP_FIRM_YEAR
        2023-01-03 | clerk    | apply b SZX-VOUCHER f ALIKE service_price=260000.00 | fail 0.00 reasons=PRIOR_BALANCE
        2023-01-03 | manager  | expire a       | lapsed 100000.00
        2023-01-04 | clerk    | apply c SZX-VOUCHER f ALIKE service_price=260000.00 prior_year_unused=0.00 | fail 0.00 reasons=PRIOR_BALANCE
        2023-01-04 | clerk    | apply d SZX-VOUCHER g ALIKE service_price=260000.00 | pass 100000.00 reasons=CAP_FIRM_YEAR
        2023-01-05 | reviewer | review c       | rejected reasons=PRIOR_BALANCE
        2023-01-05 | reviewer | review d       | recommended 100000.00
        2023-01-06 | manager  | issue d        | issued 100000.00 last_day=2023-12-31 reasons=CAP_FIRM_YEAR";
    play.check(&table.replace("ALIKE", FIRM)).await;

    // All ways of deciding say the same of every party.
    let world = &play.world;
    let zone = world.zone.clone();
    let read = world.db.app().read(zone.id, zone, |conn, zone| {
        Box::pin(async move {
            let policy = Policy::parse(&pack_text("shenzhen-2022")).unwrap();
            let on = day("2023-02-01");
            let mut assumed = Facts::new(Currency::Cny);
            for pair in
                format!("{FIRM} service_price=260000.00 prior_year_unused=5.00").split_whitespace()
            {
                let (name, value) = pair.split_once('=').unwrap();
                let fact = Fact::named(name).unwrap();
                assumed
                    .state(fact, Raw::typed(fact, value), Source::Imported, on)
                    .unwrap();
            }
            let wanted = Wanted::new(&policy, Moment::Grant);
            let screened = screening::screen(conn, zone, wanted, on, &assumed, &|_, _| {}).await?;
            let mut found = Vec::new();
            for (row, id) in screened.parties.iter().enumerate() {
                let party = party::store::party(conn, zone.id, *id).await?.unwrap();
                let one = screening::for_party(conn, zone, &party, on, &assumed).await?;
                let mut one = one.into_iter();
                let one = one.find(|one| one.policy.code().as_str() == "SZX-VOUCHER");
                let single = one.unwrap().decision.outcome;
                found.push((*id, screened.screening.outcomes[row], single));
            }
            Ok::<_, ScreeningError>(found)
        })
    });
    let found = read.await.unwrap();
    assert_eq!(found.len(), 2);
    for (party, whole, single) in found {
        assert_eq!(whole, single);
        let barred = party == world.parties["f"];
        // g has used up its limit of the year, which screening counts as well.
        let full = party == world.parties["g"];
        assert_eq!(whole == Outcome::Fail, barred || full);
    }
}

/// What was granted between an application and its issue counts, also in the same batch.
#[tokio::test]
async fn issues_rest_on_what_was_granted_just_before() {
    let code = "SZ-OLD";
    let pack = changed("shenzhen-2015", &[("\"SZX-VOUCHER\"", "\"SZ-OLD\"")]);
    let mut play = play(code, &pack, &[2020]).await;
    let table = "day | who | command | outcome
        2020-03-02 | clerk    | apply a SZ-OLD f ALIKE requested_amount=10000.00 | pass 10000.00
        2020-03-02 | clerk    | apply b SZ-OLD f ALIKE requested_amount=10000.00 | pass 10000.00
        2020-03-02 | clerk    | apply c SZ-OLD f ALIKE requested_amount=10000.00 | pass 10000.00
        2020-03-03 | reviewer | review a       | recommended 10000.00
        2020-03-03 | reviewer | review b       | recommended 10000.00
        2020-03-03 | reviewer | review c       | recommended 10000.00";
    play.check(&table.replace("ALIKE", FIRM)).await;
    let issue = |name: &str| {
        let caller = play.world.caller("manager", "2020-03-04", Some(name));
        let application = play.vouchers[name];
        (caller, Step::Issue(voucher::Issue { application }))
    };
    let given = play.world.try_give(vec![issue("a"), issue("b")]).await;
    let outcomes: Vec<_> = given
        .unwrap()
        .into_iter()
        .map(|given| given.unwrap().1)
        .collect();
    assert_eq!(outcomes[0]["outcome"], "issued");
    assert_eq!(outcomes[1]["outcome"], "rejected");
    assert_eq!(outcomes[1]["reasons"][0], "EARLIER_QUOTA");
    let (caller, step) = issue("c");
    let later = play.world.give(caller, step).await.unwrap().1;
    assert_eq!(later["reasons"][0], "EARLIER_QUOTA");
    policy_replay::check(&play.world).await;
    play.world.check_invariants().await;
}

#[tokio::test]
async fn vouchers_of_one_type_are_counted() {
    let changes = [
        ("currency = \"EUR\"", "currency = \"CNY\""),
        ("until = 2010-01-01", "until = 2040-01-01"),
    ];
    let pack = changed("netherlands-2008", &changes);
    let mut play = play("NL-VOUCHER", &pack, &[2020]).await;
    play.check("day | who | command | outcome
        2020-03-02 | clerk    | apply a NL-VOUCHER f voucher_type=large service_price=7500.00 | pass 5000.00
        2020-03-03 | reviewer | review a       | recommended 5000.00
        2020-03-04 | manager  | issue a        | issued 5000.00 last_day=2021-03-04
        2020-03-05 | clerk    | apply b NL-VOUCHER f voucher_type=small service_price=2500.00 | pass 2500.00
        2020-03-06 | reviewer | review b       | recommended 2500.00
        2020-03-07 | manager  | issue b        | issued 2500.00 last_day=2021-03-07
        2020-03-08 | clerk    | apply c NL-VOUCHER f voucher_type=small service_price=2500.00 | fail 0.00 reasons=SMALL_ONCE
        2020-03-08 | clerk    | apply d NL-VOUCHER f voucher_type=large service_price=7500.00 | pass 5000.00")
        .await;
}

/// Two runs with the same list: what the first gave bars the second, although it was looked up before.
#[tokio::test]
async fn an_award_run_sees_what_another_gave() {
    let exclusion = r#"
[[exclusion]]
code = "EARLIER"
at = ["grant"]
clause = { zh = "一", en = "1" }
title = { zh = "以前的券", en = "Earlier voucher" }
reason = { zh = "只给一次。", en = "Given once." }
test = { fact = "earlier_awards", at_least = 1 }
[grant]
"#;
    let pack = pack("RUN", &[], &[])
        .replace("[grant]\n", exclusion)
        .replace(
            "requested_amount = \"1.00\" }",
            "requested_amount = \"1.00\", earlier_awards = 0 }",
        );
    let world = World::new(&[]).await;
    world.publish("RUN", &pack).await;
    world.fund("RUN", 2020, 1_000).await;
    let (first, second) = (
        approved(&world, "10.00").await,
        approved(&world, "10.00").await,
    );
    let done = resume(&world, "manager2", first, 1).await.unwrap();
    assert_eq!((done.decided, done.awarded), (2, 2));
    let done = resume(&world, "manager2", second, 1).await.unwrap();
    assert_eq!((done.decided, done.awarded), (2, 0));
    policy_replay::check(&world).await;
    world.check_invariants().await;
}

/// A reviewer has checked what a firm says of itself.
async fn verified(play: &Play, party: &str, of_year: &str, standing: &str) {
    let world = &play.world;
    for (when, facts) in [
        (When::Year(2021), of_year),
        (days("2022-01-01", ""), standing),
    ] {
        let new = NewStatement {
            source: Source::Verified,
            evidence: vec![evidence()],
            ..declared(world.parties[party], when, facts)
        };
        let caller = world.caller("reviewer", "2022-02-01", None);
        state_as(world, caller, new).await.unwrap();
    }
}

#[tokio::test]
async fn what_was_verified_counts_and_need_not_be_stated_again() {
    let mut play = play("SZX-VOUCHER", &pack_text("shenzhen-2022"), &[2022]).await;
    let software = r#"{"industry":"software"}"#;
    let large = r#"{"annual_sales":"2000000000.00","rd_expense":"0.00","staff":400}"#;
    let small = r#"{"annual_sales":"6000000.00","rd_expense":"800000.00","staff":15}"#;
    verified(&play, "f", large, software).await;
    verified(&play, "g", small, software).await;
    let table = "day | who | command | outcome
        2022-03-01 | clerk    | apply a SZX-VOUCHER f ALIKE service_price=260000.00 | fail 0.00 reasons=SIZE_CLASS,RESEARCH_SPENDING
        2022-03-01 | clerk    | apply b SZX-VOUCHER g applicant_kind=enterprise service_price=260000.00 | pass 100000.00 reasons=CAP_FIRM_YEAR
        2022-03-02 | reviewer | review a       | rejected reasons=SIZE_CLASS,RESEARCH_SPENDING
        2022-03-02 | reviewer | review b       | recommended 100000.00
        2022-03-03 | manager  | issue b        | issued 100000.00 last_day=2022-12-31 reasons=CAP_FIRM_YEAR
        2022-03-04 | g        | hold h b p 260000.00 catalogue_year=2022 contract_signed_on=2022-03-04 | held 100000.00 own_share=160000.00";
    play.check(&table.replace("ALIKE", FIRM)).await;
}
