//! Pictures as buyers see them: the files that were made of an upload, or of a picture at a foreign address.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Color, Image, ImageFile, ImageLink, ImageSource, MAX_PRODUCT_BYTES, Product, Variant};
use crate::code::Refusal;
use crate::stored::Kept;
use crate::text::Line;
use crate::{Expected, MediaId, ProductId, VendorId};

/// What became of the picture behind one of a product's sources. With neither files nor a fault it has not been looked
/// at yet, and nobody but its vendor sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// What was made of it; nothing until it was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<PictureFiles>,
    /// The code of the reason why it cannot be shown, such as `heic_picture`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
}

impl Picture {
    /// Whether it has not been looked at yet.
    pub const fn is_waiting(&self) -> bool {
        self.files.is_none() && self.fault.is_none()
    }
}

/// The public files of a picture: WebP in several widths, and a JPEG as wide as the widest of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureFiles {
    pub name: PictureName,
    /// Width of the largest file in pixels.
    pub width: u32,
    /// Height of the largest file in pixels.
    pub height: u32,
    /// The average colour, which is shown until the picture is there.
    pub color: Color,
    /// The widths of the WebP files in pixels, ascending.
    pub widths: Vec<u32>,
}

/// The name of a picture's files: 16 characters made of the hash of what was uploaded, so that what is at an
/// address never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PictureName(String);

impl PictureName {
    /// The name of what has this hash. 80 of its bits are used: among a billion pictures, one collision is as likely as
    /// one in two million.
    pub fn of_hash(hash: &[u8; 32]) -> Self {
        const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
        let bits = hash.iter().take(10).fold(0_u128, |bits, byte| bits << 8 | u128::from(*byte));
        let digit = |at: u32| {
            let index = usize::try_from(bits >> (75 - 5 * at) & 31).unwrap_or_default();
            DIGITS.get(index).map_or('a', |digit| char::from(*digit))
        };
        Self((0..16).map(digit).collect())
    }
}

impl fmt::Display for PictureName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl PictureFiles {
    /// The key of the WebP file of this width: its path below where pictures are served.
    pub fn webp(&self, width: u32) -> String {
        format!("m/{}-{width}.webp", self.name)
    }

    /// The key of the JPEG file.
    pub fn jpeg(&self) -> String {
        format!("m/{}.jpg", self.name)
    }

    /// The keys of all files.
    pub fn keys(&self) -> impl Iterator<Item = String> {
        self.widths.iter().map(|width| self.webp(*width)).chain([self.jpeg()])
    }

    /// The picture with addresses. `url` makes one of a path below where pictures are served.
    pub fn link(&self, alt: Option<Line>, url: impl Fn(&str) -> String) -> ImageLink {
        let webp = |width: &u32| ImageFile { kind: "image/webp".into(), width: *width, url: url(&self.webp(*width)) };
        ImageLink {
            url: url(&self.jpeg()),
            alt,
            width: Some(self.width),
            height: Some(self.height),
            color: Some(self.color),
            sources: self.widths.iter().map(webp).collect(),
        }
    }
}

/// A picture of a vendor's: what became of it, and who may show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VendorPicture {
    pub id: MediaId,
    pub vendor: VendorId,
    /// The foreign address that it was fetched from; nothing for an upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    #[serde(default)]
    pub picture: Picture,
    /// The files that were made of it and are about to be deleted, because no product named it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<PictureFiles>,
    /// The products that have named it, some of which may not any more.
    #[serde(default)]
    pub products: BTreeSet<ProductId>,
    /// Incremented by each write, which is conditional on it.
    #[serde(default)]
    pub version: u64,
    /// What the stored item held that this release does not know.
    #[serde(skip)]
    pub kept: Kept,
}

impl VendorPicture {
    /// A picture of which nothing is known yet.
    pub fn new(vendor: VendorId, id: MediaId) -> Self {
        Self {
            id,
            vendor,
            address: None,
            picture: Picture::default(),
            gone: None,
            products: BTreeSet::new(),
            version: 0,
            kept: Kept::NOTHING,
        }
    }
}

/// Versions of a product that differ only in what became of its pictures: whoever has seen one of them has seen all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alike {
    pub from: u64,
    /// The latest. When it is not the product's version, a release that does not know of this has changed it since.
    pub to: u64,
}

impl Product {
    /// Accepts a change by somebody who has seen the product as it is but for what became of its pictures.
    ///
    /// # Errors
    /// With `version_mismatch` when it was changed since.
    pub fn check_seen(&self, expected: &Expected) -> Result<(), Refusal> {
        let alike = self.alike.filter(|alike| alike.to == self.version);
        let mut versions = alike.map_or(self.version, |alike| alike.from)..self.version;
        if versions.any(|seen| expected.check(seen).is_ok()) { Ok(()) } else { expected.check(self.version) }
    }

    /// Whether it is another product than before only by what became of its pictures.
    pub fn differs_in_pictures_only(&self, before: &Self) -> bool {
        let like_it =
            Self { pictures: self.pictures.clone(), version: self.version, alike: self.alike, ..before.clone() };
        like_it == *self && self.pictures != before.pictures
    }

    /// The sources that it and its variants name.
    pub fn sources(&self) -> impl Iterator<Item = &ImageSource> {
        let of_variants = self.variants.iter().filter_map(|variant| variant.image.as_ref());
        self.images.iter().map(|image| &image.src).chain(of_variants)
    }

    /// The most bytes of its item: what became of its pictures does not count, since nobody has written it.
    pub fn most_bytes(&self) -> usize {
        /// The most that is stored of a picture beside its source.
        const OF_A_PICTURE: usize = 300;
        MAX_PRODUCT_BYTES + self.pictures.keys().map(|source| source.len() + OF_A_PICTURE).sum::<usize>()
    }

    /// Forgets what became of pictures that it does not name any more.
    pub fn forget_pictures(&mut self) {
        let named: BTreeSet<String> = self.sources().map(|source| source.as_str().to_owned()).collect();
        self.pictures.retain(|source, _| named.contains(source));
    }

    /// A picture as buyers see it; nothing for an own upload that was not looked at yet, or that cannot be shown. A
    /// picture at a foreign address that could not be fetched keeps that address. `url` makes an address of a path
    /// below where pictures are served.
    pub fn shown_image(&self, image: &Image, url: impl Fn(&str) -> String) -> Option<ImageLink> {
        let (source, known) = (&image.src, self.pictures.get(image.src.as_str()));
        if let Some(files) = known.and_then(|known| known.files.as_ref()) {
            return Some(files.link(image.alt.clone(), url));
        }
        let plain = match source.media() {
            // An upload of a release that did not look at pictures is public under its id.
            Some(id) if known.is_none() => url(&id.to_string()),
            Some(_) => return None,
            None => source.as_str().to_owned(),
        };
        Some(ImageLink { alt: image.alt.clone(), ..ImageLink::of(plain) })
    }

    /// Its pictures as buyers see them. `media_base` is where own pictures are served, without a slash at the end.
    pub fn shown_images(&self, media_base: &str) -> Vec<ImageLink> {
        let url = |path: &str| format!("{media_base}/{path}");
        self.images.iter().filter_map(|image| self.shown_image(image, url)).collect()
    }

    /// The picture of a variant as buyers see it: its own.
    pub fn shown_variant(&self, variant: &Variant, media_base: &str) -> Option<ImageLink> {
        let image = Image { src: variant.image.clone()?, alt: None };
        self.shown_image(&image, |path| format!("{media_base}/{path}"))
    }

    /// The picture of a line with this variant, in the smallest size: the variant's own, or else the product's first
    /// that can be shown. It is a source, whose address is made when it is shown.
    pub fn thumbnail(&self, variant: &Variant) -> Option<ImageSource> {
        let own = variant.image.iter();
        own.chain(self.images.iter().map(|image| &image.src)).find_map(|source| {
            let known = self.pictures.get(source.as_str());
            match known.and_then(|known| known.files.as_ref()) {
                Some(files) => Some(ImageSource::of_path(&files.webp(*files.widths.first()?))),
                None if source.media().is_some() && known.is_some() => None,
                None => Some(source.clone()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_that_differs_in_pictures_only_is_as_good_as_the_one_that_was_seen() {
        let seen = |version| Expected::Versions(vec![version]);
        let json = serde_json::json!({
            "id": ProductId::from_bits(1), "vendor": crate::examples::vendor_card(VendorId::from_bits(2), "Chorsu"),
            "handle": "bowl", "title": "Bowl", "state": "draft", "created_at": crate::examples::PLACED,
            "next_ordinal": 1, "variants": [], "version": 7, "alike": {"from": 5, "to": 7},
        });
        let mut product: Product = serde_json::from_value(json).unwrap();
        let accepted =
            |product: &Product| (1..10).filter(|at| product.check_seen(&seen(*at)).is_ok()).collect::<Vec<_>>();
        assert_eq!(accepted(&product), [5, 6, 7]);
        product.version = 8;
        assert_eq!(accepted(&product), [8], "somebody else has changed it");
        let mut shown = product.clone();
        shown.pictures.insert("media:x".to_owned(), Picture::default());
        assert!(shown.differs_in_pictures_only(&product) && !product.differs_in_pictures_only(&product));
        shown.tags.push(crate::text::Name::parse("blue").unwrap());
        assert!(!shown.differs_in_pictures_only(&product));
    }

    #[test]
    fn a_name_has_sixteen_characters_of_the_first_80_bits() {
        let mut hash = [0; 32];
        assert_eq!(PictureName::of_hash(&hash).to_string(), "aaaaaaaaaaaaaaaa");
        hash[9] = 1;
        hash[10] = 0xff;
        assert_eq!(PictureName::of_hash(&hash).to_string(), "aaaaaaaaaaaaaaab");
        assert_eq!(PictureName::of_hash(&[0xff; 32]).to_string(), "7777777777777777");
    }
}
