// Pictures as a phone loads them: in several sizes to choose from, with their shape and colour there first, and few
// bytes before somebody scrolls.
import { api, assert, chrome, road, send, SHOP } from "./lib.mjs";

/** The most bytes of pages with their pictures that a phone loads before anybody scrolls. */
const MOST_OF_LIST = 120_000;
const MOST_OF_PRODUCT = 60_000;
const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true };

async function someProduct() {
  const { json } = await api("/products?limit=1");
  return json.items[0].handle;
}

const attribute = (tag, name) => tag.match(new RegExp(` ${name}="([^"]*)"`))?.[1];

/** What is wrong with a picture of a page. Those that the shop has not looked at are at other addresses than its own. */
function wrongWith(tag) {
  const wrong = ["src", "alt", "width", "height"].filter((name) => attribute(tag, name) === undefined);
  if (!attribute(tag, "loading") && !attribute(tag, "fetchpriority")) wrong.push("loading");
  const path = attribute(tag, "src")?.replace(SHOP, "");
  if (path?.startsWith("/m/")) {
    const widths = (attribute(tag, "srcset") ?? "").split(",").map((file) => Number(file.match(/ (\d+)w$/)?.[1]));
    if (!widths.every((width, index) => width > (widths[index - 1] ?? 0))) wrong.push(`srcset ${widths}`);
    if (!attribute(tag, "sizes")) wrong.push("sizes");
    if (!/^k( [rgu][1-3])*$/.test(attribute(tag, "class") ?? "")) wrong.push("colour");
  }
  return wrong;
}

/** The bytes of a page, and those of the pictures of its first screen. A browser may fetch more, from below, meanwhile. */
async function loaded(browser, path) {
  const context = await browser.newContext(PHONE);
  const page = await context.newPage();
  const devtools = await context.newCDPSession(page);
  await devtools.send("Network.enable");
  const addresses = new Map();
  const bytes = new Map();
  devtools.on("Network.responseReceived", ({ requestId, response }) => addresses.set(requestId, response.url));
  devtools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
    bytes.set(addresses.get(requestId), encodedDataLength);
  });
  await page.goto(`${SHOP}${path}`, { waitUntil: "networkidle" });
  const shown = await page.evaluate(() =>
    [...document.images].filter((image) => {
      const { top, bottom } = image.getBoundingClientRect();
      return image.currentSrc && image.complete && bottom > 0 && top < window.innerHeight;
    }).map((image) => image.currentSrc));
  await context.close();
  const ofPictures = shown.reduce((sum, address) => sum + (bytes.get(address) ?? 0), 0);
  return { ofPage: bytes.get(`${SHOP}${path}`), ofPictures, shown };
}

export default async function pictures() {
  await road("pictures", async (t) => {
    const handle = await someProduct();
    const paths = ["/en/", "/en/products", "/uz-cyrl/c/ceramics", `/zh/p/${handle}`, "/ru/v/rishtan-ceramics"];
    for (const path of paths) {
      await t.check(`each picture of ${path} has its shape, its colour and sizes to choose from`, async () => {
        const { status, text } = await send("GET", path);
        if (status === 404) return;
        const tags = text.match(/<img\b[^>]*>/g) ?? [];
        assert(tags.length > 0, "no picture");
        for (const tag of tags) assert(wrongWith(tag).length === 0, `${wrongWith(tag).join(", ")} of ${tag}`);
        const first = tags.filter((tag) => attribute(tag, "fetchpriority") === "high");
        assert(first.length === 1, `${first.length} pictures come first`);
      });
    }
    const browser = await chrome();
    for (const [path, most] of [["/en/products", MOST_OF_LIST], [`/en/p/${handle}`, MOST_OF_PRODUCT]]) {
      await t.check(`a phone loads at most ${most} bytes of ${path} before anybody scrolls`, async () => {
        const { ofPage, ofPictures, shown } = await loaded(browser, path);
        console.log(`  ${path}: page ${ofPage}, pictures ${ofPictures} bytes in ${shown.length}`);
        assert(shown.length > 0 && ofPictures > 0, "no picture was shown");
        assert(ofPage + ofPictures <= most, `${ofPage} + ${ofPictures} bytes`);
        const foreign = shown.filter((address) => address.startsWith(`${SHOP}/m/`) && !address.endsWith(".webp"));
        assert(foreign.length === 0, `not WebP: ${foreign}`);
      });
    }
  });
}
