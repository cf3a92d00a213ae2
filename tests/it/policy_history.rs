//! A draft against what was decided: cases, not decisions; what it lacks; the budget; and nothing is written.

use subsidy_ledger::policy::{Fact, Moment, Outcome, Policy};
use subsidy_ledger::screening::{CaseChange, History, OfMoment, Rerun, Span};

use crate::kit::scenario::{World, day};
use crate::kit::table::Play;
use crate::policy_cases::pack_text;
use crate::policy_replay::played;

/// A pack with these changes, each of which must change something; it begins long after everything that was decided.
fn draft(pack: &str, changes: &[(&str, &str)]) -> Policy {
    let mut text = pack_text(pack);
    for (old, new) in changes {
        assert!(text.contains(old), "{pack} has no {old:?}");
        text = text.replace(old, new);
    }
    let from = text.find("[in_force]\nfrom = 20").unwrap() + "[in_force]\nfrom = ".len();
    text.replace_range(from..from + 4, "2040");
    Policy::parse(&text).unwrap_or_else(|problems| panic!("{}", problems.render(pack)))
}

/// The log read from its end, in pages that split cases.
async fn history(world: &World, draft: Policy, span: Span, page: u16) -> History {
    let rerun = Rerun::new(&world.zone, &draft, span, None, 1).unwrap();
    let rerun = rerun.in_pages_of(page);
    let history = rerun.run(world.db.app(), &world.zone, &|_, _| {});
    history.await.unwrap()
}

fn of(history: &History, moment: Moment) -> &OfMoment {
    let mut moments = history.moments.iter();
    moments.find(|of| of.moment == moment).unwrap()
}

/// Outcome and amount before and after.
fn change(change: &CaseChange) -> (Outcome, &str, Outcome, &str) {
    let CaseChange {
        before,
        amount_before,
        after,
        amount_after,
        ..
    } = change;
    (*before, amount_before, *after, amount_after)
}

#[tokio::test]
async fn cases_are_decided_again_by_the_draft() {
    let play = played().await;
    let world = &play.world;
    let (state, size) = (world.state().await, world.size().await);
    let lower = draft(
        "yuhuan-2023",
        &[("amount = \"50000.00\"", "amount = \"8000.00\"")],
    );
    let found = history(world, lower, Span::default(), 3).await;

    assert_eq!((found.decisions, found.lost), (7, 0));
    let grants = of(&found, Moment::Grant);
    assert_eq!(
        (grants.cases, grants.before.pass, grants.after.pass),
        (1, 1, 1)
    );
    assert_eq!(grants.before.amount, "20000.00");
    assert_eq!(grants.after.amount, "8000.00");
    assert_eq!((grants.gain, grants.lose, grants.undecided), (0, 1, 0));
    let lost = &grants.losses[0];
    assert_eq!(
        change(lost),
        (Outcome::Pass, "20000.00", Outcome::Pass, "8000.00")
    );
    assert_eq!(lost.party, Some(world.parties["f"]));
    assert_eq!(lost.reasons[0].as_str(), "CAP_HOLDING");
    let year = &found.years[0];
    assert_eq!(
        (year.given.as_str(), year.given_by_draft.as_str()),
        ("20000.00", "8000.00")
    );
    assert_eq!(
        (year.budget_left.as_str(), year.left_by_draft.as_str()),
        ("980000.00", "992000.00")
    );
    // An order that was refused, and one with its bill, which was refused once: two cases of four decisions.
    let bills = of(&found, Moment::Redemption);
    assert_eq!(
        (bills.cases, bills.before.pass, bills.before.fail),
        (2, 1, 1)
    );
    assert_eq!(bills.before.amount, "15000.00");
    assert_eq!(bills.after.amount, "15000.00");
    assert_eq!((bills.gain, bills.lose), (0, 0));

    assert_eq!((world.state().await, world.size().await), (state, size));
}

#[tokio::test]
async fn who_was_refused_gains_and_facts_that_nobody_was_asked_for_are_counted_apart() {
    let play = played().await;
    let world = &play.world;
    let two = (
        "fact = \"core_members\", at_least = 3",
        "fact = \"core_members\", at_least = 2",
    );
    let found = history(world, draft("shanghai-2020", &[two]), Span::default(), 500).await;
    let grants = of(&found, Moment::Grant);
    assert_eq!(
        (grants.cases, grants.before.fail, grants.before.needs_review),
        (2, 1, 1)
    );
    assert_eq!((grants.gain, grants.lose, grants.undecided), (1, 0, 1));
    assert_eq!(
        change(&grants.gains[0]),
        (Outcome::Fail, "0.00", Outcome::Pass, "100000.00")
    );
    assert_eq!(
        grants.gains[0].reasons_before[0].as_str(),
        "TEAM_CONDITIONS"
    );
    assert_eq!(grants.gains[0].party, Some(world.parties["g"]));
    assert_eq!(grants.missing[Fact::CoreMembers.name()], 1);

    let unasked = [
        (
            "fact = \"core_members\", at_least = 3",
            "fact = \"heads\", at_least = 3",
        ),
        ("scope = \"firm_year\"", "scope = \"lifetime\""),
    ];
    let found = history(
        world,
        draft("shanghai-2020", &unasked),
        Span::default(),
        500,
    )
    .await;
    let grants = of(&found, Moment::Grant);
    assert_eq!((grants.gain, grants.lose, grants.undecided), (0, 0, 2));
    assert_eq!(grants.missing[Fact::Heads.name()], 2);
    assert_eq!(grants.uncounted["used_in_life"], 2);

    // Up to the day of the applications the reviews are not seen; after it, nothing else is.
    for (from, until, decisions) in [
        ("2020-03-02", "2020-03-02", 2),
        ("2020-03-03", "2020-12-31", 2),
    ] {
        let span = Span {
            from: Some(day(from)),
            until: Some(day(until)),
        };
        let found = history(world, draft("shanghai-2020", &[two]), span, 500).await;
        assert_eq!(found.decisions, decisions);
        assert_eq!(of(&found, Moment::Grant).cases, 2);
    }
}

/// Two firms ask for what the budget has for one: the rules as they are give what was given, and leave what is left.
#[tokio::test]
async fn the_same_rules_leave_the_same_budget() {
    let mut play = Play::new(&[("YH", 2023, 30_000)]).await;
    play.check(
        "day       | who      | command                        | outcome
        2023-05-02 | clerk    | apply a YH f requested_amount=20000.00 | pass 20000.00
        2023-05-02 | clerk    | apply b YH g requested_amount=20000.00 | pass 20000.00
        2023-05-03 | reviewer | review a                       | recommended 20000.00
        2023-05-03 | reviewer | review b                       | recommended 20000.00
        2023-05-04 | manager  | issue a                        | issued 20000.00 last_day=2023-08-04
        2023-05-04 | manager  | issue b                        | refused BUDGET_EXHAUSTED",
    )
    .await;
    let world = &play.world;
    let years = async |changes: &[(&str, &str)]| {
        let found = history(world, draft("yuhuan-2023", changes), Span::default(), 500).await;
        let [year] = &found.years[..] else {
            panic!("{found:?}")
        };
        [
            &year.given,
            &year.given_by_draft,
            &year.passed_in_vain,
            &year.passed_in_vain_by_draft,
            &year.budget_left,
            &year.left_by_draft,
        ]
        .map(Clone::clone)
    };
    assert_eq!(
        years(&[]).await,
        [
            "20000.00", "20000.00", "20000.00", "20000.00", "10000.00", "10000.00"
        ]
    );
    let lower = [("amount = \"50000.00\"", "amount = \"8000.00\"")];
    assert_eq!(
        years(&lower).await,
        [
            "20000.00", "8000.00", "20000.00", "8000.00", "10000.00", "22000.00"
        ]
    );
}
