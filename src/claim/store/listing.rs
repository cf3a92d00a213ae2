//! Claims in lists.

use sqlx::PgConnection;

use super::{ClaimState, Other, decode};
use crate::contract::MilestoneName;
use crate::types::{ClaimId, Code, LogIndex, Money, Named, PartyId, ZoneId};

/// Which claims to list, oldest first.
#[derive(Clone, Debug, Default)]
pub struct ClaimFilter {
    /// Only of this programme.
    pub programme: Option<Code>,
    /// Only of this party.
    pub party: Option<PartyId>,
    /// Only in this state.
    pub state: Option<ClaimState>,
    /// Only those that were begun after this entry: the last of the page before.
    pub after: Option<LogIndex>,
}

/// A claim in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    /// Identity.
    pub id: ClaimId,
    /// The entry that began it.
    pub drafted_index: LogIndex,
    /// Programme.
    pub programme: Code,
    /// The claimant's name.
    pub party_name: String,
    /// Where it stands.
    pub state: ClaimState,
    /// Version of its content.
    pub version: i32,
    /// The entry of its review.
    pub reviewed_index: Option<LogIndex>,
    /// What was approved, or else recommended.
    pub amount: Option<Money>,
    /// Where the payment of what was approved is.
    pub payment: Option<String>,
}

/// Claims, oldest first, at most so many.
pub async fn claims(
    conn: &mut PgConnection,
    zone: ZoneId,
    filter: &ClaimFilter,
    limit: i64,
) -> Result<Vec<ClaimRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT c.claim_id, c.drafted_index, c.programme, p.name, c.state, c.version, c.reviewed_index,
             coalesce(c.awarded, c.recommended) AS amount, y.state AS "payment?"
           FROM ledger.claim c
           JOIN ledger.party p ON p.zone_id = c.zone_id AND p.party_id = c.party_id
           LEFT JOIN ledger.payable y ON y.zone_id = c.zone_id AND y.payable_id = c.claim_id
           WHERE c.zone_id = $1 AND ($2::text IS NULL OR c.programme = $2)
               AND ($3::uuid IS NULL OR c.party_id = $3) AND ($4::text IS NULL OR c.state = $4)
               AND ($5::bigint IS NULL OR c.drafted_index > $5)
           ORDER BY c.drafted_index LIMIT $6"#,
        zone.0,
        filter.programme.as_ref().map(Code::as_str),
        filter.party.map(|party| party.0),
        filter.state.map(ClaimState::as_str),
        filter.after.map(|after| after.0),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let unknown = || sqlx::Error::Decode(format!("unknown state {:?}", row.state).into());
            Ok(ClaimRow {
                id: ClaimId(row.claim_id),
                drafted_index: LogIndex(row.drafted_index),
                programme: row.programme.parse().map_err(decode)?,
                party_name: row.name,
                state: ClaimState::named(&row.state).ok_or_else(unknown)?,
                version: row.version,
                reviewed_index: row.reviewed_index.map(LogIndex),
                amount: row.amount.map(Money::from_minor),
                payment: row.payment,
            })
        })
        .collect()
}

/// What stands around a claim, for whoever looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Around {
    /// The claimant's name.
    pub party_name: String,
    /// Where the payment of what was approved is.
    pub payment: Option<String>,
    /// Other claims with a line of the same fact and reference.
    pub also_claimed: Vec<Other>,
    /// Its approvals, of all its reviews.
    pub approvals: Vec<GivenApproval>,
    /// Its place in the last round that it took part in, where there is one.
    pub place: Option<LastPlace>,
    /// The milestone that it is of, where it is of one.
    pub milestone: Option<MilestoneName>,
}

/// A claim's place in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastPlace {
    /// The entry with the decision.
    pub index: LogIndex,
    /// From 1; none if it did not qualify.
    pub place: Option<i32>,
    /// The most that can be approved.
    pub amount: Money,
}

/// An approval, with the logins of its persons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenApproval {
    /// Its entry.
    pub index: LogIndex,
    /// From 1.
    pub level: u8,
    /// Who approved.
    pub person: String,
    /// For whom, if the duty was delegated.
    pub principal: Option<String>,
    /// The entry of the review that it rests on.
    pub review: LogIndex,
    /// In which duty.
    pub role: String,
}

/// What stands around a claim.
pub async fn around(
    conn: &mut PgConnection,
    zone: ZoneId,
    claim: ClaimId,
) -> Result<Around, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT p.name, y.state AS "payment?", k.proposed_index AS "contract?", c.milestone FROM ledger.claim c
           JOIN ledger.party p ON p.zone_id = c.zone_id AND p.party_id = c.party_id
           LEFT JOIN ledger.payable y ON y.zone_id = c.zone_id AND y.payable_id = c.claim_id
           LEFT JOIN ledger.contract k ON k.zone_id = c.zone_id AND k.contract_id = c.contract_id
           WHERE c.zone_id = $1 AND c.claim_id = $2"#,
        zone.0,
        claim.0,
    )
    .fetch_optional(&mut *conn)
    .await?;
    let approvals = sqlx::query!(
        r#"SELECT a.log_index, a.level, a.role, a.reviewed_index, p.login, q.login AS "principal?"
           FROM ledger.claim_approval a
           JOIN ledger.person p ON p.zone_id = a.zone_id AND p.person_id = a.person_id
           LEFT JOIN ledger.person q ON q.zone_id = a.zone_id AND q.person_id = a.principal_id
           WHERE a.zone_id = $1 AND a.claim_id = $2 ORDER BY a.log_index"#,
        zone.0,
        claim.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    let approvals: Result<Vec<GivenApproval>, sqlx::Error> = approvals
        .into_iter()
        .map(|row| {
            Ok(GivenApproval {
                index: LogIndex(row.log_index),
                level: u8::try_from(row.level).map_err(decode)?,
                person: row.login,
                principal: row.principal,
                review: LogIndex(row.reviewed_index),
                role: row.role,
            })
        })
        .collect();
    let mut same = super::same_references(conn, zone, &[claim]).await?;
    let (party_name, payment, milestone) = row.map_or_else(Default::default, |row| {
        let milestone = row.contract.zip(row.milestone);
        (row.name, row.payment, milestone)
    });
    let milestone = milestone.map(|(contract, number)| MilestoneName {
        contract: Named::Entry(LogIndex(contract)),
        number,
    });
    Ok(Around {
        party_name,
        payment,
        also_claimed: same.remove(&claim).unwrap_or_default(),
        approvals: approvals?,
        place: super::round::last_place(conn, zone, claim).await?,
        milestone,
    })
}
