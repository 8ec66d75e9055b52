//! The headers of WooCommerce's export in other languages: it translates them into that of its shop.
//!
//! The translations are facts of its language packs
//! (<https://translate.wordpress.org/projects/wp-plugins/woocommerce/stable/>): those of `2023-04` (Uzbek: `2020-07`),
//! in the order of [`ENGLISH`]. `%d` is a number, `%s` a unit or the rest of the name; nothing where there is none.

use std::collections::HashSet;

use domain::job::normalised_header;

const ENGLISH: &str = "\
    ID|Type|SKU|Name|Published|Visibility in catalog|Short description|Description|Date sale price starts|\
    Date sale price ends|In stock?|Stock|Backorders allowed?|Weight (%s)|Sale price|Regular price|\
    Categories|Tags|Images|Parent|Attribute %d name|Attribute %d value(s)|Attribute %d visible|\
    Attribute %d global|Attribute %d default|Meta: %s|GTIN, UPC, EAN, or ISBN|Is featured?|Tax status|\
    Tax class|Low stock amount|Sold individually?|Length (%s)|Width (%s)|Height (%s)|\
    Allow customer reviews?|Purchase note|Shipping class|Download limit|Download expiry days|\
    Grouped products|Upsells|Cross-sells|External URL|Button text|Position|Brands";
const RUSSIAN: &str = "\
    ID|Тип|Артикул|Имя|Опубликован|Видимость в каталоге|Краткое описание|Описание|\
    Дата начала действия скидки|Дата окончания действия скидки|В наличии?|Запасы|Возможен ли предзаказ?|\
    Вес (%s)|Акционная цена|Базовая цена|Категории|Метки|Изображения|Родительский|Название атрибута %d|\
    Значения атрибутов %d|Видимость атрибута %d|Глобальный атрибут %d|Атрибут %d по умолчанию|Мета: %s||\
    Рекомендуемый?|Статус налога|Налоговый класс|Величина малых запасов|Продано индивидуально?|Длина (%s)|\
    Ширина (%s)|Высота (%s)|Разрешить отзывы от клиентов?|Примечание к покупке|Класс доставки|\
    Лимит загрузок|Дней срока загрузки|Сгруппированные товары|Апсэлы|Кросселы|Внешний URL|Текст кнопки|\
    Позиция|";
const UZBEK: &str = "\
    ID|Turi|SKU|Ism|Chop etilgan|Katalogda ko'rinishi|Qisqa Tasvir|Tasnif|Sotish narxi boshlanadi|\
    Sotish narxi tugaydi|Sotuvda mavjudmi?|Rang|Orqa chegaralarga ruxsat berilganmi?|Vazni ( %s)|\
    Sotish narxi|Doimiy narx|Kategoriyalar|Teglar|Rasmlar|Asosiy|Atribut %d nomi|Atribut %d qiymati (lar)|\
    Attribut %d ko'rinadigan|Attribut %d global|Attribut %d standart|Meta: %s||Tanlanganmi?|Soliq holati|\
    Soliq klassi|Aktsiyalarning kam miqdori|Alohida sotilganmi?|Uzunlik ( %s)|Kengligi ( %s)|\
    Balandligi ( %s)|Mijozlar sharhlariga ruxsat berilsinmi?|Xarid eslatmasi|Yuk tashish klassi|\
    Yuklab olish chegarasi|Yuklash muddati tugaydi|Guruhlangan mahsulotlar|Sotish mahsulotlari ustunlari|\
    Krossovkalar|Tashqi URL manzili|Tugma matni rangi|Holat|";
const GERMAN: &str = "\
    ID|Typ|Artikelnummer|Name|Veröffentlicht|Sichtbarkeit im Katalog|Kurzbeschreibung|Beschreibung|\
    Datum, an dem Angebotspreis beginnt|Datum, an dem Angebotspreis endet|Vorrätig?|Lager|\
    Lieferrückstande erlaubt?|Gewicht (%s)|Angebotspreis|Regulärer Preis|Kategorien|Schlagwörter|Bilder|\
    Übergeordnetes Produkt|Attribut %d Name|Attribut %d Wert(e)|Attribut %d Sichtbar|Attribut %d Global|\
    Attribut %d Standard|Meta: %s||Ist hervorgehoben?|Steuerstatus|Steuerklasse|Geringe Lagermenge|\
    Nur einzeln verkaufen?|Länge (%s)|Breite (%s)|Höhe (%s)|Kundenbewertungen erlauben?|Hinweis zum Kauf|\
    Versandklasse|Downloadlimit|Ablauftage des Downloads|Gruppierte Produkte|Zusatzverkäufe|\
    Cross-Sells (Querverkäufe)|Externe URL|Button-Text|Position|";
const FRENCH: &str = "\
    ID|Type|UGS|Nom|Publié|Visibilité dans le catalogue|Description courte|Description|\
    Date de début de promo|Date de fin de promo|En stock ?|Stock|\
    Autoriser les commandes de produits en rupture ?|Poids (%s)|Tarif promo|Tarif régulier|Catégories|\
    Étiquettes|Images|Parent|Nom de l’attribut %d|Valeur(s) de l’attribut %d|Attribut %d visible|\
    Attribut %d global|Attribut %d par défaut|Méta : %s||Mis en avant ?|État de la TVA|Classe de TVA|\
    Montant de stock faible|Vendre individuellement ?|Longueur (%s)|Largeur (%s)|Hauteur (%s)|\
    Autoriser les avis clients ?|Note de commande|Classe d’expédition|Limite de téléchargement|\
    Jours d’expiration du téléchargement|Groupes de produits|Produits suggérés|Ventes croisées|URL externe|\
    Libellé du bouton|Position|";
const SPANISH: &str = "\
    ID|Tipo|SKU|Nombre|Publicado|Visibilidad en el catálogo|Descripción corta|Descripción|\
    Día en que empieza el precio rebajado|Día en que termina el precio rebajado|¿Existencias?|Inventario|\
    ¿Permitir reservas de productos agotados?|Peso (%s)|Precio rebajado|Precio normal|Categorías|Etiquetas|\
    Imágenes|Superior|Nombre del atributo %d|Valor(es) del atributo %d|Atributo visible %d|\
    Atributo global %d|Atributo por defecto %d|Meta: %s||¿Está destacado?|Estado del impuesto|\
    Clase de impuesto|Cantidad de bajo inventario|¿Vendido individualmente?|Longitud (%s)|Anchura (%s)|\
    Altura (%s)|¿Permitir valoraciones de clientes?|Nota de compra|Clase de envío|Límite de descargas|\
    Días de caducidad de la descarga|Productos agrupados|Ventas dirigidas|Ventas cruzadas|URL externa|\
    Texto del botón|Posición|";
const TURKISH: &str = "\
    Kimlik|Tür|Stok kodu (SKU)|İsim|Yayımlanmış|Katalogda görünürlük|Kısa açıklama|Açıklama|\
    İndirimli fiyatın başladığı tarih|İndirimli fiyatın bittiği tarih|Stokta?|Stok|Yok satmaya izin?|\
    Ağırlık (%s)|İndirimli satış fiyatı|Normal fiyat|Kategoriler|Etiketler|Görseller|Ebeveyn|\
    Nitelik %d ismi|Nitelik %d değer(ler)i|Nitelik %d görünür|Nitelik %d genel|Nitelik %d varsayılan|\
    Meta: %s||Öne çıkan?|Vergi durumu|Vergi sınıfı|Düşük stok miktarı|Ayrı ayrı mı satılıyor?|Uzunluk (%s)|\
    Genişlik (%s)|Yükseklik (%s)|Müşteri değerlendirmelerine izin verilsin mi?|Satın alma notu|\
    Gönderim sınıfı|İndirme sınırı|İndirme sona erme günü|Gruplanmış ürünler|Yukarı satışlar|\
    Çapraz satışlar|Harici URL|Düğme metni|Konum|";
const CHINESE: &str = "\
    ID|类型|SKU|名称|已发布|在列表页可见|简短描述|描述|促销开始日期|促销截止日期|有货？|库存|允许缺货下单？|重量(%s)|促销价格|常规售价|分类|标签|图片|父级|属性 %d 名称|\
    属性 %d 值|属性 %d 可见|属性 %d 的全局|属性 %d 的默认值|元数据：%s||是推荐产品？|税状态|税类|库存不足|单独出售？|长度(%s)|宽度 (%s)|高度 (%s)|允许客户评价？|\
    购物备注|运费类|下载限制|下载的过期天数|分组产品|交叉销售|交叉销售|外部链接|按钮文本|位置|";

/// English is the first one: it is taken where two languages fit as many headers.
const LANGUAGES: [&str; 8] = [ENGLISH, RUSSIAN, UZBEK, GERMAN, FRENCH, SPANISH, TURKISH, CHINESE];
/// The units of weight that are translated, and what they are in English.
const UNITS: [(&str, &str); 10] = [
    ("кг", "kg"),
    ("г", "g"),
    ("фунт", "lbs"),
    ("унция", "oz"),
    ("funt", "lbs"),
    ("livres", "lbs"),
    ("公斤", "kg"),
    ("克", "g"),
    ("磅", "lbs"),
    ("盎司", "oz"),
];

/// A header of a language, taken apart.
#[derive(Debug)]
enum Pattern {
    Exact(String),
    /// A number between these.
    Numbered(String, String),
    /// A unit in parentheses behind this.
    Unit(String),
    /// Any name behind this and a colon.
    Named(String),
}

impl Pattern {
    fn of(header: &str) -> Option<Self> {
        if let Some((before, after)) = header.split_once("%d") {
            return Some(Self::Numbered(normalised_header(before), normalised_header(after)));
        }
        let before = header.split_once("%s").map(|(before, _)| before.trim_end());
        let pattern = match before {
            Some(before) if before.ends_with('(') => Self::Unit(normalised_header(before)),
            Some(before) => Self::Named(normalised_header(before)),
            None => Self::Exact(normalised_header(header)),
        };
        (!header.is_empty()).then_some(pattern)
    }

    /// The header of this name in English.
    fn english(&self, name: &str, normalised: &str, english: &str) -> Option<String> {
        match self {
            Self::Exact(known) => (known == normalised).then(|| english.to_owned()),
            Self::Numbered(before, after) => {
                let number = normalised.strip_prefix(before.as_str())?.strip_suffix(after.as_str())?;
                let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
                is_number.then(|| english.replace("%d", number))
            }
            Self::Unit(before) => {
                let (named, rest) = name.split_once(['(', '（'])?;
                let unit = rest.trim_end_matches([')', '）']).trim();
                let known = UNITS.iter().find(|(translated, _)| *translated == unit).map_or(unit, |(_, unit)| unit);
                (normalised_header(named) == *before && !unit.is_empty()).then(|| english.replace("%s", known))
            }
            Self::Named(before) => {
                let (named, rest) = name.split_once([':', '：'])?;
                (normalised_header(named) == *before && !rest.trim().is_empty())
                    .then(|| english.replace("%s", rest.trim()))
            }
        }
    }
}

/// The headers in English, from the language that has most of them. Others stay as they are.
pub(super) fn in_english(names: &[String]) -> Vec<String> {
    let normalised: Vec<String> = names.iter().map(|name| normalised_header(name)).collect();
    let mut best: (usize, Vec<Option<String>>) = (0, vec![None; names.len()]);
    for language in LANGUAGES {
        let patterns: Vec<(&str, Pattern)> = ENGLISH
            .split('|')
            .zip(language.split('|'))
            .filter_map(|(english, header)| Some((english, Pattern::of(header)?)))
            .collect();
        // Some languages have one word for two columns.
        let mut taken: HashSet<String> = HashSet::new();
        let mut translated: Vec<Option<String>> = Vec::with_capacity(names.len());
        for (name, normalised) in names.iter().zip(&normalised) {
            let mut found = patterns.iter().filter_map(|(english, pattern)| pattern.english(name, normalised, english));
            translated.push(found.find(|english| taken.insert(english.clone())));
        }
        if taken.len() > best.0 {
            best = (taken.len(), translated);
        }
    }
    best.1.into_iter().zip(names).map(|(english, name)| english.unwrap_or_else(|| name.clone())).collect()
}

/// Whether a column is one of WooCommerce's own, by its header in English.
pub(super) fn is_known(name: &str) -> bool {
    let normalised = normalised_header(name);
    ENGLISH.split('|').any(|english| {
        Pattern::of(english).is_some_and(|pattern| pattern.english(name, &normalised, english).is_some())
    })
}
