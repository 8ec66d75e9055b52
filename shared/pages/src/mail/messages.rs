//! The names of all messages of mail, in the order of their tables.

use crate::languages::messages::messages;

messages! {
    /// What is mailed and sent in one language. `{…}` is filled in by [`crate::fill`].
    MailTexts:
    hello, code_subject, code_sign_up, code_reset_subject, code_reset, code_contact_subject, code_contact,
    code_sign_in_subject, code_sign_in, code_valid, code_warning, code_short, text_subject, text_code, text_placed,
    text_shipped, text_cancelled, text_expired, text_refunded, text_news, invited_subject, invited, invited_link,
    invited_token, invited_valid, invited_short, team_invited_subject, team_invited, team_invited_short,
    role_member, role_support, role_catalog, password_subject, password_changed, contact_subject, contact_changed,
    mfa_set_up_subject, mfa_set_up, mfa_removed_subject, mfa_removed, papers_subject, papers_replaced,
    mfa_recovered_subject, mfa_recovered, signed_out, not_you, former_contact, former_otherwise, account_subject,
    contact_taken, contact_taken_you, contact_taken_short, account_exists, account_exists_link,
    account_exists_not_you, account_exists_short, application_subject, shop_submitted, shop_approved_subject,
    shop_approved, shop_rejected, shop_suspended_subject, shop_suspended, shop_reinstated_subject, shop_reinstated,
    shop_changed_subject, shop_changed, because, joined_subject, joined, left_subject, left, a_person,
    removed_subject, removed, paper_expires_subject, paper_expires, paper_expired_subject, paper_expired, paper,
    paper_next, identity_subject, identity_changed, identity_before, identity_seen, product_hidden_subject,
    product_hidden, team_subject, team_joined, team_role, team_removed, no_account, own_role_subject, own_role,
    own_removed, order, confirm_subject, confirm_asked, confirm_valid, confirm_not_you, confirmed_subject,
    confirmed, pay_on_delivery, nothing_to_pay, paid_subject, paid, unconfirmed_subject, unconfirmed, in_cart_again,
    closed_subject, not_sent_closed, unpaid_subject, unpaid, cancelled_subject, cancelled, declined_subject,
    declined, nothing_left, rest_stays, shipped_subject, parcel_shipped_subject, shipped, rest_later, money_ready,
    carrier, parcel_number, delivered_subject, parcel_delivered_subject, delivered, lost_subject, lost,
    came_back_subject, came_back, not_paid_for, money_back_subject, late_payment, paid_twice, wrong_amount,
    granted_subject, granted, reason, see_your_order, keep_link, return_approved_subject, takes_back, send_back,
    send_back_by, return_costs_you, return_costs_shop, return_money, return_declined_subject, return_declined,
    return_expired_subject, return_expired, return_received_subject, return_received, bank_decides, sending_rest,
    sending_back, bank_gave_back, gave_back, looking_into, nothing_taken, from_shop, your_number, new_order_subject,
    new_order, buyer_pays_on_delivery, buyer_pays_nothing, is_paid, bank_asks, open_and_send, vendor_closed,
    vendor_cancelled, rest_cancelled_subject, rest_cancelled, do_not_send, in_stock_again, see_order, hold_subject,
    hold, hold_until, go_on_subject, go_on, granted_vendor_subject, granted_vendor, waits_subject, accept,
    accept_by, send_subject, send, send_by, late_subject, late, open_here, return_asked_subject, return_asked, answer,
    answer_by, comes_back_subject, comes_back, tell_arrival, low_subject, low, low_awaited, low_level, see_product,
    another_amount_subject, another_amount, another_amount_line, unknown_amount, another_amount_decide,
    refund_failed_subject, refund_failed, disputed_subject, disputed, dispute_line, dispute_line_due, dispute_open,
    dispute_won, dispute_lost, dispute_other, dispute_decided_subject, dispute_decided, shop_late_subject,
    shop_late, shop_late_ask, money_came_subject, money_came, money_went_subject, money_went,
    money_disputed_subject, money_disputed, money_moved_subject, money_moved, money_names, look_up,
    look_up_and_return,
}
