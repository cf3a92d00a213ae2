//! Documents of redemptions: which of them another case rests on already.

use std::collections::{HashMap, HashSet};

use sqlx::PgConnection;
use uuid::Uuid;

use super::redeem::Redeem;
use crate::evidence::{self, CaseKind};
use crate::fact::digest;
use crate::policy::Sha256;
use crate::types::{LogIndex, ZoneId};

/// The cases of the documents that a batch names, as earlier commands of it have left them.
pub(super) struct Documents(HashMap<Sha256, HashSet<(String, Uuid)>>);

/// What is no digest is refused with its command.
fn digests(input: &Redeem) -> impl Iterator<Item = Sha256> {
    input.evidence.iter().filter_map(|text| digest(text).ok())
}

impl Documents {
    /// Looks up which cases rest on the documents. Who names the same one at the same moment is not seen here, but is in
    /// `evidence list --reused`.
    pub(super) async fn read<'a>(
        conn: &mut PgConnection,
        zone: ZoneId,
        inputs: impl Iterator<Item = &'a Redeem>,
    ) -> Result<Self, sqlx::Error> {
        let named: Vec<Sha256> = inputs.flat_map(digests).collect();
        let mut cases: HashMap<_, HashSet<_>> = HashMap::new();
        for used in evidence::uses(conn, zone, &named).await? {
            let case = (used.case_kind, used.case_id);
            cases.entry(used.sha256).or_default().insert(case);
        }
        Ok(Self(cases))
    }

    /// The hold rests on its documents from now on. Gives those of them that another case does, too.
    pub(super) fn take(&mut self, input: &Redeem) -> Vec<Sha256> {
        let case = (CaseKind::REDEMPTION.0.to_owned(), input.hold.0);
        let mut reused = Vec::new();
        for digest in digests(input) {
            let cases = self.0.entry(digest).or_default();
            if cases.iter().any(|other| *other != case) && !reused.contains(&digest) {
                reused.push(digest);
            }
            cases.insert(case.clone());
        }
        reused
    }
}

/// What a redemption that was recorded rests on.
pub(super) fn uses(input: &Redeem, index: LogIndex) -> impl Iterator<Item = evidence::Use> {
    let hold = input.hold.0;
    digests(input).map(move |digest| evidence::Use::new(digest, CaseKind::REDEMPTION, hold, index))
}
