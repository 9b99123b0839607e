//! For other programs: revocation (RFC 7009), introspection (RFC 7662), metadata (RFC 8414).

use crate::support::{Answer, App, Client, FORM};
use auth::{Entropy, ServerSecret, on_both, testing::FreshDatabase};
use axum::http::{Method, StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use contract::Span;
use serde_json::json;
use server::config::IntrospectionSecret;

async fn post(client: &Client<'_>, path: &str, form: &str) -> Answer {
    client.clone().with("content-type", FORM).send(Method::POST, path, form.to_owned().into()).await
}

/// A server that tells programs about tokens.
struct Telling {
    app: App,
    secret: String,
}

impl Telling {
    async fn on(database: FreshDatabase) -> Self {
        let secret = ServerSecret::generate(&Entropy::System).expect("randomness").expose();
        let given = IntrospectionSecret::new(secret.clone());
        let app = App::with(database, "http://localhost:3000", |http| http.introspection_secret = Some(given)).await;
        Self { app, secret }
    }
}

fn basic(secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("api:{secret}")))
}

on_both! {
    async fn a_token_that_is_revoked_is_worth_nothing_whichever_of_the_two_it_is(app: App) {
        for which in 0..2 {
            let user = app.user(&format!("ada{which}@example.com")).await;
            let token = if which == 0 { &user.access } else { &user.refresh };
            for _ in 0..2 {
                let answer = post(&app.anon(), "/oauth/revoke", &format!("token={token}&token_type_hint=anything")).await;
                assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, ""));
            }
            assert_eq!(user.client.get("/api/v1/me").await.status, StatusCode::UNAUTHORIZED);
            assert_eq!(app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh})).await.status, StatusCode::UNAUTHORIZED);
        }
        assert_eq!(post(&app.anon(), "/oauth/revoke", "token=nonsense").await.status, StatusCode::OK, "it is worth nothing, as asked");
        for form in ["", "token=", "token=a&token=b", "tok=a", "%00"] {
            let answer = post(&app.anon(), "/oauth/revoke", form).await;
            assert_eq!((answer.status, &answer.json()["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_request")), "{form}");
        }
        assert_eq!(app.anon().post("/oauth/revoke", json!({"token": "x"})).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }

    async fn who_knows_the_secret_is_told_what_a_token_is_worth(target: Telling) {
        let Telling { app, secret } = target;
        let (user, asker) = (app.user("ada@example.com").await, app.anon().with("authorization", &basic(&secret)));
        let me = user.client.get("/api/v1/me").await.json();
        let ask = async |token: &str| post(&asker, "/oauth/introspect", &format!("token={token}")).await.json();
        let access = ask(&user.access).await;
        assert_eq!(
            (&access["active"], &access["token_type"], &access["sub"], &access["iss"]),
            (&json!(true), &json!("Bearer"), &me["id"], &json!("http://localhost:3000"))
        );
        let refresh = ask(&user.refresh).await;
        assert_eq!(
            (&refresh["active"], &refresh["token_type"], &refresh["sub"], &refresh["sid"]),
            (&json!(true), &json!("refresh_token"), &me["id"], &access["sid"])
        );
        // Asking is not using.
        assert_eq!(app.anon().post("/api/v1/auth/refresh", json!({"refresh_token": user.refresh})).await.status, StatusCode::OK);
        for token in ["nonsense", "lkr_nonsense", &format!("{}x", user.access)] {
            assert_eq!(ask(token).await, json!({"active": false}));
        }
        app.clock.advance(Span::minutes(11));
        assert_eq!(ask(&user.access).await, json!({"active": false}), "expired");
        let other = app.log_in("ada@example.com").await;
        other.client.post("/api/v1/auth/logout", json!({})).await;
        for token in [&other.access, &other.refresh] {
            assert_eq!(ask(token).await, json!({"active": false}), "revoked");
        }
    }

    async fn who_does_not_know_the_secret_is_told_nothing(target: Telling) {
        let Telling { app, secret } = target;
        let user = app.user("ada@example.com").await;
        let form = format!("token={}", user.access);
        let cut = &secret[..42];
        for value in [
            None,
            Some(basic("")),
            Some(basic(cut)),
            Some(format!("Bearer {secret}")),
            Some(format!("Bearer {}", user.access)),
            Some("Basic !".to_owned()),
            Some(format!("Basic {}", STANDARD.encode(&secret))),
        ] {
            let asker = value.iter().fold(app.anon(), |client, value| client.with("authorization", value));
            let answer = post(&asker, "/oauth/introspect", &form).await;
            assert_eq!(
                (answer.status, &answer.json()["error"], answer.header("www-authenticate")),
                (StatusCode::UNAUTHORIZED, &json!("invalid_client"), "Basic realm=\"latchkey\""),
                "{value:?}"
            );
        }
        let off = App::on(FreshDatabase::sqlite()).await;
        let answer = post(&off.anon().with("authorization", &basic(&secret)), "/oauth/introspect", "token=x").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "nobody is told anything where there is no secret");
    }

    async fn the_metadata_names_what_there_is(target: Telling) {
        let (with, without) = (target.app, App::at(FreshDatabase::sqlite(), "https://accounts.example.com").await);
        let metadata = without.anon().get("/.well-known/oauth-authorization-server").await;
        assert_eq!((metadata.header("content-type"), metadata.header("cache-control")), ("application/json", "public, max-age=300"));
        let metadata = metadata.json();
        assert_eq!(
            (&metadata["issuer"], &metadata["jwks_uri"]),
            (&json!("https://accounts.example.com"), &json!("https://accounts.example.com/.well-known/jwks.json"))
        );
        assert!(metadata.get("introspection_endpoint").is_none());
        assert_eq!(with.anon().get("/.well-known/oauth-authorization-server").await.json()["introspection_endpoint"], "http://localhost:3000/oauth/introspect");
    }
}
