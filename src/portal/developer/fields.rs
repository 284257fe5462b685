//! Fields of forms, with what is wrong with them beside them.

use crate::oauth::params::Params;
use crate::platform::apps::Details;
use crate::platform::refusal::Fault;
use crate::portal::trouble::Trouble;
use crate::portal::visit::Visit;
use maud::{Markup, html};

/// One field. Its name is also its id.
pub struct Field<'a> {
    pub name: &'static str,
    /// Names its label in the translations.
    pub label: &'static str,
    pub value: &'a str,
    pub kind: &'static str,
    pub required: bool,
    pub hint: Option<String>,
}

impl<'a> Field<'a> {
    pub fn new(name: &'static str, label: &'static str, value: &'a str) -> Self {
        Self {
            name,
            label,
            value,
            kind: "text",
            required: false,
            hint: None,
        }
    }

    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    pub fn required(mut self, required: bool) -> Self {
        self.required = required;
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A line, or several with `kind("lines")`. The browser insists on nothing that is required: a draft may lack
    /// it.
    pub fn show(&self, visit: &Visit<'_>, faults: &[Fault]) -> Markup {
        let wrong = self.wrong(faults);
        let described = self.described(wrong);
        html! {
            (self.label(visit))
            @if self.kind == "lines" {
                textarea id=(self.name) name=(self.name) rows="3" spellcheck="false" autocapitalize="none"
                    aria-invalid=[wrong.then_some("true")] aria-describedby=[described] { "\n" (self.value) }
            } @else {
                input id=(self.name) type=(self.kind) name=(self.name) value=(self.value)
                    aria-required=[self.required.then_some("true")]
                    aria-invalid=[wrong.then_some("true")] aria-describedby=[described];
            }
            (self.below(visit, faults))
        }
    }

    /// One of these: value and name. The first says that nothing is chosen.
    pub fn choose(&self, visit: &Visit<'_>, faults: &[Fault], choices: &[(String, String)]) -> Markup {
        let wrong = self.wrong(faults);
        html! {
            (self.label(visit))
            select id=(self.name) name=(self.name) aria-invalid=[wrong.then_some("true")]
                aria-describedby=[self.described(wrong)] {
                option value="" { (visit.text("developer_choose")) }
                @for (value, name) in choices {
                    option value=(value) selected[value == self.value] { (name) }
                }
            }
            (self.below(visit, faults))
        }
    }

    fn label(&self, visit: &Visit<'_>) -> Markup {
        html! {
            label for=(self.name) {
                (visit.text(self.label))
                @if self.required { " " span.quiet { (visit.text("developer_required")) } }
            }
        }
    }

    pub fn below(&self, visit: &Visit<'_>, faults: &[Fault]) -> Markup {
        html! {
            @if let Some(hint) = &self.hint {
                p.hint id=(format!("{}-hint", self.name)) { (hint) }
            }
            @if self.wrong(faults) {
                div.fault id=(format!("{}-fault", self.name)) {
                    @for fault in faults.iter().filter(|fault| fault.field == self.name) {
                        p { (sentence(visit, fault)) }
                    }
                }
            }
        }
    }

    fn wrong(&self, faults: &[Fault]) -> bool {
        faults.iter().any(|fault| fault.field == self.name)
    }

    fn described(&self, wrong: bool) -> Option<String> {
        let hint = self.hint.as_ref().map(|_| format!("{}-hint", self.name));
        let fault = wrong.then(|| format!("{}-fault", self.name));
        let ids: Vec<String> = [fault, hint].into_iter().flatten().collect();
        (!ids.is_empty()).then(|| ids.join(" "))
    }
}

/// What is wrong, in the page's language.
pub fn sentence(visit: &Visit<'_>, fault: &Fault) -> String {
    let values: Vec<(&str, &str)> = fault
        .values
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    visit.fill(fault.key, &values)
}

/// Above a form of which something is wrong.
pub fn summary(visit: &Visit<'_>, faults: &[Fault]) -> Markup {
    html! {
        @if !faults.is_empty() {
            p.notice.danger role="alert" { (visit.text("developer_not_saved")) }
        }
    }
}

/// What somebody entered; empty where they entered nothing.
pub fn entered<'f>(fields: &'f Params<'_>, name: &'static str) -> Result<&'f str, Trouble> {
    fields
        .get(name)
        .map(Option::unwrap_or_default)
        .map_err(|_| Trouble::BadForm)
}

/// Several, one a line.
fn lines(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// As the form of details sends them.
pub fn details(fields: &Params<'_>) -> Result<Details, Trouble> {
    let text = |name| entered(fields, name).map(str::to_owned);
    Ok(Details {
        name: text("name")?,
        company: text("company")?,
        website: text("website")?,
        support: text("support")?,
        privacy_policy: text("privacy_policy")?,
        terms: text("terms")?,
        redirect_uris: lines(entered(fields, "redirect_uris")?),
        dedicated_user: text("dedicated_user")?,
        stakeholders: lines(entered(fields, "stakeholders")?),
    })
}
