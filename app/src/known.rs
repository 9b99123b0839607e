//! What is read for a page: one type of resource for all of it. Leptos compiles everything about a
//! resource anew for each type, some 4 KB for every visitor; here that is done once, and [`Known`]
//! says what is in which. What the server has read stands in the page as text, and only the page
//! that shows it brings the code that understands it.

use crate::{
    connection::Connected,
    json::{self, FromJs},
    problem::Problem,
};
use leptos::{prelude::*, server::codee::string::FromToStringCodec};
use serde::Serialize;
use std::{any::Any, fmt, marker::PhantomData, pin::Pin, str::FromStr, sync::Arc};

/// What pages read: the server can write it down, and the browser can read that.
pub trait Readable: Clone + Serialize + FromJs + Send + Sync + 'static {}

impl<T: Clone + Serialize + FromJs + Send + Sync + 'static> Readable for T {}

type Write = fn(&(dyn Any + Send + Sync)) -> Option<String>;

/// Something that was read.
#[derive(Clone)]
enum Anything {
    /// By the server, for this page: JSON.
    Written(Arc<str>),
    /// Here, and how the server writes it down.
    Read(Arc<dyn Any + Send + Sync>, Write),
}

impl Anything {
    fn of<T: Readable>(it: T) -> Self {
        #[cfg(feature = "ssr")]
        let write: Write = |it| serde_json::to_string(it.downcast_ref::<T>()?).ok();
        // The browser writes nothing down: the code for it would only be a burden.
        #[cfg(not(feature = "ssr"))]
        let write: Write = |_| None;
        Self::Read(Arc::new(it), write)
    }

    /// `None`: it is of another kind.
    fn get<T: Readable>(&self) -> Option<T> {
        match self {
            Self::Written(text) => json::read(text),
            Self::Read(it, _) => it.downcast_ref().cloned(),
        }
    }
}

/// What came of reading, as it stands in a page: `+` and JSON, or `-` and the problem.
#[derive(Clone)]
struct Outcome(Result<Anything, Problem>);

impl fmt::Display for Outcome {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Ok(Anything::Written(text)) => write!(out, "+{text}"),
            Ok(Anything::Read(it, write)) => write!(out, "+{}", write(&**it).unwrap_or_default()),
            Err(problem) => write!(out, "-{problem}"),
        }
    }
}

impl FromStr for Outcome {
    type Err = crate::problem::NotOurs;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix('+') {
            Some(text) => Ok(Self(Ok(Anything::Written(text.into())))),
            None => text.get(1..).unwrap_or_default().parse().map(|problem| Self(Err(problem))),
        }
    }
}

type Reading = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Something that is read for a page, by the server when it renders and by the browser from then
/// on.
pub struct Known<T>(Resource<Outcome, FromToStringCodec>, PhantomData<fn() -> T>);

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Known<T> {}

/// Of which version it is, and which part of it.
pub type Source = (u32, Option<String>);

impl<T: Readable> Known<T> {
    /// Read at once, and again whenever `source` comes to something else; `read` is told which
    /// part.
    pub fn new<Reads>(
        source: impl Fn() -> Source + Send + Sync + 'static,
        read: impl Fn(Option<String>) -> Reads + Send + Sync + 'static,
    ) -> Self
    where
        Reads: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let read = move |part| -> Reading {
            let reading = read(part);
            Box::pin(async move { Outcome(reading.await.map(Anything::of)) })
        };
        Self(resource(Box::new(source), Box::new(read)), PhantomData)
    }

    /// Waits for it.
    pub async fn get(self) -> Result<T, Problem> {
        understood(self.0.await)
    }

    /// It, if it has been read.
    pub fn now(self) -> Option<Result<T, Problem>> {
        self.0.get().map(understood)
    }

    /// The same, for whoever does not want to hear of changes.
    pub fn now_untracked(self) -> Option<Result<T, Problem>> {
        self.0.get_untracked().map(understood)
    }

    /// What is known without reading it.
    pub fn set(self, it: T) {
        self.0.set(Some(Outcome(Ok(Anything::of(it)))));
    }

    /// Reads it again.
    pub fn read_again(self) {
        self.0.refetch();
    }
}

fn understood<T: Readable>(outcome: Outcome) -> Result<T, Problem> {
    outcome.0.and_then(|it| it.get().ok_or(Problem::internal()))
}

/// Blocking: the head of the page is unsent until it is known, and it stands in the page, so the
/// browser begins with what the server knew.
fn resource(
    source: Box<dyn Fn() -> Source + Send + Sync>,
    read: Box<dyn Fn(Option<String>) -> Reading + Send + Sync>,
) -> Resource<Outcome, FromToStringCodec> {
    let resource = Resource::new_str_blocking(source, move |(_, part)| read(part));
    if let Some(connected) = use_context::<Connected>() {
        connected.on_return(move || {
            if matches!(
                resource.get_untracked(),
                Some(Outcome(Err(Problem::Offline | Problem::Unavailable)))
            ) {
                resource.refetch();
            }
        });
    }
    resource
}
