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

pub(super) const PROGRAMMES: [&str; 4] = [SH, YH, HALF, NOTICED];

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
