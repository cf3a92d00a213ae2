//! A bundle: the whole log of a zone as a folder of files, in the C2SP `tlog-tiles` layout, with the
//! verifier key beside it:
//!
//! ```text
//! log.vkey  checkpoint  tile/<level>/...  tile/entries/...
//! ```
//!
//! [`export`] writes or extends one from the database; [`BundleReader`] reads one back and checks it
//! down to the first thing that is wrong.

mod check;
mod export;
mod read;

pub use check::{Fault, RebuiltTile, TreeCheck};
pub use export::{ExportError, Exported, export};
pub use read::{BundleError, BundleReader, Chunk};

const CHECKPOINT: &str = "checkpoint";
const VERIFIER_KEY: &str = "log.vkey";
