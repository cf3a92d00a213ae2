//! Setting up a programme.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

use super::{ProgrammeError, first_answer, record, store};
use crate::fact;
use crate::identity::{Command, Role};
use crate::journal::{AccountCode, Recorded};
use crate::policy::Mode;
use crate::types::{Code, Name};

/// The instrument of a programme.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProgrammeKind {
    /// Innovation vouchers.
    Voucher,
    /// A part of what was spent, claimed afterwards.
    PostSubsidy,
    /// A prize or bonus for what was reached.
    Award,
    /// Services that the office itself buys.
    Purchase,
    /// What carriers are given for rent that they waived.
    RentCompensation,
    /// Who counts as something: no money.
    Recognition,
    /// Awards of the past, imported from another office.
    Imported,
}

impl ProgrammeKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Voucher,
        Self::PostSubsidy,
        Self::Award,
        Self::Purchase,
        Self::RentCompensation,
        Self::Recognition,
        Self::Imported,
    ];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Voucher => "voucher",
            Self::PostSubsidy => "post_subsidy",
            Self::Award => "award",
            Self::Purchase => "purchase",
            Self::RentCompensation => "rent_compensation",
            Self::Recognition => "recognition",
            Self::Imported => "imported",
        }
    }

    /// The kind with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The account of its expense; none where no money is given.
    pub const fn expense(self) -> Option<AccountCode> {
        match self {
            Self::Voucher => Some(AccountCode::F5010),
            Self::PostSubsidy => Some(AccountCode::F5020),
            Self::RentCompensation => Some(AccountCode::F5030),
            Self::Imported => Some(AccountCode::F5040),
            Self::Award => Some(AccountCode::F5050),
            Self::Purchase => Some(AccountCode::F5060),
            Self::Recognition => None,
        }
    }

    /// What packs of such a programme must be; `None` where no pack decides.
    pub const fn mode(self) -> Option<Mode> {
        match self {
            Self::Voucher => Some(Mode::ExAnte),
            Self::PostSubsidy | Self::Award | Self::Purchase | Self::RentCompensation => {
                Some(Mode::ExPost)
            }
            Self::Recognition => Some(Mode::Recognition),
            Self::Imported => None,
        }
    }
}

/// A programme to be set up.
#[derive(Clone, Debug, Serialize)]
pub struct NewProgramme {
    /// Short code: part of account addresses.
    pub code: Code,
    /// The instrument.
    pub kind: ProgrammeKind,
    /// Name in English.
    pub name_en: Name,
    /// Name in Chinese.
    pub name_zh: Name,
}

/// Sets up a programme, without rules or money.
pub async fn create(
    conn: &mut PgConnection,
    command: &Command<'_>,
    new: &NewProgramme,
) -> Result<Recorded, ProgrammeError> {
    const KIND: &str = "programme.created";
    command.actor.require(&[Role::Manager])?;
    let first = first_answer::<_, IgnoredAny>(conn, command, KIND, new).await?;
    if let Some((recorded, _)) = first {
        return Ok(recorded);
    }
    if fact::register_of(&new.code).is_some() && new.kind != ProgrammeKind::Recognition {
        return Err(ProgrammeError::Recognises(new.code.clone()));
    }
    if store::exists(conn, command.zone.id, &new.code).await? {
        return Err(ProgrammeError::Exists(new.code.clone()));
    }
    let recorded = record(conn, command, (KIND, new), new, Vec::new()).await?;
    if store::insert(conn, command.zone.id, new, recorded.index).await? {
        Ok(recorded)
    } else {
        Err(ProgrammeError::Exists(new.code.clone()))
    }
}
