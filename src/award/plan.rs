//! What a file changes in what is recorded of its list. Pure.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::file::{AwardRow, RowKey};
use super::postings::Placement;
use crate::types::LogIndex;

/// Random bytes of a list, under every hash of its rows (invariant 12).
pub(super) type Salt = [u8; 32];

/// An award that is recorded and was not taken back.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) identity: [u8; 32],
    pub(super) content: [u8; 32],
    pub(super) index: LogIndex,
    pub(super) placement: Placement,
}

/// A row with its salted hashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Hashed<'a> {
    pub(super) row: &'a AwardRow,
    pub(super) identity: [u8; 32],
    pub(super) content: [u8; 32],
}

/// What must be done so that the ledger says what the file says.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    /// Rows that the ledger does not have, or has otherwise, in the order of the file.
    pub(super) record: Vec<Hashed<'a>>,
    /// Awards that the file has otherwise.
    pub(super) corrected: Vec<Standing>,
    /// Awards that the file does not have.
    pub(super) withdrawn: Vec<Standing>,
    /// How many rows the ledger has as they are.
    pub(super) unchanged: usize,
}

/// Compares the rows of a file with what is recorded of its list.
pub(super) fn plan<'a>(rows: &'a [AwardRow], salt: &Salt, standing: Vec<Standing>) -> Plan<'a> {
    let mut recorded: HashMap<[u8; 32], Standing> = standing
        .into_iter()
        .map(|award| (award.identity, award))
        .collect();
    let mut plan = Plan::default();
    for row in rows {
        let hashed = Hashed {
            row,
            identity: identity(&row.key, salt),
            content: salted(salt, b"content", &row.content),
        };
        match recorded.remove(&hashed.identity) {
            Some(award) if award.content == hashed.content => plan.unchanged += 1,
            Some(award) => {
                plan.corrected.push(award);
                plan.record.push(hashed);
            }
            None => plan.record.push(hashed),
        }
    }
    plan.withdrawn = recorded.into_values().collect();
    plan.withdrawn.sort_by_key(|award| award.index);
    plan
}

fn identity(key: &RowKey, salt: &Salt) -> [u8; 32] {
    match key {
        RowKey::Id(id) => salted(salt, b"id", id.as_bytes()),
        RowKey::Content(content, equal) => {
            let mut bytes = content.to_vec();
            bytes.extend(equal.to_be_bytes());
            salted(salt, b"row", &bytes)
        }
    }
}

/// SHA-256 of the salt, what kind of bytes follow, and the bytes.
fn salted(salt: &Salt, kind: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(salt);
    hash.update(kind);
    hash.update([0]);
    hash.update(bytes);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::award::{AwardFile, AwardMap};
    use crate::types::ItemId;

    const SALT: Salt = [7; 32];

    fn file(csv: &str, id: bool) -> AwardFile {
        let id = if id { "id = 'id'" } else { "" };
        let map: AwardMap = format!(
            "[columns]\nrecipient = 'who'\nprogramme = 'scheme'\ngranted = 'amount'\n{id}\n\
             [constants]\nyear = '2016'\n[options]\nsource = 'TEST'\ncurrency = 'EUR'"
        )
        .parse()
        .unwrap();
        AwardFile::read("awards.csv", csv.as_bytes(), &map).unwrap()
    }

    /// What would be recorded after a file was imported into a zone with nothing.
    fn standing(file: &AwardFile) -> Vec<Standing> {
        let plan = plan(&file.rows, &SALT, Vec::new());
        (0..)
            .zip(plan.record)
            .map(
                |(
                    index,
                    Hashed {
                        row,
                        identity,
                        content,
                    },
                )| Standing {
                    identity,
                    content,
                    index: LogIndex(index),
                    placement: Placement {
                        award: ItemId::generate(),
                        programme: row.programme.code.clone(),
                        year: row.year(),
                        party: None,
                        granted: row.granted,
                    },
                },
            )
            .collect()
    }

    fn counts(plan: &Plan<'_>) -> [usize; 4] {
        [
            plan.record.len(),
            plan.corrected.len(),
            plan.withdrawn.len(),
            plan.unchanged,
        ]
    }

    const ROWS: &str = "who,scheme,amount\nA,S,10\nA,S,10\nB,S,0\nA,S,10\n";

    #[test]
    fn the_same_file_again_changes_nothing_and_equal_rows_are_separate() {
        let file = file(ROWS, false);
        assert_eq!(counts(&plan(&file.rows, &SALT, Vec::new())), [4, 0, 0, 0]);
        assert_eq!(
            counts(&plan(&file.rows, &SALT, standing(&file))),
            [0, 0, 0, 4]
        );
    }

    #[test]
    fn rows_may_move() {
        let moved = file("who,scheme,amount\nB,S,0\nA,S,10\nA,S,10\nA,S,10\n", false);
        let recorded = standing(&file(ROWS, false));
        assert_eq!(counts(&plan(&moved.rows, &SALT, recorded)), [0, 0, 0, 4]);
    }

    #[test]
    fn without_ids_a_changed_row_is_one_less_and_one_more() {
        let changed = file("who,scheme,amount\nA,S,10\nA,S,12\nB,S,0\nA,S,10\n", false);
        let recorded = standing(&file(ROWS, false));
        assert_eq!(counts(&plan(&changed.rows, &SALT, recorded)), [1, 0, 1, 3]);
    }

    #[test]
    fn with_ids_it_is_a_correction() {
        let first = file("id,who,scheme,amount\n1,A,S,10\n2,B,S,0\n3,C,S,5\n", true);
        let second = file("id,who,scheme,amount\n1,A,S,12\n2,B,S,0\n4,D,S,5\n", true);
        let plan = plan(&second.rows, &SALT, standing(&first));
        assert_eq!(counts(&plan), [2, 1, 1, 1]);
        assert_eq!(plan.corrected[0].index, LogIndex(0));
        assert_eq!(plan.withdrawn[0].index, LogIndex(2));
    }

    #[test]
    fn another_salt_hides_the_rows() {
        let file = file(ROWS, false);
        let first = plan(&file.rows, &SALT, Vec::new());
        let second = plan(&file.rows, &[8; 32], Vec::new());
        let pairs = first.record.iter().zip(&second.record);
        assert!(
            pairs
                .clone()
                .all(|(one, other)| one.identity != other.identity)
        );
        assert!(
            pairs
                .clone()
                .all(|(one, other)| one.content != other.content)
        );
    }
}
