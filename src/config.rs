//! Where the data is and which database is used.
//!
//! The settings come from the command line or the environment (`--data`, `SUBSIDY_LEDGER_DATA`;
//! `--database`, `SUBSIDY_LEDGER_DATABASE_URL`). A bare `DATABASE_URL` is never read: it would
//! silently switch the query macros online while building.

use std::env;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use sqlx::postgres::PgConnectOptions;

/// The database in use.
#[derive(Clone, Debug)]
pub enum DatabaseTarget {
    /// The private Postgres of a data folder, started when needed.
    Private {
        /// The data folder.
        data: PathBuf,
    },
    /// A server that somebody else runs.
    Server {
        /// How to reach it.
        url: DatabaseUrl,
    },
}

impl DatabaseTarget {
    /// The server if one is named, otherwise the private Postgres of the data folder.
    pub fn choose(data: &Path, url: Option<DatabaseUrl>) -> Self {
        match url {
            Some(url) => Self::Server { url },
            None => Self::Private {
                data: data.to_path_buf(),
            },
        }
    }
}

/// A checked `postgres://` URL. Never shows its password.
#[derive(Clone)]
pub struct DatabaseUrl(Box<PgConnectOptions>);

impl DatabaseUrl {
    /// As connection options.
    pub fn options(&self) -> &PgConnectOptions {
        &self.0
    }
}

impl FromStr for DatabaseUrl {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if !text.starts_with("postgres://") && !text.starts_with("postgresql://") {
            return Err(ConfigError::NotAPostgresUrl);
        }
        text.parse()
            .map(|options| Self(Box::new(options)))
            .map_err(|_| ConfigError::NotAPostgresUrl)
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.0.get_socket().map_or_else(
            || self.0.get_host().to_owned(),
            |socket| socket.display().to_string(),
        );
        let database = self.0.get_database().unwrap_or_default();
        write!(f, "postgres://{place}:{}/{database}", self.0.get_port())
    }
}

/// Where documents are kept (`--store`, `SUBSIDY_LEDGER_EVIDENCE`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvidenceTarget {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket that speaks S3: `s3://bucket/prefix`. Where it is, and whose, the variables `AWS_…` say.
    Bucket {
        /// Its name.
        bucket: String,
        /// What every key begins with; nothing is nothing.
        prefix: String,
    },
}

impl FromStr for EvidenceTarget {
    type Err = ConfigError;

    fn from_str(text: &str) -> Result<Self, ConfigError> {
        if let Some(place) = text.strip_prefix("s3://") {
            let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
            if bucket.is_empty() {
                return Err(ConfigError::NoPlaceForEvidence);
            }
            return Ok(Self::Bucket {
                bucket: bucket.to_owned(),
                prefix: prefix.trim_end_matches('/').to_owned(),
            });
        }
        if text.is_empty() || text.contains("://") {
            return Err(ConfigError::NoPlaceForEvidence);
        }
        Ok(Self::Folder(PathBuf::from(text)))
    }
}

impl fmt::Display for EvidenceTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Bucket { bucket, prefix } => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

/// A setting that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The URL does not parse. It may hold a password, so it isn't repeated.
    #[error(
        "--database (SUBSIDY_LEDGER_DATABASE_URL) is not a Postgres URL; \
         write postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    )]
    NotAPostgresUrl,
    /// Documents can't be kept there.
    #[error(
        "--store (SUBSIDY_LEDGER_EVIDENCE) names no place for documents: write a folder, or s3://BUCKET/PREFIX"
    )]
    NoPlaceForEvidence,
    /// Neither a data folder nor a home directory is known.
    #[error("no data folder: HOME and XDG_STATE_HOME are unset; name one with --data DIR")]
    NoDataFolder,
}

/// The data folder: the one given, otherwise `/var/lib/subsidy-ledger` for root (a server that has
/// dropped its rights can't enter root's home), otherwise `$XDG_STATE_HOME/subsidy-ledger`, which
/// is `~/.local/state/subsidy-ledger` by default (XDG Base Directory Specification 0.8).
pub fn data_folder(given: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    given
        .or_else(|| {
            default_data_folder(
                rustix::process::geteuid().is_root(),
                absolute("XDG_STATE_HOME"),
                absolute("HOME"),
            )
        })
        .ok_or(ConfigError::NoDataFolder)
}

fn default_data_folder(
    is_root: bool,
    state_home: Option<PathBuf>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    if is_root {
        return Some(PathBuf::from("/var/lib/subsidy-ledger"));
    }
    state_home
        .or_else(|| home.map(|home| home.join(".local/state")))
        .map(|state| state.join("subsidy-ledger"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_data_folder_follows_the_user() {
        let state = || Some(PathBuf::from("/state"));
        let home = || Some(PathBuf::from("/home/li"));
        let folder = |path: &str| Some(PathBuf::from(path));
        assert_eq!(
            default_data_folder(true, state(), home()),
            folder("/var/lib/subsidy-ledger")
        );
        assert_eq!(
            default_data_folder(false, state(), home()),
            folder("/state/subsidy-ledger")
        );
        assert_eq!(
            default_data_folder(false, None, home()),
            folder("/home/li/.local/state/subsidy-ledger")
        );
        assert_eq!(default_data_folder(false, None, None), None);
    }

    #[test]
    fn documents_are_kept_in_a_folder_or_a_bucket() {
        for (text, expected) in [
            ("/srv/evidence", Some("/srv/evidence")),
            ("s3://documents", Some("s3://documents/")),
            ("s3://documents/sh/2020/", Some("s3://documents/sh/2020")),
            ("s3://", None),
            ("s3:///sh", None),
            ("gs://documents", None),
            ("", None),
        ] {
            let found = text.parse::<EvidenceTarget>();
            let found = found.map(|target| target.to_string()).ok();
            assert_eq!(found.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_url_is_checked_and_never_shows_its_password() {
        let url: DatabaseUrl = "postgres://li:geheim@db.example:5433/subsidies"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "postgres://db.example:5433/subsidies");
        assert!(!format!("{url:?}").contains("geheim"));
        assert!("mysql://li@db/x".parse::<DatabaseUrl>().is_err());
        assert!("postgres://[".parse::<DatabaseUrl>().is_err());
    }
}
