//! A wire to the server that breaks when told to.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// What does not arrive. Either way the connection then breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loses {
    /// The server never hears of it.
    Question,
    /// The server has done it; the client never hears of that.
    Answer,
}

pub struct Proxy {
    port: u16,
    lost: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Proxy {
    /// Passes everything on, until a client says the word. That breaks one connection, once.
    pub async fn start(server: u16, loses: Loses, word: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (lost, word) = (Arc::new(AtomicBool::new(false)), Arc::<[u8]>::from(word.as_bytes()));
        let wire = Wire { loses, word, lost: Arc::clone(&lost) };
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let wire = wire.clone();
                tokio::spawn(async move { wire.carry(client, TcpStream::connect(("127.0.0.1", server)).await?).await });
            }
        });
        Self { port, lost, accepting }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn has_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Clone)]
struct Wire {
    loses: Loses,
    word: Arc<[u8]>,
    lost: Arc<AtomicBool>,
}

impl Wire {
    async fn carry(self, client: TcpStream, server: TcpStream) -> io::Result<()> {
        let ((mut from_client, mut to_client), (mut from_server, mut to_server)) = (client.into_split(), server.into_split());
        let (mut asked, mut answered) = (vec![0; 1 << 16], vec![0; 1 << 16]);
        let mut swallow = false;
        loop {
            tokio::select! {
                read = from_client.read(&mut asked) => {
                    let asked = &asked[..read?];
                    if asked.is_empty() {
                        return Ok(());
                    }
                    let said = asked.windows(self.word.len()).any(|words| words == &*self.word);
                    if said && !self.lost.swap(true, Ordering::Relaxed) {
                        if self.loses == Loses::Question {
                            return Ok(());
                        }
                        swallow = true;
                    }
                    to_server.write_all(asked).await?;
                }
                read = from_server.read(&mut answered) => {
                    let answered = &answered[..read?];
                    // A server answers a statement when it is done with it, so there is nothing left to come.
                    if answered.is_empty() || swallow {
                        return Ok(());
                    }
                    to_client.write_all(answered).await?;
                }
            }
        }
    }
}
