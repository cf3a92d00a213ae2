//! Caps of every scope as accounts: counted with the money, never raced past, given back with what leaves unused.

use std::sync::Arc;

use subsidy_ledger::policy::{Fact, Facts, Moment, Raw, Source};
use subsidy_ledger::programme::{self, ProgrammeError};
use subsidy_ledger::screening::{self, Wanted};
use subsidy_ledger::types::VoucherId;
use subsidy_ledger::voucher::{Issue, Redeem};

use crate::kit::scenario::{Step, World, fen};
use crate::kit::table::Play;

/// A voucher programme that grants what is asked and pays what is billed, with these caps: `scope=20000.00`, or
/// `scope=3` for numbers of awards.
pub(crate) fn pack(code: &str, grant: &[&str], redemption: &[&str]) -> String {
    let caps = |moment: &str, caps: &[&str]| {
        let lines = caps.iter().map(|cap| {
            let (scope, most) = cap.split_once('=').unwrap();
            let most = if most.contains('.') {
                format!("amount = \"{most}\"")
            } else {
                format!("count = {most}")
            };
            format!(
                "[[{moment}.cap]]\nscope = \"{scope}\"\nclause = {{ zh = \"一\", en = \"1\" }}\n{most}\n"
            )
        });
        lines.collect::<String>()
    };
    format!(
        r#"code = "{code}"
version = "1"
title = {{ zh = "券", en = "Voucher" }}
currency = "CNY"
mode = "ex_ante"
payee = "firm"
exhaustion = "fcfs"
rounding = "half_up"
notice_days = 0
documents = [{{ zh = "申请表", en = "form" }}]
[in_force]
from = 2020-01-01
[validity]
months = 3
on_expiry = "reclaim"
[[legal_basis]]
title = {{ zh = "办法", en = "Rules" }}
clause = {{ zh = "一", en = "1" }}
evidence = "K"
[[funder]]
code = "CITY"
name = {{ zh = "市", en = "City" }}
share = "1"
[[criterion]]
code = "IDENTITY"
at = ["grant", "redemption"]
clause = {{ zh = "一", en = "1" }}
title = {{ zh = "身份", en = "Identity" }}
reason = {{ zh = "须有代码。", en = "A code is needed." }}
test = {{ valid_uscc = "uscc" }}
[grant]
base = "requested_amount"
rate = "1"
{}
[redemption]
base = "service_price"
rate = "1"
{}
[[example]]
title = "granted"
moment = "grant"
on = 2021-01-01
facts = {{ uscc = "91000000MA0000277Y", requested_amount = "1.00" }}
expect = {{ outcome = "pass", amount = "1.00" }}
"#,
        caps("grant", grant),
        caps("redemption", redemption)
    )
}

async fn play(caps: &[&str], redemption: &[&str]) -> Play {
    let play = Play::new(&[]).await;
    play.world
        .publish("CAPPED", &pack("CAPPED", caps, redemption))
        .await;
    for year in 2020..2025 {
        play.world.fund("CAPPED", year, 1_000_000).await;
    }
    play
}

/// `f 20000 cancelled`, in short for application, review, issue of a voucher of that name.
async fn grants(play: &mut Play, day: &str, lines: &[(&str, &str, i64, &str)]) {
    for (name, firm, asked, outcome) in lines {
        let table = format!(
            "day   | who      | command                                       | outcome
            {day} | clerk    | apply {name} CAPPED {firm} requested_amount={asked}.00 | pass {}",
            outcome.strip_prefix("issued ").unwrap_or(outcome),
        );
        // The outlook says what the issue will: nobody else is at it.
        if let Some(amount) = outcome.strip_prefix("issued ") {
            let (amount, reasons) = amount.split_once(' ').unwrap_or((amount, ""));
            let reasons = if reasons.is_empty() {
                String::new()
            } else {
                format!(" {reasons}")
            };
            play.check(&table).await;
            let last = last_day(day);
            play.check(&format!(
                "day   | who      | command        | outcome
                {day} | reviewer | review {name}  | recommended {amount}
                {day} | manager  | issue {name}   | issued {amount} last_day={last}{reasons}",
            ))
            .await;
        } else {
            play.check(&table.replace("pass ", "")).await;
        }
    }
}

fn last_day(day: &str) -> String {
    let day = crate::kit::scenario::day(day);
    let last = day.checked_add_months(chrono::Months::new(3)).unwrap();
    last.to_string()
}

async fn balances(play: &Play, codes: &[&str]) -> Vec<i64> {
    let all = play.world.balances().await;
    let of = |code: &&str| all.get(*code).copied().unwrap_or(0);
    codes.iter().map(of).collect()
}

/// What each of two firms would be given by a screening, and why not more.
async fn screened(
    play: &Play,
    on: &'static str,
    asked: &'static str,
) -> [(String, Vec<String>); 2] {
    let zone = play.world.zone.clone();
    let found = play.world.db.app().read(zone.id, zone, move |conn, zone| {
        Box::pin(async move {
            let on = crate::kit::scenario::day(on);
            let policy = screening::find_policy(conn, zone, &"CAPPED".parse().unwrap(), on).await?;
            let mut assumed = Facts::new(zone.currency);
            let asked = Raw::Text(asked);
            assumed
                .state(Fact::RequestedAmount, asked, Source::Declared, on)
                .unwrap();
            let wanted = Wanted::new(&policy, Moment::Grant);
            screening::screen(conn, zone, wanted, on, &assumed, &|_, _| {}).await
        })
    });
    let found = found.await.unwrap();
    ["f", "g"].map(|firm| {
        let row = found
            .parties
            .iter()
            .position(|id| *id == play.world.parties[firm])
            .unwrap();
        let reasons = found.reasons(row).iter().map(ToString::to_string).collect();
        (
            found.screening.amounts[row].to_text(play.world.zone.currency),
            reasons,
        )
    })
}

#[tokio::test]
async fn firms_of_one_controller_share_a_year() {
    let mut play = play(&["group_year=30000.00"], &[]).await;
    play.world.group("f", Some("甲"), "2020-02-01").await;
    play.world.group("g", Some("甲"), "2020-02-01").await;
    grants(
        &mut play,
        "2020-05-03",
        &[("a", "f", 20_000, "issued 20000.00")],
    )
    .await;
    // A screening counts what the group has used, for each of its firms.
    let limited = ("10000.00".to_owned(), vec!["CAP_GROUP_YEAR".to_owned()]);
    let found = screened(&play, "2020-05-04", "15000.00").await;
    assert_eq!(found, [limited.clone(), limited]);
    let lines = [
        ("b", "g", 20_000, "issued 10000.00 reasons=CAP_GROUP_YEAR"),
        ("c", "f", 1_000, "fail 0.00 reasons=CAP_GROUP_YEAR"),
    ];
    grants(&mut play, "2020-05-04", &lines).await;
    assert_eq!(balances(&play, &["Q22", "Q32"]).await, [0, fen(30_000)]);
    // What leaves unused is the group's again, and a firm takes along what it has used.
    play.check(
        "day | who | command | outcome\n2020-05-05 | manager | cancel a | cancelled 20000.00",
    )
    .await;
    assert_eq!(
        balances(&play, &["Q22", "Q32"]).await,
        [fen(20_000), fen(10_000)]
    );
    play.world.group("g", None, "2020-05-06").await;
    let lines = [
        ("d", "f", 30_000, "issued 30000.00"),
        ("e", "g", 30_000, "issued 20000.00 reasons=CAP_GROUP_YEAR"),
    ];
    grants(&mut play, "2020-05-06", &lines).await;
    // The new year is new.
    grants(
        &mut play,
        "2021-05-06",
        &[("h", "f", 30_000, "issued 30000.00")],
    )
    .await;
    play.check(
        "day | who | command | outcome\n2021-05-07 | manager | cancel d | cancelled 30000.00",
    )
    .await;
}

#[tokio::test]
async fn a_lifetime_has_no_years() {
    let mut play = play(&["lifetime=30000.00", "firm_year=20000.00"], &[]).await;
    let year = ("a", "f", 20_000, "issued 20000.00");
    grants(&mut play, "2020-05-04", &[year]).await;
    let next = ("b", "f", 20_000, "issued 10000.00 reasons=CAP_LIFETIME");
    grants(&mut play, "2021-05-04", &[next]).await;
    let last = ("c", "f", 1, "fail 0.00 reasons=CAP_LIFETIME");
    let other = ("d", "g", 1, "issued 1.00");
    grants(&mut play, "2022-05-04", &[last, other]).await;
    assert_eq!(balances(&play, &["Q34"]).await, [fen(30_001)]);
}

#[tokio::test]
async fn an_award_counts_as_long_as_something_of_it_is_used() {
    let mut play = play(&["year_count=2", "lifetime_count=3"], &[]).await;
    let two = [
        ("a", "f", 100, "issued 100.00"),
        ("b", "f", 100, "issued 100.00"),
        ("c", "f", 100, "fail 0.00 reasons=CAP_YEAR_COUNT"),
    ];
    grants(&mut play, "2020-05-04", &two).await;
    assert_eq!(
        balances(&play, &["Q11", "Q27", "Q37", "Q28", "Q38"]).await,
        [5, 0, 2, 1, 2]
    );
    play.check(
        "day       | who   | command          | outcome
        2020-05-04 | clerk | hold h a p 40.00 | held 40.00 own_share=0.00
        2020-05-05 | clerk | redeem h 40.00   | redeemed 40.00 own_share=0.00 payee=f returned=0.00
        2020-05-06 | manager | cancel a       | cancelled 60.00
        2020-05-06 | clerk | hold i b p 40.00 | held 40.00 own_share=0.00
        2020-05-06 | manager | cancel b       | cancelled 60.00",
    )
    .await;
    assert_eq!(balances(&play, &["Q37", "Q38"]).await, [2, 2]);
    // The last of the second leaves unused, with the hold that outlived it.
    play.check(
        "day       | who    | command   | outcome
        2020-09-01 | clerk  | release i | lapsed 40.00",
    )
    .await;
    assert_eq!(balances(&play, &["Q37", "Q38"]).await, [1, 1]);
    grants(&mut play, "2020-09-02", &[("d", "f", 100, "issued 100.00")]).await;
    grants(&mut play, "2021-09-02", &[("e", "f", 100, "issued 100.00")]).await;
    let over = ("x", "f", 100, "fail 0.00 reasons=CAP_LIFETIME_COUNT");
    grants(&mut play, "2021-09-03", &[over]).await;
}

#[tokio::test]
async fn a_programme_gives_no_more_than_its_cap_whatever_its_budget() {
    let mut play = play(&["programme=50000.00"], &[]).await;
    let lines = [
        ("a", "f", 30_000, "issued 30000.00"),
        ("b", "g", 30_000, "issued 20000.00 reasons=CAP_PROGRAMME"),
        ("c", "f", 1, "fail 0.00 reasons=CAP_PROGRAMME"),
    ];
    grants(&mut play, "2020-05-04", &lines).await;
    grants(
        &mut play,
        "2021-05-04",
        &[("d", "f", 30_000, "issued 30000.00")],
    )
    .await;
}

#[tokio::test]
async fn a_provider_s_year_is_counted_when_it_redeems() {
    let mut play = play(&[], &["provider_year=100.00"]).await;
    grants(&mut play, "2020-05-04", &[("a", "f", 500, "issued 500.00")]).await;
    play.check(
        "day       | who   | command          | outcome | Q23 Q33
        2020-05-04 | clerk | hold h a p 80.00 | held 80.00 own_share=0.00 | 0 0
        2020-05-04 | clerk | hold i a p 80.00 | held 80.00 own_share=0.00 | 0 0
        2020-05-04 | clerk | hold j a p 80.00 | held 80.00 own_share=0.00 | 0 0
        2020-05-05 | clerk | redeem h 80.00   | redeemed 80.00 own_share=0.00 payee=f returned=0.00 | 20 80
        2020-05-05 | clerk | redeem i 80.00   | redeemed 20.00 own_share=60.00 payee=f returned=60.00 | 0 100
        2020-05-05 | clerk | redeem j 80.00   | refused POLICY reasons=CAP_PROVIDER_YEAR | 0 100
        2020-05-05 | clerk | hold k a p 80.00 | refused POLICY reasons=CAP_PROVIDER_YEAR | 0 100
        2021-01-05 | clerk | redeem j 80.00   | redeemed 80.00 own_share=0.00 payee=f returned=0.00 | 20 180",
    )
    .await;
}

#[tokio::test]
async fn de_minimis_aid_is_counted_over_all_programmes_and_three_rolling_years() {
    let mut play = play(&["de_minimis=1000.00"], &[]).await;
    play.world
        .publish("OTHER", &pack("OTHER", &["de_minimis=1000.00"], &[]))
        .await;
    play.world.fund("OTHER", 2020, 1_000).await;
    play.world.group("f", Some("甲"), "2020-02-01").await;
    play.world.group("g", Some("甲"), "2020-02-01").await;
    grants(&mut play, "2020-05-04", &[("a", "f", 600, "issued 600.00")]).await;
    play.check(
        "day       | who      | command                             | outcome
        2020-06-04 | clerk    | apply o OTHER g requested_amount=300.00 | pass 300.00
        2020-06-04 | reviewer | review o | recommended 300.00
        2020-06-04 | manager  | issue o  | issued 300.00 last_day=2020-09-04",
    )
    .await;
    let last = ("b", "g", 600, "issued 100.00 reasons=CAP_DE_MINIMIS");
    grants(&mut play, "2021-05-04", &[last]).await;
    assert_eq!(balances(&play, &["Q25", "Q35"]).await, [0, fen(1_000)]);
    // The aid of 4 May 2020 counts until 3 May 2023.
    let nothing = ("c", "f", 600, "fail 0.00 reasons=CAP_DE_MINIMIS");
    grants(&mut play, "2023-05-03", &[nothing]).await;
    let rest = ("d", "f", 1_000, "issued 600.00 reasons=CAP_DE_MINIMIS");
    grants(&mut play, "2023-05-04", &[rest]).await;
    // What leaves unused is not aid.
    play.check("day | who | command | outcome\n2023-05-05 | manager | cancel d | cancelled 600.00")
        .await;
    let again = ("e", "g", 1_000, "issued 600.00 reasons=CAP_DE_MINIMIS");
    grants(&mut play, "2023-05-05", &[again]).await;
}

#[tokio::test]
async fn what_vouchers_can_not_count_is_not_published() {
    let world = World::new(&[]).await;
    for (grant, redemption, says) in [
        (
            &["provider_year=1.00"][..],
            &[][..],
            "write it in [redemption]",
        ),
        (&[], &["de_minimis=1.00"], "write it in [grant]"),
        (
            &["lifetime=1.00"],
            &["lifetime=1.00"],
            "one voucher would count twice",
        ),
    ] {
        let input = (
            "SH-VOUCHER".parse().unwrap(),
            pack("SH-VOUCHER", grant, redemption),
        );
        let caller = world.caller("rules", "2020-01-01", None);
        let proposed = world.one(caller, input, |conn, command, (code, pack)| {
            Box::pin(async move { programme::propose(conn, &command, code, pack).await })
        });
        let refusal = proposed.await.unwrap_err();
        assert!(matches!(refusal, ProgrammeError::Uncounted(_)), "{refusal}");
        assert!(refusal.to_string().contains(says), "{refusal}");
    }
}

/// Sixteen applications of two firms under one controller, each recommended.
async fn recommended(caps: &[&str]) -> (Play, Vec<VoucherId>) {
    let mut play = play(caps, &[]).await;
    play.world.group("f", Some("甲"), "2020-02-01").await;
    play.world.group("g", Some("甲"), "2020-02-01").await;
    // One table: what is checked after a table reads the whole log.
    let mut table = "day | who | command | outcome".to_owned();
    for number in 0..16 {
        let firm = ["f", "g"][number % 2];
        let rows = format!(
            "
            2020-05-01 | clerk    | apply v{number} CAPPED {firm} requested_amount=100.00 | pass 100.00
            2020-05-02 | reviewer | review v{number} | recommended 100.00",
        );
        table.push_str(&rows);
    }
    play.check(&table).await;
    let vouchers = (0..16).map(|number| play.voucher(&format!("v{number}")));
    let vouchers = vouchers.collect();
    (play, vouchers)
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_issues_never_pass_a_cap() {
    for (cap, used, most) in [
        ("group_year=450.00", "Q32", fen(450)),
        ("programme=450.00", "Q36", fen(450)),
        ("de_minimis=450.00", "Q35", fen(450)),
        ("lifetime=250.00", "Q34", fen(500)),
        ("year_count=3", "Q37", 6),
    ] {
        let (play, vouchers) = recommended(&[cap]).await;
        let play = Arc::new(play);
        let racers: Vec<_> = vouchers
            .into_iter()
            .map(|application| {
                let play = play.clone();
                tokio::spawn(async move {
                    let caller = play.world.caller("manager", "2020-05-03", None);
                    play.world
                        .give(caller, Step::Issue(Issue { application }))
                        .await
                        .unwrap()
                })
            })
            .collect();
        for racer in racers {
            racer.await.unwrap();
        }
        assert_eq!(balances(&play, &[used]).await, [most], "{cap}");
        play.world.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_redemptions_never_pass_a_provider_s_cap() {
    let mut play = play(&[], &["provider_year=450.00"]).await;
    grants(
        &mut play,
        "2020-05-04",
        &[("a", "f", 5_000, "issued 5000.00")],
    )
    .await;
    let mut table = "day | who | command | outcome".to_owned();
    for number in 0..8 {
        let row = format!(
            "
            2020-05-04 | clerk | hold h{number} a p 100.00 | held 100.00 own_share=0.00",
        );
        table.push_str(&row);
    }
    play.check(&table).await;
    let holds: Vec<_> = (0..8)
        .map(|number| play.hold(&format!("h{number}")))
        .collect();
    let play = Arc::new(play);
    let racers: Vec<_> = holds
        .into_iter()
        .map(|hold| {
            let play = play.clone();
            tokio::spawn(async move {
                let caller = play.world.caller("clerk", "2020-05-05", None);
                let redeem = Redeem {
                    evidence: Vec::new(),
                    hold,
                    price: "100.00".to_owned(),
                };
                play.world.give(caller, Step::Redeem(redeem)).await.unwrap()
            })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap();
    }
    assert_eq!(balances(&play, &["Q33", "F2010"]).await, [fen(450); 2]);
    play.world.check_invariants().await;
}
