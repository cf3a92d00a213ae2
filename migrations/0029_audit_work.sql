-- What auditors look up. Both indexes are made by reading a table once, while nothing is recorded.

-- Draws of samples are few among the entries of a log: to list them must not read the others.
CREATE INDEX entry_sample_drawn ON ledger.entry (zone_id, log_index) WHERE kind = 'audit.sample_drawn';

-- The documents of a case; the primary key finds the cases of a document.
CREATE INDEX evidence_use_case ON ledger.evidence_use (zone_id, case_id);
