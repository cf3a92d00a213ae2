//! What a condition says of the rows of a block: two bits for each.

use crate::policy::Comparison;

/// Rows in a block: the words of one fact fit a processor's first cache, and stay there while a condition is
/// evaluated.
pub(super) const BLOCK: usize = 1024;
pub(super) const WORDS: usize = BLOCK / 64;

/// For each row of a block whether a condition holds, does not hold, or (neither bit) is open.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    pass: [u64; WORDS],
    fail: [u64; WORDS],
}

impl Mask {
    /// The same of every row.
    pub(super) const fn all(holds: bool) -> Self {
        let (all, none) = ([u64::MAX; WORDS], [0; WORDS]);
        if holds {
            Self {
                pass: all,
                fail: none,
            }
        } else {
            Self {
                pass: none,
                fail: all,
            }
        }
    }

    /// Open in every row.
    pub(super) const fn open() -> Self {
        Self {
            pass: [0; WORDS],
            fail: [0; WORDS],
        }
    }

    /// Of known values, compared with a bound.
    pub(super) fn compared<T: Copy + Ord>(
        values: &[T],
        known: &[u64],
        comparison: Comparison,
        bound: T,
    ) -> Self {
        match comparison {
            Comparison::AtLeast => Self::by_value(values, known, |value| value >= bound),
            Comparison::MoreThan => Self::by_value(values, known, |value| value > bound),
            Comparison::AtMost => Self::by_value(values, known, |value| value <= bound),
            Comparison::LessThan => Self::by_value(values, known, |value| value < bound),
            Comparison::Is => Self::by_value(values, known, |value| value == bound),
        }
    }

    /// Of known values. The loop has no branches, so that compilers make it a few instructions for many rows.
    pub(super) fn by_value<T: Copy>(
        values: &[T],
        known: &[u64],
        holds: impl Fn(T) -> bool,
    ) -> Self {
        let mut mask = Self::open();
        let words = values.chunks_exact(64).zip(known);
        for ((pass, fail), (values, known)) in mask.pass.iter_mut().zip(&mut mask.fail).zip(words) {
            let mut bits = 0_u64;
            for (place, value) in values.iter().enumerate() {
                bits |= u64::from(holds(*value)) << place;
            }
            *pass = bits & known;
            *fail = !bits & known;
        }
        mask
    }

    /// Row by row; `None` is open.
    pub(super) fn by_row(mut holds: impl FnMut(usize) -> Option<bool>) -> Self {
        let mut mask = Self::open();
        for (word, (pass, fail)) in mask.pass.iter_mut().zip(&mut mask.fail).enumerate() {
            for place in 0..64 {
                match holds(word * 64 + place) {
                    Some(true) => *pass |= 1 << place,
                    Some(false) => *fail |= 1 << place,
                    None => {}
                }
            }
        }
        mask
    }

    pub(super) fn and(mut self, other: &Self) -> Self {
        for (own, other) in self.pass.iter_mut().zip(&other.pass) {
            *own &= other;
        }
        for (own, other) in self.fail.iter_mut().zip(&other.fail) {
            *own |= other;
        }
        self
    }

    pub(super) fn or(self, other: &Self) -> Self {
        let negated = Self {
            pass: other.fail,
            fail: other.pass,
        };
        self.negate().and(&negated).negate()
    }

    pub(super) const fn negate(self) -> Self {
        Self {
            pass: self.fail,
            fail: self.pass,
        }
    }

    pub(super) fn fails_everywhere(&self) -> bool {
        self.fail.iter().all(|word| *word == u64::MAX)
    }

    pub(super) fn passes_everywhere(&self) -> bool {
        self.pass.iter().all(|word| *word == u64::MAX)
    }

    pub(super) fn each_failing(&self, visit: impl FnMut(usize)) {
        each(self.fail.iter().copied(), visit);
    }

    pub(super) fn each_open(&self, visit: impl FnMut(usize)) {
        let words = self.pass.iter().zip(&self.fail);
        each(words.map(|(pass, fail)| !(pass | fail)), visit);
    }
}

/// The rows whose bit is set.
fn each(words: impl Iterator<Item = u64>, mut visit: impl FnMut(usize)) {
    for (place, mut word) in words.enumerate() {
        while word != 0 {
            let row = usize::try_from(word.trailing_zeros()).unwrap_or(0);
            visit(place * 64 + row);
            word &= word - 1;
        }
    }
}
