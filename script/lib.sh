# shellcheck shell=bash
# Functions and variables that the scripts in this folder share. Source it, do not run it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/countersign
env_file=$cache/env
# shellcheck disable=SC2034  # used by the scripts that source this file
wasm=wasm32-unknown-unknown

# Search order: the tools from npm, the tools that script/setup installed, rustup's `cargo`, and
# then the system's programs.
PATH=${CARGO_HOME:-$HOME/.cargo}/bin:$PATH
load_env() {
    # shellcheck source=/dev/null
    if [ -r "$env_file" ]; then . "$env_file"; fi
    case ":$PATH:" in
    *":$root/node_modules/.bin:"*) ;;
    *) PATH=$root/node_modules/.bin:$PATH ;;
    esac
    export PATH
}
load_env

target=${CARGO_TARGET_DIR:-$root/target}

die() {
    printf '\nerror: %s\n' "$*" >&2
    exit 1
}

# Prints the comment at the top of a script, which is its help text.
print_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"; }

# format_duration SECONDS: prints minutes and seconds.
format_duration() { printf '%dm%02ds' $(($1 / 60)) $(($1 % 60)); }

# step TITLE COMMAND...: prints the title, runs the command, and prints its duration.
step() {
    local title=$1 start=$SECONDS
    shift
    printf '==> %s\n' "$title"
    "$@"
    printf '    done in %s\n' "$(format_duration $((SECONDS - start)))"
}

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

# Exports what the release build of the server needs to know about its site.
set_server_env() {
    export LEPTOS_OUTPUT_NAME=countersign LEPTOS_SITE_ROOT=$root/target/site LEPTOS_HASH_FILES=true
    export LEPTOS_SITE_ADDR=${LEPTOS_SITE_ADDR:-127.0.0.1:3000}
    export SERVER_BINARY=$target/release/countersign
}

# Fails unless SERVER_BINARY names a program.
require_server_binary() {
    [ -x "$SERVER_BINARY" ] ||
        die "$SERVER_BINARY does not exist: run 'script/test --only release', or set SERVER_BINARY"
}

# require_postgres ARGUMENT...: runs the script again with these arguments and a temporary
# PostgreSQL, unless TEST_POSTGRES_URL is set. The output of script/with-postgres itself goes to
# standard error, so that --json prints only JSON.
require_postgres() {
    if [ -n "${TEST_POSTGRES_URL:-}" ]; then return; fi
    # shellcheck disable=SC2016  # the inner shell expands $@
    exec "$root/script/with-postgres" bash -c 'exec "$@" >&3 3>&-' - "$0" "$@" 3>&1 >&2
}

# Prints a free port of 127.0.0.1.
free_port() {
    node -e '
        const server = require("node:net").createServer().listen(0, "127.0.0.1", () => {
            console.log(server.address().port);
            server.close();
        })'
}

# fingerprint PATH...: prints one line that identifies the compiler, its flags and these files.
fingerprint() {
    (
        cd "$root" || exit
        rustc -vV
        printf '%s\n' "${RUSTFLAGS:-}"
        find "$@" -type f -printf '%p %T@ %s\n' | sort || true
    ) 2>/dev/null | sha256sum
}

# The inputs and the outputs of a release build.
build_sources() {
    fingerprint Cargo.toml Cargo.lock .cargo package-lock.json \
        types core http app server frontend style public
}
build_results() {
    fingerprint target/site "$target/release/countersign" "$target/release/hash.txt"
}

# Builds server and site for release, unless nothing has changed since the last build. Without this
# check cargo-leptos would run wasm-opt each time.
build_release() {
    local stamp=$root/target/release-build sources
    sources=$(build_sources)
    if [ -f "$stamp" ] && [ "$sources$(build_results)" = "$(cat "$stamp")" ]; then
        printf '==> Release build is up to date\n'
        return
    fi
    rm -f "$stamp"
    step "Building server and site for release (cargo leptos build)" cargo_leptos_build
    # The fingerprint from before the build: a file that changed during it may not be included.
    printf '%s%s\n' "$sources" "$(build_results)" >"$stamp"
}

# Builds without the paths of this machine in the binaries.
cargo_leptos_build() {
    (
        cd "$root" || exit
        # rustc applies the last prefix that matches, so the most specific ones come last.
        local prefix flags=
        for prefix in "$HOME/" "$root/" "$(rustc --print sysroot)/" \
            "$target/" "${CARGO_BUILD_BUILD_DIR:-$target}/" \
            "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do
            flags+="${flags:+ }--remap-path-prefix=$prefix="
        done
        export CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS=$flags
        cargo leptos build --release --precompress --cargo-locked
    )
}

# The native packages, for one call of Cargo. Another selection, or one without test targets, would
# choose other features for their dependencies, and compile these again.
native_packages=(
    -p countersign-types -p countersign-core -p countersign-http -p countersign -p loadtest
    -p countersign-leptos --features countersign-leptos/ssr
)

# Builds server and site for development, with its own site folder. The development build explains
# hydration mismatches and has the states of the component gallery. The server is the one of the
# Rust tests, so that its dependencies are not compiled again with other features.
build_debug() {
    export DEBUG_SERVER_BINARY=$target/debug/countersign DEBUG_SITE_ROOT=$root/target/debug-site
    step "Building the server for development (cargo build --bin countersign --tests)" \
        in_root cargo build --locked "${native_packages[@]}" --bin countersign --tests
    step "Building the site for development (cargo leptos build --frontend-only)" \
        in_root env LEPTOS_SITE_ROOT=target/debug-site \
        cargo leptos build --frontend-only --cargo-locked
}

in_root() { (cd "$root" && "$@"); }

# Builds the load tests and sets `loadtest` to the program. CLIENT_PROFILE=dev builds it without
# optimisation, together with the Rust tests: that is good for checks, but measurements need the
# release profile.
# shellcheck disable=SC2034  # `loadtest` is used by the caller
build_loadtest() {
    local profile=${CLIENT_PROFILE:-release}
    if [ "$profile" = dev ]; then
        loadtest=$target/debug/loadtest
        step "Building the load tests (cargo build --bin loadtest --tests)" \
            in_root cargo build --locked "${native_packages[@]}" --bin loadtest --tests
    else
        loadtest=$target/release/loadtest
        step "Building the load tests (cargo build --release -p loadtest)" \
            in_root cargo build --release --locked -p loadtest
    fi
}

# Prints the path of the browser for the tests: $CHROMIUM, Playwright's own or the system's.
find_browser() {
    local own
    if [ -n "${CHROMIUM:-}" ]; then printf '%s\n' "$CHROMIUM" && return; fi
    local path="require('playwright-core').chromium.executablePath()"
    own=$(cd "$root" && node -p "$path" 2>/dev/null) || own=
    if [ -x "$own" ]; then printf '%s\n' "$own" && return; fi
    command -v chromium chromium-browser google-chrome google-chrome-stable | head -n 1 | grep .
}

# Prints the folder with initdb and pg_ctl, of the newest version if there are several.
find_postgres() {
    local bin
    bin=$(find /usr/lib/postgresql/*/bin /usr/local/pgsql/bin /opt/homebrew/opt/postgresql*/bin \
        -name initdb 2>/dev/null | sort -V | tail -n 1) || true
    if [ -z "$bin" ]; then bin=$(command -v initdb) || return 1; fi
    dirname "$bin"
}
