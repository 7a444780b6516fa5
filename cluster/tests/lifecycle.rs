use std::os::unix::fs::PermissionsExt;

use daftar_cluster::{Cluster, Options, SUPERUSER};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::support::{are_root, connect, directory, eventually, execute, is_running, text};

#[tokio::test]
async fn a_stop_and_a_start_find_the_data_on_the_same_port() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    execute(&mut connect(&cluster).await, "CREATE TABLE kept AS SELECT 'still here' AS word").await;
    let url = cluster.url("postgres", SUPERUSER);

    cluster.stop().unwrap();
    assert_eq!(cluster.pid(), None);
    PgConnection::connect(&url).await.unwrap_err();
    cluster.start().unwrap();
    assert_eq!(cluster.url("postgres", SUPERUSER), url);
    assert_eq!(text(&mut connect(&cluster).await, "SELECT word FROM kept").await, "still here");
    cluster.restart().unwrap();
    assert_eq!(cluster.url("postgres", SUPERUSER), url);
    assert_eq!(text(&mut connect(&cluster).await, "SELECT word FROM kept").await, "still here");
}

#[tokio::test]
async fn a_later_run_finds_the_data_and_the_password() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    execute(&mut connect(&cluster).await, "CREATE TABLE kept AS SELECT 'still here' AS word").await;
    drop(cluster);

    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    assert_eq!(text(&mut connect(&cluster).await, "SELECT word FROM kept").await, "still here");
}

#[tokio::test]
async fn a_drop_stops_the_server_and_a_throw_away_leaves_nothing() {
    let cluster = Cluster::throw_away(Options::throw_away()).unwrap();
    let (pid, place) = (cluster.pid().unwrap(), cluster.directory().to_owned());
    assert!(is_running(pid));
    assert!(place.exists());
    // An open transaction does not hold it up.
    let mut connection = connect(&cluster).await;
    execute(&mut connection, "BEGIN").await;
    drop(cluster);
    assert!(!is_running(pid));
    assert!(!place.exists());
}

#[tokio::test]
async fn only_a_password_opens_it_and_only_we_can_read_that() {
    let place = directory();
    let cluster = Cluster::open(place.path(), Options::durable()).unwrap();
    let url = cluster.url("postgres", SUPERUSER);
    let password = cluster.password(SUPERUSER);
    PgConnection::connect(&url.replace(&password, "guessed")).await.unwrap_err();

    let mode = std::fs::metadata(place.path().join("secret")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let left = std::fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut left: Vec<String> = left.collect();
    left.sort();
    assert_eq!(left, ["data", "lock", "postgres.log", "secret", "socket"]);
    assert!(!format!("{cluster:?}").contains(&password));
}

#[tokio::test]
async fn a_role_is_reached_with_its_own_password() {
    let cluster = Cluster::throw_away(Options::throw_away()).unwrap();
    let statement = format!("CREATE ROLE \"meter reader\" LOGIN PASSWORD '{}'", cluster.password("meter reader"));
    execute(&mut connect(&cluster).await, &statement).await;
    let mut connection = PgConnection::connect(&cluster.url("postgres", "meter reader")).await.unwrap();
    assert_eq!(text(&mut connection, "SELECT current_user::text").await, "meter reader");
}

#[tokio::test]
async fn a_durable_cluster_syncs_and_a_throw_away_does_not() {
    for (cluster, expected) in
        [(Cluster::throw_away(Options::durable()).unwrap(), "on"), (Cluster::throw_away(Options::throw_away()).unwrap(), "off")]
    {
        let mut connection = connect(&cluster).await;
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            assert_eq!(text(&mut connection, &format!("SHOW {setting}")).await, expected, "{setting}");
        }
        assert_eq!(text(&mut connection, "SHOW listen_addresses").await, "127.0.0.1");
    }
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_still_makes_a_cluster() {
    let place = directory();
    let long = place.path().join("a-long-name".repeat(12));
    let cluster = Cluster::open(&long, Options::throw_away()).unwrap();
    assert_eq!(text(&mut connect(&cluster).await, "SHOW unix_socket_directories").await, "");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn the_server_never_runs_as_root() {
    use crate::support::{groups_of, server_pid, user_of};

    let cluster = Cluster::throw_away(Options::throw_away()).unwrap();
    let pid = cluster.pid().unwrap();
    assert_eq!(server_pid(&cluster.url("postgres", SUPERUSER)).await, pid);
    assert_ne!(user_of(pid), 0);
    if are_root() {
        assert_eq!(groups_of(pid), [0; 0]);
    }
}

/// Root's own directories are closed to the user the server runs as; anyone else's are not closed to themselves.
#[tokio::test]
async fn a_place_the_server_cannot_enter_is_replaced_by_one_it_can() {
    let closed = directory();
    std::fs::set_permissions(closed.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = closed.path().canonicalize().unwrap().join("postgres");

    let cluster = Cluster::open(&wanted, Options::durable()).unwrap();
    let place = cluster.directory().to_owned();
    execute(&mut connect(&cluster).await, "CREATE TABLE kept AS SELECT 'still here' AS word").await;
    drop(cluster);
    if are_root() {
        assert_eq!(place.parent().unwrap().to_str(), Some("/var/lib/daftar"));
        assert!(place.file_name().unwrap().to_str().unwrap().starts_with("postgres-"));
    } else {
        assert_eq!(place, wanted);
    }

    let cluster = Cluster::open(&wanted, Options::durable()).unwrap();
    assert_eq!(cluster.directory(), place);
    assert_eq!(text(&mut connect(&cluster).await, "SELECT word FROM kept").await, "still here");
    drop(cluster);
    std::fs::remove_dir_all(&place).unwrap();
    eventually("the place is gone", || !place.exists());
}
