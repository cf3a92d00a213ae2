//! Writes instructions for the bank: `pain.001.001.09`, `CustomerCreditTransferInitiationV09`.
//!
//! Elements and their order are those of the message definition; `docs/payment-files.md` lists them.

use std::io;

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat};
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use crate::payment::bank_account::{BankAccount, BankCode};
use crate::types::{Amount, Currency, Money};

const NAMESPACE: &str = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09";
/// `Max140Text` of names and remittance information.
const LONGEST_TEXT: usize = 140;

/// One batch of credit transfers from one account.
#[derive(Clone, Debug)]
pub struct CreditTransfers<'a> {
    /// `MsgId`: at most 35 characters, and of this file only.
    pub message_id: String,
    /// `PmtInfId`: at most 35 characters, and of this batch only.
    pub payment_id: String,
    /// `CreDtTm`.
    pub created: DateTime<FixedOffset>,
    /// `ReqdExctnDt`: the day on which the bank shall pay.
    pub execute_on: NaiveDate,
    /// Who pays, from which account; also the initiating party.
    pub debtor: &'a BankAccount,
    /// The currency of every amount.
    pub currency: Currency,
    /// What is paid.
    pub instructions: Vec<Instruction<'a>>,
}

/// One credit transfer.
#[derive(Clone, Debug)]
pub struct Instruction<'a> {
    /// `InstrId` and `EndToEndId`: at most 35 characters, of this instruction only.
    pub end_to_end_id: &'a str,
    /// Minor units.
    pub amount: Amount,
    /// Who is paid, on which account.
    pub creditor: &'a BankAccount,
    /// What for: the programme.
    pub remittance: String,
}

/// Writes the file. The same batch gives the same bytes.
pub fn write_credit_transfers(transfers: &CreditTransfers<'_>) -> io::Result<Vec<u8>> {
    let mut file = File(Writer::new_with_indent(Vec::new(), b' ', 1));
    let number = transfers.instructions.len().to_string();
    let total: Money = transfers
        .instructions
        .iter()
        .map(|instruction| instruction.amount.money())
        .sum();
    let total = total.to_text(transfers.currency);
    file.0
        .write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = BytesStart::new("Document").with_attributes([("xmlns", NAMESPACE)]);
    file.0.write_event(Event::Start(root))?;
    file.within("CstmrCdtTrfInitn", |file| {
        file.within("GrpHdr", |file| {
            file.text("MsgId", &transfers.message_id)?;
            let created = transfers
                .created
                .to_rfc3339_opts(SecondsFormat::Secs, false);
            file.text("CreDtTm", &created)?;
            file.text("NbOfTxs", &number)?;
            file.text("CtrlSum", &total)?;
            file.within("InitgPty", |file| {
                file.name(transfers.debtor.holder.as_str())
            })
        })?;
        file.within("PmtInf", |file| {
            file.text("PmtInfId", &transfers.payment_id)?;
            file.text("PmtMtd", "TRF")?;
            // Each payment is booked by itself, so that each stands on the statement with its id.
            file.text("BtchBookg", "false")?;
            file.text("NbOfTxs", &number)?;
            file.text("CtrlSum", &total)?;
            file.within("ReqdExctnDt", |file| {
                file.text("Dt", &transfers.execute_on.to_string())
            })?;
            file.within("Dbtr", |file| file.name(transfers.debtor.holder.as_str()))?;
            file.account("DbtrAcct", transfers.debtor)?;
            file.agent("DbtrAgt", transfers.debtor)?;
            transfers
                .instructions
                .iter()
                .try_for_each(|instruction| file.transfer(instruction, transfers.currency))
        })
    })?;
    file.0.write_event(Event::End(BytesEnd::new("Document")))?;
    let mut bytes = file.0.into_inner();
    bytes.push(b'\n');
    Ok(bytes)
}

/// A file being written.
struct File(Writer<Vec<u8>>);

impl File {
    fn within(
        &mut self,
        name: &str,
        write: impl FnOnce(&mut Self) -> io::Result<()>,
    ) -> io::Result<()> {
        self.0.write_event(Event::Start(BytesStart::new(name)))?;
        write(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.0
            .create_element(name)
            .write_text_content(BytesText::new(text))
            .map(drop)
    }

    fn name(&mut self, name: &str) -> io::Result<()> {
        self.text("Nm", &shortened(name))
    }

    fn account(&mut self, name: &str, account: &BankAccount) -> io::Result<()> {
        self.within(name, |file| {
            file.within("Id", |file| {
                file.within("Othr", |file| file.text("Id", account.number.as_str()))
            })
        })
    }

    fn agent(&mut self, name: &str, account: &BankAccount) -> io::Result<()> {
        self.within(name, |file| {
            file.within("FinInstnId", |file| {
                match &account.bank {
                    BankCode::Bic(code) => file.text("BICFI", code)?,
                    BankCode::Cnaps(code) => file.within("ClrSysMmbId", |file| {
                        file.within("ClrSysId", |file| file.text("Cd", "CNAPS"))?;
                        file.text("MmbId", code)
                    })?,
                }
                match &account.bank_name {
                    Some(name) => file.name(name.as_str()),
                    None => Ok(()),
                }
            })
        })
    }

    fn transfer(&mut self, instruction: &Instruction<'_>, currency: Currency) -> io::Result<()> {
        self.within("CdtTrfTxInf", |file| {
            file.within("PmtId", |file| {
                file.text("InstrId", instruction.end_to_end_id)?;
                file.text("EndToEndId", instruction.end_to_end_id)
            })?;
            file.within("Amt", |file| {
                let amount = instruction.amount.money().to_text(currency);
                file.0
                    .create_element("InstdAmt")
                    .with_attribute(("Ccy", currency.code()))
                    .write_text_content(BytesText::new(&amount))
                    .map(drop)
            })?;
            file.agent("CdtrAgt", instruction.creditor)?;
            file.within("Cdtr", |file| {
                file.name(instruction.creditor.holder.as_str())
            })?;
            file.account("CdtrAcct", instruction.creditor)?;
            file.within("RmtInf", |file| {
                file.text("Ustrd", &shortened(&instruction.remittance))
            })
        })
    }
}

/// As much of a text as the message takes.
fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_TEXT).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::payment::iso20022::xml;

    fn account(holder: &str, number: &str, bank: &str) -> BankAccount {
        BankAccount {
            holder: holder.parse().unwrap(),
            number: number.parse().unwrap(),
            bank: bank.parse().unwrap(),
            bank_name: None,
        }
    }

    fn file(lines: &[(String, i64, BankAccount, String)]) -> Vec<u8> {
        let debtor = account(
            "云川高新区财政局 <A&B>",
            "31050161360000001234",
            "105290036005",
        );
        let instructions = lines
            .iter()
            .map(|(id, minor, creditor, remittance)| Instruction {
                end_to_end_id: id,
                amount: Amount::new(Money::from_minor(*minor)).unwrap(),
                creditor,
                remittance: remittance.clone(),
            });
        write_credit_transfers(&CreditTransfers {
            message_id: "0190a5e27a3c7c3e9d516b1f0c8a2e11".to_owned(),
            payment_id: "P44".to_owned(),
            created: "2020-05-07T10:00:00+08:00".parse().unwrap(),
            execute_on: "2020-05-07".parse().unwrap(),
            debtor: &debtor,
            currency: Currency::Cny,
            instructions: instructions.collect(),
        })
        .unwrap()
    }

    #[test]
    fn a_batch_is_written_in_the_order_of_the_message() {
        let payee = account("上海某某科技有限公司", "6222021001112345", "BKCHCNBJ300");
        let bytes = file(&[(
            "P44-1".to_owned(),
            1_000_001,
            payee,
            "SH-VOUCHER 2020".to_owned(),
        )]);
        insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
    }

    fn text() -> impl Strategy<Value = String> {
        "[ -~ä-ü一-龥&<>'\"]{1,160}".prop_filter("not blank", |text| !text.trim().is_empty())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever names and remittance texts hold, the file says what it was given.
        #[test]
        fn what_is_written_reads_back(
            lines in prop::collection::vec((1..100_000_000_000_000_i64, text(), "[0-9]{6,34}", text()), 1..8)
        ) {
            let lines: Vec<_> = lines.into_iter().zip(1..).map(|((minor, holder, number, remittance), place)| {
                (format!("P7-{place}"), minor, account(&holder, &number, "102290000012"), remittance)
            }).collect();
            let mut read = Vec::new();
            let versions = ("urn:iso:std:iso:20022:tech:xsd:pain.001.001.", &["09"][..]);
            let root = xml::read(&file(&lines), versions, &["CdtTrfTxInf"], |_, one| {
                read.push((
                    one.text_at(&["PmtId", "EndToEndId"]).unwrap().to_owned(),
                    one.find(&["Amt", "InstdAmt"]).unwrap().money(Currency::Cny)?.minor(),
                    one.find(&["Cdtr", "Nm"]).unwrap().text.clone(),
                    one.text_at(&["CdtrAcct", "Id", "Othr", "Id"]).unwrap().to_owned(),
                    one.find(&["RmtInf", "Ustrd"]).unwrap().text.clone(),
                ));
                Ok(())
            }).unwrap();
            let given: Vec<_> = lines.iter().map(|(id, minor, creditor, remittance)| {
                let holder = shortened(creditor.holder.as_str());
                (id.clone(), *minor, holder, creditor.number.as_str().to_owned(), shortened(remittance))
            }).collect();
            prop_assert_eq!(read, given);
            let head = root.find(&["CstmrCdtTrfInitn", "GrpHdr"]).unwrap();
            let total: i64 = lines.iter().map(|(_, minor, ..)| minor).sum();
            prop_assert_eq!(head.child("NbOfTxs").unwrap().whole_number().unwrap(), lines.len());
            let sum = Money::from_minor(total).to_text(Currency::Cny);
            prop_assert_eq!(head.text_at(&["CtrlSum"]).unwrap(), sum);
        }
    }
}
