//! Deviations from the format that are tolerated.

use super::*;
use crate::{Status, Step};

const HEADER: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,\
    Variant SKU,Variant Grams,Variant Inventory Qty,Variant Price,Variant Compare At Price,Image Src,Image Position,Image Alt Text,\
    SEO Title,SEO Description,Variant Image,Status\n";

#[test]
fn a_product_spans_rows() {
    let file = format!(
        "{HEADER}\
        bowl,Blue bowl,<p>Hand <b onclick=x>made</b></p>,Chorsu,Bowls,\"clay, blue ,clay\",TRUE,Size,Small,Glaze,Matt,B-S,400,3,12.50,15,https://a.test/2.jpg,2,Side,Bowl,A bowl,https://a.test/s.jpg,active\n\
        bowl,ignored,,,,,,,Large,,Matt,B-L,800.5,,14,0.00,https://a.test/1.jpg,1,,,,,\n\
        bowl,,,,,,,,,,,,,,,,https://a.test/3.jpg,3,Below,,,,\n\
        cup,Cup,,,,,,Title,Default Title,,,,,,1,,,,,,,,\n"
    );
    let [bowl, cup] = products(&file).try_into().unwrap();
    let shown: Vec<_> = bowl
        .variants
        .iter()
        .map(|variant| {
            let values: Vec<_> = variant.values.iter().map(|value| value.as_str()).collect();
            let price = variant.price.unwrap();
            (
                values.join("/"),
                variant.grams,
                variant.quantity,
                price.price.decimal(),
                price.compare_at.map(|compared| compared.decimal()),
            )
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("Small/Matt".to_owned(), Some(400), Some(3), "12.50".to_owned(), Some("15.00".to_owned())),
            ("Large/Matt".to_owned(), Some(800), None, "14.00".to_owned(), None),
        ]
    );
    assert_eq!(bowl.body_html.unwrap(), "<p>Hand <b>made</b></p>");
    assert_eq!(bowl.title.as_ref().unwrap().as_str(), "Blue bowl");
    assert_eq!((bowl.published, bowl.status), (Some(true), Some(Status::Active)));
    assert_eq!(bowl.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["clay", "blue"]);
    let sizes: Vec<_> = bowl.options.first().unwrap().values.iter().map(|value| value.as_str()).collect();
    assert_eq!(sizes, ["Small", "Large"]);
    let pictures: Vec<_> = bowl.images.iter().map(|image| image.src.as_str()).collect();
    assert_eq!(pictures, ["https://a.test/1.jpg", "https://a.test/2.jpg", "https://a.test/3.jpg"]);
    assert!(cup.options.is_empty());
    assert_eq!(cup.variants.len(), 1);
    assert!(cup.variants.first().unwrap().values.is_empty());
    assert!(cup.body_html.is_none());
}

#[test]
fn separators_line_ends_marks_and_header_spellings_do_not_matter() {
    let plain = products("Handle,Title,Variant Price\na,\"A, or \"\"one\"\"\",1.50\nb,\"B\nb\",2\n");
    assert_eq!(plain.len(), 2);
    for file in [
        "\u{feff}Handle,Title,Variant Price\na,\"A, or \"\"one\"\"\",1.50\nb,\"B\nb\",2\n",
        "handle;TITLE; variant price \na;\"A, or \"\"one\"\"\";1,5\nb;\"B\nb\";2,00\n",
        "Handle\tTitle\tVariant Price\na\tA, or \"one\"\t1.5\nb\t\"B\nb\"\t2\n",
        "Handle,Title,Variant Price\r\na,\"A, or \"\"one\"\"\",1.50\r\nb,\"B\r\nb\",2\r\n",
        "Handle,Title,Variant Price\ra,\"A, or \"\"one\"\"\",1.50\rb,\"B\rb\",2",
        "sep=;\r\nHandle;Title;Variant Price\r\na;\"A, or \"\"one\"\"\";1,50\r\nb;\"B\nb\";2",
        "\n\nHandle,Title,Variant Price\n\n,,\na,\"A, or \"\"one\"\"\" ,1.50,,\n\n ,,\nb,\"B\nb\",2\n,,\n",
        "Variant Price,Unknown;thing,Title,Handle,Option1 Name,Option1 Value\n1.50,x,\"A, or \"\"one\"\"\",a,,\n2,\"\",\"B\nb\",b,Title,Default Title",
        "URL handle,Title,Description,Price,Compare-at price\na,\"A, or \"\"one\"\"\",,1.50,\nb,\"B\nb\",,2,",
    ] {
        let read: Vec<_> = products(file).into_iter().map(|one| ProductDraft { kept: Vec::new(), ..one }).collect();
        assert_eq!(read, plain, "{file}");
    }
}

#[test]
fn a_column_that_is_called_like_another_header_means_nothing_beside_the_first() {
    let file = "Price,Description,Handle,Body,Title,Body (HTML),Variant Price,SKU,Variant SKU\n\
        9,Sold out,a,Round,A,<p>Blue</p>,1.50,S-9,S-1\n";
    let [product] = products(file).try_into().unwrap();
    let [variant] = product.variants.try_into().unwrap();
    assert_eq!(product.body_html.unwrap(), "<p>Blue</p>");
    assert_eq!((variant.price.unwrap().price.decimal(), variant.sku.unwrap().as_str()), ("1.50".to_owned(), "S-1"));
    // An alias that is ignored may also occur several times.
    assert_eq!(products("Handle,Title,Variant Price,Price,price\na,A,1.50,8,9\n").len(), 1);
    let [product] = products("Handle,Title,Variant Price,Description,Body\na,A,1,Sold out,Round\n").try_into().unwrap();
    assert_eq!(product.body_html.unwrap(), "Round");
}

#[test]
fn quotes_within_a_plain_cell_are_text() {
    let [pipe] = products("Handle,Title,Variant Price\npipe,5\" pipe,1\n").try_into().unwrap();
    assert_eq!(pipe.title.unwrap().as_str(), "5\" pipe");
}

#[test]
fn an_apostrophe_that_keeps_a_spreadsheet_from_calculating_is_taken_off() {
    let [product] =
        products("Handle,Title,Variant SKU,Variant Inventory Qty,Variant Price\nx,'=Sum,'-X,5,1\n").try_into().unwrap();
    assert_eq!(product.title.as_ref().unwrap().as_str(), "=Sum");
    assert_eq!(product.variants.first().unwrap().sku.as_ref().unwrap().as_str(), "-X");
}

#[test]
fn a_product_without_published_or_status_wants_publishing() {
    let wants = |published: &str, status: &str| {
        let file = format!("Handle,Title,Variant Price,Published,Status\na,A,1,{published},{status}\n");
        products(file).first().unwrap().wants_publishing()
    };
    assert!(wants("", ""));
    assert!(wants("TRUE", "Active"));
    assert!(!wants("false", "active"));
    assert!(!wants("true", "draft"));
    assert!(!wants("", "archived"));
}

#[test]
fn only_the_first_row_of_a_product_speaks_for_it() {
    let file = "Handle,Title,Option1 Name,Option1 Value,Variant Price\na,A,Size,S,1\na,,Size,M,2\na,Other,,L,3\n";
    let [product] = products(file).try_into().unwrap();
    assert_eq!((product.title.unwrap().as_str(), product.variants.len()), ("A", 3));
}

#[test]
fn the_picture_that_is_repeated_per_variant_is_one() {
    let file = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Image Src\n\
        a,A,Size,S,1,https://a.test/1\na,,,M,2,https://a.test/1\na,,,L,2,https://a.test/2\n";
    assert_eq!(products(file).first().unwrap().images.len(), 2);
}

#[test]
fn a_header_without_rows_has_no_products() {
    assert_eq!(entries("Handle,Title,Variant Price"), []);
    assert_eq!(entries("Handle,Title,Variant Price\r\n\r\n"), []);
}

#[test]
fn pieces_of_any_size_read_the_same() {
    let file = format!(
        "\u{feff}{HEADER}bowl,\"Blue\r\nbowl\",\"<p>a\"\"b</p>\",,,,,Size,S,,,,,,1,,,,,,,,\r\nbowl,,,,,,,,M,,,,,,2,,,,,,,,\r\n\"x,\r\ny,Y,,,,,,,,,,,,1,,,,,,,,\r\n"
    );
    let whole = entries(&file);
    assert_eq!(whole.len(), 3);
    for size in 1..40 {
        let mut reader = ProductReader::new(Currency::USD);
        let mut pieces = file.as_bytes().chunks(size);
        let mut entries = Vec::new();
        loop {
            match reader.step().unwrap() {
                Step::Product(entry) => entries.push(*entry),
                Step::NeedsMore => match pieces.next() {
                    Some(piece) => reader.feed(piece),
                    None => reader.end(),
                },
                Step::End | Step::Again => break,
            }
        }
        assert_eq!(entries, whole, "{size}");
    }
}

#[test]
fn a_category_in_two_spellings_comes_in_as_an_export_has_kept_it() {
    let file = "Handle,Title,Product Category,Product category,Variant Price\nbowl,Bowl,Bowls,Kosa,1.00\n";
    assert_eq!(good(file), ["bowl"]);
    assert_eq!(refusal("Handle,Title,title,Variant Price\nbowl,Bowl,Kosa,1.00\n"), "1 \"title\" duplicate_column");
}
