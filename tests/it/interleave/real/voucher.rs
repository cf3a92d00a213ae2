//! Vouchers, the job that lets them lapse, and winding up.

use subsidy_ledger::job::{self, Begun, Job};
use subsidy_ledger::policy::{Fact, Facts, Raw, Source};
use subsidy_ledger::types::{Currency, VoucherId};
use subsidy_ledger::voucher::{
    self, Apply, Cancel, Expire, Freeze, Issue, PlaceHold, Redeem, Release, Review, WindUp,
};

use super::super::office::{SH, YH};
use super::{
    Command, Giving, Told, changed, condition, of_case, of_one, reason, stated_on, text, year,
};

impl Giving {
    pub(super) async fn of_voucher(&self) -> Option<Told> {
        let voucher = |at: &usize| -> VoucherId { VoucherId(self.names.case('V', *at)) };
        let told = match &self.asked.command {
            Command::Apply {
                programme,
                party,
                fen,
            } => {
                let input = Apply {
                    facts: applied(programme, *fen),
                    party: self.party(party),
                    programme: programme.parse().unwrap(),
                };
                of_case!(self, input, voucher::apply)
            }
            Command::ReviewVoucher { voucher: at } => {
                let application = voucher(at);
                of_case!(self, Review { application }, voucher::review)
            }
            Command::Issue { voucher: at } => {
                let application = voucher(at);
                of_case!(self, Issue { application }, voucher::issue)
            }
            Command::Hold {
                voucher: at,
                provider,
                price,
            } => {
                let input = PlaceHold {
                    facts: ordered(),
                    price: text(*price),
                    provider: self.party(provider),
                    voucher: voucher(at),
                };
                of_case!(self, input, voucher::hold)
            }
            Command::Expire { voucher: at } => {
                of_case!(
                    self,
                    Expire {
                        voucher: voucher(at)
                    },
                    voucher::expire
                )
            }
            Command::Cancel { voucher: at } => {
                let input = Cancel {
                    reason: reason(),
                    voucher: voucher(at),
                };
                of_case!(self, input, voucher::cancel)
            }
            Command::Freeze { voucher: at } | Command::Thaw { voucher: at } => {
                let input = Freeze {
                    frozen: matches!(self.asked.command, Command::Freeze { .. }),
                    reason: reason(),
                    voucher: voucher(at),
                };
                of_case!(self, input, voucher::freeze)
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) async fn of_hold(&self) -> Option<Told> {
        let told = match &self.asked.command {
            Command::Redeem { hold, price } => {
                let input = Redeem {
                    evidence: Vec::new(),
                    hold: subsidy_ledger::types::HoldId(self.names.case('H', *hold)),
                    price: text(*price),
                };
                let mut told = of_case!(self, input, voucher::redeem);
                told.id = None;
                told
            }
            Command::Release { hold } => {
                let input = Release {
                    hold: subsidy_ledger::types::HoldId(self.names.case('H', *hold)),
                    reason: reason(),
                };
                of_case!(self, input, voucher::release)
            }
            _ => return None,
        };
        Some(told)
    }

    pub(super) async fn wind_up(&self) -> Option<Told> {
        let Command::WindUp {
            programme,
            year: of,
        } = &self.asked.command
        else {
            return None;
        };
        let input = WindUp {
            programme: programme.parse().unwrap(),
            year: year(*of),
            reason: reason(),
        };
        let given = of_one!(self, input, |conn, command, input| {
            Box::pin(async move { voucher::wind_up(conn, &command, (input, None), 1_000).await })
        });
        Some(Told::of(given, |_| Told::default()))
    }

    /// Runs of a job, from beginning to end.
    pub(super) async fn expire_due(&self) -> Option<Told> {
        let (job, times) = match self.asked.command {
            Command::ExpiryJob => (Job::VoucherExpiry, 1),
            Command::ReminderJob => (Job::Reminders, 2),
            _ => return None,
        };
        let mut told = None;
        for _ in 0..times {
            told = Some(self.run(job).await);
        }
        told
    }

    async fn run(&self, job: Job) -> Told {
        let given = of_one!(self, job, |conn, command, job| {
            Box::pin(async move {
                let Begun::Run(run) = job::begin(conn, &command, *job).await? else {
                    panic!("another run goes on");
                };
                while job::step(conn, &command, (run, *job)).await? > 0 {}
                job::end(conn, &command, run, None).await
            })
        });
        Told::of(given, |()| Told::default())
    }
}

/// What an applicant or an order states.
fn stated(facts: &[(&str, &str)]) -> Facts {
    let mut stated = Facts::new(Currency::Cny);
    for (name, text) in facts {
        let fact = Fact::named(name).unwrap();
        let raw = Raw::typed(fact, text);
        stated
            .state(fact, raw, Source::Declared, stated_on())
            .unwrap();
    }
    stated
}

fn applied(programme: &str, fen: i64) -> Facts {
    let sum = text(fen);
    match programme {
        YH => stated(&[("requested_amount", &sum)]),
        _ => stated(&[("applicant_kind", "enterprise"), ("service_price", &sum)]),
    }
}

/// Orders of either programme, since whoever orders by a voucher that is unknown does not know its programme.
fn ordered() -> Facts {
    stated(&[
        ("related_party", "false"),
        ("statutory_testing", "false"),
        ("project_funded", "false"),
    ])
}

/// The rules of the voucher programmes: those of Yuhuan in force from 2020 on, so that both meet, and for none on the
/// integrity lists.
pub(in crate::interleave) fn packs() -> [(&'static str, String); 2] {
    let at = "at = [\"grant\"]\n";
    let test = r#"fact = "integrity_listed", is = false"#;
    let listed = condition("INTEGRITY_LISTED", at, test) + "[grant]\n";
    let changes = [
        ("from = 2023-01-01", "from = 2020-01-01"),
        ("[grant]\n", &listed),
    ];
    [
        (SH, crate::policy_cases::pack_text("shanghai-2020")),
        (YH, changed("yuhuan-2023", &changes, "grant")),
    ]
}
