-- Facts: what is stated of parties, by whom, for which time; what the office determines; snapshots that decisions name.

CREATE TABLE ledger.fact_snapshot (
    zone_id integer NOT NULL CONSTRAINT fact_snapshot_zone_fkey REFERENCES ledger.zone,
    sha256 bytea NOT NULL,
    body text NOT NULL,
    CONSTRAINT fact_snapshot_pkey PRIMARY KEY (zone_id, sha256),
    CONSTRAINT fact_snapshot_sha256_of_body CHECK (sha256 = sha256(convert_to(body, 'UTF8')))
);
COMMENT ON TABLE ledger.fact_snapshot IS 'facts that a decision saw, named by their hash';
COMMENT ON COLUMN ledger.fact_snapshot.zone_id IS 'zone';
COMMENT ON COLUMN ledger.fact_snapshot.sha256 IS 'SHA-256 of the body: what decisions name';
COMMENT ON COLUMN ledger.fact_snapshot.body IS 'the facts as canonical JSON, byte for byte';
CALL ledger.isolate_by_zone('ledger.fact_snapshot');
CALL ledger.make_append_only('ledger.fact_snapshot');

CREATE TABLE ledger.recognition (
    zone_id integer NOT NULL CONSTRAINT recognition_zone_fkey REFERENCES ledger.zone,
    log_index bigint NOT NULL,
    party_id uuid NOT NULL,
    programme text NOT NULL,
    policy_id uuid NOT NULL,
    facts_sha256 bytea NOT NULL,
    decided_on date NOT NULL,
    outcome text NOT NULL CONSTRAINT recognition_outcome_known CHECK (outcome IN ('pass', 'fail', 'needs_review')),
    CONSTRAINT recognition_pkey PRIMARY KEY (zone_id, log_index),
    CONSTRAINT recognition_outcome_key UNIQUE (zone_id, log_index, outcome),
    CONSTRAINT recognition_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT recognition_policy_fkey FOREIGN KEY (zone_id, policy_id) REFERENCES ledger.policy,
    CONSTRAINT recognition_snapshot_fkey FOREIGN KEY (zone_id, facts_sha256) REFERENCES ledger.fact_snapshot,
    CONSTRAINT recognition_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry
);
CREATE INDEX recognition_party ON ledger.recognition (zone_id, party_id, policy_id, decided_on);
COMMENT ON TABLE ledger.recognition IS 'a decision on whether a party counts as something (认定评价), by the published rules of a programme';
COMMENT ON COLUMN ledger.recognition.zone_id IS 'zone';
COMMENT ON COLUMN ledger.recognition.log_index IS 'entry of the decision';
COMMENT ON COLUMN ledger.recognition.party_id IS 'party that was decided on';
COMMENT ON COLUMN ledger.recognition.programme IS 'programme whose rules decided';
COMMENT ON COLUMN ledger.recognition.policy_id IS 'the rules';
COMMENT ON COLUMN ledger.recognition.facts_sha256 IS 'the facts that were decided on';
COMMENT ON COLUMN ledger.recognition.decided_on IS 'day for which was decided';
COMMENT ON COLUMN ledger.recognition.outcome IS 'pass (a proposal, see determination), fail or needs_review (refused)';
CALL ledger.isolate_by_zone('ledger.recognition');
CALL ledger.make_append_only('ledger.recognition');

CREATE TABLE ledger.determination (
    zone_id integer NOT NULL CONSTRAINT determination_zone_fkey REFERENCES ledger.zone,
    proposed_index bigint NOT NULL,
    kind text NOT NULL
        CONSTRAINT determination_kind_known CHECK (kind IN ('determination', 'recognition', 'revocation')),
    party_id uuid,
    register text CONSTRAINT determination_register_known CHECK (register IN ('tech_sme', 'hnte', 'size_class')),
    reference text
        CONSTRAINT determination_reference_length CHECK (char_length(reference) BETWEEN 1 AND 200),
    facts text NOT NULL CONSTRAINT determination_facts_form CHECK (json_typeof(facts::json) = 'object'),
    from_day date NOT NULL,
    until_day date CONSTRAINT determination_until_later CHECK (until_day > from_day),
    reason text NOT NULL CONSTRAINT determination_reason_length CHECK (char_length(reason) BETWEEN 1 AND 1000),
    evidence text NOT NULL
        CONSTRAINT determination_evidence_form CHECK (evidence ~ '^[0-9a-f]{64}( [0-9a-f]{64})*$'),
    proposed_by uuid NOT NULL,
    confirmed_by uuid,
    confirmed_index bigint,
    recognised text GENERATED ALWAYS AS (CASE kind WHEN 'recognition' THEN 'pass' END) STORED,
    CONSTRAINT determination_pkey PRIMARY KEY (zone_id, proposed_index),
    CONSTRAINT determination_confirmed_key UNIQUE (zone_id, proposed_index, confirmed_index),
    -- A determination is about facts of the office's own; the others change a register, for one party.
    CONSTRAINT determination_register_of_kind CHECK ((kind = 'determination') = (register IS NULL)),
    CONSTRAINT determination_party_of_kind CHECK (kind = 'determination' OR party_id IS NOT NULL),
    -- A recognition gets its number when it is confirmed; a revocation names the number that it revokes.
    CONSTRAINT determination_reference_of_kind CHECK (reference IS NULL OR kind = 'revocation'
        OR (kind = 'recognition' AND confirmed_index IS NOT NULL)),
    -- Nobody is registered without a decision that passes.
    CONSTRAINT determination_recognised_fkey FOREIGN KEY (zone_id, proposed_index, recognised)
        REFERENCES ledger.recognition (zone_id, log_index, outcome),
    CONSTRAINT determination_confirmed_whole CHECK ((confirmed_by IS NULL) = (confirmed_index IS NULL)),
    CONSTRAINT determination_confirmed_later CHECK (confirmed_index > proposed_index),
    CONSTRAINT determination_two_persons CHECK (confirmed_by IS DISTINCT FROM proposed_by),
    CONSTRAINT determination_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT determination_proposer_fkey FOREIGN KEY (zone_id, proposed_by) REFERENCES ledger.person,
    CONSTRAINT determination_confirmer_fkey FOREIGN KEY (zone_id, confirmed_by) REFERENCES ledger.person,
    CONSTRAINT determination_proposed_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT determination_confirmed_fkey FOREIGN KEY (zone_id, confirmed_index) REFERENCES ledger.entry
);
-- One number is given to one recognition.
CREATE UNIQUE INDEX determination_number_key ON ledger.determination (zone_id, register, reference)
    WHERE kind = 'recognition' AND reference IS NOT NULL;
CREATE INDEX determination_waiting ON ledger.determination (zone_id, party_id) WHERE confirmed_index IS NULL;
COMMENT ON TABLE ledger.determination IS 'what one person proposes to state and another confirms: a fact that only the office may say (determination), a recognition, a revocation';
COMMENT ON COLUMN ledger.determination.zone_id IS 'zone';
COMMENT ON COLUMN ledger.determination.proposed_index IS 'entry of the proposal, which names it';
COMMENT ON COLUMN ledger.determination.kind IS 'determination, recognition (by a decision that passes) or revocation';
COMMENT ON COLUMN ledger.determination.register IS 'register that a recognition or revocation changes';
COMMENT ON COLUMN ledger.determination.reference IS 'number in the register: of a recognition from its confirmation on, of a revocation the number revoked';
COMMENT ON COLUMN ledger.determination.recognised IS 'the outcome that a recognition rests on; for the reference to its decision';
COMMENT ON COLUMN ledger.determination.party_id IS 'party that it is about; NULL for every party of the zone';
COMMENT ON COLUMN ledger.determination.facts IS 'what is stated once it is confirmed, as a JSON object';
COMMENT ON COLUMN ledger.determination.from_day IS 'first day on which it holds';
COMMENT ON COLUMN ledger.determination.until_day IS 'first day on which it no longer does; NULL without end';
COMMENT ON COLUMN ledger.determination.reason IS 'why; of a recognition, the rules by which it was decided';
COMMENT ON COLUMN ledger.determination.evidence IS 'SHA-256 of each document that supports it, or of the snapshot of facts decided on, in hexadecimal, separated by spaces';
COMMENT ON COLUMN ledger.determination.proposed_by IS 'person who proposed it';
COMMENT ON COLUMN ledger.determination.confirmed_by IS 'another person who confirmed it; NULL is nobody';
COMMENT ON COLUMN ledger.determination.confirmed_index IS 'entry of the confirmation, and of the statement that follows from it';
CALL ledger.isolate_by_zone('ledger.determination');
GRANT SELECT, INSERT, UPDATE (confirmed_by, confirmed_index, reference) ON ledger.determination TO subsidy_ledger_app;

CREATE FUNCTION ledger.determination_is_confirmed_once() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a determination can only be confirmed, once'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'determination_confirmed_once';
END
$$;
COMMENT ON FUNCTION ledger.determination_is_confirmed_once() IS 'refuses every other change of a determination';
CREATE TRIGGER determination_confirmed_once BEFORE UPDATE ON ledger.determination FOR EACH ROW
    WHEN (OLD.confirmed_index IS NOT NULL OR NEW.confirmed_index IS NULL OR (NEW.zone_id, NEW.proposed_index,
        NEW.kind, NEW.party_id, NEW.register, NEW.facts, NEW.from_day, NEW.until_day, NEW.reason, NEW.evidence,
        NEW.proposed_by)
        IS DISTINCT FROM (OLD.zone_id, OLD.proposed_index, OLD.kind, OLD.party_id, OLD.register, OLD.facts,
        OLD.from_day, OLD.until_day, OLD.reason, OLD.evidence, OLD.proposed_by)
        OR (NEW.kind <> 'recognition' AND NEW.reference IS DISTINCT FROM OLD.reference))
    EXECUTE FUNCTION ledger.determination_is_confirmed_once();
CREATE TRIGGER determination_refuse_delete BEFORE DELETE ON ledger.determination
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER determination_refuse_truncate BEFORE TRUNCATE ON ledger.determination
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.determination ENABLE ALWAYS TRIGGER determination_confirmed_once;
ALTER TABLE ledger.determination ENABLE ALWAYS TRIGGER determination_refuse_delete;
ALTER TABLE ledger.determination ENABLE ALWAYS TRIGGER determination_refuse_truncate;

-- One row for all facts that one entry states: a zone has millions of parties, and a run over all of them reads every
-- statement. For a fact on a row of its own there is the view below.
CREATE TABLE ledger.fact_statement (
    zone_id integer NOT NULL CONSTRAINT fact_statement_zone_fkey REFERENCES ledger.zone,
    log_index bigint NOT NULL,
    party_id uuid,
    proposed_index bigint,
    from_day date,
    until_day date,
    year smallint CONSTRAINT fact_statement_year_range CHECK (year BETWEEN 1900 AND 9998),
    source text NOT NULL
        CONSTRAINT fact_statement_source_known CHECK (source IN ('declared', 'verified', 'imported')),
    register text CONSTRAINT fact_statement_register_form CHECK (register ~ '^[a-z][a-z0-9_]{0,30}$'),
    reference text
        CONSTRAINT fact_statement_reference_length CHECK (char_length(reference) BETWEEN 1 AND 200),
    facts text NOT NULL CONSTRAINT fact_statement_facts_form CHECK (json_typeof(facts::json) = 'object'),
    CONSTRAINT fact_statement_pkey PRIMARY KEY (zone_id, log_index),
    -- About a calendar year, or about days from one on.
    CONSTRAINT fact_statement_one_time CHECK ((year IS NULL) <> (from_day IS NULL)),
    CONSTRAINT fact_statement_until_later
        CHECK (until_day IS NULL OR (from_day IS NOT NULL AND until_day > from_day)),
    -- Only two persons together say something of every party, or a whole register of those that it does not name.
    CONSTRAINT fact_statement_zone_wide_has_grounds CHECK (party_id IS NOT NULL OR proposed_index IS NOT NULL
        OR (register IN ('tech_sme', 'hnte', 'integrity') AND from_day IS NOT NULL AND until_day IS NULL
            AND reference IS NULL)),
    CONSTRAINT fact_statement_determined_not_declared CHECK (proposed_index IS NULL OR source <> 'declared'),
    CONSTRAINT fact_statement_imported_from_a_register CHECK ((source = 'imported') = (register IS NOT NULL)),
    CONSTRAINT fact_statement_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry,
    CONSTRAINT fact_statement_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT fact_statement_determination_fkey FOREIGN KEY (zone_id, proposed_index, log_index)
        REFERENCES ledger.determination (zone_id, proposed_index, confirmed_index)
);
CREATE INDEX fact_statement_party ON ledger.fact_statement (zone_id, party_id, log_index);
CREATE INDEX fact_statement_reference ON ledger.fact_statement (zone_id, register, reference COLLATE "C")
    WHERE reference IS NOT NULL;
CREATE INDEX fact_statement_register ON ledger.fact_statement (zone_id, register, party_id)
    WHERE register IS NOT NULL;
COMMENT ON TABLE ledger.fact_statement IS 'facts (事实) that one entry states of a party; a newer statement supersedes an older one, nothing is overwritten';
COMMENT ON COLUMN ledger.fact_statement.zone_id IS 'zone';
COMMENT ON COLUMN ledger.fact_statement.log_index IS 'entry that states them';
COMMENT ON COLUMN ledger.fact_statement.party_id IS 'party that they are about; NULL for every party of the zone';
COMMENT ON COLUMN ledger.fact_statement.proposed_index IS 'entry of the proposal, if two persons stated it: with log_index, refers to a confirmed determination';
COMMENT ON COLUMN ledger.fact_statement.from_day IS 'first day on which they hold, of facts that stand until another is stated';
COMMENT ON COLUMN ledger.fact_statement.until_day IS 'first day on which they no longer hold; NULL without end';
COMMENT ON COLUMN ledger.fact_statement.year IS 'calendar year that they are about, of facts about a year';
COMMENT ON COLUMN ledger.fact_statement.source IS 'declared (the party says so), verified (the office checked or determined it) or imported (a register has it)';
COMMENT ON COLUMN ledger.fact_statement.register IS 'register that has them: tech_sme, hnte, size_class, integrity, or another office''s name';
COMMENT ON COLUMN ledger.fact_statement.reference IS 'number of the certificate or registration';
COMMENT ON COLUMN ledger.fact_statement.facts IS 'the facts and their values as a JSON object, by name (docs/facts.md); amounts as decimal text in the zone''s currency';
CALL ledger.isolate_by_zone('ledger.fact_statement');
CALL ledger.make_append_only('ledger.fact_statement');

CREATE VIEW ledger.fact WITH (security_invoker = true, security_barrier = true) AS
SELECT s.zone_id, s.log_index, s.party_id, p.identifier AS party, f.name AS fact, f.value #>> '{}' AS value, s.source,
    s.year, s.from_day, s.until_day, s.register, s.reference, s.proposed_index
FROM ledger.fact_statement s
LEFT JOIN ledger.party p ON p.zone_id = s.zone_id AND p.party_id = s.party_id
CROSS JOIN LATERAL json_each(s.facts::json) AS f (name, value);
COMMENT ON VIEW ledger.fact IS 'every fact that was ever stated, on a row of its own; which of them a decision sees, `facts show` says';
COMMENT ON COLUMN ledger.fact.zone_id IS 'zone';
COMMENT ON COLUMN ledger.fact.log_index IS 'entry that states it';
COMMENT ON COLUMN ledger.fact.party_id IS 'party that it is about; NULL for every party of the zone';
COMMENT ON COLUMN ledger.fact.party IS 'code, number or name of the party';
COMMENT ON COLUMN ledger.fact.fact IS 'name of the fact (docs/facts.md)';
COMMENT ON COLUMN ledger.fact.value IS 'value, as text';
COMMENT ON COLUMN ledger.fact.source IS 'declared, verified or imported';
COMMENT ON COLUMN ledger.fact.year IS 'calendar year that it is about';
COMMENT ON COLUMN ledger.fact.from_day IS 'first day on which it holds';
COMMENT ON COLUMN ledger.fact.until_day IS 'first day on which it no longer does; NULL without end';
COMMENT ON COLUMN ledger.fact.register IS 'register that it was imported from';
COMMENT ON COLUMN ledger.fact.reference IS 'number of the certificate or registration';
COMMENT ON COLUMN ledger.fact.proposed_index IS 'entry of the proposal, if the office determined it';
GRANT SELECT ON ledger.fact TO subsidy_ledger_app, subsidy_ledger_auditor;
