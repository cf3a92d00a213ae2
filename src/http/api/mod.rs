//! JSON under `/v1/zones/{zone}`: each resource in its own file, with what it takes and gives.
//!
//! Amounts are decimal text with the currency beside them; days are `YYYY-MM-DD`; instants are RFC
//! 3339 in UTC. Lists are read page by page: `next`, where there is one, is the `after` or `from` of
//! the next page.

mod paging;

pub(super) mod accounts;
pub(super) mod entries;
pub(super) mod facts;
pub(super) mod parties;
pub(super) mod policies;
pub(super) mod programmes;
pub(super) mod redemptions;
pub(super) mod reports;
pub(super) mod versions;
pub(super) mod vouchers;
