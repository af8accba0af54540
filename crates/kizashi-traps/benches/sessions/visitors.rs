//! Visitors that play a dialogue again and again, from many addresses of the loopback, so that no cap meets them.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::dialogue::Dialogue;

/// Visitors at a time.
const VISITORS: u8 = 16;
/// One that hears less than was said in rehearsal goes on after so long.
const PATIENCE: Duration = Duration::from_secs(2);

async fn hear(visitor: &mut tokio::net::TcpStream, mut expected: usize) -> Option<()> {
    let mut buffer = [0; 16 * 1024];
    while expected > 0 {
        let read = tokio::time::timeout(PATIENCE, visitor.read(&mut buffer)).await;
        let count = read.ok()?.ok().filter(|count| *count > 0)?;
        expected = expected.saturating_sub(count);
    }
    Some(())
}

async fn visit(source: IpAddr, address: SocketAddr, dialogue: &Dialogue) -> Option<()> {
    let socket = TcpSocket::new_v4().ok()?;
    socket.bind(SocketAddr::new(source, 0)).ok()?;
    let mut visitor = socket.connect(address).await.ok()?;
    visitor.set_nodelay(true).ok()?;
    hear(&mut visitor, dialogue.greeting.len()).await?;
    for exchange in &dialogue.exchanges {
        visitor.write_all(&exchange.sent).await.ok()?;
        hear(&mut visitor, exchange.answered.len()).await?;
    }
    Some(())
}

/// Whole sessions in this time; a session that breaks off is a fault of the measurement.
pub(crate) fn play(address: SocketAddr, dialogue: &Dialogue, time: Duration) -> u64 {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let end = Instant::now() + time;
    runtime.block_on(async {
        let mut all = tokio::task::JoinSet::new();
        for visitor in 1..=VISITORS {
            let dialogue = dialogue.clone();
            all.spawn(async move {
                let (mut whole, mut turn) = (0_u64, 0_u16);
                while Instant::now() < end {
                    turn = turn.wrapping_add(1);
                    let [high, low] = turn.to_be_bytes();
                    let source = IpAddr::V4(Ipv4Addr::new(127, visitor, high, low.max(1)));
                    let done = visit(source, address, &dialogue).await;
                    assert!(done.is_some(), "{}: a session broke off", dialogue.name);
                    whole += 1;
                }
                whole
            });
        }
        let mut sum = 0;
        while let Some(whole) = all.join_next().await {
            sum += whole.unwrap();
        }
        sum
    })
}
