//! Programmes, their money and their rules: who may, in which order, and what a repeat answers.

use subsidy_ledger::identity::{Caller, Role};
use subsidy_ledger::journal::{RecallError, RecordError, Recorded, Refusal};
use subsidy_ledger::policy::Mode;
use subsidy_ledger::programme::{
    self, Allocate, Appropriate, NewProgramme, ProgrammeError, ProgrammeKind, Published,
};
use subsidy_ledger::types::{Amount, FiscalYear, LogIndex};
use subsidy_ledger::zone::{self, NewPerson, ZoneError};

use crate::kit::scenario::{World, fen, yuan};
use crate::policy_cases::{changed_pack, pack_text};

const DAY: &str = "2020-01-02";

/// One command of this room.
#[derive(Clone, Debug)]
enum Step {
    Create(&'static str),
    CreateOf(ProgrammeKind, &'static str),
    Appropriate(Amount),
    Allocate(&'static str, Amount),
    Propose(&'static str, String),
    Publish(&'static str, String),
}

/// What is published, if the command publishes, and the entry.
type Answer = Result<(Option<Published>, Recorded), ProgrammeError>;

async fn give(world: &World, caller: Caller, step: Step) -> Answer {
    let given = world.one(caller, step, |conn, command, step| {
        Box::pin(async move {
            let year = FiscalYear(2020);
            let recorded = match step.clone() {
                Step::Create(_) | Step::CreateOf(..) => {
                    let (kind, code) = match step {
                        Step::CreateOf(kind, code) => (*kind, *code),
                        Step::Create(code) => (ProgrammeKind::Voucher, *code),
                        Step::Appropriate(_)
                        | Step::Allocate(..)
                        | Step::Propose(..)
                        | Step::Publish(..) => unreachable!(),
                    };
                    let new = NewProgramme {
                        code: code.parse().unwrap(),
                        kind,
                        name_en: code.parse().unwrap(),
                        name_zh: code.parse().unwrap(),
                    };
                    programme::create(conn, &command, &new).await?
                }
                Step::Appropriate(amount) => {
                    let document = "budget".parse().unwrap();
                    let input = Appropriate {
                        amount,
                        document,
                        year,
                    };
                    programme::appropriate(conn, &command, &input).await?
                }
                Step::Allocate(code, amount) => {
                    let programme = code.parse().unwrap();
                    let input = Allocate {
                        amount,
                        programme,
                        year,
                    };
                    programme::allocate(conn, &command, &input).await?
                }
                Step::Propose(code, pack) => {
                    programme::propose(conn, &command, &code.parse().unwrap(), &pack).await?
                }
                Step::Publish(code, pack) => {
                    let code = code.parse().unwrap();
                    let (published, recorded) =
                        programme::publish(conn, &command, &code, &pack).await?;
                    return Ok((Some(published), recorded));
                }
            };
            Ok((None, recorded))
        })
    });
    given.await
}

/// The pack of Shanghai as another version that begins a year later.
fn next_version() -> String {
    let changes = [
        ("version = \"2020-1\"", "version = \"2021-1\""),
        (
            "[in_force]\nfrom = 2020-01-01",
            "[in_force]\nfrom = 2021-01-01",
        ),
    ];
    changed_pack("shanghai-2020", &changes, "2021-01-01")
}

#[tokio::test]
async fn a_repeat_has_the_first_answer_and_another_command_under_its_key_is_a_conflict() {
    let world = World::new(&[]).await;
    let pack = next_version();
    let steps = [
        ("manager", Step::Create("NEW"), Step::Create("OTHER")),
        (
            "finance",
            Step::Appropriate(yuan(100)),
            Step::Appropriate(yuan(101)),
        ),
        (
            "finance",
            Step::Allocate("NEW", yuan(60)),
            Step::Allocate("NEW", yuan(61)),
        ),
        (
            "rules",
            Step::Propose("SH-VOUCHER", pack.clone()),
            Step::Propose("SH-VOUCHER", pack_text("shanghai-2020")),
        ),
        (
            "manager",
            Step::Publish("SH-VOUCHER", pack),
            Step::Publish("SH-VOUCHER", pack_text("shanghai-2020")),
        ),
    ];
    for (number, (who, step, other)) in steps.into_iter().enumerate() {
        let key = format!("key {number}");
        let size = world.size().await;
        let caller = |on| world.caller(who, on, Some(&key));
        let first = give(&world, caller(DAY), step.clone()).await.unwrap();
        assert_eq!(first.1.index, LogIndex(size));
        let again = give(&world, caller("2020-02-03"), step.clone())
            .await
            .unwrap();
        assert_eq!(again, first, "{step:?}");
        let conflict = give(&world, caller(DAY), other).await;
        let Err(ProgrammeError::Recall(RecallError::KeyConflict(index))) = conflict else {
            panic!("{conflict:?}");
        };
        assert_eq!(index, first.1.index);
        assert_eq!(world.size().await, size + 1);
    }
    let balances = world.balances().await;
    assert_eq!(
        (balances["B10"], balances["B20"], balances["B30"]),
        (fen(100), fen(40), fen(60))
    );
    world.check_invariants().await;
}

#[tokio::test]
async fn commands_need_their_roles_and_two_persons_publish() {
    let world = World::new(&[("SH", 2020, 100)]).await;
    let (state, size) = (world.state().await, world.size().await);
    let pack = next_version();
    let sh = "SH-VOUCHER";
    let by = |who: &str| world.caller(who, DAY, None);
    for (who, step) in [
        ("finance", Step::Create("NEW")),
        ("manager", Step::Appropriate(yuan(1))),
        ("manager", Step::Allocate(sh, yuan(1))),
        ("manager", Step::Propose(sh, pack.clone())),
        ("rules", Step::Publish(sh, pack.clone())),
    ] {
        let refused = give(&world, by(who), step.clone()).await;
        assert!(
            matches!(refused, Err(ProgrammeError::Forbidden(_))),
            "{step:?}: {refused:?}"
        );
    }
    let refusal = async |who: &str, step: Step| give(&world, by(who), step).await.unwrap_err();
    assert!(matches!(
        refusal("manager", Step::Create(sh)).await,
        ProgrammeError::Exists(_)
    ));
    assert!(matches!(
        refusal("finance", Step::Allocate("NONE", yuan(1))).await,
        ProgrammeError::Unknown(_)
    ));
    assert!(matches!(
        refusal("rules", Step::Propose("NONE", pack.clone())).await,
        ProgrammeError::Unknown(_)
    ));
    assert!(matches!(
        refusal("rules", Step::Propose("YH-VOUCHER", pack.clone())).await,
        ProgrammeError::OtherProgramme { .. }
    ));
    assert!(matches!(
        refusal("rules", Step::Propose(sh, "code =".into())).await,
        ProgrammeError::Pack(_)
    ));
    assert!(matches!(
        refusal("manager", Step::Publish(sh, pack.clone())).await,
        ProgrammeError::NotProposed
    ));
    let over = refusal("finance", Step::Allocate(sh, yuan(1))).await;
    let ProgrammeError::Record(RecordError::Refused(Refusal::Insufficient { .. })) = over else {
        panic!("{over:?}");
    };
    assert_eq!((world.state().await, world.size().await), (state, size));

    give(&world, by("all"), Step::Propose(sh, pack.clone()))
        .await
        .unwrap();
    assert!(matches!(
        refusal("all", Step::Publish(sh, pack.clone())).await,
        ProgrammeError::SamePerson
    ));
    let changed = format!("{pack}\n# one comment more\n");
    assert!(matches!(
        refusal("manager", Step::Publish(sh, changed)).await,
        ProgrammeError::NotProposed
    ));
    give(&world, by("manager"), Step::Publish(sh, pack.clone()))
        .await
        .unwrap();
    assert!(matches!(
        refusal("manager", Step::Publish(sh, pack)).await,
        ProgrammeError::Policy(_)
    ));
}

/// The pack that has every form, for a programme of this code.
fn claims(code: &str) -> String {
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/policies/every-form.toml"
    );
    let pack = std::fs::read_to_string(file).unwrap();
    pack.replace("EVERY-FORM", code)
}

#[tokio::test]
async fn a_programme_takes_packs_of_its_mode_whose_examples_hold() {
    let world = World::new(&[]).await;
    let by = |who: &str| world.caller(who, DAY, None);
    let kinds = [
        (ProgrammeKind::Voucher, "V"),
        (ProgrammeKind::PostSubsidy, "P"),
        (ProgrammeKind::Award, "A"),
        (ProgrammeKind::Purchase, "B"),
        (ProgrammeKind::RentCompensation, "R"),
        (ProgrammeKind::Recognition, "C"),
    ];
    for (kind, code) in kinds {
        give(&world, by("manager"), Step::CreateOf(kind, code))
            .await
            .unwrap();
        let pack = claims(code);
        let proposed = give(&world, by("rules"), Step::Propose(code, pack.clone())).await;
        if kind.mode() == Some(Mode::ExPost) {
            proposed.unwrap();
            give(&world, by("manager"), Step::Publish(code, pack))
                .await
                .unwrap();
        } else {
            let refused = proposed.unwrap_err();
            assert!(
                matches!(refused, ProgrammeError::OtherMode { .. }),
                "{refused}"
            );
            let refused = give(&world, by("manager"), Step::Publish(code, pack)).await;
            let refused = refused.unwrap_err();
            assert!(
                matches!(refused, ProgrammeError::OtherMode { .. }),
                "{refused}"
            );
        }
    }
    let wrong = claims("P").replace("reasons = [\"STATE_OWNED\"]", "reasons = [\"AGE\"]");
    for (who, step) in [
        ("rules", Step::Propose("P", wrong.clone())),
        ("manager", Step::Publish("P", wrong)),
    ] {
        let refused = give(&world, by(who), step).await.unwrap_err();
        let ProgrammeError::Pack(why) = &refused else {
            panic!("{refused:?}");
        };
        assert!(
            why.contains("expected reasons [AGE], decided [STATE_OWNED]"),
            "{why}"
        );
    }
    world.check_invariants().await;
}

#[tokio::test]
async fn persons_are_enrolled_once_with_a_role_by_those_who_may() {
    let world = World::new(&[]).await;
    let enrol = async |who: &str, login: &str, roles: &[Role]| {
        let new = NewPerson {
            login: login.parse().unwrap(),
            name: login.parse().unwrap(),
            party: None,
            roles: roles.iter().copied().collect(),
        };
        let caller = world.caller(who, DAY, None);
        let enrolled = world.one(caller, new, |conn, command, new| {
            Box::pin(async move { zone::enrol(conn, &command, new.clone()).await })
        });
        enrolled.await.map(|(actor, _)| actor)
    };
    let size = world.size().await;
    let reviewer = &[Role::Reviewer][..];
    assert!(matches!(
        enrol("finance", "new", reviewer).await,
        Err(ZoneError::Forbidden(_))
    ));
    assert!(matches!(
        enrol("manager", "new", &[]).await,
        Err(ZoneError::NoRole)
    ));
    assert!(matches!(
        enrol("manager", "clerk", reviewer).await,
        Err(ZoneError::LoginTaken(_))
    ));
    assert_eq!(world.size().await, size);
    let new = enrol("manager", "new", reviewer).await.unwrap();
    assert!(new.require(reviewer).is_ok() && new.require(&[Role::Manager]).is_err());
    assert_eq!(world.size().await, size + 1);
}

/// Appropriates and allocates one yuan for a year, under keys if one is given.
async fn fund(
    world: &World,
    on: &str,
    year: i16,
    key: Option<&str>,
) -> [Result<Recorded, ProgrammeError>; 2] {
    let caller = |what: &str| {
        let key = key.map(|key| format!("{key} {what}"));
        world.caller("finance", on, key.as_deref())
    };
    let appropriate = Appropriate {
        amount: yuan(1),
        document: "budget".parse().unwrap(),
        year: FiscalYear(year),
    };
    let allocate = Allocate {
        amount: yuan(1),
        programme: "SH-VOUCHER".parse().unwrap(),
        year: FiscalYear(year),
    };
    let appropriated = world.one(caller("a"), appropriate, |conn, command, input| {
        Box::pin(async move { programme::appropriate(conn, &command, input).await })
    });
    let appropriated = appropriated.await;
    let allocated = world.one(caller("b"), allocate, |conn, command, input| {
        Box::pin(async move { programme::allocate(conn, &command, input).await })
    });
    [appropriated, allocated.await]
}

#[tokio::test]
async fn a_closed_budget_year_takes_no_more_money() {
    // One yuan of 2020 stays unallocated, so that only the closed year can refuse its allocation.
    let world = World::new(&[("SH", 2020, 100)]).await;
    let caller = world.caller("finance", DAY, None);
    let spare = Appropriate {
        amount: yuan(1),
        document: "budget".parse().unwrap(),
        year: FiscalYear(2020),
    };
    let spared = world.one(caller, spare, |conn, command, input| {
        Box::pin(async move { programme::appropriate(conn, &command, input).await })
    });
    spared.await.unwrap();

    // Year-end work goes on in January, until the year is closed.
    let late = "2021-01-20";
    let first = fund(&world, late, 2020, Some("k"))
        .await
        .map(Result::unwrap);
    world.close_year(2020, late).await;
    let size = world.size().await;
    for refused in fund(&world, late, 2020, None).await {
        let said = format!(
            "budget year 2020 is closed, by entry {}, and takes no more money: appropriate and allocate in an \
             open year, such as 2021",
            size - 1
        );
        assert_eq!(refused.unwrap_err().to_string(), said);
    }
    let again = fund(&world, late, 2020, Some("k"))
        .await
        .map(Result::unwrap);
    assert_eq!(again, first);
    assert_eq!(world.size().await, size);

    // That is the remedy.
    for funded in fund(&world, late, 2021, None).await {
        funded.unwrap();
    }
    world.check_invariants().await;
}
