//! The fonts for pictures as PNG. They are found when the first picture is drawn.
use resvg::usvg::fontdb::{Database, Family, Query};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

#[derive(Debug, Default)]
pub struct Fonts {
    /// Files and folders of fonts; those of the system if there are none.
    places: Vec<PathBuf>,
    found: OnceLock<Arc<Database>>,
}

/// The fonts for texts without another choice, the best ones first.
const PREFERRED: [&str; 7] =
    ["Noto Sans", "DejaVu Sans", "Liberation Sans", "Open Sans", "Arial", "Helvetica Neue", "FreeSans"];

impl Fonts {
    pub fn new(places: Vec<PathBuf>) -> Fonts {
        Fonts { places, found: OnceLock::new() }
    }

    pub fn database(&self) -> Arc<Database> {
        Arc::clone(self.found.get_or_init(|| Arc::new(self.find())))
    }

    fn find(&self) -> Database {
        let mut fonts = Database::new();
        if self.places.is_empty() {
            fonts.load_system_fonts();
        }
        for place in &self.places {
            if place.is_dir() {
                fonts.load_fonts_dir(place);
            } else if let Err(error) = fonts.load_font_file(place) {
                log::warn!("cannot load the font {}: {error}", place.display());
            }
        }
        let name = PREFERRED.iter().find(|name| has(&fonts, name)).map(|name| (*name).to_owned());
        let first = || fonts.faces().find_map(|face| face.families.first().map(|(name, _)| name.clone()));
        if let Some(name) = name.or_else(first) {
            fonts.set_sans_serif_family(&name);
            fonts.set_serif_family(name);
        }
        log::info!("{} fonts for pictures", fonts.len());
        fonts
    }
}

fn has(fonts: &Database, name: &str) -> bool {
    fonts.query(&Query { families: &[Family::Name(name)], ..Query::default() }).is_some()
}
