//! Parties from somebody's file: read whole, checked whole, recorded all or not at all.
//!
//! [`read`] parses the rows, [`plan`] compares them with the parties that are known, [`apply`] records
//! the new ones. A dry run stops after the plan. The same file again plans nothing.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::PgConnection;

use super::identity::{ContestedUscc, Identity, PartyRole, Roles};
use super::register::{KEEPERS, NewParty, PartyError, names_to_review, register};
use super::store::{self, Party};
use crate::db;
use crate::identity::Command;
use crate::tabular::{
    Bound, Cell, Field, Mapping, MappingError, Record, RowError, RowErrors, Table,
};
use crate::types::{LogIndex, Name, PartyId, Uscc, UsccError};

/// What a file of parties may have. A row with a code is known by it; one without, by the office's
/// number; if the file has neither column, by its name.
pub const FIELDS: &[Field] = &[
    Field {
        name: "name",
        headers: &["名称", "企业名称", "单位名称"],
        required: true,
    },
    Field {
        name: "uscc",
        headers: &["统一社会信用代码"],
        required: false,
    },
    Field {
        name: "office_number",
        headers: &["编号", "单位编号"],
        required: false,
    },
    Field {
        name: "kind",
        headers: &["主体类型"],
        required: false,
    },
    Field {
        name: "roles",
        headers: &["角色"],
        required: false,
    },
    Field {
        name: "group",
        headers: &["实际控制人"],
        required: false,
    },
];

/// How many entries are recorded by one call.
const BATCH: usize = 1_000;

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The mapping does not fit.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Rows are wrong; nothing was imported.
    #[error("nothing was imported: {0}")]
    Rows(#[from] RowErrors),
    /// The command was refused.
    #[error(transparent)]
    Party(#[from] PartyError),
}

impl From<sqlx::Error> for ImportError {
    fn from(error: sqlx::Error) -> Self {
        Self::Party(error.into())
    }
}

/// A row that is right by itself.
#[derive(Clone, Debug)]
pub struct ImportRow {
    row: u64,
    column: String,
    party: NewParty,
}

impl ImportRow {
    /// The party that the row names.
    pub fn into_party(self) -> NewParty {
        self.party
    }

    /// An error about the cell that identifies the party.
    fn error(&self, problem: impl Into<String>, remedy: impl Into<String>) -> RowError {
        let value = self.party.identity.identifier();
        RowError::of_cell(self.row, &self.column, value, problem, remedy)
    }
}

/// Parses the rows of a file, and refuses a party that occurs twice in it.
pub fn read(table: &Table, mapping: &Mapping) -> Result<Vec<ImportRow>, ImportError> {
    /// A file of parties has no further settings.
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct NoOptions {}
    let NoOptions {} = mapping.options()?;
    let bound = mapping.bind(table, FIELDS)?;
    let mut errors = RowErrors::default();
    let mut rows: Vec<ImportRow> = Vec::with_capacity(table.len());
    let mut seen: HashMap<Identity, u64> = HashMap::new();
    for record in bound.records() {
        let Some(row) = parse(&bound, &record, &mut errors) else {
            continue;
        };
        match seen.insert(row.party.identity.clone(), row.row) {
            Some(earlier) => errors.push(row.error(
                format!("is the party of row {earlier} again"),
                "delete one of the rows",
            )),
            None => rows.push(row),
        }
    }
    errors.check()?;
    Ok(rows)
}

/// Parses every cell, so that all that is wrong with a row is reported at once.
fn parse(bound: &Bound<'_>, record: &Record<'_, '_>, errors: &mut RowErrors) -> Option<ImportRow> {
    let name_cell = errors.take(record.require("name"));
    let name: Option<Name> = name_cell.and_then(|cell| errors.take(cell.parse()));
    let roles = match record.get("roles") {
        Some(cell) => errors.take(cell.parse()),
        None => Some(Roles::from([PartyRole::Enterprise])),
    };
    let group = match record.get("group") {
        Some(cell) => errors.take(cell.parse()).map(Some),
        None => Some(None),
    };
    let has_identifiers = ["uscc", "office_number", "kind"]
        .iter()
        .any(|field| bound.has(field));
    let (column, identity) = if has_identifiers {
        errors.take(identity(bound, record))?
    } else {
        (name_cell?.column, Identity::Name(name.clone()?))
    };
    Some(ImportRow {
        row: record.number(),
        column: column.to_owned(),
        party: NewParty {
            identity,
            name: name?,
            roles: roles?,
            group: group?,
        },
    })
}

/// The column that identifies the party of a row, and what it says.
fn identity<'a>(
    bound: &Bound<'_>,
    record: &Record<'_, 'a>,
) -> Result<(&'a str, Identity), RowError> {
    let is_team = match record.get("kind").map(|cell| (cell, cell.text)) {
        None | Some((_, "legal_person" | "法人")) => false,
        Some((_, "team" | "团队")) => true,
        Some((cell, _)) => {
            return Err(cell.error(
                "is no kind of party",
                "write legal_person (法人) or team (团队)",
            ));
        }
    };
    match record.get("uscc") {
        Some(cell) if is_team => {
            let remedy = "delete the code, or write legal_person (法人) as its kind";
            return Err(cell.error("is the code of a team, which has none", remedy));
        }
        Some(cell) => return Ok((cell.column, code(&cell)?)),
        None => {}
    }
    let number = if is_team || !bound.has("uscc") {
        record.require("office_number")
    } else {
        record
            .get("office_number")
            .map_or_else(|| record.require("uscc"), Ok)
    }?;
    let parsed = number.parse()?;
    Ok(if is_team {
        (number.column, Identity::Team(parsed))
    } else {
        (number.column, Identity::OfficeNumber(parsed))
    })
}

/// A code whose check fails is kept for the plan, which knows the overrides.
fn code(cell: &Cell<'_>) -> Result<Identity, RowError> {
    match cell.text.parse::<Uscc>() {
        Ok(code) => Ok(Identity::Uscc(code)),
        Err(UsccError::Check { .. }) => cell.parse().map(Identity::UsccOverride),
        Err(error) => Err(cell.error(error, "")),
    }
}

/// What an import would do, or has done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImportReport {
    /// Rows of the file that name a party.
    pub rows: usize,
    /// How many of them are new.
    pub new: usize,
    /// How many were known already, with the same particulars.
    pub known: usize,
    /// New names that a person should look at.
    pub names_to_review: Vec<Name>,
    /// Entries of the first and the last new party, once they are recorded.
    pub entries: Option<(LogIndex, LogIndex)>,
}

/// New parties of a file, compared with those that are known.
#[derive(Clone, Debug)]
pub struct Plan {
    new: Vec<NewParty>,
    report: ImportReport,
}

impl Plan {
    /// What applying it would do: the result of a dry run.
    pub const fn report(&self) -> &ImportReport {
        &self.report
    }
}

/// Compares rows with the parties of the zone. A row whose party is known must agree with it.
pub async fn plan(
    conn: &mut PgConnection,
    command: &Command<'_>,
    rows: &[ImportRow],
) -> Result<Plan, ImportError> {
    command.actor.require(KEEPERS).map_err(PartyError::from)?;
    db::plan_each_time(conn).await.map_err(PartyError::from)?;
    let zone = command.zone.id;
    let identities: Vec<&Identity> = rows.iter().map(|row| &row.party.identity).collect();
    let ids = store::known(conn, zone, &identities).await?;
    let found: Vec<PartyId> = ids.iter().flatten().copied().collect();
    let parties = store::parties(conn, zone, &found).await?;
    let parties: HashMap<PartyId, &Party> = parties.iter().map(|party| (party.id, party)).collect();
    let contested: Vec<&ContestedUscc> = identities
        .iter()
        .filter_map(|identity| identity.contested())
        .collect();
    let confirmed = store::confirmed_overrides(conn, zone, &contested).await?;

    let mut errors = RowErrors::default();
    let mut new = Vec::new();
    for (row, id) in rows.iter().zip(&ids) {
        let open = row.party.identity.contested();
        let open = open.filter(|code| !confirmed.contains(code.as_str()));
        match (id.and_then(|id| parties.get(&id)), open) {
            (Some(party), _) => {
                errors.take(agree(row, party));
            }
            (None, Some(code)) => {
                let problem = code.as_str().parse::<Uscc>().err();
                errors.push(row.error(problem.map_or_else(String::new, |why| why.to_string()), ""));
            }
            (None, None) => new.push(row.party.clone()),
        }
    }
    errors.check()?;
    let reviews = names_to_review(conn, zone, &new).await?;
    let names = new.iter().map(|party| &party.name).zip(reviews);
    let report = ImportReport {
        rows: rows.len(),
        new: new.len(),
        known: rows.len() - new.len(),
        names_to_review: names
            .filter(|(_, review)| *review)
            .map(|(name, _)| name.clone())
            .collect(),
        entries: None,
    };
    Ok(Plan { new, report })
}

/// Whether a row says of a known party what is known of it. A group that the row leaves out is no
/// contradiction.
fn agree(row: &ImportRow, party: &Party) -> Result<(), RowError> {
    let NewParty {
        name, roles, group, ..
    } = &row.party;
    let known_group = party.group.as_ref().map(|group| &group.name);
    let (what, file, known) = if *name != party.name {
        ("name", name.to_string(), party.name.to_string())
    } else if *roles != party.roles {
        ("roles", roles.to_string(), party.roles.to_string())
    } else if group.is_some() && group.as_ref() != known_group {
        let text = |name: Option<&Name>| name.map_or("none".to_owned(), ToString::to_string);
        ("group", text(group.as_ref()), text(known_group))
    } else {
        return Ok(());
    };
    Err(row.error(
        format!("is known with the {what} {known:?}, the file has {file:?}"),
        "correct the row: an import does not change parties",
    ))
}

/// Registers what is new, in the caller's transaction; calls `progress` with how many are done. A
/// key of the command is not needed, since the same file again plans nothing, and not used.
pub async fn apply(
    conn: &mut PgConnection,
    command: &Command<'_>,
    plan: Plan,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<ImportReport, ImportError> {
    let command = Command {
        key: None,
        ..*command
    };
    let Plan { new, mut report } = plan;
    let mut done = 0;
    for batch in new.chunks(BATCH) {
        let registered = register(conn, &command, batch).await.map_err(overtaken)?;
        if let (Some(first), Some(last)) = (registered.first(), registered.last()) {
            let begin = report.entries.map_or(first.index, |(begin, _)| begin);
            report.entries = Some((begin, last.index));
        }
        done += batch.len();
        progress(done);
    }
    Ok(report)
}

/// What the plan found to be new and is registered now, another command has registered since: this one
/// begins again, and plans without it.
fn overtaken(error: PartyError) -> PartyError {
    if let PartyError::AlreadyRegistered(identity) = error {
        PartyError::Overtaken {
            constraint: identity.to_string(),
            cause: db::Overtaken,
        }
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tabular::{Format, ReadOptions};

    fn rows(csv: &str) -> Result<Vec<ImportRow>, ImportError> {
        let table = Table::read(csv.as_bytes(), Format::Csv, &ReadOptions::default()).unwrap();
        read(&table, &Mapping::default())
    }

    fn errors(csv: &str) -> Vec<String> {
        match rows(csv) {
            Err(ImportError::Rows(errors)) => {
                errors.kept().iter().map(ToString::to_string).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn parties_are_known_by_code_number_or_name() {
        let identities = |csv: &str| -> Vec<Identity> {
            let rows = rows(csv).unwrap();
            rows.into_iter().map(|row| row.party.identity).collect()
        };
        let found = identities(
            "名称,统一社会信用代码,编号,主体类型,角色\n\
             甲,91000000MA00000900,7,,服务机构;企业\n乙,,8,法人,\n丙,,9,团队,\n",
        );
        assert_eq!(
            found,
            [
                Identity::Uscc("91000000MA00000900".parse().unwrap()),
                Identity::OfficeNumber("8".parse().unwrap()),
                Identity::Team("9".parse().unwrap()),
            ]
        );
        let named = identities("name\nCafe\u{301}\n");
        assert_eq!(named, [Identity::Name("Café".parse().unwrap())]);
    }

    #[test]
    fn every_wrong_cell_is_reported_with_its_place() {
        let long = "名".repeat(201);
        let csv = format!(
            "uscc,name,roles\n914403001922o38216,甲,bank\n9144030071526726xg,乙,\n\
             ９１４４０３００１９２２０３８２１６,丙,\n91440300192203821,a\u{202E}b,\n,丁,\n\
             91000000MA00000900,{long},\n91000000MA0000277Y,,\n91440300192203З216,\u{FEFF}戊,\n"
        );
        let errors = errors(&csv);
        let expected = [
            "row 2, roles \"bank\": \"bank\" is no role",
            "row 2, uscc \"914403001922o38216\": 'o' at position 13",
            "row 3, uscc \"9144030071526726xg\": a unified social credit code is written in capitals: use 9144030071526726XG",
            "row 4, uscc \"９１４４０３００１９２２０３８２１６\": '９' at position 1",
            "row 5, name \"a\\u{202e}b\": contains the invisible or control character U+202E",
            "row 5, uscc \"91440300192203821\": a unified social credit code has 18 characters",
            "row 6, uscc \"\": is empty; enter the uscc",
            "row 7, name \"名",
            "row 8, name \"\": is empty; enter the name",
            "row 9, name \"\\u{feff}戊\": contains the invisible",
            "row 9, uscc \"91440300192203З216\": 'З' at position 15",
        ];
        assert_eq!(errors.len(), expected.len(), "{errors:#?}");
        for (error, expected) in errors.iter().zip(expected) {
            assert!(error.starts_with(expected), "{error} / {expected}");
        }
    }

    /// One name in two normal forms is one name.
    #[test]
    fn a_party_is_in_a_file_once() {
        let twice = errors("name\nCafé\nCafe\u{301}\n");
        assert_eq!(
            twice,
            ["row 3, name \"Café\": is the party of row 2 again; delete one of the rows"]
        );
    }

    #[test]
    fn teams_have_numbers_not_codes() {
        assert_eq!(
            errors(
                "name,uscc,office_number,kind\n甲,91000000MA00000900,,团队\n乙,,,team\n丙,,1,bank\n"
            ),
            [
                "row 2, uscc \"91000000MA00000900\": is the code of a team, which has none; delete the code, or write legal_person (法人) as its kind",
                "row 3, office_number \"\": is empty; enter the office_number",
                "row 4, kind \"bank\": is no kind of party; write legal_person (法人) or team (团队)",
            ]
        );
    }
}
