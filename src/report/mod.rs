//! What people read: budget execution, trial balance, statements, and exports for other bookkeepers.
