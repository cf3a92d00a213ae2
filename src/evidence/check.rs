//! Whether what is kept is still what it was.

use futures::stream::TryStreamExt;
use serde::Serialize;
use sha2::Digest;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::objects::{Objects, ObjectsError};
use super::store::Kept;
use crate::policy::Sha256;
use crate::types::Zone;

/// How a kept document was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "condition", rename_all = "snake_case")]
pub enum Condition {
    /// Its bytes are those that were added.
    Whole,
    /// It is not in the object store.
    Missing,
    /// There are other bytes under its name.
    Altered {
        /// Their SHA-256.
        found_sha256: Sha256,
        /// Their number.
        found_bytes: u64,
    },
}

/// A document that is not as it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which.
    #[serde(flatten)]
    pub kept: Kept,
    /// How it was found.
    #[serde(flatten)]
    pub condition: Condition,
}

/// Hashes what is stored of a document.
pub async fn condition(
    objects: &Objects,
    zone: &Zone,
    kept: &Kept,
) -> Result<Condition, ObjectsError> {
    copy(objects, zone, kept, &mut tokio::io::sink()).await
}

/// Writes a kept document as far as it can be read, and says whether it is whole.
pub async fn copy(
    objects: &Objects,
    zone: &Zone,
    kept: &Kept,
    to: &mut (impl AsyncWrite + Unpin),
) -> Result<Condition, ObjectsError> {
    let Some(mut parts) = objects.read(zone, kept.sha256).await? else {
        return Ok(Condition::Missing);
    };
    let mut hash = sha2::Sha256::new();
    let mut found_bytes = 0_u64;
    while let Some(part) = parts.try_next().await? {
        hash.update(&part);
        found_bytes = found_bytes.saturating_add(u64::try_from(part.len()).unwrap_or(u64::MAX));
        to.write_all(&part).await.map_err(ObjectsError::Write)?;
    }
    to.flush().await.map_err(ObjectsError::Write)?;
    let found_sha256 = Sha256::from_bytes(hash.finalize().into());
    if found_sha256 == kept.sha256 {
        Ok(Condition::Whole)
    } else {
        Ok(Condition::Altered {
            found_sha256,
            found_bytes,
        })
    }
}
