//! The outcome that a status names: open, won, lost, and for leads qualified or disqualified.
//!
//! A text has an outcome only if every word in it is known, so an unknown stage never becomes its opposite.
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    Open,
    Won,
    Lost,
    /// A lead became a customer, a contact or a deal.
    Converted,
    Qualified,
    Disqualified,
    /// Closed, without a word about how.
    Closed,
}

/// Whole texts, in the form of `plain`: what exports write, and what cannot be understood word by word.
const TEXTS: [(Outcome, &[&str]); 7] = [
    (
        Outcome::Open,
        &[
            "open not contacted",
            "working contacted",
            "attempted to contact",
            "contact in future",
            "contacted",
            "not contacted",
            "new",
            "open",
            "in progress",
            "inprogress",
            "open deal",
            "connected",
            "active",
            "working",
            "ongoing",
            "pending",
            "nurturing",
            "not closed",
            "not yet closed",
            "still open",
            "not won yet",
            "in work",
            "новый",
            "новая",
            "новые",
            "в работе",
            "открыт",
            "открыта",
            "открыто",
            "открытая",
            "не закрыта",
            "не закрыт",
            "не закрыто",
            "не разобрано",
            "не обработан",
            "в процессе",
            "активна",
            "активный",
            "неразобранное",
            "offen",
            "neu",
            "in bearbeitung",
            "in arbeit",
            "laufend",
            "aktiv",
            "nicht abgeschlossen",
            "ouvert",
            "ouverte",
            "en cours",
            "nouveau",
            "nouvelle",
            "actif",
            "en attente",
            "non conclu",
            "abierto",
            "abierta",
            "en curso",
            "en proceso",
            "nuevo",
            "nueva",
            "activo",
            "activa",
            "pendiente",
            "aberto",
            "aberta",
            "em aberto",
            "em andamento",
            "novo",
            "nova",
            "ativo",
            "em progresso",
            "pendente",
            "aperto",
            "aperta",
            "in corso",
            "nuovo",
            "nuova",
            "attivo",
            "in lavorazione",
            "otwarte",
            "otwarta",
            "otwarty",
            "w toku",
            "w trakcie",
            "nowy",
            "nowa",
            "aktywna",
            "aktywny",
            "niezamknięta",
            "進行中",
            "オープン",
            "新規",
            "商談中",
            "対応中",
            "未対応",
        ],
    ),
    (
        Outcome::Won,
        &[
            "успешно реализовано",
            "сделка успешна",
            "успешна",
            "успешная",
            "успешно",
            "сделка заключена",
            "закрыто и реализовано",
            "auftrag erhalten",
            "zuschlag erhalten",
            "erfolgreich abgeschlossen",
            "erfolgreich",
            "affaire conclue",
            "affaire gagnée",
            "vente conclue",
            "venta cerrada",
            "venta ganada",
            "negócio fechado",
            "venda ganha",
            "affare concluso",
            "chiusa con successo",
            "trattativa vinta",
            "zakończona sukcesem",
            "zakończone sukcesem",
            "sukces",
            "受注",
            "成約",
            "成立",
            "受注済み",
            "獲得",
            "sale made",
            "deal made",
            "signed",
            "closedwon",
            "successful",
            "closed successful",
            "closed successfully",
        ],
    ),
    (
        Outcome::Lost,
        &[
            "закрыто и не реализовано",
            "закрыто не реализовано",
            "не реализовано",
            "сделка провалена",
            "провалена",
            "провалено",
            "отказ",
            "проиграна конкуренту",
            "lost to competition",
            "closed lost to competition",
            "closed lost to competitor",
            "lost to competitor",
            "lost lead",
            "lost deal",
            "closedlost",
            "dead",
            "unsuccessful",
            "closed unsuccessful",
            "absage",
            "abgesagt",
            "auftrag verloren",
            "nicht erfolgreich",
            "erfolglos",
            "nicht gewonnen",
            "affaire perdue",
            "vente perdue",
            "sans suite",
            "venta perdida",
            "cerrada perdida",
            "no ganada",
            "negócio perdido",
            "venda perdida",
            "affare perso",
            "trattativa persa",
            "zakończona porażką",
            "porażka",
            "失注",
            "不成立",
            "失注済み",
            "not won",
            "abandoned",
        ],
    ),
    (
        Outcome::Converted,
        &[
            "closed converted",
            "converted",
            "lead converted",
            "converted lead",
            "конвертирован",
            "сконвертирован",
            "преобразован",
            "konvertiert",
            "umgewandelt",
            "converti",
            "convertie",
            "convertido",
            "convertida",
            "convertito",
            "convertita",
            "przekonwertowany",
            "コンバート済み",
            "取引開始済み",
        ],
    ),
    (
        Outcome::Qualified,
        &[
            "qualified",
            "lead qualified",
            "qualified lead",
            "sales qualified",
            "sales qualified lead",
            "sql",
            "качественный лид",
            "квалифицирован",
            "квалифицированный",
            "qualifiziert",
            "qualifizierter lead",
            "qualifié",
            "qualifiée",
            "calificado",
            "cualificado",
            "qualificado",
            "qualificato",
            "zakwalifikowany",
            "適格",
        ],
    ),
    (
        Outcome::Disqualified,
        &[
            "disqualified",
            "unqualified",
            "not qualified",
            "qualified out",
            "junk",
            "junk lead",
            "closed not converted",
            "not converted",
            "closed disqualified",
            "closed unqualified",
            "некачественный лид",
            "не квалифицирован",
            "неквалифицированный",
            "дисквалифицирован",
            "спам",
            "spam",
            "disqualifiziert",
            "nicht qualifiziert",
            "unqualifiziert",
            "disqualifié",
            "disqualifiée",
            "non qualifié",
            "descalificado",
            "no calificado",
            "no cualificado",
            "desqualificado",
            "não qualificado",
            "squalificato",
            "non qualificato",
            "zdyskwalifikowany",
            "niezakwalifikowany",
            "不適格",
        ],
    ),
    (
        Outcome::Closed,
        &[
            "closed",
            "закрыт",
            "закрыта",
            "закрыто",
            "закрыта сделка",
            "geschlossen",
            "abgeschlossen",
            "fermé",
            "fermée",
            "clos",
            "cerrado",
            "cerrada",
            "fechado",
            "fechada",
            "chiuso",
            "chiusa",
            "zamknięte",
            "zamknięta",
            "zamknięty",
            "クローズ",
            "完了",
            "done",
            "completed",
            "finished",
            "завершена",
            "завершено",
        ],
    ),
];

/// Words that name an outcome by themselves.
const WON: &str = "won выиграна выигран выиграно выигранная выиграл gewonnen gagné gagnée gagnés ganado ganada ganados ganho ganha \
    vinto vinta wygrane wygrana wygrany wygrano 勝ち";
const LOST: &str = "lost проиграна проигран проиграно проигранная потеряна потерян потеряно verloren perdu perdue perdus \
    perdido perdida perdidos perso persa przegrane przegrana przegrany przegrano utracona 負け";
/// Words beside them that change nothing.
const FILLERS: &str = "closed close deal deals opportunity opp lead stage status sale sales the as is was has been и \
    сделка закрыта закрыто закрыт закрытая статус этап и geschlossen abgeschlossen und deal auftrag geschäft \
    fermé fermée clôturé clôturée clos affaire et opportunité statut étape cerrado cerrada negocio oportunidad venta y estado etapa \
    fechado fechada negócio oportunidade venda chiuso chiusa affare opportunità trattativa stato fase e \
    zamknięte zamknięta zamknięty szansa okazja transakcja クローズ 商談";

static KNOWN: LazyLock<HashMap<&'static str, Outcome>> = LazyLock::new(|| {
    let of = |(outcome, texts): &(Outcome, &'static [&'static str])| {
        let outcome = *outcome;
        texts.iter().map(move |text| (*text, outcome)).collect::<Vec<_>>()
    };
    TEXTS.iter().flat_map(of).collect()
});

/// Longer than every such text, in bytes.
const LONGEST: usize = 120;

/// The words of all known texts, to leave other texts quickly.
static VOCABULARY: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    let texts = TEXTS.iter().flat_map(|(_, texts)| texts.iter().copied()).chain([WON, LOST, FILLERS]);
    texts.flat_map(str::split_whitespace).collect()
});

/// Returns the outcome that a text names. Texts with unknown words, a negation or both outcomes have none.
pub fn outcome(text: &str) -> Option<Outcome> {
    if text.len() > LONGEST || !begins_with_known_word(text) {
        return None;
    }
    let plain = plain(text);
    KNOWN.get(plain.as_str()).copied().or_else(|| by_words(&plain))
}

/// Checks the first word that is not a number.
fn begins_with_known_word(text: &str) -> bool {
    let word = text.split(|c: char| !is_of_word(c)).find(|word| word.contains(|c: char| !c.is_ascii_digit()));
    word.is_some_and(|word| VOCABULARY.contains(spelled(word).trim_matches('\'')))
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '\'' | '’' | 'ʼ' | 'ー')
}

fn spelled(word: &str) -> String {
    word.to_lowercase().replace(['’', 'ʼ'], "'")
}

/// Returns the words of a text in lower case, with one blank between them, and without the number of a stage, marks and
/// emoji.
fn plain(text: &str) -> String {
    let lower = spelled(text);
    let words = lower.split(|c: char| !is_of_word(c));
    let words = words.map(|word| word.trim_matches('\'')).filter(|word| !word.is_empty());
    words.filter(|word| !word.chars().all(|c| c.is_ascii_digit())).collect::<Vec<_>>().join(" ")
}

fn by_words(plain: &str) -> Option<Outcome> {
    let has = |list: &str, word: &str| list.split_whitespace().any(|known| known == word);
    let (mut won, mut lost) = (false, false);
    for word in plain.split(' ') {
        match word {
            word if has(WON, word) => won = true,
            word if has(LOST, word) => lost = true,
            word if has(FILLERS, word) => {}
            _ => return None,
        }
    }
    match (won, lost) {
        (true, false) => Some(Outcome::Won),
        (false, true) => Some(Outcome::Lost),
        _ => None,
    }
}

/// Checks whether two outcomes exclude each other.
pub fn contradict(one: Outcome, other: Outcome) -> bool {
    let side = |outcome: Outcome| match outcome {
        Outcome::Open => Some(0),
        Outcome::Won | Outcome::Converted => Some(1),
        Outcome::Lost | Outcome::Disqualified => Some(2),
        Outcome::Qualified | Outcome::Closed => None,
    };
    match (side(one), side(other)) {
        (Some(one), Some(other)) => one != other,
        _ => {
            one != other
                && (one == Outcome::Open && other == Outcome::Closed
                    || one == Outcome::Closed && other == Outcome::Open)
        }
    }
}

/// Checks whether `candidate` may be offered for `unknown`: never an outcome's opposite.
pub fn may_be_offered(unknown: &str, candidate: &str) -> bool {
    match (outcome(unknown), outcome(candidate)) {
        (Some(one), Some(other)) => !contradict(one, other),
        // A stage of an open deal is not offered for a closed one.
        _ => true,
    }
}

/// Every text with its outcome, for tests.
#[cfg(test)]
#[cfg(test)]
pub fn known_texts() -> impl Iterator<Item = (Outcome, &'static str)> {
    TEXTS.iter().flat_map(|(outcome, texts)| texts.iter().map(|text| (*outcome, *text)))
}

#[cfg(test)]
#[path = "outcomes_tests.rs"]
mod tests;
