//! Random writes of an application: over few objects, so that everybody meets.
//!
//! What is written must not depend on values that compaction may keep from others for a while, so that two
//! runs with the same dice write the same.

use tidemark_changeset::{Payload, PrimaryKey, Value};
use tidemark_storage::Storage;
use tidemark_store::{Location, Result, Step, WriteTransaction};
use tidemark_testkit::dice::Dice;

/// Values of the field that subscriptions ask about.
pub const VIEWS: [&str; 4] = ["", "a", "b", "c"];

pub const SCHEMA: &str = r#"[
  {"name":"Object","kind":"top","primaryKey":{"name":"_id","type":"int","nullable":false},"columns":[
    {"name":"view","type":"string","nullable":false},
    {"name":"n","type":"int","nullable":true},
    {"name":"s","type":"string","nullable":false},
    {"name":"m","type":"mixed","nullable":true},
    {"name":"l","type":"int","nullable":false,"collection":"list"},
    {"name":"d","type":"int","nullable":false,"collection":"dictionary"},
    {"name":"e","type":"link","nullable":true,"target":"Part"},
    {"name":"t","type":"string","nullable":false,"collection":"set"},
    {"name":"p","type":"link","nullable":true,"target":"Object"}]},
  {"name":"Part","kind":"embedded","columns":[
    {"name":"size","type":"int","nullable":false},
    {"name":"label","type":"string","nullable":true}]}]"#;

const VIEW: u16 = 0;
const N: u16 = 1;
const S: u16 = 2;
const M: u16 = 3;
const L: u16 = 4;
const D: u16 = 5;
const E: u16 = 6;
const T: u16 = 7;
const P: u16 = 8;

/// What may happen in a history.
#[derive(Clone, Copy, Debug)]
pub struct Features {
    pub keys: usize,
    /// Whether the field that subscriptions look at changes.
    pub moves: bool,
    /// Everything but the most usual: collections, mixed, embedded objects.
    pub rich: bool,
}

fn number(dice: &mut Dice) -> Payload {
    let small = i64::try_from(dice.below(1_000)).expect("small");
    Payload::Value(Value::Int(small))
}

fn text(dice: &mut Dice) -> Payload {
    Payload::Value(Value::String(
        format!("t{}", dice.below(1_000)).as_str().into(),
    ))
}

/// One write transaction.
pub fn transaction<S: Storage>(
    write: &mut WriteTransaction<S>,
    dice: &mut Dice,
    features: Features,
) -> Result<()> {
    let class = write
        .catalog()
        .position(&"Object".into())
        .unwrap_or_default();
    for _ in 0..=dice.below(4) {
        let key = PrimaryKey::Int(i64::try_from(dice.below(features.keys)).expect("small"));
        let mut edit = Edit {
            class,
            key,
            // Drawn before it is known whether the object is there.
            dice: Dice::new(dice.number()),
            features,
        };
        let found = write.view()?.find(class, &edit.key)?;
        // What does not fit the state is not written.
        let _ = match found {
            Some(object) => edit.existing(write, object),
            None => edit.missing(write),
        };
    }
    Ok(())
}

struct Edit {
    class: usize,
    key: PrimaryKey,
    dice: Dice,
    features: Features,
}

impl Edit {
    fn at(&self, object: u64, column: u16, steps: &[Step]) -> Location {
        Location {
            class: self.class,
            object,
            column,
            steps: steps.to_vec(),
        }
    }

    fn missing<S: Storage>(&mut self, write: &mut WriteTransaction<S>) -> Result<()> {
        if self.dice.chance(40) {
            return Ok(());
        }
        let (object, _) = write.create(self.class, &self.key, true)?;
        if self.dice.chance(70) {
            self.set_view(write, object)?;
        }
        if self.dice.chance(50) {
            let (value, is_default) = (number(&mut self.dice), self.dice.chance(50));
            write.set(&self.at(object, N, &[]), is_default, &value)?;
        }
        Ok(())
    }

    fn set_view<S: Storage>(&mut self, write: &mut WriteTransaction<S>, object: u64) -> Result<()> {
        let view = *self.dice.pick(&VIEWS);
        let value = Payload::Value(Value::String(view.into()));
        write.set(&self.at(object, VIEW, &[]), false, &value)
    }

    fn existing<S: Storage>(&mut self, write: &mut WriteTransaction<S>, object: u64) -> Result<()> {
        let kinds = if self.features.rich { 100 } else { 62 };
        let kind = self.dice.below(kinds);
        let n = self.at(object, N, &[]);
        match kind {
            0..25 => {
                let is_default = self.dice.chance(10);
                let value = if self.dice.chance(10) {
                    Payload::Value(Value::Null)
                } else {
                    number(&mut self.dice)
                };
                write.set(&n, is_default, &value)
            }
            25..42 => {
                let value = text(&mut self.dice);
                write.set(&self.at(object, S, &[]), false, &value)
            }
            42..50 => write.add_integer(&n, i64::try_from(self.dice.below(9)).unwrap_or(1)),
            50..54 => write.erase(self.class, object),
            54..58 if self.features.moves => self.set_view(write, object),
            54..62 => self.set_link(write, object),
            62..78 => self.mixed(write, object),
            78..86 => self.dictionary(write, object),
            86..94 => self.embedded(write, object),
            _ => self.collections(write, object),
        }
    }

    fn set_link<S: Storage>(&mut self, write: &mut WriteTransaction<S>, object: u64) -> Result<()> {
        let value = if self.dice.chance(30) {
            Value::Null
        } else {
            let key =
                PrimaryKey::Int(i64::try_from(self.dice.below(self.features.keys)).expect("small"));
            let class = "Object".into();
            Value::Link(Box::new(tidemark_changeset::Link { class, key }))
        };
        write.set(&self.at(object, P, &[]), false, &Payload::Value(value))
    }

    fn mixed<S: Storage>(&mut self, write: &mut WriteTransaction<S>, object: u64) -> Result<()> {
        let place = self.at(object, M, &[]);
        match self.dice.below(10) {
            0..3 => write.set(&place, false, &number(&mut self.dice)),
            3..5 => write.set(&place, false, &text(&mut self.dice)),
            5 => write.set(&place, false, &Payload::List),
            6 => write.set(&place, false, &Payload::Dictionary),
            7 => write.add_integer(&place, 3),
            8 => {
                let first = self.at(object, M, &[Step::Visible(0)]);
                write.list_insert(&first, &number(&mut self.dice))
            }
            _ => {
                let entry = self.at(object, M, &[Step::Key("k".into())]);
                write.set(&entry, false, &number(&mut self.dice))
            }
        }
    }

    fn dictionary<S: Storage>(
        &mut self,
        write: &mut WriteTransaction<S>,
        object: u64,
    ) -> Result<()> {
        let key = *self.dice.pick(&["x", "y"]);
        let entry = self.at(object, D, &[Step::Key(key.into())]);
        match self.dice.below(10) {
            0..7 => write.set(&entry, false, &number(&mut self.dice)),
            7..9 => write.set(&entry, false, &Payload::Erased),
            _ => write.clear(&self.at(object, D, &[])),
        }
    }

    fn embedded<S: Storage>(&mut self, write: &mut WriteTransaction<S>, object: u64) -> Result<()> {
        let size = self.at(object, E, &[Step::Key("size".into())]);
        match self.dice.below(10) {
            0..2 => write.set(&self.at(object, E, &[]), false, &Payload::Object),
            2 => write.set(
                &self.at(object, E, &[]),
                false,
                &Payload::Value(Value::Null),
            ),
            3..7 => write.set(&size, false, &number(&mut self.dice)),
            7 => write.add_integer(&size, 5),
            _ => {
                let label = self.at(object, E, &[Step::Key("label".into())]);
                write.set(&label, false, &text(&mut self.dice))
            }
        }
    }

    fn collections<S: Storage>(
        &mut self,
        write: &mut WriteTransaction<S>,
        object: u64,
    ) -> Result<()> {
        let first = self.at(object, L, &[Step::Visible(0)]);
        match self.dice.below(6) {
            0..3 => write.list_insert(&first, &number(&mut self.dice)),
            3 => write.set(&first, false, &number(&mut self.dice)),
            4 => write.list_erase(&first),
            _ => {
                let set = self.at(object, T, &[]);
                let value = Value::String((*self.dice.pick(&["u", "v"])).into());
                write.set_insert(&set, &value)
            }
        }
    }
}
