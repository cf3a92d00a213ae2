//! Every balance and every state, from either side, as lines of text that must be the same.

mod expected;
mod granted;

use std::collections::BTreeSet;

use sqlx::PgConnection;
use uuid::Uuid;

use super::model::Model;
use super::real::Names;
use crate::kit::scenario::World;

/// What is compared, as Postgres has it: words, in which ids stand for persons, parties and cases.
const ROWS: &[&str] = &[
    "SELECT concat_ws(' ', 'log', size) FROM ledger.log_head",
    "SELECT concat_ws(' ', 'account', code, coalesce(programme, '-'), coalesce(fiscal_year::text, '-'),
         coalesce(party_id::text, '-'), coalesce(item_id::text, '-'), debits - credits)
     FROM ledger.account WHERE debits <> credits",
    "SELECT concat_ws(' ', 'transfer', proposed_index, from_programme, to_programme, fiscal_year, amount, proposed_by,
         coalesce(outcome, '-')) FROM ledger.budget_transfer",
    "SELECT concat_ws(' ', 'frozen', programme, fiscal_year) FROM ledger.budget_freeze WHERE thawed_index IS NULL",
    "SELECT concat_ws(' ', 'exclusion', proposed_index, party_id, first_day, last_day, proposed_by, coalesce(outcome, '-'),
         coalesce(decided_by::text, '-'), lifted_index IS NOT NULL) FROM ledger.exclusion",
    "SELECT concat_ws(' ', 'application', application_id, programme, party_id, state, applied_by,
         coalesce(reviewed_by::text, '-')) FROM ledger.voucher_application",
    "SELECT concat_ws(' ', 'voucher', voucher_id, fiscal_year, last_day, free, held, redeemed, expired, cancelled,
         frozen_reason IS NOT NULL) FROM ledger.voucher",
    "SELECT concat_ws(' ', 'hold', hold_id, voucher_id, provider_id, amount, redeemed, state) FROM ledger.hold",
    "SELECT concat_ws(' ', 'payable', payable_id, payee_id, programme, fiscal_year, amount, set_off, state,
         coalesce(approved_by::text, '-')) FROM ledger.payable",
    "SELECT concat_ws(' ', 'batch', batch_id, state, prepared_by, coalesce(sent_on::text, '-')) FROM ledger.payment_batch",
    "SELECT concat_ws(' ', 'to', account_id, party_id, masked, state, proposed_by) FROM ledger.bank_account
     WHERE party_id IS NOT NULL",
    "SELECT concat_ws(' ', 'line', batch_id, payable_id, amount, account_id, state) FROM ledger.payment_line",
    "SELECT concat_ws(' ', 'bank', file_index, number, booked_on, CASE direction WHEN 'credit' THEN amount ELSE -amount END,
         matched_index IS NOT NULL) FROM ledger.bank_line",
    "SELECT concat_ws(' ', 'claim', c.claim_id, c.programme, c.party_id, c.version, c.state, c.drafted_by,
         coalesce(c.submitted_by::text, '-'), coalesce(c.reviewed_by::text, '-'), coalesce(c.reviewed_index::text, '-'),
         coalesce(c.recommended::text, '-'), coalesce(n.last_day::text, '-'), coalesce(c.awarded::text, '-'))
     FROM ledger.claim c LEFT JOIN ledger.notice n ON n.zone_id = c.zone_id AND n.notice_id = c.notice_id",
    "SELECT concat_ws(' ', 'revoked', claim_id, revoked_by) FROM ledger.claim WHERE state = 'revoked'",
    "SELECT concat_ws(' ', 'names', claim_id, contract_id, milestone) FROM ledger.claim WHERE contract_id IS NOT NULL",
    "SELECT concat_ws(' ', 'approval', claim_id, reviewed_index, level, role, person_id, coalesce(principal_id::text, '-'))
     FROM ledger.claim_approval",
    "SELECT concat_ws(' ', 'levels', proposed_index, proposed_by, coalesce(confirmed_by::text, '-'),
         coalesce(confirmed_index::text, '-')) FROM ledger.approval_levels",
    "SELECT concat_ws(' ', 'recusal', declared_index, person_id, party_id, lifted_index IS NOT NULL) FROM ledger.recusal",
    "SELECT concat_ws(' ', 'delegation', given_index, principal_id, delegate_id, role, first_day, last_day,
         revoked_index IS NOT NULL) FROM ledger.delegation",
    "SELECT concat_ws(' ', 'contract', contract_id, programme, provider_id, reference, amount, proposed_by,
         coalesce(outcome, '-'), coalesce(decided_by::text, '-'), coalesce(fiscal_year::text, '-'), ended_index IS NOT NULL)
     FROM ledger.contract",
    "SELECT concat_ws(' ', 'milestone', contract_id, number, amount, reserved, accepted, coalesce(claim_id::text, '-'))
     FROM ledger.contract_milestone",
    "SELECT concat_ws(' ', 'ending', contract_id, proposed_index, proposed_by, coalesce(outcome, '-'),
         coalesce(decided_by::text, '-')) FROM ledger.contract_ending",
    "SELECT concat_ws(' ', 'taken', waiver_id, claim_id) FROM ledger.claim_waiver WHERE taken",
    "SELECT concat_ws(' ', 'run', run_id, programme, day, requested, candidates, total, proposed_by, proposed_index,
         coalesce(approved_by::text, '-'), coalesce(approved_index::text, '-'), decided, awarded, given)
     FROM ledger.award_run",
    "SELECT concat_ws(' ', 'result', run_id, party_id, log_index, coalesce(voucher_id::text, '-'))
     FROM ledger.award_result",
    "SELECT concat_ws(' ', 'fact', log_index, coalesce(party_id::text, '-'), source, from_day, coalesce(until_day::text, '-'),
         facts) FROM ledger.fact_statement",
    "SELECT concat_ws(' ', 'determination', proposed_index, coalesce(party_id::text, '-'), from_day,
         coalesce(until_day::text, '-'), facts, proposed_by, coalesce(confirmed_by::text, '-'),
         coalesce(confirmed_index::text, '-')) FROM ledger.determination",
    "SELECT concat_ws(' ', 'pack', i.entry, i.by, coalesce(p.entry_index::text, '-'), coalesce(w.withdrawn_by::text, '-'),
         coalesce(w.log_index::text, '-'))
     FROM (SELECT zone_id, programme, sha256, log_index AS entry, proposed_by AS by FROM ledger.policy_proposal
         WHERE programme = 'RENT-HALF' AND body NOT LIKE '%version = \"2020-1\"%') i
     LEFT JOIN ledger.policy p ON p.zone_id = i.zone_id AND p.code = i.programme AND p.sha256 = i.sha256
     LEFT JOIN ledger.policy_withdrawal w ON w.zone_id = i.zone_id AND w.programme = i.programme AND w.sha256 = i.sha256",
    "SELECT concat_ws(' ', 'rules', c.claim_id, p.version) FROM ledger.claim c
     JOIN ledger.policy p ON p.zone_id = c.zone_id AND p.policy_id = c.policy_id WHERE c.programme = 'RENT-HALF'",
    "SELECT concat_ws(' ', 'past', party_id, programme, fiscal_year, granted, log_index, coalesce(reversed_by::text, '-'))
     FROM ledger.imported_award",
    "SELECT concat_ws(' ', 'round', programme, fiscal_year, closed_by, closed_index, coalesce(budget::text, '-'),
         coalesce(demand::text, '-')) FROM ledger.claim_round",
    "SELECT concat_ws(' ', 'place', claim_id, reviewed_index, coalesce(place::text, '-'), amount, log_index)
     FROM ledger.claim_place",
    "SELECT concat_ws(' ', 'recovery', recovery_id, payable_id, amount, state, open, received, set_off, written_off,
         proposed_by) FROM ledger.recovery",
    "SELECT concat_ws(' ', 'write-off', recovery_id, proposed_index, amount, proposed_by) FROM ledger.recovery_write_off
     WHERE outcome IS NULL",
    "SELECT concat_ws(' ', 'lease', lease_id, carrier_id, tenant_id, premises, monthly_rent, first_day, last_day,
         rent_until, ended_index IS NOT NULL) FROM ledger.lease",
    "SELECT concat_ws(' ', 'bill', lease_id, month, open, deferred, paid, waived) FROM ledger.rent_bill",
    "SELECT concat_ws(' ', 'waiver', waiver_id, lease_id, from_day, until_day, amount, declared_by,
         coalesce(stated::text, '-'), coalesce(settled::text, '-'), coalesce(audited::text, '-'), compensable,
         claimed_index IS NOT NULL, voided_index IS NOT NULL) FROM ledger.waiver",
    "SELECT concat_ws(' ', 'deferral', deferral_id, lease_id, from_month, until_month, open, paid, defaulted, converted) FROM ledger.deferral",
    "SELECT concat_ws(' ', 'instalment', deferral_id, due, amount, paid) FROM ledger.instalment",
    "SELECT concat_ws(' ', 'reminder', kind, case_id, due, number, party_id, made_on) FROM ledger.reminder",
    "SELECT concat_ws(' ', 'rule', programme, free, vouchers) FROM (SELECT DISTINCT ON (programme) * FROM
         ledger.year_end_rule ORDER BY programme, log_index DESC) AS latest",
    "SELECT concat_ws(' ', 'closed', log_index, from_day, until_day) FROM ledger.standing_closing",
    "SELECT concat_ws(' ', 'period', proposed_index, coalesce(fiscal_year, closing_index), proposed_by,
         coalesce(outcome, '-')) FROM ledger.period_proposal",
];

async fn rows(conn: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    static QUERY: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| ROWS.join("\nUNION ALL "));
    sqlx::query_scalar(QUERY.as_str()).fetch_all(conn).await
}

/// A line of rows with names for ids.
fn named(line: &str, world: &World, names: &Names) -> String {
    let name = |id: Uuid| {
        let party = || world.parties.iter().find(|(_, party)| party.0 == id);
        let person = || world.people.iter().find(|(_, actor)| actor.person.0 == id);
        let known = names.name(id).map(str::to_owned);
        let known = known.or_else(|| party().map(|(name, _)| (*name).to_owned()));
        known.or_else(|| person().map(|(login, _)| (*login).to_owned()))
    };
    let read = |word: &str| {
        let id = word.parse::<Uuid>().ok();
        id.and_then(name).unwrap_or_else(|| word.to_owned())
    };
    line.split(' ').map(read).collect::<Vec<_>>().join(" ")
}

/// What differs, if anything does.
pub(super) async fn difference(world: &World, names: &Names, model: &Model) -> Option<String> {
    let read: Result<_, sqlx::Error> = world
        .db
        .app()
        .read(world.zone.id, (), |conn, ()| Box::pin(rows(conn)))
        .await;
    let read = read.unwrap();
    let is: BTreeSet<String> = read.iter().map(|line| named(line, world, names)).collect();
    let should = expected::lines(model);
    if is == should {
        return None;
    }
    let told = |what: &str, lines: &mut dyn Iterator<Item = &String>| -> String {
        lines.fold(String::new(), |all, line| {
            all + what
                + " "
                + line
                + "
"
        })
    };
    Some(format!(
        "{}{}",
        told("the model has ", &mut should.difference(&is)),
        told("the ledger has", &mut is.difference(&should))
    ))
}
