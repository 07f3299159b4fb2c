//! How a contact can be reached: addresses, numbers, accounts in messengers and networks; and how and when not.
use crate::kernel::error::{FieldCode, FieldError};
use crate::kernel::values::accounts;
use crate::{jsonb, text_enum};
use chrono::NaiveTime;
use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use diesel::sql_types::Jsonb;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// A way to reach a person.
    pub enum Channel {
        Email = "email",
        Phone = "phone",
        Sms = "sms",
        Messenger = "messenger",
        Post = "post",
        Visit = "visit",
    }
}

text_enum! {
    /// The kind of an address or a number.
    pub enum AddressKind { Work = "work", Home = "home", Mobile = "mobile", Other = "other", }
}

/// An e-mail address of a contact, in lower case. It is unique in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactEmail {
    #[schema(format = "email", max_length = 254)]
    pub email: String,
    /// `work` if absent.
    #[serde(default = "work")]
    pub kind: AddressKind,
}

fn work() -> AddressKind {
    AddressKind::Work
}

/// A phone number of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactPhone {
    /// The number as it was sent.
    pub phone: String,
    /// The number in E.164; null if it cannot be parsed.
    pub e164: Option<String>,
    pub kind: AddressKind,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ContactPhoneInput {
    #[schema(min_length = 1, max_length = 50)]
    pub phone: String,
    /// `work` if absent.
    #[serde(default = "work")]
    pub kind: AddressKind,
}

/// An account of a contact. `@Name`, `t.me/name` and `https://t.me/name` are the same account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ContactAccount {
    /// `telegram`, `whatsapp`, `viber`, `facebook`, `instagram`, `linkedin`, `vk`, or a kind of your own.
    #[schema(example = "telegram")]
    pub kind: String,
    /// The name of the account without `@` and address, in lower case; for `whatsapp` and `viber` the number in E.164.
    #[schema(example = "anna_berg")]
    pub handle: String,
    /// The value of the filter `account`.
    #[schema(example = "telegram:anna_berg")]
    pub key: String,
    /// The address of the account, if its kind has addresses.
    #[schema(example = "https://t.me/anna_berg")]
    pub url: Option<String>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct ContactAccountInput {
    /// `telegram`, `whatsapp`, `viber`, `facebook`, `instagram`, `linkedin`, `vk`, or a kind of your own.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,29}$", example = "telegram")]
    pub kind: String,
    /// The name, with or without `@`, or the address of the account.
    #[schema(min_length = 1, max_length = 200, example = "@Anna_Berg")]
    pub handle: String,
}

/// The hours in which a contact must not be called or written to, in the contact's time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow, ToSchema)]
#[diesel(sql_type = Jsonb)]
pub struct QuietHours {
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "21:00")]
    pub from: String,
    /// May be earlier than `from`: until the next day. The same as `from` means the whole day.
    #[schema(pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$", example = "08:00")]
    pub to: String,
}

macro_rules! json_list {
    ($name:ident of $item:ty) => {
        #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, AsExpression, FromSqlRow)]
        #[diesel(sql_type = Jsonb)]
        #[serde(transparent)]
        pub struct $name(pub Vec<$item>);
    };
}
json_list!(Emails of ContactEmail);
json_list!(Phones of ContactPhone);
json_list!(Accounts of ContactAccount);
json_list!(Channels of Channel);
jsonb!(Emails, Phones, Accounts, Channels, QuietHours);

impl QuietHours {
    pub fn contain(&self, time: NaiveTime) -> bool {
        let (time, from, to) = (time.format("%H:%M").to_string(), &self.from, &self.to);
        if from < to { *from <= time && time < *to } else { *from <= time || time < *to }
    }
}

impl Accounts {
    /// Normalises accounts and removes duplicates. `check` has refused texts that are no accounts.
    pub fn normal(list: &[ContactAccountInput], country: &str) -> Accounts {
        let read = |ContactAccountInput { kind, handle }: &ContactAccountInput| {
            let handle = accounts::normal(kind, handle, country)?;
            let (key, url) = (accounts::key(kind, &handle), accounts::url(kind, &handle));
            Some(ContactAccount { kind: kind.clone(), handle, key, url })
        };
        list.iter().filter_map(read).fold(Accounts::default(), |mut all, account| {
            if !all.0.contains(&account) {
                all.0.push(account);
            }
            all
        })
    }
}

/// Refuses texts that cannot be accounts of their kind.
pub fn check(list: &[ContactAccountInput], bad: &mut Vec<FieldError>) {
    for (n, ContactAccountInput { kind, handle }) in list.iter().enumerate() {
        if !accounts::is_kind(kind) {
            let detail = "must be a name in lower case, such as telegram";
            bad.push(FieldError::member(format!("/accounts/{n}/kind"), FieldCode::InvalidFormat, detail));
        } else if accounts::normal(kind, handle, "").is_none() {
            let detail = "must be the name or the address of an account of this kind";
            bad.push(FieldError::member(format!("/accounts/{n}/handle"), FieldCode::InvalidFormat, detail));
        }
    }
}
