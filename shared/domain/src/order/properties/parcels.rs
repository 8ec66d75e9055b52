//! Properties of parcels: whatever is shipped, lost, taken back and cancelled, in whichever parts.

use super::*;

/// What a vendor does with the only vendor order of an order.
#[derive(Clone, Debug)]
enum Act {
    /// Ships so many units of each line, at most what is left.
    Ship([u32; 2]),
    ShipRest,
    /// Ends the parcel at this position, taken modulo their number.
    End(usize, ParcelStep, bool),
    Deliver,
    Decline,
}

fn any_act() -> impl Strategy<Value = Act> {
    let step = prop_oneof![Just(ParcelStep::Delivered), Just(ParcelStep::Lost), Just(ParcelStep::ReturnedToSender)];
    prop_oneof![
        4 => (0..3_u32, 0..3_u32).prop_map(|(first, second)| Act::Ship([first, second])),
        1 => Just(Act::ShipRest),
        3 => (0..5_usize, step, any::<bool>()).prop_map(|(at, step, restock)| Act::End(at, step, restock)),
        1 => Just(Act::Deliver),
        1 => Just(Act::Decline),
    ]
}

/// An order of two lines with taxes that do not divide, whose units come from two shards.
fn order_of(quantities: [u32; 2], prices: [i64; 2], provider: ProviderName) -> PlacedOrder {
    let mut placed = examples::order(provider, &[vendor_card(vendor(1), "Chorsu Ceramics")]);
    let vendor_order = &mut placed.vendors[0];
    let one = vendor_order.lines[0].clone();
    let tax = BasisPoints::try_from(1_234).unwrap();
    vendor_order.lines = (1..)
        .zip(quantities.into_iter().zip(prices))
        .map(|(ordinal, (quantity, price))| {
            let total = usd(price).times(quantity).unwrap();
            let first = quantity / 2;
            let allocations = [(0, first), (3, quantity - first)].map(|(shard, units)| Allocation { shard, units });
            OrderLine {
                variant: variant(ordinal),
                quantity,
                unit_price: usd(price),
                total,
                shares: Shares::of(total, tax, BasisPoints::ZERO).unwrap(),
                allocations: allocations.into_iter().filter(|allocation| allocation.units > 0).collect(),
                ..one.clone()
            }
        })
        .collect();
    vendor_order.delivery = Shares::of(usd(501), tax, BasisPoints::ZERO).unwrap();
    vendor_order.visible = true;
    let (totals, commission) = VendorOrder::sums(&vendor_order.lines, &vendor_order.delivery).unwrap();
    (vendor_order.totals, vendor_order.commission) = (totals, commission);
    placed.order.totals = totals;
    placed.payments[0].amount = totals.total;
    if !provider.is_on_delivery() {
        let news = PaymentNews::Captured { amount: Some(totals.total) };
        placed.settle(placed.order.payment, &news, LatePayment::Refund, &mut ids(NOW)).unwrap();
    }
    placed.accept(vendor(1), &mut ids(NOW)).unwrap();
    placed.stock_moves.clear();
    placed
}

fn run(placed: &mut PlacedOrder, act: &Act) -> Result<(), Refusal> {
    let mut ids = ids(NOW);
    match act {
        Act::Ship(units) => {
            let lines = placed.vendors[0].lines.iter().zip(units).map(|(line, units)| ParcelLine {
                variant_id: line.variant,
                quantity: (*units).min(line.left_to_ship()),
            });
            let lines: Vec<ParcelLine> = lines.filter(|line| line.quantity > 0).collect();
            placed.ship(vendor(1), &NewParcel { lines: Some(lines), ..NewParcel::default() }, &mut ids)
        }
        Act::ShipRest => placed.ship(vendor(1), &NewParcel::default(), &mut ids),
        Act::End(at, step, restock) => {
            let number = at % placed.vendors[0].parcels.len().max(1) + 1;
            placed.end_parcel(vendor(1), u16::try_from(number).unwrap(), *step, *restock, &mut ids)
        }
        Act::Deliver => placed.deliver(vendor(1), &mut ids),
        Act::Decline => placed.decline(vendor(1), &mut ids),
    }
}

/// Units per line in the parcels that are so.
fn units_in(vendor_order: &VendorOrder, is_so: impl Fn(ParcelState) -> bool) -> Vec<u32> {
    let of_line = |at: usize| {
        let parcels = vendor_order.parcels.iter().filter(|parcel| is_so(parcel.state));
        parcels.map(|parcel| parcel.units[at]).sum()
    };
    (0..vendor_order.lines.len()).map(of_line).collect()
}

proptest! {
    #[test]
    fn units_stock_and_money_of_parcels_always_agree(
        quantities in [1..6_u32, 1..6_u32], prices in [1..999_i64, 1..999_i64],
        acts in prop::collection::vec(any_act(), 1..12), on_delivery in any::<bool>(),
    ) {
        let provider = if on_delivery { ProviderName::CashOnDelivery } else { ProviderName::Stripe };
        let mut placed = order_of(quantities, prices, provider);
        let total = placed.order.totals.total;
        let mut restocked: i64 = 0;
        for act in &acts {
            let before = placed.clone();
            match run(&mut placed, act) {
                // The caller does not write it.
                Err(_) => placed = before,
                Ok(()) => if let Act::End(at, ParcelStep::ReturnedToSender, true) = act {
                    let parcels = &placed.vendors[0].parcels;
                    restocked += parcels[at % parcels.len()].units.iter().map(|units| i64::from(*units)).sum::<i64>();
                },
            }
            let vendor_order = &placed.vendors[0];
            let shipped = units_in(vendor_order, |_| true);
            let failed = units_in(vendor_order, ParcelState::has_failed);
            let (mut left, mut gone, mut off_stock, mut cancelled) = (0, 0, 0_i64, 0_i64);
            for ((line, shipped), failed) in vendor_order.lines.iter().zip(&shipped).zip(&failed) {
                prop_assert_eq!(line.shipped, *shipped);
                prop_assert!(line.shipped + line.cancelled <= line.quantity);
                let lost = line.cancelled + failed;
                prop_assert!(line.refunded <= lost);
                left += line.left_to_ship();
                gone += line.quantity - lost;
                off_stock += i64::from(line.shipped + line.cancelled);
                cancelled += i64::from(line.cancelled);
            }
            // Reserved units leave when they are shipped or cancelled, and only the latter can be bought again.
            let sum = |of: fn(&StockMove) -> i64| placed.stock_moves.iter().map(of).sum::<i64>();
            prop_assert_eq!(sum(|one| one.reserved), -off_stock);
            prop_assert_eq!(sum(|one| one.available), cancelled + restocked);
            for (variant, line) in vendor_order.lines.iter().map(|line| (line.variant, line)) {
                for allocation in &line.allocations {
                    let taken: i64 = placed.stock_moves.iter()
                        .filter(|one| one.variant == variant && one.shard == allocation.shard)
                        .map(|one| -one.reserved).sum();
                    prop_assert!(taken <= i64::from(allocation.units), "no shard gives more than was reserved there");
                }
            }
            // Whatever is on its way, or still to be shipped, keeps the vendor order open.
            let on_its_way = vendor_order.parcels.iter().any(|parcel| parcel.state == ParcelState::Shipped);
            let is_open = left > 0 || on_its_way;
            let open_states = matches!(vendor_order.state,
                VendorOrderState::Accepted | VendorOrderState::PartiallyShipped | VendorOrderState::Shipped);
            prop_assert_eq!(is_open, open_states, "{:?}", vendor_order.state);
            prop_assert_eq!(vendor_order.state == VendorOrderState::PartiallyShipped, left > 0 && !shipped.iter().all(|units| *units == 0));
            if on_delivery {
                let paid = placed.payments[0].captured;
                let delivered = vendor_order.state == VendorOrderState::Delivered;
                prop_assert_eq!(paid.is_some(), delivered);
                let due: Vec<Money> = vendor_order.parcels.iter()
                    .filter(|parcel| parcel.state == ParcelState::Delivered)
                    .map(|parcel| parcel.due.unwrap()).collect();
                if let Some(paid) = paid {
                    prop_assert_eq!(paid, Money::sum(Currency::USD, due).unwrap());
                    prop_assert!(paid.minor() <= total.minor());
                    prop_assert!(paid == total || gone < quantities.iter().sum::<u32>());
                }
                prop_assert!(placed.refunds.is_empty());
            } else {
                let back = Money::sum(Currency::USD, placed.refunds.iter().map(|refund| refund.amount)).unwrap();
                let parts = vendor_order.lines.iter().map(|line| line.shares.part(0..line.refunded, line.quantity).unwrap().total().unwrap());
                let goods = Money::sum(Currency::USD, parts).unwrap();
                let delivery = if gone == 0 { vendor_order.delivery.total().unwrap() } else { usd(0) };
                prop_assert_eq!(back, goods.plus(delivery).unwrap(), "by shares, to the unit");
                prop_assert_eq!(back == total, gone == 0);
            }
            let ends = match (is_open, gone, on_delivery) {
                (true, ..) | (false, 1.., false) => vec![if on_delivery { OrderState::Confirmed } else { OrderState::Paid }],
                (false, 0, false) => vec![OrderState::Completed, OrderState::Cancelled],
                (false, 0, true) => vec![OrderState::Cancelled],
                (false, 1.., true) => vec![OrderState::Paid],
            };
            prop_assert!(ends.contains(&placed.order.state), "{:?}", placed.order.state);
            let was_shipped = !vendor_order.parcels.is_empty();
            prop_assert!(placed.order.state != OrderState::Completed || was_shipped);
        }
    }

    #[test]
    fn what_parcels_cost_together_is_the_total_to_the_unit(
        quantities in [1..6_u32, 1..6_u32], prices in [1..999_i64, 1..999_i64],
        parts in prop::collection::vec([0..3_u32, 0..3_u32], 0..6),
    ) {
        let mut placed = order_of(quantities, prices, ProviderName::CashOnDelivery);
        for part in parts {
            run(&mut placed, &Act::Ship(part)).ok();
        }
        run(&mut placed, &Act::ShipRest).ok();
        let vendor_order = &placed.vendors[0];
        let due = vendor_order.parcels.iter().map(|parcel| parcel.due.unwrap());
        prop_assert_eq!(Money::sum(Currency::USD, due).unwrap(), placed.order.totals.total);
    }
}

#[test]
fn a_parcel_of_an_earlier_release_holds_everything_and_has_the_vendor_orders_state() {
    let mut placed = order_of([2, 3], [1_000, 700], ProviderName::Stripe);
    let parcel = NewParcel { tracking_number: Some(Line::parse("RR 1 UZ").unwrap()), ..NewParcel::default() };
    placed.ship(vendor(1), &parcel, &mut ids(NOW)).unwrap();
    let of_earlier_release = |vendor_order: &VendorOrder| {
        let mut stored = serde_json::to_value(vendor_order).unwrap();
        assert_eq!(stored.as_object_mut().unwrap().remove("parcels").unwrap().as_array().unwrap().len(), 1);
        serde_json::from_value::<VendorOrder>(stored).unwrap()
    };
    assert_eq!(of_earlier_release(&placed.vendors[0]).parcels, placed.vendors[0].parcels);
    placed.deliver(vendor(1), &mut ids(NOW)).unwrap();
    assert_eq!(of_earlier_release(&placed.vendors[0]).parcels, placed.vendors[0].parcels);
    // An earlier release says that what this one has shipped was delivered.
    let mut placed = order_of([2, 3], [1_000, 700], ProviderName::Stripe);
    placed.ship(vendor(1), &parcel, &mut ids(NOW)).unwrap();
    let mut stored = serde_json::to_value(&placed.vendors[0]).unwrap();
    stored["state"] = "delivered".into();
    stored["shipment"]["delivered_at"] = serde_json::to_value(NOW).unwrap();
    let read: VendorOrder = serde_json::from_value(stored).unwrap();
    assert_eq!((read.parcels[0].state, read.parcels[0].ended_at), (ParcelState::Delivered, Some(NOW)));
}

#[test]
fn a_parcel_with_lines_that_are_not_there_is_refused() {
    let refused = |lines: &[(VariantId, u32)]| {
        let mut placed = order_of([2, 3], [1_000, 700], ProviderName::Stripe);
        let lines =
            lines.iter().map(|(variant_id, quantity)| ParcelLine { variant_id: *variant_id, quantity: *quantity });
        let parcel = NewParcel { lines: Some(lines.collect()), ..NewParcel::default() };
        let refusal = placed.ship(vendor(1), &parcel, &mut ids(NOW)).unwrap_err();
        let at = refusal.fields().into_iter().map(|field| format!("{} {}", field.pointer, field.code));
        (refusal.code(), at.collect::<Vec<_>>())
    };
    let field = |text: &str| (Code::Invalid, vec![text.to_owned()]);
    assert_eq!(refused(&[(variant(9), 1)]), field("/lines/0/variant_id unknown"));
    assert_eq!(refused(&[(variant(1), 1), (variant(1), 1)]), field("/lines/1/variant_id duplicate"));
    assert_eq!(refused(&[(variant(1), 1), (variant(2), 0)]), field("/lines/1/quantity out_of_range"));
    assert_eq!(refused(&[]), field("/lines too_short"));
    assert_eq!(refused(&[(variant(1), 1); 41]), field("/lines too_many"));
    assert_eq!(refused(&[(variant(1), 3)]), (Code::WrongState, Vec::new()));
}

#[test]
fn what_the_carrier_was_told_to_collect_is_booked_whatever_became_of_earlier_parcels() {
    let mut placed = order_of([2, 3], [1_000, 700], ProviderName::CashOnDelivery);
    run(&mut placed, &Act::Ship([2, 0])).unwrap();
    run(&mut placed, &Act::ShipRest).unwrap();
    let [first, second] = [0, 1].map(|at| placed.vendors[0].parcels[at].due.unwrap());
    assert_eq!(first.plus(second).unwrap(), placed.order.totals.total);
    run(&mut placed, &Act::End(1, ParcelStep::Delivered, false)).unwrap();
    run(&mut placed, &Act::End(0, ParcelStep::ReturnedToSender, false)).unwrap();
    // The delivery was to be paid with the first, and nobody has asked for it with the second.
    assert_eq!(placed.payments[0].captured, Some(second));
}

#[test]
fn goods_that_came_back_are_in_stock_again_once_whenever_the_vendor_says_so() {
    let mut placed = order_of([2, 3], [1_000, 700], ProviderName::Stripe);
    run(&mut placed, &Act::ShipRest).unwrap();
    run(&mut placed, &Act::End(0, ParcelStep::ReturnedToSender, false)).unwrap();
    assert_eq!(placed.order.state, OrderState::Completed);
    placed.stock_moves.clear();
    let refunds = placed.refunds.len();
    run(&mut placed, &Act::End(0, ParcelStep::ReturnedToSender, true)).unwrap();
    let back: i64 = placed.stock_moves.iter().map(|one| one.available).sum();
    assert_eq!((back, placed.refunds.len()), (5, refunds));
    assert_eq!(
        run(&mut placed, &Act::End(0, ParcelStep::ReturnedToSender, true)).unwrap_err().code(),
        Code::WrongState
    );
}

#[test]
fn past_the_deadline_what_was_not_shipped_is_cancelled_and_parcels_on_their_way_go_on() {
    let vendors = [1, 2].map(|ordinal| vendor_card(vendor(ordinal), "Chorsu Ceramics"));
    let sent = |ends: Option<ParcelStep>| {
        let mut placed = examples::order(ProviderName::CashOnDelivery, &vendors);
        placed.order.due_at = Some(NOW);
        placed.accept(vendor(1), &mut ids(NOW)).unwrap();
        placed.ship(vendor(1), &NewParcel::default(), &mut ids(NOW)).unwrap();
        if let Some(step) = ends {
            placed.end_parcel(vendor(1), 1, step, false, &mut ids(NOW)).unwrap();
        }
        placed.waive_deadline(&mut ids(NOW)).unwrap();
        assert_eq!(placed.vendors[1].state, VendorOrderState::Cancelled);
        (placed.order.state, placed.vendors[0].state, placed.payments[0].captured)
    };
    assert_eq!(sent(None), (OrderState::Confirmed, VendorOrderState::Shipped, None));
    let delivered = (OrderState::Paid, VendorOrderState::Delivered, Some(usd(2_500)));
    assert_eq!(sent(Some(ParcelStep::Delivered)), delivered);
    assert_eq!(sent(Some(ParcelStep::Lost)), (OrderState::Cancelled, VendorOrderState::Lost, None));
}

#[test]
fn a_vendor_order_has_at_most_twenty_parcels_and_the_last_one_holds_the_rest() {
    let mut placed = order_of([5, 21], [1_000, 700], ProviderName::Stripe);
    for _ in 0..19 {
        run(&mut placed, &Act::Ship([0, 1])).unwrap();
    }
    assert_eq!(run(&mut placed, &Act::Ship([0, 1])).unwrap_err().code(), Code::LimitReached);
    run(&mut placed, &Act::ShipRest).unwrap();
    assert_eq!((placed.vendors[0].state, placed.vendors[0].parcels.len()), (VendorOrderState::Shipped, 20));
}
