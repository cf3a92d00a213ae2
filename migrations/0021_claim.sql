-- Claims for what was done, their public notice, and who approves: levels by amount, recusal, delegation.

INSERT INTO ledger.chart (code, normal_side, guarded, name_zh, name_en) VALUES
    ('F5050', 'D', false, '奖励支出', 'Award expense'),
    ('F5060', 'D', false, '政府购买服务支出', 'Purchased services expense');

CREATE TABLE ledger.approval_levels (
    zone_id integer NOT NULL,
    proposed_index bigint NOT NULL,
    levels text NOT NULL CONSTRAINT approval_levels_length CHECK (char_length(levels) BETWEEN 1 AND 4000),
    proposed_by uuid NOT NULL,
    confirmed_by uuid,
    confirmed_index bigint,
    CONSTRAINT approval_levels_pkey PRIMARY KEY (zone_id, proposed_index),
    CONSTRAINT approval_levels_entry_fkey FOREIGN KEY (zone_id, proposed_index) REFERENCES ledger.entry,
    CONSTRAINT approval_levels_confirmed_whole CHECK ((confirmed_by IS NULL) = (confirmed_index IS NULL)),
    CONSTRAINT approval_levels_two_persons CHECK (confirmed_by IS DISTINCT FROM proposed_by),
    CONSTRAINT approval_levels_confirmed_later CHECK (confirmed_index > proposed_index)
);
CREATE UNIQUE INDEX approval_levels_in_force ON ledger.approval_levels (zone_id, confirmed_index)
    WHERE confirmed_index IS NOT NULL;
COMMENT ON TABLE ledger.approval_levels IS 'who approves claims of which amount; the set confirmed last is in force';
COMMENT ON COLUMN ledger.approval_levels.zone_id IS 'zone';
COMMENT ON COLUMN ledger.approval_levels.proposed_index IS 'entry that proposed the set';
COMMENT ON COLUMN ledger.approval_levels.levels IS 'the set: amounts from which so many levels approve, each with its role; canonical JSON';
COMMENT ON COLUMN ledger.approval_levels.proposed_by IS 'who proposed it';
COMMENT ON COLUMN ledger.approval_levels.confirmed_by IS 'who confirmed it; another person';
COMMENT ON COLUMN ledger.approval_levels.confirmed_index IS 'entry that put it in force';
CALL ledger.isolate_by_zone('ledger.approval_levels');
GRANT SELECT, INSERT, UPDATE (confirmed_by, confirmed_index) ON ledger.approval_levels TO subsidy_ledger_app;

CREATE TABLE ledger.recusal (
    zone_id integer NOT NULL,
    person_id uuid NOT NULL,
    party_id uuid NOT NULL,
    declared_index bigint NOT NULL,
    lifted_index bigint,
    CONSTRAINT recusal_pkey PRIMARY KEY (zone_id, declared_index),
    CONSTRAINT recusal_person_fkey FOREIGN KEY (zone_id, person_id) REFERENCES ledger.person,
    CONSTRAINT recusal_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT recusal_entry_fkey FOREIGN KEY (zone_id, declared_index) REFERENCES ledger.entry,
    CONSTRAINT recusal_lifted_later CHECK (lifted_index > declared_index)
);
CREATE UNIQUE INDEX recusal_in_force ON ledger.recusal (zone_id, person_id, party_id) WHERE lifted_index IS NULL;
COMMENT ON TABLE ledger.recusal IS 'a person who takes no part in the cases of a party (回避)';
COMMENT ON COLUMN ledger.recusal.zone_id IS 'zone';
COMMENT ON COLUMN ledger.recusal.person_id IS 'who stays out';
COMMENT ON COLUMN ledger.recusal.party_id IS 'of whose cases';
COMMENT ON COLUMN ledger.recusal.declared_index IS 'entry that declared it';
COMMENT ON COLUMN ledger.recusal.lifted_index IS 'entry that lifted it; NULL while it holds';
CALL ledger.isolate_by_zone('ledger.recusal');
GRANT SELECT, INSERT, UPDATE (lifted_index) ON ledger.recusal TO subsidy_ledger_app;

CREATE TABLE ledger.delegation (
    zone_id integer NOT NULL,
    principal_id uuid NOT NULL,
    delegate_id uuid NOT NULL,
    role text NOT NULL CONSTRAINT delegation_role_known CHECK (role IN ('manager', 'finance')),
    first_day date NOT NULL,
    last_day date NOT NULL,
    given_index bigint NOT NULL,
    revoked_index bigint,
    CONSTRAINT delegation_pkey PRIMARY KEY (zone_id, given_index),
    CONSTRAINT delegation_principal_fkey FOREIGN KEY (zone_id, principal_id) REFERENCES ledger.person,
    CONSTRAINT delegation_delegate_fkey FOREIGN KEY (zone_id, delegate_id) REFERENCES ledger.person,
    CONSTRAINT delegation_entry_fkey FOREIGN KEY (zone_id, given_index) REFERENCES ledger.entry,
    CONSTRAINT delegation_to_another CHECK (delegate_id IS DISTINCT FROM principal_id),
    CONSTRAINT delegation_lasts CHECK (last_day BETWEEN first_day AND first_day + 366),
    CONSTRAINT delegation_revoked_later CHECK (revoked_index > given_index)
);
CREATE INDEX delegation_delegate ON ledger.delegation (zone_id, delegate_id, last_day) WHERE revoked_index IS NULL;
COMMENT ON TABLE ledger.delegation IS 'a person who acts for another in one duty, for some days (授权)';
COMMENT ON COLUMN ledger.delegation.zone_id IS 'zone';
COMMENT ON COLUMN ledger.delegation.principal_id IS 'who has the duty';
COMMENT ON COLUMN ledger.delegation.delegate_id IS 'who does it meanwhile';
COMMENT ON COLUMN ledger.delegation.role IS 'the duty';
COMMENT ON COLUMN ledger.delegation.first_day IS 'first day, in the zone''s time';
COMMENT ON COLUMN ledger.delegation.last_day IS 'last day';
COMMENT ON COLUMN ledger.delegation.given_index IS 'entry that gave it';
COMMENT ON COLUMN ledger.delegation.revoked_index IS 'entry that ended it early';
CALL ledger.isolate_by_zone('ledger.delegation');
GRANT SELECT, INSERT, UPDATE (revoked_index) ON ledger.delegation TO subsidy_ledger_app;

CREATE TABLE ledger.notice (
    zone_id integer NOT NULL,
    notice_id uuid NOT NULL,
    programme text NOT NULL,
    published_by uuid NOT NULL,
    published_index bigint NOT NULL,
    published_on date NOT NULL,
    working_days smallint NOT NULL CONSTRAINT notice_working_days_range CHECK (working_days BETWEEN 1 AND 366),
    last_day date NOT NULL,
    CONSTRAINT notice_pkey PRIMARY KEY (zone_id, notice_id),
    CONSTRAINT notice_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT notice_entry_fkey FOREIGN KEY (zone_id, published_index) REFERENCES ledger.entry,
    CONSTRAINT notice_lasts CHECK (last_day > published_on)
);
CREATE INDEX notice_published ON ledger.notice (zone_id, published_index);
COMMENT ON TABLE ledger.notice IS 'public disclosure of recommended claims (公示); nothing of them is approved before it is over';
COMMENT ON COLUMN ledger.notice.zone_id IS 'zone';
COMMENT ON COLUMN ledger.notice.notice_id IS 'identity';
COMMENT ON COLUMN ledger.notice.programme IS 'programme';
COMMENT ON COLUMN ledger.notice.published_by IS 'who published it';
COMMENT ON COLUMN ledger.notice.published_index IS 'entry that published it; N and this number is its short name';
COMMENT ON COLUMN ledger.notice.published_on IS 'day of publication; the first day counted is the next';
COMMENT ON COLUMN ledger.notice.working_days IS 'how many working days it lasts, by the policy';
COMMENT ON COLUMN ledger.notice.last_day IS 'the last of them';
CALL ledger.isolate_by_zone('ledger.notice');
CALL ledger.make_append_only('ledger.notice');

CREATE TABLE ledger.claim (
    zone_id integer NOT NULL,
    claim_id uuid NOT NULL,
    programme text NOT NULL,
    party_id uuid NOT NULL,
    state text NOT NULL CONSTRAINT claim_state_known CHECK (state IN ('draft', 'submitted', 'returned', 'recommended',
        'noticed', 'objected', 'approved', 'rejected', 'withdrawn')),
    version integer NOT NULL CONSTRAINT claim_version_positive CHECK (version > 0),
    content text NOT NULL,
    content_sha256 bytea NOT NULL
        CONSTRAINT claim_content_sha256_of_content CHECK (content_sha256 = sha256(convert_to(content, 'UTF8'))),
    drafted_by uuid NOT NULL,
    drafted_index bigint NOT NULL,
    policy_id uuid,
    submitted_by uuid,
    submitted_index bigint,
    submitted_on date,
    reviewed_by uuid,
    reviewed_index bigint,
    verified text,
    recommended bigint CONSTRAINT claim_recommended_positive CHECK (recommended > 0),
    notice_id uuid,
    decided_by uuid,
    decided_index bigint,
    awarded bigint CONSTRAINT claim_awarded_positive CHECK (awarded > 0),
    CONSTRAINT claim_pkey PRIMARY KEY (zone_id, claim_id),
    CONSTRAINT claim_number_key UNIQUE (zone_id, drafted_index),
    CONSTRAINT claim_programme_fkey FOREIGN KEY (zone_id, programme) REFERENCES ledger.programme,
    CONSTRAINT claim_party_fkey FOREIGN KEY (zone_id, party_id) REFERENCES ledger.party,
    CONSTRAINT claim_policy_fkey FOREIGN KEY (zone_id, policy_id) REFERENCES ledger.policy,
    CONSTRAINT claim_notice_fkey FOREIGN KEY (zone_id, notice_id) REFERENCES ledger.notice,
    CONSTRAINT claim_submitted_whole CHECK ((submitted_by IS NULL) = (submitted_index IS NULL)
        AND (submitted_by IS NULL) = (submitted_on IS NULL) AND (submitted_by IS NULL) = (policy_id IS NULL)),
    CONSTRAINT claim_submitted_first CHECK (state IN ('draft', 'withdrawn') OR submitted_by IS NOT NULL),
    CONSTRAINT claim_reviewed_whole CHECK ((reviewed_by IS NULL) = (reviewed_index IS NULL)),
    CONSTRAINT claim_reviewed_first CHECK (state NOT IN ('returned', 'recommended', 'noticed', 'objected', 'approved')
        OR reviewed_by IS NOT NULL),
    CONSTRAINT claim_recommended_first CHECK (state NOT IN ('recommended', 'noticed', 'objected', 'approved')
        OR recommended IS NOT NULL),
    CONSTRAINT claim_noticed_first CHECK (state NOT IN ('noticed', 'objected') OR notice_id IS NOT NULL),
    CONSTRAINT claim_decided_whole CHECK ((decided_by IS NULL) = (decided_index IS NULL)
        AND (state = 'approved') <= (decided_by IS NOT NULL) AND (state = 'approved') = (awarded IS NOT NULL)),
    CONSTRAINT claim_awarded_within CHECK (awarded <= recommended),
    CONSTRAINT claim_reviewer_is_another CHECK (reviewed_by IS NULL OR reviewed_by IS DISTINCT FROM submitted_by),
    CONSTRAINT claim_approver_is_another CHECK (decided_by IS NULL
        OR (decided_by IS DISTINCT FROM submitted_by AND decided_by IS DISTINCT FROM reviewed_by))
) WITH (fillfactor = 70);
CREATE INDEX claim_party ON ledger.claim (zone_id, party_id);
CREATE INDEX claim_notice ON ledger.claim (zone_id, notice_id) WHERE notice_id IS NOT NULL;
CREATE INDEX claim_open ON ledger.claim (zone_id, programme, state, claim_id)
    WHERE state IN ('draft', 'submitted', 'returned', 'recommended', 'noticed', 'objected');
COMMENT ON TABLE ledger.claim IS 'a request (申领) for a post-subsidy, an award, a purchase or a compensation';
COMMENT ON COLUMN ledger.claim.zone_id IS 'zone';
COMMENT ON COLUMN ledger.claim.claim_id IS 'identity; what is owed of it has the same';
COMMENT ON COLUMN ledger.claim.programme IS 'programme';
COMMENT ON COLUMN ledger.claim.party_id IS 'who claims, and is paid';
COMMENT ON COLUMN ledger.claim.state IS 'where it stands; what became of the payment stands with what is owed';
COMMENT ON COLUMN ledger.claim.version IS 'number of its content, from 1: each revision is the next';
COMMENT ON COLUMN ledger.claim.content IS 'facts, lines and documents as claimed, canonical JSON';
COMMENT ON COLUMN ledger.claim.content_sha256 IS 'of content: what reviews and approvals are bound to';
COMMENT ON COLUMN ledger.claim.drafted_by IS 'who began it';
COMMENT ON COLUMN ledger.claim.drafted_index IS 'entry that began it; C and this number is its short name';
COMMENT ON COLUMN ledger.claim.policy_id IS 'policy in force on the day of submission';
COMMENT ON COLUMN ledger.claim.submitted_by IS 'submitter';
COMMENT ON COLUMN ledger.claim.submitted_index IS 'entry of the last submission';
COMMENT ON COLUMN ledger.claim.submitted_on IS 'its day, in the zone''s time';
COMMENT ON COLUMN ledger.claim.reviewed_by IS 'who reviewed it last; another person than the submitter';
COMMENT ON COLUMN ledger.claim.reviewed_index IS 'entry of that review';
COMMENT ON COLUMN ledger.claim.verified IS 'facts as that review verified them, canonical JSON';
COMMENT ON COLUMN ledger.claim.recommended IS 'minor units that a review recommended';
COMMENT ON COLUMN ledger.claim.notice_id IS 'the last notice that showed it';
COMMENT ON COLUMN ledger.claim.decided_by IS 'who approved it at the last level, or turned it down after review';
COMMENT ON COLUMN ledger.claim.decided_index IS 'entry of that';
COMMENT ON COLUMN ledger.claim.awarded IS 'minor units that were approved';
CALL ledger.isolate_by_zone('ledger.claim');
GRANT SELECT, INSERT, UPDATE (state, version, content, content_sha256, policy_id, submitted_by, submitted_index,
    submitted_on, reviewed_by, reviewed_index, verified, recommended, notice_id, decided_by, decided_index, awarded)
    ON ledger.claim TO subsidy_ledger_app;

CREATE TABLE ledger.claim_line (
    zone_id integer NOT NULL,
    claim_id uuid NOT NULL,
    version integer NOT NULL,
    line smallint NOT NULL CONSTRAINT claim_line_number_positive CHECK (line > 0),
    fact text NOT NULL,
    value text NOT NULL,
    reference text NOT NULL CONSTRAINT claim_line_reference_length CHECK (char_length(reference) BETWEEN 1 AND 200),
    CONSTRAINT claim_line_pkey PRIMARY KEY (zone_id, claim_id, version, line),
    CONSTRAINT claim_line_claim_fkey FOREIGN KEY (zone_id, claim_id) REFERENCES ledger.claim
);
CREATE INDEX claim_line_reference ON ledger.claim_line (zone_id, reference);
COMMENT ON TABLE ledger.claim_line IS 'one of the things that a claim adds up: an invoice, a tenant, a head';
COMMENT ON COLUMN ledger.claim_line.zone_id IS 'zone';
COMMENT ON COLUMN ledger.claim_line.claim_id IS 'claim';
COMMENT ON COLUMN ledger.claim_line.version IS 'version of its content';
COMMENT ON COLUMN ledger.claim_line.line IS 'from 1';
COMMENT ON COLUMN ledger.claim_line.fact IS 'fact that the lines add up to';
COMMENT ON COLUMN ledger.claim_line.value IS 'how much of it, as facts are written';
COMMENT ON COLUMN ledger.claim_line.reference IS 'number of the invoice, lease or certificate';
CALL ledger.isolate_by_zone('ledger.claim_line');
CALL ledger.make_append_only('ledger.claim_line');

CREATE TABLE ledger.notice_item (
    zone_id integer NOT NULL,
    notice_id uuid NOT NULL,
    claim_id uuid NOT NULL,
    amount bigint NOT NULL CONSTRAINT notice_item_amount_positive CHECK (amount > 0),
    log_index bigint NOT NULL,
    CONSTRAINT notice_item_pkey PRIMARY KEY (zone_id, notice_id, claim_id),
    CONSTRAINT notice_item_notice_fkey FOREIGN KEY (zone_id, notice_id) REFERENCES ledger.notice,
    CONSTRAINT notice_item_claim_fkey FOREIGN KEY (zone_id, claim_id) REFERENCES ledger.claim
);
COMMENT ON TABLE ledger.notice_item IS 'a claim on a public list, as it was shown';
COMMENT ON COLUMN ledger.notice_item.zone_id IS 'zone';
COMMENT ON COLUMN ledger.notice_item.notice_id IS 'notice';
COMMENT ON COLUMN ledger.notice_item.claim_id IS 'claim';
COMMENT ON COLUMN ledger.notice_item.amount IS 'minor units that were shown';
COMMENT ON COLUMN ledger.notice_item.log_index IS 'entry that put it there';
CALL ledger.isolate_by_zone('ledger.notice_item');
CALL ledger.make_append_only('ledger.notice_item');

CREATE TABLE ledger.claim_approval (
    zone_id integer NOT NULL,
    claim_id uuid NOT NULL,
    version integer NOT NULL,
    reviewed_index bigint NOT NULL,
    level smallint NOT NULL CONSTRAINT claim_approval_level_range CHECK (level BETWEEN 1 AND 9),
    role text NOT NULL CONSTRAINT claim_approval_role_known CHECK (role IN ('manager', 'finance')),
    person_id uuid NOT NULL,
    principal_id uuid,
    submitted_by uuid NOT NULL,
    reviewed_by uuid NOT NULL,
    log_index bigint NOT NULL,
    CONSTRAINT claim_approval_pkey PRIMARY KEY (zone_id, claim_id, reviewed_index, level),
    CONSTRAINT claim_approval_one_level_each UNIQUE (zone_id, claim_id, reviewed_index, person_id),
    CONSTRAINT claim_approval_claim_fkey FOREIGN KEY (zone_id, claim_id) REFERENCES ledger.claim,
    CONSTRAINT claim_approval_entry_fkey FOREIGN KEY (zone_id, log_index) REFERENCES ledger.entry,
    CONSTRAINT claim_approval_by_another CHECK (person_id IS DISTINCT FROM submitted_by
        AND person_id IS DISTINCT FROM reviewed_by AND (principal_id IS NULL
        OR (principal_id IS DISTINCT FROM submitted_by AND principal_id IS DISTINCT FROM reviewed_by
            AND principal_id IS DISTINCT FROM person_id)))
);
CREATE UNIQUE INDEX claim_approval_one_level_for_each ON ledger.claim_approval
    (zone_id, claim_id, reviewed_index, (coalesce(principal_id, person_id)));
COMMENT ON TABLE ledger.claim_approval IS 'an approval of a claim at one level, of one version as one review recommended it';
COMMENT ON COLUMN ledger.claim_approval.zone_id IS 'zone';
COMMENT ON COLUMN ledger.claim_approval.claim_id IS 'claim';
COMMENT ON COLUMN ledger.claim_approval.version IS 'version that was seen';
COMMENT ON COLUMN ledger.claim_approval.reviewed_index IS 'entry of the review that recommended it';
COMMENT ON COLUMN ledger.claim_approval.level IS 'from 1; each after the one before';
COMMENT ON COLUMN ledger.claim_approval.role IS 'duty in which it was approved';
COMMENT ON COLUMN ledger.claim_approval.person_id IS 'who approved';
COMMENT ON COLUMN ledger.claim_approval.principal_id IS 'for whom, if the duty was delegated';
COMMENT ON COLUMN ledger.claim_approval.submitted_by IS 'submitter of the claim';
COMMENT ON COLUMN ledger.claim_approval.reviewed_by IS 'reviewer of the claim';
COMMENT ON COLUMN ledger.claim_approval.log_index IS 'entry of the approval';
CALL ledger.isolate_by_zone('ledger.claim_approval');
CALL ledger.make_append_only('ledger.claim_approval');

-- Whoever reviewed or approved a case neither approves its payment nor pays it.
ALTER TABLE ledger.payable
    ADD COLUMN handled_by uuid[] NOT NULL DEFAULT '{}',
    ADD CONSTRAINT payable_approver_is_no_handler CHECK (approved_by IS NULL OR approved_by <> ALL (handled_by));
COMMENT ON COLUMN ledger.payable.handled_by IS 'who reviewed or approved the case, or for whom: neither approves nor sends the payment';
