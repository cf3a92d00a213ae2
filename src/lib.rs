//! subsidy-ledger: an audited ledger of public subsidies.
//!
//! The rooms, in reading order; each may use only those after it (a test, `tests/it/tidy.rs`, holds
//! this):
//!
//! `cli → {http, demo} → features → batch → {policy, journal, log, identity} → db → types`
//!
//! Features are `accounting`, `approval`, `audit`, `award`, `caps`, `claim`, `contract`, `evidence`, `exclusion`, `fact`, `job`, `party`,
//! `payment`, `programme`, `recovery`, `rent`, `report`, `screening`, `verify`, `voucher` and `zone`.
//! `calendar` and `tabular` are as pure as `types` and may be used by whoever counts working days or reads
//! files; `clock`, `config` and `telemetry` are the program's own surroundings. `docs/ARCHITECTURE.md` is
//! the map, and follows one command through these rooms.

/// The decisions of a batch are thousands of small texts; with the system's allocator a third of the
/// service's time goes into keeping them apart.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub mod cli;
pub mod clock;
pub mod config;
pub mod telemetry;

pub mod http;

pub mod demo;

pub mod accounting;
pub mod approval;
pub mod audit;
pub mod award;
pub mod caps;
pub mod claim;
pub mod contract;
pub mod evidence;
pub mod exclusion;
pub mod fact;
pub mod job;
pub mod party;
pub mod payment;
pub mod programme;
pub mod recovery;
pub mod rent;
pub mod report;
pub mod screening;
pub mod verify;
pub mod voucher;
pub mod zone;

pub mod batch;

pub mod identity;
pub mod journal;
pub mod log;
pub mod policy;

pub mod db;

pub mod calendar;
pub mod tabular;

pub mod types;
