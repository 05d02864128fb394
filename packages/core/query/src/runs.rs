//! Runs of AND and OR made flat, in the order in which the original evaluates and prints them.

use crate::ast::Predicate;
use crate::parser::{Node, Parser};

impl Parser<'_> {
    /// Takes a node out of the arena, with runs of AND and OR made flat. The original walks a node's
    /// children and moves the two children of a nested node of the same kind to the end, which is a walk
    /// in breadth. It does so from the root only: below a NOT, runs stay in the order written.
    pub(crate) fn flatten(&mut self, root: usize, below_not: bool) -> Predicate {
        match std::mem::replace(&mut self.nodes[root], Node::Taken) {
            Node::Leaf(predicate) => predicate,
            Node::Not(inner) => Predicate::Not(Box::new(self.flatten(inner, true))),
            Node::And(left, right) => {
                let children = if below_not {
                    self.spine(left, right, and)
                } else {
                    self.breadth(left, right, and)
                };
                Predicate::And(self.flatten_all(children, below_not))
            }
            Node::Or(left, right) if below_not => {
                let children = self.spine(left, right, or);
                Predicate::Nested(self.flatten_all(children, true))
            }
            Node::Or(left, right) => {
                let children = self.breadth(left, right, or);
                Predicate::Or(self.flatten_all(children, false))
            }
            Node::Taken => unreachable!("every node has one parent"),
        }
    }

    fn flatten_all(&mut self, children: Vec<usize>, below_not: bool) -> Vec<Predicate> {
        children
            .into_iter()
            .map(|child| self.flatten(child, below_not))
            .collect()
    }

    fn breadth(&self, left: usize, right: usize, parts: Parts) -> Vec<usize> {
        let mut queue = std::collections::VecDeque::from([left, right]);
        let mut children = Vec::new();
        while let Some(node) = queue.pop_front() {
            match parts(&self.nodes[node]) {
                Some((left, right)) => queue.extend([left, right]),
                None => children.push(node),
            }
        }
        children
    }

    /// The operands of a run in the order written; an operand in parentheses stays one.
    fn spine(&self, left: usize, right: usize, parts: Parts) -> Vec<usize> {
        let mut children = vec![right];
        let mut node = left;
        while let Some((left, right)) = parts(&self.nodes[node]) {
            children.push(right);
            node = left;
        }
        children.push(node);
        children.reverse();
        children
    }
}

/// The operands of a node of one kind.
type Parts = fn(&Node) -> Option<(usize, usize)>;

fn and(node: &Node) -> Option<(usize, usize)> {
    match node {
        Node::And(left, right) => Some((*left, *right)),
        _ => None,
    }
}

fn or(node: &Node) -> Option<(usize, usize)> {
    match node {
        Node::Or(left, right) => Some((*left, *right)),
        _ => None,
    }
}
