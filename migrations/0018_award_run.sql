-- Caps of every scope as accounts (docs/adr/0016), and awards without application (免申即享).

INSERT INTO ledger.chart (code, normal_side, guarded, name_zh, name_en) VALUES
    ('Q11', 'D', true, '已设次数(每次计一最小单位)', 'Numbers of awards allowed (one award is one minor unit)'),
    ('Q22', 'C', true, '控制人年度可用限额', 'Controller group and year: limit left'),
    ('Q23', 'C', true, '服务机构年度可用限额', 'Provider and year: limit left'),
    ('Q24', 'C', true, '累计可用限额', 'Lifetime: limit left'),
    ('Q25', 'C', true, '微量援助可用限额', 'De minimis aid to a single undertaking: limit left'),
    ('Q26', 'C', true, '项目年度可用限额', 'Programme and year: limit left'),
    ('Q27', 'C', true, '企业年度可用次数(每次计一最小单位)', 'Firm and year: awards left (one award is one minor unit)'),
    ('Q28', 'C', true, '累计可用次数(每次计一最小单位)', 'Lifetime: awards left (one award is one minor unit)'),
    ('Q32', 'C', true, '控制人年度已用限额', 'Controller group and year: limit used, by the firm that used it'),
    ('Q33', 'C', true, '服务机构年度已用限额', 'Provider and year: limit used'),
    ('Q34', 'C', true, '累计已用限额', 'Lifetime: limit used'),
    ('Q35', 'C', true, '微量援助已给额度', 'De minimis aid: granted, by firm and voucher'),
    ('Q36', 'C', true, '项目年度已用限额', 'Programme and year: limit used'),
    ('Q37', 'C', true, '企业年度已用次数(每次计一最小单位)', 'Firm and year: awards given (one award is one minor unit)'),
    ('Q38', 'C', true, '累计已用次数(每次计一最小单位)', 'Lifetime: awards given (one award is one minor unit)');

-- The version before counts a firm's year and what it holds, and nothing else: that is what the defaults say.
ALTER TABLE ledger.voucher
    ADD COLUMN undertaking uuid,
    ADD COLUMN counts_in text[] NOT NULL DEFAULT '{}'
        CONSTRAINT voucher_counts_in_known CHECK (counts_in <@ ARRAY['group_year', 'lifetime', 'programme',
            'de_minimis', 'year_count', 'lifetime_count']),
    ADD CONSTRAINT voucher_undertaking_where_groups_count CHECK (
        (undertaking IS NOT NULL) = (counts_in && ARRAY['group_year', 'de_minimis']));
COMMENT ON COLUMN ledger.voucher.undertaking IS 'controller group of the holder when it was issued, or the holder itself: item of the accounts Q22 and Q25 that it is counted against';
COMMENT ON COLUMN ledger.voucher.counts_in IS 'scopes of the other caps that it is counted against, as packs write them';

CREATE TABLE ledger.award_run (
    zone_id integer NOT NULL,
    run_id uuid NOT NULL,
    programme text NOT NULL,
    policy_id uuid NOT NULL,
    day date NOT NULL,
    requested bigint CONSTRAINT award_run_requested_positive CHECK (requested > 0),
    candidates integer NOT NULL CONSTRAINT award_run_candidates_positive CHECK (candidates > 0),
    total bigint NOT NULL CONSTRAINT award_run_total_positive CHECK (total > 0),
    list_sha256 bytea NOT NULL CONSTRAINT award_run_list_sha256_length CHECK (octet_length(list_sha256) = 32),
    proposed_by uuid NOT NULL,
    proposed_index bigint NOT NULL,
    approved_by uuid,
    approved_index bigint,
    decided integer NOT NULL DEFAULT 0,
    awarded integer NOT NULL DEFAULT 0,
    given bigint NOT NULL DEFAULT 0 CONSTRAINT award_run_given_not_negative CHECK (given >= 0),
    CONSTRAINT award_run_pkey PRIMARY KEY (zone_id, run_id),
    CONSTRAINT award_run_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT award_run_policy_fkey FOREIGN KEY (zone_id, policy_id) REFERENCES ledger.policy,
    CONSTRAINT award_run_approved_whole CHECK ((approved_by IS NULL) = (approved_index IS NULL)),
    CONSTRAINT award_run_approver_is_another CHECK (approved_by IS DISTINCT FROM proposed_by),
    CONSTRAINT award_run_approved_before_awards CHECK (decided = 0 OR approved_by IS NOT NULL),
    CONSTRAINT award_run_decided_within CHECK (decided BETWEEN 0 AND candidates),
    CONSTRAINT award_run_awarded_within CHECK (awarded BETWEEN 0 AND decided)
);
CREATE INDEX award_run_proposed ON ledger.award_run (zone_id, proposed_index);
COMMENT ON TABLE ledger.award_run IS 'vouchers for everybody who qualifies, without application (免申即享): proposed with its list, approved by another person, carried out in parts';
COMMENT ON COLUMN ledger.award_run.zone_id IS 'zone';
COMMENT ON COLUMN ledger.award_run.run_id IS 'identity';
COMMENT ON COLUMN ledger.award_run.programme IS 'programme';
COMMENT ON COLUMN ledger.award_run.policy_id IS 'policy in force on the day: decides, and is what the vouchers are issued under';
COMMENT ON COLUMN ledger.award_run.day IS 'day for which it is decided who qualifies';
COMMENT ON COLUMN ledger.award_run.requested IS 'minor units that are requested for each party, where the policy starts from a request; else NULL';
COMMENT ON COLUMN ledger.award_run.candidates IS 'how many parties are on the list';
COMMENT ON COLUMN ledger.award_run.total IS 'minor units that the list comes to';
COMMENT ON COLUMN ledger.award_run.list_sha256 IS 'SHA-256 of the list: a line of party, space and minor units for each, in order';
COMMENT ON COLUMN ledger.award_run.proposed_by IS 'reviewer who proposed it';
COMMENT ON COLUMN ledger.award_run.proposed_index IS 'entry of the proposal; R and this number is the run''s short name';
COMMENT ON COLUMN ledger.award_run.approved_by IS 'manager who approved it; another person';
COMMENT ON COLUMN ledger.award_run.approved_index IS 'entry of the approval';
COMMENT ON COLUMN ledger.award_run.decided IS 'how many of the list are decided on, from its beginning: where to go on';
COMMENT ON COLUMN ledger.award_run.awarded IS 'how many of them got a voucher';
COMMENT ON COLUMN ledger.award_run.given IS 'minor units of these vouchers together';
CALL ledger.isolate_by_zone('ledger.award_run');
GRANT SELECT, INSERT, UPDATE (approved_by, approved_index, decided, awarded, given)
    ON ledger.award_run TO subsidy_ledger_app;

CREATE TABLE ledger.award_candidate (
    zone_id integer NOT NULL,
    run_id uuid NOT NULL,
    position integer NOT NULL CONSTRAINT award_candidate_position_positive CHECK (position > 0),
    amount bigint NOT NULL CONSTRAINT award_candidate_amount_positive CHECK (amount > 0),
    party_id uuid NOT NULL,
    CONSTRAINT award_candidate_pkey PRIMARY KEY (zone_id, run_id, position),
    CONSTRAINT award_candidate_party_key UNIQUE (zone_id, run_id, party_id),
    CONSTRAINT award_candidate_run_fkey FOREIGN KEY (zone_id, run_id) REFERENCES ledger.award_run,
    CONSTRAINT award_candidate_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party
);
COMMENT ON TABLE ledger.award_candidate IS 'the list of an award run, as it was proposed';
COMMENT ON COLUMN ledger.award_candidate.zone_id IS 'zone';
COMMENT ON COLUMN ledger.award_candidate.run_id IS 'award run';
COMMENT ON COLUMN ledger.award_candidate.position IS 'place on the list, from 1';
COMMENT ON COLUMN ledger.award_candidate.amount IS 'minor units that it would get, as was known then';
COMMENT ON COLUMN ledger.award_candidate.party_id IS 'party';
CALL ledger.isolate_by_zone('ledger.award_candidate');
CALL ledger.make_append_only('ledger.award_candidate');

CREATE TABLE ledger.award_result (
    zone_id integer NOT NULL,
    run_id uuid NOT NULL,
    party_id uuid NOT NULL,
    log_index bigint NOT NULL,
    facts_sha256 bytea NOT NULL,
    voucher_id uuid,
    -- Awarded once, whoever carries the run out and however often.
    CONSTRAINT award_result_pkey PRIMARY KEY (zone_id, run_id, party_id)
);
CREATE UNIQUE INDEX award_result_voucher_key ON ledger.award_result (zone_id, voucher_id)
    WHERE voucher_id IS NOT NULL;
COMMENT ON TABLE ledger.award_result IS 'what an award run came to for a party of its list';
COMMENT ON COLUMN ledger.award_result.zone_id IS 'zone';
COMMENT ON COLUMN ledger.award_result.run_id IS 'award run';
COMMENT ON COLUMN ledger.award_result.party_id IS 'party';
COMMENT ON COLUMN ledger.award_result.log_index IS 'entry that decided, with its decision';
COMMENT ON COLUMN ledger.award_result.facts_sha256 IS 'snapshot of facts that it was decided on';
COMMENT ON COLUMN ledger.award_result.voucher_id IS 'voucher that it got; NULL if it was refused';
CALL ledger.isolate_by_zone('ledger.award_result');
CALL ledger.make_append_only('ledger.award_result');

-- A voucher comes from an application, or from an award run.
ALTER TABLE ledger.voucher
    ADD COLUMN run_id uuid,
    ADD COLUMN application_id uuid GENERATED ALWAYS AS (CASE WHEN run_id IS NULL THEN voucher_id END) STORED,
    DROP CONSTRAINT voucher_application_fkey,
    ADD CONSTRAINT voucher_application_fkey FOREIGN KEY (zone_id, application_id)
        REFERENCES ledger.voucher_application (zone_id, application_id);
COMMENT ON COLUMN ledger.voucher.run_id IS 'award run that issued it without application; NULL if it was applied for';
COMMENT ON COLUMN ledger.voucher.application_id IS 'its application, which has the same identity; NULL if an award run issued it';
COMMENT ON COLUMN ledger.voucher.voucher_id IS 'identity: that of its application, if it was applied for; item of its accounts B40 and B50';

-- Foreign keys of a whole part of a run at once (docs/adr/0005).
CREATE FUNCTION ledger.check_new_award_results() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n WHERE (SELECT position FROM ledger.award_candidate c
        WHERE c.zone_id = n.zone_id AND c.run_id = n.run_id AND c.party_id = n.party_id) IS NULL)
    THEN
        RAISE EXCEPTION 'a result is that of a party on the list of its run'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'award_result_candidate_known';
    END IF;
    IF EXISTS (SELECT FROM new_rows n WHERE (SELECT zone_id FROM ledger.fact_snapshot s
        WHERE s.zone_id = n.zone_id AND s.sha256 = n.facts_sha256) IS NULL)
    THEN
        RAISE EXCEPTION 'the facts of a result are kept'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'award_result_facts_kept';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER award_result_check_new AFTER INSERT ON ledger.award_result REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_award_results();
ALTER TABLE ledger.award_result ENABLE ALWAYS TRIGGER award_result_check_new;

CREATE FUNCTION ledger.check_new_vouchers() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT FROM new_rows n WHERE n.run_id IS NOT NULL
        AND (SELECT r.voucher_id FROM ledger.award_result r WHERE r.zone_id = n.zone_id
            AND r.run_id = n.run_id AND r.party_id = n.party_id) IS DISTINCT FROM n.voucher_id)
    THEN
        RAISE EXCEPTION 'a voucher without application is the result of an award run'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'voucher_result_of_run';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER voucher_check_new AFTER INSERT ON ledger.voucher REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.check_new_vouchers();
ALTER TABLE ledger.voucher ENABLE ALWAYS TRIGGER voucher_check_new;
