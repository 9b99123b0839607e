//! (server) The components, as their sources describe them: `components.json`, which a test derives
//! from `app/src/ui` and `app/src/layout`, and writes with `UPDATE_DOCS=1`.

use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// A component, or a function that renders something.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Component {
    pub(super) name: String,
    /// The path of the source.
    pub(super) file: String,
    /// The first sentences of its documentation.
    pub(super) about: String,
    pub(super) properties: Vec<Property>,
}

/// A property of a component, or an argument of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Property {
    pub(super) name: String,
    /// The type.
    pub(super) kind: String,
    pub(super) required: bool,
    /// Its documentation. Arguments of functions have none.
    pub(super) about: String,
}

static COMPONENTS: LazyLock<Vec<Component>> =
    LazyLock::new(|| serde_json::from_str(include_str!("components.json")).unwrap_or_default());

/// Returns a component by its name.
pub(super) fn find(name: &str) -> Component {
    COMPONENTS.iter().find(|component| component.name == name).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{
        super::{entries::ENTRIES, samples},
        *,
    };
    use std::{env, fs, path::Path};
    use syn::{
        Attribute, Expr, ExprLit, FnArg, GenericArgument, Item, ItemFn, Lit, Meta, Pat,
        PathArguments, ReturnType, Type, TypeParamBound, Visibility,
    };

    const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    /// Parts of the page layout that a page or a style sheet of an operator can use.
    const LAYOUT: [&str; 3] = ["auth_layout.rs", "connection_status.rs", "site_layout.rs"];

    fn components() -> Vec<Component> {
        let ui = fs::read_dir(format!("{ROOT}/app/src/ui")).expect("a folder");
        let ui = ui.map(|entry| {
            let name = entry.expect("an entry").file_name();
            format!("app/src/ui/{}", name.to_str().expect("text"))
        });
        let mut files: Vec<String> = ui.collect();
        files.sort();
        files.extend(LAYOUT.map(|file| format!("app/src/layout/{file}")));
        files.iter().flat_map(|file| components_of(file)).collect()
    }

    fn components_of(path: &str) -> Vec<Component> {
        let source = fs::read_to_string(Path::new(ROOT).join(path)).expect("a source");
        let file = syn::parse_file(&source).expect("Rust");
        let functions = file.items.into_iter().filter_map(|item| match item {
            Item::Fn(function) if is_component(&function) => Some(function),
            _ => None,
        });
        functions
            .map(|function| Component {
                name: function.sig.ident.to_string(),
                file: path.to_owned(),
                about: documentation(&function.attrs),
                properties: function.sig.inputs.iter().map(property).collect(),
            })
            .collect()
    }

    /// Returns whether a function is public and renders something.
    fn is_component(function: &ItemFn) -> bool {
        let renders = match &function.sig.output {
            ReturnType::Type(_, output) if matches!(**output, Type::ImplTrait(_)) => {
                type_name(output) == "impl IntoView"
            }
            _ => false,
        };
        renders && matches!(function.vis, Visibility::Public(_))
    }

    /// Returns the first paragraph of a documentation, without brackets around names.
    fn documentation(attributes: &[Attribute]) -> String {
        let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        });
        let lines: Vec<String> = lines.map(|line| line.trim().to_owned()).collect();
        let paragraph: Vec<String> =
            lines.into_iter().take_while(|line| !line.is_empty()).collect();
        paragraph.join(" ").replace("[`", "`").replace("`]", "`")
    }

    fn property(argument: &FnArg) -> Property {
        let FnArg::Typed(argument) = argument else { panic!("a method") };
        let name = match &*argument.pat {
            Pat::Ident(name) => name.ident.to_string(),
            _ => "_".to_owned(),
        };
        let mut required = true;
        for attribute in argument.attrs.iter().filter(|attribute| attribute.path().is_ident("prop"))
        {
            attribute
                .parse_nested_meta(|meta| {
                    let is_optional = ["optional", "optional_no_strip", "default"]
                        .iter()
                        .any(|name| meta.path.is_ident(name));
                    required &= !is_optional;
                    if meta.input.peek(syn::Token![=]) {
                        meta.value()?.parse::<Expr>()?;
                    }
                    Ok(())
                })
                .expect("options of a property");
        }
        Property {
            name,
            kind: type_name(&argument.ty),
            required,
            about: documentation(&argument.attrs),
        }
    }

    /// Returns a type as it is written, without lifetimes of arguments.
    fn type_name(kind: &Type) -> String {
        match kind {
            Type::Path(path) => path_name(&path.path),
            Type::Reference(reference) => {
                let lifetime =
                    reference.lifetime.iter().map(|lifetime| format!("'{} ", lifetime.ident));
                format!("&{}{}", lifetime.collect::<String>(), type_name(&reference.elem))
            }
            Type::Tuple(tuple) => {
                let parts: Vec<String> = tuple.elems.iter().map(type_name).collect();
                format!("({})", parts.join(", "))
            }
            Type::BareFn(function) => {
                let output = match &function.output {
                    ReturnType::Type(_, output) => type_name(output),
                    ReturnType::Default => "()".to_owned(),
                };
                format!("fn() -> {output}")
            }
            Type::ImplTrait(bounds) => {
                let traits = bounds.bounds.iter().filter_map(|bound| match bound {
                    TypeParamBound::Trait(bound) => Some(path_name(&bound.path)),
                    _ => None,
                });
                format!("impl {}", traits.collect::<Vec<_>>().join(" + "))
            }
            _ => panic!("a kind of type that the table can't show"),
        }
    }

    fn path_name(path: &syn::Path) -> String {
        let segments = path.segments.iter().map(|segment| {
            let name = segment.ident.to_string();
            match &segment.arguments {
                PathArguments::AngleBracketed(generic) => {
                    let arguments = generic.args.iter().filter_map(|argument| match argument {
                        GenericArgument::Type(kind) => Some(type_name(kind)),
                        _ => None,
                    });
                    format!("{name}<{}>", arguments.collect::<Vec<_>>().join(", "))
                }
                _ => name,
            }
        });
        segments.collect::<Vec<_>>().join("::")
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "no setting of the server")]
    fn catalog_is_what_the_sources_say() {
        let expected = serde_json::to_string_pretty(&components()).expect("JSON") + "\n";
        let path = format!("{ROOT}/app/src/features/gallery/components.json");
        if env::var_os("UPDATE_DOCS").is_some() {
            fs::write(path, expected).expect("written");
        } else {
            assert_eq!(
                include_str!("components.json"),
                expected,
                "components.json is updated by a run with UPDATE_DOCS=1"
            );
        }
    }

    #[test]
    fn every_component_has_one_entry_with_code_and_files() {
        let components = components();
        assert!(components.len() > 30, "{}", components.len());
        for component in &components {
            let entries = ENTRIES.iter().filter(|entry| entry.name == component.name).count();
            assert_eq!(
                entries, 1,
                "{}: an entry in app/src/features/gallery/entries.rs",
                component.name
            );
            assert!(!component.about.is_empty(), "{} has no documentation", component.name);
            let is_function = component.name.starts_with(char::is_lowercase);
            for property in &component.properties {
                let is_documented = is_function || !property.about.is_empty();
                assert!(is_documented, "{}: {} has no comment", component.name, property.name);
            }
        }
        for entry in ENTRIES {
            assert!(
                components.iter().any(|component| component.name == entry.name),
                "{}",
                entry.name
            );
            assert!(!samples::code(entry.sample_name).is_empty(), "{}: no code", entry.name);
            assert!(!entry.accessibility.is_empty(), "{}", entry.name);
            let is_file = entry.style.is_empty() || Path::new(ROOT).join(entry.style).is_file();
            assert!(is_file, "{}: {}", entry.name, entry.style);
        }
    }
}
