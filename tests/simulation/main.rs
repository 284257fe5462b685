//! A client and a thief, lost answers, repeats, restarts and a store that fails: everything a chain of refresh tokens
//! meets, in an order that a seed decides. After each step what the server did is compared with what it promises.
//!
//! A failure prints its seed; `GRANTD_SEED=<seed>` plays that one alone.

#[path = "../races/world.rs"]
mod world;

mod chain;
mod failing;

use chain::{Chain, Expected};
use failing::{Fail, Failing};
use grantd::base::random::{self, SeededRandom};
use grantd::base::time::Timestamp;
use grantd::model::family::Family;
use grantd::model::grant::GrantStatus;
use std::sync::Arc;
use std::time::Duration;
use world::{Answer, World};

const STEPS: usize = 150;

/// Who holds a copy of a refresh token, and the request it is about to make or to repeat with it.
#[derive(Default)]
struct Holder {
    /// Number in the chain, and text.
    token: Option<(usize, String)>,
    /// With a key or without: decided once for each token, for the request is the same however often it is sent.
    key: Option<Option<String>>,
}

struct Simulation {
    world: World,
    store: Arc<Failing>,
    random: SeededRandom,
    seed: u64,
    chain: Chain,
    client: Holder,
    thief: Holder,
    scopes: Vec<String>,
    reuses: u64,
}

/// Says which seed it was when a test panics.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the simulation failed: play it again with GRANTD_SEED={}", self.0);
        }
    }
}

impl Simulation {
    async fn new(seed: u64) -> Self {
        let store = Arc::new(Failing::default());
        let world = World::new(store.clone(), seed).await;
        let scopes = world.ctx.profile().scopes.names().map(str::to_owned).collect();
        Self {
            world,
            store,
            random: SeededRandom::new(seed),
            seed,
            chain: Chain::default(),
            client: Holder::default(),
            thief: Holder::default(),
            scopes,
            reuses: 0,
        }
    }

    /// Less than `n`.
    fn roll(&self, n: u64) -> u64 {
        u64::from_be_bytes(random::bytes(&self.random)) % n
    }

    async fn step(&mut self) {
        match self.roll(20) {
            0..=8 => self.use_token(true).await,
            9..=11 => self.use_token(false).await,
            12 => self.thief = self.copy_of_the_clients(),
            13 => self.restart().await,
            14 => self.store.fail_next(Fail::of(self.roll(3))),
            _ => {
                let spans = [1, 1, 10, 40, 3600, 25 * 3600];
                let seconds = spans[usize::try_from(self.roll(6)).expect("small")];
                self.world.clock.advance(Duration::from_secs(seconds));
            }
        }
        self.judge_what_lives().await;
    }

    fn copy_of_the_clients(&self) -> Holder {
        Holder {
            token: self.client.token.clone(),
            key: None,
        }
    }

    async fn restart(&mut self) {
        let seed = self.seed + 1_000_000 + self.roll(1_000_000);
        let (store, clock) = (self.world.ctx.store.clone(), self.world.clock.clone());
        self.store.fail_next(Fail::Nothing);
        self.world.ctx = Arc::new(world::context(store, clock, seed).await);
    }

    /// The user consents, again where somebody was found to hold a copy.
    async fn connect(&mut self) {
        self.store.fail_next(Fail::Nothing);
        self.world.clock.advance(Duration::from_millis(1));
        let answer = self.world.exchange(&self.world.code().await, None).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let token = answer.text("refresh_token");
        self.chain = Chain::new(token.clone());
        self.client = Holder {
            token: Some((0, token)),
            key: None,
        };
        if let Some((_, old)) = self.thief.token.take() {
            assert_eq!(
                self.world.refresh(&old, None).await.status,
                400,
                "what had ended begins again"
            );
        }
    }

    async fn use_token(&mut self, client: bool) {
        if self.chain.ended() && client {
            return self.connect().await;
        }
        let (choice, narrow, lost) = (self.roll(3), self.roll(5) == 0, self.roll(4) == 0);
        let holder = if client { &mut self.client } else { &mut self.thief };
        let Some((number, token)) = holder.token.clone() else {
            return;
        };
        let who = if client { "client" } else { "thief" };
        let keyed = || (choice == 0).then(|| format!("{who}-{number}-{}", self.seed));
        let key = holder.key.get_or_insert_with(keyed).clone();
        let now = self.world.ctx.now();
        let expected = self.chain.expect(number, &token, key.as_deref(), now);
        let more = if narrow {
            format!("&scope={}", self.scopes[0])
        } else {
            String::new()
        };
        let answer = self.world.refresh(&format!("{token}{more}"), key.as_deref()).await;
        if answer.status >= 500 {
            // Nobody was told what happened: the store knows.
            assert!(self.store.failed(), "{answer:?}");
            return self.look(number, key, now).await;
        }
        self.compare(&expected, &answer);
        self.judge_scopes(&expected, &answer, narrow);
        self.chain.happened(&expected, number, key, &answer, now);
        self.reuses += u64::from(expected == Expected::Reuse);
        if answer.status == 200 && !lost {
            let successor = Some((number + 1, answer.text("refresh_token")));
            let holder = if client { &mut self.client } else { &mut self.thief };
            *holder = Holder {
                token: successor,
                key: None,
            };
        }
    }

    async fn look(&mut self, number: usize, key: Option<String>, now: Timestamp) {
        let family: Family = self.world.family().await;
        let ended = self.world.grant().await.status != GrantStatus::Active;
        let rotated = usize::try_from(family.counter).expect("small") == self.chain.live() + 1;
        assert!(rotated || family.counter == self.chain.live() as u64);
        self.reuses += u64::from(ended && !self.chain.ended());
        self.chain.found(rotated.then_some((number, key, now)), ended);
    }

    #[track_caller]
    fn compare(&self, expected: &Expected, answer: &Answer) {
        match expected {
            Expected::Successor => assert_eq!((answer.status, answer.replayed), (200, false), "{answer:?}"),
            Expected::Repeat(known) => {
                assert_eq!((answer.status, answer.replayed), (200, true), "{answer:?}");
                if let Some(token) = &known.token {
                    assert_eq!(answer.text("refresh_token"), *token, "one successor");
                }
                if let Some(body) = &known.body {
                    assert_eq!(answer.body, *body, "to the byte");
                }
            }
            Expected::Reuse | Expected::Dead => {
                assert_eq!(
                    (answer.status, answer.recovery_expired),
                    (400, false),
                    "{expected:?} {answer:?}"
                );
            }
            Expected::TooLate => assert_eq!((answer.status, answer.recovery_expired), (400, true), "{answer:?}"),
        }
    }

    /// What was asked for, out of what the owner approved, and after a narrowed answer the whole again.
    #[track_caller]
    fn judge_scopes(&self, expected: &Expected, answer: &Answer, narrow: bool) {
        if answer.status != 200 {
            return;
        }
        let got = answer.text("scope");
        let whole = self.scopes.join(" ");
        match expected {
            // A receipt is repeated to the byte, whatever was asked for then.
            Expected::Repeat(_) => assert!(got == whole || got == self.scopes[0], "{got}"),
            _ if narrow => assert_eq!(got, self.scopes[0]),
            _ => assert_eq!(got, whole),
        }
    }

    /// The one live token is the one that was answered last, restarts and failures or not; all others are dead.
    async fn judge_what_lives(&mut self) {
        for (number, token) in self.chain.known() {
            let expected = !self.chain.ended() && number == self.chain.live();
            let is = self.world.is_active(token).await;
            assert_eq!(is, expected, "token {number} of {}", self.chain.live());
        }
        if self.client.token.is_some() {
            let active = self.world.grant().await.status == GrantStatus::Active;
            assert_eq!(
                active,
                !self.chain.ended(),
                "the grant ends with the theft and not before"
            );
        }
    }
}

/// Steps taken and thefts found with one seed.
async fn simulate(seed: u64) -> (usize, u64) {
    let _told = Told(seed);
    let mut simulation = Simulation::new(seed).await;
    simulation.connect().await;
    for _ in 0..STEPS {
        simulation.step().await;
    }
    (STEPS, simulation.reuses)
}

#[test]
fn a_chain_of_refresh_tokens_keeps_its_promises_whatever_happens() {
    let full = std::env::var_os("GRANTD_TEST_FULL").is_some();
    let seeds = match std::env::var("GRANTD_SEED") {
        Ok(seed) => {
            let seed = seed.parse().expect("GRANTD_SEED is a number");
            seed..seed + 1
        }
        Err(_) if full => 0..1_000,
        Err(_) => 0..20,
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    // Every seed is a world of its own: which thread it runs on changes nothing in it.
    let work = |first: usize| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("a runtime");
        let mine = seeds.clone().skip(first).step_by(workers);
        mine.map(|seed| runtime.block_on(simulate(seed)))
            .fold((0, 0), |sum, done| (sum.0 + done.0, sum.1 + done.1))
    };
    let (steps, reuses) = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|first| scope.spawn(move || work(first))).collect();
        let done = threads
            .into_iter()
            .map(|thread| thread.join().expect("a seed failed: see above"));
        done.fold((0, 0), |sum, done| (sum.0 + done.0, sum.1 + done.1))
    });
    println!(
        "simulated seeds: {}, {steps} steps, {reuses} thefts found",
        seeds.count()
    );
}
