// A guest who has no mouse: Tab, Enter, Space, arrow keys, and letters where something is typed.
import {
  LANGUAGES, assert, codeFor, equal, follow, hasNoOverflow, newEmail, pathOf, person, road, summaryIsRight, until,
} from "./lib.mjs";
import { CHOSEN, SOUGHT } from "./guest.mjs";

const MOST_STOPS = 200;

/** Goes on from stop to stop until the focus is on something. Each stop can be seen. */
async function tabTo(page, selector) {
  const seen = [];
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate((wanted) => {
      const element = document.activeElement;
      if (!element || element === document.body) return { isThere: false, name: "body", isShown: true };
      const shows = (one) => {
        const style = getComputedStyle(one);
        return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== "none";
      };
      // A radio button that looks like a chip shows the focus on the chip.
      const around = [element, element.nextElementSibling, element.closest("label"), element.closest("li, article")];
      const box = element.getBoundingClientRect();
      const isInside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      return {
        isThere: element.matches(wanted),
        name: element.outerHTML.slice(0, 90),
        isShown: around.some((one) => one && shows(one)) && isInside,
      };
    }, selector);
    if (!found.isShown) seen.push(found.name);
    if (found.isThere) {
      assert(seen.length === 0, `the focus cannot be seen on ${seen.slice(0, 3).join(" and ")}`);
      return;
    }
  }
  throw new Error(`Tab does not come to ${selector} on ${page.url()}`);
}

const press = (page, key) => follow(page, () => page.keyboard.press(key));

async function go(page, selector) {
  await tabTo(page, selector);
  return press(page, "Enter");
}

/** Types into a field, in the place of what stands there. */
async function type(page, selector, text) {
  await tabTo(page, selector);
  await page.keyboard.press("Control+a");
  await page.keyboard.type(text);
}

/** Puts the product of the page into the cart, and goes there. Where scripts run, the page may stay and say so. */
async function add(page, key) {
  await tabTo(page, "main form button");
  const link = "main form[action$='/cart'] [role=status] a";
  const isLed = () => page.url().endsWith("/cart?added");
  await page.keyboard.press(key);
  await until("that it is in the cart", async () => isLed() || (await page.locator(link).count()) === 1);
  if (!isLed()) await go(page, link);
  await page.waitForLoadState("load");
  assert(pathOf(page).endsWith("/cart"), `adding leads to the cart, not to ${page.url()}`);
}

/** Goes to the radio buttons of a name, and by arrow keys to one of them. */
async function choose(page, name, value) {
  await tabTo(page, `input[name=${name}]`);
  const chosen = () => page.locator(`[name=${name}]:checked`).inputValue();
  const all = await page.locator(`[name=${name}]`).count();
  for (let key = 0; key < all && (await chosen()) !== value; key += 1) await page.keyboard.press("ArrowDown");
  equal(await chosen(), value, `what the arrow keys choose of ${name}`);
}

/** `byCard` pays on the provider's page; else it would be paid at the door. */
export async function keyboardRoad({ scripts, language, width, byCard }) {
  await road(`by keyboard alone, scripts ${scripts ? "on" : "off"}, ${width} px, ${language}`, async (t) => {
    const who = await person({ scripts, width, height: 800, locale: LANGUAGES[language] });
    const { page } = who;
    t.page = page;
    const email = newEmail("keys");
    const at = (path) => `/${language}${path}`;
    await t.step("the first stop leads past the header", async () => {
      await page.goto(at("/"));
      await tabTo(page, "a.skip");
      await page.keyboard.press("Enter");
      await tabTo(page, "main a");
    });
    await t.step("the languages open and close", async () => {
      await page.goto(at("/"));
      await tabTo(page, "header summary");
      await page.keyboard.press("Space");
      assert(await page.locator("header details").evaluate((details) => details.open), "the list is open");
      await page.keyboard.press("Enter");
      assert(await page.locator("header details").evaluate((details) => !details.open), "the list is closed");
    });
    await t.step("to a product", async () => {
      await go(page, `main a[href="${at(`/c/${CHOSEN.categories[0]}`)}"]`);
      await go(page, `main a[href="${at(`/p/${CHOSEN.handle}`)}"]`);
      equal(pathOf(page), at(`/p/${CHOSEN.handle}`), "the product");
      await hasNoOverflow(page);
    });
    await t.step("another variant by arrow keys, and into the cart", async () => {
      await tabTo(page, "input[name=variant]");
      const before = await page.locator("input[name=variant]:checked").inputValue();
      await page.keyboard.press("ArrowDown");
      t.variant = await page.locator("input[name=variant]:checked").inputValue();
      assert(t.variant !== before, "the arrow key chooses the next variant");
      await tabTo(page, "main input[name=quantity]");
      await page.keyboard.press("ArrowUp");
      equal(await page.inputValue("main input[name=quantity]"), "2", "units");
      await add(page, "Space");
      equal(await page.locator("[name=variant]").inputValue(), t.variant, "the variant in the cart");
    });
    await t.step("a second shop, by the search", async () => {
      await type(page, "#q", SOUGHT.words);
      await press(page, "Enter");
      await go(page, `main a[href="${at(`/p/${SOUGHT.handle}`)}"]`);
      await add(page, "Enter");
      equal(await page.locator("main section.box:has(.lines)").count(), 2, "shops in the cart");
    });
    await t.step("one unit fewer", async () => {
      const quantity = `.lines > li:has(a[href$="${CHOSEN.handle}"]) [name=quantity]`;
      await tabTo(page, quantity);
      await page.keyboard.press("ArrowDown");
      await tabTo(page, "button[value=set]");
      await press(page, "Enter");
      equal(await page.locator(quantity).inputValue(), "1", "units");
      await hasNoOverflow(page);
    });
    await t.step("checkout with a mistake", async () => {
      await go(page, `main a[href="${at("/checkout")}"]`);
      await type(page, "[name='contact.email']", email);
      await type(page, "[name='address.name']", "Aziza Karimova");
      await type(page, "[name='address.phone']", "+998901234567");
      await type(page, "[name='address.region']", "Toshkent");
      await type(page, "[name='address.line1']", "Navoi 12");
      const response = await press(page, "Enter");
      equal(response.status(), 400, "the answer to a form without a district");
      await summaryIsRight(page, ["address.district"]);
    });
    await t.step("from the summary into the field", async () => {
      await tabTo(page, "[role=alert] a");
      await page.keyboard.press("Enter");
      const isThere = () => page.evaluate(() => document.activeElement?.id === "f-address-district");
      await until("the focus on the field", isThere);
      await page.keyboard.type("Yunusobod");
      await press(page, "Enter");
      equal(pathOf(page), at("/checkout/delivery"), "after the address");
      await hasNoOverflow(page);
    });
    await t.step("delivery, payment, order", async () => {
      await tabTo(page, "input[type=radio]");
      await go(page, "main form button");
      equal(pathOf(page), at("/checkout/payment"), "after delivery");
      await hasNoOverflow(page);
      await choose(page, "provider", byCard ? "stripe" : "cash_on_delivery");
      await go(page, "main form button");
      if (byCard) await go(page, "button[name=do][value=pay]");
      await until("the order's page", () => /\/orders\/ord_\w+$/.test(pathOf(page)));
      t.order = pathOf(page);
      await hasNoOverflow(page);
    });
    if (byCard) await t.step("it is paid", () => isPaid(page));
    else await t.step("the code", () => confirm(page, email, t.order));
    // What was bought goes back on sale: the next run finds as much as this one.
    await t.step("cancelled", async () => {
      await go(page, `main a[href="${t.order}/cancel"]`);
      await go(page, "main form button");
      equal(pathOf(page), t.order, "after cancelling");
      equal(await page.locator(`main a[href="${t.order}/cancel"]`).count(), 0, "ways to cancel again");
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}

/** The news of the payment comes after the buyer. */
async function isPaid(page) {
  await until("the payment", async () => {
    if ((await page.locator("main form[action$='/pay']").count()) === 0) return true;
    await page.reload();
    return false;
  });
  equal(await page.locator("[name=code]").count(), 0, "fields for a code");
  equal(await page.locator("main h2").filter({ hasText: /Margilan|Chust/ }).count(), 2, "parts of the order");
}

async function confirm(page, email, order) {
  await type(page, "[name=code]", await codeFor(email));
  await press(page, "Enter");
  equal([pathOf(page), await page.locator("[name=code]").count()], [order, 0], "after the code");
}
