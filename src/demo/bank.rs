//! A bank for the demonstration: it keeps the payees' accounts, and answers a batch with a status report (pain.002) and a
//! statement (camt.053), as a real one would.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};

use crate::payment::{BankAccount, Batch, BatchLine, NewAccount};
use crate::types::{Amount, Currency, LogIndex, Money, Name, PartyId};

/// One line in so many is rejected: the payee's account was closed.
const REJECTED_EACH: usize = 11;

/// The number of the account that the zone pays from, made up.
const OWN_NUMBER: &str = "31050161360000001234";

/// Money that comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Receipt {
    amount: Amount,
    text: String,
}

/// What the bank has to tell, and told last.
#[derive(Debug, Default)]
pub struct Bank {
    receipts: Vec<Receipt>,
    statement: Option<LogIndex>,
}

impl Bank {
    /// Takes money in, which the next statement tells. `text` is plain: letters, digits and blanks.
    pub fn receive(&mut self, amount: Amount, text: &str) {
        self.receipts.push(Receipt {
            amount,
            text: text.to_owned(),
        });
    }

    /// The entry that took in the last statement; its lines of receipts come first.
    pub fn last_statement(&self) -> Option<LogIndex> {
        self.statement
    }

    /// What no statement has told yet.
    pub(super) fn receipts(&self) -> Vec<Receipt> {
        self.receipts.clone()
    }

    /// That a statement told everything.
    pub(super) fn told(&mut self, statement: Option<LogIndex>) {
        self.receipts.clear();
        self.statement = statement;
    }
}

/// Whether the line in this place of a batch is rejected.
const fn is_rejected(place: usize) -> bool {
    place.is_multiple_of(REJECTED_EACH)
}

/// The status report on a batch, if anything of it is rejected.
pub(super) fn status_report(
    batch: &Batch,
    at: DateTime<Utc>,
    currency: Currency,
) -> Option<String> {
    let rejected: Vec<&BatchLine> = (1_usize..)
        .zip(&batch.lines)
        .filter(|(place, _)| is_rejected(*place))
        .map(|(_, line)| line)
        .collect();
    if rejected.is_empty() {
        return None;
    }
    let message = batch.id.0.simple();
    let (all, some) = (sum(&batch.lines), sum(rejected.iter().copied()));
    let (all, some) = (all.to_text(currency), some.to_text(currency));
    let at = at.format("%Y-%m-%dT%H:%M:%SZ");
    let (lines, out) = (batch.lines.len(), rejected.len());
    let mut file = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt>
<GrpHdr><MsgId>STATUS-{at}</MsgId><CreDtTm>{at}</CreDtTm></GrpHdr>
<OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
<OrgnlNbOfTxs>{lines}</OrgnlNbOfTxs><OrgnlCtrlSum>{all}</OrgnlCtrlSum><GrpSts>PART</GrpSts>
<NbOfTxsPerSts><DtldNbOfTxs>{out}</DtldNbOfTxs><DtldSts>RJCT</DtldSts><DtldCtrlSum>{some}</DtldCtrlSum></NbOfTxsPerSts>
</OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>P{}</OrgnlPmtInfId>
"#,
        batch.index
    );
    for line in rejected {
        writeln!(
            file,
            "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf><Rsn><Cd>AC04</Cd></Rsn>\
             <AddtlInf>收款账户已销户</AddtlInf></StsRsnInf></TxInfAndSts>",
            line.end_to_end_id
        )
        .expect(WRITES);
    }
    file.push_str("</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>\n");
    Some(file)
}

/// The statement of a day: first what came in, then what was paid of a batch.
pub(super) fn statement(
    (lines, receipts): (&[BatchLine], &[Receipt]),
    opening: Money,
    booked_on: NaiveDate,
    currency: Currency,
) -> String {
    let paid: Vec<(usize, &BatchLine)> = (1_usize..)
        .zip(lines)
        .filter(|(place, _)| !is_rejected(*place))
        .collect();
    let received: Money = receipts.iter().map(|receipt| receipt.amount.money()).sum();
    let spent = sum(paid.iter().map(|(_, line)| *line));
    let closing = Money::from_minor(opening.minor() + received.minor() - spent.minor());
    let balance = |code: &str, amount: Money| {
        format!(
            r#"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy="{}">{}</Amt><CdtDbtInd>CRDT</CdtDbtInd><Dt><Dt>{booked_on}</Dt></Dt></Bal>"#,
            currency.code(),
            amount.to_text(currency)
        )
    };
    let mut file = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt>
<GrpHdr><MsgId>DEMO-{booked_on}</MsgId><CreDtTm>{booked_on}T18:00:00+08:00</CreDtTm></GrpHdr>
<Stmt><Id>DEMO-{booked_on}</Id><Acct><Id><Othr><Id>{OWN_NUMBER}</Id></Othr></Id></Acct>
{}
{}
"#,
        balance("OPBD", opening),
        balance("CLBD", closing)
    );
    for receipt in receipts {
        let details = format!(
            "<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RmtInf><Ustrd>{}</Ustrd></RmtInf>",
            receipt.text
        );
        entry(
            &mut file,
            ("CRDT", receipt.amount.money()),
            booked_on,
            &details,
            currency,
        );
    }
    for (place, line) in paid {
        let details = format!(
            "<Refs><AcctSvcrRef>ICBC{}-{place:05}</AcctSvcrRef><EndToEndId>{}</EndToEndId></Refs>",
            booked_on.format("%Y%m%d"),
            line.end_to_end_id
        );
        entry(
            &mut file,
            ("DBIT", line.amount),
            booked_on,
            &details,
            currency,
        );
    }
    file.push_str("</Stmt></BkToCstmrStmt></Document>\n");
    file
}

fn entry(
    file: &mut String,
    (direction, amount): (&str, Money),
    booked_on: NaiveDate,
    details: &str,
    currency: Currency,
) {
    writeln!(
        file,
        r#"<Ntry><Amt Ccy="{}">{}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{booked_on}</Dt></BookgDt><BkTxCd/><NtryDtls><TxDtls>{details}</TxDtls></NtryDtls></Ntry>"#,
        currency.code(),
        amount.to_text(currency)
    )
    .expect(WRITES);
}

const WRITES: &str = "BUG: a string takes all text";

fn sum<'a>(lines: impl IntoIterator<Item = &'a BatchLine>) -> Money {
    lines.into_iter().map(|line| line.amount).sum()
}

/// The made-up account that the zone pays from.
pub(super) fn own_account() -> NewAccount {
    let text = "BUG: the constant has its form";
    NewAccount {
        party: None,
        account: BankAccount {
            holder: "云川高新区财政局(演示)".parse().expect(text),
            number: OWN_NUMBER.parse().expect(text),
            bank: "105290036005".parse().expect(text),
            bank_name: None,
        },
    }
}

/// A made-up account of a payee, whose number tells it from others.
pub(super) fn account(party: PartyId, holder: Name) -> NewAccount {
    let text = "BUG: the constant has its form";
    let number = format!("62{:017}", party.0.as_u128() % 100_000_000_000_000_000);
    NewAccount {
        party: Some(party),
        account: BankAccount {
            holder,
            number: number.parse().expect(text),
            bank: "102290000012".parse().expect(text),
            bank_name: Some("云川银行(演示)营业部".parse().expect(text)),
        },
    }
}
