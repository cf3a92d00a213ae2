//! The server in use, private or configured: migrated, checked, reached in each role.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use sqlx::ConnectOptions;
use subsidy_ledger::config::DatabaseTarget;
use subsidy_ledger::db::private::{PrivatePostgres, PrivateSettings};
use subsidy_ledger::db::{Role, Server, ServerError};

use crate::kit::{self, run};

fn settings() -> PrivateSettings {
    PrivateSettings {
        guard: None,
        ..kit::settings()
    }
}

fn configured(postgres: &PrivatePostgres, login: &str, database: &str) -> DatabaseTarget {
    let socket = postgres.socket_folder().display();
    let url = format!("postgres:///{database}?host={socket}&user={login}&password=pass");
    DatabaseTarget::Server {
        url: url.parse().unwrap(),
    }
}

async fn current_role(server: &Server, role: Role) -> String {
    let database = server.connect(role, 1).await.unwrap();
    let name = sqlx::query_scalar("SELECT current_user::text")
        .fetch_one(database.pool())
        .await
        .unwrap();
    database.close().await;
    name
}

#[tokio::test]
async fn private_and_configured_servers_are_migrated_and_reached_alike() {
    let data = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(data.path(), Permissions::from_mode(0o711)).unwrap();
    let target = DatabaseTarget::Private {
        data: data.path().to_path_buf(),
    };
    let private = Server::open(&target, &settings()).await.unwrap();
    let (first, second) = tokio::join!(private.migrate(), private.migrate());
    first.and(second).unwrap();
    for role in Role::ALL {
        assert_eq!(current_role(&private, role).await, role.group());
    }

    // The same server, as one that an administrator has set up for a login without special rights.
    let postgres = PrivatePostgres::open(data.path(), &settings())
        .await
        .unwrap();
    let mut admin = postgres.superuser_options().connect().await.unwrap();
    for sql in [
        "CREATE ROLE office LOGIN PASSWORD 'pass'
            IN ROLE subsidy_ledger_owner, subsidy_ledger_app, subsidy_ledger_auditor",
        "CREATE ROLE stranger LOGIN PASSWORD 'pass'",
        "CREATE DATABASE office OWNER office",
    ] {
        run(&mut admin, sql).await;
    }
    let office = configured(&postgres, "office", "office");
    let office = Server::open(&office, &settings()).await.unwrap();
    office.migrate().await.unwrap();
    office.migrate().await.unwrap();
    for role in Role::ALL {
        assert_eq!(current_role(&office, role).await, role.group());
    }
    let stranger = configured(&postgres, "stranger", "office");
    let stranger = Server::open(&stranger, &settings()).await.unwrap();
    let refusal = stranger.migrate().await.unwrap_err();
    assert!(matches!(refusal, ServerError::Roles(_)), "{refusal}");

    private.close().await.unwrap();
    postgres.close().await.unwrap();
}
