//! The answer of a report in the format that the client accepts.
use crate::analytics::paper::about::{OnPaper, Paper};
use crate::analytics::paper::fonts::Fonts;
use crate::analytics::paper::look::Look;
use crate::analytics::paper::{png, svg, workbook};
use crate::analytics::report::Report;
use crate::analytics::scope::ReportQuery;
use crate::db::table::Stored;
use crate::db::tx::Tx;
use crate::kernel::access::permission::can;
use crate::kernel::answers::csv;
use crate::kernel::answers::reply::{Answer, PNG, Reply, SVG, XLSX};
use crate::kernel::error::{Error, Result};
use crate::sales::pipelines;
use crate::web::ctx::Ctx;
use crate::web::headers::{Format, ReportFormat};
use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use std::future::{Ready, ready};

/// The format that the client wants, and the fonts for it.
#[derive(Clone, Debug)]
pub struct Wanted {
    format: Format,
    fonts: web::Data<Fonts>,
}

impl FromRequest for Wanted {
    type Error = Error;
    type Future = Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let format = ReportFormat::from_request(request, payload).into_inner();
        let fonts = request.app_data::<web::Data<Fonts>>().cloned();
        let fonts = fonts.ok_or_else(|| Error::internal("no fonts in the app"));
        ready(format.and_then(|ReportFormat(format)| Ok(Wanted { format, fonts: fonts? })))
    }
}

/// Reads a report.
type Read<R> = fn(&mut Tx<'_>, &ReportQuery) -> Result<R>;

/// Answers a report. Workbooks and pictures are written by threads without a connection.
pub async fn answer<R: OnPaper>(ctx: &Ctx<can::Read<Report>>, wanted: Wanted, report: Read<R>) -> Result<Reply> {
    ctx.wants_file(wanted.format)?;
    let query = query::<R>(ctx, wanted.format)?;
    match wanted.format {
        Format::Json => {
            Look::refuse(ctx.query())?;
            ctx.report(move |tx| report(tx, &query).map(Answer::ok)).await
        }
        Format::Csv => {
            Look::refuse(ctx.query())?;
            ctx.report(move |tx| in_csv(tx, &query, report)).await
        }
        Format::Xlsx => {
            Look::refuse(ctx.query())?;
            ctx.report_file(move |tx| paper(tx, &query, report), |paper| workbook_of(&paper)).await
        }
        Format::Svg | Format::Png => {
            let look = Look::read(ctx.query())?;
            ctx.report_file(move |tx| paper(tx, &query, report), move |paper| wanted.picture(paper, look)).await
        }
    }
}

fn query<R: OnPaper>(ctx: &Ctx<can::Read<Report>>, format: Format) -> Result<ReportQuery> {
    if R::COMPARES {
        let both = matches!(format, Format::Json | Format::Xlsx);
        ReportQuery::comparing(ctx.query(), &ctx.actor, !both)
    } else {
        ReportQuery::new(ctx.query(), &ctx.actor)
    }
}

fn in_csv<R: OnPaper>(tx: &mut Tx<'_>, query: &ReportQuery, report: Read<R>) -> Result<Answer> {
    let report = report(tx, query)?;
    let table = report.table(&tx.actor.settings.base_currency)?;
    Ok(csv::report(&table).file_name(report.about().file_name("csv")))
}

fn paper<R: OnPaper>(tx: &mut Tx<'_>, query: &ReportQuery, report: Read<R>) -> Result<Paper> {
    let report = report(tx, query)?;
    let currency = tx.actor.settings.base_currency.clone();
    let about = report.about();
    let named = tx.actor.require_read("pipelines").is_ok();
    let pipeline = if named { Some(pipelines::Row::find(tx, about.pipeline_id)?.name) } else { None };
    let earlier = report.earlier().map(|earlier| Ok::<_, Error>((earlier.about(), earlier.table(&currency)?)));
    Ok(Paper {
        about,
        pipeline,
        table: report.table(&currency)?,
        earlier: earlier.transpose()?,
        chart: report.chart(&currency),
        now: tx.now,
    })
}

fn workbook_of(paper: &Paper) -> Result<Reply> {
    Ok(Reply::file(XLSX, paper.about.file_name("xlsx"), workbook::write(paper)?))
}

impl Wanted {
    fn picture(&self, paper: Paper, look: Look) -> Result<Reply> {
        let Paper { about, pipeline, chart, .. } = paper;
        let svg = svg::draw(&about, pipeline.as_deref(), chart, look)?;
        if self.format == Format::Svg {
            return Ok(Reply::file(SVG, about.file_name("svg"), svg.into_bytes()));
        }
        Ok(Reply::file(PNG, about.file_name("png"), png::draw(svg, &self.fonts)?))
    }
}
