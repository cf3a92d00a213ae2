//! How accounts are named: `code:currency:programme:year:party:item`, empty ends left off.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::chart::AccountCode;
use crate::types::{Code, Currency, FiscalYear, ItemId, PartyId};

/// Names one account of a zone. Two equal addresses are the same account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address {
    /// What kind of account.
    pub code: AccountCode,
    /// What it is counted in.
    pub currency: Currency,
    /// Of which programme, if of one.
    pub programme: Option<Code>,
    /// Of which budget year, if of one.
    pub year: Option<FiscalYear>,
    /// Of which party, if of one.
    pub party: Option<PartyId>,
    /// Of which voucher, claim or lease, if of one.
    pub item: Option<ItemId>,
}

impl Address {
    /// The zone's own account of a kind.
    pub const fn new(code: AccountCode, currency: Currency) -> Self {
        Self {
            code,
            currency,
            programme: None,
            year: None,
            party: None,
            item: None,
        }
    }

    /// That of a programme.
    #[must_use]
    pub fn programme(mut self, programme: &Code) -> Self {
        self.programme = Some(programme.clone());
        self
    }

    /// That of a budget year.
    #[must_use]
    pub fn year(mut self, year: FiscalYear) -> Self {
        self.year = Some(year);
        self
    }

    /// That of a party.
    #[must_use]
    pub fn party(mut self, party: PartyId) -> Self {
        self.party = Some(party);
        self
    }

    /// That of a voucher, claim or lease.
    #[must_use]
    pub fn item(mut self, item: impl Into<ItemId>) -> Self {
        self.item = Some(item.into());
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.as_str())?;
        f.write_str(":")?;
        f.write_str(self.currency.code())?;
        // How many colons are due before the next part that is there.
        let mut colons = 0;
        let mut part = |text: Option<&str>| {
            colons += 1;
            let Some(text) = text else { return Ok(()) };
            f.write_str("::::".get(..colons).unwrap_or_default())?;
            colons = 0;
            f.write_str(text)
        };
        let mut id = Uuid::encode_buffer();
        part(self.programme.as_ref().map(Code::as_str))?;
        part(self.year.map(|year| year.to_string()).as_deref())?;
        part(
            self.party
                .map(|party| &*party.0.hyphenated().encode_lower(&mut id)),
        )?;
        part(
            self.item
                .map(|item| &*item.0.hyphenated().encode_lower(&mut id)),
        )
    }
}

/// Why a text is not an account address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{address:?} is not an account: {part} is wrong; write code:currency:programme:year:party:item \
     and leave off what the account has not, such as B30:CNY:SH-2020:2020"
)]
pub struct AddressError {
    address: String,
    part: &'static str,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        fn optional<T: FromStr>(part: Option<&str>) -> Result<Option<T>, T::Err> {
            part.filter(|text| !text.is_empty())
                .map(str::parse)
                .transpose()
        }
        let wrong = |part| AddressError {
            address: text.chars().take(200).collect(),
            part,
        };
        let mut fields = text.split(':');
        let code = fields
            .next()
            .unwrap_or_default()
            .parse()
            .map_err(|_| wrong("the code"))?;
        let currency = fields
            .next()
            .unwrap_or_default()
            .parse()
            .map_err(|_| wrong("the currency"))?;
        let programme = optional(fields.next()).map_err(|_| wrong("the programme"))?;
        let year = optional(fields.next())
            .map_err(|_| wrong("the year"))?
            .map(FiscalYear);
        let party = optional(fields.next()).map_err(|_| wrong("the party"))?;
        let item = optional(fields.next()).map_err(|_| wrong("the item"))?;
        let address = Self {
            code,
            currency,
            programme,
            year,
            party,
            item: item.map(ItemId),
        };
        // One account has one spelling: no empty ends, no leading zeros, no other case.
        if fields.next().is_none() && address.to_string() == text {
            Ok(address)
        } else {
            Err(wrong("the spelling"))
        }
    }
}

impl TryFrom<String> for Address {
    type Error = AddressError;

    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        let id = "0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11";
        for text in [
            "B10:CNY".to_owned(),
            "B10:CNY::2020".to_owned(),
            "B30:CNY:SH-2020:2020".to_owned(),
            format!("B40:CNY:SH-2020:2020::{id}"),
            format!("F2010:EUR:::{id}"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let upper = format!("F2010:EUR:::{}", id.to_uppercase());
        for text in [
            "",
            "B10",
            "B11:CNY",
            "B10:cny",
            "B10:CNY:",
            "B10:CNY::02020",
            "B10:CNY:a",
            &upper,
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?} was not refused");
        }
    }
}
