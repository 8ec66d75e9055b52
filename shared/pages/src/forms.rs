//! Forms: fields with their hints and errors, and what was typed before.

use askama::Template;

use crate::parts::{Link, Tone, alert};
use crate::{Html, Texts, count};

/// What a field is filled in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Email,
    Phone,
    Password,
    /// A code of digits, as messages hold it.
    Digits,
    Number,
    /// A number with a decimal point.
    Decimal,
    /// A day.
    Date,
    Area,
    Check,
    File {
        accept: &'static str,
        several: bool,
    },
    Choice {
        options: Vec<Choice>,
    },
    Radio {
        options: Vec<Choice>,
    },
}

/// One of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    pub value: String,
    pub label: String,
    pub hint: String,
}

impl Choice {
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), hint: String::new() }
    }

    #[must_use]
    pub fn hinting(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }
}

/// A field of a form.
#[derive(Clone, Debug)]
pub struct Field {
    pub id: String,
    pub name: String,
    pub label: String,
    pub kind: Kind,
    pub hint: String,
    pub value: String,
    pub error: Option<String>,
    pub optional: bool,
    /// Whether a browser lets it be left blank although it is needed, because that depends on another field.
    pub unforced: bool,
    /// What a browser fills in by itself: a word of the standard's list.
    pub autocomplete: &'static str,
    pub most: Option<usize>,
    /// What stands behind the words of a box to tick, such as a link.
    pub after: Html,
}

impl Field {
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: Kind) -> Self {
        let name = name.into();
        Self {
            id: format!("f-{}", name.replace(['/', '.', '[', ']'], "-")),
            name,
            label: label.into(),
            kind,
            hint: String::new(),
            value: String::new(),
            error: None,
            optional: false,
            unforced: false,
            autocomplete: "",
            most: None,
            after: Html::default(),
        }
    }

    #[must_use]
    pub fn hinting(self, hint: impl Into<String>) -> Self {
        Self { hint: hint.into(), ..self }
    }

    #[must_use]
    pub fn filled(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    #[must_use]
    pub fn optional(self) -> Self {
        Self { optional: true, ..self }
    }

    #[must_use]
    pub fn unforced(self) -> Self {
        Self { unforced: true, ..self }
    }

    #[must_use]
    pub fn completing(self, autocomplete: &'static str) -> Self {
        Self { autocomplete, ..self }
    }

    #[must_use]
    pub fn at_most(self, characters: usize) -> Self {
        Self { most: Some(characters), ..self }
    }

    /// A password is typed again, and a file chosen again.
    pub(crate) const fn keeps_value(&self) -> bool {
        !matches!(self.kind, Kind::Password | Kind::File { .. })
    }

    pub(crate) const fn input_type(&self) -> &'static str {
        match self.kind {
            Kind::Email => "email",
            Kind::Phone => "tel",
            Kind::Password => "password",
            Kind::Number => "number",
            Kind::Date => "date",
            Kind::File { .. } => "file",
            _ => "text",
        }
    }

    /// Attributes of the input, none of which has a value that somebody has typed.
    pub(crate) fn attributes(&self) -> Html {
        let mut written = String::new();
        match self.kind {
            Kind::Digits => written.push_str(" inputmode=\"numeric\""),
            Kind::Decimal => written.push_str(" inputmode=\"decimal\""),
            Kind::Number => written.push_str(" inputmode=\"numeric\" min=\"0\""),
            Kind::File { accept, several } => {
                written.push_str(&format!(" accept=\"{accept}\""));
                written.push_str(if several { " multiple" } else { "" });
            }
            _ => {}
        }
        if !self.autocomplete.is_empty() {
            written.push_str(&format!(" autocomplete=\"{}\"", self.autocomplete));
        }
        if let Some(most) = self.most {
            written.push_str(&format!(" maxlength=\"{most}\""));
        }
        if !self.optional && !self.unforced && !matches!(self.kind, Kind::File { .. } | Kind::Choice { .. }) {
            written.push_str(" required");
        }
        if self.error.is_some() {
            written.push_str(" aria-invalid=\"true\"");
        }
        let described = [(!self.hint.is_empty(), "h"), (self.error.is_some(), "e")];
        let described: Vec<String> =
            described.iter().filter(|(is_there, _)| *is_there).map(|(_, what)| format!("{}-{what}", self.id)).collect();
        if !described.is_empty() {
            written.push_str(&format!(" aria-describedby=\"{}\"", described.join(" ")));
        }
        Html::sanitised(&written)
    }
}

/// Fields that belong together.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// What they are about; empty for fields that need no words.
    pub legend: String,
    pub fields: Vec<Field>,
    /// Whether they stand side by side where there is room.
    pub row: bool,
}

impl Group {
    pub fn of(fields: Vec<Field>) -> Self {
        Self { fields, ..Self::default() }
    }

    pub fn named(legend: impl Into<String>, fields: Vec<Field>) -> Self {
        Self { legend: legend.into(), fields, row: false }
    }

    #[must_use]
    pub fn in_a_row(self) -> Self {
        Self { row: true, ..self }
    }
}

/// A button of a form.
#[derive(Clone, Debug)]
pub struct Button {
    pub label: String,
    pub class: &'static str,
    /// What it sends: a name and its value.
    pub named: Option<(String, String)>,
    /// What it is about, for those who do not see where it stands.
    pub about: String,
}

impl Button {
    /// The one thing to do.
    pub fn main(label: impl Into<String>) -> Self {
        Self { label: label.into(), class: "btn", named: None, about: String::new() }
    }

    pub fn quiet(label: impl Into<String>) -> Self {
        Self { class: "btn quiet", ..Self::main(label) }
    }

    pub fn danger(label: impl Into<String>) -> Self {
        Self { class: "btn danger", ..Self::main(label) }
    }

    pub fn link(label: impl Into<String>) -> Self {
        Self { class: "link", ..Self::main(label) }
    }

    #[must_use]
    pub fn sending(self, name: &str, value: impl Into<String>) -> Self {
        Self { named: Some((name.to_owned(), value.into())), ..self }
    }

    #[must_use]
    pub fn about(self, about: impl Into<String>) -> Self {
        Self { about: about.into(), ..self }
    }
}

/// A form that is posted.
#[derive(Clone, Debug, Default)]
pub struct Form {
    pub action: String,
    pub hidden: Vec<(String, String)>,
    pub groups: Vec<Group>,
    pub buttons: Vec<Button>,
    /// Whether it sends files.
    pub files: bool,
    /// Whether it asks for a page instead of posting: a form to look for something.
    pub asks: bool,
}

impl Form {
    pub fn to(action: impl Into<String>) -> Self {
        Self { action: action.into(), ..Self::default() }
    }

    #[must_use]
    pub fn hiding(mut self, name: &str, value: impl Into<String>) -> Self {
        self.hidden.push((name.to_owned(), value.into()));
        self
    }

    #[must_use]
    pub fn with(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    #[must_use]
    pub fn asking(self, fields: Vec<Field>) -> Self {
        self.with(Group::of(fields))
    }

    #[must_use]
    pub fn button(mut self, button: Button) -> Self {
        self.buttons.push(button);
        self
    }

    #[must_use]
    pub fn asked_for(self) -> Self {
        Self { asks: true, ..self }
    }

    #[must_use]
    pub fn sending_files(self) -> Self {
        Self { files: true, ..self }
    }

    /// Puts back what was typed. Passwords are typed again.
    #[must_use]
    pub fn as_typed(mut self, typed: impl Fn(&str) -> Option<String>) -> Self {
        for field in self.groups.iter_mut().flat_map(|group| &mut group.fields) {
            match typed(&field.name) {
                Some(value) if field.keeps_value() => field.value = value,
                // A box that is not ticked is not sent.
                None if field.kind == Kind::Check => field.value = String::new(),
                _ => {}
            }
        }
        self
    }

    /// Puts each error beside its field, and answers with those that belong to none.
    pub fn blame(&mut self, errors: Vec<(String, String)>) -> Vec<String> {
        let mut others = Vec::new();
        for (name, message) in errors {
            let mut fields = self.groups.iter_mut().flat_map(|group| &mut group.fields);
            match fields.find(|field| field.name == name) {
                Some(field) => field.error = Some(message),
                None => others.push(message),
            }
        }
        others
    }

    /// What is wrong, as a summary that has the focus and leads to each field. `others` belong to no field.
    fn summary(&self, t: &Texts, language: crate::Language, others: &[String]) -> Html {
        let fields = self.groups.iter().flat_map(|group| &group.fields);
        let link = |field: &Field| {
            let error = field.error.as_ref()?;
            Some(Link::new(format!("#{}", field.id), format!("{}: {error}", field.label)))
        };
        let links: Vec<Link> = fields.filter_map(link).collect();
        let wrong = links.len() + others.len();
        if wrong == 0 {
            return Html::default();
        }
        let title = if links.is_empty() {
            String::new()
        } else {
            count(t.error_summary, u64::try_from(wrong).unwrap_or(u64::MAX), language)
        };
        alert(Tone::Bad, &title, others, &links)
    }

    /// The form in a language, with what is wrong in front of it.
    pub fn shown(&self, language: crate::Language, others: &[String]) -> Html {
        let t = Texts::of(language);
        let summary = self.summary(t, language, others);
        let Self { action, hidden, groups, buttons, files, asks } = self;
        let (files, asks) = (*files, *asks);
        Html::of(&FormPart { action, hidden, groups, buttons, files, asks, summary, optional_word: t.optional })
    }
}

#[derive(Template)]
#[template(path = "parts/form.html")]
struct FormPart<'a> {
    action: &'a str,
    hidden: &'a [(String, String)],
    groups: &'a [Group],
    buttons: &'a [Button],
    files: bool,
    asks: bool,
    summary: Html,
    optional_word: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[test]
    fn an_error_stands_beside_its_field_and_in_a_summary_that_leads_there_and_what_was_typed_stays() {
        let fields = vec![
            Field::new("name", "Name", Kind::Text),
            Field::new("password", "Password", Kind::Password),
            Field::new("keep", "Keep", Kind::Check).filled("1"),
        ];
        let mut form = Form::to("/en/sign-in").asking(fields).button(Button::main("Go"));
        form = form.as_typed(|name| match name {
            "name" => Some("<b>\"".to_owned()),
            "password" => Some("secret".to_owned()),
            _ => None,
        });
        let errors = [("name", "Too long."), ("elsewhere", "No.")];
        let others = form.blame(errors.map(|(name, error)| (name.to_owned(), error.to_owned())).to_vec());
        assert_eq!(others, ["No."]);
        let html = form.shown(Language::En, &others).into_string();
        assert!(html.contains("value=\"&#60;b&#62;&#34;\"") || html.contains("value=\"&lt;b&gt;&quot;\""), "{html}");
        assert!(!html.contains("secret") && !html.contains("checked"), "{html}");
        assert!(html.contains("<a href=\"#f-name\">Name: Too long.</a>") && html.contains("autofocus"), "{html}");
        assert!(html.contains("aria-invalid=\"true\" aria-describedby=\"f-name-e\""), "{html}");
    }
}
