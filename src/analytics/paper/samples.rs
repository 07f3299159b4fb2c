//! A report for unit tests.
use crate::analytics::paper::about::About;
use crate::analytics::paper::chart::{Chart, Figure, Shape, Unit};
use quick_xml::events::Event;
use uuid::Uuid;

pub fn about() -> About {
    About {
        name: "win-rate",
        title: "Win rate",
        definition: "What is counted.".into(),
        pipeline_id: Uuid::nil(),
        from: "2026-01-01".parse().ok(),
        to: "2026-02-01".parse().ok(),
        time_zone: "Europe/Tallinn".into(),
        group_by: "closed_by".into(),
    }
}

pub fn chart(shape: Shape) -> Chart {
    let figures = [40, 7].map(|count| Some(Figure::count(count))).to_vec();
    Chart::new(shape, Unit::Count, "Deals", vec!["Anna".into(), "Борис".into()]).one(figures)
}

/// Returns the texts in a picture, without the marks around those from right to left.
pub fn texts(svg: &str) -> Vec<String> {
    let mut reader = quick_xml::Reader::from_str(svg);
    let (mut texts, mut inside) = (Vec::new(), false);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                inside = start.name().as_ref() == b"text";
                if inside {
                    texts.push(String::new());
                }
            }
            Event::Text(text) if inside => texts.last_mut().unwrap().push_str(&text.decode().unwrap()),
            Event::GeneralRef(name) if inside => {
                let name = format!("&{};", name.decode().unwrap());
                texts.last_mut().unwrap().push_str(&quick_xml::escape::unescape(&name).unwrap());
            }
            Event::End(_) => inside = false,
            Event::Eof => return texts,
            _ => {}
        }
    }
}
