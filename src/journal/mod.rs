//! The books: accounts, transfers and entries, and the only writer of their tables.
