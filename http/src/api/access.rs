//! The access levels of the API's operations, read from their OpenAPI description.

use axum::http::Method;
use countersign_types::Access;
use serde_json::{Value, json};
use std::collections::HashMap;
use utoipa::openapi::{OpenApi, path::Operation};

/// The access level of each operation whose credential is an access token, or none.
#[derive(Debug, Default)]
pub struct AccessLevels(HashMap<String, Vec<(Method, Access)>>);

impl AccessLevels {
    /// Reads the levels of all operations of a description.
    #[must_use]
    pub fn from_openapi(openapi: &OpenApi) -> Self {
        let levels = openapi.paths.paths.iter().map(|(path, item)| {
            let operations = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::PATCH, &item.patch),
            ];
            let levels = operations
                .into_iter()
                .filter_map(|(method, operation)| Some((method, level(operation.as_ref()?)?)));
            (path.clone(), levels.collect())
        });
        Self(levels.collect())
    }

    /// Returns the access level of a route, or `None` if there is no such operation or its handler
    /// checks another credential. `path` has the parameters of the route: `/users/{id}`.
    #[must_use]
    pub fn find(&self, method: &Method, path: &str) -> Option<Access> {
        // axum answers HEAD with the handler of GET.
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let (_, level) = self.0.get(path)?.iter().find(|(found, _)| found == method)?;
        Some(*level)
    }
}

/// Returns the access level that the security requirements of an operation stand for.
fn level(operation: &Operation) -> Option<Access> {
    let Some(requirements) = &operation.security else { return Some(Access::Public) };
    match serde_json::to_value(requirements).ok()? {
        Value::Array(requirements) if requirements.is_empty() => Some(Access::Public),
        requirements if requirements == json!([{"bearer": []}]) => Some(Access::SignedIn),
        requirements if requirements == json!([{"bearer": ["admin"]}]) => Some(Access::Admin),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_follow_the_security_of_the_description() {
        let levels = AccessLevels::from_openapi(crate::api::routes().get_openapi());
        for (method, path, level) in [
            (Method::POST, "/api/v1/auth/login", Some(Access::Public)),
            (Method::GET, "/api/v1/me", Some(Access::SignedIn)),
            (Method::HEAD, "/api/v1/me", Some(Access::SignedIn)),
            (Method::PATCH, "/api/v1/me", Some(Access::SignedIn)),
            (Method::PUT, "/api/v1/admin/users/{id}/role", Some(Access::Admin)),
            // The introspection secret is checked by the handler.
            (Method::POST, "/oauth/introspect", None),
            (Method::PUT, "/api/v1/me", None),
            (Method::GET, "/nothing", None),
        ] {
            assert_eq!(levels.find(&method, path), level, "{method} {path}");
        }
    }
}
