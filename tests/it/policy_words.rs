//! What people read: every step of an amount, scores, days out of force, and what a check says of copies and long lines.

use subsidy_ledger::policy::{Facts, Locale, Moment, Policy, Usage, check, decide, explain};

use crate::policy_cases::{decision_of, pack_text, report};

const BOTH: [Locale; 2] = [Locale::Zh, Locale::En];

/// A reviewer can read every step aloud: limits and factors of a base, whom a rate is for, the band of a score.
#[test]
fn every_step_is_told() {
    for (name, id) in [
        ("limits_and_factors", "R13b"),
        ("within_both_limits", "R13 edge: below both limits"),
        ("the_smaller_of_two", "R17 in Jinan after the review"),
        ("a_sum_of_terms", "R7"),
        ("a_rate_for_some", "Wuchang recognition: national"),
        ("scores_and_bands", "E1"),
        ("a_class", "size class: V8's firm is small"),
        ("refused_as_a_whole", "E14"),
    ] {
        let (policy, decision) = decision_of(id);
        let text = BOTH
            .map(|locale| explain(&decision, &policy, locale).join("\n"))
            .join("\n\n");
        insta::assert_snapshot!(name, text);
    }
}

/// Asked on a day or at a moment at which it does not decide, a pack says when it does; no sentence is empty.
#[test]
fn a_pack_says_when_it_decides() {
    let policy = Policy::parse(&pack_text("shanghai-2020")).unwrap();
    let nothing = Facts::new(policy.currency());
    let told = |moment, on: &str| {
        let on = on.parse().unwrap();
        let decision = decide(&policy, moment, &nothing, &Usage::default(), on);
        BOTH.map(|locale| explain(&decision, &policy, locale).join("\n"))
            .join("\n\n")
    };
    let early = told(Moment::Grant, "2019-12-31");
    let other = told(Moment::Claim, "2020-06-01");
    for text in [&early, &other] {
        assert!(!text.contains(". .") && !text.contains("。。"), "{text}");
    }
    let sentence = "This policy decides at grant and redemption, not at claim.";
    assert!(other.contains(sentence), "{other}");
    assert!(other.contains("在申请、兑付环节评定"), "{other}");
    insta::assert_snapshot!("out_of_force", early);
}

/// A copy for later days: each example of an earlier day is named once, with what to do.
#[test]
fn a_copy_for_later_days_names_each_example_once() {
    let later = [("from = 2020-01-01", "from = 2022-01-01")];
    let said = report("shanghai-2020", &later);
    let examples = pack_text("shanghai-2020").matches("[[example]]").count();
    let moved = said.matches("remedy: move its `on` to a day").count();
    assert_eq!(moved, examples, "{said}");
    assert!(said.contains(&format!("{examples} problems")), "{said}");
    assert!(said.contains("this pack does not decide on 2020"), "{said}");
}

/// A pack may be one line: what is shown of it is what stands around the fault.
#[test]
fn a_long_line_is_shown_around_its_fault() {
    let long = format!("x = \"{}\", y = [\n", "长".repeat(100_000));
    let said = check(&long).unwrap_err().render("pack.toml");
    assert!(said.chars().count() < 1_000, "{}", said.chars().count());
    assert!(said.contains("pack.toml:1:100007: error"), "{said}");
    let (shown, marked) = said.split_once("...").unwrap();
    assert!(shown.ends_with("1 | "), "{shown}");
    assert!(marked.contains('^'), "{marked}");
}

/// A pack that is wrong everywhere is answered in reasonable time and length.
#[test]
fn no_more_problems_than_somebody_reads() {
    let wrong = "no_such_key_{n} = 1\n";
    let lines: String = (0..20_000)
        .map(|n| wrong.replace("{n}", &n.to_string()))
        .collect();
    let problems = check(&lines).unwrap_err();
    assert_eq!(problems.problems().len(), 500);
    let said = problems.render("pack.toml");
    assert!(said.ends_with("500 problems, and perhaps more\n"));
}
