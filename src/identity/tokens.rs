//! Access tokens (JWT, HS256, 15 minutes), and opaque secrets such as refresh tokens and API keys, stored as SHA-256.
use crate::kernel::error::{Code, Error, Result};
use crate::kernel::values::hex::hex;
use crate::kernel::values::time::DateTime;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use chacha20poly1305::XChaCha20Poly1305;
use chacha20poly1305::aead::{Aead, KeyInit};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, errors::ErrorKind};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub const ACCESS_SECONDS: i64 = 900;
const ISSUER: &str = "voronka";
const LEEWAY_SECONDS: u64 = 5;

/// Signs and verifies access tokens, and encrypts and decrypts secrets. Also accepts data of the previous secrets.
#[derive(Clone)]
pub struct Keys {
    current: Key,
    encoding: EncodingKey,
    previous: Vec<Key>,
}

/// The keys that are derived from one secret.
#[derive(Clone)]
struct Key {
    kid: String,
    vault: XChaCha20Poly1305,
    decoding: DecodingKey,
}

impl Key {
    fn new(secret: &[u8]) -> Key {
        let kid = hex(&Sha256::digest(secret)).chars().take(8).collect();
        // Encryption has its own key, so that the signing key cannot decrypt secrets.
        let vault = Sha256::new().chain_update(b"voronka vault\0").chain_update(secret).finalize();
        Key { kid, vault: XChaCha20Poly1305::new(&vault), decoding: DecodingKey::from_secret(secret) }
    }

    fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>()?;
        self.vault.decrypt(&(*nonce).into(), sealed).ok()
    }
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.current.kid)
    }
}

/// Does not contain the role: role and session are read from the database, so that changes take effect within seconds.
#[derive(Debug, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The user.
    pub sub: Uuid,
    /// The workspace.
    pub wsp: Uuid,
    /// The session.
    pub sid: Uuid,
    pub iat: i64,
    pub exp: i64,
    pub jti: Uuid,
}

impl Keys {
    pub fn new(secret: &[u8]) -> Keys {
        Keys::with_previous(secret, &[])
    }

    pub fn with_previous(secret: &[u8], previous: &[String]) -> Keys {
        Keys {
            current: Key::new(secret),
            encoding: EncodingKey::from_secret(secret),
            previous: previous.iter().map(|secret| Key::new(secret.as_bytes())).collect(),
        }
    }

    fn all(&self) -> impl Iterator<Item = &Key> {
        std::iter::once(&self.current).chain(&self.previous)
    }

    pub fn sign(&self, user: Uuid, workspace: Uuid, session: Uuid, now: DateTime) -> Result<String> {
        let iat = now.utc().timestamp();
        let claims = Claims {
            iss: ISSUER.into(),
            aud: ISSUER.into(),
            sub: user,
            wsp: workspace,
            sid: session,
            iat,
            exp: iat + ACCESS_SECONDS,
            jti: Uuid::new_v4(),
        };
        let header = Header { kid: Some(self.current.kid.clone()), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, &claims, &self.encoding).map_err(Error::internal)
    }

    /// Encrypts a secret that must be read again, such as that of a second factor. Returns the nonce and the
    /// XChaCha20-Poly1305 ciphertext.
    pub fn seal(&self, secret: &[u8]) -> Result<Vec<u8>> {
        let nonce = random_bytes::<NONCE>()?;
        let sealed = self.current.vault.encrypt(&nonce.into(), secret).map_err(Error::internal)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Decrypts a sealed secret. Fails with an explanation if this server does not have the key.
    pub fn open(&self, sealed: &[u8]) -> Result<Vec<u8>> {
        self.all().find_map(|key| key.open(sealed)).ok_or_else(|| {
            let way = "the operator can start the server with that secret in VORONKA_SECRET_PREVIOUS";
            let why = "the stored data was encrypted with a secret that this server does not have";
            Error::new(Code::SecretUnknown, format!("{why}; {way}"))
        })
    }

    pub fn check(&self, token: &str) -> Result<Claims, Code> {
        let invalid = |_| Code::TokenInvalid;
        let kid = jsonwebtoken::decode_header(token).map_err(invalid)?.kid;
        let key = self.all().find(|key| kid.as_ref() == Some(&key.kid)).ok_or(Code::TokenInvalid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let token = jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation).map_err(|e| match e.kind() {
            ErrorKind::ExpiredSignature => Code::TokenExpired,
            _ => Code::TokenInvalid,
        })?;
        let early = token.claims.iat > DateTime::now().utc().timestamp().saturating_add_unsigned(LEEWAY_SECONDS);
        if early { Err(Code::TokenInvalid) } else { Ok(token.claims) }
    }
}

const NONCE: usize = 24;

pub fn random_bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

/// Returns 256 random bits as 43 characters.
pub fn random() -> Result<String> {
    Ok(BASE64.encode(random_bytes::<32>()?))
}

/// Returns 256 random bits in hexadecimal, for codes that people type.
pub fn random_hex() -> Result<String> {
    Ok(hex(&random_bytes::<32>()?))
}

/// Returns the stored hash of a secret. Secrets have 256 random bits, so a fast hash is sufficient.
pub fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

const KEY_START: &str = "vrk_";

/// Creates an API key, `vrk_<8>_<43><6>`. The first part identifies the key in lists, the last six are a checksum.
pub fn new_api_key() -> Result<(String, String)> {
    let prefix: String = hex(&Sha256::digest(random()?)).chars().take(8).collect();
    let body = format!("{KEY_START}{prefix}_{}", random()?);
    let key = format!("{body}{}", checksum(&body));
    Ok((prefix, key))
}

/// Checks whether a bearer token is an API key. Returns an error if its checksum is wrong.
pub fn is_api_key(token: &str) -> Result<bool, Code> {
    if !token.starts_with(KEY_START) {
        return Ok(false);
    }
    let (body, sum) = token.len().checked_sub(6).and_then(|at| token.split_at_checked(at)).ok_or(Code::TokenInvalid)?;
    if checksum(body) == sum { Ok(true) } else { Err(Code::TokenInvalid) }
}

fn checksum(body: &str) -> String {
    hex(&Sha256::digest(body)).chars().take(6).collect()
}
