use super::*;
use crate::payment::iso20022::{Message, sniff};

const HEAD: &str = "<GrpHdr><MsgId>B1</MsgId><CreDtTm>2020-05-08T20:00:00</CreDtTm></GrpHdr>";
const ACCOUNT: &str =
    "<Acct><Id><Othr><Id>3105 0161-3600 0000 1234</Id></Othr></Id><Ccy>CNY</Ccy></Acct>";

fn file(version: &str, inner: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"{NAMESPACE}{version}\">\n<BkToCstmrStmt>\n{HEAD}\n\
         {inner}\n</BkToCstmrStmt>\n</Document>\n"
    )
}

fn balance(code: &str, amount: &str, direction: &str) -> String {
    format!(
        "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"CNY\">{amount}</Amt>\
         <CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>2020-05-08</Dt></Dt></Bal>\n"
    )
}

fn entry(amount: &str, direction: &str, rest: &str) -> String {
    format!(
        "<Ntry><Amt Ccy=\"CNY\">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
         <BookgDt><Dt>2020-05-08</Dt></BookgDt><AcctSvcrRef>E9</AcctSvcrRef>\
         <BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>ICDT</Cd><SubFmlyCd>DMCT</SubFmlyCd></Fmly></Domn></BkTxCd>{rest}</Ntry>\n"
    )
}

fn statement_of(balances: &str, entries: &str) -> String {
    format!("<Stmt><Id>S1</Id>{ACCOUNT}\n{balances}{entries}</Stmt>")
}

/// Opening 1,000.00, closing as given.
fn day(closing: &str, entries: &str) -> String {
    let balances = balance("OPBD", "1000.00", "CRDT") + &balance("CLBD", closing, "CRDT");
    file("08", &statement_of(&balances, entries))
}

fn read(file: &str) -> Result<Vec<Statement>, FileError> {
    read_statements(file.as_bytes(), Currency::Cny)
}

const DETAILS: &str = "<NtryDtls><Btch><NbOfTxs>2</NbOfTxs><TtlAmt Ccy=\"CNY\">300.00</TtlAmt></Btch>\
    <TxDtls><Refs><AcctSvcrRef>T1</AcctSvcrRef><EndToEndId>P1-1</EndToEndId></Refs><Amt Ccy=\"CNY\">100.00</Amt>\
    <CdtDbtInd>DBIT</CdtDbtInd><RltdPties><Cdtr><Pty><Nm>甲公司</Nm></Pty></Cdtr><CdtrAcct><Id><Othr><Id>6222 0001</Id>\
    </Othr></Id></CdtrAcct></RltdPties><RmtInf><Ustrd>SH-VOUCHER</Ustrd><Ustrd>2020</Ustrd></RmtInf></TxDtls>\
    <TxDtls><Refs><EndToEndId>P1-2</EndToEndId></Refs><Amt Ccy=\"CNY\">200.00</Amt><CdtDbtInd>DBIT</CdtDbtInd></TxDtls>\
    </NtryDtls>";

#[test]
fn a_batch_that_was_booked_at_once_is_its_payments() {
    let entries = entry("300.00", "DBIT", DETAILS)
        + &entry("50.00", "CRDT", "<AddtlNtryInf>interest</AddtlNtryInf>");
    let statements = read(&day("750.00", &entries)).unwrap();
    let [statement] = statements.as_slice() else {
        panic!("{statements:?}");
    };
    assert_eq!(
        (statement.account.as_str(), statement.opening.amount.minor()),
        ("31050161360000001234", 100_000)
    );
    assert_eq!(
        (
            statement.closing.amount.minor(),
            statement.closing.day.to_string().as_str()
        ),
        (75_000, "2020-05-08")
    );
    let lines: Vec<_> = statement
        .lines
        .iter()
        .map(|line| {
            (
                line.direction,
                line.amount.minor(),
                line.end_to_end_id.as_deref(),
                line.reference.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (Direction::Debit, 10_000, Some("P1-1"), Some("T1")),
            (Direction::Debit, 20_000, Some("P1-2"), Some("E9")),
            (Direction::Credit, 5_000, None, Some("E9")),
        ]
    );
    let first = &statement.lines[0];
    assert_eq!(
        (first.party.as_deref(), first.account.as_deref()),
        (Some("甲公司"), Some("62220001"))
    );
    assert_eq!(
        (first.code.as_deref(), first.information.as_deref()),
        (Some("PMNT/ICDT/DMCT"), Some("SH-VOUCHER 2020"))
    );
    assert_eq!(statement.lines[2].information.as_deref(), Some("interest"));
}

/// The older form: a bare status, parties without `Pty`, the amount in `AmtDtls`, times instead of days.
#[test]
fn older_versions_are_read_alike() {
    let entry = entry(
        "100.00",
        "DBIT",
        "<NtryDtls><TxDtls><Refs><EndToEndId>P1-1</EndToEndId><TxId>X1</TxId></Refs><AmtDtls><TxAmt>\
         <Amt Ccy=\"CNY\">100.00</Amt></TxAmt></AmtDtls><RltdPties><Cdtr><Nm>A &amp; B</Nm></Cdtr></RltdPties></TxDtls></NtryDtls>",
    )
    .replace("<Sts><Cd>BOOK</Cd></Sts>", "<Sts>BOOK</Sts>")
    .replace("<Dt>2020-05-08</Dt></BookgDt>", "<DtTm>2020-05-08T23:59:00+08:00</DtTm></BookgDt>");
    let balances = balance("PRCD", "1000", "CRDT") + &balance("CLBD", "0900.0", "CRDT");
    let statements = read(&file("02", &statement_of(&balances, &entry))).unwrap();
    let line = &statements[0].lines[0];
    assert_eq!(
        (line.party.as_deref(), line.reference.as_deref()),
        (Some("A & B"), Some("X1"))
    );
    assert_eq!(line.booked_on.to_string(), "2020-05-08");
}

#[test]
fn pending_entries_move_nothing_and_charges_are_a_line() {
    let charged = entry(
        "101.50",
        "DBIT",
        "<Chrgs><Rcrd><Amt Ccy=\"CNY\">1.50</Amt></Rcrd></Chrgs><NtryDtls><TxDtls>\
        <Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><Amt Ccy=\"CNY\">100.00</Amt></TxDtls></NtryDtls>",
    );
    let pending = entry("7.00", "DBIT", "").replace("BOOK", "PDNG");
    let back = entry("20.00", "CRDT", "").replace("<Sts>", "<RvslInd>true</RvslInd><Sts>");
    let statements = read(&day("918.50", &(charged + &pending + &back))).unwrap();
    let lines: Vec<_> = statements[0]
        .lines
        .iter()
        .map(|line| {
            (
                line.amount.minor(),
                line.end_to_end_id.as_deref(),
                line.is_return,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            (10_000, None, false),
            (150, None, false),
            (2_000, None, true)
        ]
    );
    assert_eq!(statements[0].unbooked, 1);
}

#[test]
fn an_overdrawn_account_and_several_statements_add_up() {
    let first = statement_of(
        &(balance("OPBD", "100.00", "CRDT") + &balance("CLBD", "200.00", "DBIT")),
        &entry("300.00", "DBIT", DETAILS),
    );
    let second = statement_of(
        &(balance("OPBD", "200.00", "DBIT") + &balance("ITBD", "200.00", "DBIT")),
        "",
    );
    let statements = read(&file("13", &(first + &second))).unwrap();
    let closings: Vec<_> = statements
        .iter()
        .map(|one| one.closing.amount.minor())
        .collect();
    assert_eq!(closings, [-20_000, -20_000]);
}

#[test]
fn as_many_indented_entries_as_there_are_are_read() {
    let one = format!("\n        {}", entry("0.01", "DBIT", ""));
    let statements = read(&day("950.00", &one.repeat(5_000))).unwrap();
    assert_eq!(statements.first().map(|one| one.lines.len()), Some(5_000));
}

#[test]
fn sums_that_do_not_agree_are_named_with_their_place() {
    let summary = "<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries></TtlNtries></TxsSummry>";
    let sum = "<TxsSummry><TtlDbtNtries><NbOfNtries>1</NbOfNtries><Sum>299.99</Sum></TtlDbtNtries></TxsSummry>";
    let whole = entry("300.00", "DBIT", DETAILS);
    for (closing, entries, why) in [
        (
            "700.01",
            whole.clone(),
            "BkToCstmrStmt/Stmt: opening balance 1000.00 and credits 0.00 less debits 300.00 make 700.00, but the closing balance is 700.01",
        ),
        (
            "700.00",
            whole.replace("<NbOfTxs>2", "<NbOfTxs>3"),
            "Stmt/Ntry: NbOfTxs of its batch is 3, 2 are listed",
        ),
        (
            "700.00",
            whole.replace("TtlAmt Ccy=\"CNY\">300", "TtlAmt Ccy=\"CNY\">301"),
            "TtlAmt of its batch is 301.00",
        ),
        (
            "700.00",
            whole
                .replace(">200.00", ">199.00")
                .replace("<TtlAmt Ccy=\"CNY\">300.00</TtlAmt>", ""),
            "the entry moves -300.00, its details move -299.00",
        ),
        (
            "700.00",
            whole.replace("<Amt Ccy=\"CNY\">200.00</Amt>", ""),
            "have no amount",
        ),
        (
            "700.00",
            format!("{summary}{whole}"),
            "it counts 3 entries, there are 1",
        ),
        (
            "700.00",
            format!("{sum}{whole}"),
            "sums entries up to 299.99, they are 300.00",
        ),
    ] {
        let error = read(&day(closing, &entries)).unwrap_err();
        assert!(error.to_string().contains(why), "{why}: {error}");
        assert!(matches!(error, FileError::Sums { .. }), "{error:?}");
    }
}

#[test]
fn what_is_no_statement_of_the_zone_is_refused_by_name() {
    let good = day("700.00", &entry("300.00", "DBIT", DETAILS));
    read(&good).unwrap();
    let bomb = "<!DOCTYPE Document [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]>\n";
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    for (bad, why) in [
        (
            good.replace(declaration, &format!("{declaration}{bomb}")),
            "line 2 has a document type",
        ),
        (good.replace("甲公司", "&xxe;"), "has the entity &xxe;"),
        (
            good.replace("08\">", "08\" a=\"&b;\">"),
            "has the entity &b;",
        ),
        (
            good.replace("camt.053", "camt.054"),
            "is \"urn:iso:std:iso:20022:tech:xsd:camt.054.001.08\"",
        ),
        (good.replace("053.001.08", "053.001.01"), "001.02 to"),
        (
            good.replace("<Ccy>CNY", "<Ccy>USD"),
            "Acct/Ccy is \"USD\": the zone's books are in CNY",
        ),
        (
            good.replace("Ccy=\"CNY\">100.00", "Ccy=\"EUR\">100.00"),
            "is in EUR, the zone's books are in CNY",
        ),
        (
            good.replace("Ccy=\"CNY\">100.00", ">100.00"),
            "no attribute Ccy",
        ),
        (
            good.replace(">100.00", ">100.001"),
            "TxDtls/Amt is \"100.001\": has more decimals than CNY",
        ),
        (good.replace(">100.00", ">1e2"), "is no amount"),
        (good.replace(">100.00", ">-100.00"), "is no amount"),
        (good.replace("BOOK", "GONE"), "is no status of an entry"),
        (good.replace("2020-05-08", "2020-02-30"), "is no day"),
        (good.replace("OPBD", "FWAV"), "no opening balance"),
        (good.replace("CLBD", "FWAV"), "no closing balance"),
        (
            good.replace("</Document>", "</Document><Document/>"),
            "something follows the message",
        ),
        (good.replace("</Stmt>", "</Smt>"), "Stmt"),
        ("id,amount\n1,2\n".to_owned(), "not well-formed"),
        (String::new(), "the file ends inside"),
    ] {
        let error = read(&bad).unwrap_err().to_string();
        assert!(error.contains(why), "{why}: {error}");
    }
}

/// Wherever a file is cut off, it is refused, and says where.
#[test]
fn a_file_that_is_cut_off_is_refused() {
    let good = day("700.00", &entry("300.00", "DBIT", DETAILS));
    let end = good.rfind("</Document>").unwrap();
    for at in (0..end + 10).filter(|at| good.is_char_boundary(*at)) {
        assert!(read(&good[..at]).is_err(), "cut at {at}");
    }
    let cut = good.find("<RmtInf>").unwrap();
    let error = read(&good[..cut]).unwrap_err().to_string();
    assert!(
        error.contains("the file ends inside line ") && error.contains("Ntry/NtryDtls/TxDtls:"),
        "{error}"
    );
}

#[test]
fn files_in_chinese_encodings_are_read_as_they_say() {
    let good = day("700.00", &entry("300.00", "DBIT", DETAILS));
    let (bytes, ..) = encoding_rs::GB18030.encode(&good);
    assert!(matches!(
        read_statements(&bytes, Currency::Cny),
        Err(FileError::Encoding("UTF-8"))
    ));
    let declared = good.replace("UTF-8", "GB18030");
    let (bytes, ..) = encoding_rs::GB18030.encode(&declared);
    let statements = read_statements(&bytes, Currency::Cny).unwrap();
    assert_eq!(statements[0].lines[0].party.as_deref(), Some("甲公司"));
}

#[test]
fn a_file_says_which_message_it_is() {
    assert_eq!(sniff(day("1000.00", "").as_bytes()), Some(Message::Camt053));
    let other = day("1000.00", "").replace("camt.053.001.08", "pain.002.001.03");
    assert_eq!(sniff(other.as_bytes()), Some(Message::Pain002));
    for none in ["end_to_end_id,amount\nP1-1,1.00\n", ""] {
        assert_eq!(sniff(none.as_bytes()), None, "{none}");
    }
    // Whose reader says what it is instead.
    for other in ["<Document/>", "<a xmlns=\"b\"/>"] {
        assert_eq!(sniff(other.as_bytes()), Some(Message::Camt053), "{other}");
    }
}
