// How little it takes: text on a weak network, what somebody types and taps from a product to a paid order, and what a
// seller does for a product in the shop.
import {
  Client, LANGUAGES, SHOP, alone, assert, follow, idle, leftOut, newPhone, offered, pathOf, person, road, send, until,
} from "./lib.mjs";
import { sendForm, signIn } from "./acts.mjs";
import { picture } from "./desk.mjs";
import { CHOSEN, add } from "./guest.mjs";

/** A mobile network at the edge of its reach. */
const WEAK = { offline: false, latency: 800, downloadThroughput: 250_000 / 8, uploadThroughput: 250_000 / 8 };
const MOST_WAIT_MS = 5_000;
const MOST_TAPS = 10;
const MOST_TYPED = 4;
/** Nobody knows anything of a guest. */
const MOST_GUEST_TAPS = 10;
const MOST_GUEST_TYPED = 6;
const MOST_SELLER_FIELDS = 6;
const MOST_SELLER_PAGES = 3;

async function weakNetwork() {
  await road("a weak network: 250 kbit/s and 800 ms", async (t) => {
    for (const [language, path] of [
      ["uz", "/"],
      ["ru", "/products"],
      ["en", `/p/${CHOSEN.handle}`],
      ["zh", "/v/chorsu-ceramics"],
    ]) {
      await t.check(`text stands within ${MOST_WAIT_MS / 1000} s on /${language}${path}`, async () => {
        const who = await person({ width: 360, height: 740, locale: LANGUAGES[language] });
        t.page = who.page;
        const cdp = await who.context.newCDPSession(who.page);
        await cdp.send("Network.enable");
        await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
        await cdp.send("Network.emulateNetworkConditions", WEAK);
        await who.page.goto(`/${language}${path}`, { waitUntil: "commit" });
        const painted = () =>
          who.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
        const at = await until("the first text", painted);
        console.log(`  /${language}${path}: text after ${Math.round(at)} ms`);
        assert(at <= MOST_WAIT_MS, `text after ${Math.round(at)} ms`);
        await who.close();
      });
    }
  });
}

/** Somebody with an address in their book, in a browser. */
async function atHome() {
  const client = new Client();
  await signIn(client, "buyer@bozor.test");
  const home = {
    name: "Aziza Karimova",
    phone: newPhone(),
    region: "Toshkent",
    district: "Yunusobod",
    line1: "Navoiy 12",
  };
  await sendForm(client, "/en/account/addresses", home);
  const who = await person({ width: 390, height: 844 });
  await client.lendTo(who.context);
  return who;
}

/** The fields of the form that stands on a page, and those of them that must be filled in. */
async function fieldsOf(page) {
  const fields = page.locator("main form[method=post] :is(input, select, textarea):not([type=hidden])");
  const all = await fields.evaluateAll((found) => found.map(({ name, required }) => ({ name, required })));
  const named = new Map(all.map((field) => [field.name, field]));
  return `${named.size} fields, ${[...named.values()].filter(({ required }) => required).length} of them required`;
}

/**
 * Goes from a product to a paid order, and counts the taps; `fill` fills in the first form of the checkout. Where no
 * hosted page of payment is there, nothing is counted.
 */
async function tapsToPaid(page, fill) {
  const forms = [];
  let taps = 0;
  const tap = async (selector) => {
    taps += 1;
    await follow(page, () => page.locator(selector).first().click());
  };
  await page.goto(`/en/p/${CHOSEN.handle}`);
  taps += 2;
  await add(page);
  await tap("main a[href='/en/checkout']");
  for (let step = 0; step < 2; step += 1) {
    forms.push(`${pathOf(page)}: ${await fieldsOf(page)}`);
    if (step === 0) await fill();
    await tap("main form[method=post] button.btn");
  }
  assert(pathOf(page) === "/en/checkout/payment", `the last step, not ${page.url()}`);
  forms.push(`${pathOf(page)}: ${await fieldsOf(page)}`);
  if (await page.locator("[name=provider][value=stripe]").count()) {
    taps += 1;
    await page.check("[name=provider][value=stripe]");
  }
  await tap("main form[method=post] button.btn");
  if (pathOf(page).startsWith("/en/")) {
    leftOut("taps on the sandbox's page of payment");
    return undefined;
  }
  await tap("button[name=do][value=pay]");
  await until("the order's page", () => /\/orders\/ord_\w+$/.test(pathOf(page)));
  return { taps, forms };
}

async function leastToDo(has) {
  await road("from a product to a paid order", async (t) => {
    if (!has.account) return leftOut("taps of who has an account: /en/sign-in is not there");
    const who = await atHome();
    t.page = who.page;
    await t.step(`with a known address in at most ${MOST_TAPS} taps, and nothing is typed`, async () => {
      const counted = await tapsToPaid(who.page, () => {});
      if (!counted) return;
      console.log(`  who is known: ${counted.taps} taps`);
      assert(counted.taps <= MOST_TAPS, `${counted.taps} taps`);
    });
    await t.step(`as a guest in at most ${MOST_GUEST_TAPS} taps and ${MOST_GUEST_TYPED} fields`, async () => {
      const guest = await person({ width: 390, height: 844 });
      t.page = guest.page;
      let typed = 0;
      const counted = await tapsToPaid(guest.page, async () => {
        const place = { "address.region": "Toshkent", "address.district": "Yunusobod", "address.line1": "Navoiy 12" };
        const fields = { "contact.phone": newPhone(), "address.name": "Aziza Karimova", ...place };
        for (const [field, text] of Object.entries(fields)) {
          typed += 1;
          await guest.page.fill(`[name="${field}"]`, text);
        }
      });
      await guest.close();
      if (!counted) return;
      for (const form of counted.forms) console.log(`  ${form}`);
      console.log(`  a guest: ${counted.taps} taps, ${typed} fields typed`);
      assert(counted.taps <= MOST_GUEST_TAPS && typed <= MOST_GUEST_TYPED, `${counted.taps} taps, ${typed} fields`);
    });
    await t.check(`a guest whose browser knows the address has ${MOST_TYPED} fields at most to type`, async () => {
      const guest = await person({ width: 390, height: 844 });
      t.page = guest.page;
      await guest.page.goto(`/en/p/${CHOSEN.handle}`);
      await add(guest.page);
      await guest.page.goto("/en/checkout");
      // What a browser fills in is what says by name that it may, in the words of the standard.
      const fields = guest.page.locator("main form[method=post] :is(input, select, textarea):not([type=hidden])");
      const asked = await fields.evaluateAll((all) =>
        all.map((field) => ({
          name: field.name,
          word: field.autocomplete,
          optional: field.labels[0]?.textContent.includes("optional"),
        })),
      );
      const typed = asked.filter(({ word, optional }) => !word && !optional).map(({ name }) => name);
      assert(typed.length <= MOST_TYPED, `to be typed: ${typed}`);
      await guest.close();
    });
    await who.close();
    await idle();
  });
}

/** A seller with a phone: from the list of products to one in the shop, with a picture. */
async function leastToSell(has) {
  await road("from a seller's list of products to one in the shop, with a picture", async (t) => {
    if (!has.account || !has.desk) return leftOut("fields of a new product: /desk is not there");
    const client = new Client();
    await signIn(client, "vendor@bozor.test");
    const who = await person({ width: 390, height: 844 });
    await client.lendTo(who.context);
    const { page } = who;
    t.page = page;
    await t.step(`in at most ${MOST_SELLER_FIELDS} fields and ${MOST_SELLER_PAGES} pages`, async () => {
      const pages = new Set();
      const looked = () => pages.add(pathOf(page));
      let [fields, taps] = [0, 0];
      const put = async (act) => {
        fields += 1;
        await act();
      };
      const tap = async (selector) => {
        taps += 1;
        await follow(page, () => page.locator(selector).first().click());
        looked();
      };
      await page.goto("/desk/products");
      looked();
      await tap("main a[href='/desk/products/new']");
      const form = await fieldsOf(page);
      const title = `Quick bowl ${Date.now().toString(36)}`;
      await put(() => page.fill("[name=title]", title));
      await put(() => page.fill("[name=price]", "12.50"));
      await put(() => page.fill("[name=stock]", "4"));
      await tap("main form[action='/desk/products/new'] button");
      const product = pathOf(page);
      assert(/^\/desk\/products\/prd_\w+$/.test(product), `a product, not ${page.url()}`);
      const file = { name: "bowl.png", mimeType: "image/png", buffer: picture() };
      await put(() => page.setInputFiles("[name=pictures]", file));
      await tap(`main form[action="${product}/pictures"] button`);
      const shop = await page.locator("main a[href*='/p/']").first().getAttribute("href");
      const at = new URL(shop, SHOP).pathname;
      await idle();
      await until("the product with its picture in the shop", async () => {
        const { status, text } = await send("GET", at);
        return status === 200 && text.includes(title) && /<img[^>]+fetchpriority/.test(text);
      });
      console.log(`  a seller: ${fields} fields and ${taps} taps on ${pages.size} pages; the form has ${form}`);
      assert(fields <= MOST_SELLER_FIELDS && pages.size <= MOST_SELLER_PAGES, `${fields} fields, ${pages.size} pages`);
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}

export default async function ease() {
  const has = await offered();
  await weakNetwork();
  await leastToDo(has);
  await leastToSell(has);
}

await alone(import.meta, ease);
