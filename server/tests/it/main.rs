//! Integration tests of the HTTP server, on SQLite and on Postgres. Requests go to the router
//! directly; sockets and processes are used only where they are the subject.
#![expect(
    unreachable_pub,
    reason = "shared items are public between the modules of this test binary only"
)]
#![recursion_limit = "256"]

mod admin;
mod attack_target;
mod auth_endpoints;
mod backup;
mod brand;
mod closed_sign_up;
mod command_line;
mod concurrent_rendering;
mod connections;
mod crash_recovery;
mod csrf_and_cors;
mod demo;
mod documentation;
mod email_verification;
mod export_and_deletion;
mod fd_exhaustion;
mod first_start;
mod forward_auth;
mod gallery;
mod headers;
mod invitations;
mod jwks;
mod log_capture;
mod log_output;
mod mail;
mod malformed_bodies;
mod me_endpoint;
mod messages;
mod oauth;
mod openapi;
mod openapi_conformance;
mod outages;
mod page_cache;
mod pages;
mod password_rules;
mod permission_matrix;
mod process;
mod rate_limits;
mod return_to;
mod secret_leaks;
mod server_functions;
mod sessions;
mod settings;
mod shutdown;
mod slow_read;
mod static_files;
mod support;
mod text_injection;
mod token_attacks;
mod token_transports;
mod validation_errors;
mod well_known;
