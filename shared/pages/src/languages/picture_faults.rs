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
