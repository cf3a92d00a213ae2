//! Pages for people, in Chinese and English, without scripts.

pub(super) mod assets;
pub(super) mod home;
mod language;
mod text;
