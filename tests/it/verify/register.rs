//! Rows of persons, parties, programmes and rules, compared with the log.

use subsidy_ledger::journal::Recorded;
use subsidy_ledger::party::{self, Identity, NewParty, PartyRole, ProposedOverride, Roles};
use subsidy_ledger::programme;
use subsidy_ledger::types::{Name, PartyId};

use super::attack::{Table, attack, attack_all, not_found};
use crate::kit::scenario::World;
use crate::policy_cases::changed_pack;

const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// How `verify` calls a proposal.
const PROPOSAL: &str = "concat('programme ', programme, ', sha256 ', encode(sha256, 'hex'))";

const TABLES: &[Table] = &[
    Table {
        name: "person_role",
        key: &["person_id", "role"],
        named: "concat('person_id ', person_id, ', role ', role)",
        forged: "treasurer",
        rows: 25,
        unstated: &["granted_at"],
    },
    Table {
        name: "person",
        key: &["person_id"],
        named: "concat('person_id ', person_id)",
        forged: NOBODY,
        rows: 15,
        unstated: &["login", "name", "created_at"],
    },
    Table {
        name: "policy",
        key: &["policy_id"],
        named: "concat('policy_id ', policy_id)",
        forged: NOBODY,
        rows: 3,
        unstated: &["published_at"],
    },
    Table {
        name: "policy_proposal",
        key: &["programme", "sha256"],
        named: PROPOSAL,
        forged: "\\x0707070707070707070707070707070707070707070707070707070707070707",
        rows: 5,
        unstated: &[],
    },
    Table {
        name: "policy_withdrawal",
        key: &["programme", "sha256"],
        named: PROPOSAL,
        forged: "\\x0707070707070707070707070707070707070707070707070707070707070707",
        rows: 1,
        unstated: &[],
    },
    Table {
        name: "programme",
        key: &["code"],
        named: "concat('code ', code)",
        forged: "OF-MINE",
        rows: 2,
        unstated: &[],
    },
    Table {
        name: "party",
        key: &["party_id"],
        named: "concat('party_id ', party_id)",
        forged: NOBODY,
        rows: 6,
        // A salt that only a team has; see below.
        unstated: &["name_needs_review", "name_salt"],
    },
    Table {
        name: "party_role",
        key: &["party_id", "role"],
        named: "concat('party_id ', party_id, ', role ', role)",
        forged: "bank",
        rows: 7,
        unstated: &[],
    },
    Table {
        name: "controller_group",
        key: &["group_id"],
        named: "concat('group_id ', group_id)",
        forged: NOBODY,
        rows: 2,
        unstated: &["name"],
    },
    Table {
        name: "uscc_override",
        key: &["code"],
        named: "concat('code ', code)",
        forged: "91350211M0000XUF4X",
        rows: 2,
        unstated: &[],
    },
];

async fn register(world: &World, identity: Identity, name: &str, roles: Roles) -> PartyId {
    let group = matches!(identity, Identity::Name(_)).then(|| "李四".parse().unwrap());
    let new = NewParty {
        identity,
        name: name.parse().unwrap(),
        roles,
        group,
    };
    world.try_register("manager", new).await.unwrap()
}

async fn assign(world: &World, party: PartyId, group: Option<&str>) {
    let group: Option<Name> = group.map(|name| name.parse().unwrap());
    let caller = world.caller("reviewer", "2020-02-01", None);
    let assigned = world.one(caller, (party, group), |conn, command, (party, group)| {
        Box::pin(async move { party::assign_group(conn, &command, *party, group.as_ref()).await })
    });
    assigned.await.unwrap();
}

/// Proposes an override, and has another person confirm it if asked.
async fn accept(world: &World, code: &str, is_confirmed: bool) {
    let proposed = ProposedOverride {
        code: code.parse().unwrap(),
        evidence_sha256: [7; 32],
        reason: "as \"printed\" on the licence".parse().unwrap(),
    };
    let caller = world.caller("reviewer", "2020-02-01", None);
    let proposal = world.one(caller, proposed.clone(), |conn, command, proposed| {
        Box::pin(async move { party::propose_override(conn, &command, proposed).await })
    });
    proposal.await.unwrap();
    if is_confirmed {
        let caller = world.caller("manager", "2020-02-02", None);
        let confirmed = world.one(caller, proposed, |conn, command, proposed| {
            Box::pin(async move { party::confirm_override(conn, &command, &proposed.code).await })
        });
        confirmed.await.unwrap();
    }
}

async fn propose(world: &World, who: &str, pack: &str) -> Recorded {
    let caller = world.caller(who, "2023-12-01", None);
    let proposed = world.one(caller, pack.to_owned(), |conn, command, pack| {
        let code = "YH-VOUCHER".parse().unwrap();
        Box::pin(async move { programme::propose(conn, &command, &code, pack).await })
    });
    proposed.await.unwrap()
}

/// Persons and programmes of every scenario; besides, a team, a party of two roles that changed its group, one with an
/// accepted code, a code that is only proposed; rules that end, rules that are only proposed, by two persons.
async fn everything() -> World {
    let world = World::new(&[]).await;
    accept(&world, "91350211M0000XUF46", true).await;
    accept(&world, "91350211M0000XUF47", false).await;
    let accepted = Identity::UsccOverride("91350211M0000XUF46".parse().unwrap());
    register(&world, accepted, "丁 \"4\"", [PartyRole::Enterprise].into()).await;
    let team = Identity::Team("T-1".parse().unwrap());
    register(&world, team, "张三和李四", [PartyRole::Enterprise].into()).await;
    let named = Identity::Name("甲".parse().unwrap());
    let roles = [PartyRole::Enterprise, PartyRole::Provider].into();
    let named = register(&world, named, "甲", roles).await;
    assign(&world, named, Some("王五")).await;
    assign(&world, named, None).await;
    assign(&world, named, Some("李四")).await;

    let days = "from = 2024-01-01\nuntil = 2025-01-01";
    let changes = [
        ("from = 2023-01-01", days),
        ("version = \"2023-1\"", "version = \"2024-1\""),
    ];
    let ending = changed_pack("yuhuan-2023", &changes, "2024-01-01");
    propose(&world, "rules", &ending).await;
    propose(&world, "all", &ending).await;
    let caller = world.caller("manager", "2023-12-02", None);
    let published = world.one(caller, ending.clone(), |conn, command, pack| {
        let code = "YH-VOUCHER".parse().unwrap();
        Box::pin(async move { programme::publish(conn, &command, &code, pack).await })
    });
    published.await.unwrap();
    // Another day, since a version begins on this one.
    let ending = ending.replace("2024-01-01", "2024-02-01");
    propose(&world, "rules", &ending.replace("\"2024-1\"", "\"2024-2\"")).await;
    let wrong = ending.replace("\"2024-1\"", "\"2024-3\"");
    let proposed = propose(&world, "rules", &wrong).await;
    let caller = world.caller("manager", "2023-12-02", None);
    let withdrawn = world.one(caller, proposed, |conn, command, proposed| {
        let reason = "wrong".parse().unwrap();
        Box::pin(async move { programme::withdraw(conn, &command, proposed.index, &reason).await })
    });
    withdrawn.await.unwrap();
    world
}

#[tokio::test]
async fn every_change_of_persons_parties_and_rules_is_found_and_named() {
    let world = everything().await;
    attack_all(&world, TABLES).await;

    let mut conn = world.db.superuser().await;
    // Of a team's name the log has a salted hash, as long as the salt is there.
    for sql in [
        "UPDATE ledger.party SET name = '王五' WHERE scheme = 'team'",
        "UPDATE ledger.party SET name_salt = sha256('another') WHERE scheme = 'team'",
    ] {
        attack(&world, &mut conn, "party", sql, ": name is ").await;
    }
    let sql = "UPDATE ledger.party SET name_salt = NULL WHERE scheme = 'team'";
    not_found(&world, &mut conn, "party", sql).await;
    // What a key says.
    for (table, sql) in [
        (
            "person_role",
            "UPDATE ledger.person_role SET role = 'treasurer' WHERE role = 'cashier'",
        ),
        (
            "policy_proposal",
            "UPDATE ledger.policy_proposal SET sha256 = sha256('another')
             WHERE programme = 'SH-VOUCHER'",
        ),
    ] {
        attack(&world, &mut conn, table, sql, ": the row is ").await;
    }
}
