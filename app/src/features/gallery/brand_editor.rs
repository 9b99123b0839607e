//! (server) The brand editor: a form with the settings of a brand, the pages in that brand, the
//! contrast of its colors, and the settings to copy.
//!
//! It is a plain form with the method `get`. With scripts, `server/src/gallery/editor.js` updates
//! the page while the user changes a setting. The server reads the query: see [`BrandDraft`].

use super::{
    messages,
    page::{HasGallery, PREVIEW, THEMES, choice, head, with_code},
    tokens::Tokens,
};
use crate::{
    brand::palette::Palette,
    features::not_found::NotFoundPage,
    routes::{BRAND_EDITOR, GALLERY},
    ui::{Card, Notice, PageHeader, Severity},
};
use leptos::prelude::*;
use leptos_meta::Script;

/// The path of the script, which only this page loads.
pub const SCRIPT: &str = "/gallery/editor.js";
/// `?preview`: the theme of the previews. Not a setting.
pub const PREVIEW_THEME: &str = "preview";

/// The pages in frames: names in URLs, titles.
const FRAMES: [(&str, &str); 4] = [
    ("log-in", messages::LOG_IN_FRAME),
    ("sign-up", messages::SIGN_UP_FRAME),
    ("account", messages::ACCOUNT_FRAME),
    ("email", messages::EMAIL_FRAME),
];

/// How a setting is chosen.
#[derive(Clone, Debug)]
pub enum Control {
    /// A text of at most so many characters.
    Text(usize),
    /// A color.
    Color,
    /// One of these values.
    Choice(Vec<String>),
}

/// A setting in the form.
#[derive(Clone, Debug)]
pub struct DraftField {
    /// The key in the section `[brand]`, and the name of the parameter.
    pub name: String,
    /// The meaning of the setting, in Markdown.
    pub meaning: String,
    /// The value as it was sent.
    pub value: String,
    /// Why the value is not used.
    pub error: Option<String>,
    /// How it is chosen.
    pub control: Control,
}

/// A brand that is being edited.
#[derive(Clone, Debug)]
pub struct BrandDraft {
    /// The settings, in the order of the form.
    pub fields: Vec<DraftField>,
    /// Why the accent is not used. The previews and the settings have the nearest color instead.
    pub refused_accent: Option<String>,
    /// The colors of the accent.
    pub palette: Option<Palette>,
    /// The valid settings as a query.
    pub query: String,
    /// The section `[brand]` of `countersign.toml`; empty if everything has its default.
    pub settings: String,
    /// Whether the layout needs an image, whose path in the settings is made up.
    pub needs_image: bool,
    /// The style sheet of the operator that the font needs.
    pub style_sheet: Option<String>,
}

#[component]
pub fn BrandEditorPage() -> impl IntoView {
    let Some(draft) = use_context::<BrandDraft>().filter(|_| HasGallery::of_page()) else {
        return view! { <NotFoundPage/> }.into_any();
    };
    let theme = choice(PREVIEW_THEME, &THEMES);
    view! {
        {head()}
        <Script src=SCRIPT type_="module"/>
        <div class="gallery-editor" id="gallery">
            <header>
                <p class="text-small"><a href=GALLERY>{messages::BACK}</a></p>
                <PageHeader heading=messages::BRAND_EDITOR lead=messages::BRAND_EDITOR_LEAD/>
            </header>
            {form(&draft, theme)}
            <div class="stack gallery-result">
                <div id="brand-message" class="gallery-message" role="status">
                    {draft.refused_accent.as_deref().map(refusal)}
                </div>
                {frames(&draft, theme)}
                <div id="brand-result" class="stack">
                    <Card title=messages::CONTRAST lead=messages::CONTRAST_LEAD>
                        {Tokens::new(draft.palette).pairs(true)}
                    </Card>
                    {settings(draft)}
                </div>
            </div>
        </div>
    }
    .into_any()
}

fn refusal(reason: &str) -> impl IntoView + use<> {
    let text = messages::refused_accent(reason);
    view! {
        <Notice severity=Severity::Attention>
            <p>{text}</p>
        </Notice>
    }
}

fn form(draft: &BrandDraft, theme: &'static str) -> impl IntoView + use<> {
    let themes = THEMES.map(|(value, name)| {
        view! {
            <option value=value selected=value == theme>
                {name}
            </option>
        }
    });
    view! {
        <form class="gallery-form stack" id="brand-form" method="get" action=BRAND_EDITOR>
            {draft.fields.iter().map(field).collect_view()}
            <div class="field">
                <div class="field-head">
                    <label for=PREVIEW_THEME>{messages::PREVIEW_THEME}</label>
                </div>
                <select class="gallery-input" id=PREVIEW_THEME name=PREVIEW_THEME>
                    {themes.collect_view()}
                </select>
            </div>
            <button type="submit" class="button">
                {messages::SHOW}
            </button>
        </form>
    }
}

fn field(field: &DraftField) -> impl IntoView + use<> {
    let DraftField { name, meaning, value, error, control } = field.clone();
    let (id, label) = (name.clone(), name.clone());
    let hint_id = format!("{name}-hint");
    // The values of a choice say what it is.
    let hint = if matches!(control, Control::Choice(_)) { "" } else { &*meaning };
    let invalid = error.is_some().then_some("true");
    let described_by = hint_id.clone();
    let control = match control {
        Control::Text(max) => view! {
            <input
                class="gallery-input"
                id=id
                name=name
                type="text"
                maxlength=max.to_string()
                value=value
                autocomplete="off"
                aria-describedby=described_by
                aria-invalid=invalid
            />
        }
        .into_any(),
        Control::Color => view! {
            <input
                class="gallery-input"
                id=id
                name=name
                type="color"
                value=value
                autocomplete="off"
                aria-describedby=described_by
            />
        }
        .into_any(),
        Control::Choice(choices) => {
            let options = choices.into_iter().map(|choice| {
                view! {
                    <option value=choice.clone() selected=choice == value>
                        {choice.clone()}
                    </option>
                }
            });
            view! {
                <select class="gallery-input" id=id name=name aria-describedby=described_by>
                    {options.collect_view()}
                </select>
            }
            .into_any()
        }
    };
    view! {
        <div class="field">
            <div class="field-head">
                <label for=label.clone()><code>{label.clone()}</code></label>
            </div>
            {control}
            <p
                id=hint_id
                class="field-hint"
                class:error=error.is_some()
                class:blank=error.is_none() && hint.is_empty()
            >
                {with_code(error.as_deref().unwrap_or(hint))}
            </p>
        </div>
    }
}

/// Renders the pages in the brand. They run no scripts and send no forms, and nothing in them can
/// be used.
fn frames(draft: &BrandDraft, theme: &str) -> impl IntoView + use<> {
    let frames = FRAMES.map(|(page, title)| {
        let src = format!("{PREVIEW}/{page}?{}&{PREVIEW_THEME}={theme}", draft.query);
        view! {
            <figure>
                <figcaption>{title}</figcaption>
                <div class="gallery-thumbnail">
                    <iframe src=src title=title sandbox="allow-same-origin" tabindex="-1"></iframe>
                </div>
            </figure>
        }
    });
    view! { <div class="gallery-frames" id="brand-frames">{frames.collect_view()}</div> }
}

fn settings(draft: BrandDraft) -> impl IntoView {
    let block =
        if draft.settings.is_empty() { messages::NO_SETTINGS.to_owned() } else { draft.settings };
    let style_sheet = draft.style_sheet.map(|css| {
        view! {
            <p class="text-small">{with_code(messages::STYLE_SHEET_LEAD)}</p>
            <pre class="gallery-code" tabindex="0" role="group" aria-label="CSS">
                <code>{css}</code>
            </pre>
        }
    });
    let image = draft.needs_image.then(|| {
        view! { <p class="text-small">{messages::SPLIT_NEEDS_IMAGE}</p> }
    });
    view! {
        <Card title=messages::SETTINGS lead=messages::SETTINGS_LEAD>
            <pre
                class="gallery-code"
                id="brand-settings"
                tabindex="0"
                role="group"
                aria-label=messages::SETTINGS
            >
                <code>{block}</code>
            </pre>
            {image}
            {style_sheet}
            <p class="text-muted text-small">{messages::MORE_SETTINGS}</p>
        </Card>
    }
}
