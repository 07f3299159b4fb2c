//! The record that a history is about. Records that were deleted have one too, for callers who may delete them.
use crate::db::rows::Rows;
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::{Action, Visibility};
use crate::kernel::access::resource;
use crate::kernel::error::{Code, Error, FieldCode, FieldError, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::query::openapi::{parameter, schema};
use crate::kernel::query::params::QueryParams;
use crate::kernel::values::value_type::ValueType;
use crate::records::history::language::Language;
use serde_json::Value as Json;
use utoipa::openapi::path::Parameter;
use uuid::Uuid;

/// Returns the record as a response shows it, before hidden fields are cleared.
pub fn find<R: Stored>(tx: &mut Tx<'_>, id: Uuid) -> Result<Json> {
    let row = match R::find(tx, id) {
        Err(error) if error.code() == Code::NotFound && R::SOFT_DELETED => find_deleted::<R>(tx, id)?,
        found => found?,
    };
    serde_json::to_value(row).map_err(Error::internal)
}

fn find_deleted<R: Stored>(tx: &mut Tx<'_>, id: Uuid) -> Result<R> {
    if tx.actor.visibility(R::KIND.path(), Action::Delete) == Visibility::None {
        return Err(Error::not_found());
    }
    let seen = R::visible_to(tx);
    let may = visibility_filter::<R::Table>(tx.actor, R::KIND, Action::Delete);
    let rows = Rows::of(R::TABLE, tx.workspace()).with_id(id).filter(&seen).filter(&may).limit(1);
    R::load(tx.conn, &rows)?.pop().ok_or_else(Error::not_found)
}

/// Checks whether the caller's role shows a member, as events name it.
pub fn shows(actor: &Actor, kind: Kind, member: &str) -> bool {
    !actor.access.hides(kind.path(), member)
}

/// Hides the changes of members, by the kind of their record.
pub fn retain_shown<T>(list: &mut Vec<T>, record_kind: &str, actor: &Actor, member: fn(&T) -> &str) {
    if let Some(kind) = resource::kind_named(record_kind) {
        list.retain(|item| shows(actor, kind, member(item)));
    }
}

/// Returns the parameter of the language.
pub fn language_parameter() -> Parameter {
    let languages = schema(ValueType::Text).enum_values(Some(Language::TEXTS.iter().copied()));
    let meaning = "Writes labels and values in this language, in `label` and `in_words`. Without it, labels are English \
        and `in_words` is null. The header `Accept-Language` has no effect.";
    parameter("in_words".into(), meaning.into(), languages, None)
}

pub fn language(params: &mut QueryParams) -> Result<Option<Language>> {
    let Some(text) = params.take("in_words") else { return Ok(None) };
    let unknown = |_| Error::parameters(vec![FieldError::not_among(Language::TEXTS).at_parameter("in_words")]);
    text.parse().map(Some).map_err(unknown)
}

/// Refuses an invalid parameter.
pub fn invalid(name: &str, detail: impl Into<String>) -> Error {
    Error::parameters(vec![FieldError::parameter(name, FieldCode::Invalid, detail)])
}
