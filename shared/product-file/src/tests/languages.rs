//! WooCommerce's export in the languages in which its headers are known.

use super::*;
use crate::{RowCounter, Step};

const ENGLISH: &str = "ID,Type,SKU,Name,Published,Short description,Description,Date sale price ends,Tax status,In stock?,\
    Stock,Backorders allowed?,Weight (kg),Length (cm),Sale price,Regular price,Categories,Tags,Images,Parent,\
    Attribute 1 name,Attribute 1 value(s),Attribute 1 visible,Attribute 1 global,Meta: _origin";
/// The same headers as shops in other languages have them.
const OTHERS: [(&str, &str); 7] = [
    (
        "Russian",
        "ID,Тип,Артикул,Имя,Опубликован,Краткое описание,Описание,Дата окончания действия скидки,Статус налога,В наличии?,\
         Запасы,Возможен ли предзаказ?,Вес (кг),Длина (cm),Акционная цена,Базовая цена,Категории,Метки,Изображения,\
         Родительский,Название атрибута 1,Значения атрибутов 1,Видимость атрибута 1,Глобальный атрибут 1,Мета: _origin",
    ),
    (
        "Uzbek",
        "ID,Turi,SKU,Ism,Chop etilgan,Qisqa Tasvir,Tasnif,Sotish narxi tugaydi,Soliq holati,Sotuvda mavjudmi?,Rang,\
         Orqa chegaralarga ruxsat berilganmi?,Vazni ( kg),Uzunlik ( cm),Sotish narxi,Doimiy narx,Kategoriyalar,Teglar,\
         Rasmlar,Asosiy,Atribut 1 nomi,Atribut 1 qiymati (lar),Attribut 1 ko'rinadigan,Attribut 1 global,Meta: _origin",
    ),
    (
        "German",
        "ID,Typ,Artikelnummer,Name,Veröffentlicht,Kurzbeschreibung,Beschreibung,\
         \"Datum, an dem Angebotspreis endet\",Steuerstatus,Vorrätig?,Lager,Lieferrückstande erlaubt?,Gewicht (kg),\
         Länge (cm),Angebotspreis,Regulärer Preis,Kategorien,Schlagwörter,Bilder,Übergeordnetes Produkt,\
         Attribut 1 Name,Attribut 1 Wert(e),Attribut 1 Sichtbar,Attribut 1 Global,Meta: _origin",
    ),
    (
        "French",
        "ID,Type,UGS,Nom,Publié,Description courte,Description,Date de fin de promo,État de la TVA,En stock\u{a0}?,Stock,\
         Autoriser les commandes de produits en rupture\u{a0}?,Poids (kg),Longueur (cm),Tarif promo,Tarif régulier,\
         Catégories,Étiquettes,Images,Parent,Nom de l’attribut 1,Valeur(s) de l’attribut 1 ,Attribut 1 visible,\
         Attribut 1 global,Méta : _origin",
    ),
    (
        "Spanish",
        "ID,Tipo,SKU,Nombre,Publicado,Descripción corta,Descripción,Día en que termina el precio rebajado,\
         Estado del impuesto,¿Existencias?,Inventario,¿Permitir reservas de productos agotados?,Peso (kg),Longitud (cm),\
         Precio rebajado,Precio normal,Categorías,Etiquetas,Imágenes,Superior,Nombre del atributo 1,\
         Valor(es) del atributo 1,Atributo visible 1,Atributo global 1,Meta: _origin",
    ),
    (
        "Turkish",
        "Kimlik,Tür,Stok kodu (SKU),İsim,Yayımlanmış,Kısa açıklama,Açıklama,İndirimli fiyatın bittiği tarih,Vergi durumu,\
         Stokta?,Stok,Yok satmaya izin?,Ağırlık (kg),Uzunluk (cm),İndirimli satış fiyatı,Normal fiyat,Kategoriler,\
         Etiketler,Görseller,Ebeveyn,Nitelik 1 ismi,Nitelik 1 değer(ler)i,Nitelik 1 görünür,Nitelik 1 genel,\
         Meta: _origin",
    ),
    (
        "Chinese",
        "ID,类型,SKU,名称,已发布,简短描述,描述,促销截止日期,税状态,有货？,库存,允许缺货下单？,重量(公斤),长度(cm),促销价格,常规售价,分类,标签,\
         图片,父级,属性 1 名称,属性 1 值,属性 1 可见,属性 1  的全局,元数据：_origin",
    ),
];
const ROWS: &str = "\n\
    10,variable,KOSA,Kosa,1,Short,Painted by hand,,taxable,1,,0,0.4,12,,,Sale,clay,https://a.test/1.jpg,,Size,\"S, L\",1,1,Rishtan\n\
    11,variation,KOSA-S,Kosa,1,,,2020-01-01,,1,4,1,,,9.50,12.00,,,https://a.test/s.jpg,KOSA,Size,S,,,\n\
    12,variation,KOSA-L,Kosa,1,,,,,1,2,0,0.6,,,15.00,,,,KOSA,Size,L,,,\n";

#[test]
fn headers_of_woocommerce_are_known_in_the_languages_of_shops() {
    let expected = products(format!("{ENGLISH}{ROWS}"));
    assert_eq!((expected.len(), expected[0].variants.len(), expected[0].variants[1].grams), (1, 2, Some(600)));
    for (language, header) in OTHERS {
        let file = format!("{header}{ROWS}");
        assert_eq!(products(&file), expected, "{language}");
        let mut first_pass = RowCounter::default();
        first_pass.feed(file.as_bytes()).unwrap();
        let kept = first_pass.finish().unwrap().kept_columns;
        for column in ["ID", "Short description", "Tax status", "Length (cm)", "Attribute 1 visible", "Meta: _origin"] {
            assert!(kept.iter().any(|name| name == column), "{language}: {column} in {kept:?}");
        }
        let dear = file.replace("15.00", "dear");
        let price = header.split(',').find(|name| errors(&dear)[0].contains(name.trim_matches('"')));
        assert!(price.is_some(), "{language}: a report names the column as the file does: {:?}", errors(&dear));
    }
}

#[test]
fn a_file_of_another_language_is_refused_with_those_that_are_known() {
    let file = "ID,Typ produktu,Nazwa,Cena\n1,simple,Miska,5\n";
    assert_eq!(refusal(file), "1 \"Handle\" missing_column");
    let FileError(error) = read(file.as_bytes(), Currency::USD).unwrap_err();
    assert!(error.detail().contains("English") && error.detail().contains("Uzbek"), "{}", error.detail());
}

#[test]
fn a_file_of_very_many_columns_whose_products_stand_apart_is_read_in_little_memory() {
    let (products, columns) = (3_000, 400);
    let names: String = (0..columns).map(|column| format!(",Meta: _plugin_{column}")).collect();
    let rest = ",".repeat(columns);
    let header = format!("Type,SKU,Name,Regular price,Parent,Attribute 1 name,Attribute 1 value(s){names}\n");
    let parents = (0..products).map(|number| format!("variable,K-{number},Kosa,,,Size,\"S, M, L\"{rest}\n"));
    let variations = ["S", "M", "L"].into_iter().flat_map(|size| {
        let rest = &rest;
        (0..products).map(move |number| format!("variation,K-{number}-{size},Kosa,9.50,K-{number},Size,{size}{rest}\n"))
    });
    let file: Vec<u8> = std::iter::once(header).chain(parents).chain(variations).collect::<String>().into_bytes();
    let mut row_counter = RowCounter::default();
    file.chunks(64 * 1024).for_each(|chunk| row_counter.feed(chunk).unwrap());
    let counted = row_counter.finish().unwrap();
    let mut reader = ProductReader::new(Currency::USD).in_passes(counted.passes, crate::Position::default());
    let (mut feeding, mut variants, mut most) = (file.chunks(64 * 1024), 0, 0);
    loop {
        match reader.step().unwrap() {
            Step::Product(entry) => {
                variants += entry.product.unwrap().variants.len();
                most = most.max(reader.held());
            }
            Step::NeedsMore => match feeding.next() {
                Some(bytes) => reader.feed(bytes),
                None => reader.end(),
            },
            Step::Again => feeding = file.chunks(64 * 1024),
            Step::End => break,
        }
    }
    assert_eq!(variants, 3 * products);
    assert!(counted.passes > 1 && most < 24 * 1024 * 1024, "{most} bytes were held in {} passes", counted.passes);
}
