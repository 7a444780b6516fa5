# Daftar for a server: `daftar` and `replay-tool`, without a compiler, under a user that owns nothing. compose.yaml says how they run.

FROM rust:1.95-bookworm AS build
WORKDIR /daftar
COPY . .
RUN cargo build --release --locked -p daftar-api --bin daftar && cargo build --release --locked -p replay-tool --bin replay-tool

FROM debian:bookworm-slim
RUN useradd --uid 10001 --create-home --home-dir /var/lib/daftar daftar
COPY --from=build /daftar/target/release/daftar /daftar/target/release/replay-tool /usr/local/bin/
COPY scripts/with-secrets /usr/local/bin/with-secrets
USER daftar
WORKDIR /var/lib/daftar
EXPOSE 8080
ENTRYPOINT ["with-secrets", "daftar"]
CMD ["--help"]
