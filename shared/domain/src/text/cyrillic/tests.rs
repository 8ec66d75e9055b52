use proptest::prelude::*;

use super::{content_to_cyrillic, to_cyrillic};

/// Asserts that each Latin text is written as the Cyrillic one beside it.
fn check(expected: &[(&str, &str)]) {
    for (latin, cyrillic) in expected {
        assert_eq!(to_cyrillic(latin), *cyrillic, "{latin}");
    }
}

#[test]
fn words_of_a_shop_are_spelled_as_uzbek_spells_them() {
    check(&[
        ("bozor", "бозор"),
        ("savat", "сават"),
        ("mahsulot", "маҳсулот"),
        ("xarid qilish", "харид қилиш"),
        ("buyurtma", "буюртма"),
        ("yetkazib berish", "етказиб бериш"),
        ("to‘lov", "тўлов"),
        ("narx", "нарх"),
        ("chegirma", "чегирма"),
        ("sotuvchi", "сотувчи"),
        ("do‘kon", "дўкон"),
        ("manzil", "манзил"),
        ("qidirish", "қидириш"),
        ("jo‘natish", "жўнатиш"),
        ("ro‘yxatdan o‘tish", "рўйхатдан ўтиш"),
        ("shahar", "шаҳар"),
        ("foydalanuvchi", "фойдаланувчи"),
        ("bog‘lanish", "боғланиш"),
        ("qaytarish", "қайтариш"),
        ("omborda yo‘q", "омборда йўқ"),
        ("so‘m", "сўм"),
        ("hammasi", "ҳаммаси"),
        ("yangi", "янги"),
        ("tayyor", "тайёр"),
        ("bepul", "бепул"),
        ("tasdiqlash", "тасдиқлаш"),
        ("kechirasiz", "кечирасиз"),
        ("o‘lcham", "ўлчам"),
        ("rang", "ранг"),
        ("sharhlar", "шарҳлар"),
    ]);
}

#[test]
fn every_way_to_type_the_modifier_is_read() {
    check(&[
        ("o‘zbek oʻzbek o'zbek o’zbek oʼzbek o`zbek", "ўзбек ўзбек ўзбек ўзбек ўзбек ўзбек"),
        ("g‘isht gʻisht g'isht g’isht", "ғишт ғишт ғишт ғишт"),
        ("tog‘ togʻ tog' tog’", "тоғ тоғ тоғ тоғ"),
        ("yo‘l, yo'q, yoʻnalish", "йўл, йўқ, йўналиш"),
    ]);
}

#[test]
fn an_apostrophe_inside_a_word_is_a_hard_sign() {
    check(&[
        ("ma’lumot", "маълумот"),
        ("e’lon", "эълон"),
        ("e'tibor", "эътибор"),
        ("san’at", "санъат"),
        ("ya’ni", "яъни"),
        ("ta’minot", "таъминот"),
        ("qatʼiy", "қатъий"),
        ("sun’iy", "сунъий"),
        ("in’om", "инъом"),
        ("mas’ul", "масъул"),
        ("MA’LUMOT", "МАЪЛУМОТ"),
        ("Is’hoq", "Исҳоқ"),
    ]);
}

#[test]
fn a_quotation_is_not_taken_for_a_modifier() {
    check(&[
        ("‘katalog’ va ‘lug‘at’", "‘каталог’ ва ‘луғат’"),
        ("'blog' va tog'", "'блог' ва тоғ"),
        ("“tog‘”", "“тоғ”"),
    ]);
}

#[test]
fn what_follows_y_and_where_e_stands_decide_the_vowel() {
    check(&[
        ("yaxshi", "яхши"),
        ("yozuv", "ёзув"),
        ("yuk", "юк"),
        ("yer", "ер"),
        ("daryo", "дарё"),
        ("dunyo", "дунё"),
        ("kuyov", "куёв"),
        ("sayyora", "сайёра"),
        ("iyun", "июн"),
        ("keyin", "кейин"),
        ("joyi", "жойи"),
        ("yigit", "йигит"),
        ("qayerda", "қаерда"),
        ("poyezd", "поезд"),
        ("ekran", "экран"),
        ("eng kerakli", "энг керакли"),
        ("poema", "поэма"),
        ("aeroport", "аэропорт"),
        ("elektron", "электрон"),
        ("universitet", "университет"),
    ]);
}

#[test]
fn t_and_s_are_one_sound_only_where_no_ending_begins() {
    check(&[
        ("konstitutsiya", "конституция"),
        ("protsent", "процент"),
        ("retsept", "рецепт"),
        ("litsenziya", "лицензия"),
        ("tsement", "цемент"),
        ("meditsina", "медицина"),
        ("ketsa", "кетса"),
        ("kutsangiz", "кутсангиз"),
        ("yetsin", "етсин"),
        ("aytsinlar", "айтсинлар"),
        ("xizmatsiz", "хизматсиз"),
        ("hayotshunos", "ҳаётшунос"),
    ]);
}

#[test]
fn case_is_kept() {
    check(&[
        ("Shahar SHAHAR", "Шаҳар ШАҲАР"),
        ("Choy CHOY", "Чой ЧОЙ"),
        ("Yangi YANGI", "Янги ЯНГИ"),
        ("O‘zbekiston O‘ZBEKISTON", "Ўзбекистон ЎЗБЕКИСТОН"),
        ("G‘ALABA", "ҒАЛАБА"),
        ("Yo‘q YO‘Q", "Йўқ ЙЎҚ"),
        ("Elektr, Yetkazish", "Электр, Етказиш"),
        ("Parol PAROL parol", "Пароль ПАРОЛЬ пароль"),
    ]);
}

#[test]
fn loanwords_have_the_spelling_that_latin_lost() {
    check(&[
        ("Aksiya", "Акция"),
        ("aksiyalar", "акциялар"),
        ("parolingiz", "паролингиз"),
        ("kompyuterlar", "компьютерлар"),
        ("mebel va mebellar", "мебель ва мебеллар"),
        ("filtrlash", "фильтрлаш"),
        ("multfilm, multivarka", "мультфильм, мультиварка"),
        ("obyekt", "объект"),
        ("Toshkent rayoni", "Тошкент райони"),
        ("sirka", "сирка"),
    ]);
}

#[test]
fn names_and_what_cannot_be_uzbek_stay_latin() {
    check(&[
        ("Bozor ilovasi", "Bozor иловаси"),
        ("Telegram orqali", "Telegram орқали"),
        ("Telegramda, Google’da, SMSni", "Telegramда, Google’да, SMSни"),
        ("Stripe va WhatsApp", "Stripe ва WhatsApp"),
        ("PDF yoki CSV fayl", "PDF ёки CSV файл"),
        ("Facebook, web, cookie", "Facebook, web, cookie"),
        ("XXI asr, IV bob", "XXI аср, IV боб"),
        ("UZS kursi", "UZS курси"),
        ("Uzumzor", "Узумзор"),
    ]);
}

#[test]
fn places_tags_and_entities_are_left_as_they_are() {
    check(&[
        ("Salom, {name}!", "Салом, {name}!"),
        ("{count}ta mahsulot", "{count}та маҳсулот"),
        ("{n, plural, one {bir} other {ko‘p}} dona", "{n, plural, one {bir} other {ko‘p}} дона"),
        ("<a href=\"/uz/cart\" title=\"a > b\">Savat</a>da", "<a href=\"/uz/cart\" title=\"a > b\">Сават</a>да"),
        ("bir<br/>ikki<!-- izoh -->", "бир<br/>икки<!-- izoh -->"),
        ("narxi&nbsp;past &amp; yaxshi&#39;", "нархи&nbsp;паст &amp; яхши&#39;"),
        ("A & B; katta < kichik", "А & Б; катта < кичик"),
        ("{ochiq qolgan", "{очиқ қолган"),
        ("<ochiq", "<очиқ"),
    ]);
}

#[test]
fn addresses_and_files_are_left_as_they_are() {
    check(&[
        (
            "Sayt: https://bozor.uz/uz/p/kosa?a=b&amp;c={id} manzilida",
            "Сайт: https://bozor.uz/uz/p/kosa?a=b&amp;c={id} манзилида",
        ),
        ("(bozor.uz) yoki www.bozor.uz, shu yerda", "(bozor.uz) ёки www.bozor.uz, шу ерда"),
        ("aziza@bozor.test ga yozing.", "aziza@bozor.test га ёзинг."),
        ("mailto:yordam@bozor.uz", "mailto:yordam@bozor.uz"),
        ("products.csv fayli", "products.csv файли"),
        ("/uz/cart sahifasi", "/uz/cart саҳифаси"),
        ("va/yoki", "ва/ёки"),
        ("va h.k. Keyin.Yana", "ва ҳ.к. Кейин.Яна"),
        ("12.50 dan", "12.50 дан"),
    ]);
}

#[test]
fn what_is_not_latin_stays() {
    check(&[
        ("", ""),
        ("Ўзбекча, 中文 — № 1", "Ўзбекча, 中文 — № 1"),
        ("1-dekabr,\n 2026-yil", "1-декабр,\n 2026-йил"),
    ]);
}

#[test]
fn braces_of_a_shop_are_its_own_and_thousands_of_them_cost_no_more_than_other_text() {
    assert_eq!(content_to_cyrillic("kosa {katta} <b>rang</b> &amp; gul"), "коса {катта} <b>ранг</b> &amp; гул");
    assert_eq!(to_cyrillic("kosa {katta}"), "коса {katta}");
    for odd in ["{", "<", "<a "] {
        let text = odd.repeat(60_000 / odd.len());
        assert_eq!(content_to_cyrillic(&text).len(), content_to_cyrillic(odd).len() * (60_000 / odd.len()), "{odd}");
    }
}

proptest! {
    #[test]
    fn no_text_is_too_odd(text in ".{0,200}", markup in "[a-zA-Z{}<>&;#‘’'\"./@: \n]{0,80}") {
        let _ = to_cyrillic(&text);
        let _ = to_cyrillic(&markup);
        let _ = content_to_cyrillic(&markup);
    }

    #[test]
    fn text_without_latin_characters_is_not_changed(text in "[^a-zA-Z]{0,100}") {
        prop_assert_eq!(to_cyrillic(&text), text);
    }

    #[test]
    fn a_word_of_uzbek_keeps_no_latin_character(word in "([abdefghijklmnopqrstuvxyz]|sh|ch|o‘|g‘){1,12}") {
        let written = to_cyrillic(&word);
        prop_assert!(!written.contains(|character: char| character.is_ascii_alphabetic()), "{}", written);
    }
}
