//! The order of an undo: changes to existing records are taken back first. Then the created records are deleted, each
//! kind before those that it refers to, and last the names that the import added to lists.
use crate::catalog::products::Product;
use crate::db::tx::Tx;
use crate::identity::directory::teams::Team;
use crate::identity::directory::users::User;
use crate::intake::imports::undo::chunk::Chunk;
use crate::intake::imports::undo::{changes, deletions};
use crate::intake::imports::undo_report::{UndoRemainder, UndoReport};
use crate::kernel::access::grants::Action;
use crate::kernel::error::Result;
use crate::kernel::fields::kind::Kind;
use crate::people::companies::model::Company;
use crate::people::contacts::model::Contact;
use crate::people::sources::Source;
use crate::records::tags::Tag;
use crate::sales::deals::model::Deal;
use crate::sales::leads::model::Lead;
use crate::sales::loss_reasons::LossReason;
use crate::work::activities::Activity;
use crate::work::tasks::model::Task;

/// Takes back what an import did to some records of one kind. Returns what is left.
type Run = fn(&mut Tx<'_>, &Chunk, &mut UndoReport) -> Result<Vec<UndoRemainder>>;

#[derive(Debug)]
pub struct Step {
    pub kind: Kind,
    /// The permission that it requires: to delete what the import created, or to update what it changed.
    pub action: Action,
    pub run: Run,
}

impl Step {
    const fn change(kind: Kind, run: Run) -> Step {
        Step { kind, action: Action::Update, run }
    }

    const fn delete(kind: Kind, run: Run) -> Step {
        Step { kind, action: Action::Delete, run }
    }
}

pub static STEPS: [Step; 19] = [
    Step::change(Kind::DEAL, changes::take_back::<Deal>),
    Step::change(Kind::LEAD, changes::take_back::<Lead>),
    Step::change(Kind::CONTACT, changes::take_back::<Contact>),
    Step::change(Kind::COMPANY, changes::take_back::<Company>),
    Step::change(Kind::PRODUCT, changes::take_back::<Product>),
    Step::change(Kind::USER, changes::take_back::<User>),
    // The tasks of leads follow their leads.
    Step::change(Kind::TASK, changes::ignore),
    Step::delete(Kind::TASK, deletions::delete::<Task>),
    Step::delete(Kind::ACTIVITY, deletions::delete::<Activity>),
    Step::delete(Kind::DEAL, deletions::delete::<Deal>),
    Step::delete(Kind::LEAD, deletions::delete::<Lead>),
    Step::delete(Kind::CONTACT, deletions::delete::<Contact>),
    Step::delete(Kind::COMPANY, deletions::delete::<Company>),
    Step::delete(Kind::PRODUCT, deletions::delete::<Product>),
    Step::delete(Kind::USER, deletions::delete::<User>),
    Step::delete(Kind::SOURCE, deletions::delete::<Source>),
    Step::delete(Kind::LOSS_REASON, deletions::delete::<LossReason>),
    Step::delete(Kind::TEAM, deletions::delete::<Team>),
    Step::delete(Kind::TAG, deletions::delete::<Tag>),
];
