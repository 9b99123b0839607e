//! Invitations to sign up over HTTP: the JSON API, and pages and plain forms as browsers without
//! scripts use them.

use crate::support::{App, PASSWORD, SIGN_UP, TestResponse, admin_client};
use axum::http::StatusCode;
use countersign_core::{
    Policy, RateLimits, SignUpPolicy, Verification, test_on_each_database, testing::TestDatabase,
};
use countersign_types::TimeSpan;
use serde_json::{Value, json};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const INVITATIONS: &str = "/api/v1/admin/invitations";

/// A server on which only people with an invitation can sign up, and addresses must be verified.
struct Inviting(App);

impl Inviting {
    async fn on(database: TestDatabase) -> Self {
        let policy = Policy {
            sign_ups: SignUpPolicy::Invited,
            verification: Verification::Required,
            limits: RateLimits::off(),
            ..Policy::new("http://localhost:3000")
        };
        Self(App::with_policy(database, policy).await)
    }

    /// Opens a link. Returns the cookie that it sets.
    async fn open(&self, token: &str) -> String {
        let opened = self.0.anon().get(&format!("/link?token={token}")).await;
        assert_eq!(
            (opened.status, opened.header("location")),
            (StatusCode::SEE_OTHER, "/signup?invitation")
        );
        let cookies = opened.cookies();
        cookies[0].split(';').next().expect("a pair").to_owned()
    }

    async fn page(&self, cookie: &str) -> String {
        self.0.anon().with("cookie", cookie).get("/signup?invitation").await.text
    }

    async fn submit(&self, cookie: &str, email: &str, link: &str) -> TestResponse {
        let password = PASSWORD.replace(' ', "+");
        let form = format!("form[email]={email}&form[password]={password}&form[link_token]={link}");
        let client = self.0.anon().with("cookie", cookie);
        client.submit("/fn/signup", "/signup?invitation", &form).await
    }
}

fn sign_up(email: &str, token: &str) -> Value {
    json!({"email": email, "password": PASSWORD, "invitation_token": token})
}

/// Returns the token in the link of a response.
fn token(created: &Value) -> String {
    let link = created["link"].as_str().expect("a link");
    link.strip_prefix("http://localhost:3000/link?token=").expect("a token").to_owned()
}

test_on_each_database! {
    async fn invitation_is_created_listed_and_revoked(app: App) {
        let admin = admin_client(&app).await;
        let mut ids = Vec::new();
        for email in [ADA, EVE, "bob@example.com"] {
            let created = admin.post(INVITATIONS, json!({ "email": email })).await;
            assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
            let created = created.json();
            assert_eq!(created["email_sent"], true);
            assert_eq!(created["invitation"]["email"], email);
            assert_eq!(app.mail_to(email).await.len(), 1);
            ids.push(created["invitation"]["id"].as_str().expect("an id").to_owned());
        }
        let page = admin.get(&format!("{INVITATIONS}?limit=2")).await.json();
        let cursor = page["next_cursor"].as_str().expect("a cursor");
        let rest = admin.get(&format!("{INVITATIONS}?limit=2&cursor={cursor}")).await;
        assert!(!rest.text.contains("csgn_link_"), "{}", rest.text);
        let rest = rest.json();
        let listed: Vec<_> = [&page, &rest]
            .iter()
            .flat_map(|page| page["items"].as_array().expect("a list"))
            .map(|item| item["id"].as_str().expect("an id").to_owned())
            .collect();
        assert_eq!(listed, ids.iter().rev().cloned().collect::<Vec<_>>());
        assert_eq!(rest["next_cursor"], Value::Null);

        let path = format!("{INVITATIONS}/{}", ids[0]);
        assert_eq!(admin.delete(&path).await.status, StatusCode::NO_CONTENT);
        for path in [&*path, "/api/v1/admin/invitations/none"] {
            assert_eq!(admin.delete(path).await.status, StatusCode::NOT_FOUND, "{path}");
        }
        let left = admin.get(INVITATIONS).await.json();
        assert_eq!(left["items"].as_array().expect("a list").len(), 2);
    }

    async fn invalid_invitations_get_clear_errors(app: App) {
        let admin = admin_client(&app).await;
        app.user(ADA).await;
        let taken = admin.post(INVITATIONS, json!({ "email": ADA })).await;
        assert_eq!(
            (taken.status, taken.problem_code().as_str()),
            (StatusCode::CONFLICT, "email_taken")
        );
        for (body, code) in [(json!({}), "missing"), (json!({"email": "ada"}), "malformed")] {
            let refused = admin.post(INVITATIONS, body).await;
            assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
            assert_eq!(refused.field_errors(), [("/email".to_owned(), code.to_owned())]);
        }
        let created = admin.post(INVITATIONS, json!({ "email": EVE })).await.json();
        let another = app.anon().post(SIGN_UP, sign_up("bob@example.com", &token(&created))).await;
        assert_eq!(another.field_errors(), [("/email".to_owned(), "not_invited".to_owned())]);
        let mut both = sign_up(EVE, &token(&created));
        both["setup_token"] = json!(token(&created));
        let both = app.anon().post(SIGN_UP, both).await;
        assert_eq!(
            both.field_errors(),
            [("/invitation_token".to_owned(), "conflict".to_owned())]
        );
    }

    async fn invitation_as_setup_token_is_refused(server: Inviting) {
        let link = server.0.invitation(ADA).await;
        let mut body = sign_up(ADA, "");
        body["setup_token"] = json!(link.token);
        let refused = server.0.anon().post(SIGN_UP, body).await;
        assert_eq!(
            (refused.status, refused.problem_code().as_str()),
            (StatusCode::GONE, "link_expired")
        );
        let accepted = server.0.anon().post(SIGN_UP, sign_up(ADA, &link.token)).await;
        assert_eq!(accepted.status, StatusCode::CREATED, "{}", accepted.text);
    }

    async fn setup_token_as_invitation_is_refused(server: Inviting) {
        let token = server.0.server.auth().issue_setup_token().await.expect("a result");
        let refused =
            server.0.anon().post(SIGN_UP, sign_up(ADA, &token.expect("no administrator"))).await;
        assert_eq!(
            (refused.status, refused.problem_code().as_str()),
            (StatusCode::GONE, "link_expired")
        );
    }

    async fn api_sign_up_needs_an_invitation(server: Inviting) {
        let app = &server.0;
        let link = server.0.invitation(ADA).await;
        for email in [ADA, EVE] {
            let refused = app.anon().post(SIGN_UP, sign_up(email, "")).await;
            assert_eq!(
                (refused.status, refused.problem_code().as_str()),
                (StatusCode::FORBIDDEN, "invitation_required")
            );
        }
        let created = app.anon().post(SIGN_UP, sign_up(ADA, &link.token)).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        assert_eq!(created.json()["user"]["email_verified"], true);
        let again = app.anon().post(SIGN_UP, sign_up(ADA, &link.token)).await;
        assert_eq!(
            (again.status, again.problem_code().as_str()),
            (StatusCode::GONE, "link_expired")
        );
    }

    async fn pages_without_invitation_offer_no_sign_up(server: Inviting) {
        let app = &server.0;
        server.0.invitation(ADA).await;
        for path in ["/", "/login"] {
            let page = app.anon().get(path).await.text;
            assert!(!page.contains("href=\"/signup"), "{path}: {page}");
        }
        let page = app.anon().get("/signup").await.text;
        assert!(page.contains("Sign-up is by invitation only"), "{page}");
        assert!(!page.contains("<form"), "{page}");
        let location = async |email: &str| {
            server.submit("", email, "").await.header("location").to_owned()
        };
        let invited = location(ADA).await;
        assert!(invited.ends_with("&__err=invitation_required"), "{invited}");
        assert_eq!(invited, location(EVE).await);
        assert!(app.anon().get("/signup?setup").await.text.contains("name=\"form[email]\""));
    }

    async fn invited_user_signs_up_by_plain_form(server: Inviting) {
        let link = server.0.invitation(ADA).await;
        let (id, cookie) = (link.id.to_string(), server.open(&link.token).await);
        let page = server.page(&cookie).await;
        assert!(page.contains(&format!("value=\"{ADA}\"")) && page.contains("readonly"), "{page}");
        assert!(page.contains(&id) && !page.contains(&link.token), "{page}");

        let another = server.submit(&cookie, EVE, &id).await;
        let location = another.header("location");
        assert!(location.ends_with("__err=invalid_fields%3Aemail%3Dnot_invited"), "{location}");
        for (cookie, id) in [("", &*id), (&*cookie, "another"), (&*cookie, &*link.token)] {
            let refused = server.submit(cookie, ADA, id).await;
            let location = refused.header("location");
            assert!(location.ends_with("__err=link_expired"), "{location}");
        }
        let accepted = server.submit(&cookie, ADA, &id).await;
        assert_eq!(accepted.header("location"), "/account?welcome", "{:?}", accepted.headers);
        assert!(accepted.cookies().iter().any(|line| line.contains("-link=;")));

        // The link is used, and its page says what to do next.
        let page = server.page(&server.open(&link.token).await).await;
        assert!(page.contains("This link no longer works"), "{page}");
        assert!(page.contains("Ask an administrator for a new invitation"), "{page}");
        assert!(!page.contains("Already have an account?"), "{page}");
        assert!(!page.contains("<form") && page.contains("href=\"/login\""), "{page}");
    }

    async fn form_of_one_invitation_cannot_use_another(server: Inviting) {
        let (ada, eve) = (server.0.invitation(ADA).await, server.0.invitation(EVE).await);
        let cookie = server.open(&eve.token).await;
        let refused = server.submit(&cookie, ADA, &ada.id.to_string()).await;
        assert!(refused.header("location").ends_with("__err=link_expired"));
        assert!(server.page(&cookie).await.contains(EVE), "nothing was used");
    }

    async fn expired_invitation_is_no_form(server: Inviting) {
        let link = server.0.invitation(ADA).await;
        server.0.clock.advance(TimeSpan::days(7));
        crate::support::sync_feed(&server.0).await;
        let page = server.page(&server.open(&link.token).await).await;
        assert!(page.contains("This link no longer works"), "{page}");
        let without_cookie = server.page("").await;
        assert!(without_cookie.contains("This link no longer works"), "{without_cookie}");
    }
}
