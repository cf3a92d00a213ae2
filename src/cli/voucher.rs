//! `voucher …`: from application to redemption, expiry or cancellation.

mod run;
mod show;

use std::process::ExitCode;

use anyhow::Context as _;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::desk::{self, Desk, not_there};
use super::session::with_session;
use super::{Global, output};
use crate::policy::{Fact, Facts, Raw, Source};
use crate::types::{Code, Currency, FiscalYear, HoldId, Named, Reason, VoucherId, excerpt};
use crate::voucher::{
    self, Apply, Cancel, Expire, Freeze, Issue, PlaceHold, Redeem, Release, Review, WindUp, WoundUp,
};

/// Vouchers.
#[derive(Debug, Subcommand)]
pub(super) enum VoucherCommand {
    #[command(flatten)]
    Act(Action),
    /// Award vouchers without application, to everybody who qualifies
    #[command(subcommand)]
    AwardRun(run::RunCommand),
    /// List vouchers
    #[command(after_help = "Example:\n  subsidy-ledger voucher list --programme SH-VOUCHER --json")]
    List(show::ListArgs),
    /// Show a voucher with its holds
    #[command(after_help = "Example:\n  subsidy-ledger voucher show V12")]
    Show {
        /// The voucher: V and its number, or its id
        voucher: Named<VoucherId>,
    },
    /// List applications that wait for a step
    #[command(after_help = "Example:\n  subsidy-ledger voucher applications --state recommended")]
    Applications(show::ApplicationsArgs),
}

/// What changes something.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Apply for a voucher
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher apply SH-VOUCHER --party 91000000MA0000277Y \
        --fact applicant_kind=enterprise --fact service_price=300000.00 --as clerk"
    )]
    Apply(ApplyArgs),
    /// Recommend or reject an application by the policy (a reviewer)
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher review V35 --as reviewer\n\n\
        The policy that it was applied for under decides again, on the facts of the application: recommended\n\
        goes on to `voucher issue`, rejected is the end of it. Whoever applied can't review. What waits:\n\
        `voucher applications`."
    )]
    Review {
        /// The application: V and the number of its entry, or its id
        application: Named<VoucherId>,
    },
    /// Issue the voucher of a recommended application (a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher issue V35 --as manager\n\n\
        The policy decides once more: what the firm has left of its limits can make the voucher smaller, and\n\
        what the programme has left can refuse it; then it waits for money. A third person: whoever applied\n\
        or reviewed can't issue. The holder then orders with `voucher hold`. What waits:\n\
        `voucher applications --state recommended`."
    )]
    Issue {
        /// The application: V and the number of its entry, or its id
        application: Named<VoucherId>,
    },
    /// Reserve value for an order
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher hold V12 --provider 91000000MA00000900 \
        --price 300000.00 --as clerk"
    )]
    Hold(HoldArgs),
    /// Redeem a hold, up to what is reserved
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher redeem H40 --price 298000.00 \
        --key invoice-4711 --as provider1\n\n\
        The provider, the holder or a manager gives the price that was invoiced; the policy says what of it\n\
        the voucher pays. That becomes a payable, the rest of the hold goes back to the voucher, and a hold\n\
        is redeemed once. Finance approves the payable next: `payment approve`."
    )]
    Redeem(RedeemArgs),
    /// Give a hold back without using it
    #[command(after_help = "Example:\n  subsidy-ledger voucher release H40 \
        --reason 'order cancelled' --as clerk")]
    Release {
        /// The hold: H and the number of its entry, or its id
        hold: Named<HoldId>,
        /// Why
        #[arg(long)]
        reason: Reason,
    },
    /// Suspend a voucher
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher freeze V12 --reason 'evidence in doubt' --as reviewer"
    )]
    Freeze(ReasonArgs),
    /// End the suspension of a voucher
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher thaw V12 --reason 'evidence confirmed' --as reviewer"
    )]
    Thaw(ReasonArgs),
    /// Take back what is free on a voucher (a manager)
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher cancel V12 --reason 'firm dissolved' --as manager"
    )]
    Cancel(ReasonArgs),
    /// Lapse what is free on vouchers whose last day has passed
    #[command(
        after_help = "Examples:\n  subsidy-ledger voucher expire --all --as system\n  \
        subsidy-ledger voucher expire V12 --as manager"
    )]
    Expire(ExpireArgs),
    /// Take back the vouchers of a programme that end with their budget year, with what is held of them (a manager)
    ///
    /// The year has to be over, and the programme's rule to say so: `period year-end-rule --vouchers end`. Safe to run
    /// twice, and to be stopped in between.
    #[command(
        after_help = "Example:\n  subsidy-ledger voucher wind-up SH-VOUCHER 2025 --reason '创新券当年有效' --as manager"
    )]
    WindUp(WindUpArgs),
}

#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Programme
    programme: Code,
    /// Who applies: unified social credit code, or id
    #[arg(long)]
    party: String,
    /// A fact, as name=value; docs/policies.md lists them
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct HoldArgs {
    /// The voucher: V and its number, or its id
    voucher: Named<VoucherId>,
    /// The provider: unified social credit code, or id
    #[arg(long)]
    provider: String,
    /// Price of the service
    #[arg(long)]
    price: String,
    /// A fact about this order, as name=value
    #[arg(long = "fact", value_name = "NAME=VALUE")]
    facts: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct RedeemArgs {
    /// The hold: H and the number of its entry, or its id
    hold: Named<HoldId>,
    /// What was invoiced
    #[arg(long)]
    price: String,
    /// SHA-256 of a document: invoice, bank proof, report
    #[arg(long, value_name = "SHA256")]
    evidence: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct ReasonArgs {
    /// The voucher: V and its number, or its id
    voucher: Named<VoucherId>,
    /// Why
    #[arg(long)]
    reason: Reason,
}

#[derive(Debug, Args)]
pub(super) struct ExpireArgs {
    /// The voucher: V and its number, or its id
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    voucher: Option<Named<VoucherId>>,
    /// Every voucher whose last day has passed
    #[arg(long)]
    all: bool,
}

#[derive(Debug, Args)]
pub(super) struct WindUpArgs {
    /// Programme
    programme: Code,
    /// Budget year that the vouchers were issued from
    #[arg(value_parser = clap::value_parser!(i16).range(1900..=9998))]
    year: i16,
    /// Why
    #[arg(long)]
    reason: Reason,
}

pub(super) async fn run(global: &Global, command: VoucherCommand) -> anyhow::Result<ExitCode> {
    match command {
        VoucherCommand::AwardRun(command) => run::run(global, command).await,
        VoucherCommand::List(args) => show::list(global, args).await,
        VoucherCommand::Show { voucher } => show::show(global, voucher).await,
        VoucherCommand::Applications(args) => show::applications(global, args).await,
        VoucherCommand::Act(action) => {
            with_session(global, async |session| {
                let caller = session.caller(global).await?;
                let desk = Desk::new(global, session, caller, sentences);
                desk.act(action).await
            })
            .await
        }
    }
}

impl Desk<'_> {
    /// Runs one action, and prints its answer.
    async fn act(&self, action: Action) -> anyhow::Result<ExitCode> {
        match action {
            Action::Apply(args) => self.apply(args).await,
            Action::Review { application } => {
                let application = self.voucher(application).await?;
                self.one(Review { application }, |conn, requests| {
                    Box::pin(voucher::review(conn, requests))
                })
                .await
            }
            Action::Issue { application } => {
                let application = self.voucher(application).await?;
                self.one(Issue { application }, |conn, requests| {
                    Box::pin(voucher::issue(conn, requests))
                })
                .await
            }
            Action::Hold(args) => self.hold(args).await,
            Action::Redeem(args) => self.redeem(args).await,
            Action::Release { hold, reason } => {
                let hold = self.named_hold(hold).await?;
                self.one(Release { hold, reason }, |conn, requests| {
                    Box::pin(voucher::release(conn, requests))
                })
                .await
            }
            Action::Freeze(args) => self.freeze(args, true).await,
            Action::Thaw(args) => self.freeze(args, false).await,
            Action::Cancel(args) => self.cancel(args).await,
            Action::Expire(ExpireArgs { voucher, .. }) => match voucher {
                Some(voucher) => self.expire(voucher).await,
                None => self.expire_all().await,
            },
            Action::WindUp(args) => self.wind_up(args).await,
        }
    }

    async fn apply(&self, args: ApplyArgs) -> anyhow::Result<ExitCode> {
        let input = Apply {
            facts: facts(
                &args.facts,
                self.caller.zone.currency,
                self.caller.command().today(),
            )?,
            party: self.party(&args.party).await?,
            programme: args.programme,
        };
        self.one(input, |conn, requests| {
            Box::pin(voucher::apply(conn, requests))
        })
        .await
    }

    async fn hold(&self, args: HoldArgs) -> anyhow::Result<ExitCode> {
        let input = PlaceHold {
            facts: facts(
                &args.facts,
                self.caller.zone.currency,
                self.caller.command().today(),
            )?,
            price: args.price,
            provider: self.provider(&args.provider).await?,
            voucher: self.voucher(args.voucher).await?,
        };
        self.one(input, |conn, requests| {
            Box::pin(voucher::hold(conn, requests))
        })
        .await
    }

    async fn redeem(&self, args: RedeemArgs) -> anyhow::Result<ExitCode> {
        let input = Redeem {
            evidence: args.evidence,
            hold: self.named_hold(args.hold).await?,
            price: args.price,
        };
        self.one(input, |conn, requests| {
            Box::pin(voucher::redeem(conn, requests))
        })
        .await
    }

    async fn freeze(&self, args: ReasonArgs, frozen: bool) -> anyhow::Result<ExitCode> {
        let input = Freeze {
            frozen,
            reason: args.reason,
            voucher: self.voucher(args.voucher).await?,
        };
        self.one(input, |conn, requests| {
            Box::pin(voucher::freeze(conn, requests))
        })
        .await
    }

    async fn cancel(&self, args: ReasonArgs) -> anyhow::Result<ExitCode> {
        let input = Cancel {
            reason: args.reason,
            voucher: self.voucher(args.voucher).await?,
        };
        self.one(input, |conn, requests| {
            Box::pin(voucher::cancel(conn, requests))
        })
        .await
    }

    async fn expire(&self, voucher: Named<VoucherId>) -> anyhow::Result<ExitCode> {
        let voucher = self.voucher(voucher).await?;
        self.one(Expire { voucher }, |conn, requests| {
            Box::pin(voucher::expire(conn, requests))
        })
        .await
    }

    async fn expire_all(&self) -> anyhow::Result<ExitCode> {
        let mut lapsed = 0;
        loop {
            let done = self
                .session
                .command(&self.caller, (), |conn, command, ()| {
                    Box::pin(async move { voucher::expire_due(conn, &command, 1_000).await })
                })
                .await?;
            lapsed += done;
            if done == 0 {
                break;
            }
        }
        if self.global.json {
            output::json(&serde_json::json!({ "lapsed": lapsed }))?;
        } else {
            let lapsed = output::counted(lapsed, "voucher", "vouchers");
            output::line(&format!("{lapsed} lapsed."))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn wind_up(&self, args: WindUpArgs) -> anyhow::Result<ExitCode> {
        let input = WindUp {
            programme: args.programme,
            year: FiscalYear(args.year),
            reason: args.reason,
        };
        let mut all = WoundUp::default();
        let bar = output::spinner("vouchers");
        loop {
            let done = self
                .session
                .command(
                    &self.caller,
                    (input.clone(), all.last),
                    |conn, command, (input, after)| {
                        Box::pin(async move {
                            voucher::wind_up(conn, &command, (input, *after), 1_000).await
                        })
                    },
                )
                .await?;
            if done.last.is_none() {
                break;
            }
            all = WoundUp {
                released: all.released + done.released,
                cancelled: all.cancelled + done.cancelled,
                last: done.last,
            };
            bar.inc(1_000);
        }
        bar.finish_and_clear();
        if self.global.json {
            output::json(&all)?;
        } else {
            let orders = output::counted(all.released, "order", "orders");
            let vouchers = output::counted(all.cancelled, "voucher", "vouchers");
            output::line(&format!("{orders} released, {vouchers} taken back."))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn voucher(&self, named: Named<VoucherId>) -> anyhow::Result<VoucherId> {
        let look_up = show::voucher_id(self.session, &self.caller.zone, named);
        self.find(named, look_up).await
    }

    async fn named_hold(&self, named: Named<HoldId>) -> anyhow::Result<HoldId> {
        let zone = &self.caller.zone;
        let look_up = async {
            let found = self
                .session
                .database
                .read(zone.id, (zone.id, named), |conn, (zone, named)| {
                    Box::pin(voucher::find_hold(conn, *zone, *named))
                })
                .await?;
            found.with_context(|| not_there(&named, zone))
        };
        self.find(named, look_up).await
    }
}

/// An answer as lines of field and value; a refusal with its sentence.
fn print_answer(value: &Value) -> std::io::Result<()> {
    desk::print_answer(value, sentences)
}

/// What a refusal tells a person.
fn sentences(code: Value) -> Option<desk::Sentences> {
    let refusal = serde_json::from_value::<voucher::VoucherRefusal>(code).ok()?;
    Some(refusal.sentences())
}

/// Facts from `name=value` options, declared for a day.
pub(super) fn facts(
    options: &[String],
    currency: Currency,
    day: NaiveDate,
) -> anyhow::Result<Facts> {
    let mut facts = Facts::new(currency);
    for option in options {
        let (name, value) = option
            .split_once('=')
            .with_context(|| format!("{:?} is no fact: write name=value", excerpt(option)))?;
        let fact = Fact::named(name)
            .with_context(|| format!("unknown fact {}: {}", excerpt(name), Fact::advice(name)))?;
        if facts.get(fact).is_some() {
            anyhow::bail!("the fact {name} is stated twice: state it once");
        }
        facts.state(fact, Raw::typed(fact, value), Source::Declared, day)?;
    }
    Ok(facts)
}
