//! Awards that another office made in the past, taken into a zone as its history.
