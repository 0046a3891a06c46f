//! A relay that opens late, as port forwards of containers do.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Takes every connection and closes it again until it is opened; then it forwards. The thread ends with the
/// test process.
pub struct Relay {
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// The port alone.
    pub port: u16,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_open: bool,
    count: usize,
    /// One end of each connection that is forwarded.
    carried: BTreeMap<usize, TcpStream>,
}

impl Relay {
    /// A closed relay to this address.
    pub fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("the listener has an address");
        let state: Arc<Mutex<State>> = Arc::default();
        let (target, known) = (target.to_owned(), Arc::clone(&state));
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(mut state) = known.lock() else { return };
                if !state.is_open {
                    continue;
                }
                // What stands behind it may be gone; then the connection closes too.
                let Ok(far) = TcpStream::connect(&target) else { continue };
                let (Ok(near_end), Ok(near_too), Ok(far_too)) =
                    (near.try_clone(), near.try_clone(), far.try_clone())
                else {
                    continue;
                };
                state.count += 1;
                let number = state.count;
                state.carried.insert(number, near_end);
                let ended = Arc::clone(&known);
                thread::spawn(move || carry(far, near));
                thread::spawn(move || {
                    carry(near_too, far_too);
                    if let Ok(mut state) = ended.lock() {
                        state.carried.remove(&number);
                    }
                });
            }
        });
        Self { address: address.to_string(), port: address.port(), state }
    }

    /// Forwards what comes from now on.
    pub fn open(&self) {
        self.state.lock().expect("no thread panics with it").is_open = true;
    }

    /// Cuts every connection, and closes new ones again.
    pub fn close(&self) {
        let mut state = self.state.lock().expect("no thread panics with it");
        state.is_open = false;
        for (_, stream) in std::mem::take(&mut state.carried) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    let mut bytes = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
