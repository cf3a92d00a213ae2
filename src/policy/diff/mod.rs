//! What differs between two packs, in sentences: of everything that decides or is shown to applicants. Examples,
//! comments and layout are no difference.

mod outline;

use serde::Serialize;

use self::outline::{Item, Part, Section, outline};
use super::phrase::Phrases;
use super::{Locale, Policy};

/// Whether something came, went or is otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Only the second pack has it.
    Added,
    /// Only the first pack has it.
    Removed,
    /// Both have it, each in its way.
    Changed,
    /// Both have them, in another order, which decides.
    Reordered,
}

/// One difference, in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// What happened.
    pub change: Change,
    /// In English.
    pub en: String,
    /// 中文.
    pub zh: String,
}

impl Difference {
    /// The sentence in one language.
    pub fn get(&self, locale: Locale) -> &str {
        match locale {
            Locale::Zh => &self.zh,
            Locale::En => &self.en,
        }
    }
}

/// What is otherwise in `new` than in `old`, in the order in which packs are read. Empty if both decide alike.
pub fn diff(old: &Policy, new: &Policy) -> Vec<Difference> {
    let sides = [Locale::Zh, Locale::En].map(|locale| Side {
        old: Phrases {
            policy: old,
            locale,
        },
        new: Phrases {
            policy: new,
            locale,
        },
    });
    let [zh, en] = &sides;
    let (before, after) = (Told::of(zh.old, en.old), Told::of(zh.new, en.new));
    let mut found = Vec::new();
    for section in Section::ALL {
        compare(*section, &before, &after, &sides, &mut found);
    }
    found
}

/// The two packs in one language.
struct Side<'p> {
    old: Phrases<'p>,
    new: Phrases<'p>,
}

/// A pack's outline in both languages. Items and parts stand in the same places in both.
struct Told(Vec<[Item; 2]>);

impl Told {
    fn of(zh: Phrases<'_>, en: Phrases<'_>) -> Self {
        let pairs = outline(zh).into_iter().zip(outline(en));
        Self(pairs.map(|(zh, en)| [zh, en]).collect())
    }

    fn section(&self, section: Section) -> Vec<&[Item; 2]> {
        let items = self.0.iter();
        items.filter(|[zh, _]| zh.section == section).collect()
    }
}

/// The same item: an item's key is told in both languages, so that two texts that are alike in one only differ.
fn same(one: &[Item; 2], other: &[Item; 2]) -> bool {
    let [zh, en] = one;
    let [other_zh, other_en] = other;
    zh.key == other_zh.key && en.key == other_en.key
}

fn compare(
    section: Section,
    before: &Told,
    after: &Told,
    sides: &[Side<'_>; 2],
    found: &mut Vec<Difference>,
) {
    let (old, new) = (before.section(section), after.section(section));
    for item in &old {
        match new.iter().find(|other| same(item, other)) {
            None => found.push(whole(Change::Removed, item, sides)),
            Some(other) => changes(item, other, sides, found),
        }
    }
    let added = new
        .iter()
        .filter(|item| !old.iter().any(|one| same(one, item)));
    found.extend(added.map(|item| whole(Change::Added, item, sides)));
    if !section.ordered() {
        return;
    }
    let common = |items: &[&[Item; 2]], others: &[&[Item; 2]]| -> Vec<[String; 2]> {
        let kept = items
            .iter()
            .filter(|item| others.iter().any(|one| same(one, item)));
        kept.map(|[zh, en]| [zh.name.clone(), en.name.clone()])
            .collect()
    };
    let (old_order, new_order) = (common(&old, &new), common(&new, &old));
    if old_order != new_order {
        let names = |place: usize| -> Vec<String> {
            let names = new_order.iter().filter_map(|names| names.get(place));
            names.cloned().collect()
        };
        found.push(Difference {
            change: Change::Reordered,
            zh: format!("顺序变更：{}。", names(0).join("；")),
            en: format!("In another order: {}.", names(1).join("; ")),
        });
    }
}

/// An item that only one pack has, with all that it says.
fn whole(change: Change, [zh, en]: &[Item; 2], sides: &[Side<'_>; 2]) -> Difference {
    let (zh_verb, en_verb) = match change {
        Change::Added => ("新增", "Added"),
        Change::Removed => ("删除", "Removed"),
        Change::Changed | Change::Reordered => ("变更", "Changed"),
    };
    let told = |item: &Item, side: &Side<'_>| {
        let parts = item.parts.iter();
        let parts: Vec<_> = parts.map(|part| part.told(side.new)).collect();
        parts.join(side.new.pick("；", "; "))
    };
    let [zh_side, en_side] = sides;
    let stop = |text: String, colon: &str| {
        if text.is_empty() {
            text
        } else {
            format!("{colon}{text}")
        }
    };
    Difference {
        change,
        zh: format!("{zh_verb}{}{}。", zh.name, stop(told(zh, zh_side), "：")),
        en: format!("{en_verb} {}{}.", en.name, stop(told(en, en_side), ": ")),
    }
}

/// The parts of an item that are otherwise.
fn changes(old: &[Item; 2], new: &[Item; 2], sides: &[Side<'_>; 2], found: &mut Vec<Difference>) {
    let [old_zh, old_en] = old;
    let [new_zh, new_en] = new;
    let [zh_side, en_side] = sides;
    let parts = |zh: &Item, en: &Item| -> Vec<(Part, Part)> {
        zh.parts
            .iter()
            .cloned()
            .zip(en.parts.iter().cloned())
            .collect()
    };
    let (old_parts, new_parts) = (parts(old_zh, old_en), parts(new_zh, new_en));
    let labels: Vec<&'static str> = {
        let all = old_parts.iter().chain(&new_parts);
        let mut labels: Vec<_> = all.map(|(_, en)| en.label).collect();
        let mut seen = Vec::new();
        labels.retain(|label| {
            !seen.contains(label) && {
                seen.push(*label);
                true
            }
        });
        labels
    };
    for label in labels {
        let of = |parts: &[(Part, Part)]| parts.iter().find(|(_, en)| en.label == label).cloned();
        let (was, is) = (of(&old_parts), of(&new_parts));
        if was == is {
            continue;
        }
        let zh_label = was.as_ref().or(is.as_ref()).map_or("", |(zh, _)| zh.label);
        let [was_zh, was_en] = texts(was, [zh_side.old, en_side.old]);
        let [is_zh, is_en] = texts(is, [zh_side.new, en_side.new]);
        let zh = if was_zh == is_zh {
            "英文表述变更".to_owned()
        } else {
            format!("由“{was_zh}”改为“{is_zh}”")
        };
        let en = if was_en == is_en {
            "the Chinese text is another".to_owned()
        } else {
            format!("was \"{was_en}\", is now \"{is_en}\"")
        };
        let (name_zh, name_en) = (&new_zh.name, &new_en.name);
        found.push(Difference {
            change: Change::Changed,
            zh: format!("{name_zh}，{zh_label}：{zh}。"),
            en: format!("{}, {label}: {en}.", capitalised(name_en)),
        });
    }
}

fn texts(part: Option<(Part, Part)>, [zh, en]: [Phrases<'_>; 2]) -> [String; 2] {
    match part {
        Some((zh, en)) => [zh.text, en.text],
        None => [
            zh.pick("无", "none").to_owned(),
            en.pick("无", "none").to_owned(),
        ],
    }
}

fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(characters).collect()
    })
}
