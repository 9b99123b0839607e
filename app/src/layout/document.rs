//! HTML documents: the one around the app, and the error document without the app. Only the server
//! renders them.

use crate::{App, messages, ui::theme_switch};
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// Renders the document of a page. `style` is the URL of the style sheet.
pub fn app_document(options: LeptosOptions, style: &str) -> impl IntoView + use<> {
    let theme = chosen_theme();
    view! {
        <!DOCTYPE html>
        <html lang=messages::LANGUAGE data-theme=theme data-mail=sends_mail()>
            <head>
                {head(theme, style)}
                <meta name="description" content=messages::DESCRIPTION/>
                <AutoReload options=options.clone()/>
                <HydrationScripts options/>
                <MetaTags/>
            </head>
            <body>
                <App/>
            </body>
        </html>
    }
}

/// Renders the elements that the head of every document starts with.
fn head(theme: Option<&'static str>, style: &str) -> impl IntoView + use<> {
    let [light, dark] = theme_switch::theme_colors(theme);
    view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content=theme.unwrap_or("light dark")/>
        {theme_color(light, "(prefers-color-scheme: light)")}
        {theme_color(dark, "(prefers-color-scheme: dark)")}
        <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
        <link rel="stylesheet" id="style" href=style.to_owned()/>
    }
}

fn theme_color(color: &'static str, media: &'static str) -> impl IntoView {
    // `view!` doesn't know the attribute `media` of this element.
    leptos::html::meta().name("theme-color").content(color).attr("media", media)
}

/// Returns the theme that the user has chosen, if any.
fn chosen_theme() -> Option<&'static str> {
    #[cfg(feature = "ssr")]
    return use_context::<http::request::Parts>()
        .and_then(|request| crate::request::theme(&request.headers));
    #[cfg(not(feature = "ssr"))]
    None
}

/// Returns the attribute that shows elements of the class `if-mail`, if this server sends email.
fn sends_mail() -> Option<&'static str> {
    #[cfg(feature = "ssr")]
    return crate::request::sends_mail().then_some("");
    #[cfg(not(feature = "ssr"))]
    None
}

/// (server) Returns the URL of the style sheet. Its file name contains a hash of the content.
#[cfg(feature = "ssr")]
pub fn stylesheet_url(options: &LeptosOptions) -> String {
    let link = Owner::new().with(|| {
        view! { <leptos_meta::HashedStylesheet options=options.clone() id="style"/> }.to_html()
    });
    link.split("href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

/// (server) Renders an error document, without scripts and without the app. `log_in` offers the
/// log-in page instead of the home page.
#[cfg(feature = "ssr")]
pub fn error_document(
    style: &str,
    theme: Option<&'static str>,
    title: String,
    detail: String,
    log_in: bool,
) -> String {
    let (href, label) = if log_in {
        (crate::routes::LOG_IN, messages::LOG_IN)
    } else {
        ("/", crate::features::not_found::messages::HOME)
    };
    let html = Owner::new().with(|| {
        view! {
            <html lang=messages::LANGUAGE data-theme=theme>
                <head>
                    {head(theme, style)}
                    <title>{messages::window_title(&title)}</title>
                </head>
                <body>
                    <header class="site-header cluster">
                        <a class="wordmark" href="/">
                            {messages::PRODUCT}
                        </a>
                    </header>
                    <main class="page">
                        <div class="stack">
                            <h1>{title}</h1>
                            <p>{detail}</p>
                            <a class="button" href=href>
                                {label}
                            </a>
                        </div>
                    </main>
                </body>
            </html>
        }
        .to_html()
    });
    format!("<!DOCTYPE html>{html}")
}
