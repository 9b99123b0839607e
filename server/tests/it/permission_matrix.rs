//! The permission matrix: every route, server function and page, requested with every kind of
//! credential. Operations and their permissions are read where they are declared: the OpenAPI
//! description, the access levels of server functions and those of pages. This file only has the
//! bodies that operations accept.

use crate::support::{App, Client, FORM, MailedLink, PASSWORD, TestResponse, User};
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
    RandomSource, ServerSecret, admin::AdminAction, one_time_links::LinkPurpose,
    test_on_each_database, testing::TestDatabase,
};
use countersign_http::IntrospectionSecret;
use countersign_leptos::{
    routes::{DOWNLOADS, access_level},
    server_fn_access::declared_levels,
};
use countersign_types::{
    Access, Email, FRESH_PERIOD, UserId,
    views::{AdminUser, Role},
};
use serde_json::{Value, json};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

/// The credential that an operation requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// No credential.
    Public,
    /// A valid access token.
    AccessToken,
    /// A valid access token of a user who has entered the password recently.
    FreshAccessToken,
    /// A valid access token of an administrator.
    Administrator,
    /// The refresh cookie of an active session.
    RefreshCookie,
    /// The refresh cookie of an active session whose user has entered the password recently.
    FreshRefreshCookie,
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
    AccessToken, AccessTokenOrRefreshCookie, Administrator, AnyIssuedToken, FreshAccessToken,
    FreshRefreshCookie, IntrospectionClient, OauthClient, Public, RefreshCookie,
};

/// Operations whose handler checks a credential that is no access level.
const OTHER_CREDENTIALS: &[(&str, Permission)] = &[
    ("post /api/v1/auth/refresh", RefreshCookie),
    ("post /api/v1/auth/logout", AnyIssuedToken),
    ("get /api/v1/auth/verify", AccessTokenOrRefreshCookie),
    ("post /oauth/token", OauthClient),
    ("post /oauth/introspect", IntrospectionClient),
    ("post /fn/refresh", RefreshCookie),
];

/// A body that each operation accepts. The other server functions accept a form with a session tag,
/// and the other routes an empty body.
const BODIES: &[(&str, &str)] = &[
    ("post /api/v1/auth/signup", r#"{"email":"{fresh}","password":"{password}"}"#),
    ("post /api/v1/auth/login", r#"{"email":"{email}","password":"{password}"}"#),
    ("post /api/v1/auth/refresh", "{}"),
    ("post /api/v1/auth/logout", "{}"),
    ("post /oauth/token", "grant_type=refresh_token&refresh_token={refresh}"),
    ("post /oauth/revoke", "token=nonsense"),
    ("post /oauth/introspect", "token=nonsense"),
    ("post /api/v1/auth/password/forgot", r#"{"email":"{email}"}"#),
    (
        "post /api/v1/auth/password/reset",
        r#"{"token":"{link}","new_password":"a quite different one"}"#,
    ),
    ("post /api/v1/auth/email/verify", r#"{"verification_id":"{verification}","code":"{code}"}"#),
    ("post /api/v1/auth/email/resend", r#"{"verification_id":"{verification}"}"#),
    ("post /api/v1/me/email", r#"{"email":"{fresh}","current_password":"{password}"}"#),
    ("post /api/v1/me/email/confirm", r#"{"code":"{code}"}"#),
    ("post /fn/verify-email", "form[code]={code}"),
    ("post /fn/resend-verification", ""),
    ("post /fn/confirm-email", "link_id={link_id}"),
    (
        "post /fn/request-email-change",
        "form[email]={fresh}&form[current_password]={password}&session_tag={tag}",
    ),
    ("post /fn/confirm-code", "form[code]={code}&session_tag={tag}"),
    ("post /fn/forgot-password", "form[email]={email}"),
    ("post /fn/enter-code", "form[code]={code}&link_id={link_id}"),
    ("post /fn/reset-password", "form[new_password]=a+quite+different+one&link_id={link_id}"),
    ("post /fn/secure-account", "link_id={link_id}"),
    ("patch /api/v1/me", r#"{"name":"Eve"}"#),
    (
        "post /api/v1/me/password",
        r#"{"current_password":"{password}","new_password":"a quite different one"}"#,
    ),
    ("post /api/v1/me/deletion", r#"{"current_password":"{password}"}"#),
    ("put /api/v1/admin/users/{id}/role", r#"{"role":"admin"}"#),
    ("post /api/v1/admin/invitations", r#"{"email":"{fresh}"}"#),
    ("post /fn/signup", "form[email]={fresh}&form[password]={password}"),
    ("post /fn/login", "form[email]={email}&form[password]={password}"),
    ("post /fn/update-profile", "form[name]=Eve&session_tag={tag}"),
    (
        "post /fn/change-password",
        "form[current_password]={password}&form[new_password]=a+quite+different+one\
         &session_tag={tag}",
    ),
    ("post /api/v1/me/password/confirm", r#"{"current_password":"{password}"}"#),
    ("post /fn/confirm-password", "form[current_password]={password}&session_tag={tag}"),
    ("post /fn/delete-account", "form[current_password]={password}&session_tag={tag}"),
    ("post /fn/revoke-session", "session={session}&session_tag={tag}"),
];

/// Operations that need a link from an email. Every caller has one of the victim: it is a
/// credential of its own, in the body or in the link cookie.
const WITH_LINK: &[(&str, LinkPurpose)] = &[
    ("post /api/v1/auth/password/reset", LinkPurpose::ResetPassword),
    ("post /fn/enter-code", LinkPurpose::ResetPassword),
    ("post /fn/read-link", LinkPurpose::ResetPassword),
    ("post /fn/reset-password", LinkPurpose::ResetPassword),
    ("post /fn/secure-account", LinkPurpose::SecureAccount),
];

/// Operations that need a link to the caller.
const WITH_OWN_LINK: &[&str] = &["post /api/v1/me/email/confirm", "post /fn/confirm-code"];

/// Operations that need a sign-up that waits for the code, and the code.
const WITH_PENDING_SIGN_UP: &[&str] = &[
    "post /api/v1/auth/email/verify",
    "post /api/v1/auth/email/resend",
    "post /fn/verify-email",
    "post /fn/resend-verification",
    "post /fn/confirm-email",
];

/// The operation that needs an open invitation.
const WITH_INVITATION: &str = "delete /api/v1/admin/invitations/{id}";

/// A route, a server function or a page.
pub struct Operation {
    /// Method and path, such as `get /api/v1/me`.
    pub name: String,
    pub permission: Permission,
    /// A body that the operation accepts, for [`send_operation`].
    pub body: &'static str,
}

impl Operation {
    fn new(name: String, declared: Option<Permission>) -> Self {
        let find = |(operation, permission): &(&str, Permission)| {
            (*operation == name).then_some(*permission)
        };
        let permission = OTHER_CREDENTIALS
            .iter()
            .find_map(find)
            .or(declared)
            .unwrap_or_else(|| panic!("{name} declares an unknown credential"));
        let default = if name.starts_with("post /fn/") { "session_tag={tag}" } else { "" };
        let body = BODIES.iter().find(|(operation, _)| *operation == name);
        Self { permission, body: body.map_or(default, |(_, body)| body), name }
    }

    /// Returns method and path.
    pub fn parts(&self) -> (&str, &str) {
        self.name.split_once(' ').expect("a method and a path")
    }
}

/// Returns the permission that the security requirements in the OpenAPI description stand for.
fn declared_permission(security: &Value) -> Option<Permission> {
    [
        (json!([]), Public),
        (json!([{"bearer": []}]), AccessToken),
        (json!([{"bearer": ["fresh"]}]), FreshAccessToken),
        (json!([{"bearer": ["admin"]}]), Administrator),
    ]
    .into_iter()
    .find_map(|(requirements, permission)| (*security == requirements).then_some(permission))
}

/// Returns the permission of an access level. `signed_in` is the credential of a user, and `fresh`
/// that of one who has entered the password recently.
fn permission_of(level: Access, signed_in: Permission, fresh: Permission) -> Permission {
    match level {
        Access::Public => Public,
        Access::SignedIn => signed_in,
        Access::Fresh => fresh,
        Access::Admin => Administrator,
    }
}

/// Returns all operations.
pub async fn operations(app: &App) -> Vec<Operation> {
    let mut found = Vec::new();
    let description = app.anon().get("/openapi.json").await.json();
    for (path, methods) in description["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            let declared = declared_permission(&operation["security"]);
            found.push(Operation::new(format!("{method} {path}"), declared));
        }
    }
    let levels: BTreeMap<_, _> = declared_levels().collect();
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        let level =
            levels.get(path).map(|level| permission_of(*level, AccessToken, FreshAccessToken));
        found.push(Operation::new(format!("{} {path}", method.as_str().to_lowercase()), level));
    }
    let of_page = |level| permission_of(level, RefreshCookie, FreshRefreshCookie);
    for page in PAGE_ROUTES.iter() {
        let level = access_level(page.path()).map(of_page);
        found.push(Operation::new(format!("get {}", page.path()), level));
    }
    for (file, level) in DOWNLOADS {
        found.push(Operation::new(format!("get {file}"), Some(of_page(level))));
    }
    for (listed, ..) in OTHER_CREDENTIALS {
        assert!(found.iter().any(|operation| operation.name == *listed), "{listed} does not exist");
    }
    for (listed, _) in BODIES {
        assert!(found.iter().any(|operation| operation.name == *listed), "{listed} does not exist");
    }
    found
}

/// State of the caller's account or session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    User,
    /// A user who has not entered the password for [`FRESH_PERIOD`], with a new access token.
    NotFresh,
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

/// Returns the status of a refusal, or `None` if the caller is allowed.
fn expected_refusal(
    operation: &str,
    permission: Permission,
    state: AccountState,
    credential: CredentialKind,
) -> Option<StatusCode> {
    // Only the API accepts the access cookie.
    let access = credential == CredentialKind::Bearer
        || credential == CredentialKind::AccessCookie && operation.contains(" /api/v1/");
    let active = !matches!(state, AccountState::Disabled | AccountState::LoggedOut);
    let allowed = match permission {
        Public => true,
        AccessToken | FreshAccessToken | Administrator => {
            access && active && state != AccountState::Demoted
        }
        RefreshCookie | FreshRefreshCookie => credential == CredentialKind::RefreshCookie && active,
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
        (true, FreshAccessToken) if state == AccountState::NotFresh => {
            Some(StatusCode::UNAUTHORIZED)
        }
        (true, FreshRefreshCookie) if state == AccountState::NotFresh => {
            Some(StatusCode::SEE_OTHER)
        }
        (true, _) => None,
        // Pages redirect to the log-in page.
        (false, RefreshCookie | FreshRefreshCookie) if !operation.starts_with("post ") => {
            Some(StatusCode::SEE_OTHER)
        }
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
    /// A link that was prepared for an operation, instead of a new one.
    pub link: RefCell<Option<MailedLink>>,
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
            AccountState::NotFresh => {
                self.app.clock.advance(FRESH_PERIOD);
                self.sync_feed().await;
                // The user logs in on another device, which makes only that session fresh.
                drop(self.app.log_in(email).await);
            }
            AccountState::Disabled => self.change(id, AdminAction::Disable).await,
            AccountState::LoggedOut => {
                drop(user.client.post("/api/v1/auth/logout", json!({})).await);
            }
            AccountState::Demoted | AccountState::DemotedAndRefreshed => {
                self.change(id, AdminAction::Role(Role::User)).await;
            }
        }
        if matches!(state, AccountState::DemotedAndRefreshed | AccountState::NotFresh) {
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
        TestUser { user, email: email.to_owned(), id, session, tag, link: RefCell::default() }
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

    /// Requests every operation with the credential of an account in a state. Asserts that it is
    /// allowed or refused as declared, and that a refused request changes nothing.
    async fn check_caller(&self, state: AccountState, credential: CredentialKind) {
        for (number, operation) in operations(&self.app).await.iter().enumerate() {
            self.sync_feed().await;
            let (caller, victim) = (
                self.user(state, &format!("caller{number}@example.com")).await,
                self.user(AccountState::User, &format!("victim{number}@example.com")).await,
            );
            let before = (self.view(caller.id).await, self.view(victim.id).await);
            let response = send_operation(
                &self.client_with(&caller, credential),
                operation,
                &caller,
                &victim,
                &format!("fresh{number}@example.com"),
            )
            .await;
            let context = format!("{}: {} {}", operation.name, response.status, response.text);
            let Some(refused) =
                expected_refusal(&operation.name, operation.permission, state, credential)
            else {
                assert!(response.status.is_success(), "{context}");
                continue;
            };
            assert_eq!(response.status, refused, "{context}");
            let is_not_fresh = state == AccountState::NotFresh
                && match operation.permission {
                    FreshAccessToken => credential != CredentialKind::RefreshCookie,
                    FreshRefreshCookie => credential == CredentialKind::RefreshCookie,
                    _ => false,
                };
            assert_refused(&response, operation.permission, is_not_fresh, &context);
            assert_eq!(
                (self.view(caller.id).await, self.view(victim.id).await),
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
}

/// Asserts that a refusal names the missing credential and contains no token. `is_not_fresh`:
/// nothing but a fresh authentication is missing.
fn assert_refused(
    response: &TestResponse,
    permission: Permission,
    is_not_fresh: bool,
    context: &str,
) {
    let challenge = response.header("www-authenticate");
    match response.status {
        StatusCode::UNAUTHORIZED if is_not_fresh => assert!(
            challenge.ends_with("error=\"insufficient_user_authentication\", max_age=600"),
            "{context} {challenge}"
        ),
        StatusCode::UNAUTHORIZED => {
            let is_client = matches!(permission, IntrospectionClient | OauthClient);
            let scheme = if is_client { "Basic realm=" } else { "Bearer realm=" };
            assert!(challenge.starts_with(scheme), "{context} {challenge}");
        }
        StatusCode::FORBIDDEN => assert!(
            challenge.ends_with("error=\"insufficient_scope\", scope=\"admin\""),
            "{context} {challenge}"
        ),
        _ => {
            let page = if is_not_fresh { "/account/confirm-password" } else { "/login" };
            let location = response.header("location");
            assert!(
                location.starts_with(&format!("{page}?next=")) && response.text.is_empty(),
                "{context} {location}"
            );
        }
    }
    assert!(
        response.cookies().iter().all(|cookie| !["=csgn_rt_", "=ey", "=csgn_dc_"]
            .iter()
            .any(|token| cookie.contains(token))),
        "{context} {:?}",
        response.cookies()
    );
}

/// Returns the link that an operation needs, sent to the account with this address. `caller` is the
/// address of the caller.
async fn link_for(
    app: &App,
    operation: &Operation,
    caller: &str,
    email: &str,
) -> Option<MailedLink> {
    if WITH_OWN_LINK.contains(&operation.name.as_str()) {
        return Some(app.own_link(caller).await);
    }
    if WITH_PENDING_SIGN_UP.contains(&operation.name.as_str()) {
        return Some(app.pending_sign_up(&format!("new-{email}")).await);
    }
    if operation.name == WITH_INVITATION {
        return Some(app.invitation(&format!("new-{email}")).await);
    }
    let (_, purpose) = WITH_LINK.iter().find(|(name, _)| *name == operation.name)?;
    Some(app.link(*purpose, email).await)
}

impl TestUser<'_> {
    /// Prepares the link for an operation of `caller` on this account, while the database works.
    pub async fn prepare_link(&self, app: &App, caller: &Self, operation: &Operation) {
        let link = link_for(app, operation, &caller.email, &self.email).await;
        self.link.replace(link);
    }
}

/// Sends the request of an operation. An id in the path is that of the victim's account, of an open
/// invitation, or below `/api/v1/me/` that of the caller's own session.
pub async fn send_operation(
    client: &Client<'_>,
    operation: &Operation,
    caller: &TestUser<'_>,
    victim: &TestUser<'_>,
    fresh: &str,
) -> TestResponse {
    let (method, path) = operation.parts();
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
    let prepared = victim.link.borrow().clone();
    let link = match prepared {
        Some(link) => Some(link),
        None => link_for(client.app(), operation, &caller.email, &victim.email).await,
    };
    let link_id = link.as_ref().map(|link| link.id.to_string()).unwrap_or_default();
    let verification = link.as_ref().and_then(|link| link.verification);
    let verification = verification.map(|id| id.to_string()).unwrap_or_default();
    let (token, code) = link.map(|link| (link.token, link.code)).unwrap_or_default();
    let values = values.into_iter().chain([
        ("{link}", token.as_str()),
        ("{link_id}", &link_id),
        ("{code}", &code),
        ("{verification}", &verification),
    ]);
    let body =
        values.fold(operation.body.to_owned(), |body, (name, value)| body.replace(name, value));
    let id = if path.starts_with("/api/v1/me/") {
        caller.session.clone()
    } else if operation.name == WITH_INVITATION {
        link_id
    } else {
        victim.id.to_string()
    };
    let client = if token.is_empty() {
        client.clone()
    } else {
        client.clone().with("cookie", &format!("countersign-3000-link={token}"))
    };
    let client = if verification.is_empty() {
        client
    } else {
        client.with("cookie", &format!("countersign-3000-verification={verification}"))
    };
    let accept = if path.starts_with("/fn/") || json { "application/json" } else { "*/*" };
    let client = client
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
    async fn anonymous_client_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::User, CredentialKind::Absent).await;
    }

    async fn user_gets_own_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::User, CredentialKind::Bearer).await;
    }

    async fn token_of_old_log_in_gets_all_but_fresh_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::NotFresh, CredentialKind::Bearer).await;
    }

    async fn access_cookie_of_old_log_in_gets_all_but_fresh_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::NotFresh, CredentialKind::AccessCookie).await;
    }

    async fn refresh_cookie_of_old_log_in_gets_all_but_fresh_pages(fixture: Fixture) {
        fixture.check_caller(AccountState::NotFresh, CredentialKind::RefreshCookie).await;
    }

    async fn disabled_user_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::Disabled, CredentialKind::Bearer).await;
    }

    async fn user_who_logged_out_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::LoggedOut, CredentialKind::Bearer).await;
    }

    async fn administrator_gets_all_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::Admin, CredentialKind::Bearer).await;
    }

    async fn demoted_administrator_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::Demoted, CredentialKind::Bearer).await;
    }

    async fn demoted_administrator_with_new_token_gets_own_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::DemotedAndRefreshed, CredentialKind::Bearer).await;
    }

    async fn access_cookie_of_user_gets_own_api_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::User, CredentialKind::AccessCookie).await;
    }

    async fn access_cookie_of_disabled_user_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::Disabled, CredentialKind::AccessCookie).await;
    }

    async fn access_cookie_of_administrator_gets_api_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::Admin, CredentialKind::AccessCookie).await;
    }

    async fn refresh_cookie_of_user_gets_own_pages(fixture: Fixture) {
        fixture.check_caller(AccountState::User, CredentialKind::RefreshCookie).await;
    }

    async fn refresh_cookie_of_disabled_user_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::Disabled, CredentialKind::RefreshCookie).await;
    }

    async fn refresh_cookie_after_log_out_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::LoggedOut, CredentialKind::RefreshCookie).await;
    }

    async fn refresh_cookie_of_administrator_gets_own_pages(fixture: Fixture) {
        fixture.check_caller(AccountState::Admin, CredentialKind::RefreshCookie).await;
    }

    async fn refresh_token_as_bearer_gets_public_operations(fixture: Fixture) {
        fixture.check_caller(AccountState::User, CredentialKind::RefreshTokenAsBearer).await;
    }

    async fn refresh_token_of_administrator_as_bearer_gets_public(fixture: Fixture) {
        fixture.check_caller(AccountState::Admin, CredentialKind::RefreshTokenAsBearer).await;
    }

    async fn introspection_secret_gets_introspection_only(fixture: Fixture) {
        fixture.check_caller(AccountState::User, CredentialKind::IntrospectionSecret).await;
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
        let operations = operations(&fixture.app).await;
        let operations = operations.iter().filter(|operation| operation.name.contains("{id}"));
        let mut requests = 0;
        for operation in operations {
            let (method, path) = operation.parts();
            let body = operation.body;
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
        assert!(requests >= 6 * ids.len());
        for (test_user, id) in ids.iter().flat_map(|id| [(&ada, id), (&admin, id)]) {
            let response = test_user
                .user
                .client
                .call(
                    "/fn/revoke-session",
                    &format!("session={id}&session_tag={}", test_user.tag),
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
            ("/fn/revoke-session", "session="),
            (
                "/fn/change-password",
                "form[current_password]=x&form[new_password]=a+quite+different+one",
            ),
            ("/fn/delete-account", "form[current_password]=x"),
            ("/fn/confirm-password", "form[current_password]=x"),
            (
                "/fn/request-email-change",
                "form[email]=eve@example.com&form[current_password]=x",
            ),
            ("/fn/send-verification", ""),
            ("/fn/postpone-verification", ""),
            ("/fn/cancel-email-change", ""),
            ("/fn/confirm-code", "form[code]=123456"),
            ("/fn/cancel-deletion", ""),
            ("/fn/dismiss-notice", ""),
        ] {
            let response = ada
                .user
                .client
                .call(function, &format!("{form}&session_tag={}", bob.tag))
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
        let mut paths: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for operation in operations(&fixture.app).await {
            let (method, path) = operation.parts();
            paths.entry(path.to_owned()).or_default().insert(method.to_owned());
        }
        for file in ["/openapi.json", "/pkg/countersign.js", "/favicon.ico", "/nothing"] {
            paths.entry(file.to_owned()).or_default().insert("get".to_owned());
        }
        let mut requests = 0;
        for (path, methods) in &paths {
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
        let mut paths: Vec<String> = operations(&fixture.app)
            .await
            .iter()
            .map(|operation| operation.parts().1.replace("{id}", &ada.session))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        paths.extend([
            "/logout".to_owned(),
            format!("/fn/update-profile?form[name]=Eve&session_tag={}", ada.tag),
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
        const ME: &str = "created_at deletion_scheduled_at email email_verified id name \
                          pending_email reuse_detected_at roles verification_due";
        const ACCOUNT: &str = "created_at deletion_scheduled_at email email_verified id name \
                               pending_email reuse_detected_at roles session_tag verification_due";
        const USER: &str =
            "created_at deletion_scheduled_at disabled_at email id last_login_at name roles";
        const INVITATION: &str = "created_at email expires_at id";
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
        let activity = format!("{} searched_to", list(EVENT));
        let listed: &[(&str, String)] = &[
            ("post /api/v1/auth/signup", tokens.clone()),
            ("post /api/v1/auth/login", tokens.clone()),
            ("post /api/v1/me/password", tokens.clone()),
            ("get /api/v1/me", ME.to_owned()),
            ("patch /api/v1/me", ME.to_owned()),
            ("get /api/v1/me/activity", activity.clone()),
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
            ("get /api/v1/admin/invitations", list(INVITATION)),
            (
                "post /api/v1/admin/invitations",
                format!("email_sent invitation link {}", nested("invitation", INVITATION)),
            ),
            ("get /healthz", "status".to_owned()),
            ("get /readyz", "status".to_owned()),
            ("post /oauth/introspect", "active".to_owned()),
            (
                "post /oauth/token",
                "access_token expires_in refresh_token scope token_type".to_owned(),
            ),
            ("post /fn/signup", log_in.clone()),
            ("post /fn/login", log_in.clone()),
            ("post /api/v1/auth/password/forgot", "link_id".to_owned()),
            ("post /fn/forgot-password", "link_id".to_owned()),
            ("post /api/v1/auth/email/verify", tokens.clone()),
            ("post /api/v1/me/email/confirm", ME.to_owned()),
            ("delete /api/v1/me/email", ME.to_owned()),
            ("post /fn/verify-email", log_in.clone()),
            ("post /fn/confirm-email", log_in.clone()),
            ("post /fn/confirm-code", ACCOUNT.to_owned()),
            ("post /fn/read-link", "action email link_id".to_owned()),
            ("post /fn/current-account", ACCOUNT.to_owned()),
            ("post /fn/update-profile", ACCOUNT.to_owned()),
            ("post /fn/delete-account", ACCOUNT.to_owned()),
            ("post /fn/cancel-deletion", ACCOUNT.to_owned()),
            ("post /fn/list-sessions", format!("as_of items {}", nested("items", SESSION))),
            ("post /fn/list-activity", activity),
        ];
        // Public documents, and operations that accept no access token.
        let skipped = ["/.well-known/", "/auth/refresh", "/auth/verify", "/fn/refresh"];
        let mut checked = 0;
        for (number, operation) in operations(&fixture.app).await.iter().enumerate() {
            let name = operation.name.as_str();
            let is_page = name.starts_with("get /") && !name.contains("/api/");
            let members =
                listed.iter().find_map(|(row, members)| (*row == name).then_some(members));
            if members.is_none() && (is_page || skipped.iter().any(|path| name.contains(path))) {
                continue;
            }
            fixture.sync_feed().await;
            let (admin, victim) = (
                fixture.user(AccountState::Admin, &format!("admin{number}@example.com")).await,
                fixture.user(AccountState::User, &format!("victim{number}@example.com")).await,
            );
            let credential = if name == "post /oauth/introspect" {
                CredentialKind::IntrospectionSecret
            } else {
                CredentialKind::Bearer
            };
            let response = send_operation(
                &fixture.client_with(&admin, credential),
                operation,
                &admin,
                &victim,
                &format!("fresh{number}@example.com"),
            )
            .await;
            assert!(response.status.is_success(), "{name}: {}", response.text);
            let mut found = BTreeSet::new();
            if !response.text.is_empty() {
                collect(&response.json(), "", &mut found);
            }
            // A response that is not listed has no members.
            let allowed: BTreeSet<String> =
                members.iter().flat_map(|members| members.split(' ')).map(str::to_owned).collect();
            assert!(
                found.is_subset(&allowed),
                "{name} also has {:?}",
                found.difference(&allowed)
            );
            for secret in ["argon2", PASSWORD, "hash", "epoch", "csgn_dc_"] {
                assert!(!response.text.contains(secret), "{name}: {secret}");
            }
            checked += usize::from(members.is_some());
        }
        assert_eq!(checked, listed.len(), "a listed operation does not exist");
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
