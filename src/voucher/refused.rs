//! A refusal of a voucher command.

use serde::{Deserialize, Serialize};

use super::model::VoucherRefusal;

/// A refusal, as answers and entries say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What was in the way.
    pub code: VoucherRefusal,
    /// The policy's own reason codes, such as `CAP_FIRM_YEAR`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<String>,
}

impl From<VoucherRefusal> for Refused {
    fn from(code: VoucherRefusal) -> Self {
        Self {
            code,
            reasons: Vec::new(),
        }
    }
}
