//! What the bank says, and the accounts of parties.

use chrono::NaiveDate;
use sha2::{Digest as _, Sha256};
use subsidy_ledger::payment::iso20022::{
    Balance, BankLine, Direction, PaymentStatus, Reason as StatusReason, Statement, Status,
    StatusReport, TransactionStatus,
};
use subsidy_ledger::payment::{
    self, AccountFilter, BankAccount, BankLineId, BankStatement, BankVerdict, MatchWith,
    NewAccount, StatementFile, StatementLine, StatusFile,
};
use subsidy_ledger::recovery;
use subsidy_ledger::types::{AccountId, LogIndex, Money};

use super::super::command::{Booked, Matched};
use super::super::office::OWN_ACCOUNT;
use super::{Command, Giving, Told, of_one, reason};

impl Giving {
    pub(super) async fn of_bank(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::Statement {
                opening,
                booked_on,
                lines,
            } => self.statement((*opening, *booked_on), lines).await,
            Command::BankStatus { batch, payable } => self.status(*batch, payable.as_deref()).await,
            Command::Match { file, line, with } => {
                let line = BankLineId {
                    file: LogIndex(*file),
                    number: *line,
                };
                let with = match with {
                    Matched::Instruction(batch, payable) => {
                        MatchWith::Instruction(self.names.instruction(*batch, payable))
                    }
                    Matched::Receipt(entry) => MatchWith::Receipt(LogIndex(*entry)),
                };
                let given = of_one!(self, (line, with), |conn, command, (line, with)| {
                    Box::pin(async move {
                        payment::match_line(conn, &command, (*line, with, &reason())).await
                    })
                });
                Told::of(given, |index| Told::recorded(index.0))
            }
            Command::BankRejects {
                batch,
                payable,
                fen,
            } => self.rejected(*batch, payable, *fen).await,
            Command::Return {
                batch,
                payable,
                file,
                line,
            } => {
                let line = BankLineId {
                    file: LogIndex(*file),
                    number: *line,
                };
                let instruction = self.names.instruction(*batch, payable);
                let given = of_one!(self, (line, instruction), |conn, command, (line, id)| {
                    Box::pin(async move {
                        recovery::return_payment(conn, &command, (*line, id, &reason())).await
                    })
                });
                Told::of(given, |returned| Told::recorded(returned.index.0))
            }
            _ => return None,
        };
        Some(told)
    }

    /// A file of one statement. A file is known by its bytes: each of ours is another.
    async fn statement(&self, (opening, booked_on): (i64, NaiveDate), lines: &[Booked]) -> Told {
        let moved = |line: &Booked| match line {
            Booked::Comes(fen) => *fen,
            Booked::Pays(.., fen) | Booked::Goes(fen, _) => -fen,
        };
        let closing = opening + lines.iter().map(moved).sum::<i64>();
        let balance = |fen| Balance {
            amount: Money::from_minor(fen),
            day: self.today,
        };
        let statement = Statement {
            id: self.asked.key.clone(),
            account: OWN_ACCOUNT.to_owned(),
            opening: balance(opening),
            closing: balance(closing),
            lines: lines
                .iter()
                .map(|line| self.booked(booked_on, line))
                .collect(),
            unbooked: 0,
        };
        let file = StatementFile::new(self.asked.key.as_bytes(), vec![statement]);
        let input = (self.world.vault().await, file);
        let given = of_one!(self, input, |conn, command, (vault, file)| {
            Box::pin(async move { payment::import_statements(conn, &command, vault, file).await })
        });
        Told::of(given, |answer| Told::recorded(answer.file.0))
    }

    fn booked(&self, booked_on: NaiveDate, line: &Booked) -> BankLine {
        let (direction, fen, end_to_end_id, account) = match line {
            Booked::Comes(fen) => (Direction::Credit, *fen, None, None),
            Booked::Pays(batch, payable, fen) => {
                let id = self.names.instruction(*batch, payable);
                (Direction::Debit, *fen, Some(id), None)
            }
            Booked::Goes(fen, number) => (Direction::Debit, *fen, None, *number),
        };
        BankLine {
            line: 1,
            direction,
            amount: Money::from_minor(fen),
            booked_on,
            is_return: false,
            end_to_end_id,
            reference: None,
            account: account.map(str::to_owned),
            party: None,
            code: None,
            information: None,
        }
    }

    async fn rejected(&self, batch: usize, payable: &str, fen: i64) -> Told {
        let statement = BankStatement {
            sha256: Sha256::digest(self.asked.key.as_bytes()).into(),
            lines: vec![StatementLine {
                row: 2,
                end_to_end_id: self.names.instruction(batch, payable),
                amount: Money::from_minor(fen),
                booked_on: self.today,
                verdict: BankVerdict::Rejected("AC04".to_owned()),
            }],
        };
        let given = of_one!(self, statement, |conn, command, statement| {
            Box::pin(async move { payment::import_statement(conn, &command, statement).await })
        });
        Told::of(given, |_| Told::default())
    }

    /// A status report about one instruction, or about the whole of a batch.
    async fn status(&self, batch: usize, payable: Option<&str>) -> Told {
        let rejected = || (Status::Rejected, StatusReason::default());
        let transaction = |payable: &str| TransactionStatus {
            line: 1,
            end_to_end_id: self.names.instruction(batch, payable),
            status: Status::Rejected,
            reason: StatusReason::default(),
            amount: None,
        };
        let report = StatusReport {
            message_id: self.asked.key.clone(),
            original: self.names.id(&format!("B{batch}")).to_string(),
            instructions: None,
            total: None,
            group: payable.is_none().then(rejected),
            payments: vec![PaymentStatus {
                id: None,
                status: None,
                transactions: payable.map(transaction).into_iter().collect(),
            }],
        };
        let file = StatusFile::new(self.asked.key.as_bytes(), report);
        let given = of_one!(self, file, |conn, command, file| {
            Box::pin(async move { payment::import_status(conn, &command, file).await })
        });
        Told::of(given, |_| Told::default())
    }

    pub(super) async fn of_account(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::ProposeAccount { party, number } => {
                let account = BankAccount {
                    holder: "上海某某科技有限公司".parse().unwrap(),
                    number: number.parse().unwrap(),
                    bank: "102290000012".parse().unwrap(),
                    bank_name: None,
                };
                let new = NewAccount {
                    party: Some(self.party(party)),
                    account,
                };
                let input = (self.world.vault().await, vec![new]);
                let given = of_one!(self, input, |conn, command, (vault, new)| {
                    Box::pin(
                        async move { payment::propose_accounts(conn, &command, vault, new).await },
                    )
                });
                Told::of(given, |proposed| Told {
                    id: Some(proposed[0].account.0),
                    ..Told::recorded(proposed[0].index.0)
                })
            }
            Command::ConfirmAccount { account } => {
                let ids = vec![AccountId(self.names.case('A', *account))];
                let given = of_one!(self, AccountFilter::Ids(ids), |conn, command, filter| {
                    Box::pin(async move { payment::confirm_accounts(conn, &command, filter).await })
                });
                Told::of(given, |confirmed| {
                    let outcome = serde_json::to_value(confirmed[0].outcome).unwrap();
                    let outcome = outcome.as_str().unwrap().to_uppercase();
                    Told {
                        code: (outcome != "CONFIRMED").then_some(outcome),
                        ..Told::recorded(confirmed[0].index.0)
                    }
                })
            }
            _ => return None,
        };
        Some(told)
    }
}
