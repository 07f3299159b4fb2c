//! What the schema of a body says of its members.
use crate::kernel::bodies::shape::{Cell, Node, Shape};

impl Shape {
    /// Returns the names of the members and the type of cell of each, for imports of spreadsheets.
    pub fn members(&self) -> Vec<(&str, Cell)> {
        let Node::Object { properties, .. } = &self.root else { return Vec::new() };
        properties.iter().filter_map(|(name, node)| Some((name.as_str(), self.cell(node)?))).collect()
    }

    /// Returns the names of all members.
    pub fn names(&self) -> Vec<&str> {
        let Node::Object { properties, .. } = &self.root else { return Vec::new() };
        properties.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Returns the values that a member can have, or none if it can have any.
    pub fn choices(&self, name: &str) -> &[String] {
        let Node::Object { properties, .. } = &self.root else { return &[] };
        properties.iter().find(|(known, _)| known == name).map_or(&[], |(_, node)| self.choices_of(node))
    }

    fn choices_of<'n>(&'n self, node: &'n Node) -> &'n [String] {
        match node {
            Node::Nullable(inner) => self.choices_of(inner),
            Node::Ref(named) => self.named.get(named).map_or(&[], |inner| self.choices_of(inner)),
            Node::Text { choices, .. } => choices,
            _ => &[],
        }
    }

    /// Checks whether a member may be null.
    pub fn takes_null(&self, name: &str) -> bool {
        let Node::Object { properties, .. } = &self.root else { return false };
        properties.iter().any(|(known, node)| known == name && node.nullable())
    }

    pub fn required(&self) -> &[String] {
        if let Node::Object { required, .. } = &self.root { required } else { &[] }
    }

    fn cell(&self, node: &Node) -> Option<Cell> {
        Some(match node {
            Node::Ref(name) if name == "Money" => Cell::Money,
            Node::Ref(name) => self.named.get(name).and_then(|n| self.cell(n))?,
            Node::Nullable(inner) => self.cell(inner)?,
            Node::Text { format: Some(format), .. } => match format.as_str() {
                "date" => Cell::Date,
                "date-time" => Cell::Time,
                "uuid" => Cell::Reference,
                _ => Cell::Text,
            },
            Node::Text { .. } => Cell::Text,
            Node::Int { .. } => Cell::Int,
            Node::Bool { .. } => Cell::Bool,
            Node::Array { items, .. } if matches!(**items, Node::Text { .. }) => Cell::Words,
            _ => return None,
        })
    }
}
