//! Working days, through the command line. It needs no database and makes no data folder.

use crate::kit::command::{json, refusal, temporary_folder, text};

#[test]
fn a_count_says_of_each_day_why_it_counts_or_not() {
    let folder = temporary_folder();
    let data = folder.path().join("none");
    let said = text(&data, &["calendar", "count", "2020-06-23", "3"]);
    insta::assert_snapshot!(said);
    let count = json(&data, &["calendar", "count", "2020-01-20", "5"]);
    assert_eq!(count["first"], "2020-01-21");
    assert_eq!(count["last"], "2020-02-04");
    assert_eq!(count["over_from"], "2020-02-05");
    let days = count["days"].as_array().unwrap();
    assert_eq!(days.len(), 15);
    let extended = serde_json::json!({
        "day": "2020-02-01", "number": null, "is": "holiday",
        "zh": "春节", "en": "Spring Festival", "circular": "国办发明电〔2020〕1号",
    });
    assert!(days.contains(&extended), "{count}");
    let beyond = text(&data, &["calendar", "count", "2026-12-30", "2"]);
    assert!(
        beyond.contains("2027-01-01  Fri       2  weekday; the year's holidays are not known here"),
        "{beyond}"
    );
    assert!(!data.exists());
}

#[test]
fn a_year_is_shown_with_its_circulars() {
    let folder = temporary_folder();
    let data = folder.path().join("none");
    insta::assert_snapshot!(text(&data, &["calendar", "show", "2020"]));
    let year = json(&data, &["calendar", "show", "2026"]);
    assert_eq!(year["working_days"], 248);
    assert_eq!(year["circulars"][0]["number"], "国办发明电〔2025〕7号");
    let (status, said) = refusal(&data, &["calendar", "show", "2019"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("only those of 2020 to 2026"), "{said}");
    let (status, _) = refusal(&data, &["calendar", "count", "2020-02-30", "1"]);
    assert_eq!(status, Some(2));
}
