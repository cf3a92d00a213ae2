//! Every party of a zone, as runs over all of them pass through them.

use sqlx::PgConnection;

use super::{UnreadableIdentity, decode};
use crate::db::{CopyOut, Malformed};
use crate::party::identity::{Identity, PartyRole};
use crate::types::{LogIndex, PartyId};

/// A party, as far as a run over all of them needs it.
#[derive(Debug)]
pub struct Scanned {
    /// Who it is.
    pub id: PartyId,
    /// Its unified social credit code, if it has one.
    pub code: Option<Identity>,
    /// The entry that registered it.
    pub entry: LogIndex,
}

/// Every party of the transaction's zone, or every one of a role, in the order of ids, which is that of their making.
pub struct Scan<'c>(CopyOut<'c>);

const ALL: &str = "COPY (SELECT party_id, scheme, identifier, log_index FROM ledger.party
     WHERE zone_id = (SELECT ledger.current_zone()) ORDER BY party_id) TO STDOUT (FORMAT binary)";

/// `COPY` takes no parameters, so each role has a statement of its own.
macro_rules! of_role {
    ($role:literal) => {
        concat!(
            "COPY (SELECT party_id, scheme, identifier, p.log_index
                   FROM ledger.party p JOIN ledger.party_role r USING (zone_id, party_id)
                   WHERE zone_id = (SELECT ledger.current_zone()) AND r.role = '",
            $role,
            "' ORDER BY party_id) TO STDOUT (FORMAT binary)"
        )
    };
}

impl<'c> Scan<'c> {
    /// Begins it.
    pub async fn begin(
        conn: &'c mut PgConnection,
        role: Option<PartyRole>,
    ) -> Result<Self, sqlx::Error> {
        let statement = match role {
            None => ALL,
            Some(PartyRole::Enterprise) => of_role!("enterprise"),
            Some(PartyRole::Carrier) => of_role!("carrier"),
            Some(PartyRole::Provider) => of_role!("provider"),
        };
        Ok(Self(CopyOut::begin(conn, statement).await?))
    }

    /// The next ones, at most so many; none after the last one.
    pub async fn next(&mut self, most: usize) -> Result<Vec<Scanned>, sqlx::Error> {
        let rows = self.0.next(most, |fields| {
            let id = fields.uuid()?.ok_or(Malformed)?;
            let scheme = fields.text()?.ok_or(Malformed)?;
            let identifier = fields.text()?.ok_or(Malformed)?;
            let entry = LogIndex(fields.bigint()?.ok_or(Malformed)?);
            let code = match scheme {
                "uscc" | "uscc_override" => Identity::from_row(scheme, identifier).map(Some),
                _ => Some(None),
            };
            let found = code.map(|code| Scanned {
                id: PartyId(id),
                code,
                entry,
            });
            Ok(found.ok_or(UnreadableIdentity(id)))
        });
        let rows = rows.await?.into_iter();
        rows.map(|row| row.map_err(decode)).collect()
    }
}
