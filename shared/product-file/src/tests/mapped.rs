//! Files whose columns are mapped.

use domain::job::FileColumn;
use domain::text::Line;

use super::*;
use crate::{Mapping, RowCounter};

fn mapping() -> Mapping {
    let columns = [
        ("Артикул", FileColumn::Sku),
        ("Наименование", FileColumn::Title),
        ("Цена, сум", FileColumn::Price),
        ("Фото", FileColumn::Image),
        ("нет такой", FileColumn::Tags),
    ];
    columns.map(|(header, column)| (Line::parse(header).unwrap(), column)).into()
}

fn mapped(file: &str) -> Vec<Entry> {
    let reader = ProductReader::new(Currency::USD).mapped(Some(mapping()));
    Products::new(file.as_bytes(), reader).map(Result::unwrap).collect()
}

#[test]
fn columns_are_found_whatever_their_case_and_signs_and_the_sku_tells_the_product() {
    let file = "№;АРТИКУЛ;Наименование;Цена (сум);Фото;Склад\n\
        1;K-1;Коса синяя;9,50;https://a.test/1.jpg;A2\n2;k-1;;;https://a.test/2.jpg;\n3;K-2;Блюдо;12;;A3\n4;;Без кода;1;;\n";
    let [kosa, dish, nameless] = mapped(file).try_into().unwrap();
    let kosa = kosa.product.unwrap();
    assert_eq!((kosa.handle.as_str(), kosa.file_key.unwrap().as_str()), ("kosa-sinyaya", "k-1"));
    assert_eq!((kosa.variants.len(), kosa.images.len()), (1, 2), "a row may add a picture only");
    assert_eq!(kosa.kept, [(0, "1".to_owned()), (1, "A2".to_owned())]);
    assert_eq!(dish.product.unwrap().variants[0].price.unwrap().price.decimal(), "12.00");
    let error = nameless.product.unwrap_err().remove(0);
    assert_eq!((error.column.as_str(), error.code()), ("АРТИКУЛ", "missing_handle"));
    let mut row_counter = RowCounter::mapped(Some(mapping()));
    row_counter.feed(file.as_bytes()).unwrap();
    let counted = row_counter.finish().unwrap();
    assert!(counted.is_mapped && counted.passes == 0);
    assert_eq!(counted.kept_columns, ["№", "Склад"]);
}

#[test]
fn a_known_system_needs_no_mapping_and_an_unknown_one_is_told_with_its_columns() {
    let mut row_counter = RowCounter::mapped(Some(mapping()));
    row_counter.feed("Handle,Артикул,Title,Variant Price\na,K-1,A,1\n".as_bytes()).unwrap();
    assert!(!row_counter.finish().unwrap().is_mapped);
    let reader = ProductReader::new(Currency::USD).mapped(Some(mapping()));
    let mut products = Products::new("Код,Название\n1,A\n".as_bytes(), reader);
    let Some(Err(ReadError::File(FileError(error)))) = products.next() else { panic!("it is read") };
    assert_eq!((error.code(), error.value.as_str()), ("missing_column", "Код, Название"));
}
