//! Claims.

use subsidy_ledger::claim::{
    self, Approve, Content, Decline, Document, Draft, Objection, ReliefAsked, Review, Revise,
    Submit, Turn, Verdict, Withdraw,
};
use subsidy_ledger::policy::{Fact, Facts, Raw, Sha256, Source};
use subsidy_ledger::types::{ClaimId, Code, Currency, LogIndex, WaiverId};

use super::super::command::{self, Content as Claimed};
use super::{Command, Giving, Told, changed, condition, of_case, of_one, reason, stated_on, text};

impl Giving {
    pub(super) async fn of_claim(&self) -> Option<Told> {
        let claim = |at: &usize| ClaimId(self.names.case('C', *at));
        let told = match &self.asked.command {
            Command::Draft {
                programme,
                party,
                content,
            } => {
                let input = Draft {
                    content: content_of(content),
                    party: self.party(party),
                    programme: programme.parse().unwrap(),
                    relief: self.relief(content),
                };
                of_case!(self, input, claim::draft)
            }
            Command::Revise { claim: at, content } => {
                let input = Revise {
                    claim: claim(at),
                    content: content_of(content),
                    relief: self.relief(content),
                };
                of_case!(self, input, claim::revise)
            }
            Command::Submit { claim: at } => {
                of_case!(self, Submit { claim: claim(at) }, claim::submit)
            }
            Command::Withdraw { claim: at } => {
                let input = Withdraw {
                    claim: claim(at),
                    reason: reason(),
                };
                of_case!(self, input, claim::withdraw)
            }
            Command::ReviewClaim {
                claim: at,
                verdict,
                version,
            } => {
                let input = Review {
                    claim: claim(at),
                    facts: None,
                    reason: Some(reason()),
                    verdict: match verdict {
                        command::Verdict::Recommend => Verdict::Recommend,
                        command::Verdict::Return => Verdict::Return,
                        command::Verdict::Reject => Verdict::Reject,
                    },
                    version: *version,
                };
                of_case!(self, input, claim::review)
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) async fn after_review(&self) -> Option<Told> {
        let claim = |at: &usize| ClaimId(self.names.case('C', *at));
        let told = match &self.asked.command {
            Command::Notice { programme } => {
                let code: Code = programme.parse().unwrap();
                let given = of_one!(self, code, |conn, command, code| {
                    Box::pin(async move { claim::publish_notice(conn, &command, code).await })
                });
                Told::of(given, |(index, _)| Told::recorded(index.0))
            }
            Command::Rank { programme } => {
                let code: Code = programme.parse().unwrap();
                let given = of_one!(self, code, |conn, command, code| {
                    Box::pin(async move { claim::rank(conn, &command, code).await })
                });
                Told::of(given, |(index, _)| Told::recorded(index.0))
            }
            Command::Object { claim: at } => {
                let input = Objection {
                    claim: claim(at),
                    reason: reason(),
                };
                of_case!(self, input, claim::object)
            }
            Command::ApproveClaim { claim: at, review } => {
                let input = Approve {
                    claim: claim(at),
                    review: LogIndex(*review),
                };
                let mut told = of_case!(self, input, claim::approve);
                told.id = None;
                told
            }
            Command::Decline {
                claim: at,
                review,
                back,
            } => {
                let input = Decline {
                    claim: claim(at),
                    reason: reason(),
                    review: LogIndex(*review),
                    turn: if *back { Turn::Back } else { Turn::Down },
                };
                of_case!(self, input, claim::decline)
            }
            _ => return None,
        };
        Some(told)
    }

    fn relief(&self, claimed: &Claimed) -> Option<ReliefAsked> {
        let Claimed::Waivers(waivers) = claimed else {
            return None;
        };
        let waivers = waivers.iter().map(|at| WaiverId(self.names.case('W', *at)));
        Some(ReliefAsked::Named {
            from: None,
            until: None,
            waivers: waivers.collect(),
        })
    }
}

/// All documents that any programme asks for, and the relief, unless the rent book says it. All programmes get the same
/// facts: one looks at what the tenant confirms, others at the days, or at what was paid.
fn content_of(claimed: &Claimed) -> Content {
    let document = |number: u16| Document {
        number: Some(number),
        sha256: Sha256::of(format!("document {number}").as_bytes()),
    };
    let mut facts = Facts::new(Currency::Cny);
    if let Claimed::Stated(fen) = claimed {
        let sum = text(*fen);
        for (name, text) in [
            ("relief_kind", "waiver"),
            ("waived_amount", &sum),
            ("tenant_confirmed", &sum),
            ("paid_amount", &sum),
            ("major_incident", "false"),
            ("landlord_relief", "0.00"),
            ("waiver_from", "2020-02-01"),
            ("waiver_until", "2020-07-31"),
        ] {
            let fact = Fact::named(name).unwrap();
            let raw = Raw::typed(fact, text);
            facts
                .state(fact, raw, Source::Declared, stated_on())
                .unwrap();
        }
    }
    Content {
        documents: (1..=6).map(document).collect(),
        facts,
        lines: Vec::new(),
        milestone: None,
    }
}

/// The rules of the programmes of claims: those of Fujian in force from 2020 on, so that all meet; and those of Shaanxi
/// once more, for the first only, and on conditions of facts.
pub(in crate::interleave) fn packs() -> [(&'static str, String); 4] {
    use super::super::office::{FIRST, HALF, NOTICED, RANKED, SHARED};
    let fujian = crate::policy_cases::pack_text("fujian-2022");
    let (since, from) = ("from = 2022-01-01", "from = 2020-01-01");
    assert!(fujian.contains(since));
    let first = format!(r#"{{ top = {FIRST}, by = "waived_amount", ties = ["claimed_on"] }}"#);
    let facts = [
        condition(
            "MAJOR_INCIDENT",
            "",
            r#"fact = "major_incident", is = false"#,
        ),
        condition(
            "CARRIER_LEVEL",
            "",
            r#"fact = "carrier_level", one_of = ["municipal", "provincial", "national"]"#,
        ),
        "[claim]\n".to_owned(),
    ];
    let changes = [
        (r#""fcfs""#, first.as_str()),
        ("SHAANXI-RENT", RANKED),
        ("[claim]\n", &facts.concat()),
    ];
    [
        (HALF, crate::policy_cases::pack_text("rent-half-2020")),
        (NOTICED, crate::policy_cases::pack_text("shaanxi-2020")),
        (SHARED, fujian.replace(since, from)),
        (RANKED, changed("shaanxi-2020", &changes, "claim")),
    ]
}
