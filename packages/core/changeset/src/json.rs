//! JSON forms of instructions and values.
