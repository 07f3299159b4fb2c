//! Currencies as people write them: codes, signs and names.
use crate::intake::imports::meaning::doubt::{Choice, Doubt, Named, Verdict, Witnesses};
use crate::kernel::values::money;
use iso_currency::Currency;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// A currency, or a sign that several currencies have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// An ISO 4217 code.
    Code(&'static str),
    Shared(&'static SharedSign),
}

/// A sign of several currencies.
#[derive(Debug, PartialEq, Eq)]
pub struct SharedSign {
    pub sign: &'static str,
    pub codes: &'static [&'static str],
    /// Whether the first code is meant where nothing else decides.
    has_default: bool,
}

const fn shared(sign: &'static str, codes: &'static [&'static str]) -> SharedSign {
    SharedSign { sign, codes, has_default: true }
}

/// The signs of several currencies, the most frequent currency first.
static SHARED: [SharedSign; 9] = [
    shared(
        "$",
        &[
            "USD", "CAD", "AUD", "MXN", "NZD", "SGD", "HKD", "TWD", "ARS", "CLP", "COP", "UYU", "DOP", "BSD", "BBD",
            "BMD", "BND", "BZD", "FJD", "GYD", "JMD", "KYD", "LRD", "NAD", "SBD", "SRD", "TTD", "XCD",
        ],
    ),
    SharedSign { sign: "kr", codes: &["SEK", "NOK", "DKK", "ISK"], has_default: false },
    shared("£", &["GBP", "EGP", "GIP", "FKP", "SHP", "LBP", "SYP", "SSP", "SDG"]),
    shared("¥", &["JPY", "CNY"]),
    shared("Rs", &["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]),
    shared("₨", &["INR", "PKR", "LKR", "NPR", "MUR", "SCR"]),
    shared("lei", &["RON", "MDL"]),
    shared("р", &["RUB", "BYN"]),
    shared("дин", &["RSD", "MKD"]),
];

/// Other spellings of the shared signs, in lower case.
const SHARED_SPELLINGS: [(&str, &str); 19] = [
    ("kr", "kr"),
    ("kr.", "kr"),
    (":-", "kr"),
    ("krona", "kr"),
    ("kronor", "kr"),
    ("kroner", "kr"),
    ("＄", "$"),
    ("dollar", "$"),
    ("dollars", "$"),
    ("￥", "¥"),
    ("￡", "£"),
    ("rs", "Rs"),
    ("rs.", "Rs"),
    ("rupees", "Rs"),
    ("leu", "lei"),
    ("р.", "р"),
    ("руб", "р"),
    ("руб.", "р"),
    ("рублей", "р"),
];

/// Signs and names of one currency each, in lower case.
const OWN: [(&str, &[&str]); 50] = [
    ("EUR", &["€", "euro", "euros", "eur.", "евро", "ユーロ"]),
    (
        "USD",
        &["us$", "usd$", "u$s", "$us", "u.s.$", "us dollar", "us dollars", "доллар сша", "долл.", "米ドル", "ドル"],
    ),
    ("GBP", &["pound", "pounds", "pound sterling", "british pound"]),
    ("JPY", &["円", "jp¥", "yen"]),
    ("CNY", &["元", "rmb", "cn¥", "人民币", "yuan"]),
    ("CHF", &["fr.", "fr", "sfr", "sfr.", "franken", "swiss franc"]),
    ("RUB", &["₽", "рубль", "российский рубль", "rur"]),
    ("PLN", &["zł", "zl", "zł.", "złoty", "złotych"]),
    ("CZK", &["kč", "kc", "kč.", "korun"]),
    ("SEK", &["skr"]),
    ("NOK", &["nkr"]),
    ("DKK", &["dkr"]),
    ("BRL", &["r$", "reais", "real"]),
    ("UAH", &["₴", "грн", "грн.", "гривна", "гривня"]),
    ("KZT", &["₸", "тг", "тг.", "тенге"]),
    ("INR", &["₹"]),
    ("KRW", &["₩", "원", "￦", "won"]),
    ("TRY", &["₺", "tl", "türk lirası"]),
    ("ILS", &["₪", "nis"]),
    ("VND", &["₫", "đ"]),
    ("THB", &["฿"]),
    ("PHP", &["₱", "php₱"]),
    ("NGN", &["₦"]),
    ("CRC", &["₡"]),
    ("PYG", &["₲", "gs."]),
    ("GHS", &["₵", "gh₵"]),
    ("LAK", &["₭"]),
    ("MNT", &["₮"]),
    ("AZN", &["₼"]),
    ("GEL", &["₾"]),
    ("KHR", &["៛"]),
    ("BDT", &["৳"]),
    ("AUD", &["a$", "au$", "aud$"]),
    ("CAD", &["c$", "ca$", "cad$", "$ca"]),
    ("NZD", &["nz$"]),
    ("HKD", &["hk$"]),
    ("TWD", &["nt$"]),
    ("SGD", &["s$", "sg$"]),
    ("MXN", &["mx$", "mex$"]),
    ("COP", &["col$", "cop$"]),
    ("CLP", &["cl$", "clp$"]),
    ("ARS", &["ar$", "ars$"]),
    ("UYU", &["$u"]),
    ("DOP", &["rd$"]),
    ("HUF", &["ft", "ft.", "forint"]),
    ("BGN", &["лв", "лв.", "lv."]),
    ("MYR", &["rm"]),
    ("IDR", &["rp", "rp."]),
    ("ZAR", &["r"]),
    ("PEN", &["s/", "s/."]),
];

static SIGNS: LazyLock<HashMap<&str, Sign>> = LazyLock::new(|| {
    let shared = SHARED.iter().map(|shared| (shared.sign, Sign::Shared(shared)));
    let find = |sign: &str| SHARED.iter().find(|shared| shared.sign == sign);
    let spelled = SHARED_SPELLINGS.iter().filter_map(|(spelling, sign)| Some((*spelling, Sign::Shared(find(sign)?))));
    let own = OWN.iter().flat_map(|(code, names)| names.iter().map(move |name| (*name, Sign::Code(code))));
    shared.chain(spelled).chain(own).collect()
});

/// Longer than every name of a currency, in bytes.
const LONGEST: usize = 40;

impl Sign {
    /// Returns the number of decimals of the currency.
    pub fn exponent(self) -> u32 {
        match self {
            Sign::Code(code) => money::exponent(code),
            Sign::Shared(shared) => shared.codes.iter().map(|code| money::exponent(code)).max().unwrap_or(2),
        }
    }

    /// Returns the currency that a text names: a code, a sign or a name.
    pub fn of(text: &str) -> Option<Sign> {
        let text = text.trim();
        if text.is_empty() || text.len() > LONGEST {
            return None;
        }
        let named = || SIGNS.get(text).or_else(|| SIGNS.get(text.to_lowercase().as_str())).copied();
        code(text).map(Sign::Code).or_else(named)
    }
}

/// Returns the ISO 4217 code that a text is, in any case.
pub fn code(text: &str) -> Option<&'static str> {
    if text.len() != 3 || !text.bytes().all(|b| b.is_ascii_alphabetic()) {
        return None;
    }
    let code = Currency::from_code(&text.to_ascii_uppercase())?.code();
    money::is_currency(code).then_some(code)
}

/// Checks whether a currency is used in a country, an ISO 3166 code.
fn is_used_in(code: &str, country: &str) -> bool {
    Currency::from_code(code).is_some_and(|currency| currency.used_by().iter().any(|user| user.to_string() == country))
}

/// The shared signs in the amounts of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignEvidence {
    signs: BTreeMap<&'static str, Witnesses>,
}

impl SignEvidence {
    pub fn note(&mut self, line: u64, text: &str, sign: Sign) {
        if let Sign::Shared(shared) = sign {
            self.signs.entry(shared.sign).or_default().add(line, text);
        }
    }
}

/// What the meaning of shared signs depends on.
#[derive(Clone, Debug)]
pub struct SignContext<'c> {
    /// The settings: the meaning of signs.
    pub given: &'c BTreeMap<String, String>,
    /// The currency of the file in the settings.
    pub file: Option<&'c str>,
    /// The base currency of the workspace.
    pub workspace: &'c str,
    /// The country of the workspace.
    pub country: &'c str,
    /// Another column names the currency of each row.
    pub named_in_rows: bool,
}

/// Returns the meaning of each shared sign in the mapped amount columns.
pub fn decide(
    columns: &[Named<'_, SignEvidence>],
    context: &SignContext<'_>,
) -> Vec<(&'static str, Verdict<&'static str>)> {
    let found = SHARED.iter().filter(|shared| columns.iter().any(|c| c.evidence.signs.contains_key(shared.sign)));
    found.map(|shared| (shared.sign, meaning(shared, columns, context))).collect()
}

fn meaning(
    shared: &'static SharedSign,
    columns: &[Named<'_, SignEvidence>],
    context: &SignContext<'_>,
) -> Verdict<&'static str> {
    let known = |code: &str| shared.codes.iter().copied().find(|known| *known == code);
    if let Some(code) = context.given.get(shared.sign).and_then(|code| self::code(code)) {
        return Verdict::Decided(code);
    }
    let near = context.file.and_then(known).or_else(|| known(context.workspace));
    let near = near.or_else(|| shared.codes.iter().copied().find(|code| is_used_in(code, context.country)));
    let first = shared.codes.first().copied().unwrap_or("USD");
    let doubt = doubt(shared, near.unwrap_or(first), columns);
    match near {
        near if context.named_in_rows => Verdict::Decided(near.unwrap_or(first)),
        Some(code) => Verdict::Guessed(code, doubt),
        None if shared.has_default => Verdict::Guessed(first, doubt),
        None => Verdict::Asked(first, doubt),
    }
}

fn doubt(shared: &SharedSign, guess: &str, columns: &[Named<'_, SignEvidence>]) -> Doubt {
    let others = shared.codes.iter().filter(|code| **code != guess);
    let name = |code: &str| Currency::from_code(code).map_or_else(String::new, |currency| currency.name().to_owned());
    let choices = std::iter::once(&guess).chain(others).map(|code| Choice::new(*code, name(code))).collect();
    let witnesses = columns.iter().filter_map(|c| Some((c.column, c.evidence.signs.get(shared.sign)?)));
    Doubt {
        key: format!("currency_signs.{}", shared.sign),
        question: format!("Which currency does {} mean?", shared.sign),
        choices,
        evidence: witnesses.flat_map(|(column, cells)| cells.evidence(column, None)).collect(),
    }
}

#[cfg(test)]
#[path = "currencies_tests.rs"]
mod tests;
