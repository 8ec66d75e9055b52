//! What is exported reads back as it was.

use domain::catalogue::{Image, ImageSource, Price, ProductOption, Seo};
use domain::text::{Handle, Line, LongText, Name, Sku, Title};
use domain::{MediaId, Money};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

use super::*;
use crate::product_file::{Status, VariantDraft, sanitise, write_header, write_product};

fn written(products: &[ProductDraft]) -> Vec<u8> {
    let mut file = Vec::new();
    write_header(&mut file).unwrap();
    for product in products {
        write_product(&mut file, product).unwrap();
    }
    file
}

/// Text with everything that a separated file, a spreadsheet or a parser may stumble over.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z ,;\"'=+@\\-]{1,40}",
        "'{0,3}[=+@\\-]{1,3}[\\PC]{0,20}",
        "[\\PC]{1,60}",
        Just("Default Title".to_owned()),
        Just("Title".to_owned()),
    ]
}

fn line<T>(parse: impl Fn(&str) -> Option<T> + Clone) -> impl Strategy<Value = T>
where
    T: std::fmt::Debug,
{
    text().prop_filter_map("not a text of this kind", move |text| parse(&text))
}

fn name() -> impl Strategy<Value = Name> {
    line(|text| Name::parse(text).ok())
}

fn image_source() -> impl Strategy<Value = ImageSource> {
    prop_oneof![
        "https://[a-z]{1,8}\\.test/[a-zA-Z0-9,;'=+@%?&]{0,30}",
        any::<u128>().prop_map(|bits| format!("media:{}", MediaId::from_bits(bits))),
    ]
    .prop_filter_map("not a picture", |text| ImageSource::parse(&text))
}

fn paragraphs() -> impl Strategy<Value = String> {
    vec(prop_oneof![text(), Just("\r\n".to_owned()), Just("\n\n".to_owned()), Just("<p>x</p>".to_owned())], 0..6)
        .prop_map(|parts| parts.concat())
}

fn price() -> impl Strategy<Value = Price> {
    (0_i64..100_000_000, of(1_i64..100_000_000)).prop_map(|(price, compared)| Price {
        price: Money::new(price, Currency::USD),
        compare_at: compared.map(|compared| Money::new(compared, Currency::USD)),
    })
}

prop_compose! {
    fn variant(options: usize)(
        values in vec(name(), options), sku in of(line(|text| Sku::parse(text).ok())), grams in of(any::<u32>()),
        quantity in of(0_i64..=10_000_000), continues in of(any::<bool>()), price in price(), image in of(image_source()),
    ) -> VariantDraft {
        VariantDraft { values, sku, grams, quantity, continues, price: Some(price), image }
    }
}

/// Names of options with variants that have a value of each and differ from one another.
fn variants() -> impl Strategy<Value = (Vec<Name>, Vec<VariantDraft>)> {
    (0_usize..=3).prop_flat_map(|options| {
        let most = if options == 0 { 1 } else { 6 };
        (vec(name(), options), vec(variant(options), 1..=most)).prop_filter_map(
            "not distinct",
            |(names, mut variants)| {
                if (1..names.len()).any(|index| names[..index].contains(&names[index])) {
                    return None;
                }
                // The one product that a file cannot tell from a product without options.
                let (title, value) = ("title", "default title");
                if names.len() == 1
                    && names[0].as_str().to_lowercase() == title
                    && variants[0].values[0].as_str().to_lowercase() == value
                {
                    return None;
                }
                let mut kept: Vec<VariantDraft> = Vec::new();
                variants.retain(|variant| {
                    let new = kept.iter().all(|earlier| earlier.values != variant.values);
                    kept.extend(new.then(|| variant.clone()));
                    new
                });
                Some((names, variants))
            },
        )
    })
}

prop_compose! {
    fn product()(
        handle in "[a-z0-9]{1,8}(-[a-z0-9]{1,8}){0,2}",
        title in line(|text| Title::parse(text).ok()),
        body in paragraphs(),
        (vendor, category, seo_title) in (of(line(|text| Line::parse(text).ok())), of(line(|text| Line::parse(text).ok())), of(line(|text| Line::parse(text).ok()))),
        seo_text in of(paragraphs()),
        tags in vec(line(|text| (!text.contains(',')).then(|| Name::parse(text).ok()).flatten()), 0..5),
        published in of(any::<bool>()),
        status in of(prop::sample::select(vec![Status::Active, Status::Draft, Status::Archived])),
        (names, variants) in variants(),
        images in vec((image_source(), of(line(|text| Line::parse(text).ok()))), 0..9),
    ) -> ProductDraft {
        let options = names.into_iter().enumerate().map(|(index, name)| {
            let mut values: Vec<Name> = Vec::new();
            for variant in &variants {
                if !values.contains(&variant.values[index]) {
                    values.push(variant.values[index].clone());
                }
            }
            ProductOption { name, values }
        }).collect();
        let (mut kept_tags, mut kept_images) = (Vec::new(), Vec::<Image>::new());
        for tag in tags {
            if !kept_tags.contains(&tag) {
                kept_tags.push(tag);
            }
        }
        for (src, alt) in images {
            if kept_images.iter().all(|image| image.src != src) {
                kept_images.push(Image { src, alt });
            }
        }
        let filled = |text: &str| LongText::parse(text).ok().filter(|text| !text.as_str().is_empty());
        ProductDraft {
            handle: Handle::parse(&handle).unwrap(),
            title,
            body_html: filled(&sanitise(&body)).map(|body| body.to_string()),
            vendor,
            category,
            tags: kept_tags,
            published,
            status,
            options,
            variants,
            images: kept_images,
            seo: Seo { title: seo_title, description: seo_text.and_then(|text| filled(&text)) },
        }
    }
}

fn distinct(mut products: Vec<ProductDraft>) -> Vec<ProductDraft> {
    let mut seen = Vec::new();
    products.retain(|product| {
        let new = !seen.contains(&product.handle);
        seen.push(product.handle.clone());
        new
    });
    products
}

proptest! {
    #[test]
    fn an_export_reads_back(exported in vec(product(), 0..4).prop_map(distinct)) {
        let file = written(&exported);
        prop_assert_eq!(products(&file), exported);
    }

    #[test]
    fn no_cell_of_an_export_is_a_formula(product in product()) {
        let file = written(&[product]);
        let mut rows = csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_slice());
        for row in rows.byte_records() {
            for cell in &row.unwrap() {
                prop_assert!(!cell.first().is_some_and(|first| b"=+-@\t\r".contains(first)));
            }
        }
    }

    #[test]
    fn whatever_reads_is_written_so_that_it_reads_the_same(
        cells in vec(vec(prop_oneof![text(), Just(String::new()), Just("1".to_owned()), Just("a".to_owned())], 8), 0..12),
    ) {
        let header = "Handle,Title,Body (HTML),Tags,Option1 Name,Option1 Value,Variant Price,SEO Description\n";
        let mut rows = csv::Writer::from_writer(header.as_bytes().to_vec());
        for row in &cells {
            rows.write_record(row).unwrap();
        }
        let read: Vec<ProductDraft> =
            entries(rows.into_inner().unwrap()).into_iter().filter_map(|entry| entry.product.ok()).collect();
        prop_assert_eq!(products(written(&read)), read);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..400), tail in "[ab\"',;\r\n\t=1-]{0,200}") {
        let mut file = b"Handle,Title,Variant Price,Body (HTML)\n".to_vec();
        file.extend_from_slice(&bytes);
        file.extend_from_slice(tail.as_bytes());
        entries(&file);
        let _ = read(&bytes, Currency::UZS);
    }
}

#[test]
fn an_export_has_shopifys_columns() {
    assert_eq!(
        String::from_utf8(written(&[])).unwrap(),
        "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Option3 Name,\
         Option3 Value,Variant SKU,Variant Grams,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Image Src,Image Position,\
         Image Alt Text,SEO Title,SEO Description,Variant Image,Status\n"
    );
}

#[test]
fn a_variant_without_a_price_in_the_exports_currency_has_empty_cells() {
    let [mut product] = products("Handle,Title,Variant Price\na,A,1\n").try_into().unwrap();
    product.variants.first_mut().unwrap().price = None;
    assert_eq!(errors(written(&[product])), ["a: 2 \"Variant Price\" missing_price"]);
}
