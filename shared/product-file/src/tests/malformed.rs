//! Every fault of a file, with the line and the column that are reported for it.

use super::*;

const HEADER: &str = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Variant Inventory Qty,Image Src\n";

/// The errors of one row that stands between two good products, both of which must survive it.
fn errors_between(row: &str) -> Vec<String> {
    let file = format!("{HEADER}first,\"First\nline\",,,1,,\n{row}\nlast,Last,,,1,,\n");
    assert_eq!(good(&file), ["first", "last"], "{row}");
    errors(&file)
}

#[test]
fn a_bad_cell_is_reported_by_line_and_column_and_fails_its_product_only() {
    for (row, expected) in [
        ("x,X,,,-1,,", "x: 4 \"Variant Price\" bad_price"),
        ("x,X,,,\"12,50\",,", "x: 4 \"Variant Price\" bad_price"),
        ("x,X,,,12.345,,", "x: 4 \"Variant Price\" bad_price"),
        ("x,X,,,free,,", "x: 4 \"Variant Price\" bad_price"),
        ("x,X,,,1,1.5,", "x: 4 \"Variant Inventory Qty\" bad_quantity"),
        (",X,,,1,,", ": 4 \"Handle\" missing_handle"),
        ("first,X,,,1,,", "first: 4 \"Option1 Value\" duplicate_variant"),
        ("x,X,,Red,1,,", "x: 4 \"Option1 Value\" missing_option_name"),
        ("x,X,Colour,,1,,", "x: 4 \"Option1 Value\" missing_option_value"),
        ("x,X,,,1,,,,stray", "x: 4 \"\" row_too_wide"),
        ("x,\"X\" y,,,1,,", "x: 4 \"Title\" unbalanced_quotes"),
        ("x,\"X,,,1,,", "x: 4 \"Title\" unbalanced_quotes"),
        ("\"x,X,,,1,,", ": 4 \"Handle\" unbalanced_quotes"),
        ("x,X,Size,S,1,,\nx,,,S,2,,", "x: 5 \"Option1 Value\" duplicate_variant"),
        ("x,X,Size,S,1,,\nx,,Colour,M,2,,", "x: 5 \"Option1 Name\" option_name_changed"),
        ("x,X,Size,\"S\nS\",1,,\nx,,,M,?,,", "x: 6 \"Variant Price\" bad_price"),
    ] {
        if row.starts_with("first") {
            let file = format!("{HEADER}first,\"First\nline\",,,1,,\n{row}\nlast,Last,,,1,,\n");
            assert_eq!((errors(&file), good(&file)), (vec![expected.to_owned()], vec!["last".to_owned()]));
        } else {
            assert_eq!(errors_between(row), [expected], "{row}");
        }
    }
}

#[test]
fn a_price_may_be_left_empty_where_nothing_is_compared_to_it() {
    let header = "Handle,Title,Option1 Name,Option1 Value,Variant Price,Variant Compare At Price\n";
    let [product] = products(format!("{header}x,X,Size,S,,\nx,,,M,,0.00\nx,,,L,5,7\n")).try_into().unwrap();
    let prices: Vec<_> = product.variants.iter().map(|variant| variant.price.is_some()).collect();
    assert_eq!(prices, [false, false, true]);
    let compared = format!("{header}x,X,Size,S,1,2\nx,,,M,,3\n");
    assert_eq!(warnings(compared), ["x: 3 \"Variant Compare At Price\" compare_at_without_price 3"]);
}

#[test]
fn every_kind_of_fault_of_a_product_is_reported_once() {
    let file = "Handle;title;Variant Price;Variant Grams;Variant Inventory Qty;Published;Status;Image Position;Image Src;Variant Compare At Price\n\
        x;X;a;b;c;d;e;f;https://a.test;g\nx;;y;b;d;;;;;\n";
    assert_eq!(
        errors(file),
        [
            "x: 2 \"Variant Inventory Qty\" bad_quantity",
            "x: 2 \"Variant Price\" bad_price",
            "x: 3 \"Option1 Value\" duplicate_variant"
        ]
    );
    assert_eq!(
        warnings(file),
        [
            "x: 2 \"Published\" bad_boolean d",
            "x: 2 \"Status\" bad_status e",
            "x: 2 \"Variant Grams\" bad_grams b",
            "x: 2 \"Variant Compare At Price\" compare_at_left_out g",
            "x: 2 \"Image Position\" bad_position f",
        ]
    );
    let times = entries(file).remove(0).product.unwrap_err().iter().map(|error| error.times).collect::<Vec<_>>();
    assert_eq!(times, [2, 2, 1]);
}

#[test]
fn bytes_that_are_no_utf8_fail_their_cell() {
    let mut file = format!("{HEADER}a,Caf\u{1},,,1,,\nb,B,,,1,,\nc\u{1},C,,,1,,\nd,D,,,1,,\n").into_bytes();
    file.iter_mut().filter(|byte| **byte == 1).for_each(|byte| *byte = 0xe9);
    assert_eq!(errors(&file), ["a: 2 \"Title\" bad_utf8", "c\u{fffd}: 4 \"Handle\" bad_utf8"]);
    assert_eq!(good(&file), ["b", "d"]);
}

#[test]
fn texts_have_bounds() {
    let long = "x".repeat(251);
    let tags =
        vec!["t"; 251].iter().enumerate().map(|(index, tag)| format!("{tag}{index}")).collect::<Vec<_>>().join(",");
    let file = format!(
        "Handle,Title,Tags,Body (HTML),Variant SKU,Variant Price\na,{long},,,,1\nb,B,\"{tags}\",,,1\nc,C,,{},,1\nd,D,,,{long},1\n{long},E,,,,1\n",
        "y".repeat(40_001)
    );
    let (value, cut) = ("x".repeat(80), "x".repeat(250));
    assert_eq!(
        errors(&file),
        ["c: 4 \"Body (HTML)\" text_too_long".to_owned(), format!("{cut}: 6 \"Handle\" bad_handle")]
    );
    assert_eq!(
        warnings(file),
        [
            format!("a: 2 \"Title\" text_cut {value}"),
            "b: 3 \"Tags\" too_many_tags t250".to_owned(),
            format!("d: 5 \"Variant SKU\" sku_left_out {value}"),
        ]
    );
}

#[test]
fn a_product_has_a_bounded_number_of_everything() {
    let variants: String =
        (0..103).map(|index| format!("a,A,{},V{index},1,,\n", if index == 0 { "Size" } else { "" })).collect();
    let images: String =
        (0..53).map(|index| format!("b,B,,,{},,https://a.test/{index}\n", if index == 0 { "1" } else { "" })).collect();
    let file = format!("{HEADER}{variants}{images}c,C,,,1,,\n");
    assert_eq!(errors(&file), ["a: 102 \"Option1 Value\" too_many_variants"]);
    assert_eq!(warnings(&file), ["b: 155 \"Image Src\" too_many_images https://a.test/50"]);
    assert_eq!(good(&file), ["b", "c"]);

    let file = "Handle,Title,Option4 Name,Option4 Value,Variant Price\na,A,Fit,Slim,1\n";
    assert_eq!(errors(file), ["a: 2 \"Option4 Value\" too_many_options"]);
    let file =
        "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant Price\na,A,Size,S,Size,M,1\n";
    assert_eq!(errors(file), ["a: 2 \"Option2 Name\" duplicate_option", "a: 2 \"Option2 Value\" missing_option_name"]);
}

#[test]
fn a_product_fits_an_item() {
    let value = "\u{444}".repeat(90);
    let address = "u".repeat(900);
    let rows: String = (0..60)
        .map(|index| {
            format!("a,A,{},{value}{index},1,,https://a.test/{address}{index}\n", if index == 0 { "Size" } else { "" })
        })
        .collect::<String>();
    assert_eq!(
        good(format!("{HEADER}{}b,B,,,1,,\n", rows.lines().take(30).map(|row| format!("{row}\n")).collect::<String>())),
        ["a", "b"]
    );
    let file =
        format!("{HEADER}{}b,B,,,1,,\n", rows.lines().take(50).map(|row| format!("{row}\n")).collect::<String>());
    assert_eq!(errors(&file), ["a: 2 \"\" product_too_large"]);
    assert_eq!(good(&file), ["b"]);
}

#[test]
fn a_cell_and_a_row_have_bounds() {
    let cell = "x".repeat(256 * 1024 + 1);
    let file = format!("{HEADER}a,\"{cell}\n\",,,1,,\nb,{cell},,,1,,\nc,C,,,1,,\n");
    assert_eq!(errors(&file), ["a: 2 \"Title\" field_too_long", "b: 4 \"Title\" field_too_long"]);
    assert_eq!(good(&file), ["c"]);

    let wide = format!("{HEADER}a,A,,,1,,{}\nb,{}\nc,C,,,1,,\n", ",".repeat(3_000), ",x".repeat(700_000));
    assert_eq!(errors(&wide), ["a: 2 \"\" row_too_wide", "b: 3 \"\" row_too_wide"]);
    assert_eq!(good(&wide), ["c"]);
    // Three cells of 256 KB are allowed, five are more than a row may have.
    let cell = "x".repeat(256 * 1024 - 1);
    let long = format!("{HEADER}a,{cell},{cell},{cell},{cell},{cell},\nc,C,,,1,,\n");
    assert_eq!(errors(&long), ["a: 2 \"\" row_too_long"]);
    assert_eq!(good(&long), ["c"]);
}

#[test]
fn a_stray_quote_costs_one_row_wherever_the_next_quote_stands() {
    // The next row has quotes, or none follows within the longest record.
    let rows: String = (0..10_000).map(|index| format!("p{index},\"Product {index:0100}\",,,1,,\n")).collect();
    let plain = rows.replace('"', "");
    for rest in [&rows, &plain] {
        let file = format!("{HEADER}a,\"A,,,1,,\n{rest}");
        assert_eq!(errors(&file), ["a: 2 \"Title\" unbalanced_quotes"]);
        assert_eq!(good(&file).len(), 10_000);
    }
}

#[test]
fn a_file_of_nothing_but_stray_quotes_is_read_in_bounded_time() {
    let rows: String =
        (0..3_000).map(|index| format!("p{index},\"Product {index},,,1,,{}\n", "x".repeat(100))).collect();
    let failed = errors(format!("{HEADER}{rows}"));
    assert!(failed.iter().all(|error| error.ends_with("unbalanced_quotes")));
    assert!(failed.len() > 100);
}

#[test]
fn a_file_that_is_no_product_file_is_refused_as_a_whole() {
    assert_eq!(refusal(""), "1 \"\" empty_file");
    assert_eq!(refusal("\u{feff}\n\n"), "3 \"\" empty_file");
    assert_eq!(refusal("Title,Variant Price\nA,1\n"), "1 \"Handle\" missing_column");
    assert_eq!(refusal("\nTitle\na,A\n"), "2 \"Handle\" missing_column");
    assert_eq!(refusal("Handle,Title,title ,Variant Price\n"), "1 \"title\" duplicate_column");
    assert_eq!(refusal("URL handle,Title,Price,price\n"), "1 \"price\" duplicate_column");
    assert_eq!(refusal("\"Handle,Title,Variant Price\na,A,1\n"), "1 \"\" unbalanced_quotes");
    assert_eq!(refusal("{\"products\":[]}"), "1 \"Handle\" missing_column");
    assert_eq!(refusal([0xff, 0xfe, b'H', 0, b'a', 0]), "1 \"\" bad_encoding");
    assert_eq!(refusal(b"Handle,Title,Variant Price,Gr\xf6\xdfe\n"), "1 \"\" bad_encoding");
    assert_eq!(refusal("x".repeat(70_000)), "1 \"\" bad_header");
    assert_eq!(refusal("x,".repeat(3_000)), "1 \"\" bad_header");
    assert_eq!(refusal([0_u8; 4_096]), "1 \"Handle\" missing_column");
}
