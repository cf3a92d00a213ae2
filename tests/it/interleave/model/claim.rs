//! Claims (DOMAIN 5): drafted, submitted, reviewed, shown in a public notice, approved; returned, declined, withdrawn.

use chrono::NaiveDate;
use subsidy_ledger::calendar::Calendar;
use subsidy_ledger::identity::Role::{
    Auditor, Finance, Incubator, Manager, Provider, Reviewer, Sme,
};

use super::super::command::{Command, Content, Verdict};
use super::super::office::{HALF, NOTICED, PARTIES, RANKED, SHARED, Who, acts_for, has};
use super::payment::Basis;
use super::round::{Among, is_first, ranks, share};

use super::{Line, Model, Outcome, Payable, Why};

/// Working days of a notice by the rules of Shaanxi.
const NOTICE_DAYS: u16 = 5;
/// What a firm gets in a year of programmes that limit it.
const YEARLY: i64 = 200_000_00;

fn yearly(programme: &str) -> Option<i64> {
    (programme != HALF).then_some(YEARLY)
}

/// One in so many, to the nearest fen.
const fn part(base: i64, one_in: i64) -> i64 {
    (base * 2 + one_in) / (one_in * 2)
}

/// Whether claims are shown to the public before they are decided.
pub(in crate::interleave) fn asks_notice(programme: &str) -> bool {
    [NOTICED, RANKED].contains(&programme)
}

#[derive(Clone)]
pub(in crate::interleave) struct Claim {
    pub(in crate::interleave) programme: &'static str,
    pub(in crate::interleave) party: &'static str,
    pub(in crate::interleave) content: Content,
    pub(in crate::interleave) version: i32,
    pub(in crate::interleave) state: &'static str,
    pub(in crate::interleave) drafted_by: Who,
    pub(in crate::interleave) submitted_by: Option<Who>,
    pub(in crate::interleave) submitted_on: Option<NaiveDate>,
    /// The version of the rules that it was submitted under.
    pub(in crate::interleave) version_of_rules: usize,
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
            let nothing_left = waiver.standing() == 0 && !waiver.is_converted;
            match waiver.state() {
                _ if nothing_left => why.when(true, "NO_RELIEF"),
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
        let pays_claims = [HALF, NOTICED, SHARED, RANKED].contains(&programme);
        why.unless(pays_claims, "facts");
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
            submitted_on: None,
            version_of_rules: 1,
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
        let states = matches!(claim.content, Content::Stated(_)) && claim.programme != SHARED;
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
        let version_of_rules = match claim.programme {
            HALF => self.in_force(self.today),
            _ => 1,
        };
        self.claims[at] = Claim {
            version_of_rules,
            state: "submitted",
            submitted_by: Some(who),
            submitted_on: Some(self.today),
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

    /// What was paid, or waived.
    pub(super) fn base(&self, claim: &Claim) -> i64 {
        match &claim.content {
            Content::Stated(fen) => *fen,
            Content::Waivers(waivers) => {
                let audited = |at: &usize| self.waivers[*at].audited.map_or(0, |(fen, _)| fen);
                waivers.iter().map(audited).sum()
            }
        }
    }

    /// What the rules grant on a claim today, by itself or by what a round says of it: ratio first, limits after.
    pub(super) fn compensation(&self, claim: &Claim, among: Among) -> i64 {
        let base = self.base(claim);
        if claim.programme == RANKED && !self.qualifies(RANKED, claim.party, self.today) {
            return 0;
        }
        let given = match claim.programme {
            HALF => part(base, self.one_in(claim.version_of_rules)),
            SHARED => share(base, among),
            _ if is_first(among) => (base + 5) / 10,
            _ => 0,
        };
        let of = (claim.programme, Some(self.year()));
        let left = |most| most - self.used("Q30", of, claim.party);
        let left = yearly(claim.programme).map_or(i64::MAX, left);
        given.min(left).max(0)
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
        let granted = self.compensation(&claim, Among::default());
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
        if asks_notice(programme) && why.0.is_empty() {
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
    pub(in crate::interleave) fn is_shown(&self, claim: &Claim) -> bool {
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
        let unseen = asks_notice(claim.programme) && claim.state == "recommended";
        why.when(unseen, "NOTICE_REQUIRED");
        why.when(
            claim.state == "noticed" && self.is_shown(&claim),
            "NOTICE_RUNNING",
        );
        self.check_relief(at, &mut why);
        let placing = self.placing(at);
        why.when(ranks(claim.programme) && placing.is_none(), "RANKED");
        let among = placing.map_or_else(Among::default, |one| self.among(one));
        let most = placing.map_or(i64::MAX, |one| one.amount);
        let fen = self
            .compensation(&claim, among)
            .min(claim.recommended.unwrap_or(0))
            .min(most);
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
        if let Some(most) = yearly(claim.programme) {
            let of = (claim.programme, Some(line.year));
            self.take_limit(("Q20", "Q30"), of, claim.party, (most, fen));
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
