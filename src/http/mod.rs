//! The service over HTTP: JSON, the log's tiles, and pages.
