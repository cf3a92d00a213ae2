//! From dice to commands that lead somewhere: mostly the right person on a case at the right step, now and then not.

mod approval;
mod bank;
mod budget;
mod claim;
mod contract;
mod fact;
mod pack;
mod payment;
mod recovery;
mod rent;
mod round;
mod run;
mod voucher;

use proptest::prelude::*;

use super::command::{Asked, Command};
use super::model::Model;
use super::office::{PERSONS, Who};

/// Random numbers, which mean something only beside a model.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    kind: u16,
    case: u16,
    who: u16,
    amount: u16,
    odd: u8,
}

/// What is odd about a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Odd {
    /// Anybody gives it.
    Stranger,
    /// On any case, also one that nobody knows.
    AnyCase,
    /// It was given before, and is repeated under its key.
    Again,
    /// Another command was given under its key.
    OldKey,
    Nothing,
}

pub(super) fn dice() -> impl Strategy<Value = Dice> + Clone {
    let numbers = (
        any::<u16>(),
        any::<u16>(),
        any::<u16>(),
        any::<u16>(),
        any::<u8>(),
    );
    numbers.prop_map(|(kind, case, who, amount, odd)| Dice {
        kind,
        case,
        who,
        amount,
        odd,
    })
}

/// Several that like to meet: of one kind, on one case.
pub(super) fn group() -> impl Strategy<Value = Vec<Dice>> {
    let others = prop::collection::vec((dice(), any::<[bool; 2]>()), 1..4);
    (dice(), others).prop_map(|(first, others)| {
        let like = |(mut dice, [kind, case]): (Dice, [bool; 2])| {
            if kind {
                dice.kind = first.kind;
            }
            if case {
                dice.case = first.case;
            }
            dice
        };
        let others: Vec<Dice> = others.into_iter().map(like).collect();
        [vec![first], others].concat()
    })
}

impl Dice {
    const fn odd(&self) -> Odd {
        match self.odd {
            240.. => Odd::Stranger,
            220.. => Odd::AnyCase,
            212.. => Odd::Again,
            208.. => Odd::OldKey,
            _ => Odd::Nothing,
        }
    }

    /// Whether it is the very same command as the one beside it, under the same key.
    pub(super) const fn is_twin(&self) -> bool {
        self.odd % 16 == 15
    }

    fn is_wild(&self) -> bool {
        self.odd() == Odd::AnyCase
    }

    fn pick<T>(number: u16, all: &[T]) -> Option<&T> {
        let at = usize::from(number).checked_rem(all.len())?;
        all.get(at)
    }

    /// One of these.
    fn one_of<T: Copy>(&self, all: &[T]) -> T {
        *Self::pick(self.amount / 7, all).expect("there is one")
    }

    /// A price, in fen: some meet limits, some are odd.
    fn price(&self) -> i64 {
        self.one_of(&[
            6_000_00, 20_000_00, 33_333_33, 80_000_00, 150_000_00, 1, 12_345_67, 300_000_00,
        ])
    }

    /// Most often all of a sum, or a part; now and then a fen too much.
    fn part_of(&self, whole: i64) -> i64 {
        let parts = [whole, whole, whole / 2, whole / 3, whole + 1, 1];
        self.one_of(&parts).max(1)
    }

    fn is_even(&self) -> bool {
        self.amount.is_multiple_of(2)
    }
}

/// A command, and who would give it.
type Choice = (Vec<Who>, Command);

/// Commands of a kind that make sense now, or, on any case, all of them.
type Kind = fn(&Model, &Dice) -> Vec<Choice>;

const ROOMS: usize = 13;

/// How much a play likes the commands of each room. Every play has its own: some rooms stay shut, others are busy, so that
/// what rarely comes together among all commands is common in some plays (swarm testing: Groce and others, ISSTA 2012).
#[derive(Clone, Debug)]
pub(super) struct Taste([u16; ROOMS]);

pub(super) fn taste() -> impl Strategy<Value = Taste> {
    let room = prop_oneof![5 => Just(1), 2 => Just(0), 2 => Just(6)];
    prop::array::uniform13(room).prop_map(Taste)
}

/// How often each kind is tried.
fn kinds(Taste(taste): &Taste) -> Vec<(u16, Kind)> {
    let rooms: [Vec<(u16, Kind)>; ROOMS] = [
        budget::kinds(),
        voucher::kinds(),
        payment::kinds(),
        bank::kinds(),
        claim::kinds(),
        approval::kinds(),
        contract::kinds(),
        recovery::kinds(),
        rent::kinds(),
        round::kinds(),
        run::kinds(),
        fact::kinds(),
        pack::kinds(),
    ];
    let rooms = rooms.into_iter().zip(taste);
    rooms
        .flat_map(|(kinds, liked)| {
            kinds
                .into_iter()
                .map(move |(weight, kind)| (weight * liked, kind))
        })
        .filter(|(weight, _)| *weight > 0)
        .collect()
}

/// The command that dice mean.
pub(super) fn choose(model: &Model, taste: &Taste, dice: &Dice, key: &str) -> Option<Asked> {
    let before = Dice::pick(dice.case, &model.recorded).map(|(asked, _)| asked);
    if dice.odd() == Odd::Again && before.is_some() {
        return before.cloned();
    }
    let options = |(weight, kind): &(u16, Kind)| (*weight, kind(model, dice));
    let all: Vec<(u16, Vec<Choice>)> = kinds(taste).iter().map(options).collect();
    let all: Vec<_> = all
        .into_iter()
        .filter(|(_, options)| !options.is_empty())
        .collect();
    let mut number = dice
        .kind
        .checked_rem(all.iter().map(|(weight, _)| weight).sum())?;
    let (_, options) = all.iter().find(|(weight, _)| {
        let is_it = number < *weight;
        number = number.saturating_sub(*weight);
        is_it
    })?;
    let (persons, command) = Dice::pick(dice.case, options)?;
    let everybody: Vec<Who> = PERSONS.iter().map(|(login, ..)| *login).collect();
    let among = if dice.odd() == Odd::Stranger {
        &everybody
    } else {
        persons
    };
    let asked = Asked {
        who: Dice::pick(dice.who, among)?,
        key: key.to_owned(),
        command: command.clone(),
    };
    match before {
        // The bank's own messages have no key: a file under another's bytes is that file.
        Some(before) if dice.odd() == Odd::OldKey && asked.command.is_keyed() => Some(Asked {
            who: before.who,
            key: before.key.clone(),
            ..asked
        }),
        _ => Some(asked),
    }
}

/// The numbers of cases at a step; of any, and one that nobody knows, if the dice are wild.
fn cases<T>(dice: &Dice, all: &[T], is_at_step: impl Fn(&T) -> bool) -> Vec<usize> {
    let numbers = all.iter().enumerate();
    let its = numbers.filter(|(_, one)| dice.is_wild() || is_at_step(one));
    let unknown = dice.is_wild().then_some(all.len() + 3);
    its.map(|(at, _)| at).chain(unknown).collect()
}

/// The same of proposals, by their entries.
fn entries<T>(
    dice: &Dice,
    all: &[T],
    entry: impl Fn(&T) -> i64,
    waits: impl Fn(&T) -> bool,
) -> Vec<i64> {
    let its = all.iter().filter(|one| dice.is_wild() || waits(one));
    let unknown = dice.is_wild().then_some(1);
    its.map(entry).chain(unknown).collect()
}
