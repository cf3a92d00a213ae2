//! Lists of cases that raise a question. An item is no finding: each of these things also has innocent causes.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use super::split::{self, Under};
use super::store::{self, Found, Near, Threshold};
use crate::approval;
use crate::types::{LogIndex, Money, Zone};

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExceptionKind {
    /// One document or one reference under several cases.
    DuplicateDocuments,
    /// One bank account under several parties.
    SharedAccounts,
    /// Buyer and provider that belong together.
    RelatedParties,
    /// Cases of one party just under a threshold, close to each other.
    Splits,
    /// Two parties that buy from each other.
    RoundTrips,
    /// Several duties in one person, and persons who act on a case with whom they enrolled.
    ConflictingRoles,
}

impl ExceptionKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [Self; 6] = [
        Self::DuplicateDocuments,
        Self::SharedAccounts,
        Self::RelatedParties,
        Self::Splits,
        Self::RoundTrips,
        Self::ConflictingRoles,
    ];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DuplicateDocuments => "duplicate-documents",
            Self::SharedAccounts => "shared-accounts",
            Self::RelatedParties => "related-parties",
            Self::Splits => "splits",
            Self::RoundTrips => "round-trips",
            Self::ConflictingRoles => "conflicting-roles",
        }
    }
}

/// How near is near.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Days between two cases of a split, or two purchases of a round trip.
    pub days: u16,
    /// How many percent under a threshold a case of a split is at most.
    pub percent: u8,
    /// The threshold of splits, of claims and vouchers; without it, of claims, the levels of approval that were in force when
    /// each was reviewed.
    pub threshold: Option<Money>,
}

/// Which items of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only those that came about after this entry.
    pub after: Option<LogIndex>,
    /// So many of them, and those that came about by the same entry as the last.
    pub limit: i64,
}

/// A case of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// What is paid, ordered or issued; minor units.
    pub amount: Option<Money>,
    /// Short name: a letter of its kind, such as `H…` for an order, and the number of its entry; of a person the login.
    pub name: String,
    /// Whose it is, by name; whom a person acts for.
    pub party: String,
    /// Whom an order or a lease is with, by name.
    pub provider: Option<String>,
}

/// An item of a list: cases that raise one question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Exception {
    /// The entry by which it came about: the newest of its cases.
    pub at: LogIndex,
    /// The cases, oldest first.
    pub cases: Vec<Case>,
    /// What they have in common.
    pub what: String,
}

/// A list of a zone, oldest items first.
pub async fn exceptions(
    conn: &mut PgConnection,
    zone: &Zone,
    kind: ExceptionKind,
    settings: Settings,
    page: Page,
) -> Result<Vec<Exception>, sqlx::Error> {
    let days = settings.days;
    let found = match kind {
        ExceptionKind::DuplicateDocuments => {
            store::duplicate_documents(conn, zone.id, page).await?
        }
        ExceptionKind::SharedAccounts => store::shared_accounts(conn, zone.id, page).await?,
        ExceptionKind::RelatedParties => store::related_parties(conn, zone.id, page).await?,
        ExceptionKind::Splits => splits(conn, zone, settings, page).await?,
        ExceptionKind::RoundTrips => store::round_trips(conn, zone.id, days, page).await?,
        ExceptionKind::ConflictingRoles => store::conflicting_roles(conn, zone.id, page).await?,
    };
    let ids: Vec<Uuid> = found.iter().map(|one| one.case).collect();
    let cases = store::describe(conn, zone.id, &ids).await?;
    Ok(gather(found, &cases))
}

/// One item for each entry and thing in common; what was found is in the order of both.
fn gather(found: Vec<Found>, cases: &HashMap<Uuid, Case>) -> Vec<Exception> {
    let mut items: Vec<Exception> = Vec::new();
    for one in found {
        let case = cases.get(&one.case).cloned();
        let is_same = |item: &Exception| item.at == one.at && item.what == one.what;
        match items.last_mut().filter(|item| is_same(item)) {
            Some(item) => item.cases.extend(case),
            None => items.push(Exception {
                at: one.at,
                cases: case.into_iter().collect(),
                what: one.what,
            }),
        }
    }
    items
}

/// Splits: near cases come from the database, and are put together here. There are few of them, so all are read.
async fn splits(
    conn: &mut PgConnection,
    zone: &Zone,
    settings: Settings,
    page: Page,
) -> Result<Vec<Found>, sqlx::Error> {
    let thresholds = thresholds(conn, zone, settings).await?;
    let vouchers = settings.threshold.is_some();
    let mut groups: BTreeMap<(Uuid, Money), Vec<Under<Near>>> = BTreeMap::new();
    for near in store::near(conn, zone.id, &thresholds, vouchers).await? {
        let group = groups.entry((near.party, near.threshold)).or_default();
        group.push(Under {
            day: near.day,
            amount: near.amount,
            case: near,
        });
    }
    let mut items: Vec<(LogIndex, Vec<Found>)> = Vec::new();
    for ((_, threshold), cases) in groups {
        for run in split::runs(cases, settings.days, threshold) {
            let Some(at) = run.iter().map(|under| under.case.index).max() else {
                continue;
            };
            let text = threshold.to_grouped_text(zone.currency);
            let found = run.into_iter().map(|under| Found {
                at,
                what: format!("each just under {text}, together more"),
                case: under.case.case,
            });
            items.push((at, found.collect()));
        }
    }
    items.retain(|(at, _)| page.after.is_none_or(|after| *at > after));
    items.sort_by_key(|(at, _)| *at);
    // As the other lists: those of the last item's entry are on the page too.
    let last = usize::try_from(page.limit).unwrap_or(usize::MAX);
    if let Some((last, _)) = last.checked_sub(1).and_then(|last| items.get(last)) {
        let last = *last;
        items.retain(|(at, _)| *at <= last);
    }
    Ok(items.into_iter().flat_map(|(_, found)| found).collect())
}

/// The thresholds, each with the entries between which it held.
async fn thresholds(
    conn: &mut PgConnection,
    zone: &Zone,
    settings: Settings,
) -> Result<Vec<Threshold>, sqlx::Error> {
    let lowest = |amount| split::lowest(amount, settings.percent);
    if let Some(amount) = settings.threshold {
        return Ok(vec![Threshold {
            since: LogIndex(0),
            until: LogIndex(i64::MAX),
            lowest: lowest(amount),
            amount,
        }]);
    }
    let mut sets: Vec<(LogIndex, Vec<Money>)> = approval::levels_sets(conn, zone.id, zone.currency)
        .await?
        .into_iter()
        .filter_map(|set| Some((set.confirmed_index?, set.levels.thresholds().collect())))
        .collect();
    sets.sort_by_key(|(since, _)| *since);
    let ends: Vec<LogIndex> = sets.iter().skip(1).map(|(since, _)| *since).collect();
    let ends = ends.into_iter().chain([LogIndex(i64::MAX)]);
    let held = sets.into_iter().zip(ends);
    Ok(held
        .flat_map(|((since, amounts), until)| {
            amounts.into_iter().map(move |amount| Threshold {
                since,
                until,
                lowest: lowest(amount),
                amount,
            })
        })
        .collect())
}
