//! Versions of rules.

use subsidy_ledger::programme;
use subsidy_ledger::types::{Code, LogIndex};

use super::super::command::Pack;
use super::super::office::HALF;
use super::{Command, Giving, Told, changed, of_one, reason};

impl Giving {
    pub(super) async fn of_pack(&self) -> Option<Told> {
        let code: Code = HALF.parse().unwrap();
        Some(match &self.asked.command {
            Command::ProposePack { pack } => {
                let given = of_one!(
                    self,
                    (code, written(pack)),
                    |conn, command, (code, pack)| {
                        Box::pin(
                            async move { programme::propose(conn, &command, code, pack).await },
                        )
                    }
                );
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            Command::PublishPack { pack, retroactive } => {
                let input = (code, written(pack), *retroactive);
                let given = of_one!(self, input, |conn, command, (code, pack, retroactive)| {
                    Box::pin(async move {
                        let why = reason();
                        if *retroactive {
                            programme::publish_retroactively(conn, &command, code, pack, &why).await
                        } else {
                            programme::publish(conn, &command, code, pack).await
                        }
                    })
                });
                Told::of(given, |(_, recorded)| Told::recorded(recorded.index.0))
            }
            Command::WithdrawPack { entry } => {
                let given = of_one!(self, LogIndex(*entry), |conn, command, entry| {
                    Box::pin(
                        async move { programme::withdraw(conn, &command, *entry, &reason()).await },
                    )
                });
                Told::of(given, |recorded| Told::recorded(recorded.index.0))
            }
            _ => return None,
        })
    }
}

/// The pack, byte for byte.
fn written(pack: &Pack) -> String {
    let version = format!("version = \"2020-{}\"", pack.version);
    let from = format!("from = {}", pack.from);
    let rate = format!("rate = \"1/{}\"", pack.one_in);
    let changes = [
        ("version = \"2020-1\"", version.as_str()),
        ("from = 2020-02-28", &from),
        ("rate = \"1/2\"", &rate),
    ];
    let on = format!("on = {}", pack.from);
    changed("rent-half-2020", &changes, "claim").replace("on = 2020-05-04", &on)
}
