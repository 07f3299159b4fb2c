//! The collation of texts: the order of the workspace's country, with digits sorted as numbers.

/// The default order of most languages: letters with diacritics next to those without, and `D-2` before `D-10`.
pub const ROOT: &str = "sort_root";

/// The countries whose language has its own order, with the collation of the language.
const OWN: [(&str, &[&str]); 37] = [
    (
        "sort_ar",
        &["AE", "BH", "DZ", "EG", "IQ", "JO", "KW", "LB", "LY", "MA", "OM", "PS", "QA", "SA", "SD", "SY", "TN", "YE"],
    ),
    ("sort_az", &["AZ"]),
    ("sort_be", &["BY"]),
    ("sort_bg", &["BG"]),
    ("sort_bs", &["BA"]),
    ("sort_cs", &["CZ"]),
    ("sort_da", &["DK", "FO", "GL"]),
    ("sort_el", &["CY", "GR"]),
    (
        "sort_es",
        &[
            "AR", "BO", "CL", "CO", "CR", "CU", "DO", "EC", "ES", "GQ", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "PY",
            "SV", "UY", "VE",
        ],
    ),
    ("sort_et", &["EE"]),
    ("sort_fa", &["AF", "IR"]),
    ("sort_fi", &["AX", "FI"]),
    ("sort_he", &["IL"]),
    ("sort_hr", &["HR"]),
    ("sort_hu", &["HU"]),
    ("sort_hy", &["AM"]),
    ("sort_is", &["IS"]),
    ("sort_ja", &["JP"]),
    ("sort_ka", &["GE"]),
    ("sort_kk", &["KZ"]),
    ("sort_ko", &["KP", "KR"]),
    ("sort_lt", &["LT"]),
    ("sort_lv", &["LV"]),
    ("sort_mk", &["MK"]),
    ("sort_nb", &["NO", "SJ"]),
    ("sort_pl", &["PL"]),
    ("sort_ro", &["MD", "RO"]),
    ("sort_ru", &["KG", "RU", "TJ"]),
    ("sort_sk", &["SK"]),
    ("sort_sl", &["SI"]),
    ("sort_sq", &["AL", "XK"]),
    ("sort_sr", &["ME", "RS"]),
    ("sort_sv", &["SE"]),
    ("sort_tr", &["TR"]),
    ("sort_uk", &["UA"]),
    ("sort_zh", &["CN", "SG"]),
    ("sort_zh_hant", &["HK", "MO", "TW"]),
];

/// Returns the collation of a country; migrations create the collations.
pub fn of(country: &str) -> &'static str {
    OWN.iter().find(|(_, countries)| countries.contains(&country)).map_or(ROOT, |(collation, _)| collation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_has_one_collation() {
        let mut countries: Vec<&str> = OWN.iter().flat_map(|(_, countries)| countries.iter().copied()).collect();
        let count = countries.len();
        countries.sort_unstable();
        countries.dedup();
        assert_eq!(countries.len(), count);
        for (country, expected) in
            [("SE", "sort_sv"), ("EE", "sort_et"), ("TW", "sort_zh_hant"), ("DE", ROOT), ("", ROOT)]
        {
            assert_eq!(of(country), expected, "{country}");
        }
    }

    #[test]
    fn migrations_create_the_collations() {
        let made = include_str!("../../../migrations/2026-11-28-000023_sorting/up.sql");
        for (collation, _) in OWN {
            let locale = collation.trim_start_matches("sort_").replace("_hant", "-Hant");
            assert!(made.contains(&format!("'{locale}'")), "{locale}");
        }
    }
}
