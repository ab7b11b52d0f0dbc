//! A command that looks in for a moment leaves the memory as it was.

use super::*;

/// What somebody else's configuration says: nothing is kept.
fn forgetful() -> Settings {
    Settings { keep: Duration::ZERO, keep_retries: Duration::ZERO, ..settings() }
}

/// Makes the journal a month older than it is.
fn age(house: &House) {
    for name in house.files() {
        let aged = FileName { date: name.date.saturating_sub(jiff::Span::new().days(30)), ..name };
        fs::rename(house.file(name), house.file(aged)).unwrap();
    }
}

fn visit(house: &House) -> Local {
    Local::visit(house.0.path(), forgetful(), crate::clock::now()).unwrap()
}

#[tokio::test]
async fn a_visitor_drops_nothing_whatever_it_is_configured_to_keep() {
    let house = House::new();
    for id in ["a", "b", "c"] {
        let local = house.open();
        learn(&local, &[id], Durability::Disk).await.unwrap();
        local.close().await;
    }
    age(&house);
    let before = house.files();
    let local = visit(&house);
    local.count().await.unwrap();
    local.close().await;
    assert_eq!(house.files(), before);

    // Nor where it writes, or where it makes the index again.
    house.delete_index();
    let local = visit(&house);
    learn(&local, &["d"], Durability::Disk).await.unwrap();
    local.close().await;
    assert_eq!(house.files()[..before.len()], before);
    assert_eq!(known(&house.open(), &["a", "b", "c", "d"]).await, ["a", "b", "c", "d"]);
}

#[tokio::test]
async fn an_index_that_had_to_be_set_aside_is_told_of() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    assert_eq!(local.damage(), None);
    local.close().await;
    house.tamper(&Changes::new(), &Mark::new(Position::start_of(99), boot_id()));

    let local = visit(&house);
    let damage = local.damage().unwrap();
    assert!(damage.why.contains("more than the journal holds"), "{damage:?}");
    let aside = damage.aside.clone().unwrap();
    assert!(aside.ends_with("index.broken") && aside.join("db").exists(), "{aside:?}");
    local.close().await;
    assert_eq!(visit(&house).damage(), None);
}

#[tokio::test]
async fn forgetting_whom_nobody_knows_writes_nothing() {
    let house = House::new();
    let local = house.open();
    learn(&local, &["a"], Durability::Disk).await.unwrap();
    local.close().await;
    let before = house.files();
    let forget = async |address: &str| {
        let memory = crate::threads::Threads::Local(visit(&house));
        let is_known = memory.forget(&address.parse().unwrap()).await.unwrap();
        memory.close().await;
        is_known
    };
    assert!(!forget("nobody@elsewhere.example").await);
    assert_eq!(house.files(), before);
    let customer = crate::threads::conformance::customer(1);
    assert!(forget(&customer).await, "however short this configuration keeps");
    assert_eq!(house.files().len(), before.len() + 1);
    assert!(!forget(&customer).await, "it is so already");
    assert_eq!(house.files().len(), before.len() + 1);
}
