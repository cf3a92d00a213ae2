//! Claims.

use subsidy_ledger::claim::{
    self, Approve, Content, Decline, Document, Draft, Objection, ReliefAsked, Review, Revise,
    Revoke, Submit, Turn, Verdict, Withdraw,
};
use subsidy_ledger::contract::MilestoneId;
use subsidy_ledger::policy::{Fact, Facts, Raw, Sha256, Source};
use subsidy_ledger::types::{ClaimId, Code, ContractId, Currency, LogIndex, NoticeId, WaiverId};

use super::super::command::{self, Content as Claimed};
use super::error::Code as _;
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
                    content: self.content(content),
                    party: self.party(party),
                    programme: programme.parse().unwrap(),
                    relief: self.relief(content),
                };
                of_case!(self, input, claim::draft)
            }
            Command::Revise { claim: at, content } => {
                let input = Revise {
                    claim: claim(at),
                    content: self.content(content),
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
                Told::of(given, |(index, published)| Told {
                    id: Some(published.notice.0),
                    ..Told::recorded(index.0)
                })
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

    pub(super) async fn after_approval(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::ApproveNotice { notice } => {
                let notice = NoticeId(self.names.case('N', *notice));
                let given = of_one!(self, notice, |conn, command, notice| {
                    Box::pin(async move { claim::approve_notice(conn, command, *notice).await })
                });
                Told::of(given, |answers| {
                    let mut rejected = answers.into_iter().filter_map(Result::err);
                    let rejected = rejected.next();
                    rejected.map_or_else(Told::default, |why| Told::refused(why.code()))
                })
            }
            Command::RevokeClaim { claim } => {
                let input = Revoke {
                    claim: ClaimId(self.names.case('C', *claim)),
                    reason: reason(),
                };
                of_case!(self, input, claim::revoke)
            }
            _ => return None,
        };
        Some(told)
    }

    /// What a claim says, and the milestone that it names.
    fn content(&self, claimed: &Claimed) -> Content {
        let milestone = match claimed {
            Claimed::Invoice(_, milestone) => *milestone,
            Claimed::Stated(_) | Claimed::Waivers(_) => None,
        };
        let milestone = milestone.map(|(contract, number)| MilestoneId {
            contract: ContractId(self.names.case('K', contract)),
            number,
        });
        Content {
            milestone,
            ..content_of(claimed)
        }
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

/// All documents that any programme asks for, and the relief, unless the rent book says it, or the invoice. All programmes of
/// relief get the same facts: one looks at what the tenant confirms, others at the days, or at what was paid.
fn content_of(claimed: &Claimed) -> Content {
    let document = |number: u16| Document {
        number: Some(number),
        sha256: Sha256::of(format!("document {number}").as_bytes()),
    };
    let said = match claimed {
        Claimed::Stated(fen) => vec![
            ("relief_kind", "waiver".to_owned()),
            ("waived_amount", text(*fen)),
            ("tenant_confirmed", text(*fen)),
            ("paid_amount", text(*fen)),
            ("major_incident", "false".to_owned()),
            ("landlord_relief", "0.00".to_owned()),
            ("waiver_from", "2020-02-01".to_owned()),
            ("waiver_until", "2020-07-31".to_owned()),
        ],
        Claimed::Waivers(_) => Vec::new(),
        Claimed::Invoice(fen, _) => vec![
            ("service_complete", "true".to_owned()),
            ("invoiced_amount", text(*fen)),
        ],
    };
    let mut facts = Facts::new(Currency::Cny);
    for (name, text) in said {
        let fact = Fact::named(name).unwrap();
        let raw = Raw::typed(fact, &text);
        facts
            .state(fact, raw, Source::Declared, stated_on())
            .unwrap();
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
