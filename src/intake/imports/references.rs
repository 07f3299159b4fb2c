//! Finds records by name, external id, SKU, e-mail address or id. Each kind is loaded once per run.
use crate::db::tx::Tx;
use crate::db::visibility::visibility_filter;
use crate::identity::teams::Team;
use crate::identity::teams::{self, TeamCreate};
use crate::kernel::actor::{Action, can};
use crate::kernel::address;
use crate::kernel::error::{Error, Result};
use crate::kernel::kind::Kind;
use crate::kernel::money::Money;
use crate::people::sources::Source;
use crate::people::sources::{self, SourceCreate};
use crate::sales::loss_reasons::LossReason;
use crate::sales::loss_reasons::{self, LossReasonCreate};
use crate::schema as s;
use diesel::prelude::*;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use uuid::Uuid;

/// The names of all kinds that the file refers to.
#[derive(Debug, Default)]
pub struct References {
    known: HashMap<Kind, Names>,
    prices: HashMap<Uuid, Money>,
    /// Records that the import created by name, such as "team Central".
    pub added: Vec<String>,
}

#[derive(Debug, Default)]
struct Names {
    ids: HashMap<String, Uuid>,
    /// External ids are case-sensitive.
    external: HashMap<String, Uuid>,
    /// The names in their original notation, for suggestions.
    written: Vec<String>,
}

impl Names {
    fn add(&mut self, name: Option<String>, id: Uuid) {
        if let Some(name) = name.filter(|n| !n.is_empty()) {
            self.ids.entry(name.to_lowercase()).or_insert(id);
            self.written.push(name);
        }
    }

    fn add_external(&mut self, key: Option<String>, id: Uuid) {
        if let Some(key) = key {
            self.external.entry(key.clone()).or_insert(id);
            self.written.push(key);
        }
    }

    fn find(&self, name: &str, other: &str) -> Option<Uuid> {
        let named = || self.ids.get(&name.to_lowercase()).or_else(|| self.ids.get(other));
        self.external.get(name).or_else(named).copied()
    }
}

/// Checks whether unknown names of this kind are added. Their records consist of a name only.
fn is_name_list(kind: Kind) -> bool {
    matches!(kind, Kind::TEAM | Kind::SOURCE | Kind::LOSS_REASON)
}

/// Checks whether the caller may create records of this kind.
fn may_add(tx: &Tx<'_>, kind: Kind) -> bool {
    match kind {
        Kind::TEAM => tx.actor.require::<can::Create<Team>>(),
        Kind::SOURCE => tx.actor.require::<can::Create<Source>>(),
        _ => tx.actor.require::<can::Create<LossReason>>(),
    }
    .is_ok()
}

type Found = Vec<(Uuid, Option<String>, Option<String>, Option<String>)>;

fn load(tx: &mut Tx<'_>, kind: Kind) -> Result<Names> {
    let workspace = tx.workspace();
    macro_rules! rows {
        ($table:ident, $($column:expr),*; $($alive:expr)?) => {
            s::$table::table
                .filter(s::$table::workspace_id.eq(workspace))
                $(.filter($alive))?
                .filter(&visibility_filter::<s::$table::table>(tx.actor, kind, Action::Read))
                .order((s::$table::created_at, s::$table::id))
                .select((s::$table::id, $($column),*))
                .load(tx.conn)?
        };
    }
    let none = || diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>("null::text");
    let rows: Found = match kind {
        Kind::USER => rows!(users, s::users::name.nullable(), s::users::external_id, s::users::email;),
        Kind::TEAM => rows!(teams, s::teams::name.nullable(), none(), none();),
        Kind::SOURCE => rows!(sources, s::sources::name.nullable(), none(), none();),
        Kind::LOSS_REASON => rows!(loss_reasons, s::loss_reasons::name.nullable(), none(), none();),
        Kind::COMPANY => {
            rows!(companies, s::companies::name.nullable(), s::companies::external_id, s::companies::domain; s::companies::deleted_at.is_null())
        }
        Kind::PRODUCT => {
            rows!(products, s::products::name.nullable(), s::products::external_id, s::products::sku; s::products::deleted_at.is_null())
        }
        Kind::CONTACT if tx.actor.access.hides("contacts", "email") => {
            rows!(contacts, none(), s::contacts::external_id, none(); s::contacts::deleted_at.is_null())
        }
        Kind::CONTACT => {
            rows!(contacts, s::contacts::email, s::contacts::external_id, none(); s::contacts::deleted_at.is_null())
        }
        _ => Vec::new(),
    };
    let mut names = Names::default();
    if kind == Kind::CONTACT && !tx.actor.access.hides("contacts", "email") {
        let others = s::contact_emails::table.inner_join(
            s::contacts::table.on(s::contacts::workspace_id
                .eq(s::contact_emails::workspace_id)
                .and(s::contacts::id.eq(s::contact_emails::contact_id))),
        );
        let others = others.filter(s::contact_emails::workspace_id.eq(workspace));
        let others = others.filter(visibility_filter::<s::contacts::table>(tx.actor, kind, Action::Read));
        let others = others.select((s::contact_emails::contact_id, s::contact_emails::email));
        for (id, email) in others.load::<(Uuid, String)>(tx.conn)? {
            names.add(Some(email), id);
        }
    }
    for (id, first, second, third) in rows {
        names.add(Some(id.to_string()), id);
        names.add(first, id);
        names.add_external(second, id);
        // A malformed domain must not match a company.
        names.add(third.filter(|third| kind != Kind::COMPANY || address::domain_in(third).is_some()), id);
    }
    Ok(names)
}

impl References {
    /// Returns the id of the record with this name, or `None`.
    pub fn find(&mut self, tx: &mut Tx<'_>, kind: Kind, name: &str) -> Result<Option<Uuid>> {
        if let Entry::Vacant(vacant) = self.known.entry(kind) {
            vacant.insert(load(tx, kind)?);
            if kind == Kind::PRODUCT {
                self.prices = prices(tx)?;
            }
        }
        // A company also matches its domain, a contact each of its e-mail addresses.
        let other = if kind == Kind::COMPANY { address::domain(name) } else { address::email(name) };
        let found = self.known.get(&kind).and_then(|names| names.find(name, &other));
        if found.is_some() || !is_name_list(kind) {
            return Ok(found);
        }
        if !may_add(tx, kind) {
            return Ok(None);
        }
        let id = add(tx, kind, name)?;
        self.note(kind, name, id);
        self.added.push(format!("{} {name}", kind.as_str().replace('_', " ")));
        Ok(Some(id))
    }

    /// Returns the price of a product.
    pub fn price(&self, product: Uuid) -> Option<&Money> {
        self.prices.get(&product)
    }

    /// Adds a record that the import itself created.
    pub fn note(&mut self, kind: Kind, name: &str, id: Uuid) {
        if let Some(names) = self.known.get_mut(&kind) {
            names.add(Some(name.to_owned()), id);
        }
    }

    /// Returns the most similar name. Contacts are named by e-mail address, so there is none if the role hides it.
    pub fn nearest(&self, tx: &Tx<'_>, kind: Kind, name: &str) -> Option<String> {
        if kind == Kind::CONTACT && tx.actor.access.hides("contacts", "email") {
            return None;
        }
        let plain = |text: &str| text.to_lowercase().replace([' ', '-', '_'], "");
        let written = self.known.get(&kind)?.written.iter().filter(|known| known.parse::<Uuid>().is_err());
        let scored = written
            .take(20_000)
            .map(|known| (strsim::normalized_damerau_levenshtein(&plain(name), &plain(known)), known));
        scored
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .filter(|(similarity, _)| *similarity > 0.6)
            .map(|(_, known)| known.clone())
    }
}

fn prices(tx: &mut Tx<'_>) -> Result<HashMap<Uuid, Money>> {
    let rows: Vec<(Uuid, Option<i64>, Option<String>)> = s::products::table
        .filter(s::products::workspace_id.eq(tx.workspace()))
        .select((s::products::id, s::products::price_amount, s::products::price_currency))
        .load(tx.conn)?;
    let price = |(id, amount, currency): (Uuid, Option<i64>, Option<String>)| {
        Some((id, Money { amount: amount?, currency: currency? }))
    };
    Ok(rows.into_iter().filter_map(price).collect())
}

fn add(tx: &mut Tx<'_>, kind: Kind, name: &str) -> Result<Uuid> {
    let name = name.chars().take(200).collect::<String>();
    Ok(match kind {
        Kind::TEAM => teams::insert(tx, &TeamCreate { id: None, name, parent_id: None })?.id,
        Kind::SOURCE => sources::insert(tx, &SourceCreate { id: None, name, channel: None })?.id,
        Kind::LOSS_REASON => loss_reasons::insert(tx, &LossReasonCreate { id: None, name })?.id,
        other => return Err(Error::internal(format!("{} cannot be added by name", other.as_str()))),
    })
}
