-- Work that is done at times rather than by somebody: its runs, and what they reminded of.

CREATE TABLE ledger.job_run (
    zone_id integer NOT NULL CONSTRAINT job_run_zone_fkey REFERENCES ledger.zone,
    run_id uuid NOT NULL,
    job text NOT NULL CONSTRAINT job_run_job_known CHECK (job IN ('voucher-expiry', 'reminders')),
    started_at timestamptz NOT NULL,
    started_by uuid NOT NULL,
    seen_at timestamptz NOT NULL,
    done bigint NOT NULL DEFAULT 0 CONSTRAINT job_run_done_not_negative CHECK (done >= 0),
    outcome text CONSTRAINT job_run_outcome_known CHECK (outcome IN ('finished', 'failed', 'interrupted')),
    ended_at timestamptz,
    failure text CONSTRAINT job_run_failure_length CHECK (char_length(failure) BETWEEN 1 AND 1000),
    CONSTRAINT job_run_pkey PRIMARY KEY (zone_id, run_id),
    CONSTRAINT job_run_ended_whole CHECK ((outcome IS NULL) = (ended_at IS NULL)),
    CONSTRAINT job_run_failure_said CHECK ((outcome IS NOT DISTINCT FROM 'failed') = (failure IS NOT NULL)),
    CONSTRAINT job_run_in_order CHECK (started_at <= seen_at AND seen_at <= ended_at),
    CONSTRAINT job_run_person_fkey FOREIGN KEY (zone_id, started_by) REFERENCES ledger.person
);
CREATE UNIQUE INDEX job_run_one_goes_on ON ledger.job_run (zone_id, job) WHERE outcome IS NULL;
CREATE INDEX job_run_latest ON ledger.job_run (zone_id, job, started_at DESC);
COMMENT ON TABLE ledger.job_run IS 'a run of a job: when, by whom, what it did and how it ended. What it changed stands in the log';
COMMENT ON COLUMN ledger.job_run.zone_id IS 'zone';
COMMENT ON COLUMN ledger.job_run.run_id IS 'identity';
COMMENT ON COLUMN ledger.job_run.job IS 'which job';
COMMENT ON COLUMN ledger.job_run.started_at IS 'when it began';
COMMENT ON COLUMN ledger.job_run.started_by IS 'person who began it, mostly the zone''s own system';
COMMENT ON COLUMN ledger.job_run.seen_at IS 'when it last did something: one that was not seen for a minute is taken for dead';
COMMENT ON COLUMN ledger.job_run.done IS 'how many things it did: vouchers lapsed, reminders made';
COMMENT ON COLUMN ledger.job_run.outcome IS 'finished, failed or interrupted; NULL while it goes on';
COMMENT ON COLUMN ledger.job_run.ended_at IS 'when it ended';
COMMENT ON COLUMN ledger.job_run.failure IS 'why it failed';
CALL ledger.isolate_by_zone('ledger.job_run');
GRANT SELECT, INSERT, UPDATE (seen_at, done, outcome, ended_at, failure) ON ledger.job_run TO subsidy_ledger_app;

CREATE FUNCTION ledger.refuse_ended_run_change() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION 'a run that has ended stays as it is'
        USING ERRCODE = 'restrict_violation', CONSTRAINT = TG_NAME;
END
$$;
COMMENT ON FUNCTION ledger.refuse_ended_run_change() IS 'refuses every change of a run that has ended';
CREATE TRIGGER job_run_ended_stays BEFORE UPDATE ON ledger.job_run FOR EACH ROW
    WHEN (OLD.outcome IS NOT NULL) EXECUTE FUNCTION ledger.refuse_ended_run_change();
CREATE TRIGGER job_run_refuse_delete BEFORE DELETE ON ledger.job_run
    FOR EACH ROW EXECUTE FUNCTION ledger.refuse_change();
CREATE TRIGGER job_run_refuse_truncate BEFORE TRUNCATE ON ledger.job_run
    FOR EACH STATEMENT EXECUTE FUNCTION ledger.refuse_change();
ALTER TABLE ledger.job_run ENABLE ALWAYS TRIGGER job_run_ended_stays;
ALTER TABLE ledger.job_run ENABLE ALWAYS TRIGGER job_run_refuse_delete;
ALTER TABLE ledger.job_run ENABLE ALWAYS TRIGGER job_run_refuse_truncate;

CREATE TABLE ledger.reminder (
    zone_id integer NOT NULL CONSTRAINT reminder_zone_fkey REFERENCES ledger.zone,
    kind text NOT NULL CONSTRAINT reminder_kind_known CHECK (kind IN ('voucher_expires', 'notice_over',
        'instalment_due', 'instalment_overdue', 'recovery_due', 'recovery_overdue')),
    case_id uuid NOT NULL,
    due date NOT NULL,
    number smallint NOT NULL CONSTRAINT reminder_number_not_negative CHECK (number >= 0),
    party_id uuid NOT NULL,
    made_on date NOT NULL,
    run_id uuid NOT NULL,
    CONSTRAINT reminder_pkey PRIMARY KEY (zone_id, kind, case_id, due, number),
    CONSTRAINT reminder_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT reminder_run_fkey FOREIGN KEY (zone_id, run_id) REFERENCES ledger.job_run
);
CREATE INDEX reminder_newest ON ledger.reminder (zone_id, made_on DESC, due, kind, case_id);
COMMENT ON TABLE ledger.reminder IS 'that something is due, once for each thing and day';
COMMENT ON COLUMN ledger.reminder.zone_id IS 'zone';
COMMENT ON COLUMN ledger.reminder.kind IS 'what is due';
COMMENT ON COLUMN ledger.reminder.case_id IS 'voucher, claim, deferral or recovery';
COMMENT ON COLUMN ledger.reminder.due IS 'the day: last day of a voucher or notice, day of an instalment';
COMMENT ON COLUMN ledger.reminder.number IS 'number of the instalment; 0 otherwise';
COMMENT ON COLUMN ledger.reminder.party_id IS 'whom it concerns: holder, claimant, tenant, whoever owes money back';
COMMENT ON COLUMN ledger.reminder.made_on IS 'day of the reminder';
COMMENT ON COLUMN ledger.reminder.run_id IS 'run that made it';
CALL ledger.isolate_by_zone('ledger.reminder');
CALL ledger.make_append_only('ledger.reminder');
