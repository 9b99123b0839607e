//! (server) The pages of the component gallery: one for each entry.

use super::{
    catalog::{self, Property},
    entries::{ENTRIES, Entry, Group},
    messages, samples,
    tokens::tokens_entry,
};
use crate::{
    brand::Brand,
    features::not_found::NotFoundPage,
    page_query, request,
    routes::{BRAND_EDITOR, GALLERY},
    ui::{Card, PageHeader},
};
use leptos::prelude::*;
use leptos_meta::{Meta, Stylesheet};

/// Whether this server has the gallery.
#[derive(Clone, Copy, Debug, Default)]
pub struct HasGallery(pub bool);

impl HasGallery {
    /// Returns whether the server of the page that is being rendered has the gallery.
    pub(super) fn of_page() -> bool {
        use_context::<Self>().unwrap_or_default().0
    }
}

/// The path of the style sheet of the gallery, which only its pages load.
pub const STYLE: &str = "/gallery/style.css";
/// The path of the documents in frames; the rest is the name of one.
pub const PREVIEW: &str = "/gallery/preview";
/// The name of the document with a sample.
pub const SAMPLE: &str = "sample";

/// `?show`: the name of an entry. Without one, the page shows the tokens.
const SHOW: &str = "show";
/// Values of the parameters that change the frame, with their names. The first one is the default.
pub(super) const THEMES: [(&str, &str); 3] = [("", "System"), ("light", "Light"), ("dark", "Dark")];
const TEXT_SIZES: [(&str, &str); 3] = [("", "100 %"), ("150", "150 %"), ("200", "200 %")];
const WIDTHS: [(&str, &str); 5] =
    [("", "Column"), ("320", "320 px"), ("480", "480 px"), ("768", "768 px"), ("1280", "1280 px")];

type Choices = &'static [(&'static str, &'static str)];
/// The parameters: name, label and choices.
const CONTROLS: [(&str, &str, Choices); 3] = [
    ("theme", messages::THEME, &THEMES),
    ("text", messages::TEXT_SIZE, &TEXT_SIZES),
    ("width", messages::WIDTH, &WIDTHS),
];

/// The content of a page or a frame. Every part is one of a list: a query may contain any text.
#[derive(Clone, Copy)]
pub(super) struct Shown {
    /// The entry; without one, the tokens.
    pub(super) entry: Option<&'static Entry>,
    /// A value for each of [`CONTROLS`].
    controls: [&'static str; 3],
}

impl Shown {
    /// Returns what the query of the page asks for.
    pub(super) fn of_page() -> Self {
        let name = page_query::value(SHOW).unwrap_or_default();
        let entry = ENTRIES.iter().find(|entry| entry.name == name);
        Self { entry, controls: CONTROLS.map(|(name, _, choices)| choice(name, choices)) }
    }

    /// Returns the theme of the frame; `None` for that of the system.
    pub(super) fn theme(self) -> Option<&'static str> {
        Some(self.controls[0]).filter(|theme| !theme.is_empty())
    }

    /// Returns the size of text in the frame in percent; `None` for the usual one.
    pub(super) fn text_size(self) -> Option<&'static str> {
        Some(self.controls[1]).filter(|size| !size.is_empty())
    }

    fn width(self) -> Option<&'static str> {
        Some(self.controls[2]).filter(|width| !width.is_empty())
    }

    /// Returns the query. All names and values are plain words.
    fn query(self) -> String {
        let entry = self.entry.map(|entry| (SHOW, entry.name));
        let controls = CONTROLS.into_iter().map(|(name, ..)| name).zip(self.controls);
        let pairs = entry.into_iter().chain(controls.filter(|(_, value)| !value.is_empty()));
        pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
    }

    fn url(self) -> String {
        let query = self.query();
        if query.is_empty() { GALLERY.to_owned() } else { format!("{GALLERY}?{query}") }
    }
}

/// Returns the one of `choices` that the parameter `name` has, or the first one.
pub(super) fn choice(name: &str, choices: Choices) -> &'static str {
    let value = page_query::value(name).unwrap_or_default();
    choices.iter().find(|(choice, _)| *choice == value).unwrap_or(&choices[0]).0
}

#[component]
pub fn GalleryPage() -> impl IntoView {
    if !HasGallery::of_page() {
        return view! { <NotFoundPage/> }.into_any();
    }
    #[cfg(debug_assertions)]
    if let Some(page) = super::states::state_page() {
        return page;
    }
    let shown = Shown::of_page();
    let content = shown.entry.map_or_else(tokens_entry, |entry| entry_content(entry, shown));
    view! {
        {head()}
        <div class="gallery" id="gallery">
            {navigation(shown, shown.entry.is_none())}
            <div class="gallery-content stack">{content}</div>
        </div>
    }
    .into_any()
}

/// Renders what the head of every page of the gallery needs.
pub(super) fn head() -> impl IntoView {
    view! {
        <Stylesheet href=STYLE/>
        <Meta name="robots" content="noindex"/>
    }
}

/// Renders the links to all entries, by group. In a narrow window they are below the content.
/// `is_tokens`: whether the page shows the tokens.
pub(super) fn navigation(shown: Shown, is_tokens: bool) -> impl IntoView {
    let link = |url: String, name: &'static str, is_current: bool| {
        view! {
            <li>
                <a href=url aria-current=is_current.then_some("page")>
                    {name}
                </a>
            </li>
        }
    };
    let groups = Group::ALL.map(|group| {
        let links = ENTRIES.iter().filter(|entry| entry.group == group).map(|entry| {
            let is_current = shown.entry.is_some_and(|shown| shown.name == entry.name);
            link(Shown { entry: Some(entry), ..shown }.url(), entry.name, is_current)
        });
        view! {
            <p class="gallery-group">{group.title()}</p>
            <ul role="list">{links.collect_view()}</ul>
        }
    });
    let tokens = Shown { entry: None, ..shown }.url();
    view! {
        <a class="gallery-to-nav" href="#gallery-nav">
            {messages::TO_NAVIGATION}
        </a>
        <nav class="gallery-nav" id="gallery-nav" aria-label=messages::HEADING>
            <ul role="list">
                {link(tokens, messages::TOKENS, is_tokens)}
                {link(BRAND_EDITOR.to_owned(), messages::BRAND_EDITOR, false)}
            </ul>
            {groups.collect_view()}
            {states()}
        </nav>
    }
}

/// Renders the links to the states of development builds.
fn states() -> impl IntoView {
    #[cfg(debug_assertions)]
    super::states::links()
}

fn entry_content(entry: &'static Entry, shown: Shown) -> AnyView {
    let component = catalog::find(entry.name);
    let files = [component.file.clone(), entry.style.to_owned()]
        .into_iter()
        .filter(|file| !file.is_empty())
        .map(|file| view! { <li><code>{file}</code></li> });
    view! {
        <header>
            <PageHeader heading=entry.name/>
            <p class="text-muted">{with_code(&component.about)}</p>
        </header>
        {controls(shown)}
        {frame(entry, shown)}
        <Card title=messages::CODE>
            // Focusable, because it scrolls.
            <pre class="gallery-code" tabindex="0" role="group" aria-label=messages::CODE>
                <code>{samples::code(entry.sample_name)}</code>
            </pre>
        </Card>
        <Card title=messages::PROPERTIES>{properties(&component.properties)}</Card>
        <Card title=messages::ACCESSIBILITY>
            <p>{with_code(entry.accessibility)}</p>
        </Card>
        <Card title=messages::FILES>
            <ul role="list">{files.collect_view()}</ul>
        </Card>
    }
    .into_any()
}

fn controls(shown: Shown) -> impl IntoView {
    let groups = CONTROLS.into_iter().enumerate().map(|(index, (_, label, choices))| {
        let links = choices.iter().map(|(value, name)| {
            let mut controls = shown.controls;
            controls[index] = value;
            let url = Shown { controls, ..shown }.url();
            let is_current = shown.controls[index] == *value;
            view! {
                <li>
                    <a href=url aria-current=is_current.then_some("true")>
                        {*name}
                    </a>
                </li>
            }
        });
        view! {
            <nav class="gallery-control" aria-label=label>
                <span aria-hidden="true">{label}</span>
                <ul role="list">{links.collect_view()}</ul>
            </nav>
        }
    });
    view! { <div class="gallery-controls">{groups.collect_view()}</div> }
}

fn frame(entry: &Entry, shown: Shown) -> impl IntoView {
    let src = format!("{PREVIEW}/{SAMPLE}?{}", shown.query());
    let percent = shown.text_size().and_then(|size| size.parse().ok()).unwrap_or(100);
    let height = u32::from(entry.height) * percent / 100;
    // A sandbox without scripts and forms. The document may load the style sheet, because it keeps
    // its origin.
    view! {
        <figure class="gallery-stage">
            <div
                class="gallery-scroll"
                tabindex="0"
                role="group"
                aria-label=messages::FRAME
            >
                <div class="gallery-frame" data-width=shown.width()>
                    <iframe
                        src=src
                        title=format!("{}: {}", messages::FRAME, entry.name)
                        height=height.to_string()
                        sandbox="allow-same-origin"
                    ></iframe>
                </div>
            </div>
            <figcaption class="text-muted text-small">{messages::FRAME_HELP}</figcaption>
        </figure>
    }
}

fn properties(properties: &[Property]) -> AnyView {
    if properties.is_empty() {
        return view! { <p class="text-muted">{messages::NO_PROPERTIES}</p> }.into_any();
    }
    let rows = properties.iter().map(|property| {
        let required = property.required.then(|| {
            view! { <span class="badge">{messages::REQUIRED}</span> }
        });
        view! {
            <tr>
                <th scope="row">
                    <code>{property.name.clone()}</code>
                    " "
                    {required}
                </th>
                <td><code>{property.kind.clone()}</code></td>
                <td>{with_code(&property.about)}</td>
            </tr>
        }
    });
    view! {
        <div class="gallery-scroll" tabindex="0" role="group" aria-label=messages::PROPERTIES>
            <table class="gallery-table properties">
                <thead>
                    <tr>
                        <th scope="col">{messages::NAME}</th>
                        <th scope="col">{messages::TYPE}</th>
                        <th scope="col">{messages::MEANING}</th>
                    </tr>
                </thead>
                <tbody>{rows.collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// Renders a text in which backticks enclose code, as in comments and in Markdown.
pub(super) fn with_code(text: &str) -> impl IntoView + use<> {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let part = part.to_owned();
        if index % 2 == 0 { part.into_any() } else { view! { <code>{part}</code> }.into_any() }
    });
    parts.collect_view()
}

/// Returns the theme of a frame.
pub(super) fn frame_theme(shown: Shown) -> Option<&'static str> {
    shown.theme().or(Brand::of_page().theme).or_else(request::chosen_theme)
}
