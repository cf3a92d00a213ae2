//! Policies: check a pack, decide by it, screen a zone, simulate a draft, tell a party what it qualifies for. Nothing here
//! writes; `versions` publishes.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::paging::Id;
use super::parties::party_named;
use crate::http::extract::{PackJson, Path, Query};
use crate::http::problem::{FieldError, Problem};
use crate::http::state::App;
use crate::party;
use crate::policy::{
    Decision, Fact, Facts, FactsFileError, Locale, Moment, Outcome, PackProblems, Policy, Raw,
    Source, check, decide, explain_on, read_facts_file,
};
use crate::screening::{
    self, Among, Eligibility, Listing, ScreeningError, Simulation, Wanted, find_policy,
};
use crate::types::{Code, Currency, Day, PartyId, Zone};

/// A pack to be checked.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Pack {
    /// The TOML text.
    pack: String,
}

/// What a check says.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::http) enum Checked {
    Sound {
        sound: bool,
        code: Code,
        version: Code,
        sha256: String,
    },
    Unsound {
        sound: bool,
        problems: Vec<Fault>,
    },
}

#[derive(Serialize)]
pub(in crate::http) struct Fault {
    line: usize,
    column: usize,
    message: String,
    remedy: String,
}

/// `POST policies/check`: 200 with what is wrong, or with the pack's hash.
pub(in crate::http) async fn check_pack(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    PackJson(input): PackJson<Pack>,
) -> Result<Json<Checked>, Problem> {
    app.zone(&zone).await?;
    Ok(Json(match checked(input.pack).await? {
        Ok(policy) => Checked::Sound {
            sound: true,
            code: policy.code().clone(),
            version: policy.version().clone(),
            sha256: policy.sha256().to_string(),
        },
        Err(problems) => Checked::Unsound {
            sound: false,
            problems: problems
                .problems()
                .iter()
                .map(|problem| Fault {
                    line: problem.line,
                    column: problem.column,
                    message: problem.message.clone(),
                    remedy: problem.remedy.clone(),
                })
                .collect(),
        },
    }))
}

/// The check of a pack, where it keeps no other request waiting.
pub(super) async fn checked(pack: String) -> Result<Result<Policy, PackProblems>, Problem> {
    let check = tokio::task::spawn_blocking(move || check(&pack));
    check.await.map_err(Problem::internal)
}

/// Everything that is wrong with a pack that should decide, each with its place and remedy.
pub(super) fn faulty(field: &str, problems: &PackProblems) -> Problem {
    let errors: Vec<FieldError> = problems
        .problems()
        .iter()
        .map(|problem| FieldError {
            field: field.to_owned(),
            detail: format!(
                "line {}, column {}: {}; remedy: {}",
                problem.line, problem.column, problem.message, problem.remedy
            ),
        })
        .collect();
    Problem::faults(format!("{field}: {problems}"), errors)
}

/// Everything that is wrong with the facts of a case, each with its place in the request.
fn misstated(error: &FactsFileError) -> Problem {
    let errors: Vec<FieldError> = error
        .0
        .iter()
        .map(|problem| {
            let (place, detail) = problem.split_once(": ").unwrap_or(("", problem));
            let field = match place {
                "" | "the file" => "facts".to_owned(),
                place => format!("facts.{place}"),
            };
            let detail = detail.to_owned();
            FieldError { field, detail }
        })
        .collect();
    Problem::of_fields(errors)
}

/// Which rules, for which day: a pack's text, or a programme, whose version in force is taken.
#[derive(Clone, Debug, Deserialize)]
struct Rules {
    pack: Option<String>,
    programme: Option<Code>,
    on: Option<Day>,
    moment: Option<Moment>,
    role: Option<Among>,
}

/// The rules, found.
struct Found {
    policy: Arc<Policy>,
    moment: Moment,
    among: Option<Among>,
    on: NaiveDate,
    zone: Zone,
}

impl Rules {
    async fn find(self, app: &App, zone: &str) -> Result<Found, Problem> {
        let zone = app.zone(zone).await?.zone.clone();
        let today = || zone.time.day(app.clock.now());
        let on = self.on.map_or_else(today, Day::date);
        let policy = match (self.pack, self.programme) {
            (Some(pack), None) => {
                let checked = checked(pack).await?;
                Arc::new(checked.map_err(|problems| faulty("pack", &problems))?)
            }
            (None, Some(code)) => {
                let input = (zone.clone(), code, on);
                app.database
                    .read(zone.id, input, |conn, (zone, code, on)| {
                        Box::pin(find_policy(conn, zone, code, *on))
                    })
                    .await?
            }
            (Some(_), Some(_)) | (None, None) => {
                let detail = "give either `pack`, the text of one, or `programme`, a code";
                return Err(Problem::invalid("programme", detail));
            }
        };
        let first = policy.moments().first().copied();
        Ok(Found {
            moment: self.moment.or(first).unwrap_or(Moment::Grant),
            among: self.role,
            policy,
            on,
            zone,
        })
    }
}

/// Facts and usage, as a facts file has them, and the rules to decide by.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Case {
    pack: Option<String>,
    programme: Option<Code>,
    on: Option<Day>,
    moment: Option<Moment>,
    /// As docs/policies.md says: `as_of`, `facts`, `usage`.
    facts: serde_json::Value,
}

/// A decision and what it says in words.
#[derive(Serialize)]
pub(in crate::http) struct Decided {
    decision: Decision,
    explanation: Explanation,
}

#[derive(Serialize)]
struct Explanation {
    zh: Vec<String>,
    en: Vec<String>,
}

/// `POST policies/decisions`: what rules would decide; nothing is recorded.
pub(in crate::http) async fn decide_case(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    PackJson(input): PackJson<Case>,
) -> Result<Json<Decided>, Problem> {
    let rules = Rules {
        pack: input.pack,
        programme: input.programme,
        on: input.on,
        moment: input.moment,
        role: None,
    };
    let found = rules.find(&app, &zone).await?;
    let bytes = input.facts.to_string();
    let (facts, usage) = read_facts_file(bytes.as_bytes(), &found.policy, found.moment)
        .map_err(|error| misstated(&error))?;
    let decision = decide(&found.policy, found.moment, &facts, &usage, found.on);
    Ok(Json(Decided {
        explanation: Explanation {
            zh: explain_on(&decision, &found.policy, &facts, Locale::Zh),
            en: explain_on(&decision, &found.policy, &facts, Locale::En),
        },
        decision,
    }))
}

/// A run over the whole zone.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Run {
    pack: Option<String>,
    programme: Option<Code>,
    on: Option<Day>,
    moment: Option<Moment>,
    /// Which parties are looked at; those whom the pack concerns, if left out.
    role: Option<Among>,
    /// Facts of every party of which nothing else is known, as text.
    #[serde(default)]
    assume: BTreeMap<String, String>,
    /// Only those who come out so.
    outcome: Option<Outcome>,
    /// The last of the page before.
    after: Option<Id<PartyId>>,
    /// How many are listed.
    #[serde(default = "usual_limit")]
    #[validate(range(min = 1, max = 500, message = "must be a whole number from 1 to 500"))]
    limit: usize,
}

pub(super) const fn usual_limit() -> usize {
    50
}

impl Run {
    fn rules(&self) -> Rules {
        Rules {
            pack: self.pack.clone(),
            programme: self.programme.clone(),
            on: self.on,
            moment: self.moment,
            role: self.role,
        }
    }
}

/// A draft beside the version of its programme in force.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Draft {
    /// The TOML text.
    pack: String,
    on: Option<Day>,
    moment: Option<Moment>,
    /// Which parties are looked at; those whom the pack concerns, if left out.
    role: Option<Among>,
    /// Facts of every party of which nothing else is known, as text.
    #[serde(default)]
    assume: BTreeMap<String, String>,
    /// How many of those who gain, and of those who lose, are listed.
    #[serde(default = "usual_limit")]
    #[validate(range(min = 1, max = 500, message = "must be a whole number from 1 to 500"))]
    limit: usize,
}

/// Every fault of what is assumed is told.
fn assumed(
    given: &BTreeMap<String, String>,
    currency: Currency,
    on: NaiveDate,
) -> Result<Facts, Problem> {
    let mut facts = Facts::new(currency);
    let mut faults = Vec::new();
    for (name, text) in given {
        let stated = match Fact::named(name) {
            None => Err(format!("unknown fact: {}", Fact::advice(name))),
            Some(fact) => facts
                .state(fact, Raw::typed(fact, text), Source::Declared, on)
                .map_err(|error| error.to_string()),
        };
        if let Err(detail) = stated {
            let field = format!("assume.{name}");
            faults.push(FieldError { field, detail });
        }
    }
    if faults.is_empty() {
        Ok(facts)
    } else {
        Err(Problem::of_fields(faults))
    }
}

/// `POST policies/screenings`: who qualifies, and for how much; one page of them.
///
/// One run at a time, since each holds a column for every fact of every party: others are told to come again.
pub(in crate::http) async fn screen(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    PackJson(input): PackJson<Run>,
) -> Result<Json<Listing>, Problem> {
    let found = input.rules().find(&app, &zone).await?;
    let facts = assumed(&input.assume, found.zone.currency, found.on)?;
    let _turn = turn(&app)?;
    let id = found.zone.id;
    let listing = app
        .database
        .read(id, (found, input, facts), |conn, (found, input, facts)| {
            Box::pin(async move {
                let wanted = found.wanted();
                let screened =
                    screening::screen(conn, &found.zone, wanted, found.on, facts, &|_, _| {})
                        .await?;
                let rows = screened.rows(input.outcome, input.after.map(|Id(after)| after))?;
                let page: Vec<usize> = rows.iter().take(input.limit).copied().collect();
                let ids: Vec<PartyId> = page
                    .iter()
                    .filter_map(|row| screened.parties.get(*row).copied())
                    .collect();
                let parties = party::store::parties(conn, found.zone.id, &ids).await?;
                let on = found.on;
                Ok::<_, ScreeningError>(Listing::of(
                    wanted,
                    on,
                    facts,
                    &screened,
                    &page,
                    &parties,
                    rows.len(),
                ))
            })
        })
        .await?;
    Ok(Json(listing))
}

impl Found {
    fn wanted(&self) -> Wanted<'_> {
        Wanted::new(&self.policy, self.moment).among(self.among)
    }
}

/// The turn of a run over a whole zone.
pub(super) fn turn(app: &App) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
    app.whole_zone.try_acquire().map_err(|_| {
        let detail = "another run over a whole zone is going on: try again in a moment";
        Problem::unavailable("whole_zone_busy", detail)
    })
}

/// `POST policies/simulations`: what a draft would change against the version in force.
pub(in crate::http) async fn simulate(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    PackJson(input): PackJson<Draft>,
) -> Result<Json<Simulation>, Problem> {
    let rules = Rules {
        pack: Some(input.pack),
        programme: None,
        on: input.on,
        moment: input.moment,
        role: input.role,
    };
    let found = rules.find(&app, &zone).await?;
    let facts = assumed(&input.assume, found.zone.currency, found.on)?;
    let _turn = turn(&app)?;
    let id = found.zone.id;
    let mut simulation = app
        .database
        .read(id, (found, facts), |conn, (found, facts)| {
            Box::pin(async move {
                let zone = &found.zone;
                let code = found.policy.code();
                let current = match find_policy(conn, zone, code, found.on).await {
                    Ok(policy) => Some(policy),
                    Err(ScreeningError::NotInForce { .. }) => None,
                    Err(error) => return Err(error),
                };
                let wanted = found.wanted();
                let current = current.as_deref();
                screening::simulate(conn, zone, wanted, current, found.on, facts, &|_, _| {}).await
            })
        })
        .await?;
    simulation.gain.truncate(input.limit);
    simulation.lose.truncate(input.limit);
    Ok(Json(simulation))
}

/// For which day, in which language.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EligibilityQuery {
    on: Option<Day>,
    #[serde(default)]
    lang: Language,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Language {
    #[default]
    Zh,
    En,
}

/// Every programme in force, and what it decides for the party.
#[derive(Serialize)]
pub(in crate::http) struct Programmes {
    on: NaiveDate,
    programmes: Vec<Eligibility>,
}

/// `GET parties/{party}/eligibility`: by the facts that the ledger knows. The party is named by id or by code.
pub(in crate::http) async fn eligibility(
    State(app): State<Arc<App>>,
    Path((zone, party)): Path<(String, String)>,
    Query(query): Query<EligibilityQuery>,
) -> Result<Json<Programmes>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let today = || zone.time.day(app.clock.now());
    let on = query.on.map_or_else(today, Day::date);
    let found = app
        .database
        .read(
            zone.id,
            (zone.clone(), party),
            move |conn, (zone, party)| {
                Box::pin(async move {
                    let Some(party) = party_named(conn, zone, party).await? else {
                        return Ok(None);
                    };
                    let nothing = Facts::new(zone.currency);
                    let found = screening::for_party(conn, zone, &party, on, &nothing).await?;
                    Ok::<_, ScreeningError>(Some(found))
                })
            },
        )
        .await?;
    let found = found.ok_or_else(|| Problem::not_found("party"))?;
    let locale = match query.lang {
        Language::Zh => Locale::Zh,
        Language::En => Locale::En,
    };
    let programmes = found.iter();
    Ok(Json(Programmes {
        on,
        programmes: programmes
            .map(|one| Eligibility::of(one, locale, true))
            .collect(),
    }))
}
