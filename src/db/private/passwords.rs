//! Generated passwords of the logins, in libpq's password file form, so that `PGPASSFILE` can name
//! it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::{OnPath, PrivatePostgresError};
use super::layout::Layout;
use crate::db::Role;

/// The cluster's superuser.
pub(super) const SUPERUSER: &str = "postgres";

/// The password of each login.
pub(super) struct Passwords(Vec<(&'static str, String)>);

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passwords(hidden)")
    }
}

impl Passwords {
    fn logins() -> impl Iterator<Item = &'static str> {
        [SUPERUSER].into_iter().chain(Role::ALL.map(Role::login))
    }

    /// New ones, of 128 random bits each.
    pub(super) fn generate() -> Self {
        let password = || format!("{:032x}", rand::random::<u128>());
        Self(Self::logins().map(|login| (login, password())).collect())
    }

    pub(super) fn of(&self, login: &str) -> &str {
        self.0
            .iter()
            .find(|(name, _)| *name == login)
            .map(|(_, password)| password.as_str())
            .expect("BUG: every login has a password")
    }

    pub(super) fn read(layout: &Layout) -> Result<Self, PrivatePostgresError> {
        let path = layout.passwords();
        let text = fs::read_to_string(&path).on("read", &path)?;
        Self::logins()
            .map(|login| {
                password_of(&text, login)
                    .map(|password| (login, password.to_owned()))
                    .ok_or_else(|| PrivatePostgresError::PasswordMissing {
                        path: path.clone(),
                        login,
                    })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Written before the cluster is made, since without them nobody could enter it.
    pub(super) fn write(&self, layout: &Layout) -> Result<(), PrivatePostgresError> {
        let lines: Vec<String> = self
            .0
            .iter()
            .map(|(login, password)| format!("*:*:*:{login}:{password}\n"))
            .collect();
        write_secret(&layout.passwords(), &lines.concat())
    }
}

/// The password in `host:port:database:user:password` of one user. Ours hold no colon or backslash.
fn password_of<'a>(text: &'a str, login: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        line.strip_prefix("*:*:*:")?
            .strip_prefix(login)?
            .strip_prefix(':')
            .filter(|password| !password.is_empty())
    })
}

/// Writes a file that only its owner may read; all of it or, after a crash, none.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<(), PrivatePostgresError> {
    let unfinished = path.with_extension("tmp");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .on("create", &unfinished)?;
    file.write_all(text.as_bytes()).on("write", &unfinished)?;
    file.sync_all().on("write", &unfinished)?;
    fs::rename(&unfinished, path).on("create", path)?;
    sync_parent(path)
}

/// Makes a rename in a folder last through a power cut.
pub(super) fn sync_parent(path: &Path) -> Result<(), PrivatePostgresError> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    File::open(parent)
        .and_then(|folder| folder.sync_all())
        .on("sync", parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_matched_as_a_whole() {
        let text = "*:*:*:postgres:abc\n*:*:*:postgres2:def\n";
        assert_eq!(password_of(text, "postgres"), Some("abc"));
        assert_eq!(password_of(text, "postgres2"), Some("def"));
        assert_eq!(password_of(text, "post"), None);
    }
}
