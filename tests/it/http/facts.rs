//! Files of facts over HTTP.

use subsidy_ledger::policy::Fact;

use super::office::Office;
use super::service::Answer;
use crate::fact::seen;
use crate::kit::scenario::World;

const F: &str = "91000000MA00000900";

async fn import(office: &Office, query: &str, by: (&str, &str), csv: &str) -> Answer {
    let path = format!("facts/imports{query}");
    office
        .command(&path, by, ("text/csv; charset=utf-8", csv.as_bytes()))
        .await
}

#[tokio::test]
async fn a_file_is_imported_once_and_tried_before() {
    let office = Office::on(World::new(&[]).await, "2020-06-10");
    let csv = format!("party,from\n{F},2019-03-01\n");
    let size = office.world.size().await;
    let tried = import(
        &office,
        "?register=integrity&dry_run=true",
        ("reviewer", "k0"),
        &csv,
    )
    .await;
    let tried = tried.json();
    assert_eq!(
        (&tried["import"]["stated"], &tried["entry"]),
        (&1.into(), &serde_json::Value::Null)
    );
    assert_eq!(office.world.size().await, size);
    let whole = "?register=integrity&complete=true&from=2020-06-01";
    let done = import(&office, whole, ("reviewer", "k1"), &csv)
        .await
        .json();
    assert_eq!(done["import"]["not_named"]["is_new"], true, "{done}");
    assert_eq!(done["read_as"], "UTF-8");
    let size = office.world.size().await;
    let again = import(&office, whole, ("reviewer", "k1"), &csv)
        .await
        .json();
    assert_eq!(again["entry"], done["entry"], "{again}");
    assert_eq!(office.world.size().await, size);
    for (party, expected) in [("f", "true Imported"), ("g", "false Imported")] {
        let party = office.world.parties[party];
        let found = seen(&office.world, party, Fact::IntegrityListed, "2020-06-10").await;
        assert_eq!(found.as_deref(), Some(expected));
    }
    office.world.check_invariants().await;
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_and_nothing_is_imported() {
    let office = Office::on(World::new(&[]).await, "2020-06-10");
    let size = office.world.size().await;
    let csv = format!("party,year,staff\n{F},2019,many\nX,2019,3\n{F},2020,3\n");
    let refused = import(&office, "", ("reviewer", "k"), &csv).await;
    assert_eq!(refused.problem(), (422, "invalid".to_owned()));
    let refused = refused.json();
    let fields = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["field"]);
    let mut fields: Vec<&str> = fields.map(|field| field.as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["row 2", "row 3", "row 4"], "{refused}");
    let good = format!("party,year,staff\n{F},2019,3\n");
    for (query, who, expected) in [
        ("?register=Tax", "reviewer", (422, "invalid")),
        ("?source=verified", "reviewer", (422, "invalid")),
        ("?evidence=00", "reviewer", (422, "invalid")),
        ("?from=2020-02-30", "reviewer", (422, "invalid")),
        ("?complete=true", "reviewer", (422, "invalid")),
        ("?encoding=latin1", "reviewer", (422, "invalid")),
        ("?nothing=1", "reviewer", (422, "invalid")),
        ("", "finance", (403, "forbidden")),
        ("", "nobody", (403, "unknown_person")),
    ] {
        let refused = import(&office, query, (who, "k"), &good).await;
        assert_eq!(
            refused.problem(),
            (expected.0, expected.1.to_owned()),
            "{query} {who}"
        );
    }
    let by = ("reviewer", "k");
    let refused = office
        .command("facts/imports", by, ("text/plain", good.as_bytes()))
        .await;
    assert_eq!(
        refused.problem(),
        (415, "unsupported_media_type".to_owned())
    );
    let refused = office
        .command("facts/imports", by, ("application/json", b"[{]"))
        .await;
    assert_eq!(refused.problem(), (422, "invalid".to_owned()));
    assert_eq!(office.world.size().await, size);
    let json = format!("[{{\"party\":\"{F}\",\"year\":2019,\"staff\":3}}]");
    let done = office
        .command("facts/imports", by, ("application/json", json.as_bytes()))
        .await;
    assert_eq!(done.json()["import"]["stated"], 1, "{}", done.text());
}

/// A dry run says what would be done now, whatever was done under its key.
#[tokio::test]
async fn a_dry_run_under_a_used_key_is_dry() {
    let office = Office::on(World::new(&[]).await, "2020-06-10");
    let csv = format!("party,year,staff\n{F},2019,3\n");
    let done = import(&office, "", ("reviewer", "k"), &csv).await.json();
    assert_eq!(done["import"]["stated"], 1, "{done}");
    let tried = import(&office, "?dry_run=true", ("reviewer", "k"), &csv).await;
    let tried = tried.json();
    assert_eq!(
        (&tried["entry"], &tried["import"]["unchanged"]),
        (&serde_json::Value::Null, &1.into()),
        "{tried}"
    );
    let other = csv.replace(",3", ",4");
    let tried = import(
        &office,
        "?dry_run=true&correct=true",
        ("reviewer", "k"),
        &other,
    )
    .await;
    assert_eq!(tried.json()["import"]["corrected"], 1, "{}", tried.text());
}

#[tokio::test]
async fn a_media_type_declares_the_encoding() {
    let office = Office::on(World::new(&[]).await, "2020-06-10");
    let csv = format!("party,年度,staff\n{F},2019,3\n");
    let (gbk, _, _) = encoding_rs::GBK.encode(&csv);
    let send = async |query: &str, media_type: &str, body: &[u8]| {
        let path = format!("facts/imports?dry_run=true{query}");
        let by = ("reviewer", "k");
        office.command(&path, by, (media_type, body)).await
    };
    for charset in ["gbk", "GB18030", "\"gb2312\""] {
        let read = send("", &format!("text/csv; charset={charset}"), &gbk).await;
        assert_eq!(read.json()["read_as"], "GB18030, as declared", "{charset}");
    }
    let wrong = send("", "text/csv; charset=utf-8", &gbk).await;
    assert_eq!(wrong.problem(), (422, "invalid".to_owned()));
    let unknown = send("", "text/csv; charset=latin1", &gbk).await;
    assert_eq!(
        unknown.problem(),
        (415, "unsupported_media_type".to_owned())
    );
    for (query, field) in [("&encoding=utf-8", "encoding"), ("&sheet=x", "sheet")] {
        let refused = send(query, "text/csv; charset=gbk", &gbk).await;
        assert_eq!(refused.problem(), (422, "invalid".to_owned()), "{query}");
        assert_eq!(refused.json()["field"], field);
    }
    let empty = send("", "application/json", b"[]").await;
    assert!(
        empty.text().contains("the array is empty"),
        "{}",
        empty.text()
    );
}

/// What is wrong with a file is told in the words of the request.
#[tokio::test]
async fn refusals_of_files_name_parameters() {
    let office = Office::on(World::new(&[]).await, "2020-06-10");
    let by = ("reviewer", "k");
    let good = format!("party,year,staff\n{F},2019,3\n");
    import(&office, "", by, &good).await.json();
    let by = ("reviewer", "k2");
    for (query, csv) in [
        ("?complete=true", good.clone()),
        ("?source=imported", good.clone()),
        (
            "?register=integrity&complete=true&from=2030-01-01",
            good.clone(),
        ),
        ("?source=verified", good.clone()),
        ("", good.replace(",3", ",4")),
        ("", good.replace("staff", "staf")),
        ("", good.replace("party", "firm")),
        ("", good.replace("year,", "").replace("2019,", "")),
        ("", good.replace(F, "X")),
        ("", "a\0".to_owned()),
    ] {
        let refused = import(&office, query, by, &csv).await;
        assert_eq!(
            refused.problem(),
            (422, "invalid".to_owned()),
            "{query} {csv}"
        );
        let said = refused.text();
        let of_a_command = [" --", "party import", "facts list", "must end in"];
        let cli = of_a_command.iter().find(|words| said.contains(**words));
        assert_eq!(cli, None, "{said}");
    }
}
