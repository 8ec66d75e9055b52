//! What is wrong in a product file, in the languages of its vendor. In English each fault says it itself.
//!
//! A fault without a sentence here is shown in English. `tests/conventions/pages.rs` holds that each code that an
//! import can give has its sentences.

use domain::catalog::PictureFault;
use domain::job::ImportRowError;

use crate::{Language, fill, number, picture_fault, to_cyrillic};

/// The code of a fault, and what it means in Uzbek, Russian and Chinese. What stands in braces is in the file itself,
/// and stays as it is in Cyrillic script.
type Sentences = (&'static str, [&'static str; 3]);

/// Faults of a file, a row or a cell.
const OF_FILES: &[Sentences] = &[
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
            "Faylda kerakli ustun yoʻq; topilgan ustunlar qiymatda yozilgan. Boshqa tizim faylining ustunlari nimani \
            bildirishini «Ustunlarning maʼnosi» sahifasida belgilang. {WooCommerce} eksportining ustun \
            nomlari ingliz, rus, oʻzbek, nemis, fransuz, ispan, turk va xitoy tillarida taniladi: \
            eksportdan oldin u yerda shu tillardan birini tanlang.",
            "В файле нет нужного столбца; найденные столбцы перечислены в значении. Если файл из другой системы, \
            укажите на странице «Что означают столбцы», что означает каждый столбец. Названия столбцов из \
            WooCommerce известны на английском, русском, узбекском, немецком, французском, испанском, \
            турецком и китайском: перед выгрузкой выберите там один из этих языков.",
            "文件缺少必需的列；已找到的列见“值”。如果文件来自其他系统，请在“各列的含义”页面说明各列的含义。WooCommerce \
            导出文件的列名可识别英语、俄语、乌兹别克语、德语、法语、西班牙语、土耳其语和中文：导出前请在该系统中切换到其中一种语言。",
        ],
    ),
    (
        "duplicate_column",
        ["Faylda bu ustun ikki marta uchraydi.", "Этот столбец есть в файле дважды.", "文件中此列出现了两次。"],
    ),
    (
        "too_many_languages",
        [
            "Faylda mahsulot matnlari oʻz tilidan tashqari koʻpi bilan 8 ta tilda boʻladi.",
            "В файле тексты товаров могут быть, кроме своего языка, не больше чем на 8 языках.",
            "除商品自身的语言外，一个文件最多可包含 8 种语言的文字。",
        ],
    ),
    (
        "too_many_rows",
        [
            "Faylda ruxsat etilganidan koʻp qator bor: uni boʻlib yuboring.",
            "В файле больше строк, чем разрешено: разделите его на части.",
            "文件行数超出上限：请拆分文件。",
        ],
    ),
    (
        "file_changed",
        [
            "Bu — importi uzilib qolgan fayl emas.",
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
            "Mahsulotni bildiradigan qiymat (sahifa manzilidagi nom, {SKU} yoki {ID}) bir qatorga yoziladi, koʻpi \
            bilan 250 ta belgi.",
            "То, чем обозначен товар (имя в адресе страницы, SKU или ID), пишется в одну строку, не больше 250 знаков.",
            "标识商品的内容（网址中的名称、SKU 或 ID）必须写在一行内，最多 250 个字符。",
        ],
    ),
    (
        "handle_mapped",
        [
            "Sahifa manzilidagi bu nomda boshqa belgilar bor, shuning uchun mahsulot manzili undan hosil qilindi; \
            eksportda nom avvalgidek qoladi.",
            "В этом имени есть другие знаки, поэтому имя в адресе страницы составлено из него; при выгрузке оно \
            останется прежним.",
            "网址中的这一名称含有其他字符，商品网址据此生成；导出时名称保持原样。",
        ],
    ),
    (
        "rows_apart",
        [
            "Bu mahsulot qatorlari bir joyda emas, shuning uchun faylda koʻrsatilmagan turlari saqlab qolindi.",
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
        ["Yangi turning narxi boʻlishi kerak.", "У нового варианта должна быть цена.", "新款式必须有价格。"],
    ),
    (
        "bad_price",
        [
            "Bu valyutadagi narx emas: raqamlar bilan yozing, nuqtadan keyin koʻpi bilan valyutada nechta boʻlsa, \
            shuncha raqam.",
            "Это не цена в данной валюте: нужны цифры, после точки не больше, чем бывает у валюты.",
            "不是该货币的价格：请填数字，小数位不超过该货币的位数。",
        ],
    ),
    (
        "compare_at_left_out",
        [
            "Avvalgi narx shu valyutadagi narx boʻlishi kerak: u olinmadi.",
            "Прежняя цена должна быть ценой в этой валюте: она пропущена.",
            "原价必须是该货币的价格：已略去。",
        ],
    ),
    (
        "compare_at_without_price",
        [
            "Avvalgi narx yozilgan qatorda narx ham boʻlishi kerak: avvalgi narx olinmadi.",
            "В строке с прежней ценой должна быть и цена: прежняя цена пропущена.",
            "填写原价的行还必须有价格：原价已略去。",
        ],
    ),
    (
        "bad_quantity",
        [
            "Miqdor — −1\u{a0}000\u{a0}000 dan 10\u{a0}000\u{a0}000 gacha butun son.",
            "Количество — целое число от −1\u{a0}000\u{a0}000 до 10\u{a0}000\u{a0}000.",
            "数量必须是 −1,000,000 到 10,000,000 之间的整数。",
        ],
    ),
    (
        "negative_quantity",
        [
            "Faqat zaxiradan ortiq sotiladigan mahsulotning miqdori noldan kam boʻlishi mumkin: miqdor 0 deb olindi.",
            "Меньше нуля бывает количество только того, что продают сверх наличия: оно принято за 0.",
            "只有允许超卖的商品，数量才能小于零：数量按 0 处理。",
        ],
    ),
    (
        "bad_policy",
        [
            "Zaxira qoidasi {deny} yoki {continue} boʻladi: {deny} deb olindi.",
            "Правило продажи сверх наличия — deny или continue: принято deny.",
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
            "Sotuv birligi — {kg}, {g}, {m}, {cm}, {l}, {ml} yoki {pcs} bilan yozilgan son. Usiz narx nima uchunligi \
            bilinmaydi.",
            "Единица продажи — число с kg, g, m, cm, l, ml или pcs. Без нее непонятно, за что цена.",
            "销售单位是带 kg、g、m、cm、l、ml 或 pcs 的数字。没有它就不知道价格对应什么。",
        ],
    ),
    (
        "bad_url",
        [
            "Rasm — {https} manzili yoki yuklangan rasm uchun {media:ID}: rasm olinmadi.",
            "Фотография — адрес https или media:ID загруженной фотографии: она пропущена.",
            "图片应为 https 网址或已上传图片的 media:ID：已略去。",
        ],
    ),
    (
        "address_mended",
        [
            "Rasm manzili tuzatildi: {http} oʻrniga {https}, boʻsh joylarsiz.",
            "Адрес фотографии исправлен: https вместо http, без пробелов.",
            "图片网址已更正：http 改为 https，并去掉空格。",
        ],
    ),
    (
        "bad_position",
        [
            "Rasm oʻrni — noldan katta butun son: rasm oldingilaridan keyin qoʻyildi.",
            "Место фотографии — целое число больше нуля: она поставлена после предыдущих.",
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
    (
        "bad_language",
        [
            "Til — {uz}, {uz-Cyrl} yoki {ru} kabi belgi: u olinmadi.",
            "Язык — обозначение вроде uz, uz-Cyrl или ru: он пропущен.",
            "语言应为 uz、uz-Cyrl 或 ru 这样的标签：已略去。",
        ],
    ),
    (
        "word_changed",
        [
            "Mahsulotning oldingi qatorida bu tanlov yoki qiymat shu tilda boshqacha yozilgan: oldingisi olindi.",
            "В прежней строке товара этот параметр или значение названы на этом языке иначе: взято прежнее.",
            "该商品前面的行以此语言给出的选项或选项值不同：采用前面的。",
        ],
    ),
    (
        "word_without_value",
        [
            "Boshqa tildagi qiymat qatorida mahsulotning oʻz tilidagi qiymati ham boʻlishi kerak: u olinmadi.",
            "В строке со значением на другом языке должно быть и собственное значение товара: оно пропущено.",
            "填写其他语言选项值的行还必须有商品自身的选项值：已略去。",
        ],
    ),
    ("text_too_long", ["Matn juda uzun.", "Текст слишком длинный.", "文本过长。"]),
    ("text_cut", ["Matn juda uzun edi, qisqartirildi.", "Текст был слишком длинным и обрезан.", "文本过长，已截断。"]),
    (
        "sku_left_out",
        [
            "{SKU} koʻpi bilan 64 ta belgidan iborat boʻladi: u olinmadi.",
            "В SKU не больше 64 знаков: он пропущен.",
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
            "Tanlov qiymati uchun mahsulotning birinchi qatorida tanlov nomi kerak.",
            "Для значения параметра нужно название параметра в первой строке товара.",
            "填写选项的值时，商品的第一行必须写明选项名称。",
        ],
    ),
    (
        "missing_option_value",
        [
            "Har bir turda mahsulotning har bir tanlovi uchun qiymat boʻlishi kerak.",
            "У каждого варианта должно быть значение каждого параметра товара.",
            "每个款式都要有商品各选项的值。",
        ],
    ),
    (
        "option_name_changed",
        [
            "Mahsulotning birinchi qatorida bu tanlovning nomi boshqa.",
            "В первой строке товара этот параметр называется иначе.",
            "该选项在商品第一行中的名称不同。",
        ],
    ),
    (
        "duplicate_option",
        [
            "Mahsulotning ikki tanlovi bir xil nomda.",
            "Два параметра товара называются одинаково.",
            "商品有两个同名选项。",
        ],
    ),
    (
        "duplicate_variant",
        [
            "Mahsulotning boshqa turida ham xuddi shu tanlov qiymatlari bor.",
            "У другого варианта товара те же значения параметров.",
            "商品的另一个款式有相同的选项值。",
        ],
    ),
    (
        "too_many_options",
        ["Mahsulotda koʻpi bilan 3 ta tanlov boʻladi.", "У товара не больше 3 параметров.", "商品最多有 3 个选项。"],
    ),
    (
        "too_many_variants",
        ["Mahsulotda koʻpi bilan 100 ta tur boʻladi.", "У товара не больше 100 вариантов.", "商品最多有 100 个款式。"],
    ),
    (
        "too_many_images",
        [
            "Mahsulotda koʻpi bilan 50 ta rasm boʻladi: qolganlari olinmadi.",
            "У товара не больше 50 фотографий: остальные пропущены.",
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
    (
        "product_too_large",
        ["Mahsulot maʼlumotlari 64 {KB} dan katta.", "Данные товара занимают больше 64 КБ.", "商品数据超过 64 KB。"],
    ),
    (
        "too_many_rows_of_product",
        [
            "Mahsulotning qatorlari koʻpi bilan 500 ta, ulardagi matn esa koʻpi bilan 2 {MB} boʻladi.",
            "У товара не больше 500 строк, и текста в них не больше 2 МБ.",
            "一个商品最多 500 行，其中的文字最多 2 MB。",
        ],
    ),
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
            "Столбцы, которые здесь не используются, хранятся до 32 КБ на товар: остальное пропущено.",
            "此处未使用的列，每个商品最多保留 32 KB：其余已略去。",
        ],
    ),
    (
        "duplicate_product",
        [
            "Faylning ikki qatori {SKU} yoki {ID} boʻyicha bitta mahsulot.",
            "Две строки файла — один товар по SKU или ID.",
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
            "В файле нет включенного варианта этого товара с ценой.",
            "文件中没有该商品已启用且有价格的款式。",
        ],
    ),
    (
        "variation_left_out",
        [
            "Oʻchirilgan yoki narxi yoʻq tur sotilmaydi: u olinmadi.",
            "Вариант, который выключен или без цены, не продается: он пропущен.",
            "已停用或没有价格的款式不销售：已略去。",
        ],
    ),
    (
        "any_value",
        [
            "Tanlovning istalgan qiymatini bildirgan tur har bir qiymat uchun bittadan turga aylandi; miqdor \
            birinchisida.",
            "Вариант для любого значения параметра стал отдельным вариантом для каждого значения; количество у \
            первого.",
            "适用于选项任意值的款式已按每个值拆成一个款式；数量归第一个。",
        ],
    ),
    (
        "shared_stock",
        [
            "Hamma turlarning zaxirasi umumiy edi, bu yerda esa alohida: har birining miqdorini kiriting.",
            "Количество у всех вариантов было общим, а здесь оно у каждого свое: укажите его для каждого.",
            "各款式原来共用库存，此处不共用：请分别设置数量。",
        ],
    ),
    (
        "stock_not_counted",
        [
            "Sanalmasdan sotuvda bor boʻlgan mahsulot, miqdori va zaxira qoidasi kiritilguncha, bu yerda zaxiradan \
            ortiq sotiladi.",
            "То, что есть в наличии без учета, продается здесь сверх наличия, пока не указаны количество и правило \
            продажи.",
            "有货但未计数的商品，在设置数量和库存策略之前，此处允许超卖。",
        ],
    ),
    (
        "sale_not_now",
        [
            "Chegirma narxi bugun amal qilmaydi: oddiy narx olindi.",
            "Цена со скидкой сегодня не действует: взята обычная.",
            "促销价今天不生效：已采用常规价。",
        ],
    ),
    (
        "downloads_left_out",
        [
            "Yuklab olinadigan fayllar bu yerda sotilmaydi: mahsulot ularsiz olindi.",
            "Файлы для скачивания здесь не продаются: товар принят без них.",
            "此处不销售下载文件：商品已导入，但不含文件。",
        ],
    ),
    (
        "unbalanced_quotes",
        [
            "Qoʻshtirnoq ochilib yopilmagan yoki yopilganidan keyin matn bor.",
            "Кавычка открыта и не закрыта, или после закрытой идет текст.",
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
];

/// What an import finds beyond the file itself.
const OF_IMPORTS: &[Sentences] = &[
    ("file_missing", ["Yuklangan fayl endi yoʻq.", "Загруженного файла больше нет.", "上传的文件已不存在。"]),
    (
        "file_replaced",
        [
            "Import paytida fayl boshqasiga almashtirildi.",
            "Во время загрузки файл заменили другим.",
            "导入过程中文件被替换了。",
        ],
    ),
    (
        "upload_missing",
        [
            "Fayl vaqtida yuklanmadi: uni qayta yuboring.",
            "Файл не был загружен вовремя: отправьте его еще раз.",
            "文件未按时上传：请重新上传。",
        ],
    ),
    (
        "file_too_large",
        [
            "Fayl juda katta: uni boʻlib yuboring.",
            "Файл слишком большой: разделите его на части.",
            "文件过大：请拆分文件。",
        ],
    ),
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
            "В файлах магазина слишком много столбцов, которые не используются: эти не выгружаются.",
            "本店文件中未使用的列过多：这些列不会导出。",
        ],
    ),
    (
        "interrupted",
        [
            "Import juda koʻp marta uzildi: faylni qayta yuboring.",
            "Загрузка прерывалась слишком часто: отправьте файл еще раз.",
            "导入中断次数过多：请重新上传文件。",
        ],
    ),
    (
        "superseded",
        [
            "Bu import oʻz faylini yoki davom ettirilishini kutayotganda boshqa import boshlandi.",
            "Пока эта загрузка ждала своего файла или продолжения, началась другая.",
            "此导入在等待文件或继续处理时，另一个导入已开始。",
        ],
    ),
    (
        "refused_file_missing",
        [
            "Qabul qilinmagan qatorlar faylini yozib boʻlmadi: qatorlar shu yerda koʻrsatilgan.",
            "Файл с непринятыми строками записать не удалось: строки перечислены здесь.",
            "无法生成被拒绝的行的文件：这些行已在此列出。",
        ],
    ),
    ("not_found", ["Bunday doʻkon yoʻq.", "Такого магазина нет.", "店铺不存在。"]),
    (
        "vendor_suspended",
        [
            "Doʻkoningiz toʻxtatib qoʻyilgan: faqat buyurtma qilinganlarni koʻrishingiz va joʻnatishingiz mumkin.",
            "Ваш магазин приостановлен: вы можете только смотреть заказы и отправлять то, что уже заказано.",
            "您的店铺已暂停，您只能查看已有订单并发货。",
        ],
    ),
    (
        "limit_reached",
        [
            "Doʻkonda mahsulotlar ruxsat etilgan eng koʻp songa yetgan: yangisini qoʻshib boʻlmaydi.",
            "В магазине уже столько товаров, сколько разрешено: новый добавить нельзя.",
            "店铺的商品已达到允许的数量上限：无法添加新商品。",
        ],
    ),
    (
        "unknown_product",
        [
            "Bu {SKU} yoki {ID} dagi mahsulot na faylda, na doʻkonda bor.",
            "Товара с таким SKU или ID нет ни в файле, ни в магазине.",
            "文件和店铺中都没有此 SKU 或 ID 的商品。",
        ],
    ),
    (
        "unknown_variant",
        [
            "Qatorda mahsulotning qaysi turi nazarda tutilgani na tanlov qiymatlari, na {SKU} bilan koʻrsatilgan.",
            "Строка не говорит ни значениями параметров, ни SKU, какой вариант товара имеется в виду.",
            "该行既没有选项的值也没有 SKU，无法确定是哪个款式。",
        ],
    ),
    (
        "variant_reserved",
        [
            "Faylda koʻrsatilmagan turning bir qismi buyurtma qilingan, hali joʻnatilmagan.",
            "Часть варианта, которого нет в файле, заказана, но еще не отправлена.",
            "文件中没有的某个款式有一部分已下单但尚未发货。",
        ],
    ),
    (
        "too_many_variants_together",
        [
            "Faylda koʻrsatilmagan turlari bilan birga mahsulotda 100 tadan koʻp tur bor.",
            "Вместе с вариантами, которых нет в файле, у товара больше 100 вариантов.",
            "加上文件中没有的款式，商品的款式超过 100 个。",
        ],
    ),
    (
        "variants_used_up",
        [
            "Mahsulotda shu paytgacha boʻlgan turlar soni eng koʻp songa yetgan: yangi tur qoʻshib boʻlmaydi.",
            "За все время у товара было столько вариантов, сколько вообще может быть: новый добавить нельзя.",
            "该商品累计有过的款式已达上限：无法添加新款式。",
        ],
    ),
    (
        "variants_removed",
        [
            "Faylda mahsulotning tanlovlari koʻrsatilgan, bu turlari esa koʻrsatilmagan: ular olib tashlanadi.",
            "В файле указаны параметры товара, но нет этих вариантов: они удаляются.",
            "文件写明了商品的选项，却没有这些款式：将删除它们。",
        ],
    ),
    (
        "unknown_category",
        [
            "Nomi yoki sahifa manzilidagi nomi shunday boʻlgan toifa yoʻq: mahsulot toifasiz olindi.",
            "Нет категории с таким названием или с таким именем в адресе страницы: товар принят без категории.",
            "没有名称或网址中的名称与此相同的分类：商品已导入，但无分类。",
        ],
    ),
    (
        "stays_published",
        [
            "Faylda u sotuvda emas, qoralama yoki arxivda deb belgilangan: u sotuvda turibdi va sotuvda qoladi.",
            "В файле он помечен как снятый с продажи, черновик или архивный: он в продаже, и это не меняется.",
            "文件将其标为未上架、草稿或已归档：商品在售，保持不变。",
        ],
    ),
    (
        "not_published",
        [
            "Faylda u sotuvda emas, qoralama yoki arxivda deb belgilangan: sotuvga qoʻyilmaydi.",
            "В файле он помечен как снятый с продажи, черновик или архивный: на продажу он не выставляется.",
            "文件将其标为未上架、草稿或已归档：不会上架。",
        ],
    ),
    (
        "quantity_reserved",
        [
            "Bir qismi buyurtma qilingan, hali joʻnatilmagan: zaxira oʻzgarmaydi.",
            "Часть заказана, но еще не отправлена: количество остается прежним.",
            "其中一部分已下单但尚未发货：库存数量不变。",
        ],
    ),
    (
        "quantity_too_low",
        [
            "Zaxiradan ortiq ruxsat etilganidan koʻp sotilgan boʻlar edi: zaxira oʻzgarmaydi.",
            "Сверх наличия было бы продано больше, чем разрешено: количество остается прежним.",
            "超卖的数量将超过上限：库存数量不变。",
        ],
    ),
    (
        "kept_columns_full",
        [
            "Bu yerda ishlatilmaydigan ustunlar har bir mahsulot uchun hamma fayllardan birga 128 {KB} gacha \
            saqlanadi: bu fayldagilari olinmadi.",
            "Столбцы, которые здесь не используются, хранятся до 128 КБ на товар из всех файлов вместе: столбцы этого \
            файла пропущены.",
            "此处未使用的列，每个商品从所有文件合计最多保留 128 KB：此文件中的这些列已略去。",
        ],
    ),
    (
        "unreadable",
        [
            "Bu mahsulotning saqlangan maʼlumotini hozir oʻqib boʻlmadi: mahsulot oʻzgarmaydi.",
            "То, что хранится об этом товаре, сейчас не читается: он остается как есть.",
            "目前无法读取该商品的存储数据：保持不变。",
        ],
    ),
    (
        "handle_taken",
        [
            "Sahifa manzilidagi bu nomning barcha koʻrinishlari band.",
            "Все формы этого имени в адресе страницы заняты.",
            "网址中的这一名称的所有形式都已被占用。",
        ],
    ),
    (
        "conflict",
        [
            "Mahsulotni ayni vaqtda boshqalar oʻzgartirdi: uni qayta yuboring.",
            "Товар в это же время изменили другие: отправьте его еще раз.",
            "其他人同时修改了该商品：请重新上传。",
        ],
    ),
    (
        "newer_data",
        [
            "Bu mahsulotda dasturning yangiroq versiyasi yozgan qiymatlar bor, hozirgi versiya uni koʻrsatadi, lekin \
            oʻzgartirmaydi: keyinroq qayta yuboring.",
            "У этого товара есть значения, записанные более новой версией программы; нынешняя его показывает, но не \
            меняет: отправьте его еще раз позже.",
            "该商品含有较新版本写入的值，当前版本只能显示、不能修改：请稍后重新上传。",
        ],
    ),
    ("refused", ["Mahsulot qabul qilinmadi.", "Товар не принят.", "商品被拒绝。"]),
    ("would_create", ["Yangi mahsulot sifatida qoʻshiladi.", "Будет добавлен как новый товар.", "将作为新商品添加。"]),
    ("would_change", ["Mahsulot oʻzgaradi.", "Товар изменится.", "商品将被修改。"]),
];

/// Faults of a product as a whole.
const OF_PRODUCTS: &[Sentences] = &[
    (
        "product_too_many_variants",
        ["Mahsulotda koʻpi bilan 100 ta tur boʻladi.", "У товара не больше 100 вариантов.", "商品最多有 100 个款式。"],
    ),
    (
        "product_too_many_options",
        ["Mahsulotda koʻpi bilan 3 ta tanlov boʻladi.", "У товара не больше 3 параметров.", "商品最多有 3 个选项。"],
    ),
    (
        "product_too_many_images",
        ["Mahsulotda koʻpi bilan 50 ta rasm boʻladi.", "У товара не больше 50 фотографий.", "商品最多有 50 张图片。"],
    ),
    (
        "product_too_many_tags",
        ["Mahsulotda koʻpi bilan 250 ta teg boʻladi.", "У товара не больше 250 меток.", "商品最多有 250 个标签。"],
    ),
    (
        "product_without_variants",
        [
            "Mahsulotda kamida bitta tur boʻlishi kerak.",
            "У товара должен быть хотя бы один вариант.",
            "商品至少要有一个款式。",
        ],
    ),
    (
        "product_same_option",
        [
            "Mahsulotning ikki tanlovi bir xil nomda.",
            "Два параметра товара называются одинаково.",
            "商品有两个同名选项。",
        ],
    ),
    (
        "product_values_mismatch",
        [
            "Turda har bir tanlov uchun aynan bitta qiymat boʻlishi kerak.",
            "У варианта должно быть ровно одно значение каждого параметра.",
            "款式的每个选项必须恰好有一个值。",
        ],
    ),
    (
        "product_same_variant",
        [
            "Mahsulotning ikki turida tanlov qiymatlari bir xil.",
            "У двух вариантов товара одинаковые значения параметров.",
            "商品有两个款式的选项值相同。",
        ],
    ),
    ("product_without_price", ["Turning narxi boʻlishi kerak.", "У варианта должна быть цена.", "款式必须有价格。"]),
    (
        "product_too_many_currencies",
        [
            "Turning narxi koʻpi bilan 8 ta valyutada boʻladi.",
            "У варианта цены не больше чем в 8 валютах.",
            "款式的价格最多有 8 种货币。",
        ],
    ),
    (
        "product_shards_out_of_range",
        [
            "Turning zaxirasi 1 tadan 32 tagacha boʻlakda saqlanadi.",
            "Количество варианта хранится частями, от 1 до 32.",
            "款式的库存分为 1 到 32 份保存。",
        ],
    ),
    (
        "product_without_preorder_date",
        [
            "Oldindan buyurtma qilinadigan turning sanasi boʻlishi kerak.",
            "Для предзаказа варианта нужна дата.",
            "可预订的款式必须有日期。",
        ],
    ),
    (
        "product_policy_mismatch",
        [
            "Sana va chegara faqat zaxiradan ortiq yoki oldindan buyurtma bilan sotiladigan turda boʻladi.",
            "Дата и предел бывают только у варианта, который продают сверх наличия или по предзаказу.",
            "只有允许超卖或可预订的款式才有日期和上限。",
        ],
    ),
    (
        "product_oversell_limit_out_of_range",
        [
            "Zaxiradan ortiq koʻpi bilan 1\u{a0}000\u{a0}000 ta sotish mumkin.",
            "Сверх наличия можно продать не больше 1\u{a0}000\u{a0}000.",
            "超卖上限最多为 1,000,000。",
        ],
    ),
    (
        "product_low_stock_out_of_range",
        [
            "Qachon oz qolgani hisoblanadigan son 0 dan 10\u{a0}000\u{a0}000 gacha boʻladi.",
            "Число, начиная с которого осталось мало, — от 0 до 10\u{a0}000\u{a0}000.",
            "“库存不多”的界限应为 0 到 10,000,000。",
        ],
    ),
    (
        "product_price_out_of_range",
        [
            "Narx va avvalgi narx noldan kam yoki haddan tashqari katta boʻlmaydi, ikkalasi bir valyutada boʻladi.",
            "Цена и прежняя цена не меньше нуля, не слишком велики и в одной валюте.",
            "价格和原价不能小于零或过高，且须为同一货币。",
        ],
    ),
    (
        "product_compared_to_zero",
        [
            "Avvalgi narx noldan katta boʻlishi yoki umuman yozilmasligi kerak.",
            "Прежняя цена должна быть больше нуля, или ее не должно быть.",
            "原价必须大于零，或留空。",
        ],
    ),
    (
        "product_same_currency",
        [
            "Turning bitta valyutada ikkita narxi bor.",
            "У варианта две цены в одной валюте.",
            "款式在同一货币下有两个价格。",
        ],
    ),
    (
        "product_too_many_shards",
        [
            "Hamma turlarning zaxirasi birga koʻpi bilan 400 ta boʻlakda saqlanadi, har birining shu paytgacha eng \
            koʻp boʻlaklari hisoblanadi.",
            "Количество всех вариантов вместе хранится не больше чем в 400 частях; у каждого считается, сколько их \
            было самое большее.",
            "所有款式的库存合计最多分为 400 份保存，按各款式迄今最多的份数计算。",
        ],
    ),
    (
        "product_too_many_listing_rows",
        [
            "Toifalar va valyutalar birga roʻyxatlarda koʻpi bilan 80 ta yozuv hosil qiladi.",
            "Категории и валюты вместе дают не больше 80 записей в списках.",
            "分类和货币合计最多产生 80 条列表记录。",
        ],
    ),
    (
        "product_reserved_option",
        [
            "Yolgʻiz {Title} tanlovi {Default Title} qiymati bilan tanlovlar yoʻqligini bildiradi: ularni yozmang.",
            "Единственный параметр Title со значением Default Title означает, что параметров нет: не указывайте их.",
            "仅有选项 Title 且其值为 Default Title 表示没有选项：请不要填写。",
        ],
    ),
    (
        "product_comma_in_tag",
        ["Tegda vergul boʻlmasligi kerak.", "В метке не должно быть запятой.", "标签中不能有逗号。"],
    ),
    ("product_same_tag", ["Mahsulotda bu teg allaqachon bor.", "Эта метка у товара уже есть.", "商品已有此标签。"]),
    (
        "product_same_image",
        ["Ikkita rasmning manzili bir xil.", "У двух фотографий один и тот же адрес.", "两张图片的网址相同。"],
    ),
    (
        "product_too_many_languages",
        [
            "Mahsulot matnlari oʻz tilidan tashqari koʻpi bilan 8 ta tilda boʻladi.",
            "Кроме собственного языка, тексты товара бывают не больше чем на 8 языках.",
            "除商品自身的语言外，商品的文字最多有 8 种语言。",
        ],
    ),
    (
        "product_descriptions_too_large",
        [
            "Boshqa tillardagi tavsiflar birgalikda koʻpi bilan 160 {KB} boʻladi.",
            "Описания на других языках вместе занимают не больше 160 КБ.",
            "其他语言的描述合计最多 160 KB。",
        ],
    ),
    (
        "product_own_language_twice",
        [
            "Bu tilda mahsulotning oʻz matnlari bor.",
            "На этом языке у товара собственные тексты.",
            "这是商品自身文字的语言。",
        ],
    ),
    (
        "product_unknown_word",
        [
            "Mahsulotda bunday tanlov yoki tanlov qiymati yoʻq.",
            "У товара нет такого параметра или такого значения.",
            "商品没有这样的选项或选项的值。",
        ],
    ),
    (
        "product_same_word",
        [
            "Bu tilda ikki tanlov yoki bitta tanlovning ikki qiymati bir xil ataladi.",
            "На этом языке два параметра или два значения параметра называются одинаково.",
            "在此语言中，两个选项或同一选项的两个值名称相同。",
        ],
    ),
];

/// Codes of faults of a product that several faults had, in reports of earlier releases.
const OF_EARLIER_RELEASES: &[Sentences] = &[
    (
        "too_many",
        [
            "Mahsulotda nimadir ruxsat etilganidan koʻp.",
            "Чего-то у товара больше, чем разрешено.",
            "商品的某项数量超过上限。",
        ],
    ),
    ("missing", ["Mahsulotda nimadir yetishmaydi.", "У товара чего-то не хватает.", "商品缺少某项内容。"]),
    ("duplicate", ["Mahsulotda nimadir ikki marta uchraydi.", "Что-то у товара есть дважды.", "商品的某项内容重复。"]),
    (
        "mismatch",
        [
            "Mahsulotning qismlari bir-biriga mos emas.",
            "Части товара не подходят друг к другу.",
            "商品的各项内容不一致。",
        ],
    ),
    (
        "out_of_range",
        [
            "Mahsulotdagi qiymat ruxsat etilgan chegaradan tashqarida.",
            "Значение у товара вне допустимых пределов.",
            "商品的某个值超出允许范围。",
        ],
    ),
    (
        "reserved",
        [
            "Mahsulotda bunday qiymatni ishlatib boʻlmaydi.",
            "Такое значение у товара использовать нельзя.",
            "商品不能使用这样的值。",
        ],
    ),
    ("comma", ["Tegda vergul boʻlmasligi kerak.", "В метке не должно быть запятой.", "标签中不能有逗号。"]),
];

/// What is said behind the sentence: the number or the name that the fault is about.
const FACTS: &[Sentences] = &[
    ("too_many_rows", ["Koʻpi bilan: {n} ta qator.", "Разрешено строк: {n}.", "上限：{n} 行。"]),
    ("file_too_large", ["Koʻpi bilan: {n} bayt.", "Разрешено байтов: {n}.", "上限：{n} 字节。"]),
    ("file_encoding", ["Kodlash: {value}.", "Кодировка: {value}.", "编码：{value}。"]),
    ("limit_reached", ["Koʻpi bilan: {n} ta mahsulot.", "Разрешено товаров: {n}.", "上限：{n} 件商品。"]),
    ("variant_reserved", ["Buyurtma qilingan: {n}.", "Заказано: {n}.", "已下单：{n}。"]),
    ("quantity_reserved", ["Buyurtma qilingan: {n}.", "Заказано: {n}.", "已下单：{n}。"]),
    ("quantity_too_low", ["Zaxiradan ortiq koʻpi bilan: {n}.", "Сверх наличия разрешено: {n}.", "超卖上限：{n}。"]),
    ("would_create", ["Turlari: {n}.", "Вариантов: {n}.", "款式：{n} 个。"]),
    ("product_too_many_shards", ["Boʻlaklar: {n}.", "Частей: {n}.", "份数：{n}。"]),
    ("product_too_many_listing_rows", ["Yozuvlar: {n}.", "Записей: {n}.", "记录：{n} 条。"]),
];

/// Codes behind whose sentence the English detail stands: it alone says which parts are meant.
const DETAILED: [&str; 2] = ["would_change", "refused"];

/// Said beside the rows of a refused product that have no fault themselves.
const OTHER_ROW: [&str; 3] =
    ["mahsulotning boshqa qatorlariga qarang", "смотрите другие строки этого товара", "请看该商品的其他行"];

/// What an entry of the report on a product file means; nothing in English, and for a code that has no sentence.
pub fn file_fault(language: Language, entry: &ImportRowError) -> Option<String> {
    let code = entry.code.as_str();
    if PictureFault::of(code).is_some() {
        return (language != Language::En).then(|| picture_fault(language, code));
    }
    let all = [OF_FILES, OF_IMPORTS, OF_PRODUCTS, OF_EARLIER_RELEASES];
    let sentence = in_language(language, sentences(&all, code)?)?.replace(['{', '}'], "");
    let is_detailed = DETAILED.contains(&code) || sentences(&[OF_EARLIER_RELEASES], code).is_some();
    let more = if let Some(facts) = sentences(&[FACTS], code) {
        // What cannot be told apart in the detail is said with it.
        fact(language, &in_language(language, facts)?, entry).unwrap_or_else(|| entry.detail.clone())
    } else if is_detailed {
        entry.detail.clone()
    } else if !entry.value.is_empty() && sentences(&[OF_PRODUCTS], code).is_some() {
        // The part of the product that has the fault.
        format!("({})", entry.value)
    } else {
        String::new()
    };
    // Chinese has no spaces between sentences.
    let space = if more.is_empty() || language == Language::Zh { "" } else { " " };
    Some(format!("{sentence}{space}{more}"))
}

fn sentences(tables: &[&'static [Sentences]], code: &str) -> Option<&'static [&'static str; 3]> {
    tables.iter().copied().flatten().find(|(known, _)| *known == code).map(|(_, sentences)| sentences)
}

/// What is said beside the rows of a refused product that have no fault themselves; nothing in English.
pub fn other_row(language: Language) -> Option<String> {
    in_language(language, &OTHER_ROW)
}

fn in_language(language: Language, [uz, ru, zh]: &[&str; 3]) -> Option<String> {
    match language {
        Language::En => None,
        Language::Uz => Some((*uz).to_owned()),
        Language::UzCyrl => Some(to_cyrillic(uz)),
        Language::Ru => Some((*ru).to_owned()),
        Language::Zh => Some((*zh).to_owned()),
    }
}

/// The words of a fact with what the entry tells: its value, or the first number of its detail where the value is that
/// of a cell, or where an earlier release has left it empty.
fn fact(language: Language, words: &str, entry: &ImportRowError) -> Option<String> {
    let value = Some(entry.value.as_str()).filter(|value| entry.column.is_empty() && !value.is_empty());
    if words.contains("{value}") {
        return Some(fill(words, &[("value", value?)]));
    }
    let in_detail = || entry.detail.split(|found: char| !found.is_ascii_digit()).find(|digits| !digits.is_empty());
    let n = value.or_else(in_detail)?.parse().ok()?;
    Some(fill(words, &[("n", &number(n, language))]))
}
