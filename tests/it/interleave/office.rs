//! Who there is: persons with their duties, parties, programmes.

use subsidy_ledger::identity::Role;
use subsidy_ledger::identity::Role::{
    Auditor, Cashier, Finance, Incubator, Manager, Provider, Reviewer, RuleAdmin, Sme, System,
};

use crate::kit::scenario::EVERY_DUTY;

/// A login.
pub(super) type Who = &'static str;

/// Persons, with their duties and the party that they act for. Whoever acts for none is of the office, and sees every party.
pub(super) const PERSONS: &[(Who, &[Role], Option<&str>)] = &[
    ("system", &[System], None),
    ("clerk", &[Sme, Provider, Incubator], None),
    ("reviewer", &[Reviewer], None),
    ("reviewer2", &[Reviewer], None),
    ("manager", &[Manager], None),
    ("manager2", &[Manager], None),
    ("finance", &[Finance], None),
    ("finance2", &[Finance], None),
    ("cashier", &[Cashier], None),
    ("cashier2", &[Cashier], None),
    ("rules", &[RuleAdmin], None),
    ("auditor", &[Auditor], None),
    ("all", EVERY_DUTY, None),
    ("f", &[Sme], Some("f")),
    ("f2", &[Sme], Some("f")),
    ("g", &[Sme], Some("g")),
    ("p", &[Provider], Some("p")),
    ("c", &[Incubator], Some("c")),
    ("c2", &[Incubator, Sme], Some("c")),
];

/// Firms, a provider and a carrier.
pub(super) const PARTIES: &[&str] = &["f", "g", "p", "c"];

/// Enterprises without a code, which another office made awards to.
pub(super) const NAMED: &[&str] = &["x", "y"];

pub(super) fn has(who: Who, one_of: &[Role]) -> bool {
    let person = PERSONS.iter().find(|(login, ..)| *login == who);
    let roles = person.map_or(&[][..], |(_, roles, _)| roles);
    roles.iter().any(|role| one_of.contains(role))
}

pub(super) fn party_of(who: Who) -> Option<&'static str> {
    let person = PERSONS.iter().find(|(login, ..)| *login == who);
    person.and_then(|(.., party)| *party)
}

/// Whether a person may act for one of these parties.
pub(super) fn acts_for(who: Who, one_of: &[&str]) -> bool {
    party_of(who).is_none_or(|party| one_of.contains(&party))
}

/// Vouchers by the rules of Shanghai in 2020 (DOMAIN 2, row 1): half of the price, up to a yearly limit of the firm; used until
/// the year ends; the provider is paid.
pub(super) const SH: &str = "SH-VOUCHER";
/// Vouchers by the rules of Yuhuan (DOMAIN 2, row 2): all of the first 10,000 yuan and half of the rest; limits on an
/// application, on what is held and on a year; valid for three months; the firm is paid.
pub(super) const YH: &str = "YH-VOUCHER";
/// Half of the rent that was waived, without a notice.
pub(super) const HALF: &str = "RENT-HALF";
/// A tenth of it, up to a yearly limit, after a notice of five working days (DOMAIN 3, Shaanxi).
pub(super) const NOTICED: &str = "SHAANXI-RENT";

/// What was invoiced for a service, up to a yearly limit of the provider; of a contract, at most what is reserved.
pub(super) const BUY: &str = "BUY-SERVICE";
/// What firms paid for services, by a rate that follows from the budget of the year and what all ask for, half at most
/// (DOMAIN 2, Fujian): decided in a round.
pub(super) const SHARED: &str = "FJ-VOUCHER";
/// A tenth of the rent that was waived, for the [`FIRST`] who waived most (DOMAIN 3, Shenzhen): decided in a round, after
/// a notice.
pub(super) const RANKED: &str = "RENT-FIRST";
/// How many a round of [`RANKED`] takes.
pub(super) const FIRST: usize = 2;

pub(super) const PROGRAMMES: [&str; 7] = [SH, YH, HALF, NOTICED, BUY, SHARED, RANKED];

/// Duties that approve a claim one after the other, from an amount in fen on.
pub(super) type Levels = &'static [(i64, &'static [Role])];

/// Sets of levels that are proposed, among them that which holds without any.
pub(super) const LEVELS: [Levels; 4] = [
    &[(0, &[Manager])],
    &[(0, &[Manager]), (8_000_00, &[Manager, Finance])],
    &[(0, &[Finance]), (3_000_00, &[Manager, Manager])],
    &[
        (0, &[Manager]),
        (3_000_00, &[Finance, Manager]),
        (30_000_00, &[Manager, Finance, Manager]),
    ],
];

/// Bank accounts that parties may have. Now and then two have the same.
pub(super) const NUMBERS: [&str; 5] = [
    "6222021001100001",
    "6222021001100002",
    "6222021001100003",
    "6222021001100004",
    "6222021001100005",
];

/// The zone's own account, as its statements name it.
pub(super) const OWN_ACCOUNT: &str = "31050161360000001234";
