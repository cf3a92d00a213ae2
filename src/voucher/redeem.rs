//! A finished service redeems the hold that was placed for it.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;
use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};
use sqlx::PgConnection;

use super::Refused;
use super::documents::{self, Documents};
use super::model::{Hold, Voucher, VoucherRefusal};
use super::rules;
use super::{postings, store};
use crate::batch::{self, Answers, BatchError, Decided, Rejected, Round, Step};
use crate::caps::{Asked, Usages, rests_on_usage};
use crate::evidence;
use crate::identity::{Command, Role};
use crate::payment::{self, Payable, PayableState};
use crate::policy::store::Policies;
use crate::policy::{Moment, Sha256};
use crate::programme::OpenYears;
use crate::types::{
    Amount, HoldId, LogIndex, Money, PartyId, PayableId, PersonId, VoucherId, Zone, ZoneId,
};
use crate::{journal, log};

/// A service that was delivered and invoiced.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Redeem {
    /// SHA-256 of documents: invoice, proof of the firm's own share, report. Hexadecimal.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The hold of the order.
    pub hold: HoldId,
    /// What was invoiced, decimal text in the zone's currency.
    pub price: String,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum RedeemAnswer {
    /// The payee is owed the amount.
    Redeemed {
        /// How much, decimal text.
        amount: String,
        /// What the firm pays itself, decimal text.
        own_share: String,
        /// The payable that finance has to approve.
        payable: PayableId,
        /// Who is paid.
        payee: PartyId,
        /// What the hold gives back, decimal text.
        returned: String,
        /// Documents that another case rests on already: for finance to look at before it approves.
        #[serde(default)]
        reused_evidence: Vec<Sha256>,
    },
    /// Nothing is owed.
    Refused(Refused),
}

impl Serialize for RedeemAnswer {
    /// In the order of names, as entries are written: the outcome would stand first if this were derived, and
    /// each entry be sorted.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        match self {
            Self::Redeemed {
                amount,
                own_share,
                payable,
                payee,
                returned,
                reused_evidence,
            } => {
                fields.serialize_entry("amount", amount)?;
                fields.serialize_entry("outcome", "redeemed")?;
                fields.serialize_entry("own_share", own_share)?;
                fields.serialize_entry("payable", payable)?;
                fields.serialize_entry("payee", payee)?;
                fields.serialize_entry("returned", returned)?;
                if !reused_evidence.is_empty() {
                    fields.serialize_entry("reused_evidence", reused_evidence)?;
                }
            }
            Self::Refused(Refused { code, reasons }) => {
                fields.serialize_entry("code", code)?;
                fields.serialize_entry("outcome", "refused")?;
                if !reasons.is_empty() {
                    fields.serialize_entry("reasons", reasons)?;
                }
            }
        }
        fields.end()
    }
}

const NAME: &str = "voucher.redeem";

/// Redeems holds: the policy's amount for the invoiced price, at most what was reserved.
pub async fn redeem(
    conn: &mut PgConnection,
    requests: &[(Command<'_>, Redeem)],
) -> Result<Answers<RedeemAnswer>, BatchError> {
    batch::answer(conn, NAME, requests, |conn, round| {
        Box::pin(redeem_round(conn, round))
    })
    .await
}

async fn redeem_round(
    conn: &mut PgConnection,
    round: &Round<'_, Redeem>,
) -> Result<Answers<RedeemAnswer>, BatchError> {
    let (zone, new) = (round.zone, &round.requests);
    let ids: Vec<HoldId> = new.iter().map(|(_, input)| input.hold).collect();
    let mut cases = Cases::lock(conn, zone, round.today, &ids).await?;
    cases.lock_usages(conn, zone, round.today).await?;

    let inputs = new.iter().map(|(_, input)| input);
    let mut documents = Documents::read(conn, zone.id, inputs).await?;

    let mut decided = Vec::with_capacity(new.len());
    for (command, input) in new {
        decided.push(decide(command, input, &mut cases, &mut documents)?);
    }
    let (answers, effects) = batch::record(conn, round, decided).await?;
    let (mut owed, mut ended) = (Vec::new(), Vec::new());
    let mut uses = Vec::new();
    for (effect, index) in effects {
        if let Some((mut payable, input)) = effect {
            payable.owed_index = index;
            ended.push((HoldId(payable.id.0), index));
            owed.push(payable);
            uses.extend(documents::uses(input, index));
        }
    }
    payment::insert_owed(conn, zone.id, &owed).await?;
    evidence::note_uses(conn, zone.id, &uses).await?;
    cases.write(conn, zone.id, &ended).await?;
    Ok(answers)
}

/// The rows that a batch works on: vouchers, locked in the order of their ids, and their holds.
pub(super) struct Cases {
    pub(super) vouchers: HashMap<VoucherId, Voucher>,
    pub(super) holds: HashMap<HoldId, Hold>,
    pub(super) policies: Policies,
    pub(super) years: OpenYears,
    pub(super) usages: Option<Usages>,
}

/// A hold with its voucher, and what decides on them.
pub(super) struct Case<'a> {
    pub(super) hold: &'a mut Hold,
    pub(super) voucher: &'a mut Voucher,
    pub(super) policies: &'a Policies,
    pub(super) years: &'a OpenYears,
    pub(super) usages: Option<&'a mut Usages>,
}

impl Cases {
    pub(super) async fn lock(
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
        ids: &[HoldId],
    ) -> Result<Self, BatchError> {
        let vouchers = store::lock_vouchers_of_holds(conn, zone, ids).await?;
        let holds = store::read_holds(conn, zone.id, ids).await?;
        let policies = Policies::of(
            conn,
            zone.id,
            vouchers.values().map(|voucher| voucher.policy),
        )
        .await?;
        let funded = vouchers.values().map(|voucher| voucher.line.year);
        let years = OpenYears::of(conn, zone, today, funded).await?;
        Ok(Self {
            vouchers,
            holds,
            policies,
            years,
            usages: None,
        })
    }

    /// Reads what has been used of the caps of redemptions, if there are any: the head of the log is locked first, and
    /// what has been used stays so until commit.
    async fn lock_usages(
        &mut self,
        conn: &mut PgConnection,
        zone: &Zone,
        today: NaiveDate,
    ) -> Result<(), BatchError> {
        let mut rests = false;
        for voucher in self.vouchers.values() {
            let policy = self.policies.get(voucher.policy)?;
            rests |= rests_on_usage(&policy, Moment::Redemption);
        }
        if rests {
            log::lock_head(conn, zone.id)
                .await
                .map_err(journal::RecordError::from)?;
            let services = self
                .holds
                .values()
                .filter_map(|hold| Some((self.vouchers.get(&hold.voucher)?, hold.provider)));
            let usages =
                rules::usages_of_services(conn, zone, today, &self.policies, services).await?;
            self.usages = Some(usages);
        }
        Ok(())
    }

    /// The hold and its voucher, if the actor acts for one of their parties.
    pub(super) fn find(&mut self, command: &Command<'_>, id: HoldId) -> Result<Case<'_>, Rejected> {
        let unknown = || Rejected::Unknown {
            what: "hold",
            id: id.to_string(),
        };
        let hold = batch::find(&mut self.holds, "hold", &id)?;
        let voucher = batch::find(&mut self.vouchers, "voucher", &hold.voucher)?;
        if batch::acts_for(command.actor, &[voucher.holder, hold.provider]) {
            let (policies, years) = (&self.policies, &self.years);
            Ok(Case {
                hold,
                voucher,
                policies,
                years,
                usages: self.usages.as_mut(),
            })
        } else {
            Err(unknown())
        }
    }

    /// Writes the holds that ended and their vouchers.
    pub(super) async fn write(
        &self,
        conn: &mut PgConnection,
        zone: ZoneId,
        ended: &[(HoldId, LogIndex)],
    ) -> Result<(), sqlx::Error> {
        let holds: Vec<(&Hold, LogIndex)> = ended
            .iter()
            .filter_map(|(id, index)| self.holds.get(id).map(|hold| (hold, *index)))
            .collect();
        let touched: HashSet<VoucherId> = holds.iter().map(|(hold, _)| hold.voucher).collect();
        let vouchers: Vec<&Voucher> = self
            .vouchers
            .values()
            .filter(|voucher| touched.contains(&voucher.id))
            .collect();
        store::update_vouchers(conn, zone, &vouchers, &holds).await
    }
}

/// What a redemption makes owed, and the command that names its documents.
type Effect<'a> = Option<(Payable, &'a Redeem)>;

fn decide<'a>(
    command: &Command<'_>,
    input: &'a Redeem,
    cases: &mut Cases,
    documents: &mut Documents,
) -> Result<Decided<Redeem, RedeemAnswer, Effect<'a>>, BatchError> {
    if let Err(forbidden) =
        command
            .actor
            .require(&[Role::Provider, Role::Sme, Role::Incubator, Role::Manager])
    {
        return Ok(Err(forbidden.into()));
    }
    let found = cases.find(command, input.hold).and_then(|case| {
        rules::evidence(&input.evidence)?;
        let price = rules::price(&input.price, case.voucher.line.currency)?;
        Ok((price, case))
    });
    let (price, case) = match found {
        Ok(found) => found,
        Err(rejected) => return Ok(Err(rejected)),
    };
    let Case {
        hold,
        voucher,
        policies,
        years,
        usages,
    } = case;
    let policy = policies.get(voucher.policy)?;
    let today = command.today();
    let reserved = hold.amount.money();
    let facts = rules::read_facts(voucher.issued_index, &hold.facts)?;
    let facts = rules::invoiced(facts, price, today);
    let asked = Asked::redemption(&policy, voucher.holder, hold.provider);
    let usage = usages.as_ref().map(|usages| usages.of(asked));
    let decision = rules::redemption(&policy, &facts, reserved, usage.unwrap_or_default(), today);
    let payee = policy.payee_of(voucher.holder, hold.provider);
    let used = rules::granted(&decision, reserved).ok_or_else(|| rules::refused(&decision));
    let ended = used.and_then(|used| {
        let ended = voucher.redeem(hold, used, today)?;
        Ok((used, ended))
    });
    let (kind, answer, transfers, effect) = match ended {
        Err(refused) => (
            "redemption.refused",
            RedeemAnswer::Refused(refused),
            Vec::new(),
            None,
        ),
        Ok((used, ended)) => {
            let mut transfers = postings::redeem(voucher, used, ended, payee, years)?;
            if let Some(usages) = usages {
                let line = usages.line(&policy);
                let case = usages.case(&line, voucher.holder, Some(hold.provider), voucher.id);
                transfers.extend(usages.take(&case, &decision, used)?);
            }
            let payable = owed(hold, voucher, used, payee, command.actor.person);
            let answer = redeemed(&payable, price, reserved, documents.take(input));
            let effect = Some((payable, input));
            ("voucher.redeemed", answer, transfers, effect)
        }
    };
    let step = Step::new(kind, voucher.id, input, answer)
        .decided(decision)
        .moving(transfers);
    Ok(Ok((step, effect)))
}

fn redeemed(
    payable: &Payable,
    price: Amount,
    reserved: Money,
    reused_evidence: Vec<Sha256>,
) -> RedeemAnswer {
    let used = payable.amount.money();
    let text = |money: Money| money.to_text(payable.line.currency);
    RedeemAnswer::Redeemed {
        amount: text(used),
        own_share: text(price.money().saturating_sub(used)),
        payable: payable.id,
        payee: payable.payee,
        returned: text(reserved.saturating_sub(used)),
        reused_evidence,
    }
}

/// The payable of a redemption has the identity of its hold, so that a hold is owed once.
fn owed(
    hold: &Hold,
    voucher: &Voucher,
    amount: Amount,
    payee: PartyId,
    submitted_by: PersonId,
) -> Payable {
    Payable {
        id: PayableId(hold.id.0),
        payee,
        amount,
        set_off: Money::ZERO,
        line: voucher.line.clone(),
        state: PayableState::Owed,
        submitted_by,
        handled_by: Vec::new(),
        approved_by: None,
        owed_index: LogIndex(0),
    }
}

impl From<VoucherRefusal> for RedeemAnswer {
    fn from(code: VoucherRefusal) -> Self {
        Self::Refused(code.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::canonical;

    #[test]
    fn answers_are_written_in_order_and_read_back() {
        let redeemed = RedeemAnswer::Redeemed {
            amount: "149000.00".to_owned(),
            own_share: "149000.00".to_owned(),
            payable: PayableId::generate(),
            payee: PartyId::generate(),
            returned: "1000.00".to_owned(),
            reused_evidence: Vec::new(),
        };
        let mut again = redeemed.clone();
        if let RedeemAnswer::Redeemed {
            reused_evidence, ..
        } = &mut again
        {
            reused_evidence.push(Sha256::of(b"an invoice"));
        }
        let mut refused = Refused::from(VoucherRefusal::Frozen);
        let plain = RedeemAnswer::Refused(refused.clone());
        refused.reasons.push("CAP_FIRM_YEAR".to_owned());
        for answer in [redeemed, again, plain, RedeemAnswer::Refused(refused)] {
            let text = serde_json::to_string(&answer).unwrap();
            assert_eq!(canonical::check(&text), Ok(()), "{text}");
            assert_eq!(serde_json::from_str::<RedeemAnswer>(&text).unwrap(), answer);
        }
    }
}
