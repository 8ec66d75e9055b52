//! What is wrong in a product file, in the languages of its vendor. In English each fault says it itself.
//!
//! A fault without a sentence here is shown in English; a test of the desk holds that each one has its sentences.

use crate::{Language, to_cyrillic};

/// The code of a fault, and what it means in Uzbek, Russian and Chinese. What stands in braces is in the file itself,
/// and stays as it is in Cyrillic letters.
type Sentences = (&'static str, [&'static str; 3]);

const FAULTS: &[Sentences] = &[
    (
        "empty_file",
        [
            "Faylda ustun nomlari yozilgan birinchi qator yoʻq.",
            "В файле нет первой строки с названиями столбцов.",
            "文件没有标题行。",
        ],
    ),
    (
        "bad_encoding",
        [
            "Fayl {UTF-8} kodlashida emas: uni {CSV UTF-8} qilib saqlang.",
            "Файл не в кодировке UTF-8: сохраните его как CSV UTF-8.",
            "文件不是 UTF-8 编码：请另存为 CSV UTF-8。",
        ],
    ),
    (
        "bad_header",
        [
            "Ustun nomlari qatori juda uzun yoki ustunlar juda koʻp.",
            "Строка с названиями столбцов слишком длинная, или столбцов слишком много.",
            "标题行过长，或列数过多。",
        ],
    ),
    (
        "missing_column",
        [
            "Faylda kerakli ustun yoʻq; topilgan ustunlar qiymatda yozilgan. Boshqa tizim faylida ustunlar nimani \
         bildirishini «Ustunlarning maʼnosi» sahifasida belgilang.",
            "В файле нет нужного столбца; найденные столбцы перечислены в значении. Для файла другой системы укажите это на \
         странице «Что означают столбцы».",
            "文件缺少必需的列；已找到的列见“值”。如果文件来自其他系统，请在“各列的含义”页面说明各列的含义。",
        ],
    ),
    (
        "duplicate_column",
        ["Faylda bu ustun ikki marta uchraydi.", "Этот столбец есть в файле дважды.", "文件中此列出现了两次。"],
    ),
    (
        "too_many_rows",
        [
            "Faylda ruxsat etilganidan koʻp qator bor: uni boʻling.",
            "В файле больше строк, чем разрешено: разделите его.",
            "文件行数超出上限：请拆分文件。",
        ],
    ),
    (
        "file_changed",
        [
            "Bu yuklash toʻxtab qolgan oʻsha fayl emas.",
            "Это не тот файл, загрузка которого прервалась.",
            "这不是之前中断导入的那个文件。",
        ],
    ),
    (
        "unknown_encoding",
        [
            "Faylning kodlashi tanilmadi: uni {CSV UTF-8} qilib saqlang.",
            "Кодировка файла неизвестна: сохраните его как CSV UTF-8.",
            "无法识别文件编码：请另存为 CSV UTF-8。",
        ],
    ),
    ("missing_handle", ["Qatorda mahsulot koʻrsatilmagan.", "В строке не указан товар.", "该行没有指明商品。"]),
    (
        "bad_handle",
        [
            "Mahsulot belgisi — koʻpi bilan 250 belgili bitta qator.",
            "Обозначение товара — одна строка не длиннее 250 знаков.",
            "商品标识必须是一行，最多 250 个字符。",
        ],
    ),
    (
        "handle_mapped",
        [
            "Bu belgi boshqa harflar bilan yozilgan, shuning uchun mahsulot manzili undan hosil qilindi; eksportda u \
         avvalgidek qoladi.",
            "В этом обозначении есть другие знаки, поэтому адрес товара составлен из него; при выгрузке оно останется \
         прежним.",
            "此标识含有其他字符，商品地址据此生成；导出时保持原样。",
        ],
    ),
    (
        "rows_apart",
        [
            "Bu mahsulot qatorlari bir joyda emas, shuning uchun faylda yoʻq turlari saqlab qolindi.",
            "Строки этого товара стоят не рядом, поэтому варианты, которых нет в файле, оставлены.",
            "该商品的各行不相邻，因此保留了文件中没有的款式。",
        ],
    ),
    (
        "missing_title",
        ["Yangi mahsulotning nomi boʻlishi kerak.", "У нового товара должно быть название.", "新商品必须有名称。"],
    ),
    (
        "missing_price",
        [
            "Yangi turning narxi boʻlishi kerak; boshqa narx bilan solishtirilganining ham.",
            "У нового варианта должна быть цена, и у того, который сравнивают с другой ценой, тоже.",
            "新款式必须有价格，带有对比价的款式也一样。",
        ],
    ),
    (
        "bad_price",
        [
            "Bu valyutadagi narx emas: raqamlar yozing, nuqtadan keyin valyutada qancha boʻlsa, shuncha.",
            "Это не цена в данной валюте: нужны цифры, после точки не больше, чем бывает у валюты.",
            "不是该货币的价格：请填数字，小数位不超过该货币的位数。",
        ],
    ),
    (
        "compare_at_left_out",
        [
            "Solishtiriladigan narx shu valyutadagi narx boʻlishi kerak: u olinmadi.",
            "Цена для сравнения должна быть ценой в этой валюте: она пропущена.",
            "对比价必须是该货币的价格：已略去。",
        ],
    ),
    ("bad_quantity", ["Miqdor — butun son.", "Количество — целое число.", "数量必须是整数。"]),
    (
        "negative_quantity",
        [
            "Faqat zaxirasiz sotiladigan mahsulot noldan kam boʻlishi mumkin: miqdor 0 deb olindi.",
            "Меньше нуля бывает только у того, что продают сверх запаса: количество принято за 0.",
            "只有允许超卖的商品才能小于零：数量按 0 处理。",
        ],
    ),
    (
        "bad_policy",
        [
            "Zaxira qoidasi {deny} yoki {continue} boʻladi: {deny} deb olindi.",
            "Правило запаса — deny или continue: принято deny.",
            "库存策略只能是 deny 或 continue：按 deny 处理。",
        ],
    ),
    (
        "bad_grams",
        [
            "Ogʻirlik — grammdagi son, manfiy emas: u olinmadi.",
            "Вес — число граммов, не меньше нуля: он пропущен.",
            "重量以克为单位且不能为负：已略去。",
        ],
    ),
    (
        "bad_sale_unit",
        [
            "Sotuv birligi — {kg}, {g}, {m}, {cm}, {l}, {ml} yoki {pcs} bilan yozilgan son. Usiz narx nima uchunligi bilinmaydi.",
            "Единица продажи — число с kg, g, m, cm, l, ml или pcs. Без неё непонятно, за что цена.",
            "销售单位是带 kg、g、m、cm、l、ml 或 pcs 的数字。没有它就不知道价格对应什么。",
        ],
    ),
    (
        "bad_url",
        [
            "Rasm — {https} manzili yoki yuklangan rasmning {media:ID} belgisi: u olinmadi.",
            "Картинка — адрес https или media:ID загруженной: она пропущена.",
            "图片应为 https 地址或已上传图片的 media:ID：已略去。",
        ],
    ),
    (
        "address_mended",
        [
            "Rasm manzili tuzatildi: {http} oʻrniga {https}, boʻsh joylarsiz.",
            "Адрес картинки исправлен: https вместо http, без пробелов.",
            "图片地址已更正：http 改为 https，并去掉空格。",
        ],
    ),
    (
        "bad_position",
        [
            "Rasm oʻrni — noldan katta butun son: rasm oldingilaridan keyin qoʻyildi.",
            "Место картинки — целое число больше нуля: она поставлена после предыдущих.",
            "图片位置应为大于零的整数：已排在前面的图片之后。",
        ],
    ),
    (
        "bad_boolean",
        [
            "{true} yoki {false} boʻlishi kerak: {false} deb olindi.",
            "Должно быть true или false: принято false.",
            "只能是 true 或 false：按 false 处理。",
        ],
    ),
    (
        "bad_status",
        [
            "Holat {active}, {draft} yoki {archived} boʻladi: {draft} deb olindi.",
            "Состояние — active, draft или archived: принято draft.",
            "状态只能是 active、draft 或 archived：按 draft 处理。",
        ],
    ),
    ("text_too_long", ["Matn juda uzun.", "Текст слишком длинный.", "文本过长。"]),
    ("text_cut", ["Matn juda uzun edi, qisqartirildi.", "Текст был слишком длинным и обрезан.", "文本过长，已截断。"]),
    (
        "sku_left_out",
        [
            "Artikulda koʻpi bilan 64 ta belgi boʻladi: u olinmadi.",
            "В артикуле не больше 64 знаков: он пропущен.",
            "SKU 最多 64 个字符：已略去。",
        ],
    ),
    (
        "characters_removed",
        [
            "Koʻrsatib boʻlmaydigan belgilar olib tashlandi.",
            "Знаки, которые нельзя показать, удалены.",
            "无法显示的字符已删除。",
        ],
    ),
    (
        "bad_text",
        [
            "Matnda koʻrsatib boʻlmaydigan belgilar bor.",
            "В тексте есть знаки, которые нельзя показать.",
            "文本含有无法显示的字符。",
        ],
    ),
    ("bad_utf8", ["Katak {UTF-8} kodlashida emas.", "Ячейка не в кодировке UTF-8.", "单元格不是 UTF-8 编码。"]),
    (
        "missing_option_name",
        [
            "Xususiyat qiymati uchun mahsulotning birinchi qatorida xususiyat nomi kerak.",
            "Для значения нужно название свойства в первой строке товара.",
            "有选项值时，商品的第一行必须写明选项名称。",
        ],
    ),
    (
        "missing_option_value",
        [
            "Har bir turda mahsulotning har bir xususiyati uchun qiymat boʻlishi kerak.",
            "У каждого варианта должно быть значение для каждого свойства товара.",
            "每个款式都要有商品各选项的值。",
        ],
    ),
    (
        "option_name_changed",
        [
            "Mahsulotning birinchi qatorida bu xususiyatning nomi boshqa.",
            "В первой строке товара это свойство называется иначе.",
            "该选项在商品第一行中的名称不同。",
        ],
    ),
    (
        "duplicate_option",
        [
            "Mahsulotning ikki xususiyati bir xil nomda.",
            "Два свойства товара называются одинаково.",
            "商品有两个同名选项。",
        ],
    ),
    (
        "duplicate_variant",
        [
            "Mahsulotning boshqa turida ham xuddi shu qiymatlar bor.",
            "У другого варианта товара те же значения свойств.",
            "商品的另一个款式有相同的选项值。",
        ],
    ),
    (
        "too_many_options",
        ["Mahsulotda koʻpi bilan 3 ta xususiyat boʻladi.", "У товара не больше 3 свойств.", "商品最多有 3 个选项。"],
    ),
    (
        "too_many_variants",
        ["Mahsulotda koʻpi bilan 100 ta tur boʻladi.", "У товара не больше 100 вариантов.", "商品最多有 100 个款式。"],
    ),
    (
        "too_many_images",
        [
            "Mahsulotda koʻpi bilan 50 ta rasm boʻladi: qolganlari olinmadi.",
            "У товара не больше 50 картинок: остальные пропущены.",
            "商品最多有 50 张图片：其余已略去。",
        ],
    ),
    (
        "too_many_tags",
        [
            "Mahsulotda koʻpi bilan 250 ta teg boʻladi: qolganlari olinmadi.",
            "У товара не больше 250 меток: остальные пропущены.",
            "商品最多有 250 个标签：其余已略去。",
        ],
    ),
    ("product_too_large", ["Mahsulot 64 {KB} dan katta.", "Товар больше 64 КБ.", "商品数据超过 64 KB。"]),
    (
        "rows_too_far_apart",
        [
            "Bu faylda mahsulot qatorlari bir-biridan juda uzoq: uni mahsulot boʻyicha tartiblang.",
            "Строки товаров в этом файле стоят слишком далеко друг от друга: отсортируйте его по товару.",
            "文件中同一商品的行相隔太远：请按商品排序。",
        ],
    ),
    (
        "columns_left_out",
        [
            "Bu yerda ishlatilmaydigan ustunlar har bir mahsulot uchun 32 {KB} gacha saqlanadi: qolgani olinmadi.",
            "Столбцы, которые здесь не нужны, хранятся до 32 КБ на товар: остальное пропущено.",
            "此处未用到的列，每个商品最多保留 32 KB：其余已略去。",
        ],
    ),
    (
        "duplicate_product",
        [
            "Faylning ikki qatori artikul yoki {ID} boʻyicha bitta mahsulot.",
            "Две строки файла — один товар по артикулу или ID.",
            "按 SKU 或 ID，文件中有两行是同一商品。",
        ],
    ),
    (
        "unsupported_type",
        [
            "Guruhlangan va tashqi mahsulotlar hamda kengaytmalar turlari bu yerda sotilmaydi.",
            "Сгруппированные и внешние товары и виды из расширений здесь не продаются.",
            "此处不销售组合商品、外部商品和扩展类型的商品。",
        ],
    ),
    (
        "missing_variations",
        [
            "Faylda bu mahsulotning yoqilgan va narxi bor turi yoʻq.",
            "В файле нет включённого варианта этого товара с ценой.",
            "文件中没有该商品已启用且有价格的款式。",
        ],
    ),
    (
        "variation_left_out",
        [
            "Oʻchirilgan yoki narxi yoʻq tur sotilmaydi: u olinmadi.",
            "Вариант, который выключен или без цены, не продаётся: он пропущен.",
            "已停用或没有价格的款式不销售：已略去。",
        ],
    ),
    (
        "any_value",
        [
            "Xususiyatning istalgan qiymatini bildirgan tur har bir qiymat uchun bittadan tur boʻldi; zaxira birinchisida.",
            "Вариант для любого значения свойства стал отдельным вариантом для каждого; запас у первого.",
            "适用于任意属性值的款式已按每个值拆成一个款式；库存归第一个。",
        ],
    ),
    (
        "shared_stock",
        [
            "Hamma turlarning zaxirasi umumiy edi, bu yerda esa alohida: har birining zaxirasini kiriting.",
            "Запас у всех вариантов был общим, а здесь он у каждого свой: укажите его для каждого.",
            "各款式原来共用库存，此处不共用：请分别设置。",
        ],
    ),
    (
        "stock_not_counted",
        [
            "Sanalmasdan mavjud boʻlgan mahsulot, zaxirasi va qoidasi kiritilguncha, zaxirasiz sotiladi.",
            "То, что есть в наличии без учёта, продаётся сверх запаса, пока не указаны количество и правило.",
            "有货但未计数的商品，在设置数量和策略之前允许超卖。",
        ],
    ),
    (
        "sale_not_now",
        [
            "Chegirma narxi bugun amal qilmaydi: oddiy narx olindi.",
            "Цена со скидкой сегодня не действует: взята обычная.",
            "促销价今天不生效：已采用原价。",
        ],
    ),
    (
        "downloads_left_out",
        [
            "Yuklab olinadigan fayllar bu yerda sotilmaydi: mahsulot ularsiz olindi.",
            "Файлы для скачивания здесь не продаются: товар взят без них.",
            "此处不销售下载文件：商品已导入，但不含文件。",
        ],
    ),
    (
        "unbalanced_quotes",
        [
            "Qoʻshtirnoq ochilib yopilmagan yoki yopilganidan keyin matn bor.",
            "Кавычка открыта и не закрыта, или после закрытой идёт текст.",
            "引号未闭合，或闭合后还有文字。",
        ],
    ),
    ("field_too_long", ["Katak 256 {KB} dan uzun.", "Ячейка длиннее 256 КБ.", "单元格超过 256 KB。"]),
    ("row_too_long", ["Qator 1 {MB} dan uzun.", "Строка длиннее 1 МБ.", "一行超过 1 MB。"]),
    (
        "row_too_wide",
        [
            "Qatorda ustun nomlaridan koʻra koʻproq katak bor.",
            "В строке больше ячеек, чем названий столбцов.",
            "该行的单元格数多于标题行。",
        ],
    ),
    ("file_missing", ["Yuklangan fayl endi yoʻq.", "Загруженного файла больше нет.", "上传的文件已不存在。"]),
    (
        "upload_missing",
        [
            "Fayl vaqtida yuklanmadi: uni qaytadan yuklang.",
            "Файл не был загружен вовремя: загрузите его снова.",
            "文件未按时上传：请重新导入。",
        ],
    ),
    (
        "interrupted",
        [
            "Import juda koʻp marta uzildi: faylni qaytadan yuboring.",
            "Загрузка прерывалась слишком часто: загрузите файл снова.",
            "导入中断次数过多：请重新导入文件。",
        ],
    ),
    ("file_too_large", ["Fayl juda katta: uni boʻling.", "Файл слишком большой: разделите его.", "文件过大：请拆分。"]),
    (
        "file_encoding",
        [
            "Faylning kodlashi taxmin qilindi: harflari toʻgʻri chiqqanini koʻring.",
            "Кодировка файла угадана: посмотрите, верно ли вышли буквы.",
            "文件编码是推测的：请检查文字是否正确。",
        ],
    ),
    (
        "too_many_columns_kept",
        [
            "Doʻkon fayllarida ishlatilmaydigan ustunlar juda koʻp: bular eksport qilinmaydi.",
            "В файлах магазина слишком много столбцов, которые не нужны: эти не выгружаются.",
            "本店文件中未用到的列过多：这些列不会导出。",
        ],
    ),
    (
        "unknown_product",
        [
            "Bu artikul yoki {ID} dagi mahsulot na faylda, na doʻkonda bor.",
            "Товара с таким артикулом или ID нет ни в файле, ни в магазине.",
            "文件和店铺中都没有此 SKU 或 ID 的商品。",
        ],
    ),
    (
        "unknown_variant",
        [
            "Qatorda mahsulotning qaysi turi nazarda tutilgani na qiymatlar, na artikul bilan koʻrsatilgan.",
            "Строка не говорит ни значениями свойств, ни артикулом, какой вариант товара имеется в виду.",
            "该行既没有选项值也没有 SKU，无法确定是哪个款式。",
        ],
    ),
    (
        "variants_removed",
        [
            "Fayl mahsulot xususiyatlarini aytadi-yu, bu turlarni aytmaydi: ular olib tashlanadi.",
            "Файл называет свойства товара, но не эти варианты: они удаляются.",
            "文件写明了商品的选项，却没有这些款式：将删除它们。",
        ],
    ),
    (
        "unknown_category",
        [
            "Bunday toifa yoʻq: mahsulot toifasiz olindi.",
            "Такой категории нет: товар взят без категории.",
            "没有这个分类：商品已导入，但没有分类。",
        ],
    ),
    (
        "stays_published",
        [
            "Faylda u sotuvda emas deb belgilangan: u sotuvda turibdi va sotuvda qoladi.",
            "В файле он помечен как снятый с продажи: он продаётся, и это не меняется.",
            "文件将其标为未发布：商品正在销售，保持不变。",
        ],
    ),
    (
        "not_published",
        [
            "Faylda u sotuvda emas deb belgilangan: sotuvga chiqarilmaydi.",
            "В файле он помечен как снятый с продажи: он не публикуется.",
            "文件将其标为未发布：不会发布。",
        ],
    ),
    (
        "quantity_reserved",
        [
            "Bu zaxiraning bir qismi xaridorlar uchun band: zaxira oʻzgarmaydi.",
            "Часть запаса занята для покупателей: запас остаётся прежним.",
            "部分库存已为买家保留：库存不变。",
        ],
    ),
    (
        "unreadable",
        [
            "Bu mahsulotning saqlangan maʼlumotini hozir oʻqib boʻlmadi: u oʻzgarmaydi.",
            "То, что хранится об этом товаре, сейчас не читается: он остаётся как есть.",
            "目前无法读取该商品的存储数据：保持不变。",
        ],
    ),
    (
        "handle_taken",
        [
            "Bu belgining barcha koʻrinishlari band.",
            "Все формы этого обозначения заняты.",
            "此标识的所有形式都已被占用。",
        ],
    ),
    (
        "conflict",
        [
            "Mahsulotni ayni vaqtda boshqalar oʻzgartirdi: uni qaytadan yuklang.",
            "Товар в это же время изменили другие: загрузите его снова.",
            "其他人同时修改了该商品：请重新导入。",
        ],
    ),
    ("would_create", ["Yangi mahsulot sifatida qoʻshiladi.", "Будет добавлен как новый товар.", "将作为新商品添加。"]),
    ("would_change", ["Mahsulot oʻzgaradi.", "Товар изменится.", "商品将被修改。"]),
];

/// What a fault of a product file means; nothing in English, and for one that has no sentence.
pub fn file_fault(language: Language, code: &str) -> Option<String> {
    let (_, [uz, ru, zh]) = FAULTS.iter().find(|(known, _)| *known == code)?;
    let uzbek = |text: &str| text.replace(['{', '}'], "");
    match language {
        Language::En => None,
        Language::Uz => Some(uzbek(uz)),
        Language::UzCyrl => Some(uzbek(&to_cyrillic(uz))),
        Language::Ru => Some((*ru).to_owned()),
        Language::Zh => Some((*zh).to_owned()),
    }
}
