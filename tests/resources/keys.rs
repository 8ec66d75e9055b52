//! The table Keys, past the functions: its rows are written once, read beside the catalog, and erased.

use cloud::dynamodb::Caller;
use domain::sealed::{KeyOwner, PersonKey};
use domain::{OrderId, ProductId, VendorId};
use platform::{Config, PersonsSecret};
use store::{Catalog, Keys};

use crate::shop::Shop;

/// The configuration of a function that no role restricts.
fn config_of(shop: &Shop) -> Config {
    let services = shop.cloud.services();
    let mut environment = services.environment(services.template.function("CheckoutFunction").expect("a function"));
    environment.insert("AWS_ACCESS_KEY_ID".to_owned(), Caller::root().access_key_id);
    Config::from_vars(environment)
}

fn name(shop: &Shop, table: &str) -> String {
    shop.cloud.services().template.table(table).expect("a table").name.clone()
}

/// The table Keys, past the roles.
pub(crate) fn keys_of(shop: &Shop) -> Keys {
    Keys::new(config_of(shop).dynamodb().expect("a client"), name(shop, "KeysTable"))
}

#[tokio::test]
async fn a_row_of_keys_is_written_once_read_beside_the_catalog_and_erased_for_good() {
    let shop = Shop::open().await;
    let bowl = shop.vendor("ceramics").await.product("bowl").stock(1).publish().await;
    let (dynamodb, keys) = (config_of(&shop).dynamodb().expect("a client"), keys_of(&shop));
    let catalog = Catalog::new(dynamodb.clone(), name(&shop, "CatalogTable"));

    let owner = KeyOwner::Order(OrderId::from_bits(1));
    let product: ProductId = bowl.id.parse().expect("an id");
    let vendor: VendorId = bowl.vendor.id.parse().expect("an id");
    let beside = async || catalog.snapshot_with_key([product], [vendor], &keys, owner).await.expect("an answer");
    let (snapshot, row) = beside().await;
    assert!(snapshot.products.contains_key(&product) && snapshot.shops.contains_key(&vendor));
    assert_eq!(row, None);

    let put = async |key: &PersonKey| {
        let action = keys.put_action(owner, key).expect("an action");
        dynamodb.transact_write_items().transact_items(action).send().await.is_ok()
    };
    let new_key = || PersonsSecret::new_key().expect("random numbers");
    let (first, second) = (new_key(), new_key());
    assert!(put(&first).await && !put(&second).await, "a second row would make the first one's orders unreadable");
    assert_eq!(keys.read(owner).await.expect("an answer"), Some(first.clone()));
    assert_eq!(beside().await.1, Some(first));

    for _ in 0..2 {
        keys.erase(owner).await.expect("it is erased, or was before");
    }
    assert_eq!((keys.read(owner).await.expect("an answer"), beside().await.1), (None, None));
    assert!(shop.dump().await.of("KeysTable").is_empty());
}
