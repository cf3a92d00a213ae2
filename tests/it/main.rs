//! Integration tests, one file per room.

mod policy_cases;
