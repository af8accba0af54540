//! What a refused Telnet login costs whoever does nothing else: a server that takes connections, sends the same bytes in as many sends as
//! the trap, sleeps as long over the refusal, and neither understands nor tells anything. Most of it is the kernel's.

use std::net::Ipv4Addr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// As many as the traps have.
const THREADS: usize = 2;
/// What a router's BusyBox sends: its options with the prompt, the name's echo with the next prompt, the line's end, the refusal.
const GREETING: &[u8] = b"\xff\xfd\x01\xff\xfd\x1f\xff\xfb\x01\xff\xfb\x03\r\n(none) login: ";
const PASSWORD: &[u8] = b"root\r\nPassword: ";
const END: &[u8] = b"\r\n";
const REFUSAL: &[u8] = b"Login incorrect\r\n(none) login: ";
const PAUSE: Duration = Duration::from_secs(3);

async fn refuse(mut visitor: TcpStream) -> std::io::Result<()> {
    let mut buffer = [0; 4_096];
    visitor.write_all(GREETING).await?;
    for answer in [PASSWORD, END] {
        if visitor.read(&mut buffer).await? == 0 {
            return Ok(());
        }
        visitor.write_all(answer).await?;
    }
    tokio::time::sleep(PAUSE).await;
    visitor.write_all(REFUSAL).await?;
    while visitor.read(&mut buffer).await? > 0 {}
    Ok(())
}

/// Serves, says on which port, and ends with its standard input.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        println!("{}", listener.local_addr().unwrap().port());
        let (stop, mut stopping) = tokio::sync::watch::channel(false);
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
            let _ = stop.send(true);
        });
        loop {
            tokio::select! {
                _ = stopping.changed() => return,
                accepted = listener.accept() => {
                    if let Ok((visitor, _)) = accepted {
                        tokio::spawn(refuse(visitor));
                    }
                }
            }
        }
    });
}
