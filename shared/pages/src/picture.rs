//! Pictures in pages: the sizes that a browser chooses from, and the colour that is there before the picture.

use askama::Template;
use domain::catalog::{Color, ImageLink};

use crate::Html;

/// How wide a card is: half of a phone, or a column of the grid. It says a little less, so that a phone with two pixels
/// for one takes the smallest file, which is sharp enough there and half the bytes of the next.
pub const ON_CARD: &str = "(min-width:48em) 15rem,41vw";
/// How wide the first picture of a product is, with the same little less.
pub const ON_PRODUCT: &str = "(min-width:48em) 44rem,75vw";
/// How wide the picture beside the greeting is.
pub const ON_HOME: &str = "(min-width:48em) 30rem,100vw";
/// How wide a tile of a category is.
pub const ON_TILE: &str = "(min-width:48em) 12rem,30vw";

/// A picture as a page shows it.
#[derive(Clone, Debug)]
pub struct Picture {
    /// The address of the file that every browser shows.
    pub src: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// The files that a browser chooses from, as `srcset` has them.
    srcset: String,
    width: u32,
    height: u32,
    class: String,
}

#[derive(Template)]
#[template(
    source = "<img src=\"{{ of.src }}\"{% if !of.srcset.is_empty() %} srcset=\"{{ of.srcset }}\" sizes=\"{{ sizes }}\"\
        {% endif %} alt=\"{{ of.alt }}\" width=\"{{ of.width }}\" height=\"{{ of.height }}\"{% if !of.class.is_empty() %} \
        class=\"{{ of.class }}\"{% endif %}{% if first %} fetchpriority=\"high\"{% else %} loading=\"lazy\"{% endif %}>",
    ext = "html"
)]
struct Shown<'a> {
    of: &'a Picture,
    sizes: &'a str,
    first: bool,
}

/// The classes of the nearest of 64 colours: four steps of each of red, green and blue, of which the darkest has none.
fn classes(color: Color) -> String {
    let mut classes = "k".to_owned();
    for (name, part) in ["r", "g", "u"].into_iter().zip(color.0) {
        let step = part >> 6;
        if step > 0 {
            classes.push_str(&format!(" {name}{step}"));
        }
    }
    classes
}

impl Picture {
    /// A picture with its words. One at a foreign address has the shape that pages give it.
    pub fn of(link: &ImageLink, alt: impl Into<String>) -> Self {
        let of_source = |source: &domain::catalog::ImageFile| format!("{} {}w", source.url, source.width);
        Self {
            src: link.url.clone(),
            alt: alt.into(),
            srcset: link.sources.iter().map(of_source).collect::<Vec<_>>().join(","),
            width: link.width.unwrap_or(800),
            height: link.height.unwrap_or(800),
            class: link.color.map(classes).unwrap_or_default(),
        }
    }

    /// A picture of which only the address is known.
    pub fn at(src: impl Into<String>) -> Self {
        Self::of(&ImageLink::of(src.into()), "")
    }

    /// Its element. `sizes` says how wide it is; the first that somebody sees is loaded at once, others when they are
    /// near.
    pub fn show(&self, sizes: &str, first: bool) -> Html {
        Html::of(&Shown { of: self, sizes, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_the_widths_to_choose_from_and_the_colour_that_is_there_first() {
        let json = serde_json::json!({
            "url": "https://m.test/m/a.jpg", "width": 640, "height": 480, "color": "#4080c0", "sources": [
                {"type": "image/webp", "width": 320, "url": "https://m.test/m/a-320.webp"},
                {"type": "image/webp", "width": 640, "url": "https://m.test/m/a-640.webp"},
            ],
        });
        let link: ImageLink = serde_json::from_value(json).unwrap();
        let shown = Picture::of(&link, "a \"bowl\"").show(ON_CARD, false).to_string();
        assert_eq!(
            shown,
            "<img src=\"https://m.test/m/a.jpg\" srcset=\"https://m.test/m/a-320.webp 320w,https://m.test/m/a-640.webp \
             640w\" sizes=\"(min-width:48em) 15rem,41vw\" alt=\"a &#34;bowl&#34;\" width=\"640\" height=\"480\" \
             class=\"k r1 g2 u3\" loading=\"lazy\">"
        );
        let plain = Picture::at("https://a.test/x.jpg").show(ON_CARD, true).to_string();
        assert_eq!(
            plain,
            "<img src=\"https://a.test/x.jpg\" alt=\"\" width=\"800\" height=\"800\" fetchpriority=\"high\">"
        );
    }
}
