//! Payments, and what the bank says.

use sha2::{Digest as _, Sha256};
use subsidy_ledger::payment::iso20022::{Balance, BankLine, Direction, Statement};
use subsidy_ledger::payment::{
    self, BankLineId, BankStatement, BankVerdict, NotByThisPerson, PayableFilter, Release,
    StatementFile, StatementLine,
};
use subsidy_ledger::recovery;
use subsidy_ledger::types::{BatchId, LogIndex, Money, PayableId};

use super::super::command::Booked;
use super::super::office::OWN_ACCOUNT;
use super::{Command, Giving, Told, of_one, reason};
use crate::payment::ALL;

impl Giving {
    pub(super) async fn of_payment(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::ApprovePayable { payable } => {
                let ids = PayableFilter::Ids(vec![PayableId(self.names.id(payable))]);
                let given = of_one!(self, ids, |conn, command, filter| {
                    Box::pin(async move { payment::approve(conn, &command, filter).await })
                });
                Told::of(given, |approvals| {
                    let approval = &approvals[0];
                    let outcome = serde_json::to_value(approval.outcome).unwrap();
                    let outcome = outcome.as_str().unwrap().to_uppercase();
                    Told {
                        code: (outcome != "APPROVED").then_some(outcome),
                        ..Told::recorded(approval.index.0)
                    }
                })
            }
            Command::Prepare => {
                let given = of_one!(self, (), |conn, command, ()| {
                    Box::pin(async move { payment::prepare(conn, &command, &ALL).await })
                });
                Told::of(given, |batch| Told {
                    id: Some(batch.id.0),
                    instructions: {
                        let lines = batch.lines.into_iter();
                        lines
                            .map(|line| (line.payable.0, line.end_to_end_id))
                            .collect()
                    },
                    ..Told::recorded(batch.index.0)
                })
            }
            Command::ReleaseBatch { batch } => {
                let batch = BatchId(self.names.case('B', *batch));
                let given = of_one!(self, batch, |conn, command, batch| {
                    Box::pin(async move { payment::release(conn, &command, *batch).await })
                });
                Told::of(given, |released| match released {
                    Release::Released(released) => Told::recorded(released.index.0),
                    Release::Refused { index, because } => Told {
                        code: Some(match because {
                            NotByThisPerson::Prepared => "PREPARED".to_owned(),
                            NotByThisPerson::OwnCase => "OWN_CASE".to_owned(),
                        }),
                        ..Told::recorded(index.0)
                    },
                })
            }
            Command::Discard { batch } => {
                let batch = BatchId(self.names.case('B', *batch));
                let given = of_one!(self, batch, |conn, command, batch| {
                    Box::pin(
                        async move { payment::discard(conn, &command, (*batch, &reason())).await },
                    )
                });
                Told::of(given, |index| Told::recorded(index.0))
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) async fn of_bank(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::Statement { opening, lines } => self.statement(*opening, lines).await,
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
    async fn statement(&self, opening: i64, lines: &[Booked]) -> Told {
        let moved = |line: &Booked| match line {
            Booked::Comes(fen) => *fen,
            Booked::Pays(.., fen) => -fen,
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
            lines: lines.iter().map(|line| self.booked(line)).collect(),
            unbooked: 0,
        };
        let file = StatementFile::new(self.asked.key.as_bytes(), vec![statement]);
        let input = (self.world.vault().await, file);
        let given = of_one!(self, input, |conn, command, (vault, file)| {
            Box::pin(async move { payment::import_statements(conn, &command, vault, file).await })
        });
        Told::of(given, |answer| Told::recorded(answer.file.0))
    }

    fn booked(&self, line: &Booked) -> BankLine {
        let (direction, fen, end_to_end_id) = match line {
            Booked::Comes(fen) => (Direction::Credit, *fen, None),
            Booked::Pays(batch, payable, fen) => {
                let id = self.names.instruction(*batch, payable);
                (Direction::Debit, *fen, Some(id))
            }
        };
        BankLine {
            line: 1,
            direction,
            amount: Money::from_minor(fen),
            booked_on: self.today,
            is_return: false,
            end_to_end_id,
            reference: None,
            account: None,
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
}
