//! Single rules against a ledger.
