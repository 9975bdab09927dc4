# Lists the recipes.
default:
    @just --list

# Formatting, lints and documentation.
check:
    cargo fmt --all --check
    cargo fmt --manifest-path fuzz/Cargo.toml --check
    cargo fmt --manifest-path signatures/Cargo.toml --check
    cargo clippy --workspace --all-targets --all-features -- -D warnings
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --all-features

# Tests, on every database that is installed.
test *ARGS:
    cargo test --workspace {{ARGS}}

# Tests, on all three databases or not at all.
test-all *ARGS:
    RENEWAL_REQUIRE_BACKENDS=all cargo test --workspace {{ARGS}}

# Migrates the database of DATABASE_URL.
migrate *ARGS:
    cargo run -p migration -- {{ARGS}}

# Runs the example.
demo *ARGS:
    cargo run --bin csr-signing -- {{ARGS}}

# Measures renewals, appending and reading, on every database that is installed or with --backend NAME; then
# a renewal over TLS by its parts, and the memory of the server.
bench *ARGS:
    #!/usr/bin/env bash
    status=0
    for bench in renewals appends flat_reads; do
        cargo bench -p renewal-store-seaorm --features introspect --bench $bench -- {{ARGS}} || status=1
    done
    for bench in tls connections; do
        cargo bench -p tests --bench $bench -- {{ARGS}} || status=1
    done
    exit $status

# Counts the instructions of a renewal without I/O, of the service alone and behind EST, and compares them
# with those recorded.
bench-check *ARGS:
    cargo bench -p renewal-server --features fuzzing --bench instructions -- {{ARGS}}

# Compares AWS-LC, which signs and verifies here, with ring.
bench-signatures:
    cargo run --release --manifest-path signatures/Cargo.toml --target-dir target/signatures

# Measures what those who renew notice of old history being removed.
bench-retention *ARGS:
    cargo bench -p renewal-store-seaorm --bench retention -- {{ARGS}}

# Breaks servers, databases and connections at random, and checks that the promises held.
torture *ARGS:
    cargo run --release --bin renewal-torture -- {{ARGS}}

# Fuzzes what reads input from outside: just fuzz [SECONDS] [TARGET…].
fuzz *ARGS:
    fuzz/run {{ARGS}}

# What CI runs.
ci:
    .ci/run
