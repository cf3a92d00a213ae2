//! Ways that cases take to their end, one command after another: what comes late in them would be rare by dice alone. Something
//! may be in the way of a command; then it is refused on both sides, and the way goes on.

use chrono::Days;
use subsidy_ledger::identity::Role;

use super::super::command::{Booked, Command, Content, PastAward, Verdict};
use super::super::office::{BUY, HALF, NOTICED, RANKED, SH, SHARED, Who, YH};
use super::{Play, Played};

/// A way, by what it is about.
#[derive(Clone, Copy, Debug)]
pub(in crate::interleave) enum Way {
    /// An order goes from the application to the bank.
    PaidOrder,
    /// Two claims ask for more than a programme has.
    Shared,
    /// Of three claims the first two are taken, unless an incident is proved.
    Ranked,
    /// Two levels of one duty, by two persons.
    Levels,
    /// Finance approves by a delegate, whose principal then has a hand in the payment; and not when that is over.
    Delegated,
    /// A milestone is claimed, its claim revoked, and claimed again.
    Milestone,
    /// A notice shows two claims, and the budget is enough for the first.
    Noticed,
    /// A party is excluded while an award run waits.
    Run,
    /// An award of another office stands in its list, and is gone from the next.
    PastAwards,
}

impl Way {
    pub(in crate::interleave) const ALL: [Self; 9] = [
        Self::PaidOrder,
        Self::Shared,
        Self::Ranked,
        Self::Levels,
        Self::Delegated,
        Self::Milestone,
        Self::Noticed,
        Self::Run,
        Self::PastAwards,
    ];
}

/// Who approve in turn: the second time a person does is refused.
const APPROVERS: [Who; 5] = ["manager", "manager", "manager2", "finance", "finance2"];

impl Play {
    pub(super) async fn go(&mut self, way: Way) -> Played {
        match way {
            Way::PaidOrder => self.paid_order().await,
            Way::Shared => self.shared().await,
            Way::Ranked => self.ranked().await,
            Way::Levels => self.levels().await,
            Way::Delegated => self.delegated().await,
            Way::Milestone => self.milestone().await,
            Way::Noticed => self.noticed().await,
            Way::Run => self.run().await,
            Way::PastAwards => self.past_awards().await,
        }
    }

    async fn give(&mut self, who: Who, command: Command) -> Played {
        self.alone(self.asked(who, command)).await
    }

    async fn paid_order(&mut self) -> Played {
        let (programme, party, price) = (SH, "f", 20_000_00);
        let (voucher, hold) = (self.model.vouchers.len(), self.model.holds.len());
        let batch = self.model.batches.len();
        let payable = format!("H{hold}");
        let apply = Command::Apply {
            programme,
            party,
            fen: price,
        };
        self.give("clerk", apply).await?;
        self.give("reviewer2", Command::ReviewVoucher { voucher })
            .await?;
        self.give("manager2", Command::Issue { voucher }).await?;
        let order = Command::Hold {
            voucher,
            provider: "p",
            price,
        };
        self.give("f2", order).await?;
        self.give("p", Command::Redeem { hold, price }).await?;
        self.give("finance2", Command::ApprovePayable { payable })
            .await?;
        self.give("cashier", Command::Prepare).await?;
        self.give("cashier2", Command::ReleaseBatch { batch })
            .await?;
        self.booked(batch).await
    }

    /// The bank has paid what was sent.
    async fn booked(&mut self, batch: usize) -> Played {
        let released = self.model.batches.get(batch);
        let Some(sent) = released.filter(|one| one.state == "released") else {
            return Ok(());
        };
        let goes = sent.lines.iter().filter(|line| line.state == "sent");
        let lines = goes.map(|line| Booked::Pays(batch, line.payable.clone(), line.amount));
        let told = Command::Statement {
            opening: self.model.at_bank,
            booked_on: self.model.today,
            lines: lines.collect(),
        };
        self.give("cashier", told).await
    }

    /// A claim that is recommended; its number.
    async fn claim(
        &mut self,
        programme: &'static str,
        party: &'static str,
        content: Content,
    ) -> Result<usize, String> {
        let claim = self.model.claims.len();
        let draft = Command::Draft {
            programme,
            party,
            content,
        };
        self.give("clerk", draft).await?;
        self.give("clerk", Command::Submit { claim }).await?;
        let review = Command::ReviewClaim {
            claim,
            verdict: Verdict::Recommend,
            version: 1,
        };
        self.give("reviewer2", review).await?;
        Ok(claim)
    }

    async fn approve(&mut self, claim: usize, persons: &[Who]) -> Played {
        for who in persons {
            let found = self.model.claims.get(claim);
            let waits = found.filter(|one| ["recommended", "noticed"].contains(&one.state));
            let Some((_, review)) = waits.and_then(|one| one.review) else {
                return Ok(());
            };
            self.give(who, Command::ApproveClaim { claim, review })
                .await?;
        }
        Ok(())
    }

    async fn shared(&mut self) -> Played {
        let first = self.claim(SHARED, "f", Content::Stated(80_000_00)).await?;
        let other = self.claim(SHARED, "g", Content::Stated(50_000_01)).await?;
        self.give("manager", Command::Rank { programme: SHARED })
            .await?;
        self.approve(first, &APPROVERS).await?;
        self.approve(other, &APPROVERS).await
    }

    async fn ranked(&mut self) -> Played {
        let from = self.model.today;
        for (who, party, verified) in [("f", "f", false), ("reviewer", "g", true)] {
            let state = Command::StateIncident {
                party,
                verified,
                incident: true,
                from,
                until: None,
                correct: true,
            };
            self.give(who, state).await?;
        }
        let mut claims = Vec::new();
        for (party, fen) in [
            ("c", 40_000_00),
            ("f", 60_000_00),
            ("g", 50_000_00),
            ("p", 30_000_00),
        ] {
            let stated = Content::Stated(fen);
            claims.push(self.claim(RANKED, party, stated).await?);
        }
        let programme = RANKED;
        self.give("reviewer", Command::Notice { programme }).await?;
        self.pass(Days::new(12));
        self.give("manager2", Command::Rank { programme }).await?;
        for claim in claims {
            self.approve(claim, &APPROVERS).await?;
        }
        Ok(())
    }

    /// The set of this number is in force, unless it was confirmed before.
    async fn set_levels(&mut self, set: usize) -> Played {
        let entry = self.model.size;
        self.give("rules", Command::ProposeLevels { set }).await?;
        self.give("manager2", Command::ConfirmLevels { entry })
            .await
    }

    async fn levels(&mut self) -> Played {
        self.set_levels(2).await?;
        let claim = self.claim(HALF, "g", Content::Stated(9_000_00)).await?;
        self.approve(claim, &APPROVERS).await
    }

    async fn delegated(&mut self) -> Played {
        self.set_levels(1).await?;
        let entry = self.model.size;
        let first = self.model.today;
        let delegate = Command::Delegate {
            to: "cashier2",
            role: Role::Finance,
            first,
            last: first + Days::new(30),
        };
        self.give("finance", delegate).await?;
        let claim = self.claim(HALF, "f", Content::Stated(17_000_00)).await?;
        self.approve(claim, &["manager", "cashier2"]).await?;
        for who in ["finance", "finance2"] {
            let payable = format!("C{claim}");
            self.give(who, Command::ApprovePayable { payable }).await?;
        }
        self.give("finance", Command::RevokeDelegation { entry })
            .await?;
        let claim = self.claim(HALF, "g", Content::Stated(17_000_00)).await?;
        self.approve(claim, &["manager", "cashier2", "finance"])
            .await
    }

    async fn milestone(&mut self) -> Played {
        let contract = self.model.contracts.len();
        let propose = Command::ProposeContract {
            programme: BUY,
            provider: "p",
            reference: "K-9",
            parts: vec![9_000_00, 8_000_00],
        };
        self.give("manager", propose).await?;
        self.give("finance", Command::ConfirmContract { contract })
            .await?;
        for fen in [7_000_00, 9_000_00] {
            let invoice = Content::Invoice(fen, Some((contract, 1)));
            let claim = self.claim(BUY, "p", invoice).await?;
            self.approve(claim, &APPROVERS).await?;
            self.give("all", Command::RevokeClaim { claim }).await?;
        }
        Ok(())
    }

    async fn noticed(&mut self) -> Played {
        let (programme, notice) = (NOTICED, self.model.notices.len());
        self.claim(programme, "f", Content::Stated(150_000_00))
            .await?;
        self.claim(programme, "g", Content::Stated(100_000_00))
            .await?;
        self.give("reviewer", Command::Notice { programme }).await?;
        self.pass(Days::new(12));
        self.give("manager", Command::ApproveNotice { notice })
            .await
    }

    async fn run(&mut self) -> Played {
        let (run, day) = (self.model.runs.len(), self.model.today);
        let propose = Command::ProposeRun {
            programme: YH,
            fen: 1_000_00,
            day,
        };
        self.give("reviewer", propose).await?;
        self.give("manager", Command::ApproveRun { run }).await?;
        let entry = self.model.size;
        let exclude = Command::Exclude {
            party: "g",
            first: day,
            last: day + Days::new(60),
        };
        self.give("reviewer", exclude).await?;
        self.give("manager", Command::ConfirmExclusion { entry })
            .await?;
        self.give("manager2", Command::CarryOut { run, part: 2 })
            .await?;
        self.give("manager2", Command::CarryOut { run, part: 9 })
            .await?;
        self.give("manager2", Command::LiftExclusion { entry })
            .await
    }

    async fn past_awards(&mut self) -> Played {
        let standing = self.model.past.iter().filter(|one| one.reversed.is_none());
        let before: Vec<PastAward> = standing.map(|one| one.row.clone()).collect();
        let new = |place: u32, yuan| PastAward {
            id: 10_000 + 2 * u32::try_from(self.model.past.len()).unwrap() + place,
            party: "x",
            programme: SH,
            year: 2020,
            yuan,
        };
        let (kept, gone) = (new(0, 500), new(1, 700));
        let both = [before.clone(), vec![kept.clone(), gone]].concat();
        let one = [before, vec![kept]].concat();
        for rows in [both, one] {
            let correct = true;
            self.give("manager", Command::PastAwards { rows, correct })
                .await?;
        }
        Ok(())
    }
}
