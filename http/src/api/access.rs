//! The access levels of the API's operations, read from their OpenAPI description.

use axum::http::Method;
use countersign_types::Access;
use serde_json::json;
use std::collections::HashMap;
use utoipa::openapi::{OpenApi, path::Operation};

/// The access level of each operation whose credential is an access token, or none.
#[derive(Debug, Default)]
pub struct AccessLevels(HashMap<String, Vec<(Method, Access)>>);

impl AccessLevels {
    /// Reads the levels of all operations of a description.
    ///
    /// # Panics
    ///
    /// If an operation has unknown security requirements.
    #[must_use]
    pub fn from_openapi(openapi: &OpenApi) -> Self {
        let levels = openapi.paths.paths.iter().map(|(path, item)| {
            let operations = [
                (Method::GET, &item.get),
                (Method::PUT, &item.put),
                (Method::POST, &item.post),
                (Method::DELETE, &item.delete),
                (Method::PATCH, &item.patch),
                (Method::HEAD, &item.head),
                (Method::OPTIONS, &item.options),
                (Method::TRACE, &item.trace),
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
        let levels = self.0.get(path)?;
        let find =
            |method| levels.iter().find_map(|(found, level)| (*found == method).then_some(*level));
        // Without a handler of its own, axum answers HEAD with that of GET.
        find(method).or_else(|| if *method == Method::HEAD { find(&Method::GET) } else { None })
    }
}

/// Returns the access level that the security requirements of an operation stand for, or `None` if
/// its handler checks another credential, or an optional one.
///
/// # Panics
///
/// If the requirements are unknown. They must not make an operation public by mistake.
fn level(operation: &Operation) -> Option<Access> {
    let declared = serde_json::to_value(&operation.security).unwrap_or_default();
    let known = [
        (json!([]), Some(Access::Public)),
        (json!([{"bearer": []}]), Some(Access::SignedIn)),
        (json!([{"bearer": ["fresh"]}]), Some(Access::Fresh)),
        (json!([{"bearer": ["admin"]}]), Some(Access::Admin)),
        (json!([{"introspection": []}]), None),
        (json!([{}, {"bearer": []}]), None),
        (json!([{"bearer": []}, {}]), None),
    ];
    let id = operation.operation_id.as_deref().unwrap_or_default();
    let known = known.into_iter().find(|(requirements, _)| *requirements == declared);
    known.unwrap_or_else(|| panic!("{id} has an unknown `security(…)`: {declared}")).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::security::SecurityRequirement;

    #[test]
    fn levels_follow_the_security_of_the_description() {
        let levels = AccessLevels::from_openapi(crate::api::routes().get_openapi());
        for (method, path, level) in [
            (Method::POST, "/api/v1/auth/login", Some(Access::Public)),
            (Method::GET, "/api/v1/me", Some(Access::SignedIn)),
            (Method::HEAD, "/api/v1/me", Some(Access::SignedIn)),
            (Method::PATCH, "/api/v1/me", Some(Access::SignedIn)),
            (Method::GET, "/api/v1/me/export", Some(Access::Fresh)),
            (Method::PUT, "/api/v1/admin/users/{id}/role", Some(Access::Admin)),
            // The introspection secret is checked by the handler.
            (Method::POST, "/oauth/introspect", None),
            (Method::PUT, "/api/v1/me", None),
            (Method::GET, "/nothing", None),
        ] {
            assert_eq!(levels.find(&method, path), level, "{method} {path}");
        }
    }

    #[test]
    #[should_panic(expected = "unknown `security(…)`")]
    fn unknown_security_is_rejected() {
        let mut openapi = crate::api::routes().get_openapi().clone();
        let me = openapi.paths.paths.get_mut("/api/v1/me").expect("a path");
        let operation = me.get.as_mut().expect("an operation");
        let editor = SecurityRequirement::new("bearer", ["editor"]);
        operation.security = Some(vec![editor]);
        drop(AccessLevels::from_openapi(&openapi));
    }
}
