//! The permission matrix: every route, server function and page, requested with every kind of
//! credential. Operations come from the registries, permissions from the table in this file; an
//! operation without a row fails the test.

use crate::support::{App, Client, FORM, PASSWORD, TestResponse, User};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign::router::PAGE_ROUTES;
use countersign_core::{
    RandomSource, ServerSecret, admin::AdminAction, test_on_each_database, testing::TestDatabase,
};
use countersign_http::IntrospectionSecret;
use countersign_types::{
    Email, UserId,
    views::{AdminUser, Role},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// The credential that an operation requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// No credential.
    Public,
    /// A valid access token.
    AccessToken,
    /// A valid access token of an administrator.
    Administrator,
    /// The refresh cookie of an active session.
    RefreshCookie,
    /// Any issued token, valid or not: log-out is always allowed.
    AnyIssuedToken,
    /// The introspection secret.
    IntrospectionClient,
    /// A token in the form. HTTP Basic authentication is optional, and must name the only client.
    OauthClient,
    /// A valid access token, or the refresh cookie of an active session.
    AccessTokenOrRefreshCookie,
}
use Permission::{
    AccessToken, AccessTokenOrRefreshCookie, Administrator, AnyIssuedToken, IntrospectionClient,
    OauthClient, Public, RefreshCookie,
};

/// All operations, each with its permission and a body that it accepts.
pub const TABLE: &[(&str, Permission, &str)] = &[
    ("get /.well-known/jwks.json", Public, ""),
    ("get /.well-known/oauth-authorization-server", Public, ""),
    ("get /.well-known/oauth-protected-resource", Public, ""),
    ("get /healthz", Public, ""),
    ("get /readyz", Public, ""),
    ("post /api/v1/auth/signup", Public, r#"{"email":"{fresh}","password":"{password}"}"#),
    ("post /api/v1/auth/login", Public, r#"{"email":"{email}","password":"{password}"}"#),
    ("post /api/v1/auth/refresh", RefreshCookie, "{}"),
    ("post /api/v1/auth/logout", AnyIssuedToken, "{}"),
    ("get /api/v1/auth/verify", AccessTokenOrRefreshCookie, ""),
    ("post /oauth/token", OauthClient, "grant_type=refresh_token&refresh_token={refresh}"),
    ("post /oauth/revoke", Public, "token=nonsense"),
    ("post /oauth/introspect", IntrospectionClient, "token=nonsense"),
    ("get /api/v1/me", AccessToken, ""),
    ("patch /api/v1/me", AccessToken, r#"{"name":"Eve"}"#),
    (
        "post /api/v1/me/password",
        AccessToken,
        r#"{"current_password":"{password}","new_password":"a quite different one"}"#,
    ),
    ("get /api/v1/me/activity", AccessToken, ""),
    ("get /api/v1/me/export", AccessToken, ""),
    ("post /api/v1/me/deletion", AccessToken, r#"{"current_password":"{password}"}"#),
    ("delete /api/v1/me/deletion", AccessToken, ""),
    ("get /api/v1/me/sessions", AccessToken, ""),
    ("delete /api/v1/me/sessions/{id}", AccessToken, ""),
    ("get /api/v1/admin/users", Administrator, ""),
    ("get /api/v1/admin/users/{id}", Administrator, ""),
    ("post /api/v1/admin/users/{id}/disable", Administrator, ""),
    ("post /api/v1/admin/users/{id}/enable", Administrator, ""),
    ("delete /api/v1/admin/users/{id}/sessions", Administrator, ""),
    ("put /api/v1/admin/users/{id}/role", Administrator, r#"{"role":"admin"}"#),
    ("post /fn/signup", Public, "form[email]={fresh}&form[password]={password}"),
    ("post /fn/login", Public, "form[email]={email}&form[password]={password}"),
    ("post /fn/logout", Public, ""),
    ("post /fn/refresh", RefreshCookie, ""),
    ("post /fn/current-account", AccessToken, ""),
    ("post /fn/update-profile", AccessToken, "form[name]=Eve&form[session_tag]={tag}"),
    (
        "post /fn/change-password",
        AccessToken,
        "form[current_password]={password}&form[new_password]=a+quite+different+one\
         &form[session_tag]={tag}",
    ),
    (
        "post /fn/delete-account",
        AccessToken,
        "form[current_password]={password}&form[session_tag]={tag}",
    ),
    ("post /fn/cancel-deletion", AccessToken, "form[session_tag]={tag}"),
    ("post /fn/dismiss-notice", AccessToken, "form[session_tag]={tag}"),
    ("post /fn/list-sessions", AccessToken, ""),
    ("post /fn/revoke-session", AccessToken, "form[session]={session}&form[session_tag]={tag}"),
    ("post /fn/list-activity", AccessToken, ""),
    ("get /", Public, ""),
    ("get /signup", Public, ""),
    ("get /login", Public, ""),
    ("get /lab", Public, ""),
    ("get /account", RefreshCookie, ""),
    ("get /account/password", RefreshCookie, ""),
    ("get /account/sessions", RefreshCookie, ""),
    ("get /account/activity", RefreshCookie, ""),
    ("get /account/data", RefreshCookie, ""),
    ("get /account/data.json", RefreshCookie, ""),
    ("get /account/data.html", RefreshCookie, ""),
];

/// State of the caller's account or session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    User,
    Disabled,
    /// The session was revoked.
    LoggedOut,
    Admin,
    /// No longer an administrator, with an access token from before.
    Demoted,
    /// No longer an administrator, with an access token refreshed since.
    DemotedAndRefreshed,
}

/// The credential that a caller presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    Absent,
    Bearer,
    AccessCookie,
    RefreshCookie,
    RefreshTokenAsBearer,
    IntrospectionSecret,
}

const CALLERS: &[(AccountState, CredentialKind)] = &[
    (AccountState::User, CredentialKind::Absent),
    (AccountState::User, CredentialKind::Bearer),
    (AccountState::Disabled, CredentialKind::Bearer),
    (AccountState::LoggedOut, CredentialKind::Bearer),
    (AccountState::Admin, CredentialKind::Bearer),
    (AccountState::Demoted, CredentialKind::Bearer),
    (AccountState::DemotedAndRefreshed, CredentialKind::Bearer),
    (AccountState::User, CredentialKind::AccessCookie),
    (AccountState::Disabled, CredentialKind::AccessCookie),
    (AccountState::Admin, CredentialKind::AccessCookie),
    (AccountState::User, CredentialKind::RefreshCookie),
    (AccountState::Disabled, CredentialKind::RefreshCookie),
    (AccountState::LoggedOut, CredentialKind::RefreshCookie),
    (AccountState::Admin, CredentialKind::RefreshCookie),
    (AccountState::User, CredentialKind::RefreshTokenAsBearer),
    (AccountState::Admin, CredentialKind::RefreshTokenAsBearer),
    (AccountState::User, CredentialKind::IntrospectionSecret),
];

/// Returns the status of a refusal, or `None` if the caller is allowed.
fn expected_refusal(
    operation: &str,
    permission: Permission,
    (state, credential): (AccountState, CredentialKind),
) -> Option<StatusCode> {
    // Only the API accepts the access cookie.
    let access = credential == CredentialKind::Bearer
        || credential == CredentialKind::AccessCookie && operation.contains(" /api/v1/");
    let active = !matches!(state, AccountState::Disabled | AccountState::LoggedOut);
    let allowed = match permission {
        Public => true,
        AccessToken | Administrator => access && active && state != AccountState::Demoted,
        RefreshCookie => credential == CredentialKind::RefreshCookie && active,
        AnyIssuedToken => access || credential == CredentialKind::RefreshCookie,
        IntrospectionClient => credential == CredentialKind::IntrospectionSecret,
        OauthClient => credential != CredentialKind::IntrospectionSecret,
        AccessTokenOrRefreshCookie => {
            active
                && (access && state != AccountState::Demoted
                    || credential == CredentialKind::RefreshCookie)
        }
    };
    match (allowed, permission) {
        (true, Administrator) if state != AccountState::Admin => Some(StatusCode::FORBIDDEN),
        (true, _) => None,
        // Pages redirect to the log-in page.
        (false, RefreshCookie) if !operation.starts_with("post ") => Some(StatusCode::SEE_OTHER),
        (false, _) => Some(StatusCode::UNAUTHORIZED),
    }
}

/// A server with an introspection secret and an administrator.
pub struct Fixture {
    pub app: App,
    secret: String,
}

/// An account with a session.
pub struct TestUser<'a> {
    pub user: User<'a>,
    email: String,
    id: UserId,
    session: String,
    tag: String,
}

impl Fixture {
    pub async fn on(database: TestDatabase) -> Self {
        let secret = ServerSecret::generate(&RandomSource::System).expect("randomness").expose();
        let introspection_secret = IntrospectionSecret::new(secret.clone());
        let app = App::with_settings(database, "http://localhost:3000", |http| {
            http.introspection_secret = Some(introspection_secret);
        })
        .await;
        let fixture = Self { app, secret };
        fixture.user(AccountState::Admin, "root@example.com").await;
        fixture
    }

    /// Reads the change feed, as a server does continuously: after 30 seconds without it, requests
    /// are refused.
    pub async fn sync_feed(&self) {
        self.app.server.auth().sync_feed().await.expect("synced");
    }

    async fn change(&self, id: UserId, change: AdminAction) {
        self.app
            .server
            .auth()
            .operator_for_tests(&countersign_core::RequestContext::default())
            .change(id, change)
            .await
            .expect("changed");
    }

    async fn view(&self, id: UserId) -> AdminUser {
        self.app
            .server
            .auth()
            .operator_for_tests(&countersign_core::RequestContext::default())
            .user(id)
            .await
            .expect("a user")
    }

    /// Signs up a user and brings it into this state. Its tokens are from before the last change,
    /// unless the state says otherwise.
    pub async fn user(&self, state: AccountState, email: &str) -> TestUser<'_> {
        let mut user = self.app.user(email).await;
        let id = self
            .app
            .server
            .auth()
            .operator_for_tests(&countersign_core::RequestContext::default())
            .user_by_email(&Email::parse(email).expect("an address"))
            .await
            .expect("a user")
            .id;
        if matches!(
            state,
            AccountState::Admin | AccountState::Demoted | AccountState::DemotedAndRefreshed
        ) {
            self.change(id, AdminAction::Role(Role::Admin)).await;
            user = self.app.log_in(email).await;
        }
        let tag = user.client.call("/fn/current-account", "").await.json()["session_tag"]
            .as_str()
            .expect("a tag")
            .to_owned();
        let claims = URL_SAFE_NO_PAD
            .decode(user.access.split('.').nth(1).expect("claims"))
            .expect("base64url");
        let session = serde_json::from_slice::<Value>(&claims).expect("JSON")["sid"]
            .as_str()
            .expect("an id")
            .to_owned();
        match state {
            AccountState::User | AccountState::Admin => {}
            AccountState::Disabled => self.change(id, AdminAction::Disable).await,
            AccountState::LoggedOut => {
                drop(user.client.post("/api/v1/auth/logout", json!({})).await);
            }
            AccountState::Demoted | AccountState::DemotedAndRefreshed => {
                self.change(id, AdminAction::Role(Role::User)).await;
            }
        }
        if state == AccountState::DemotedAndRefreshed {
            let tokens = self
                .app
                .anon()
                .post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh}))
                .await
                .json();
            let token = |name: &str| tokens[name].as_str().expect("a token").to_owned();
            let (access, refresh) = (token("access_token"), token("refresh_token"));
            user = User {
                client: self.app.anon().with("authorization", &format!("Bearer {access}")),
                access,
                refresh,
            };
        }
        TestUser { user, email: email.to_owned(), id, session, tag }
    }

    /// Returns a client that presents this credential of a user.
    pub fn client_with(&self, user: &TestUser<'_>, credential: CredentialKind) -> Client<'_> {
        let (anon, user) = (self.app.anon(), &user.user);
        match credential {
            CredentialKind::Absent => anon,
            CredentialKind::Bearer => {
                anon.with("authorization", &format!("Bearer {}", user.access))
            }
            CredentialKind::AccessCookie => anon
                .with("cookie", &format!("countersign-3000-access={}", user.access))
                .with("sec-fetch-site", "same-origin"),
            CredentialKind::RefreshCookie => anon.browser(&user.refresh),
            CredentialKind::RefreshTokenAsBearer => {
                anon.with("authorization", &format!("Bearer {}", user.refresh))
            }
            CredentialKind::IntrospectionSecret => anon.with(
                "authorization",
                &format!("Basic {}", STANDARD.encode(format!("api:{}", self.secret))),
            ),
        }
    }

    /// All operations, from the registries: the methods of each path.
    async fn operations(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let description = self.app.anon().get("/openapi.json").await.json();
        for (path, methods) in description["paths"].as_object().expect("paths") {
            found
                .entry(path.clone())
                .or_default()
                .extend(methods.as_object().expect("methods").keys().cloned());
        }
        for (path, method) in leptos::server_fn::axum::server_fn_paths() {
            found.entry(path.to_owned()).or_default().insert(method.as_str().to_lowercase());
        }
        for file in countersign::data_download::DOWNLOAD_PATHS {
            found.entry(file.to_owned()).or_default().insert("get".to_owned());
        }
        for page in PAGE_ROUTES.iter() {
            found.entry(page.path().to_owned()).or_default().insert("get".to_owned());
        }
        found
    }
}

/// Sends the request of a row. An id in the path is that of the victim's account, or below
/// `/api/v1/me/` that of the caller's own session.
pub async fn send_operation(
    client: &Client<'_>,
    operation: &str,
    body: &str,
    caller: &TestUser<'_>,
    victim: &TestUser<'_>,
    fresh: &str,
) -> TestResponse {
    let (method, path) = operation.split_once(' ').expect("a method and a path");
    let id = if path.starts_with("/api/v1/me/") {
        caller.session.clone()
    } else {
        victim.id.to_string()
    };
    let json = path.starts_with("/api/");
    let password = if json { PASSWORD.to_owned() } else { PASSWORD.replace(' ', "+") };
    let values = [
        ("{fresh}", fresh),
        ("{email}", &victim.email),
        ("{refresh}", &victim.user.refresh),
        ("{password}", &password),
        ("{tag}", &caller.tag),
        ("{session}", &caller.session),
    ];
    let body = values.iter().fold(body.to_owned(), |body, (name, value)| body.replace(name, value));
    let accept = if path.starts_with("/fn/") || json { "application/json" } else { "*/*" };
    let client = client
        .clone()
        .with("accept", accept)
        .with("content-type", if json { "application/json" } else { FORM });
    client
        .send(
            method.to_uppercase().parse().expect("a method"),
            &path.replace("{id}", &id),
            Body::from(body),
        )
        .await
}

test_on_each_database! {
    async fn every_operation_is_allowed_or_refused_as_listed(fixture: Fixture) {
        let operations = fixture.operations().await;
        let existing: BTreeSet<String> = operations
            .iter()
            .flat_map(|(path, methods)| {
                methods.iter().map(move |method| format!("{method} {path}"))
            })
            .collect();
        let listed: BTreeSet<String> =
            TABLE.iter().map(|(operation, ..)| (*operation).to_owned()).collect();
        assert_eq!(existing, listed, "every operation needs a row in the table of this file");
        let mut number = 0;
        let mut counts = [0; 2];
        for (operation, permission, body) in TABLE {
            fixture.sync_feed().await;
            for caller_kind in CALLERS {
                number += 1;
                let (caller, victim) = (
                    fixture.user(caller_kind.0, &format!("caller{number}@example.com")).await,
                    fixture.user(AccountState::User, &format!("victim{number}@example.com")).await,
                );
                let before = (fixture.view(caller.id).await, fixture.view(victim.id).await);
                let response = send_operation(
                    &fixture.client_with(&caller, caller_kind.1),
                    operation,
                    body,
                    &caller,
                    &victim,
                    &format!("fresh{number}@example.com"),
                )
                .await;
                let context = format!(
                    "{operation} by {caller_kind:?}: {} {}",
                    response.status, response.text
                );
                let Some(refused) = expected_refusal(operation, *permission, *caller_kind) else {
                    counts[1] += 1;
                    // Release builds have no component gallery.
                    let is_absent = *operation == "get /lab" && !cfg!(debug_assertions);
                    assert!(response.status.is_success() || is_absent, "{context}");
                    continue;
                };
                counts[0] += 1;
                assert_eq!(response.status, refused, "{context}");
                let challenge = response.header("www-authenticate");
                match refused {
                    StatusCode::UNAUTHORIZED => assert!(
                        challenge.starts_with(
                            if matches!(permission, IntrospectionClient | OauthClient) {
                                "Basic realm="
                            } else {
                                "Bearer realm="
                            }
                        ),
                        "{context} {challenge}"
                    ),
                    StatusCode::FORBIDDEN => assert!(
                        challenge.ends_with("error=\"insufficient_scope\", scope=\"admin\""),
                        "{context} {challenge}"
                    ),
                    _ => assert!(
                        response.header("location").starts_with("/login?next=")
                            && response.text.is_empty(),
                        "{context}"
                    ),
                }
                assert!(
                    response.cookies().iter().all(|cookie| !["=csgn_rt_", "=ey", "=csgn_dc_"]
                        .iter()
                        .any(|token| cookie.contains(token))),
                    "{context} {:?}",
                    response.cookies()
                );
                assert_eq!(
                    (fixture.view(caller.id).await, fixture.view(victim.id).await),
                    before,
                    "{context}: nothing was changed"
                );
                assert_eq!(
                    victim.user.client.get("/api/v1/me").await.status,
                    StatusCode::OK,
                    "{context}: the victim's session is kept"
                );
            }
        }
        assert!(counts[0] > 300 && counts[1] > 250, "{counts:?}");
    }

    async fn ids_of_other_users_grant_no_access(fixture: Fixture) {
        let (ada, bob) = (
            fixture.user(AccountState::User, "ada@example.com").await,
            fixture.user(AccountState::User, "bob@example.com").await,
        );
        let admin = fixture.user(AccountState::Admin, "admin@example.com").await;
        let events = bob.user.client.get("/api/v1/me/activity").await.json();
        let ids = [
            bob.id.to_string(),
            bob.session.clone(),
            events["items"][0]["id"].as_str().expect("an id").to_owned(),
            bob.tag.clone(),
        ];
        let before = fixture.view(bob.id).await;
        let operations = fixture.operations().await;
        let mut requests = 0;
        for (path, methods) in operations.iter().filter(|(path, _)| path.contains("{id}")) {
            for method in methods {
                let body = TABLE
                    .iter()
                    .find(|(operation, ..)| *operation == format!("{method} {path}"))
                    .expect("a row")
                    .2;
                for id in &ids {
                    let send = async |test_user: &TestUser<'_>| {
                        let client =
                            test_user.user.client.clone().with("content-type", "application/json");
                        client
                            .send(
                                method.to_uppercase().parse().expect("a method"),
                                &path.replace("{id}", id),
                                Body::from(body),
                            )
                            .await
                    };
                    let response = send(&ada).await;
                    let expected = if path.contains("/admin/") {
                        (StatusCode::FORBIDDEN, "forbidden")
                    } else {
                        (StatusCode::NOT_FOUND, "not_found")
                    };
                    assert_eq!(
                        (response.status, response.problem_code().as_str()),
                        expected,
                        "{method} {path} {id}"
                    );
                    // Administrators have no access below `/api/v1/me` of other users, and accounts
                    // are found by their own id only.
                    if !path.contains("/admin/") || *id != ids[0] {
                        let response = send(&admin).await;
                        assert_eq!(
                            (response.status, response.problem_code().as_str()),
                            (StatusCode::NOT_FOUND, "not_found"),
                            "{method} {path} {id} by an administrator"
                        );
                    }
                    requests += 1;
                }
            }
        }
        assert_eq!(requests, 6 * ids.len());
        for (test_user, id) in ids.iter().flat_map(|id| [(&ada, id), (&admin, id)]) {
            let response = test_user
                .user
                .client
                .call(
                    "/fn/revoke-session",
                    &format!("form[session]={id}&form[session_tag]={}", test_user.tag),
                )
                .await;
            assert_eq!(
                (response.status, response.text.as_str()),
                (StatusCode::NOT_FOUND, "\"not_found\""),
                "{id}"
            );
            // A cursor made from another user's id returns the caller's own items or an error.
            for list in ["activity", "sessions"] {
                let cursor = id
                    .parse::<uuid::Uuid>()
                    .map_or_else(|_| id.clone(), |id| URL_SAFE_NO_PAD.encode(id.as_bytes()));
                let response =
                    test_user.user.client.get(&format!("/api/v1/me/{list}?cursor={cursor}")).await;
                assert!(
                    response.status == StatusCode::BAD_REQUEST || response.status == StatusCode::OK,
                    "{}",
                    response.text
                );
                assert!(
                    ids.iter().all(|foreign| !response.text.contains(foreign.as_str())),
                    "{}",
                    response.text
                );
            }
        }
        // A form with another user's session tag.
        for (function, form) in [
            ("/fn/update-profile", "form[name]=Eve"),
            ("/fn/revoke-session", "form[session]="),
            (
                "/fn/change-password",
                "form[current_password]=x&form[new_password]=a+quite+different+one",
            ),
            ("/fn/delete-account", "form[current_password]=x"),
            ("/fn/cancel-deletion", ""),
            ("/fn/dismiss-notice", ""),
        ] {
            let response = ada
                .user
                .client
                .call(function, &format!("{form}&form[session_tag]={}", bob.tag))
                .await;
            assert_eq!(
                (response.status, response.text.as_str()),
                (StatusCode::CONFLICT, "\"session_mismatch\""),
                "{function}"
            );
        }
        assert_eq!(fixture.view(bob.id).await, before);
        assert_eq!(
            bob.user.client.get("/api/v1/me/sessions").await.json()["items"]
                .as_array()
                .expect("a list")
                .len(),
            1
        );
        assert_eq!(bob.user.client.get("/api/v1/me/activity").await.json(), events);
    }

    async fn undefined_methods_return_405_and_have_no_effect(fixture: Fixture) {
        let (admin, victim) = (
            fixture.user(AccountState::Admin, "admin@example.com").await,
            fixture.user(AccountState::User, "victim@example.com").await,
        );
        let before = (fixture.view(admin.id).await, fixture.view(victim.id).await);
        let mut operations = fixture.operations().await;
        for file in ["/openapi.json", "/pkg/countersign.js", "/favicon.ico", "/nothing"] {
            operations.entry(file.to_owned()).or_default().insert("get".to_owned());
        }
        let mut requests = 0;
        for (path, methods) in &operations {
            fixture.sync_feed().await;
            let target = path.replace(
                "{id}",
                &if path.starts_with("/api/v1/me/") {
                    admin.session.clone()
                } else {
                    victim.id.to_string()
                },
            );
            for method in [
                "GET",
                "HEAD",
                "POST",
                "PUT",
                "PATCH",
                "DELETE",
                "OPTIONS",
                "TRACE",
                "CONNECT",
                "PROPFIND",
                "QUERY",
                "get",
                "POSTX",
                "X-MADE-UP",
            ] {
                let reads = methods.contains("get");
                if methods.contains(&method.to_lowercase()) && method != "get" {
                    continue;
                }
                let bodies = ["", r#"{"role":"admin"}"#, r#"{"name":"Eve"}"#, "form[name]=Eve"];
                for (client, body) in [
                    fixture.client_with(&admin, CredentialKind::Bearer),
                    fixture.client_with(&admin, CredentialKind::RefreshCookie),
                ]
                .iter()
                .flat_map(|client| bodies.map(|body| (client, body)))
                {
                    let content_type =
                        if body.starts_with('{') { "application/json" } else { FORM };
                    let client = client
                        .clone()
                        .with("content-type", content_type)
                        .with("x-http-method-override", "DELETE")
                        .with("x-method-override", "PUT");
                    let response = client
                        .send(
                            Method::from_bytes(method.as_bytes()).expect("a method"),
                            &target,
                            Body::from(body),
                        )
                        .await;
                    let context = format!("{method} {path}: {} {}", response.status, response.text);
                    requests += 1;
                    assert!(response.cookies().is_empty(), "{context}");
                    if method == "HEAD" && reads {
                        assert!(response.text.is_empty(), "{context}");
                        continue;
                    }
                    let unknown =
                        path.starts_with("/fn/") && response.status == StatusCode::NOT_FOUND;
                    assert!(
                        response.status == StatusCode::METHOD_NOT_ALLOWED || unknown,
                        "{context}"
                    );
                    assert!(
                        response.text.is_empty()
                            || ["method_not_allowed", "not_found", "invalid_request"]
                                .contains(&response.error_code().as_str()),
                        "{context}"
                    );
                    assert!(!response.text.contains('@'), "{context}");
                }
            }
        }
        assert!(requests > 3000, "{requests}");
        assert_eq!((fixture.view(admin.id).await, fixture.view(victim.id).await), before);
        for test_user in [&admin, &victim] {
            assert_eq!(test_user.user.client.get("/api/v1/me").await.json()["name"], Value::Null);
            assert_eq!(
                test_user.user.client.get("/api/v1/me/sessions").await.json()["items"]
                    .as_array()
                    .expect("a list")
                    .len(),
                if test_user.id == admin.id { 2 } else { 1 }
            );
        }
    }

    async fn cross_site_embedding_and_prefetch_have_no_effect(fixture: Fixture) {
        let ada = fixture.user(AccountState::User, "ada@example.com").await;
        let before = fixture.view(ada.id).await;
        let mut paths: Vec<String> = fixture
            .operations()
            .await
            .into_keys()
            .map(|path| path.replace("{id}", &ada.session))
            .collect();
        paths.extend([
            "/logout".to_owned(),
            format!("/fn/update-profile?form[name]=Eve&form[session_tag]={}", ada.tag),
            "/fn/logout?".to_owned(),
            "/api/v1/auth/logout?scope=all".to_owned(),
        ]);
        for path in paths {
            fixture.sync_feed().await;
            for (destination, mode) in [
                ("image", "no-cors"),
                ("iframe", "navigate"),
                ("script", "no-cors"),
                ("empty", "no-cors"),
                ("document", "navigate"),
            ] {
                let client = fixture.app.anon().with(
                    "cookie",
                    &format!(
                        "countersign-3000={0}; countersign-3000-access={1}",
                        ada.user.refresh, ada.user.access
                    ),
                );
                let client = client
                    .with("sec-fetch-site", "cross-site")
                    .with("sec-fetch-mode", mode)
                    .with("sec-fetch-dest", destination)
                    .with("sec-purpose", "prefetch");
                for method in [Method::GET, Method::HEAD] {
                    let response = client.send(method, &path, Body::empty()).await;
                    assert!(
                        response.cookies().is_empty()
                            && response.header("clear-site-data").is_empty(),
                        "{path} {destination}"
                    );
                    let framed = (
                        response.header("x-frame-options"),
                        response.header("cross-origin-resource-policy"),
                    );
                    // Public documents hold no user data, and are readable by every origin.
                    let resource = if path == "/.well-known/jwks.json" || path.contains("/oauth-") {
                        "cross-origin"
                    } else {
                        "same-origin"
                    };
                    assert_eq!(framed, ("DENY", resource), "{path} {destination}");
                }
            }
        }
        assert_eq!(fixture.view(ada.id).await, before);
        assert_eq!(ada.user.client.get("/api/v1/me").await.status, StatusCode::OK);
        assert_eq!(
            fixture.app.anon().browser(&ada.user.refresh).get("/account").await.status,
            StatusCode::OK
        );
    }

    async fn responses_have_only_the_listed_members(fixture: Fixture) {
        const ME: &str =
            "created_at deletion_scheduled_at email email_verified id name roles reuse_detected_at";
        const ACCOUNT: &str = "created_at deletion_scheduled_at email email_verified id name roles \
                               reuse_detected_at session_tag";
        const USER: &str =
            "created_at deletion_scheduled_at disabled_at email id last_login_at name roles";
        const SESSION: &str = "address created_at current device id last_seen_at";
        const EXPORTED_SESSION: &str =
            "address created_at device ended_at expires_at id last_seen_at";
        const EVENT: &str = "address at device id kind";
        let nested = |name: &str, members: &str| {
            members
                .split(' ')
                .map(|member| format!("{name}.{member}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let tokens = format!(
            "access_token expires_in refresh_token token_type transport user {}",
            nested("user", ME)
        );
        let log_in = format!(
            "next session session.access_token session.account session.expires_in \
             session.persistent {}",
            nested("session.account", ACCOUNT)
        );
        let list = |members: &str| format!("items next_cursor {}", nested("items", members));
        let listed: &[(&str, String)] = &[
            ("post /api/v1/auth/signup", tokens.clone()),
            ("post /api/v1/auth/login", tokens.clone()),
            ("post /api/v1/me/password", tokens),
            ("get /api/v1/me", ME.to_owned()),
            ("patch /api/v1/me", ME.to_owned()),
            ("get /api/v1/me/activity", list(EVENT)),
            ("get /api/v1/me/sessions", list(SESSION)),
            (
                "get /api/v1/me/export",
                format!(
                    "as_of last_login_at next_cursor account {} sessions {} activity {}",
                    nested("account", ME),
                    nested("sessions", EXPORTED_SESSION),
                    nested("activity", EVENT)
                ),
            ),
            ("post /api/v1/me/deletion", ME.to_owned()),
            ("delete /api/v1/me/deletion", ME.to_owned()),
            ("get /api/v1/admin/users", list(USER)),
            ("get /api/v1/admin/users/{id}", USER.to_owned()),
            ("post /api/v1/admin/users/{id}/disable", USER.to_owned()),
            ("post /api/v1/admin/users/{id}/enable", USER.to_owned()),
            ("put /api/v1/admin/users/{id}/role", USER.to_owned()),
            ("delete /api/v1/admin/users/{id}/sessions", USER.to_owned()),
            ("get /healthz", "status".to_owned()),
            ("get /readyz", "status".to_owned()),
            ("post /oauth/introspect", "active".to_owned()),
            (
                "post /oauth/token",
                "access_token expires_in refresh_token scope token_type".to_owned(),
            ),
            ("post /fn/signup", log_in.clone()),
            ("post /fn/login", log_in),
            ("post /fn/current-account", ACCOUNT.to_owned()),
            ("post /fn/update-profile", ACCOUNT.to_owned()),
            ("post /fn/delete-account", ACCOUNT.to_owned()),
            ("post /fn/cancel-deletion", ACCOUNT.to_owned()),
            ("post /fn/list-sessions", format!("as_of items {}", nested("items", SESSION))),
            ("post /fn/list-activity", list(EVENT)),
        ];
        let mut number = 0;
        for (operation, members) in listed {
            let (.., body) = TABLE.iter().find(|(row, ..)| row == operation).expect("a row");
            number += 1;
            fixture.sync_feed().await;
            let (admin, victim) = (
                fixture.user(AccountState::Admin, &format!("admin{number}@example.com")).await,
                fixture.user(AccountState::User, &format!("victim{number}@example.com")).await,
            );
            let credential = if *operation == "post /oauth/introspect" {
                CredentialKind::IntrospectionSecret
            } else {
                CredentialKind::Bearer
            };
            let response = send_operation(
                &fixture.client_with(&admin, credential),
                operation,
                body,
                &admin,
                &victim,
                &format!("fresh{number}@example.com"),
            )
            .await;
            assert!(response.status.is_success(), "{operation}: {}", response.text);
            let mut found = BTreeSet::new();
            collect(&response.json(), "", &mut found);
            let allowed: BTreeSet<String> = members.split(' ').map(str::to_owned).collect();
            assert!(
                found.is_subset(&allowed),
                "{operation} also has {:?}",
                found.difference(&allowed)
            );
            for secret in ["argon2", PASSWORD, "hash", "epoch", "csgn_dc_"] {
                assert!(!response.text.contains(secret), "{operation}: {secret}");
            }
        }
        // Operations whose responses have no body of their own.
        let without_body = [
            "post /api/v1/auth/logout",
            "post /oauth/revoke",
            "delete /api/v1/me/sessions/{id}",
            "post /fn/dismiss-notice",
            "post /fn/logout",
            "post /fn/refresh",
            "post /fn/change-password",
            "post /fn/revoke-session",
            "post /api/v1/auth/refresh",
            "get /api/v1/auth/verify",
            "get /.well-known/jwks.json",
            "get /.well-known/oauth-authorization-server",
            "get /.well-known/oauth-protected-resource",
        ];
        for (operation, ..) in TABLE.iter().filter(|(operation, ..)| {
            operation.starts_with("post ")
                || operation.contains("/api/")
                || operation.contains("/.well-known/")
        }) {
            assert!(
                without_body.contains(operation) || listed.iter().any(|(row, _)| row == operation),
                "{operation} is in no list of this test"
            );
        }
    }
}

/// Collects the names of all members, prefixed with the path to them.
fn collect(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let name = if at.is_empty() { name.clone() } else { format!("{at}.{name}") };
                collect(value, &name, found);
                found.insert(name);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, at, found)),
        _ => {}
    }
}
