//! The row of a file, its request bodies and its fields.
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::resource::{Builtin, Descriptor, OwnerLink, Reach, Resource};
use crate::kernel::answers::page::Page;
use crate::kernel::bodies::shape::Rules;
use crate::kernel::fields::field::{Field, field};
use crate::kernel::fields::kind::Kind;
use crate::kernel::fields::search::{Search, exact};
use crate::kernel::query::fields::Fields;
use crate::kernel::values::event_verbs as verbs;
use crate::kernel::values::time::DateTime;
use crate::schema::files;
use crate::{list_params, record};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::marker::PhantomData;
use utoipa::ToSchema;
use uuid::Uuid;

/// A file of a record or an activity.
#[derive(Clone, Debug, Queryable, Selectable, Serialize, ToSchema)]
#[diesel(table_name = files)]
#[schema(as = StoredFile)]
pub struct File {
    pub id: Uuid,
    pub name: String,
    /// Detected from the content, not from the name.
    pub content_type: String,
    /// Size in bytes.
    pub size: i64,
    /// The SHA-256 digest of the content in hexadecimal.
    #[schema(value_type = String)]
    pub sha256: Digest,
    pub contact_id: Option<Uuid>,
    pub company_id: Option<Uuid>,
    pub lead_id: Option<Uuid>,
    pub deal_id: Option<Uuid>,
    /// The activity of the file. The records of the activity become records of the file.
    pub activity_id: Option<Uuid>,
    /// The user who uploaded the file.
    pub author_id: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime,
    pub updated_at: DateTime,
    /// When the record was deleted. Only lists with `include_deleted` or `only_deleted` contain deleted records.
    pub deleted_at: Option<DateTime>,
}
impl NothingHidden for File {}
record!(File, FILE);

impl Kind {
    pub const FILE: Kind = Kind::new("file", "files");
}

static AUTHOR: Field = field("author_id", &files::author_id).hot();
static LINKS: [OwnerLink; 4] = crate::linked_records!(files);

impl Resource for File {
    const DESCRIPTOR: &Descriptor = &Descriptor::of(Kind::FILE, "Files of records and activities.")
        .owned(Reach::OwnerOrLinked(&AUTHOR, &LINKS), Builtin::Viewer, Builtin::Seller, Builtin::Seller)
        .events(&[verbs::SOFT]);
}
pub type FilePage = Page<File>;

/// A SHA-256 digest, stored as bytes and shown in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, diesel::deserialize::FromSqlRow)]
pub struct Digest(pub Vec<u8>);

impl diesel::deserialize::FromSql<diesel::sql_types::Binary, diesel::pg::Pg> for Digest {
    fn from_sql(value: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        Ok(Digest(value.as_bytes().to_vec()))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&crate::kernel::values::hex::hex(&self.0))
    }
}

/// The storage that a workspace uses.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FileUsage {
    /// The number of files, including deleted files whose bytes are still stored.
    pub files: i64,
    /// Their total size in bytes.
    pub bytes: i64,
    /// The storage quota in bytes; null if there is no limit.
    pub quota_bytes: Option<i64>,
}
impl NothingHidden for FileUsage {}

/// The content of a file.
#[derive(Debug, ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "only the schema of a binary response")]
pub struct FileBytes(Vec<u8>);

/// A file to upload, with at least one record or activity that it belongs to.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "only the schema of a form that is parsed as a stream")]
pub struct FileUpload {
    #[schema(format = "binary")]
    file: String,
    contact_id: Option<Uuid>,
    company_id: Option<Uuid>,
    lead_id: Option<Uuid>,
    deal_id: Option<Uuid>,
    activity_id: Option<Uuid>,
}

#[derive(Debug, Deserialize, AsChangeset, ToSchema)]
#[diesel(table_name = files)]
pub struct FileUpdate {
    #[schema(nullable = false, min_length = 1, max_length = 200)]
    pub name: Option<String>,
}
impl Rules for FileUpdate {
    crate::read_only_members_of!(File);
}

pub static FILE: Fields<files::table> = Fields {
    kind: Kind::FILE,
    all: &[
        field("name", &files::name),
        field("content_type", &files::content_type),
        field("size", &files::size),
        field("contact_id", &files::contact_id).to(Kind::CONTACT).hot(),
        field("company_id", &files::company_id).to(Kind::COMPANY).hot(),
        field("lead_id", &files::lead_id).to(Kind::LEAD).hot(),
        field("deal_id", &files::deal_id).to(Kind::DEAL).hot(),
        field("activity_id", &files::activity_id),
        field("author_id", &files::author_id).to(Kind::USER),
        field("created_at", &files::created_at),
        field("updated_at", &files::updated_at),
        field("deleted_at", &files::deleted_at),
    ],
    default_sort: "-created_at",
    id: field("id", &files::id),
    search: Some(Search {
        sql: "fold(files.name)",
        members: &["name"],
        exact: &[exact("fold(files.name) = ", &["name"])],
    }),
    derived: &[],
    links: &crate::related_links!(FILE, always true),
    table: PhantomData,
};
list_params!(FileList, FILE.parameters());
