//! The state of the whole server.

use crate::{brand::SiteBrand, config::Site, static_files::StaticFiles};
use axum::extract::FromRef;
use countersign_core::Auth;
use countersign_http::{HttpSettings, HttpState};
use countersign_leptos::layout::{demo_bar::IsDemo, document::SiteFiles};
use leptos::config::{Env, LeptosOptions};
use std::{io::ErrorKind, sync::Arc};

/// State shared by all handlers: that of [`countersign_http`], and that of the pages. Clones share
/// it.
#[derive(Clone)]
pub struct AppState(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) http: HttpState,
    pub(crate) leptos: LeptosOptions,
    site_files: SiteFiles,
    pub(crate) reload_port: Option<u32>,
    pub(crate) files: StaticFiles,
    pub(crate) brand: SiteBrand,
    pub(crate) has_gallery: bool,
    pub(crate) is_demo: IsDemo,
}

impl FromRef<AppState> for HttpState {
    fn from_ref(server: &AppState) -> Self {
        server.0.http.clone()
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(server: &AppState) -> Self {
        server.0.leptos.clone()
    }
}

impl AppState {
    /// Creates the state from the core and the configuration.
    #[must_use]
    pub fn new(auth: Auth, http: &HttpSettings, site: &Site) -> Self {
        let watched = site.reload_port.is_some();
        let leptos = LeptosOptions::builder()
            .output_name("countersign")
            .site_root(site.root.display().to_string())
            .site_pkg_dir("pkg")
            .env(if watched { Env::DEV } else { Env::PROD })
            .reload_port(site.reload_port.unwrap_or(3001))
            .hash_files(site.hashed)
            .build();
        Self(Arc::new(Inner {
            http: HttpState::new(auth, http.clone()),
            site_files: SiteFiles::new(&leptos),
            leptos,
            reload_port: site.reload_port,
            files: load_static_files(site),
            brand: site.brand.clone(),
            has_gallery: site.has_gallery,
            is_demo: IsDemo(site.is_demo),
        }))
    }

    /// Returns the core.
    #[must_use]
    pub fn auth(&self) -> &Auth {
        self.0.http.auth()
    }

    /// Returns the state without the pages.
    #[must_use]
    pub fn http(&self) -> &HttpState {
        &self.0.http
    }

    /// Returns the URLs of the files that every page loads.
    pub(crate) fn site_files(&self) -> &SiteFiles {
        &self.0.site_files
    }
}

/// Loads the static files of the site. If they can't be read, an error is logged and none are
/// served.
fn load_static_files(site: &Site) -> StaticFiles {
    if site.reload_port.is_some() {
        return StaticFiles::Folder(site.root.as_path().into());
    }
    StaticFiles::read(&site.root).unwrap_or_else(|error| {
        if error.kind() != ErrorKind::NotFound {
            tracing::error!(folder = %site.root.display(), %error, "site files not served");
        }
        StaticFiles::Memory(Arc::default())
    })
}
