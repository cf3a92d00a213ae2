use super::*;

const FIELDS: &[Field] = &[
    Field {
        name: "name",
        headers: &["名称", "Naam"],
        required: true,
    },
    Field {
        name: "amount",
        headers: &["金额"],
        required: false,
    },
];

fn csv(text: &str) -> Result<Table, ReadError> {
    Table::read(text.as_bytes(), Format::Csv, &ReadOptions::default())
}

fn json(text: &str) -> Result<Table, ReadError> {
    Table::read(text.as_bytes(), Format::Json, &ReadOptions::default())
}

fn xlsx(fill: impl FnOnce(&mut rust_xlsxwriter::Worksheet)) -> Vec<u8> {
    let mut book = rust_xlsxwriter::Workbook::new();
    fill(book.add_worksheet());
    book.save_to_buffer().unwrap()
}

/// Row numbers and cells, as text.
fn shown(table: &Table) -> Vec<(u64, Vec<String>)> {
    let cells = |row: &Row| row.cells.iter().map(str::to_owned).collect();
    table
        .rows
        .iter()
        .map(|row| (row.number, cells(row)))
        .collect()
}

fn row(number: u64, cells: &[&str]) -> (u64, Vec<String>) {
    (
        number,
        cells.iter().map(|cell| (*cell).to_owned()).collect(),
    )
}

fn row_errors(result: Result<Table, ReadError>) -> Vec<String> {
    match result {
        Err(ReadError::Rows(errors)) => errors.kept().iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn csv_rows_keep_the_lines_that_a_person_sees() {
    let text =
        "名称,金额,\r\n\r\n甲,1.10,\r\n\"乙\r\n公司\",\"2,000\",\r\n,,\r\n丙,\"a \"\"b\"\"\",\r\n";
    let table = csv(text).unwrap();
    assert_eq!(table.columns(), ["名称", "金额"]);
    let rows = [
        row(3, &["甲", "1.10"]),
        row(4, &["乙\r\n公司", "2,000"]),
        row(7, &["丙", "a \"b\""]),
    ];
    assert_eq!(shown(&table), rows);
    assert_eq!(table.read_as(), "UTF-8");
    let semicolons = csv("\u{FEFF}naam;bedrag\nA;1,50").unwrap();
    assert_eq!(shown(&semicolons), [row(2, &["A", "1,50"])]);
}

#[test]
fn chinese_desktops_write_gb18030() {
    let (bytes, _, _) = encoding_rs::GB18030.encode("名称,金额\n睿科联通䶮,1\n");
    let table = Table::read(&bytes, Format::Csv, &ReadOptions::default()).unwrap();
    assert_eq!(shown(&table), [row(2, &["睿科联通䶮", "1"])]);
    assert!(table.read_as().starts_with("GB18030, assumed"));
    let declared = |encoding| ReadOptions {
        encoding: Some(encoding),
        sheet: None,
    };
    let table = Table::read(&bytes, Format::Csv, &declared(Encoding::Gb18030)).unwrap();
    assert_eq!(table.read_as(), "GB18030, as declared");
    let refused = Table::read(&bytes, Format::Csv, &declared(Encoding::Utf8));
    assert!(matches!(refused, Err(ReadError::Encoding { line: 1, .. })));
    let cut = bytes.get(..bytes.len() - 4).unwrap();
    let refused = Table::read(cut, Format::Csv, &ReadOptions::default());
    assert!(matches!(
        refused,
        Err(ReadError::NeitherEncoding {
            utf8_line: 1,
            gb18030_line: 2
        })
    ));
    let refused = Table::read(cut, Format::Csv, &declared(Encoding::Gb18030));
    assert!(matches!(
        refused,
        Err(ReadError::Encoding {
            encoding: "GB18030",
            line: 2
        })
    ));
}

#[test]
fn files_that_are_not_text_say_so() {
    let read = |bytes: &[u8]| Table::read(bytes, Format::Csv, &ReadOptions::default());
    let utf16: Vec<u8> = "\u{FEFF}名称\n甲"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(matches!(read(&utf16), Err(ReadError::Utf16)));
    assert!(matches!(read(&xlsx(|_| ())), Err(ReadError::Binary)));
    let cut = "名称,金额\n甲,1\n乙公司".as_bytes();
    assert!(matches!(
        read(&cut[..cut.len() - 1]),
        Err(ReadError::Encoding {
            encoding: "UTF-8",
            line: 3
        })
    ));
}

#[test]
fn half_written_and_empty_files() {
    assert!(matches!(csv(""), Err(ReadError::Empty)));
    assert!(matches!(csv("\u{FEFF}"), Err(ReadError::Empty)));
    assert!(matches!(csv("\n , \n"), Err(ReadError::Empty)));
    assert!(matches!(csv("a,b\n"), Err(ReadError::NoRows)));
    assert!(matches!(csv("a,b\n,\n"), Err(ReadError::NoRows)));
    assert!(matches!(
        csv("a,b\n1,2\n3,\"4\n5,6\n"),
        Err(ReadError::OpenQuote(3))
    ));
    assert!(matches!(csv("a,b\n1,\"2"), Err(ReadError::OpenQuote(2))));
    assert!(matches!(csv("a,\"b\n1,2"), Err(ReadError::OpenQuote(1))));
    for text in [
        "[{\"a\":1},{\"a\":",
        "{\"a\":1}",
        "[1]",
        "[{\"a\":1}] x",
        "[{\"a\":1}",
    ] {
        assert!(
            matches!(json(text), Err(ReadError::Damaged { format: "JSON", .. })),
            "{text}"
        );
    }
    assert!(matches!(json("[]"), Err(ReadError::NoObjects)));
    assert!(matches!(json("[{}]"), Err(ReadError::NoObjects)));
    let whole = xlsx(|sheet| {
        sheet.write(0, 0, "a").unwrap();
        sheet.write(1, 0, "1").unwrap();
    });
    let read = |bytes: &[u8]| Table::read(bytes, Format::Xlsx, &ReadOptions::default());
    assert_eq!(read(&whole).unwrap().len(), 1);
    for length in (1..whole.len()).step_by(97) {
        let result = read(&whole[..length]);
        assert!(
            matches!(result, Err(ReadError::Damaged { .. })),
            "{length}: {result:?}"
        );
    }
    assert!(matches!(read(&xlsx(|_| ())), Err(ReadError::Empty)));
    assert!(matches!(
        read(b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1rest"),
        Err(ReadError::OldOrEncrypted)
    ));
}

#[test]
fn headers_and_ragged_rows() {
    assert!(matches!(csv("a,a\n1,2"), Err(ReadError::DuplicateHeader(name)) if name == "a"));
    assert!(matches!(csv("a,,b\n1,2,3"), Err(ReadError::BlankHeader(2))));
    assert_eq!(
        row_errors(csv("a,b,\n1,2\n1,2,\n1,2,3\n1,2,,4\n")),
        [
            "row 2: has 2 cells, the header has 3; quote cells that contain separators, and write empty cells too",
            "row 4,  \"3\": stands right of the last named column; name the column in the header row or delete the cell",
            "row 5: has 4 cells, the header has 3; quote cells that contain separators, and write empty cells too",
        ]
    );
    let wide = format!("{}z\n1", "a,".repeat(600));
    assert!(matches!(csv(&wide), Err(ReadError::TooManyColumns(601))));
    let long = format!("a\n{}", "1\n".repeat(MAX_ROWS + 1));
    assert!(matches!(csv(&long), Err(ReadError::TooManyRows)));
}

#[test]
fn json_numbers_keep_their_digits() {
    let table = json(
        r#"[{"b":10358.00,"a":"x\u00e9"},{"a":null,"c":true},{"b":0.10000000000000000001e0,"a":" y "}]"#,
    )
    .unwrap();
    assert_eq!(table.columns(), ["b", "a", "c"]);
    let rows = [
        row(1, &["10358.00", "xé", ""]),
        row(2, &["", "", "true"]),
        row(3, &["0.10000000000000000001e0", " y ", ""]),
    ];
    assert_eq!(shown(&table), rows);
    assert_eq!(
        row_errors(json(r#"[{"a":1,"a":2},{"a":{"b":1}},{"a":"\ud800"}]"#)),
        [
            "row 1, a \"2\": is there twice in one object; write one text or number",
            "row 2, a \"{\\\"b\\\":1}\": is an object or an array; write one text or number",
            "row 3, a \"\\\"\\\\ud800\\\"\": has half a character (a lone surrogate); write one text or number",
        ]
    );
    let deep = format!("[{{\"a\":{}{}}}]", "[".repeat(10_000), "]".repeat(10_000));
    assert_eq!(row_errors(json(&deep)).len(), 1);
}

#[test]
fn workbooks_give_exact_decimals_and_iso_dates() {
    use rust_xlsxwriter::{ExcelDateTime, Format as Style};
    let day = Style::new().set_num_format("yyyy-mm-dd");
    let bytes = xlsx(|sheet| {
        // A title row above is not supported; blank rows are.
        for (column, name) in (0_u16..).zip(["名称", "金额", "日期"]) {
            sheet.write(1, column, name).unwrap();
        }
        sheet.write(2, 0, "甲").unwrap();
        sheet.write(2, 1, 1234.1).unwrap();
        let date = ExcelDateTime::from_ymd(2024, 2, 29).unwrap();
        sheet.write_with_format(2, 2, &date, &day).unwrap();
        sheet.write(5, 0, "乙").unwrap();
        sheet.write(5, 1, 999_999_999_999.99).unwrap();
        let moment = ExcelDateTime::from_ymd(2024, 2, 29)
            .unwrap()
            .and_hms(8, 30, 0)
            .unwrap();
        sheet.write_with_format(5, 2, &moment, &day).unwrap();
    });
    let table = Table::read(&bytes, Format::Xlsx, &ReadOptions::default()).unwrap();
    let rows = [
        row(3, &["甲", "1234.1", "2024-02-29"]),
        row(6, &["乙", "999999999999.99", "2024-02-29T08:30:00"]),
    ];
    assert_eq!(shown(&table), rows);
    assert_eq!(table.read_as(), "sheet \"Sheet1\"");
    let asked = ReadOptions {
        encoding: None,
        sheet: Some("企业".to_owned()),
    };
    let refused = Table::read(&bytes, Format::Xlsx, &asked)
        .unwrap_err()
        .to_string();
    assert_eq!(refused, "the workbook has no sheet \"企业\": it has Sheet1");
}

#[test]
fn cells_of_a_workbook_that_lie() {
    let bytes = xlsx(|sheet| {
        sheet.write(0, 0, "code").unwrap();
        sheet.write(1, 0, 914_403_001_922_038_216_f64).unwrap();
        let failed = rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!");
        sheet.write_formula(2, 0, failed).unwrap();
        sheet.write(3, 2, "stray").unwrap();
    });
    let errors = row_errors(Table::read(&bytes, Format::Xlsx, &ReadOptions::default()));
    assert_eq!(
        errors,
        [
            "row 2, code \"914403001922038300\": is a number with more digits than Excel keeps; format the column as text and enter the digits again",
            "row 3, code \"#DIV/0!\": is a formula that failed; mend the formula or enter the value",
            "row 4, C \"stray\": stands right of the last named column; name the column in the header row or delete the cell",
        ]
    );
}

#[test]
fn columns_become_fields_by_name_mapping_or_constant() {
    let table = csv("NAAM,Bedrag,Thema\n 甲 ,nihil,x\n,5,y\n").unwrap();
    let mut mapping: Mapping = "ignore = [\"Thema\"]\n[values.amount]\nnihil = \"0.00\"\n"
        .parse()
        .unwrap();
    mapping.map_column("amount=Bedrag").unwrap();
    let bound = mapping.bind(&table, FIELDS).unwrap();
    let records: Vec<_> = bound.records().collect();
    assert_eq!(records[0].get("name").unwrap().text, "甲");
    let amount = records[0].get("amount").unwrap();
    assert_eq!(
        amount,
        Cell {
            row: 2,
            column: "Bedrag",
            text: "0.00"
        }
    );
    let error = records[1].require("name").unwrap_err();
    assert_eq!(
        error.to_string(),
        "row 3, NAAM \"\": is empty; enter the name"
    );
    assert_eq!(
        serde_json::to_string(&amount.error("is too much", "lower it")).unwrap(),
        r#"{"row":2,"column":"Bedrag","value":"0.00","problem":"is too much","remedy":"lower it"}"#
    );
    let constant: Mapping = "ignore = [\"*\"]\n[constants]\namount = \"7.00\""
        .parse()
        .unwrap();
    let bound = constant.bind(&table, FIELDS).unwrap();
    assert_eq!(
        bound.records().next().unwrap().get("amount").unwrap().text,
        "7.00"
    );
}

#[test]
fn mappings_that_do_not_fit() {
    let table = csv("Naam,Bedrag\n甲,5\n").unwrap();
    let refusal = |mapping: &str| {
        let mapping: Mapping = mapping.parse().unwrap();
        mapping.bind(&table, FIELDS).unwrap_err()
    };
    assert!(
        matches!(refusal(""), MappingError::UnknownColumns { columns, .. } if columns == ["Bedrag"])
    );
    assert!(matches!(
        refusal("[columns]\nnaam = \"Naam\""),
        MappingError::UnknownField { .. }
    ));
    assert!(matches!(
        refusal("[columns]\namount = \"bedrag\""),
        MappingError::NoColumn { .. }
    ));
    assert!(matches!(
        refusal("ignore = [\"x\", \"*\"]"),
        MappingError::NoColumn { .. }
    ));
    assert!(matches!(
        refusal("[columns]\namount = \"Naam\""),
        MappingError::Missing { field: "name", .. }
    ));
    let both = "[columns]\namount = \"Bedrag\"\n[constants]\namount = \"1\"";
    assert!(matches!(refusal(both), MappingError::Twice(field) if field == "amount"));
    assert!(matches!(
        "colums = 1".parse::<Mapping>(),
        Err(MappingError::Toml(_))
    ));
    assert!(matches!(
        Mapping::default().map_column("amount"),
        Err(MappingError::Option(_))
    ));
    let two = csv("Naam,名称\n甲,乙\n").unwrap();
    let refused = Mapping::default().bind(&two, FIELDS).unwrap_err();
    assert!(matches!(refused, MappingError::Ambiguous { .. }));
}

#[test]
fn long_lists_of_errors_are_cut() {
    let mut errors = RowErrors::default();
    for number in 1..=1_200 {
        errors.push(RowError::of_cell(
            number,
            "金额",
            &"9".repeat(100),
            "is too long",
            "",
        ));
    }
    assert_eq!((errors.total(), errors.kept().len()), (1_200, 1_000));
    let text = errors.to_string();
    assert!(text.starts_with("1200 errors in the rows:\n  row 1, 金额 \"9999"));
    assert!(text.contains("999…\": is too long\n"));
    assert!(text.ends_with("\n  and 1150 more"));
    assert_eq!(errors.check().unwrap_err().total(), 1_200);
}

#[test]
fn the_longest_cell_is_read() {
    let bytes = xlsx(|sheet| {
        sheet.write(0, 0, "name").unwrap();
        sheet.write(1, 0, "甲".repeat(32_767)).unwrap();
    });
    let table = Table::read(&bytes, Format::Xlsx, &ReadOptions::default()).unwrap();
    assert_eq!(table.len(), 1);
}
