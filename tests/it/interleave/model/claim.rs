//! Claims (DOMAIN 5): drafted, submitted, reviewed, shown in a public notice, approved level by level; returned, declined,
//! withdrawn, and revoked while nothing is paid.

use chrono::{Datelike as _, NaiveDate};
use subsidy_ledger::calendar::Calendar;
use subsidy_ledger::identity::Role::{
    Auditor, Finance, Incubator, Manager, Provider, Reviewer, Sme,
};

use super::super::command::{Command, Content, Verdict};
use super::super::office::{BUY, HALF, NOTICED, PARTIES, RANKED, SHARED, Who, acts_for};
use super::approval::{Approval, Level};
use super::payment::Basis;
use super::round::{Among, is_first, ranks, share};
use super::{Done, Line, Model, Outcome, Payable, Why};

/// Working days of a notice by the rules of Shaanxi.
const NOTICE_DAYS: u16 = 5;

/// What a party gets of a programme in a year, if that has a limit.
fn yearly(programme: &str) -> Option<i64> {
    match programme {
        HALF => None,
        BUY => Some(1_000_000_00),
        _ => Some(200_000_00),
    }
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
    /// Of all its reviews.
    pub(in crate::interleave) approvals: Vec<Approval>,
    pub(in crate::interleave) awarded: Option<i64>,
    /// The year whose limits that counts in.
    counted_in: i32,
    pub(in crate::interleave) revoked_by: Option<Who>,
}

/// The account of what a programme spends.
fn expense(programme: &str) -> &'static str {
    if programme == BUY { "F5060" } else { "F5020" }
}

/// A public notice, whose last day blocks approval.
#[derive(Clone)]
pub(in crate::interleave) struct Notice {
    pub(in crate::interleave) last_day: NaiveDate,
}

impl Claim {
    /// Everybody who acted on it, up to its next approver.
    pub(in crate::interleave) fn hands(&self) -> impl Iterator<Item = Who> {
        let reviewer = self.review.map(|(by, _)| by);
        [Some(self.drafted_by), self.submitted_by, reviewer]
            .into_iter()
            .flatten()
            .chain(self.approved().flat_map(Approval::persons))
    }

    /// The levels that approved what its last review recommended.
    pub(in crate::interleave) fn approved(&self) -> impl Iterator<Item = &Approval> {
        let review = self.review.map(|(_, entry)| entry);
        let all = self.approvals.iter();
        all.filter(move |one| Some(one.review) == review)
    }

    fn waivers(&self) -> &[usize] {
        match &self.content {
            Content::Stated(_) | Content::Invoice(..) => &[],
            Content::Waivers(waivers) => waivers,
        }
    }

    /// The milestone that it claims: contract and number.
    pub(in crate::interleave) fn milestone(&self) -> Option<(usize, i16)> {
        match &self.content {
            Content::Stated(_) | Content::Waivers(_) => None,
            Content::Invoice(_, milestone) => *milestone,
        }
    }

    pub(in crate::interleave) fn is_over(&self) -> bool {
        ["approved", "revoked", "rejected", "withdrawn"].contains(&self.state)
    }

    /// Whether the office has it, or has approved it: what it rests on is no other claim's.
    pub(super) fn is_with_the_office(&self) -> bool {
        let states = [
            "submitted",
            "recommended",
            "noticed",
            "objected",
            "approved",
        ];
        states.contains(&self.state)
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
            Command::ApproveNotice { notice } => self.approve_notice(who, *notice),
            Command::RevokeClaim { claim } => self.revoke_claim(who, *claim),
            Command::Decline {
                claim,
                review,
                back,
            } => self.decline(who, *claim, *review, *back),
            _ => return None,
        })
    }

    /// A claim names waivers only that tenant and audit have settled and that no claim was approved on, and milestones of
    /// its party's own contracts.
    fn check_content(&self, party: &str, content: &Content, why: &mut Why) {
        let waivers = match content {
            Content::Stated(_) => return,
            Content::Invoice(_, milestone) => return self.check_named(party, *milestone, why),
            Content::Waivers(waivers) => waivers,
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
        let pays_claims = [HALF, NOTICED, SHARED, RANKED, BUY].contains(&programme);
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
            approvals: Vec::new(),
            awarded: None,
            counted_in: 0,
            revoked_by: None,
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

    /// What a claim rests on must still be so. Relief: in the rent book, taken by no other claim; and a carrier whose leases
    /// are in the book does not state it by itself. A milestone: reserved, and no other claim's.
    fn check_grounds(&self, at: usize, why: &mut Why) {
        self.check_milestone(at, why);
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
        self.check_grounds(at, &mut why);
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
        why.when(claim.is_over(), "WRONG_STATE");
        why.check()?;
        self.claims[at].state = "withdrawn";
        self.free_waivers(at);
        Ok(self.one())
    }

    /// What was paid, or waived, or invoiced: of a milestone at most what is reserved for it.
    pub(super) fn base(&self, claim: &Claim) -> i64 {
        match &claim.content {
            Content::Stated(fen) => *fen,
            Content::Invoice(fen, milestone) => {
                let reserved = milestone.map(|milestone| self.reserved(milestone));
                reserved.map_or(*fen, |reserved| reserved.min(*fen))
            }
            Content::Waivers(waivers) => {
                let audited = |at: &usize| self.waivers[*at].audited.map_or(0, |(fen, _)| fen);
                waivers.iter().map(audited).sum()
            }
        }
    }

    /// Whether the rules count what a claim rests on: those of Shaanxi relief of 2020 alone.
    fn counts(&self, claim: &Claim) -> bool {
        let is_within = |at: &usize| {
            let (first, last) = self.waivers[*at].claimed_days();
            first.year() == 2020 && last.year() == 2020
        };
        ![NOTICED, RANKED].contains(&claim.programme) || claim.waivers().iter().all(is_within)
    }

    /// What the rules grant on a claim today, by itself or by what a round says of it: ratio first, limits after.
    pub(super) fn compensation(&self, claim: &Claim, among: Among) -> i64 {
        let base = self.base(claim);
        let is_unfit =
            claim.programme == RANKED && !self.qualifies(RANKED, claim.party, self.today);
        if is_unfit || !self.counts(claim) {
            return 0;
        }
        let given = match claim.programme {
            HALF => part(base, self.one_in(claim.version_of_rules)),
            SHARED => share(base, among),
            BUY => base,
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
        why.when(self.stays_out(who, claim.party), "RECUSED");
        if verdict == Verdict::Recommend {
            why.when(self.is_excluded(claim.party), "EXCLUDED");
            self.check_grounds(at, &mut why);
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
        Ok(Done {
            new: Some(format!("N{at}")),
            ..self.several(1 + entries)
        })
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

    /// A claim that was recommended, for whoever may take its next level and has seen its last review.
    fn for_approval(
        &self,
        who: Who,
        at: usize,
        seen: i64,
    ) -> Result<(Why, Claim, Option<Level>), Why> {
        let mut why = Why::default();
        why.unless(self.is_approver(who), "forbidden");
        let Some(claim) = self.claims.get(at) else {
            return why.and("unknown claim");
        };
        why.unless(
            ["recommended", "noticed"].contains(&claim.state),
            "WRONG_STATE",
        );
        why.when(claim.review.map(|(_, entry)| entry) != Some(seen), "STALE");
        let level = self.next_level(who, claim, &mut why);
        Ok((why, claim.clone(), level))
    }

    /// Before the last level nothing but the approval is kept: what the claim rests on, limits and the budget decide at the
    /// last one.
    fn approve_claim(&mut self, who: Who, at: usize, seen: i64) -> Outcome {
        let (mut why, claim, level) = self.for_approval(who, at, seen)?;
        why.when(self.is_excluded(claim.party), "EXCLUDED");
        let unseen = asks_notice(claim.programme) && claim.state == "recommended";
        why.when(unseen, "NOTICE_REQUIRED");
        why.when(
            claim.state == "noticed" && self.is_shown(&claim),
            "NOTICE_RUNNING",
        );
        let placing = self.placing(at);
        why.when(ranks(claim.programme) && placing.is_none(), "RANKED");
        let Some(level) = level else {
            return Err(why);
        };
        if !level.is_last {
            why.check()?;
            self.claims[at].approvals.push(level.approval);
            return Ok(self.one());
        }
        self.check_grounds(at, &mut why);
        let among = placing.map_or_else(Among::default, |one| self.among(one));
        let most = placing.map_or(i64::MAX, |one| one.amount);
        let fen = self
            .compensation(&claim, among)
            .min(claim.recommended.unwrap_or(0))
            .min(most);
        let line = self.line_that_pays(&claim);
        if fen > 0 && claim.milestone().is_none() {
            self.can_spend(line, fen, &mut why);
        }
        why.check()?;
        if fen == 0 {
            self.claims[at].state = "rejected";
            self.free_waivers(at);
            return Ok(self.one());
        }
        self.claims[at].approvals.push(level.approval);
        Ok(self.owe_claim(at, line, fen))
    }

    /// The contract's own line, or that of the year.
    fn line_that_pays(&self, claim: &Claim) -> Line {
        let contract = claim.milestone().map(|(contract, _)| contract);
        Line {
            programme: claim.programme,
            year: contract.map_or(self.year(), |at| self.reserved_in(at)),
        }
    }

    /// So much of a claim is owed.
    fn owe_claim(&mut self, at: usize, line: Line, fen: i64) -> Done {
        let claim = self.claims[at].clone();
        let done = self.several(1 + i64::try_from(claim.waivers().len()).unwrap());
        let submitter = claim.submitted_by.unwrap();
        let mut payable = Payable::new(claim.party, (line, fen), submitter, Basis::Claim);
        payable.hands.extend(claim.review.map(|(by, _)| by));
        payable
            .hands
            .extend(claim.approved().flat_map(Approval::persons));
        let from = match claim.milestone() {
            Some(milestone) => self.accept(milestone, at, fen),
            None => line.account("B30"),
        };
        self.owe(&format!("C{at}"), &from, expense(claim.programme), payable);
        if let Some(limit) = yearly(claim.programme) {
            let of = (claim.programme, Some(self.year()));
            self.take_limit(("Q20", "Q30"), of, claim.party, (limit, fen));
        }
        for waiver in claim.waivers() {
            self.waivers[*waiver].is_claimed = true;
        }
        let counted_in = self.year();
        let claim = &mut self.claims[at];
        (claim.state, claim.awarded, claim.counted_in) = ("approved", Some(fen), counted_in);
        done
    }

    /// Everything that waits of a notice, one claim after another in the order in which they were drafted: each is approved
    /// at its next level, or refused by an entry.
    fn approve_notice(&mut self, who: Who, notice: usize) -> Outcome {
        let waits = |at: &usize| {
            let claim = &self.claims[*at];
            claim.notice == Some(notice) && claim.state == "noticed"
        };
        let waiting: Vec<usize> = (0..self.claims.len()).filter(waits).collect();
        let mut why = Why::default();
        why.unless(waiting.is_empty() || self.is_approver(who), "forbidden");
        why.check()?;
        let mut entries = 0;
        for at in waiting {
            let (_, review) = self.claims[at].review.unwrap();
            let outcome = self.approve_claim(who, at, review);
            entries += outcome.map_or(1, |done| done.entries);
        }
        Ok(self.several(entries))
    }

    /// An approval is taken back by a manager or finance without a hand in the case, while what is owed is in no batch
    /// and nothing of it was settled. Authority goes back to where it may go today, limits are given back, and other
    /// claims may rest on what this one did (docs/adr/0025).
    fn revoke_claim(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager, Finance]);
        let Some(claim) = self.claims.get(at).cloned() else {
            return why.and("unknown claim");
        };
        let owed = self.payables.get(&format!("C{at}"));
        let Some(payable) = owed.filter(|_| claim.state == "approved").cloned() else {
            return why.and("WRONG_STATE");
        };
        let had_a_hand = claim.drafted_by == who || payable.is_of(who);
        why.when(had_a_hand, "SEGREGATION");
        why.when(self.stays_out(who, claim.party), "RECUSED");
        match payable.state {
            "prepared" | "sent" => why.when(true, "IN_BATCH"),
            "paid" | "offset" => why.when(true, "PAID"),
            _ => why.when(payable.set_off > 0, "PAID"),
        }
        why.check()?;
        let (line, fen) = (payable.line, payable.amount);
        let reserved = claim.milestone().and_then(|one| self.reopen(one, fen));
        let back = reserved.unwrap_or_else(|| self.back_to(line));
        self.books.post(&line.account("B60"), &back, fen);
        let owed = line.of_party("F2010", claim.party);
        self.books
            .post(&owed, &line.account(expense(claim.programme)), fen);
        if yearly(claim.programme).is_some() {
            let of = (claim.programme, Some(claim.counted_in));
            self.give_limit(("Q20", "Q30"), of, claim.party, fen);
        }
        for waiver in claim.waivers() {
            self.waivers[*waiver].is_claimed = false;
        }
        self.free_waivers(at);
        self.payables.get_mut(&format!("C{at}")).unwrap().state = "revoked";
        let revoked = &mut self.claims[at];
        (revoked.state, revoked.revoked_by) = ("revoked", Some(who));
        Ok(self.several(1 + i64::try_from(claim.waivers().len()).unwrap()))
    }

    /// Whoever could approve turns it down, or sends it back to the claimant.
    fn decline(&mut self, who: Who, at: usize, seen: i64, back: bool) -> Outcome {
        let (why, ..) = self.for_approval(who, at, seen)?;
        why.check()?;
        self.claims[at].state = if back { "returned" } else { "rejected" };
        if !back {
            self.free_waivers(at);
        }
        Ok(self.one())
    }
}
