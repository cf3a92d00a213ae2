//! The model's side.

use std::collections::BTreeSet;

use super::super::command::Month;
use super::super::model::{Model, Rule};
use super::super::model::{Part, Subject};

pub(super) fn or_none<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

/// As Postgres writes it among other words.
const fn yes(is_so: bool) -> &'static str {
    if is_so { "t" } else { "f" }
}

pub(super) fn lines(model: &Model) -> BTreeSet<String> {
    let mut lines: BTreeSet<String> = [format!("log {}", model.size)].into();
    let accounts = model.books.all();
    lines.extend(accounts.map(|(name, sum)| format!("account {name} {sum}")));
    budgets(model, &mut lines);
    vouchers(model, &mut lines);
    payments(model, &mut lines);
    claims(model, &mut lines);
    approvals(model, &mut lines);
    contracts(model, &mut lines);
    super::granted::lines(model, &mut lines);
    recoveries(model, &mut lines);
    rents(model, &mut lines);
    reminders(model, &mut lines);
    periods(model, &mut lines);
    lines
}

fn budgets(model: &Model, lines: &mut BTreeSet<String>) {
    for one in &model.transfers {
        lines.insert(format!(
            "transfer {} {} {} {} {} {} {}",
            one.entry,
            one.from,
            one.to,
            one.year,
            one.fen,
            one.by,
            or_none(one.outcome)
        ));
    }
    for one in &model.frozen {
        lines.insert(format!("frozen {} {}", one.programme, one.year));
    }
    for one in &model.exclusions {
        lines.insert(format!(
            "exclusion {} {} {} {} {} {} {} {}",
            one.entry,
            one.party,
            one.first,
            one.last,
            one.by,
            or_none(one.decided.map(|(outcome, _)| outcome)),
            or_none(one.decided.map(|(_, by)| by)),
            yes(one.is_lifted)
        ));
    }
}

fn vouchers(model: &Model, lines: &mut BTreeSet<String>) {
    for (at, one) in model.vouchers.iter().enumerate() {
        if !one.is_of_run {
            lines.insert(format!(
                "application V{at} {} {} {} {} {}",
                one.programme,
                one.party,
                one.state,
                one.applied_by,
                or_none(one.reviewed_by)
            ));
        }
        if let Some(face) = &one.face {
            lines.insert(format!(
                "voucher V{at} {} {} {} {} {} {} {} {}",
                face.year,
                face.last_day,
                face.free,
                face.held,
                face.redeemed,
                face.expired,
                face.cancelled,
                yes(face.is_frozen)
            ));
        }
    }
    for (at, one) in model.holds.iter().enumerate() {
        lines.insert(format!(
            "hold H{at} V{} {} {} {} {}",
            one.voucher, one.provider, one.amount, one.redeemed, one.state
        ));
    }
}

fn payments(model: &Model, lines: &mut BTreeSet<String>) {
    for (name, one) in &model.payables {
        lines.insert(format!(
            "payable {name} {} {} {} {} {} {} {}",
            one.payee,
            one.line.programme,
            one.line.year,
            one.amount,
            one.set_off,
            one.state,
            or_none(one.approved_by)
        ));
    }
    for (at, one) in model.accounts.iter().enumerate() {
        let masked = &one.number[one.number.len() - 4..];
        lines.insert(format!(
            "to A{at} {} …{masked} {} {}",
            one.party, one.state, one.by
        ));
    }
    for (at, one) in model.batches.iter().enumerate() {
        lines.insert(format!(
            "batch B{at} {} {} {}",
            one.state,
            one.by,
            or_none(one.sent_on)
        ));
        for line in &one.lines {
            lines.insert(format!(
                "line B{at} {} {} A{} {}",
                line.payable, line.amount, line.account, line.state
            ));
        }
    }
    for one in &model.bank_lines {
        lines.insert(format!(
            "bank {} {} {} {} {}",
            one.file,
            one.number,
            one.booked_on,
            one.amount,
            yes(one.is_matched)
        ));
    }
}

fn claims(model: &Model, lines: &mut BTreeSet<String>) {
    for (at, one) in model.claims.iter().enumerate() {
        lines.insert(format!(
            "claim C{at} {} {} {} {} {} {} {} {} {} {} {}",
            one.programme,
            one.party,
            one.version,
            one.state,
            one.drafted_by,
            or_none(one.submitted_by),
            or_none(one.review.map(|(by, _)| by)),
            or_none(one.review.map(|(_, entry)| entry)),
            or_none(one.recommended),
            or_none(one.notice.map(|notice| model.notices[notice].last_day)),
            or_none(one.awarded)
        ));
    }
    for (waiver, claim) in &model.taken {
        lines.insert(format!("taken W{waiver} C{claim}"));
    }
}

fn approvals(model: &Model, lines: &mut BTreeSet<String>) {
    for (at, claim) in model.claims.iter().enumerate() {
        for one in &claim.approvals {
            lines.insert(format!(
                "approval C{at} {} {} {} {} {}",
                one.review,
                one.level,
                one.role.as_str(),
                one.person,
                or_none(one.principal)
            ));
        }
        if let Some(by) = claim.revoked_by {
            lines.insert(format!("revoked C{at} {by}"));
        }
    }
    for one in &model.levels {
        let (by, entry) = one.confirmed.unzip();
        let (by, entry) = (or_none(by), or_none(entry));
        lines.insert(format!("levels {} {} {by} {entry}", one.entry, one.by));
    }
    for one in &model.recusals {
        let lifted = yes(one.is_lifted);
        lines.insert(format!(
            "recusal {} {} {} {lifted}",
            one.entry, one.person, one.party
        ));
    }
    for one in &model.delegations {
        lines.insert(format!(
            "delegation {} {} {} {} {} {} {}",
            one.entry,
            one.principal,
            one.delegate,
            one.role.as_str(),
            one.first,
            one.last,
            yes(one.is_revoked)
        ));
    }
}

fn contracts(model: &Model, lines: &mut BTreeSet<String>) {
    for (at, one) in model.contracts.iter().enumerate() {
        let (confirmed, by) = one.decided.unzip();
        let outcome = confirmed.map(|is_so| if is_so { "confirmed" } else { "rejected" });
        lines.insert(format!(
            "contract K{at} {} {} {} {} {} {} {} {} {}",
            one.programme,
            one.provider,
            one.reference,
            one.amount(),
            one.by,
            or_none(outcome),
            or_none(by),
            or_none(one.year),
            yes(one.is_ended)
        ));
        for (number, part) in (1..).zip(&one.milestones) {
            let number: i16 = number;
            let (accepted, claim) = part.accepted.unzip();
            let claim = claim.map(|claim| format!("C{claim}"));
            lines.insert(format!(
                "milestone K{at} {number} {} {} {} {}",
                part.amount,
                part.reserved,
                accepted.unwrap_or(0),
                or_none(claim)
            ));
        }
        for ending in &one.endings {
            let (outcome, by) = ending.decided.unzip();
            let (outcome, by) = (or_none(outcome), or_none(by));
            lines.insert(format!(
                "ending K{at} {} {} {outcome} {by}",
                ending.entry, ending.by
            ));
        }
    }
    for (at, claim) in model.claims.iter().enumerate() {
        if let Some((contract, number)) = claim.milestone() {
            lines.insert(format!("names C{at} K{contract} {number}"));
        }
    }
}

fn recoveries(model: &Model, lines: &mut BTreeSet<String>) {
    for (at, one) in model.recoveries.iter().enumerate() {
        lines.insert(format!(
            "recovery Z{at} {} {} {} {} {} {} {} {}",
            one.payable,
            one.amount,
            one.state(),
            one.open,
            one.received,
            one.set_off,
            one.written_off,
            one.proposed_by
        ));
        if let Some((entry, by, fen)) = one.write_off {
            lines.insert(format!("write-off Z{at} {entry} {fen} {by}"));
        }
    }
}

fn reminders(model: &Model, lines: &mut BTreeSet<String>) {
    for (due, (party, made_on)) in &model.reminders {
        lines.insert(format!(
            "reminder {} {} {} {} {party} {made_on}",
            due.kind, due.case, due.day, due.number
        ));
    }
}

fn first_day((year, month): Month) -> String {
    format!("{year}-{month:02}-01")
}

fn rents(model: &Model, lines: &mut BTreeSet<String>) {
    for (at, one) in model.leases.iter().enumerate() {
        lines.insert(format!(
            "lease L{at} {} {} {} {} {} {} {} {}",
            one.carrier,
            one.tenant,
            one.premises,
            one.rent,
            one.first,
            one.last,
            one.rent_until,
            yes(one.is_ended)
        ));
        for (month, bill) in &one.bills {
            let parts = [Part::Open, Part::Deferred, Part::Paid, Part::Waived];
            let parts = parts.map(|part| bill.of(part));
            let [open, deferred, paid, waived] = parts;
            let month = first_day(*month);
            lines.insert(format!(
                "bill L{at} {month} {open} {deferred} {paid} {waived}"
            ));
        }
    }
    for (at, one) in model.waivers.iter().enumerate() {
        let said = |said: Option<(i64, _)>| or_none(said.map(|(fen, _)| fen));
        lines.insert(format!(
            "waiver W{at} L{} {} {} {} {} {} {} {} {} {} {}",
            one.lease,
            one.days.0,
            one.days.1,
            one.amount,
            one.declared_by,
            said(one.stated),
            said(one.settled),
            said(one.audited),
            yes(one.is_compensable),
            yes(one.is_claimed),
            yes(one.is_voided)
        ));
    }
    for (at, one) in model.deferrals.iter().enumerate() {
        let [first, last] = [one.months.0, one.months.1].map(first_day);
        lines.insert(format!(
            "deferral S{at} L{} {first} {last} {} {} {} {}",
            one.lease, one.open, one.paid, one.defaulted, one.converted
        ));
        for (due, amount, paid) in &one.instalments {
            lines.insert(format!("instalment S{at} {due} {amount} {paid}"));
        }
    }
}

fn periods(model: &Model, lines: &mut BTreeSet<String>) {
    for (programme, Rule { carry, end }) in &model.rules {
        let free = if *carry { "carry" } else { "lapse" };
        let vouchers = if *end { "end" } else { "keep" };
        lines.insert(format!("rule {programme} {free} {vouchers}"));
    }
    for one in model.closings.iter().filter(|one| one.stands) {
        lines.insert(format!("closed {} {} {}", one.entry, one.from, one.until));
    }
    for one in &model.proposals {
        let about = match &one.subject {
            Subject::Close(year, _) => i64::from(*year),
            Subject::Reopen(closing) => *closing,
        };
        lines.insert(format!(
            "period {} {about} {} {}",
            one.entry,
            one.by,
            or_none(one.outcome)
        ));
    }
}
