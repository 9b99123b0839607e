//! Who may do what: every route, function and page, asked by every kind of caller. What there is
//! comes from the registries, who may from the table in this file; whatever is not in the table
//! fails.

use crate::support::{Answer, App, Client, FORM, PASSWORD, User};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use countersign::{config::IntrospectionSecret, router::PAGES};
use countersign_core::{Entropy, ServerSecret, flow::Change, on_both, testing::FreshDatabase};
use countersign_types::{
    Email, UserId,
    view::{Role, UserView},
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Who may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// Everybody.
    All,
    /// Whoever shows an access token that is good.
    SignedIn,
    /// The same, if it is an administrator's.
    Admins,
    /// Whoever shows the refresh cookie of a living session.
    Cookies,
    /// Whoever shows a token that was given out, alive or not: one may always leave.
    Leavers,
    /// Programs that know the introspection secret.
    Programs,
    /// OAuth clients: the token is in the form, and HTTP Basic, if it is there, must name the one
    /// client.
    OauthClients,
    /// Whoever shows an access token that is good, or the refresh cookie of a living session.
    Users,
}
use May::{Admins, All, Cookies, Leavers, OauthClients, Programs, SignedIn, Users};

/// Everything that there is, with a body that it would accept.
pub const TABLE: &[(&str, May, &str)] = &[
    ("get /.well-known/jwks.json", All, ""),
    ("get /.well-known/oauth-authorization-server", All, ""),
    ("get /.well-known/oauth-protected-resource", All, ""),
    ("get /healthz", All, ""),
    ("get /readyz", All, ""),
    ("post /api/v1/auth/signup", All, r#"{"email":"{fresh}","password":"{password}"}"#),
    ("post /api/v1/auth/login", All, r#"{"email":"{email}","password":"{password}"}"#),
    ("post /api/v1/auth/refresh", Cookies, "{}"),
    ("post /api/v1/auth/logout", Leavers, "{}"),
    ("get /api/v1/auth/verify", Users, ""),
    ("post /oauth/token", OauthClients, "grant_type=refresh_token&refresh_token={refresh}"),
    ("post /oauth/revoke", All, "token=nonsense"),
    ("post /oauth/introspect", Programs, "token=nonsense"),
    ("get /api/v1/me", SignedIn, ""),
    ("patch /api/v1/me", SignedIn, r#"{"name":"Eve"}"#),
    (
        "post /api/v1/me/password",
        SignedIn,
        r#"{"current":"{password}","new":"a quite different one"}"#,
    ),
    ("get /api/v1/me/activity", SignedIn, ""),
    ("get /api/v1/me/export", SignedIn, ""),
    ("post /api/v1/me/deletion", SignedIn, r#"{"current":"{password}"}"#),
    ("delete /api/v1/me/deletion", SignedIn, ""),
    ("get /api/v1/me/sessions", SignedIn, ""),
    ("delete /api/v1/me/sessions/{id}", SignedIn, ""),
    ("get /api/v1/admin/users", Admins, ""),
    ("get /api/v1/admin/users/{id}", Admins, ""),
    ("post /api/v1/admin/users/{id}/disable", Admins, ""),
    ("post /api/v1/admin/users/{id}/enable", Admins, ""),
    ("delete /api/v1/admin/users/{id}/sessions", Admins, ""),
    ("put /api/v1/admin/users/{id}/role", Admins, r#"{"role":"admin"}"#),
    ("post /fn/signup", All, "form[email]={fresh}&form[password]={password}"),
    ("post /fn/login", All, "form[email]={email}&form[password]={password}"),
    ("post /fn/logout", All, ""),
    ("post /fn/refresh", Cookies, ""),
    ("post /fn/current-account", SignedIn, ""),
    ("post /fn/rename", SignedIn, "form[name]=Eve&form[tag]={tag}"),
    (
        "post /fn/change-password",
        SignedIn,
        "form[current]={password}&form[new]=a+quite+different+one&form[tag]={tag}",
    ),
    ("post /fn/delete-account", SignedIn, "form[current]={password}&form[tag]={tag}"),
    ("post /fn/keep-account", SignedIn, "form[tag]={tag}"),
    ("post /fn/dismiss-notice", SignedIn, "form[tag]={tag}"),
    ("post /fn/sessions", SignedIn, ""),
    ("post /fn/end-session", SignedIn, "form[session]={session}&form[tag]={tag}"),
    ("post /fn/recent-activity", SignedIn, ""),
    ("get /", All, ""),
    ("get /signup", All, ""),
    ("get /login", All, ""),
    ("get /lab", All, ""),
    ("get /account", Cookies, ""),
    ("get /account/password", Cookies, ""),
    ("get /account/sessions", Cookies, ""),
    ("get /account/activity", Cookies, ""),
    ("get /account/data", Cookies, ""),
    ("get /account/data.json", Cookies, ""),
    ("get /account/data.html", Cookies, ""),
];

/// What has become of the account of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    User,
    Disabled,
    Ended,
    Admin,
    /// Was an administrator when the token was made.
    Demoted,
    /// The same, with a token of since.
    DemotedAndRenewed,
}

/// What a caller shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shows {
    Nothing,
    Bearer,
    AccessCookie,
    RefreshCookie,
    RefreshTokenAsBearer,
    IntrospectionSecret,
}

const CALLERS: &[(Is, Shows)] = &[
    (Is::User, Shows::Nothing),
    (Is::User, Shows::Bearer),
    (Is::Disabled, Shows::Bearer),
    (Is::Ended, Shows::Bearer),
    (Is::Admin, Shows::Bearer),
    (Is::Demoted, Shows::Bearer),
    (Is::DemotedAndRenewed, Shows::Bearer),
    (Is::User, Shows::AccessCookie),
    (Is::Disabled, Shows::AccessCookie),
    (Is::Admin, Shows::AccessCookie),
    (Is::User, Shows::RefreshCookie),
    (Is::Disabled, Shows::RefreshCookie),
    (Is::Ended, Shows::RefreshCookie),
    (Is::Admin, Shows::RefreshCookie),
    (Is::User, Shows::RefreshTokenAsBearer),
    (Is::Admin, Shows::RefreshTokenAsBearer),
    (Is::User, Shows::IntrospectionSecret),
];

/// With which status the call is refused.
fn refusal(call: &str, may: May, (is, shows): (Is, Shows)) -> Option<StatusCode> {
    // The access cookie counts on the API and nowhere else.
    let access =
        shows == Shows::Bearer || shows == Shows::AccessCookie && call.contains(" /api/v1/");
    let alive = !matches!(is, Is::Disabled | Is::Ended);
    let allowed = match may {
        All => true,
        SignedIn | Admins => access && alive && is != Is::Demoted,
        Cookies => shows == Shows::RefreshCookie && alive,
        Leavers => access || shows == Shows::RefreshCookie,
        Programs => shows == Shows::IntrospectionSecret,
        OauthClients => shows != Shows::IntrospectionSecret,
        Users => alive && (access && is != Is::Demoted || shows == Shows::RefreshCookie),
    };
    match (allowed, may) {
        (true, Admins) if is != Is::Admin => Some(StatusCode::FORBIDDEN),
        (true, _) => None,
        // People are led to the log-in page.
        (false, Cookies) if !call.starts_with("post ") => Some(StatusCode::SEE_OTHER),
        (false, _) => Some(StatusCode::UNAUTHORIZED),
    }
}

/// A server that tells programs about tokens, and has an administrator.
pub struct Office {
    pub app: App,
    secret: String,
}

/// Somebody with an account.
pub struct Person<'a> {
    pub user: User<'a>,
    email: String,
    id: UserId,
    session: String,
    tag: String,
}

impl Office {
    pub async fn on(database: FreshDatabase) -> Self {
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
        let given = IntrospectionSecret::new(secret.clone());
        let app = App::with(database, "http://localhost:3000", |http| {
            http.introspection_secret = Some(given);
        })
        .await;
        let office = Self { app, secret };
        office.person(Is::Admin, "root@example.com").await;
        office
    }

    /// As a node does all the time: one that has not heard for half a minute would let nobody in.
    pub async fn hear(&self) {
        self.app.server.auth().listen().await.expect("heard");
    }

    async fn change(&self, id: UserId, change: Change) {
        self.app
            .server
            .auth()
            .operator_for_tests(&countersign_core::Client::default())
            .change(id, change)
            .await
            .expect("changed");
    }

    async fn view(&self, id: UserId) -> UserView {
        self.app
            .server
            .auth()
            .operator_for_tests(&countersign_core::Client::default())
            .user(id)
            .await
            .expect("a user")
    }

    /// Whoever comes to be what `is` says, with the tokens of before; of since, where it says so.
    pub async fn person(&self, is: Is, email: &str) -> Person<'_> {
        let mut user = self.app.user(email).await;
        let id = self
            .app
            .server
            .auth()
            .operator_for_tests(&countersign_core::Client::default())
            .user_with(&Email::parse(email).expect("an address"))
            .await
            .expect("a user")
            .id;
        if matches!(is, Is::Admin | Is::Demoted | Is::DemotedAndRenewed) {
            self.change(id, Change::Role(Role::Admin)).await;
            user = self.app.log_in(email).await;
        }
        let tag = user.client.call("/fn/current-account", "").await.json()["tag"]
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
        match is {
            Is::User | Is::Admin => {}
            Is::Disabled => self.change(id, Change::Disable).await,
            Is::Ended => drop(user.client.post("/api/v1/auth/logout", json!({})).await),
            Is::Demoted | Is::DemotedAndRenewed => self.change(id, Change::Role(Role::User)).await,
        }
        if is == Is::DemotedAndRenewed {
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
        Person { user, email: email.to_owned(), id, session, tag }
    }

    pub fn showing(&self, person: &Person<'_>, shows: Shows) -> Client<'_> {
        let (anon, user) = (self.app.anon(), &person.user);
        match shows {
            Shows::Nothing => anon,
            Shows::Bearer => anon.with("authorization", &format!("Bearer {}", user.access)),
            Shows::AccessCookie => anon
                .with("cookie", &format!("countersign-3000-access={}", user.access))
                .with("sec-fetch-site", "same-origin"),
            Shows::RefreshCookie => anon.browser(&user.refresh),
            Shows::RefreshTokenAsBearer => {
                anon.with("authorization", &format!("Bearer {}", user.refresh))
            }
            Shows::IntrospectionSecret => anon.with(
                "authorization",
                &format!("Basic {}", STANDARD.encode(format!("api:{}", self.secret))),
            ),
        }
    }

    /// Everything that there is, as it stands in the table: path, and the methods that it has.
    async fn everything(&self) -> BTreeMap<String, BTreeSet<String>> {
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
        for file in countersign::downloads::FILES {
            found.entry(file.to_owned()).or_default().insert("get".to_owned());
        }
        for page in PAGES.iter() {
            found.entry(page.path().to_owned()).or_default().insert("get".to_owned());
        }
        found
    }
}

/// Makes the call of a row. The id in a path is the victim's, but on what is one's own; an id of an
/// account, or of a session.
pub async fn ask(
    client: &Client<'_>,
    call: &str,
    body: &str,
    caller: &Person<'_>,
    victim: &Person<'_>,
    fresh: &str,
) -> Answer {
    let (method, path) = call.split_once(' ').expect("a method and a path");
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

on_both! {
    async fn everything_is_done_for_those_who_may_and_refused_to_all_others(office: Office) {
        let everything = office.everything().await;
        let there: BTreeSet<String> = everything
            .iter()
            .flat_map(|(path, methods)| {
                methods.iter().map(move |method| format!("{method} {path}"))
            })
            .collect();
        let listed: BTreeSet<String> = TABLE.iter().map(|(call, ..)| (*call).to_owned()).collect();
        assert_eq!(
            there, listed,
            "whatever there is stands in the table of this file, with who may"
        );
        let mut number = 0;
        let mut done = [0; 2];
        for (call, may, body) in TABLE {
            office.hear().await;
            for caller in CALLERS {
                number += 1;
                let (asker, victim) = (
                    office.person(caller.0, &format!("asker{number}@example.com")).await,
                    office.person(Is::User, &format!("victim{number}@example.com")).await,
                );
                let before = (office.view(asker.id).await, office.view(victim.id).await);
                let answer = ask(
                    &office.showing(&asker, caller.1),
                    call,
                    body,
                    &asker,
                    &victim,
                    &format!("fresh{number}@example.com"),
                )
                .await;
                let what = format!("{call} by {caller:?}: {} {}", answer.status, answer.text);
                let Some(refused) = refusal(call, *may, *caller) else {
                    done[1] += 1;
                    let lab = *call == "get /lab" && !cfg!(debug_assertions);
                    assert!(answer.status.is_success() || lab, "{what}");
                    continue;
                };
                done[0] += 1;
                assert_eq!(answer.status, refused, "{what}");
                let challenge = answer.header("www-authenticate");
                match refused {
                    StatusCode::UNAUTHORIZED => assert!(
                        challenge.starts_with(if matches!(may, Programs | OauthClients) {
                            "Basic realm="
                        } else {
                            "Bearer realm="
                        }),
                        "{what} {challenge}"
                    ),
                    StatusCode::FORBIDDEN => assert!(
                        challenge.ends_with("error=\"insufficient_scope\", scope=\"admin\""),
                        "{what} {challenge}"
                    ),
                    _ => assert!(
                        answer.header("location").starts_with("/login?next=")
                            && answer.text.is_empty(),
                        "{what}"
                    ),
                }
                assert!(
                    answer.cookies().iter().all(|cookie| !["=csgn_rt_", "=ey", "=csgn_dc_"]
                        .iter()
                        .any(|token| cookie.contains(token))),
                    "{what} {:?}",
                    answer.cookies()
                );
                assert_eq!(
                    (office.view(asker.id).await, office.view(victim.id).await),
                    before,
                    "{what}: nothing has changed"
                );
                assert_eq!(
                    victim.user.client.get("/api/v1/me").await.status,
                    StatusCode::OK,
                    "{what}: and nobody is out"
                );
            }
        }
        assert!(done[0] > 300 && done[1] > 250, "{done:?}");
    }

    async fn an_id_of_somebody_else_opens_nothing_and_changes_nothing(office: Office) {
        let (ada, bob) = (
            office.person(Is::User, "ada@example.com").await,
            office.person(Is::User, "bob@example.com").await,
        );
        let boss = office.person(Is::Admin, "boss@example.com").await;
        let events = bob.user.client.get("/api/v1/me/activity").await.json();
        let ids = [
            bob.id.to_string(),
            bob.session.clone(),
            events["items"][0]["id"].as_str().expect("an id").to_owned(),
            bob.tag.clone(),
        ];
        let before = office.view(bob.id).await;
        let everything = office.everything().await;
        let mut asked = 0;
        for (path, methods) in everything.iter().filter(|(path, _)| path.contains("{id}")) {
            for method in methods {
                let body = TABLE
                    .iter()
                    .find(|(call, ..)| *call == format!("{method} {path}"))
                    .expect("a row")
                    .2;
                for id in &ids {
                    let send = async |person: &Person<'_>| {
                        let client =
                            person.user.client.clone().with("content-type", "application/json");
                        client
                            .send(
                                method.to_uppercase().parse().expect("a method"),
                                &path.replace("{id}", id),
                                Body::from(body),
                            )
                            .await
                    };
                    let answer = send(&ada).await;
                    let expected = if path.contains("/admin/") {
                        (StatusCode::FORBIDDEN, "forbidden")
                    } else {
                        (StatusCode::NOT_FOUND, "not_found")
                    };
                    assert_eq!(
                        (answer.status, answer.problem().as_str()),
                        expected,
                        "{method} {path} {id}"
                    );
                    // What is somebody's own is not an administrator's either; and an account is
                    // found by its own id only.
                    if !path.contains("/admin/") || *id != ids[0] {
                        let answer = send(&boss).await;
                        assert_eq!(
                            (answer.status, answer.problem().as_str()),
                            (StatusCode::NOT_FOUND, "not_found"),
                            "{method} {path} {id} by an administrator"
                        );
                    }
                    asked += 1;
                }
            }
        }
        assert_eq!(asked, 6 * ids.len());
        for (person, id) in ids.iter().flat_map(|id| [(&ada, id), (&boss, id)]) {
            let answer = person
                .user
                .client
                .call("/fn/end-session", &format!("form[session]={id}&form[tag]={}", person.tag))
                .await;
            assert_eq!(
                (answer.status, answer.text.as_str()),
                (StatusCode::NOT_FOUND, "\"not_found\""),
                "{id}"
            );
            // Where a list goes on is no id of a person: what comes is one's own, or nothing.
            for list in ["activity", "sessions"] {
                let cursor = id
                    .parse::<uuid::Uuid>()
                    .map_or_else(|_| id.clone(), |id| URL_SAFE_NO_PAD.encode(id.as_bytes()));
                let answer =
                    person.user.client.get(&format!("/api/v1/me/{list}?cursor={cursor}")).await;
                assert!(
                    answer.status == StatusCode::BAD_REQUEST || answer.status == StatusCode::OK,
                    "{}",
                    answer.text
                );
                assert!(
                    ids.iter().all(|theirs| !answer.text.contains(theirs.as_str())),
                    "{}",
                    answer.text
                );
            }
        }
        // A form that was made for him.
        for (function, form) in [
            ("/fn/rename", "form[name]=Eve"),
            ("/fn/end-session", "form[session]="),
            ("/fn/change-password", "form[current]=x&form[new]=a+quite+different+one"),
            ("/fn/delete-account", "form[current]=x"),
            ("/fn/keep-account", ""),
            ("/fn/dismiss-notice", ""),
        ] {
            let answer =
                ada.user.client.call(function, &format!("{form}&form[tag]={}", bob.tag)).await;
            assert_eq!(
                (answer.status, answer.text.as_str()),
                (StatusCode::CONFLICT, "\"someone_else\""),
                "{function}"
            );
        }
        assert_eq!(office.view(bob.id).await, before);
        assert_eq!(
            bob.user.client.get("/api/v1/me/sessions").await.json()["items"]
                .as_array()
                .expect("a list")
                .len(),
            1
        );
        assert_eq!(bob.user.client.get("/api/v1/me/activity").await.json(), events);
    }

    async fn a_method_that_an_address_does_not_have_shows_nothing_and_does_nothing(office: Office) {
        let (boss, victim) = (
            office.person(Is::Admin, "boss@example.com").await,
            office.person(Is::User, "victim@example.com").await,
        );
        let before = (office.view(boss.id).await, office.view(victim.id).await);
        let mut everything = office.everything().await;
        for file in ["/openapi.json", "/pkg/countersign.js", "/favicon.ico", "/nothing"] {
            everything.entry(file.to_owned()).or_default().insert("get".to_owned());
        }
        let mut asked = 0;
        for (path, methods) in &everything {
            office.hear().await;
            let address = path.replace(
                "{id}",
                &if path.starts_with("/api/v1/me/") {
                    boss.session.clone()
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
                    office.showing(&boss, Shows::Bearer),
                    office.showing(&boss, Shows::RefreshCookie),
                ]
                .iter()
                .flat_map(|client| bodies.map(|body| (client, body)))
                {
                    let kind = if body.starts_with('{') { "application/json" } else { FORM };
                    let client = client
                        .clone()
                        .with("content-type", kind)
                        .with("x-http-method-override", "DELETE")
                        .with("x-method-override", "PUT");
                    let answer = client
                        .send(
                            Method::from_bytes(method.as_bytes()).expect("a method"),
                            &address,
                            Body::from(body),
                        )
                        .await;
                    let what = format!("{method} {path}: {} {}", answer.status, answer.text);
                    asked += 1;
                    assert!(answer.cookies().is_empty(), "{what}");
                    if method == "HEAD" && reads {
                        assert!(answer.text.is_empty(), "{what}");
                        continue;
                    }
                    let unknown =
                        path.starts_with("/fn/") && answer.status == StatusCode::NOT_FOUND;
                    assert!(answer.status == StatusCode::METHOD_NOT_ALLOWED || unknown, "{what}");
                    assert!(
                        answer.text.is_empty()
                            || ["method_not_allowed", "not_found", "invalid_request"]
                                .contains(&answer.refusal().as_str()),
                        "{what}"
                    );
                    assert!(!answer.text.contains('@'), "{what}");
                }
            }
        }
        assert!(asked > 3000, "{asked}");
        assert_eq!((office.view(boss.id).await, office.view(victim.id).await), before);
        for person in [&boss, &victim] {
            assert_eq!(person.user.client.get("/api/v1/me").await.json()["name"], Value::Null);
            assert_eq!(
                person.user.client.get("/api/v1/me/sessions").await.json()["items"]
                    .as_array()
                    .expect("a list")
                    .len(),
                if person.id == boss.id { 2 } else { 1 }
            );
        }
    }

    async fn what_another_site_can_embed_or_fetch_ahead_does_nothing(office: Office) {
        let ada = office.person(Is::User, "ada@example.com").await;
        let before = office.view(ada.id).await;
        let mut paths: Vec<String> = office
            .everything()
            .await
            .into_keys()
            .map(|path| path.replace("{id}", &ada.session))
            .collect();
        paths.extend([
            "/logout".to_owned(),
            format!("/fn/rename?form[name]=Eve&form[tag]={}", ada.tag),
            "/fn/logout?".to_owned(),
            "/api/v1/auth/logout?scope=all".to_owned(),
        ]);
        for path in paths {
            office.hear().await;
            for (destination, mode) in [
                ("image", "no-cors"),
                ("iframe", "navigate"),
                ("script", "no-cors"),
                ("empty", "no-cors"),
                ("document", "navigate"),
            ] {
                let client = office.app.anon().with(
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
                    let answer = client.send(method, &path, Body::empty()).await;
                    assert!(
                        answer.cookies().is_empty() && answer.header("clear-site-data").is_empty(),
                        "{path} {destination}"
                    );
                    let framed = (
                        answer.header("x-frame-options"),
                        answer.header("cross-origin-resource-policy"),
                    );
                    // Documents for programs of every origin hold nothing of anyone.
                    let resource = if path == "/.well-known/jwks.json" || path.contains("/oauth-") {
                        "cross-origin"
                    } else {
                        "same-origin"
                    };
                    assert_eq!(framed, ("DENY", resource), "{path} {destination}");
                }
            }
        }
        assert_eq!(office.view(ada.id).await, before);
        assert_eq!(ada.user.client.get("/api/v1/me").await.status, StatusCode::OK);
        assert_eq!(
            office.app.anon().browser(&ada.user.refresh).get("/account").await.status,
            StatusCode::OK
        );
    }

    async fn answers_have_the_members_that_are_listed_and_no_others(office: Office) {
        const ME: &str = "created_at deletes_at email email_verified id name roles stolen_at";
        const ACCOUNT: &str =
            "created_at deletes_at email email_verified id name roles stolen_at tag";
        const USER: &str = "created_at deletes_at disabled_at email id last_login_at name roles";
        const SESSION: &str = "address created_at current device id last_seen_at";
        const HELD: &str = "address created_at device ended_at expires_at id last_seen_at";
        const EVENT: &str = "address at device id kind";
        let below = |name: &str, members: &str| {
            members
                .split(' ')
                .map(|member| format!("{name}.{member}"))
                .collect::<Vec<_>>()
                .join(" ")
        };
        let tokens = format!(
            "access_token expires_in refresh_token token_type transport user {}",
            below("user", ME)
        );
        let entered = format!(
            "next session session.access_token session.account session.expires_in session.persistent {}",
            below("session.account", ACCOUNT)
        );
        let list = |members: &str| format!("items next_cursor {}", below("items", members));
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
                    below("account", ME),
                    below("sessions", HELD),
                    below("activity", EVENT)
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
            ("post /fn/signup", entered.clone()),
            ("post /fn/login", entered),
            ("post /fn/current-account", ACCOUNT.to_owned()),
            ("post /fn/rename", ACCOUNT.to_owned()),
            ("post /fn/delete-account", ACCOUNT.to_owned()),
            ("post /fn/keep-account", ACCOUNT.to_owned()),
            ("post /fn/sessions", format!("as_of items {}", below("items", SESSION))),
            ("post /fn/recent-activity", list(EVENT)),
        ];
        let mut number = 0;
        for (call, members) in listed {
            let (.., body) = TABLE.iter().find(|(row, ..)| row == call).expect("a row");
            number += 1;
            office.hear().await;
            let (boss, victim) = (
                office.person(Is::Admin, &format!("boss{number}@example.com")).await,
                office.person(Is::User, &format!("victim{number}@example.com")).await,
            );
            let shows = if *call == "post /oauth/introspect" {
                Shows::IntrospectionSecret
            } else {
                Shows::Bearer
            };
            let answer = ask(
                &office.showing(&boss, shows),
                call,
                body,
                &boss,
                &victim,
                &format!("fresh{number}@example.com"),
            )
            .await;
            assert!(answer.status.is_success(), "{call}: {}", answer.text);
            let mut found = BTreeSet::new();
            collect(&answer.json(), "", &mut found);
            let allowed: BTreeSet<String> = members.split(' ').map(str::to_owned).collect();
            assert!(
                found.is_subset(&allowed),
                "{call} also tells {:?}",
                found.difference(&allowed)
            );
            for secret in ["argon2", PASSWORD, "hash", "epoch", "csgn_dc_"] {
                assert!(!answer.text.contains(secret), "{call}: {secret}");
            }
        }
        // What is not in the list has no body of its own.
        let silent = [
            "post /api/v1/auth/logout",
            "post /oauth/revoke",
            "delete /api/v1/me/sessions/{id}",
            "post /fn/dismiss-notice",
            "post /fn/logout",
            "post /fn/refresh",
            "post /fn/change-password",
            "post /fn/end-session",
            "post /api/v1/auth/refresh",
            "get /api/v1/auth/verify",
            "get /.well-known/jwks.json",
            "get /.well-known/oauth-authorization-server",
            "get /.well-known/oauth-protected-resource",
        ];
        for (call, ..) in TABLE.iter().filter(|(call, ..)| {
            call.starts_with("post ") || call.contains("/api/") || call.contains("/.well-known/")
        }) {
            assert!(
                silent.contains(call) || listed.iter().any(|(row, _)| row == call),
                "{call} is in no list of this test"
            );
        }
    }
}

/// The names of all members, each behind those that it is in.
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
