//! The signer: a key outside the database, and its own memory of what it signed last.
//!
//! The key folder holds, for each zone, `<code>.skey` (readable by its owner only), `<code>.vkey`,
//! `<code>.checkpoint` (the *pin*: what was signed last) and `<code>.lock`. The signer signs only
//! what extends the pin, so a database that was restored to an earlier state or rewritten is noticed.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use tokio::sync::watch;

use super::checkpoint::{Checkpoint, CheckpointError, LogSigningKey, LogVerifierKey};
use super::proof::{ProofError, check_consistency};
use super::store::{self, LogError, Published};
use crate::clock::Clock;
use crate::db::Database;
use crate::types::ZoneId;

/// Why the signer does not sign.
#[derive(Debug, thiserror::Error)]
pub enum SignerError {
    /// The log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A file of the key folder could not be read or written.
    #[error("{action} {path} failed")]
    File {
        /// What was done.
        action: &'static str,
        /// To which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The key is not where it was.
    #[error(
        "the key of zone {zone} is not in {path}, but checkpoints were signed with it: \
         restore the folder from its backup, or run with the data folder that has it"
    )]
    KeyMissing {
        /// The zone's code.
        zone: String,
        /// Where it should be.
        path: PathBuf,
    },
    /// Others can read the key.
    #[error("others can read the signing key {0}: run chmod 600 on it, and consider it known")]
    KeyExposed(PathBuf),
    /// A key or a checkpoint in the folder is not well-formed, or is of another log.
    #[error("{path} is not usable")]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        source: CheckpointError,
    },
    /// What the database has as published was not signed by this key.
    #[error(
        "the newest checkpoint in the database was not signed with the key of this data folder"
    )]
    Published(#[source] CheckpointError),
    /// The pin is older than what was published: the folder was restored from an old backup, or
    /// another copy of the key is in use.
    #[error(
        "the signer remembers {pinned:?} as the size that it signed last, the database has a checkpoint of \
         {published}: put the newest checkpoint that is known outside into {path}, \
         and make sure that no other copy of the key is in use"
    )]
    PinBehind {
        /// Size of the pinned checkpoint, `None` when there is no pin.
        pinned: Option<u64>,
        /// Size of the newest published one.
        published: u64,
        /// The pin's file.
        path: PathBuf,
    },
    /// The database has fewer entries than were signed.
    #[error(
        "the log in the database has {size} entries, but {pinned} were signed: \
         the database was restored to an earlier state or cut; nothing is signed until they are back"
    )]
    Shrunk {
        /// Size of the log in the database.
        size: u64,
        /// Size that was signed.
        pinned: u64,
    },
    /// The database contradicts what was signed.
    #[error(
        "the log in the database ({size} entries) does not extend the {pinned} entries that were signed: \
         its history was rewritten; nothing is signed"
    )]
    Rewritten {
        /// Size of the log in the database.
        size: u64,
        /// Size that was signed.
        pinned: u64,
    },
    /// The head might be rolled back, the signature could not be.
    #[error("a checkpoint is signed in a transaction of its own, which has written nothing before")]
    AfterWriting,
}

impl From<sqlx::Error> for SignerError {
    fn from(error: sqlx::Error) -> Self {
        Self::Log(error.into())
    }
}

/// Signs the head of a zone's log once, if it has grown, with the key in `folder`: for commands that do
/// not run as long as a service does.
pub async fn sign_now(
    database: &Database,
    zone: ZoneId,
    folder: &Path,
    now: DateTime<Utc>,
) -> Result<Option<Checkpoint>, SignerError> {
    let signer = database
        .read(zone, folder.to_path_buf(), move |conn, folder| {
            Box::pin(Signer::open(conn, zone, folder))
        })
        .await?;
    database
        .write(zone, (signer, now), |conn, (signer, now)| {
            Box::pin(signer.sign_head(conn, *now))
        })
        .await
}

/// Signs the checkpoints of one zone.
#[derive(Debug)]
pub struct Signer {
    zone: ZoneId,
    key: LogSigningKey,
    files: Files,
}

impl Signer {
    /// Opens the signer of a zone in the key folder (`<data>/keys`). Makes the key when the zone has
    /// never had a checkpoint; after that, a missing key is an error.
    pub async fn open(
        conn: &mut PgConnection,
        zone: ZoneId,
        folder: &Path,
    ) -> Result<Self, SignerError> {
        let row = sqlx::query!(
            "SELECT code, origin FROM ledger.zone WHERE zone_id = $1",
            zone.0
        )
        .fetch_optional(&mut *conn)
        .await
        .map_err(LogError::from)?
        .ok_or(LogError::NoLog(zone))?;
        // Row-level security could hide checkpoints, but then it hides the head too, and this fails.
        store::head(conn, zone).await?;
        let is_new = store::latest_checkpoint(conn, zone).await?.is_none();
        let files = Files::new(folder, &row.code);
        fs::create_dir_all(folder).map_err(file_error("creating", folder))?;
        let _lock = files.lock().await?;
        let key = match files.read_key()? {
            Some(key) if key.origin() == row.origin => key,
            Some(key) => {
                return Err(SignerError::Content {
                    path: files.key,
                    source: CheckpointError::OtherLog {
                        found: key.origin().to_owned(),
                        expected: row.origin,
                    },
                });
            }
            None if is_new => files.make_key(&row.origin)?,
            None => {
                return Err(SignerError::KeyMissing {
                    zone: row.code,
                    path: files.key,
                });
            }
        };
        Ok(Self { zone, key, files })
    }

    /// The key that checks what it signs.
    pub fn verifier(&self) -> LogVerifierKey {
        self.key.verifier()
    }

    /// Signs and publishes the zone's log head if it has grown since. Returns the newest checkpoint
    /// if it was not published before.
    ///
    /// Needs a transaction of its own: what is signed must be committed already.
    pub async fn sign_head(
        &self,
        conn: &mut PgConnection,
        now: DateTime<Utc>,
    ) -> Result<Option<Checkpoint>, SignerError> {
        // From here to the end of the transaction no other process signs for this zone, so two
        // signers can't publish a fork.
        let _lock = self.files.lock().await?;
        if has_written(conn).await.map_err(LogError::from)? {
            return Err(SignerError::AfterWriting);
        }
        let pinned = self.files.read_pin(&self.key.verifier())?;
        let published = store::latest_checkpoint(conn, self.zone).await?;
        self.check_published(pinned.as_ref(), published.as_ref())?;
        let head = store::head(conn, self.zone).await?.frontier().clone();
        if let Some(pinned) = &pinned {
            self.check_extends(conn, pinned, head.size(), head.root())
                .await?;
        }
        let checkpoint = match pinned {
            Some(pinned) if pinned.size() == head.size() => pinned,
            _ => {
                let checkpoint = Checkpoint::sign(&self.key, head.size(), head.root());
                self.files.write_pin(&checkpoint)?;
                checkpoint
            }
        };
        if published.is_some_and(|published| published.size == checkpoint.size()) {
            return Ok(None);
        }
        store::publish_checkpoint(conn, self.zone, &checkpoint, now).await?;
        Ok(Some(checkpoint))
    }

    /// The pin is written before the checkpoint is published, so it is never older.
    fn check_published(
        &self,
        pinned: Option<&Checkpoint>,
        published: Option<&Published>,
    ) -> Result<(), SignerError> {
        let Some(published) = published else {
            return Ok(());
        };
        let published = Checkpoint::verify(&published.note, &self.key.verifier())
            .map_err(SignerError::Published)?;
        match pinned {
            Some(pinned) if published.size() < pinned.size() => Ok(()),
            Some(pinned) if published.size() == pinned.size() => {
                let same = published.root() == pinned.root();
                same.then_some(()).ok_or(SignerError::Rewritten {
                    size: published.size(),
                    pinned: pinned.size(),
                })
            }
            _ => Err(SignerError::PinBehind {
                pinned: pinned.map(Checkpoint::size),
                published: published.size(),
                path: self.files.pin.clone(),
            }),
        }
    }

    async fn check_extends(
        &self,
        conn: &mut PgConnection,
        pinned: &Checkpoint,
        size: u64,
        root: super::tree::Hash,
    ) -> Result<(), SignerError> {
        let old = pinned.size();
        if old > size {
            return Err(SignerError::Shrunk { size, pinned: old });
        }
        let proof = store::prove_consistency(conn, self.zone, old, size).await?;
        check_consistency(&proof, (old, pinned.root()), (size, root)).map_err(|error| match error {
            ProofError::Shrunk { .. } => SignerError::Shrunk { size, pinned: old },
            ProofError::NoEntry { .. }
            | ProofError::Inclusion { .. }
            | ProofError::Consistency { .. }
            | ProofError::Tile => SignerError::Rewritten { size, pinned: old },
        })
    }
}

/// The transaction has a number, which Postgres gives at the first write or row lock.
async fn has_written(conn: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"SELECT pg_current_xact_id_if_assigned() IS NOT NULL AS "written!""#)
        .fetch_one(conn)
        .await
}

/// How a zone's signer fares.
#[derive(Clone, Debug, PartialEq)]
pub enum SignerStatus {
    /// It has not run yet.
    Starting,
    /// The newest checkpoint covers all that was committed when it last looked.
    Signing {
        /// When it last looked.
        seen_at: DateTime<Utc>,
    },
    /// It can't sign, or refuses to.
    Failing {
        /// Since when.
        since: DateTime<Utc>,
        /// The error with its causes.
        reason: String,
    },
}

/// Signs whenever the log has grown, once per `interval`, until `stop` says true or its sender is gone.
/// Failures are reported in `status` and tried again: what caused them may pass or be repaired.
pub async fn run(
    signer: Signer,
    pool: PgPool,
    clock: Clock,
    interval: Duration,
    status: watch::Sender<SignerStatus>,
    mut stop: watch::Receiver<bool>,
) {
    let mut ticks = tokio::time::interval(interval);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        // Not inside the select: a transaction is ended, never dropped half-way.
        let now = clock.now();
        let outcome = sign_once(&signer, &pool, now).await;
        status.send_modify(|status| *status = next_status(status, outcome, now, signer.zone));
    }
}

async fn sign_once(signer: &Signer, pool: &PgPool, now: DateTime<Utc>) -> Result<(), SignerError> {
    let mut transaction = pool.begin().await.map_err(LogError::from)?;
    sqlx::query_scalar!(
        "SELECT set_config('app.zone', $1, true)",
        signer.zone.to_string()
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(LogError::from)?;
    signer.sign_head(&mut transaction, now).await?;
    transaction.commit().await.map_err(LogError::from)?;
    Ok(())
}

fn next_status(
    before: &SignerStatus,
    outcome: Result<(), SignerError>,
    now: DateTime<Utc>,
    zone: ZoneId,
) -> SignerStatus {
    let Err(error) = outcome else {
        return SignerStatus::Signing { seen_at: now };
    };
    let reason = format!("{:#}", anyhow::Error::new(error));
    match before {
        SignerStatus::Failing {
            since,
            reason: known,
        } if *known == reason => SignerStatus::Failing {
            since: *since,
            reason,
        },
        SignerStatus::Starting | SignerStatus::Signing { .. } | SignerStatus::Failing { .. } => {
            tracing::error!(zone = zone.0, reason, "the log is not being signed");
            SignerStatus::Failing { since: now, reason }
        }
    }
}

/// The files of one zone in the key folder.
#[derive(Debug)]
struct Files {
    key: PathBuf,
    verifier: PathBuf,
    pin: PathBuf,
    lock: PathBuf,
}

impl Files {
    fn new(folder: &Path, code: &str) -> Self {
        let file = |extension| folder.join(format!("{code}.{extension}"));
        Self {
            key: file("skey"),
            verifier: file("vkey"),
            pin: file("checkpoint"),
            lock: file("lock"),
        }
    }

    /// Waits until no other signer of this zone is at work; the lock ends with the file.
    async fn lock(&self) -> Result<File, SignerError> {
        let path = self.lock.clone();
        let lock = move || {
            let file = OpenOptions::new()
                .create(true)
                .append(true)
                .mode(0o600)
                .open(&path)?;
            file.lock()?;
            Ok(file)
        };
        tokio::task::spawn_blocking(lock)
            .await
            .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
            .map_err(file_error("locking", &self.lock))
    }

    fn read_key(&self) -> Result<Option<LogSigningKey>, SignerError> {
        let Some(text) = read_if_there(&self.key)? else {
            return Ok(None);
        };
        let metadata = fs::metadata(&self.key).map_err(file_error("reading", &self.key))?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(SignerError::KeyExposed(self.key.clone()));
        }
        let key = text.parse().map_err(|source| SignerError::Content {
            path: self.key.clone(),
            source,
        })?;
        Ok(Some(key))
    }

    fn make_key(&self, origin: &str) -> Result<LogSigningKey, SignerError> {
        let key = LogSigningKey::generate(origin).map_err(|source| SignerError::Content {
            path: self.key.clone(),
            source,
        })?;
        write_whole(&self.verifier, &format!("{}\n", key.verifier()), 0o644)?;
        write_whole(&self.key, &format!("{}\n", key.to_text()), 0o600)?;
        Ok(key)
    }

    fn read_pin(&self, key: &LogVerifierKey) -> Result<Option<Checkpoint>, SignerError> {
        let Some(note) = read_if_there(&self.pin)? else {
            return Ok(None);
        };
        let pinned = Checkpoint::verify(&note, key).map_err(|source| SignerError::Content {
            path: self.pin.clone(),
            source,
        })?;
        Ok(Some(pinned))
    }

    fn write_pin(&self, checkpoint: &Checkpoint) -> Result<(), SignerError> {
        write_whole(&self.pin, checkpoint.note(), 0o644)
    }
}

fn read_if_there(path: &Path) -> Result<Option<String>, SignerError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(file_error("reading", path)(error)),
    }
}

/// Replaces a file so that it has either the old or the new content, even after a power cut.
fn write_whole(path: &Path, text: &str, mode: u32) -> Result<(), SignerError> {
    let new = path.with_added_extension("new");
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(mode)
            .open(&new)?;
        // An earlier attempt may have left the file with another mode.
        file.set_permissions(Permissions::from_mode(mode))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()
    };
    write().map_err(file_error("writing", path))
}

fn file_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SignerError {
    move |source| SignerError::File {
        action,
        path: path.to_owned(),
        source,
    }
}
