//! A full name, divided into its parts or kept whole.

/// A full name that was divided, or kept whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FullName {
    Person(Person),
    Whole(WholeBecause),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// `Dr.`, `Frau`, `様`
    pub title: Option<String>,
    /// The given names, with middle names and patronymic.
    pub first: Option<String>,
    /// The family name, with its particles.
    pub last: Option<String>,
    /// `Jr.`, `PhD`
    pub suffix: Option<String>,
    pub basis: Basis,
}

/// Why a name was divided as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Basis {
    /// A comma behind the family name.
    Comma,
    /// The family name is in capitals.
    Capitals,
    /// A patronymic stands behind the given name.
    Patronymic,
    /// Initials stand behind the family name.
    Initials,
    /// The family name begins with a particle such as `van`.
    Particle,
    /// Chinese, Japanese and Korean names begin with the family name.
    Script,
    /// A known given name or the ending of a family name.
    Known,
    /// The other names of the column have this order.
    Column,
    /// The usual order in the country.
    Country,
    /// There is only one name, or one behind a title.
    OneWord,
    /// The last word is the family name, as usual.
    Usual,
}

impl Basis {
    pub fn as_str(self) -> &'static str {
        match self {
            Basis::Comma => "comma",
            Basis::Capitals => "capitals",
            Basis::Patronymic => "patronymic",
            Basis::Initials => "initials",
            Basis::Particle => "particle",
            Basis::Script => "script",
            Basis::Known => "known_name",
            Basis::Column => "column",
            Basis::Country => "country",
            Basis::OneWord => "one_word",
            Basis::Usual => "usual_order",
        }
    }
}

/// Why a name was kept whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WholeBecause {
    /// The name of a firm.
    Firm,
    /// The text has digits, addresses or marks that no name has.
    NotAName,
    SeveralPersons,
    /// Where the family name ends is not known.
    Unknown,
}

impl WholeBecause {
    pub fn as_str(self) -> &'static str {
        match self {
            WholeBecause::Firm => "firm",
            WholeBecause::NotAName => "not_a_name",
            WholeBecause::SeveralPersons => "several_persons",
            WholeBecause::Unknown => "unknown",
        }
    }
}
