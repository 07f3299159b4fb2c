//! Database access for files.
use crate::db::constraint::{ConstraintRule, ConstraintRules, MapConstraint};
use crate::db::events::{self, Event};
use crate::db::refs;
use crate::db::sql::{Part, Statement};
use crate::db::table::{self, Expected, Stored as _};
use crate::db::tx::Tx;
use crate::db::visibility::{self, visibility_filter};
use crate::kernel::access::grants::Action;
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::records::files::model::{File, FileUpdate, FileUsage};
use crate::schema::{activities, files, workspaces};
use crate::{restorable, stored};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use uuid::Uuid;

stored!(soft files, File);
restorable!(files, File);

const CONSTRAINTS: ConstraintRules = &[
    ("files_contact_id_fkey", ConstraintRule::Missing("/contact_id")),
    ("files_company_id_fkey", ConstraintRule::Missing("/company_id")),
    ("files_lead_id_fkey", ConstraintRule::Missing("/lead_id")),
    ("files_deal_id_fkey", ConstraintRule::Missing("/deal_id")),
    ("files_activity_id_fkey", ConstraintRule::Missing("/activity_id")),
];

/// The records and the activity of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Belongs {
    pub contact: Option<Uuid>,
    pub company: Option<Uuid>,
    pub lead: Option<Uuid>,
    pub deal: Option<Uuid>,
    pub activity: Option<Uuid>,
}

/// A new file whose bytes are in the store.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: Uuid,
    pub name: String,
    pub content_type: String,
    pub size: i64,
    pub sha256: Vec<u8>,
    pub belongs: Belongs,
}

/// The records that an activity is linked to.
#[derive(Queryable, Selectable)]
#[diesel(table_name = activities)]
struct Links {
    contact_id: Option<Uuid>,
    company_id: Option<Uuid>,
    lead_id: Option<Uuid>,
    deal_id: Option<Uuid>,
}

/// Adds the records of the activity, so that callers who see these records also see the file.
fn with_records_of_activity(tx: &mut Tx<'_>, belongs: Belongs) -> Result<Belongs> {
    let Some(id) = belongs.activity else { return Ok(belongs) };
    let seen = visibility_filter::<activities::table>(tx.actor, Kind::ACTIVITY, Action::Read);
    let own = activities::table.find((tx.workspace(), id)).filter(activities::deleted_at.is_null()).filter(&seen);
    let found: Option<Links> = own.select(Links::as_select()).first(tx.conn).optional()?;
    let links = found.ok_or_else(|| Error::reference("/activity_id"))?;
    Ok(Belongs {
        contact: belongs.contact.or(links.contact_id),
        company: belongs.company.or(links.company_id),
        lead: belongs.lead.or(links.lead_id),
        deal: belongs.deal.or(links.deal_id),
        activity: belongs.activity,
    })
}

#[derive(QueryableByName)]
struct Used {
    #[diesel(sql_type = BigInt)]
    files: i64,
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// Returns the storage usage of the workspace.
pub fn usage(tx: &mut Tx<'_>, quota: Option<i64>) -> Result<FileUsage> {
    let used = Statement::new(
        "select count(*) as files, coalesce(sum(size), 0)::bigint as bytes from files where workspace_id = :workspace and purged_at is null",
    );
    let used: Used = used.set("workspace", Part::Id(tx.workspace())).get_result(tx.conn)?;
    Ok(FileUsage { files: used.files, bytes: used.bytes, quota_bytes: quota })
}

/// Checks that a file fits into the storage quota.
pub fn require_quota(tx: &mut Tx<'_>, size: i64, quota: Option<i64>) -> Result<()> {
    let Some(quota) = quota else { return Ok(()) };
    let left = quota.saturating_sub(usage(tx, Some(quota))?.bytes);
    if size <= left {
        return Ok(());
    }
    let detail = format!("the file has {size} bytes; {} of the {quota} bytes of the workspace are left", left.max(0));
    Err(Error::new(Code::QuotaExceeded, detail))
}

pub fn insert(tx: &mut Tx<'_>, new: &Stored, quota: Option<i64>) -> Result<File> {
    visibility::authorize_create(tx, Kind::FILE, Some(tx.actor.user))?;
    if quota.is_some() {
        // Locks the workspace, so that concurrent uploads cannot exceed the quota together.
        workspaces::table.find(tx.workspace()).select(workspaces::id).for_no_key_update().first::<Uuid>(tx.conn)?;
        require_quota(tx, new.size, quota)?;
    }
    let Belongs { contact, company, lead, deal, .. } = new.belongs;
    refs::require_visible(
        tx,
        &[
            (Kind::CONTACT, contact, "/contact_id"),
            (Kind::COMPANY, company, "/company_id"),
            (Kind::LEAD, lead, "/lead_id"),
            (Kind::DEAL, deal, "/deal_id"),
        ],
    )?;
    let belongs = with_records_of_activity(tx, new.belongs)?;
    let row: File = diesel::insert_into(files::table)
        .values((
            (files::workspace_id.eq(tx.workspace()), files::id.eq(new.id), files::name.eq(&new.name)),
            (files::content_type.eq(&new.content_type), files::size.eq(new.size), files::sha256.eq(&new.sha256)),
            (files::contact_id.eq(belongs.contact), files::company_id.eq(belongs.company)),
            (files::lead_id.eq(belongs.lead), files::deal_id.eq(belongs.deal)),
            (files::activity_id.eq(belongs.activity), files::author_id.eq(tx.actor.user)),
            (files::created_at.eq(tx.now), files::updated_at.eq(tx.now)),
        ))
        .returning(File::as_returning())
        .get_result(tx.conn)
        .map_constraint(CONSTRAINTS)?;
    tx.record(Event::created(&row)?);
    Ok(row)
}

/// Returns the last segment of the name, without control characters.
pub fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    if plain.trim().is_empty() { "file".into() } else { plain.trim().to_owned() }
}

pub fn update(tx: &mut Tx<'_>, id: Uuid, expected: Expected, changes: &FileUpdate) -> Result<File> {
    let before = File::lock(tx, id, expected)?;
    let name = changes.name.as_deref().map(plain_name);
    let changes = FileUpdate { name };
    let after: File = diesel::update(files::table.find((tx.workspace(), id)))
        .set((changes, files::version.eq(before.version + 1), files::updated_at.eq(tx.now)))
        .returning(File::as_returning())
        .get_result(tx.conn)?;
    events::record_change(tx, &before, after)
}

/// Soft-deletes a file. The bytes stay for as long as the file can be restored.
pub fn delete(tx: &mut Tx<'_>, id: Uuid, expected: Expected) -> Result<()> {
    let row = File::lock(tx, id, expected)?;
    table::mark_deleted(tx, &[row], None)
}
