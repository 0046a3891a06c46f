//! A relay that opens late, as port forwards of containers do; or holds a request up.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use super::PATIENCE;

/// Takes every connection and closes it again until it is opened; then it forwards. The thread ends with the
/// test process.
pub struct Relay {
    /// `127.0.0.1:PORT`.
    pub address: String,
    /// The port alone.
    pub port: u16,
    state: Arc<Mutex<State>>,
    hold: Arc<Hold>,
}

/// Where a request is held up.
#[derive(Default)]
struct Hold {
    at: Mutex<Held>,
    changed: Condvar,
}

#[derive(Default)]
enum Held {
    /// Nothing is held up, now or any more.
    #[default]
    Not,
    /// What holds these bytes will be.
    Waits(Vec<u8>),
    /// It is there.
    There,
}

impl Hold {
    /// Holds these bytes up, if they are what is waited for, until they may go on.
    fn pass(&self, bytes: &[u8]) {
        let mut at = self.at.lock().expect("no thread panics with it");
        if matches!(&*at, Held::Waits(wanted) if bytes.windows(wanted.len()).any(|window| window == wanted)) {
            *at = Held::There;
            self.changed.notify_all();
            drop(self.changed.wait_while(at, |at| matches!(at, Held::There)));
        }
    }
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
        let hold: Arc<Hold> = Arc::default();
        let (target, known, holds) = (target.to_owned(), Arc::clone(&state), Arc::clone(&hold));
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
                thread::spawn(move || carry(far, near, |_| {}));
                let holds = Arc::clone(&holds);
                thread::spawn(move || {
                    carry(near_too, far_too, |bytes| holds.pass(bytes));
                    if let Ok(mut state) = ended.lock() {
                        state.carried.remove(&number);
                    }
                });
            }
        });
        Self { address: address.to_string(), port: address.port(), state, hold }
    }

    /// Holds up the first request with these bytes in it, does something meanwhile, and lets it go on.
    pub fn hold_up<T>(&self, bytes: &str, start: impl FnOnce() -> T, meanwhile: impl FnOnce()) -> T {
        *self.hold.at.lock().expect("no thread panics with it") = Held::Waits(bytes.as_bytes().to_vec());
        let started = start();
        let at = self.hold.at.lock().expect("no thread panics with it");
        let there = |at: &mut Held| !matches!(at, Held::There);
        let (at, late) =
            self.hold.changed.wait_timeout_while(at, PATIENCE, there).expect("no thread panics with it");
        assert!(!late.timed_out(), "no request had `{bytes}` in it");
        drop(at);
        meanwhile();
        *self.hold.at.lock().expect("no thread panics with it") = Held::Not;
        self.hold.changed.notify_all();
        started
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

fn carry(mut from: TcpStream, mut to: TcpStream, before: impl Fn(&[u8])) {
    let mut bytes = [0; 65536];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        before(&bytes[..count]);
        if to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}
