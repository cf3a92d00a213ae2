//! Documents of cases: which are kept, that they stay what they were, and that one which two cases rest on is told.

use std::fs;
use std::io::{Cursor, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use subsidy_ledger::config::EvidenceTarget;
use subsidy_ledger::evidence::{
    self, Added, Condition, Document, EvidenceError, MediaType, Objects, ObjectsError, Unfit,
};
use subsidy_ledger::policy::Sha256;
use subsidy_ledger::types::HoldId;
use subsidy_ledger::voucher::Redeem;
use zip::write::SimpleFileOptions;

use crate::kit::command::{json, ledger, refusal, temporary_folder, text};
use crate::kit::scenario::{Step, World};
use crate::kit::table::Play;

const LIMIT: u64 = 1024 * 1024;

pub(crate) fn inspect(bytes: &[u8]) -> Result<Document, Unfit> {
    evidence::inspect(&mut Cursor::new(bytes), LIMIT)
}

/// An archive with these parts.
fn archive(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An office document whose main part is of this type, with another part.
fn office(main: &str, part: &str) -> Vec<u8> {
    let types = format!(
        r#"<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/main.xml" ContentType="application/vnd.{main}+xml"/></Types>"#
    );
    archive(&[("[Content_Types].xml", &types), (part, "…")])
}

/// The beginning of a PNG image, as far as its size.
fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1A\n\0\0\0\rIHDR".to_vec();
    bytes.extend(width.to_be_bytes());
    bytes.extend(height.to_be_bytes());
    bytes.extend([8, 2, 0, 0, 0]);
    bytes
}

/// A JPEG image without its picture.
fn jpeg(width: u16, height: u16) -> Vec<u8> {
    let mut bytes =
        b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0\xFF\xC0\0\x11\x08".to_vec();
    bytes.extend(height.to_be_bytes());
    bytes.extend(width.to_be_bytes());
    bytes.extend(*b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xFF\xD9");
    bytes
}

/// A TIFF image's directory, with nothing but its size.
fn tiff(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = b"II*\0\x08\0\0\0\x02\0".to_vec();
    for (tag, value) in [(256_u16, width), (257, height)] {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(*b"\x04\0\x01\0\0\0");
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

const INVOICE: &str = "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<EInvoice><Header>电子发票</Header></EInvoice>";

pub(crate) const PDF: &[u8] =
    b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n";

#[test]
fn a_document_is_what_its_bytes_say() {
    let word = "openxmlformats-officedocument.wordprocessingml.document.main";
    let sheet = "openxmlformats-officedocument.spreadsheetml.sheet.main";
    for (bytes, expected) in [
        (PDF.to_vec(), MediaType::Pdf),
        (png(9_933, 7_016), MediaType::Png),
        (jpeg(2_480, 3_508), MediaType::Jpeg),
        (tiff(2_480, 3_508), MediaType::Tiff),
        (
            archive(&[("OFD.xml", "<OFD/>"), ("Doc_0/Document.xml", "")]),
            MediaType::Ofd,
        ),
        (office(word, "word/document.xml"), MediaType::Docx),
        (office(sheet, "xl/workbook.xml"), MediaType::Xlsx),
        (INVOICE.as_bytes().to_vec(), MediaType::Xml),
    ] {
        let found = inspect(&bytes).unwrap();
        assert_eq!(found.media_type, expected);
        assert_eq!(found.sha256, Sha256::of(&bytes));
        assert_eq!(found.bytes, u64::try_from(bytes.len()).unwrap());
        assert_eq!(expected.as_str().parse(), Ok(expected));
    }
}

/// Text that begins like XML, and why it is not kept.
fn texts() -> Vec<(Vec<u8>, &'static str)> {
    vec![
        (
            b"<!DOCTYPE html><html></html>".to_vec(),
            "document type declaration",
        ),
        (b"<html><body></body></html>".to_vec(), "an HTML page"),
        (b" \n<HTML><p>a<br></HTML>".to_vec(), "an HTML page"),
        (
            b"<a><script>alert(1)</script></a>".to_vec(),
            "an HTML page, or has one",
        ),
        (
            b"<a xmlns:h='http://www.w3.org/1999/xhtml'><h:p/></a>".to_vec(),
            "an HTML page, or has one",
        ),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
            "an SVG image",
        ),
        (
            b"<?xml version='1.0'?><x:g xmlns:x='http://www.w3.org/2000/svg'/>".to_vec(),
            "an SVG image",
        ),
        (
            b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>".to_vec(),
            "document type declaration",
        ),
        (
            b"<?mso-application progid='Excel.Sheet'?><Workbook/>".to_vec(),
            "for another program to show",
        ),
        (
            b"<a><b></a>".to_vec(),
            "begins like application/xml, but is damaged",
        ),
        (b"<a>".to_vec(), "ends before its elements do"),
        (b"<a/><b/>".to_vec(), "b follows its end"),
    ]
}

/// Whatever a file is called: there is no name here.
#[test]
fn what_is_no_document_is_refused_by_name() {
    let word = "openxmlformats-officedocument.wordprocessingml.document.main";
    let macros = "ms-excel.sheet.macroenabled.main";
    let slides = "openxmlformats-officedocument.presentationml.presentation.main";
    let mut program = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xFF\xFF\0\0".to_vec();
    program.resize(512, 0);
    let mut elf = b"\x7FELF\x02\x01\x01\0".to_vec();
    elf.resize(512, 0);
    let others = [
        (Vec::new(), "the document is empty"),
        (vec![b'%'; 1024 * 1024 + 1], "more than 1048576 bytes"),
        (
            program,
            "of the type application/vnd.microsoft.portable-executable",
        ),
        (elf, "of the type application/x-executable"),
        (
            b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".to_vec(),
            "the document is of ",
        ),
        (b"hello".to_vec(), "of no known type"),
        (archive(&[("readme.txt", "…")]), "is a ZIP archive"),
        (b"PK\x03\x04 and no more".to_vec(), "a damaged ZIP archive"),
        (office(macros, "xl/workbook.xml"), "with macros"),
        (office(word, "word/vbaProject.bin"), "with macros"),
        (office(slides, "ppt/presentation.xml"), "of another kind"),
        (png(50_000, 50_000), "the image has 50000 by 50000 pixels"),
        (jpeg(50_000, 50_000), "the image has 50000 by 50000 pixels"),
        (tiff(50_000, 50_000), "the image has 50000 by 50000 pixels"),
        (
            b"\x89PNG\r\n\x1A\n".to_vec(),
            "begins like image/png, but is damaged",
        ),
    ];
    for (bytes, expected) in others.into_iter().chain(texts()) {
        let refused = inspect(&bytes).unwrap_err().to_string();
        assert!(refused.contains(expected), "{refused}\nnot: {expected}");
    }
}

#[test]
fn a_document_is_what_was_said_of_it_or_refused() {
    let pdf = inspect(PDF).unwrap();
    let other = Sha256::of(b"another");
    let refused = pdf.require(Some(MediaType::Png), None).unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("said to be image/png, and is application/pdf")
    );
    let refused = pdf.require(None, Some(other)).unwrap_err();
    assert!(matches!(refused, Unfit::Digest { declared, .. } if declared == other));
    assert!(pdf.require(Some(MediaType::Pdf), Some(pdf.sha256)).is_ok());
}

pub(crate) async fn add(
    world: &World,
    who: &str,
    document: Document,
    key: Option<&str>,
) -> Result<Added, EvidenceError> {
    let caller = world.caller(who, "2020-05-01", key);
    world
        .one(caller, document, |conn, command, document| {
            Box::pin(async move { evidence::add(conn, &command, document).await })
        })
        .await
}

#[tokio::test]
async fn a_document_has_one_entry_whoever_adds_it() {
    let world = World::new(&[]).await;
    let document = inspect(PDF).unwrap();
    let size = world.size().await;
    let all = (0..8).map(|_| add(&world, "p", document, None));
    let added: Vec<Added> = futures::future::try_join_all(all).await.unwrap();
    assert_eq!(added.iter().filter(|one| one.is_new).count(), 1);
    assert!(
        added
            .iter()
            .all(|one| one.entry.0 == size && one.document == document)
    );
    assert_eq!(world.size().await, size + 1);

    let invoice = inspect(INVOICE.as_bytes()).unwrap();
    let first = add(&world, "f", invoice, Some("k")).await.unwrap();
    assert_eq!(add(&world, "f", invoice, Some("k")).await.unwrap(), first);
    let conflict = add(&world, "f", document, Some("k")).await.unwrap_err();
    assert!(matches!(conflict, EvidenceError::Recall(_)), "{conflict}");
    let forbidden = add(&world, "auditor", invoice, None).await.unwrap_err();
    assert!(
        matches!(forbidden, EvidenceError::Forbidden(_)),
        "{forbidden}"
    );
    assert_eq!(world.size().await, size + 2);

    let kept = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            let digests = [
                Sha256::of(INVOICE.as_bytes()),
                Sha256::of(PDF),
                Sha256::of(b"x"),
            ];
            Box::pin(async move { evidence::known(conn, *zone, &digests).await })
        });
    let kept: Vec<Sha256> = kept.await.unwrap().iter().map(|one| one.sha256).collect();
    assert_eq!(kept, [document.sha256, invoice.sha256]);
    world.check_invariants().await;
}

/// Bytes are stored under nothing but the zone's code and their hash, for their owner only, in parts where they are many.
#[tokio::test]
async fn what_is_stored_is_told_when_it_is_no_longer_the_same() {
    let world = World::new(&[]).await;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("evidence");
    let objects = Objects::open(&EvidenceTarget::Folder(place.clone())).unwrap();
    let mode = fs::metadata(&place).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
    let zone = &world.zone;

    let mut long = PDF.to_vec();
    long.resize(11 * 1024 * 1024 + 7, b'\n');
    for bytes in [PDF, &long] {
        let mut cursor = Cursor::new(bytes);
        let document = evidence::inspect(&mut cursor, 1 << 30).unwrap();
        objects.put(zone, &document, bytes).await.unwrap();
        let added = add(&world, "p", document, None).await.unwrap();
        let kept = evidence::store::Kept {
            sha256: document.sha256,
            bytes: document.bytes,
            media_type: document.media_type,
            added_index: added.entry,
        };
        let digest = document.sha256.to_string();
        let file = place.join("TEST").join(&digest[..2]).join(&digest);
        assert_eq!(fs::read(&file).unwrap(), bytes);
        let mut copied = Vec::new();
        let copy = evidence::copy(&objects, zone, &kept, &mut copied).await;
        assert_eq!((copy.unwrap(), &copied[..]), (Condition::Whole, bytes));

        let mut altered = bytes.to_vec();
        altered[3] ^= 1;
        fs::write(&file, &altered).unwrap();
        let expected = Condition::Altered {
            found_sha256: Sha256::of(&altered),
            found_bytes: document.bytes,
        };
        let found = evidence::condition(&objects, zone, &kept).await.unwrap();
        assert_eq!(found, expected);
        fs::remove_file(&file).unwrap();
        let found = evidence::condition(&objects, zone, &kept).await.unwrap();
        assert_eq!(found, Condition::Missing);

        // A file that changes between its inspection and its copy is not kept under a name that is another's.
        let changed = objects
            .put(zone, &document, &altered[..])
            .await
            .unwrap_err();
        assert!(matches!(changed, ObjectsError::Changed), "{changed}");
        assert!(!file.exists());
        objects.put(zone, &document, bytes).await.unwrap();
        let found = evidence::condition(&objects, zone, &kept).await.unwrap();
        assert_eq!(found, Condition::Whole);
    }
}

/// A place that is no folder is an error that names it.
#[test]
fn a_place_that_can_not_be_used_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let refused = Objects::open(&EvidenceTarget::Folder(file.path().join("in"))).unwrap_err();
    let place = file.path().display().to_string();
    assert!(refused.to_string().contains(&place), "{refused}");
}

/// Two vouchers' orders with the same invoice, and one with its own.
pub(crate) async fn redeemed_twice() -> (World, [HoldId; 3]) {
    let mut play = Play::new(&[("SH", 2020, 1_000_000)]).await;
    play.check(
        "day       | who      | command    | outcome
        2020-05-01 | clerk    | apply a SH f applicant_kind=enterprise service_price=200000.00 | pass 100000.00
        2020-05-02 | reviewer | review a   | recommended 100000.00
        2020-05-03 | manager  | issue a    | issued 100000.00 last_day=2020-12-31
        2020-05-04 | f        | hold h a p 20000.00 | held 10000.00 own_share=10000.00
        2020-05-04 | f        | hold i a p 40000.00 | held 20000.00 own_share=20000.00
        2020-05-04 | f        | hold j a p 20000.00 | held 10000.00 own_share=10000.00",
    )
    .await;
    let holds = ["h", "i", "j"].map(|name| play.hold(name));
    (play.world, holds)
}

pub(crate) fn redeem(hold: HoldId, price: &str, documents: &[&[u8]]) -> Step {
    let digests = documents.iter().map(|bytes| Sha256::of(bytes).to_string());
    Step::Redeem(Redeem {
        evidence: digests.collect(),
        hold,
        price: price.to_owned(),
    })
}

#[tokio::test]
async fn a_document_of_two_cases_is_told() {
    let (world, [h, i, j]) = redeemed_twice().await;
    let caller = || world.caller("p", "2020-05-05", None);
    let (_, first) = world
        .give(caller(), redeem(h, "20000.00", &[PDF, b"report"]))
        .await
        .unwrap();
    assert_eq!(first["reused_evidence"], serde_json::Value::Null);
    // In one batch: each sees those before it.
    let given = world
        .try_give(vec![
            (caller(), redeem(i, "40000.00", &[PDF, PDF, b"its own"])),
            (caller(), redeem(j, "20000.00", &[b"its own", PDF])),
        ])
        .await
        .unwrap();
    let reused = |at: usize| {
        let (_, answer) = given[at].as_ref().unwrap();
        assert_eq!(answer["outcome"], "redeemed");
        answer["reused_evidence"].clone()
    };
    let (pdf, own) = (
        Sha256::of(PDF).to_string(),
        Sha256::of(b"its own").to_string(),
    );
    assert_eq!(reused(0), serde_json::json!([pdf]));
    assert_eq!(reused(1), serde_json::json!([own, pdf]));

    let reused = world
        .db
        .app()
        .read(world.zone.id, world.zone.id, |conn, zone| {
            Box::pin(evidence::store::reused(conn, *zone))
        });
    let reused = reused.await.unwrap();
    let cases = |bytes: &[u8]| -> Vec<HoldId> {
        let of = reused.iter().filter(|one| one.sha256 == Sha256::of(bytes));
        of.map(|one| HoldId(one.case_id)).collect()
    };
    assert_eq!(cases(PDF), [h, i, j]);
    assert_eq!(cases(b"its own"), [i, j]);
    assert_eq!(cases(b"report"), []);
    world.check_invariants().await;
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A ledger with one person who brings documents.
fn set_up(data: &Path) {
    text(data, &["migrate"]);
    for command in [
        "zone create SH --name-zh 上海 --name-en Shanghai",
        "person add li --name 李 --role reviewer --as system",
        "person add au --name 审 --role auditor --as system",
    ] {
        text(data, &command.split(' ').collect::<Vec<_>>());
    }
}

#[test]
fn documents_are_kept_got_and_checked_by_commands() {
    let folder = temporary_folder();
    let data = folder.path();
    set_up(data);
    let digest = Sha256::of(PDF).to_string();
    let pdf = write(data, "invoice.pdf", PDF);
    let said = text(data, &["evidence", "add", &pdf, "--as", "li"]);
    assert!(
        said.starts_with(&format!(
            "{digest}\nkept, 54 bytes, application/pdf, entry "
        )),
        "{said}"
    );
    let again = json(
        data,
        &["evidence", "add", &pdf, "--as", "li", "--sha256", &digest],
    );
    assert_eq!(
        (&again["is_new"], &again["uses"]),
        (&false.into(), &serde_json::json!([]))
    );
    assert_eq!(again["document"], serde_json::Value::Null);
    assert_eq!(again["sha256"], digest);

    let got = ledger(data, &["evidence", "get", &digest])
        .output()
        .unwrap();
    assert!(got.status.success() && got.stdout == PDF);
    let listed = json(data, &["evidence", "list"]);
    assert_eq!(listed[0]["media_type"], "application/pdf");
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let none = text(data, &["evidence", "list", "--reused"]);
    assert_eq!(none, "no document is used by more than one case\n");
    assert!(text(data, &["evidence", "check"]).contains("1 document hashed in "));
    text(data, &["verify"]);

    refused_documents(data, &pdf);
    lost_and_found(data, &pdf, &digest);
}

/// Refused before anything is stored, and with a name that can write nothing to a terminal.
fn refused_documents(data: &Path, pdf: &str) {
    let html = write(data, "\u{1b}[31minvoice\r\n.pdf", b"<html></html>");
    let said = |arguments: &[&str]| {
        let (status, said) = refusal(data, &[&["evidence", "add"], arguments].concat());
        assert_eq!(status, Some(1), "{said}");
        said
    };
    let html = said(&[&html, "--as", "li"]);
    assert!(
        html.contains("\\u{1b}[31minvoice\\r\\n.pdf\" was not added"),
        "{html}"
    );
    assert!(html.contains("is an HTML page"), "{html}");
    let large = said(&[pdf, "--as", "li", "--limit", "53"]);
    assert!(large.contains("more than 53 bytes"), "{large}");
    let other = Sha256::of(b"").to_string();
    let digest = said(&[pdf, "--as", "li", "--sha256", &other]);
    assert!(digest.contains("was said to have the SHA-256"), "{digest}");
    let declared = said(&[pdf, "--as", "li", "--media-type", "image/png"]);
    assert!(declared.contains("was said to be image/png"), "{declared}");
    let auditor = said(&[pdf, "--as", "au"]);
    assert!(auditor.contains("role"), "{auditor}");
    let folder = said(&[data.to_str().unwrap(), "--as", "li"]);
    assert!(folder.contains("not a file"), "{folder}");
    let (_, unknown) = refusal(data, &["evidence", "get", &other]);
    assert!(unknown.contains("no document"), "{unknown}");
}

/// What was altered or lost is named, not given out, and mended by adding it again.
fn lost_and_found(data: &Path, pdf: &str, digest: &str) {
    let stored = data.join("evidence/SH").join(&digest[..2]).join(digest);
    fs::write(&stored, b"%PDF-another").unwrap();
    let found = ledger(data, &["evidence", "check", "--json"])
        .output()
        .unwrap();
    assert_eq!(found.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&found.stdout).unwrap();
    assert_eq!(found["findings"][0]["condition"], "altered");
    assert_eq!(found["findings"][0]["found_bytes"], 12);
    let got = ledger(data, &["evidence", "get", digest]).output().unwrap();
    assert!(!got.status.success() && got.stdout.is_empty());
    fs::remove_file(&stored).unwrap();
    let (status, said) = refusal(data, &["evidence", "get", digest]);
    assert_eq!(status, Some(1));
    assert!(said.contains("is missing in "), "{said}");
    text(data, &["evidence", "add", pdf, "--as", "li"]);
    text(data, &["evidence", "check"]);
    let elsewhere = data.join("elsewhere");
    let elsewhere = ["evidence", "check", "--store", elsewhere.to_str().unwrap()];
    let missing = ledger(data, &elsewhere).output().unwrap();
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stdout).contains(": missing\n1 document hashed in "));
}
