// How little it takes: text on a weak network, and what somebody types and taps from a product to a paid order.
import { Client, LANGUAGES, alone, assert, follow, idle, leftOut, newPhone, offered, pathOf, person, road, until } from "./lib.mjs";
import { sendForm, signIn } from "./acts.mjs";
import { CHOSEN, SOUGHT, add } from "./guest.mjs";

/** A mobile network at the edge of its reach. */
const WEAK = { offline: false, latency: 800, downloadThroughput: 250_000 / 8, uploadThroughput: 250_000 / 8 };
const MOST_WAIT_MS = 5_000;
const MOST_TAPS = 10;
const MOST_TYPED = 4;

async function weakNetwork() {
  await road("a weak network: 250 kbit/s and 800 ms", async (t) => {
    for (const [language, path] of [["uz", "/"], ["ru", "/products"], ["en", `/p/${CHOSEN.handle}`], ["zh", "/v/chorsu-ceramics"]]) {
      await t.check(`text stands within ${MOST_WAIT_MS / 1000} s on /${language}${path}`, async () => {
        const who = await person({ width: 360, height: 740, locale: LANGUAGES[language] });
        t.page = who.page;
        const cdp = await who.context.newCDPSession(who.page);
        await cdp.send("Network.enable");
        await cdp.send("Network.setCacheDisabled", { cacheDisabled: true });
        await cdp.send("Network.emulateNetworkConditions", WEAK);
        await who.page.goto(`/${language}${path}`, { waitUntil: "commit" });
        const painted = () => who.page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime);
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
  const home = { name: "Aziza Karimova", phone: newPhone(), region: "Toshkent", district: "Yunusobod", line1: "Navoiy 12" };
  await sendForm(client, "/en/account/addresses", home);
  const who = await person({ width: 390, height: 844 });
  await client.lendTo(who.context);
  return who;
}

async function leastToDo(has) {
  await road("from a product to a paid order", async (t) => {
    if (!has.account) return leftOut("taps of who has an account: /en/sign-in is not there");
    const who = await atHome();
    const { page } = who;
    t.page = page;
    let taps = 0;
    const tap = async (selector) => {
      taps += 1;
      await follow(page, () => page.locator(selector).first().click());
    };
    await t.step(`with a known address in at most ${MOST_TAPS} taps, and nothing is typed`, async () => {
      await page.goto(`/en/p/${SOUGHT.handle}`);
      taps += 2;
      await add(page);
      await tap("main a[href='/en/checkout']");
      await tap("main form[method=post] button.btn");
      await tap("main form[method=post] button.btn");
      assert(pathOf(page) === "/en/checkout/payment", `the last step, not ${page.url()}`);
      if (await page.locator("[name=provider][value=stripe]").count()) {
        taps += 1;
        await page.check("[name=provider][value=stripe]");
      }
      await tap("main form[method=post] button.btn");
      if (pathOf(page).startsWith("/en/")) return leftOut("taps on the sandbox's page of payment");
      await tap("button[name=do][value=pay]");
      await until("the order's page", () => /\/orders\/ord_\w+$/.test(pathOf(page)));
      console.log(`  ${taps} taps`);
      assert(taps <= MOST_TAPS, `${taps} taps`);
    });
    await t.check(`as a guest whose browser knows the address, ${MOST_TYPED} fields at most are left to type`, async () => {
      const guest = await person({ width: 390, height: 844 });
      t.page = guest.page;
      await guest.page.goto(`/en/p/${SOUGHT.handle}`);
      await add(guest.page);
      await guest.page.goto("/en/checkout");
      // What a browser fills in is what says by name that it may, in the words of the standard.
      const asked = await guest.page.locator("main form[method=post] :is(input, select, textarea):not([type=hidden])").evaluateAll((all) =>
        all.map((field) => ({ name: field.name, word: field.autocomplete, optional: field.labels[0]?.textContent.includes("optional") })));
      const typed = asked.filter(({ word, optional }) => !word && !optional).map(({ name }) => name);
      assert(typed.length <= MOST_TYPED, `to be typed: ${typed}`);
      await guest.close();
    });
    await who.close();
    await idle();
  });
}

export default async function ease() {
  const has = await offered();
  await weakNetwork();
  await leastToDo(has);
}

await alone(import.meta, ease);
