//! Payments.

use subsidy_ledger::payment::{self, NotByThisPerson, PayableFilter, Release};
use subsidy_ledger::types::{BatchId, PayableId};

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
}
