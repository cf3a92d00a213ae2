//! Reads what the bank thinks of instructions: `pain.002`, `CustomerPaymentStatusReport`.
//!
//! A status is no booking: what is accepted here is paid only when a statement says so.

use super::error::FileError;
use super::xml::{self, Element};
use crate::types::{Currency, Money};

pub(super) const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.002.001.";
/// In all of these the elements that are read here have the same names and places.
const VERSIONS: &[&str] = &[
    "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "14",
];

/// What the bank says of a file, a batch or an instruction (`ExternalPaymentGroupStatus1Code`,
/// `ExternalPaymentTransactionStatus1Code`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It goes on: received, checked, pending or settled (ACCP, ACSC, ACSP, PDNG and their like).
    Underway,
    /// Some instructions are rejected, others not: each has its own status (PART).
    Partly,
    /// It is not carried out (RJCT, CANC).
    Rejected,
}

/// Why, in the bank's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// Code, such as AC04 (closed account number); the bank's own if it is no code of ISO 20022.
    pub code: Option<String>,
    /// Further words.
    pub text: Option<String>,
}

/// A status report.
#[derive(Clone, Debug)]
pub struct StatusReport {
    /// The report's own id, `MsgId`.
    pub message_id: String,
    /// `OrgnlMsgId`: the file that it is about.
    pub original: String,
    /// How many instructions that file had, if the report says so.
    pub instructions: Option<usize>,
    /// Their sum, if the report says so.
    pub total: Option<Money>,
    /// Of the whole file.
    pub group: Option<(Status, Reason)>,
    /// Of its batches.
    pub payments: Vec<PaymentStatus>,
}

/// Status of a batch, `OrgnlPmtInfAndSts`.
#[derive(Clone, Debug)]
pub struct PaymentStatus {
    /// `OrgnlPmtInfId`.
    pub id: Option<String>,
    /// Of the whole batch.
    pub status: Option<(Status, Reason)>,
    /// Of its instructions, as far as the report lists them.
    pub transactions: Vec<TransactionStatus>,
}

/// Status of an instruction, `TxInfAndSts`.
#[derive(Clone, Debug)]
pub struct TransactionStatus {
    /// The line of the file.
    pub line: usize,
    /// `OrgnlEndToEndId`, or else `OrgnlInstrId`.
    pub end_to_end_id: String,
    /// What the bank says of it.
    pub status: Status,
    /// Why.
    pub reason: Reason,
    /// The amount of the instruction, if the report repeats it.
    pub amount: Option<Money>,
}

/// Reads a status report.
pub fn read_status_report(bytes: &[u8], currency: Currency) -> Result<StatusReport, FileError> {
    let mut listed: Vec<(String, TransactionStatus)> = Vec::new();
    let mut payments = Vec::new();
    let repeated = ["TxInfAndSts", "OrgnlPmtInfAndSts"];
    let root = xml::read(bytes, (NAMESPACE, VERSIONS), &repeated, |_, element| {
        if element.name == "TxInfAndSts" {
            listed.push(transaction(element, currency)?);
        } else {
            payments.push(payment(element, std::mem::take(&mut listed))?);
        }
        Ok(())
    })?;
    let report = root.require("CstmrPmtStsRpt")?;
    let group = report.require("OrgnlGrpInfAndSts")?;
    let read = StatusReport {
        message_id: report.require("GrpHdr")?.require_text("MsgId")?.to_owned(),
        original: group.require_text("OrgnlMsgId")?.to_owned(),
        instructions: group
            .child("OrgnlNbOfTxs")
            .map(Element::whole_number)
            .transpose()?,
        total: group
            .child("OrgnlCtrlSum")
            .map(|sum| sum.decimal(currency))
            .transpose()?,
        group: status(group, "GrpSts")?.map(|(_, status, reason)| (status, reason)),
        payments,
    };
    if read.group.is_none()
        && read
            .payments
            .iter()
            .all(|payment| payment.status.is_none() && payment.transactions.is_empty())
    {
        return Err(group.missing("GrpSts, PmtInfSts or TxSts"));
    }
    Ok(read)
}

/// Code, meaning and reason of the status in a child of `element`.
fn status(element: &Element, name: &str) -> Result<Option<(String, Status, Reason)>, FileError> {
    let Some(child) = element.child(name) else {
        return Ok(None);
    };
    let code = child.text.trim();
    let status = match code {
        "ACCC" | "ACCP" | "ACFC" | "ACIS" | "ACPD" | "ACSC" | "ACSP" | "ACTC" | "ACWC" | "ACWP"
        | "BLCK" | "PATC" | "PDNG" | "PRES" | "RCVD" => Status::Underway,
        "PART" => Status::Partly,
        "CANC" | "RJCT" => Status::Rejected,
        _ => return Err(child.wrong("is no status that is known here, such as ACSP, PART or RJCT")),
    };
    Ok(Some((code.to_owned(), status, reason(element))))
}

fn reason(element: &Element) -> Reason {
    let Some(reason) = element.child("StsRsnInf") else {
        return Reason::default();
    };
    let code = reason
        .text_at(&["Rsn", "Cd"])
        .or_else(|| reason.text_at(&["Rsn", "Prtry"]));
    let texts: Vec<&str> = reason.all("AddtlInf").filter_map(Element::filled).collect();
    Reason {
        code: code.map(str::to_owned),
        text: (!texts.is_empty()).then(|| texts.join(" ")),
    }
}

fn transaction(
    element: &Element,
    currency: Currency,
) -> Result<(String, TransactionStatus), FileError> {
    // Both are the same in what is written here, and banks may repeat either.
    let end_to_end_id = element
        .text_at(&["OrgnlEndToEndId"])
        .or_else(|| element.text_at(&["OrgnlInstrId"]))
        .ok_or_else(|| element.missing("OrgnlEndToEndId or OrgnlInstrId"))?
        .to_owned();
    let (code, status, reason) =
        status(element, "TxSts")?.ok_or_else(|| element.missing("TxSts"))?;
    if status == Status::Partly {
        let child = element.require("TxSts")?;
        return Err(child.wrong("an instruction is carried out whole or not at all"));
    }
    let amount = element
        .find(&["OrgnlTxRef", "Amt", "InstdAmt"])
        .or_else(|| element.find(&["OrgnlTxRef", "IntrBkSttlmAmt"]))
        .map(|amount| amount.money(currency))
        .transpose()?;
    let read = TransactionStatus {
        line: element.place.line,
        end_to_end_id,
        status,
        reason,
        amount,
    };
    Ok((code, read))
}

fn payment(
    element: &Element,
    listed: Vec<(String, TransactionStatus)>,
) -> Result<PaymentStatus, FileError> {
    let status = status(element, "PmtInfSts")?.map(|(_, status, reason)| (status, reason));
    let is_rejected = status
        .as_ref()
        .is_some_and(|(status, _)| *status == Status::Rejected);
    for counted in element.all("NbOfTxsPerSts") {
        let code = counted.require_text("DtldSts")?;
        let said = counted.require("DtldNbOfTxs")?.whole_number()?;
        let found = listed.iter().filter(|(status, _)| status == code).count();
        // Banks may list rejections only, and of a batch that is rejected whole nothing.
        let must_be_listed = found > 0 || (code == "RJCT" && !is_rejected);
        if must_be_listed && found != said {
            return Err(counted.sums(format!(
                "it counts {said} instructions as {code}, {found} are listed"
            )));
        }
    }
    let mut seen = std::collections::HashSet::new();
    if let Some((_, twice)) = listed
        .iter()
        .find(|(_, one)| !seen.insert(&one.end_to_end_id))
    {
        let id = &twice.end_to_end_id;
        return Err(element.sums(format!("{id} is listed twice")));
    }
    Ok(PaymentStatus {
        id: element.text_at(&["OrgnlPmtInfId"]).map(str::to_owned),
        status,
        transactions: listed.into_iter().map(|(_, one)| one).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(version: &str, inner: &str) -> Result<StatusReport, FileError> {
        let file = format!(
            "<?xml version=\"1.0\"?><Document xmlns=\"{NAMESPACE}{version}\"><CstmrPmtStsRpt>
            <GrpHdr><MsgId>B1</MsgId><CreDtTm>2020-05-07T12:00:00</CreDtTm></GrpHdr>
            {inner}</CstmrPmtStsRpt></Document>"
        );
        read_status_report(file.as_bytes(), Currency::Cny)
    }

    const GROUP: &str = "<OrgnlGrpInfAndSts><OrgnlMsgId>M1</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>
        <OrgnlNbOfTxs>2</OrgnlNbOfTxs><OrgnlCtrlSum>30.00</OrgnlCtrlSum><GrpSts>PART</GrpSts></OrgnlGrpInfAndSts>";
    const REJECTED: &str = "<TxInfAndSts><OrgnlEndToEndId>P1-2</OrgnlEndToEndId><TxSts>RJCT</TxSts><StsRsnInf>
        <Rsn><Cd>AC04</Cd></Rsn><AddtlInf>account closed</AddtlInf><AddtlInf>on 1 May</AddtlInf></StsRsnInf>
        <OrgnlTxRef><Amt><InstdAmt Ccy=\"CNY\">20.00</InstdAmt></Amt></OrgnlTxRef></TxInfAndSts>";

    #[test]
    fn a_part_is_rejected_with_its_reason() {
        let accepted = REJECTED
            .replace("P1-2", "P1-1")
            .replace("RJCT", "ACSP")
            .replace("20.00", "10.00");
        let counts =
            "<NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>RJCT</DtldSts></NbOfTxsPerSts>";
        let inner = format!(
            "{GROUP}<OrgnlPmtInfAndSts><OrgnlPmtInfId>P1</OrgnlPmtInfId>{counts}{accepted}{REJECTED}</OrgnlPmtInfAndSts>"
        );
        for version in ["03", "09", "12", "14"] {
            let read = report(version, &inner).unwrap();
            assert_eq!((read.original.as_str(), read.instructions), ("M1", Some(2)));
            assert_eq!(read.total, Some(Money::from_minor(3_000)));
            assert_eq!(read.group.unwrap().0, Status::Partly);
            let transactions = &read.payments[0].transactions;
            let statuses: Vec<_> = transactions.iter().map(|one| one.status).collect();
            assert_eq!(statuses, [Status::Underway, Status::Rejected]);
            let reason = Reason {
                code: Some("AC04".to_owned()),
                text: Some("account closed on 1 May".to_owned()),
            };
            assert_eq!(
                (&transactions[1].reason, transactions[1].amount),
                (&reason, Some(Money::from_minor(2_000)))
            );
        }
    }

    #[test]
    fn a_whole_file_is_rejected_without_a_list() {
        let inner = GROUP.replace("PART", "RJCT");
        let read = report("03", &inner).unwrap();
        assert_eq!(read.group, Some((Status::Rejected, Reason::default())));
        assert!(read.payments.is_empty());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let payment =
            |inner: &str| format!("{GROUP}<OrgnlPmtInfAndSts>{inner}</OrgnlPmtInfAndSts>");
        let counts =
            "<NbOfTxsPerSts><DtldNbOfTxs>2</DtldNbOfTxs><DtldSts>RJCT</DtldSts></NbOfTxsPerSts>";
        for (inner, why) in [
            (
                payment(&format!("{counts}{REJECTED}")),
                "counts 2 instructions as RJCT, 1 are listed",
            ),
            (
                payment(&format!("{REJECTED}{REJECTED}")),
                "P1-2 is listed twice",
            ),
            (
                payment(&REJECTED.replace("RJCT", "LOST")),
                "TxSts is \"LOST\": is no status",
            ),
            (
                payment(&REJECTED.replace("RJCT", "PART")),
                "whole or not at all",
            ),
            (
                payment(&REJECTED.replace("CNY", "USD")),
                "is in USD, the zone's books are in CNY",
            ),
            (
                payment(&REJECTED.replace("20.00", "20.001")),
                "more decimals than CNY",
            ),
            (
                payment(&REJECTED.replace("<TxSts>RJCT</TxSts>", "")),
                "TxInfAndSts has no TxSts",
            ),
            (payment(""), String::new().as_str()),
            (
                GROUP.replace("<GrpSts>PART</GrpSts>", ""),
                "no GrpSts, PmtInfSts or TxSts",
            ),
            (String::new(), "CstmrPmtStsRpt has no OrgnlGrpInfAndSts"),
        ] {
            match report("09", &inner) {
                Err(error) => assert!(
                    error.to_string().contains(why) && !why.is_empty(),
                    "{inner}: {error}"
                ),
                Ok(_) => assert!(why.is_empty(), "{inner} was read"),
            }
        }
        let other = report("01", GROUP).unwrap_err();
        assert!(matches!(other, FileError::Namespace { .. }), "{other}");
    }
}
