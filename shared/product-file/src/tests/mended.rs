//! What is taken in with a warning, because shops have it in their files.

use super::*;

#[test]
fn a_foreign_handle_is_mapped_and_remembered() {
    let file = "Handle,Title,Variant Price\nkosa-360º,A,9\nкўк-коса,B,9\nmening_kosam,C,9\nBlue-Bowl,D,9\n";
    let read: Vec<_> =
        products(file).into_iter().map(|one| (one.handle.to_string(), one.file_handle.to_string())).collect();
    let pairs = [
        ("kosa-360o", "kosa-360º"),
        ("kok-kosa", "кўк-коса"),
        ("mening-kosam", "mening_kosam"),
        ("blue-bowl", "Blue-Bowl"),
    ];
    assert_eq!(read, pairs.map(|(here, there)| (here.to_owned(), there.to_owned())));
    assert_eq!(
        warnings(file),
        [
            "kosa-360º: 2 \"Handle\" handle_mapped kosa-360º",
            "кўк-коса: 3 \"Handle\" handle_mapped кўк-коса",
            "mening_kosam: 4 \"Handle\" handle_mapped mening_kosam",
        ]
    );
}

#[test]
fn pictures_without_https_and_with_spaces_are_mended_and_others_left_out() {
    let file = "Handle,Title,Variant Price,Image Src,Variant Image\n\
        a,A,2,http://a.test/1.jpg,//b.test/my bowl.jpg\na,,,https://a.test/ok.jpg,\na,,,javascript:alert(1),\n\
        b,B,2,media:unknown,ftp://a.test/x.jpg\n";
    let [a, b] = products(file).try_into().unwrap();
    let sources: Vec<_> = a.images.iter().map(|image| image.src.as_str()).collect();
    assert_eq!(sources, ["https://a.test/1.jpg", "https://a.test/ok.jpg"]);
    assert_eq!(a.variants[0].image.as_ref().unwrap().as_str(), "https://b.test/my%20bowl.jpg");
    assert!(b.images.is_empty() && b.variants[0].image.is_none());
    assert_eq!(
        warnings(file),
        [
            "a: 2 \"Variant Image\" address_mended //b.test/my bowl.jpg",
            "a: 4 \"Image Src\" bad_url javascript:alert(1)",
            "b: 5 \"Variant Image\" bad_url ftp://a.test/x.jpg",
        ]
    );
}

#[test]
fn units_below_zero_are_kept_where_more_is_sold_than_there_is() {
    let file = "Handle,Title,Variant Inventory Qty,Variant Inventory Policy,Variant Price\n\
        a,A,-2,continue,9\nb,B,-2,deny,9\nc,C,-2,,9\nd,D,-2,maybe,9\n";
    let units: Vec<_> = products(file).iter().map(|one| one.variants[0].quantity).collect();
    assert_eq!(units, [Some(-2), Some(0), Some(-2), Some(0)], "without a policy the stored one decides");
    assert_eq!(
        warnings(file),
        [
            "b: 3 \"Variant Inventory Qty\" negative_quantity -2",
            "d: 5 \"Variant Inventory Policy\" bad_policy maybe",
            "d: 5 \"Variant Inventory Qty\" negative_quantity -2",
        ]
    );
}

#[test]
fn texts_that_are_too_long_are_cut_and_what_cannot_be_shown_is_taken_out() {
    let (long, sku) = ("o".repeat(300), "N".repeat(65));
    let file = format!(
        "Handle,Title,Tags,Option1 Name,Option1 Value,Variant SKU,Variant Price,Image Src,Image Alt Text\n\
         a,A\u{202e}b,\"t,{long}\",Size,{long},{sku},1,https://a.test/1,{long}\n"
    );
    let [a] = products(&file).try_into().unwrap();
    assert_eq!(a.title.unwrap().as_str(), "Ab");
    assert_eq!(a.tags.iter().map(|tag| tag.as_str().len()).collect::<Vec<_>>(), [1, 100]);
    assert_eq!((a.variants[0].values[0].as_str().len(), &a.variants[0].sku), (100, &None));
    assert_eq!(a.images[0].alt.as_ref().unwrap().as_str().len(), 250);
    let codes: Vec<_> = warnings(&file).iter().map(|warning| warning.split(' ').nth(3).unwrap().to_owned()).collect();
    assert_eq!(warnings(&file).len(), 3, "{codes:?}");
}

#[test]
fn rows_that_stand_apart_add_to_their_product() {
    let file = "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price\n\
        choynak,Choynak,Hajm,Kichik,C-1,12.00\nlagan,Lagan,Title,Default Title,L-1,20.00\nchoynak,,,O'rta,C-2,14.00\n";
    let [first, lagan, rest] = products(file).try_into().unwrap();
    assert_eq!((first.continues, lagan.continues, rest.continues), (false, false, true));
    assert!(rest.title.is_none() && rest.options.is_empty() && first.options.len() == 1);
    assert_eq!(rest.variants[0].values[0].as_str(), "O'rta");
    assert_eq!(warnings(file), ["choynak: 4 \"Handle\" rows_apart choynak"]);
}

#[test]
fn in_a_sorted_file_the_row_with_the_title_speaks_for_the_product() {
    let file = "Handle,Title,Tags,Option1 Name,Option1 Value,Variant Price\n\
        a,,,,M,2\na,A,\"x,y\",Size,S,1\na,Other,z,,L,3\n";
    let [a] = products(file).try_into().unwrap();
    assert_eq!((a.title.unwrap().as_str(), a.tags.len(), a.variants.len()), ("A", 2, 3));
    let values: Vec<_> = a.options[0].values.iter().map(|value| value.as_str()).collect();
    assert_eq!(values, ["M", "S", "L"]);
}

#[test]
fn a_file_may_have_a_handle_and_some_columns_only() {
    let [a, b] = products("Handle,Tags\na,\"x,y\"\nb,\n").try_into().unwrap();
    assert_eq!((a.tags.len(), a.variants.len(), b.variants.len(), a.title), (2, 0, 0, None));
    let [a] = products("Handle,Variant SKU,Variant Price\na,A-1,5\na,A-2,6\n").try_into().unwrap();
    assert!(a.variants.iter().all(|variant| variant.values.is_empty() && variant.price.is_some()));
    let [a] = products("Handle,Option1 Value,Variant Inventory Qty\na,S,5\na,M,6\n").try_into().unwrap();
    assert_eq!(a.variants.iter().map(|one| one.values[0].as_str()).collect::<Vec<_>>(), ["S", "M"]);
}

#[test]
fn the_product_category_stands_in_for_an_empty_type() {
    let file = "Handle,Title,Type,Product Category,Variant Price\n\
        a,A,,Home & Garden > Kitchen > Bowls,1\nb,B,Cups,Home > Bowls,1\n";
    let types: Vec<_> = products(file).into_iter().map(|one| one.category.unwrap().to_string()).collect();
    assert_eq!(types, ["Bowls", "Cups"]);
}
