//! Photographs and papers of a repair, over real HTTP: kept as they were sent, given to whoever may see them, and nothing left of what may not be.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    time::Duration,
};

use daftar_api::caller::Role;
use expect_test::expect;
use serde_json::{Value, json};

use super::{
    claiming::{Customer, customer},
    house::{House, Way},
    mutations::{repairs::cooler, workshop::branch},
    problems,
};

/// The smallest image that says how large it is.
const JPEG: &[u8] = b"\xff\xd8\xff\xe0\0\x04ab\xff\xc0\0\x0b\x08\0\x10\0\x10\x01\x01\x11\0\xff\xd9";

/// A repair of one of two customers.
struct Counter {
    house: House,
    noura: Customer,
    salem: Customer,
    technician: String,
    repair: String,
}

/// An answer, byte for byte.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error} in {}", String::from_utf8_lossy(&self.body)))
    }

    fn told(&self) -> String {
        format!("{} {}", self.status, problems(&self.json()))
    }
}

impl Counter {
    async fn open() -> Self {
        let house = House::build(Way::Postgres).await;
        let (noura, salem) =
            (customer(&house, "RUH-1", "0501234567", "noura").await, customer(&house, "RUH-2", "0509999999", "salem").await);
        let technician = house.staff("technician", Role::Technician).await;
        let open = "mutation($input: OpenBranchInput!) { openBranch(input: $input, idempotencyKey: \"1\") { branchId } }";
        let opened = house.graphql("en", open, json!({ "input": { "code": "RUH", "details": branch(), "on": "2026-01-01" } }));
        let request = "mutation($input: RequestRepairInput!) { requestRepair(input: $input, idempotencyKey: \"1\") { repairId } }";
        let input = json!({ "accountId": noura.account, "branchId": opened["data"]["openBranch"]["branchId"], "device": cooler(), "complaint": "لا يبرد" });
        let requested = house.ask(&noura.token, "en", request, json!({ "input": input }));
        let repair = requested["data"]["requestRepair"]["repairId"].as_str().unwrap_or_else(|| panic!("{requested}")).to_owned();
        Self { house, noura, salem, technician, repair }
    }

    /// Sends a file under a name, as percents have it.
    fn send(&self, token: &str, query: &str, key: &str, bytes: &[u8]) -> Answer {
        let head = format!(
            "POST /v1/repairs/{}/files?{query} HTTP/1.1\r\nHost: daftar\r\nConnection: close\r\nAuthorization: Bearer {token}\r\nAccept-Language: en\r\nIdempotency-Key: {key}\r\nContent-Length: {}\r\n\r\n",
            self.repair,
            bytes.len()
        );
        self.raw(head.as_bytes(), bytes)
    }

    /// Whoever is refused is told so before they have sent all of it.
    fn raw(&self, head: &[u8], body: &[u8]) -> Answer {
        let mut socket = TcpStream::connect(self.house.server).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        socket.write_all(head).unwrap();
        for piece in body.chunks(64 * 1024) {
            if socket.write_all(piece).is_err() {
                break;
            }
        }
        let mut answer = vec![];
        let mut piece = [0; 8192];
        loop {
            match socket.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => answer.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset && !answer.is_empty() => break,
                Err(error) => panic!("{error} after {}", String::from_utf8_lossy(&answer)),
            }
        }
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: answer[end + 4..].to_vec() }
    }

    fn fetch(&self, token: &str, file: &Value) -> Answer {
        let file = file.as_str().unwrap();
        let authorization = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        let head = format!(
            "GET /v1/repairs/{}/files/{file} HTTP/1.1\r\nHost: daftar\r\nConnection: close\r\nAccept-Language: en\r\n{authorization}\r\n",
            self.repair
        );
        self.raw(head.as_bytes(), &[])
    }

    /// Files on disk, wherever in the folder they are.
    fn on_disk(&self) -> usize {
        fn count(folder: &Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(self.house.files())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_attached_is_given_back_as_it_was_to_whoever_may_see_it() {
    let counter = Counter::open().await;
    let (noura, technician) = (&counter.noura.token, &counter.technician);
    let sent = counter.send(noura, "name=%D9%85%D8%A8%D8%B1%D8%AF.jpg", "k-1", JPEG);
    assert_eq!(sent.status, 201, "{}", String::from_utf8_lossy(&sent.body));
    let attached = sent.json();
    assert_eq!(
        (&attached["mediaType"], &attached["bytes"], &attached["readable"]),
        (&json!("image/jpeg"), &json!(JPEG.len()), &json!(true))
    );
    let again = counter.send(noura, "name=%D9%85%D8%A8%D8%B1%D8%AF.jpg", "k-1", JPEG);
    assert_eq!((again.status, &again.json()["fileId"]), (201, &attached["fileId"]), "a retry is answered as the first try was");
    assert_eq!(
        counter.send(noura, "name=other.jpg", "k-1", JPEG).told(),
        "409 IDEMPOTENCY_KEY_REUSED -: this idempotency key was used for another request\n"
    );

    let given = counter.fetch(technician, &attached["fileId"]);
    assert_eq!((given.status, given.body.as_slice()), (200, JPEG));
    let headers = ["content-type", "content-disposition", "x-content-type-options", "content-security-policy", "cache-control"];
    expect![[r#"
        content-type: image/jpeg
        content-disposition: attachment; filename*=UTF-8''%D9%85%D8%A8%D8%B1%D8%AF.jpg
        x-content-type-options: nosniff
        content-security-policy: default-src 'none'; sandbox
        cache-control: private, no-store
    "#]]
    .assert_eq(&headers.map(|name| format!("{name}: {}\n", given.header(name).unwrap_or("-"))).concat());
    assert_eq!(counter.fetch(noura, &attached["fileId"]).status, 200);

    let internal = counter.send(technician, "name=note.pdf&internal=true", "k-2", b"%PDF-1.7\n%%EOF\n").json();
    assert_eq!(counter.fetch(technician, &internal["fileId"]).status, 200);
    assert_eq!(counter.fetch(noura, &internal["fileId"]).told(), "404 NOT_FOUND -: not found\n");
    let seen = |token: &str| {
        let query = "query($id: ID!) { repair(id: $id) { files { name mediaType sha256 } } }";
        counter.house.ask(token, "en", query, json!({ "id": counter.repair }))["data"]["repair"]["files"].clone()
    };
    let own = json!({ "name": "مبرد.jpg", "mediaType": "image/jpeg", "sha256": attached["sha256"] });
    assert_eq!(seen(noura), json!([own]));
    assert_eq!(seen(technician).as_array().unwrap().len(), 2);

    for (token, told) in [(counter.salem.token.as_str(), "404 NOT_FOUND -: not found\n"), ("", "401 UNAUTHENTICATED -: sign in first\n")] {
        assert_eq!(counter.fetch(token, &attached["fileId"]).told(), told);
    }
    let before = counter.on_disk();
    assert_eq!(counter.send(&counter.salem.token, "name=a.jpg", "k", JPEG).told(), "404 NOT_FOUND -: not found\n");
    assert_eq!(
        counter.send(noura, "name=a.jpg&internal=true", "k-3", b"%PDF-1.4\n").told(),
        "422 NOT_FOR_CUSTOMERS -: customers see what they write: only staff write to one another\n"
    );
    assert_eq!(counter.on_disk(), before);

    // Somebody has been at the disk: what is there is not given out as what was attached.
    let kept = counter.house.files().join(counter.noura.account.as_str().unwrap()).join(attached["sha256"].as_str().unwrap());
    std::fs::write(&kept, b"another image").unwrap();
    assert!(counter.fetch(noura, &attached["fileId"]).told().starts_with("500 INTERNAL"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_attached_is_refused_clearly_and_leaves_nothing() {
    let counter = Counter::open().await;
    let noura = &counter.noura.token;
    let zip_bomb = [&b"PK\x03\x04\x14\0\0\0\x08\0"[..], &[0; 4096]].concat();
    let wide = [&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], &60_000_u32.to_be_bytes(), &60_000_u32.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
    let mut told = String::new();
    for (what, name, bytes) in [
        ("a script named .jpg", "photo.jpg", &b"<script>fetch('//evil')</script>"[..]),
        ("a program", "photo.jpg", b"MZ\x90\0\x03\0\0\0"),
        ("a drawing that runs", "a.svg", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"),
        ("a zip bomb", "photo.jpg", &zip_bomb),
        ("a gzip bomb", "photo.png", b"\x1f\x8b\x08\0\0\0\0\0\0\x03"),
        ("an image of 3.6 thousand million pixels", "a.png", &wide),
        ("an image that does not say how large it is", "a.jpg", b"\xff\xd8\xff\xd9"),
        ("nothing", "a.jpg", b""),
        ("a way up", "..%2F..%2Fetc%2Fpasswd", JPEG),
        ("a way up, for Windows", "..%5C..%5Cboot.ini", JPEG),
        ("an absolute way", "%2Fetc%2Fpasswd", JPEG),
        ("an end of text", "a.jpg%00.exe", JPEG),
        ("a hidden file", ".htaccess", JPEG),
        ("a header", "a%0D%0AX-Evil:%201", JPEG),
        ("no name", "", JPEG),
    ] {
        told += &format!("{what}: {}", counter.send(noura, &format!("name={name}"), "k", bytes).told());
    }
    expect![[r#"
        a script named .jpg: 415 FILE_OF_OTHER_KIND -: only JPEG and PNG images and PDF documents can be attached, and the content is none of them, whatever its name says
        a program: 415 FILE_OF_OTHER_KIND -: only JPEG and PNG images and PDF documents can be attached, and the content is none of them, whatever its name says
        a drawing that runs: 415 FILE_OF_OTHER_KIND -: only JPEG and PNG images and PDF documents can be attached, and the content is none of them, whatever its name says
        a zip bomb: 415 FILE_OF_OTHER_KIND -: only JPEG and PNG images and PDF documents can be attached, and the content is none of them, whatever its name says
        a gzip bomb: 415 FILE_OF_OTHER_KIND -: only JPEG and PNG images and PDF documents can be attached, and the content is none of them, whatever its name says
        an image of 3.6 thousand million pixels: 422 IMAGE_TOO_LARGE -: an image has at most 100000000 pixels
        an image that does not say how large it is: 415 FILE_OF_OTHER_KIND -: only JPEG and PNG images and PDF documents can be attached, and the content is none of them, whatever its name says
        nothing: 422 FILE_EMPTY -: the file is empty
        a way up: 422 INVALID_INPUT name: it must be a file's name, and no way to somewhere
        a way up, for Windows: 422 INVALID_INPUT name: it must be a file's name, and no way to somewhere
        an absolute way: 422 INVALID_INPUT name: it must be a file's name, and no way to somewhere
        an end of text: 422 INVALID_INPUT name: it must be one line of plain text
        a hidden file: 422 INVALID_INPUT name: it must be a file's name, and no way to somewhere
        a header: 422 INVALID_INPUT name: it must be one line of plain text
        no name: 422 INVALID_INPUT name: it must not be blank
    "#]]
    .assert_eq(&told);

    // A hundred megabytes: told by the head, and told at the eleventh when the head does not say.
    let head = |how: &str| {
        format!(
            "POST /v1/repairs/{}/files?name=a.jpg HTTP/1.1\r\nHost: daftar\r\nConnection: close\r\nAuthorization: Bearer {noura}\r\nAccept-Language: en\r\nIdempotency-Key: k\r\n{how}\r\n\r\n",
            counter.repair
        )
    };
    let too_large = "413 FILE_TOO_LARGE -: a file has at most 10485760 bytes\n";
    assert_eq!(counter.raw(head("Content-Length: 104857600").as_bytes(), &[]).told(), too_large);
    let piece = [&b"10000\r\n"[..], &[0; 65536], b"\r\n"].concat();
    let chunked: Vec<u8> = [&format!("{:x}\r\n", JPEG.len()).into_bytes()[..], JPEG, b"\r\n"]
        .into_iter()
        .chain(std::iter::repeat_n(&piece[..], 1_600))
        .flatten()
        .copied()
        .collect();
    assert_eq!(counter.raw(head("Transfer-Encoding: chunked").as_bytes(), &chunked).told(), too_large);
    assert_eq!(
        counter.raw(head("Content-Encoding: gzip\r\nContent-Length: 26").as_bytes(), JPEG).told(),
        "415 FILE_PACKED -: the file came packed, and is taken as it is or not at all\n"
    );
    // Somebody goes away in the middle of it.
    let mut socket = TcpStream::connect(counter.house.server).unwrap();
    socket.write_all(head("Content-Length: 1000").as_bytes()).unwrap();
    socket.write_all(JPEG).unwrap();
    drop(socket);
    tokio::time::sleep(Duration::from_millis(500)).await;

    assert_eq!(counter.on_disk(), 0, "nothing is left");
    let files = counter.house.ask(noura, "en", "query($id: ID!) { repair(id: $id) { files { id } } }", json!({ "id": counter.repair }));
    assert_eq!(files["data"]["repair"]["files"], json!([]));
}
