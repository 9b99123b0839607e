//! Verification of email addresses over HTTP: the JSON API, and plain forms as browsers without
//! scripts post them.

use crate::support::{App, FORM, LOG_IN, MailedLink, PASSWORD, SIGN_UP, TestResponse};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use countersign_core::{mail::SentMail, test_on_each_database, testing::TestDatabase};
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const VERIFY: &str = "/api/v1/auth/email/verify";
const RESEND: &str = "/api/v1/auth/email/resend";

/// A server on which email addresses must be verified.
struct Verifying(App);

impl Verifying {
    async fn on(database: TestDatabase) -> Self {
        Self(App::requiring_verification(database).await)
    }

    async fn sign_up(&self, email: &str) -> TestResponse {
        let body = json!({"email": email, "password": PASSWORD});
        self.0.anon().post(SIGN_UP, body).await
    }

    async fn verify(&self, body: Value) -> TestResponse {
        self.0.anon().post(VERIFY, body).await
    }

    async fn mail_to(&self, email: &str) -> SentMail {
        self.0.mail_to(email).await.pop().expect("an email")
    }

    async fn link_to(&self, email: &str) -> MailedLink {
        MailedLink::new(self.0.server.auth(), &self.mail_to(email).await)
    }

    /// Signs up and verifies an account. Returns its access token.
    async fn account(&self, email: &str) -> String {
        let id = self.sign_up(email).await.json()["verification_id"].clone();
        let link = self.link_to(email).await;
        let tokens = self.verify(json!({"verification_id": id, "code": link.code})).await;
        assert_eq!(tokens.status, StatusCode::CREATED, "{}", tokens.text);
        tokens.json()["access_token"].as_str().expect("a token").to_owned()
    }

    /// Posts a plain form with cookies.
    async fn form(&self, path: &str, cookie: &str, form: &str) -> TestResponse {
        self.0
            .anon()
            .with("accept", "text/html")
            .with("content-type", FORM)
            .with("sec-fetch-site", "same-origin")
            .with("sec-fetch-mode", "navigate")
            .with("cookie", cookie)
            .send(Method::POST, path, Body::from(form.to_owned()))
            .await
    }

    async fn page(&self, path: &str, cookie: &str) -> String {
        let response = self.0.anon().with("accept", "text/html").with("cookie", cookie);
        let response = response.get(path).await;
        assert_eq!(response.status, StatusCode::OK, "{path}: {}", response.text);
        response.text
    }
}

/// Returns the value of a cookie that a response sets.
fn cookie(response: &TestResponse, name: &str) -> String {
    let cookies = response.cookies();
    let prefix = format!("countersign-3000{name}=");
    let line = cookies.iter().find(|line| line.starts_with(&prefix)).expect("the cookie");
    line.split(';').next().expect("a pair").to_owned()
}

/// Returns a response without the values that differ in every one.
fn shape(response: &TestResponse) -> (StatusCode, Vec<String>, usize) {
    let names = response.headers.iter().map(|(name, value)| {
        let varies = ["x-request-id", "date", "set-cookie"].contains(&name.as_str());
        let value = if varies { "" } else { value.to_str().unwrap_or_default() };
        format!("{name}: {value}")
    });
    (response.status, names.collect(), response.text.len())
}

test_on_each_database! {
    async fn sign_up_answers_alike_for_free_and_taken_addresses(app: Verifying) {
        app.account(ADA).await;
        let (taken, free) = (app.sign_up(ADA).await, app.sign_up(EVE).await);
        assert_eq!(free.status, StatusCode::ACCEPTED, "{}", free.text);
        assert_eq!(shape(&taken), shape(&free));
        let id = |response: &TestResponse| response.json()["verification_id"].clone();
        let (taken_id, free_id) = (id(&taken), id(&free));
        let password = PASSWORD.replace(' ', "+");
        let form = |email: &str| format!("form[email]={email}&form[password]={password}");
        let taken = app.form("/fn/signup", "", &form(ADA)).await;
        let free = app.form("/fn/signup", "", &form(EVE)).await;
        assert_eq!(free.header("location"), "/verify");
        assert_eq!(shape(&taken), shape(&free));
        let ids = [taken_id, free_id, json!(uuid::Uuid::max())];
        let mut responses = Vec::new();
        for id in ids {
            responses.push(app.0.anon().post(RESEND, json!({"verification_id": id})).await);
        }
        assert_eq!(responses[0].status, StatusCode::ACCEPTED);
        assert!(responses.iter().all(|response| shape(response) == shape(&responses[0])));
    }

    async fn log_in_does_not_tell_which_sign_ups_wait(app: Verifying) {
        app.sign_up(ADA).await;
        let log_in = async |email: &str| {
            let body = json!({"email": email, "password": PASSWORD});
            app.0.anon().post(LOG_IN, body).await
        };
        let (waiting, unknown) = (log_in(ADA).await, log_in(EVE).await);
        assert_eq!(waiting.status, StatusCode::UNAUTHORIZED);
        assert_eq!(shape(&waiting), shape(&unknown));
    }

    async fn sign_up_is_completed_by_plain_forms(app: Verifying) {
        let form = format!("form[email]={ADA}&form[password]={}&next=/account/devices",
            PASSWORD.replace(' ', "+"));
        let signed_up = app.form("/fn/signup", "", &form).await;
        assert_eq!(signed_up.status, StatusCode::FOUND);
        assert_eq!(signed_up.header("location"), "/verify?next=/account/devices");
        assert!(!signed_up.cookies().iter().any(|line| line.contains("csgn_rt_")));
        let waiting = cookie(&signed_up, "-verification");
        let page = app.page("/verify?next=/account/devices", &waiting).await;
        assert!(page.contains("Check your email") && !page.contains(ADA), "{page}");

        let link = app.link_to(ADA).await;
        let resent = app.form("/fn/resend-verification", &waiting, "next=/account/devices").await;
        assert_eq!(resent.header("location"), "/verify?next=/account/devices&sent");
        let newest = app.link_to(ADA).await;
        assert_ne!(link.id, newest.id);
        let form = format!("form[code]={}&next=/account/devices", newest.code);
        let elsewhere = app.form("/fn/verify-email", "", &form).await;
        assert!(elsewhere.header("location").contains("link_expired"), "{:?}", elsewhere.headers);
        // Another port of this host can set a cookie for a longer path, which comes first.
        let foreign = format!("countersign-3000-verification={}; {waiting}", uuid::Uuid::max());
        let completed = app.form("/fn/verify-email", &foreign, &form).await;
        assert_eq!(completed.header("location"), "/account/devices", "{:?}", completed.headers);
        let session = cookie(&completed, "");
        assert!(app.page("/account", &session).await.contains(ADA));
        assert!(completed.cookies().iter().any(|line| line.contains("-verification=;")));
    }

    async fn link_creates_the_account_with_a_new_password_elsewhere(app: Verifying) {
        let waiting = cookie(&app.form("/fn/signup", "", &format!(
            "form[email]={ADA}&form[password]=another+horse+battery")).await, "-verification");
        let link = app.link_to(ADA).await;
        let opened = app.0.anon().get(&format!("/link?token={}", link.token)).await;
        assert_eq!(opened.header("location"), "/confirm");
        let opened = cookie(&opened, "-link");
        let page = app.page("/confirm", &opened).await;
        assert!(page.contains("Choose a password") && page.contains(ADA), "{page}");
        let same_browser = app.page("/confirm", &format!("{opened}; {waiting}")).await;
        assert!(!same_browser.contains("Choose a password"), "{same_browser}");

        let form = format!("link_id={}&form[new_password]=", link.id);
        let missing = app.form("/fn/confirm-email", &opened, &form).await;
        assert!(missing.header("location").contains("new_password"), "{:?}", missing.headers);
        let weak = app.form("/fn/confirm-email", &opened, &format!("{form}password")).await;
        assert!(weak.header("location").contains("too_weak"), "{:?}", weak.headers);
        let password = PASSWORD.replace(' ', "+");
        let created = app.form("/fn/confirm-email", &opened, &format!("{form}{password}")).await;
        assert_eq!(created.header("location"), "/account?welcome", "{:?}", created.headers);
        let log_in = async |password: &str| {
            let body = json!({"email": ADA, "password": password});
            app.0.anon().post(LOG_IN, body).await
        };
        assert_eq!(log_in(PASSWORD).await.status, StatusCode::OK);
        assert_eq!(log_in("another horse battery").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn completed_sign_up_leads_to_the_welcome_and_log_in_does_not(app: Verifying) {
        let credentials = |email: &str| {
            format!("form[email]={email}&form[password]={}", PASSWORD.replace(' ', "+"))
        };
        let signed_up = app.form("/fn/signup", "", &credentials(ADA)).await;
        let waiting = cookie(&signed_up, "-verification");
        let code = format!("form[code]={}", app.link_to(ADA).await.code);
        let completed = app.form("/fn/verify-email", &waiting, &code).await;
        assert_eq!(completed.header("location"), "/account?welcome");
        // The address of this page is confirmed already.
        let page = app.page("/account?welcome", &cookie(&completed, "")).await;
        assert!(page.contains("Welcome.") && !page.contains("Confirm your"), "{page}");

        let signed_up = app.form("/fn/signup", "", &credentials(EVE)).await;
        let waiting = cookie(&signed_up, "-verification");
        let link = app.link_to(EVE).await;
        let opened = app.0.anon().get(&format!("/link?token={}", link.token)).await;
        let cookies = format!("{}; {waiting}", cookie(&opened, "-link"));
        let form = format!("link_id={}", link.id);
        let confirmed = app.form("/fn/confirm-email", &cookies, &form).await;
        assert_eq!(confirmed.header("location"), "/account?welcome");

        let log_in = app.form("/fn/login", "", &credentials(ADA)).await;
        assert_eq!(log_in.header("location"), "/account");
    }

    async fn scanner_that_opens_the_link_uses_nothing(app: Verifying) {
        let id = app.sign_up(ADA).await.json()["verification_id"].clone();
        let link = app.link_to(ADA).await;
        for method in [Method::HEAD, Method::GET, Method::GET] {
            let path = format!("/link?token={}", link.token);
            let opened = app.0.anon().send(method.clone(), &path, Body::empty()).await;
            let cookie = cookie(&opened, "-link");
            let page = app.0.anon().with("cookie", &cookie);
            let page = page.send(method, "/confirm", Body::empty()).await;
            assert_eq!(page.status, StatusCode::OK);
        }
        // Without the cookie, as a link preview sees it.
        assert!(!app.page("/confirm", "").await.contains('@'));
        let tokens = app.verify(json!({"verification_id": id, "token": link.token})).await;
        assert_eq!(tokens.status, StatusCode::CREATED, "{}", tokens.text);
    }

    async fn address_is_changed_and_taken_back(app: Verifying) {
        let access = app.account(ADA).await;
        let ada = app.0.anon().with("authorization", &format!("Bearer {access}"));
        let body = json!({"email": EVE, "current_password": PASSWORD});
        let requested = ada.post("/api/v1/me/email", body).await;
        assert_eq!(requested.status, StatusCode::ACCEPTED, "{}", requested.text);
        let code = app.link_to(EVE).await.code;
        let wrong = if code == "000000" { "000001" } else { "000000" };
        let refused = ada.post("/api/v1/me/email/confirm", json!({"code": wrong})).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["errors"][0]["pointer"], "/code");
        let changed = ada.post("/api/v1/me/email/confirm", json!({"code": code})).await;
        assert_eq!(changed.json()["email"], EVE, "{}", changed.text);

        let notice = app.link_to(ADA).await;
        let opened = app.0.anon().get(&format!("/link?token={}", notice.token)).await;
        assert_eq!(opened.header("location"), "/secure");
        let opened = cookie(&opened, "-link");
        assert!(app.page("/secure", &opened).await.contains(ADA));
        let form = format!("link_id={}", notice.id);
        let secured = app.form("/fn/secure-account", &opened, &form).await;
        assert_eq!(secured.header("location"), "/reset");
        assert!(app.page("/reset", &cookie(&secured, "-link")).await.contains(ADA));
        app.0.server.auth().sync_feed().await.expect("the feed");
        assert_eq!(ada.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
    }

    async fn requested_address_is_shown_and_cancelled(app: Verifying) {
        let access = app.account(ADA).await;
        let ada = app.0.anon().with("authorization", &format!("Bearer {access}"));
        let body = json!({"email": "ADA@example.com", "current_password": PASSWORD});
        let refused = ada.post("/api/v1/me/email", body).await;
        assert_eq!(refused.json()["errors"][0]["code"], "unchanged", "{}", refused.text);
        let body = json!({"email": EVE, "current_password": PASSWORD});
        assert_eq!(ada.post("/api/v1/me/email", body).await.status, StatusCode::ACCEPTED);
        let code = app.link_to(EVE).await.code;
        assert_eq!(ada.get("/api/v1/me").await.json()["pending_email"], EVE);
        let cancelled = ada.send(Method::DELETE, "/api/v1/me/email", Body::empty()).await;
        assert_eq!(cancelled.json()["pending_email"], Value::Null, "{}", cancelled.text);
        assert_eq!(cancelled.json()["email"], ADA);
        let refused = ada.post("/api/v1/me/email/confirm", json!({"code": code})).await;
        assert_eq!(refused.json()["errors"][0]["code"], "expired", "{}", refused.text);
        // The address is verified already.
        let sent = ada.send(Method::POST, "/api/v1/me/email/send", Body::empty()).await;
        assert_eq!((sent.status, sent.text.as_str()), (StatusCode::ACCEPTED, ""));
    }

    async fn invalid_verification_names_its_member(app: Verifying) {
        for body in [json!({}), json!({"code": "123456"}), json!({"token": "x"})] {
            let refused = app.verify(body).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(refused.json()["errors"][0]["pointer"], "/verification_id");
        }
        let body = json!({"verification_id": "x", "code": "123456"});
        assert_eq!(app.verify(body).await.json()["errors"][0]["code"], "malformed");
        let body = json!({"verification_id": uuid::Uuid::max(), "code": "12"});
        assert_eq!(app.verify(body).await.json()["errors"][0]["pointer"], "/code");
        let body = json!({"token": "csgn_link_x", "new_password": PASSWORD});
        assert_eq!(app.verify(body).await.status, StatusCode::GONE);
    }
}

test_on_each_database! {
    async fn email_to_confirm_the_address_is_sent_on_request(app: App) {
        let signed_up = app.anon().post(SIGN_UP, json!({"email": ADA, "password": PASSWORD})).await;
        assert_eq!(signed_up.status, StatusCode::CREATED, "{}", signed_up.text);
        let tokens = signed_up.json();
        let access = format!("Bearer {}", tokens["access_token"].as_str().expect("a token"));
        let ada = app.anon().with("authorization", &access);
        let sent = ada.send(Method::POST, "/api/v1/me/email/send", Body::empty()).await;
        assert_eq!((sent.status, sent.text.as_str()), (StatusCode::ACCEPTED, ""));
        let mail = app.mail_to(ADA).await.pop().expect("an email");
        let code = MailedLink::new(app.server.auth(), &mail).code;
        let confirmed = ada.post("/api/v1/me/email/confirm", json!({"code": code})).await;
        assert_eq!(confirmed.json()["email_verified"], true, "{}", confirmed.text);
    }
}
