//! Everything on one case, for reading and for keeping.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use serde_json::json;

use crate::audit::{self, CaseFile, CaseName, DocumentOf, EntryOf, PaymentOf};
use crate::cli::log::write_receipt;
use crate::cli::session::{Session, with_session};
use crate::cli::{Global, output};
use crate::types::Zone;

/// The language of traces.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Lang {
    /// English.
    En,
    /// Chinese.
    Zh,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CaseArgs {
    /// The case: V (voucher), H (order), C (claim), K (contract), D (payable), R (award run), L (lease), W (waiver), Z
    /// (recovery) or S (deferral) and the number of its entry
    name: String,
    /// Write a receipt of every entry into this folder, which is made if it is not there
    #[arg(long, value_name = "DIR")]
    proofs: Option<PathBuf>,
    /// The language of the traces of decisions
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
}

pub(in crate::cli) async fn run(global: &Global, args: CaseArgs) -> anyhow::Result<ExitCode> {
    let name: CaseName = args.name.parse()?;
    with_session(global, async |session| {
        let zone = session.zone(global).await?;
        let found = session
            .database
            .read(zone.id, (zone.clone(), name), |conn, (zone, name)| {
                Box::pin(audit::case(conn, zone, *name))
            })
            .await?;
        let case = found.with_context(|| format!("no case {} in zone {}", args.name, zone.code))?;
        let proofs = match &args.proofs {
            None => None,
            Some(folder) => Some(write_proofs(global, session, (&zone, &case), folder).await?),
        };
        if global.json {
            output::json(&json!({ "case": case_json(&case, &zone)?, "proofs": proofs }))?;
        } else {
            output::line(case_text(&case, &zone, args.lang).trim_end())?;
            if let (Some(proofs), Some(folder)) = (proofs, &args.proofs) {
                let receipts = output::counted(proofs, "receipt", "receipts");
                output::line(&format!("{receipts} in {}", folder.display()))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    })
    .await
}

/// One receipt for each entry, as `receipt` writes it.
async fn write_proofs(
    global: &Global,
    session: &Session,
    (zone, case): (&Zone, &CaseFile),
    folder: &Path,
) -> anyhow::Result<usize> {
    fs::create_dir_all(folder).with_context(|| format!("{} can't be made", folder.display()))?;
    session.sign(zone, global.clock().now()).await;
    for entry in &case.entries {
        let index = u64::try_from(entry.index.0).context("BUG: an entry has a number")?;
        let file = folder.join(format!("{index}.tlog-proof"));
        let said = &mut Vec::new();
        write_receipt(index, Some(&file), &session.database, zone, false, said).await?;
    }
    Ok(case.entries.len())
}

/// As the room has it, with amounts as decimal text like everywhere else.
fn case_json(case: &CaseFile, zone: &Zone) -> anyhow::Result<serde_json::Value> {
    let mut value = serde_json::to_value(case)?;
    for list in ["parts", "payments"] {
        let items = value.get_mut(list).and_then(|list| list.as_array_mut());
        for amount in items
            .into_iter()
            .flatten()
            .filter_map(|item| item.get_mut("amount"))
        {
            if let Some(minor) = amount.as_i64() {
                let money = crate::types::Money::from_minor(minor);
                *amount = money.to_text(zone.currency).into();
            }
        }
    }
    Ok(value)
}

/// A case for people: its parts, its entries in the order of the log, payments and documents.
pub fn case_text(case: &CaseFile, zone: &Zone, lang: Lang) -> String {
    let mut text = Text(String::new());
    for part in &case.parts {
        let amount = part
            .amount
            .map(|money| money.to_grouped_text(zone.currency));
        let provider = part.provider.as_deref();
        let provider = provider.map_or_else(String::new, |name| format!(", from {name}"));
        let amount = amount.map_or_else(String::new, |amount| format!(", {amount}"));
        text.line(
            0,
            &format!("{} {}{provider}{amount}", part.name, part.party),
        );
    }
    for entry in &case.entries {
        entry_text(&mut text, entry, zone, lang);
    }
    text.heading("payments", case.payments.len());
    for payment in &case.payments {
        payment_text(&mut text, payment, zone);
    }
    text.heading("documents", case.documents.len());
    for document in &case.documents {
        document_text(&mut text, document);
    }
    text.0
}

/// Lines with their indentation.
struct Text(String);

impl Text {
    fn line(&mut self, depth: usize, line: &str) {
        self.0.push_str(&"  ".repeat(depth));
        self.0.push_str(line.trim_end());
        self.0.push('\n');
    }

    fn heading(&mut self, what: &str, count: usize) {
        let count = if count == 0 {
            "none".to_owned()
        } else {
            count.to_string()
        };
        self.line(0, "");
        self.line(0, &format!("{what}: {count}"));
    }
}

fn entry_text(text: &mut Text, entry: &EntryOf, zone: &Zone, lang: Lang) {
    let at = zone.time.local(entry.at).format("%Y-%m-%d %H:%M:%S");
    text.line(0, "");
    let kind = entry.kind.replace(['.', '_'], " ");
    let head = format!(
        "{} {at} {kind}, by {} ({})",
        entry.index, entry.login, entry.name
    );
    text.line(0, &head);
    let effective = entry.effective;
    if zone.time.day(entry.at) != effective {
        text.line(1, &format!("counts for {effective}"));
    }
    if !entry.of_the_case {
        text.line(1, "concerns other cases too, or is what this one rests on");
    }
    for (name, value) in &entry.says {
        text.line(1, &format!("{name}: {value}"));
    }
    if let Some(decision) = &entry.decision {
        let (policy, sha256) = (&decision.policy, decision.policy_sha256);
        text.line(1, &format!("decided by {policy}, SHA-256 {sha256}"));
        let trace = match lang {
            Lang::En => &decision.en,
            Lang::Zh => &decision.zh,
        };
        for sentence in trace {
            text.line(2, sentence);
        }
    }
    for moved in &entry.transfers {
        let amount = output::grouped(&moved.amount);
        let (debit, credit) = (&moved.debit, &moved.credit);
        text.line(1, &format!("{amount}: debit {debit}, credit {credit}"));
    }
    text.line(1, &format!("leaf {}", entry.leaf_hash));
}

fn payment_text(text: &mut Text, payment: &PaymentOf, zone: &Zone) {
    let PaymentOf {
        payable,
        payee,
        state,
        ..
    } = payment;
    let amount = payment.amount.to_grouped_text(zone.currency);
    text.line(1, &format!("{payable} {amount} to {payee}: {state}"));
    let fields = [
        ("instruction", payment.instruction.clone()),
        ("its state", payment.instruction_state.clone()),
        ("batch", payment.batch.clone()),
        ("account", payment.account.clone()),
        ("bank reference", payment.bank_reference.clone()),
        ("bank line", payment.bank_line.clone()),
        ("booked on", payment.booked_on.map(|day| day.to_string())),
    ];
    for (name, value) in fields {
        if let Some(value) = value {
            text.line(2, &format!("{name}: {value}"));
        }
    }
}

fn document_text(text: &mut Text, document: &DocumentOf) {
    let kept = match (&document.media_type, document.bytes, document.added) {
        (Some(media_type), Some(bytes), Some(added)) => {
            let bytes = output::grouped(&bytes.to_string());
            format!("{media_type}, {bytes} bytes, kept by entry {added}")
        }
        _ => "not kept here".to_owned(),
    };
    text.line(1, &format!("{}: {kept}", document.sha256));
    for other in &document.also {
        text.line(2, &format!("also of {other}"));
    }
}
