//! The document around the app: head and body. Only the server renders it; the browser finds it there.

use crate::{pages::App, ui::theme, words};
use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags};

/// `--canvas` of `style/tokens.css`, light and dark: what browsers paint around the page.
const CANVAS: [&str; 2] = ["#f9fbfb", "#0d1518"];

/// The whole document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    let chosen = chosen_theme();
    let [light, dark] = CANVAS;
    let theme_color = match chosen {
        Some(name) => canvas(if name == theme::NAMES[0] { light } else { dark }, None).into_any(),
        None => (canvas(light, Some("(prefers-color-scheme: light)")), canvas(dark, Some("(prefers-color-scheme: dark)"))).into_any(),
    };
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=chosen>
            <head>
                <meta charset="utf-8"/>
                <meta name="viewport" content="width=device-width, initial-scale=1"/>
                <meta name="color-scheme" content=chosen.unwrap_or("light dark")/>
                {theme_color}
                <meta name="description" content=words::DESCRIPTION/>
                <link rel="icon" href="/favicon.svg" type="image/svg+xml"/>
                <HashedStylesheet options=options.clone() id="style"/>
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

fn canvas(color: &'static str, media: Option<&'static str>) -> impl IntoView {
    // `view!` knows no `media` for this element.
    leptos::html::meta().name("theme-color").content(color).attr("media", media)
}

/// What the visitor has chosen with the switch, if anything.
fn chosen_theme() -> Option<&'static str> {
    #[cfg(feature = "ssr")]
    return crate::edge::cookie_value(theme::COOKIE).and_then(|value| theme::NAMES.into_iter().find(|name| *name == value));
    #[cfg(not(feature = "ssr"))]
    None
}
