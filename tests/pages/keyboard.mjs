// A guest who has no mouse: Tab, Enter, Space, arrow keys, and letters where something is typed.
import { assert, codeFor, equal, follow, newEmail, pathOf, person, road, summaryIsRight } from "./lib.mjs";
import { CHOSEN, SOUGHT } from "./guest.mjs";

const MOST_STOPS = 150;

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

export async function keyboardRoad() {
  await road("by keyboard alone, en", async (t) => {
    const who = await person({ scripts: true, width: 1280, height: 800 });
    const { page } = who;
    t.page = page;
    const email = newEmail("keys");
    await t.step("the first stop leads past the header", async () => {
      await page.goto("/en/");
      await tabTo(page, "a.skip");
      await page.keyboard.press("Enter");
      await tabTo(page, "main a");
    });
    await t.step("the languages open and close", async () => {
      await page.goto("/en/");
      await tabTo(page, "header summary");
      await page.keyboard.press("Space");
      assert(await page.locator("header details").evaluate((details) => details.open), "the list is open");
      await page.keyboard.press("Enter");
      assert(await page.locator("header details").evaluate((details) => !details.open), "the list is closed");
    });
    await t.step("to a product", async () => {
      await go(page, `main a[href="/en/c/${CHOSEN.categories[0]}"]`);
      await go(page, `main a[href="/en/p/${CHOSEN.handle}"]`);
      equal(pathOf(page), `/en/p/${CHOSEN.handle}`, "the product");
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
      await tabTo(page, "main form button");
      await press(page, "Space");
      equal(await page.locator("[name=variant]").inputValue(), t.variant, "the variant in the cart");
    });
    await t.step("a second shop, by the search", async () => {
      await type(page, "#q", SOUGHT.words);
      await press(page, "Enter");
      await go(page, `main a[href="/en/p/${SOUGHT.handle}"]`);
      await go(page, "main form button");
      equal(await page.locator(".lines > li").count(), 2, "lines");
    });
    await t.step("one unit fewer", async () => {
      await tabTo(page, `.lines > li:has(a[href$="${CHOSEN.handle}"]) [name=quantity]`);
      await page.keyboard.press("ArrowDown");
      await tabTo(page, "button[value=set]");
      await press(page, "Enter");
      equal(await page.locator(`.lines > li:has(a[href$="${CHOSEN.handle}"]) [name=quantity]`).inputValue(), "1", "units");
    });
    await t.step("checkout with a mistake", async () => {
      await go(page, "main a[href='/en/checkout']");
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
      await page.waitForFunction(() => document.activeElement?.id === "f-address-district");
      await page.keyboard.type("Yunusobod");
      await press(page, "Enter");
      equal(pathOf(page), "/en/checkout/delivery", "after the address");
    });
    await t.step("delivery, cash, order", async () => {
      await tabTo(page, "input[type=radio]");
      await go(page, "main form button");
      await tabTo(page, "input[name=provider]");
      for (let key = 0; key < 5 && (await page.locator("[name=provider]:checked").inputValue()) !== "cash_on_delivery"; key += 1) {
        await page.keyboard.press("ArrowDown");
      }
      await go(page, "main form button");
      assert(/\/orders\/ord_\w+$/.test(pathOf(page)), `an order, not ${page.url()}`);
      t.order = pathOf(page);
    });
    await t.step("the code", async () => {
      const code = await codeFor(email);
      await type(page, "[name=code]", code);
      await press(page, "Enter");
      equal([pathOf(page), await page.locator("[name=code]").count()], [t.order, 0], "after the code");
    });
    await t.step("cancelled", async () => {
      await go(page, `main a[href="${t.order}/cancel"]`);
      await go(page, "main form button");
      equal(pathOf(page), t.order, "after cancelling");
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}
