//! Proof without trust: rebuilds the tree and replays every transfer, from a bundle or a database.
