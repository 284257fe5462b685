//! The power goes: an ext4 of its own is stopped without writing anything more, under load. What was acknowledged is
//! there at the next start, under another boot id, and of everything else all or nothing. The same with a disk that
//! syncs nothing must lose something, or the test would notice nothing.

use crate::http::Http;
use crate::mounted::Mounted;
use crate::program::Running;
use crate::shim::{around, cut};
use crate::size;
use crate::world::{Acknowledged, Found, World, ready};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use std::fs;
use std::sync::mpsc::{Sender, channel};
use std::thread;

const DISK_BYTES: u64 = 512 * 1024 * 1024;
const CLIENTS: u64 = 4;
/// Acknowledgements of one life at most.
const ACKNOWLEDGED_MAX: usize = 120;
/// Cuts without syncs until one loses something.
const CONTROLS_MAX: u64 = 10;

#[test]
fn what_was_acknowledged_survives_a_power_cut() {
    let cuts = size(2);
    let world = World::make();
    let Some(disk) = Mounted::ext4(world.place.path("disk"), DISK_BYTES) else {
        println!("power cuts: left out, no ext4 can be mounted here");
        return;
    };
    let campaign = Campaign {
        world: &world,
        disk: &disk,
    };
    let mut done = campaign.begin();
    for n in 0..cuts {
        campaign.life(n, &mut done, &[]);
        if let Some(lost) = campaign.lost(n, &done) {
            panic!("cut {n}: {lost}");
        }
    }
    println!(
        "power cuts: {cuts}, {} acknowledged revocations and {} organizations, none lost",
        done.revoked.len(),
        done.organizations.len()
    );
    let mut done = campaign.begin();
    let losing = (0..CONTROLS_MAX).find_map(|n| {
        campaign.life(n, &mut done, &[("FAULT_NO_SYNC", "1")]);
        campaign.lost(n, &done).map(|_| n + 1)
    });
    let losing = losing.expect("without syncs a power cut loses what was acknowledged, or this test sees nothing");
    println!("power cuts without syncs: {losing} until something acknowledged was lost, as it must be");
}

struct Campaign<'a> {
    world: &'a World,
    disk: &'a Mounted,
}

impl Campaign<'_> {
    /// A copy of the world on the disk, every byte of it synced.
    fn begin(&self) -> Acknowledged {
        self.world.copy("data", "disk/data");
        rustix::fs::sync();
        Acknowledged::default()
    }

    /// The server of the n-th start of the machine.
    fn serve(&self, n: u64, more: &[(&str, &str)]) -> Result<(Running, String), String> {
        let boot = self.world.place.path("boot");
        fs::write(&boot, format!("boot {n}")).expect("written");
        let data = self.disk.path("data");
        let argument = data.display().to_string();
        let command = self.world.place.command(&["serve", "--data", &argument]);
        let boot = [("FAULT_BOOT_ID", boot.to_str().expect("UTF-8"))];
        ready(Running::start(around(command, &data, &[&boot, more].concat())))
    }

    /// From a start to the cut, after some acknowledgements.
    fn life(&self, n: u64, done: &mut Acknowledged, more: &[(&str, &str)]) {
        let (server, address) = self.serve(2 * n, more).expect("it starts");
        let mut random = StdRng::seed_from_u64(n);
        let (tell, told) = channel();
        let workers: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (address, app, tell) = (address.clone(), self.world.app.clone(), tell.clone());
                thread::spawn(move || revoke(&address, &app, &tell))
            })
            .collect();
        drop(tell);
        let wanted = random.random_range(1..ACKNOWLEDGED_MAX);
        done.revoked.extend(told.iter().take(wanted));
        cut(&self.disk.path(""));
        server.kill();
        // Told before the cut, or by a server that had synced before it.
        done.revoked.extend(told.iter());
        for worker in workers {
            worker.join().expect("no panic");
        }
        self.disk.again();
    }

    /// What is wrong, if anything.
    fn lost(&self, n: u64, done: &Acknowledged) -> Option<String> {
        let data = self.disk.path("data");
        match self.world.judge_by(&data, done, || self.serve(2 * n + 1, &[])) {
            Found::Whole(_) => None,
            Found::Refused(why) | Found::Wrong(why) => Some(why),
        }
    }
}

/// Mints and revokes until the server is gone.
fn revoke(address: &str, app: &crate::http::Client, tell: &Sender<String>) {
    let Ok(mut http) = Http::connect(address) else { return };
    loop {
        let minted = http.post("/oauth/token", app, "grant_type=client_credentials");
        let Some(token) = minted
            .ok()
            .and_then(|answer| Some(answer.json()["access_token"].as_str()?.to_owned()))
        else {
            return;
        };
        match http.post("/oauth/revoke", app, &format!("token={token}")) {
            Ok(answer) if answer.status == 200 => drop(tell.send(token)),
            _ => return,
        }
    }
}
