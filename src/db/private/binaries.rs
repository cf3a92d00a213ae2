//! Finding PostgreSQL's programs.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::account::{Account, command_as};
use super::error::PrivatePostgresError;
use super::layout::installed_folder;

/// The oldest major version that the schema works on.
pub(super) const OLDEST_MAJOR: u32 = 15;

/// A folder with `initdb` and `postgres` of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub(super) folder: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// The folder that holds the programs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Their major version, such as 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Finds programs of at least version 15: in the configured folder (and then nowhere else), on
/// PATH, where Debian, Red Hat, Homebrew and Postgres.app put them (newest first), and where
/// [`install_binaries`](super::install_binaries) put them. `made_by` asks for the major version
/// that made an existing cluster.
pub(super) fn find(
    configured: Option<&Path>,
    installed: &Path,
    made_by: Option<(&Path, u32)>,
    account: Option<&Account>,
) -> Result<Binaries, PrivatePostgresError> {
    // An environment variable that is set to nothing counts as unset.
    let usable = match configured.filter(|folder| !folder.as_os_str().is_empty()) {
        Some(folder) => vec![configured_binaries(folder, account)?],
        None => usable_binaries(installed, account)?,
    };
    let Some((cluster, major)) = made_by else {
        return usable.into_iter().next().ok_or_else(no_binaries);
    };
    let found: BTreeSet<u32> = usable.iter().map(|binaries| binaries.major).collect();
    usable
        .into_iter()
        .find(|binaries| binaries.major == major)
        .ok_or_else(|| PrivatePostgresError::OtherMajor {
            cluster: cluster.to_path_buf(),
            made_by: major,
            found: list_or_none(found.iter().map(ToString::to_string)),
        })
}

fn no_binaries() -> PrivatePostgresError {
    PrivatePostgresError::NoBinaries {
        searched: "SUBSIDY_LEDGER_PG_BIN, PATH, /usr/lib/postgresql, /usr/pgsql-*, Homebrew, \
                   Postgres.app, the data folder"
            .to_owned(),
        too_old: String::new(),
    }
}

fn list_or_none(items: impl Iterator<Item = String>) -> String {
    let text = items.collect::<Vec<_>>().join(", ");
    if text.is_empty() {
        "none".to_owned()
    } else {
        text
    }
}

fn configured_binaries(
    folder: &Path,
    account: Option<&Account>,
) -> Result<Binaries, PrivatePostgresError> {
    match inspect(folder, account) {
        Ok(binaries) if binaries.major >= OLDEST_MAJOR => Ok(binaries),
        Ok(old) => Err(PrivatePostgresError::ConfiguredBinaries {
            folder: folder.to_path_buf(),
            reason: format!(
                "version {} is too old; {OLDEST_MAJOR} or newer is needed",
                old.major
            ),
        }),
        Err(reason) => Err(PrivatePostgresError::ConfiguredBinaries {
            folder: folder.to_path_buf(),
            reason,
        }),
    }
}

fn usable_binaries(
    installed: &Path,
    account: Option<&Account>,
) -> Result<Vec<Binaries>, PrivatePostgresError> {
    let (usable, too_old): (Vec<_>, Vec<_>) = candidate_folders(installed)
        .iter()
        .filter_map(|folder| inspect(folder, account).ok())
        .partition(|binaries| binaries.major >= OLDEST_MAJOR);
    if usable.is_empty() && !too_old.is_empty() {
        let old = list_or_none(
            too_old
                .iter()
                .map(|old| format!("{} in {}", old.major, old.folder.display())),
        );
        return Err(PrivatePostgresError::NoBinaries {
            searched: "the usual places".to_owned(),
            too_old: format!("; too old: {old}"),
        });
    }
    Ok(usable)
}

fn candidate_folders(installed: &Path) -> Vec<PathBuf> {
    let mut folders = on_path("initdb");
    for (parent, prefix, suffix) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql@", "bin"),
        ("/usr/local/opt", "postgresql@", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ] {
        folders.extend(versioned_folders(Path::new(parent), prefix, suffix));
    }
    folders.extend(super::install::folders(installed));
    let mut seen = BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.clone()));
    folders
}

/// Folders on PATH where `program` really is: distributions often put links into PATH, and `initdb`
/// wants `postgres` beside itself.
fn on_path(program: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .filter_map(|folder| fs::canonicalize(folder.join(program)).ok())
        .filter_map(|file| file.parent().map(Path::to_path_buf))
        .collect()
}

/// `PARENT/PREFIX<number>/SUFFIX`, the newest first.
fn versioned_folders(parent: &Path, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            let version = name.to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((version, entry.path().join(suffix)))
        })
        .collect();
    versions.sort_by_key(|(version, _)| Reverse(*version));
    versions.into_iter().map(|(_, folder)| folder).collect()
}

/// Runs `postgres --version` as the server's account, which also shows that it may.
fn inspect(folder: &Path, account: Option<&Account>) -> Result<Binaries, String> {
    let folder = fs::canonicalize(folder).map_err(|error| error.to_string())?;
    if !folder.join("initdb").is_file() {
        return Err("it has no initdb".to_owned());
    }
    let output = command_as(account, &folder.join("postgres"))
        .arg("--version")
        .output()
        .map_err(|error| format!("postgres does not run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let major = parse_major(&text).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr);
        format!("postgres --version says {:?}", format!("{text}{complaint}"))
    })?;
    Ok(Binaries { folder, major })
}

/// `postgres (PostgreSQL) 15.20 (Debian 15.20-1)`, also `18beta1`.
fn parse_major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    number.get(..end)?.parse().ok()
}

/// A `psql`: in the configured folder, on PATH, or beside the server's programs. Any version will
/// do.
pub fn find_psql(configured: Option<&Path>, data: &Path) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    configured
        .map(Path::to_path_buf)
        .into_iter()
        .chain(env::split_paths(&path))
        .chain(candidate_folders(&installed_folder(data)))
        .map(|folder| folder.join("psql"))
        .find(|psql| psql.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_postgres_says() {
        assert_eq!(
            parse_major("postgres (PostgreSQL) 15.20 (Debian 15.20-1)\n"),
            Some(15)
        );
        assert_eq!(parse_major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(parse_major("postgres (PostgreSQL) 9.6.24"), Some(9));
        assert_eq!(parse_major("command not found"), None);
    }

    #[test]
    fn newer_versions_come_first() {
        let parent = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "18", "16", "extension"] {
            fs::create_dir(parent.path().join(name)).unwrap();
        }
        let folders = versioned_folders(parent.path(), "", "bin");
        let expected = ["18", "16", "15"].map(|name| parent.path().join(name).join("bin"));
        assert_eq!(folders, expected);
    }

    #[test]
    fn a_configured_folder_without_programs_is_refused_by_name() {
        let empty = tempfile::tempdir().unwrap();
        let refusal = find(Some(empty.path()), empty.path(), None, None).unwrap_err();
        assert!(
            refusal.to_string().contains("it has no initdb"),
            "{refusal}"
        );
    }
}
