//! What people are reminded of.

use chrono::{Days, NaiveDate};
use serde::Serialize;
use uuid::Uuid;

use crate::types::PartyId;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ReminderKind {
    /// A voucher with something free has its last day within thirty days.
    VoucherExpires,
    /// The public notice of a claim is over, and nobody objected: it can be approved.
    NoticeOver,
    /// An instalment of deferred rent is due within seven days.
    InstalmentDue,
    /// An instalment of deferred rent was not paid by its day.
    InstalmentOverdue,
    /// Money that was ordered back, or an instalment of it, is due within seven days.
    RecoveryDue,
    /// Money that was ordered back, or an instalment of it, did not come by its day.
    RecoveryOverdue,
}

impl ReminderKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::VoucherExpires,
        Self::NoticeOver,
        Self::InstalmentDue,
        Self::InstalmentOverdue,
        Self::RecoveryDue,
        Self::RecoveryOverdue,
    ];

    /// As the database writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VoucherExpires => "voucher_expires",
            Self::NoticeOver => "notice_over",
            Self::InstalmentDue => "instalment_due",
            Self::InstalmentOverdue => "instalment_overdue",
            Self::RecoveryDue => "recovery_due",
            Self::RecoveryOverdue => "recovery_overdue",
        }
    }

    /// The kind with this word.
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// What is due on the day of the reminder, in words.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::VoucherExpires => "last day of a voucher with something free",
            Self::NoticeOver => "public notice is over: the claim can be approved",
            Self::InstalmentDue => "instalment of deferred rent is due",
            Self::InstalmentOverdue => "instalment of deferred rent was not paid",
            Self::RecoveryDue => "money to be paid back is due",
            Self::RecoveryOverdue => "money to be paid back did not come",
        }
    }
}

/// The days whose things are reminded of today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Horizon {
    pub(super) today: NaiveDate,
    /// Last days of vouchers, up to and with this one.
    pub(super) vouchers: NaiveDate,
    /// Days of instalments, up to and with this one.
    pub(super) instalments: NaiveDate,
}

impl Horizon {
    pub(super) fn of(today: NaiveDate) -> Self {
        let after = |days| today.checked_add_days(Days::new(days)).unwrap_or(today);
        Self {
            today,
            vouchers: after(30),
            instalments: after(7),
        }
    }
}

/// A reminder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reminder {
    /// What is due.
    pub kind: ReminderKind,
    /// The voucher, claim, deferral or recovery: its short name.
    pub case: String,
    /// Its id.
    pub case_id: Uuid,
    /// Number of the instalment, if it is one.
    pub number: Option<i16>,
    /// The day.
    pub due: NaiveDate,
    /// Whom it concerns: holder, claimant, tenant, or whoever owes money back.
    pub party: PartyId,
    /// When it was made.
    pub made_on: NaiveDate,
}
