use super::*;

fn map(extra: &str) -> AwardMap {
    let text = format!(
        "[columns]\nrecipient = 'who'\nprogramme = 'scheme'\ngranted = 'amount'\n{extra}\n\
         source = 'TEST'\ncurrency = 'EUR'\nanonymous = ['(person)']"
    );
    text.parse().unwrap()
}

fn read(csv: &str, map: &AwardMap) -> AwardFile {
    AwardFile::read("awards.csv", csv.as_bytes(), map).unwrap()
}

const IN_2016: &str = "[constants]\nyear = '2016'\n[options]";

#[test]
fn every_row_is_read_or_reported() {
    let map = map("year = 'year'\n[options]");
    let file = read(
        "who,scheme,amount,year\nA,S,10,2016\n,S,10,2016\nB,S,x,2016\nC,,1,2016\nD,S,,2016\nE,S,1,16\n\
         (person),S,0,2017\n",
        &map,
    );
    assert_eq!(file.row_count, 7);
    assert_eq!(file.rows.len() + file.errors.total(), 7);
    let wrong: Vec<(u64, &str)> = file
        .errors
        .kept()
        .iter()
        .map(|error| (error.row, error.column.as_deref().unwrap()))
        .collect();
    assert_eq!(
        wrong,
        [
            (3, "who"),
            (4, "amount"),
            (5, "scheme"),
            (6, "amount"),
            (7, "year")
        ]
    );
    assert_eq!(file.rows[0].day, "2016-01-01".parse().unwrap());
    assert_eq!(file.rows[1].recipient, Recipient::Anonymous);
    assert_eq!(file.rows[1].year(), FiscalYear(2017));
}

#[test]
fn a_day_goes_before_a_year() {
    let map = map("date = 'day'\n[options]");
    let file = read(
        "who,scheme,amount,day\nA,S,1,2016-12-31\nB,S,1,2016-02-30\nC,S,1,today\n",
        &map,
    );
    assert_eq!(file.rows[0].day, "2016-12-31".parse().unwrap());
    assert_eq!(file.errors.total(), 2);
}

#[test]
fn equal_rows_are_numbered_and_ids_are_not_repeated() {
    let twice = "who,scheme,amount\nA,S,1\nB,S,1\nA,S,1\n";
    let file = read(twice, &map(IN_2016));
    let keys: Vec<&RowKey> = file.rows.iter().map(|row| &row.key).collect();
    assert!(matches!(keys[0], RowKey::Content(_, 0)));
    assert!(matches!(keys[2], RowKey::Content(_, 1)));
    assert_eq!(file.rows[0].content, file.rows[2].content);
    assert_ne!(file.rows[0].content, file.rows[1].content);

    let with_id = map("id = 'id'\n[constants]\nyear = '2016'\n[options]");
    let file = read(
        "id,who,scheme,amount\n7,A,S,1\n8,A,S,1\n7,B,S,1\n",
        &with_id,
    );
    assert_eq!(file.rows.len(), 2);
    assert_eq!(file.errors.kept()[0].row, 4);
}

#[test]
fn texts_that_run_together_are_different_rows() {
    let map = map("project = 'what'\n[constants]\nyear = '2016'\n[options]");
    let file = read("who,what,scheme,amount\nAB,C,S,1\nA,BC,S,1\n", &map);
    assert_ne!(file.rows[0].content, file.rows[1].content);
    assert_eq!(file.rows[0].facts["project"], "C");
}

#[test]
fn codes_are_made_from_names() {
    for (name, code) in [
        ("Meedoen Noord", "MEEDOEN-NOORD"),
        ("Subsidie (2016)", "SUBSIDIE-2016"),
        ("Cliëntenparticipatie", "CLIENTENPARTICIPATIE"),
        // DIGEST stands for the first six digits of `printf %s NAME | sha256sum`.
        (
            "Nadere regels subsidie Kunst Cultuur West",
            "NADERE-REGELS-SUBSIDIE-KU-DIGEST",
        ),
        ("创新券2020", "2020-DIGEST"),
        ("创新券", "DIGEST"),
    ] {
        let digest = hex(&Sha256::digest(name))[..6].to_uppercase();
        let derived = derived_code(&name.parse().unwrap());
        assert_eq!(derived.as_str(), code.replace("DIGEST", &digest));
    }
}

#[test]
fn two_names_never_share_a_code() {
    let csv = "who,scheme,amount\nA,C++,1\nB,C,1\nC,C++,1\n";
    let file = read(csv, &map(IN_2016));
    assert_eq!(file.rows.len(), 2);
    assert_eq!(file.errors.kept()[0].row, 3);

    let named =
        map("[constants]\nyear = '2016'\n[options]\nprogrammes = { 'C++' = 'C-PLUS-PLUS' }");
    let file = read(csv, &named);
    assert_eq!(file.errors.total(), 0);
    assert_eq!(file.rows[0].programme.code.as_str(), "C-PLUS-PLUS");
}
