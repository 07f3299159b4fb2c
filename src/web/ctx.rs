//! The caller of an operation, with the required permission in its type.
use crate::db::fair_queue::Account;
use crate::db::pool::Db;
use crate::db::refs;
use crate::db::tx::Claim;
use crate::db::tx::{Request, Tx};
use crate::db::visibility;
use crate::kernel::access::actor::Actor;
use crate::kernel::access::grants::{Action, Visibility};
use crate::kernel::access::hide::Hide;
use crate::kernel::access::permission::Permission;
use crate::kernel::access::record::Record;
use crate::kernel::answers::csv::Sheet;
use crate::kernel::answers::page::{Page, Paged};
use crate::kernel::answers::reply::{Answer, Reply};
use crate::kernel::bodies::read_only::ReadOnlyMembers;
use crate::kernel::error::{Error, FieldError, Result};
use crate::kernel::query::fields::Fields;
use crate::kernel::query::params::QueryParams;
use crate::kernel::query::plan::{PageInfo, Plan};
use crate::web::answer::{address, request_id};
use crate::web::caller::identified;
use crate::web::headers::{Format, IdempotencyKey};
use crate::web::signature::{self, Part};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use serde::Serialize;
use std::future::{Ready, ready};
use std::marker::PhantomData;
use std::net::IpAddr;
use utoipa::ToSchema;

/// A caller with the permission `P`. A handler that takes it is protected by it.
#[derive(Debug)]
pub struct Ctx<P> {
    request: HttpRequest,
    pub actor: Actor,
    db: web::Data<Db>,
    permission: PhantomData<P>,
}

impl<P: Permission> FromRequest for Ctx<P> {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::needs::<P>(request);
        ready(Ctx::new(request))
    }
}

impl<P: Permission> Ctx<P> {
    fn new(request: &HttpRequest) -> Result<Ctx<P>> {
        let actor = identified(request)?;
        actor.require::<P>()?;
        let db =
            request.app_data::<web::Data<Db>>().cloned().ok_or_else(|| Error::internal("no database in the app"))?;
        Ok(Ctx { request: request.clone(), actor, db, permission: PhantomData })
    }

    pub fn query(&self) -> &str {
        self.request.query_string()
    }

    /// Returns the client's address.
    pub fn address(&self) -> Option<IpAddr> {
        address(&self.request)
    }

    /// Returns the query parameters of an operation that is not a list.
    pub fn query_params(&self) -> Result<QueryParams> {
        QueryParams::read(self.query())
    }

    /// Returns the read-only members of the body, for handlers that compare them in another way than `write`.
    pub fn set_aside(&self) -> ReadOnlyMembers {
        self.request.extensions_mut().remove::<ReadOnlyMembers>().unwrap_or_default()
    }

    /// Checks whether the response is a CSV file, which requires the permission to export.
    pub fn wants_csv(&self, format: Format) -> Result<bool> {
        self.wants_file(format).map(|_| format == Format::Csv)
    }

    /// Checks whether the response is a file of any format, which requires the permission to export.
    pub fn wants_file(&self, format: Format) -> Result<bool> {
        let file = format != Format::Json;
        if file && self.actor.visibility(P::RESOURCE, Action::Export) == Visibility::None {
            return Err(self.actor.forbidden(P::RESOURCE, Action::Export));
        }
        Ok(file)
    }

    /// Returns a page of a list, or a CSV file of many rows, restricted to the records that the permission to export
    /// reaches.
    pub async fn list<T: 'static, R: Serialize + ToSchema + Hide + 'static>(
        &self,
        format: Format,
        fields: &'static Fields<T>,
        page: fn(&mut Tx<'_>, &Plan<T>) -> Result<Page<R>>,
    ) -> Result<Reply> {
        let (csv, plan, link) = (self.wants_csv(format)?, fields.plan(self.query(), &self.actor)?, self.next_link());
        // The columns are checked even if the response is not a file.
        sheet::<T, R>(fields, &plan, &self.actor).map_err(as_parameter)?;
        if !csv {
            let costly = plan.costly;
            let work = move |tx: &mut Tx<'_>| page(tx, &plan).map(|page| link.answer(page));
            return if costly { self.search(work).await } else { self.read(work).await };
        }
        let plan = plan.as_file(visibility::cond(&self.actor, fields.kind, Action::Export));
        self.report(move |tx| {
            let (info, file) = file(tx, fields, &plan, page)?;
            Ok(file.link(link.next(&info)))
        })
        .await
    }

    /// Returns one record, with the names of its included records.
    pub async fn one<T: 'static, R: Record + 'static>(
        &self,
        fields: &'static Fields<T>,
        id: Id,
        include: Include,
        find: fn(&mut Tx<'_>, uuid::Uuid) -> Result<R>,
    ) -> Result<Reply> {
        let include = fields.included(&include.query)?;
        self.read(move |tx| {
            let row = find(tx, id.0)?;
            if include.is_empty() {
                return Ok(Answer::record(row));
            }
            let included = refs::include_paths(tx, &include, &row)?;
            Ok(Answer::record_with(row, included))
        })
        .await
    }

    /// Like `list`, with a plan that depends on more than the query string.
    pub async fn list_by<T: 'static, R: Serialize + ToSchema + Hide + 'static>(
        &self,
        format: Format,
        fields: &'static Fields<T>,
        plan: impl Fn(&mut Tx<'_>) -> Result<Plan<T>> + Send + 'static,
        page: fn(&mut Tx<'_>, &Plan<T>) -> Result<Page<R>>,
    ) -> Result<Reply> {
        if !self.wants_csv(format)? {
            return self
                .search(move |tx| {
                    let plan = plan(tx)?;
                    sheet::<T, R>(fields, &plan, tx.actor)?;
                    page(tx, &plan).map(Answer::ok)
                })
                .await;
        }
        self.report(move |tx| {
            let plan = plan(tx)?.as_file(visibility::cond(tx.actor, fields.kind, Action::Export));
            file(tx, fields, &plan, page).map(|(_, file)| file)
        })
        .await
    }

    pub async fn read<F>(&self, work: F) -> Result<Reply>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.db.read(self.request(None), work).await
    }

    /// Like `read`, for queries that may be slow.
    pub async fn search<F>(&self, work: F) -> Result<Reply>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.db.read_search(self.request(None), work).await
    }

    /// Runs work without a connection that needs time and memory on a dedicated thread, one task per workspace at a
    /// time.
    pub async fn offload<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T> + Send + 'static,
    {
        let account = Account { workspace: self.actor.workspace, user: self.actor.user };
        self.db.offload(account, work).await
    }

    /// Reads a value for further processing by the handler.
    pub async fn read_value<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T> + Send + 'static,
    {
        self.db.read_value(self.request(None), work).await
    }

    pub async fn report<F>(&self, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.db.read_report(self.request(None), work).await
    }

    /// Like `report`, for a value that becomes a file on a thread without a connection.
    pub async fn report_file<T, F, W>(&self, work: F, write: W) -> Result<Reply>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T> + Send + 'static,
        W: FnOnce(T) -> Result<Reply> + Send + 'static,
    {
        self.db.read_report_file(self.request(None), work, write).await
    }

    pub async fn write<F>(&self, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.write_claimed(None, work).await
    }

    /// Like `write`, once per key: a repeated request gets the saved response.
    pub async fn once<F>(&self, key: IdempotencyKey, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.write_claimed(key.claim(&self.request, &self.actor), work).await
    }

    async fn write_claimed<F>(&self, claim: Option<Claim>, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        let read_only = self.set_aside();
        if read_only.is_empty() {
            return self.db.write(self.request(claim), work).await;
        }
        // Read-only members that were sent back must be unchanged; otherwise nothing is written.
        let checked = move |tx: &mut Tx<'_>| {
            let answer = work(tx)?;
            let after = answer.json()?;
            read_only.require_unchanged(&tx.before_changes(&after), &after, |member| {
                tx.actor.access.hides(P::RESOURCE, member)
            })?;
            Ok(answer)
        };
        self.db.write(self.request(claim), checked).await
    }

    /// Does the work and rolls it back, for dry runs.
    pub async fn rehearse<F>(&self, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        self.db.rehearse(self.request(None), work).await
    }

    /// Like `once`, for a response with a secret: it is not saved, so a retry only gets the location of the record.
    pub async fn once_with_secret<F>(&self, key: IdempotencyKey, work: F) -> Result<Reply>
    where
        F: Fn(&mut Tx<'_>) -> Result<Answer> + Send + 'static,
    {
        let claim = key.claim(&self.request, &self.actor).map(|claim| Claim { secret: true, ..claim });
        self.db.write(self.request(claim), work).await
    }

    fn request(&self, claim: Option<Claim>) -> Request {
        let permission = Some((P::RESOURCE, P::ACTION));
        let address = address(&self.request).map(|address| address.to_string());
        let (actor, id) = (self.actor.clone(), request_id(&self.request).0);
        Request { actor, id, claim, permission, address, job: None }
    }

    /// Returns the link to the next page, for a `Link` header (RFC 8288).
    pub fn next_link(&self) -> NextLink {
        NextLink { path: self.request.path().to_owned(), query: self.query().to_owned() }
    }
}

/// Returns the columns of a list as a file.
fn sheet<T, R: Serialize + ToSchema>(
    fields: &'static Fields<T>,
    plan: &Plan<T>,
    actor: &Actor,
) -> Result<Sheet, FieldError> {
    let hidden: Vec<&str> = actor.access.hidden_members(fields.kind.path()).collect();
    let own = actor.settings.custom.active(fields.kind).filter(|field| !hidden.contains(&field.path.as_str()));
    let sheet = Sheet::new::<R>(&hidden, &own.cloned().collect::<Vec<_>>(), &plan.include);
    match &plan.columns {
        Some(names) => sheet.only(names),
        None => Ok(sheet),
    }
}

fn as_parameter(bad: FieldError) -> Error {
    let name = bad.pointer.as_deref().unwrap_or_default().trim_start_matches('/').to_owned();
    Error::parameters(vec![FieldError { pointer: None, ..bad }.at_parameter(name)])
}

/// Returns the position in a list and the file of its rows. `Next-Cursor` is set if more rows follow.
fn file<T, R: Serialize + ToSchema + Hide + 'static>(
    tx: &mut Tx<'_>,
    fields: &'static Fields<T>,
    plan: &Plan<T>,
    page: fn(&mut Tx<'_>, &Plan<T>) -> Result<Page<R>>,
) -> Result<(PageInfo, Answer)> {
    let sheet = sheet::<T, R>(fields, plan, tx.actor)?;
    let Page { data, included, page } = page(tx, plan)?;
    let file = sheet.file(data, included).next_cursor(page.next_cursor.clone());
    Ok((page, file))
}

/// The URL of a list, from which the URL of its next page is made.
#[derive(Debug)]
pub struct NextLink {
    path: String,
    query: String,
}

impl NextLink {
    /// A page, with the link to the one after it.
    pub fn answer(self, page: impl Paged) -> Answer {
        let link = self.next(page.info());
        Answer::ok(page).link(link)
    }

    fn next(&self, page: &PageInfo) -> Option<String> {
        let cursor = page.next_cursor.as_ref()?;
        let kept = self.query.split('&').filter(|p| !p.is_empty() && !p.starts_with("cursor="));
        let query: Vec<&str> = kept.collect();
        let joint = if query.is_empty() { "" } else { "&" };
        Some(format!("<{}?{}{joint}cursor={cursor}>; rel=\"next\"", self.path, query.join("&")))
    }
}

/// A UUID in the path; any other text is not found.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub uuid::Uuid);

impl FromRequest for Id {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::Id);
        let text = request.match_info().iter().next().map(|(_, value)| value);
        let id = text.filter(|t| t.len() == 36).and_then(|t| t.parse().ok());
        ready(id.map(Id).ok_or_else(Error::not_found))
    }
}

/// The query of an operation that gets one record, with the names of the records to include.
#[derive(Debug)]
pub struct Include {
    query: String,
}

impl FromRequest for Include {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        signature::takes(request, Part::Include);
        ready(Ok(Include { query: request.query_string().to_owned() }))
    }
}

impl From<FieldError> for Error {
    fn from(bad: FieldError) -> Error {
        Error::members(vec![bad])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_keeps_the_query() {
        let page = |next: Option<&str>| PageInfo {
            next_cursor: next.map(str::to_owned),
            has_more: next.is_some(),
            total: None,
            total_capped: false,
        };
        for (query, expected) in [
            ("", "cursor=new"),
            ("limit=2", "limit=2&cursor=new"),
            ("cursor=old", "cursor=new"),
            ("limit=2&cursor=old&sort=name", "limit=2&sort=name&cursor=new"),
            ("q=a%26b&&limit=2", "q=a%26b&limit=2&cursor=new"),
            ("q=cursor=1", "q=cursor=1&cursor=new"),
        ] {
            let link = NextLink { path: "/api/v1/deals".into(), query: query.into() };
            let expected = format!("</api/v1/deals?{expected}>; rel=\"next\"");
            assert_eq!(link.next(&page(Some("new"))), Some(expected), "{query}");
            assert_eq!(link.next(&page(None)), None, "{query}, the last page");
        }
    }
}
