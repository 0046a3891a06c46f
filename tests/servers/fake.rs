//! Addresses where something is wrong.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::Mutex;
use std::thread;

use rustix::net::{AddressFamily, SocketType, bind, getsockname, socket};

/// An address on 127.0.0.1 that misbehaves in one certain way.
pub struct Fake {
    /// The port alone.
    pub port: u16,
    /// `127.0.0.1:PORT`.
    pub address: String,
    reserved: Option<OwnedFd>,
}

impl Fake {
    /// Takes connections and never answers.
    pub fn silent_port() -> Self {
        let kept = Mutex::new(Vec::new());
        Self::listen(move |connection| {
            if let Ok(mut kept) = kept.lock() {
                kept.push(connection);
            }
        })
    }

    /// Answers bytes that mean nothing to anybody.
    pub fn garbage_port() -> Self {
        Self::listen(|mut connection| {
            let _ = connection.read(&mut [0; 1024]);
            let _ = connection.write_all(&[0x9b, 0x00, 0xff, 0x17, 0x42, 0xfe, 0x80, 0x7f].repeat(16));
            let _ = connection.read(&mut [0; 1024]);
        })
    }

    /// Answers as a web server does.
    pub fn http_port() -> Self {
        Self::listen(|mut connection| {
            let _ = connection.read(&mut [0; 1024]);
            let _ = connection
                .write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        })
    }

    /// Greets as PostgreSQL without TLS does, and sends one of these after each message of the client.
    pub fn postgres(answers: &[&[u8]]) -> Self {
        let answers: Vec<Vec<u8>> = answers.iter().map(|answer| answer.to_vec()).collect();
        Self::listen(move |mut connection| {
            for answer in [b"N".to_vec()].iter().chain(&answers) {
                if connection.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {
                    let _ = connection.write_all(answer);
                }
            }
            while connection.read(&mut [0; 1024]).is_ok_and(|count| count > 0) {}
        })
    }

    /// Takes connections and closes them at once.
    pub fn closing_port() -> Self {
        Self::listen(drop)
    }

    /// Refuses connections; the port is held, so that nobody else starts to listen there.
    pub fn closed_port() -> Self {
        let held = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
        bind(&held, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).expect("a free port on 127.0.0.1");
        let name = getsockname(&held).expect("the socket has an address");
        let name: SocketAddrV4 = name.try_into().expect("an IPv4 address");
        Self { port: name.port(), address: name.to_string(), reserved: Some(held) }
    }

    fn listen(answer: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on 127.0.0.1");
        let address = listener.local_addr().expect("the listener has an address");
        // The thread ends with the test process.
        thread::spawn(move || {
            thread::scope(|scope| {
                for connection in listener.incoming().flatten() {
                    scope.spawn(|| answer(connection));
                }
            });
        });
        Self { port: address.port(), address: address.to_string(), reserved: None }
    }
}
