//! What a claim takes from the rent book (减免): which waivers, what they come to, and whether the book still says so.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::Refused;
use super::content::Claimed;
use super::model::{Claim, ClaimRefusal};
use super::store;
use crate::batch::Rejected;
use crate::policy::{Fact, Facts, Moment, Policy, Raw, Source};
use crate::rent::{MonthMeasure, Relief, ReliefBook, WaiverState, Way};
use crate::types::{
    ClaimId, Currency, LogIndex, Money, Named, PartyId, Period, WaiverId, Zone, ZoneId,
};

/// The most waivers of a claim: its entry has a limit of size.
const MOST_WAIVERS: usize = 150;

/// What the rent book says, and nobody else where a claim rests on it. It holds rent alone, so other charges are nothing.
const FROM_BOOK: [Fact; 14] = [
    Fact::AuditedWaiver,
    Fact::CanteenFee,
    Fact::FullMonths,
    Fact::HalfMonths,
    Fact::LandlordRelief,
    Fact::MonthlyRent,
    Fact::ParkingFee,
    Fact::PropertyFee,
    Fact::ReliefKind,
    Fact::TenantConfirmed,
    Fact::WaivedAmount,
    Fact::WaivedMonths,
    Fact::WaiverFrom,
    Fact::WaiverUntil,
];

/// The relief that a claim shall rest on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "asked", rename_all = "snake_case")]
pub enum ReliefAsked {
    /// Everything of these days.
    All {
        /// First day.
        from: NaiveDate,
        /// Last day.
        until: NaiveDate,
    },
    /// These waivers, as far as they lie within the days.
    Named {
        /// First day, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<NaiveDate>,
        /// Last day, if there is one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<NaiveDate>,
        /// Which.
        waivers: Vec<WaiverId>,
    },
}

impl ReliefAsked {
    /// The waivers that are named.
    pub(super) fn named(&self) -> &[WaiverId] {
        match self {
            Self::All { .. } => &[],
            Self::Named { waivers, .. } => waivers,
        }
    }

    const fn days(&self) -> (Option<NaiveDate>, Option<NaiveDate>) {
        match self {
            Self::All { from, until } => (Some(*from), Some(*until)),
            Self::Named { from, until, .. } => (*from, *until),
        }
    }
}

/// One waiver, as a claim takes it; amounts are decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// What the audit found of the days.
    pub audited: String,
    /// What the tenant states of them.
    pub confirmed: String,
    /// First day.
    pub from_day: NaiveDate,
    /// What the carrier's own landlord waived of it.
    pub landlord_relief: String,
    /// `W` and this number is the waiver's short name.
    pub number: LogIndex,
    /// Last day.
    pub until_day: NaiveDate,
    /// The waiver.
    pub waiver: WaiverId,
}

/// Where all waivers are of one lease: what policies ask that count its months.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfLease {
    /// Months of which the whole rent was waived.
    pub full_months: u32,
    /// Months of which half was waived.
    pub half_months: u32,
    /// The rent of a whole month, decimal text.
    pub monthly_rent: String,
}

/// What a claim rests on, as the rent book said it when the claim was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// First day of what counts, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// If all of it is of one lease.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_lease: Option<OfLease>,
    /// Last day of what counts, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// Calendar months that any of the waivers counts in.
    pub waived_months: u32,
    /// The waivers, in the order of their declarations.
    pub waivers: Vec<Taken>,
}

impl Drawn {
    /// The facts that follow: sums over the waivers, verified by tenant and audit.
    pub(super) fn facts(&self, currency: Currency, on: NaiveDate) -> Result<Facts, Rejected> {
        let mut facts = Facts::new(currency);
        let mut state = |fact: Fact, text: &str| {
            let stated = facts.state(fact, Raw::typed(fact, text), Source::Verified, on);
            stated.map_err(|error| Rejected::Facts(format!("{fact}: {error}")))
        };
        let audited = self.sum(currency, |one| &one.audited)?;
        for (fact, sum) in [
            (Fact::AuditedWaiver, &audited),
            (Fact::WaivedAmount, &audited),
            (
                Fact::TenantConfirmed,
                &self.sum(currency, |one| &one.confirmed)?,
            ),
            (
                Fact::LandlordRelief,
                &self.sum(currency, |one| &one.landlord_relief)?,
            ),
            (Fact::CanteenFee, &Money::ZERO),
            (Fact::ParkingFee, &Money::ZERO),
            (Fact::PropertyFee, &Money::ZERO),
        ] {
            state(fact, &sum.to_text(currency))?;
        }
        state(Fact::ReliefKind, "waiver")?;
        state(Fact::WaivedMonths, &self.waived_months.to_string())?;
        if let Some(first) = self.waivers.iter().map(|one| one.from_day).min() {
            state(Fact::WaiverFrom, &first.to_string())?;
        }
        if let Some(last) = self.waivers.iter().map(|one| one.until_day).max() {
            state(Fact::WaiverUntil, &last.to_string())?;
        }
        if let Some(lease) = &self.of_lease {
            state(Fact::FullMonths, &lease.full_months.to_string())?;
            state(Fact::HalfMonths, &lease.half_months.to_string())?;
            state(Fact::MonthlyRent, &lease.monthly_rent)?;
        }
        Ok(facts)
    }

    fn sum(&self, currency: Currency, of: impl Fn(&Taken) -> &str) -> Result<Money, Rejected> {
        let parse = |one: &Taken| {
            let sum = Money::parse(of(one), currency);
            sum.map_err(|error| Rejected::Facts(format!("W{}: {error}", one.number)))
        };
        self.waivers.iter().map(parse).sum()
    }
}

/// The facts that nobody states where a claim rests on the rent book, as far as these are stated.
pub(super) fn expect_unstated(stated: impl Iterator<Item = Fact>) -> Result<(), Rejected> {
    let mut from_book = stated.filter(|fact| FROM_BOOK.contains(fact));
    from_book.next().map_or(Ok(()), |fact| {
        let message =
            format!("{fact}: the claim rests on the rent book, which says it; leave it out");
        Err(Rejected::Facts(message))
    })
}

/// Whether a policy pays for relief: then a carrier that keeps its leases here claims by its waivers.
fn is_for_relief(policy: &Policy) -> bool {
    policy.wanted(Moment::Claim).contains(&Fact::ReliefKind)
}

/// Takes from the book what is asked, or says why not even a draft can rest on it.
pub(super) fn draw(
    book: &ReliefBook,
    carrier: PartyId,
    asked: &ReliefAsked,
    currency: Currency,
) -> Result<Result<Drawn, Refused>, Rejected> {
    let (from, until) = asked.days();
    let window = window(from, until)?;
    let found = book.of(carrier, &window);
    let named: HashSet<WaiverId> = asked.named().iter().copied().collect();
    if let Some(unknown) = named.iter().find(|id| book.waiver(carrier, **id).is_none()) {
        return Err(Rejected::Unknown {
            what: "waiver",
            id: unknown.to_string(),
        });
    }
    let all = matches!(asked, ReliefAsked::All { .. });
    let wanted = |id: &WaiverId| all || named.contains(id);
    // A longer lease counts in no claim, so nothing waits for it.
    let is_cash = |id: WaiverId| {
        let waiver = book.waiver(carrier, id);
        waiver.is_some_and(|waiver| waiver.way != Way::Extension)
    };
    let waits = |state: fn(WaiverState) -> bool| -> Vec<LogIndex> {
        let waiting = found.waiting.iter();
        let waiting = waiting.filter(|one| wanted(&one.waiver) && is_cash(one.waiver));
        let waiting = waiting.filter(|one| state(one.state));
        waiting.map(|one| one.number).collect()
    };
    let mismatched = waits(|state| state == WaiverState::Mismatched);
    if !mismatched.is_empty() {
        return Ok(Err(about(ClaimRefusal::TenantMismatch, mismatched)));
    }
    let waiting = waits(|_| true);
    if !waiting.is_empty() {
        return Ok(Err(about(ClaimRefusal::ReliefWaits, waiting)));
    }
    let reliefs: Vec<&Relief> = found.reliefs.iter().filter(|one| counts(one)).collect();
    let taken: Vec<&Relief> = reliefs
        .into_iter()
        .filter(|one| wanted(&one.waiver))
        .collect();
    let got: HashSet<WaiverId> = taken.iter().map(|one| one.waiver).collect();
    let lacking: Vec<WaiverId> = named.difference(&got).copied().collect();
    if let Some(refused) = lacking_of(book, carrier, &lacking) {
        return Ok(Err(refused));
    }
    if taken.is_empty() {
        return Ok(Err(ClaimRefusal::NoRelief.into()));
    }
    if taken.len() > MOST_WAIVERS {
        return Err(Rejected::Facts(format!(
            "{} waivers: a claim rests on at most {MOST_WAIVERS}; make several claims of them",
            taken.len()
        )));
    }
    Ok(Ok(drawn((from, until), &taken, currency)))
}

/// A longer lease is no cash waiver, and counts in no claim.
fn counts(relief: &Relief) -> bool {
    relief.way != Way::Extension && relief.audited > Money::ZERO
}

fn window(from: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<Period, Rejected> {
    let after = until.and_then(|day| day.succ_opt());
    Period::new(from.unwrap_or(NaiveDate::MIN), after)
        .map_err(|error| Rejected::Input(format!("relief: {error}")))
}

/// Why named waivers give nothing.
fn lacking_of(book: &ReliefBook, carrier: PartyId, lacking: &[WaiverId]) -> Option<Refused> {
    let waivers = lacking.iter().filter_map(|id| book.waiver(carrier, *id));
    let (claimed, others): (Vec<_>, Vec<_>) =
        waivers.partition(|waiver| waiver.state() == WaiverState::Claimed);
    let numbers = |waivers: Vec<&crate::rent::Waiver>| {
        let numbers = waivers.into_iter().map(|waiver| waiver.declared_index);
        numbers.collect::<Vec<LogIndex>>()
    };
    if !claimed.is_empty() {
        return Some(about(ClaimRefusal::AlreadyClaimed, numbers(claimed)));
    }
    (!others.is_empty()).then(|| about(ClaimRefusal::NoRelief, numbers(others)))
}

/// A refusal with the short names of the waivers that it is about.
fn about(code: ClaimRefusal, mut waivers: Vec<LogIndex>) -> Refused {
    waivers.sort_unstable();
    let name = |index| Named::<WaiverId>::Entry(index).to_string();
    Refused {
        code,
        reasons: waivers.into_iter().map(name).collect(),
    }
}

fn drawn(
    (from, until): (Option<NaiveDate>, Option<NaiveDate>),
    reliefs: &[&Relief],
    currency: Currency,
) -> Drawn {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let months: BTreeSet<_> = reliefs.iter().flat_map(|one| &one.months).collect();
    let by = |measure: MonthMeasure| {
        let months = reliefs.iter().filter(|one| one.measure == measure);
        months.map(|one| number(one.months.len())).sum()
    };
    let leases: HashSet<_> = reliefs.iter().map(|one| one.lease).collect();
    let only = reliefs.first().filter(|_| leases.len() == 1);
    let text = |money: Money| money.to_text(currency);
    let taken = reliefs.iter().map(|one| Taken {
        audited: text(one.audited),
        confirmed: text(one.confirmed),
        from_day: one.from_day,
        landlord_relief: text(one.landlord_relief),
        number: one.number,
        until_day: one.until_day,
        waiver: one.waiver,
    });
    Drawn {
        from,
        of_lease: only.map(|one| OfLease {
            full_months: by(MonthMeasure::Full),
            half_months: by(MonthMeasure::Half),
            monthly_rent: text(one.monthly_rent.money()),
        }),
        until,
        waived_months: number(months.len()),
        waivers: taken.collect(),
    }
}

/// What the rent book says of the claims of a batch, and which waivers other claims have taken.
pub(super) struct Relied {
    book: ReliefBook,
    taken: HashMap<WaiverId, ClaimId>,
    currency: Currency,
}

impl Relied {
    /// Locks the leases of the waivers that claims rest on: before the claims themselves.
    pub(super) async fn lock(
        conn: &mut PgConnection,
        zone: ZoneId,
        claims: &[ClaimId],
    ) -> Result<(), sqlx::Error> {
        let waivers = store::waivers_of(conn, zone, claims).await?;
        crate::rent::lock_waivers(conn, zone, &waivers).await
    }

    /// Reads what claims rest on.
    pub(super) async fn read(
        conn: &mut PgConnection,
        zone: &Zone,
        claims: &HashMap<ClaimId, Claim>,
    ) -> Result<Self, sqlx::Error> {
        let ids: Vec<ClaimId> = claims.keys().copied().collect();
        let waivers = store::waivers_of(conn, zone.id, &ids).await?;
        let mut carriers: Vec<PartyId> = claims.values().map(|claim| claim.party).collect();
        carriers.sort_unstable();
        carriers.dedup();
        Ok(Self {
            book: ReliefBook::read(conn, zone.id, &carriers, &waivers).await?,
            taken: store::taken(conn, zone.id, &waivers).await?,
            currency: zone.currency,
        })
    }

    /// Whether the claim may rest on what it names: the book still says the same, and no other claim has taken it. A
    /// carrier that keeps its leases here does not state relief instead.
    pub(super) fn check(
        &self,
        claim: &Claim,
        claimed: &Claimed,
        policy: &Policy,
    ) -> Result<(), Refused> {
        let Some(drawn) = &claimed.relief else {
            let states_relief = is_for_relief(policy) && self.book.has_leases_of(claim.party);
            return if states_relief {
                Err(ClaimRefusal::ReliefInBook.into())
            } else {
                Ok(())
            };
        };
        if !is_for_relief(policy) {
            return Err(ClaimRefusal::NoRelief.into());
        }
        let by_another = |one: &&Taken| {
            let waiver = self.book.waiver(claim.party, one.waiver);
            let claimed = waiver.is_some_and(|waiver| waiver.state() == WaiverState::Claimed);
            let taken = self.taken.get(&one.waiver);
            claimed || taken.is_some_and(|other| *other != claim.id)
        };
        let numbers = |taken: Vec<&Taken>| taken.into_iter().map(|one| one.number).collect();
        let by_others: Vec<&Taken> = drawn.waivers.iter().filter(by_another).collect();
        if !by_others.is_empty() {
            return Err(about(ClaimRefusal::AlreadyClaimed, numbers(by_others)));
        }
        let now = self.now(claim.party, drawn);
        if now.as_ref() == Some(drawn) {
            return Ok(());
        }
        let same = |one: &&Taken| {
            let now = now.iter().flat_map(|drawn| &drawn.waivers);
            now.into_iter().any(|now| now == *one)
        };
        let changed = drawn.waivers.iter().filter(|one| !same(one)).collect();
        Err(about(ClaimRefusal::ReliefChanged, numbers(changed)))
    }

    /// The same waivers, as the book says them now.
    fn now(&self, carrier: PartyId, was: &Drawn) -> Option<Drawn> {
        let days = (was.from, was.until);
        let found = self.book.of(carrier, &window(was.from, was.until).ok()?);
        let named: HashSet<WaiverId> = was.waivers.iter().map(|one| one.waiver).collect();
        let reliefs: Vec<&Relief> = found
            .reliefs
            .iter()
            .filter(|one| counts(one) && named.contains(&one.waiver))
            .collect();
        Some(drawn(days, &reliefs, self.currency))
    }

    /// Later claims of the batch see what this one takes.
    pub(super) fn take(&mut self, claim: ClaimId, claimed: &Claimed) {
        let waivers = claimed.waivers();
        self.taken.extend(waivers.map(|waiver| (waiver, claim)));
    }
}
