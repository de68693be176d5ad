//! A proxy on this machine that delays everything by as much as a distant service does.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

/// Starts a proxy to `target`, a host and a port, that delays each direction by half of
/// `round_trip`; gives where it listens. It ends with the process.
pub(crate) fn proxy(target: &str, round_trip: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port of the kernel's choice is free");
    let address = listener.local_addr().expect("a listener has an address");
    let target = target.to_owned();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let Ok(server) = TcpStream::connect(&target) else { continue };
            connect(client, server, round_trip / 2);
        }
    });
    address.to_string()
}

fn connect(client: TcpStream, server: TcpStream, delay: Duration) {
    // Each of its own, as a half that is closed must not close the other.
    let (client2, server2) = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
    thread::spawn(move || carry(client, server, delay));
    thread::spawn(move || carry(server2, client2, delay));
}

/// Forwards bytes in one direction, each after `delay`. Later bytes do not wait for earlier ones to arrive, so the
/// bandwidth is not limited.
fn carry(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (sender, receiver) = mpsc::channel::<(Instant, Vec<u8>)>();
    let _ = to.set_nodelay(true);
    let writer = thread::spawn(move || {
        for (due, bytes) in receiver {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&bytes).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
    let mut buffer = vec![0; 1 << 16];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        if sender.send((Instant::now() + delay, buffer[..read].to_vec())).is_err() {
            break;
        }
    }
    drop(sender);
    let _ = writer.join();
}
