//! Vouchers (DOMAIN 5): applied for, reviewed, issued; held for orders, redeemed, released; expired, cancelled, frozen.

use chrono::{Months, NaiveDate};
use subsidy_ledger::identity::Role::{
    Finance, Incubator, Manager, Provider, Reviewer, Sme, System,
};

use super::super::command::Command;
use super::super::office::{PARTIES, SH, Who, YH, acts_for};
use super::payment::Basis;
use super::{Line, Model, Outcome, Payable, Why};

/// An application, and the voucher that it became.
#[derive(Clone)]
pub(in crate::interleave) struct Voucher {
    pub(in crate::interleave) programme: &'static str,
    pub(in crate::interleave) party: &'static str,
    /// The price of the service, or what was asked for.
    pub(in crate::interleave) asked: i64,
    pub(in crate::interleave) state: &'static str,
    pub(in crate::interleave) applied_by: Who,
    pub(in crate::interleave) reviewed_by: Option<Who>,
    pub(in crate::interleave) face: Option<Face>,
    /// It was given by a run, without application.
    pub(in crate::interleave) is_of_run: bool,
}

/// What became of a face: the parts always add up to it (invariant 4).
#[derive(Clone)]
pub(in crate::interleave) struct Face {
    pub(in crate::interleave) year: i32,
    pub(in crate::interleave) last_day: NaiveDate,
    pub(in crate::interleave) free: i64,
    pub(in crate::interleave) held: i64,
    pub(in crate::interleave) redeemed: i64,
    pub(in crate::interleave) expired: i64,
    pub(in crate::interleave) cancelled: i64,
    pub(in crate::interleave) is_frozen: bool,
}

impl Face {
    /// What it was issued for.
    pub(in crate::interleave) const fn whole(&self) -> i64 {
        self.free + self.held + self.redeemed + self.expired + self.cancelled
    }
}

/// A part of a voucher reserved for an order.
#[derive(Clone)]
pub(in crate::interleave) struct Hold {
    pub(in crate::interleave) voucher: usize,
    pub(in crate::interleave) provider: &'static str,
    pub(in crate::interleave) amount: i64,
    pub(in crate::interleave) redeemed: i64,
    pub(in crate::interleave) state: &'static str,
}

pub(super) const fn half(fen: i64) -> i64 {
    (fen + 1) / 2
}

/// What a programme pays of a service: DOMAIN 2, rows 1 and 2.
pub(super) fn paid_of(programme: &str, price: i64) -> i64 {
    const FIRST: i64 = 10_000_00;
    match programme {
        SH => half(price),
        _ => price.min(FIRST) + half((price - FIRST).max(0)),
    }
}

/// The limits of a firm: on a year, and on what it holds.
fn limits(programme: &str, year: i32) -> (i64, i64) {
    match (programme, year) {
        (SH, 2020) => (500_000_00, i64::MAX),
        (SH, _) => (300_000_00, i64::MAX),
        (_, _) => (100_000_00, 50_000_00),
    }
}

fn name(voucher: usize) -> String {
    format!("V{voucher}")
}

impl Model {
    pub(super) fn of_voucher(&mut self, who: Who, command: &Command) -> Option<Outcome> {
        Some(match *command {
            Command::Apply {
                programme,
                party,
                fen,
            } => self.apply(who, programme, party, fen),
            Command::ReviewVoucher { voucher } => self.review_voucher(who, voucher),
            Command::Issue { voucher } => self.issue(who, voucher),
            Command::Hold {
                voucher,
                provider,
                price,
            } => self.hold(who, voucher, provider, price),
            Command::Redeem { hold, price } => self.redeem(who, hold, price),
            Command::Release { hold } => self.release(who, hold),
            Command::Expire { voucher } => self.expire(who, voucher),
            Command::Cancel { voucher } => self.cancel(who, voucher),
            Command::Freeze { voucher } => self.freeze(who, voucher, true),
            Command::Thaw { voucher } => self.freeze(who, voucher, false),
            Command::ExpiryJob => self.expire_due(who),
            Command::WindUp { programme, year } => self.wind_up(who, Line { programme, year }),
            _ => return None,
        })
    }

    fn apply(
        &mut self,
        who: Who,
        programme: &'static str,
        party: &'static str,
        fen: i64,
    ) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Sme, Incubator, Manager]);
        let known = PARTIES.contains(&party) && acts_for(who, &[party]);
        why.unless(known, "unknown party");
        why.unless([SH, YH].contains(&programme), "facts");
        why.check()?;
        let done = self.begins(name(self.vouchers.len()));
        self.vouchers.push(Voucher {
            programme,
            party,
            asked: fen,
            state: "applied",
            applied_by: who,
            reviewed_by: None,
            face: None,
            is_of_run: false,
        });
        Ok(done)
    }

    fn application(&self, at: usize) -> Option<&Voucher> {
        self.vouchers.get(at).filter(|one| !one.is_of_run)
    }

    /// What the rules grant to a party that asks for so much, by the facts of a day: ratio first, limits after.
    pub(super) fn grant(&self, programme: &str, party: &str, asked: i64, on: NaiveDate) -> i64 {
        if programme == YH && !self.qualifies(YH, party, on) {
            return 0;
        }
        let of = (programme, Some(self.year()));
        let (a_year, at_once) = limits(programme, self.year());
        let left_of_year = a_year - self.used("Q30", of, party);
        let wanted = match programme {
            SH => half(asked),
            _ => asked.min(20_000_00),
        };
        let held = self.used("Q31", (programme, None), party);
        wanted.min(left_of_year).min(at_once - held).max(0)
    }

    fn review_voucher(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer]);
        let Some(voucher) = self.application(at) else {
            return why.and("unknown application");
        };
        why.when(voucher.state != "applied", "WRONG_STATE");
        why.when(voucher.applied_by == who, "SEGREGATION");
        why.when(self.stays_out(who, voucher.party), "RECUSED");
        why.check()?;
        let granted = self.grant(voucher.programme, voucher.party, voucher.asked, self.today);
        let state = if granted > 0 {
            "recommended"
        } else {
            "rejected"
        };
        let voucher = &mut self.vouchers[at];
        (voucher.state, voucher.reviewed_by) = (state, Some(who));
        Ok(self.one())
    }

    /// First come, first served: of the budget of the year, and of the firm's limits as they are now.
    fn issue(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let Some(voucher) = self.application(at) else {
            return why.and("unknown application");
        };
        why.when(self.is_excluded(voucher.party), "EXCLUDED");
        why.when(voucher.state != "recommended", "WRONG_STATE");
        let before = [Some(voucher.applied_by), voucher.reviewed_by];
        why.when(before.contains(&Some(who)), "SEGREGATION");
        why.when(self.stays_out(who, voucher.party), "RECUSED");
        let (programme, party, year) = (voucher.programme, voucher.party, self.year());
        let line = Line { programme, year };
        let fen = self.grant(programme, party, voucher.asked, self.today);
        if fen > 0 {
            self.can_spend(line, fen, &mut why);
        }
        why.check()?;
        if fen == 0 {
            self.vouchers[at].state = "rejected";
            return Ok(self.one());
        }
        self.give_voucher(at, fen);
        Ok(self.one())
    }

    /// A voucher of this year's budget, which counts in the firm's limits.
    pub(super) fn give_voucher(&mut self, at: usize, fen: i64) {
        let (today, year) = (self.today, self.year());
        let Voucher {
            programme, party, ..
        } = self.vouchers[at];
        let line = Line { programme, year };
        let issued = line.of_case("B40", &name(at));
        self.books.post(&line.account("B30"), &issued, fen);
        let (a_year, at_once) = limits(programme, year);
        self.take_limit(
            ("Q20", "Q30"),
            (programme, Some(year)),
            party,
            (a_year, fen),
        );
        if programme == YH {
            self.take_limit(("Q21", "Q31"), (programme, None), party, (at_once, fen));
        }
        let voucher = &mut self.vouchers[at];
        voucher.state = "issued";
        voucher.face = Some(Face {
            year,
            last_day: match programme {
                SH => NaiveDate::from_ymd_opt(year, 12, 31).unwrap(),
                _ => today + Months::new(3),
            },
            free: fen,
            held: 0,
            redeemed: 0,
            expired: 0,
            cancelled: 0,
            is_frozen: false,
        });
    }

    /// The voucher of a number, once it is issued.
    fn issued(&self, at: usize) -> Option<(&Voucher, &Face)> {
        let voucher = self.vouchers.get(at)?;
        Some((voucher, voucher.face.as_ref()?))
    }

    fn face(&mut self, at: usize) -> &mut Face {
        self.vouchers[at].face.as_mut().unwrap()
    }

    fn line_of(&self, at: usize) -> Line {
        let (voucher, face) = self.issued(at).unwrap();
        Line {
            programme: voucher.programme,
            year: face.year,
        }
    }

    /// An order reserves what the programme pays of it, as far as the voucher goes.
    fn hold(&mut self, who: Who, at: usize, provider: &'static str, price: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Sme, Incubator, Manager]);
        why.when(provider != "p", "unknown provider");
        let Some((voucher, face)) = self.issued(at) else {
            return why.and("unknown voucher");
        };
        why.unless(acts_for(who, &[voucher.party]), "unknown voucher");
        why.when(self.is_excluded(voucher.party), "EXCLUDED");
        why.when(self.is_excluded(provider), "PROVIDER_EXCLUDED");
        why.when(provider == voucher.party, "OWN_PROVIDER");
        why.when(self.today > face.last_day, "EXPIRED");
        why.when(face.is_frozen, "FROZEN");
        why.when(face.free == 0, "POLICY");
        why.check()?;
        let amount = paid_of(voucher.programme, price).min(face.free);
        let (line, case) = (self.line_of(at), name(at));
        let (free, held) = (line.of_case("B40", &case), line.of_case("B50", &case));
        self.books.post(&free, &held, amount);
        let face = self.face(at);
        face.free -= amount;
        face.held += amount;
        let done = self.begins(format!("H{}", self.holds.len()));
        self.holds.push(Hold {
            voucher: at,
            provider,
            amount,
            redeemed: 0,
            state: "held",
        });
        Ok(done)
    }

    /// The hold of a number, if the person may see it.
    fn seen_hold(&self, who: Who, at: usize) -> Option<(Hold, &Voucher)> {
        let hold = self.holds.get(at)?.clone();
        let voucher = &self.vouchers[hold.voucher];
        acts_for(who, &[voucher.party, hold.provider]).then_some((hold, voucher))
    }

    /// Used is at most what was held (DOMAIN 7); the rest goes back.
    fn redeem(&mut self, who: Who, at: usize, price: i64) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Provider, Sme, Incubator, Manager]);
        let Some((hold, voucher)) = self.seen_hold(who, at) else {
            return why.and("unknown hold");
        };
        why.when(hold.state != "held", "HOLD_ENDED");
        let is_frozen = voucher.face.as_ref().unwrap().is_frozen;
        why.when(is_frozen, "FROZEN");
        why.check()?;
        let (programme, holder) = (voucher.programme, voucher.party);
        let used = paid_of(programme, price).min(hold.amount);
        let (line, done) = (self.line_of(hold.voucher), self.one());
        let payable = Payable::new(
            match programme {
                SH => hold.provider,
                _ => holder,
            },
            (line, used),
            who,
            Basis::Service(programme),
        );
        let reserved = line.of_case("B50", &name(hold.voucher));
        self.owe(&format!("H{at}"), &reserved, "F5010", payable);
        if programme == YH {
            self.give_limit(("Q21", "Q31"), (programme, None), holder, used);
        }
        let face = self.face(hold.voucher);
        face.held -= used;
        face.redeemed += used;
        self.give_back(hold.voucher, hold.amount - used);
        let hold = &mut self.holds[at];
        (hold.redeemed, hold.state) = (used, "captured");
        Ok(done)
    }

    pub(super) fn give_limit(
        &mut self,
        (left, used): (&str, &str),
        of: (&str, Option<i32>),
        party: &str,
        fen: i64,
    ) {
        let name = |code| super::account(code, (Some(of.0), of.1), Some(party), None);
        self.books.post(&name(used), &name(left), fen);
    }

    /// What was held is free again; after the last day it lapses, and does not go back to the holder (DOMAIN 5).
    fn give_back(&mut self, at: usize, fen: i64) {
        let (line, case, today) = (self.line_of(at), name(at), self.today);
        let (free, held) = (line.of_case("B40", &case), line.of_case("B50", &case));
        self.books.post(&held, &free, fen);
        let face = self.face(at);
        face.held -= fen;
        if today > face.last_day {
            face.expired += fen;
            self.take_back(at, fen);
        } else {
            face.free += fen;
        }
    }

    /// What leaves a voucher unused is free for others while its budget year is open, and has lapsed with the year otherwise
    /// (DESIGN 4); the holder's limits get it back.
    fn take_back(&mut self, at: usize, fen: i64) {
        let line = self.line_of(at);
        let free = line.of_case("B40", &name(at));
        self.books.post(&free, &self.back_to(line), fen);
        let Voucher {
            programme, party, ..
        } = self.vouchers[at];
        self.give_limit(("Q20", "Q30"), (programme, Some(line.year)), party, fen);
        if programme == YH {
            self.give_limit(("Q21", "Q31"), (programme, None), party, fen);
        }
    }

    fn release(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Sme, Provider, Incubator, Manager]);
        let Some((hold, _)) = self.seen_hold(who, at) else {
            return why.and("unknown hold");
        };
        why.when(hold.state != "held", "HOLD_ENDED");
        why.check()?;
        self.end_hold(at);
        Ok(self.one())
    }

    fn end_hold(&mut self, at: usize) {
        let hold = self.holds[at].clone();
        self.give_back(hold.voucher, hold.amount);
        let last_day = self.face(hold.voucher).last_day;
        let is_over = self.today > last_day;
        self.holds[at].state = if is_over { "lapsed" } else { "released" };
    }

    fn expire(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[System, Manager]);
        let Some((_, face)) = self.issued(at) else {
            return why.and("unknown voucher");
        };
        why.when(self.today <= face.last_day, "NOT_EXPIRED");
        why.when(face.free == 0, "NOTHING_FREE");
        why.check()?;
        self.lapse(at);
        Ok(self.one())
    }

    fn lapse(&mut self, at: usize) {
        let face = self.face(at);
        let fen = face.free;
        face.free = 0;
        face.expired += fen;
        self.take_back(at, fen);
    }

    fn cancel(&mut self, who: Who, at: usize) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        let Some((_, face)) = self.issued(at) else {
            return why.and("unknown voucher");
        };
        why.when(face.free == 0, "NOTHING_FREE");
        why.check()?;
        self.call_in(at);
        Ok(self.one())
    }

    fn call_in(&mut self, at: usize) {
        let face = self.face(at);
        let fen = face.free;
        face.free = 0;
        face.cancelled += fen;
        self.take_back(at, fen);
    }

    fn freeze(&mut self, who: Who, at: usize, freeze: bool) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Reviewer, Manager, Finance]);
        let Some((_, face)) = self.issued(at) else {
            return why.and("unknown voucher");
        };
        if freeze {
            why.when(face.is_frozen, "FROZEN");
            why.when(face.free == 0 && face.held == 0, "NOTHING_FREE");
        } else {
            why.unless(face.is_frozen, "NOT_FROZEN");
        }
        why.check()?;
        self.face(at).is_frozen = freeze;
        Ok(self.one())
    }

    /// Numbers of the vouchers that are issued and of which this holds.
    fn those(&self, is_so: impl Fn(&Voucher, &Face) -> bool) -> Vec<usize> {
        let all = 0..self.vouchers.len();
        let its = |at: &usize| self.issued(*at).is_some_and(|(one, face)| is_so(one, face));
        all.filter(its).collect()
    }

    /// The job lets lapse what is free on every voucher whose last day has passed.
    fn expire_due(&mut self, who: Who) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[System, Manager]);
        why.check()?;
        let today = self.today;
        let due = self.those(|_, face| face.last_day < today && face.free > 0);
        for at in &due {
            self.lapse(*at);
        }
        Ok(self.several(i64::try_from(due.len()).unwrap()))
    }

    /// What is left on vouchers that end with their year: holds are released, and what is free is cancelled. Where nothing
    /// is free after that, because the hold lapsed, the cancellation is refused by an entry.
    fn wind_up(&mut self, who: Who, line: Line) -> Outcome {
        let mut why = Why::default();
        why.needs(who, &[Manager]);
        why.when(self.year() <= line.year, "year not over");
        why.unless(self.rule(line.programme).end, "kept");
        why.check()?;
        let its = self.those(|one, face| {
            let of_line = (one.programme, face.year) == (line.programme, line.year);
            of_line && (face.free > 0 || face.held > 0)
        });
        let is_held = |at: &usize| {
            let hold = &self.holds[*at];
            hold.state == "held" && its.contains(&hold.voucher)
        };
        let held: Vec<usize> = (0..self.holds.len()).filter(is_held).collect();
        for at in &held {
            self.end_hold(*at);
        }
        for at in &its {
            self.call_in(*at);
        }
        Ok(self.several(i64::try_from(held.len() + its.len()).unwrap()))
    }
}
