//! (server) The logo: that of the operator, or the mark of this product.

use crate::brand::Brand;
use leptos::{either::Either, prelude::*};

/// Renders the content of the logo link in the header: the logo, or mark and name.
pub fn wordmark(brand: &Brand) -> impl IntoView + use<> {
    match images(brand) {
        Some(images) => Either::Left(images),
        None => Either::Right(brand.name.clone()),
    }
}

/// Renders the logo above the title of a page with a single task.
pub fn auth_logo(brand: &Brand) -> impl IntoView + use<> {
    let (href, name) = (brand.logo_url(), brand.name.clone());
    if let Some(images) = images(brand) {
        return Either::Left(view! {
            <a class="auth-brand" data-part="logo" href=href>
                {images}
            </a>
        });
    }
    // The mark is drawn by the style sheet. A name without a logo has its first letter instead.
    let letter = brand.has_custom_name.then(|| brand.letter()).flatten();
    Either::Right(view! {
        <a class="auth-logo" data-part="logo" href=href aria-label=name>
            {letter}
        </a>
    })
}

/// Renders the images of the logo. The style sheet shows the one for the theme.
fn images(brand: &Brand) -> Option<impl IntoView + use<>> {
    let (light, name) = (brand.logo.clone()?, brand.name.clone());
    let dark = brand.logo_dark.clone();
    let class = if dark.is_some() { "brand-logo light-only" } else { "brand-logo" };
    let dark = dark.map(|dark| {
        view! { <img class="brand-logo dark-only" src=dark alt=name.clone()/> }
    });
    Some(view! {
        <img class=class src=light alt=name/>
        {dark}
    })
}
