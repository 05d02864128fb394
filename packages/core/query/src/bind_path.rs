//! Paths: names to places, through links, collections and nested values (rql.md §5).

use tidemark_changeset::{CollectionKind, ColumnType, Value};

use crate::argument::Argument;
use crate::ast::{Path, PathElement, Post};
use crate::bind::Binder;
use crate::bound::{DataType, End, Index, PathExpression, PostOperation, Step};
use crate::catalog::{Place, Property};
use crate::describe;
use crate::error::{QueryError, Result};
use crate::limits::{PATH_ELEMENTS_MAX, SUBSTITUTIONS_MAX};

/// A path while it is being resolved.
struct Resolver<'p> {
    elements: &'p [PathElement],
    at: usize,
    class: String,
    steps: Vec<Step>,
    text: Vec<String>,
    name: String,
    substitutions: usize,
}

impl Resolver<'_> {
    fn peek(&self) -> Option<&PathElement> {
        self.elements.get(self.at)
    }

    /// Whether names follow, so that the links so far are only a way to something else.
    fn has_more(&self) -> bool {
        self.at < self.elements.len()
    }

    fn append(&mut self, index: &str) {
        if let Some(last) = self.text.last_mut() {
            last.push_str(index);
        }
    }
}

impl Binder<'_> {
    /// Resolves a path with its quantifier and post operation.
    pub(crate) fn path(&mut self, path: &Path) -> Result<PathExpression> {
        let elements = self.expand_key_path(path)?;
        let mut resolved = self.elements(&elements)?;
        resolved.quantifier = path.quantifier;
        post_operation(&mut resolved, path.post)?;
        if let Some(quantifier) = path.quantifier
            && !is_quantifiable(&resolved)
        {
            return Err(QueryError::InvalidQuery(format!(
                "The keypath following '{}' must contain a list",
                describe::quantifier_text(quantifier)
            )));
        }
        Ok(resolved)
    }

    /// Puts the names of a `$K` argument in its place.
    fn expand_key_path(&self, path: &Path) -> Result<Vec<PathElement>> {
        let Some(PathElement::KeyPath(index)) = path.elements.first() else {
            return Ok(path.elements.clone());
        };
        if path.elements.len() > 1 {
            return Err(QueryError::InvalidQuery(
                "Key path argument cannot be mixed with other elements".into(),
            ));
        }
        let text = match self.argument(*index)? {
            Argument::Value(Value::String(text)) if !text.is_empty() => text.to_string(),
            Argument::Value(Value::Null) | Argument::List(_) => {
                return Err(QueryError::InvalidQueryArg(format!(
                    "Null or list cannot be used for parameter '$K{index}'"
                )));
            }
            Argument::Value(value) => {
                let found = crate::bound::type_of(&crate::compare::Owned::Value(value.clone()));
                return Err(QueryError::InvalidQueryArg(format!(
                    "Invalid index type for '$K{index}'. Expected a string, but found type '{}'",
                    found.map_or("null", DataType::name)
                )));
            }
            Argument::Geo(_) => {
                return Err(QueryError::InvalidQueryArg(format!(
                    "Invalid index type for '$K{index}'. Expected a string, but found type 'geospatial'"
                )));
            }
        };
        if text.split('.').count() > PATH_ELEMENTS_MAX {
            return Err(QueryError::LimitExceeded(format!(
                "a path is longer than {PATH_ELEMENTS_MAX} elements"
            )));
        }
        Ok(text
            .split('.')
            .map(|name| PathElement::Name(name.to_owned()))
            .collect())
    }

    fn elements(&mut self, elements: &[PathElement]) -> Result<PathExpression> {
        let scope = self.scope();
        let mut resolver = Resolver {
            elements,
            at: 0,
            class: scope.class.clone(),
            steps: Vec::new(),
            text: scope.printed.iter().cloned().collect(),
            name: String::new(),
            substitutions: 0,
        };
        if let (Some(PathElement::Name(name)), Some(variable)) = (elements.first(), &scope.variable)
            && name == variable
        {
            resolver.at = 1;
            if elements.len() == 1 {
                return Err(QueryError::InvalidQuery(format!(
                    "Comparing the subquery variable '{variable}' itself is not supported"
                )));
            }
        }
        let end = loop {
            if !resolver.has_more() {
                break None;
            }
            if let Some(end) = self.step(&mut resolver)? {
                break Some(end);
            }
        };
        Ok(finish(resolver, end))
    }

    /// Resolves one name with the indexes after it; answers the end if the path ends there.
    fn step(&mut self, resolver: &mut Resolver<'_>) -> Result<Option<(End, DataType)>> {
        let name = match resolver.peek() {
            Some(PathElement::Name(name)) => name.clone(),
            Some(other) => {
                let text = self.index_text(other)?;
                return Err(QueryError::InvalidQuery(format!("{text} not expected")));
            }
            None => return Ok(None),
        };
        resolver.at += 1;
        if name == "@links" {
            return self.backlinks(resolver);
        }
        if let Some((origin, property)) = self.catalog.linking(&resolver.class, &name) {
            resolver.substitutions += 1;
            if resolver.substitutions > SUBSTITUTIONS_MAX {
                return Err(QueryError::InvalidQuery(format!(
                    "Substitution loop detected while processing property '{name}' of '{}'",
                    resolver.class
                )));
            }
            self.backlink_step(resolver, &origin, &property)?;
            return Ok(None);
        }
        let name = self.stored_name(&resolver.class, name);
        let Some(property) = self.catalog.property(&resolver.class, &name) else {
            return Err(QueryError::InvalidQuery(format!(
                "'{}' has no property '{name}'",
                resolver.class
            )));
        };
        if resolver.steps.is_empty() {
            self.record_field(&name);
        }
        resolver.name.clone_from(&name);
        resolver.text.push(describe::escape_name(&name));
        match (&property.target, property.place) {
            (Some(target), Place::Column(column)) if property.column_type == ColumnType::Link => {
                let target = target.clone();
                self.link(resolver, &property, column, &target)
            }
            _ => self.field(resolver, &property).map(Some),
        }
    }

    /// `@links.Class.property`, or `@links` alone.
    fn backlinks(&mut self, resolver: &mut Resolver<'_>) -> Result<Option<(End, DataType)>> {
        if !resolver.has_more() {
            resolver.text.push("@links".into());
            resolver.name = "@links".into();
            return Ok(Some((End::AllBacklinks, DataType::INT)));
        }
        let (Some(PathElement::Name(class)), Some(PathElement::Name(property))) = (
            resolver.elements.get(resolver.at),
            resolver.elements.get(resolver.at + 1),
        ) else {
            return Err(QueryError::Syntax("An ID must follow @links".into()));
        };
        resolver.at += 2;
        let (class, property) = (class.clone(), self.stored_name(class, property.clone()));
        self.backlink_step(resolver, &class, &property)?;
        Ok(None)
    }

    /// The name in the file of what may be a name of the application.
    pub(crate) fn stored_name(&self, class: &str, name: String) -> String {
        self.catalog.stored_name(class, &name).unwrap_or(name)
    }

    fn backlink_step(
        &mut self,
        resolver: &mut Resolver<'_>,
        origin: &str,
        name: &str,
    ) -> Result<()> {
        let Some(property) = self.catalog.property(origin, name) else {
            return Err(QueryError::InvalidQuery(format!(
                "No property '{name}' found in type '{origin}' which links to type '{}'",
                resolver.class
            )));
        };
        if property.target.as_deref() != Some(resolver.class.as_str()) {
            return Err(QueryError::InvalidProperty("Invalid column key".into()));
        }
        resolver
            .text
            .push(format!("@links.{origin}.{}", describe::escape_name(name)));
        name.clone_into(&mut resolver.name);
        origin.clone_into(&mut resolver.class);
        resolver.steps.push(Step::Backlinks {
            class: origin.to_owned(),
            property: name.to_owned(),
        });
        if let Some(index) = resolver.peek()
            && !matches!(index, PathElement::Name(_))
        {
            let text = self.index_text(index)?;
            return Err(QueryError::InvalidQuery(format!("{text} not expected")));
        }
        Ok(())
    }

    /// A link property: one more step, or the end of the path.
    fn link(
        &mut self,
        resolver: &mut Resolver<'_>,
        property: &Property,
        column: usize,
        target: &str,
    ) -> Result<Option<(End, DataType)>> {
        let collection = property.collection;
        let owner = std::mem::replace(&mut resolver.class, target.to_owned());
        let mut index = None;
        if collection == CollectionKind::Dictionary {
            match self.dictionary_index(resolver, target)? {
                Some(Index::Keys) => {
                    resolver.append(".@keys");
                    let end = End::Field {
                        place: Place::Column(column),
                        collection,
                        column_type: ColumnType::Link,
                        indexes: vec![Index::Keys],
                    };
                    resolver.class = owner;
                    return Ok(Some((end, DataType::STRING)));
                }
                found => index = found,
            }
        } else if let Some(element) = resolver.peek().filter(|element| !is_name(element)) {
            let element = element.clone();
            resolver.at += 1;
            let text = self.index_text(&element)?;
            let found = self.index(&element)?;
            if found == Index::All {
                // The wildcard is what a list means anyway.
            } else if collection != CollectionKind::List || matches!(found, Index::Key(_)) {
                return Err(QueryError::InvalidQuery(format!("{text} not expected")));
            } else if !resolver.has_more() {
                let index = text.trim_matches(['[', ']']);
                return Err(QueryError::InvalidQuery(format!(
                    "Property '{owner}.' does not support index '{index}'"
                )));
            } else {
                resolver.append(&text);
                index = Some(found);
            }
        }
        resolver.steps.push(Step::Link {
            column,
            collection,
            index,
        });
        Ok(None)
    }

    /// What follows a dictionary of links: all values, one key, or the keys.
    fn dictionary_index(&self, resolver: &mut Resolver<'_>, target: &str) -> Result<Option<Index>> {
        let Some(element) = resolver.peek().cloned() else {
            return Ok(None);
        };
        let found = match &element {
            PathElement::Name(name) if name == "@values" => Index::All,
            PathElement::Name(name) if name == "@keys" => Index::Keys,
            PathElement::Name(name) if name == "@links" => return Ok(None),
            PathElement::Name(name)
                if self
                    .catalog
                    .property(target, &self.stored_name(target, name.clone()))
                    .is_some()
                    || self.catalog.linking(target, name).is_some() =>
            {
                return Ok(None);
            }
            PathElement::Name(name) => Index::Key(name.as_bytes().to_vec()),
            _ => self.index(&element)?,
        };
        resolver.at += 1;
        match found {
            Index::All => Ok(None),
            Index::Key(key) => {
                resolver.append(&describe::key_index_text(&key));
                Ok(Some(Index::Key(key)))
            }
            Index::Keys => Ok(Some(Index::Keys)),
            _ => Err(QueryError::InvalidQuery(format!(
                "{} not expected",
                self.index_text(&element)?
            ))),
        }
    }

    /// A property that is no link, with all that follows as indexes.
    fn field(&self, resolver: &mut Resolver<'_>, property: &Property) -> Result<(End, DataType)> {
        let rest: Vec<PathElement> = resolver
            .elements
            .iter()
            .skip(resolver.at)
            .cloned()
            .collect();
        resolver.at = resolver.elements.len();
        let column_type = property.column_type;
        let mut indexes = Vec::with_capacity(rest.len());
        let full_name = format!("{}.{}", resolver.class, resolver.name);
        if rest.len() > 1 && column_type != ColumnType::Mixed {
            return Err(QueryError::InvalidQuery(
                "Only Property of type 'any' can have nested collections".into(),
            ));
        }
        for (position, element) in rest.iter().enumerate() {
            let first = position == 0;
            if first && let Some(end) = length_end(resolver, property, &rest) {
                return Ok(end);
            }
            let nested = column_type == ColumnType::Mixed
                && (property.collection == CollectionKind::Single || !first);
            let index = self.index_of(element, property, first)?;
            if !nested && !fits(property.collection, &index) {
                let text = self.index_text(element)?;
                return Err(QueryError::InvalidQuery(match element {
                    PathElement::Name(name) => {
                        format!("Property '{full_name}' has no property '{name}'")
                    }
                    _ => format!(
                        "Property '{full_name}' does not support index '{}'",
                        text.trim_matches(['[', ']']).trim_matches('\'')
                    ),
                }));
            }
            if index == Index::All
                && property.collection == CollectionKind::List
                && column_type != ColumnType::Mixed
            {
                // All elements are what a list means anyway.
                continue;
            }
            resolver.append(&index_print(&index));
            indexes.push(index);
        }
        let data_type = match indexes.last() {
            Some(Index::Keys) if property.collection == CollectionKind::Dictionary => {
                DataType::STRING
            }
            _ if property.collection == CollectionKind::Dictionary => DataType::MIXED,
            _ => DataType::Column(column_type),
        };
        if property.collection == CollectionKind::Dictionary && indexes.is_empty() {
            resolver.append("[*]");
            indexes.push(Index::All);
        }
        let end = End::Field {
            place: property.place,
            collection: property.collection,
            column_type,
            indexes,
        };
        Ok((end, data_type))
    }

    fn index_of(&self, element: &PathElement, property: &Property, first: bool) -> Result<Index> {
        match element {
            PathElement::Name(name)
                if first && property.collection == CollectionKind::Dictionary =>
            {
                Ok(match name.as_str() {
                    "@values" => Index::All,
                    "@keys" => Index::Keys,
                    _ => Index::Key(name.as_bytes().to_vec()),
                })
            }
            _ => self.index(element),
        }
    }

    fn index(&self, element: &PathElement) -> Result<Index> {
        Ok(match element {
            PathElement::Name(name) => Index::Key(name.as_bytes().to_vec()),
            PathElement::Index(0) | PathElement::First => Index::First,
            PathElement::Index(index) => Index::At(*index),
            PathElement::Last => Index::Last,
            PathElement::Wildcard => Index::All,
            PathElement::Key(key) => Index::Key(key.clone()),
            PathElement::Argument(index) => match self.argument(*index)? {
                Argument::Value(Value::String(key)) => Index::Key(key.as_bytes().to_vec()),
                Argument::Value(Value::Int(0)) => Index::First,
                Argument::Value(Value::Int(at)) => {
                    Index::At(usize::try_from(*at).unwrap_or(usize::MAX))
                }
                Argument::Value(Value::Null) | Argument::List(_) => {
                    return Err(QueryError::InvalidQuery("Invalid index parameter".into()));
                }
                _ => return Err(QueryError::InvalidQuery("Invalid index type".into())),
            },
            PathElement::KeyPath(_) => {
                return Err(QueryError::InvalidQuery(
                    "Key path argument cannot be mixed with other elements".into(),
                ));
            }
        })
    }

    fn index_text(&self, element: &PathElement) -> Result<String> {
        Ok(index_print(&self.index(element)?))
    }
}

fn is_quantifiable(path: &PathExpression) -> bool {
    !path.is_unary()
        || matches!(&path.end, End::Field { collection, indexes, .. }
            if *collection != CollectionKind::Single || !indexes.is_empty())
        || matches!(path.end, End::Objects) && path.data_type == DataType::LINK
        || matches!(path.end, End::AllBacklinks)
}

/// `.length` on a collection of strings, binaries or mixed values.
fn length_end(
    resolver: &mut Resolver<'_>,
    property: &Property,
    rest: &[PathElement],
) -> Option<(End, DataType)> {
    let [PathElement::Name(name)] = rest else {
        return None;
    };
    let sized = matches!(
        property.column_type,
        ColumnType::String | ColumnType::Binary | ColumnType::Mixed
    );
    let sequence = matches!(
        property.collection,
        CollectionKind::List | CollectionKind::Set
    );
    if !sized || !sequence || !name.eq_ignore_ascii_case("length") {
        return None;
    }
    resolver.name = "length".into();
    let end = End::Field {
        place: property.place,
        collection: property.collection,
        column_type: property.column_type,
        indexes: Vec::new(),
    };
    Some((end, DataType::INT))
}

/// Checks and adds `@size` or `@type`.
fn post_operation(path: &mut PathExpression, post: Option<Post>) -> Result<()> {
    let sized =
        matches!(&path.end, End::Field { column_type, .. } if *column_type != ColumnType::Int);
    if path.name == "length" && path.data_type == DataType::INT && sized {
        path.post = Some(PostOperation::Length);
        path.text.push_str(".length");
    }
    let unsupported = |operation: &str, data_type: DataType| {
        Err(QueryError::InvalidQuery(format!(
            "Operation '{operation}' is not supported on property of type '{}'",
            data_type.name()
        )))
    };
    match post {
        None => {}
        Some(Post::Size | Post::Count) => {
            if let End::Field {
                collection,
                column_type,
                indexes,
                ..
            } = &path.end
            {
                let keys = indexes.last() == Some(&Index::Keys);
                let sized = matches!(
                    column_type,
                    ColumnType::String | ColumnType::Binary | ColumnType::Mixed
                );
                let container = *collection != CollectionKind::Single
                    && matches!(indexes.as_slice(), [] | [Index::All]);
                if path.post.is_some() || keys || !(sized || container) {
                    let word = if post == Some(Post::Size) {
                        "@size"
                    } else {
                        "@count"
                    };
                    return unsupported(word, path.data_type);
                }
            }
            path.post = Some(PostOperation::Size);
            path.data_type = DataType::INT;
        }
        Some(Post::Type) => {
            let typed_collection = matches!(
                &path.end,
                End::Field {
                    collection: CollectionKind::List | CollectionKind::Set,
                    column_type,
                    ..
                } if *column_type != ColumnType::Mixed
            );
            if typed_collection || path.gives_keys() || path.post.is_some() {
                return unsupported("@type", path.data_type);
            }
            path.post = Some(PostOperation::Type);
            path.data_type = DataType::TypeOfValue;
        }
    }
    Ok(())
}

fn is_name(element: &PathElement) -> bool {
    matches!(element, PathElement::Name(_))
}

fn fits(collection: CollectionKind, index: &Index) -> bool {
    match collection {
        CollectionKind::Single => false,
        CollectionKind::List => !matches!(index, Index::Key(_) | Index::Keys),
        CollectionKind::Set => *index == Index::All,
        CollectionKind::Dictionary => matches!(index, Index::Key(_) | Index::Keys | Index::All),
    }
}

pub(crate) fn index_print(index: &Index) -> String {
    match index {
        Index::At(index) => format!("[{index}]"),
        Index::First => "[FIRST]".into(),
        Index::Last => "[LAST]".into(),
        Index::All => "[*]".into(),
        Index::Key(key) => describe::key_index_text(key),
        Index::Keys => ".@keys".into(),
    }
}

fn finish(resolver: Resolver<'_>, end: Option<(End, DataType)>) -> PathExpression {
    let (end, data_type) = end.unwrap_or((End::Objects, DataType::LINK));
    PathExpression {
        quantifier: None,
        steps: resolver.steps,
        end,
        post: None,
        text: resolver.text.join("."),
        data_type,
        class: resolver.class,
        name: resolver.name,
    }
}
