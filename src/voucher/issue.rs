//! An approver issues vouchers for recommended applications.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::earlier::Known;
use super::model::{Parts, Voucher, VoucherRefusal};
use super::postings;
use super::rules;
use super::store::{self, Application, ApplicationState, ApplicationStep};
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::caps::Quotas;
use crate::caps::{Asked, Usages};
use crate::exclusion::{self, Excluded};
use crate::fact;
use crate::fact::InLedger;
use crate::identity::{Command, Role};
use crate::journal::{self, AccountCode};
use crate::log;
use crate::policy::store::Policies;
use crate::policy::{Facts, Moment, Outcome, Policy};
use crate::programme::store::Frozen;
use crate::programme::{self, BudgetLine};
use crate::types::{Amount, FiscalYear, LogIndex, Money, PartyId, PersonId, VoucherId, Zone};

/// Issues the voucher of a recommended application.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Issue {
    /// The application.
    pub application: VoucherId,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum IssueAnswer {
    /// The party holds a voucher.
    Issued {
        /// Face, decimal text.
        amount: String,
        /// The last day on which it can be used for an order.
        last_day: NaiveDate,
        /// Reason codes of what limited the amount.
        reasons: Vec<String>,
        /// Identity.
        voucher: VoucherId,
    },
    /// The policy excludes it by now.
    Rejected {
        /// Reason codes.
        reasons: Vec<String>,
    },
    /// Nothing changed.
    Refused(Refused),
}

const NAME: &str = "voucher.issue";

/// Issues vouchers in the order of the requests, first come, first served. An approver is another person
/// than submitter and reviewer.
///
/// What a party has used of its limits, and what the programme has left, decides here; so the head of the
/// log is locked before they are read, and stays so until commit.
pub async fn issue(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Issue)],
) -> Result<Answers<IssueAnswer>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(issue_round(conn, round))
    })
    .await
}

async fn issue_round(
    conn: &mut PgConnection,
    round: &Round<'_, Issue>,
) -> Result<Answers<IssueAnswer>, BatchError> {
    let (zone, today, new) = (round.zone, round.today, &round.requests);
    let ids: Vec<VoucherId> = new.iter().map(|(_, input)| input.application).collect();
    let applications = store::lock_applications(conn, zone.id, &ids).await?;
    let policies = Policies::of(conn, zone.id, applications.values().map(|one| one.policy)).await?;
    log::lock_head(conn, zone.id)
        .await
        .map_err(journal::RecordError::from)?;
    let mut desk = Desk {
        usages: usages_of(conn, zone, today, &applications, &policies).await?,
        earlier: earlier_of(conn, zone, today, &applications, &policies).await?,
        ledger: ledger_of(conn, zone, today, &applications, &policies).await?,
        excluded: excluded_of(conn, zone, today, &applications).await?,
        hands: Hands::of_round(conn, round).await?,
        applications,
        policies,
        free: HashMap::new(),
        frozen: Vec::new(),
        kept: Vec::new(),
    };
    desk.read_free(conn, zone, FiscalYear::of(today)).await?;

    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        decided.push(desk.decide(command, input)?);
    }
    fact::store::keep_snapshots(conn, zone.id, &desk.kept.iter().collect::<Vec<_>>()).await?;
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let mut vouchers = Vec::new();
    let mut by_approver: HashMap<PersonId, Vec<ApplicationStep>> = HashMap::new();
    for (effect, index) in effects {
        let Some(Effect {
            id,
            state,
            approver,
            voucher,
        }) = effect
        else {
            continue;
        };
        by_approver
            .entry(approver)
            .or_default()
            .push(ApplicationStep { id, state, index });
        vouchers.extend(voucher.map(|voucher| Voucher {
            issued_index: index,
            ..voucher
        }));
    }
    for (approver, steps) in by_approver {
        store::decide_applications(conn, zone.id, approver, &steps).await?;
    }
    store::insert_vouchers(conn, zone.id, None, &vouchers).await?;
    Ok(answers)
}

/// The policy of each application, and its applicant.
fn policies_of(
    applications: &HashMap<VoucherId, Application>,
    policies: &Policies,
) -> Result<Vec<(Arc<Policy>, PartyId)>, BatchError> {
    let applications = applications.values();
    applications
        .map(|one| Ok((policies.get(one.policy)?, one.party)))
        .collect()
}

/// What has been used of the caps of applications.
pub(super) async fn usages_of(
    conn: &mut PgConnection,
    zone: &Zone,
    today: NaiveDate,
    applications: &HashMap<VoucherId, Application>,
    policies: &Policies,
) -> Result<Usages, BatchError> {
    let policies = policies_of(applications, policies)?;
    let asked: Vec<Asked<'_>> = policies
        .iter()
        .map(|(policy, party)| Asked::grant(policy, *party))
        .collect();
    Ok(Usages::read(conn, zone, today, &asked).await?)
}

/// Which applicants are excluded from programmes.
async fn excluded_of(
    conn: &mut PgConnection,
    zone: &Zone,
    today: NaiveDate,
    applications: &HashMap<VoucherId, Application>,
) -> Result<Excluded, sqlx::Error> {
    let parties: Vec<PartyId> = applications.values().map(|one| one.party).collect();
    exclusion::excluded_on(conn, zone.id, today, &parties).await
}

/// What is stated of applicants.
pub(super) async fn ledger_of(
    conn: &mut PgConnection,
    zone: &Zone,
    today: NaiveDate,
    applications: &HashMap<VoucherId, Application>,
    policies: &Policies,
) -> Result<InLedger, BatchError> {
    let policies = policies_of(applications, policies)?;
    let asked = policies.iter().map(|(policy, party)| (&**policy, *party));
    Ok(InLedger::read(conn, zone, today, Moment::Grant, asked).await?)
}

/// What applicants were granted before.
pub(super) async fn earlier_of(
    conn: &mut PgConnection,
    zone: &Zone,
    today: NaiveDate,
    applications: &HashMap<VoucherId, Application>,
    policies: &Policies,
) -> Result<Known, BatchError> {
    let policies = policies_of(applications, policies)?;
    let asked = policies.iter().map(|(policy, party)| (&**policy, *party));
    Ok(Known::read(conn, zone, today, asked).await?)
}

/// What a decision on an application changes.
struct Effect {
    id: VoucherId,
    state: ApplicationState,
    approver: PersonId,
    voucher: Option<Voucher>,
}

/// Everything that decisions of one batch read, as earlier ones have left it.
struct Desk {
    applications: HashMap<VoucherId, Application>,
    policies: Policies,
    usages: Usages,
    earlier: Known,
    ledger: InLedger,
    excluded: Excluded,
    hands: Hands,
    /// Facts that were decided on and that no application keeps.
    kept: Vec<Facts>,
    free: HashMap<BudgetLine, Money>,
    frozen: Vec<Frozen>,
}

impl Desk {
    /// Reads the programmes' free authority, and which are frozen.
    async fn read_free(
        &mut self,
        conn: &mut PgConnection,
        zone: &Zone,
        year: FiscalYear,
    ) -> Result<(), sqlx::Error> {
        let mut lines: Vec<BudgetLine> = Vec::new();
        for application in self.applications.values() {
            let programme = application.programme.clone();
            let line = BudgetLine {
                programme,
                year,
                currency: zone.currency,
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let addresses: Vec<_> = lines
            .iter()
            .map(|line| line.account(AccountCode::B30))
            .collect();
        let free = journal::balances(conn, zone.id, &addresses).await?;
        self.frozen = programme::store::frozen(conn, zone.id, &lines).await?;
        self.free = lines.into_iter().zip(free).collect();
        Ok(())
    }

    fn decide(
        &mut self,
        command: &Command<'_>,
        input: &Issue,
    ) -> Result<Decided<Issue, IssueAnswer, Option<Effect>>, BatchError> {
        let found = command
            .actor
            .require(&[Role::Manager])
            .map_err(Rejected::from)
            .and_then(|()| batch::find(&mut self.applications, "application", &input.application));
        let application = match found {
            Ok(found) => found.clone(),
            Err(rejected) => return Ok(Err(rejected)),
        };
        let approver = command.actor.person;
        let step = |kind, answer| Step::new(kind, application.id, input, answer);
        let refused =
            |code: VoucherRefusal| step("issue.refused", IssueAnswer::Refused(code.into()));
        if let Some(excluded) = rules::excluded(&self.excluded, application.party) {
            let step = step("issue.refused", IssueAnswer::Refused(excluded));
            return Ok(Ok((step, None)));
        }
        if application.state != ApplicationState::Recommended {
            return Ok(Ok((refused(VoucherRefusal::WrongState), None)));
        }
        if application.applied_by == approver || application.reviewed_by == Some(approver) {
            return Ok(Ok((refused(VoucherRefusal::Segregation), None)));
        }
        if self.hands.stays_out(command.actor, application.party) {
            return Ok(Ok((refused(VoucherRefusal::Recused), None)));
        }
        let policy = self.policies.get(application.policy)?;
        let (facts, is_new) =
            rules::current_facts(&application, &policy, &self.earlier, &self.ledger)?;
        let usage = self.usages.of(Asked::grant(&policy, application.party));
        let decision = rules::grant(&policy, &facts, &usage, command.today());
        self.kept.extend(is_new.then(|| facts.clone()));
        let reasons = rules::reasons(&decision);
        let granted = Amount::new(decision.amount.money()).ok();
        let (Outcome::Pass, Some(face)) = (decision.outcome, granted) else {
            let effect = self.end(application.id, approver, None);
            let answer = IssueAnswer::Rejected { reasons };
            let step = step("voucher.refused", answer).decided(decision);
            return Ok(Ok((step, Some(effect))));
        };
        let voucher = Voucher {
            quotas: self.usages.quotas(&decision, application.party),
            ..new_voucher(command, &application, &policy, face)
        };
        if let Err(code) = self.spend(&voucher.line, face) {
            return Ok(Ok((refused(code).decided(decision), None)));
        }
        self.earlier
            .granted(&policy, voucher.holder, &facts, face.money());
        let mut transfers = vec![postings::issue(&voucher.line, voucher.id, face)?];
        let case = self
            .usages
            .case(&voucher.line, voucher.holder, None, voucher.id);
        transfers.extend(self.usages.take(&case, &decision, face)?);
        let answer = IssueAnswer::Issued {
            amount: face.money().to_text(voucher.line.currency),
            last_day: voucher.last_day,
            reasons,
            voucher: voucher.id,
        };
        let effect = self.end(application.id, approver, Some(voucher));
        let step = step("voucher.issued", answer)
            .decided(decision)
            .moving(transfers);
        Ok(Ok((step, Some(effect))))
    }

    /// Takes a face from what the line has free, unless it is frozen.
    fn spend(&mut self, line: &BudgetLine, face: Amount) -> Result<(), VoucherRefusal> {
        if self.frozen.iter().any(|frozen| frozen.is(line)) {
            return Err(VoucherRefusal::BudgetFrozen);
        }
        let free = self.free.entry(line.clone()).or_default();
        if *free < face.money() {
            return Err(VoucherRefusal::BudgetExhausted);
        }
        *free = free.saturating_sub(face.money());
        Ok(())
    }

    /// Ends an application: issued with a voucher, rejected without.
    fn end(&mut self, id: VoucherId, approver: PersonId, voucher: Option<Voucher>) -> Effect {
        let state = if voucher.is_some() {
            ApplicationState::Issued
        } else {
            ApplicationState::Rejected
        };
        if let Some(application) = self.applications.get_mut(&id) {
            application.state = state;
        }
        Effect {
            id,
            state,
            approver,
            voucher,
        }
    }
}

fn new_voucher(
    command: &Command<'_>,
    application: &Application,
    policy: &Policy,
    face: Amount,
) -> Voucher {
    let today = command.today();
    Voucher {
        id: application.id,
        zone: command.zone.id,
        line: BudgetLine {
            programme: application.programme.clone(),
            year: FiscalYear::of(today),
            currency: command.zone.currency,
        },
        holder: application.party,
        policy: application.policy,
        issued_index: LogIndex(0),
        issued_on: today,
        last_day: policy.last_day(today),
        parts: Parts::new(face),
        frozen: None,
        quotas: Quotas::default(),
    }
}
