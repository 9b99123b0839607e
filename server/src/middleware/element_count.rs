//! Adds to each island of a page the number of elements in it. Before the browser hydrates an
//! island, it compares that with the actual number: a browser extension may have changed the page
//! while it was parsed.

use axum::{
    body::{Body, Bytes, to_bytes},
    http::header::{CONTENT_LENGTH, CONTENT_TYPE},
    response::Response,
};
use countersign_http::problem;
use countersign_leptos::browser::ELEMENT_COUNT_ATTRIBUTE;
use countersign_types::Problem;
use std::iter::once;

/// Maximum size of a page in bytes. Lists are paginated long before.
const MAX_PAGE_BYTES: usize = 4 << 20;
/// The start and the end of an island, which contains no other islands.
const START: &str = "<leptos-island";
const END: &str = "</leptos-island>";

/// Adds the counts to a page. Other responses are unchanged.
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
    Response::from_parts(head, Body::from(with_counts(page)))
}

/// Adds the number of elements to each island. Other documents are unchanged.
fn with_counts(page: Bytes) -> Bytes {
    let Ok(html) = std::str::from_utf8(&page) else { return page };
    let mut parts = html.split(START);
    let before = parts.next().unwrap_or_default().to_owned();
    let islands = parts.map(|part| {
        // Without an end, the browser finds more elements, and does not hydrate the island.
        let island = part.split(END).next().unwrap_or_default();
        let count = count_elements(island);
        format!("{START} {ELEMENT_COUNT_ATTRIBUTE}=\"{count}\"{part}")
    });
    once(before).chain(islands).collect::<String>().into()
}

/// Counts start tags. In the pages of this app, a `<` before a letter always starts a tag: Leptos
/// escapes it in texts, attribute values and its own scripts. It does not escape the contents of
/// `textarea`, `noscript`, `script` and `style`, nor `inner_html`: an island that uses them with
/// text of users, or markup that the HTML parser completes (a `table` without `tbody`), is not
/// hydrated.
fn count_elements(html: &str) -> usize {
    html.as_bytes()
        .windows(2)
        .filter(|pair| pair[0] == b'<' && pair[1].is_ascii_alphabetic())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_each_island_are_counted() {
        let page = "<html><body><leptos-island data-component=\"A\"><b>1 &lt;b</b><!>\
                    <p title=\"&lt;p\">2 < 3</p></leptos-island><p></p>\
                    <leptos-island data-component=\"B\"></leptos-island></body></html>";
        let counted = "<html><body><leptos-island data-elements=\"2\" data-component=\"A\">\
                       <b>1 &lt;b</b><!><p title=\"&lt;p\">2 < 3</p></leptos-island><p></p>\
                       <leptos-island data-elements=\"0\" data-component=\"B\"></leptos-island>\
                       </body></html>";
        assert_eq!(with_counts(Bytes::from(page)), counted);
    }

    #[test]
    fn document_without_islands_is_unchanged() {
        for page in ["", "{}", "<html></html>", "<html></leptos-island>", "<html>\u{fffd}"] {
            assert_eq!(with_counts(Bytes::from(page)), page);
        }
        let not_text = Bytes::from_static(b"<html><leptos-island></leptos-island>\xff");
        assert_eq!(with_counts(not_text.clone()), not_text);
    }
}
