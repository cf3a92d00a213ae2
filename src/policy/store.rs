//! Published versions in Postgres. Immutable: they are added and read, never changed.
//!
//! The caller owns the transaction and has set its zone; the entry that publishes a version is
//! recorded by the programme.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use sqlx::PgConnection;

use super::{PackProblems, Policy, Sha256};
use crate::types::{Code, Day, PolicyId, TextError, ZoneId};

/// A version that was published in a zone.
#[derive(Clone, Debug)]
pub struct Published {
    /// Its identity.
    pub id: PolicyId,
    /// The rules.
    pub policy: Policy,
    /// When it was published.
    pub published_at: DateTime<Utc>,
    /// Log index of the entry that published it.
    pub entry_index: i64,
}

/// A line in the list of versions: what can be said without reading the pack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    /// Its identity.
    #[serde(rename = "policy")]
    pub id: PolicyId,
    /// The programme.
    pub code: Code,
    /// The version.
    pub version: Code,
    /// SHA-256 of the pack.
    pub sha256: Sha256,
    /// First day on which it decides.
    pub in_force_from: NaiveDate,
    /// First day on which it no longer does, if it has an end of its own.
    #[serde(skip)]
    pub in_force_until: Option<NaiveDate>,
    /// The same, or the first day of the next version, if that is earlier.
    #[serde(rename = "in_force_until")]
    pub decides_until: Option<NaiveDate>,
    /// When it was published.
    pub published_at: DateTime<Utc>,
}

/// Why a version could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// This version of the programme exists.
    #[error("version {version} of {code} is published already: give the new one another version")]
    VersionExists {
        /// The programme.
        code: Code,
        /// The version.
        version: Code,
    },
    /// Another version begins on the same day.
    #[error("another version of {code} comes into force on {from}: begin this one on another day")]
    SameDay {
        /// The programme.
        code: Code,
        /// The day.
        from: NaiveDate,
    },
    /// There is no such version in the zone.
    #[error("no policy {0} in this zone")]
    Unknown(PolicyId),
    /// What is stored can't be read: it was changed behind the service's back, or by a newer one.
    #[error("the stored policy {id} can't be read: run `verify`")]
    Corrupt {
        /// Which.
        id: PolicyId,
        /// Why.
        source: CorruptPolicy,
    },
    /// The database failed.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// What is wrong with a stored policy.
#[derive(Debug, thiserror::Error)]
pub enum CorruptPolicy {
    /// The pack has problems.
    #[error(transparent)]
    Pack(#[from] PackProblems),
    /// A code is malformed.
    #[error(transparent)]
    Code(#[from] TextError),
    /// The hash is not that of the body.
    #[error("its SHA-256 is not that of its text")]
    Hash,
}

/// Stores a version with the log index of the entry that publishes it.
///
/// # Errors
/// [`StoreError::VersionExists`] and [`StoreError::SameDay`]; the transaction is then aborted.
pub async fn insert(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: PolicyId,
    policy: &Policy,
    published_at: DateTime<Utc>,
    entry_index: i64,
) -> Result<(), StoreError> {
    let period = policy.in_force();
    let sha256 = policy.sha256();
    let result = sqlx::query!(
        "INSERT INTO ledger.policy (zone_id, policy_id, code, version, sha256, body,
            in_force_from, in_force_until, published_at, entry_index)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        zone.0,
        id.0,
        policy.code().as_str(),
        policy.version().as_str(),
        sha256.as_bytes(),
        policy.body(),
        period.from(),
        period.until(),
        published_at,
        entry_index
    )
    .execute(conn)
    .await;
    let Err(error) = result else { return Ok(()) };
    let constraint = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::constraint);
    Err(match constraint {
        Some("policy_version_key") => StoreError::VersionExists {
            code: policy.code().clone(),
            version: policy.version().clone(),
        },
        Some("policy_in_force_from_key") => StoreError::SameDay {
            code: policy.code().clone(),
            from: period.from(),
        },
        Some(_) | None => StoreError::Database(error),
    })
}

struct Row {
    policy_id: PolicyId,
    sha256: Vec<u8>,
    body: String,
    published_at: DateTime<Utc>,
    entry_index: i64,
}

impl Row {
    fn read(self) -> Result<Published, StoreError> {
        let corrupt = |source| StoreError::Corrupt {
            id: self.policy_id,
            source,
        };
        let policy = Policy::parse(&self.body).map_err(|error| corrupt(error.into()))?;
        if self.sha256 != policy.sha256().as_bytes() {
            return Err(corrupt(CorruptPolicy::Hash));
        }
        Ok(Published {
            id: self.policy_id,
            policy,
            published_at: self.published_at,
            entry_index: self.entry_index,
        })
    }
}

/// The version of that identity, if the zone has it.
pub async fn get(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: PolicyId,
) -> Result<Option<Published>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT policy_id AS "policy_id: PolicyId", sha256, body, published_at, entry_index
        FROM ledger.policy WHERE zone_id = $1 AND policy_id = $2"#,
        zone.0,
        id.0
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).transpose()
}

/// The version of a programme's rules that decides on a day: the one that came into force last,
/// unless it has ended.
pub async fn in_force_on(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &Code,
    day: NaiveDate,
) -> Result<Option<Published>, StoreError> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT policy_id AS "policy_id: PolicyId", sha256, body, published_at, entry_index
        FROM (
            SELECT * FROM ledger.policy
            WHERE zone_id = $1 AND code = $2 AND in_force_from <= $3
            ORDER BY in_force_from DESC LIMIT 1
        ) AS newest
        WHERE in_force_until IS NULL OR $3 < in_force_until"#,
        zone.0,
        code.as_str(),
        day
    )
    .fetch_optional(conn)
    .await?;
    row.map(Row::read).transpose()
}

/// The rules of that identity. Published versions never change, so each is read and checked once per
/// process.
///
/// # Errors
/// Besides those of [`get`], [`StoreError::Unknown`].
pub async fn load(
    conn: &mut PgConnection,
    zone: ZoneId,
    id: PolicyId,
) -> Result<Arc<Policy>, StoreError> {
    type Loaded = HashMap<(ZoneId, PolicyId), Arc<Policy>>;
    static LOADED: LazyLock<RwLock<Loaded>> = LazyLock::new(RwLock::default);
    let key = (zone, id);
    // A poisoned lock means that another thread panicked while it only read or inserted.
    let known = LOADED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .get(&key)
        .cloned();
    if let Some(policy) = known {
        return Ok(policy);
    }
    let published = get(conn, zone, id).await?.ok_or(StoreError::Unknown(id))?;
    let policy = Arc::new(published.policy);
    let mut loaded = LOADED.write().unwrap_or_else(PoisonError::into_inner);
    loaded.insert(key, Arc::clone(&policy));
    Ok(policy)
}

/// The versions that decide on a day, by programme.
pub async fn all_in_force_on(
    conn: &mut PgConnection,
    zone: ZoneId,
    day: NaiveDate,
) -> Result<HashMap<Code, PolicyId>, StoreError> {
    let mut newest = HashMap::new();
    // In the order in which they come into force, so the last one that has begun stays.
    for listed in list(conn, zone)
        .await?
        .into_iter()
        .filter(|one| one.in_force_from <= day)
    {
        newest.insert(listed.code.clone(), listed);
    }
    newest.retain(|_, listed| listed.in_force_until.is_none_or(|until| day < until));
    Ok(newest
        .into_iter()
        .map(|(code, listed)| (code, listed.id))
        .collect())
}

/// All versions of a zone, by programme and by the day on which they come into force.
pub async fn list(conn: &mut PgConnection, zone: ZoneId) -> Result<Vec<Listed>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT policy_id AS "policy_id: PolicyId", code, version, sha256, in_force_from,
            in_force_until, published_at
        FROM ledger.policy WHERE zone_id = $1 ORDER BY code, in_force_from"#,
        zone.0
    )
    .fetch_all(conn)
    .await?;
    let listed = rows.into_iter().map(|row| {
        let corrupt = |source| StoreError::Corrupt {
            id: row.policy_id,
            source,
        };
        let code = |text: String| {
            text.parse()
                .map_err(|error: TextError| corrupt(error.into()))
        };
        let sha256 = <[u8; 32]>::try_from(row.sha256).map_err(|_| corrupt(CorruptPolicy::Hash))?;
        Ok(Listed {
            id: row.policy_id,
            code: code(row.code)?,
            version: code(row.version)?,
            sha256: Sha256::from_bytes(sha256),
            in_force_from: row.in_force_from,
            in_force_until: row.in_force_until,
            decides_until: row.in_force_until,
            published_at: row.published_at,
        })
    });
    let mut listed: Vec<Listed> = listed.collect::<Result<_, StoreError>>()?;
    let mut next: Option<(Code, NaiveDate)> = None;
    for one in listed.iter_mut().rev() {
        let begin = next
            .filter(|(code, _)| *code == one.code)
            .map(|(_, day)| day);
        one.decides_until = [one.in_force_until, begin].into_iter().flatten().min();
        next = Some((one.code.clone(), one.in_force_from));
    }
    Ok(listed)
}

/// The version of a programme that is called `at`, or that is in force on the day `at`.
pub async fn version_at(
    conn: &mut PgConnection,
    zone: ZoneId,
    code: &Code,
    at: &str,
) -> Result<Option<Published>, StoreError> {
    let listed = list(conn, zone).await?;
    let mut named = listed.iter();
    let named = named.find(|one| one.code == *code && one.version.as_str() == at);
    match (named, at.parse::<Day>()) {
        (Some(version), _) => get(conn, zone, version.id).await,
        (None, Ok(day)) => in_force_on(conn, zone, code, day.date()).await,
        (None, Err(_)) => Ok(None),
    }
}

/// The policies that a batch needs, by identity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies(HashMap<PolicyId, Arc<Policy>>);

impl Policies {
    pub(crate) async fn of(
        conn: &mut PgConnection,
        zone: ZoneId,
        wanted: impl Iterator<Item = PolicyId>,
    ) -> Result<Self, StoreError> {
        let mut policies = HashMap::new();
        for id in wanted {
            if let Entry::Vacant(place) = policies.entry(id) {
                place.insert(load(conn, zone, id).await?);
            }
        }
        Ok(Self(policies))
    }

    /// One that a row of the batch names; rows refer to policies by foreign key.
    pub(crate) fn get(&self, id: PolicyId) -> Result<Arc<Policy>, StoreError> {
        self.0
            .get(&id)
            .cloned()
            .ok_or(StoreError::Database(sqlx::Error::RowNotFound))
    }
}
