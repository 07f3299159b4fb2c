//! The words in dates and times: months, weekdays, halves of the day, time zones, and words without a meaning of their
//! own.
use std::collections::HashMap;
use std::sync::LazyLock;

/// The meaning of a word in a date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    Month(u32),
    /// A weekday, or a word such as `at` or `de`.
    Filler,
    Am,
    Pm,
    /// The offset from UTC in minutes.
    Zone(i32),
    /// A zone of several regions.
    UnclearZone,
    /// `T` between date and time.
    Time,
    /// A unit behind a number, as in 9時14分 or 9h14.
    Hour,
    Minute,
    Second,
    /// 年, 月 and 日.
    Year,
    MonthUnit,
    Day,
    /// A Japanese era, with the year before its first.
    Era(i32),
}

/// The months of each language, full and short, also as they are declined. January first; spellings of one month are
/// separated by spaces.
const MONTHS: [[&str; 12]; 11] = [
    // English
    [
        "january jan",
        "february feb",
        "march mar",
        "april apr",
        "may",
        "june jun",
        "july jul",
        "august aug",
        "september sep sept",
        "october oct",
        "november nov",
        "december dec",
    ],
    // Russian
    [
        "январь января янв",
        "февраль февраля фев февр",
        "март марта мар",
        "апрель апреля апр",
        "май мая",
        "июнь июня июн",
        "июль июля июл",
        "август августа авг",
        "сентябрь сентября сен сент",
        "октябрь октября окт",
        "ноябрь ноября ноя нояб",
        "декабрь декабря дек",
    ],
    // German
    [
        "januar jän jänner jänn",
        "februar feber",
        "märz mär mrz maerz",
        "april",
        "mai",
        "juni",
        "juli",
        "august",
        "september",
        "oktober okt",
        "november",
        "dezember dez",
    ],
    // French
    [
        "janvier janv",
        "février févr fév fevrier fevr",
        "mars",
        "avril avr",
        "mai",
        "juin",
        "juillet juil",
        "août aout aoû",
        "septembre",
        "octobre",
        "novembre",
        "décembre déc decembre",
    ],
    // Spanish
    [
        "enero ene",
        "febrero",
        "marzo",
        "abril abr",
        "mayo",
        "junio",
        "julio",
        "agosto ago",
        "septiembre setiembre",
        "octubre",
        "noviembre",
        "diciembre dic",
    ],
    // Portuguese
    [
        "janeiro",
        "fevereiro fev",
        "março marco",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro set",
        "outubro out",
        "novembro",
        "dezembro",
    ],
    // Italian
    [
        "gennaio gen genn",
        "febbraio febbr",
        "marzo",
        "aprile",
        "maggio mag magg",
        "giugno giu",
        "luglio lug",
        "agosto",
        "settembre sett",
        "ottobre ott",
        "novembre",
        "dicembre",
    ],
    // Polish
    [
        "styczeń stycznia styczen sty",
        "luty lutego lut",
        "marzec marca",
        "kwiecień kwietnia kwiecien kwi",
        "maj maja",
        "czerwiec czerwca cze czer",
        "lipiec lipca lip",
        "sierpień sierpnia sierpien sie",
        "wrzesień września wrzesien wrz",
        "październik października pazdziernik paź paz",
        "listopad listopada lis",
        "grudzień grudnia grudzien gru",
    ],
    // Dutch
    [
        "januari",
        "februari",
        "maart mrt",
        "april",
        "mei",
        "juni",
        "juli",
        "augustus",
        "september",
        "oktober",
        "november",
        "december",
    ],
    // Ukrainian
    [
        "січень січня січ",
        "лютий лютого лют",
        "березень березня бер",
        "квітень квітня кві квіт",
        "травень травня тра трав",
        "червень червня чер черв",
        "липень липня лип",
        "серпень серпня сер серп",
        "вересень вересня вер",
        "жовтень жовтня жов",
        "листопад листопада",
        "грудень грудня гру груд",
    ],
    // Swedish, Danish and Norwegian
    [
        "januari",
        "februari",
        "mars marts",
        "april",
        "maj mai",
        "juni",
        "juli",
        "augusti",
        "september",
        "oktober",
        "november",
        "december desember des",
    ],
];

/// Weekdays and other words that say nothing about the date.
const FILLERS: [&str; 13] = [
    // English
    "monday mon tuesday tue tues wednesday wed thursday thu thur thurs friday fri saturday sat sunday sun the of at on st nd rd th",
    // Russian
    "понедельник пн вторник вт среда ср четверг чт пятница пт суббота сб воскресенье вс г год года в",
    // German
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa so um uhr den",
    // French
    "lundi lun mardi mercredi jeudi jeu vendredi ven samedi sam dimanche dim à le er",
    // Spanish
    "lunes martes miércoles mié jueves jue viernes vie sábado sáb domingo dom de del las la el a",
    // Portuguese
    "segunda-feira terça-feira quarta-feira quinta-feira sexta-feira seg ter qua qui sex às as",
    // Italian
    "lunedì martedì mercoledì giovedì gio venerdì sabato sab domenica alle ore",
    // Polish
    "poniedziałek pon wtorek wto środa śro czwartek czw piątek pią sobota niedziela nie godz r",
    // Japanese and Chinese
    "月曜日 火曜日 水曜日 木曜日 金曜日 土曜日 日曜日",
    // Dutch
    "maandag ma dinsdag woensdag wo donderdag vrijdag vr zaterdag za zondag zo om",
    // Ukrainian
    "понеділок вівторок середа четвер пʼятниця субота неділя о р року",
    // Swedish, Danish and Norwegian
    "måndag tisdag onsdag torsdag fredag lördag söndag mandag tirsdag lørdag søndag kl",
    "clock hrs",
];

/// Abbreviations of time zones that have one meaning, with the offset in minutes.
const ZONES: [(&str, i32); 36] = [
    ("z", 0),
    ("utc", 0),
    ("gmt", 0),
    ("wet", 0),
    ("west", 60),
    ("cet", 60),
    ("mez", 60),
    ("cest", 120),
    ("mesz", 120),
    ("eet", 120),
    ("eest", 180),
    ("msk", 180),
    ("мск", 180),
    ("trt", 180),
    ("jst", 540),
    ("kst", 540),
    ("hkt", 480),
    ("sgt", 480),
    ("pht", 480),
    ("awst", 480),
    ("aest", 600),
    ("aedt", 660),
    ("acst", 570),
    ("acdt", 630),
    ("nzst", 720),
    ("nzdt", 780),
    ("est", -300),
    ("edt", -240),
    ("cdt", -300),
    ("mst", -420),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("akst", -540),
    ("akdt", -480),
    ("brt", -180),
];

/// Abbreviations of several zones, such as China Standard Time and Central Standard Time.
const UNCLEAR_ZONES: &str = "cst ist bst ast adt gst sst pkt wst";

const OTHERS: [(&str, Word); 35] = [
    ("am", Word::Am),
    ("a.m", Word::Am),
    ("午前", Word::Am),
    ("오전", Word::Am),
    ("上午", Word::Am),
    ("vorm", Word::Am),
    ("pm", Word::Pm),
    ("p.m", Word::Pm),
    ("午後", Word::Pm),
    ("오후", Word::Pm),
    ("下午", Word::Pm),
    ("nachm", Word::Pm),
    ("t", Word::Time),
    ("h", Word::Hour),
    ("時", Word::Hour),
    ("时", Word::Hour),
    ("시", Word::Hour),
    ("點", Word::Hour),
    ("点", Word::Hour),
    ("分", Word::Minute),
    ("분", Word::Minute),
    ("min", Word::Minute),
    ("m", Word::Minute),
    ("秒", Word::Second),
    ("초", Word::Second),
    ("s", Word::Second),
    ("年", Word::Year),
    ("년", Word::Year),
    ("月", Word::MonthUnit),
    ("월", Word::MonthUnit),
    ("日", Word::Day),
    ("일", Word::Day),
    ("令和", Word::Era(2018)),
    ("平成", Word::Era(1988)),
    ("昭和", Word::Era(1925)),
];

static WORDS: LazyLock<HashMap<&'static str, Word>> = LazyLock::new(words);

fn words() -> HashMap<&'static str, Word> {
    let mut words = HashMap::new();
    let fillers = FILLERS.iter().flat_map(|line| line.split(' ')).map(|word| (word, Word::Filler));
    words.extend(fillers);
    words.extend(UNCLEAR_ZONES.split(' ').map(|word| (word, Word::UnclearZone)));
    words.extend(ZONES.iter().map(|(word, minutes)| (*word, Word::Zone(*minutes))));
    words.extend(OTHERS);
    for language in &MONTHS {
        for (month, spellings) in (1..).zip(language) {
            words.extend(spellings.split(' ').map(|word| (word, Word::Month(month))));
        }
    }
    words
}

/// Longer than every word, in bytes.
const LONGEST: usize = 40;

/// Returns the meaning of a word in any case.
pub fn word(text: &str) -> Option<Word> {
    if text.len() > LONGEST {
        return None;
    }
    if let Some(word) = WORDS.get(text) {
        return Some(*word);
    }
    let lower = text.to_lowercase();
    WORDS.get(lower.trim_end_matches('.')).copied()
}

/// The written forms of all months, for tests.
#[cfg(test)]
#[cfg(test)]
pub fn all_months() -> impl Iterator<Item = (u32, &'static str)> {
    let of = |language: &'static [&'static str; 12]| (1..).zip(language.iter());
    MONTHS.iter().flat_map(of).flat_map(|(month, spellings)| spellings.split(' ').map(move |word| (month, word)))
}
