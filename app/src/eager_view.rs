//! Type-erased views without asynchronous hydration, which saves 22 KB of Wasm.
//!
//! Leptos compiles every view that becomes an [`AnyView`] twice: the second time for pages with
//! lazily loaded parts. There are no such parts here, so [`EagerView`] hydrates synchronously in
//! both cases.

use leptos::{
    attr::{Attribute, any_attribute::AnyAttribute},
    children::ToChildren,
    prelude::*,
    tachys::{
        hydration::Cursor,
        ssr::StreamBuilder,
        view::{Position, PositionState, add_attr::AddAnyAttr},
    },
};

/// A view without lazy parts. It delegates everything to the inner view except `hydrate_async`: the
/// trait's default calls `hydrate`.
pub struct EagerView<V>(V);

/// [`IntoAny`] for views without lazy parts.
pub trait IntoEagerAny: RenderHtml {
    /// Erases the type of the view. Use it instead of [`IntoAny::into_any`].
    fn into_eager_any(self) -> AnyView {
        EagerView(self).into_any()
    }
}

impl<V: RenderHtml> IntoEagerAny for V {}

/// [`Children`] without lazy parts.
pub struct EagerChildren(Box<dyn FnOnce() -> AnyView + Send>);

impl EagerChildren {
    /// Renders the children.
    pub fn view(self) -> AnyView {
        self.0()
    }
}

impl<F, V> ToChildren<F> for EagerChildren
where
    F: FnOnce() -> V + Send + 'static,
    V: RenderHtml + 'static,
{
    fn to_children(children: F) -> Self {
        Self(Box::new(move || children().into_eager_any()))
    }
}

impl<V: Render> Render for EagerView<V> {
    type State = V::State;

    fn build(self) -> Self::State {
        self.0.build()
    }

    fn rebuild(self, state: &mut Self::State) {
        self.0.rebuild(state);
    }
}

impl<V: RenderHtml> RenderHtml for EagerView<V> {
    type AsyncOutput = V::AsyncOutput;
    type Owned = EagerView<V::Owned>;

    const MIN_LENGTH: usize = V::MIN_LENGTH;
    const EXISTS: bool = V::EXISTS;

    fn dry_resolve(&mut self) {
        self.0.dry_resolve();
    }

    async fn resolve(self) -> Self::AsyncOutput {
        self.0.resolve().await
    }

    fn html_len(&self) -> usize {
        self.0.html_len()
    }

    fn to_html_with_buf(
        self,
        buf: &mut String,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra: Vec<AnyAttribute>,
    ) {
        self.0.to_html_with_buf(buf, position, escape, mark_branches, extra);
    }

    fn to_html_async_with_buf<const OUT_OF_ORDER: bool>(
        self,
        buf: &mut StreamBuilder,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra: Vec<AnyAttribute>,
    ) {
        self.0.to_html_async_with_buf::<OUT_OF_ORDER>(buf, position, escape, mark_branches, extra);
    }

    fn hydrate<const FROM_SERVER: bool>(
        self,
        cursor: &Cursor,
        position: &PositionState,
    ) -> Self::State {
        self.0.hydrate::<FROM_SERVER>(cursor, position)
    }

    fn into_owned(self) -> Self::Owned {
        EagerView(self.0.into_owned())
    }
}

impl<V: RenderHtml> AddAnyAttr for EagerView<V> {
    type Output<New: Attribute> = EagerView<V::Output<New>>;

    fn add_any_attr<New: Attribute>(self, attribute: New) -> Self::Output<New>
    where
        Self::Output<New>: RenderHtml,
    {
        EagerView(self.0.add_any_attr(attribute))
    }
}
