//! Bank accounts of payees, and the zone's own: one person proposes, another confirms.
//!
//! What an account is, is sealed (`vault`). Entries have a salted commitment to it only (invariant 12).

use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::bank_account::BankAccount;
use super::store::{self, NewRow};
use super::vault::{Sealed, Seat, Vault};
use super::{PaymentError, recall};
use crate::identity::{Actor, Command, Role};
use crate::journal::{self, Entry, Idempotency};
use crate::types::{AccountId, LogIndex, PartyId, PersonId, Reason, hex};

/// An account that somebody proposes.
#[derive(Clone, Debug)]
pub struct NewAccount {
    /// Whose; `None` is the zone itself, which pays from it.
    pub party: Option<PartyId>,
    /// Which.
    pub account: BankAccount,
}

/// A proposal, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProposedAccount {
    /// Identity.
    pub account: AccountId,
    /// Whose; `None` is the zone itself.
    pub party: Option<PartyId>,
    /// Its entry; `B` and this number is its short name.
    pub index: LogIndex,
}

/// Where an account is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountState {
    /// Somebody has to confirm it.
    Proposed,
    /// It is paid to.
    Confirmed,
    /// Another took its place.
    Superseded,
}

/// An account as anybody may see it.
#[derive(Clone, Debug, Serialize)]
pub struct AccountRow {
    /// Identity.
    pub account: AccountId,
    /// Whose; `None` is the zone itself.
    pub party: Option<PartyId>,
    /// The party's name.
    pub name: Option<String>,
    /// The last four characters of its number.
    pub masked: String,
    /// Where it is.
    pub state: AccountState,
    /// Who proposed it.
    pub proposed_by: PersonId,
    /// The entry of the proposal; `B` and this number is its short name.
    pub proposed_index: LogIndex,
    /// The entry of the confirmation.
    pub confirmed_index: Option<LogIndex>,
    /// How many other parties have the same number, proposed or in force.
    pub shared_with: i64,
}

impl AccountRow {
    fn seat(&self) -> Seat {
        Seat {
            account: self.account,
            party: self.party,
        }
    }
}

/// Which accounts are to be confirmed.
#[derive(Clone, Debug, Serialize)]
pub enum AccountFilter {
    /// All that wait for it.
    Proposed,
    /// These.
    Ids(Vec<AccountId>),
}

/// What became of a confirmation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfirmationOutcome {
    /// It is in force; the one before is not any more.
    Confirmed,
    /// Whoever proposed it, or acts for the party, can't confirm it.
    RefusedSegregation,
    /// It was confirmed before, or another took its place.
    RefusedState,
}

/// The confirmation of one account, as recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Confirmation {
    /// The account.
    pub account: AccountId,
    /// The entry of its proposal.
    pub proposed_index: LogIndex,
    /// The entry of the confirmation, or of its refusal.
    pub index: LogIndex,
    /// Confirmed or refused.
    pub outcome: ConfirmationOutcome,
}

/// What the entry of a proposal says.
#[derive(Serialize, Deserialize)]
struct Proposal {
    account: AccountId,
    commitment: String,
    /// In the entry with the command's key: how many entries, from this one on, the command recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entries: Option<usize>,
    holder_mark_sha256: String,
    masked_sha256: String,
    number_mark_sha256: String,
    party: Option<PartyId>,
    sealed_sha256: String,
}

/// Proposes accounts, each by an entry of its own. Finance may for every party and for the zone, a party's own people
/// for that party. Nothing is paid to an account before another person has confirmed it; the one in force stays. A
/// proposal takes the place of one that is still open. A repeat under the same key has the first answer.
pub async fn propose_accounts(
    conn: &mut PgConnection,
    command: &Command<'_>,
    vault: &Vault,
    new: &[NewAccount],
) -> Result<Vec<ProposedAccount>, PaymentError> {
    for one in new {
        may_propose(command.actor, one.party)?;
    }
    let zone = command.zone;
    let key = idempotency(command, vault, new);
    let first = journal::first_answer(conn, zone.id, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, Proposal { entries, .. })) = first {
        let earlier = recall::entries(conn, zone.id, recorded.index, entries.unwrap_or(1)).await?;
        let answer = earlier.into_iter().map(|(index, told)| {
            let Proposal { account, party, .. } = told;
            ProposedAccount {
                account,
                party,
                index,
            }
        });
        return Ok(answer.collect());
    }
    if new.is_empty() {
        return Err(PaymentError::NothingToDo("no account is proposed"));
    }
    let mut sealed = Vec::with_capacity(new.len());
    let mut entries = Vec::with_capacity(new.len());
    for one in new {
        let seat = Seat {
            account: AccountId::generate(),
            party: one.party,
        };
        let row = vault.seal(seat, &one.account)?;
        let count = (key.is_some() && entries.is_empty()).then_some(new.len());
        entries.push(proposal(command, seat, &row, count)?);
        sealed.push((seat, row));
    }
    if let Some(first) = entries.first_mut() {
        first.idempotency = key;
    }
    let mut rows = Vec::with_capacity(new.len());
    let outcomes = journal::record(conn, zone, command.now, &entries).await?;
    for ((seat, sealed), outcome) in sealed.into_iter().zip(outcomes) {
        let index = outcome?.index;
        rows.push(NewRow {
            seat,
            sealed,
            index,
        });
    }
    store::insert_accounts(conn, zone.id, command.actor.person, &rows)
        .await
        .map_err(|error| match crate::db::violated_constraint(&error) {
            Some("bank_account_one_proposed") => PaymentError::TwoAccounts,
            Some(_) | None => error.into(),
        })?;
    let answer = rows.into_iter().map(|row| ProposedAccount {
        account: row.seat.account,
        party: row.seat.party,
        index: row.index,
    });
    Ok(answer.collect())
}

fn may_propose(actor: &Actor, party: Option<PartyId>) -> Result<(), PaymentError> {
    let own = party.is_some() && actor.party == party;
    if own {
        actor.require(&[Role::Sme, Role::Provider, Role::Incubator])?;
    } else {
        actor.require(&[Role::Finance])?;
    }
    Ok(())
}

/// By marks, since a plain hash of account numbers could be tried.
fn idempotency(command: &Command<'_>, vault: &Vault, new: &[NewAccount]) -> Option<Idempotency> {
    let input: Vec<(Option<PartyId>, [String; 3])> = new
        .iter()
        .map(|one| {
            let BankAccount {
                holder,
                number,
                bank,
                bank_name,
            } = &one.account;
            let bank = format!("{} {bank_name:?}", bank.as_str());
            let marks = [
                vault.mark_number(number.as_str()),
                vault.mark_holder(holder.as_str()),
                vault.mark_holder(&bank),
            ];
            (one.party, marks.map(|mark| hex(&mark)))
        })
        .collect();
    command.idempotency("payment.propose_accounts", &input)
}

/// Marks and masked number are in the entry as hashes over the account's id and themselves: rows can be compared with
/// it, and it does not tell which accounts have one number. Four digits could be tried, so the mark goes in with them.
fn proposal(
    command: &Command<'_>,
    seat: Seat,
    sealed: &Sealed,
    entries: Option<usize>,
) -> Result<Entry, PaymentError> {
    let of_row = |bytes: &[u8]| digest(&[seat.account.0.as_bytes(), bytes]);
    let details = Proposal {
        account: seat.account,
        commitment: hex(&sealed.commitment),
        entries,
        holder_mark_sha256: of_row(&sealed.holder_mark),
        masked_sha256: of_row(&[sealed.masked.as_bytes(), &sealed.number_mark].concat()),
        number_mark_sha256: of_row(&sealed.number_mark),
        party: seat.party,
        sealed_sha256: digest(&[&sealed.bytes]),
    };
    Ok(Entry {
        subject: Some(seat.account.0),
        ..command.entry("bank_account.proposed", &details)?
    })
}

fn digest(parts: &[&[u8]]) -> String {
    use sha2::{Digest as _, Sha256};
    let hash = parts.iter().fold(Sha256::new(), Sha256::chain_update);
    hex(&hash.finalize())
}

/// What the entry of a confirmation says.
#[derive(Serialize, Deserialize)]
struct Confirmed {
    account: AccountId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entries: Option<usize>,
    outcome: ConfirmationOutcome,
    party: Option<PartyId>,
    proposed_index: LogIndex,
}

/// Confirms accounts that others have proposed, each by an entry of its own; a refusal is an entry too. From then on
/// batches pay to them. A repeat under the same key has the first answer.
pub async fn confirm_accounts(
    conn: &mut PgConnection,
    command: &Command<'_>,
    filter: &AccountFilter,
) -> Result<Vec<Confirmation>, PaymentError> {
    command.actor.require(&[Role::Finance])?;
    let zone = command.zone;
    let key = command.idempotency("payment.confirm_accounts", filter);
    let found = store::lock_accounts(conn, zone.id, filter).await?;
    // After locking: whoever gave the same command at the same moment has let go of the rows by now.
    let first = journal::first_answer(conn, zone.id, command.actor.person, key.as_ref()).await?;
    if let Some((recorded, Confirmed { entries, .. })) = first {
        let earlier = recall::entries(conn, zone.id, recorded.index, entries.unwrap_or(1)).await?;
        let answer = earlier
            .into_iter()
            .map(|(index, told): (_, Confirmed)| Confirmation {
                account: told.account,
                proposed_index: told.proposed_index,
                index,
                outcome: told.outcome,
            });
        return Ok(answer.collect());
    }
    if let AccountFilter::Ids(ids) = filter
        && let Some(unknown) = ids
            .iter()
            .find(|id| !found.iter().any(|row| row.account == **id))
    {
        return Err(PaymentError::UnknownAccount(*unknown));
    }
    if found.is_empty() {
        return Err(PaymentError::NothingToDo(
            "no bank account waits for confirmation",
        ));
    }
    let mut entries = Vec::with_capacity(found.len());
    let mut outcomes = Vec::with_capacity(found.len());
    for row in &found {
        let outcome = decide(row, command.actor);
        let count = (key.is_some() && entries.is_empty()).then_some(found.len());
        entries.push(confirmation(command, row, outcome, count)?);
        outcomes.push(outcome);
    }
    if let Some(first) = entries.first_mut() {
        first.idempotency = key;
    }
    let recorded = journal::record(conn, zone, command.now, &entries).await?;
    let (mut answer, mut confirmed) = (Vec::new(), Vec::new());
    for ((row, outcome), recorded) in found.iter().zip(outcomes).zip(recorded) {
        let index = recorded?.index;
        if outcome == ConfirmationOutcome::Confirmed {
            confirmed.push((row.seat(), index));
        }
        answer.push(Confirmation {
            account: row.account,
            proposed_index: row.proposed_index,
            index,
            outcome,
        });
    }
    store::confirm_accounts(conn, zone.id, command.actor.person, &confirmed).await?;
    Ok(answer)
}

fn decide(row: &AccountRow, actor: &Actor) -> ConfirmationOutcome {
    let acts_for_it = row.party.is_some() && row.party == actor.party;
    if row.state != AccountState::Proposed {
        ConfirmationOutcome::RefusedState
    } else if row.proposed_by == actor.person || acts_for_it {
        ConfirmationOutcome::RefusedSegregation
    } else {
        ConfirmationOutcome::Confirmed
    }
}

fn confirmation(
    command: &Command<'_>,
    row: &AccountRow,
    outcome: ConfirmationOutcome,
    entries: Option<usize>,
) -> Result<Entry, PaymentError> {
    let kind = match outcome {
        ConfirmationOutcome::Confirmed => "bank_account.confirmed",
        ConfirmationOutcome::RefusedSegregation | ConfirmationOutcome::RefusedState => {
            "bank_account.confirmation_refused"
        }
    };
    let details = Confirmed {
        account: row.account,
        entries,
        outcome,
        party: row.party,
        proposed_index: row.proposed_index,
    };
    Ok(Entry {
        subject: Some(row.account.0),
        ..command.entry(kind, &details)?
    })
}

/// Shows an account in the clear to finance or a cashier; the entry is `bank_account.revealed`, with the reason.
pub async fn reveal_account(
    conn: &mut PgConnection,
    command: &Command<'_>,
    vault: &Vault,
    (account, reason): (AccountId, &Reason),
) -> Result<(BankAccount, LogIndex), PaymentError> {
    #[derive(Serialize)]
    struct Revealed<'a> {
        account: AccountId,
        reason: &'a Reason,
    }
    command.actor.require(&[Role::Finance, Role::Cashier])?;
    let found = store::sealed_accounts(conn, command.zone.id, &[account]).await?;
    let (seat, sealed) = found.first().ok_or(PaymentError::UnknownAccount(account))?;
    let opened = vault.open_sealed(*seat, sealed)?;
    let entry = Entry {
        subject: Some(account.0),
        ..command.entry("bank_account.revealed", &Revealed { account, reason })?
    };
    let recorded = journal::record_one(conn, command.zone, command.now, entry).await?;
    Ok((opened, recorded.index))
}
