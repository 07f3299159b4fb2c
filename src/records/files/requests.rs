//! The HTTP connector for S3. It uses the same HTTP client as the rest of the program, on the blocking thread pool.
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::BodyExt;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use std::time::Duration;
use ureq::Agent;
use ureq::http::request::Parts;
use ureq::http::{Method, Request, Response};

/// Creates HTTP clients with a timeout.
#[derive(Debug)]
pub struct Requests(pub Duration);

impl HttpConnector for Requests {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(self.0))
            .build()
            .into();
        Ok(HttpClient::new(Client(agent)))
    }
}

#[derive(Debug)]
struct Client(Agent);

#[async_trait]
impl HttpService for Client {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let (head, body) = request.into_parts();
        let content = body.collect().await?.to_bytes();
        let agent = self.0.clone();
        let waiting = tokio::task::spawn_blocking(move || ask(&agent, head, &content));
        waiting.await.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?
    }
}

fn ask(agent: &Agent, head: Parts, content: &[u8]) -> Result<HttpResponse, HttpError> {
    let bare = matches!(head.method, Method::GET | Method::HEAD | Method::DELETE);
    let response =
        if bare { agent.run(Request::from_parts(head, ())) } else { agent.run(Request::from_parts(head, content)) };
    let (head, mut body) = response.map_err(|error| HttpError::new(kind(&error), error))?.into_parts();
    let content = body.with_config().limit(u64::MAX).read_to_vec();
    let content = content.map_err(|error| HttpError::new(HttpErrorKind::Interrupted, error))?;
    Ok(Response::from_parts(head, HttpResponseBody::from(Bytes::from(content))))
}

const fn kind(error: &ureq::Error) -> HttpErrorKind {
    match error {
        ureq::Error::Timeout(_) => HttpErrorKind::Timeout,
        ureq::Error::ConnectionFailed | ureq::Error::HostNotFound => HttpErrorKind::Connect,
        _ => HttpErrorKind::Request,
    }
}
