//! What a vendor order costs its buyer, counted from its shares.

use domain::order::VendorOrder;

/// What the buyer has to pay for a vendor order, in minor units: the shares of what is neither cancelled, given back
/// nor in a parcel that did not arrive, and was not given for nothing.
pub(super) fn owed(vendor_order: &VendorOrder) -> i64 {
    let (mut owed, mut kept) = (0, 0);
    for (at, line) in vendor_order.lines.iter().enumerate() {
        let failed = vendor_order.parcels.iter().filter(|parcel| parcel.state.has_failed());
        let gone = line.cancelled + line.returned + failed.map(|parcel| parcel.units[at]).sum::<u32>();
        let paid_back = (gone + line.granted).min(line.quantity);
        let shares = line.shares.part(paid_back..line.quantity, line.quantity).expect("units of the line");
        owed += shares.total().expect("an amount").minor();
        kept += line.quantity - gone;
    }
    let delivery = kept > 0 && !vendor_order.delivery_refunded;
    if delivery { owed + vendor_order.delivery.total().expect("an amount").minor() } else { owed }
}
