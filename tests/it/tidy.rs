//! House rules that no compiler holds, on the source itself. Each complaint names its place and the remedy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::fs;
use std::path::{Component, Path, PathBuf};

/// The rooms of `src/lib.rs`, in layers: a room may use those of its own layer and of later ones, and no two use
/// each other, however indirectly.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["demo", "http"],
    &[
        "accounting",
        "approval",
        "audit",
        "award",
        "caps",
        "claim",
        "contract",
        "evidence",
        "exclusion",
        "fact",
        "job",
        "party",
        "payment",
        "programme",
        "recovery",
        "rent",
        "report",
        "screening",
        "verify",
        "voucher",
        "zone",
    ],
    &["batch"],
    &["identity", "journal", "log", "policy"],
    &["db"],
    &["calendar", "clock", "config", "tabular", "telemetry"],
    &["types"],
];

/// Libraries that only one room knows of, as paths begin with them.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("http", &["axum", "tower", "tower_http", "askama"]),
    ("cli", &["clap", "indicatif"]),
    ("evidence", &["imagesize", "infer", "object_store"]),
];

/// Rooms with SQL all over, because keeping rows is what they are for. The others have it in `store.rs` or `store/`.
const ROOMS_OF_SQL: &[&str] = &["db", "identity", "journal", "log", "verify"];

/// More is several subjects in one file.
const LONGEST_FILE: usize = 800;

/// A text file of ours.
struct Source {
    /// From the root of the project, with `/`.
    path: String,
    text: String,
}

impl Source {
    /// Lines with their numbers, less those that are comments from end to end.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().enumerate();
        lines
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim_start().starts_with("//"))
    }

    /// The room that a file under `src` belongs to.
    fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("src/")?;
        let room = inside.split('/').next()?;
        let room = room.strip_suffix(".rs").unwrap_or(room);
        (room != "lib").then_some(room)
    }

    fn is_under(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }
}

/// What is wrong, collected so that one run tells all of it.
#[derive(Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn add(&mut self, source: &Source, line: usize, complaint: impl Display) {
        self.0.push(format!("{}:{line}: {complaint}", source.path));
    }

    #[track_caller]
    fn none(self) {
        assert!(self.0.is_empty(), "\n{}\n", self.0.join("\n"));
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every file of these kinds, less what is built or generated.
fn sources(extensions: &[&str]) -> Vec<Source> {
    let mut found = Vec::new();
    let mut folders = vec![root().to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                // /data is where somebody may keep a ledger; see .gitignore.
                let is_built = ["target", ".git", ".sqlx"].contains(&name);
                let is_ours = !is_built && path != root().join("data");
                folders.extend(is_ours.then_some(path));
            } else if extensions.contains(&path.extension().unwrap_or_default().to_str().unwrap()) {
                let inside = path.strip_prefix(root()).unwrap();
                found.push(Source {
                    path: inside.to_str().unwrap().replace('\\', "/"),
                    text: fs::read_to_string(&path).unwrap(),
                });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "no files of {extensions:?}");
    found
}

fn rust() -> Vec<Source> {
    sources(&["rs"])
}

/// Whether a line speaks of a path that begins with this name: `name::`, and not `other_name::`.
fn names(line: &str, name: &str) -> bool {
    let path = format!("{name}::");
    line.match_indices(&path).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

/// The first names of paths that follow `crate::`, with their lines: of `crate::{a::B, c}` both `a` and `c`.
fn rooms_used(source: &Source) -> Vec<(usize, String)> {
    let name_at = |text: &str| -> String {
        let text = text.trim_start().chars();
        text.take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let mut used = Vec::new();
    for prefix in ["crate::", "subsidy_ledger::"] {
        for (at, _) in source.text.match_indices(prefix) {
            let line = source.text[..at].matches('\n').count() + 1;
            let begin = source.text[..at].rfind('\n').map_or(0, |end| end + 1);
            if source.text[begin..at].trim_start().starts_with("//") {
                continue;
            }
            let rest = &source.text[at + prefix.len()..];
            let Some(group) = rest.strip_prefix('{') else {
                used.push((line, name_at(rest)));
                continue;
            };
            let mut depth = 0_usize;
            let mut begins = true;
            for (at, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => begins = true,
                    c if begins && c.is_alphabetic() => {
                        used.push((line, name_at(&group[at..])));
                        begins = false;
                    }
                    _ => {}
                }
            }
        }
    }
    used
}

fn layer(room: &str) -> Option<usize> {
    LAYERS.iter().position(|rooms| rooms.contains(&room))
}

#[test]
fn rooms_use_only_rooms_below_them() {
    let mut complaints = Complaints::default();
    let mut uses: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in rust() {
        let Some(room) = source.room() else {
            continue;
        };
        let Some(own) = layer(room) else {
            complaints.add(
                &source,
                1,
                format!("room {room} has no place in LAYERS of tests/it/tidy.rs"),
            );
            continue;
        };
        for (line, used) in rooms_used(&source) {
            match layer(&used) {
                // A name that `lib.rs` itself has, or a macro.
                None => {}
                Some(other) if other < own => complaints.add(
                    &source,
                    line,
                    format!("{room} uses {used}, which is above it: pass in what is needed, or move it down"),
                ),
                Some(_) if used == room => {}
                Some(_) => {
                    uses.entry(room.to_owned()).or_default().insert(used);
                }
            }
        }
    }
    complaints.0.extend(circles(&uses));
    complaints.none();
}

/// Rooms that come back to themselves by way of others.
fn circles(uses: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let circle = |room: &String| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&String> = uses[room].iter().collect();
        while let Some(next) = open.pop() {
            if next == room {
                return Some(format!(
                    "room {room} uses itself by way of others: {seen:?}"
                ));
            }
            if seen.insert(next) {
                open.extend(uses.get(next).into_iter().flatten());
            }
        }
        None
    };
    uses.keys().filter_map(circle).collect()
}

#[test]
fn libraries_stay_in_their_room() {
    let mut complaints = Complaints::default();
    for source in rust() {
        let Some(room) = source.room() else {
            continue;
        };
        for (home, libraries) in LIBRARIES.iter().filter(|(home, _)| *home != room) {
            for (line, text) in source.code() {
                for library in libraries.iter().filter(|library| names(text, library)) {
                    complaints.add(
                        &source,
                        line,
                        format!("{library} is used under src/{home} only"),
                    );
                }
            }
        }
    }
    complaints.none();
}

#[test]
fn sql_stands_where_rows_are_kept() {
    let mut complaints = Complaints::default();
    for source in rust() {
        let Some(room) = source.room() else {
            continue;
        };
        let is_store = source.path.ends_with("/store.rs") || source.path.contains("/store/");
        if is_store || ROOMS_OF_SQL.contains(&room) {
            continue;
        }
        for (line, text) in source.code() {
            let asks = [
                "sqlx::query",
                "sqlx::raw_sql",
                "QueryBuilder",
                "query!(",
                "query_as!(",
                "query_scalar!(",
            ];
            if asks.iter().any(|ask| text.contains(ask)) {
                complaints.add(
                    &source,
                    line,
                    format!("SQL of {room} belongs into src/{room}/store.rs"),
                );
            }
        }
    }
    complaints.none();
}

#[test]
fn pages_and_the_api_do_not_know_each_other() {
    let mut complaints = Complaints::default();
    for source in rust() {
        for (own, other) in [("api", "web"), ("web", "api")] {
            if !source.is_under(&format!("src/http/{own}/")) {
                continue;
            }
            for (line, text) in source.code() {
                if names(text, other) || text.contains(&format!("::{other}::")) {
                    let remedy = format!("{own} uses {other}: what both need belongs beside them");
                    complaints.add(&source, line, remedy);
                }
            }
        }
    }
    complaints.none();
}

#[test]
fn only_the_command_line_prints() {
    let mut complaints = Complaints::default();
    for source in rust() {
        if source.room().is_none_or(|room| room == "cli") {
            continue;
        }
        for (line, text) in source.code() {
            if ["println!(", "print!("]
                .iter()
                .any(|print| text.contains(print))
            {
                complaints.add(
                    &source,
                    line,
                    "only src/cli prints: return the text, or trace it",
                );
            }
        }
    }
    complaints.none();
}

#[test]
fn files_have_one_subject() {
    let mut complaints = Complaints::default();
    for source in rust() {
        let lines = source.text.lines().count();
        if lines > LONGEST_FILE {
            let remedy = format!("{lines} lines; {LONGEST_FILE} are the most: split it by subject");
            complaints.add(&source, lines, remedy);
        }
    }
    complaints.none();
}

#[test]
fn nothing_is_left_for_later() {
    // In two halves, so that this file passes.
    let marks = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("to", "do!("),
        concat!("unimpl", "emented!("),
    ];
    let mut complaints = Complaints::default();
    for source in sources(&["rs", "sql", "toml", "md"]) {
        for (at, text) in source.text.lines().enumerate() {
            for mark in marks.iter().filter(|mark| text.contains(**mark)) {
                complaints.add(&source, at + 1, format!("{mark}: do it, or open an issue"));
            }
        }
    }
    complaints.none();
}

#[test]
fn every_test_file_is_run() {
    let main = fs::read_to_string(root().join("tests/it/main.rs")).unwrap();
    let mut complaints = Complaints::default();
    for source in rust() {
        let Some(name) = source.path.strip_prefix("tests/it/") else {
            continue;
        };
        let name = name.split('/').next().unwrap().trim_end_matches(".rs");
        if name != "main" && !main.contains(&format!("mod {name};")) {
            complaints.add(&source, 1, format!("tests/it/main.rs has no `mod {name};`"));
        }
    }
    complaints.none();
}

#[test]
fn migrations_are_numbered_without_gaps_and_say_what_their_tables_are() {
    let mut complaints = Complaints::default();
    let migrations = sources(&["sql"]);
    let migrations = migrations
        .iter()
        .filter(|source| source.is_under("migrations/"));
    for (number, migration) in (1..).zip(migrations) {
        if !migration
            .path
            .starts_with(&format!("migrations/{number:04}_"))
        {
            complaints.add(
                migration,
                1,
                format!("the next migration is number {number:04}"),
            );
        }
        for (at, text) in migration.text.lines().enumerate() {
            let Some(table) = text.strip_prefix("CREATE TABLE ") else {
                continue;
            };
            let table = table.split([' ', '(']).next().unwrap();
            if !migration
                .text
                .contains(&format!("COMMENT ON TABLE {table} IS"))
            {
                complaints.add(
                    migration,
                    at + 1,
                    format!("COMMENT ON TABLE {table} is missing"),
                );
            }
        }
    }
    complaints.none();
}

#[test]
fn decisions_are_numbered_without_gaps_and_listed() {
    let index = fs::read_to_string(root().join("docs/adr/README.md")).unwrap();
    let mut complaints = Complaints::default();
    let mut expected = 1;
    for source in sources(&["md"]) {
        let Some(name) = source.path.strip_prefix("docs/adr/") else {
            continue;
        };
        if ["README.md", "template.md"].contains(&name) {
            continue;
        }
        if !name.starts_with(&format!("{expected:04}-")) {
            complaints.add(
                &source,
                1,
                format!("the next decision is number {expected:04}"),
            );
        }
        if !index.contains(&format!("]({name})")) {
            complaints.add(&source, 1, "docs/adr/README.md does not list it");
        }
        expected += 1;
    }
    complaints.none();
}

#[test]
fn links_lead_to_files() {
    let mut complaints = Complaints::default();
    for source in sources(&["md"]) {
        let folder = root().join(&source.path);
        let folder = folder.parent().unwrap();
        for (at, text) in source.text.lines().enumerate() {
            for link in text
                .split("](")
                .skip(1)
                .filter_map(|rest| rest.split(')').next())
            {
                let file = link.split('#').next().unwrap();
                let is_elsewhere = link.contains("://") || link.starts_with("mailto:");
                if !is_elsewhere && !file.is_empty() && !folder.join(file).exists() {
                    complaints.add(&source, at + 1, format!("the link to {link} leads nowhere"));
                }
            }
        }
    }
    complaints.none();
}

#[test]
fn no_file_names_a_place_on_this_machine() {
    let home = std::env::var_os("HOME")
        .map(PathBuf::from)
        .unwrap_or_default();
    // Not the root folder, nor one just below it, whose names are everybody's.
    let is_telling = |path: &Path| {
        let depth = path
            .components()
            .filter(|part| matches!(part, Component::Normal(_)))
            .count();
        depth > 1
    };
    let places: Vec<String> = [root().to_path_buf(), home]
        .iter()
        .filter(|path| is_telling(path))
        .map(|path| path.display().to_string())
        .collect();
    let mut complaints = Complaints::default();
    for source in sources(&["rs", "sql", "toml", "md", "snap", "html", "css", "json", ""]) {
        for (at, text) in source.text.lines().enumerate() {
            for place in places.iter().filter(|place| text.contains(place.as_str())) {
                complaints.add(
                    &source,
                    at + 1,
                    format!("{place} is a place on one machine"),
                );
            }
        }
    }
    complaints.none();
}
