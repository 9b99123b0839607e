//! What is read for a page: one type of resource for all of it. Leptos compiles everything about a resource anew for each type, some 4 KB for every
//! visitor; here that is done once, and [`Known`] says what is in which.

use crate::problem::Problem;
use contract::view::{Account, Event, Page, SessionView};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use std::{marker::PhantomData, pin::Pin};

/// Everything that pages read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the types say it")]
pub enum Anything {
    Account(Account),
    Events(Page<Event>),
    Sessions(Vec<SessionView>),
}

/// One of the things that pages read.
pub trait Readable: Sized + 'static {
    /// As one of them.
    fn into_any(self) -> Anything;
    /// `None`: it is another.
    fn from_any(any: Anything) -> Option<Self>;
}

macro_rules! readable {
    ($($kind:ident: $type:ty),*) => {$(
        impl Readable for $type {
            fn into_any(self) -> Anything {
                Anything::$kind(self)
            }

            fn from_any(any: Anything) -> Option<Self> {
                if let Anything::$kind(it) = any { Some(it) } else { None }
            }
        }
    )*};
}
readable!(Account: Account, Events: Page<Event>, Sessions: Vec<SessionView>);

type Outcome = Result<Anything, Problem>;
type Reading = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Something that is read for a page, by the server when it renders and by the browser from then on.
pub struct Known<T>(Resource<Outcome>, PhantomData<fn() -> T>);

impl<T> Clone for Known<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Known<T> {}

/// Of which version it is, and which part of it.
pub type Source = (u32, Option<String>);

impl<T: Readable> Known<T> {
    /// Read at once, and again whenever `source` comes to something else; `read` is told which part.
    pub fn new<Reads>(source: impl Fn() -> Source + Send + Sync + 'static, read: impl Fn(Option<String>) -> Reads + Send + Sync + 'static) -> Self
    where
        Reads: Future<Output = Result<T, Problem>> + Send + 'static,
    {
        let read = move |part| -> Reading {
            let reading = read(part);
            Box::pin(async move { reading.await.map(T::into_any) })
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

    /// What is known without reading it.
    pub fn set(self, it: T) {
        self.0.set(Some(Ok(it.into_any())));
    }

    /// Reads it again.
    pub fn read_again(self) {
        self.0.refetch();
    }
}

fn understood<T: Readable>(outcome: Outcome) -> Result<T, Problem> {
    outcome.and_then(|any| T::from_any(any).ok_or(Problem::internal()))
}

/// Blocking: the head of the page is unsent until it is known, and it stands in the page, so the browser begins with what the server knew.
fn resource(source: Box<dyn Fn() -> Source + Send + Sync>, read: Box<dyn Fn(Option<String>) -> Reading + Send + Sync>) -> Resource<Outcome> {
    Resource::new_blocking(source, move |(_, part)| read(part))
}
