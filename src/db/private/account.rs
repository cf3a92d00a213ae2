//! Who the server runs as: never root.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{Gid, Uid};

use super::error::{OnPath, PrivatePostgresError};

/// The unprivileged account that root runs the server as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// `None` when we aren't root: then the server runs as ourselves.
pub(super) fn server_account() -> Result<Option<Account>, PrivatePostgresError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let path = Path::new("/etc/passwd");
    let passwd = fs::read_to_string(path).on("read", path)?;
    ["postgres", "nobody"]
        .into_iter()
        .find_map(|name| lookup(&passwd, name))
        .map(Some)
        .ok_or(PrivatePostgresError::NoUnprivilegedUser)
}

/// Finds an account in the text of `/etc/passwd` (`name:password:uid:gid:…`).
fn lookup(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let uid = fields.nth(1)?.parse().ok().filter(|uid| *uid != 0)?;
        Some(Account {
            name: name.to_owned(),
            uid,
            gid: fields.next()?.parse().ok()?,
        })
    })
}

/// The first folder on the way to `path` that `account` may not enter. Judges by mode bits alone; a
/// folder that doesn't exist yet counts as open, since we'll make it so.
pub(super) fn blocked_at(path: &Path, account: &Account) -> Option<PathBuf> {
    let mut ancestors: Vec<&Path> = path.ancestors().collect();
    ancestors.reverse();
    ancestors.into_iter().find_map(|folder| {
        let metadata = fs::metadata(folder).ok()?;
        (metadata.is_dir() && !may_enter(&metadata, account)).then(|| folder.to_path_buf())
    })
}

fn may_enter(metadata: &fs::Metadata, account: &Account) -> bool {
    let search_bit = if metadata.uid() == account.uid {
        0o100
    } else if metadata.gid() == account.gid {
        0o010
    } else {
        0o001
    };
    metadata.mode() & search_bit != 0
}

/// Gives a file or folder to the server's account.
pub(super) fn give(path: &Path, account: Option<&Account>) -> Result<(), PrivatePostgresError> {
    let Some(account) = account else {
        return Ok(());
    };
    let (uid, gid) = (Uid::from_raw(account.uid), Gid::from_raw(account.gid));
    rustix::fs::chown(path, Some(uid), Some(gid)).on("change the owner of", path)
}

/// A command that runs as the server's account, away from our own folder, which it might not be
/// able to enter, and with messages in English, which we read.
pub(super) fn command_as(account: Option<&Account>, program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir("/").env("LC_ALL", "C");
    for name in ["PGDATA", "PGPORT", "PGOPTIONS", "PGHOST", "PGUSER"] {
        command.env_remove(name);
    }
    if let Some(account) = account {
        command.gid(account.gid).uid(account.uid);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_read_from_passwd() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\npostgres:x:101:104::/:/bin/sh\n\
                      nobody:x:0:0::/:/bin/false\n";
        let postgres = Account {
            name: "postgres".to_owned(),
            uid: 101,
            gid: 104,
        };
        assert_eq!(lookup(passwd, "postgres"), Some(postgres));
        assert_eq!(lookup(passwd, "nobody"), None, "uid 0 is root by any name");
        assert_eq!(lookup(passwd, "ghost"), None);
    }

    #[test]
    fn a_closed_folder_on_the_way_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let stranger = Account {
            name: "stranger".to_owned(),
            uid: 4_000_000,
            gid: 4_000_000,
        };
        let open = tempfile::tempdir_in("/tmp").unwrap();
        fs::set_permissions(open.path(), fs::Permissions::from_mode(0o711)).unwrap();
        let closed = open.path().join("closed");
        fs::create_dir(&closed).unwrap();
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(blocked_at(&open.path().join("new"), &stranger), None);
        assert_eq!(blocked_at(&closed.join("new"), &stranger), Some(closed));
    }
}
