//! WebSockets and clients that break the protocol or a limit, byte by byte.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use rustix::net::sockopt::set_socket_linger;
use tungstenite::Message;

use crate::server::Server;
use crate::waiting::{PATIENCE, is, rounds, wait_for, wait_until};
use crate::world::World;

/// A frame as a client sends it; the mask changes nothing.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    match payload.len() {
        short @ 0..126 => out.push(0x80 | u8::try_from(short).unwrap()),
        middle @ 126..65536 => {
            out.push(0x80 | 126);
            out.extend(u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            out.push(0x80 | 127);
            out.extend((long as u64).to_be_bytes());
        }
    }
    out.extend([0; 4]);
    out.extend_from_slice(payload);
    out
}

/// Reads frames up to the server's close, and its code. `None`: there was none.
fn close_code(mut stream: TcpStream, mut unread: Vec<u8>) -> Option<u16> {
    stream.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
    let mut buffer = [0; 65536];
    loop {
        // Our frames are whole and short here, but for one with 126 in its length.
        while unread.len() >= 4 {
            let (first, short) = (unread[0], usize::from(unread[1]));
            let (head, length) = match short {
                126 => (4, usize::from(u16::from_be_bytes([unread[2], unread[3]]))),
                length => (2, length),
            };
            if unread.len() < head + length {
                break;
            }
            if first == 0x88 {
                return Some(u16::from_be_bytes([unread[2], unread[3]]));
            }
            unread.drain(..head + length);
        }
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => unread.extend_from_slice(&buffer[..count]),
            _ => return None,
        }
    }
}

/// Sends these bytes on a WebSocket of its own.
fn say(server: &Server, bytes: &[u8]) -> Option<u16> {
    let (mut stream, unread) = server.raw_ws("/api/events");
    // It may be closed before all was taken.
    let _ = stream.write_all(bytes);
    close_code(stream, unread)
}

#[test]
fn a_client_that_breaks_the_protocol_gets_a_reason_and_is_closed() {
    let world = World::new();
    let server = world.serve();
    let too_long = vec![b'a'; 65 * 1024];
    let half = vec![b'a'; 40 * 1024];
    let cases: [(&str, Vec<u8>, &[u16]); 18] = [
        ("unmasked", b"\x81\x02hi".to_vec(), &[1002]),
        ("RSV1", frame(0xc1, b"a"), &[1002]),
        ("RSV2", frame(0xa1, b"a"), &[1002]),
        ("RSV3", frame(0x91, b"a"), &[1002]),
        ("a reserved opcode", frame(0x83, b"a"), &[1002]),
        ("a reserved control opcode", frame(0x8b, b"a"), &[1002]),
        ("a ping in pieces", frame(0x09, b"a"), &[1002]),
        ("a ping of 126 bytes", frame(0x89, &[0; 126]), &[1002]),
        ("a piece of nothing", frame(0x80, b"a"), &[1002]),
        ("a text within a text", [frame(0x01, b"a"), frame(0x81, b"b")].concat(), &[1002]),
        ("a close of one byte", frame(0x88, b"a"), &[1002]),
        ("2^63 bytes", b"\x82\xff\x80\0\0\0\0\0\0\0\0\0\0\0".to_vec(), &[1002, 1009]),
        ("2^63 - 1 bytes", b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0".to_vec(), &[1009]),
        ("65 KiB", frame(0x82, &too_long), &[1009]),
        ("65 KiB of text", frame(0x81, &too_long), &[1009]),
        ("80 KiB in pieces", [frame(0x02, &half), frame(0x80, &half)].concat(), &[1009]),
        ("no UTF-8", frame(0x81, b"a\xff\xfeb"), &[1007]),
        ("HTTP", server.head("GET", "/", &[]).into_bytes(), &[1002]),
    ];
    for (what, bytes, codes) in cases {
        let code = say(&server, &bytes);
        assert!(code.is_some_and(|code| codes.contains(&code)), "{what}: {code:?}, not {codes:?}");
    }
    // The longest allowed message is accepted, also in fragments with a ping between them.
    let longest = frame(0x82, &vec![0; 64 * 1024]);
    let pieces = [frame(0x01, "é".as_bytes()), frame(0x89, b"ping"), frame(0x00, b""), frame(0x80, b"b")].concat();
    for bytes in [longest, pieces] {
        let goodbye = frame(0x88, &1000_u16.to_be_bytes());
        assert_eq!(say(&server, &[bytes, goodbye].concat()), Some(1000));
    }
    // Junk behind the handshake, in the same write.
    let mut stream = server.connect();
    let mut bytes = server.head("GET", "/api/events", crate::server::UPGRADE).into_bytes();
    bytes.extend([0xff; 16]);
    stream.write_all(&bytes).unwrap();
    let reply = crate::server::Reply::read(&mut stream).unwrap();
    assert_eq!((reply.status, close_code(stream, reply.body)), (101, Some(1002)));
    server.assert_alive();
}

#[test]
fn a_flood_of_pings_is_closed_and_a_few_are_answered() {
    let world = World::new();
    let server = world.serve();
    assert_eq!(say(&server, &frame(0x89, b"").repeat(100_000)), Some(1008));
    let mut socket = server.ws("/api/events");
    socket.next_json();
    for _ in 0..20 {
        socket.0.send(Message::Ping("x".into())).unwrap();
        while !socket.0.read().unwrap().is_pong() {}
    }
    drop(socket);
    server.assert_alive();
}

#[test]
fn the_65th_is_refused_and_the_others_notice_nothing() {
    let world = World::new();
    world.task("A", "%hang\n");
    let server = world.serve();
    let mut sockets: Vec<_> = (0..64).map(|_| server.ws("/api/events")).collect();
    for socket in &mut sockets {
        assert_eq!(socket.next_json()["event"], "hello");
    }
    let bearer = format!("Bearer {}", server.token);
    assert_eq!(server.try_ws("/api/events", &[("Authorization", &bearer)]).err(), Some(503));
    world.detach("job", "A");
    for socket in &mut sockets {
        while socket.next_json()["run"]["state"] != "running" {}
    }
    drop(sockets.pop());
    wait_until("a seat is free", || {
        let status = server.try_ws("/api/events", &[("Authorization", &bearer)]).err();
        is(status.is_none(), format!("{status:?}"))
    });
    drop(sockets);
    server.assert_alive();
}

#[test]
fn a_client_that_disappears_is_noticed_without_a_timeout() {
    let world = World::new();
    world.task("A", "%hang\n");
    // The timeouts are long: they detect none of these clients.
    let server = world.serve_timed("ping=600000 dead=600000");
    world.detach("job", "A");
    for number in 0..rounds(500) {
        let (stream, _) = server.raw_ws(["/api/events", "/logs/job/A"][number % 2]);
        match number % 3 {
            0 => {}
            1 => set_socket_linger(&stream, Some(Duration::ZERO)).unwrap(),
            _ => stream.shutdown(Shutdown::Write).unwrap(),
        }
    }
    server.assert_alive();
}

/// Clients whose machine sleeps: the system takes bytes, the client sends nothing.
#[test]
fn a_client_that_sleeps_is_given_up_and_one_that_answers_pings_is_not() {
    let world = World::new();
    let server = world.serve_timed("ping=300 dead=3000");
    let sleeping: Vec<_> = (0..8).map(|_| server.raw_ws("/api/events")).collect();
    let mut awake = server.ws("/api/events");
    awake.0.get_ref().set_read_timeout(Some(Duration::from_millis(20))).unwrap();
    let open = |server: &Server| {
        let metrics = server.get("/metrics").text();
        metrics.lines().find_map(|line| line.strip_prefix("dispatch_ws_open ").map(str::to_owned)).unwrap_or(metrics)
    };
    let mut pings = 0;
    wait_for(3 * PATIENCE, "those that sleep are given up, and the other one was pinged for longer", || {
        // It answers pings by reading.
        pings += usize::from(awake.0.read().is_ok_and(|message| message.is_ping()));
        let open = open(&server);
        is(pings > 12 && open == "1", format!("{pings} pings, {open} open"))
    });
    drop((sleeping, awake));
    server.assert_alive();
}
