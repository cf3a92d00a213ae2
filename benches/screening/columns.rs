//! Facts of many firms in a file of columns, as `benches/openfisca/columns.py` reads it and describes it.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};
use subsidy_ledger::policy::{Fact, Kind};

use crate::firms::{FACTS, Firm};

/// Writes every fact of the firms.
pub(crate) fn write(path: &Path, firms: &[Firm]) {
    let columns: Vec<Value> = FACTS.iter().map(|(fact, _)| describe(*fact)).collect();
    let header = json!({ "columns": columns, "parties": firms.len() });
    let mut file = BufWriter::new(File::create(path).unwrap());
    writeln!(file, "{header}").unwrap();
    for (_, read) in FACTS {
        for firm in firms {
            file.write_all(&read(firm).to_le_bytes()).unwrap();
        }
    }
    file.flush().unwrap();
}

fn describe(fact: Fact) -> Value {
    let name = fact.name();
    match fact.kind() {
        Kind::Money => json!({ "kind": "money", "name": name }),
        Kind::Bool => json!({ "kind": "bool", "name": name }),
        Kind::OneOf(words) => {
            let words: Vec<&str> = words.iter().map(|word| word.name).collect();
            json!({ "kind": "word", "name": name, "words": words })
        }
        Kind::Count(_) | Kind::Quantity(_) | Kind::Date | Kind::Text => {
            json!({ "kind": "count", "name": name })
        }
    }
}
