//! Integration tests, one file per room.

#[cfg(test)]
mod policy_cases;
