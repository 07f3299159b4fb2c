//! What a report of a visit, meeting or call says besides its text: who took part, what was talked of, what comes next.
use crate::db::refs::{self, Named};
use crate::db::store::BatchStore;
use crate::db::tx::Tx;
use crate::jsonb;
use crate::kernel::access::permission::can;
use crate::kernel::access::resource;
use crate::kernel::error::{FieldCode, FieldError, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::time::DateTime;
use crate::work::related::Related;
use crate::work::tasks::model::{Task, TaskCreate};
use chrono::NaiveDate;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A contact or a user who took part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Participant {
    /// Either `contact_id` or `user_id` is required. The activity is also on the timeline of the contact.
    pub contact_id: Option<Uuid>,
    pub user_id: Option<Uuid>,
}

macro_rules! json_list {
    ($name:ident of $item:ty) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Jsonb)]
        #[serde(transparent)]
        pub struct $name(pub Vec<$item>);
    };
}
json_list!(Participants of Participant);
json_list!(ProductIds of Uuid);
jsonb!(Participants, ProductIds);

impl Participants {
    pub fn rules(&self, bad: &mut Vec<FieldError>) {
        for (n, participant) in self.0.iter().enumerate() {
            let pointer = format!("/participants/{n}/contact_id");
            if participant.contact_id.is_some() == participant.user_id.is_some() {
                bad.push(FieldError::member(pointer, FieldCode::Required, "either contact_id or user_id is required"));
            } else if self.0.iter().take(n).any(|earlier| earlier == participant) {
                bad.push(FieldError::member(pointer, FieldCode::StatedTwice, "must not occur twice"));
            }
        }
    }
}

/// Products are defined above this module, so their kind is found by its name.
fn product() -> Option<Kind> {
    resource::kind_named("product")
}

/// Checks that those who took part and the products exist and that the caller sees them.
pub fn require_visible(tx: &mut Tx<'_>, participants: &Participants, products: &ProductIds) -> Result<()> {
    let pointers = |n: usize| (format!("/participants/{n}/contact_id"), format!("/participants/{n}/user_id"));
    let pointers: Vec<(String, String)> = (0..participants.0.len()).map(pointers).collect();
    let product_pointers: Vec<String> = (0..products.0.len()).map(|n| format!("/product_ids/{n}")).collect();
    let people = participants.0.iter().zip(&pointers).flat_map(|(participant, (contact, user))| {
        [(Kind::CONTACT, participant.contact_id, contact.as_str()), (Kind::USER, participant.user_id, user.as_str())]
    });
    let talked_of = products.0.iter().zip(&product_pointers);
    let talked_of = talked_of.filter_map(|(id, pointer)| Some((product()?, Some(*id), pointer.as_str())));
    let named: Vec<Named<'_>> = people.chain(talked_of).collect();
    refs::require_visible(tx, &named)
}

/// The task that follows from an activity. It is linked to the same records.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct FollowUpTask {
    #[schema(min_length = 1, max_length = 300)]
    pub title: String,
    /// `todo` if absent.
    #[schema(min_length = 1, max_length = 50)]
    pub r#type: Option<String>,
    #[schema(max_length = 10_000)]
    pub notes: Option<String>,
    pub due_at: Option<DateTime>,
    /// The day on which an all-day task is due.
    pub due_date: Option<NaiveDate>,
    /// If absent, yourself.
    pub assignee_id: Option<Uuid>,
}

impl FollowUpTask {
    pub fn rules(&self, bad: &mut Vec<FieldError>) {
        if self.due_at.is_some() && self.due_date.is_some() {
            let detail = "must not be combined with due_at";
            bad.push(FieldError::member("/next_task/due_date", FieldCode::StatedTwice, detail));
        }
    }

    /// Creates the task, which takes the permission to create tasks.
    pub fn create(&self, tx: &mut Tx<'_>, related: Related) -> Result<Uuid> {
        tx.actor.require::<can::Create<Task>>()?;
        let task = TaskCreate {
            title: self.title.clone(),
            r#type: self.r#type.clone(),
            notes: self.notes.clone(),
            due_at: self.due_at,
            due_date: self.due_date,
            assignee_id: self.assignee_id,
            contact_id: related.contact,
            company_id: related.company,
            lead_id: related.lead,
            deal_id: related.deal,
            ..TaskCreate::default()
        };
        Ok(Task::insert(tx, &task).map_err(|error| error.under("/next_task"))?.id)
    }
}
