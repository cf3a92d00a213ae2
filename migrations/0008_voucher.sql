-- Vouchers and the holds on them. What each is worth stands in its accounts; the counters here say the
-- same, so that Postgres itself refuses a voucher whose parts are not its face.

CREATE TABLE ledger.voucher_application (
    zone_id integer NOT NULL,
    application_id uuid NOT NULL,
    programme text NOT NULL,
    party_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    facts text NOT NULL,
    facts_sha256 bytea NOT NULL
        CONSTRAINT voucher_application_facts_sha256_of_facts CHECK (facts_sha256 = sha256(convert_to(facts, 'UTF8'))),
    state text NOT NULL CONSTRAINT voucher_application_state_known
        CHECK (state IN ('applied', 'recommended', 'issued', 'rejected')),
    applied_by uuid NOT NULL,
    applied_index bigint NOT NULL,
    reviewed_by uuid,
    reviewed_index bigint,
    decided_by uuid,
    decided_index bigint,
    CONSTRAINT voucher_application_pkey PRIMARY KEY (zone_id, application_id),
    CONSTRAINT voucher_application_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT voucher_application_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT voucher_application_policy_fkey FOREIGN KEY (zone_id, policy_id) REFERENCES ledger.policy,
    CONSTRAINT voucher_application_reviewed CHECK ((reviewed_by IS NULL) = (reviewed_index IS NULL)
        AND (state = 'applied') <= (reviewed_by IS NULL) AND (state IN ('recommended', 'issued')) <= (reviewed_by IS NOT NULL)),
    CONSTRAINT voucher_application_decided CHECK ((decided_by IS NULL) = (decided_index IS NULL)
        AND (state = 'issued') <= (decided_by IS NOT NULL)),
    CONSTRAINT voucher_application_reviewer_is_another CHECK (reviewed_by IS DISTINCT FROM applied_by),
    CONSTRAINT voucher_application_approver_is_another CHECK (decided_by IS NULL
        OR (decided_by IS DISTINCT FROM applied_by AND decided_by IS DISTINCT FROM reviewed_by))
);
CREATE INDEX voucher_application_party ON ledger.voucher_application (zone_id, party_id);
CREATE INDEX voucher_application_open ON ledger.voucher_application (zone_id, programme, application_id)
    WHERE state IN ('applied', 'recommended');
COMMENT ON TABLE ledger.voucher_application IS 'a request for a voucher';
COMMENT ON COLUMN ledger.voucher_application.zone_id IS 'zone';
COMMENT ON COLUMN ledger.voucher_application.application_id IS 'identity; the voucher has the same';
COMMENT ON COLUMN ledger.voucher_application.programme IS 'programme';
COMMENT ON COLUMN ledger.voucher_application.party_id IS 'who applies';
COMMENT ON COLUMN ledger.voucher_application.policy_id IS 'policy in force on the day of application';
COMMENT ON COLUMN ledger.voucher_application.facts IS 'facts as stated, canonical JSON';
COMMENT ON COLUMN ledger.voucher_application.facts_sha256 IS 'of facts: what decisions name';
COMMENT ON COLUMN ledger.voucher_application.state IS 'applied, recommended by a reviewer, issued or rejected';
COMMENT ON COLUMN ledger.voucher_application.applied_by IS 'submitter';
COMMENT ON COLUMN ledger.voucher_application.applied_index IS 'entry of the application';
COMMENT ON COLUMN ledger.voucher_application.reviewed_by IS 'reviewer; another person than the submitter';
COMMENT ON COLUMN ledger.voucher_application.reviewed_index IS 'entry of the review';
COMMENT ON COLUMN ledger.voucher_application.decided_by IS 'approver; another person than both';
COMMENT ON COLUMN ledger.voucher_application.decided_index IS 'entry of issue or refusal';
CALL ledger.isolate_by_zone('ledger.voucher_application');
GRANT SELECT, INSERT, UPDATE (state, reviewed_by, reviewed_index, decided_by, decided_index)
    ON ledger.voucher_application TO subsidy_ledger_app;

CREATE TABLE ledger.voucher (
    zone_id integer NOT NULL,
    voucher_id uuid NOT NULL,
    face bigint NOT NULL CONSTRAINT voucher_face_positive CHECK (face > 0),
    free bigint NOT NULL CONSTRAINT voucher_free_not_negative CHECK (free >= 0),
    held bigint NOT NULL CONSTRAINT voucher_held_not_negative CHECK (held >= 0),
    redeemed bigint NOT NULL CONSTRAINT voucher_redeemed_not_negative CHECK (redeemed >= 0),
    expired bigint NOT NULL CONSTRAINT voucher_expired_not_negative CHECK (expired >= 0),
    cancelled bigint NOT NULL CONSTRAINT voucher_cancelled_not_negative CHECK (cancelled >= 0),
    issued_index bigint NOT NULL,
    party_id uuid NOT NULL,
    policy_id uuid NOT NULL,
    issued_on date NOT NULL,
    last_day date NOT NULL,
    fiscal_year smallint NOT NULL,
    programme text NOT NULL,
    counts_in_year boolean NOT NULL,
    counts_as_held boolean NOT NULL,
    frozen_reason text CONSTRAINT voucher_frozen_reason_length CHECK (char_length(frozen_reason) BETWEEN 1 AND 1000),
    CONSTRAINT voucher_pkey PRIMARY KEY (zone_id, voucher_id),
    CONSTRAINT voucher_application_fkey FOREIGN KEY (zone_id, voucher_id) REFERENCES ledger.voucher_application,
    CONSTRAINT voucher_number_key UNIQUE (zone_id, issued_index),
    CONSTRAINT voucher_parts_are_face CHECK (face = free + held + redeemed + expired + cancelled),
    CONSTRAINT voucher_lasts CHECK (last_day >= issued_on)
) WITH (fillfactor = 70);
CREATE INDEX voucher_party ON ledger.voucher (zone_id, party_id);
CREATE INDEX voucher_to_expire ON ledger.voucher (zone_id, last_day) WHERE free > 0;
COMMENT ON TABLE ledger.voucher IS 'an innovation voucher (创新券)';
COMMENT ON COLUMN ledger.voucher.zone_id IS 'zone';
COMMENT ON COLUMN ledger.voucher.voucher_id IS 'identity: that of its application; item of its accounts B40 and B50';
COMMENT ON COLUMN ledger.voucher.face IS 'minor units';
COMMENT ON COLUMN ledger.voucher.free IS 'minor units that an order may take; balance of B40';
COMMENT ON COLUMN ledger.voucher.held IS 'minor units reserved for orders; balance of B50';
COMMENT ON COLUMN ledger.voucher.redeemed IS 'minor units used';
COMMENT ON COLUMN ledger.voucher.expired IS 'minor units that lapsed unused';
COMMENT ON COLUMN ledger.voucher.cancelled IS 'minor units taken back';
COMMENT ON COLUMN ledger.voucher.issued_index IS 'entry of issue; V and this number is the voucher''s short name';
COMMENT ON COLUMN ledger.voucher.party_id IS 'holder';
COMMENT ON COLUMN ledger.voucher.policy_id IS 'policy that it was issued under, and is redeemed under';
COMMENT ON COLUMN ledger.voucher.issued_on IS 'day of issue, in the zone''s time';
COMMENT ON COLUMN ledger.voucher.last_day IS 'last day on which an order can be placed';
COMMENT ON COLUMN ledger.voucher.fiscal_year IS 'budget year that funds it';
COMMENT ON COLUMN ledger.voucher.programme IS 'programme';
COMMENT ON COLUMN ledger.voucher.counts_in_year IS 'whether it counts against what the holder may be granted in a year';
COMMENT ON COLUMN ledger.voucher.counts_as_held IS 'whether it counts against what the holder may hold at a time';
COMMENT ON COLUMN ledger.voucher.frozen_reason IS 'why it is suspended; NULL when it is not';
CALL ledger.isolate_by_zone('ledger.voucher');
GRANT SELECT, INSERT, UPDATE (free, held, redeemed, expired, cancelled, frozen_reason)
    ON ledger.voucher TO subsidy_ledger_app;

CREATE TABLE ledger.hold (
    zone_id integer NOT NULL,
    hold_id uuid NOT NULL,
    voucher_id uuid NOT NULL,
    provider_id uuid NOT NULL,
    price bigint NOT NULL CONSTRAINT hold_price_positive CHECK (price > 0),
    amount bigint NOT NULL CONSTRAINT hold_amount_positive CHECK (amount > 0),
    redeemed bigint NOT NULL DEFAULT 0
        CONSTRAINT hold_redeemed_within CHECK (redeemed BETWEEN 0 AND amount),
    state text NOT NULL CONSTRAINT hold_state_known CHECK (state IN ('held', 'captured', 'released', 'lapsed')),
    held_by uuid NOT NULL,
    held_index bigint NOT NULL,
    facts text NOT NULL,
    ended_index bigint,
    CONSTRAINT hold_pkey PRIMARY KEY (zone_id, hold_id),
    CONSTRAINT hold_voucher_fkey FOREIGN KEY (zone_id, voucher_id) REFERENCES ledger.voucher,
    CONSTRAINT hold_provider_fkey FOREIGN KEY (zone_id, provider_id) REFERENCES ledger.party,
    CONSTRAINT hold_ended CHECK ((state = 'held') = (ended_index IS NULL)),
    CONSTRAINT hold_redeemed_when_captured CHECK ((state = 'captured') = (redeemed > 0))
) WITH (fillfactor = 80);
CREATE INDEX hold_voucher ON ledger.hold (zone_id, voucher_id);
COMMENT ON TABLE ledger.hold IS 'a part of a voucher reserved for one order (锁定)';
COMMENT ON COLUMN ledger.hold.zone_id IS 'zone';
COMMENT ON COLUMN ledger.hold.hold_id IS 'identity';
COMMENT ON COLUMN ledger.hold.voucher_id IS 'voucher';
COMMENT ON COLUMN ledger.hold.provider_id IS 'provider of the ordered service';
COMMENT ON COLUMN ledger.hold.price IS 'price of the order, minor units';
COMMENT ON COLUMN ledger.hold.amount IS 'minor units reserved';
COMMENT ON COLUMN ledger.hold.redeemed IS 'minor units used of it';
COMMENT ON COLUMN ledger.hold.state IS 'held; captured by a redemption; released; lapsed on release after the voucher''s last day';
COMMENT ON COLUMN ledger.hold.held_by IS 'person who ordered';
COMMENT ON COLUMN ledger.hold.held_index IS 'entry of the hold';
COMMENT ON COLUMN ledger.hold.facts IS 'facts of the order, canonical JSON: what the redemption is decided on';
COMMENT ON COLUMN ledger.hold.ended_index IS 'entry that ended it';
CALL ledger.isolate_by_zone('ledger.hold');
GRANT SELECT, INSERT, UPDATE (state, redeemed, ended_index) ON ledger.hold TO subsidy_ledger_app;
