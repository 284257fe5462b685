//! The clock is set wrong while the server runs, by an hour either way and by a day, and put right again. What was
//! revoked stays revoked at any time, new tokens are made and good, and once the clock is right all is as it was.

use crate::http::Http;
use crate::program::Running;
use crate::shim::around;
use crate::size;
use crate::world::{Found, World, ready};
use std::fs;
use std::path::Path;

const HOUR: i64 = 60 * 60;
const JUMPS: [i64; 3] = [HOUR, -HOUR, 24 * HOUR];

#[test]
fn a_clock_that_jumps_revives_nothing_and_stops_nothing() {
    let rounds = size(1);
    let world = World::make();
    let (data, clock) = (world.place.path("data"), world.place.path("clock"));
    set(&clock, 0);
    let mut jumps = 0;
    for restart in (0..rounds).flat_map(|_| [false, true]) {
        for seconds in JUMPS {
            let (mut server, mut address) = serve(&world, &data, &clock);
            set(&clock, seconds);
            if restart {
                server.kill();
                (server, address) = serve(&world, &data, &clock);
            }
            let mut http = Http::connect(&address).expect("connected");
            world.assert_revoked(&mut http);
            let token = http.mint(&world.app).expect("minted at another time");
            assert!(http.active(&world.app, &token).expect("answered"), "{seconds} s");
            http.revoke(&world.app, &token).expect("revoked at another time");
            set(&clock, 0);
            assert!(!http.active(&world.app, &token).expect("answered"), "{seconds} s");
            world.assert_revoked(&mut http);
            let log = server.kill();
            assert!(!log.contains("panicked"), "{seconds} s: {log}");
            match world.judge_with(&data, &crate::world::Acknowledged::default()) {
                Found::Whole(_) => jumps += 1,
                other => panic!("{seconds} s: {other:?}"),
            }
        }
    }
    println!(
        "clock jumps: {jumps} of an hour ahead, an hour back and a day ahead, and back again; nothing revived or lost"
    );
}

fn set(clock: &Path, seconds: i64) {
    let next = clock.with_extension("next");
    fs::write(&next, seconds.to_string()).expect("written");
    fs::rename(next, clock).expect("moved into place");
}

fn serve(world: &World, data: &Path, clock: &Path) -> (Running, String) {
    let argument = data.display().to_string();
    let command = world.place.command(&["serve", "--data", &argument]);
    let clock = clock.to_str().expect("UTF-8");
    ready(Running::start(around(command, data, &[("FAULT_CLOCK", clock)]))).expect("it starts at any time")
}
