//! The form of a postal address, which the checkout and the address book share.

use api::Problem;
use browser::{Fields, as_api};
use domain::address::{Address, AddressField, Country};
use domain::{Code, Coded, FieldError};
use pages::forms::{Choice, Field, Group, Kind};
use pages::{HOME_COUNTRY, Texts};
use serde_json::{Map, Value};

/// What a telephone number begins with before somebody has typed anything.
pub(crate) const PHONE_PREFIX: &str = "+998 ";

/// The fields of the form by their names in the API, each with what stands for it while the others are judged; nothing
/// for those that may be left blank.
const FIELDS: [(&str, Option<&str>); 13] = [
    ("name", Some("Aziza")),
    ("phone", None),
    ("country", Some("UZ")),
    ("region", None),
    ("district", None),
    ("city", None),
    ("line1", None),
    ("apartment", None),
    ("entrance", None),
    ("floor", None),
    ("postal_code", None),
    ("landmark", None),
    ("note", None),
];

/// The countries that the form offers, as their own people write them, so that no language needs a table of them.
const COUNTRIES: [(&str, &str); 25] = [
    ("UZ", "O‘zbekiston"),
    ("KZ", "Қазақстан"),
    ("KG", "Кыргызстан"),
    ("TJ", "Тоҷикистон"),
    ("RU", "Россия"),
    ("CN", "中国"),
    ("DE", "Deutschland"),
    ("US", "United States"),
    ("AE", "الإمارات العربية المتحدة"),
    ("AF", "افغانستان"),
    ("AZ", "Azərbaycan"),
    ("BY", "Беларусь"),
    ("CA", "Canada"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("GE", "საქართველო"),
    ("IL", "ישראל"),
    ("IN", "India"),
    ("IT", "Italia"),
    ("JP", "日本"),
    ("KR", "대한민국"),
    ("LV", "Latvija"),
    ("PL", "Polska"),
    ("TM", "Türkmenistan"),
    ("TR", "Türkiye"),
];

/// A country as its own people write it; the code of one that the form does not offer.
pub(crate) fn country_name(country: &Country) -> &str {
    let code = country.as_str();
    COUNTRIES.iter().find(|(known, _)| *known == code).map_or(code, |(_, name)| name)
}

/// The fields of an address, whose names begin with `prefix`, filled in with one that is known. `chosen` is the country
/// of a form that was sent: it decides which fields are needed.
pub(crate) fn fields(t: &Texts, prefix: &str, known: Option<&Address>, chosen: Option<&str>) -> Vec<Group> {
    let written = known.and_then(|known| serde_json::to_value(known).ok()).unwrap_or_default();
    let text = |name: &str| written.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let field = |name: &str, label: &str, kind: Kind, autocomplete: &'static str, most: usize| {
        Field::new(format!("{prefix}{name}"), label, kind).filled(text(name)).completing(autocomplete).at_most(most)
    };
    let line = |name: &str, label: &str, autocomplete: &'static str| field(name, label, Kind::Text, autocomplete, 200);
    let mut options: Vec<Choice> = COUNTRIES.iter().map(|(code, name)| Choice::new(*code, *name)).collect();
    // One that was saved through the API may be in any country.
    let country = known.map_or(HOME_COUNTRY, |known| known.country.as_str());
    if !options.iter().any(|option| option.value == country) {
        options.push(Choice::new(country, country));
    }
    let needed = Country::parse(chosen.unwrap_or(country)).map(|country| Address::needed(&country)).unwrap_or_default();
    // Which fields are needed changes with the country that is chosen, and a browser without script would still ask
    // for those of the one before: the answer to the form says what is missing.
    let by_country = |field: Field, wanted: &[AddressField]| {
        if needed.iter().any(|one| wanted.contains(one)) { field.unforced() } else { field.optional() }
    };
    let phone = field("phone", t.phone, Kind::Phone, "tel", 64).hinting(t.phone_hint);
    let phone = if phone.value.is_empty() { phone.filled(PHONE_PREFIX) } else { phone };
    let country = Field::new(format!("{prefix}country"), t.country, Kind::Choice { options }).filled(country);
    let street = line("line1", t.street, "address-line1");
    vec![
        Group::of(vec![
            field("name", t.recipient, Kind::Text, "name", 100),
            by_country(phone, &[AddressField::Phone]),
            country.completing("country"),
            by_country(line("region", t.region, "address-level1"), &[AddressField::Region]),
            by_country(line("district", t.district, "address-level3"), &[AddressField::District]),
            by_country(line("city", t.city, "address-level2"), &[AddressField::City]),
            by_country(street, &[AddressField::Line1, AddressField::Line1OrLandmark]),
        ]),
        Group::of(vec![
            line("apartment", t.apartment, "").optional(),
            line("entrance", t.entrance, "").optional(),
            line("floor", t.floor, "").optional(),
            line("postal_code", t.postal_code, "postal-code").optional(),
        ])
        .in_a_row(),
        Group::of(vec![
            line("landmark", t.landmark, "").hinting(t.landmark_hint).optional(),
            field("note", t.courier_note, Kind::Area, "", 1_000).optional(),
        ]),
    ]
}

/// The address in the fields whose names begin with `prefix`, judged as the API judges it.
///
/// # Errors
/// `invalid`, with every field that is wrong at once. Its pointers begin with the prefix: `/address/line1` for the
/// prefix `address.`.
pub(crate) fn read(fields: &Fields, prefix: &str) -> Result<Address, Problem> {
    read_reached(fields, prefix, None)
}

/// As [`read`], of somebody who is reached by a telephone number, which need not be typed twice.
pub(crate) fn read_reached(fields: &Fields, prefix: &str, phone: Option<&str>) -> Result<Address, Problem> {
    let mut asked = Map::new();
    for (name, _) in FIELDS {
        let text = fields.text(&format!("{prefix}{name}"));
        // Nobody has typed what the field began with.
        let text = text.filter(|text| name != "phone" || *text != PHONE_PREFIX.trim());
        let text = if name == "phone" { text.or(phone) } else { text };
        asked.extend(text.map(|text| (name.to_owned(), Value::from(text))));
    }
    let mut errors: Vec<FieldError> = Vec::new();
    // The API tells of the first thing that is wrong; each that is found makes way for the next one.
    let address = loop {
        let problem = match as_api::<Address>(&Value::Object(asked.clone())) {
            Ok(address) => break Some(address),
            Err(problem) => problem,
        };
        let Some(error) = problem.errors().first().cloned() else { return Err(problem) };
        let name = error.pointer.trim_start_matches('/').to_owned();
        let known = FIELDS.iter().find(|(known, _)| *known == name);
        let is_new = !errors.iter().any(|known| known.pointer == error.pointer);
        errors.push(error);
        match known {
            Some((_, Some(stand_in))) if is_new => asked.insert(name, Value::from(*stand_in)),
            Some((_, None)) if is_new => asked.remove(&name),
            _ => break None,
        };
    };
    if let Some(Err(refusal)) = address.as_ref().map(|address| address.check("")) {
        let missing = refusal.fields();
        errors.extend(
            missing
                .into_iter()
                .filter(|one| !errors.iter().any(|known| known.pointer == one.pointer))
                .collect::<Vec<_>>(),
        );
    }
    match address {
        Some(address) if errors.is_empty() => Ok(address),
        _ => {
            let steps = prefix.trim_end_matches('.').replace('.', "/");
            let root = if steps.is_empty() { steps } else { format!("/{steps}") };
            let moved = |error: FieldError| FieldError { pointer: format!("{root}{}", error.pointer), ..error };
            Err(Problem::of(Code::Invalid).with_errors(errors.into_iter().map(moved).collect()))
        }
    }
}

/// An address as people write it, line by line.
pub(crate) fn lines(address: &Address) -> Vec<String> {
    let joined = |parts: &[Option<String>]| parts.iter().flatten().cloned().collect::<Vec<_>>().join(", ");
    let text = |line: &Option<domain::text::Line>| line.as_ref().map(ToString::to_string);
    let country = Some(country_name(&address.country).to_owned());
    let lines = [
        address.name.to_string(),
        joined(&[
            text(&address.line1),
            text(&address.line2),
            text(&address.entrance),
            text(&address.floor),
            text(&address.apartment),
        ]),
        joined(&[text(&address.district), text(&address.city), text(&address.region)]),
        joined(&[text(&address.postal_code), country]),
        address.phone.as_ref().map(ToString::to_string).unwrap_or_default(),
        text(&address.landmark).unwrap_or_default(),
        address.note.as_ref().map(ToString::to_string).unwrap_or_default(),
    ];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use pages::Language;
    use pages::forms::Form;

    use super::*;

    fn typed(more: &str) -> Fields {
        Fields::parse(format!("address.country=UZ&{more}").as_bytes())
    }

    #[test]
    fn what_was_typed_is_an_address_and_an_untouched_telephone_number_is_none() {
        let typed = b"address.country=PT&address.name=Aziza&address.phone=%2B998+&address.city=+Xiva+\
            &address.line1=1&address.floor=";
        let address = read(&Fields::parse(typed), "address.").unwrap();
        assert_eq!((address.phone.is_none(), address.city.unwrap().as_str()), (true, "Xiva"));
        assert!(address.floor.is_none());
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once_with_the_prefix() {
        let problem = read(&typed("address.phone=call+me&address.city=Xiva"), "address.").unwrap_err();
        let mut pointers: Vec<&str> = problem.errors().iter().map(|error| error.pointer.as_str()).collect();
        pointers.sort_unstable();
        assert_eq!(
            pointers,
            ["/address/district", "/address/line1", "/address/name", "/address/phone", "/address/region"]
        );
        let bare = read(&Fields::parse(b"country=XX&name=A&line1=1&city=B"), "").unwrap_err();
        assert_eq!(bare.errors()[0].pointer, "/country");
    }

    #[test]
    fn the_form_has_every_field_that_is_read_and_shows_a_known_address() {
        let known: Address = serde_json::from_str(
            r#"{"name":"Aziza","phone":"+998712000000","country":"PT","city":"Faro","line1":"1"}"#,
        )
        .unwrap();
        let groups = fields(Texts::of(Language::En), "address.", Some(&known), None);
        let names: Vec<&str> = groups.iter().flat_map(|group| &group.fields).map(|field| field.name.as_str()).collect();
        assert_eq!(names.len(), FIELDS.len());
        assert!(FIELDS.iter().all(|(name, _)| names.contains(&format!("address.{name}").as_str())));
        let form = groups.into_iter().fold(Form::to("/x"), Form::with);
        let html = form.shown(Language::En, &[]).into_string();
        assert!(html.contains("value=\"+998712000000\"") || html.contains("value=\"&#43;998712000000\""), "{html}");
        assert!(html.contains("<option value=\"PT\" selected>"), "{html}");
        assert_eq!(lines(&known), ["Aziza", "1", "Faro", "PT", "+998712000000"]);
    }
}
