-- What claims take from the rent book, and rounds of claims that are ranked or share a budget.

CREATE TABLE ledger.claim_waiver (
    zone_id integer NOT NULL,
    claim_id uuid NOT NULL,
    version integer NOT NULL,
    waiver_id uuid NOT NULL,
    taken boolean NOT NULL DEFAULT false,
    CONSTRAINT claim_waiver_pkey PRIMARY KEY (zone_id, claim_id, version, waiver_id),
    CONSTRAINT claim_waiver_claim_fkey FOREIGN KEY (zone_id, claim_id) REFERENCES ledger.claim,
    CONSTRAINT claim_waiver_waiver_fkey FOREIGN KEY (zone_id, waiver_id) REFERENCES ledger.waiver
);
-- No relief is compensated twice: an approved claim keeps what it took.
CREATE UNIQUE INDEX claim_waiver_taken_once ON ledger.claim_waiver (zone_id, waiver_id) WHERE taken;
COMMENT ON TABLE ledger.claim_waiver IS 'a waiver of rent that a version of a claim rests on, as the claim''s content says it';
COMMENT ON COLUMN ledger.claim_waiver.zone_id IS 'zone';
COMMENT ON COLUMN ledger.claim_waiver.claim_id IS 'claim';
COMMENT ON COLUMN ledger.claim_waiver.version IS 'version of its content';
COMMENT ON COLUMN ledger.claim_waiver.waiver_id IS 'waiver';
COMMENT ON COLUMN ledger.claim_waiver.taken IS 'whether the claim keeps it from others: from submission on, until it is turned down or withdrawn';
CALL ledger.isolate_by_zone('ledger.claim_waiver');
GRANT SELECT, INSERT, UPDATE (taken) ON ledger.claim_waiver TO subsidy_ledger_app;

CREATE TABLE ledger.claim_round (
    zone_id integer NOT NULL,
    round_id uuid NOT NULL,
    programme text NOT NULL,
    policy_id uuid NOT NULL,
    fiscal_year smallint NOT NULL,
    closed_by uuid NOT NULL,
    closed_index bigint NOT NULL,
    budget bigint CONSTRAINT claim_round_budget_not_negative CHECK (budget >= 0),
    demand bigint CONSTRAINT claim_round_demand_not_negative CHECK (demand >= 0),
    CONSTRAINT claim_round_pkey PRIMARY KEY (zone_id, round_id),
    -- A rank among some is none among all.
    CONSTRAINT claim_round_once_a_year UNIQUE (zone_id, policy_id, fiscal_year),
    CONSTRAINT claim_round_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT claim_round_policy_fkey FOREIGN KEY (zone_id, policy_id) REFERENCES ledger.policy,
    CONSTRAINT claim_round_entry_fkey FOREIGN KEY (zone_id, closed_index) REFERENCES ledger.entry,
    CONSTRAINT claim_round_shares_whole CHECK ((budget IS NULL) = (demand IS NULL))
);
COMMENT ON TABLE ledger.claim_round IS 'a round in which the recommended claims of a programme are ranked, or share its budget; approvals are bound to it';
COMMENT ON COLUMN ledger.claim_round.zone_id IS 'zone';
COMMENT ON COLUMN ledger.claim_round.round_id IS 'identity';
COMMENT ON COLUMN ledger.claim_round.programme IS 'programme';
COMMENT ON COLUMN ledger.claim_round.policy_id IS 'policy that all its claims were submitted under';
COMMENT ON COLUMN ledger.claim_round.fiscal_year IS 'budget year in which it was closed';
COMMENT ON COLUMN ledger.claim_round.closed_by IS 'manager who closed it';
COMMENT ON COLUMN ledger.claim_round.closed_index IS 'entry that closed it';
COMMENT ON COLUMN ledger.claim_round.budget IS 'minor units that there were to share; NULL where the policy ranks';
COMMENT ON COLUMN ledger.claim_round.demand IS 'minor units that all claims asked for';
CALL ledger.isolate_by_zone('ledger.claim_round');
CALL ledger.make_append_only('ledger.claim_round');

CREATE TABLE ledger.claim_place (
    zone_id integer NOT NULL,
    round_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    reviewed_index bigint NOT NULL,
    class text NOT NULL,
    place integer CONSTRAINT claim_place_positive CHECK (place > 0),
    amount bigint NOT NULL CONSTRAINT claim_place_amount_not_negative CHECK (amount >= 0),
    log_index bigint NOT NULL,
    CONSTRAINT claim_place_pkey PRIMARY KEY (zone_id, round_id, claim_id),
    CONSTRAINT claim_place_is_of_one UNIQUE (zone_id, round_id, class, place),
    CONSTRAINT claim_place_round_fkey FOREIGN KEY (zone_id, round_id) REFERENCES ledger.claim_round,
    CONSTRAINT claim_place_claim_fkey FOREIGN KEY (zone_id, claim_id) REFERENCES ledger.claim,
    CONSTRAINT claim_place_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry,
    CONSTRAINT claim_place_before_amount CHECK (place IS NOT NULL OR amount = 0)
);
CREATE INDEX claim_place_claim ON ledger.claim_place (zone_id, claim_id, log_index);
COMMENT ON TABLE ledger.claim_place IS 'a claim in a round: its rank, and the most that can be approved of it';
COMMENT ON COLUMN ledger.claim_place.zone_id IS 'zone';
COMMENT ON COLUMN ledger.claim_place.round_id IS 'round';
COMMENT ON COLUMN ledger.claim_place.claim_id IS 'claim';
COMMENT ON COLUMN ledger.claim_place.reviewed_index IS 'entry of the review that the round rests on';
COMMENT ON COLUMN ledger.claim_place.class IS 'among which claims it is ranked; empty where all are together';
COMMENT ON COLUMN ledger.claim_place.place IS 'from 1 within the class; NULL if it does not qualify by then';
COMMENT ON COLUMN ledger.claim_place.amount IS 'minor units, the most that can be approved; zero beyond the rank';
COMMENT ON COLUMN ledger.claim_place.log_index IS 'entry with the decision';
CALL ledger.isolate_by_zone('ledger.claim_place');
CALL ledger.make_append_only('ledger.claim_place');
