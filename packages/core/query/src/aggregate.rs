//! `@min @max @sum @avg` (rql.md §7).

use tidemark_changeset::{CollectionKind, ColumnType, Decimal, Value};

use crate::ast::Aggregate;
use crate::bound::{AggregateExpression, End};
use crate::compare::{Owned, as_decimal, order};
use crate::decimal;
use crate::error::Result;
use crate::row::{Field, Row, Scalar};
use crate::steps::Given;
use crate::walk::{self, Event};

/// One value over the targets of links, or one per collection.
pub(crate) fn evaluate(
    aggregate: &AggregateExpression,
    row: &dyn Row,
    given: Given<'_>,
) -> Result<Vec<Owned>> {
    if let Some((place, _)) = &aggregate.property {
        let mut state = State::new(aggregate);
        walk::walk(&aggregate.path.steps, row, given, false, &mut |target| {
            if let Some(target) = target
                && let Field::Scalar(value) = walk::read(target, *place)
            {
                given.steps.take_bytes(value.text_bytes())?;
                state.add(&value);
            }
            Ok(())
        })?;
        return Ok(vec![state.finish()]);
    }
    let mut results = Vec::new();
    let unary = aggregate.path.is_unary();
    let mut here = aggregate.path.clone();
    let steps = std::mem::take(&mut here.steps);
    walk::walk(&steps, row, given, unary, &mut |owner| {
        let mut state = State::new(aggregate);
        if let Some(owner) = owner {
            walk::values(&here, owner, given, &mut |event| {
                if let Event::Value(value) = event {
                    given.steps.take_bytes(value.text_bytes())?;
                    state.add(&value);
                }
                Ok(())
            })?;
            results.push(state.finish());
        } else {
            results.push(Owned::NULL);
        }
        Ok(())
    })?;
    Ok(results)
}

/// A running aggregate. Nulls and NaN are skipped.
struct State {
    operation: Aggregate,
    source: ColumnType,
    count: u64,
    int: i64,
    double: f64,
    decimal: Decimal,
    best: Option<Owned>,
    /// Among mixed values and in dictionaries, the NaN of floats is the least number; elsewhere it is
    /// skipped.
    keeps_nan: bool,
}

impl State {
    fn new(aggregate: &AggregateExpression) -> Self {
        Self {
            operation: aggregate.operation,
            source: aggregate.source,
            count: 0,
            int: 0,
            double: 0.0,
            decimal: decimal::from_int(0),
            best: None,
            keeps_nan: matches!(aggregate.operation, Aggregate::Min | Aggregate::Max)
                && (aggregate.source == ColumnType::Mixed
                    || matches!(
                        aggregate.path.end,
                        End::Field {
                            collection: CollectionKind::Dictionary,
                            ..
                        }
                    )),
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn add(&mut self, value: &Scalar<'_>) {
        let skipped = match value {
            Scalar::Null => true,
            Scalar::Float(value) => value.is_nan() && !self.keeps_nan,
            Scalar::Double(value) => value.is_nan() && !self.keeps_nan,
            Scalar::Decimal(value) => decimal::is_nan(value),
            _ => false,
        };
        if skipped {
            return;
        }
        match self.operation {
            Aggregate::Min | Aggregate::Max => {
                let better = self.best.as_ref().is_none_or(|best| {
                    let ordering = order(value, &best.view());
                    if self.operation == Aggregate::Min {
                        ordering.is_lt()
                    } else {
                        ordering.is_gt()
                    }
                });
                if better {
                    self.best = Some(Owned::from(*value));
                }
            }
            Aggregate::Sum | Aggregate::Average => match self.source {
                ColumnType::Decimal | ColumnType::Mixed => {
                    if let Some(value) = as_decimal(value) {
                        self.decimal = decimal::add(&self.decimal, &value);
                        self.count += 1;
                    }
                }
                _ => {
                    match value {
                        Scalar::Int(value) => {
                            self.int = self.int.wrapping_add(*value);
                            self.double += *value as f64;
                        }
                        Scalar::Float(value) => self.double += f64::from(*value),
                        Scalar::Double(value) => self.double += *value,
                        _ => return,
                    }
                    self.count += 1;
                }
            },
        }
    }

    #[allow(clippy::cast_precision_loss)]
    fn finish(self) -> Owned {
        let decimal = matches!(self.source, ColumnType::Decimal | ColumnType::Mixed);
        match self.operation {
            Aggregate::Min | Aggregate::Max => self.best.unwrap_or(Owned::NULL),
            Aggregate::Average if self.count == 0 => Owned::NULL,
            Aggregate::Average if decimal => {
                let count = decimal::from_int(i64::try_from(self.count).unwrap_or(i64::MAX));
                Owned::Value(Value::Decimal(decimal::divide(&self.decimal, &count)))
            }
            Aggregate::Average => Owned::Value(Value::Double(self.double / self.count as f64)),
            Aggregate::Sum if decimal => Owned::Value(Value::Decimal(self.decimal)),
            Aggregate::Sum if self.source == ColumnType::Int => Owned::Value(Value::Int(self.int)),
            Aggregate::Sum => Owned::Value(Value::Double(self.double)),
        }
    }
}
