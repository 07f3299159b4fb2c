//! The HTTP server: one app per worker thread over shared data, and a graceful stop.
use crate::analytics::paper::fonts::Fonts;
use crate::db::pool::Db;
use crate::http::cors::{self, Origins};
use crate::http::health::Stopping;
use crate::http::openapi::document::Document;
use crate::http::{app, layers, validators};
use crate::identity::actors::Actors;
use crate::identity::credentials::tokens::Keys;
use crate::identity::sign_in::auth::WorkspaceSeed;
use crate::identity::sign_in::middleware::authenticate;
use crate::identity::sign_in::oidc;
use crate::kernel::query::seek;
use crate::records::files::blobs::Blobs;
use crate::web::answer::TrustProxy;
use crate::web::budget::Budget;
use crate::web::limits::Limits;
use actix_web::dev::ServerHandle;
use actix_web::middleware::{Compress, Condition, from_fn};
use actix_web::{App, HttpServer, web};
use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Duration;
use utoipa_actix_web::{AppExt, scope};

/// The time limit for running requests after a stop signal.
const DRAIN_SECONDS: u64 = 20;
/// The minimum number of HTTP threads if the setting is absent; otherwise there is one per core.
const THREADS_MIN: usize = 2;

/// The data that all operations share.
#[derive(Clone, Debug)]
pub struct Shared {
    pub db: web::Data<Db>,
    pub blobs: web::Data<Blobs>,
    pub keys: web::Data<Keys>,
    pub actors: web::Data<Actors>,
    pub document: web::Data<Document>,
    pub stopping: web::Data<Stopping>,
    pub provider: web::Data<oidc::Provider>,
    /// `None` disables rate limits.
    pub limits: Option<web::Data<Limits>>,
    pub budget: web::Data<Budget>,
    pub fonts: web::Data<Fonts>,
    pub trust_proxy: TrustProxy,
    /// Origins from which browsers may call, without credentials.
    pub origins: Origins,
    threads: usize,
}

/// Settings of a server.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Requests per minute and principal; 0 disables the limit.
    pub rate_per_minute: u32,
    pub trust_proxy: bool,
    pub origins: Vec<String>,
    /// The OpenID provider for sign-in.
    pub oidc: Option<oidc::Settings>,
    /// Threads that read requests and write responses; 0 means one per core.
    pub threads: usize,
    /// Replaced secrets. What they signed or encrypted remains valid.
    pub previous_secrets: Vec<String>,
    /// Files and folders of fonts for pictures; those of the system if there are none.
    pub fonts: Vec<PathBuf>,
}

impl Shared {
    pub fn new(db: Db, blobs: Blobs, secret: &[u8], options: &Options) -> Shared {
        seek::sign_with(vec![seek::signing_key(secret)]);
        let keys = Keys::with_previous(secret, &options.previous_secrets);
        Shared {
            db: web::Data::new(db),
            blobs: web::Data::new(blobs),
            actors: web::Data::new(Actors::default()),
            keys: web::Data::new(keys),
            document: web::Data::new(app::document()),
            stopping: web::Data::new(Stopping::default()),
            provider: web::Data::new(oidc::Provider::new(options.oidc.clone())),
            limits: Limits::new(options.rate_per_minute).map(web::Data::new),
            budget: web::Data::new(Budget::default()),
            fonts: web::Data::new(Fonts::new(options.fonts.clone())),
            trust_proxy: TrustProxy(options.trust_proxy),
            origins: Origins(options.origins.clone()),
            threads: threads(options.threads),
        }
    }
}

fn threads(given: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(THREADS_MIN, usize::from);
    if given == 0 { cores().max(THREADS_MIN) } else { given }
}

/// Creates the initial records of a new workspace.
pub const WORKSPACE_SEED: WorkspaceSeed = WorkspaceSeed(&[crate::sales::pipelines::seed]);

/// Serves until it is stopped. `started` receives the handle that stops it.
pub async fn serve(listener: TcpListener, shared: Shared, started: impl FnOnce(ServerHandle)) -> io::Result<()> {
    let threads = shared.threads;
    let server = HttpServer::new(move || {
        let shared = shared.clone();
        let app = match shared.limits.clone() {
            Some(limits) => App::new().app_data(limits),
            None => App::new(),
        };
        app.app_data(shared.trust_proxy)
            .app_data(shared.origins.clone())
            .app_data(shared.db)
            .app_data(shared.blobs)
            .app_data(shared.keys)
            .app_data(shared.actors)
            .app_data(shared.document)
            .app_data(shared.stopping)
            .app_data(shared.provider)
            .app_data(shared.budget)
            .app_data(shared.fonts)
            .app_data(web::Data::new(WORKSPACE_SEED))
            .into_utoipa_app()
            .service(
                scope("/api/v1")
                    .wrap(from_fn(layers::as_documented))
                    .wrap(from_fn(validators::tag))
                    .wrap(from_fn(layers::limit))
                    .wrap(from_fn(authenticate))
                    .configure(app::operations),
            )
            .into_app()
            .configure(app::unversioned)
            .default_service(web::to(layers::fallback))
            .wrap(Compress::default())
            .wrap(Condition::new(!shared.origins.0.is_empty(), cors::layer(&shared.origins)))
            .wrap(from_fn(layers::outermost))
    })
    // A compressed response is sent in several writes; each would wait up to 40 ms for the acknowledgement of the
    // previous one.
    .tcp_nodelay(true)
    .workers(threads)
    .disable_signals()
    .shutdown_timeout(DRAIN_SECONDS)
    .client_request_timeout(Duration::from_secs(10))
    .listen(listener)?
    .run();
    started(server.handle());
    server.await
}

/// Waits for Ctrl-C or SIGTERM, then stops. Readiness fails at once. After the delay, or a second signal, the server
/// accepts no more requests and completes running ones.
pub async fn stop_on_signal(handle: ServerHandle, stopping: web::Data<Stopping>, delay: Duration) {
    wait_for_signal().await;
    stopping.0.store(true, Ordering::Relaxed);
    if !delay.is_zero() {
        log::info!("stopping in {} seconds; readiness checks fail from now on", delay.as_secs());
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            () = wait_for_signal() => {}
        }
    }
    log::info!("stopping; running requests have {DRAIN_SECONDS} seconds");
    handle.stop(true).await;
}

/// Returns when the process receives a stop signal.
pub async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}
