//! Valid, tolerated and malformed product files.

mod bounds;
mod languages;
mod malformed;
mod mapped;
mod mended;
mod texts;
mod tolerated;
mod woocommerce;
mod written;

use domain::Currency;

use super::{Entry, FileError, ProductDraft, ProductReader, Products, ReadError};

/// The entries of a file priced in USD.
fn entries(file: impl AsRef<[u8]>) -> Vec<Entry> {
    read(file.as_ref(), Currency::USD).unwrap()
}

fn read(file: &[u8], currency: Currency) -> Result<Vec<Entry>, FileError> {
    let read: Result<_, _> = Products::new(file, ProductReader::new(currency)).collect();
    read.map_err(|error| match error {
        ReadError::File(refused) => refused,
        ReadError::Io(error) => panic!("{error}"),
    })
}

/// The products of a file without errors, wherever they stand in it.
fn products(file: impl AsRef<[u8]>) -> Vec<ProductDraft> {
    entries(file).into_iter().map(|entry| without_lines(entry.product.unwrap())).collect()
}

fn without_lines(mut product: ProductDraft) -> ProductDraft {
    product.variants.iter_mut().for_each(|variant| variant.line = None);
    product
}

/// Every error of a file as `handle: line column code`.
fn errors(file: impl AsRef<[u8]>) -> Vec<String> {
    let failed = entries(file).into_iter().filter_map(|entry| Some((entry.handle, entry.product.err()?)));
    failed
        .flat_map(|(handle, errors)| {
            errors.into_iter().map(move |error| format!("{handle}: {} {:?} {}", error.line, error.column, error.code()))
        })
        .collect()
}

/// Every warning of a file as `handle: line column code value`.
fn warnings(file: impl AsRef<[u8]>) -> Vec<String> {
    let warned = entries(file).into_iter().map(|entry| (entry.handle, entry.warnings));
    warned
        .flat_map(|(handle, warnings)| {
            warnings.into_iter().map(move |warning| {
                format!("{handle}: {} {:?} {} {}", warning.line, warning.column, warning.code(), warning.value)
            })
        })
        .collect()
}

/// The handles of the products that can be imported.
fn good(file: impl AsRef<[u8]>) -> Vec<String> {
    entries(file).into_iter().filter_map(|entry| entry.product.ok()).map(|product| product.handle.to_string()).collect()
}

/// The error of a file that cannot be read as a whole, as `line column code`.
fn refusal(file: impl AsRef<[u8]>) -> String {
    let FileError(error) = read(file.as_ref(), Currency::USD).unwrap_err();
    format!("{} {:?} {}", error.line, error.column, error.code())
}
