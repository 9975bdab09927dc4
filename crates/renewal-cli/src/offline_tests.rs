//! Commands that work on the ledger itself, and what they record.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use renewal_domain::{
    Action, ActionFilter, ActionKind, ActionStore, ApiRole, ApiTokenStore, PageRequest, PageSize,
};
use renewal_files::AuthenticationKeyFile;
use tempfile::TempDir;

use crate::config::Config;
use crate::setup::{self, Tables};
use crate::{Cli, Command, authentication_key, ca, init, prune, sign};

/// A site that `renewal init` made.
struct Site(TempDir);

impl Site {
    async fn new() -> Self {
        let site = Self(tempfile::tempdir().unwrap());
        let directory = site.0.path().join("site");
        let Command::Init(args) = command(&["init", directory.to_str().unwrap()]) else { panic!("no init") };
        init::run(&args).await.unwrap();
        site
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join("site").join(name)
    }

    fn config(&self) -> PathBuf {
        self.file("renewal.toml")
    }

    /// The actions of the first organisation, newest first.
    async fn actions(&self) -> Vec<Action> {
        let config = Config::read(&self.config()).unwrap();
        let store = setup::open_store(&config, Tables::AsTheyAre).await.unwrap();
        let org = config.organisations.all()[0];
        let page = PageRequest::first(PageSize::MAX);
        let actions = store.actions(org, &ActionFilter::All, &page).await.unwrap().items;
        store.close().await.unwrap();
        actions
    }

    async fn kinds(&self) -> Vec<ActionKind> {
        let actions = self.actions().await;
        assert!(actions.iter().all(|action| action.actor.to_string().starts_with("cli:")), "{actions:?}");
        actions.into_iter().map(|action| action.kind).collect()
    }
}

fn command(words: &[&str]) -> Command {
    Cli::try_parse_from(["renewal"].iter().chain(words)).unwrap().command
}

async fn rotate(site: &Site) {
    let Command::AuthenticationKey(rotate) = command(&["authentication-key", "rotate"]) else {
        panic!("no rotate")
    };
    authentication_key::run(&site.config(), rotate).await.unwrap();
}

async fn roll_over(file: &Path) -> anyhow::Result<()> {
    let Command::Ca(rollover) = command(&["ca", "rollover"]) else { panic!("no rollover") };
    ca::run(file, rollover).await
}

#[tokio::test]
async fn the_token_that_init_makes_is_an_administrators_for_90_days() {
    let site = Site::new().await;
    let config = Config::read(&site.config()).unwrap();
    let store = setup::open_store(&config, Tables::AsTheyAre).await.unwrap();
    let page = PageRequest::first(PageSize::MAX);
    let tokens = store.api_tokens(config.organisations.all()[0], &page).await.unwrap().items;
    let [token] = &tokens[..] else { panic!("{tokens:?}") };
    assert_eq!(token.role, ApiRole::Administrator);
    let lifetime = token.expires_at.unwrap() - token.id.created_at();
    assert_eq!((lifetime.num_hours() + 1) / 24, 90);
    assert!(token.made_by.to_string().starts_with("cli:"), "{}", token.made_by);
    assert_eq!(site.kinds().await, [ActionKind::TokenCreated]);
}

#[tokio::test]
async fn a_rotation_is_recorded_and_what_was_made_before_still_counts() {
    let site = Site::new().await;
    let path = site.file("authentication.key");
    let old = AuthenticationKeyFile::read(&path).unwrap();
    rotate(&site).await;
    let new = AuthenticationKeyFile::read(&path).unwrap();
    assert_eq!(new.older(), [old.first()]);
    assert_eq!(site.kinds().await, [ActionKind::AuthenticationKeyRotated, ActionKind::TokenCreated]);
    let config = Config::read(&site.config()).unwrap();
    let store = setup::open_store(&config, Tables::AsTheyAre).await.unwrap();
    let org = config.organisations.all()[0];
    assert_eq!(store.api_tokens(org, &PageRequest::first(PageSize::MAX)).await.unwrap().items.len(), 1);
    // Without the old key, the token that was made with it is taken for a forgery.
    fs::write(&path, format!("{}\n", new.text().lines().find(|line| !line.starts_with('#')).unwrap()))
        .unwrap();
    let store = setup::open_store(&config, Tables::AsTheyAre).await.unwrap();
    assert!(store.api_tokens(org, &PageRequest::first(PageSize::MAX)).await.is_err());
}

#[tokio::test]
async fn a_change_of_the_authority_is_recorded_and_refused_without_the_ledger() {
    let site = Site::new().await;
    let good = fs::read_to_string(site.config()).unwrap();
    let unreachable = good.replace("sqlite://ledger.db", "postgres://nobody@127.0.0.1:1/nothing");
    fs::write(site.config(), &unreachable).unwrap();
    roll_over(&site.config()).await.unwrap_err();
    assert_eq!(fs::read_to_string(site.config()).unwrap(), unreachable);
    assert!(!site.file("ca-2.pem").exists() && !site.file("ca-2.key").exists());

    fs::write(site.config(), &good).unwrap();
    roll_over(&site.config()).await.unwrap();
    let actions = site.actions().await;
    assert_eq!(actions[0].kind, ActionKind::CaRolledOver);
    let certificate = csr_service::CaCertificate::read(fs::read(site.file("ca-2.pem")).unwrap()).unwrap();
    assert_eq!(actions[0].target, renewal_domain::Target::Authority(certificate.key_id()));
}

#[tokio::test]
async fn whoever_signs_at_the_command_line_vouches_once_for_each_request() {
    let site = Site::new().await;
    let key = rcgen::KeyPair::generate().unwrap();
    let mut params = rcgen::CertificateParams::new(["gw-1.example".to_owned()]).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "gateway-1");
    let (csr, out) = (site.file("device.csr"), site.file("device.pem"));
    fs::write(&csr, params.serialize_request(&key).unwrap().pem().unwrap()).unwrap();
    let sign = async |further: &[&str]| {
        let words = ["sign", "--csr", csr.to_str().unwrap(), "--out", out.to_str().unwrap(), "--force"];
        let Command::Sign(args) = command(&[&words, further].concat()) else { panic!("no sign") };
        let status = sign::run(&site.config(), &args).await.unwrap();
        status == std::process::ExitCode::SUCCESS
    };
    assert!(!sign(&[]).await, "nothing permits the name");
    assert!(!site.actions().await.iter().any(|action| action.kind == ActionKind::RequestVouched));
    for _ in 0..2 {
        assert!(sign(&["--san", "DNS:gw-1.example"]).await);
    }
    let actions = site.actions().await;
    let vouched: Vec<_> = actions.iter().filter(|action| action.kind == ActionKind::RequestVouched).collect();
    let [vouched] = vouched[..] else { panic!("{actions:?}") };
    assert!(vouched.device_id.is_some() && vouched.target.kind() == "request", "{vouched:?}");
    assert!(vouched.actor.to_string().starts_with("cli:"), "{vouched:?}");
}

#[tokio::test]
async fn pruning_that_removes_nothing_records_nothing() {
    let site = Site::new().await;
    let Command::Prune(args) = command(&["prune", "--older-than", "400d"]) else { panic!("no prune") };
    prune::run(&site.config(), crate::printer::Format::Json, &args).await.unwrap();
    assert_eq!(site.kinds().await, [ActionKind::TokenCreated]);
}
