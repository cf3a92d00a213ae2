//! `payment account …` and `payment own-account`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};

use super::vault;
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::party;
use crate::payment::{
    self, AccountFilter, AccountRow, AccountState, BankAccount, ConfirmationOutcome, NewAccount,
};
use crate::tabular::{Field, Mapping, Record, RowError, RowErrors, Table};
use crate::types::{AccountId, Named, PartyId, Reason, Uscc, Zone};

/// Bank accounts of payees.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum AccountCommand {
    /// Propose accounts from a file (finance; a party's own people for it)
    #[command(
        after_help = "Example:\n  subsidy-ledger payment account propose accounts.csv --as finance\n\n\
        Columns: party (unified social credit code, or id), holder, number, bank (CNAPS number of 12 digits, or BIC)\n\
        and, if you like, bank_name. Numbers come from a file, so that none stands in the history of a shell. They are\n\
        encrypted with a key in the data folder. Another person of finance confirms them; until then the account in\n\
        force stays. Numbers in a workbook must be text, or Excel rounds them."
    )]
    Propose(ProposeArgs),
    /// Confirm accounts that others have proposed (finance)
    #[command(
        after_help = "Examples:\n  subsidy-ledger payment account confirm B12 --as finance2\n  \
        subsidy-ledger payment account confirm --all --as finance2"
    )]
    Confirm(ConfirmArgs),
    /// List accounts, masked
    #[command(after_help = "Examples:\n  subsidy-ledger payment account list\n  \
        subsidy-ledger payment account list --shared\n\n\
        With --shared those whose number another party has too.")]
    List(ListArgs),
    /// Show an account in the clear (finance, cashier); that is an entry
    #[command(
        after_help = "Example:\n  subsidy-ledger payment account reveal B12 --reason \"payee asked\" --as finance"
    )]
    Reveal {
        /// The account: B and its number, or its id
        account: Named<AccountId>,
        /// Why; it stands in the entry
        #[arg(long)]
        reason: Reason,
    },
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ProposeArgs {
    /// Accounts: CSV, XLSX or JSON
    file: PathBuf,
    /// Column of a field, as field=Column
    #[arg(long = "column", value_name = "FIELD=COLUMN")]
    columns: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OwnAccountArgs {
    /// The account: CSV, XLSX or JSON, with one row
    file: PathBuf,
    /// Column of a field, as field=Column
    #[arg(long = "column", value_name = "FIELD=COLUMN")]
    columns: Vec<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ConfirmArgs {
    /// Accounts: B and the number of the entry that proposed each, or ids
    #[arg(
        value_name = "ACCOUNT",
        required_unless_present = "all",
        conflicts_with = "all"
    )]
    accounts: Vec<Named<AccountId>>,
    /// All that are proposed
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListArgs {
    /// Those that were superseded too
    #[arg(long)]
    history: bool,
    /// Only those whose number another party has too
    #[arg(long)]
    shared: bool,
}

/// The columns of a file of accounts: whose, and which. That of the zone's own has all but the first.
const ACCOUNTS: &[Field] = &[
    Field {
        name: "party",
        headers: &["party", "uscc", "统一社会信用代码"],
        required: true,
    },
    Field {
        name: "holder",
        headers: &["holder", "户名"],
        required: true,
    },
    Field {
        name: "number",
        headers: &["number", "账号"],
        required: true,
    },
    Field {
        name: "bank",
        headers: &["bank", "联行号"],
        required: true,
    },
    Field {
        name: "bank_name",
        headers: &["bank_name", "开户行"],
        required: false,
    },
];

pub(super) async fn run(global: &Global, command: AccountCommand) -> anyhow::Result<ExitCode> {
    match command {
        AccountCommand::Propose(args) => propose(global, args).await,
        AccountCommand::Confirm(args) => confirm(global, args).await,
        AccountCommand::List(args) => list(global, &args).await,
        AccountCommand::Reveal { account, reason } => reveal(global, account, reason).await,
    }
}

/// A party as a file names it.
enum Whose {
    Id(PartyId),
    Code(Uscc),
}

fn read_account(record: &Record<'_, '_>) -> Result<BankAccount, RowError> {
    let number = record.require("number")?;
    Ok(BankAccount {
        holder: record.require("holder")?.parse()?,
        // The cell is not repeated: it may be a number but for a slip.
        number: number.text.parse().map_err(|error| {
            RowError::of_row(record.number(), format!("column number {error}"), "")
        })?,
        bank: record.require("bank")?.parse()?,
        bank_name: record
            .get("bank_name")
            .map(|cell| cell.parse())
            .transpose()?,
    })
}

fn whose(record: &Record<'_, '_>) -> Result<Whose, RowError> {
    let cell = record.require("party")?;
    if let Ok(id) = cell.text.parse() {
        return Ok(Whose::Id(id));
    }
    cell.parse().map(Whose::Code)
}

fn open(file: &Path, columns: &[String]) -> anyhow::Result<(Mapping, Table)> {
    let mut mapping = Mapping::default();
    for column in columns {
        mapping.map_column(column)?;
    }
    let table = Table::open(file, &mapping.read_options())?;
    Ok((mapping, table))
}

async fn propose(global: &Global, args: ProposeArgs) -> anyhow::Result<ExitCode> {
    let (mapping, table) = open(&args.file, &args.columns)?;
    let bound = mapping.bind(&table, ACCOUNTS)?;
    let mut errors = RowErrors::default();
    let mut rows = Vec::new();
    for record in bound.records() {
        let row =
            whose(&record).and_then(|whose| Ok((record.number(), whose, read_account(&record)?)));
        rows.extend(errors.take(row));
    }
    errors.check().map_err(payment::PaymentError::Rows)?;
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let mut new = Vec::with_capacity(rows.len());
        for (row, whose, account) in rows {
            let party = Some(find_party(session, &zone, row, whose).await?);
            new.push(NewAccount { party, account });
        }
        give(session, global, new).await
    })
    .await
}

async fn find_party(
    session: &Session,
    zone: &Zone,
    row: u64,
    whose: Whose,
) -> anyhow::Result<PartyId> {
    let (name, found) = match whose {
        Whose::Id(id) => {
            let read = session
                .database
                .read(zone.id, (zone.id, id), |conn, (zone, id)| {
                    Box::pin(party::store::party(conn, *zone, *id))
                });
            (id.to_string(), read.await?.map(|party| party.id))
        }
        Whose::Code(code) => {
            let name = code.to_string();
            let read = session
                .database
                .read(zone.id, (zone.id, code), |conn, (zone, code)| {
                    Box::pin(party::store::party_by_uscc(conn, *zone, code.as_str()))
                });
            (name, read.await?.map(|party| party.id))
        }
    };
    found.with_context(|| {
        format!(
            "row {row}, party: zone {} has no party {name}: `party list`",
            zone.code
        )
    })
}

pub(super) async fn propose_own(global: &Global, args: OwnAccountArgs) -> anyhow::Result<ExitCode> {
    let (mapping, table) = open(&args.file, &args.columns)?;
    let bound = mapping.bind(
        &table,
        ACCOUNTS.split_first().map_or(ACCOUNTS, |(_, rest)| rest),
    )?;
    let mut errors = RowErrors::default();
    let mut accounts = Vec::new();
    for record in bound.records() {
        accounts.extend(errors.take(read_account(&record)));
    }
    errors.check().map_err(payment::PaymentError::Rows)?;
    let [account] = accounts.as_slice() else {
        bail!(
            "the file has {} rows: the zone has one account of its own",
            accounts.len()
        );
    };
    let account = account.clone();
    with_session(global, async |session| {
        let own = NewAccount {
            party: None,
            account,
        };
        give(session, global, vec![own]).await
    })
    .await
}

async fn give(
    session: &Session,
    global: &Global,
    new: Vec<NewAccount>,
) -> anyhow::Result<ExitCode> {
    let caller = session.caller(global).await?;
    let vault = vault(session, &caller.zone).await?;
    let proposed = session
        .command(&caller, (vault, new), |conn, command, (vault, new)| {
            Box::pin(async move { payment::propose_accounts(conn, &command, vault, new).await })
        })
        .await?;
    if global.json {
        output::json(&proposed)?;
    } else {
        let number = output::counted(proposed.len(), "account", "accounts");
        output::line(&format!(
            "{number} proposed; another person of finance confirms:"
        ))?;
        for one in &proposed {
            let whose = one
                .party
                .map_or_else(|| "the zone".to_owned(), |party| party.to_string());
            output::line(&format!("  B{}\t{whose}", one.index))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn account_id(
    session: &Session,
    zone: &Zone,
    named: Named<AccountId>,
) -> anyhow::Result<AccountId> {
    let found = session
        .database
        .read(zone.id, (zone.id, named), |conn, (zone, named)| {
            Box::pin(payment::find_account(conn, *zone, *named))
        })
        .await?;
    found.with_context(|| {
        format!(
            "no bank account {named} in zone {}: `payment account list`",
            zone.code
        )
    })
}

async fn confirm(global: &Global, args: ConfirmArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let filter = if args.all {
            AccountFilter::Proposed
        } else {
            let mut ids = Vec::with_capacity(args.accounts.len());
            for named in args.accounts {
                ids.push(account_id(session, &caller.zone, named).await?);
            }
            AccountFilter::Ids(ids)
        };
        let confirmations = session
            .command(&caller, filter, |conn, command, filter| {
                Box::pin(async move { payment::confirm_accounts(conn, &command, filter).await })
            })
            .await?;
        let done = confirmations
            .iter()
            .filter(|one| one.outcome == ConfirmationOutcome::Confirmed)
            .count();
        if global.json {
            output::json(&confirmations)?;
        } else {
            let refused = confirmations.len() - done;
            output::line(&format!("{done} confirmed, {refused} refused."))?;
            for one in &confirmations {
                let why = match one.outcome {
                    ConfirmationOutcome::Confirmed => continue,
                    ConfirmationOutcome::RefusedSegregation => {
                        "whoever proposed it, or acts for the party, can't confirm it"
                    }
                    ConfirmationOutcome::RefusedState => {
                        "it was confirmed before, or another took its place"
                    }
                };
                let (account, index) = (one.proposed_index, one.index);
                output::line(&format!(
                    "  B{account}: {why}; the refusal is entry {index}"
                ))?;
            }
        }
        Ok(if done == confirmations.len() {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        })
    })
    .await
}

async fn list(global: &Global, args: &ListArgs) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let mut rows: Vec<AccountRow> = session
            .database
            .read(zone.id, zone.id, |conn, zone| {
                Box::pin(payment::accounts(conn, *zone, None))
            })
            .await?;
        rows.retain(|row| {
            (args.history || row.state != AccountState::Superseded)
                && (!args.shared || row.shared_with > 0)
        });
        if global.json {
            output::json(&rows)?;
        } else if rows.is_empty() {
            output::line("No bank account; `payment account propose` proposes some.")?;
        } else {
            for row in &rows {
                let state = match row.state {
                    AccountState::Proposed => "proposed",
                    AccountState::Confirmed => "confirmed",
                    AccountState::Superseded => "superseded",
                };
                let whose = row.name.as_deref().unwrap_or("(the zone)");
                let shared = match row.shared_with {
                    0 => String::new(),
                    several => format!(
                        "\tshared with {}",
                        output::counted(several, "other party", "other parties")
                    ),
                };
                let (index, masked) = (row.proposed_index, &row.masked);
                output::line(&format!(
                    "B{index:<7}\t{masked}\t{state:<10}\t{whose}{shared}"
                ))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

async fn reveal(
    global: &Global,
    named: Named<AccountId>,
    reason: Reason,
) -> anyhow::Result<ExitCode> {
    with_session(global, async |session| {
        let caller = session.caller(global).await?;
        let id = account_id(session, &caller.zone, named).await?;
        let vault = vault(session, &caller.zone).await?;
        let (account, index) = session
            .command(
                &caller,
                (vault, id, reason),
                |conn, command, (vault, id, reason)| {
                    Box::pin(async move {
                        payment::reveal_account(conn, &command, vault, (*id, reason)).await
                    })
                },
            )
            .await?;
        if global.json {
            output::json(&account)?;
        } else {
            output::line(&format!("holder  {}", account.holder))?;
            output::line(&format!("number  {}", account.number.as_str()))?;
            output::line(&format!("bank    {}", account.bank.as_str()))?;
            if let Some(name) = &account.bank_name {
                output::line(&format!("        {name}"))?;
            }
            output::line(&format!("Shown for the reason given, entry {index}."))?;
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}
