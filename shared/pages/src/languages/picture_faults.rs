//! Why a picture cannot be shown, in the languages of its vendor.

use domain::catalog::PictureFault;

use crate::{Language, to_cyrillic};

/// What a fault means and what to do, in Uzbek, Russian and Chinese. What stands in braces stays as it is in Cyrillic
/// script.
const fn sentences(fault: PictureFault) -> [&'static str; 3] {
    match fault {
        PictureFault::NotAPicture => [
            "Bu rasm emas: {JPEG}, {PNG} yoki {WebP} faylini tanlang.",
            "Это не изображение: выберите файл JPEG, PNG или WebP.",
            "这不是图片：请选择 JPEG、PNG 或 WebP 文件。",
        ],
        PictureFault::Pdf => [
            "Bu {PDF} hujjati: undagi rasmni {JPEG} qilib saqlang va oʻshani yuklang.",
            "Это документ PDF: сохраните изображение из него как JPEG и загрузите его.",
            "这是 PDF 文档：请把其中的图片另存为 JPEG 再上传。",
        ],
        PictureFault::Heic => [
            "{HEIC} rasmlari koʻrsatilmaydi: uni {JPEG} qilib saqlang yoki kamerada eng mos formatni tanlang.",
            "Изображения HEIC показать нельзя: сохраните снимок как JPEG или выберите в камере наиболее совместимый формат.",
            "无法显示 HEIC 图片：请另存为 JPEG，或在相机设置中选择兼容性最佳的格式。",
        ],
        PictureFault::Avif => [
            "{AVIF} rasmlari koʻrsatilmaydi: uni {JPEG}, {PNG} yoki {WebP} qilib saqlang.",
            "Изображения AVIF показать нельзя: сохраните его как JPEG, PNG или WebP.",
            "无法显示 AVIF 图片：请另存为 JPEG、PNG 或 WebP。",
        ],
        PictureFault::Gif => [
            "{GIF} rasmlari koʻrsatilmaydi: uni {JPEG}, {PNG} yoki {WebP} qilib saqlang.",
            "Изображения GIF показать нельзя: сохраните его как JPEG, PNG или WebP.",
            "无法显示 GIF 图片：请另存为 JPEG、PNG 或 WebP。",
        ],
        PictureFault::Svg => [
            "{SVG} chizmalari koʻrsatilmaydi: uni {PNG} qilib saqlang.",
            "Рисунки SVG показать нельзя: сохраните его как PNG.",
            "无法显示 SVG 图形：请导出为 PNG。",
        ],
        PictureFault::OtherKind => [
            "Bu turdagi rasmlar koʻrsatilmaydi: uni {JPEG}, {PNG} yoki {WebP} qilib saqlang.",
            "Изображения этого вида показать нельзя: сохраните его как JPEG, PNG или WebP.",
            "无法显示这种图片：请另存为 JPEG、PNG 或 WebP。",
        ],
        PictureFault::TooManyPixels => [
            "Rasm juda katta: koʻpi bilan 40 megapiksel, har bir tomoni 20 000 pikselgacha. Uni kichraytiring.",
            "Изображение слишком большое: не больше 40 мегапикселей и 20 000 пикселей по стороне. Уменьшите его.",
            "图片太大：最多 4000 万像素，每边不超过 20000 像素。请缩小图片。",
        ],
        PictureFault::Broken => [
            "Fayl toʻliq emas yoki buzilgan: rasmni qayta saqlang va oʻshani yuklang.",
            "Файл обрезан или повреждён: сохраните изображение заново и загрузите его.",
            "文件不完整或已损坏：请重新保存图片后再上传。",
        ],
        PictureFault::NotEncoded => [
            "Rasmni oʻgirib boʻlmadi: uni {JPEG} qilib saqlang va oʻshani yuklang.",
            "Изображение не удалось преобразовать: сохраните его как JPEG и загрузите его.",
            "图片转换失败：请另存为 JPEG 再上传。",
        ],
        PictureFault::BadAddress => [
            "Bu internetdagi manzil emas: uni brauzerdan nusxalab oling.",
            "Это не адрес в интернете: скопируйте его из браузера.",
            "这不是有效的网址：请从浏览器中复制。",
        ],
        PictureFault::NotHttps => [
            "Rasmlar faqat {https://} bilan boshlangan manzildan olinadi, yoʻnaltirishdan keyin ham.",
            "Изображения загружаются только с адресов, которые начинаются с https://, и после перенаправления тоже.",
            "只能从以 https:// 开头的网址获取图片，重定向后也是如此。",
        ],
        PictureFault::Credentials => [
            "Manzilda foydalanuvchi nomi yoki parol bor: rasmni ularsiz ochiladigan joyga qoʻying.",
            "В адресе есть имя пользователя или пароль: разместите изображение там, где они не нужны.",
            "网址中含有用户名或密码：请把图片放到无需登录的地方。",
        ],
        PictureFault::ForbiddenPort => [
            "Rasmlar faqat 443 va 8443 portlardan olinadi.",
            "Изображения загружаются только с портов 443 и 8443.",
            "只能从 443 和 8443 端口获取图片。",
        ],
        PictureFault::NoSuchHost => [
            "Manzildagi sayt topilmadi: manzilni tuzating.",
            "Сайт из адреса не найден: исправьте адрес.",
            "找不到网址中的网站：请更正网址。",
        ],
        PictureFault::ForbiddenAddress => [
            "Manzildagi sayt ochiq internetda emas: rasmni hamma ocha oladigan joyga qoʻying.",
            "Сайт из адреса недоступен из интернета: разместите изображение там, где его может открыть каждый.",
            "网址中的网站不在公共互联网上：请把图片放到所有人都能打开的地方。",
        ],
        PictureFault::NoConnection => [
            "Manzildagi sayt bilan bogʻlanib boʻlmadi: faylni keyinroq qayta import qiling.",
            "С сайтом из адреса не удалось соединиться: загрузите файл ещё раз позже.",
            "无法连接网址中的网站：请稍后再次导入文件。",
        ],
        PictureFault::BadCertificate => [
            "Saytning sertifikati yaroqsiz: sayt egalaridan soʻrang yoki rasmni oʻzingiz yuklang.",
            "Сертификат сайта недействителен: обратитесь к его владельцам или загрузите изображение сами.",
            "该网站的证书无效：请联系网站负责人，或自行上传图片。",
        ],
        PictureFault::BadAnswer => [
            "Saytning javobi uzilib qoldi yoki oʻqib boʻlmaydi: faylni keyinroq qayta import qiling.",
            "Ответ сайта оборвался или не читается: загрузите файл ещё раз позже.",
            "网站的响应中断或无法读取：请稍后再次导入文件。",
        ],
        PictureFault::TooManyRedirects => [
            "Manzil uch martadan koʻp yoʻnaltiradi: rasm turgan manzilning oʻzini yozing.",
            "Адрес перенаправляет больше трёх раз: укажите тот, где находится само изображение.",
            "该网址重定向超过三次：请填写图片所在的网址。",
        ],
        PictureFault::NotThere => [
            "Sayt rasmni bermadi: manzilni brauzerda ochib koʻring va tuzating.",
            "Сайт не отдал изображение: откройте адрес в браузере и исправьте его.",
            "网站没有提供图片：请在浏览器中打开该网址并更正。",
        ],
        PictureFault::NotNow => [
            "Sayt hozircha rasmni bermadi: faylni keyinroq qayta import qiling.",
            "Сайт пока не отдал изображение: загрузите файл ещё раз позже.",
            "网站暂时没有提供图片：请稍后再次导入文件。",
        ],
        PictureFault::TooLarge => [
            "Rasm 10 MB dan katta: uni kichikroq qilib saqlang.",
            "Изображение больше 10 МБ: сохраните его в меньшем размере.",
            "图片超过 10 MB：请另存为较小的文件。",
        ],
        PictureFault::TooSlow => [
            "Rasm 10 soniyada kelmadi: faylni keyinroq qayta import qiling yoki rasmni oʻzingiz yuklang.",
            "Изображение не пришло за 10 секунд: загрузите файл ещё раз позже или загрузите изображение сами.",
            "图片未能在 10 秒内送达：请稍后再次导入文件，或自行上传图片。",
        ],
        PictureFault::Removed => [
            "Rasm oʻchirilgan, chunki uni hech bir mahsulot koʻrsatmagan: uni qayta yuklang.",
            "Изображение удалено, потому что его не показывал ни один товар: загрузите его снова.",
            "图片因没有商品使用而被删除：请重新上传。",
        ],
    }
}

/// Why a picture cannot be shown, and what to do. A code of a newer release is said to be a kind that cannot be shown.
pub fn picture_fault(language: Language, code: &str) -> String {
    let fault = PictureFault::of(code).unwrap_or(PictureFault::OtherKind);
    let [uz, ru, zh] = sentences(fault);
    let plain = |text: &str| text.replace(['{', '}'], "");
    match language {
        Language::En => {
            let mut characters = fault.detail().chars();
            let first = characters.next().into_iter().flat_map(char::to_uppercase);
            first.chain(characters).chain(['.']).collect()
        }
        Language::Uz => plain(uz),
        Language::UzCyrl => plain(&to_cyrillic(uz)),
        Language::Ru => plain(ru),
        Language::Zh => plain(zh),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_said_in_each_language_and_names_stay_latin() {
        for fault in PictureFault::ALL {
            for language in Language::ALL {
                let said = picture_fault(language, fault.code());
                assert!(said.len() > 20 && !said.contains(['{', '}']), "{said}");
            }
        }
        assert!(picture_fault(Language::UzCyrl, "heic_picture").starts_with("HEIC расмлари"));
        assert_eq!(picture_fault(Language::En, "svg_drawing"), "SVG drawings cannot be shown: export it as PNG.");
    }
}
