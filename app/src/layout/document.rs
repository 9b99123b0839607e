//! (server) HTML documents: the one around the app, and the error document without the app.

use crate::{
    App,
    brand::{AuthPageLayout, Brand},
    browser::{ELEMENT_COUNT_ATTRIBUTE, HYDRATED_ATTRIBUTE},
    layout::demo_bar::{IsDemo, demo_bar},
    messages, request,
    ui::{auth_logo, theme_switch},
};
use http::HeaderValue;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_meta::MetaTags;
use std::iter;

/// The URLs of the files that every page loads. Their names contain hashes of the contents, except
/// during development.
#[derive(Clone, Debug)]
pub struct SiteFiles {
    /// The style sheet.
    pub style: String,
    /// The JavaScript module that `wasm-bindgen` generates.
    script: String,
    /// The Wasm module.
    wasm: String,
}

impl SiteFiles {
    /// Returns the files of the site of these options. Reads the hashes beside the executable. If
    /// there are none, an error is logged, and pages work without scripts and styles.
    #[must_use]
    pub fn new(options: &LeptosOptions) -> Self {
        let hashes = if options.hash_files { read_hashes(options) } else { String::new() };
        let url = |kind: &str| {
            let hash = hashes
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find_map(|(of, hash)| (of.trim() == kind).then(|| format!(".{}", hash.trim())))
                .unwrap_or_default();
            let LeptosOptions { site_pkg_dir, output_name, .. } = options;
            format!("/{site_pkg_dir}/{output_name}{hash}.{kind}")
        };
        Self { style: url("css"), script: url("js"), wasm: url("wasm") }
    }

    /// Returns the `Link` header of a page (RFC 8288): the same files as in its head, fetched in
    /// the same mode, so that none is fetched twice.
    #[must_use]
    pub fn link_header(&self, brand: &Brand) -> HeaderValue {
        let Self { style, script, wasm } = self;
        let styles = iter::once(style).chain(&brand.style);
        let styles = styles.map(|style| format!("<{style}>; rel=preload; as=style"));
        let fonts = brand.font.iter();
        let fonts = fonts.map(|font| {
            format!("<{font}>; rel=preload; as=font; type=\"font/woff2\"; crossorigin")
        });
        let program = [
            format!("<{script}>; rel=modulepreload"),
            format!("<{wasm}>; rel=preload; as=fetch; type=\"application/wasm\"; crossorigin"),
        ];
        let links: Vec<_> = styles.chain(program).chain(fonts).collect();
        // The URLs consist of ASCII characters.
        HeaderValue::from_str(&links.join(", ")).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// Reads the file that `cargo leptos build` writes beside the executable: a line with kind and hash
/// for each file.
fn read_hashes(options: &LeptosOptions) -> String {
    let path = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.join(&*options.hash_file)))
        .unwrap_or_default();
    std::fs::read_to_string(&path).unwrap_or_else(|error| {
        tracing::error!(
            file = %path.display(),
            %error,
            "hashes of the site are missing: build it with `cargo leptos build --release`"
        );
        String::new()
    })
}

/// Whether the page is a preview in a frame of the brand editor, without scripts and inert.
#[derive(Clone, Copy, Debug, Default)]
pub struct IsPreview(pub bool);

/// Renders the document of a page. Its type is erased, as that of [`App`].
pub fn app_document(options: LeptosOptions, files: &SiteFiles) -> AnyView {
    let brand = Brand::of_page();
    let IsPreview(is_preview) = use_context().unwrap_or_default();
    let theme = brand.theme.or_else(request::chosen_theme);
    let sends_mail = request::sends_mail().then_some("");
    let description =
        brand.tagline.clone().unwrap_or_else(|| messages::DESCRIPTION.text().to_owned());
    view! {
        <!DOCTYPE html>
        <html
            lang=messages::LANGUAGE.text()
            data-theme=theme
            data-layout=layout(&brand)
            data-mail=sends_mail
            data-brand=brand.has_custom_name.then_some("")
            {..messages::replacements_attribute()}
        >
            <head>
                {head(theme, &files.style, &brand)}
                <meta name="description" content=description/>
                <AutoReload options/>
                {(!is_preview).then(|| (transition_script(), hydration_script(files)))}
                <MetaTags/>
            </head>
            <body inert=is_preview>
                <App/>
            </body>
        </html>
    }
    .into_any()
}

/// Renders a script that runs before the page is shown. Browsers report the transition to a page
/// whose style sheet is not in the cache as an error that no script has handled.
fn transition_script() -> impl IntoView {
    const CODE: &str = "for(const name of['pageswap','pagereveal'])\
                        addEventListener(name,event=>event.viewTransition?.ready.catch(()=>{}))";
    view! { <script nonce=use_nonce()>{CODE}</script> }
}

/// Renders the script that hydrates the islands. Like that of Leptos, but it doesn't wait for an
/// idle browser. It leaves an island as the server has rendered it if a browser extension has
/// changed it, because hydration would attach listeners to wrong elements, and all further islands
/// if the hydration of one fails, because its owner stays the current one.
fn hydration_script(files: &SiteFiles) -> impl IntoView + use<> {
    // Nothing is hydrated outside of islands.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    let SiteFiles { script, wasm, .. } = files;
    let code = format!(
        "import*as app from'{script}';\
         await app.default({{module_or_path:'{wasm}'}});\
         app.start();\
         for(const island of document.querySelectorAll('leptos-island')){{\
         island.normalize();\
         const rendered=island.getAttribute('{ELEMENT_COUNT_ATTRIBUTE}');\
         if(rendered!=island.querySelectorAll('*').length)continue;\
         try{{app[island.dataset.component](island);\
         island.setAttribute('{HYDRATED_ATTRIBUTE}','')}}\
         catch(error){{console.error(error);break}}\
         }}"
    );
    view! {
        <link rel="modulepreload" href=script.clone()/>
        <link
            rel="preload"
            href=wasm.clone()
            r#as="fetch"
            r#type="application/wasm"
            crossorigin="anonymous"
        />
        <script type="module" nonce=use_nonce()>
            {code}
        </script>
    }
}

/// The path of the manifest, which the server makes from the brand.
pub const MANIFEST: &str = "/manifest.webmanifest";

/// Renders the elements that the head of every document starts with.
pub(crate) fn head(
    theme: Option<&'static str>,
    style: &str,
    brand: &Brand,
) -> impl IntoView + use<> {
    let [light, dark] = theme_switch::theme_colors(theme);
    let icon = brand.icon.clone().unwrap_or_else(|| "/favicon.svg".to_owned());
    let font = brand.font.clone().map(|font| {
        view! {
            <link rel="preload" href=font r#as="font" r#type="font/woff2" crossorigin="anonymous"/>
        }
    });
    let brand_style =
        brand.style.clone().map(|style| view! { <link rel="stylesheet" href=style/> });
    view! {
        <meta charset="utf-8"/>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content=theme.unwrap_or("light dark")/>
        {theme_color(light, "(prefers-color-scheme: light)")}
        {theme_color(dark, "(prefers-color-scheme: dark)")}
        <link rel="icon" href=icon/>
        <link rel="manifest" href=MANIFEST/>
        {font}
        <link rel="stylesheet" id="style" href=style.to_owned()/>
        {brand_style}
    }
}

/// Returns the attribute that selects the layout of pages with a single task.
pub(crate) fn layout(brand: &Brand) -> Option<&'static str> {
    (brand.layout != AuthPageLayout::default()).then_some(brand.layout.as_str())
}

fn theme_color(color: &'static str, media: &'static str) -> impl IntoView {
    // `view!` doesn't know the attribute `media` of this element.
    leptos::html::meta().name("theme-color").content(color).attr("media", media)
}

/// Renders an error document, without scripts and without the app, with this title and detail.
/// `log_in` offers the log-in page instead of the home page.
pub fn error_document(
    style: &str,
    brand: &Brand,
    is_demo: IsDemo,
    theme: Option<&'static str>,
    (title, detail): (String, String),
    log_in: bool,
) -> String {
    let (href, label) = if log_in {
        (crate::routes::LOG_IN, messages::LOG_IN.text())
    } else {
        ("/", crate::features::not_found::messages::HOME.text())
    };
    let theme = brand.theme.or(theme);
    let html = Owner::new().with(|| {
        view! {
            <html
                lang=messages::LANGUAGE.text()
                data-theme=theme
                data-layout=layout(brand)
                data-brand=brand.has_custom_name.then_some("")
            >
                <head>
                    {head(theme, style, brand)}
                    <title>{messages::window_title(&title, &brand.name)}</title>
                </head>
                <body>
                    {demo_bar(is_demo)}
                    <main class="page">
                        <div class="auth stack" data-part="auth">
                            <header class="auth-header" data-part="auth-header">
                                {auth_logo(brand)}
                                <h1 data-part="title">{title}</h1>
                                <p class="text-muted" data-part="lead">{detail}</p>
                            </header>
                            <a class="button" data-part="button-primary" href=href>
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
