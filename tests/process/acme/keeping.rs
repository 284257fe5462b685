//! When a certificate is asked for again, and what becomes of it when that fails: with a clock that can be pushed.

use super::authority::{Authority, NAME, port, shown};
use grantd::base::master::MasterSecret;
use grantd::base::random::SystemRandom;
use grantd::base::time::{Clock as _, ManualClock, SystemClock};
use grantd::config::{Config, Overrides};
use grantd::context::{Context, Parts};
use grantd::jobs::acme::Keeper;
use grantd::jobs::acme::files::Files;
use grantd::model::counts::Ordered;
use grantd::store::memory::MemoryStore;
use grantd::web::listener::Listener;
use grantd::web::request::BodyRule;
use grantd::web::response::Response;
use grantd::web::server::{Ended, serve};
use grantd::web::signals::Stop;
use grantd::web::tls::Tls;
use http::StatusCode;
use rustls::pki_types::CertificateDer;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const MINUTE: Duration = Duration::from_secs(60);

/// What keeps a certificate, and a listener that shows it.
struct World {
    dir: TempDir,
    settings: String,
    ctx: Arc<Context>,
    clock: Arc<ManualClock>,
    tls: Arc<Tls>,
    keeper: Keeper,
    stop: watch::Sender<Stop>,
    ended: JoinHandle<std::io::Result<Ended>>,
}

impl World {
    async fn new(authority: &Authority, directory: &str, more: &str) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let ca_file = authority.ca_file();
        let settings = format!(
            "issuer = \"https://{NAME}\"\nlisten = [\"https://127.0.0.1:{}\"]\n[acme]\nterms_agreed = true\n\
             directory = \"{directory}\"\nca_file = \"{}\"\n{more}",
            authority.https,
            ca_file.display()
        );
        Self::open(dir, settings, Arc::new(ManualClock::new(SystemClock.now()))).await
    }

    async fn open(dir: TempDir, settings: String, clock: Arc<ManualClock>) -> Self {
        let file = dir.path().join("grantd.toml");
        std::fs::write(&file, &settings).expect("written");
        let config = Config::load(Some(&file), &Overrides::default()).expect("it is good");
        let acme = config.acme.clone().expect("[acme]");
        let tls = Tls::obtained(&Files::of(&config).certificate(), &acme.domains, &*clock);
        let tls = Arc::new(tls.expect("something stands in"));
        let listener = Listener::https(config.listen[0].address, tls.clone()).expect("free");
        let parts = Parts {
            config,
            store: Arc::new(MemoryStore::new()),
            clock: clock.clone(),
            random: Arc::new(SystemRandom),
            secret: MasterSecret::generate(&SystemRandom),
        };
        let ctx = Arc::new(Context::open(parts).await.expect("an empty store opens"));
        let (stop, stopped) = watch::channel(Stop::Run);
        let ended = tokio::spawn(serve(
            vec![listener],
            ctx.config.limits.clone(),
            Arc::new(SystemRandom),
            Arc::default(),
            |_, _| BodyRule::Whole(0).into(),
            |_| async { Response::text(StatusCode::OK, "") },
            stopped,
        ));
        Self {
            keeper: Keeper::new(&ctx, tls.clone()).expect("[acme]"),
            dir,
            settings,
            ctx,
            clock,
            tls,
            stop,
            ended,
        }
    }

    /// The next one on the same directory and the same port, with other settings.
    async fn again(self, change: impl FnOnce(String) -> String) -> Self {
        self.stop.send(Stop::Now).expect("it runs");
        self.ended.await.expect("no panic").expect("it ends");
        Self::open(self.dir, change(self.settings), self.clock).await
    }

    /// How many were obtained, and how often that failed, after one more look.
    async fn look(&mut self) -> (u64, u64) {
        self.keeper.look_after(&self.ctx).await;
        let count = |of| self.ctx.counts.order(of).get();
        (count(Ordered::Obtained), count(Ordered::Failed))
    }

    async fn shown(&self, root: &CertificateDer<'static>) -> std::io::Result<CertificateDer<'static>> {
        let port = self.ctx.config.listen[0].address.port();
        shown(port, root, NAME, "h2").await.map(|(own, _)| own)
    }

    fn why(&self) -> Option<String> {
        self.ctx.acme.now().failing.map(|failing| failing.why)
    }
}

#[tokio::test]
async fn it_is_renewed_when_two_thirds_are_over_and_kept_while_the_authority_is_away() {
    let mut authority = Authority::start(3600);
    let mut world = World::new(&authority, &authority.directory(), "").await;
    assert!(world.tls.stands_in());
    assert_eq!(world.look().await, (1, 0), "{:?}", world.why());
    let old_root = authority.root().await;
    let old = world.shown(&old_root).await.expect("it is trusted");
    assert_eq!(world.look().await, (1, 0), "nothing is due");
    world.clock.advance(MINUTE * 35);
    assert_eq!(
        world.look().await,
        (1, 0),
        "a twentieth before two thirds at the earliest"
    );
    authority.go();
    world.clock.advance(MINUTE * 6);
    assert_eq!(world.look().await, (1, 1));
    assert!(
        world.why().expect("told").contains("Connection refused"),
        "{:?}",
        world.why()
    );
    assert_eq!(world.shown(&old_root).await.expect("the old one is kept"), old);
    world.clock.advance(MINUTE);
    assert_eq!(world.look().await, (1, 1), "two minutes later at the earliest");
    world.clock.advance(MINUTE * 2);
    assert_eq!(world.look().await, (1, 2));
    world.clock.advance(MINUTE * 3);
    assert_eq!(world.look().await, (1, 2), "then four");
    // It has forgotten the account, and begins with other keys.
    authority.come(30 * 86_400);
    world.clock.advance(MINUTE * 2);
    assert_eq!(world.look().await, (2, 2), "{:?}", world.why());
    assert_eq!(world.why(), None);
    let root = authority.root().await;
    let new = world.shown(&root).await.expect("the new one is in use");
    assert_ne!(new, old);
    world.clock.advance(MINUTE * 60);
    assert_eq!(world.look().await, (2, 2));
}

#[tokio::test]
async fn a_certificate_for_other_names_serves_until_there_is_a_better_one() {
    let authority = Authority::start(30 * 86_400);
    let mut world = World::new(&authority, &authority.directory(), "").await;
    assert_eq!(world.look().await, (1, 0), "{:?}", world.why());
    let root = authority.root().await;
    let first = world.shown(&root).await.expect("it is trusted");
    // Nobody answers http here.
    let (http, names) = (authority.http, format!("domains = [\"{NAME}\", \"api.example.test\"]"));
    let to_http = format!("{names}\nchallenge = \"http-01\"\nlisten = [\"http://127.0.0.1:{http}\"]\n");
    let mut world = world.again(|settings| settings + &to_http).await;
    assert_eq!(world.shown(&root).await.expect("served meanwhile"), first);
    assert_eq!(world.look().await, (0, 1));
    let why = world.why().expect("told");
    let expected = "did not accept http-01, for which it connects to port 80: ";
    assert!(why.contains(expected) && why.contains("refused"), "{why}");
    assert_eq!(world.shown(&root).await.expect("served still"), first);
    let mut world = world.again(|settings| settings.replace(&to_http, &names)).await;
    assert_eq!(world.look().await, (1, 0), "{:?}", world.why());
    let second = world.shown(&root).await.expect("it is trusted");
    assert_ne!(first, second);
    // And with the same names there is nothing to ask for.
    let mut world = world.again(|settings| settings).await;
    assert_eq!(world.look().await, (0, 0));
    assert_eq!(world.shown(&root).await.expect("it was kept"), second);
}

#[tokio::test]
async fn a_damaged_file_is_no_end_and_neither_is_a_disk_that_takes_nothing() {
    let authority = Authority::start(30 * 86_400);
    let world = World::new(&authority, &authority.directory(), "").await;
    let kept = world.dir.path().join("data/acme");
    let file = kept.join("certificate.pem");
    std::fs::create_dir_all(&kept).expect("made");
    std::fs::write(&file, "nothing").expect("written");
    std::fs::write(kept.join("account.json"), "{").expect("written");
    let mut world = world.again(|settings| settings).await;
    assert!(world.tls.stands_in());
    std::fs::remove_file(&file).expect("removed");
    std::fs::create_dir(&file).expect("in the way");
    assert_eq!(world.look().await, (1, 1), "{:?}", world.why());
    assert!(
        world.why().expect("told").contains("certificate.pem cannot be written"),
        "{:?}",
        world.why()
    );
    let root = authority.root().await;
    let got = world.shown(&root).await.expect("it is in use all the same");
    std::fs::remove_dir(&file).expect("out of the way");
    world.keeper.try_now();
    assert_eq!(world.look().await, (1, 1), "it is not asked for again");
    assert_eq!(world.why(), None);
    let read = Tls::from_pem(&file, &file).expect("chain and key");
    assert_eq!(read.validity(), world.tls.validity());
    assert_eq!(world.shown(&root).await.expect("still"), got);
}

#[tokio::test]
async fn what_is_wrong_with_an_authority_is_said_in_a_sentence() {
    let authority = Authority::start(30 * 86_400);
    let ca_file = format!("ca_file = \"{}\"\n", authority.ca_file().display());
    let directory = authority.directory();
    let mut world = World::new(&authority, &directory, "").await;
    for (change, by, expected) in [
        (
            directory.clone(),
            format!("https://127.0.0.1:{}/dir", port()),
            "Connection refused",
        ),
        (
            directory.clone(),
            authority.elsewhere(),
            "does not answer as an ACME directory does",
        ),
        (ca_file, String::new(), "UnknownIssuer"),
        (NAME.to_owned(), "blocked-domain.example".to_owned(), "refused: "),
    ] {
        let before = world.settings.clone();
        assert!(before.contains(&change), "{before}");
        world = world.again(|settings| settings.replace(&change, &by)).await;
        assert_eq!(world.look().await, (0, 1), "{change}");
        let why = world.why().expect("told");
        assert!(why.contains(expected) && !why.contains('\n'), "{why}");
        assert!(world.tls.stands_in());
        world = world.again(|_| before).await;
    }
}
