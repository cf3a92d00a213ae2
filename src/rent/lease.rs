//! A lease: who has which premises for which rent, without IO.

use std::fmt;
use std::str::FromStr;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::bill::{Bill, Bills, Parts};
use super::exact::portion;
use super::month::{Month, days_between};
use super::refused::RentRefusal;
use crate::types::{
    Amount, Code, Currency, LeaseId, LogIndex, Money, PartyId, PersonId, add_months_clamped,
    excerpt,
};

/// Floor area in hundredths of a square metre, written `1200.50`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Area(i64);

/// A text that is no floor area.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a floor area: write square metres with two decimals, more than 0.00, such as 1200.50"
)]
pub struct AreaError(pub String);

impl Area {
    /// From hundredths of a square metre, if there are any.
    pub fn new(hundredths: i64) -> Result<Self, AreaError> {
        let area = Self(hundredths);
        if hundredths > 0 {
            Ok(area)
        } else {
            Err(AreaError(area.to_string()))
        }
    }

    /// Hundredths of a square metre.
    pub const fn hundredths(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Area {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl FromStr for Area {
    type Err = AreaError;

    fn from_str(text: &str) -> Result<Self, AreaError> {
        // The form of an amount of money with two decimals, which has one spelling too.
        Money::parse(text, Currency::Cny)
            .map_err(|_| AreaError(excerpt(text)))
            .and_then(|hundredths| Self::new(hundredths.minor()))
    }
}

impl TryFrom<String> for Area {
    type Error = AreaError;

    fn try_from(text: String) -> Result<Self, AreaError> {
        text.parse()
    }
}

impl From<Area> for String {
    fn from(area: Area) -> Self {
        area.to_string()
    }
}

/// What a tenant pays besides rent: no base of any compensation (worked case R11).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charges<M> {
    /// Whatever else.
    pub other: M,
    /// Parking.
    pub parking: M,
    /// Property fee (物业费).
    pub property_fee: M,
    /// Water, power, heating as agreed.
    pub utilities: M,
}

impl<M> Charges<M> {
    /// The same charges in another form.
    pub fn map<N>(&self, form: impl Fn(&M) -> N) -> Charges<N> {
        Charges {
            other: form(&self.other),
            parking: form(&self.parking),
            property_fee: form(&self.property_fee),
            utilities: form(&self.utilities),
        }
    }
}

impl Charges<Money> {
    /// All of them.
    pub fn total(&self) -> Money {
        [self.other, self.parking, self.property_fee, self.utilities]
            .into_iter()
            .sum()
    }
}

/// A tenancy in a carrier's premises.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Identity.
    pub id: LeaseId,
    /// Who entered it.
    pub added_by: PersonId,
    /// The entry of it; `L` and this number is its short name.
    pub added_index: LogIndex,
    /// Who lets the premises.
    pub carrier: PartyId,
    /// Who rents them.
    pub tenant: PartyId,
    /// The carrier's own code of the unit.
    pub premises: Code,
    /// How large it is.
    pub area: Area,
    /// Rent of a whole month without other charges.
    pub monthly_rent: Amount,
    /// Other charges of a whole month.
    pub charges: Charges<Money>,
    /// Whether the carrier itself rents the premises from a landlord.
    pub sublet: bool,
    /// First day.
    pub first_day: NaiveDate,
    /// Last day for which rent is owed.
    pub rent_until: NaiveDate,
    /// Last day; later than `rent_until` where an extension was given as a waiver.
    pub last_day: NaiveDate,
    /// The entry that ended it before its time.
    pub ended_index: Option<LogIndex>,
}

impl Lease {
    /// The bill of a month: whole amounts for a whole month, else by its days under lease, each amount rounded once.
    /// Days of an extension that was given as a waiver are free of rent.
    pub fn bill(&self, month: Month) -> Result<Bill, RentRefusal> {
        let days = self.days_in(month, self.last_day);
        if days == 0 {
            return Err(RentRefusal::NotWithinLease);
        }
        let rent_days = self.days_in(month, self.rent_until);
        let rent = portion(self.monthly_rent.money(), rent_days, month.days());
        Ok(Bill {
            month,
            days,
            charges: self
                .charges
                .map(|charge| portion(*charge, days, month.days())),
            parts: Parts::new(rent),
            index: LogIndex(0),
        })
    }

    fn days_in(&self, month: Month, last_day: NaiveDate) -> i64 {
        let first = self.first_day.max(month.first_day());
        days_between(first, last_day.min(month.last_day()))
    }

    /// Whether a bill covers a day after this one: a bill covers the first days of its month that are under lease.
    fn is_billed_after(&self, day: NaiveDate, bills: &Bills) -> bool {
        bills.by_month.values().any(|bill| {
            let first = self.first_day.max(bill.month.first_day());
            days_between(first, day) < bill.days
        })
    }

    /// Ends the tenancy with an earlier last day.
    pub fn end(&mut self, last_day: NaiveDate, bills: &Bills) -> Result<(), RentRefusal> {
        if self.last_day > self.rent_until {
            return Err(RentRefusal::Extended);
        }
        let is_within = self.first_day <= last_day && last_day < self.last_day;
        if !is_within || self.is_billed_after(last_day, bills) {
            return Err(RentRefusal::NotWithinLease);
        }
        self.last_day = last_day;
        self.rent_until = last_day;
        Ok(())
    }

    /// Adds months free of rent at the end (worth their rent by days). Gives the days added and that rent.
    pub fn extend(&mut self, months: u8) -> Result<(NaiveDate, NaiveDate, Amount), RentRefusal> {
        if self.ended_index.is_some() || months == 0 {
            return Err(RentRefusal::NotWithinLease);
        }
        let from = self
            .last_day
            .checked_add_days(Days::new(1))
            .unwrap_or(self.last_day);
        let after = add_months_clamped(from, u32::from(months));
        let until = after.checked_sub_days(Days::new(1)).unwrap_or(after);
        let rent: Money = Month::of(from)
            .until(Month::of(until))
            .map(|month| {
                let days = days_between(from.max(month.first_day()), until.min(month.last_day()));
                portion(self.monthly_rent.money(), days, month.days())
            })
            .sum();
        let rent = Amount::new(rent).map_err(|_| RentRefusal::NothingLeft)?;
        self.last_day = until;
        Ok((from, until, rent))
    }

    /// Takes an extension back: the last one only, and as long as no day of it is billed.
    pub fn shorten(
        &mut self,
        from: NaiveDate,
        until: NaiveDate,
        bills: &Bills,
    ) -> Result<(), RentRefusal> {
        let before = from.pred_opt().unwrap_or(from);
        if self.last_day != until || self.is_billed_after(before, bills) {
            return Err(RentRefusal::MovedOn);
        }
        self.last_day = before;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn lease() -> Lease {
        Lease {
            id: LeaseId(uuid::Uuid::nil()),
            added_by: PersonId(uuid::Uuid::nil()),
            added_index: LogIndex(1),
            carrier: PartyId(uuid::Uuid::nil()),
            tenant: PartyId(uuid::Uuid::max()),
            premises: "A-301".parse().unwrap(),
            area: "120.00".parse().unwrap(),
            monthly_rent: Amount::new(Money::from_minor(38_000_00)).unwrap(),
            charges: Charges {
                other: Money::ZERO,
                parking: Money::from_minor(5_000_00),
                property_fee: Money::from_minor(7_000_00),
                utilities: Money::ZERO,
            },
            sublet: false,
            first_day: day("2020-01-15"),
            rent_until: day("2020-12-31"),
            last_day: day("2020-12-31"),
            ended_index: None,
        }
    }

    fn month(text: &str) -> Month {
        text.parse().unwrap()
    }

    #[test]
    fn areas_have_one_form() {
        assert_eq!("1200.50".parse::<Area>().unwrap().hundredths(), 120_050);
        for bad in ["", "0.00", "1200", "1200.5", "-1.00", "1,200.00"] {
            assert!(bad.parse::<Area>().is_err(), "{bad:?} was not refused");
        }
    }

    #[test]
    fn months_are_billed_whole_or_by_days() {
        let lease = lease();
        for (text, days, rent, property_fee) in [
            ("2020-01", 17, 20_838_71, 3_838_71),
            ("2020-02", 29, 38_000_00, 7_000_00),
            ("2020-12", 31, 38_000_00, 7_000_00),
        ] {
            let bill = lease.bill(month(text)).unwrap();
            assert_eq!(bill.days, days, "{text}");
            assert_eq!(bill.parts.rent().minor(), rent, "{text}");
            assert_eq!(bill.charges.property_fee.minor(), property_fee, "{text}");
        }
        for outside in ["2019-12", "2021-01"] {
            assert_eq!(lease.bill(month(outside)), Err(RentRefusal::NotWithinLease));
        }
    }

    #[test]
    fn an_extension_is_free_of_rent_but_not_of_charges() {
        let mut lease = lease();
        let (from, until, rent) = lease.extend(2).unwrap();
        assert_eq!((from, until), (day("2021-01-01"), day("2021-02-28")));
        assert_eq!(rent.minor(), 76_000_00);
        let bill = lease.bill(month("2021-02")).unwrap();
        assert_eq!(
            (bill.parts.rent(), bill.charges.total().minor()),
            (Money::ZERO, 12_000_00)
        );
        assert_eq!(
            lease.end(day("2020-06-30"), &Bills::default()),
            Err(RentRefusal::Extended)
        );
        assert_eq!(
            lease.shorten(from, day("2021-01-31"), &Bills::default()),
            Err(RentRefusal::MovedOn)
        );
        lease.shorten(from, until, &Bills::default()).unwrap();
        assert_eq!(lease.last_day, day("2020-12-31"));
    }

    #[test]
    fn a_lease_ends_on_a_day_that_no_bill_is_beyond() {
        let mut lease = lease();
        let mut bills = Bills::default();
        let bill = lease.bill(month("2020-03")).unwrap();
        bills.by_month.insert(bill.month, bill);
        for bad in ["2020-01-14", "2020-03-30", "2020-12-31", "2021-01-01"] {
            assert_eq!(
                lease.end(day(bad), &bills),
                Err(RentRefusal::NotWithinLease),
                "{bad}"
            );
        }
        lease.end(day("2020-03-31"), &bills).unwrap();
        assert_eq!(
            (lease.last_day, lease.rent_until),
            (day("2020-03-31"), day("2020-03-31"))
        );
    }
}
