//! From an approved payable to a line of the bank's statement.
