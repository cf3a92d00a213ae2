//! The first page, in both languages.

use insta::assert_snapshot;
use subsidy_ledger::journal::AccountCode::{
    B10, B20, B30, B40, B50, B60, B70, F1010, F1020, F2010, F3010, F5010,
};

use super::service::{Line, Service, found_zone};

async fn with_a_year() -> Service {
    let service = Service::new().await;
    let line = || Line::of("SH-2026", 2026);
    service
        .record(&[(B10, B20, 5_000_000), (F1010, F3010, 5_000_000)], line())
        .await;
    service.record(&[(B20, B30, 3_000_000)], line()).await;
    service.record(&[(B30, B40, 800_000)], line()).await;
    service.record(&[(B40, B50, 120_000)], line()).await;
    service
        .record(&[(B50, B60, 90_000), (F5010, F2010, 90_000)], line())
        .await;
    service.record(&[(F2010, F1020, 50_000)], line()).await;
    service
        .record(&[(F1020, F1010, 50_000), (B60, B70, 50_000)], line())
        .await;
    service.sign().await;
    service
}

/// From the first `begin` to the `end` after it.
fn part<'p>(page: &'p str, begin: &str, end: &str) -> &'p str {
    let start = page.find(begin).unwrap();
    let length = page[start..].find(end).unwrap();
    &page[start..start + length + end.len()]
}

#[tokio::test]
async fn the_budget_table_in_both_languages() {
    let service = with_a_year().await;
    for (language, tag) in [("zh", "zh-CN"), ("en", "en")] {
        let answer = service.get(&format!("/?lang={language}")).await;
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("content-language"), tag);
        assert!(answer.text().contains(&format!("<html lang=\"{tag}\">")));
        assert_snapshot!(
            format!("budget_{language}"),
            part(answer.text(), "<table", "</table>")
        );
        assert_snapshot!(
            format!("books_{language}"),
            part(answer.text(), "<table class=\"books\"", "</table>")
        );
    }
}

#[tokio::test]
async fn the_language_is_the_readers() {
    let service = Service::new().await;
    let ask = async |accept: &str| {
        let request = axum::http::Request::get("/").header("accept-language", accept);
        let answer = service
            .send(request.body(axum::body::Body::empty()).unwrap())
            .await;
        assert_eq!(answer.header("vary"), "Accept-Language");
        answer.header("content-language").to_owned()
    };
    assert_eq!(ask("en-GB,en;q=0.9").await, "en");
    assert_eq!(ask("fr").await, "zh-CN");
    assert_eq!(service.get("/?lang=xx").await.problem().0, 422);
    let empty = service.get("/?lang=en").await;
    assert!(empty.text().contains("No budget yet"));
    assert!(empty.text().contains("No checkpoint yet"));
}

#[tokio::test]
async fn the_log_is_shown_with_its_root_and_key() {
    let service = with_a_year().await;
    let page = service.get("/?lang=en").await;
    let note = service.get("/logs/SH/checkpoint").await;
    let root = note.text().lines().nth(2).unwrap().replace('+', "&#43;");
    assert!(page.text().contains(&root) || page.text().contains(&root.replace("&#43;", "+")));
    assert!(page.text().contains("All signed"));
    assert!(
        page.text().contains("2026-03-01 12:00:00 CST"),
        "in the zone's time"
    );
    service.record(&[(B10, B20, 1)], Line::default()).await;
    assert!(
        service
            .get("/?lang=en")
            .await
            .text()
            .contains("Being signed")
    );
}

#[tokio::test]
async fn several_zones_have_a_switcher_and_names_are_escaped() {
    let service = Service::new().await;
    assert!(
        !service
            .get("/?lang=en")
            .await
            .text()
            .contains("class=\"zones\"")
    );
    found_zone(&service.db, "YH", "玉环", "<script>alert({{7*7}})</script>").await;
    let page = service.get("/?lang=en&zone=YH").await;
    let switcher = part(page.text(), "<nav class=\"zones\"", "</nav>");
    assert!(switcher.contains("zone=SH\">Shanghai Zhangjiang<"));
    assert!(switcher.contains("zone=YH\" aria-current=\"page\">"));
    assert!(!page.text().contains("<script"));
    assert!(page.text().contains("{{7*7}}"));
    assert!(
        page.text().contains("/?lang=zh&#38;zone=YH"),
        "the language switch keeps the zone"
    );
}

#[tokio::test]
async fn files_of_the_page_are_kept_for_ever() {
    let service = Service::new().await;
    let page = service.get("/").await;
    let style = part(page.text(), "/static/ledger-", ".css");
    let answer = service.get(style).await;
    assert_eq!(answer.header("content-type"), "text/css; charset=utf-8");
    assert!(answer.header("cache-control").contains("immutable"));
    for outside in ["http://", "https://", "url(", "@import"] {
        assert!(!answer.text().contains(outside), "{outside}");
    }
    assert!(!page.text().contains("style=") && !page.text().contains("<script"));
}
