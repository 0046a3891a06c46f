//! Servers at the etcd port that are no etcd: a web server that speaks HTTP/2, and one with TLS.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use super::{Case, row, together};
use crate::servers::Etcd;

/// One frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream, payload].concat()
}

/// Answers every request with this status of HTTP, which is an index of HPACK's table, and this body.
fn serve(mut client: TcpStream, status: u8, body: &[u8]) -> std::io::Result<()> {
    client.read_exact(&mut [0; 24])?; // the preface
    client.write_all(&frame(4, 0, [0; 4], &[]))?;
    loop {
        let mut head = [0; 9];
        client.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        client.read_exact(&mut vec![0; length])?;
        let stream = [head[5], head[6], head[7], head[8]];
        match (head[3], head[4]) {
            (4, 0) => client.write_all(&frame(4, 1, [0; 4], &[]))?,
            (1, _) => {
                let ends = u8::from(body.is_empty());
                client.write_all(&frame(1, 4 | ends, stream, &[0x80 | status]))?;
                if !body.is_empty() {
                    client.write_all(&frame(0, 1, stream, body))?;
                }
            }
            _ => {}
        }
    }
}

/// A web server that speaks HTTP/2 without TLS.
fn web(status: u8, body: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            thread::spawn(move || serve(client, status, body));
        }
    });
    address
}

#[test]
fn what_answers_at_the_port_of_etcd() {
    let told = |address: String, names: &'static [&'static str]| {
        let case = Case::new().set("etcd.endpoints", format!("[{address}]")).flags(["check", "etcd"]);
        let port = address.rsplit(':').next().expect("a port").to_owned();
        let told = case.fails(4, "E-ETCD-PROTOCOL").names(names);
        told.without(&[(&address, "STRANGER"), (&port, "PORT")])
    };
    let tls = Etcd::with_tls();
    let told = together(vec![
        row("a web server that finds nothing", move || {
            told(web(13, b""), &["answers, but not as etcd", "HTTP status 404", "etcd.endpoints"])
        }),
        row("a web server with a page for everybody", move || {
            told(web(8, b"<html>Welcome</html>\n"), &["answers, but not as etcd", "web server"])
        }),
        row("a web server that refuses", move || {
            told(web(12, b"bad request\n"), &["answers, but not as etcd", "web server"])
        }),
        row("TLS", || told(tls.endpoint.clone(), &["it wants TLS", "web server (https)", "etcd.endpoints"])),
    ]);
    insta::assert_snapshot!(told);
}
