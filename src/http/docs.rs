//! The API documentation at `/docs/`: operations with a form to try them, and the guides. Everything is embedded in
//! the binary.
use actix_web::{HttpResponse, web};
use serde_json::json;
use std::sync::LazyLock;

/// The path under `/docs/`, the media type and the content.
const FILES: [(&str, &str, &str); 5] = [
    ("", "text/html; charset=utf-8", include_str!("docs/index.html")),
    ("page.js", "text/javascript; charset=utf-8", include_str!("docs/page.js")),
    ("known.js", "text/javascript; charset=utf-8", include_str!("docs/known.js")),
    ("markdown.js", "text/javascript; charset=utf-8", include_str!("docs/markdown.js")),
    ("page.css", "text/css; charset=utf-8", include_str!("docs/page.css")),
];

/// The guides in reading order.
const GUIDES: [(&str, &str); 16] = [
    ("authentication", include_str!("../../docs/clients/authentication.md")),
    ("lists", include_str!("../../docs/clients/lists.md")),
    ("writes", include_str!("../../docs/clients/writes.md")),
    ("screens", include_str!("../../docs/clients/screens.md")),
    ("figures", include_str!("../../docs/clients/figures.md")),
    ("imports", include_str!("../../docs/clients/imports.md")),
    ("moving-in", include_str!("../../docs/clients/moving-in.md")),
    ("errors", include_str!("../../docs/clients/errors.md")),
    ("fields", include_str!("../../docs/clients/fields.md")),
    ("events", include_str!("../../docs/clients/events.md")),
    ("limits", include_str!("../../docs/clients/limits.md")),
    ("privacy", include_str!("../../docs/clients/privacy.md")),
    ("rules", include_str!("../../docs/api-rules.md")),
    ("typescript", include_str!("../../docs/languages/typescript.md")),
    ("python", include_str!("../../docs/languages/python.md")),
    ("kotlin", include_str!("../../docs/languages/kotlin.md")),
];

static GUIDES_JSON: LazyLock<String> = LazyLock::new(|| {
    let title = |text: &str| text.lines().next().unwrap_or_default().trim_start_matches("# ").to_owned();
    GUIDES
        .iter()
        .map(|(name, text)| json!({ "name": name, "title": title(text), "text": text }))
        .collect::<serde_json::Value>()
        .to_string()
});

pub fn service(config: &mut web::ServiceConfig) {
    config.service(web::redirect("/docs", "/docs/"));
    for (name, media, content) in FILES {
        let show = move || async move { HttpResponse::Ok().content_type(media).body(content) };
        config.service(web::resource(format!("/docs/{name}")).route(web::get().to(show)));
    }
    let guides = || async { HttpResponse::Ok().content_type("application/json").body(GUIDES_JSON.as_str()) };
    config.service(web::resource("/docs/guides.json").route(web::get().to(guides)));
}
