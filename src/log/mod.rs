//! The transparency log of a zone: tree, tiles, checkpoints, proofs.
