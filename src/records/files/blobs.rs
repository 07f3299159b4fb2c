//! The file store: a folder, or a service with the S3 protocol. Each file is one object; its key consists of the
//! workspace and the id.
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::time::DateTime;
use crate::records::files::requests::Requests;
use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::BoxStream;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use std::fs::{self, DirBuilder, Permissions};
use std::future::ready;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// The timeout of a request to the store.
const TIMEOUT: Duration = Duration::from_secs(20);

/// The settings of the store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `s3://bucket/prefix`. If absent, files are stored in the folder.
    pub url: Option<String>,
    pub folder: PathBuf,
    /// The endpoint of a service other than Amazon S3.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    pub access_key: Option<String>,
    pub secret_key: Option<String>,
}

/// The bytes of a file, as the store sends them.
pub type Content = BoxStream<'static, object_store::Result<Bytes>>;

/// The default storage quota of a workspace: 10 GiB.
pub const QUOTA: u64 = 10 << 30;

/// The file store.
#[derive(Clone, Debug)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// The storage quota of a workspace in bytes; `None` for no limit.
    pub quota: Option<i64>,
}

impl Blobs {
    pub fn new(settings: &Settings) -> std::result::Result<Blobs, String> {
        let Some(url) = &settings.url else {
            private(&settings.folder).map_err(|e| format!("{}: {e}", settings.folder.display()))?;
            let folder = LocalFileSystem::new_with_prefix(&settings.folder).map_err(|e| e.to_string())?;
            return Ok(Blobs::of(Arc::new(folder.with_fsync(true))));
        };
        let wrong = || format!("{url} is not a file store; use s3://bucket or s3://bucket/prefix");
        let (bucket, prefix) = match url.strip_prefix("s3://").filter(|rest| !rest.is_empty()) {
            Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
            None => return Err(wrong()),
        };
        let plain = settings.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://"));
        let mut s3 = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_region(settings.region.as_deref().unwrap_or("us-east-1"))
            .with_client_options(ClientOptions::new().with_timeout(TIMEOUT).with_allow_http(plain))
            .with_http_connector(Requests(TIMEOUT))
            .with_retry(RetryConfig { max_retries: 2, retry_timeout: TIMEOUT, ..RetryConfig::default() });
        if let Some(endpoint) = &settings.endpoint {
            s3 = s3.with_endpoint(endpoint);
        }
        if let (Some(key), Some(secret)) = (&settings.access_key, &settings.secret_key) {
            s3 = s3.with_access_key_id(key).with_secret_access_key(secret);
        }
        let s3 = s3.build().map_err(|e| format!("the file store cannot be used: {e}"))?;
        Ok(Blobs::of(if prefix.is_empty() { Arc::new(s3) } else { Arc::new(PrefixStore::new(s3, prefix)) }))
    }

    fn of(store: Arc<dyn ObjectStore>) -> Blobs {
        Blobs { store, quota: i64::try_from(QUOTA).ok() }
    }

    /// Sets the quota; 0 means no limit.
    #[must_use]
    pub fn with_quota(self, bytes: u64) -> Blobs {
        Blobs { quota: (bytes > 0).then(|| i64::try_from(bytes).unwrap_or(i64::MAX)), ..self }
    }

    pub async fn put(&self, workspace: Uuid, id: Uuid, content: Bytes) -> Result<()> {
        self.store.put(&key(workspace, id), content.into()).await.map(drop).map_err(|error| unavailable(&error))
    }

    /// Returns the size and the bytes of a file, or `None` if it is missing. The bytes are streamed from a folder, and
    /// read into memory from S3.
    pub async fn get(&self, workspace: Uuid, id: Uuid) -> Result<Option<(u64, Content)>> {
        match self.store.get(&key(workspace, id)).await {
            Ok(found) => Ok(Some((found.meta.size, found.into_stream()))),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// Returns the workspace and id of all files that were stored before an instant.
    pub async fn older_than(&self, instant: DateTime) -> Result<Vec<(Uuid, Uuid)>> {
        let all = self.store.list(None).try_filter(|object| ready(DateTime::from(object.last_modified) < instant));
        let names = all.map_ok(|object| named(&object.location)).try_collect::<Vec<_>>().await;
        Ok(names.map_err(|error| unavailable(&error))?.into_iter().flatten().collect())
    }

    /// Deletes the bytes of a file. Missing bytes are not an error.
    pub async fn remove(&self, workspace: Uuid, id: Uuid) -> Result<()> {
        match self.store.delete(&key(workspace, id)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unavailable(&error)),
        }
    }
}

/// Creates a folder that only its owner can access.
fn private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// Returns the workspace and id of a key, or `None` for an object of another program.
fn named(key: &Key) -> Option<(Uuid, Uuid)> {
    let mut parts = key.parts().map(|part| part.as_ref().parse::<Uuid>().ok());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(workspace), Some(id), None) => workspace.zip(id),
        _ => None,
    }
}

fn key(workspace: Uuid, id: Uuid) -> Key {
    Key::from(format!("{workspace}/{id}"))
}

fn unavailable(error: &object_store::Error) -> Error {
    log::warn!("file store: {error}");
    Error::new(Code::FilesUnavailable, "the file store is not available; try again later")
}
