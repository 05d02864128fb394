//! Tests of the merge as a whole: against a plain double loop, and against what a merge is for.

mod clusters;
mod cost;
mod generate;
mod old_and_new;
mod pairs;
mod places;
mod properties;
mod reference;
mod rules;
mod schema;
