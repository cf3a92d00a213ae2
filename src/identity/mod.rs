//! Who acts: persons and their roles in a zone.
