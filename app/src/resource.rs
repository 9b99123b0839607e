//! Data that pages load: one resource type for all of it.
//!
//! Leptos compiles each resource type separately, about 4 KB for every visitor. [`PageResource`] is
//! a typed wrapper around a single resource of erased values. The page contains the data that the
//! server has loaded as text, and only the page that shows it brings the code to decode it.

use crate::{
    browser::{connection::ConnectionStatus, js_json, js_json::FromJs},
    server_fn_error::ServerFnProblem,
};
use countersign_types::{ParseProblemError, Problem};
use leptos::{prelude::*, server::codee::string::FromToStringCodec};
use serde::Serialize;
use std::{any::Any, fmt, marker::PhantomData, pin::Pin, str::FromStr, sync::Arc};

/// A value that pages load: the server can serialize it, and the browser can decode it.
pub trait ResourceValue: Clone + Serialize + FromJs + Send + Sync + 'static {}

impl<T: Clone + Serialize + FromJs + Send + Sync + 'static> ResourceValue for T {}

type Serializer = fn(&(dyn Any + Send + Sync)) -> Option<String>;

/// A loaded value of any type.
#[derive(Clone)]
enum ErasedValue {
    /// JSON, written into the page by the server.
    Serialized(Arc<str>),
    /// A value that was loaded on this side, and how to serialize it.
    Loaded(Arc<dyn Any + Send + Sync>, Serializer),
}

impl ErasedValue {
    fn of<T: ResourceValue>(value: T) -> Self {
        #[cfg(feature = "ssr")]
        let serializer: Serializer = |value| serde_json::to_string(value.downcast_ref::<T>()?).ok();
        // The browser serializes nothing. The code would only add to its size.
        #[cfg(not(feature = "ssr"))]
        let serializer: Serializer = |_| None;
        Self::Loaded(Arc::new(value), serializer)
    }

    /// Returns the value, or `None` if it has another type.
    fn get<T: ResourceValue>(&self) -> Option<T> {
        match self {
            Self::Serialized(text) => js_json::read(text),
            Self::Loaded(value, _) => value.downcast_ref().cloned(),
        }
    }
}

/// The outcome of a load. Its text form in the page is `+` and JSON, or `-` and the problem.
#[derive(Clone)]
struct LoadOutcome(Result<ErasedValue, Problem>);

impl fmt::Display for LoadOutcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(ErasedValue::Serialized(text)) => write!(out, "+{text}"),
            Ok(ErasedValue::Loaded(value, serializer)) => {
                write!(out, "+{}", serializer(&**value).unwrap_or_default())
            }
            Err(problem) => write!(out, "-{problem}"),
        }
    }
}

impl FromStr for LoadOutcome {
    type Err = ParseProblemError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('+') {
            Some(text) => Ok(Self(Ok(ErasedValue::Serialized(text.into())))),
            None => text.get(1..).unwrap_or_default().parse().map(|problem| Self(Err(problem))),
        }
    }
}

type Loading = Pin<Box<dyn Future<Output = LoadOutcome> + Send>>;

/// Data that the server loads when it renders the page, and the browser from then on.
pub struct PageResource<T>(Resource<LoadOutcome, FromToStringCodec>, PhantomData<fn() -> T>);

impl<T> Clone for PageResource<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for PageResource<T> {}

/// Version and cursor of the data.
pub type Source = (u32, Option<String>);

impl<T: ResourceValue> PageResource<T> {
    /// Loads the data now and whenever `source` changes. `load` gets the cursor.
    pub fn new<Load>(
        source: impl Fn() -> Source + Send + Sync + 'static,
        load: impl Fn(Option<String>) -> Load + Send + Sync + 'static,
    ) -> Self
    where
        Load: Future<Output = Result<T, ServerFnProblem>> + Send + 'static,
    {
        let load = move |cursor| -> Loading {
            let loading = load(cursor);
            Box::pin(async move {
                LoadOutcome(loading.await.map(ErasedValue::of).map_err(Problem::from))
            })
        };
        Self(resource(Box::new(source), Box::new(load)), PhantomData)
    }

    /// Waits until the data is loaded.
    pub async fn get(self) -> Result<T, Problem> {
        decode(self.0.await)
    }

    /// Returns the data if it is loaded, and subscribes to changes.
    pub fn current(self) -> Option<Result<T, Problem>> {
        self.0.get().map(decode)
    }

    /// Returns the data if it is loaded, without subscribing.
    pub fn current_untracked(self) -> Option<Result<T, Problem>> {
        self.0.get_untracked().map(decode)
    }

    /// Sets the data without loading it.
    pub fn set(self, value: T) {
        self.0.set(Some(LoadOutcome(Ok(ErasedValue::of(value)))));
    }

    /// Loads the data again.
    pub fn refetch(self) {
        self.0.refetch();
    }
}

fn decode<T: ResourceValue>(outcome: LoadOutcome) -> Result<T, Problem> {
    outcome.0.and_then(|value| value.get().ok_or(Problem::internal()))
}

/// Creates the resource. It is blocking: the server sends the head of the page only when the data
/// is loaded. The data is part of the page, so the browser starts with the state of the server.
fn resource(
    source: Box<dyn Fn() -> Source + Send + Sync>,
    load: Box<dyn Fn(Option<String>) -> Loading + Send + Sync>,
) -> Resource<LoadOutcome, FromToStringCodec> {
    let resource = Resource::new_str_blocking(source, move |(_, cursor)| load(cursor));
    if let Some(status) = use_context::<ConnectionStatus>() {
        status.on_return(move || {
            if matches!(
                resource.get_untracked(),
                Some(LoadOutcome(Err(Problem::Offline | Problem::Unavailable)))
            ) {
                resource.refetch();
            }
        });
    }
    resource
}
