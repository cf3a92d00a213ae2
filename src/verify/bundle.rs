//! Verifying an exported bundle: no database, no network, only its files and a key.
//!
//! Worker threads read chunks of 256 entries, check their hashes and prepare their replay; this thread takes the
//! chunks in order. Each worker has every n-th chunk and a short queue, so memory is bounded, and a
//! fault that is reported is the first one.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::pins::{Pin, PinCheck};
use super::replay::{
    DEFAULT_LIMIT, EntryFault, Prepared, Preparer, Replay, Replayed, Shard, check_reversal,
};
use super::report::{BookTotal, Report, VerifyError};
use crate::log::LogVerifierKey;
use crate::log::bundle::{BundleError, BundleReader, Chunk, TreeCheck};
use crate::log::tile::TILE_WIDTH;

/// Chunks that may wait in the queue of one worker.
const QUEUE: usize = 8;

/// How a bundle is verified.
#[derive(Clone, Debug)]
pub struct BundleOptions {
    /// The log's key as it was given by its owner; `None` takes that in the bundle, and says so.
    pub key: Option<LogVerifierKey>,
    /// Older checkpoints: where each was kept, and its text.
    pub pinned: Vec<(String, String)>,
    /// How many balances may be remembered at once.
    pub limit: usize,
}

impl Default for BundleOptions {
    fn default() -> Self {
        Self {
            key: None,
            pinned: Vec::new(),
            limit: DEFAULT_LIMIT,
        }
    }
}

/// Verifies the bundle in a folder. `progress` is told the entries done and their number, from 0 again
/// in each further pass.
pub fn verify_bundle(
    folder: &Path,
    options: &BundleOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, VerifyError> {
    let reader = BundleReader::open(folder, options.key.clone())?;
    let mut warnings = Vec::new();
    if options.key.is_none() {
        warnings.push(format!(
            "the key is the bundle's own: this shows that the bundle is whole, not whose it is; compare {} \
             with the key that the zone publishes",
            reader.key()
        ));
    }
    let pins = options
        .pinned
        .iter()
        .map(|(source, note)| Pin::read(source.clone(), note, reader.key()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut pass =
        |shard: &Shard| replay_all(&reader, shard, options.limit, pins.clone(), &mut *progress);
    let mut first = pass(&Shard::all())?;
    let (mut passes, mut left) = (1, std::mem::take(&mut first.left));
    while let Some(shard) = left.pop() {
        let more = pass(&shard)?;
        first.accounts += more.accounts;
        left.extend(more.left);
        passes += 1;
    }
    let checkpoint = reader.checkpoint();
    Ok(Report {
        zone: first.zone,
        size: checkpoint.size(),
        root: checkpoint.root().to_string(),
        transfers: first.transfers,
        accounts: first.accounts,
        books: BookTotal::of(&first.totals),
        checkpoints: 1 + u64::try_from(pins.len()).unwrap_or(u64::MAX),
        passes,
        warnings,
    })
}

/// A chunk whose entries are in order by themselves.
type Ready = Result<(Chunk, Prepared), BundleError>;

fn replay_all(
    reader: &BundleReader,
    shard: &Shard,
    limit: usize,
    pins: Vec<Pin>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Replayed, VerifyError> {
    let size = reader.checkpoint().size();
    let mut pins = PinCheck::new(pins, size)?;
    let mut tree = TreeCheck::new(reader.checkpoint());
    let mut replay = Replay::new(shard.clone(), limit);
    thread::scope(|scope| {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let queues: Vec<Receiver<Ready>> = (0..workers)
            .map(|worker| {
                let (sender, queue) = sync_channel(QUEUE);
                let preparer = Preparer::new(shard);
                scope.spawn(move || work(reader, preparer, worker, workers, &sender));
                queue
            })
            .collect();
        for (number, queue) in (0..reader.chunks()).zip(queues.iter().cycle()) {
            // A worker that has panicked is reported by the end of the scope.
            let Ok(ready) = queue.recv() else { break };
            let (chunk, prepared) = ready?;
            pins.advance(tree.frontier(), chunk.leaves())?;
            reader.compare(&chunk.add_to(&mut tree))?;
            replay.fold(&prepared, |index| chunk.entry(index).unwrap_or_default())?;
            if number % 64 == 0 {
                progress(tree.frontier().size(), size);
            }
        }
        Ok::<_, VerifyError>(())
    })?;
    pins.advance(tree.frontier(), &[])?;
    if size.is_multiple_of(u64::from(TILE_WIDTH)) {
        reader.compare(&tree.add_partial(&[]))?;
    }
    tree.finish()?;
    progress(size, size);
    Ok(replay.finish()?)
}

/// Prepares every `step`-th chunk, until the end, a fault, or nobody waits for them.
fn work(
    reader: &BundleReader,
    mut preparer: Preparer,
    first: usize,
    step: usize,
    queue: &SyncSender<Ready>,
) {
    let first = u64::try_from(first).expect("BUG: few workers");
    for number in (first..reader.chunks()).step_by(step) {
        let chunk = prepare(reader, number, &mut preparer);
        let is_fault = chunk.is_err();
        if queue.send(chunk).is_err() || is_fault {
            return;
        }
    }
}

fn prepare(reader: &BundleReader, number: u64, preparer: &mut Preparer) -> Ready {
    let chunk = reader.chunk(number)?;
    let mut ready = preparer.prepare(chunk.entries(), |_, _| ());
    let reversals: Vec<(u64, u64)> = ready.reversals().collect();
    for (index, undone) in reversals {
        // Reversals are rare, so each may cost reading a chunk again.
        let older = reader.chunk(undone / u64::from(TILE_WIDTH))?;
        let [entry, undone_entry] =
            [chunk.entry(index), older.entry(undone)].map(Option::unwrap_or_default);
        if let Err(wrong) = check_reversal(entry, undone, undone_entry) {
            ready.fail(EntryFault { index, wrong });
        }
    }
    Ok((chunk, ready))
}
