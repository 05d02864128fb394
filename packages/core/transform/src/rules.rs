//! Switches between the original's rules and the corrected ones.

/// Which known defects of the original's rules to keep. A switch that is `true` keeps the defect.
///
/// Tidemark merges with [`Rules::CORRECTED`], always. [`Rules::ORIGINAL`] exists to replay recordings of the
/// original engine, and to tell where it would have ended elsewhere. The numbers are those of the recorded
/// defects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "one independent switch per defect is the purpose"
)]
pub struct Rules {
    /// OT1: a move in an outer list rewrites its own source index instead of the path of an inner edit.
    pub ot1_nested_move: bool,
    /// OT2: a Clear that addresses a list element is not shifted by insertions, erasures and moves of its
    /// siblings.
    pub ot2_clear_of_element: bool,
    /// OT3: two set erasures compare strings, binaries and links by their place in each changeset, not by
    /// content.
    pub ot3_erase_by_place: bool,
    /// OT4: of two embedded objects made under one dictionary key one marker survives, and replaces the
    /// object.
    pub ot4_embedded_under_key: bool,
    /// OT5: numbers that a set takes for equal, but that differ in type or sign of zero, count as different.
    pub ot5_equal_numbers: bool,
    /// OT6: EraseColumn drops Updates of its column only, and lets all other edits of it live.
    pub ot6_erased_column: bool,
    /// OT11: a collection marker that wins drops the losing assignment, though the marker keeps old content.
    pub ot11_kept_content: bool,
    /// OT12: storing a zero where a zero is changes nothing, not even the sign, so that the sign depends on
    /// the order. The merge itself is right; it reports where it may matter.
    pub ot12_kept_zero: bool,
    /// OT13: a list or dictionary that moves within a list of mixed values cannot be read any more. The merge
    /// itself is right; it reports where only one side may have a collection there.
    pub ot13_moved_collection: bool,
    /// A Clear under a dictionary key can win over the erasure of that key, and then finds no key to clear.
    pub clear_of_erased_key: bool,
}

impl Rules {
    /// The rules of Tidemark: every defect corrected.
    pub const CORRECTED: Self = Self::all(false);

    /// The rules of the original, defects included.
    pub const ORIGINAL: Self = Self::all(true);

    const fn all(defect: bool) -> Self {
        Self {
            ot1_nested_move: defect,
            ot2_clear_of_element: defect,
            ot3_erase_by_place: defect,
            ot4_embedded_under_key: defect,
            ot5_equal_numbers: defect,
            ot6_erased_column: defect,
            ot11_kept_content: defect,
            ot12_kept_zero: defect,
            ot13_moved_collection: defect,
            clear_of_erased_key: defect,
        }
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::CORRECTED
    }
}
