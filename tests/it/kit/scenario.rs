//! A zone with people, parties, two voucher programmes and money, and how commands are given in it.

use std::collections::BTreeMap;
use std::slice;
use std::sync::Arc;

use chrono::{NaiveDate, TimeDelta};
use futures::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;
use subsidy_ledger::accounting::{self, ClosePeriod};
use subsidy_ledger::batch::{Answered, Answers, BatchError, Rejected};
use subsidy_ledger::identity::{Actor, Caller, Command, Role};
use subsidy_ledger::party::{self, Identity, NewParty, PartyRole};
use subsidy_ledger::payment::{
    AccountFilter, BankAccount, Confirmation, NewAccount, PaymentError, ProposedAccount, Vault,
};
use subsidy_ledger::policy::{Mode, Policy};
use subsidy_ledger::programme::{self, Allocate, Appropriate, NewProgramme, ProgrammeKind};
use subsidy_ledger::types::{Amount, Currency, FiscalYear, LogIndex, Money, PartyId, Zone};
use subsidy_ledger::voucher::{
    self, Apply, Cancel, Expire, Freeze, Issue, PlaceHold, Redeem, Release, Review,
};
use subsidy_ledger::zone::{self, NewPerson};
use subsidy_ledger::{journal, payment};

use tempfile::TempDir;

use super::{TestDb, invariants};
use crate::books::found;
use crate::policy_cases::pack_text;

/// Every duty that one person can have.
pub(crate) const EVERY_DUTY: &[Role] = &[
    Role::Sme,
    Role::Provider,
    Role::Incubator,
    Role::Reviewer,
    Role::Manager,
    Role::Finance,
    Role::Cashier,
    Role::Auditor,
    Role::RuleAdmin,
];

/// Login and roles of the office's people. `all` has every duty, to show that roles are not enough.
const PEOPLE: &[(&str, &[Role])] = &[
    ("clerk", &[Role::Sme, Role::Provider, Role::Incubator]),
    ("reviewer", &[Role::Reviewer]),
    ("manager", &[Role::Manager]),
    ("manager2", &[Role::Manager]),
    ("finance", &[Role::Finance]),
    ("finance2", &[Role::Finance]),
    ("cashier", &[Role::Cashier]),
    ("cashier2", &[Role::Cashier]),
    ("rules", &[Role::RuleAdmin]),
    ("auditor", &[Role::Auditor]),
    ("all", EVERY_DUTY),
];

/// Parties, and a person who acts for each under the same login.
const PARTIES: &[(&str, &str, PartyRole, Role)] = &[
    ("f", "91000000MA00000900", PartyRole::Enterprise, Role::Sme),
    ("g", "91000000MA0000277Y", PartyRole::Enterprise, Role::Sme),
    (
        "p",
        "914403001922038216",
        PartyRole::Provider,
        Role::Provider,
    ),
];

/// Short name, code, pack.
const PROGRAMMES: &[(&str, &str, &str)] = &[
    ("SH", "SH-VOUCHER", "shanghai-2020"),
    ("YH", "YH-VOUCHER", "yuhuan-2023"),
];

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn yuan(yuan: i64) -> Amount {
    Amount::new(Money::from_minor(yuan * 100)).unwrap()
}

/// Yuan in minor units.
pub(crate) const fn fen(yuan: i64) -> i64 {
    yuan * 100
}

/// One voucher command.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Apply(Apply),
    Review(Review),
    Issue(Issue),
    Hold(PlaceHold),
    Redeem(Redeem),
    Release(Release),
    Expire(Expire),
    Cancel(Cancel),
    Freeze(Freeze),
}

/// What became of one: the entry and the answer, or why nothing was recorded.
pub(crate) type Given = Result<(LogIndex, Value), Rejected>;

pub(crate) struct World {
    /// Its own, or one that it shares with other zones.
    pub(crate) db: Arc<TestDb>,
    pub(crate) zone: Zone,
    pub(crate) people: BTreeMap<&'static str, Actor>,
    pub(crate) parties: BTreeMap<&'static str, PartyId>,
    /// Where the key of bank accounts is.
    pub(crate) keys: TempDir,
}

impl World {
    /// With this much for each programme in a budget year: `("SH", 2020, 1_000_000)`, in yuan.
    pub(crate) async fn new(budget: &[(&str, i16, i64)]) -> Self {
        let db = Arc::new(TestDb::new().await);
        let world = Self::people(db, "TEST").await;
        for (_, code, pack) in PROGRAMMES {
            world.publish(code, &pack_text(pack)).await;
        }
        for (programme, year, amount) in budget {
            world.fund(programme_code(programme), *year, *amount).await;
        }
        world
    }

    /// A zone of this code with people and parties, and nothing else.
    pub(crate) async fn people(db: Arc<TestDb>, code: &str) -> Self {
        let (zone, system) = found(&db, code, Currency::Cny).await;
        let mut world = Self {
            db,
            zone,
            people: BTreeMap::from([("system", system)]),
            parties: BTreeMap::new(),
            keys: tempfile::tempdir().unwrap(),
        };
        for (login, roles) in PEOPLE {
            world.enrol(login, roles, None).await;
        }
        for (login, code, kind, role) in PARTIES {
            let party = world.register(login, code, *kind).await;
            world.parties.insert(login, party);
            world.enrol(login, &[*role], Some(party)).await;
        }
        world
    }

    pub(crate) fn caller(&self, who: &str, on: &str, key: Option<&str>) -> Caller {
        let actor = self
            .people
            .get(who)
            .unwrap_or_else(|| panic!("there is no {who}"));
        Caller {
            zone: self.zone.clone(),
            actor: actor.clone(),
            now: self.zone.time.start_of(day(on)) + TimeDelta::hours(10),
            key: key.map(str::to_owned),
        }
    }

    /// One command of any room, in a transaction of its own.
    pub(crate) async fn one<I, T, E, F>(&self, caller: Caller, input: I, body: F) -> Result<T, E>
    where
        I: Send + Sync + 'static,
        T: Send + 'static,
        E: std::error::Error + From<sqlx::Error> + Send + 'static,
        F: for<'c> Fn(&'c mut PgConnection, Command<'c>, &'c I) -> BoxFuture<'c, Result<T, E>>
            + Send
            + Sync
            + 'static,
    {
        let zone = caller.zone.id;
        let write = self
            .db
            .app()
            .write(zone, (caller, input), move |conn, (caller, input)| {
                body(conn, caller.command(), input)
            });
        write.await
    }

    pub(crate) async fn enrol(
        &mut self,
        login: &'static str,
        roles: &[Role],
        party: Option<PartyId>,
    ) {
        let new = NewPerson {
            login: login.parse().unwrap(),
            name: login.parse().unwrap(),
            party,
            roles: roles.iter().copied().collect(),
        };
        let enrolled = self.one(
            self.caller("system", "2020-01-01", None),
            new,
            |conn, command, new| {
                Box::pin(async move { zone::enrol(conn, &command, new.clone()).await })
            },
        );
        let (actor, _) = enrolled.await.unwrap();
        self.people.insert(login, actor);
    }

    pub(crate) async fn register(&self, name: &str, code: &str, role: PartyRole) -> PartyId {
        let new = NewParty {
            identity: Identity::Uscc(code.parse().unwrap()),
            name: name.parse().unwrap(),
            roles: [role].into(),
            group: None,
        };
        self.try_register("manager", new).await.unwrap()
    }

    pub(crate) async fn try_register(
        &self,
        who: &str,
        new: NewParty,
    ) -> Result<PartyId, party::PartyError> {
        let caller = self.caller(who, "2020-01-01", None);
        let registered = self.one(caller, new, |conn, command, new| {
            Box::pin(async move { party::register(conn, &command, slice::from_ref(new)).await })
        });
        Ok(registered.await?[0].party)
    }

    /// Sets up a programme with rules, in force as the pack says.
    pub(crate) async fn publish(&self, code: &str, pack: &str) {
        let kind = match Policy::parse(pack).unwrap().mode() {
            Mode::ExAnte => ProgrammeKind::Voucher,
            Mode::ExPost => ProgrammeKind::PostSubsidy,
            Mode::Recognition => ProgrammeKind::Recognition,
        };
        self.publish_as(code, pack, kind).await;
    }

    /// Sets up a programme of a kind, with rules.
    pub(crate) async fn publish_as(&self, code: &str, pack: &str, kind: ProgrammeKind) {
        let new = NewProgramme {
            code: code.parse().unwrap(),
            kind,
            name_en: code.parse().unwrap(),
            name_zh: code.parse().unwrap(),
        };
        let on = "2020-01-01";
        self.one(
            self.caller("manager", on, None),
            new,
            |conn, command, new| {
                Box::pin(async move { programme::create(conn, &command, new).await })
            },
        )
        .await
        .unwrap();
        let input = (code.parse().unwrap(), pack.to_owned());
        self.one(
            self.caller("rules", on, None),
            input.clone(),
            |conn, command, (code, pack)| {
                Box::pin(async move { programme::propose(conn, &command, code, pack).await })
            },
        )
        .await
        .unwrap();
        self.one(
            self.caller("manager", on, None),
            input,
            |conn, command, (code, pack)| {
                Box::pin(async move { programme::publish(conn, &command, code, pack).await })
            },
        )
        .await
        .unwrap();
    }

    pub(crate) async fn fund(&self, code: &str, year: i16, amount: i64) {
        let caller = self.caller("finance", "2020-01-01", None);
        let appropriate = Appropriate {
            amount: yuan(amount),
            document: "budget".parse().unwrap(),
            year: FiscalYear(year),
        };
        let allocate = Allocate {
            amount: yuan(amount),
            programme: code.parse().unwrap(),
            year: FiscalYear(year),
        };
        let funded = self.one(
            caller,
            (appropriate, allocate),
            |conn, command, (first, second)| {
                Box::pin(async move {
                    programme::appropriate(conn, &command, first).await?;
                    programme::allocate(conn, &command, second).await
                })
            },
        );
        funded.await.unwrap();
    }

    /// The key of the zone's bank accounts.
    pub(crate) async fn vault(&self) -> Vault {
        let input = (self.zone.clone(), self.keys.path().to_path_buf());
        let opened = self
            .db
            .app()
            .read(self.zone.id, input, |conn, (zone, keys)| {
                Box::pin(Vault::open(conn, zone, keys))
            });
        opened.await.unwrap()
    }

    /// Proposes an account; `None` is the zone's own.
    pub(crate) async fn propose_account(
        &self,
        who: &str,
        party: Option<PartyId>,
        number: &str,
    ) -> Result<ProposedAccount, PaymentError> {
        let account = BankAccount {
            holder: "上海某某科技有限公司".parse().unwrap(),
            number: number.parse().unwrap(),
            bank: "102290000012".parse().unwrap(),
            bank_name: None,
        };
        let input = (self.vault().await, vec![NewAccount { party, account }]);
        let caller = self.caller(who, "2020-05-06", None);
        let proposed = self.one(caller, input, |conn, command, (vault, new)| {
            Box::pin(async move { payment::propose_accounts(conn, &command, vault, new).await })
        });
        Ok(proposed.await?.remove(0))
    }

    pub(crate) async fn confirm_accounts(
        &self,
        who: &str,
        filter: AccountFilter,
    ) -> Result<Vec<Confirmation>, PaymentError> {
        let caller = self.caller(who, "2020-05-06", None);
        let confirmed = self.one(caller, filter, |conn, command, filter| {
            Box::pin(async move { payment::confirm_accounts(conn, &command, filter).await })
        });
        confirmed.await
    }

    /// Gives every party that has none a bank account, each another one, confirmed by a second person.
    pub(crate) async fn enter_accounts(&self) {
        let known = self
            .db
            .app()
            .read(self.zone.id, self.zone.id, |conn, zone| {
                Box::pin(payment::accounts(conn, *zone, None))
            });
        let known: Result<_, sqlx::Error> = known.await;
        let known = known.unwrap();
        for (place, party) in (1..).zip(self.parties.values()) {
            if !known.iter().any(|row| row.party == Some(*party)) {
                let number = format!("62220210011{place:05}");
                self.propose_account("finance", Some(*party), &number)
                    .await
                    .unwrap();
            }
        }
        let confirmed = self
            .confirm_accounts("finance2", AccountFilter::Proposed)
            .await;
        assert!(
            matches!(confirmed, Ok(_) | Err(PaymentError::NothingToDo(_))),
            "{confirmed:?}"
        );
    }

    /// Puts a party into a controller group, or takes it out of its own.
    pub(crate) async fn group(&self, party: &str, group: Option<&str>, on: &str) {
        let input = (self.parties[party], group.map(|name| name.parse().unwrap()));
        let caller = self.caller("manager", on, None);
        let assigned = self.one(caller, input, |conn, command, (party, group)| {
            Box::pin(
                async move { party::assign_group(conn, &command, *party, group.as_ref()).await },
            )
        });
        assigned.await.unwrap();
    }

    pub(crate) async fn close_year(&self, year: i16, on: &str) {
        let input = ClosePeriod {
            period: FiscalYear(year).period(),
            reason: "closing".parse().unwrap(),
        };
        let caller = self.caller("finance", on, None);
        let closed = self.one(caller, input, |conn, command, input| {
            Box::pin(async move { accounting::close_period(conn, &command, input).await })
        });
        closed.await.unwrap();
    }

    /// One voucher command in a transaction of its own.
    pub(crate) async fn give(&self, caller: Caller, step: Step) -> Given {
        self.try_give(vec![(caller, step)])
            .await
            .unwrap()
            .pop()
            .unwrap()
    }

    /// Commands of the first one's kind, in one transaction.
    pub(crate) async fn try_give(
        &self,
        steps: Vec<(Caller, Step)>,
    ) -> Result<Vec<Given>, BatchError> {
        macro_rules! batch {
            ($kind:ident, $run:path) => {
                self.batch(of_kind!(steps, $kind), |conn, requests| {
                    Box::pin($run(conn, requests))
                })
                .await
            };
        }
        macro_rules! of_kind {
            ($steps:ident, $kind:ident) => {
                $steps
                    .into_iter()
                    .map(|(caller, step)| match step {
                        Step::$kind(input) => (caller, input),
                        other => panic!("{other:?} among others"),
                    })
                    .collect()
            };
        }
        match steps[0].1 {
            Step::Apply(_) => batch!(Apply, voucher::apply),
            Step::Review(_) => batch!(Review, voucher::review),
            Step::Issue(_) => batch!(Issue, voucher::issue),
            Step::Hold(_) => batch!(Hold, voucher::hold),
            Step::Redeem(_) => batch!(Redeem, voucher::redeem),
            Step::Release(_) => batch!(Release, voucher::release),
            Step::Expire(_) => batch!(Expire, voucher::expire),
            Step::Cancel(_) => batch!(Cancel, voucher::cancel),
            Step::Freeze(_) => batch!(Freeze, voucher::freeze),
        }
    }

    pub(crate) async fn batch<I, A, F>(
        &self,
        callers: Vec<(Caller, I)>,
        run: F,
    ) -> Result<Vec<Given>, BatchError>
    where
        I: Clone + Send + Sync + 'static,
        A: Serialize + Send + 'static,
        F: for<'c> Fn(
                &'c mut PgConnection,
                &'c [(Command<'c>, I)],
            ) -> BoxFuture<'c, Result<Answers<A>, BatchError>>
            + Copy
            + Send
            + Sync
            + 'static,
    {
        let write = self
            .db
            .app()
            .write(self.zone.id, callers, move |conn, callers| {
                let requests: Vec<(Command<'_>, I)> = callers
                    .iter()
                    .map(|(caller, input)| (caller.command(), input.clone()))
                    .collect();
                Box::pin(async move { run(conn, &requests).await })
            });
        let given = |Answered { index, answer }: Answered<A>| {
            (index, serde_json::to_value(answer).unwrap())
        };
        Ok(write
            .await?
            .into_iter()
            .map(|answer| answer.map(given))
            .collect())
    }

    /// Everything that stands in the books and rows, apart from entries.
    pub(crate) async fn state(&self) -> Vec<String> {
        let state: Result<_, sqlx::Error> = self
            .db
            .app()
            .read(self.zone.id, (), |conn, ()| {
                Box::pin(invariants::state(conn))
            })
            .await;
        state.unwrap()
    }

    /// How many entries the log has.
    pub(crate) async fn size(&self) -> i64 {
        let size = self
            .db
            .app()
            .read(self.zone.id, self.zone.id, |conn, zone| {
                Box::pin(journal::size_at(conn, *zone, journal::AsOf::Now))
            });
        size.await.unwrap()
    }

    /// Balances by account code over all accounts, positive on their normal sides, in fen.
    pub(crate) async fn balances(&self) -> BTreeMap<String, i64> {
        let balances: Result<_, sqlx::Error> = self
            .db
            .app()
            .read(self.zone.id, (), |conn, ()| {
                Box::pin(invariants::balances(conn))
            })
            .await;
        balances.unwrap()
    }

    /// Panics with every rule (docs/invariants.md) that the books and rows break by themselves: cheap enough to ask after each
    /// command.
    pub(crate) async fn check_rules(&self) {
        let broken: Result<_, sqlx::Error> = self
            .db
            .app()
            .read(self.zone.id, (), |conn, ()| {
                Box::pin(invariants::broken_rules(conn))
            })
            .await;
        assert_eq!(broken.unwrap(), Vec::<String>::new());
    }

    /// Panics with every invariant (docs/invariants.md) that the database breaks.
    pub(crate) async fn check_invariants(&self) {
        let broken: Result<_, sqlx::Error> = self
            .db
            .app()
            .read(self.zone.id, self.zone.id, |conn, zone| {
                Box::pin(invariants::broken(conn, *zone))
            })
            .await;
        assert_eq!(broken.unwrap(), Vec::<String>::new());
    }

    /// What is owed, as ids, oldest first.
    pub(crate) async fn payables(&self, state: payment::PayableState) -> Vec<payment::Payable> {
        let filter = payment::PayableFilter::State(state, 1_000);
        let input = (self.zone.id, filter);
        let found = self
            .db
            .app()
            .read(self.zone.id, input, |conn, (zone, filter)| {
                Box::pin(payment::payables(
                    conn,
                    *zone,
                    Currency::Cny,
                    filter,
                    payment::Lock::No,
                ))
            });
        found.await.unwrap()
    }
}

/// The code of a programme by its short name; others are called by their codes.
pub(crate) fn programme_code(short: &str) -> &str {
    let found = PROGRAMMES.iter().find(|(name, _, _)| *name == short);
    found.map_or(short, |(_, code, _)| code)
}
