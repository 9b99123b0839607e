//! (server) The brand editor: a form with the settings of a brand, the pages in that brand, the
//! contrast of its colors, and the settings to copy.
//!
//! It is a plain form with the method `get`. With scripts, `server/src/gallery/editor.js` updates
//! the page while the user changes a setting. The server reads the query: see [`EditorContent`].

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

/// A document in a frame, which shows the brand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preview {
    /// The log-in page.
    LogIn,
    /// The sign-up page.
    SignUp,
    /// The account page of an invented user.
    Account,
    /// An email.
    Email,
}

impl Preview {
    const ALL: [Self; 4] = [Self::LogIn, Self::SignUp, Self::Account, Self::Email];

    /// Returns the name in URLs.
    const fn as_str(self) -> &'static str {
        match self {
            Self::LogIn => "log-in",
            Self::SignUp => "sign-up",
            Self::Account => "account",
            Self::Email => "email",
        }
    }

    /// Returns the document with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preview| preview.as_str() == name)
    }

    const fn title(self) -> &'static str {
        match self {
            Self::LogIn => messages::LOG_IN_FRAME,
            Self::SignUp => messages::SIGN_UP_FRAME,
            Self::Account => messages::ACCOUNT_FRAME,
            Self::Email => messages::EMAIL_FRAME,
        }
    }
}

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
pub struct EditorField {
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

/// The content of the page: a brand that is being edited.
#[derive(Clone, Debug)]
pub struct EditorContent {
    /// The settings, in the order of the form.
    pub fields: Vec<EditorField>,
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
    let Some(content) = use_context::<EditorContent>().filter(|_| HasGallery::of_page()) else {
        return view! { <NotFoundPage/> }.into_any();
    };
    let theme = choice(PREVIEW_THEME, &THEMES);
    view! {
        {head()}
        <Script src=SCRIPT type_="module"/>
        <div class="gallery-editor" id="gallery">
            <header>
                <p class="text-small"><a href=GALLERY>{messages::HEADING}</a></p>
                <PageHeader heading=messages::BRAND_EDITOR lead=messages::BRAND_EDITOR_LEAD/>
            </header>
            {form(&content, theme)}
            <div class="stack gallery-result">
                <div id="brand-message" class="gallery-message" role="status">
                    {content.refused_accent.as_deref().map(refusal)}
                </div>
                {frames(&content, theme)}
                <div id="brand-result" class="stack">
                    <Card title=messages::CONTRAST lead=messages::CONTRAST_LEAD>
                        {Tokens::new(content.palette).pairs(true)}
                    </Card>
                    {settings(content)}
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

fn form(content: &EditorContent, theme: &'static str) -> impl IntoView + use<> {
    let themes = THEMES.map(|(value, name)| {
        view! {
            <option value=value selected=value == theme>
                {name}
            </option>
        }
    });
    view! {
        <form class="gallery-form stack" id="brand-form" method="get" action=BRAND_EDITOR>
            {content.fields.iter().map(field).collect_view()}
            <div class="field">
                <div class="field-head">
                    <label for=PREVIEW_THEME>{messages::PREVIEW_THEME}</label>
                </div>
                <select class="gallery-input" id=PREVIEW_THEME name=PREVIEW_THEME>
                    {themes.collect_view()}
                </select>
            </div>
            <button type="submit" class="button">
                {messages::UPDATE}
            </button>
        </form>
    }
}

fn field(field: &EditorField) -> impl IntoView + use<> {
    let EditorField { name, meaning, error, control: kind, .. } = field;
    // The values of a choice say what it is.
    let hint = if matches!(kind, Control::Choice(_)) { "" } else { meaning };
    view! {
        <div class="field">
            <div class="field-head">
                <label for=name.clone()><code>{name.clone()}</code></label>
            </div>
            {control(field)}
            <p
                id=hint_id(field)
                class="field-hint"
                class:error=error.is_some()
                class:blank=error.is_none() && hint.is_empty()
            >
                {with_code(error.as_deref().unwrap_or(hint))}
            </p>
        </div>
    }
}

fn hint_id(field: &EditorField) -> String {
    format!("{}-hint", field.name)
}

fn control(field: &EditorField) -> AnyView {
    let (id, described_by) = (field.name.clone(), hint_id(field));
    let EditorField { name, value, error, control, .. } = field.clone();
    match control {
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
                aria-invalid=error.is_some().then_some("true")
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
    }
}

/// Renders the pages in the brand. They run no scripts and send no forms, and nothing in them can
/// be used.
fn frames(content: &EditorContent, theme: &str) -> impl IntoView + use<> {
    let frames = Preview::ALL.map(|preview| {
        let (name, title) = (preview.as_str(), preview.title());
        let src = format!("{PREVIEW}/{name}?{}&{PREVIEW_THEME}={theme}", content.query);
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

fn settings(content: EditorContent) -> impl IntoView {
    let block = if content.settings.is_empty() {
        messages::NO_SETTINGS.to_owned()
    } else {
        content.settings
    };
    let style_sheet = content.style_sheet.map(|css| {
        view! {
            <p class="text-small">{with_code(messages::STYLE_SHEET_LEAD)}</p>
            <pre class="gallery-code" tabindex="0" role="group" aria-label="CSS">
                <code>{css}</code>
            </pre>
        }
    });
    let image = content.needs_image.then(|| {
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
