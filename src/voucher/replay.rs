//! The facts that recorded decisions on vouchers were made on: as rows keep them, or derived again as they were then.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use super::hold::PlaceHold;
use super::model::{Hold, Voucher};
use super::rules;
use super::store::{self, VoucherFilter};
use crate::batch::BatchError;
use crate::policy::Facts;
use crate::types::{HoldId, LogIndex, VoucherId, Zone};

/// A recorded decision, as its entry tells it.
#[derive(Clone, Copy, Debug)]
pub struct DecidedEntry<'e> {
    /// The entry.
    pub index: LogIndex,
    /// Its kind, such as `voucher.issued`.
    pub kind: &'e str,
    /// What it is about.
    pub subject: Option<Uuid>,
    /// The day of the decision.
    pub on: NaiveDate,
    /// The command's input.
    pub input: &'e Value,
    /// The command's answer.
    pub answer: &'e Value,
}

/// What an entry's decision was made on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptFacts {
    /// These.
    Facts(Facts),
    /// They should be in a row of this room, and are not, or can't be read.
    Lost(String),
    /// It is no decision of this room.
    Elsewhere,
}

/// How the facts of a decision come about.
enum Origin {
    /// They are those of the application.
    Application(VoucherId),
    /// They are those of the hold that the order made.
    Hold(HoldId),
    /// An order that was refused: application, order and voucher.
    Order(VoucherId),
    /// Those of the hold, with the price of the bill.
    Bill(HoldId),
}

impl Origin {
    fn of(entry: &DecidedEntry<'_>) -> Option<Result<Self, String>> {
        let subject = || entry.subject.map(VoucherId).ok_or("it names no subject");
        let id = |from: &Value, name: &str| -> Result<HoldId, String> {
            let text = from.get(name).and_then(Value::as_str);
            let id = text.and_then(|text| text.parse::<HoldId>().ok());
            id.ok_or_else(|| format!("it names no {name}"))
        };
        Some(match entry.kind {
            "voucher.applied"
            | "voucher.recommended"
            | "voucher.rejected"
            | "voucher.review_needed"
            | "voucher.issued"
            | "voucher.refused"
            | "issue.refused" => subject().map(Self::Application).map_err(str::to_owned),
            "voucher.held" => id(entry.answer, "hold").map(Self::Hold),
            "hold.refused" => subject().map(Self::Order).map_err(str::to_owned),
            "voucher.redeemed" | "redemption.refused" => id(entry.input, "hold").map(Self::Bill),
            _ => return None,
        })
    }
}

/// The facts of each decision, in the order of the entries.
pub async fn facts_of_decisions(
    conn: &mut PgConnection,
    zone: &Zone,
    entries: &[DecidedEntry<'_>],
) -> Result<Vec<KeptFacts>, BatchError> {
    let origins: Vec<_> = entries.iter().map(Origin::of).collect();
    let (mut applications, mut holds, mut orders) = (Vec::new(), Vec::new(), Vec::new());
    for origin in origins.iter().flatten().flatten() {
        match origin {
            Origin::Application(id) => applications.push(*id),
            Origin::Hold(id) | Origin::Bill(id) => holds.push(*id),
            Origin::Order(id) => {
                applications.push(*id);
                orders.push(*id);
            }
        }
    }
    let mut rows = Rows {
        applications: store::facts_of_applications(conn, zone.id, &applications).await?,
        holds: store::read_holds(conn, zone.id, &holds).await?,
        vouchers: HashMap::new(),
    };
    for id in orders {
        let filter = VoucherFilter {
            id: Some(id),
            ..VoucherFilter::default()
        };
        let found = store::vouchers(conn, zone, &filter, 1).await?;
        rows.vouchers.extend(found.into_iter().map(|one| (id, one)));
    }
    let facts = origins.into_iter().zip(entries).map(|(origin, entry)| {
        let Some(origin) = origin else {
            return KeptFacts::Elsewhere;
        };
        match origin.and_then(|origin| rows.facts(&origin, entry)) {
            Ok(facts) => KeptFacts::Facts(facts),
            Err(why) => KeptFacts::Lost(why),
        }
    });
    Ok(facts.collect())
}

struct Rows {
    applications: HashMap<VoucherId, String>,
    holds: HashMap<HoldId, Hold>,
    vouchers: HashMap<VoucherId, Voucher>,
}

impl Rows {
    fn facts(&self, origin: &Origin, entry: &DecidedEntry<'_>) -> Result<Facts, String> {
        match origin {
            Origin::Application(id) => self.application(*id),
            Origin::Hold(id) => self.hold(*id).and_then(|hold| read(&hold.facts)),
            Origin::Bill(id) => {
                let hold = self.hold(*id)?;
                let facts = read(&hold.facts)?;
                let price = rules::price(text(entry.input, "price")?, facts.currency());
                let price = price.map_err(|error| error.to_string())?;
                Ok(rules::invoiced(facts, price, entry.on))
            }
            Origin::Order(id) => {
                let application = self.application(*id)?;
                let voucher = self.vouchers.get(id);
                let voucher = voucher.ok_or_else(|| format!("there is no voucher {id}"))?;
                let order = order(entry.input, *id)?;
                let price = rules::price(&order.price, voucher.line.currency);
                let price = price.map_err(|error| error.to_string())?;
                Ok(rules::order_facts(
                    &application,
                    &order,
                    voucher,
                    price,
                    entry.on,
                ))
            }
        }
    }

    fn application(&self, id: VoucherId) -> Result<Facts, String> {
        let facts = self.applications.get(&id);
        read(facts.ok_or_else(|| format!("there is no application {id}"))?)
    }

    fn hold(&self, id: HoldId) -> Result<&Hold, String> {
        let hold = self.holds.get(&id);
        hold.ok_or_else(|| format!("there is no hold {id}"))
    }
}

fn read(text: &str) -> Result<Facts, String> {
    Facts::from_canonical_json(text.as_bytes()).map_err(|error| error.to_string())
}

fn text<'v>(input: &'v Value, name: &str) -> Result<&'v str, String> {
    let found = input.get(name).and_then(Value::as_str);
    found.ok_or_else(|| format!("its input has no {name}"))
}

/// The order as it was placed.
fn order(input: &Value, voucher: VoucherId) -> Result<PlaceHold, String> {
    let facts = input.get("facts").map(Value::to_string);
    let provider = text(input, "provider")?.parse();
    Ok(PlaceHold {
        facts: read(&facts.unwrap_or_default())?,
        price: text(input, "price")?.to_owned(),
        provider: provider.map_err(|_| "its provider is no identity".to_owned())?,
        voucher,
    })
}
