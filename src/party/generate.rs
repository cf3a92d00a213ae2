//! Plausible parties for demonstrations, with valid codes of region 000000, which is no region.

use std::collections::HashSet;
use std::io::Write;

use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::identity::{Identity, PartyRole, Roles};
use super::register::NewParty;
use crate::types::{Name, Uscc};

const PLACES: &[&str] = &[
    "云川",
    "临江",
    "青浦岭",
    "海宁湾",
    "望山",
    "松泽",
    "龙湖",
    "锦溪",
    "东岭",
    "西洲",
    "北辰",
    "南屏",
];
const FIRST: &[&str] = &[
    "智", "华", "中", "恒", "鼎", "睿", "博", "信", "瑞", "天", "新", "远", "星", "启", "泰", "凌",
    "创", "科", "联", "卓", "嘉", "宏", "盛", "安", "百", "金", "永", "佳", "东", "德",
];
const SECOND: &[&str] = &[
    "达", "创", "联", "源", "诚", "捷", "通", "维", "康", "域", "辰", "图", "原", "方", "成", "云",
    "能", "微", "迈", "研", "合", "拓", "思", "晟", "驰", "航", "润", "谷", "峰", "帆",
];
const TRADES: &[&str] = &[
    "信息",
    "智能",
    "生物",
    "软件",
    "电子",
    "新材料",
    "环保",
    "医疗",
    "光电",
    "网络",
    "数据",
    "机器人",
    "半导体",
    "新能源",
    "精密仪器",
    "航空",
    "物联网",
    "传感",
    "激光",
    "基因",
];
const FIRMS: &[&str] = &["科技有限公司", "技术有限公司", "科技股份有限公司"];
const CARRIERS: &[&str] = &[
    "科技企业孵化器有限公司",
    "众创空间管理有限公司",
    "大学科技园发展有限公司",
    "技术转移中心有限公司",
];
const PROVIDERS: &[&str] = &[
    "检测技术服务有限公司",
    "知识产权代理有限公司",
    "工业设计有限公司",
    "技术研究院有限公司",
];

/// How many parties can be made up before names run short.
pub const MOST_GENERATED: usize = 200_000;

/// The same parties for the same seed; the first ones are the same whatever the count. Of a hundred
/// about ninety are enterprises, four carriers and six providers, and three enterprises share a
/// controller with others. Never more than [`MOST_GENERATED`].
pub fn generate(seed: u64, count: usize) -> Vec<NewParty> {
    let count = count.min(MOST_GENERATED);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut codes = HashSet::new();
    let mut names = HashSet::new();
    let mut group: Option<Name> = None;
    let mut parties = Vec::with_capacity(count);
    while parties.len() < count {
        let (endings, roles) = match rng.random_range(0..100) {
            0..4 => (CARRIERS, Roles::from([PartyRole::Carrier])),
            4..9 => (PROVIDERS, Roles::from([PartyRole::Provider])),
            9 => (
                PROVIDERS,
                Roles::from([PartyRole::Enterprise, PartyRole::Provider]),
            ),
            _ => (FIRMS, Roles::from([PartyRole::Enterprise])),
        };
        let code = code(&mut rng);
        let name = name(&mut rng, endings);
        if !codes.insert(code.clone()) || !names.insert(name.clone()) {
            continue;
        }
        // About every third member of a group founds the next one.
        let grouped = endings == FIRMS && rng.random_ratio(3, 90);
        if grouped && (group.is_none() || rng.random_ratio(1, 3)) {
            group = Some(controller(&mut rng));
        }
        parties.push(NewParty {
            identity: Identity::Uscc(code),
            name,
            roles,
            group: group.clone().filter(|_| grouped),
        });
    }
    parties
}

fn word(rng: &mut ChaCha8Rng, words: &[&'static str]) -> &'static str {
    words.choose(rng).copied().unwrap_or_default()
}

/// Such as 云川智达光电科技有限公司.
fn name(rng: &mut ChaCha8Rng, endings: &[&'static str]) -> Name {
    let parts = [PLACES, FIRST, SECOND, TRADES, endings].map(|words| word(rng, words));
    parts.concat().parse().expect("BUG: the words make a name")
}

/// Such as 恒源控股集团.
fn controller(rng: &mut ChaCha8Rng) -> Name {
    let text = format!("{}{}控股集团", word(rng, FIRST), word(rng, SECOND));
    text.parse().expect("BUG: the words make a name")
}

/// GB 32100-2015: a company (91), region, the organisation code of GB 11714, check character.
fn code(rng: &mut ChaCha8Rng) -> Uscc {
    const CHARACTERS: &[u8] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    let serial: String = std::iter::repeat_with(|| CHARACTERS.choose(rng).copied().unwrap_or(b'0'))
        .take(6)
        .map(char::from)
        .collect();
    let organisation = format!("MA{serial}");
    let check = organisation_check(&organisation);
    Uscc::with_check(&format!("91000000{organisation}{check}"))
        .expect("BUG: 17 characters of the alphabet")
}

/// GB 11714-1997: weights 3, 7, 9, 10, 5, 8, 4, 2; A to Z count 10 to 35; 11 minus the sum modulo 11,
/// with X for 10 and 0 for 11.
fn organisation_check(eight: &str) -> char {
    let sum: u32 = eight
        .chars()
        .zip([3, 7, 9, 10, 5, 8, 4, 2])
        .map(|(character, weight)| character.to_digit(36).unwrap_or(0) * weight)
        .sum();
    match 11 - sum % 11 {
        11 => '0',
        10 => 'X',
        digit => char::from_digit(digit, 10).unwrap_or('0'),
    }
}

/// Writes parties as the CSV file that `party import` reads.
pub fn write_csv(parties: &[NewParty], output: impl Write) -> Result<(), csv::Error> {
    let mut writer = csv::Writer::from_writer(output);
    writer.write_record(["统一社会信用代码", "名称", "角色", "实际控制人"])?;
    for party in parties {
        let roles: Vec<&str> = party.roles.iter().map(PartyRole::zh).collect();
        writer.write_record([
            party.identity.identifier(),
            party.name.as_str(),
            &roles.join(";"),
            party.group.as_ref().map_or("", Name::as_str),
        ])?;
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::party::import;
    use crate::tabular::{Format, Mapping, ReadOptions, Table};

    #[test]
    fn the_seed_decides() {
        let parties = generate(7, 2_000);
        assert_eq!(parties, generate(7, 2_000));
        assert_eq!(parties[..100], generate(7, 100));
        assert_ne!(parties[..100], generate(8, 100));
    }

    #[test]
    fn parties_are_plausible() {
        let parties = generate(1, 10_000);
        let count =
            |fits: fn(&NewParty) -> bool| parties.iter().filter(|party| fits(party)).count();
        let holds = |party: &NewParty, role| party.roles.iter().any(|held| held == role);
        assert!(
            (8_900..9_300).contains(&count(|party| party.roles == [PartyRole::Enterprise].into()))
        );
        assert!(parties.iter().any(|party| holds(party, PartyRole::Carrier)));
        let groups: HashSet<_> = parties
            .iter()
            .filter_map(|party| party.group.as_ref())
            .collect();
        let grouped = count(|party| party.group.is_some());
        assert!((200..400).contains(&grouped) && (50..grouped / 2).contains(&groups.len()));
        let codes: HashSet<_> = parties
            .iter()
            .map(|party| party.identity.identifier())
            .collect();
        let names: HashSet<_> = parties.iter().map(|party| &party.name).collect();
        assert_eq!((codes.len(), names.len()), (10_000, 10_000));
        assert!(codes.iter().all(|code| code.starts_with("91000000MA")));
    }

    /// Codes of real companies pass the organisation code's check as well.
    #[test]
    fn organisation_codes_have_their_check() {
        for (eight, check) in [
            ("M000100Y", '4'),
            ("19220382", '1'),
            ("71526726", 'X'),
            ("10000396", '2'),
        ] {
            assert_eq!(organisation_check(eight), check, "{eight}");
        }
    }

    #[test]
    fn the_import_reads_what_is_written() {
        let parties = generate(3, 500);
        let mut csv = Vec::new();
        write_csv(&parties, &mut csv).unwrap();
        let table = Table::read(&csv, Format::Csv, &ReadOptions::default()).unwrap();
        let rows = import::read(&table, &Mapping::default()).unwrap();
        let read: Vec<NewParty> = rows
            .into_iter()
            .map(import::ImportRow::into_party)
            .collect();
        assert_eq!(read, parties);
    }
}
