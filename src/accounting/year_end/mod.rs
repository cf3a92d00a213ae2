//! The end of a budget year (年终结转): what lapses, what is carried over with its purpose kept, and the closing itself.
//!
//! [`plan`] is pure but for reading the totals. Finance proposes the closing with the plan that it saw, a second person
//! confirms that plan and no other ([`super::proposal`]).

mod close;
mod plan;
mod rule;

pub use plan::{Blocked, Line, Plan};
pub use rule::{FreeAtEnd, NewRule, Rule, VouchersAtEnd, set_rule};

pub(super) use close::{CloseYear, close, propose};
