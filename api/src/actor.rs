use daftar_domain::Actor;

/// Who asks, as long as nobody can sign in.
///
/// This is what authentication replaces: it will say which user a request is from, and until then the server listens on loopback only.
pub fn not_yet_authenticated() -> Actor {
    Actor::user("anonymous")
}
