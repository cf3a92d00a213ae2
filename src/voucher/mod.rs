//! Innovation vouchers: applied for, issued, held for an order, redeemed, expired.
