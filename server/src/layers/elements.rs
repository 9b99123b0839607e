//! How many elements a page has, written on its root element. The app compares it with what it
//! finds before it hydrates: a browser extension may have changed the page while it was parsed.

use crate::http::problem;
use axum::{
    body::{Body, Bytes, to_bytes},
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    response::Response,
};
use countersign_leptos::{browser::COUNT, problem::Problem};

/// The largest page, in bytes. Lists are cut into pages long before.
const MAX_PAGE: usize = 4 << 20;

/// Adds the count to a page. Other answers stay as they are.
pub async fn count(response: Response) -> Response {
    if !response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
    {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let page = match to_bytes(body, MAX_PAGE).await {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%error, "page not rendered");
            return problem::answer(&Problem::Unavailable);
        }
    };
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(with_count(page)))
}

/// The page with the count of the elements from its `header` to the end of its `footer`. Other
/// documents stay as they are.
fn with_count(page: Bytes) -> Bytes {
    let Some((start, counted)) = std::str::from_utf8(&page)
        .ok()
        .and_then(|html| Some((html.find("<html")? + 5, elements(html)?)))
    else {
        return page;
    };
    let attribute = format!(" {COUNT}=\"{counted}\"");
    [&page[..start], attribute.as_bytes(), &page[start..]].concat().into()
}

/// Counts start tags. In what Leptos renders a `<` before a letter is nothing else: it escapes
/// those of texts, of values of attributes and of its own scripts.
fn elements(html: &str) -> Option<usize> {
    let html = &html[html.find("<header")?..];
    let html = &html.as_bytes()[..html.find("</footer>")?];
    Some(html.windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_with_elements_outside_the_top_level_ones_counts_those_inside() {
        let page = "<!DOCTYPE html><html lang=\"en\"><body><a></a><header><b>1 &lt;b</b></header><!><main><p title=\"&lt;p\">2 < 3</p></main>\
                    <footer></footer><div></div></body></html>";
        assert_eq!(
            with_count(Bytes::from(page)),
            page.replacen("<html", "<html data-elements=\"5\"", 1)
        );
    }

    #[test]
    fn document_without_the_top_level_elements_stays_as_it_is() {
        for page in [
            "",
            "{}",
            "<html></html>",
            "<header></footer>",
            "<html></footer><header>",
            "<html><header>",
            "<html><header>\u{fffd}",
        ] {
            assert_eq!(with_count(Bytes::from(page)), page);
        }
        let not_text = Bytes::from_static(b"<html><header></footer>\xff");
        assert_eq!(with_count(not_text.clone()), not_text);
    }
}
