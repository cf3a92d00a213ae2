//! A bank account as people write it down: holder, number, bank.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::types::Name;

/// How many characters of a number are shown.
const SHOWN: usize = 4;

/// The number of an account: 6 to 34 capital letters and digits (`Max34Text` of ISO 20022's `Othr/Id`), with at least
/// four digits. Spaces and hyphens between them are left out, since banks print them in their own ways.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountNumber(String);

/// A text that is no account number. It does not repeat the text, which may be one but for a slip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no account number: write 6 to 34 digits or capital letters, with at least four digits")]
pub struct AccountNumberError;

impl AccountNumber {
    /// The number.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may be shown to anybody: its last four characters.
    pub fn masked(&self) -> String {
        let hidden = self.0.len().saturating_sub(SHOWN);
        format!("…{}", self.0.get(hidden..).unwrap_or_default())
    }
}

impl FromStr for AccountNumber {
    type Err = AccountNumberError;

    fn from_str(text: &str) -> Result<Self, AccountNumberError> {
        let number: String = text
            .trim()
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '\u{00A0}' | '\u{3000}'))
            .collect();
        let known = number
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase());
        let digits = number.bytes().filter(u8::is_ascii_digit).count();
        if known && (6..=34).contains(&number.len()) && digits >= SHOWN {
            Ok(Self(number))
        } else {
            Err(AccountNumberError)
        }
    }
}

impl TryFrom<String> for AccountNumber {
    type Error = AccountNumberError;

    fn try_from(text: String) -> Result<Self, AccountNumberError> {
        text.parse()
    }
}

impl From<AccountNumber> for String {
    fn from(number: AccountNumber) -> Self {
        number.0
    }
}

/// Masked, so that no log line or panic has a number.
impl fmt::Debug for AccountNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

/// Which branch keeps an account.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BankCode {
    /// Its number in the People's Bank of China's payment system: 12 digits (联行号, `ClrSysMmbId` under the clearing
    /// system `CNAPS`, which mainland accounts have instead of an IBAN).
    Cnaps(String),
    /// Its business identifier code (ISO 9362): 8 or 11 characters.
    Bic(String),
}

/// A text that names no bank.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names no bank: write its CNAPS number of 12 digits, or its BIC of 8 or 11 characters such as BKCHCNBJ"
)]
pub struct BankCodeError(pub String);

impl BankCode {
    /// The code.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Cnaps(code) | Self::Bic(code) => code,
        }
    }
}

impl FromStr for BankCode {
    type Err = BankCodeError;

    fn from_str(text: &str) -> Result<Self, BankCodeError> {
        let text = text.trim();
        let refused = || BankCodeError(text.chars().take(40).collect());
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(Self::Cnaps(text.to_owned()));
        }
        let country = text.get(4..6).ok_or_else(refused)?;
        let is_bic = matches!(text.len(), 8 | 11)
            && text
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && country.bytes().all(|byte| byte.is_ascii_uppercase());
        if is_bic {
            Ok(Self::Bic(text.to_owned()))
        } else {
            Err(refused())
        }
    }
}

impl TryFrom<String> for BankCode {
    type Error = BankCodeError;

    fn try_from(text: String) -> Result<Self, BankCodeError> {
        text.parse()
    }
}

impl From<BankCode> for String {
    fn from(code: BankCode) -> Self {
        match code {
            BankCode::Cnaps(code) | BankCode::Bic(code) => code,
        }
    }
}

/// An account that money goes to, or comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankAccount {
    /// In whose name it is kept, as the bank has it (户名).
    pub holder: Name,
    /// Its number (账号).
    pub number: AccountNumber,
    /// The branch that keeps it, by its code.
    pub bank: BankCode,
    /// The branch's name (开户行), if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank_name: Option<Name>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_banks_print_them_and_shown_masked() {
        let number: AccountNumber = " 6222 0210-0111 2345 ".parse().unwrap();
        assert_eq!(number.as_str(), "6222021001112345");
        assert_eq!(
            (number.masked(), format!("{number:?}")),
            ("…2345".to_owned(), "…2345".to_owned())
        );
        for bad in [
            "",
            "12345",
            "６２２２０２",
            "abc123456",
            "ABCDEFGH",
            &"1".repeat(35),
            "12;DROP",
        ] {
            assert_eq!(
                bad.parse::<AccountNumber>(),
                Err(AccountNumberError),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_bank_has_a_cnaps_number_or_a_bic() {
        for good in ["102290000012", "BKCHCNBJ", "BKCHCNBJ300"] {
            assert_eq!(good.parse::<BankCode>().unwrap().as_str(), good);
        }
        for bad in [
            "",
            "10229000001",
            "bkchcnbj",
            "BKCH00BJ",
            "BKCHCNBJ3",
            "中国银行中国银行",
        ] {
            assert!(bad.parse::<BankCode>().is_err(), "{bad}");
        }
    }
}
