//! Finds records by name, external id, SKU, e-mail address or id. Kinds of which a workspace has few are loaded once per
//! run; of companies and contacts, only those that a chunk of the file names.
use crate::db::sql::{Part, Statement};
use crate::db::store::BatchStore;
use crate::db::tx::Tx;
use crate::db::visibility;
use crate::identity::directory::teams;
use crate::identity::directory::teams::{Team, TeamCreate};
use crate::kernel::access::grants::Action;
use crate::kernel::access::permission::can;
use crate::kernel::bodies::shape;
use crate::kernel::error::{Error, Result};
use crate::kernel::fields::kind::Kind;
use crate::kernel::values::address;
use crate::kernel::values::money::Money;
use crate::people::companies::model::{Company, CompanyCreate};
use crate::people::sources::{self, Source, SourceCreate};
use crate::sales::loss_reasons::{self, LossReason, LossReasonCreate};
use crate::schema as s;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Uuid as SqlUuid};
use serde_json::json;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The names of all kinds that the file refers to.
#[derive(Debug, Default)]
pub struct References {
    known: HashMap<Kind, Names>,
    prices: HashMap<Uuid, Money>,
    /// Whether records with unknown names are created.
    pub creates: bool,
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
    /// The texts of the file that were looked up, if not all records were loaded.
    asked: HashSet<String>,
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

    fn merge(&mut self, more: Names) {
        for (name, id) in more.ids {
            self.ids.entry(name).or_insert(id);
        }
        self.external.extend(more.external);
        self.written.extend(more.written);
    }

    fn find(&self, name: &str, other: &str) -> Option<Uuid> {
        let named = || self.ids.get(&name.to_lowercase()).or_else(|| self.ids.get(other));
        self.external.get(name).or_else(named).copied()
    }
}

/// Checks whether records of this kind can be created from a name alone.
fn is_creatable(kind: Kind) -> bool {
    matches!(kind, Kind::COMPANY | Kind::TEAM | Kind::SOURCE | Kind::LOSS_REASON)
}

/// Checks whether the caller may create records of this kind.
fn may_add(tx: &Tx<'_>, kind: Kind) -> bool {
    match kind {
        Kind::TEAM => tx.actor.require::<can::Create<Team>>(),
        Kind::SOURCE => tx.actor.require::<can::Create<Source>>(),
        Kind::COMPANY => tx.actor.require::<can::Create<Company>>(),
        _ => tx.actor.require::<can::Create<LossReason>>(),
    }
    .is_ok()
}

/// The columns by which the records of a kind are named.
struct NameColumns {
    name: &'static str,
    external_id: &'static str,
    other: &'static str,
    has_trash: bool,
}

const NOTHING: &str = "null::text";

impl NameColumns {
    const fn plain(name: &'static str) -> NameColumns {
        NameColumns { name, external_id: NOTHING, other: NOTHING, has_trash: false }
    }

    /// Returns the columns of a kind that a file can name. A contact is not named by an e-mail that the role hides.
    fn of(kind: Kind, hides_email: bool) -> Option<NameColumns> {
        let record = |name, other, has_trash| NameColumns { name, external_id: "external_id", other, has_trash };
        Some(match kind {
            Kind::USER => record("name", "email", false),
            Kind::COMPANY => record("name", "domain", true),
            Kind::PRODUCT => record("name", "sku", true),
            Kind::CONTACT => record(if hides_email { NOTHING } else { "email" }, NOTHING, true),
            Kind::TEAM | Kind::SOURCE | Kind::LOSS_REASON => NameColumns::plain("name"),
            _ => return None,
        })
    }
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    other: Option<String>,
}

const NAMES: &str = "
    select id, :name as name, :external as external_id, :other as other from :records
    where workspace_id = :workspace and :alive and :visible and :asked
    order by created_at, id";

const OTHER_EMAILS: &str = "
    select contacts.id, e.email as name, null::text as external_id, null::text as other
    from contact_emails e join contacts on contacts.workspace_id = e.workspace_id and contacts.id = e.contact_id
    where e.workspace_id = :workspace and :visible and e.email = any(:addresses)";

const CONTACT_NAMES: &str = "
    select (array_agg(id))[1] as id, lower(concat_ws(' ', first_name, last_name)) as name, null::text as external_id,
        null::text as other
    from contacts where workspace_id = :workspace and deleted_at is null and :visible
        and fold(btrim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')))
            in (select fold(asked) from unnest(:names) asked)
    group by 2 having count(*) = 1";

/// The companies of which the file gives the id, the external id, the name or the domain.
const ASKED_COMPANIES: &str = "
    (id = any(:ids) or external_id = any(:texts) or lower(name) = any(:names) or domain = any(:addresses))";

/// The contacts of which the file gives the id, the external id or the first e-mail address.
const ASKED_CONTACTS: &str = "(id = any(:ids) or external_id = any(:texts) or :name = any(:addresses))";

/// Checks whether a workspace can have very many records of a kind.
fn is_numerous(kind: Kind) -> bool {
    matches!(kind, Kind::COMPANY | Kind::CONTACT)
}

/// Texts of the file in the forms in which records are looked up.
struct Asked {
    texts: Vec<String>,
    names: Vec<String>,
    /// E-mail addresses and domains.
    addresses: Vec<String>,
    ids: Vec<Uuid>,
}

impl Asked {
    fn new(kind: Kind, texts: Vec<String>) -> Asked {
        let address = |text: &String| if kind == Kind::COMPANY { address::domain(text) } else { address::email(text) };
        Asked {
            names: texts.iter().map(|text| text.to_lowercase()).collect(),
            addresses: texts.iter().map(address).collect(),
            ids: texts.iter().filter_map(|text| text.parse().ok()).collect(),
            texts,
        }
    }
}

/// Loads all names of a kind, or those of companies or contacts that are asked for.
fn load(tx: &mut Tx<'_>, kind: Kind, asked: Option<&Asked>) -> Result<Names> {
    let hides_email = tx.actor.access.hides("contacts", "email");
    let visible = |tx: &Tx<'_>| Part::Cond(visibility::cond(tx.actor, kind, Action::Read));
    let mut names = Names::default();
    if let Some(asked) = asked.filter(|_| kind == Kind::CONTACT) {
        let hides_name = ["first_name", "last_name"].iter().any(|member| tx.actor.access.hides("contacts", member));
        for (text, _) in
            [(OTHER_EMAILS, hides_email), (CONTACT_NAMES, hides_name)].into_iter().filter(|(_, hides)| !hides)
        {
            let statement = Statement::new(text)
                .set("workspace", Part::Id(tx.workspace()))
                .set("visible", visible(tx))
                .set("addresses", Part::Texts(asked.addresses.clone()))
                .set("names", Part::Texts(asked.names.clone()));
            for Named { id, name, .. } in statement.load(tx.conn)? {
                names.add(name, id);
            }
        }
    }
    let Some(columns) = NameColumns::of(kind, hides_email) else { return Ok(names) };
    let condition = match asked {
        None => Part::Sql("true"),
        Some(Asked { texts, names, addresses, ids }) => Part::Nested(Box::new(
            Statement::new(if kind == Kind::COMPANY { ASKED_COMPANIES } else { ASKED_CONTACTS })
                .set("name", Part::Sql(columns.name))
                .set("texts", Part::Texts(texts.clone()))
                .set("names", Part::Texts(names.clone()))
                .set("addresses", Part::Texts(addresses.clone()))
                .set("ids", Part::Ids(ids.clone())),
        )),
    };
    let statement = Statement::new(NAMES)
        .set("name", Part::Sql(columns.name))
        .set("external", Part::Sql(columns.external_id))
        .set("other", Part::Sql(columns.other))
        .set("records", Part::Sql(kind.table()))
        .set("workspace", Part::Id(tx.workspace()))
        .set("alive", Part::Sql(if columns.has_trash { "deleted_at is null" } else { "true" }))
        .set("visible", visible(tx))
        .set("asked", condition);
    for Named { id, name, external_id, other } in statement.load(tx.conn)? {
        names.add(Some(id.to_string()), id);
        names.add(name, id);
        names.add_external(external_id, id);
        // A malformed domain must not match a company.
        names.add(other.filter(|other| kind != Kind::COMPANY || address::domain_in(other).is_some()), id);
    }
    Ok(names)
}

impl References {
    pub fn new(creates: bool) -> References {
        References { creates, ..References::default() }
    }

    /// Loads the records that the file calls by these names. One statement for many names is faster than one for each.
    pub fn look_up(&mut self, tx: &mut Tx<'_>, kind: Kind, mut texts: Vec<String>) -> Result<()> {
        let names = match self.known.entry(kind) {
            Entry::Occupied(_) if !is_numerous(kind) => return Ok(()),
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(vacant) if is_numerous(kind) => vacant.insert(Names::default()),
            Entry::Vacant(vacant) => {
                vacant.insert(load(tx, kind, None)?);
                if kind == Kind::PRODUCT {
                    self.prices = prices(tx)?;
                }
                return Ok(());
            }
        };
        texts.retain(|text| names.asked.insert(text.clone()));
        if !texts.is_empty() {
            names.merge(load(tx, kind, Some(&Asked::new(kind, texts)))?);
        }
        Ok(())
    }

    /// Returns the id of the record with this name, or `None`.
    pub fn find(&mut self, tx: &mut Tx<'_>, kind: Kind, name: &str) -> Result<Option<Uuid>> {
        self.look_up(tx, kind, vec![name.to_owned()])?;
        // A company also matches its domain, a contact each of its e-mail addresses.
        let other = if kind == Kind::COMPANY { address::domain(name) } else { address::email(name) };
        let found = self.known.get(&kind).and_then(|names| names.find(name, &other));
        let is_id = name.parse::<Uuid>().is_ok();
        if found.is_some() || is_id || !self.creates || !is_creatable(kind) || !may_add(tx, kind) {
            return Ok(found);
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

/// Returns a company with a name, which can also be its domain.
fn company(name: &str) -> Result<CompanyCreate> {
    shape::read(json!({ "name": name, "domain": address::domain_in(name) }))
}

fn add(tx: &mut Tx<'_>, kind: Kind, name: &str) -> Result<Uuid> {
    let name = name.chars().take(200).collect::<String>();
    Ok(match kind {
        Kind::COMPANY => Company::insert(tx, &company(&name)?)?.id,
        Kind::TEAM => teams::insert(tx, &TeamCreate { id: None, name, parent_id: None })?.id,
        Kind::SOURCE => sources::insert(tx, &SourceCreate { id: None, name, channel: None })?.id,
        Kind::LOSS_REASON => loss_reasons::insert(tx, &LossReasonCreate { id: None, name })?.id,
        other => return Err(Error::internal(format!("{} cannot be added by name", other.as_str()))),
    })
}
