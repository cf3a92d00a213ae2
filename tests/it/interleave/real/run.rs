//! Awards without application, and awards of the past.

use subsidy_ledger::award::{self, AwardFile, AwardMap, BadRows, Corrections};
use subsidy_ledger::types::RunId;
use subsidy_ledger::voucher::run::{self, Approve, Propose};
use uuid::Uuid;

use super::super::command::PastAward;
use super::error::Code as _;
use super::{Command, Giving, Told, of_case, of_one, text};

const MAP: &str = "[columns]\nrecipient = 'who'\nprogramme = 'scheme'\ngranted = 'amount'\nyear = 'year'\n\
    id = 'id'\n[options]\nsource = 'LIST'\ncurrency = 'CNY'\n";

impl Giving {
    pub(super) async fn of_run(&self) -> Option<Told> {
        let run = |at: &usize| RunId(self.names.case('R', *at));
        Some(match &self.asked.command {
            Command::ProposeRun {
                programme,
                fen,
                day,
            } => {
                let input = Propose {
                    amount: Some(text(*fen)),
                    day: *day,
                    programme: programme.parse().unwrap(),
                };
                of_case!(self, input, run::propose)
            }
            Command::ApproveRun { run: at } => {
                of_case!(self, Approve { run: run(at) }, run::approve)
            }
            Command::CarryOut { run: at, part } => self.carry_out(run(at), *part).await,
            _ => return None,
        })
    }

    async fn carry_out(&self, run: RunId, part: u32) -> Told {
        let (app, before) = (self.world.db.app(), self.world.size().await);
        let given = run::resume(app, &self.caller(), run, part, |_| ()).await;
        let granted: Result<Vec<Uuid>, sqlx::Error> = app
            .read(self.world.zone.id, (run, before), |conn, (run, before)| {
                Box::pin(async move {
                    let granted = sqlx::query_scalar(
                        "SELECT voucher_id FROM ledger.voucher WHERE run_id = $1 AND issued_index >= $2
                         ORDER BY issued_index",
                    );
                    granted.bind(run.0).bind(*before).fetch_all(conn).await
                })
            })
            .await;
        let told = Told::of(given, |_| Told::default());
        // That it was refused since the budget is frozen is an entry.
        let is_recorded = told.code.as_deref() == Some("BUDGET_FROZEN");
        Told {
            index: is_recorded.then_some(before),
            vouchers: granted.unwrap(),
            ..told
        }
    }

    pub(super) async fn of_past(&self) -> Option<Told> {
        let Command::PastAwards { rows, correct } = &self.asked.command else {
            return None;
        };
        let map: AwardMap = MAP.parse().unwrap();
        let file = AwardFile::read("list.csv", csv(rows).as_bytes(), &map).unwrap();
        let corrections = if *correct {
            Corrections::Apply
        } else {
            Corrections::Refuse
        };
        let input = (map, file, corrections);
        let given = of_one!(self, input, |conn, command, (map, file, corrections)| {
            Box::pin(async move {
                let bad = BadRows::Refuse;
                award::import(conn, &command, map, file, *corrections, bad, &|_| ()).await
            })
        });
        Some(match given {
            Ok(report) => Told {
                index: report.entry.map(|entry| entry.0),
                ..Told::default()
            },
            Err(why) => Told::refused(why.code()),
        })
    }
}

fn csv(rows: &[PastAward]) -> String {
    let row = |one: &PastAward| {
        let PastAward {
            id,
            party,
            programme,
            year,
            yuan,
        } = one;
        format!("{id},{party},{programme},{yuan},{year}\n")
    };
    let rows: String = rows.iter().map(row).collect();
    format!("id,who,scheme,amount,year\n{rows}")
}
