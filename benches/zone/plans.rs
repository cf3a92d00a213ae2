//! How Postgres carries out what the service asks, in the very statements that it sends and those inside its functions and
//! triggers: `auto_explain` writes them to the server's log, in sessions of their own beside those that are timed.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use subsidy_ledger::db::private::PrivatePostgres;
use subsidy_ledger::db::{Database, Role};

use crate::office::Office;

const SETTINGS: [(&str, &str); 6] = [
    ("session_preload_libraries", "auto_explain"),
    ("auto_explain.log_min_duration", "0"),
    ("auto_explain.log_nested_statements", "on"),
    ("auto_explain.log_analyze", "on"),
    ("auto_explain.log_timing", "off"),
    ("auto_explain.log_parameter_max_length", "0"),
];

/// Characters of a line that are kept: a condition may list thousands of values.
const LONGEST: usize = 240;

pub(crate) struct Plans {
    /// The same zone, in sessions that explain themselves.
    pub(crate) office: Office,
    folder: PathBuf,
    log: PathBuf,
    /// Where the log ended when the command began.
    from: usize,
    seen: HashSet<String>,
    files: BTreeMap<String, String>,
}

/// A statement as it was carried out.
struct Plan {
    query: String,
    nodes: String,
}

impl Plans {
    pub(crate) async fn new(
        server: &PrivatePostgres,
        database: &str,
        mut office: Office,
        folder: &Path,
    ) -> Self {
        // Only a superuser may ask for plans; the session acts as the service's own role after that.
        let options = server
            .superuser_options()
            .database(database)
            .options(SETTINGS);
        office.database = Database::connect(options, Role::App, 1).await.unwrap();
        Self {
            office,
            folder: folder.to_owned(),
            log: server.password_file().with_file_name("postgres.log"),
            from: 0,
            seen: HashSet::new(),
            files: BTreeMap::new(),
        }
    }

    pub(crate) fn begin(&mut self) {
        self.from = fs::read(&self.log).unwrap().len();
    }

    /// Keeps the plans of what was asked since the beginning, but for statements that an earlier command has shown.
    pub(crate) fn end(&mut self, name: &str) {
        let log = fs::read(&self.log).unwrap();
        let text = String::from_utf8_lossy(log.get(self.from..).unwrap()).into_owned();
        let group = name.split(['.', '_']).next().unwrap().to_owned();
        for plan in parse(&text) {
            if plan.nodes.contains("Scan") && self.seen.insert(plan.query.clone()) {
                let file = self.files.entry(group.clone()).or_default();
                write!(file, "-- {name}\n{}\n\n{}\n\n", plan.query, plan.nodes).unwrap();
            }
        }
    }

    pub(crate) fn write(&self) {
        fs::create_dir_all(&self.folder).unwrap();
        for (group, text) in &self.files {
            let path = self.folder.join(format!("{group}.txt"));
            fs::write(&path, text.trim_end().to_owned() + "\n").unwrap();
            println!("plans of {group}: {}", path.display());
        }
    }
}

/// The statements of a piece of the server's log. A message goes on in lines that begin with a tab.
fn parse(log: &str) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    let mut is_plan = false;
    for line in log.lines() {
        match line.strip_prefix('\t') {
            None => {
                is_plan = line.contains(" LOG:  duration: ") && line.ends_with("plan:");
                if is_plan {
                    let (query, nodes) = (String::new(), String::new());
                    plans.push(Plan { query, nodes });
                }
            }
            Some(text) if is_plan => {
                let plan = plans.last_mut().unwrap();
                if let Some(query) = text.strip_prefix("Query Text: ") {
                    plan.query += query.trim();
                } else if plan.nodes.is_empty() && !text.contains("(cost=") {
                    plan.query += "\n";
                    plan.query += text.trim_end();
                } else {
                    plan.nodes
                        .extend(without_cost(text).trim_end().chars().take(LONGEST));
                    plan.nodes += "\n";
                }
            }
            Some(_) => {}
        }
    }
    for plan in &mut plans {
        plan.nodes = plan.nodes.trim_end().to_owned();
    }
    plans
}

/// A node without what the planner had expected: what it met is more to the point, and changes less.
fn without_cost(line: &str) -> String {
    let Some((before, rest)) = line.split_once("(cost=") else {
        return line.to_owned();
    };
    let after = rest.split_once(')').map_or("", |(_, after)| after);
    format!("{}{}", before.trim_end(), after)
}
