-- Instruments besides vouchers: what is claimed afterwards, bought, compensated, and recognised.
ALTER TABLE ledger.programme DROP CONSTRAINT programme_kind_known;
ALTER TABLE ledger.programme ADD CONSTRAINT programme_kind_known CHECK (kind IN
    ('voucher', 'post_subsidy', 'award', 'purchase', 'rent_compensation', 'recognition', 'imported'));
COMMENT ON COLUMN ledger.programme.kind IS
    'instrument: voucher, post_subsidy, award, purchase, rent_compensation, recognition (no money), or imported history of another office';
