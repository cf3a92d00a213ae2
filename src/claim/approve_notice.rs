//! Everything that a notice showed and nobody objected to is approved, at the next level of each claim.

use sqlx::PgConnection;

use super::approve::{Approve, ApproveAnswer, NAME, approve};
use super::store;
use crate::batch::{Answers, BatchError};
use crate::identity::Command;
use crate::journal::{self, Earlier};
use crate::types::NoticeId;

/// Approves what waits of a notice, in the order in which the claims were drafted. Under a key, each claim has a key of its
/// own that is made of it: a repeat answers for the claims that the first time answered for, and goes on with what it had
/// left. Empty if nothing waits.
pub async fn approve_notice(
    conn: &mut PgConnection,
    command: Command<'_>,
    notice: NoticeId,
) -> Result<Answers<ApproveAnswer>, BatchError> {
    let zone = command.zone.id;
    let standing = store::standing_of_notice(conn, zone, notice).await?;
    let keyed: Vec<(Option<String>, Approve, bool)> = standing
        .into_iter()
        .map(|one| {
            let key = command.key.map(|key| format!("{key} {}", one.claim));
            let input = Approve {
                claim: one.claim,
                review: one.review,
            };
            (key, input, one.waits)
        })
        .collect();
    let person = command.actor.person;
    let names: Vec<_> = keyed
        .iter()
        .map(|(key, input, _)| {
            let key = key.as_deref();
            let idempotency = Command { key, ..command }.idempotency(NAME, input);
            (person, idempotency)
        })
        .collect();
    let names: Vec<_> = names
        .iter()
        .map(|(person, key)| (*person, key.as_ref()))
        .collect();
    let earlier = journal::earlier(conn, zone, &names).await?;
    let requests: Vec<(Command<'_>, Approve)> = keyed
        .iter()
        .zip(earlier)
        .filter(|((_, _, waits), earlier)| *waits || !matches!(earlier, Earlier::Never))
        .map(|((key, input, _), _)| {
            let key = key.as_deref();
            (Command { key, ..command }, input.clone())
        })
        .collect();
    approve(conn, &requests).await
}
