use super::*;

fn parts(text: &str) -> Option<(String, String)> {
    match split(text) {
        FullName::Person(person) => Some((person.last.unwrap_or_default(), person.first.unwrap_or_default())),
        FullName::Whole(_) => None,
    }
}

#[test]
fn the_family_name_is_found_without_a_space() {
    for (text, expected) in [
        ("鈴木一郎", Some(("鈴木", "一郎"))),
        ("長谷川潤", Some(("長谷川", "潤"))),
        ("高橋さくら", Some(("高橋", "さくら"))),
        ("高明", Some(("高", "明"))),
        ("林太郎", Some(("林", "太郎"))),
        ("諸葛亮", Some(("諸葛", "亮"))),
        ("이영희", Some(("이", "영희"))),
        ("이준", Some(("이", "준"))),
        ("네이버코리아", None),
        ("さくら", None),
        ("日本橋三越前", None),
    ] {
        assert_eq!(parts(text), expected.map(|(a, b)| (a.to_owned(), b.to_owned())), "{text}");
    }
}
