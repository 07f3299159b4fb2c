//! The kinds of record the product knows, under the names that the API, the events and the tables use.

macro_rules! kinds {
    ($($name:ident $singular:literal $plural:literal $(in $table:literal)?;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $($name),* }
        impl Kind {
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];
            pub const TEXTS: &'static [&'static str] = &[$($singular),*];
            /// As in `deal.stage_changed`.
            pub const fn as_str(self) -> &'static str { match self { $(Kind::$name => $singular),* } }
            /// As in `/api/v1/deals`.
            pub const fn path(self) -> &'static str { match self { $(Kind::$name => $plural),* } }
            /// The table of its records.
            pub const fn table(self) -> &'static str { match self { $(Kind::$name => kinds!(@ $plural $($table)?)),* } }
        }
    };
    (@ $plural:literal) => { $plural };
    (@ $plural:literal $table:literal) => { $table };
}

kinds! {
    Workspace "workspace" "workspaces";
    User "user" "users";
    Role "role" "roles";
    Team "team" "teams";
    ApiKey "api_key" "api-keys" in "api_keys";
    CustomField "custom_field" "custom-fields" in "custom_fields";
    Tag "tag" "tags";
    Source "source" "sources";
    Company "company" "companies";
    Contact "contact" "contacts";
    Product "product" "products";
    Pipeline "pipeline" "pipelines";
    Stage "stage" "stages";
    LossReason "loss_reason" "loss-reasons" in "loss_reasons";
    Lead "lead" "leads";
    Deal "deal" "deals";
    Task "task" "tasks";
    Activity "activity" "activities";
    File "file" "files";
    View "view" "views";
    Segment "segment" "segments";
    Session "session" "sessions";
    AuditEvent "audit_event" "audit-events" in "events";
    Erasure "erasure" "erasures";
    RetentionRule "retention_rule" "retention-rules" in "retention_rules";
    Import "import" "imports";
    Job "job" "jobs";
}

/// What every record of the API has.
pub trait Record: serde::Serialize {
    const KIND: Kind;
    fn id(&self) -> uuid::Uuid;
    fn version(&self) -> i64;
}

#[macro_export]
macro_rules! record {
    ($row:ty, $kind:ident) => {
        impl $crate::kernel::kind::Record for $row {
            const KIND: $crate::kernel::kind::Kind = $crate::kernel::kind::Kind::$kind;
            fn id(&self) -> uuid::Uuid {
                self.id
            }
            fn version(&self) -> i64 {
                self.version
            }
        }
    };
}
