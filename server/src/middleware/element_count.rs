//! Adds the number of elements of a page to its root element. Before hydration, the app compares it
//! with the actual number: a browser extension may have changed the page while it was parsed.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    response::Response,
};
use countersign_http::problem;
use countersign_leptos::browser::ELEMENT_COUNT_ATTRIBUTE;
use countersign_types::Problem;

/// Maximum size of a page in bytes. Lists are paginated long before.
const MAX_PAGE_BYTES: usize = 4 << 20;

/// Adds the count to a page. Other responses are unchanged.
pub async fn add_element_count(response: Response) -> Response {
    if !response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
    {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let page = match to_bytes(body, MAX_PAGE_BYTES).await {
        Ok(page) => page,
        Err(error) => {
            tracing::error!(%error, max_bytes = MAX_PAGE_BYTES, "page not rendered");
            return problem::response(&Problem::internal());
        }
    };
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(with_count(page)))
}

/// Adds the number of elements from the `header` to the end of the `footer`. Other documents are
/// unchanged.
fn with_count(page: Bytes) -> Bytes {
    let Some((start, count)) = std::str::from_utf8(&page)
        .ok()
        .and_then(|html| Some((html.find("<html")? + 5, count_elements(html)?)))
    else {
        return page;
    };
    let attribute = format!(" {ELEMENT_COUNT_ATTRIBUTE}=\"{count}\"");
    [&page[..start], attribute.as_bytes(), &page[start..]].concat().into()
}

/// Counts start tags. In the pages of this app, a `<` before a letter always starts a tag: Leptos
/// escapes it in texts, attribute values and its own scripts. It does not escape the contents of
/// `textarea`, `noscript`, `script` and `style`, nor `inner_html`: a page that uses them with text
/// of users, or markup that the HTML parser completes (a `table` without `tbody`), is not hydrated.
fn count_elements(html: &str) -> Option<usize> {
    let html = &html[html.find("<header")?..];
    let html = &html.as_bytes()[..html.rfind("</footer>")?];
    Some(html.windows(2).filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic()).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_outside_header_and_footer_are_not_counted() {
        let page = "<!DOCTYPE html><html lang=\"en\"><body><a></a>\
                    <header><b>1 &lt;b</b></header><!><main><p title=\"&lt;p\">2 < 3</p></main>\
                    <footer><footer></footer></footer><div></div></body></html>";
        assert_eq!(
            with_count(Bytes::from(page)),
            page.replacen("<html", "<html data-elements=\"6\"", 1)
        );
    }

    #[test]
    fn document_without_header_and_footer_is_unchanged() {
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
