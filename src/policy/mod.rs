//! Published rules: packs, facts, decisions.
