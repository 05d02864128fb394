//! Applying changesets of which nothing is known but that they can be decoded.

use tidemark_changeset::Instruction;
use tidemark_model::Class;
use tidemark_model::memory::Database as Model;
use tidemark_storage::OrderedStorage;
use tidemark_store::{Database, DatabaseOptions, StoreError, WriteTransaction};

use super::{decoded, sections};

/// Applies each section of `input` in a transaction of its own, to the model in memory and to a store. Both
/// take it or refuse it, and end with the same objects.
pub fn apply(input: &[u8]) {
    let store = Database::open(OrderedStorage::new(), DatabaseOptions::default())
        .expect("an empty storage opens");
    let mut model = Model::new();
    for (number, section) in (1..).zip(sections(input)) {
        let Some(instructions) = decoded(section.bytes) else {
            continue;
        };
        let mut draft = model.clone();
        let wanted = draft.apply(&instructions);
        let mut write = store.begin_write().expect("nobody else writes");
        let found = apply_all(&mut write, &instructions);
        assert_eq!(
            found.is_ok(),
            wanted.is_ok(),
            "the store says {found:?}, the model {wanted:?}"
        );
        if found.is_ok() {
            store
                .commit(write, number)
                .expect("what was applied can be committed");
            model = draft;
            drop_asymmetric(&mut model);
        } else {
            drop(write);
        }
        let snapshot = store.read().expect("the store can be read");
        let mut found = snapshot.view().export().expect("all objects can be read");
        let mut wanted = model.clone();
        found.fill();
        wanted.fill();
        assert_eq!(found.objects, wanted.objects, "the same objects");
        assert_eq!(found.schema, wanted.schema, "the same schema");
    }
}

fn apply_all(
    write: &mut WriteTransaction<OrderedStorage>,
    instructions: &[Instruction],
) -> Result<(), StoreError> {
    instructions
        .iter()
        .try_for_each(|instruction| write.apply(instruction))
}

/// Objects of asymmetric classes leave a client's file with the commit that made them.
fn drop_asymmetric(model: &mut Model) {
    let Model { schema, objects } = model;
    objects.retain(|name, _| !schema.class(name).is_some_and(Class::is_asymmetric));
}
