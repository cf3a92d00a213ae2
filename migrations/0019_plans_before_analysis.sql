-- Two look-ups that were slow while a table grew fast, until it had been analysed: a run of 100,000 awards lost some
-- seconds to each.

-- Accounts are found by their addresses, also when there were few of them at the last analysis.
ALTER FUNCTION ledger.lock_books(integer, text[]) SET enable_seqscan = off;

-- Results of an award run are those of the next parties of its list, in its order. Before, each was looked up by party:
-- until the list had been analysed, all of it was read for each result, since the narrower of two indexes looked as good.
-- Positions say which part of the list is meant, whatever is known of the table.
CREATE OR REPLACE FUNCTION ledger.check_new_award_results() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog SET enable_seqscan = off AS $$
BEGIN
    -- Sets are compared by sorting or hashing, however many rows the plan was made for.
    IF EXISTS (SELECT zone_id, run_id, party_id FROM new_rows
        EXCEPT
        SELECT c.zone_id, c.run_id, c.party_id
        FROM (SELECT zone_id, run_id, count(*) AS results FROM new_rows GROUP BY zone_id, run_id) AS part
        CROSS JOIN LATERAL (SELECT decided FROM ledger.award_run r
            WHERE r.zone_id = part.zone_id AND r.run_id = part.run_id OFFSET 0) AS run
        CROSS JOIN LATERAL (SELECT c.zone_id, c.run_id, c.party_id FROM ledger.award_candidate c
            WHERE c.zone_id = part.zone_id AND c.run_id = part.run_id
                AND c.position > run.decided AND c.position <= run.decided + part.results OFFSET 0) AS c)
    THEN
        RAISE EXCEPTION 'results are those of the next parties on the list of their run'
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
