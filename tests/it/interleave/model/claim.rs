//! Claims (DOMAIN 5): drafted, submitted, reviewed, shown in a public notice, approved; returned, declined, withdrawn.

use chrono::{Datelike as _, NaiveDate};
use subsidy_ledger::calendar::Calendar;
use subsidy_ledger::identity::Role::{
    Auditor, Finance, Incubator, Manager, Provider, Reviewer, Sme,
};

use super::super::command::{Command, Content, Verdict};
use super::super::office::{HALF, NOTICED, PARTIES, Who, acts_for, has};
use super::payment::Basis;
use super::voucher::half;
use super::{Line, Model, Outcome, Payable, Why};

/// Working days of a notice by the rules of Shaanxi.
const NOTICE_DAYS: u16 = 5;
/// What a firm gets of it in a year.
const YEARLY: i64 = 200_000_00;

#[derive(Clone)]
pub(in crate::interleave) struct Claim {
    pub(in crate::interleave) programme: &'static str,
    pub(in crate::interleave) party: &'static str,
    pub(in crate::interleave) content: Content,
    pub(in crate::interleave) version: i32,
    pub(in crate::interleave) state: &'static str,
    pub(in crate::interleave) drafted_by: Who,
    pub(in crate::interleave) submitted_by: Option<Who>,
    /// Who reviewed it, by which entry.
    pub(in crate::interleave) review: Option<(Who, i64)>,
    pub(in crate::interleave) recommended: Option<i64>,
    pub(in crate::interleave) notice: Option<usize>,
    pub(in crate::interleave) awarded: Option<i64>,
}

/// A public notice, whose last day blocks approval.
#[derive(Clone)]
pub(in crate::interleave) struct Notice {
    pub(in crate::interleave) last_day: NaiveDate,
}

impl Claim {
    /// Everybody who acted on it before it is approved.
    fn hands(&self) -> impl Iterator<Item = Who> {
        let reviewer = self.review.map(|(by, _)| by);
        [Some(self.drafted_by), self.submitted_by, reviewer]
            .into_iter()
            .flatten()
    }

    fn waivers(&self) -> &[usize] {
        match &self.content {
            Content::Stated(_) => &[],
            Content::Waivers(waivers) => waivers,
        }
    }
}

impl Model {
    pub(super) fn of_claim(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match command {
            Command::Draft {
                programme,
                party,
                content,
            } => self.draft(who, programme, party, content),
            Command::Revise { claim, content } => self.revise(who, *claim, content),
            Command::Submit { claim } => self.submit(who, *claim),
            Command::Withdraw { claim } => self.withdraw(who, *claim),
            Command::ReviewClaim {
                claim,
                verdict,
                version,
            } => self.review_claim(who, *claim, *verdict, *version),
            Command::Notice { programme } => self.notice(who, programme),
            Command::Object { claim } => self.object(who, *claim),
            Command::ApproveClaim { claim, review } => self.approve_claim(who, *claim, *review),
            Command::Decline {
                claim,
                review,
                back,
            } => self.decline(who, *claim, *review, *back),
            _ => return None,
        })
    }

    /// A claim names waivers only that tenant and audit have settled and that no claim was approved on.
    fn check_content(&self, party: &str, content: &Content, why: &mut Why) {
        let Content::Waivers(waivers) = content else {
            return;
        };
        for at in waivers {
            let its = self
                .waivers
                .get(*at)
                .filter(|one| self.leases[one.lease].carrier == party);
            let Some(waiver) = its else {
                why.0.insert("unknown waiver");
                continue;
            };
            match waiver.state() {
                _ if !waiver.counts() => why.when(true, "NO_RELIEF"),
                "mismatched" => why.when(true, "TENANT_MISMATCH"),
                "declared" | "confirmed" => why.when(true, "RELIEF_WAITS"),
                "claimed" => why.when(true, "ALREADY_CLAIMED"),
                "non_compensable" | "voided" => why.when(true, "NO_RELIEF"),
                _ => {}
            }
        }
    }

    fn draft(
        &mut self,
        who: Who,
        programme: &'static str,
        party: &'static str,
        content: &Content,
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Sme, Provider, Incubator]);
        let known = PARTIES.contains(&party) && acts_for(who, &[party]);
        why.unless(known, "unknown party");
        why.unless([HALF, NOTICED].contains(&programme), "facts");
        self.check_content(party, content, &mut why);
        why.check()?;
        let done = self.begins(format!("C{}", self.claims.len()));
        self.claims.push(Claim {
            programme,
            party,
            content: content.clone(),
            version: 1,
            state: "draft",
            drafted_by: who,
            submitted_by: None,
            review: None,
            recommended: None,
            notice: None,
            awarded: None,
        });
        Ok(done)
    }

    /// The claim of a number, for whoever acts for its party.
    fn own_claim(&self, who: Who, at: usize) -> Result<(Why, Claim), Why> {
        let mut why = Why::default();
        why.needs(who, &[Sme, Provider, Incubator]);
        match self
            .claims
            .get(at)
            .filter(|claim| acts_for(who, &[claim.party]))
        {
            Some(claim) => Ok((why, claim.clone())),
            None => why.and("unknown claim"),
        }
    }

    fn revise(&mut self, who: Who, at: usize, content: &Content) -> Outcome {
        let (mut why, claim) = self.own_claim(who, at)?;
        why.unless(["draft", "returned"].contains(&claim.state), "WRONG_STATE");
        self.check_content(claim.party, content, &mut why);
        why.check()?;
        let claim = &mut self.claims[at];
        claim.content = content.clone();
        claim.version += 1;
        Ok(self.one())
    }

    /// What relief a claim rests on must still be so: in the rent book, taken by no other claim; and a carrier whose leases are
    /// in the book does not state relief by itself.
    fn check_relief(&self, at: usize, why: &mut Why) {
        let claim = &self.claims[at];
        let has_leases = self.leases.iter().any(|lease| lease.carrier == claim.party);
        let states = matches!(claim.content, Content::Stated(_));
        why.when(states && has_leases, "RELIEF_IN_BOOK");
        for waiver in claim.waivers() {
            let by_another = self.taken.get(waiver).is_some_and(|other| *other != at);
            let state = self.waivers[*waiver].state();
            why.when(by_another || state == "claimed", "ALREADY_CLAIMED");
            why.when(state == "voided", "RELIEF_CHANGED");
        }
    }

    fn submit(&mut self, who: Who, at: usize) -> Outcome {
        let (mut why, claim) = self.own_claim(who, at)?;
        why.unless(["draft", "returned"].contains(&claim.state), "WRONG_STATE");
        why.when(self.is_excluded(claim.party), "EXCLUDED");
        self.check_relief(at, &mut why);
        why.check()?;
        self.free_waivers(at);
        self.taken
            .extend(claim.waivers().iter().map(|waiver| (*waiver, at)));
        self.claims[at] = Claim {
            state: "submitted",
            submitted_by: Some(who),
            review: None,
            recommended: None,
            notice: None,
            ..claim
        };
        Ok(self.one())
    }

    /// Other claims may rest on what this one did.
    fn free_waivers(&mut self, claim: usize) {
        self.taken.retain(|_, by| *by != claim);
    }

    fn withdraw(&mut self, who: Who, at: usize) -> Outcome {
        let (mut why, claim) = self.own_claim(who, at)?;
        let is_over = ["approved", "rejected", "withdrawn"].contains(&claim.state);
        why.when(is_over, "WRONG_STATE");
        why.check()?;
        self.claims[at].state = "withdrawn";
        self.free_waivers(at);
        Ok(self.one())
    }

    /// What the rules grant on a claim today: those of Shaanxi on relief of 2020 alone.
    fn compensation(&self, claim: &Claim) -> i64 {
        let base = match &claim.content {
            Content::Stated(fen) => *fen,
            Content::Waivers(waivers) => {
                let audited = |at: &usize| self.waivers[*at].audited.map_or(0, |(fen, _)| fen);
                waivers.iter().map(audited).sum()
            }
        };
        if claim.programme == HALF {
            return half(base);
        }
        let is_within = |at: &usize| {
            let (first, last) = self.waivers[*at].claimed_days();
            first.year() == 2020 && last.year() == 2020
        };
        if !claim.waivers().iter().all(is_within) {
            return 0;
        }
        let used = self.used("Q30", (NOTICED, Some(self.year())), claim.party);
        ((base + 5) / 10).min(YEARLY - used).max(0)
    }

    fn review_claim(&mut self, who: Who, at: usize, verdict: Verdict, version: i32) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer]);
        let Some(claim) = self.claims.get(at).cloned() else {
            return why.and("unknown claim");
        };
        why.unless(
            ["submitted", "objected"].contains(&claim.state),
            "WRONG_STATE",
        );
        why.when(claim.version != version, "STALE");
        let before = [Some(claim.drafted_by), claim.submitted_by];
        why.when(before.contains(&Some(who)), "SEGREGATION");
        if verdict == Verdict::Recommend {
            why.when(self.is_excluded(claim.party), "EXCLUDED");
            self.check_relief(at, &mut why);
        }
        why.check()?;
        let granted = self.compensation(&claim);
        let (state, recommended) = match verdict {
            Verdict::Return => ("returned", None),
            Verdict::Recommend if granted > 0 => ("recommended", Some(granted)),
            Verdict::Recommend | Verdict::Reject => ("rejected", None),
        };
        self.claims[at] = Claim {
            state,
            recommended,
            review: Some((who, self.size)),
            notice: None,
            ..claim
        };
        if state == "rejected" {
            self.free_waivers(at);
        }
        Ok(self.one())
    }

    /// Shows every recommended claim of a programme whose rules ask for it: an entry of its own, and one for each claim.
    fn notice(&mut self, who: Who, programme: &str) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager]);
        let shown =
            |claim: &&mut Claim| claim.programme == programme && claim.state == "recommended";
        let at = self.notices.len();
        let period = Calendar::china().notice(self.today, NOTICE_DAYS);
        let mut entries = 0;
        if programme == NOTICED && why.0.is_empty() {
            for claim in self.claims.iter_mut().filter(shown) {
                (claim.state, claim.notice) = ("noticed", Some(at));
                entries += 1;
            }
        }
        why.when(entries == 0, "nothing to show");
        why.check()?;
        let last_day = period.last().unwrap();
        self.notices.push(Notice { last_day });
        Ok(self.several(1 + entries))
    }

    /// Whether the notice of a claim still runs.
    fn is_shown(&self, claim: &Claim) -> bool {
        let notice = claim.notice.map(|at| &self.notices[at]);
        notice.is_some_and(|notice| self.today <= notice.last_day)
    }

    fn object(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager, Auditor]);
        let Some(claim) = self.claims.get(at) else {
            return why.and("unknown claim");
        };
        why.when(claim.state != "noticed", "WRONG_STATE");
        why.unless(self.is_shown(claim), "NOTICE_OVER");
        why.check()?;
        self.claims[at].state = "objected";
        Ok(self.one())
    }

    /// A claim that was recommended, for a manager who acted on it in nothing else and has seen its last review.
    fn for_approval(&self, who: Who, at: usize, seen: i64) -> Result<(Why, Claim), Why> {
        let mut why = Why::default();
        why.needs(who, &[Manager, Finance]);
        let Some(claim) = self.claims.get(at) else {
            return why.and("unknown claim");
        };
        why.unless(
            ["recommended", "noticed"].contains(&claim.state),
            "WRONG_STATE",
        );
        why.when(claim.review.map(|(_, entry)| entry) != Some(seen), "STALE");
        why.unless(has(who, &[Manager]), "LEVEL_ORDER");
        why.when(claim.hands().any(|hand| hand == who), "SEGREGATION");
        Ok((why, claim.clone()))
    }

    fn approve_claim(&mut self, who: Who, at: usize, seen: i64) -> Outcome {
        let (mut why, claim) = self.for_approval(who, at, seen)?;
        why.when(self.is_excluded(claim.party), "EXCLUDED");
        let asks_notice = claim.programme == NOTICED;
        why.when(
            asks_notice && claim.state == "recommended",
            "NOTICE_REQUIRED",
        );
        why.when(
            claim.state == "noticed" && self.is_shown(&claim),
            "NOTICE_RUNNING",
        );
        self.check_relief(at, &mut why);
        let fen = self
            .compensation(&claim)
            .min(claim.recommended.unwrap_or(0));
        let line = Line {
            programme: claim.programme,
            year: self.year(),
        };
        if fen > 0 {
            self.can_spend(line, fen, &mut why);
        }
        why.check()?;
        if fen == 0 {
            self.claims[at].state = "rejected";
            self.free_waivers(at);
            return Ok(self.one());
        }
        let waivers = claim.waivers().to_vec();
        let done = self.several(1 + i64::try_from(waivers.len()).unwrap());
        let submitter = claim.submitted_by.unwrap();
        let mut payable = Payable::new(claim.party, (line, fen), submitter, Basis::Claim);
        payable.hands.extend(claim.review.map(|(by, _)| by));
        payable.hands.insert(who);
        self.owe(&format!("C{at}"), &line.account("B30"), "F5020", payable);
        if asks_notice {
            let of = (NOTICED, Some(line.year));
            self.take_limit(("Q20", "Q30"), of, claim.party, (YEARLY, fen));
        }
        for waiver in waivers {
            self.waivers[waiver].is_claimed = true;
        }
        let claim = &mut self.claims[at];
        (claim.state, claim.awarded) = ("approved", Some(fen));
        Ok(done)
    }

    /// Whoever could approve turns it down, or sends it back to the claimant.
    fn decline(&mut self, who: Who, at: usize, seen: i64, back: bool) -> Outcome {
        let (why, _) = self.for_approval(who, at, seen)?;
        why.check()?;
        self.claims[at].state = if back { "returned" } else { "rejected" };
        if !back {
            self.free_waivers(at);
        }
        Ok(self.one())
    }
}
