//! Identifiers. Objects have time-ordered UUIDs; a zone has a small number, since it leads every key.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::excerpt;

/// A text that is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no id: write it as 0190a5e2-7a3c-7c3e-9d51-6b1f0c8a2e11")]
pub struct NotAnId(pub String);

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new id, ordered by the time of its making (UUID version 7).
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = NotAnId;

            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let id = text.parse().map(Self);
                id.map_err(|_| NotAnId(excerpt(text)))
            }
        }
    )+};
}

uuid_ids! {
    /// A natural person who acts: the log names this id, never the name.
    PersonId,
    /// A legal person (or team) in a zone.
    PartyId,
    /// The parties under one actual controller.
    ControllerGroupId,
    /// One published version of a programme's rules.
    PolicyId,
    /// An innovation voucher.
    VoucherId,
    /// A part of a voucher reserved for an order.
    HoldId,
    /// Vouchers for everybody who qualifies, in one run.
    RunId,
    /// A request for a post-subsidy, an award, a purchase or a compensation.
    ClaimId,
    /// A public list of recommended claims.
    NoticeId,
    /// A round in which claims are ranked or share a budget.
    RoundId,
    /// What is owed to a payee.
    PayableId,
    /// Payment instructions sent to the bank together.
    BatchId,
    /// A tenancy in a carrier's premises.
    LeaseId,
    /// Rent that a carrier gives up.
    WaiverId,
    /// Rent that is paid later, in instalments.
    DeferralId,
    /// A bank account of a payee, or of the zone: one version of it.
    AccountId,
    /// What is asked back of something that was paid.
    RecoveryId,
    /// A contract of purchased services.
    ContractId,
    /// Whatever an account is about: a voucher, a claim, a lease, a recovery, a contract.
    ItemId,
}

impl From<VoucherId> for ItemId {
    fn from(voucher: VoucherId) -> Self {
        Self(voucher.0)
    }
}

impl From<ClaimId> for ItemId {
    fn from(claim: ClaimId) -> Self {
        Self(claim.0)
    }
}

impl From<RecoveryId> for ItemId {
    fn from(recovery: RecoveryId) -> Self {
        Self(recovery.0)
    }
}

impl From<ContractId> for ItemId {
    fn from(contract: ContractId) -> Self {
        Self(contract.0)
    }
}

impl From<LeaseId> for ItemId {
    fn from(lease: LeaseId) -> Self {
        Self(lease.0)
    }
}

/// A zone: the tenant that leads every key.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct ZoneId(pub i32);

impl std::fmt::Display for ZoneId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
