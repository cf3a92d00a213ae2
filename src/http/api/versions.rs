//! Versions of rules: published and compared, proposed, withdrawn; decisions made again by them.
//!
//! A proposal and its publication are two persons' commands, as on the command line.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use validator::Validate;

use super::policies::{checked, faulty, turn};
use crate::http::caller::Acting;
use crate::http::extract::{self, PackJson, Path};
use crate::http::problem::Problem;
use crate::http::state::App;
use crate::policy::store::{self, Listed};
use crate::policy::{Difference, Moment, Policy, Sha256, diff, pack_schema};
use crate::programme::{self, Published, Waiting};
use crate::screening::{History, Rerun, Span};
use crate::types::{Code, Day, LogIndex, PolicyId, Reason, Zone};
use crate::verify::decisions::{ReplayedDecision, replay_entry};

/// The versions of every programme, in the order in which they come into force.
#[derive(Serialize)]
pub(in crate::http) struct Versions {
    policies: Vec<Listed>,
}

/// `GET policies`: the published versions, with the days on which each decides.
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Json<Versions>, Problem> {
    let zone = app.zone(&zone).await?.zone.id;
    let listed = app
        .database
        .read(zone, zone, |conn, zone| Box::pin(store::list(conn, *zone)));
    let policies = listed.await?;
    Ok(Json(Versions { policies }))
}

/// `GET policies/schema`: the JSON Schema of packs.
pub(in crate::http) async fn schema(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Json<Value>, Problem> {
    app.zone(&zone).await?;
    Ok(Json(pack_schema()))
}

/// A pack's text, or a published version as `CODE@VERSION` or `CODE@DATE`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    pack: Option<String>,
    published: Option<String>,
}

/// Two packs.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Pair {
    old: Which,
    new: Which,
}

#[derive(Serialize)]
struct Compared {
    code: Code,
    sha256: Sha256,
    version: Code,
}

/// What differs between two packs.
#[derive(Serialize)]
pub(in crate::http) struct Comparison {
    old: Compared,
    new: Compared,
    differences: Vec<Difference>,
}

/// `POST policies/differences`: what is otherwise in the second pack, in Chinese and English.
pub(in crate::http) async fn differences(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    PackJson(pair): PackJson<Pair>,
) -> Result<Json<Comparison>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let old = which(&app, &zone, "old", pair.old).await;
    let new = which(&app, &zone, "new", pair.new).await;
    let (old, new) = match (old, new) {
        (Ok(old), Ok(new)) => (old, new),
        (Err(old), Err(new)) => return Err(old.and(&new)),
        (Err(problem), Ok(_)) | (Ok(_), Err(problem)) => return Err(problem),
    };
    let named = |policy: &Policy| Compared {
        code: policy.code().clone(),
        sha256: policy.sha256(),
        version: policy.version().clone(),
    };
    Ok(Json(Comparison {
        old: named(&old),
        new: named(&new),
        differences: diff(&old, &new),
    }))
}

async fn which(app: &App, zone: &Zone, field: &str, which: Which) -> Result<Policy, Problem> {
    let named = match which {
        Which {
            pack: Some(pack),
            published: None,
        } => {
            let checked = checked(pack).await?;
            return checked.map_err(|problems| faulty(&format!("{field}.pack"), &problems));
        }
        Which {
            pack: None,
            published: Some(named),
        } => named,
        Which { .. } => {
            let detail =
                "give either `pack`, the text of one, or `published`, such as SH-VOUCHER@2020-1";
            return Err(Problem::invalid(field, detail));
        }
    };
    let field = format!("{field}.published");
    let detail = "write CODE@VERSION, or CODE@DATE for the version in force on a day: GET policies lists them";
    let (code, at) = named
        .split_once('@')
        .ok_or_else(|| Problem::invalid(&field, detail))?;
    let code: Code = code.parse().map_err(|_| Problem::invalid(&field, detail))?;
    let input = (zone.id, code, at.to_owned());
    let found = app.database.read(zone.id, input, |conn, (zone, code, at)| {
        Box::pin(store::version_at(conn, *zone, code, at))
    });
    let found = found.await?;
    let none =
        "no such version is published, and none is in force on such a day: GET policies lists them";
    let found = found.ok_or_else(|| Problem::invalid(&field, none))?;
    Ok(found.policy)
}

/// The proposals that wait for publication.
#[derive(Serialize)]
pub(in crate::http) struct Proposals {
    proposals: Vec<Waiting>,
}

/// `GET policies/proposals`: what waits for publication, without the packs.
pub(in crate::http) async fn proposals(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
) -> Result<Json<Proposals>, Problem> {
    let proposals = waiting(&app, &zone).await?;
    Ok(Json(Proposals { proposals }))
}

/// A proposal with its pack, byte for byte.
#[derive(Serialize)]
pub(in crate::http) struct Proposal {
    #[serde(flatten)]
    waiting: Waiting,
    pack: String,
}

/// `GET policies/proposals/{entry}`: one that waits, with its pack.
pub(in crate::http) async fn proposal(
    State(app): State<Arc<App>>,
    Path((zone, entry)): Path<(String, i64)>,
) -> Result<Json<Proposal>, Problem> {
    let waiting = waiting(&app, &zone).await?;
    let mut waiting = waiting.into_iter();
    let found = waiting.find(|one| one.entry.0 == entry);
    let waiting = found.ok_or_else(|| Problem::not_found("proposal"))?;
    let pack = waiting.pack.clone();
    Ok(Json(Proposal { waiting, pack }))
}

async fn waiting(app: &App, zone: &str) -> Result<Vec<Waiting>, Problem> {
    let zone = app.zone(zone).await?.zone.clone();
    let read = app.database.read(zone.id, zone, |conn, zone| {
        Box::pin(programme::waiting(conn, zone))
    });
    Ok(read.await?)
}

/// A pack to be proposed.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewProposal {
    /// The TOML text.
    pack: String,
}

/// The entry of what was done.
#[derive(Serialize)]
pub(in crate::http) struct Done {
    entry: LogIndex,
}

/// `POST policies/proposals`, by a rule administrator.
pub(in crate::http) async fn propose(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    acting: Acting,
    PackJson(input): PackJson<NewProposal>,
) -> Result<Json<Done>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let policy = sound(input.pack).await?;
    let done = app.command(&zone, acting, policy, |conn, command, policy| {
        Box::pin(
            async move { programme::propose(conn, &command, policy.code(), policy.body()).await },
        )
    });
    let entry = done.await?.index;
    Ok(Json(Done { entry }))
}

async fn sound(pack: String) -> Result<Policy, Problem> {
    let checked = checked(pack).await?;
    checked.map_err(|problems| faulty("pack", &problems))
}

/// Why a proposal is withdrawn.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Withdrawal {
    reason: Reason,
}

/// `POST policies/proposals/{entry}/withdrawal`, by a rule administrator or a manager.
pub(in crate::http) async fn withdraw(
    State(app): State<Arc<App>>,
    Path((zone, entry)): Path<(String, i64)>,
    acting: Acting,
    extract::Json(input): extract::Json<Withdrawal>,
) -> Result<Json<Done>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let input = (LogIndex(entry), input.reason);
    let done = app.command(&zone, acting, input, |conn, command, (entry, reason)| {
        Box::pin(async move { programme::withdraw(conn, &command, *entry, reason).await })
    });
    let entry = done.await?.index;
    Ok(Json(Done { entry }))
}

/// A pack to be published, byte for byte as it was proposed.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewVersion {
    /// The TOML text.
    pack: String,
    /// Why it takes past days from another version, if it does.
    retroactive: Option<Reason>,
}

/// A version that is in force from its day on.
#[derive(Serialize)]
pub(in crate::http) struct NewlyPublished {
    entry: LogIndex,
    policy: PolicyId,
    programme: Code,
    version: Code,
    sha256: String,
    in_force_from: NaiveDate,
}

/// `POST policies/publications`, by a manager, another person than proposed it.
pub(in crate::http) async fn publish(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    acting: Acting,
    PackJson(input): PackJson<NewVersion>,
) -> Result<Json<NewlyPublished>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let policy = sound(input.pack).await?;
    let programme = policy.code().clone();
    let input = (policy, input.retroactive);
    let done = app.command(&zone, acting, input, |conn, command, (policy, reason)| {
        Box::pin(async move {
            let (code, pack) = (policy.code(), policy.body());
            match reason {
                None => programme::publish(conn, &command, code, pack).await,
                Some(reason) => {
                    programme::publish_retroactively(conn, &command, code, pack, reason).await
                }
            }
        })
    });
    let (published, recorded) = done.await?;
    let Published {
        policy,
        version,
        sha256,
        in_force_from,
    } = published;
    Ok(Json(NewlyPublished {
        entry: recorded.index,
        policy,
        programme,
        version,
        sha256,
        in_force_from,
    }))
}

/// A draft, and the days whose decisions it makes again.
#[derive(Debug, Deserialize, Validate)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Past {
    /// The TOML text.
    pack: String,
    moment: Option<Moment>,
    /// The first day; without it, from the first decision on.
    from: Option<Day>,
    /// The last day; without it, to the last decision.
    until: Option<Day>,
    /// How many of those who gain, and of those who lose, are listed.
    #[serde(default = "super::policies::usual_limit")]
    #[validate(range(min = 1, max = 500, message = "must be a whole number from 1 to 500"))]
    limit: usize,
}

/// `POST policies/histories`: what a draft would have decided of what its programme has decided.
pub(in crate::http) async fn history(
    State(app): State<Arc<App>>,
    Path(zone): Path<String>,
    PackJson(input): PackJson<Past>,
) -> Result<Json<History>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let span = Span {
        from: input.from.map(Day::date),
        until: input.until.map(Day::date),
    };
    if span
        .until
        .is_some_and(|until| span.from.is_some_and(|from| until < from))
    {
        return Err(Problem::invalid(
            "until",
            "is before `from`: no day is in between",
        ));
    }
    let draft = sound(input.pack).await?;
    let _turn = turn(&app)?;
    let rerun = Rerun::new(&zone, &draft, span, input.moment, input.limit)?;
    let history = rerun.run(&app.database, &zone, &|_, _| {}).await?;
    Ok(Json(history))
}

/// `GET decisions/{entry}/replay`: whether the decision of an entry comes out the same, byte for byte.
pub(in crate::http) async fn replay(
    State(app): State<Arc<App>>,
    Path((zone, entry)): Path<(String, i64)>,
) -> Result<Json<ReplayedDecision>, Problem> {
    let zone = app.zone(&zone).await?.zone.clone();
    let input = (zone, LogIndex(entry));
    let read = app.database.read(input.0.id, input, |conn, (zone, entry)| {
        Box::pin(replay_entry(conn, zone, *entry))
    });
    let replayed = read.await?;
    replayed
        .map(Json)
        .ok_or_else(|| Problem::not_found("decision"))
}
