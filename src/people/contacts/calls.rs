//! URLs that call a contact, by the pattern of the workspace.
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::kernel::access::hide::NothingHidden;
use crate::kernel::access::permission::can;
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::call_url;
use crate::people::contacts::model::Contact;
use crate::people::contacts::reach::{AddressKind, ContactPhone};
use crate::schema::workspaces;
use crate::web::ctx::{Ctx, Id};
use actix_web::get;
use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_actix_web::service_config::ServiceConfig;

/// A number of a contact, and the URL that calls it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallLink {
    pub phone: String,
    /// The number in E.164; null if it cannot be parsed.
    pub e164: Option<String>,
    pub kind: AddressKind,
    #[schema(example = "tel:+3725550101")]
    pub url: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CallLinks {
    /// In the order of the contact's phones.
    pub data: Vec<CallLink>,
}
/// A role that hides the phones gets no links at all.
impl NothingHidden for CallLinks {}

fn links(tx: &mut Tx<'_>, contact: Contact) -> Result<CallLinks> {
    let pattern: String = workspaces::table.find(tx.workspace()).select(workspaces::call_url).first(tx.conn)?;
    let link = |ContactPhone { phone, e164, kind }: ContactPhone| {
        let url = call_url::of(&pattern, e164.as_deref().unwrap_or(&phone));
        CallLink { phone, e164, kind, url }
    };
    Ok(CallLinks { data: contact.phones.0.into_iter().map(link).collect() })
}

/// List the URLs that call a contact, by the `call_url` of the workspace.
#[utoipa::path(operation_id = "list_contact_call_links", params(("contact_id" = Uuid, Path, description = "Id of the contact")),
    responses((status = 200, description = "The URLs", body = CallLinks)))]
#[get("/contacts/{contact_id}/call-links")]
async fn list(ctx: Ctx<can::Read<Contact>>, id: Id) -> Result<Reply> {
    ctx.read(move |tx| {
        if tx.actor.access.hides("contacts", "phone") {
            return Err(Error::new(Code::Forbidden, "your role hides phones"));
        }
        let contact = Contact::find(tx, id.0)?;
        links(tx, contact).map(Answer::ok)
    })
    .await
}

pub fn service(config: &mut ServiceConfig<'_>) {
    config.service(list);
}
