//! Rows of past awards, compared with the log.

use subsidy_ledger::award::{self, AwardFile, AwardMap, BadRows, Corrections};

use super::attack::{Table, attack, attack_all, not_found};
use crate::kit::scenario::World;

const TABLES: &[Table] = &[
    Table {
        name: "imported_award",
        key: &["award_id"],
        named: "concat('award_id ', award_id)",
        forged: "00000000-0000-4000-8000-000000000000",
        rows: 5,
        unstated: &["identity", "facts"],
    },
    Table {
        name: "award_file",
        key: &["log_index"],
        named: "concat('log_index ', log_index)",
        forged: "0",
        rows: 2,
        unstated: &["file_name"],
    },
    Table {
        name: "imported_programme",
        key: &["code"],
        named: "concat('code ', code)",
        forged: "OF-MINE",
        rows: 2,
        unstated: &[],
    },
];

const MAP: &str = "[columns]\nrecipient = 'who'\nprogramme = 'scheme'\nrequested = 'asked'\n\
    granted = 'amount'\nyear = 'year'\nid = 'id'\n[options]\nsource = 'LIST'\ncurrency = 'CNY'\n\
    anonymous = ['(person)']\n";

/// The second list has one award otherwise, one no more, and one that is new.
const LISTS: [&str; 2] = [
    "id,who,scheme,asked,amount,year\n1,A,S (1),20,10,2016\n2,B,S (1),,0,2016\n3,(person),T,7,7,2015\n",
    "id,who,scheme,asked,amount,year\n1,A,S (1),20,12,2016\n2,B,S (1),,0,2016\n4,C,T,7,7,2015\n",
];

async fn import(world: &World, list: &str) {
    let map: AwardMap = MAP.parse().unwrap();
    let file = AwardFile::read("list.csv", list.as_bytes(), &map).unwrap();
    let caller = world.caller("manager", "2020-02-01", None);
    let imported = world.one(caller, (map, file), |conn, command, (map, file)| {
        let options = (Corrections::Apply, BadRows::Refuse);
        Box::pin(async move {
            award::import(conn, &command, map, file, options.0, options.1, &|_| ()).await
        })
    });
    imported.await.unwrap();
}

#[tokio::test]
async fn every_change_of_a_past_award_is_found_and_named() {
    let world = World::new(&[]).await;
    for list in LISTS {
        import(&world, list).await;
    }
    attack_all(&world, TABLES).await;

    // A scheme that only refused has no authority, and no entry says its name.
    import(&world, &format!("{}5,C,U,7,0,2015\n", LISTS[1])).await;
    let mut conn = world.db.superuser().await;
    let table = "imported_programme";
    let renamed = "UPDATE ledger.imported_programme SET name = 'V' WHERE code = 'U'";
    not_found(&world, &mut conn, table, renamed).await;
    let moved = "UPDATE ledger.imported_programme SET source = 'V' WHERE code = 'U'";
    attack(
        &world,
        &mut conn,
        table,
        moved,
        "code U: source is V, but LIST follows",
    )
    .await;
}
