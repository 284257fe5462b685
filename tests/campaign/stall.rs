//! The disk hangs, and so does every sync: what waits for it is bounded, the rest is told to come again later, and once
//! the disk goes on so does everything that waited. And a server that is out of descriptors serves again when there are
//! some.

use crate::http::{Http, post};
use crate::program::Running;
use crate::shim::around;
use crate::world::{Acknowledged, Found, World, ready};
use std::fs;
use std::process::Command;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// More than the server answers at once.
const CLIENTS: usize = 1100;
const IN_FLIGHT_MAX: usize = 1024;
/// Descriptors of a server that has none to spare, and connections that want them.
const DESCRIPTORS: u32 = 64;
const CONNECTIONS: usize = 100;

#[test]
fn on_a_disk_that_hangs_requests_wait_in_bounds_and_then_go_on() {
    let world = World::make();
    let (data, stall) = (world.place.path("data"), world.place.path("stall"));
    let argument = data.display().to_string();
    let command = world.place.command(&["serve", "--data", &argument]);
    let file = stall.display().to_string();
    let started = ready(Running::start(around(command, &data, &[("FAULT_STALL", &file)])));
    let (server, address) = started.expect("it starts");
    let mut http = Http::connect(&address).expect("connected");
    let tokens: Vec<String> = (0..CLIENTS).map(|_| http.mint(&world.app).expect("minted")).collect();
    let requests: Vec<String> = tokens
        .iter()
        .map(|token| {
            post(
                "/oauth/revoke",
                &world.app,
                &format!("token={token}"),
                "Connection: close\r\n",
            )
        })
        .collect();
    fs::write(&stall, "").expect("written");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let answers = runtime.block_on(async {
        let (tell, mut told) = mpsc::unbounded_channel();
        for (n, request) in requests.into_iter().enumerate() {
            let (address, tell) = (address.clone(), tell.clone());
            tokio::spawn(async move { tell.send((n, ask(&address, &request).await)) });
        }
        drop(tell);
        let mut answers = Vec::new();
        while answers.len() < CLIENTS - IN_FLIGHT_MAX {
            answers.push(told.recv().await.expect("whoever finds no place is told so at once"));
        }
        fs::remove_file(&stall).expect("removed");
        while let Some(answer) = told.recv().await {
            answers.push(answer);
        }
        answers
    });
    let mut done = Acknowledged::default();
    let mut refused = 0;
    for (n, answer) in answers {
        if answer.starts_with("HTTP/1.1 200 ") {
            done.revoked.push(tokens[n].clone());
        } else {
            assert!(
                answer.starts_with("HTTP/1.1 503 ") && answer.contains("\r\nretry-after: "),
                "{answer}"
            );
            refused += 1;
        }
    }
    assert_eq!(refused + done.revoked.len(), CLIENTS, "everybody is answered");
    let log = server.kill();
    assert!(!log.contains("panicked"), "{log}");
    match world.judge_with(&data, &done) {
        Found::Whole(_) => {}
        other => panic!("{other:?}"),
    }
    println!("a disk that hangs: {refused} of {CLIENTS} told to come again later, the others served, nothing lost");
}

async fn ask(address: &str, request: &str) -> String {
    let mut answer = String::new();
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

#[test]
fn a_server_that_was_out_of_descriptors_serves_again() {
    let world = World::make();
    let data = world.place.path("data");
    let argument = data.display().to_string();
    let program = world.place.command(&["serve", "--data", &argument]);
    let mut command = Command::new("prlimit");
    command
        .arg(format!("--nofile={DESCRIPTORS}"))
        .arg(program.get_program());
    command
        .args(program.get_args())
        .env_clear()
        .current_dir(world.place.path("work"));
    let (server, address) = ready(Running::start(command)).expect("it starts");
    let mut held: Vec<_> = (0..CONNECTIONS)
        .map(|_| Http::connect(&address).expect("the system accepts"))
        .collect();
    // Whoever has a place is answered; the oldest may have lost theirs to newcomers, and the last wait for one.
    assert!(
        held.iter_mut()
            .any(|http| http.get("/healthz").is_ok_and(|answer| answer.status == 200))
    );
    held.clear();
    let mut http = Http::connect(&address).expect("connected");
    let token = http.mint(&world.app).expect("served again");
    http.revoke(&world.app, &token).expect("revoked");
    drop(http);
    let revoked = Acknowledged {
        revoked: vec![token],
        ..Acknowledged::default()
    };
    server.kill();
    match world.judge_with(&data, &revoked) {
        Found::Whole(_) => {
            println!("descriptors: {DESCRIPTORS} for {CONNECTIONS} connections, served again afterwards")
        }
        other => panic!("{other:?}"),
    }
}
