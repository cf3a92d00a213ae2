//! Claims as rows. Everything that a batch of commands needs is read and written in one statement of each kind.

mod approval;
mod contract;
mod listing;
mod notice;
mod relief;
mod round;

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

pub use listing::{Around, ClaimFilter, ClaimRow, GivenApproval, LastPlace, around, claims};
pub use notice::{Item, Notice, notice, notice_items, notices};

pub(super) use contract::contracts_named;

pub(super) use approval::{Approval, approvals, insert_approvals};
pub(super) use notice::{
    insert_items, insert_notice, lock_recommended, notices_by_id, standing_of_notice,
};
pub(super) use relief::{take_waivers, taken, taken_by, waivers_of};
pub use round::{PlaceRow, places};
pub(super) use round::{
    Placed, Round, Standing, insert_places, insert_round, lock_of_programme, notices_of, round_of,
    standings,
};

use super::content::Claimed;
use super::model::{Claim, ClaimState, Reviewed, Submission};
use crate::contract::MilestoneId;
use crate::policy::{Facts, Sha256};
use crate::types::{
    Amount, ClaimId, ContractId, LogIndex, Money, NoticeId, PartyId, PersonId, PolicyId, Zone,
    ZoneId,
};

fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn positive(minor: i64) -> Result<Amount, sqlx::Error> {
    Amount::new(Money::from_minor(minor)).map_err(decode)
}

fn uuids(claims: &[ClaimId]) -> Vec<Uuid> {
    claims.iter().map(|claim| claim.0).collect()
}

struct Row {
    claim_id: Uuid,
    programme: String,
    party_id: Uuid,
    state: String,
    version: i32,
    content: String,
    content_sha256: Vec<u8>,
    drafted_by: Uuid,
    drafted_index: i64,
    policy_id: Option<Uuid>,
    submitted_by: Option<Uuid>,
    submitted_index: Option<i64>,
    submitted_on: Option<chrono::NaiveDate>,
    reviewed_by: Option<Uuid>,
    reviewed_index: Option<i64>,
    verified: Option<String>,
    recommended: Option<i64>,
    notice_id: Option<Uuid>,
    decided_by: Option<Uuid>,
    decided_index: Option<i64>,
    awarded: Option<i64>,
    contract_id: Option<Uuid>,
    milestone: Option<i16>,
    revoked_by: Option<Uuid>,
    revoked_index: Option<i64>,
}

impl Row {
    fn claim(self) -> Result<Claim, sqlx::Error> {
        let unknown = || sqlx::Error::Decode(format!("unknown state {:?}", self.state).into());
        let state = ClaimState::named(&self.state).ok_or_else(unknown)?;
        let sha256: [u8; 32] = self
            .content_sha256
            .try_into()
            .map_err(|_| sqlx::Error::Decode("a SHA-256 has 32 bytes".into()))?;
        let submission = match (
            self.submitted_by,
            self.submitted_index,
            self.submitted_on,
            self.policy_id,
        ) {
            (Some(by), Some(index), Some(on), Some(policy)) => Some(Submission {
                by: PersonId(by),
                index: LogIndex(index),
                on,
                policy: PolicyId(policy),
            }),
            (_, _, _, _) => None,
        };
        let verified = self
            .verified
            .map(|text| Facts::from_canonical_json(text.as_bytes()))
            .transpose()
            .map_err(decode)?;
        let review = self
            .reviewed_by
            .zip(self.reviewed_index)
            .map(|(by, index)| Reviewed {
                by: PersonId(by),
                index: LogIndex(index),
                verified,
            });
        let decided = self.decided_by.zip(self.decided_index);
        let revoked = self.revoked_by.zip(self.revoked_index);
        let milestone = self.contract_id.zip(self.milestone);
        let milestone = milestone.map(|(contract, number)| MilestoneId {
            contract: ContractId(contract),
            number,
        });
        Ok(Claim {
            id: ClaimId(self.claim_id),
            programme: self.programme.parse().map_err(decode)?,
            party: PartyId(self.party_id),
            state,
            version: self.version,
            content: self.content,
            content_sha256: Sha256::from_bytes(sha256),
            milestone,
            drafted_by: PersonId(self.drafted_by),
            drafted_index: LogIndex(self.drafted_index),
            submission,
            review,
            recommended: self.recommended.map(positive).transpose()?,
            notice: self.notice_id.map(NoticeId),
            decided: decided.map(|(by, index)| (PersonId(by), LogIndex(index))),
            awarded: self.awarded.map(positive).transpose()?,
            revoked: revoked.map(|(by, index)| (PersonId(by), LogIndex(index))),
        })
    }
}

/// Claims, locked in the order of their ids; unknown ones are missing.
pub(super) async fn lock(
    conn: &mut PgConnection,
    zone: &Zone,
    wanted: &[ClaimId],
) -> Result<HashMap<ClaimId, Claim>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        "SELECT claim_id, programme, party_id, state, version, content, content_sha256, drafted_by, drafted_index,
             policy_id, submitted_by, submitted_index, submitted_on, reviewed_by, reviewed_index, verified,
             recommended, notice_id, decided_by, decided_index, awarded, contract_id, milestone, revoked_by,
             revoked_index
         FROM ledger.claim WHERE zone_id = $1 AND claim_id = ANY($2) ORDER BY claim_id FOR UPDATE",
        zone.id.0,
        &uuids(wanted),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let claim = row.claim()?;
            Ok((claim.id, claim))
        })
        .collect()
}

/// A claim as it is.
pub async fn claim(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: ClaimId,
) -> Result<Option<Claim>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        "SELECT claim_id, programme, party_id, state, version, content, content_sha256, drafted_by, drafted_index,
             policy_id, submitted_by, submitted_index, submitted_on, reviewed_by, reviewed_index, verified,
             recommended, notice_id, decided_by, decided_index, awarded, contract_id, milestone, revoked_by,
             revoked_index
         FROM ledger.claim WHERE zone_id = $1 AND claim_id = $2",
        zone.0,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::claim).transpose()
}

/// Inserts drafts whose entries are in the log.
pub(super) async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[Claim],
) -> Result<(), sqlx::Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let programmes: Vec<&str> = claims
        .iter()
        .map(|claim| claim.programme.as_str())
        .collect();
    let contents: Vec<&str> = claims.iter().map(|claim| claim.content.as_str()).collect();
    sqlx::query!(
        "INSERT INTO ledger.claim (zone_id, state, version, claim_id, programme, party_id, content, content_sha256,
             drafted_by, drafted_index, contract_id, milestone)
         SELECT $1, 'draft', 1, new.claim_id, new.programme, new.party_id, new.content,
             sha256(convert_to(new.content, 'UTF8')), new.drafted_by, new.drafted_index, new.contract_id, new.milestone
         FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::bigint[], $8::uuid[],
             $9::smallint[])
             AS new (claim_id, programme, party_id, content, drafted_by, drafted_index, contract_id, milestone)",
        zone.0,
        &claims.iter().map(|claim| claim.id.0).collect::<Vec<_>>(),
        &programmes as _,
        &claims.iter().map(|claim| claim.party.0).collect::<Vec<_>>(),
        &contents as _,
        &claims.iter().map(|claim| claim.drafted_by.0).collect::<Vec<_>>(),
        &claims.iter().map(|claim| claim.drafted_index.0).collect::<Vec<_>>(),
        &contracts_of(claims.iter()) as _,
        &numbers_of(claims.iter()) as _,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes the lines of the contents that claims have now, and the waivers that they name.
pub(super) async fn insert_lines(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[Claim],
) -> Result<(), sqlx::Error> {
    let (mut ids, mut versions, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
    let (mut facts, mut values, mut references) = (Vec::new(), Vec::new(), Vec::new());
    let mut waivers = Vec::new();
    for claim in claims {
        let claimed =
            Claimed::read(&claim.content).map_err(|why| sqlx::Error::Decode(why.into()))?;
        waivers.extend(
            claimed
                .waivers()
                .map(|waiver| (claim.id, claim.version, waiver)),
        );
        for (number, line) in (1_i16..).zip(claimed.content.lines) {
            ids.push(claim.id.0);
            versions.push(claim.version);
            numbers.push(number);
            facts.push(line.fact.to_string());
            values.push(line.value);
            references.push(line.reference.to_string());
        }
    }
    relief::insert_waivers(conn, zone, &waivers).await?;
    if ids.is_empty() {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO ledger.claim_line (zone_id, claim_id, version, line, fact, value, reference)
         SELECT $1, new.* FROM unnest($2::uuid[], $3::integer[], $4::smallint[], $5::text[], $6::text[], $7::text[])
             AS new",
        zone.0,
        &ids,
        &versions,
        &numbers,
        &facts,
        &values,
        &references,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes claims as they have become; of one that stands there more than once, the last.
pub(super) async fn update(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[Claim],
) -> Result<(), sqlx::Error> {
    if claims.is_empty() {
        return Ok(());
    }
    let last: HashMap<ClaimId, &Claim> = claims.iter().map(|claim| (claim.id, claim)).collect();
    let claims: Vec<&Claim> = last.into_values().collect();
    let made = |claim: &Claim| claim.submission;
    let review = |claim: &Claim| {
        claim
            .review
            .as_ref()
            .map(|review| (review.by, review.index))
    };
    let verified = |claim: &Claim| {
        let facts = claim.review.as_ref()?.verified.as_ref()?;
        Some(String::from_utf8(facts.to_canonical_json()).expect("BUG: JSON is UTF-8"))
    };
    sqlx::query!(
        "UPDATE ledger.claim c SET state = new.state, version = new.version, content = new.content,
             content_sha256 = sha256(convert_to(new.content, 'UTF8')), policy_id = new.policy_id,
             submitted_by = new.submitted_by, submitted_index = new.submitted_index,
             submitted_on = new.submitted_on, reviewed_by = new.reviewed_by, reviewed_index = new.reviewed_index,
             verified = new.verified, recommended = new.recommended, notice_id = new.notice_id,
             decided_by = new.decided_by, decided_index = new.decided_index, awarded = new.awarded,
             contract_id = new.contract_id, milestone = new.milestone, revoked_by = new.revoked_by,
             revoked_index = new.revoked_index
         FROM unnest($2::uuid[], $3::text[], $4::integer[], $5::text[], $6::uuid[], $7::uuid[], $8::bigint[],
             $9::date[], $10::uuid[], $11::bigint[], $12::text[], $13::bigint[], $14::uuid[], $15::uuid[],
             $16::bigint[], $17::bigint[], $18::uuid[], $19::smallint[], $20::uuid[], $21::bigint[])
             AS new (claim_id, state, version, content, policy_id, submitted_by, submitted_index, submitted_on,
                 reviewed_by, reviewed_index, verified, recommended, notice_id, decided_by, decided_index, awarded,
                 contract_id, milestone, revoked_by, revoked_index)
         WHERE c.zone_id = $1 AND c.claim_id = new.claim_id",
        zone.0,
        &column(&claims, |claim| claim.id.0),
        &column(&claims, |claim| claim.state.as_str()) as _,
        &column(&claims, |claim| claim.version),
        &column(&claims, |claim| claim.content.as_str()) as _,
        &column(&claims, |claim| made(claim).map(|made| made.policy.0)) as _,
        &column(&claims, |claim| made(claim).map(|made| made.by.0)) as _,
        &column(&claims, |claim| made(claim).map(|made| made.index.0)) as _,
        &column(&claims, |claim| made(claim).map(|made| made.on)) as _,
        &column(&claims, |claim| review(claim).map(|(by, _)| by.0)) as _,
        &column(&claims, |claim| review(claim).map(|(_, index)| index.0)) as _,
        &column(&claims, verified) as _,
        &column(&claims, |claim| claim.recommended.map(Amount::minor)) as _,
        &column(&claims, |claim| claim.notice.map(|notice| notice.0)) as _,
        &column(&claims, |claim| claim.decided.map(|(person, _)| person.0)) as _,
        &column(&claims, |claim| claim.decided.map(|(_, index)| index.0)) as _,
        &column(&claims, |claim| claim.awarded.map(Amount::minor)) as _,
        &contracts_of(claims.iter().copied()) as _,
        &numbers_of(claims.iter().copied()) as _,
        &column(&claims, |claim| claim.revoked.map(|(person, _)| person.0)) as _,
        &column(&claims, |claim| claim.revoked.map(|(_, index)| index.0)) as _,
    )
    .execute(&mut *conn)
    .await?;
    let gone = claims.iter().filter(|claim| claim.state.frees_waivers());
    let gone: Vec<ClaimId> = gone.map(|claim| claim.id).collect();
    relief::free_waivers(conn, zone, &gone).await
}

fn contracts_of<'c>(claims: impl Iterator<Item = &'c Claim>) -> Vec<Option<Uuid>> {
    let milestones = claims.map(|claim| claim.milestone);
    milestones
        .map(|one| one.map(|one| one.contract.0))
        .collect()
}

fn numbers_of<'c>(claims: impl Iterator<Item = &'c Claim>) -> Vec<Option<i16>> {
    let milestones = claims.map(|claim| claim.milestone);
    milestones.map(|one| one.map(|one| one.number)).collect()
}

/// One column of claims.
fn column<'c, T>(claims: &[&'c Claim], of: impl Fn(&'c Claim) -> T) -> Vec<T> {
    claims.iter().map(|claim| of(claim)).collect()
}

/// Another claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Other {
    /// The entry that began it.
    pub index: LogIndex,
    /// Who claims.
    pub party: PartyId,
}

/// Of each claim, the other claims with a line of the same fact and reference that were submitted and not ended, oldest
/// first.
pub(super) async fn same_references(
    conn: &mut PgConnection,
    zone: ZoneId,
    claims: &[ClaimId],
) -> Result<HashMap<ClaimId, Vec<Other>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT c.claim_id, o.drafted_index, o.party_id
           FROM ledger.claim c
           JOIN ledger.claim_line l ON l.zone_id = c.zone_id AND l.claim_id = c.claim_id AND l.version = c.version
           JOIN ledger.claim_line s ON s.zone_id = l.zone_id AND s.reference = l.reference AND s.fact = l.fact
               AND s.claim_id <> l.claim_id
           JOIN ledger.claim o ON o.zone_id = s.zone_id AND o.claim_id = s.claim_id AND o.version = s.version
               AND o.state NOT IN ('draft', 'rejected', 'withdrawn', 'revoked')
           WHERE c.zone_id = $1 AND c.claim_id = ANY($2) ORDER BY c.claim_id, o.drafted_index"#,
        zone.0,
        &uuids(claims),
    )
    .fetch_all(conn)
    .await?;
    let mut same: HashMap<ClaimId, Vec<Other>> = HashMap::new();
    for row in rows {
        let others = same.entry(ClaimId(row.claim_id)).or_default();
        others.push(Other {
            index: LogIndex(row.drafted_index),
            party: PartyId(row.party_id),
        });
    }
    Ok(same)
}
