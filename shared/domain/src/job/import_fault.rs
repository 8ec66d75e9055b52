//! What an import finds beyond the faults that stand in the file itself.

/// Declares the faults once: name, code for clients, and meaning.
macro_rules! import_faults {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        /// A fault, a warning or a hint that an import makes from more than the file: from what is stored, from a
        /// limit, or from how the work went. Each has one meaning, because the sentence of a language is chosen by the
        /// code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ImportFault { $($(#[doc = $doc])+ $name,)+ }

        impl ImportFault {
            /// Every one of them, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The code for clients. Part of the HTTP contract: never renamed.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }
        }
    };
}

import_faults! {
    /// The file was there once and is not any more.
    FileMissing = "file_missing",
    /// The file was replaced by another one while it was imported.
    FileReplaced = "file_replaced",
    /// The file was not uploaded in time.
    UploadMissing = "upload_missing",
    /// The file has more bytes than it may have; the value is how many it may have.
    FileTooLarge = "file_too_large",
    /// The encoding of the file was recognised by its bytes; the value is its name.
    FileEncoding = "file_encoding",
    /// Other columns than those that are used are kept for exports, and there is no room for these.
    TooManyColumnsKept = "too_many_columns_kept",
    /// The import was interrupted as often as its message is delivered.
    Interrupted = "interrupted",
    /// Another import has taken the place of this one.
    Superseded = "superseded",
    /// The rows of refused products could not be written to a file.
    RefusedFileMissing = "refused_file_missing",
    /// The vendor does not exist.
    VendorNotFound = "not_found",
    /// The vendor is suspended.
    VendorSuspended = "vendor_suspended",
    /// The vendor has as many products as it may have; the value is how many.
    LimitReached = "limit_reached",
    /// Neither the file nor the shop has the product of this SKU or ID.
    UnknownProduct = "unknown_product",
    /// The row does not say which variant of the product it means.
    UnknownVariant = "unknown_variant",
    /// A variant cannot be removed, because units of it are reserved; the value is how many.
    VariantReserved = "variant_reserved",
    /// With the variants that the file does not name the product has more than it may have.
    TooManyVariantsTogether = "too_many_variants_together",
    /// The product has had as many variants as it can ever have.
    VariantsUsedUp = "variants_used_up",
    /// Variants that the file does not name are removed; the value names them.
    VariantsRemoved = "variants_removed",
    /// No category has this handle or name.
    UnknownCategory = "unknown_category",
    /// A published product is published still, although the file marks it otherwise.
    StaysPublished = "stays_published",
    /// The product is not published, because the file marks it so.
    NotPublished = "not_published",
    /// The stock stays as it is, because units of it are reserved; the detail says how many.
    QuantityReserved = "quantity_reserved",
    /// The stock stays as it is, because more units would be owed than may be sold beyond it; the detail says how many
    /// that are.
    QuantityTooLow = "quantity_too_low",
    /// The cells of kept columns are left out, because those of all files of the product take too much.
    KeptColumnsFull = "kept_columns_full",
    /// What is stored of the product cannot be read.
    Unreadable = "unreadable",
    /// No form of the handle is free.
    HandleTaken = "handle_taken",
    /// Others changed the product all the time.
    Conflict = "conflict",
    /// A newer release has written the product.
    NewerData = "newer_data",
    /// The catalog refused the product for a reason that only the detail says.
    Refused = "refused",
    /// A dry run: the product would be new; the value is the number of its variants.
    WouldCreate = "would_create",
    /// A dry run: the product would change; the detail says in what.
    WouldChange = "would_change",
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_has_a_code_of_its_own() {
        let codes: BTreeSet<&str> = ImportFault::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), ImportFault::ALL.len());
    }
}
