//! What the operator decides about, as the desk leads to it: the areas of the settings, and the texts.

use domain::settings::Area;
use pages::parts::{Link, tabs};
use pages::{Html, Texts};

pub(crate) const SETTINGS: &str = "/operate/settings";
pub(crate) const TEXTS: &str = "/operate/texts";
/// The page that the desk's navigation leads to.
pub(crate) const FIRST: &str = "/operate/settings/limits";

/// The areas of the settings; the texts are one more, and current when no area is.
pub(crate) fn kinds(t: &Texts, chosen: Option<Area>) -> Html {
    let link = |area: Area| Link::new(format!("{SETTINGS}/{}", area.as_str()), area.as_str());
    let areas = Area::ALL.into_iter().map(|area| link(area).when_current(Some(area) == chosen));
    let texts = Link::new(TEXTS, t.op_texts).when_current(chosen.is_none());
    tabs(t.op_settings, &areas.chain([texts]).collect::<Vec<_>>())
}
