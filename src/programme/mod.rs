//! Funded lines of a zone: their policy in force, and their budget authority.
