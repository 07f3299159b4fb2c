//! Creates a demo workspace of a boat seller with a history, so that every list and report has data. It uses the same
//! stores as the API and always creates the same data.
use crate::catalog::products::{self, ProductCreate};
use crate::db::pool::Db;
use crate::db::store::BatchStore;
use crate::db::tx::{Request, Tx};
use crate::http::server::WORKSPACE_SEED;
use crate::identity::credentials::accounts::{Device, Newcomer};
use crate::identity::credentials::passwords;
use crate::identity::directory::users;
use crate::identity::directory::users::UserCreate;
use crate::identity::sign_in::auth::{Registration, actor_by_email, create_workspace};
use crate::kernel::access::actor::ActorKind;
use crate::kernel::access::roles::SELLER;
use crate::kernel::error::{Error, Result};
use crate::kernel::values::money::Money;
use crate::kernel::values::time::DateTime;
use crate::people::companies::model::{Company, CompanyCreate};
use crate::people::contacts::model::{Contact, ContactCreate};
use crate::people::sources::{self, SourceCreate};
use crate::sales::deals::line_items::LineItemInput;
use crate::sales::deals::model::{DealContact, DealCreate};
use crate::sales::deals::store::{self as deals, History};
use crate::sales::leads::model::{Lead, LeadCreate, LeadPerson, Rating};
use crate::sales::loss_reasons::{self, LossReasonCreate};
use crate::sales::pipelines::{self, PipelineKind};
use crate::sales::stages::{self, Stage};
use crate::work::activities::{self, ActivityCreate};
use crate::work::tasks::model::{Task, TaskCreate};
use serde_json::json;
use uuid::Uuid;

pub const EMAIL: &str = "demo@example.com";
pub const PASSWORD: &str = "demo-password";

const FIRST: [&str; 10] = ["Anna", "Boris", "Clara", "Dmitri", "Eva", "Felix", "Greta", "Hugo", "Ida", "Jaan"];
const LAST: [&str; 8] = ["Tamm", "Stone", "Ivanov", "Meyer", "Kask", "Rossi", "Nowak", "Berg"];
const FIRMS: [(&str, &str); 6] = [
    ("Stone Harbour", "marina"),
    ("Nordic Ferries", "transport"),
    ("Blue Bay Rentals", "tourism"),
    ("Kask Fishing", "fishing"),
    ("City Rowing Club", "sport"),
    ("Delta Logistics", "transport"),
];
const GOODS: [(&str, &str, i64); 4] = [
    ("Rowing boat", "RB-4", 180_000),
    ("Motor boat", "MB-7", 1_450_000),
    ("Sailing boat", "SB-9", 3_900_000),
    ("Service year", "SV-1", 60_000),
];
const LOSS_REASONS: [&str; 3] = ["Too expensive", "Bought elsewhere", "No answer"];
const SOURCES: [&str; 3] = ["Boat fair", "Web form", "Referral"];
const DEALS: usize = 120;

/// Creates the demo workspace if there is none. Returns whether it was created.
pub fn fill(db: &Db) -> Result<bool> {
    let known = db.run_blocking(|conn| Ok(actor_by_email(conn, EMAIL, None, ActorKind::Import).ok()))?;
    if known.is_some() {
        return Ok(false);
    }
    let registration = Registration {
        workspace_name: "Demo Boats".into(),
        name: "Demo Owner".into(),
        email: EMAIL.into(),
        password: PASSWORD.into(),
        code: None,
        base_currency: Some("EUR".into()),
        time_zone: Some("Europe/Tallinn".into()),
        country: Some("EE".into()),
    };
    let founder = Newcomer::New { password_hash: passwords::hash(PASSWORD)? };
    db.run_blocking(|conn| create_workspace(conn, &registration, founder, "demo", WORKSPACE_SEED, &Device::default()))?;
    let actor = db.run_blocking(|conn| actor_by_email(conn, EMAIL, None, ActorKind::User))?;
    db.write_blocking(&Request::internal(actor, "demo".into()), create_records)?;
    Ok(true)
}

/// Picks an item from a list, deterministically.
fn pick<T>(list: &[T], n: usize) -> Result<&T> {
    list.get(n % list.len().max(1)).ok_or_else(|| Error::internal("an empty list"))
}

/// Returns a deterministic number that looks random.
fn dice(n: usize, sides: usize) -> usize {
    (n.wrapping_mul(2_654_435_761) >> 7) % sides.max(1)
}

fn days_ago(now: DateTime, days: usize) -> DateTime {
    now.plus(-chrono::Duration::days(i64::try_from(days).unwrap_or(0)))
}

fn create_records(tx: &mut Tx<'_>) -> Result<()> {
    let sellers = ["Mari Mets", "Oleg Petrov", "Sofia Lind"].map(|name| seller(tx, name));
    let sellers: Vec<Uuid> = sellers.into_iter().collect::<Result<_>>()?;
    let reasons = LOSS_REASONS
        .iter()
        .map(|name| Ok(loss_reasons::insert(tx, &LossReasonCreate { id: None, name: (*name).into() })?.id));
    let reasons: Vec<Uuid> = reasons.collect::<Result<_>>()?;
    let origins = SOURCES
        .iter()
        .map(|name| Ok(sources::insert(tx, &SourceCreate { id: None, name: (*name).into(), channel: None })?.id));
    let origins: Vec<Uuid> = origins.collect::<Result<_>>()?;
    let goods: Vec<Uuid> = GOODS.iter().map(|good| product(tx, good)).collect::<Result<_>>()?;
    let firms: Vec<Uuid> =
        FIRMS.iter().enumerate().map(|(n, firm)| company(tx, firm, *pick(&sellers, n)?)).collect::<Result<_>>()?;
    let people: Vec<Uuid> = (0..40).map(|n| person(tx, n, &firms, &sellers, &origins)).collect::<Result<_>>()?;
    let pipeline = pipelines::choose(tx, None, PipelineKind::Deal)?;
    let stages = stages::of_pipeline(tx, pipeline)?;
    for n in 0..DEALS {
        let links = Links {
            owner: *pick(&sellers, dice(n, 3))?,
            firm: *pick(&firms, dice(n, 6))?,
            person: *pick(&people, n)?,
            good: *pick(&goods, dice(n + 3, 4))?,
            reason: *pick(&reasons, dice(n, 3))?,
            origin: *pick(&origins, n)?,
        };
        deal(tx, n, links, &stages)?;
    }
    for n in 0..25 {
        lead(tx, n, *pick(&sellers, n)?, *pick(&origins, n)?)?;
    }
    Ok(())
}

fn seller(tx: &mut Tx<'_>, name: &str) -> Result<Uuid> {
    let body = json!({ "name": name, "role": SELLER });
    let new: UserCreate = serde_json::from_value(body).map_err(Error::internal)?;
    Ok(users::insert(tx, &new, None)?.id)
}

fn product(tx: &mut Tx<'_>, (name, sku, price): &(&str, &str, i64)) -> Result<Uuid> {
    let body = json!({ "name": name, "sku": sku, "price": { "amount": price, "currency": "EUR" } });
    let new: ProductCreate = serde_json::from_value(body).map_err(Error::internal)?;
    Ok(products::insert(tx, &new)?.id)
}

fn company(tx: &mut Tx<'_>, (name, sector): &(&str, &str), owner: Uuid) -> Result<Uuid> {
    let body = json!({ "name": name, "sector": sector, "owner_id": owner, "country": "Estonia" });
    let new: CompanyCreate = serde_json::from_value(body).map_err(Error::internal)?;
    Ok(Company::insert(tx, &new)?.id)
}

fn person(tx: &mut Tx<'_>, n: usize, firms: &[Uuid], sellers: &[Uuid], origins: &[Uuid]) -> Result<Uuid> {
    let (first, last) = (*pick(&FIRST, n)?, *pick(&LAST, n / 10 + n)?);
    let new = ContactCreate {
        first_name: Some(first.into()),
        last_name: Some(last.into()),
        email: Some(format!("{}.{}{n}@example.com", first.to_lowercase(), last.to_lowercase())),
        phone: Some(format!("+37255510{:03}", 100 + n)),
        company_id: Some(*pick(firms, n)?),
        owner_id: Some(*pick(sellers, n)?),
        source_id: Some(*pick(origins, dice(n, 3))?),
        ..ContactCreate::default()
    };
    Ok(Contact::insert(tx, &new)?.id)
}

/// The owner, company and contact of a deal.
#[derive(Clone, Copy)]
struct Links {
    owner: Uuid,
    firm: Uuid,
    person: Uuid,
    good: Uuid,
    reason: Uuid,
    origin: Uuid,
}

/// Creates a deal with a history: it started up to a year ago and passed some or all stages.
fn deal(tx: &mut Tx<'_>, n: usize, links: Links, stages: &[Stage]) -> Result<()> {
    let begin = 5 + dice(n, 360);
    let far = if begin > 60 { [2, 3, 3, 4, 4, 1] } else { [0, 1, 1, 2, 0, 3] };
    let last = *pick(&far, dice(n + 17, 6))?;
    let mut way: Vec<usize> = (0..=last.min(2)).collect();
    if last > 2 {
        way.push(last);
    }
    let step = begin / (way.len() + 1);
    let stood = way
        .iter()
        .enumerate()
        .map(|(k, stage)| Ok((pick(stages, *stage)?.clone(), days_ago(tx.now, begin - k * step))));
    let stages = stood.collect::<Result<_>>()?;
    let history = History { stages, value_from_lines: true, without_beginning: false, last_undated: false };
    let (name, _, price) = pick(&GOODS, dice(n + 3, 4))?;
    let amount = price * i64::try_from(90 + dice(n, 20)).unwrap_or(100) / 100;
    let expected = days_ago(tx.now, 0).plus(chrono::Duration::days(i64::try_from(dice(n, 120)).unwrap_or(0) - 20));
    let new = DealCreate {
        title: format!("{name} for {}", pick(&FIRMS, dice(n, 6))?.0),
        company_id: Some(links.firm),
        owner_id: Some(links.owner),
        source_id: Some(links.origin),
        expected_close_date: Some(expected.utc().date_naive()),
        loss_reason_id: Some(links.reason),
        contacts: vec![DealContact { contact_id: links.person, role: Some("decides".into()) }],
        line_items: vec![LineItemInput {
            product_id: links.good,
            quantity: Some(1),
            price: Some(Money { amount, currency: "EUR".into() }),
            discount_percent: None,
        }],
        tags: if n.is_multiple_of(5) { vec!["vip".to_owned()].into() } else { Default::default() },
        ..DealCreate::default()
    };
    let made = deals::insert_with_history(tx, &[(&new, history)])?;
    let Some(made) = made.first() else { return Ok(()) };
    if n.is_multiple_of(3) {
        let body = json!({ "type": "call", "direction": "outbound", "outcome": "reached", "duration_seconds": 240,
            "occurred_at": days_ago(tx.now, begin / 2), "deal_id": made.id, "contact_id": links.person });
        let call: ActivityCreate = serde_json::from_value(body).map_err(Error::internal)?;
        activities::insert(tx, &call)?;
    }
    if last < 3 && n.is_multiple_of(2) {
        let due = tx.now.plus(chrono::Duration::days(i64::try_from(dice(n, 20)).unwrap_or(0) - 5));
        let task = TaskCreate {
            r#type: Some("call".into()),
            title: format!("Call about the {}", name.to_lowercase()),
            due_at: Some(due),
            assignee_id: Some(links.owner),
            deal_id: Some(made.id),
            ..TaskCreate::default()
        };
        Task::insert(tx, &task)?;
    }
    Ok(())
}

fn lead(tx: &mut Tx<'_>, n: usize, owner: Uuid, origin: Uuid) -> Result<()> {
    let (first, last) = (*pick(&FIRST, n + 3)?, *pick(&LAST, n)?);
    let new = LeadCreate {
        person: Some(LeadPerson {
            name: Some(format!("{first} {last}")),
            email: Some(format!("{}{n}@example.org", first.to_lowercase())),
            phone: None,
            company_name: None,
        }),
        rating: Some(*pick(Rating::ALL, dice(n, 3))?),
        owner_id: Some(owner),
        source_id: Some(origin),
        come_back_on: n.is_multiple_of(6).then(|| tx.today() + chrono::Duration::days(60)),
        ..LeadCreate::default()
    };
    Lead::insert(tx, &new).map(drop)
}
