//! The notations that are usual in a country. They decide where a file does not show its own.
use crate::intake::imports::meaning::dates::{DayMonth, Order, Orders};
use crate::intake::imports::meaning::numerals::Decimal;

/// Countries in which a point divides the decimals; in all others it is a comma.
const POINT: [&str; 97] = [
    "AE", "AG", "AI", "AS", "AU", "BB", "BD", "BH", "BM", "BN", "BS", "BT", "BW", "BZ", "CA", "CH", "CK", "CN", "CU",
    "DM", "DO", "EG", "ET", "FJ", "FK", "FM", "GB", "GD", "GG", "GH", "GI", "GM", "GT", "GU", "GY", "HK", "HN", "IE",
    "IL", "IM", "IN", "IQ", "IR", "JE", "JM", "JO", "JP", "KE", "KH", "KP", "KR", "KW", "KY", "LI", "LK", "LR", "LY",
    "MH", "MM", "MO", "MS", "MT", "MV", "MW", "MX", "MY", "NG", "NI", "NP", "NZ", "OM", "PA", "PE", "PG", "PH", "PK",
    "PR", "PS", "QA", "RW", "SA", "SD", "SG", "SL", "SV", "SY", "TH", "TO", "TT", "TW", "TZ", "UG", "US", "VI", "YE",
    "ZM", "ZW",
];

/// Countries that write month, day and year.
const MONTH_FIRST: [&str; 13] = ["AS", "FM", "GU", "MH", "MP", "PA", "PH", "PR", "PW", "UM", "US", "VI", "KY"];

/// Countries that write year, month and day; with the year behind, the month comes first.
const YEAR_FIRST_MONTH: [&str; 9] = ["CN", "JP", "KR", "KP", "TW", "MN", "HU", "BT", "IR"];

/// Countries that write year, month and day; with the year behind, the day comes first.
const YEAR_FIRST_DAY: [&str; 3] = ["LT", "SE", "ZA"];

/// Returns the decimal sign of a country, an ISO 3166 code.
pub fn decimal(country: &str) -> Decimal {
    if POINT.contains(&country) { Decimal::Point } else { Decimal::Comma }
}

/// Returns the usual order of dates in a country.
pub fn orders(country: &str) -> Orders {
    if MONTH_FIRST.contains(&country) {
        Orders { long: DayMonth::MonthFirst, short: Order::Mdy }
    } else if YEAR_FIRST_MONTH.contains(&country) {
        Orders { long: DayMonth::MonthFirst, short: Order::Ymd }
    } else if YEAR_FIRST_DAY.contains(&country) {
        Orders { long: DayMonth::DayFirst, short: Order::Ymd }
    } else {
        Orders { long: DayMonth::DayFirst, short: Order::Dmy }
    }
}

/// Checks whether names of persons begin with the family name in a country that writes them in Latin script.
pub fn family_first(country: &str) -> bool {
    matches!(country, "HU" | "VN")
}

/// Checks whether persons in a country usually have two family names.
pub fn two_family_names(country: &str) -> bool {
    matches!(
        country,
        "ES" | "MX"
            | "CO"
            | "PE"
            | "VE"
            | "CL"
            | "EC"
            | "GT"
            | "CU"
            | "BO"
            | "DO"
            | "HN"
            | "PY"
            | "SV"
            | "NI"
            | "CR"
            | "PA"
            | "UY"
            | "PR"
    )
}

/// Checks whether `M.` before a name means Monsieur in a country.
pub fn is_french(country: &str) -> bool {
    matches!(country, "FR" | "BE" | "CH" | "LU" | "MC" | "CA" | "SN" | "CI" | "CM" | "MA" | "TN" | "DZ")
}
