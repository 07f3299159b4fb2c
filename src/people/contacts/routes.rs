//! The operations on contacts.
use crate::db::store::BatchStore;
use crate::db::table::{self, Stored};
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, Result};
use crate::people::contacts::consents::{self, ConsentHistory};
use crate::people::contacts::model::{CONTACT, Contact, ContactCreate, ContactList, ContactPage, ContactUpdate};
use crate::people::contacts::store;
use crate::web::body::Valid;
use crate::web::ctx::{Ctx, Id, Include};
use crate::web::headers::{Format, IdempotencyKey, IfMatch};
use crate::{
    as_it_was, batch_create, batch_delete, batch_update, batch_upsert, bulk_delete, bulk_update, history, restore,
    search_records,
};
use actix_web::{delete, get, patch, post};
use utoipa_actix_web::service_config::ServiceConfig;

/// List contacts.
#[utoipa::path(operation_id = "list_contacts", params(ContactList), responses((status = 200, description = "A page of contacts", body = ContactPage)))]
#[get("/contacts")]
async fn list(ctx: Ctx<can::Read<Contact>>, format: Format) -> Result<Reply> {
    ctx.list(format, &CONTACT, table::page::<Contact>).await
}

/// Create a contact.
///
/// If another contact has the e-mail, the error contains the id of that contact.
#[utoipa::path(operation_id = "create_contact", request_body = ContactCreate, responses((status = 201, description = "The contact", body = Contact)))]
#[post("/contacts")]
async fn create(ctx: Ctx<can::Create<Contact>>, key: IdempotencyKey, new: Valid<ContactCreate>) -> Result<Reply> {
    let emails = store::emails_of(&new);
    match ctx.once(key, move |tx| Contact::insert(tx, &new).map(Answer::created)).await {
        // Callers to whom addresses are hidden must not learn which contact has one.
        Err(error) if error.code() == Code::DuplicateEmail && !ctx.actor.access.hides("contacts", "email") => {
            let existing = ctx.read_value(move |tx| store::holder(tx, &emails)).await?;
            Err(error.with(|problem| problem.existing_id = existing))
        }
        outcome => outcome,
    }
}

/// Get a contact.
#[utoipa::path(operation_id = "get_contact", params(("contact_id" = Uuid, Path, description = "Id of the contact")),
    responses((status = 200, description = "The contact", body = Contact)))]
#[get("/contacts/{contact_id}")]
async fn read(ctx: Ctx<can::Read<Contact>>, id: Id, include: Include) -> Result<Reply> {
    ctx.one(&CONTACT, id, include, Contact::find).await
}

/// Change a contact.
///
/// Absent members stay; null, or the name in `clear`, clears a member.
#[utoipa::path(operation_id = "update_contact", params(("contact_id" = Uuid, Path, description = "Id of the contact")), request_body = ContactUpdate,
    responses((status = 200, description = "The changed contact", body = Contact)))]
#[patch("/contacts/{contact_id}")]
async fn change(
    ctx: Ctx<can::Update<Contact>>,
    id: Id,
    IfMatch(expected): IfMatch,
    changes: Valid<ContactUpdate>,
) -> Result<Reply> {
    ctx.write(move |tx| Contact::update(tx, id.0, expected, &changes).map(Answer::record)).await
}

/// Delete a contact.
///
/// Its leads, deals and history stay.
#[utoipa::path(operation_id = "delete_contact", params(("contact_id" = Uuid, Path, description = "Id of the contact")),
    responses((status = 204, description = "Deleted")))]
#[delete("/contacts/{contact_id}")]
async fn remove(ctx: Ctx<can::Delete<Contact>>, id: Id, IfMatch(expected): IfMatch) -> Result<Reply> {
    ctx.write(move |tx| Contact::delete(tx, id.0, expected).map(|()| Answer::none())).await
}

/// List the consent history of a contact, latest first.
///
/// Entries never change.
#[utoipa::path(operation_id = "list_contact_consents", params(("contact_id" = Uuid, Path, description = "Id of the contact")),
    responses((status = 200, description = "The history", body = ConsentHistory)))]
#[get("/contacts/{contact_id}/consents")]
async fn consent_history(ctx: Ctx<can::Read<Contact>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        if tx.actor.access.hides("contacts", "consents") {
            return Err(Error::new(Code::Forbidden, "your role hides consents"));
        }
        Contact::find(tx, id.0)?;
        Ok(Answer::ok(ConsentHistory { data: consents::of(tx, id.0)? }))
    })
    .await
}

batch_create!(Contact, ContactBatchCreate, "/contacts/batch-create" "batch_create_contacts");
batch_update!(Contact, ContactBatchUpdate, "/contacts/batch-update" "batch_update_contacts");
batch_delete!(Contact, "/contacts/batch-delete" "batch_delete_contacts");
batch_upsert!(Contact, ContactBatchCreate, "/contacts/batch-upsert" "batch_upsert_contacts");
bulk_update!(Contact, ContactBulkUpdate, "/contacts/bulk-update" "bulk_update_contacts");
bulk_delete!(Contact, "/contacts/bulk-delete" "bulk_delete_contacts");
search_records!(Contact, ContactPage, "/contacts/search" "search_contacts");

restore!(Contact, store::restore, "/contacts/{contact_id}/restore" "restore_contact" "contact_id");

history!(Contact, "/contacts/{contact_id}/history" "list_contact_history" "contact_id");
as_it_was!(Contact, "/contacts/{contact_id}/history/as-it-was" "get_contact_as_it_was" "contact_id");

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list).service(create).service(read).service(change).service(remove).service(consent_history);
    config.service(search).service(batch_create).service(batch_update).service(batch_delete).service(batch_upsert);
    config.service(restored).service(bulk_update).service(bulk_delete);
    config.service(history).service(as_it_was);
}
