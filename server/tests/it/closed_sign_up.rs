//! With `COUNTERSIGN_SIGN_UP=closed` only operators create accounts.

use crate::support::{App, PASSWORD};
use axum::http::StatusCode;
use countersign_core::{Policy, RateLimits, SignUpPolicy, test_on_each_database, testing};
use serde_json::json;

/// A server on which sign-up is closed.
struct Closed(App);

impl Closed {
    async fn on(database: testing::TestDatabase) -> Self {
        let policy = Policy {
            sign_ups: SignUpPolicy::Closed,
            limits: RateLimits::off(),
            ..Policy::new("http://localhost:3000")
        };
        Self(App::with_policy(database, policy).await)
    }
}

test_on_each_database! {
    async fn sign_up_is_refused_by_api_and_form(server: Closed) {
        let app = server.0;
        let body = json!({"email": "ada@example.com", "password": PASSWORD});
        let refused = app.anon().post("/api/v1/auth/signup", body).await;
        assert_eq!(
            (refused.status, refused.problem_code().as_str()),
            (StatusCode::FORBIDDEN, "sign_up_closed")
        );
        assert_eq!(refused.header("www-authenticate"), "", "no credential would help");
        let form = format!(
            "form[email]=ada@example.com&form[password]={}",
            PASSWORD.replace(' ', "+")
        );
        let refused = app.anon().submit("/fn/signup", "/signup", &form).await;
        assert_eq!(
            refused.header("location"),
            "/signup?__path=%2Ffn%2Fsignup&__err=sign_up_closed"
        );
        let form = format!("{form}&form[link_token]=csgn_setup_invented");
        let refused = app.anon().call("/fn/signup", &form).await;
        assert_eq!((refused.status, refused.text.as_str()), (StatusCode::GONE, "\"link_expired\""));
    }

    async fn pages_offer_no_sign_up(server: Closed) {
        let app = server.0;
        for path in ["/", "/login"] {
            let page = app.anon().get(path).await.text;
            assert!(!page.contains("href=\"/signup"), "{path}: {page}");
        }
        let page = app.anon().get("/signup").await.text;
        assert!(page.contains("Sign-up is closed") && !page.contains("<form"), "{page}");
    }

    async fn first_administrator_signs_up_with_the_setup_link(server: Closed) {
        let app = server.0;
        let token = app.server.auth().issue_setup_token().await.expect("an answer");
        let token = token.expect("no administrator yet");
        let body =
            json!({"email": "root@example.com", "password": PASSWORD, "setup_token": token});
        let created = app.anon().post("/api/v1/auth/signup", body).await;
        assert_eq!(created.status, StatusCode::CREATED, "{}", created.text);
        let page = app.anon().get("/signup?setup").await.text;
        assert!(page.contains("name=\"form[email]\""), "{page}");
    }
}
