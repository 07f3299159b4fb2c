//! All errors of requests, as RFC 9457 problem details. One table gives each code its status and title.
use crate::kernel::values::decision::Decision;
use diesel::result::Error as Sql;
use serde::{Serialize, Serializer};
use utoipa::ToSchema;
use uuid::Uuid;

pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! codes {
    ($($name:ident = $status:literal $code:literal $title:literal;)*) => {
        /// The stable, machine-readable code of a problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Code { $($name),* }
        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$name),*];
            pub const fn status(self) -> u16 { match self { $(Code::$name => $status),* } }
            pub const fn as_str(self) -> &'static str { match self { $(Code::$name => $code),* } }
            pub const fn title(self) -> &'static str { match self { $(Code::$name => $title),* } }
        }
    };
}

codes! {
    BadRequest = 400 "bad_request" "The request cannot be read";
    InvalidJson = 400 "invalid_json" "The body is not valid JSON";
    UnknownMember = 400 "unknown_member" "The body has an unknown member";
    InvalidParameter = 400 "invalid_parameter" "A query parameter is not valid";
    UnknownParameter = 400 "unknown_parameter" "A query parameter is unknown";
    CursorInvalid = 400 "cursor_invalid" "The cursor is not valid";
    CursorMismatch = 400 "cursor_mismatch" "The cursor belongs to a different filter or sort order";
    Unauthorized = 401 "unauthorized" "A bearer token is required";
    TokenInvalid = 401 "token_invalid" "The token is not valid";
    TokenExpired = 401 "token_expired" "The token has expired";
    SessionRevoked = 401 "session_revoked" "The session has ended";
    RefreshInvalid = 401 "refresh_invalid" "The refresh token is not valid";
    RefreshReused = 401 "refresh_reused" "The refresh token was used before; its session has ended";
    LinkInvalid = 401 "link_invalid" "The link is no longer valid";
    TotpRequired = 401 "totp_required" "A second factor is required";
    TotpInvalid = 401 "totp_invalid" "The second factor is wrong";
    OidcFailed = 401 "oidc_failed" "Sign-in through the provider failed";
    CredentialsInvalid = 401 "credentials_invalid" "E-mail or password is wrong";
    Forbidden = 403 "forbidden" "Your role does not allow this";
    InsufficientScope = 403 "insufficient_scope" "The API key lacks the required scope";
    NotFound = 404 "not_found" "Not found";
    MethodNotAllowed = 405 "method_not_allowed" "This method is not allowed here";
    NotAcceptable = 406 "not_acceptable" "None of the accepted media types is available";
    RequestTimeout = 408 "request_timeout" "The request took too long to arrive";
    Conflict = 409 "conflict" "The request conflicts with the state of the record";
    IdTaken = 409 "id_taken" "A record with this id already exists";
    DuplicateEmail = 409 "duplicate_email" "The e-mail address is in use";
    DuplicateName = 409 "duplicate_name" "The name is in use";
    DuplicateExternalId = 409 "duplicate_external_id" "The external id is in use";
    DuplicateSku = 409 "duplicate_sku" "The SKU is in use";
    AlreadyConverted = 409 "already_converted" "The lead is already converted";
    AlreadyClosed = 409 "already_closed" "The record is already closed";
    NotClosed = 409 "not_closed" "The record is not closed";
    NotCompleted = 409 "not_completed" "The task is not completed";
    NotConverted = 409 "not_converted" "The lead is not converted";
    AlreadyCompleted = 409 "already_completed" "The task is already completed";
    StageInUse = 409 "stage_in_use" "The stage contains records";
    LastStage = 409 "last_stage" "A pipeline needs an open, a won and a lost stage";
    LastOwner = 409 "last_owner" "A workspace needs an owner";
    InUse = 409 "in_use" "Other records refer to this one";
    IdempotencyInProgress = 409 "idempotency_in_progress" "A request with this key is still running";
    SecretUnknown = 409 "secret_unknown" "The stored value is encrypted with a secret that this server does not have";
    SecretShown = 409 "secret_shown" "The response contained a secret, which is shown only once";
    AnswerErased = 409 "answer_erased" "The stored response cannot be shown any more";
    FileRemoved = 409 "file_removed" "The file is no longer available";
    JobFinished = 409 "job_finished" "The job has ended";
    VersionConflict = 412 "version_conflict" "The record has changed since you read it";
    PayloadTooLarge = 413 "payload_too_large" "The body is too large";
    QuotaExceeded = 413 "quota_exceeded" "The file quota of the workspace is exceeded";
    UriTooLong = 414 "uri_too_long" "The URL is too long";
    UnsupportedMediaType = 415 "unsupported_media_type" "This content type is not supported here";
    SumTooLarge = 422 "sum_too_large" "A sum exceeds the largest amount";
    ValidationFailed = 422 "validation_failed" "Validation failed";
    IdempotencyKeyReused = 422 "idempotency_key_reused" "The idempotency key was used for another request";
    FileUnreadable = 422 "file_unreadable" "The file cannot be read";
    DecisionNeeded = 422 "decision_needed" "The file can be read in several ways";
    PreconditionRequired = 428 "precondition_required" "This change requires an If-Match header";
    RateLimited = 429 "rate_limited" "Too many requests";
    Internal = 500 "internal_error" "Internal server error";
    Overloaded = 503 "overloaded" "The server is busy";
    FilesUnavailable = 503 "files_unavailable" "The file store cannot be reached";
    DatabaseUnavailable = 503 "database_unavailable" "The database cannot be reached";
}

macro_rules! field_codes {
    ($($name:ident = $code:literal $title:literal;)*) => {
        /// The stable, machine-readable reason why one member or parameter is refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum FieldCode {
            $($name,)*
            /// The code of a whole problem: of one item among many, or of a cursor.
            Whole(Code),
        }
        impl FieldCode {
            /// Every code that only a member or parameter has.
            pub const OWN: &'static [FieldCode] = &[$(FieldCode::$name),*];
            pub const fn as_str(self) -> &'static str {
                match self { $(FieldCode::$name => $code,)* FieldCode::Whole(code) => code.as_str() }
            }
            pub const fn title(self) -> &'static str {
                match self { $(FieldCode::$name => $title,)* FieldCode::Whole(code) => code.title() }
            }
        }
    };
}

field_codes! {
    Required = "required" "The member is missing.";
    UnknownMember = "unknown_member" "The member is unknown.";
    UnknownParameter = "unknown_parameter" "The parameter is unknown.";
    UnknownField = "unknown_field" "The workspace has no such custom field.";
    NullNotAllowed = "null_not_allowed" "The member must not be null.";
    InvalidType = "invalid_type" "The value has the wrong JSON type.";
    InvalidFormat = "invalid_format" "The text is not in the required format.";
    InvalidCharacter = "invalid_character" "The text contains a control character.";
    InvalidChoice = "invalid_choice" "The value is not one of the accepted values.";
    TooShort = "too_short" "The text or list is too short.";
    TooLong = "too_long" "The text or list is too long.";
    OutOfRange = "out_of_range" "The number is out of range.";
    StatedTwice = "stated_twice" "The value is given twice.";
    ReferenceNotFound = "reference_not_found" "The record does not exist in this workspace, or you cannot see it.";
    MatchesEverything = "matches_everything" "The selection matches all records, but `everything` is not set.";
    SuspendedUser = "suspended_user" "The user is suspended and cannot be assigned new work.";
    Hidden = "hidden" "Your role hides this member, so you cannot change it.";
    StageNotInPipeline = "stage_not_in_pipeline" "The stage belongs to another pipeline.";
    ReadOnly = "read_only" "The member is read-only.";
    DoNotContact = "do_not_contact" "The person must not be contacted, or not in this way.";
    QuietHours = "quiet_hours" "The person must not be disturbed at this time.";
    TooMany = "too_many" "The record has as many of these as it can have.";
    Invalid = "invalid" "The value is not valid.";
}

impl From<Code> for FieldCode {
    fn from(code: Code) -> FieldCode {
        FieldCode::Whole(code)
    }
}

impl Serialize for FieldCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The values that an error text mentions, for clients that write their own texts. Only the applicable members are
/// present.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ErrorParams)]
pub struct Params {
    /// The smallest number, or the smallest number of characters or items.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub min: Option<i64>,
    /// The largest number, or the largest number of characters or items.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub max: Option<i64>,
    /// The values that are accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub choices: Vec<String>,
    /// The key of the custom field.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub key: Option<String>,
}

/// A refused member (`pointer`, RFC 6901) or a refused parameter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = FieldError)]
pub struct FieldError {
    pub pointer: Option<String>,
    pub parameter: Option<String>,
    #[schema(value_type = String)]
    pub code: FieldCode,
    pub detail: String,
    #[schema(value_type = Params)]
    pub params: Box<Params>,
}

impl FieldError {
    /// Creates an error without a location; `at_member` or `at_parameter` adds it.
    pub fn new(code: impl Into<FieldCode>, detail: impl Into<String>) -> FieldError {
        FieldError { pointer: None, parameter: None, code: code.into(), detail: detail.into(), params: Box::default() }
    }

    /// `pointer` starts with a slash: `/emails/0/email`.
    pub fn member(pointer: impl Into<String>, code: impl Into<FieldCode>, detail: impl Into<String>) -> FieldError {
        FieldError::new(code, detail).at_member(pointer)
    }

    pub fn parameter(name: impl Into<String>, code: impl Into<FieldCode>, detail: impl Into<String>) -> FieldError {
        FieldError::new(code, detail).at_parameter(name)
    }

    #[must_use]
    pub fn at_member(self, pointer: impl Into<String>) -> FieldError {
        FieldError { pointer: Some(cut(pointer.into())), ..self }
    }

    #[must_use]
    pub fn at_parameter(self, name: impl Into<String>) -> FieldError {
        FieldError { parameter: Some(cut(name.into())), ..self }
    }

    /// Prefixes the pointer, for a value inside another one.
    #[must_use]
    pub fn under(self, pointer: &str) -> FieldError {
        FieldError { pointer: self.pointer.map(|inner| format!("{pointer}{inner}")), ..self }
    }

    /// Adds the accepted bounds.
    #[must_use]
    pub fn within(mut self, min: Option<i64>, max: Option<i64>) -> FieldError {
        (self.params.min, self.params.max) = (min, max);
        self
    }

    #[must_use]
    pub fn among<C: Into<String>>(mut self, choices: impl IntoIterator<Item = C>) -> FieldError {
        self.params.choices = choices.into_iter().map(Into::into).collect();
        self
    }

    /// Adds the key of the custom field whose value is refused.
    #[must_use]
    pub fn of_field(mut self, key: &str) -> FieldError {
        self.params.key = Some(key.to_owned());
        self
    }

    /// Creates the error for a number or a count out of bounds: "must be from 1 to 500".
    pub fn out_of_range(min: Option<i64>, max: Option<i64>) -> FieldError {
        let detail = match (min, max) {
            (Some(min), Some(max)) => format!("must be from {min} to {max}"),
            (Some(min), None) => format!("must be at least {min}"),
            (None, Some(max)) => format!("must be at most {max}"),
            (None, None) => "must fit into 64 bits".into(),
        };
        FieldError::new(FieldCode::OutOfRange, detail).within(min, max)
    }

    /// A value of another JSON type: "must be an integer".
    pub fn invalid_type(noun: &str) -> FieldError {
        FieldError::new(FieldCode::InvalidType, format!("must be {noun}"))
    }

    /// Creates the error for a value that is not in a closed set.
    pub fn not_among<C: AsRef<str>>(choices: &[C]) -> FieldError {
        let names: Vec<&str> = choices.iter().map(AsRef::as_ref).collect();
        FieldError::new(FieldCode::InvalidChoice, format!("must be one of {}", names.join(", "))).among(names)
    }
}

/// The content of an error response.
#[derive(Debug)]
pub struct Problem {
    pub code: Code,
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub current_version: Option<i64>,
    pub existing_id: Option<Uuid>,
    pub required_scope: Option<String>,
    pub allow: Option<String>,
    /// The seconds after which the client may retry.
    pub retry_after: Option<u32>,
    pub decisions: Vec<Decision>,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{}: {}{}", .0.code.as_str(), .0.detail, bad_list(&.0.errors))]
    Problem(Box<Problem>),
    /// A database error without a meaning for the caller.
    #[error("database: {0}")]
    Sql(#[from] Sql),
    #[error("{0}")]
    Internal(String),
}

fn bad_list(bad: &[FieldError]) -> String {
    bad.iter()
        .map(|b| format!("; {}: {}", b.pointer.as_deref().or(b.parameter.as_deref()).unwrap_or(""), b.detail))
        .collect()
}

impl Error {
    pub fn new(code: Code, detail: impl Into<String>) -> Error {
        Error::Problem(Box::new(Problem {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            current_version: None,
            existing_id: None,
            required_scope: None,
            allow: None,
            retry_after: None,
            decisions: Vec::new(),
        }))
    }

    pub fn internal(cause: impl std::fmt::Display) -> Error {
        Error::Internal(cause.to_string())
    }

    pub fn not_found() -> Error {
        Error::new(Code::NotFound, "the record does not exist, or you cannot see it")
    }

    /// Creates the error for refused members: 400 if one of them is unknown, so that typos are noticed; otherwise 422.
    pub fn members(errors: Vec<FieldError>) -> Error {
        let unknown = errors.iter().any(|bad| bad.code == FieldCode::UnknownMember);
        let code = if unknown { Code::UnknownMember } else { Code::ValidationFailed };
        Error::listed(code, errors, "member")
    }

    pub fn member(pointer: impl Into<String>, code: impl Into<FieldCode>, detail: impl Into<String>) -> Error {
        Error::members(vec![FieldError::member(pointer, code, detail)])
    }

    pub fn reference(pointer: impl Into<String>) -> Error {
        Error::member(pointer, FieldCode::ReferenceNotFound, "must be the id of an existing record that you can see")
    }

    /// Turns `not_found` into a 422 for the member that refers to the record. Other errors stay as they are.
    #[must_use]
    pub fn at_member(self, pointer: &str) -> Error {
        if self.code() == Code::NotFound { Error::reference(pointer) } else { self }
    }

    /// Creates the error for refused parameters: 400, with the code of the most severe one.
    pub fn parameters(errors: Vec<FieldError>) -> Error {
        let has = |code: FieldCode| errors.iter().any(|bad: &FieldError| bad.code == code);
        let code = if has(FieldCode::UnknownParameter) {
            Code::UnknownParameter
        } else if has(Code::CursorInvalid.into()) {
            Code::CursorInvalid
        } else if has(Code::CursorMismatch.into()) {
            Code::CursorMismatch
        } else {
            Code::InvalidParameter
        };
        Error::listed(code, errors, "parameter")
    }

    fn listed(code: Code, mut errors: Vec<FieldError>, what: &str) -> Error {
        let detail = match errors.as_slice() {
            [one] => {
                let name = one.pointer.as_deref().or(one.parameter.as_deref()).unwrap_or_default();
                format!("{name} {}", one.detail)
            }
            many if many.len() < ERRORS_MAX => format!("{} {what}s are not valid", many.len()),
            _ => format!("{ERRORS_MAX} {what}s or more are not valid"),
        };
        errors.truncate(ERRORS_MAX);
        Error::new(code, detail).with(|problem| problem.errors = errors)
    }

    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Problem)) -> Error {
        if let Error::Problem(problem) = &mut self {
            change(problem);
        }
        self
    }

    /// Moves the error of a nested body under this pointer.
    #[must_use]
    pub fn under(self, pointer: &str) -> Error {
        self.with(|problem| {
            if problem.detail.starts_with('/') {
                problem.detail.insert_str(0, pointer);
            }
            let errors = std::mem::take(&mut problem.errors);
            problem.errors = errors.into_iter().map(|bad| bad.under(pointer)).collect();
        })
    }

    pub fn code(&self) -> Code {
        match self {
            Error::Problem(problem) => problem.code,
            Error::Sql(_) | Error::Internal(_) => Code::Internal,
        }
    }
}

/// The body of every error response, as `application/problem+json` (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    pub r#type: String,
    pub title: &'a str,
    #[schema(value_type = i32)]
    pub status: u16,
    /// A stable code; `/api/v1/error-codes` lists all codes.
    pub code: &'a str,
    pub detail: &'a str,
    pub request_id: &'a str,
    /// All refused members or parameters, at most the first hundred.
    #[schema(value_type = Vec<FieldError>)]
    pub errors: &'a [FieldError],
    /// For `version_conflict`: the current version of the record.
    pub current_version: Option<i64>,
    /// For a duplicate that you can see: the id of the existing record.
    pub existing_id: Option<Uuid>,
    /// For `insufficient_scope`: the missing scope.
    pub required_scope: Option<&'a str>,
    /// For `decision_needed`: the questions about the file; otherwise empty.
    #[schema(value_type = Vec<Decision>)]
    pub decisions: &'a [Decision],
}

impl Problem {
    pub fn body<'a>(&'a self, request_id: &'a str) -> ProblemBody<'a> {
        ProblemBody {
            r#type: format!("/api/v1/error-codes#{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status(),
            code: self.code.as_str(),
            detail: &self.detail,
            request_id,
            errors: &self.errors,
            current_version: self.current_version,
            existing_id: self.existing_id,
            required_scope: self.required_scope.as_deref(),
            decisions: &self.decisions,
        }
    }
}

/// The largest number of errors in a response, so that a body full of mistakes does not get an even longer response.
pub const ERRORS_MAX: usize = 100;
/// The largest number of characters of a client's name that a response repeats.
const NAME_MAX: usize = 200;
/// The largest length of a name that is compared with the known ones: a longer one is not a typo, and comparing it is
/// slow.
const TYPO_MAX: usize = 64;

fn cut(mut name: String) -> String {
    if let Some((end, _)) = name.char_indices().nth(NAME_MAX) {
        name.truncate(end);
        name.push('…');
    }
    name
}

/// Returns an error if a count is out of bounds. `noun` is what is counted, in the singular.
pub fn length(count: usize, min: Option<u64>, max: Option<u64>, noun: &str) -> Option<FieldError> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    let bound = |bound: Option<u64>| bound.and_then(|bound| i64::try_from(bound).ok());
    let wrong = |code, detail| Some(FieldError::new(code, detail).within(bound(min), bound(max)));
    let counted = |n: u64| if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") };
    match (min, max) {
        (Some(min), _) if count < min => wrong(FieldCode::TooShort, format!("must have at least {}", counted(min))),
        (_, Some(max)) if count > max => wrong(FieldCode::TooLong, format!("must have at most {}", counted(max))),
        _ => None,
    }
}

/// Escapes a member name for a JSON pointer (RFC 6901, section 3).
pub fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// Returns the text for an unknown name, with the most similar known name: "is unknown; did you mean email?".
pub fn not_known<'a>(asked: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    // A suggestion that looks the same would not help.
    if asked != asked.trim() && known.contains(&asked.trim()) {
        return "is unknown; remove the spaces around it".into();
    }
    let near = known
        .into_iter()
        .take_while(|_| asked.len() <= TYPO_MAX)
        .map(|name| (strsim::normalized_damerau_levenshtein(asked, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        // A known name that this caller may not use is not a typo of itself.
        .filter(|(likeness, name)| *likeness > 0.4 && *name != asked);
    match near {
        Some((_, name)) => format!("is unknown; did you mean {name}?"),
        None => "is unknown".into(),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
