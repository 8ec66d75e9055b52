//! Products that the operator hides: their vendors see why, and cannot publish them meanwhile.

use serde::{Deserialize, Serialize};

use super::{Product, ProductState};
use crate::text::LongText;
use crate::{Timestamp, UserId};

/// Why a product is hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    pub reason: LongText,
    pub at: Timestamp,
    /// The operator who hides it.
    pub by: UserId,
    /// Whether it is published again when it is shown again.
    #[serde(default)]
    pub was_published: bool,
}

impl Product {
    /// Hides it. It becomes a draft, so that a release which does not know of this shows it to nobody either.
    pub fn hide(&mut self, reason: LongText, at: Timestamp, by: UserId) {
        let before = self.hidden.take();
        let was_published = self.state == ProductState::Published || before.is_some_and(|before| before.was_published);
        self.unpublish();
        self.hidden = Some(Hidden { reason, at, by, was_published });
    }

    /// Shows it again, as it was before it was hidden.
    pub fn show(&mut self, now: Timestamp) {
        if self.hidden.take().is_some_and(|hidden| hidden.was_published) {
            self.publish(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::examples::NOW;

    fn reason(text: &str) -> LongText {
        LongText::parse(text).unwrap()
    }

    #[test]
    fn a_hidden_product_is_published_by_nobody_and_comes_back_as_it_was() {
        let by = "00000000-0000-4000-8000-000000000004".parse().unwrap();
        let vendor = json!({"id": crate::VendorId::from_bits(1), "handle": "chorsu", "name": "Chorsu"});
        let mut product: Product = serde_json::from_value(json!({
            "id": crate::ProductId::from_bits(1), "vendor": vendor, "handle": "bowl", "title": "Bowl", "variants": [],
            "state": "draft", "created_at": NOW, "next_ordinal": 1,
        }))
        .unwrap();
        product.publish(NOW);
        product.hide(reason("Counterfeit."), NOW, by);
        product.publish(NOW);
        assert!(!product.is_for_sale() && product.state == ProductState::Draft);
        product.hide(reason("Dangerous."), NOW, by);
        product.show(NOW);
        assert!(product.is_for_sale() && product.hidden.is_none());
        product.unpublish();
        product.hide(reason("Counterfeit."), NOW, by);
        product.show(NOW);
        assert_eq!(product.state, ProductState::Draft);
        // Its vendor takes it off the shop meanwhile, which another reason does not undo.
        product.publish(NOW);
        product.hide(reason("Counterfeit."), NOW, by);
        product.unpublish();
        product.hide(reason("Dangerous."), NOW, by);
        product.show(NOW);
        assert_eq!(product.state, ProductState::Draft);
    }
}
