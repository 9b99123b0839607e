//! (server) For tests, and for `script/fuzz`: what must hold whatever a browser or a stranger sends, as functions that panic where it does not.

use crate::{
    api::{ChangePasswordCall, EndSessionCall, LogInCall, RecentActivityCall, RenameCall, SignUpCall},
    edge::cookie,
    problem::Problem,
};
use ::cookie::Cookie;
use auth::Refresh;
use futures::FutureExt;
use http::{HeaderMap, HeaderValue, Method, Request, header};
use leptos::server_fn::{
    axum_export::body::Body,
    codec::{FromReq, PostUrl},
};

/// What is read of the `Cookie` headers of a request, one a line.
///
/// # Panics
/// Where something is taken for our cookie that is not, or that others would read another way.
pub fn cookie(input: &[u8]) {
    let mut headers = HeaderMap::new();
    // What cannot be in a header does not get as far as this.
    for line in input.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(header::COOKIE, line);
    }
    for secure in [true, false] {
        let read = [
            (cookie::name(secure), cookie::refresh_cookie(&headers, secure)),
            (cookie::access_name(secure), cookie::access_cookie(&headers, secure)),
            (cookie::known_name(secure), cookie::known_browser(&headers, secure)),
        ];
        for (name, token) in read {
            let Some(token) = token else { continue };
            assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)), "{token:?}");
            // There is one of this name, which a library reads as we do.
            if let Some(values) = as_a_library_reads_it(&headers, name) {
                assert_eq!(values, [token.as_str()], "{name}");
            }
            let given_back = cookie::set_cookie(&Refresh { token: token.clone(), max_age: None }, secure);
            assert!(given_back.as_bytes().starts_with(format!("{}={token}; ", cookie::name(secure)).as_bytes()), "{given_back:?}");
        }
    }
    let theme = cookie::value(&headers, "theme");
    assert!(theme.is_none_or(|theme| theme.bytes().all(|byte| byte.is_ascii_graphic())));
}

/// The values of all cookies of this name. `None`, where there are other characters than those of ASCII: there no two agree.
fn as_a_library_reads_it(headers: &HeaderMap, name: &str) -> Option<Vec<String>> {
    let lines: Option<Vec<_>> = headers.get_all(header::COOKIE).iter().map(|line| line.to_str().ok()).collect();
    let cookies = lines?.into_iter().flat_map(Cookie::split_parse).filter_map(Result::ok);
    Some(cookies.filter(|cookie| cookie.name() == name).map(|cookie| cookie.value().to_owned()).collect())
}

/// The body of a call, decoded as the arguments of each of our functions that has some, and then checked as the function does.
///
/// # Panics
/// Where a body is no mistake of whoever sent it, but one of ours.
pub fn function(input: &[u8]) {
    if let Some(call) = decoded::<LogInCall>(input) {
        let _ = call.form.check().map(|credentials| contract::testing::next(credentials.next.as_str().as_bytes()));
    }
    if let Some(call) = decoded::<SignUpCall>(input) {
        let _ = call.form.check().map(|user| contract::testing::email(user.email.as_str().as_bytes()));
    }
    if let Some(call) = decoded::<RenameCall>(input) {
        let _ = call.form.check();
    }
    if let Some(call) = decoded::<ChangePasswordCall>(input) {
        let _ = call.form.check(None);
    }
    let _ = (decoded::<EndSessionCall>(input), decoded::<RecentActivityCall>(input));
}

/// As Leptos does it for a function with these arguments.
fn decoded<T: FromReq<PostUrl, Request<Body>, Problem>>(body: &[u8]) -> Option<T> {
    let request = Request::builder()
        .method(Method::POST)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(body.to_vec()))
        .expect("a request");
    match T::from_req(request).now_or_never().expect("a body that is there is read at once") {
        Ok(arguments) => Some(arguments),
        Err(problem) => {
            assert_eq!(problem, Problem::BadRequest);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection, prelude::*};
    use url::form_urlencoded::Serializer;

    #[test]
    fn every_cookie_header_of_the_corpus_is_read_as_it_should_be() {
        contract::testing::replay("cookie", |_, input| cookie(input));
    }

    #[test]
    fn every_body_of_the_corpus_is_decoded_or_is_a_bad_request() {
        contract::testing::replay("function", |_, input| function(input));
    }

    proptest! {
        /// As browsers encode a form (URL Standard, 5.2).
        #[test]
        fn what_was_typed_arrives_to_the_letter(name in any::<String>(), email in any::<String>(), password in any::<String>()) {
            let mut form = Serializer::new(String::new());
            form.append_pair("form[name]", &name).append_pair("form[email]", &email).append_pair("form[password]", &password);
            let form = decoded::<SignUpCall>(form.finish().as_bytes()).expect("a form").form;
            prop_assert_eq!((form.name, form.email, form.password), (name, email, password));
        }

        #[test]
        fn whatever_the_body_it_is_decoded_or_is_a_bad_request(input in collection::vec(any::<u8>(), 0..200)) {
            function(&input);
        }

        #[test]
        fn whatever_the_brackets_it_is_decoded_or_is_a_bad_request(input in r"(form|email|password|tag|cursor|\[|\]|\[\]|%5[bB]|%5[dD]|=|&|%|%f|%00|\+|0|[a-z]){0,40}") {
            function(input.as_bytes());
        }
    }
}
