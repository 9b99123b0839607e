//! Rules that hold for all schemas of the API, for the description at `/openapi.json`.

use std::collections::BTreeSet;
use utoipa::openapi::{
    OpenApi, RefOr, Schema, Type,
    schema::{AdditionalProperties, SchemaType},
};

/// Completes the schemas that were derived from the types:
///
/// * A nullable member is always present, because an optional one is left out instead.
/// * A request body has no other members: see [`crate::extract::json_body`].
pub(super) fn complete(openapi: &mut OpenApi) {
    let bodies = request_bodies(openapi);
    let Some(components) = &mut openapi.components else { return };
    for (name, schema) in &mut components.schemas {
        let RefOr::T(Schema::Object(schema)) = schema else { continue };
        for (member, of) in &schema.properties {
            if is_nullable(of) && !schema.required.contains(member) {
                schema.required.push(member.clone());
            }
        }
        if bodies.contains(name) {
            schema.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// Returns the names of the schemas of all JSON request bodies.
fn request_bodies(openapi: &OpenApi) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for path in openapi.paths.paths.values() {
        for operation in [&path.put, &path.post, &path.delete, &path.patch].into_iter().flatten() {
            let Some(RefOr::T(body)) = &operation.request_body else { continue };
            let Some(RefOr::T(json)) = body.content.get("application/json") else { continue };
            match &json.schema {
                // A body that may be missing.
                Some(RefOr::T(Schema::OneOf(schema))) => {
                    names.extend(schema.items.iter().filter_map(schema_name));
                }
                schema => names.extend(schema.as_ref().and_then(schema_name)),
            }
        }
    }
    names
}

fn schema_name(schema: &RefOr<Schema>) -> Option<String> {
    let RefOr::Ref(schema) = schema else { return None };
    schema.ref_location.rsplit('/').next().map(str::to_owned)
}

fn is_nullable(schema: &RefOr<Schema>) -> bool {
    let types = match schema {
        RefOr::T(Schema::Object(schema)) => &schema.schema_type,
        RefOr::T(Schema::Array(schema)) => &schema.schema_type,
        _ => return false,
    };
    matches!(types, SchemaType::Array(types) if types.contains(&Type::Null))
}
