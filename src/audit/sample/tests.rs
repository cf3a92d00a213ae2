use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

fn item(owed: i64, yuan: i64) -> Item {
    Item {
        owed: LogIndex(owed),
        amount: Money::from_minor(yuan * 100),
    }
}

fn yuan(yuan: i64) -> Amount {
    Amount::new(Money::from_minor(yuan * 100)).unwrap()
}

fn population(items: &[Item], bounds: &[i64], every: Option<i64>, extent: Extent) -> Population {
    let bounds = bounds.iter().copied().map(yuan).collect();
    let bounds = Bounds::new(bounds, every.map(yuan)).unwrap();
    Population::new(items, &bounds, extent, Currency::Cny).unwrap()
}

fn numbers(population: &Population) -> Vec<(usize, usize)> {
    let strata = population.strata.iter();
    strata
        .map(|stratum| (stratum.cases, stratum.drawn))
        .collect()
}

const PYTHON: [(&str, &str); 3] = [
    ("D19", "5bc02d21a3131987"),
    ("D10", "7f1dbc7167ec780b"),
    ("D14", "8fa776e638212792"),
];
const PYTHON_POPULATION: &str = "4867e339460a29c588b353da0286b9bb241784278d277794bf74bb91c7be684e";
const PYTHON_PICKS: &str = "7fabb115e8ab8c6112d32e330558503178675bfe5e0f698c33ebe62d930b0395";

/// Computed by another program:
///
/// ```python
/// from hashlib import sha256
/// names = [f"D{n}" for n in range(10, 20)]
/// ranks = sorted((sha256(f"seed\n{n}".encode()).hexdigest(), n) for n in names)
/// print([(n, h[:16]) for h, n in ranks[:3]])
/// print(sha256("".join(f"{n} {100 * i}.00\n" for i, n in enumerate(names, 1)).encode()).hexdigest())
/// print(sha256("".join(n + "\n" for _, n in ranks[:3]).encode()).hexdigest())
/// ```
#[test]
fn another_program_picks_the_same() {
    let items: Vec<Item> = (10..20).map(|n| item(n, 100 * (n - 9))).collect();
    let all = population(&items, &[], None, Extent::Number(3));
    let picks = all.pick("seed");
    let told: Vec<(String, String)> = picks
        .iter()
        .map(|pick| (pick.item.name(), pick.rank.to_string()[..16].to_owned()))
        .collect();
    let told: Vec<(&str, &str)> = told.iter().map(|(n, h)| (n.as_str(), h.as_str())).collect();
    assert_eq!(told, PYTHON);
    assert_eq!(all.sha256(Currency::Cny).to_string(), PYTHON_POPULATION);
    assert_eq!(sha256_of(&picks).to_string(), PYTHON_PICKS);
}

#[test]
fn a_stratum_begins_with_its_bound_and_the_last_is_taken_whole() {
    let items = [
        item(1, 99),
        item(2, 100),
        item(3, 499),
        item(4, 500),
        item(5, 900),
    ];
    let sorted = population(
        &items,
        &[100],
        Some(500),
        Extent::Share(Share::FIVE_PERCENT),
    );
    assert_eq!(numbers(&sorted), [(1, 1), (2, 1), (2, 2)]);
    let last = sorted.strata.last().unwrap();
    assert!(last.every && last.until.is_none(), "{last:?}");
    assert_eq!(
        (last.from.as_str(), last.total.as_str()),
        ("500.00", "1400.00")
    );
}

#[test]
fn a_share_is_rounded_up_and_an_empty_stratum_gives_nothing() {
    let items: Vec<Item> = (0..41).map(|n| item(n, 10)).collect();
    let five = population(&items, &[100], None, Extent::Share(Share::FIVE_PERCENT));
    assert_eq!(numbers(&five), [(41, 3), (0, 0)]);
    let none = population(&[], &[100], Some(500), Extent::Number(7));
    assert_eq!(numbers(&none), [(0, 0), (0, 0), (0, 0)]);
}

#[test]
fn a_number_is_spread_by_size_with_one_of_each() {
    let mut items: Vec<Item> = (0..90).map(|n| item(n, 10)).collect();
    items.extend((90..99).map(|n| item(n, 200)));
    items.push(item(99, 2000));
    let ten = population(&items, &[100, 1000], None, Extent::Number(10));
    assert_eq!(numbers(&ten), [(90, 8), (9, 1), (1, 1)]);
    let all = population(&items, &[100, 1000], None, Extent::Number(1000));
    assert_eq!(numbers(&all), [(90, 90), (9, 9), (1, 1)]);
    let bounds = Bounds::new(vec![yuan(100), yuan(1000)], None).unwrap();
    let few = Population::new(&items, &bounds, Extent::Number(2), Currency::Cny);
    assert_eq!(few, Err(TooFew { strata: 3 }));
}

#[test]
fn bounds_grow() {
    let bounds = |amounts: &[i64], every: Option<i64>| {
        Bounds::new(amounts.iter().copied().map(yuan).collect(), every.map(yuan)).err()
    };
    assert_eq!(bounds(&[1, 2], Some(3)), None);
    assert_eq!(bounds(&[2, 2], None), Some(BoundsError::Order));
    assert_eq!(bounds(&[2], Some(2)), Some(BoundsError::Certainty));
    let many: Vec<i64> = (1..=21).collect();
    assert_eq!(bounds(&many, None), Some(BoundsError::TooMany));
}

#[test]
fn a_share_is_percent() {
    for (text, shown) in [
        ("5", "5.00 %"),
        ("7.5", "7.50 %"),
        ("0.01", "0.01 %"),
        ("100", "100.00 %"),
    ] {
        assert_eq!(text.parse::<Share>().unwrap().to_string(), shown);
    }
    for bad in [
        "",
        "0",
        "100.01",
        "5%",
        "-1",
        "1.234",
        ".5",
        "5 ",
        "99999999999",
    ] {
        assert!(bad.parse::<Share>().is_err(), "{bad:?}");
    }
}

proptest! {
    /// As many as was said, none twice, none from elsewhere, and whatever the order of the population.
    #[test]
    fn a_sample_is_a_part_of_its_population(
        amounts in prop::collection::vec(1_i64..2_000, 0..120),
        share in 1_u16..=10_000,
        seed in "[a-z0-9]{1,12}",
        turn in 0_usize..120,
    ) {
        let mut items: Vec<Item> = (0..).zip(&amounts).map(|(n, amount)| item(n, *amount)).collect();
        let extent = Extent::Share(Share(share));
        let first = population(&items, &[100, 1000], Some(1500), extent);
        let picks = first.pick(&seed);
        let said: usize = first.strata.iter().map(|stratum| stratum.drawn).sum();
        prop_assert_eq!(picks.len(), said);
        prop_assert!(first.strata.iter().all(|stratum| stratum.drawn <= stratum.cases
            && (stratum.cases == 0 || stratum.drawn > 0)));
        let names: HashSet<LogIndex> = picks.iter().map(|pick| pick.item.owed).collect();
        prop_assert_eq!(names.len(), picks.len());
        prop_assert!(picks.iter().all(|pick| items.contains(&pick.item)));
        prop_assert!(items.iter().filter(|item| item.amount >= Money::from_minor(150_000))
            .all(|item| names.contains(&item.owed)));
        let middle = turn % items.len().max(1);
        items.rotate_left(middle);
        let again = population(&items, &[100, 1000], Some(1500), extent);
        prop_assert_eq!(again.pick(&seed), picks);
        prop_assert_eq!(again.sha256(Currency::Cny), first.sha256(Currency::Cny));
    }
}
