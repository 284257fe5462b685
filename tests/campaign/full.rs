//! The disk is full: because others filled it, or because the program did. Revocation goes on from the reserve, new
//! records are refused with a sentence, a start works, and once there is room everything does, by itself.

use crate::eio::fill_journal;
use crate::http::Http;
use crate::mounted::Mounted;
use crate::size;
use crate::world::{Acknowledged, Found, World};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::path::Path;

const MIB: u64 = 1024 * 1024;
/// The floor and the reserve of a server, twice its journal, and some room.
const DISK_BYTES: u64 = 320 * MIB;
const FLOOR_BYTES: u64 = 64 * MIB;
/// More than a nearly full journal has room for.
const COMMITS_MAX: u32 = 200;

#[test]
fn on_a_full_disk_revocation_goes_on_and_service_comes_back() {
    let cycles = size(2);
    let world = World::make();
    world.copy("data", "nearly-full");
    fill_journal(&world.place.path("nearly-full/store"));
    let mut random = StdRng::seed_from_u64(1);
    for cycle in 0..cycles {
        let Some(disk) = Mounted::small(world.place.path(&format!("small{cycle}")), DISK_BYTES) else {
            println!("disk full: left out, a small file system cannot be mounted here");
            return;
        };
        let by_us = cycle % 2 == 1;
        world.copy(
            if by_us { "nearly-full" } else { "data" },
            &format!("small{cycle}/data"),
        );
        let left = random.random_range(0..2 * MIB);
        Cycle {
            world: &world,
            disk: &disk,
            restart: cycle % 4 < 2,
        }
        .run(by_us, left);
    }
    println!("disk full: {cycles} cycles, revoked from the reserve and served again each time, nothing lost");
}

struct Cycle<'a> {
    world: &'a World,
    disk: &'a Mounted,
    /// Killed and started again while the disk is full.
    restart: bool,
}

impl Cycle<'_> {
    fn run(&self, by_us: bool, left: u64) {
        let data = self.disk.path("data");
        let (mut server, mut address) = self.world.serve(&data).expect("there is room yet");
        let mut done = Acknowledged::default();
        self.create(&data, "before", &mut done).expect("there is room yet");
        let refused = if by_us {
            // Above the floor; the next file of the journal is what does not fit.
            self.disk.fill(FLOOR_BYTES + 10 * MIB);
            (0..COMMITS_MAX).find_map(|n| self.create(&data, &format!("by us {n}"), &mut done).err())
        } else {
            self.disk.fill(left);
            self.create(&data, "by others", &mut done).err()
        };
        let refused = refused.expect("it is full");
        assert!(refused.contains("the disk is full"), "{refused}");
        let mut tokens = self.world.tokens_to_revoke().into_iter();
        self.revoke(&address, &tokens.next().expect("five"), &mut done);
        if self.restart {
            server.kill();
            (server, address) = self.world.serve(&data).expect("it starts within the reserve");
            self.revoke(&address, &tokens.next().expect("five"), &mut done);
            self.create(&data, "still full", &mut done).expect_err("it is full");
        }
        self.disk.free();
        self.create(&data, "after", &mut done)
            .expect("it serves again by itself");
        let log = server.kill();
        assert!(!log.contains("panicked"), "{log}");
        match self.world.judge_with(&data, &done) {
            Found::Whole(_) => {}
            other => panic!("{other:?}"),
        }
    }

    /// The sentence of a refusal.
    fn create(&self, data: &Path, name: &str, done: &mut Acknowledged) -> Result<(), String> {
        let made = self
            .world
            .place
            .run(&["--data", &data.display().to_string(), "org", "create", name]);
        if !made.status.success() {
            return Err(made.stderr);
        }
        done.organizations.push(name.to_owned());
        Ok(())
    }

    fn revoke(&self, address: &str, token: &str, done: &mut Acknowledged) {
        let mut http = Http::connect(address).expect("connected");
        http.revoke(&self.world.app, token).expect("revocations are accepted");
        assert!(!http.active(&self.world.app, token).expect("answered"));
        done.revoked.push(token.to_owned());
    }
}
