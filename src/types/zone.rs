//! A zone as every command sees it.

use super::{Code, Currency, Name, ZoneId, ZoneTime};

/// A high-tech zone (高新区): the tenant with its own budget, books, log and key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// Leads every key.
    pub id: ZoneId,
    /// What people type.
    pub code: Code,
    /// Name in Chinese.
    pub name_zh: Name,
    /// Name in English.
    pub name_en: Name,
    /// The currency of its budget.
    pub currency: Currency,
    /// Decides on which day an instant falls.
    pub time: ZoneTime,
    /// Origin line of its checkpoints (C2SP tlog-checkpoint).
    pub origin: String,
}
