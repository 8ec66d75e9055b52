//! Pictures: drawn for a test, uploaded as a vendor does it.

use cloud::sqs::MessageAttributes;
use serde_json::{Value, json};

use super::{Shop, Vendor};

/// A PNG of one colour.
pub(crate) fn png(width: u32, height: u32, [red, green, blue]: [u8; 3]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let pixels: Vec<u8> = (0..width * height).flat_map(|_| [red, green, blue]).collect();
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

/// A PNG of one pixel.
pub(crate) fn dot() -> Vec<u8> {
    png(1, 1, [200, 120, 40])
}

impl Vendor {
    /// Uploads a picture, which nobody has looked at when this returns.
    pub(crate) async fn uploads(&self, shop: &Shop, content_type: &str, bytes: &[u8]) -> Value {
        let asked = json!({"content_type": content_type, "size": bytes.len()});
        let begun = self.client.post("/v1/vendor/media", &asked).await.expect(201).clone();
        shop.anon().upload(&begun["upload"], bytes).await.expect(200);
        begun
    }

    /// Uploads a picture that passes, and returns its source.
    pub(crate) async fn has_picture(&self, shop: &Shop) -> Value {
        let begun = self.uploads(shop, "image/png", &dot()).await;
        shop.wait_until_idle().await;
        begun["src"].clone()
    }

    /// What is known of the picture.
    pub(crate) async fn picture(&self, begun: &Value) -> Value {
        let path = format!("/v1/vendor/media/{}", begun["id"].as_str().expect("an id"));
        self.client.get(&path).await.expect(200).clone()
    }
}

impl Shop {
    /// Sends the notification of an upload again: S3 delivers notifications at least once.
    pub(crate) fn repeat_upload_notification(&self, vendor: &str, id: &str) {
        self.send_to_pictures(&json!({"Records": [{"s3": {"object": {"key": format!("{vendor}/{id}")}}}]}));
    }

    /// Asks for the work on pictures that this message is about.
    pub(crate) fn send_to_pictures(&self, message: &Value) {
        let (queue, queues) = (self.queue("PicturesQueue"), &self.cloud.services().queues);
        queues.send(&queue, &message.to_string(), &MessageAttributes::new()).expect("the queue takes it");
    }

    /// The keys in one of the template's buckets.
    pub(crate) fn keys_in(&self, bucket: &str) -> Vec<String> {
        let services = self.cloud.services();
        let name = &services.template.bucket(bucket).expect("a bucket").name;
        let objects = services.buckets.objects(name).expect("the bucket can be read");
        objects.into_iter().map(|(key, _)| key).collect()
    }
}
