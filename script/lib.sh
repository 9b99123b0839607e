# shellcheck shell=bash
# Shared by the scripts in this folder: source it, do not run it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/countersign
env_file=$cache/env
# shellcheck disable=SC2034  # used by the others
wasm=wasm32-unknown-unknown

# Rustup's `cargo` before a distribution's, then the tools that script/setup chose, then those from npm.
PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
load_env() {
    # shellcheck source=/dev/null
    if [ -r "$env_file" ]; then . "$env_file"; fi
    case ":$PATH:" in *":$root/node_modules/.bin:"*) ;; *) PATH=$root/node_modules/.bin:$PATH ;; esac
    export PATH
}
load_env

target=${CARGO_TARGET_DIR:-$root/target}

die() {
    printf '\nerror: %s\n' "$*" >&2
    exit 1
}

# Prints the comment at the top of a script, which is its help.
help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

took() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# step WHAT COMMAND...: says what happens, does it, says how long it took.
step() {
    local what=$1 start=$SECONDS
    shift
    printf '==> %s\n' "$what"
    "$@"
    printf '    done in %s\n' "$(took $((SECONDS - start)))"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# What the built server needs to know about the site that was built with it.
server_env() {
    export LEPTOS_OUTPUT_NAME=countersign LEPTOS_SITE_ROOT=$root/target/site LEPTOS_HASH_FILES=true
    export LEPTOS_SITE_ADDR=${LEPTOS_SITE_ADDR:-127.0.0.1:3000}
    export SERVER_BINARY=$target/release/countersign
}

# fingerprint PATH...: one line for the compiler, its flags and the files there.
fingerprint() {
    (
        cd "$root" || exit
        rustc -vV
        printf '%s\n' "${RUSTFLAGS:-}"
        find "$@" -type f -printf '%p %T@ %s\n' | sort || true
    ) 2>/dev/null | sha256sum
}

# Everything that a release build depends on, and everything that it leaves behind.
build_sources() { fingerprint Cargo.toml Cargo.lock .cargo package-lock.json types core app server frontend style public; }
build_results() { fingerprint target/site "$target/release/countersign" "$target/release/hash.txt"; }

# Builds server and site for release, unless nothing changed since the last time (cargo-leptos always runs wasm-opt again).
build_release() {
    local stamp=$root/target/release-build sources
    sources=$(build_sources)
    if [ -f "$stamp" ] && [ "$sources$(build_results)" = "$(cat "$stamp")" ]; then
        printf '==> Release build: nothing changed since the last one\n'
        return
    fi
    rm -f "$stamp"
    step "Building server and site for release (cargo leptos build)" cargo_leptos_build
    # The sources as they were before: what was changed meanwhile is perhaps not in it.
    printf '%s%s\n' "$sources" "$(build_results)" >"$stamp"
}

# Split: the pages of the account are loaded by whoever goes there. And nobody needs to know where our libraries lie.
cargo_leptos_build() {
    (
        cd "$root"
        # Of several that fit, the last one counts.
        local flags="--remap-path-prefix=$HOME/= --remap-path-prefix=$root/= --remap-path-prefix=$(rustc --print sysroot)/="
        flags+=" --remap-path-prefix=$target/= --remap-path-prefix=${CARGO_BUILD_BUILD_DIR:-$target}/="
        local index
        for index in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do flags+=" --remap-path-prefix=$index="; done
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$flags
        cargo leptos build --release --precompress --cargo-locked --split --lib-features split
    )
}

# The build for development, which explains hydration mismatches and has the laboratory page, beside the site of the release build.
build_debug() {
    export DEBUG_SERVER_BINARY=$target/debug/countersign DEBUG_SITE_ROOT=$root/target/debug-site
    step "Building server and site for development" cargo_leptos_build_debug
}

cargo_leptos_build_debug() { (cd "$root" && LEPTOS_SITE_ROOT=target/debug-site cargo leptos build --cargo-locked); }

in_root() { (cd "$root" && "$@"); }

# build_clients NAME: builds the example NAME, which drives a server, and sets `clients` to its program. CLIENT_PROFILE=dev
# builds it as `cargo test` does, in much less time: for checks, not for figures.
build_clients() {
    local profile=${CLIENT_PROFILE:-release}
    if [ "$profile" = dev ]; then
        clients=$target/debug/examples/$1
        step "Building the clients (cargo build --example $1)" in_root cargo build --locked --example "$1"
    else
        clients=$target/release/examples/$1
        step "Building the clients (cargo build --release --example $1)" in_root cargo build --release --locked -p countersign --example "$1"
    fi
}

# The browser for the tests: $CHROMIUM, Playwright's own, or one of the system's.
find_browser() {
    local own
    if [ -n "${CHROMIUM:-}" ]; then printf '%s\n' "$CHROMIUM" && return; fi
    own=$(cd "$root" && node -p "require('playwright-core').chromium.executablePath()" 2>/dev/null) || own=
    if [ -x "$own" ]; then printf '%s\n' "$own" && return; fi
    command -v chromium chromium-browser google-chrome google-chrome-stable | head -n 1 | grep .
}

# The folder with initdb and pg_ctl, the newest where there are several.
find_postgres() {
    local bin
    bin=$(find /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin -name initdb 2>/dev/null | sort -V | tail -n 1) || true
    if [ -z "$bin" ]; then bin=$(command -v initdb) || return 1; fi
    dirname "$bin"
}
