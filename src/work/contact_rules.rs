//! Refuses calls and letters that are planned to a person who must not be contacted, or not in this way or at this time.
use crate::db::tx::Tx;
use crate::kernel::error::{Error, FieldCode, Result};
use crate::kernel::values::time::DateTime;
use crate::people::contacts::reach::{Channel, Channels, QuietHours};
use crate::schema::contacts;
use diesel::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

/// A call or letter that is planned.
#[derive(Clone, Copy, Debug)]
pub struct Planned<'a> {
    pub contact: Option<Uuid>,
    /// The type of the task or activity.
    pub type_: &'a str,
    /// When it takes place, if that is known to the minute.
    pub at: Option<DateTime>,
    /// The member with the time.
    pub pointer: &'static str,
}

impl Planned<'_> {
    /// Returns the channel; none for what is no contact with the person, or was agreed with them, such as meetings.
    fn channel(&self) -> Option<Channel> {
        match self.type_ {
            "call" => Some(Channel::Phone),
            "email" => Some(Channel::Email),
            "message" => Some(Channel::Messenger),
            "visit" => Some(Channel::Visit),
            _ => None,
        }
    }
}

#[derive(Queryable)]
struct Wishes {
    id: Uuid,
    do_not_contact: bool,
    channels: Channels,
    quiet_hours: Option<QuietHours>,
    time_zone: Option<String>,
}

impl Wishes {
    fn require(&self, tx: &Tx<'_>, planned: &Planned<'_>, channel: Channel) -> Result<()> {
        let refused = |pointer: &str, code, detail: String| Err(Error::member(pointer, code, detail));
        if self.do_not_contact {
            return refused("/contact_id", FieldCode::DoNotContact, "must not be contacted".into());
        }
        if self.channels.0.contains(&channel) {
            let detail = format!("must not be contacted by {}", channel.as_str());
            return refused("/contact_id", FieldCode::DoNotContact, detail);
        }
        let zone = self.time_zone.as_deref().and_then(|name| name.parse().ok()).unwrap_or_else(|| tx.zone());
        let local = planned.at.map(|at| at.utc().with_timezone(&zone).time());
        match (&self.quiet_hours, local) {
            (Some(hours), Some(time)) if hours.contain(time) => {
                let detail = format!(
                    "is {} at the contact, who is not to be disturbed from {} to {}",
                    time.format("%H:%M"),
                    hours.from,
                    hours.to
                );
                refused(planned.pointer, FieldCode::QuietHours, detail)
            }
            _ => Ok(()),
        }
    }
}

/// Checks the wishes of the contacts, with one statement.
pub fn require_welcome(tx: &mut Tx<'_>, list: &[Planned<'_>]) -> Result<()> {
    let contacting = || list.iter().filter_map(|planned| Some((planned, planned.channel()?, planned.contact?)));
    let ids: Vec<Uuid> = contacting().map(|(.., id)| id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let columns = (
        contacts::id,
        contacts::do_not_contact,
        contacts::do_not_contact_channels,
        contacts::quiet_hours,
        contacts::time_zone,
    );
    let these = contacts::table.filter(contacts::workspace_id.eq(tx.workspace())).filter(contacts::id.eq_any(ids));
    let wishes: Vec<Wishes> = these.select(columns).load(tx.conn)?;
    let wishes: HashMap<Uuid, Wishes> = wishes.into_iter().map(|wish| (wish.id, wish)).collect();
    contacting().try_for_each(|(planned, channel, id)| {
        wishes.get(&id).map_or(Ok(()), |wishes| wishes.require(tx, planned, channel))
    })
}
