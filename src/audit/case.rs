//! Everything on one case, in the order of the log.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::str::FromStr;

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{AuditError, Case, store};
use crate::evidence;
use crate::journal::Body;
use crate::policy::{self, Decision, Locale, Sha256};
use crate::types::{
    ClaimId, ContractId, DeferralId, HoldId, LeaseId, LogIndex, Money, Named, PayableId,
    RecoveryId, RunId, VoucherId, WaiverId, Zone, ZoneId, excerpt,
};
use crate::{claim, contract, payment, recovery, rent, voucher};

/// What a case is called by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseName {
    /// `C…`
    Claim(Named<ClaimId>),
    /// `K…`
    Contract(Named<ContractId>),
    /// `S…`
    Deferral(Named<DeferralId>),
    /// `L…`
    Lease(Named<LeaseId>),
    /// `H…`
    Order(Named<HoldId>),
    /// `D…`
    Payable(Named<PayableId>),
    /// `Z…`: everything on what was asked back
    Recovery(Named<RecoveryId>),
    /// `R…`
    Run(Named<RunId>),
    /// `V…`
    Voucher(Named<VoucherId>),
    /// `W…`
    Waiver(Named<WaiverId>),
}

/// A text that names no case.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no case: write V (voucher), H (order), C (claim), K (contract), D (payable), R (award run), L (lease), W (waiver), Z \
     (recovery) or S (deferral) and the number of its entry"
)]
pub struct NotACase(String);

impl FromStr for CaseName {
    type Err = NotACase;

    fn from_str(text: &str) -> Result<Self, NotACase> {
        let letter = text
            .chars()
            .next()
            .map(|letter| letter.to_ascii_uppercase());
        let named = match letter {
            Some('C') => text.parse().map(Self::Claim).ok(),
            Some('K') => text.parse().map(Self::Contract).ok(),
            Some('S') => text.parse().map(Self::Deferral).ok(),
            Some('L') => text.parse().map(Self::Lease).ok(),
            Some('H') => text.parse().map(Self::Order).ok(),
            Some('D') => text.parse().map(Self::Payable).ok(),
            Some('Z') => text.parse().map(Self::Recovery).ok(),
            Some('R') => text.parse().map(Self::Run).ok(),
            Some('V') => text.parse().map(Self::Voucher).ok(),
            Some('W') => text.parse().map(Self::Waiver).ok(),
            Some(_) | None => None,
        };
        // An id may begin with C or D too, and does not say of what it is.
        let by_name = named.filter(|_| text.parse::<Uuid>().is_err());
        by_name.ok_or_else(|| NotACase(excerpt(text)))
    }
}

async fn find(
    conn: &mut PgConnection,
    zone: &Zone,
    name: CaseName,
) -> Result<Option<Uuid>, sqlx::Error> {
    Ok(match name {
        CaseName::Claim(named) => id(claim::find_claim(conn, zone.id, named).await?),
        CaseName::Contract(named) => id(contract::find_contract(conn, zone.id, named).await?),
        CaseName::Deferral(named) => id(rent::find_deferral(conn, zone.id, named).await?),
        CaseName::Lease(named) => id(rent::find_lease(conn, zone.id, named).await?),
        CaseName::Order(named) => id(voucher::find_hold(conn, zone.id, named).await?),
        CaseName::Payable(named) => id(payment::find_payable(conn, zone.id, named).await?),
        CaseName::Recovery(named) => match recovery::find_recovery(conn, zone.id, named).await? {
            Some(found) => {
                let found = recovery::store::recovery(conn, zone, found).await?;
                id(found.map(|row| row.recovery.payable))
            }
            None => None,
        },
        CaseName::Run(named) => id(voucher::find_run(conn, zone.id, named).await?),
        CaseName::Voucher(named) => id(voucher::find_voucher(conn, zone.id, named).await?),
        CaseName::Waiver(named) => id(rent::find_waiver(conn, zone.id, named).await?),
    })
}

fn id(found: Option<impl Into<Uuid>>) -> Option<Uuid> {
    found.map(Into::into)
}

/// A case with all that is recorded of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CaseFile {
    /// Documents that it rests on, in the order in which they were used.
    pub documents: Vec<DocumentOf>,
    /// Entries, in the order of the log.
    pub entries: Vec<EntryOf>,
    /// The case and its parts, by their names.
    pub parts: Vec<Case>,
    /// What is owed of it, and how it was paid.
    pub payments: Vec<PaymentOf>,
}

/// An entry of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EntryOf {
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// What a policy decided by it.
    pub decision: Option<DecisionOf>,
    /// The day it counts for.
    pub effective: NaiveDate,
    /// Its place in the log.
    pub index: LogIndex,
    /// What happened.
    pub kind: String,
    /// The hash of its leaf in the log.
    pub leaf_hash: Sha256,
    /// Who acted, by login and name.
    pub login: String,
    /// The person's name, which is not in the log.
    pub name: String,
    /// Whether it is about the case; others concern further cases too, and of them only the head is told.
    pub of_the_case: bool,
    /// What it says: fields by their path, and their values.
    pub says: Vec<(String, String)>,
    /// What it moved.
    pub transfers: Vec<TransferOf>,
}

/// A decision's rules and trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DecisionOf {
    /// The trace in English, one sentence for each condition and step.
    pub en: Vec<String>,
    /// The rules' programme and version.
    pub policy: String,
    /// SHA-256 of the pack.
    pub policy_sha256: Sha256,
    /// The trace in Chinese.
    pub zh: Vec<String>,
}

/// What an entry moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TransferOf {
    /// Decimal text.
    pub amount: String,
    /// The account credited, with the name of its code.
    pub credit: String,
    /// The account debited, with the name of its code.
    pub debit: String,
}

/// A document of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DocumentOf {
    /// The entry by which it was kept; nothing if it is not kept here.
    pub added: Option<LogIndex>,
    /// Other cases that rest on it.
    pub also: Vec<String>,
    /// How many bytes it has.
    pub bytes: Option<u64>,
    /// What it is.
    pub media_type: Option<String>,
    /// Its SHA-256.
    pub sha256: Sha256,
}

/// What is owed, and an instruction to pay it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentOf {
    /// The account paid to: its last four characters.
    pub account: Option<String>,
    /// What is owed; minor units.
    pub amount: Money,
    /// The bank's line that it is: `S`, the file's entry and the number of the line.
    pub bank_line: Option<String>,
    /// The bank's reference.
    pub bank_reference: Option<String>,
    /// The batch.
    pub batch: Option<String>,
    /// When the bank booked it.
    pub booked_on: Option<NaiveDate>,
    /// The end-to-end id of the instruction.
    pub instruction: Option<String>,
    /// Where the instruction is.
    pub instruction_state: Option<String>,
    /// Short name of what is owed.
    pub payable: String,
    /// Who is paid.
    pub payee: String,
    /// Where what is owed is.
    pub state: String,
}

/// Everything on a case. `None` if there is none of that name.
pub async fn case(
    conn: &mut PgConnection,
    zone: &Zone,
    name: CaseName,
) -> Result<Option<CaseFile>, AuditError> {
    let Some(id) = find(conn, zone, name).await? else {
        return Ok(None);
    };
    let subjects = store::subjects(conn, zone.id, id).await?;
    let known = store::indices(conn, zone.id, &subjects).await?;
    let mut rows = store::entries(conn, zone.id, &known).await?;
    let known: HashSet<LogIndex> = known.into_iter().collect();
    let (mut stated, mut bodies) = (BTreeSet::new(), HashMap::new());
    for row in &rows {
        let body = read(row)?;
        let decision = decision_of(row.index, &body)?;
        stated.extend(decision.iter().flat_map(|made| made.entries.values()));
        bodies.insert(row.index, decision);
    }
    // The facts that the decisions name, if they are not of the case anyway.
    let stated: Vec<LogIndex> = stated
        .into_iter()
        .filter(|at| !known.contains(at))
        .collect();
    rows.extend(store::entries(conn, zone.id, &stated).await?);
    rows.sort_by_key(|row| row.index);
    let decisions = explained(conn, zone.id, bodies).await?;
    let chart = store::chart(conn).await?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        let of_the_case = row.subject.is_some_and(|id| subjects.contains(&id));
        entries.push(EntryOf {
            decision: decisions.get(&row.index).cloned(),
            of_the_case,
            ..entry_of(row, of_the_case, &chart)?
        });
    }
    let mut described = store::describe(conn, zone.id, &subjects).await?;
    Ok(Some(CaseFile {
        documents: documents(conn, zone.id, &subjects).await?,
        entries,
        parts: subjects
            .iter()
            .filter_map(|id| described.remove(id))
            .collect(),
        payments: store::payments(conn, zone.id, &subjects).await?,
    }))
}

fn read(row: &store::EntryRow) -> Result<Body<'_>, AuditError> {
    serde_json::from_slice(&row.body)
        .map_err(|error| AuditError::Unreadable(row.index, error.to_string()))
}

fn decision_of(index: LogIndex, body: &Body<'_>) -> Result<Option<Decision>, AuditError> {
    let decision = body.details.get("decision").filter(|made| !made.is_null());
    decision
        .map(|made| serde_json::from_value(made.clone()))
        .transpose()
        .map_err(|error| AuditError::Unreadable(index, error.to_string()))
}

/// Decisions in sentences, by the very pack that each names.
async fn explained(
    conn: &mut PgConnection,
    zone: ZoneId,
    decisions: HashMap<LogIndex, Option<Decision>>,
) -> Result<HashMap<LogIndex, DecisionOf>, AuditError> {
    let listed = policy::store::list(conn, zone).await?;
    let mut explained = HashMap::new();
    for (index, decision) in decisions {
        let Some(decision) = decision else { continue };
        let named = &decision.policy;
        let pack = listed.iter().find(|pack| pack.sha256 == named.sha256);
        let (mut en, mut zh) = (Vec::new(), Vec::new());
        if let Some(pack) = pack {
            let pack = policy::store::load(conn, zone, pack.id).await?;
            en = policy::explain(&decision, &pack, Locale::En);
            zh = policy::explain(&decision, &pack, Locale::Zh);
        }
        let told = DecisionOf {
            en,
            policy: format!("{}@{}", named.code, named.version),
            policy_sha256: named.sha256,
            zh,
        };
        explained.insert(index, told);
    }
    Ok(explained)
}

fn entry_of(
    row: &store::EntryRow,
    of_the_case: bool,
    chart: &HashMap<String, String>,
) -> Result<EntryOf, AuditError> {
    let body = read(row)?;
    let transfers = body.transfers.iter().map(|moved| TransferOf {
        amount: moved.amount.to_string(),
        credit: account(&moved.credit, chart),
        debit: account(&moved.debit, chart),
    });
    let mut says = Vec::new();
    tell(&body.details, "", of_the_case, &mut says);
    Ok(EntryOf {
        at: row.at,
        decision: None,
        effective: row.effective,
        index: row.index,
        kind: row.kind.clone(),
        leaf_hash: row.leaf_hash,
        login: row.login.clone(),
        name: row.name.clone(),
        of_the_case,
        says,
        transfers: transfers.collect(),
    })
}

/// An account by the name of its code and its address.
fn account(address: &str, chart: &HashMap<String, String>) -> String {
    let code = address.split(':').next().unwrap_or(address);
    match chart.get(code) {
        Some(name) => format!("{name} ({address})"),
        None => address.to_owned(),
    }
}

/// The fields of details, by their paths, without the decision, which is told in sentences. Of an entry that concerns other
/// cases too, only what stands at its head.
fn tell(value: &Value, path: &str, deep: bool, says: &mut Vec<(String, String)>) {
    let inside = |name: &str| match path {
        "" => name.to_owned(),
        path => format!("{path}.{name}"),
    };
    match value {
        Value::Object(fields) if path.is_empty() || deep => {
            let fields = fields.iter().filter(|(name, _)| *name != "decision");
            for (name, value) in fields {
                tell(value, &inside(name), deep, says);
            }
        }
        Value::Array(items) if deep => {
            for (number, item) in (1..).zip(items) {
                let number: i32 = number;
                tell(item, &inside(&number.to_string()), deep, says);
            }
        }
        Value::Null | Value::Object(_) | Value::Array(_) => {}
        Value::String(text) => says.push((path.to_owned(), text.clone())),
        Value::Bool(_) | Value::Number(_) => says.push((path.to_owned(), value.to_string())),
    }
}

async fn documents(
    conn: &mut PgConnection,
    zone: ZoneId,
    subjects: &[Uuid],
) -> Result<Vec<DocumentOf>, AuditError> {
    let digests = store::digests(conn, zone, subjects).await?;
    let kept = evidence::known(conn, zone, &digests).await?;
    let uses = evidence::uses(conn, zone, &digests).await?;
    let others: Vec<Uuid> = uses.iter().map(|one| one.case_id).collect();
    let cases = store::describe(conn, zone, &others).await?;
    let documents = digests.into_iter().map(|sha256| {
        let kept = kept.iter().find(|kept| kept.sha256 == sha256);
        let also = uses
            .iter()
            .filter(|one| one.sha256 == sha256 && !subjects.contains(&one.case_id));
        DocumentOf {
            added: kept.map(|kept| kept.added_index),
            also: also
                .filter_map(|one| Some(cases.get(&one.case_id)?.name.clone()))
                .collect(),
            bytes: kept.map(|kept| kept.bytes),
            media_type: kept.map(|kept| kept.media_type.to_string()),
            sha256,
        }
    });
    Ok(documents.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_named_by_a_letter_and_an_entry() {
        let index = LogIndex(41);
        assert_eq!("V41".parse(), Ok(CaseName::Voucher(Named::Entry(index))));
        assert_eq!("d41".parse(), Ok(CaseName::Payable(Named::Entry(index))));
        assert_eq!("k41".parse(), Ok(CaseName::Contract(Named::Entry(index))));
        let of_what = "c190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11";
        for bad in ["", "41", "P41", "X1", "V", "V-1", of_what] {
            assert!(bad.parse::<CaseName>().is_err(), "{bad:?}");
        }
    }
}
