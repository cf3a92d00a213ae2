//! Somebody records a contract, for a second person to confirm.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::cases::{DUTIES, may_act};
use super::model::{Contract, Milestone, Said, Stage};
use super::refused::{ContractRefusal, Refused};
use super::store;
use crate::approval::Hands;
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::evidence::{self, CaseKind, Use};
use crate::exclusion::{self, Excluded};
use crate::identity::Command;
use crate::journal;
use crate::log;
use crate::party::{self, PartyRole};
use crate::policy::Sha256;
use crate::programme::{self, ProgrammeKind};
use crate::types::{
    Alike, Amount, Code, ContractId, DueOn, LogIndex, Money, Name, Named, PartyId, Reason, Schedule,
};

/// The most documents of a contract.
const MOST_DOCUMENTS: usize = 50;

/// A contract of purchased services to be recorded.
#[derive(Clone, Debug, Serialize)]
pub struct ProposeContract {
    /// How much, decimal text: the sum of the milestones.
    pub amount: String,
    /// SHA-256 of its documents: the contract itself, the award decision.
    pub documents: Vec<Sha256>,
    /// What is delivered by when, and paid for by itself; in the order of their days.
    pub milestones: Vec<DueOn>,
    /// The programme that pays, of kind purchase.
    pub programme: Code,
    /// Who delivers.
    pub provider: PartyId,
    /// The contract's number, once in a programme however it is spelt.
    pub reference: Name,
    /// What is bought.
    pub service: Reason,
    /// The day on which it was signed.
    pub signed_on: NaiveDate,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ProposeAnswer {
    /// Another person has to confirm it; nothing is reserved yet.
    Proposed {
        /// How much, decimal text.
        amount: String,
        /// Identity.
        contract: ContractId,
        /// How many milestones it has.
        milestones: usize,
        /// Documents that another case rests on, too.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        reused_evidence: Vec<Sha256>,
    },
    /// Nothing changed.
    Refused(Refused),
}

/// Records contracts, each to be confirmed by another person before anything is reserved.
pub async fn propose(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, ProposeContract)],
) -> Result<Answers<ProposeAnswer>, BatchError> {
    batch::answer(conn, "contract.propose", requests, |conn, round| {
        Box::pin(propose_round(conn, round))
    })
    .await
}

async fn propose_round(
    conn: &mut PgConnection,
    round: &Round<'_, ProposeContract>,
) -> Result<Answers<ProposeAnswer>, BatchError> {
    let zone = round.zone.id;
    let inputs = || round.requests.iter().map(|(_, input)| input);
    let providers: Vec<PartyId> = inputs().map(|input| input.provider).collect();
    let asked: Vec<&Code> = inputs().map(|input| &input.programme).collect();
    let documents: Vec<Sha256> = inputs()
        .flat_map(|input| input.documents.iter().copied())
        .collect();
    // So that no contract of the same number is proposed between the look and the record.
    log::lock_head(conn, zone)
        .await
        .map_err(journal::RecordError::from)?;
    let parties = party::store::parties(conn, zone, &providers).await?;
    let programmes = programme::store::programmes(conn, zone).await?;
    let used = evidence::uses(conn, zone, &documents).await?;
    let mut office = Office {
        kinds: programmes
            .into_iter()
            .map(|one| (one.code, one.kind))
            .collect(),
        providers: parties
            .into_iter()
            .map(|party| {
                let is_provider = party.roles.iter().any(|role| role == PartyRole::Provider);
                (party.id, is_provider)
            })
            .collect(),
        excluded: exclusion::excluded_on(conn, zone, round.today, &providers).await?,
        references: store::references(conn, zone, &asked).await?,
        used: used.into_iter().map(|one| one.sha256).collect(),
        hands: Hands::of_round(conn, round).await?,
    };
    let mut decided = Vec::with_capacity(round.requests.len());
    for (command, input) in &round.requests {
        decided.push(office.decide(command, input));
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let (mut proposed, mut rests) = (Vec::new(), Vec::new());
    for (effect, index) in effects {
        let Some((mut contract, documents)): Option<(Contract, Vec<Sha256>)> = effect else {
            continue;
        };
        contract.stamp(index);
        let rests_on = |sha256| Use::new(sha256, CaseKind::CONTRACT, contract.id.0, index);
        rests.extend(documents.into_iter().map(rests_on));
        proposed.push(contract);
    }
    store::insert(conn, zone, &proposed).await?;
    evidence::note_uses(conn, zone, &rests).await?;
    Ok(answers)
}

/// What proposals are looked at by.
struct Office {
    kinds: HashMap<Code, ProgrammeKind>,
    /// Parties, and whether each is a provider.
    providers: HashMap<PartyId, bool>,
    excluded: Excluded,
    /// Contracts that stand, by programme and number, with the entries that proposed them.
    references: HashMap<(Code, Alike), LogIndex>,
    used: HashSet<Sha256>,
    hands: Hands,
}

type Proposed = Option<(Contract, Vec<Sha256>)>;

impl Office {
    fn decide(
        &mut self,
        command: &Command<'_>,
        input: &ProposeContract,
    ) -> Decided<ProposeContract, ProposeAnswer, Proposed> {
        command.actor.require(&DUTIES)?;
        let contract = self.read(command, input)?;
        if let Err(refused) = self.in_the_way(command, input) {
            let answer = ProposeAnswer::Refused(refused);
            // No contract began: the entry is about the party that it would be with.
            return Ok((
                Step::new("contract.refused", input.provider, input, answer),
                None,
            ));
        }
        let mut seen = HashSet::new();
        let mut reused_evidence = input.documents.clone();
        reused_evidence.retain(|one| self.used.contains(one) && seen.insert(*one));
        let answer = ProposeAnswer::Proposed {
            amount: contract.amount.money().to_text(command.zone.currency),
            contract: contract.id,
            milestones: contract.milestones.len(),
            reused_evidence,
        };
        let key = (input.programme.clone(), input.reference.alike());
        self.references.insert(key, LogIndex(0));
        let step = Step::new("contract.proposed", contract.id, input, answer);
        Ok((step, Some((contract, input.documents.clone()))))
    }

    /// The contract as it is written, or which field is wrong.
    fn read(&self, command: &Command<'_>, input: &ProposeContract) -> Result<Contract, Rejected> {
        let currency = command.zone.currency;
        let wrong = |message: String| Rejected::Input(message);
        let unknown = |what, id: String| Rejected::Unknown { what, id };
        match self.kinds.get(&input.programme) {
            None => return Err(unknown("programme", input.programme.to_string())),
            Some(ProgrammeKind::Purchase) => {}
            Some(kind) => {
                return Err(wrong(format!(
                    "programme: {} is of kind {}, which buys no services: name a programme of kind purchase",
                    input.programme,
                    kind.as_str()
                )));
            }
        }
        match self.providers.get(&input.provider) {
            None => return Err(unknown("party", input.provider.to_string())),
            Some(true) => {}
            Some(false) => {
                let message = "provider: the party has not the role provider: name one that has, or register it as one";
                return Err(wrong(message.to_owned()));
            }
        }
        if input.signed_on > command.today() {
            return Err(wrong(format!(
                "signed on: {} is to come: record the contract once it is signed",
                input.signed_on
            )));
        }
        if input.documents.len() > MOST_DOCUMENTS {
            return Err(wrong(format!("documents: name at most {MOST_DOCUMENTS}")));
        }
        let amount = Money::parse(&input.amount, currency)
            .map_err(|error| wrong(format!("amount: {error}")))?;
        let amount = Amount::new(amount).map_err(|error| wrong(format!("amount: {error}")))?;
        let schedule = Schedule::Days {
            instalments: input.milestones.clone(),
        };
        let parts = schedule
            .parts(amount, currency, "milestones")
            .map_err(|error| wrong(format!("milestones: {error}")))?;
        if parts.first().is_some_and(|part| part.due < input.signed_on) {
            let message =
                "milestones: the first is due before the contract was signed: correct its day";
            return Err(wrong(message.to_owned()));
        }
        let milestone = |(number, part): (i16, crate::types::Due)| Milestone {
            number,
            due: part.due,
            amount: part.amount,
            reserved: Money::ZERO,
            accepted: None,
        };
        Ok(Contract {
            id: ContractId::generate(),
            programme: input.programme.clone(),
            provider: input.provider,
            service: input.service.clone(),
            reference: input.reference.clone(),
            signed_on: input.signed_on,
            amount,
            milestones: (1..).zip(parts).map(milestone).collect(),
            proposed: Said {
                by: command.actor.person,
                index: LogIndex(0),
            },
            stage: Stage::Proposed,
            ending: None,
        })
    }

    fn in_the_way(&self, command: &Command<'_>, input: &ProposeContract) -> Result<(), Refused> {
        may_act(&self.hands, command, input.provider, None)?;
        if let Some(until) = self.excluded.until(input.provider) {
            return Err(Refused {
                code: ContractRefusal::Excluded,
                reasons: vec![until.to_string()],
            });
        }
        let key = (input.programme.clone(), input.reference.alike());
        self.references.get(&key).map_or(Ok(()), |index| {
            Err(Refused {
                code: ContractRefusal::Duplicate,
                reasons: vec![Named::<ContractId>::Entry(*index).to_string()],
            })
        })
    }
}
