//! The documents: the one around the app, head and body, and the one that says what went wrong
//! without the app. Only the server renders them; the browser finds them there.

use crate::{pages::App, ui::theme, words};
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// The whole document of a page. `style`: where the style sheet is.
pub fn shell(options: LeptosOptions, style: &str) -> impl IntoView + use<> {
    let chosen = chosen_theme();
    view! {
        <!DOCTYPE html>
        <html lang=words::LANGUAGE data-theme=chosen>
            <head>
                {head(chosen, style)}
                <meta name="description" content=words::DESCRIPTION/>
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

/// What the head of every document begins with.
fn head(chosen: Option<&'static str>, style: &str) -> impl IntoView + use<> {
    let [light, dark] = theme::canvas(chosen);
    view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content=chosen.unwrap_or("light dark")/>
        {canvas(light, "(prefers-color-scheme: light)")}
        {canvas(dark, "(prefers-color-scheme: dark)")}
        <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
        <link rel="stylesheet" id="style" href=style.to_owned()/>
    }
}

fn canvas(color: &'static str, media: &'static str) -> impl IntoView {
    // `view!` knows no `media` for this element.
    leptos::html::meta().name("theme-color").content(color).attr("media", media)
}

/// What the visitor has chosen with the switch, if anything.
fn chosen_theme() -> Option<&'static str> {
    #[cfg(feature = "ssr")]
    return use_context::<http::request::Parts>()
        .and_then(|request| crate::edge::theme(&request.headers));
    #[cfg(not(feature = "ssr"))]
    None
}

/// (server) Where the style sheet is: its name changes with what is in it.
#[cfg(feature = "ssr")]
pub fn style_address(options: &LeptosOptions) -> String {
    let link = Owner::new().with(|| {
        view! { <leptos_meta::HashedStylesheet options=options.clone() id="style"/> }.to_html()
    });
    link.split("href=\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .unwrap_or_default()
        .to_owned()
}

/// (server) A page that says what went wrong, without scripts and without anything of the app.
/// `log_in`: what is missing is a log-in.
#[cfg(feature = "ssr")]
pub fn refusal(
    style: &str,
    theme: Option<&'static str>,
    title: String,
    detail: String,
    log_in: bool,
) -> String {
    let (href, label) = if log_in {
        (crate::address::LOG_IN, words::LOG_IN)
    } else {
        ("/", words::not_found::HOME)
    };
    let html = Owner::new().with(|| {
        view! {
            <html lang=words::LANGUAGE data-theme=theme>
                <head>
                    {head(theme, style)}
                    <title>{words::title_of(&title)}</title>
                </head>
                <body>
                    <header class="bar cluster">
                        <a class="wordmark" href="/">
                            {words::PRODUCT}
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
