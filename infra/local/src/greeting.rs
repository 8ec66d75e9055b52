//! The text that `cargo run` prints once the cloud has started.

use crate::demo::VENDORS;
use crate::seed::{BUYER, OPERATOR, PASSWORD};

/// The addresses, the accounts with their password, and a `curl` command to try: a product list if the demo data is
/// loaded, the operator's sign-in otherwise.
#[must_use]
pub fn greeting(base: &str, demo: bool) -> String {
    let mut accounts = format!("  operator  {OPERATOR}\n");
    if let (true, [vendor, ..]) = (demo, VENDORS) {
        accounts += &format!("  vendor    {} ({})\n  buyer     {BUYER}\n", vendor.email, vendor.handle);
    }
    let call = if demo {
        format!("curl '{base}/v1/products?category=ceramics&limit=3'")
    } else {
        format!("curl '{base}/v1/auth/sign-in' --json '{{\"email\":\"{OPERATOR}\",\"password\":\"{PASSWORD}\"}}'")
    };
    format!(
        "\nBozor is open.\n\n  Shop      {base}/\n  API       {base}/v1\n  Docs      {base}/docs/\n  Messages  {base}/_local/messages\n\n\
         Accounts, password {PASSWORD}\n{accounts}\nTry\n  {call}\n\nCtrl-C stops it.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_cloud_is_not_greeted_with_what_is_only_in_the_demo_data() {
        let [full, empty] = [true, false].map(|demo| greeting("http://localhost:3000", demo));
        for only_there in ["ceramics", "vendor@bozor.test", "buyer@bozor.test"] {
            assert!(full.contains(only_there) && !empty.contains(only_there), "{only_there} in {empty}");
        }
        for always_there in ["http://localhost:3000/docs/", "admin@bozor.test", "Bozor-demo-2026!", "  curl '"] {
            assert!(full.contains(always_there) && empty.contains(always_there), "{always_there}");
        }
    }

    #[test]
    fn the_address_of_the_shop_stands_before_that_of_the_api() {
        for demo in [true, false] {
            let greeting = greeting("http://localhost:3000", demo);
            let place = |address: &str| greeting.find(address).unwrap_or_else(|| panic!("no {address} in {greeting}"));
            assert!(place("  http://localhost:3000/\n") < place("  http://localhost:3000/v1\n"), "{greeting}");
        }
    }
}
