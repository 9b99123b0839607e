//! Paths of URLs, as text.

/// Returns whether `path` is `page` or below it.
#[must_use]
pub fn is_at_or_below(path: &str, page: &str) -> bool {
    path.strip_prefix(page).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
