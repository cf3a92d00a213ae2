//! Cells that are written for spreadsheets.

use std::borrow::Cow;

/// A text cell that no spreadsheet takes for a formula: an apostrophe goes before the characters that
/// could begin one, full-width forms included. Amounts don't pass through here: a
/// minus sign before digits is a number.
pub fn safe_cell(text: &str) -> Cow<'_, str> {
    const BEGINS_FORMULA: [char; 12] = [
        '=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠',
    ];
    if text.starts_with(BEGINS_FORMULA) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_begins_a_formula() {
        for text in [
            "=1+1", "+1", "-1", "@x", "\tx", "\r=1", "\n=1", "\0", "＝1", "＋1", "－1", "＠x",
        ] {
            assert_eq!(safe_cell(text), format!("'{text}"));
        }
        assert_eq!(safe_cell("voucher.redeemed"), "voucher.redeemed");
    }
}
