//! Single products that the operator hides, and shows again.

use domain::catalog::Product;
use domain::notice::Notice;
use domain::text::LongText;
use domain::{Call, Code, ProductId, Refusal, UserId};
use store::Decision;
use store::catalog::StoredProduct;

use crate::operator::MAX_REASON_LENGTH;
use crate::{Done, Error, Operator};

impl Operator {
    /// Hides a product, whose vendor sees why. Hiding one that is hidden gives it another reason.
    pub async fn hide_product<R>(
        &self,
        id: ProductId,
        reason: &LongText,
        operator: UserId,
        call: Call<'_, Product, R>,
    ) -> Done<R> {
        if !(1..=MAX_REASON_LENGTH).contains(&reason.as_str().chars().count()) {
            let detail = format!("1 to {MAX_REASON_LENGTH} characters");
            return Err(Refusal::field("/reason", "wrong_length", detail).into());
        }
        let at = call.at();
        let product = self.catalog.product_alone(id).await?.ok_or_else(|| Refusal::of(Code::NotFound))?;
        self.inviting.notify(product.vendor.id, Notice::ProductHidden { product: id, at }).await?;
        self.change_product(id, |product| product.hide(reason.clone(), at, operator), call).await
    }

    /// Shows a hidden product again, as it was before. One that is not hidden stays as it is.
    pub async fn show_product<R>(&self, id: ProductId, call: Call<'_, Product, R>) -> Done<R> {
        self.change_product(id, |product| product.show(call.at()), call).await
    }

    async fn change_product<R>(
        &self,
        id: ProductId,
        change: impl Fn(&mut Product) + Sync,
        call: Call<'_, Product, R>,
    ) -> Done<R> {
        let decide = |mut stored: StoredProduct| async {
            change(&mut stored.product);
            Ok::<_, Error>(Decision::Write(stored, ()))
        };
        let respond = |stored: &StoredProduct, (): &()| call.answer(&stored.product);
        let work = async { Ok::<_, Error>(self.catalog.change(id, decide, respond).await?.0) };
        self.catalog.once(call.request(), work).await
    }
}
