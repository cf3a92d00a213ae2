//! The log's files and receipts, checked with what the log room checks them with.

use subsidy_ledger::journal::AccountCode::{B10, B20};
use subsidy_ledger::log::tile::entry_ranges;
use subsidy_ledger::log::tree::Frontier;
use subsidy_ledger::log::{Checkpoint, LogVerifierKey, Receipt, leaf_hash};

use super::service::{Line, Service};

#[tokio::test]
async fn nothing_is_served_before_it_is_signed() {
    let service = Service::new().await;
    for path in ["checkpoint", "tile/0/000.p/1", "tile/entries/000.p/1"] {
        assert_eq!(
            service.get(&format!("/logs/SH/{path}")).await.problem().0,
            404,
            "{path}"
        );
    }
    let receipt = service.get("/v1/zones/SH/receipts/0").await;
    assert_eq!(receipt.problem(), (503, "not_signed_yet".to_owned()));
    assert_eq!(receipt.header("retry-after"), "1");
    service.sign().await; // one entry: the zone was founded
    service.record(&[(B10, B20, 1)], Line::default()).await;
    assert_eq!(service.get("/logs/SH/tile/0/000.p/1").await.status, 200);
    assert_eq!(
        service.get("/logs/SH/tile/0/000.p/2").await.status,
        404,
        "it is not signed"
    );
    assert_eq!(
        service.get("/logs/SH/tile/entries/000.p/2").await.status,
        404,
        "it is not signed"
    );
    assert_eq!(service.get("/v1/zones/SH/receipts/1").await.status, 503);
}

#[tokio::test]
async fn tiles_entries_checkpoint_and_receipts_agree() {
    let service = Service::new().await;
    for _ in 0..258 {
        service.record(&[(B10, B20, 1)], Line::default()).await;
    }
    service.sign().await;
    let key: LogVerifierKey = service
        .get("/logs/SH/vkey")
        .await
        .text()
        .trim()
        .parse()
        .unwrap();
    assert_eq!(key, service.signer.verifier());
    let note = service.get("/logs/SH/checkpoint").await;
    assert!(note.header("content-type").starts_with("text/plain"));
    assert_eq!(note.header("cache-control"), "public, max-age=2");
    let checkpoint = Checkpoint::verify(note.text(), &key).unwrap();
    assert_eq!(checkpoint.size(), 259);

    let mut tree = Frontier::new();
    let mut hashes = Vec::new();
    for (path, immutable) in [("000", true), ("001.p/3", false)] {
        let bundle = service.get(&format!("/logs/SH/tile/entries/{path}")).await;
        assert_eq!(bundle.header("content-type"), "application/octet-stream");
        assert_eq!(
            bundle.header("cache-control").contains("immutable"),
            immutable,
            "{path}"
        );
        for range in entry_ranges(&bundle.body).unwrap() {
            let leaf = leaf_hash(&bundle.body[range]);
            tree.extend(&[leaf]);
            hashes.extend(leaf.0);
        }
    }
    assert_eq!(tree.root(), checkpoint.root());
    let full = service.get("/logs/SH/tile/0/000").await.body;
    let partial = service.get("/logs/SH/tile/0/001.p/3").await.body;
    assert_eq!([full, partial].concat(), hashes);
    assert_eq!(service.get("/logs/SH/tile/1/000.p/1").await.body.len(), 32);
    // Clients may still ask for a partial tile that has filled since.
    assert_eq!(
        service.get("/logs/SH/tile/0/000.p/7").await.body,
        hashes[..7 * 32]
    );

    for index in [0, 255, 258] {
        let answer = service.get(&format!("/v1/zones/SH/receipts/{index}")).await;
        assert!(answer.header("content-type").starts_with("text/plain"));
        let receipt: Receipt = answer.text().parse().unwrap();
        assert_eq!(receipt.index, index);
        receipt.verify(&key).unwrap();
        let entry = service
            .get(&format!("/v1/zones/SH/entries/{index}"))
            .await
            .json();
        let body: serde_json::Value = serde_json::from_slice(&receipt.body).unwrap();
        assert_eq!(entry["entry"], body);
        assert_eq!(entry["leaf_hash"], leaf_hash(&receipt.body).to_string());
    }
}

#[tokio::test]
async fn paths_have_one_spelling() {
    let service = Service::new().await;
    service.sign().await;
    for path in [
        "tile/0/0.p/1",
        "tile/0/000.p/01",
        "tile/0/000.p/0",
        "tile/0/x000/000.p/1",
        "tile/8/000",
        "tile/00/000.p/1",
        "tile/entries/000.p/256",
        "tile/0/x999/x999/x999/x999/x999/x999/999",
        "tile/0/%30%30%30.p/2",
        "tile/..%2fcheckpoint",
        "tile/",
        "tile",
    ] {
        assert_eq!(
            service.get(&format!("/logs/SH/{path}")).await.problem().0,
            404,
            "{path}"
        );
    }
}
