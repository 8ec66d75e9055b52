//! What is written in either format is read again, columns that are only kept included.

use domain::job::FileFormat;

use super::*;
use crate::{ProductWriter, RowCounter};

/// The products with the cells that are kept, by the names of their columns.
fn named(file: &[u8]) -> (Vec<String>, Vec<ProductDraft>) {
    let mut reader = Products::new(file, ProductReader::new(Currency::USD));
    let drafts: Vec<ProductDraft> =
        reader.by_ref().map(|entry| without_lines(entry.unwrap().product.unwrap())).collect();
    let mut row_counter = RowCounter::default();
    row_counter.feed(file).unwrap();
    (row_counter.finish().unwrap().kept_columns, drafts)
}

type Cells = Vec<(String, String)>;

/// The cells that are kept of a product and of its variants, with the names of their columns, in their order.
fn kept(file: &[u8]) -> Vec<(Cells, Vec<Cells>)> {
    let mut reader = ProductReader::new(Currency::USD);
    reader.feed(file);
    reader.end();
    let mut all = Vec::new();
    while let crate::Step::Product(entry) = reader.step().unwrap() {
        let names = reader.kept_columns();
        let with_names = |cells: &[(usize, String)]| -> Cells {
            let mut cells: Cells = cells.iter().map(|(at, cell)| (names[*at].clone(), cell.clone())).collect();
            cells.sort();
            cells
        };
        let draft = entry.product.unwrap();
        let of_variants = draft.variants.iter().map(|variant| with_names(&variant.kept)).collect();
        all.push((with_names(&draft.kept), of_variants));
    }
    all
}

/// The file written in a format, with all columns that it kept.
fn written(file: &[u8], format: FileFormat) -> Vec<u8> {
    let mut reader = ProductReader::new(Currency::USD);
    reader.feed(file);
    reader.end();
    let mut drafts = Vec::new();
    while let crate::Step::Product(entry) = reader.step().unwrap() {
        drafts.push(entry.product.unwrap());
    }
    let writer = ProductWriter::new(format, &reader.kept_columns());
    let mut written = Vec::new();
    writer.write_header(&mut written).unwrap();
    for draft in &drafts {
        writer.write(&mut written, draft).unwrap();
    }
    written
}

const SHOPIFY: &str = "Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Variant SKU,\
    Variant Grams,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Variant Barcode,\
    Cost per item,Collection,Image Src,Image Alt Text,SEO Title,Variant Image,Status\n\
    Kosa-1,\"Kosa, blue\",\"<p>One</p>\n<p>C:\\new</p>\",Usta,Bowls | deep,\"a|b, c\\\",true,\"Size, cm\",\"1,5\",K-S,300,5,deny,9.00,12.00,\
    478,3.10,Spring,\"https://a.test/1,a.jpg\",A bowl,Blue bowl,https://a.test/s.jpg,active\n\
    Kosa-1,,,,,,,,2,K-L,,-2,continue,10.00,8.00,479,,,https://a.test/2.jpg,,,,\n\
    mug,Mug,plain\\readme,,Uncategorized,,false,Title,Default Title,,,0,deny,5.00,,480,1.00,,,,,https://a.test/m.jpg,draft\n";

#[test]
fn a_file_of_shopify_comes_back_from_woocommerces_format() {
    let written = written(SHOPIFY.as_bytes(), FileFormat::WooCommerce);
    let text = String::from_utf8(written.clone()).unwrap();
    assert!(text.starts_with("ID,Type,SKU,"), "{text}");
    let (before, after) = (named(SHOPIFY.as_bytes()), named(&written));
    assert_eq!(before.0, after.0);
    let plain = |drafts: Vec<ProductDraft>| -> Vec<ProductDraft> {
        let without = |mut draft: ProductDraft| {
            (draft.kept, draft.status) = (Vec::new(), None);
            draft.variants.iter_mut().for_each(|variant| variant.kept = Vec::new());
            draft
        };
        drafts.into_iter().map(without).collect()
    };
    assert_eq!(plain(before.1), plain(after.1), "{text}");
    assert_eq!(kept(SHOPIFY.as_bytes()), kept(&written), "{text}");
    assert!(super::written::written(&written, FileFormat::WooCommerce) == written, "it is the same again: {text}");
}

const WOOCOMMERCE: &str = "ID,Type,SKU,Name,Published,Visibility in catalog,Short description,Description,Tax status,\
    In stock?,Stock,Backorders allowed?,Weight (kg),Length (cm),Sale price,Regular price,Categories,Tags,Images,Parent,\
    Attribute 1 name,Attribute 1 value(s),Attribute 1 visible,Attribute 1 global,Attribute 2 name,Attribute 2 value(s),\
    Attribute 2 visible,Attribute 2 global,Meta: _origin,Swatch\n\
    1,variable,KOSA,Kosa,1,visible,Short,<p>Long</p>,taxable,1,,0,,10,,,\"Sale, Home > Bowls\",clay,\
    https://a.test/1.jpg,,Material,Clay,1,0,Size,\"S, L\",1,1,Rishtan,round\n\
    2,variation,K-S,Kosa,1,visible,,,parent,1,4,0,0.3,9,8.00,9.00,,,https://a.test/s.jpg,KOSA,Size,S,,,,,,,by hand,\n\
    3,variation,K-L,Kosa,1,visible,,,parent,1,4,1,0.5,11,,11.00,,,,KOSA,Size,L,,,,,,,,\n\
    4,simple,MUG,Mug,-1,hidden,Only short,,none,0,0,0,,,,5.00,Cups,,,,Material,Glass,1,1,,,,,,\n";

#[test]
fn a_file_of_woocommerce_comes_back_from_both_formats() {
    let written_once = written(WOOCOMMERCE.as_bytes(), FileFormat::WooCommerce);
    let text = String::from_utf8(written_once.clone()).unwrap();
    assert_eq!(kept(WOOCOMMERCE.as_bytes()), kept(&written_once), "{text}");
    let drafts = |file: &[u8]| -> Vec<ProductDraft> {
        let without = |mut draft: ProductDraft| {
            (draft.kept, draft.file_key, draft.former_key, draft.published) = (Vec::new(), None, None, None);
            draft.other_categories = Vec::new();
            draft.status = None;
            draft.variants.iter_mut().for_each(|variant| variant.kept = Vec::new());
            draft
        };
        named(file).1.into_iter().map(without).collect()
    };
    assert_eq!(drafts(WOOCOMMERCE.as_bytes()), drafts(&written_once), "{text}");
    // The number of a product tells it, where it has no SKU, and its attributes are where they were.
    for cell in ["1,variable,kosa,", "\"Sale, Home > Bowls\"", "Material,Clay,1,0,Size,\"S, L\",1,1"] {
        assert!(text.contains(cell), "{cell}: {text}");
    }
    let shopify = written(&written_once, FileFormat::Shopify);
    assert_eq!(drafts(&shopify), drafts(&written_once));
    let back = written(&shopify, FileFormat::WooCommerce);
    assert_eq!((drafts(&back), kept(&back)), (drafts(&written_once), kept(&written_once)));
}

#[test]
fn a_column_in_two_spellings_is_one() {
    let file = "Handle,Title,Variant Price,Collection,collection,Option4 Value,Option4Value\na,A,1,,Spring,,\nb,B,1,Fall,x,,\n";
    assert_eq!(named(file.as_bytes()).0, ["Collection"]);
    let cells: Vec<Cells> = kept(file.as_bytes()).into_iter().map(|(of_product, _)| of_product).collect();
    let named = |text: &str| vec![("Collection".to_owned(), text.to_owned())];
    assert_eq!(cells, [named("Spring"), named("Fall")]);
}
