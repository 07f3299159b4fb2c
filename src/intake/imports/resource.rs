//! What rows become: one resource, or several in the parts of an import.
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::Action;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::{jsonb, text_enum};
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

text_enum! {
    /// The resource that the rows are imported to.
    pub enum ImportResource {
        Users = "users",
        Companies = "companies",
        Contacts = "contacts",
        Products = "products",
        Leads = "leads",
        Deals = "deals",
    }
}
impl ImportResource {
    /// The order in which the parts of an import run: records come after those that they refer to.
    pub const ORDER: [ImportResource; 6] = [
        ImportResource::Users,
        ImportResource::Companies,
        ImportResource::Contacts,
        ImportResource::Products,
        ImportResource::Leads,
        ImportResource::Deals,
    ];

    pub const fn kind(self) -> Kind {
        match self {
            ImportResource::Users => Kind::USER,
            ImportResource::Companies => Kind::COMPANY,
            ImportResource::Contacts => Kind::CONTACT,
            ImportResource::Products => Kind::PRODUCT,
            ImportResource::Leads => Kind::LEAD,
            ImportResource::Deals => Kind::DEAL,
        }
    }

    /// Returns whether the records have tags.
    pub const fn has_tags(self) -> bool {
        !matches!(self, ImportResource::Users | ImportResource::Products)
    }

    /// Checks that the caller may create, and with `changes` also update, records of this resource.
    pub fn authorize(self, actor: &Actor, changes: bool) -> Result<()> {
        let path = self.kind().path();
        actor.require_action(Action::Create, path)?;
        if changes { actor.require_action(Action::Update, path) } else { Ok(()) }
    }
}
/// A part of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportPart {
    /// The import that the part is.
    pub import_id: Uuid,
    pub resource: ImportResource,
    /// The sheet of the workbook, or the file in the archive; null if the file is one table.
    pub sheet: Option<String>,
}

/// The parts of an import.
#[derive(Clone, Debug, Default, Serialize, Deserialize, AsExpression, FromSqlRow)]
#[serde(transparent)]
#[diesel(sql_type = Jsonb)]
pub struct ImportParts(pub Vec<ImportPart>);

impl ImportParts {
    /// Returns the kinds of records that the rows of a table become: several if each row holds several records.
    pub fn kinds_in(&self, sheet: Option<&str>) -> Vec<ImportResource> {
        let same = self.0.iter().filter(|part| part.sheet.as_deref() == sheet);
        same.map(|part| part.resource).collect()
    }
}

jsonb!(ImportParts);
