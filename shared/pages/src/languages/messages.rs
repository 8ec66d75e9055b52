//! The names of all messages, in the order of their tables.

/// Declares the messages once. A table of a language that lacks one does not compile.
macro_rules! messages {
    ($(#[$doc:meta])* $table:ident: $($name:ident),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[expect(missing_docs, reason = "a message is what it says, in languages/en.rs")]
        pub struct $table { $(pub $name: &'static str,)+ }

        impl $table {
            /// Each message with its name.
            pub fn all(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name),)+]
            }

            /// The same messages, each changed.
            pub(crate) fn map(&self, change: impl Fn(&'static str) -> &'static str) -> Self {
                Self { $($name: change(self.$name),)+ }
            }
        }
    };
}

pub(crate) use messages;

messages! {
    /// What pages say in one language. `{…}` is filled in by [`crate::fill`]; forms for numbers are separated by `|`,
    /// one for each that the language has, and chosen by [`crate::count`].
    Texts:
    skip_to_content, catalog, search, search_label, search_placeholder, language, sign_in, sign_out, account, cart,
    help_title, help_phone, help_telegram, delivery_page, returns_page, privacy_page, terms_page, sell_here, desk,
    operate, home, home_title, home_description, hero_title, hero_text, hero_button, categories, newest, affordable,
    all_products, no_products, no_products_hint, path, sort_label, sort_newest, sort_cheapest, sort_dearest,
    price_filter, price_from, price_to, show, clear_filters, pages_label, next_page, first_page, currency, sold_out,
    discount, former_price, from_price, per_unit, sold_by, vendor_label, in_stock, few_left, on_order, on_order_from,
    choose_variant, quantity, add_to_cart, not_available_now, delivery_cost, description, about_product,
    manufacturer, importer, country_of_origin, about_vendor, legal_name, registration_number, vendor_address,
    vendor_contact, similar, more_from, pictures, picture_of, shop_since, cart_title, cart_empty, cart_empty_hint,
    go_shopping, update, remove, quantity_of, remove_item, unit_price, total, items_count, goods, delivery,
    delivery_later, discount_total, tax, to_pay, check_out, price_rose, price_fell, line_unavailable, line_no_price,
    line_short, line_unit_changed, added, added_to_cart, step_address, step_delivery, step_payment, checkout_title,
    contact, contact_hint, email, phone, phone_hint, recipient, delivery_address, country, region, district, city,
    street, apartment, entrance, floor, postal_code, landmark, landmark_hint, courier_note, optional,
    saved_addresses, use_address, other_address, save_address, to_delivery, your_order, delivery_by,
    standard_delivery, days_range, to_payment, payment_title, pay_card, pay_card_hint, pay_cash, pay_cash_hint,
    pay_nothing, place_order, place_order_cash, accept_terms, read_terms, change, order_title, order_placed_on,
    order_thanks, order_paid, order_awaits_payment, order_pay_until, order_payment_failed, order_payment_pending,
    order_confirm_title, order_confirm_text, code, confirm, send_code_again, code_sent_again, pay_now, check_payment,
    cancel_order, cancel_order_ask, order_cancelled, refunded, refund_pending, refund_returned, parcel, tracking,
    carrier, shipped_on, delivered_on, history, payment, address, return_goods, return_title,
    return_reason, return_quantity, return_ask,
    return_asked, order_again, reload, state_awaiting_confirmation, state_awaiting_payment, state_confirmed,
    state_paid, state_completed, state_cancelled, state_expired, state_other, vendor_pending, vendor_placed,
    vendor_accepted, vendor_shipped, vendor_delivered, vendor_declined, vendor_cancelled, vendor_returned,
    vendor_lost, vendor_completed, link_title, link_text, link_button, link_wrong, link_old, sign_in_title,
    sign_in_contact, password, password_hint, forgot_password, sign_in_by_code, no_account, sign_up, sign_up_title,
    sign_up_text, your_name, have_account, confirm_title, confirm_text, reset_title, reset_text, send_code,
    new_password, save, challenge_title, challenge_text, own_password_text, signed_out, password_changed,
    account_title, account_orders, account_addresses, account_profile, account_security, account_sessions,
    account_privacy, no_orders, order_number, date, amount, state, no_addresses, delete, saved, session_since,
    this_session, end_session, mfa_title, mfa_on, mfa_off, mfa_begin, mfa_scan, mfa_key, mfa_codes_title,
    mfa_codes_text, mfa_remove, change_password, current_password, privacy_text, problem_not_found,
    problem_not_found_text, problem_gone, problem_gone_text, problem_forbidden, problem_forbidden_text,
    problem_too_many, problem_too_many_text,
    problem_unavailable, problem_unavailable_text, problem_internal, problem_internal_text, problem_other,
    problem_other_text,
    problem_wrong_method, problem_wrong_method_text, problem_conflict_text, to_home, error_summary, error_missing,
    error_form,
    error_password_weak, error_credentials, error_code, error_out_of_stock, error_price_changed, error_cart_ordered,
    error_not_deliverable, error_payment_method, error_wrong_state, error_step_up, error_mfa, terms_missing,
    offline_title, offline_text, offline_seen, age_now, age_minutes, age_hours, age_days, cart_waits, cart_short,
    cart_refused, static_delivery_text, static_returns_text, static_privacy_text, static_terms_text,
    sandbox_note, search_cut, tax_number, cart_other_currency, cart_expired, cart_full, vendor_partly_shipped,
    vendor_returned_to_sender, return_requested, return_approved, return_declined, return_received, return_refunded,
    return_expired, reason_changed_mind, reason_damaged, reason_not_as_described, reason_wrong_item, event_placed,
    event_paid, event_accepted, event_shipped, event_delivered, event_cancelled, event_declined, event_refunded,
    guest_note, pay_by, order_again_hint, order_cancel_title, keep_order, error_cart_lines, menu, error_quantity,
    error_invalid, error_too_long, error_too_long_for, error_already_there, error_contact, error_phone, error_email,
    error_code_form,
    error_current_password, confirmed, mfa_removed, mfa_picture, mfa_open, mfa_new_codes, mfa_signed_out,
    begin_again, contact_example, code_text, new_address, mail_language, change_contact, change_contact_text,
    desk_products, desk_imports, desk_shop, desk_choose_shop, desk_role, desk_role_owner, desk_role_manager,
    desk_role_fulfilment, desk_role_finance, desk_next_step, desk_due, desk_why, desk_kind, desk_file, desk_accept,
    desk_accept_title, desk_accept_text, desk_decline, desk_ship, desk_ship_title, desk_label, desk_label_hint,
    desk_back_to_order, desk_sender, desk_carrier, desk_carrier_hint, desk_tracking, desk_in_the_parcel,
    desk_shipped_at, desk_to_collect, desk_delivered, desk_came_back, desk_lost, desk_restock, desk_commission,
    desk_units_shipped, desk_units_cancelled, desk_units_returned, desk_late, desk_late_text, desk_late_orders,
    desk_no_orders, desk_tab_new, desk_tab_to_ship, desk_tab_on_the_way, desk_tab_all, desk_state_new,
    desk_state_to_ship, desk_state_partly_shipped, desk_state_declined, desk_state_came_back, desk_state_unconfirmed,
    desk_return, desk_return_requested, desk_return_approved, desk_return_declined, desk_return_received,
    desk_return_expired, desk_approve_return, desk_decline_return, desk_decline_return_why, desk_receive_return,
    desk_your_answer, desk_reason_changed_mind, desk_reason_damaged, desk_reason_not_described,
    desk_reason_wrong_item, desk_refund, desk_refund_title, desk_refund_text, desk_refund_why, desk_buyer_is_told,
    desk_amount_in, desk_bad_amount, desk_bad_number, desk_new_product, desk_product, desk_product_published,
    desk_product_draft, desk_product_hidden, desk_no_products, desk_low, desk_title, desk_title_hint, desk_category,
    desk_no_category, desk_description_hint, desk_description_html, desk_price, desk_price_in, desk_former_price,
    desk_former_price_in, desk_former_price_hint, desk_save_price, desk_price_and_stock, desk_on_hand,
    desk_on_hand_hint, desk_available, desk_reserved, desk_save_stock, desk_handle, desk_handle_hint,
    desk_visibility, desk_publish_now, desk_keep_draft, desk_unpublish, desk_see_in_shop, desk_pictures_later,
    desk_no_pictures, desk_choose_pictures, desk_pictures_hint, desk_picture_waiting, desk_add_pictures, desk_pictures_after_approval,
    desk_delete_product, desk_delete_sure, desk_imports_after_approval, desk_new_import, desk_new_import_text,
    desk_language, desk_language_not_said, desk_texts, desk_texts_text, desk_texts_in, desk_texts_hint,
    desk_texts_own, desk_own_description, desk_texts_written, desk_texts_partly, desk_texts_made,
    desk_texts_missing, desk_texts_remove, desk_seo, desk_seo_title, desk_seo_description, desk_option_name,
    desk_error_same_word, desk_error_language_twice,
    desk_choose_file, desk_file_hint, desk_check_file, desk_dry_run, desk_real_import, desk_rows, desk_rows_of,
    desk_time_left, desk_minutes, desk_job_waiting, desk_job_running, desk_job_completed, desk_job_failed,
    desk_import_goes_on, desk_count_created, desk_count_updated, desk_count_unchanged, desk_count_refused,
    desk_count_stock_kept, desk_count_pictures, desk_fetch_images, desk_fetch_images_hint, desk_start_title, desk_start_text, desk_start, desk_import_publish, desk_stock_of_file,
    desk_stock_keep, desk_stock_keep_hint, desk_stock_set, desk_stock_add, desk_report, desk_line, desk_column,
    desk_value, desk_refused, desk_warning, desk_hint, desk_more_entries, desk_refused_rows, desk_refused_text,
    desk_refused_file, desk_columns, desk_columns_text, desk_columns_none, desk_columns_unknown,
    desk_columns_unknown_text, desk_check_again, desk_check_again_text, desk_column_kept, desk_column_handle,
    desk_column_sku, desk_column_grams, desk_column_image, desk_column_tags, desk_column_option,
    desk_column_option_value, desk_apply, desk_apply_text, desk_have_shop, desk_open_shop, desk_shop_name,
    desk_shop_about, desk_email_hint, desk_phone_hint, desk_legal_name, desk_legal_name_hint, desk_kind_of_vendor,
    desk_kind_individual, desk_kind_sole_trader, desk_kind_company, desk_currency_hint, desk_shipping_rate,
    desk_shipping_rate_hint, desk_cash, desk_cash_hint, desk_application, desk_checklist_text, desk_item_done,
    desk_item_missing, desk_ready_to_submit, desk_submit, desk_operator_says, desk_shop_draft, desk_shop_submitted,
    desk_shop_approved, desk_shop_rejected, desk_shop_suspended, desk_terms, desk_terms_due, desk_accept_terms,
    desk_papers, desk_papers_text, desk_paper_identity, desk_paper_registration, desk_paper_tax, desk_paper_licence,
    desk_paper_hint, desk_add_paper, desk_expires, desk_expires_hint, desk_error_handle, desk_error_limit,
    desk_error_limit_of,
    desk_error_import_running, desk_error_checklist, desk_error_suspended, desk_error_disputed, desk_error_too_large,
    desk_error_forbidden, desk_done_accepted, desk_done_declined, desk_done_shipped, desk_done_refunded,
    desk_done_created, desk_done_published, desk_done_unpublished, desk_done_deleted, desk_done_submitted,
    desk_done_opened, desk_invited, desk_invited_text, desk_join, desk_not_join, desk_done_joined,
    desk_done_not_joined, desk_error_invitation, op_summary, op_waits, op_vendors, op_settings, op_no_vendors,
    op_submitted_vendors,
    op_failed_refunds, op_amount_mismatches, op_unmatched_payments, op_open_disputes, op_late_orders, op_unpaid_orders,
    op_expired_papers, op_approve, op_reject, op_reject_why, op_suspend, op_suspend_why, op_reinstate, op_reinstated,
    op_reason, op_vendor_is_told, op_error_same_name, op_allow_same_name, op_order_number, op_undeliverable,
    op_cancel_text, op_cancel_sure, op_reference, op_dispute, op_refund, op_refund_failed, op_refund_resolved,
    op_retry_refund, op_resolve_how, op_resolve_refund, op_resolution, op_who_pays, op_paid_by_operator,
    op_error_refund_limit, op_error_refund_limit_of, op_setting, op_value, op_list_hint, op_payment_declined,
    op_payment_mismatch,
    op_payment_partly_refunded, op_value_hint, op_setting_text, op_version, op_default,
    op_changed_at, op_changed_by, op_to_default, op_restore, op_amount_text, op_accept_amount, op_refund_amount,
    desk_bad_file_type, op_texts, op_text_offer, op_text_agreement, op_text_nothing, op_text_hint, op_grace_days,
    op_grace_days_hint, op_publish_text, op_done_published_text,
    event_confirmed, event_expired, event_deadline_missed, event_reopened, event_deadline_waived,
    event_payment_attempted, event_payment_failed, event_payment_mismatch, event_payment_accepted,
    event_payment_rejected, event_refund_queued, event_refund_failed, event_refund_returned, event_refund_elsewhere,
    event_refund_charged_back, event_refund_retried, event_refund_resolved, event_dispute_opened, event_dispute_won,
    event_dispute_lost, event_other,
}
