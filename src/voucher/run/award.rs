//! A part of a run: the next parties of its list, each decided again and each with an entry of its own.

use std::slice;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::facts::{add_earlier, by_id, facts_of};
use super::{Progress, Run, outdated, store};
use crate::batch::{BatchError, Rejected, Step};
use crate::caps::{Asked, Usages};
use crate::exclusion::{self, Excluded};
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode, Entry};
use crate::log;
use crate::party::{self, Party};
use crate::policy::{self, Decision, Facts, Outcome, Policy};
use crate::programme::store::Frozen;
use crate::programme::{self, BudgetLine};
use crate::types::{Amount, FiscalYear, LogIndex, Money, PartyId, RunId, VoucherId, Zone};
use crate::voucher::earlier;
use crate::voucher::model::{Parts, Voucher, VoucherRefusal};
use crate::voucher::{postings, rules};
use crate::{db, fact, voucher};

/// The next parties of a list, with what the ledger knows of them.
#[derive(Debug)]
pub struct Part {
    run: RunId,
    /// How many of the list come before.
    after: u32,
    policy: Arc<Policy>,
    parties: Vec<(PartyId, Facts)>,
}

impl Part {
    /// Where the part after this one begins.
    pub fn end(&self) -> u32 {
        let parties = u32::try_from(self.parties.len()).unwrap_or(u32::MAX);
        self.after.saturating_add(parties)
    }

    /// How many of the list come before it.
    pub const fn begins_after(&self) -> u32 {
        self.after
    }

    /// Whether nobody is left on the list.
    pub fn is_empty(&self) -> bool {
        self.parties.is_empty()
    }
}

/// One award: what its entry says of the command.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Awarding {
    /// The party.
    pub party: PartyId,
    /// The run.
    pub run: RunId,
}

/// How an award came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AwardOutcome {
    /// The party holds a voucher.
    Awarded,
    /// It gets nothing.
    Refused,
}

/// What became of one party of the list; fields in the order of their names, as entries are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AwardAnswer {
    /// Face, decimal text; zero if it gets nothing.
    pub amount: String,
    /// What was in the way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<VoucherRefusal>,
    /// The last day on which it can be used for an order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_day: Option<NaiveDate>,
    /// Voucher or none.
    pub outcome: AwardOutcome,
    /// Reason codes of the policy.
    pub reasons: Vec<String>,
    /// The voucher.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub voucher: Option<VoucherId>,
}

/// Looks up the parties of the list after the first `after`, at most `limit`. It can be done before their turn comes.
pub async fn prepare(
    conn: &mut PgConnection,
    zone: &Zone,
    run: &Run,
    after: u32,
    limit: u32,
) -> Result<Part, BatchError> {
    db::plan_each_time(conn).await?;
    let policy = policy::store::load(conn, zone.id, run.policy).await?;
    let candidates = store::candidates(conn, zone.id, run.id, after, limit).await?;
    let ids: Vec<PartyId> = candidates.iter().map(|one| one.party).collect();
    let mut known = by_id(party::store::parties(conn, zone.id, &ids).await?);
    let parties: Vec<Party> = ids.iter().filter_map(|id| known.remove(id)).collect();
    let facts = facts_of(conn, zone, &parties, run.day, run.requested).await?;
    let parties = parties.into_iter().map(|party| party.id).zip(facts);
    Ok(Part {
        run: run.id,
        after,
        policy,
        parties: parties.collect(),
    })
}

/// Awards a part of a run, and says how far the run has come then. A part whose turn it is not does nothing: somebody else
/// has gone on.
///
/// What has been used of caps, and what the programme has left, decides here; so the head of the log is locked before
/// they are read, and stays so until commit.
pub async fn award(
    conn: &mut PgConnection,
    command: &Command<'_>,
    part: &Part,
) -> Result<Result<Progress, Rejected>, BatchError> {
    if let Err(forbidden) = command.actor.require(&[Role::Manager, Role::System]) {
        return Ok(Err(forbidden.into()));
    }
    let zone = command.zone;
    let Some(run) = store::lock_run(conn, zone, part.run).await? else {
        return Ok(Err(Rejected::Unknown {
            what: "award run",
            id: part.run.to_string(),
        }));
    };
    if let Err(why) = may_go_on(command, &run) {
        return Ok(Err(why));
    }
    if let Some(why) = outdated(conn, zone.id, &run).await? {
        return Ok(Err(why));
    }
    if run.progress.decided != part.after || part.is_empty() {
        return Ok(Ok(run.progress));
    }
    let (ids, mut facts): (Vec<PartyId>, Vec<Facts>) = part.parties.iter().cloned().unzip();
    if earlier::asks(&part.policy) {
        // What was granted before is read when nobody else can grant.
        log::lock_head(conn, zone.id)
            .await
            .map_err(journal::RecordError::from)?;
        add_earlier(conn, zone, &part.policy, run.day, &ids, &mut facts).await?;
    }
    fact::store::keep_snapshots(conn, zone.id, &facts.iter().collect::<Vec<_>>()).await?;
    log::lock_head(conn, zone.id)
        .await
        .map_err(journal::RecordError::from)?;
    let mut desk = Desk::open(conn, command, &run, part).await?;
    let frozen = programme::store::frozen(conn, zone.id, slice::from_ref(&desk.line)).await?;
    if let Some(frozen) = frozen.first() {
        return Ok(Err(refuse_frozen(conn, command, run.id, frozen).await?));
    }
    let mut entries = Vec::with_capacity(part.parties.len());
    let mut results = Vec::with_capacity(part.parties.len());
    for (party, facts) in ids.into_iter().zip(&facts) {
        let (entry, result) = desk.decide(party, facts)?;
        entries.push(entry);
        results.push(result);
    }
    let outcomes = journal::record(conn, zone, command.now, &entries).await?;
    for (result, outcome) in results.iter_mut().zip(outcomes) {
        let index = outcome?.index;
        result.index = index;
        if let Some(voucher) = &mut result.voucher {
            voucher.issued_index = index;
        }
    }
    store::insert_results(conn, zone.id, run.id, &results).await?;
    let vouchers: Vec<Voucher> = results.into_iter().filter_map(|one| one.voucher).collect();
    voucher::store::insert_vouchers(conn, zone.id, Some(run.id), &vouchers).await?;
    let awarded = u32::try_from(vouchers.len()).unwrap_or(u32::MAX);
    let given: Money = vouchers.iter().map(|voucher| voucher.parts.free).sum();
    let progress = Progress {
        decided: part.end(),
        awarded: run.progress.awarded.saturating_add(awarded),
        given: [run.progress.given, given].into_iter().sum(),
        candidates: run.candidates,
    };
    store::advance_run(conn, zone.id, run.id, &progress).await?;
    Ok(Ok(progress))
}

/// Records that a run was refused, and nobody of its list: it goes on once the budget is thawed.
async fn refuse_frozen(
    conn: &mut PgConnection,
    command: &Command<'_>,
    run: RunId,
    frozen: &Frozen,
) -> Result<Rejected, BatchError> {
    #[derive(Serialize)]
    struct Refused {
        code: VoucherRefusal,
        frozen_index: LogIndex,
        run: RunId,
    }
    let refused = Refused {
        code: VoucherRefusal::BudgetFrozen,
        frozen_index: frozen.frozen_index,
        run,
    };
    let entry = Entry {
        subject: Some(run.0),
        ..command.entry("award_run.refused", &refused)?
    };
    journal::record_one(conn, command.zone, command.now, entry).await?;
    Ok(Rejected::Run(format!(
        "the budget of {} for {} is frozen by entry {} ({}): give the run again when it is thawed",
        frozen.programme, frozen.year, frozen.frozen_index, frozen.reason
    )))
}

/// Whether the actor may carry out the run now.
fn may_go_on(command: &Command<'_>, run: &Run) -> Result<(), Rejected> {
    let refuse = |why: String| Err(Rejected::Run(why));
    if run.approved_by.is_none() {
        return refuse(
            "the run waits for approval: a manager gives `voucher award-run approve`".to_owned(),
        );
    }
    if run.proposed_by == command.actor.person {
        return refuse(
            "whoever proposed a run can't carry it out: a second person has to".to_owned(),
        );
    }
    let (year, now) = (FiscalYear::of(run.day), FiscalYear::of(command.today()));
    if year != now {
        return refuse(format!(
            "the run pays from the budget year {year}, which is over: propose one for {now}"
        ));
    }
    Ok(())
}

/// What became of a party, as its rows will say it.
pub(super) struct AwardResult {
    pub(super) party: PartyId,
    pub(super) index: LogIndex,
    pub(super) facts_sha256: policy::Sha256,
    pub(super) voucher: Option<Voucher>,
}

/// Everything that decisions of one part read, as earlier ones have left it.
struct Desk<'a> {
    command: &'a Command<'a>,
    run: &'a Run,
    policy: &'a Policy,
    line: BudgetLine,
    usages: Usages,
    excluded: Excluded,
    free: Money,
}

impl<'a> Desk<'a> {
    async fn open(
        conn: &mut PgConnection,
        command: &'a Command<'a>,
        run: &'a Run,
        part: &'a Part,
    ) -> Result<Self, sqlx::Error> {
        let (zone, policy) = (command.zone, part.policy.as_ref());
        let asked: Vec<Asked<'_>> = part
            .parties
            .iter()
            .map(|(party, _)| Asked::grant(policy, *party))
            .collect();
        let usages = Usages::read(conn, zone, command.today(), &asked).await?;
        let parties: Vec<PartyId> = asked.iter().map(|one| one.holder).collect();
        let excluded = exclusion::excluded_on(conn, zone.id, command.today(), &parties).await?;
        let line = usages.line(policy);
        let free = journal::balances(conn, zone.id, &[line.account(AccountCode::B30)]).await?;
        Ok(Self {
            command,
            run,
            policy,
            line,
            usages,
            excluded,
            free: free.into_iter().sum(),
        })
    }

    fn decide(
        &mut self,
        party: PartyId,
        facts: &Facts,
    ) -> Result<(Entry, AwardResult), BatchError> {
        let usage = self.usages.of(Asked::grant(self.policy, party));
        let decision = rules::grant(self.policy, facts, &usage, self.run.day);
        let facts_sha256 = decision.facts_sha256;
        let granted = Amount::new(decision.amount.money()).ok();
        let face = granted.filter(|_| decision.outcome == Outcome::Pass);
        let refusal = match face {
            _ if self.excluded.until(party).is_some() => Some(VoucherRefusal::Excluded),
            None => Some(VoucherRefusal::Policy),
            Some(face) if face.money() > self.free => Some(VoucherRefusal::BudgetExhausted),
            Some(_) => None,
        };
        let (step, voucher) = match (face, refusal) {
            (Some(face), None) => {
                let (step, voucher) = self.voucher(party, decision, face)?;
                (step, Some(voucher))
            }
            (_, code) => (self.refusal(party, decision, code), None),
        };
        let entry = step.entry("voucher.award", self.command)?;
        let index = LogIndex(0);
        Ok((
            entry,
            AwardResult {
                party,
                index,
                facts_sha256,
                voucher,
            },
        ))
    }

    fn input(&self, party: PartyId) -> Awarding {
        Awarding {
            party,
            run: self.run.id,
        }
    }

    fn refusal(
        &self,
        party: PartyId,
        decision: Decision,
        code: Option<VoucherRefusal>,
    ) -> Step<Awarding, AwardAnswer> {
        let answer = AwardAnswer {
            amount: Money::ZERO.to_text(self.line.currency),
            code,
            last_day: None,
            outcome: AwardOutcome::Refused,
            reasons: rules::reasons(&decision),
            voucher: None,
        };
        let step = Step::new("voucher.award_refused", party.0, &self.input(party), answer);
        step.decided(decision)
    }

    fn voucher(
        &mut self,
        party: PartyId,
        decision: Decision,
        face: Amount,
    ) -> Result<(Step<Awarding, AwardAnswer>, Voucher), BatchError> {
        self.free = self.free.saturating_sub(face.money());
        let voucher = self.new_voucher(party, &decision, face);
        let mut transfers = vec![postings::issue(&self.line, voucher.id, face)?];
        let case = self.usages.case(&self.line, party, None, voucher.id);
        transfers.extend(self.usages.take(&case, &decision, face)?);
        let answer = AwardAnswer {
            amount: face.money().to_text(self.line.currency),
            code: None,
            last_day: Some(voucher.last_day),
            outcome: AwardOutcome::Awarded,
            reasons: rules::reasons(&decision),
            voucher: Some(voucher.id),
        };
        let step = Step::new("voucher.awarded", voucher.id.0, &self.input(party), answer);
        Ok((step.decided(decision).moving(transfers), voucher))
    }

    fn new_voucher(&self, party: PartyId, decision: &Decision, face: Amount) -> Voucher {
        let today = self.command.today();
        Voucher {
            id: VoucherId::generate(),
            zone: self.command.zone.id,
            line: self.line.clone(),
            holder: party,
            policy: self.run.policy,
            issued_index: LogIndex(0),
            issued_on: today,
            last_day: self.policy.last_day(today),
            parts: Parts::new(face),
            frozen: None,
            quotas: self.usages.quotas(decision, party),
        }
    }
}
