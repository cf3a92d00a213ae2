//! Where the data is and which database is used.
