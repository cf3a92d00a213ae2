//! Plays commands on both sides and compares what is told and what there is.

mod ways;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use chrono::Days;
use subsidy_ledger::identity::Role;
use subsidy_ledger::party::{Identity, NewParty, PartyRole};
use subsidy_ledger::payment::{self, AccountFilter};
use subsidy_ledger::programme::ProgrammeKind;

pub(super) use self::ways::Way;
use super::choose::{Dice, Taste, choose};
use super::command::{Asked, Command};
use super::compare;
use super::model::{Account, Done, Model, Verdict, is_recorded};
use super::office::{
    BUY, HALF, NAMED, NOTICED, NUMBERS, OWN_ACCOUNT, PARTIES, RANKED, SH, SHARED, YH,
};
use super::real::{self, Giving, Names, Told};
use crate::kit::TestDb;
use crate::kit::scenario::{World, day};
use crate::party_statement;

/// What differs between the sides, after all that was asked and told.
pub(super) type Played = Result<(), String>;

/// A step: a day on which nothing happens passes, or commands are given, one alone or several at once.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Days(u8),
    Alone(Dice),
    Way(Way),
    AtOnce(Vec<Dice>),
}

/// A model and a zone that should agree.
pub(super) struct Play {
    world: Arc<World>,
    names: Arc<Names>,
    model: Model,
    taste: Taste,
    /// What was asked and told, for whoever reads a failure.
    trace: Vec<String>,
}

/// The first day: the rules of all programmes are in force.
const FIRST_DAY: &str = "2020-05-07";

impl Play {
    /// A new zone with persons, parties, programmes and bank accounts; the budget is given by commands, as all else.
    pub(super) async fn new(db: &Arc<TestDb>, taste: Taste) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let code = format!("Z{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut world = World::people(Arc::clone(db), &code).await;
        let carrier = world
            .register("c", "91350100M000100Y43", PartyRole::Carrier)
            .await;
        world.parties.insert("c", carrier);
        for name in NAMED {
            let new = NewParty {
                identity: Identity::Name(name.parse().unwrap()),
                name: name.parse().unwrap(),
                roles: [PartyRole::Enterprise].into(),
                group: None,
            };
            let party = world.try_register("manager", new).await.unwrap();
            world.parties.insert(name, party);
        }
        world.enrol("c", &[Role::Incubator], Some(carrier)).await;
        world
            .enrol("c2", &[Role::Incubator, Role::Sme], Some(carrier))
            .await;
        let firm = world.parties["f"];
        world.enrol("f2", &[Role::Sme], Some(firm)).await;
        world.enrol("reviewer2", &[Role::Reviewer], None).await;
        for (code, pack) in real::packs() {
            world.publish(code, &pack).await;
        }
        let (code, pack) = real::purchase();
        let purchase = ProgrammeKind::Purchase;
        world.publish_as(code, &pack, purchase).await;
        world
            .propose_account("finance", None, OWN_ACCOUNT)
            .await
            .unwrap();
        // A firm has none yet.
        let mut accounts = Vec::new();
        for (party, number) in ["c", "f", "p"].into_iter().zip(NUMBERS) {
            let id = Some(world.parties[party]);
            let proposed = world.propose_account("finance", id, number).await.unwrap();
            accounts.push((party, number, proposed.account.0));
        }
        let confirmed = world
            .confirm_accounts("finance2", AccountFilter::Proposed)
            .await;
        assert_eq!(confirmed.unwrap().len(), 1 + accounts.len());
        let mut model = Model::new(day(FIRST_DAY), world.size().await);
        let mut names = Names::default();
        for (at, (party, number, id)) in accounts.into_iter().enumerate() {
            names.insert(&format!("A{at}"), id);
            model.accounts.push(Account {
                party,
                number,
                state: "confirmed",
                by: "finance",
            });
        }
        let mut play = Self {
            world: Arc::new(world),
            names: Arc::new(names),
            model,
            taste,
            trace: Vec::new(),
        };
        play.fund().await.unwrap();
        play
    }

    /// Little enough that programmes run out of it.
    async fn fund(&mut self) -> Played {
        let (year, fen) = (2020, 510_000_00);
        self.alone(self.asked("finance", Command::Appropriate { year, fen }))
            .await?;
        for (programme, fen) in [
            (SH, 150_000_00),
            (YH, 60_000_00),
            (HALF, 90_000_00),
            (NOTICED, 20_000_00),
            (BUY, 80_000_00),
            (SHARED, 30_000_00),
            (RANKED, 20_000_00),
        ] {
            let allocate = Command::Allocate {
                programme,
                year,
                fen,
            };
            self.alone(self.asked("finance", allocate)).await?;
        }
        self.facts().await
    }

    /// Nobody is listed, and every carrier is recognised by its city, until it is said otherwise.
    async fn facts(&mut self) -> Played {
        let from = day("2020-01-01");
        let rows = PARTIES.iter().map(|party| (*party, false)).collect();
        let listed = Command::Listed {
            rows,
            from,
            correct: false,
        };
        self.alone(self.asked("reviewer", listed)).await?;
        let level = Command::ProposeLevel {
            party: None,
            level: "municipal",
            from,
            until: None,
        };
        let entry = self.model.size;
        self.alone(self.asked("reviewer", level)).await?;
        let confirm = Command::ConfirmLevel { entry };
        self.alone(self.asked("manager", confirm)).await
    }

    fn asked(&self, who: super::office::Who, command: Command) -> Asked {
        Asked {
            who,
            key: format!("key {}", self.trace.len()),
            command,
        }
    }

    pub(super) async fn step(&mut self, step: &Step) -> Played {
        match step {
            Step::Days(days) => self.pass(Days::new(u64::from(*days))),
            Step::Alone(dice) => {
                let key = format!("key {}", self.trace.len());
                if let Some(asked) = choose(&self.model, &self.taste, dice, &key) {
                    self.alone(asked).await?;
                }
            }
            Step::Way(way) => self.go(*way).await?,
            Step::AtOnce(all) => {
                let mut group: Vec<Asked> = Vec::new();
                for (at, dice) in all.iter().enumerate() {
                    let key = format!("key {} {at}", self.trace.len());
                    let chosen = choose(&self.model, &self.taste, dice, &key);
                    let twin = group.last().filter(|_| dice.is_twin()).cloned();
                    let chosen = twin.or(chosen);
                    group.extend(chosen.filter(|asked| asked.command.is_one_decision()));
                }
                self.at_once(group).await?;
            }
        }
        self.compare().await
    }

    fn pass(&mut self, days: Days) {
        self.model.today = self.model.today + days;
        self.trace.push(format!("{} it is", self.model.today));
    }

    fn giving(&self, asked: &Asked) -> Giving {
        Giving {
            world: Arc::clone(&self.world),
            names: Arc::clone(&self.names),
            today: self.model.today,
            asked: asked.clone(),
        }
    }

    async fn alone(&mut self, asked: Asked) -> Played {
        let told = self.giving(&asked).give().await;
        self.heard(&asked, &told)
    }

    /// Gives commands at the same moment. The log says in which order they came: played in it, the model must answer alike. A
    /// refusal that is in no log must be right somewhere in that order.
    async fn at_once(&mut self, group: Vec<Asked>) -> Played {
        let given = group
            .iter()
            .map(|asked| tokio::spawn(self.giving(asked).give()));
        let given: Vec<_> = given.collect();
        let mut told = Vec::with_capacity(group.len());
        for (asked, given) in group.into_iter().zip(given) {
            told.push((asked, given.await.unwrap()));
        }
        self.trace.push(format!("{} at once:", self.model.today));
        let (mut logged, unlogged): (Vec<_>, Vec<_>) =
            told.into_iter().partition(|(_, told)| told.index.is_some());
        logged.sort_by_key(|(_, told)| told.index);
        let mut moments = vec![self.model.clone()];
        for (asked, told) in &logged {
            self.heard(asked, told)?;
            moments.push(self.model.clone());
        }
        for (asked, told) in &unlogged {
            self.trace.push(format!("  {asked:?}\n    -> {told:?}"));
            let fits = |moment: &Model| fits(&moment.clone().give(asked), told, moment).is_ok();
            if !moments.iter().any(fits) {
                let last = self.model.clone().give(asked);
                let why = format!("at no moment was that right; at last the model says {last:?}");
                return self.fail(&why);
            }
        }
        Ok(())
    }

    /// The model's answer to a command, compared with the ledger's.
    fn heard(&mut self, asked: &Asked, told: &Told) -> Played {
        let before = self.model.clone();
        let verdict = self.model.give(asked);
        self.trace
            .push(format!("{} {asked:?}\n    -> {told:?}", self.model.today));
        if let Err(why) = fits(&verdict, told, &before) {
            return self.fail(&why);
        }
        let granted = before.vouchers.len()..self.model.vouchers.len();
        for (at, id) in granted.zip(&told.vouchers) {
            let names = Arc::make_mut(&mut self.names);
            names.insert(&format!("V{at}"), *id);
        }
        match verdict {
            Verdict::Done(Done {
                new: Some(name), ..
            }) => self.name(&name, told),
            Verdict::Refused(_) if told.index.is_some() => self.model.refuse(asked),
            Verdict::Done(_) | Verdict::Refused(_) | Verdict::Repeated(_) => {}
        }
        Ok(())
    }

    fn name(&mut self, name: &str, told: &Told) {
        let names = Arc::make_mut(&mut self.names);
        names.insert(name, told.id.expect("a case that begins has an id"));
        for (payable, id) in &told.instructions {
            names.instruct(name, *payable, id);
        }
    }

    async fn compare(&self) -> Played {
        match compare::difference(&self.world, &self.names, &self.model).await {
            Some(difference) => self.fail(&difference),
            None => Ok(()),
        }
    }

    fn fail(&self, why: &str) -> Played {
        Err(format!("{}\n{why}", self.trace.join("\n")))
    }

    /// What must hold of the zone at last: all that `verify` compares, books that balance, parties whose statements are those of
    /// their accounts, and a bank that agrees.
    pub(super) async fn end(&self) -> Played {
        self.world.check_invariants().await;
        party_statement::check(&self.world).await;
        if self.model.bank_lines.is_empty() {
            return Ok(());
        }
        let read =
            self.world
                .db
                .app()
                .read(self.world.zone.id, self.world.zone.clone(), |conn, zone| {
                    Box::pin(payment::reconcile(conn, zone))
                });
        let reconciled = read.await.unwrap();
        if reconciled.agrees() {
            Ok(())
        } else {
            self.fail(&format!("books and bank differ: {reconciled:?}"))
        }
    }
}

/// Whether an answer is what the model says.
fn fits(verdict: &Verdict, told: &Told, before: &Model) -> Result<(), String> {
    let wrong = |why: String| Err(format!("the model says {why}"));
    match (verdict, &told.code) {
        (Verdict::Done(done), None) => match told.index {
            Some(index) if index != done.index => wrong(format!("entry {}", done.index)),
            _ => Ok(()),
        },
        (Verdict::Done(done), Some(_)) => wrong(format!("{done:?}")),
        (Verdict::Repeated(entry), _) if told.index == Some(*entry) => Ok(()),
        (Verdict::Repeated(entry), _) => wrong(format!("as before, by entry {entry}")),
        (Verdict::Refused(why), code) => {
            let named = code.as_deref().is_some_and(|code| why.0.contains(code));
            let recorded = code.as_deref().is_some_and(is_recorded);
            let entry = recorded.then_some(before.size);
            if named && told.index == entry {
                Ok(())
            } else {
                wrong(format!("refused for {:?}, by entry {entry:?}", why.0))
            }
        }
    }
}
