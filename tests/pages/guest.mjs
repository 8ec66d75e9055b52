// Guests: from the home page to an order, and what they do with it.
import { addTo } from "./acts.mjs";
import {
  Client, LANGUAGES, PASSWORD, advance, api, assert, codeFor, equal, follow, hasNoOverflow, isTranslated, leftOut,
  messagesTo, newEmail, newPhone, pathOf, person, road, summaryIsRight, until,
} from "./lib.mjs";

/** Two products of two shops of the demo, the first with variants. */
export const CHOSEN = {
  categories: ["textiles", "ikat-fabrics"],
  handle: "khan-atlas-by-the-metre",
  titles: { en: "Khan Atlas by the Metre", uz: "Xonatlas", "uz-cyrl": "Хонатлас", ru: "Хан-атлас", zh: "汗王艾德莱斯绸" },
};
export const SOUGHT = { words: "dough knife", handle: "dough-knife-for-noodles", title: "Dough Knife" };
const THIRD = { handle: "sharpening-stone" };

const NOTE = "Ring twice;\nthe dog is friendly & old.";

/** Puts a product from its own page into the cart, and goes there. Where scripts run, the page stays and says so. */
export async function add(page, quantity) {
  if (quantity) await page.fill("main input[name=quantity]", String(quantity));
  const said = page.locator("main form[action$='/cart'] [role=status] a");
  const isLed = () => page.url().endsWith("/cart?added");
  await page.click("main form[action$='/cart'] button.btn");
  await until("that it is in the cart", async () => isLed() || (await said.count()) === 1);
  await page.locator("[role=status]").first().waitFor();
  if (isLed()) return;
  const [counted, known] = [await page.locator("header > a[href$='/cart'] b").textContent(), page.url()];
  await follow(page, () => said.click());
  assert(pathOf(page).endsWith("/cart"), `${known} leads to the cart, not to ${page.url()}`);
  equal(await page.locator("header > a[href$='/cart'] b").textContent(), counted, "what the page before has counted");
}

const line = (page, handle) => page.locator(`.lines > li:has(a[href$="/p/${handle}"])`);

export async function fillAddress(
  page,
  { email, phone, name = "Aziza Karimova", district = "Yunusobod", street = "Navoiy 12" },
) {
  if (email !== undefined) await page.fill("[name='contact.email']", email);
  if (phone !== undefined) await page.fill("[name='contact.phone']", phone);
  await page.fill("[name='address.name']", name);
  await page.fill("[name='address.region']", "Toshkent");
  await page.fill("[name='address.district']", district);
  await page.fill("[name='address.line1']", street);
  // Who is reached by telephone need not type the number twice.
  if ((phone ?? "+998 ") === "+998 ") await page.fill("[name='address.phone']", newPhone());
}

const submit = (page) => follow(page, () => page.click("main form[method=post] button.btn:not(.quiet):not(.danger)"));

/** From a cart to the step of payment. */
export async function toPayment(page, language, contact) {
  await page.goto(`/${language}/checkout`);
  await fillAddress(page, contact);
  await submit(page);
  equal(pathOf(page), `/${language}/checkout/delivery`, "after the address");
  await submit(page);
  equal(pathOf(page), `/${language}/checkout/payment`, "after delivery");
}

export async function placeWith(page, provider) {
  await page.check(`[name=provider][value=${provider}]`);
  return submit(page);
}

/** Whether the hosted page of the sandbox is what a card leads to. */
let hasHostedPage = true;

export async function guestRoad({ scripts, language, width, height, byPhone }) {
  await road(`guest, scripts ${scripts ? "on" : "off"}, ${width}x${height}, ${language}`, async (t) => {
    const who = await person({ scripts, width, height, locale: LANGUAGES[language] });
    const { page } = who;
    t.page = page;
    const at = (path) => `/${language}${path}`;
    const contact = byPhone ? { phone: newPhone() } : { email: newEmail() };
    const address = contact.email ?? contact.phone;

    await t.step("the home page comes in the language of the browser", async () => {
      await page.goto("/");
      equal(pathOf(page), at("/"), "the home page");
      await isTranslated(page, language);
      await hasNoOverflow(page);
    });
    await t.step("a category, and one below it", async () => {
      await follow(page, () => page.click(`.cats a[href="${at(`/c/${CHOSEN.categories[0]}`)}"]`));
      await isTranslated(page, language);
      await follow(page, () => page.click(`nav a[href="${at(`/c/${CHOSEN.categories.join("/")}`)}"]`));
      await hasNoOverflow(page);
    });
    await t.step("a product, and a variant of it", async () => {
      await follow(page, () => page.click(`.card a[href="${at(`/p/${CHOSEN.handle}`)}"]`));
      await hasNoOverflow(page);
      assert((await page.locator("main h1").textContent()).includes(CHOSEN.titles[language]), "the product's name");
      const variants = page.locator("input[name=variant]");
      const other = variants.nth((await variants.count()) - 1);
      assert(!(await other.isChecked()), "another variant is chosen at first");
      await page.locator("fieldset.opts label").last().click();
      assert(await other.isChecked(), "the chosen variant is not checked");
      t.variant = await other.getAttribute("value");
      if (scripts) {
        const [price, , , , state] = (await other.getAttribute("data-shows")).split("|");
        equal(await page.locator(".buy .price span").first().innerText(), price, "the price of the choice");
        equal(await page.locator(".buy .state").innerText(), state, "what is there of the choice");
        equal(new URL(page.url()).searchParams.get("variant"), t.variant, "the choice in the address");
      }
      t.option = (await page.locator("fieldset.opts label .chip").last().innerText()).split("\n")[0];
    });
    await t.step("into the cart", async () => {
      await add(page);
      equal(await line(page, CHOSEN.handle).locator("[name=variant]").inputValue(), t.variant, "variant in the cart");
      equal(await page.locator("header > a[href$='/cart'] b").textContent(), "1", "count in the header");
      await hasNoOverflow(page);
    });
    await t.check("the line names the variant that was chosen", async () => {
      const text = await line(page, CHOSEN.handle).innerText();
      const named = t.option.replace(/[^\p{L} ].*$/u, "").trim();
      assert(named !== "" && text.includes(named), `"${named}" is not in: ${text}`);
    });
    await t.step("a product of another shop, found by its name", async () => {
      await page.fill("#q", SOUGHT.words);
      await follow(page, () => page.click("header form[role=search] button"));
      await follow(page, () => page.click(`.card a[href="${at(`/p/${SOUGHT.handle}`)}"]`));
      await add(page, 3);
      equal(await page.locator("main section.box:has(.lines)").count(), 2, "shops in the cart");
      equal(await line(page, SOUGHT.handle).locator("[name=quantity]").inputValue(), "3", "units");
    });
    await t.step("another quantity", async () => {
      const own = line(page, SOUGHT.handle);
      const before = await own.locator(".price").textContent();
      await own.locator("[name=quantity]").fill("2");
      await follow(page, () => own.locator("button[value=set]").click());
      equal(await line(page, SOUGHT.handle).locator("[name=quantity]").inputValue(), "2", "units");
      assert((await line(page, SOUGHT.handle).locator(".price").textContent()) !== before, "the price of the line");
    });
    await t.step("one is taken out again", async () => {
      await page.goto(at(`/p/${THIRD.handle}`));
      await add(page);
      await follow(page, () => line(page, THIRD.handle).locator("button[value=remove]").click());
      equal(await line(page, THIRD.handle).count(), 0, "lines of what was removed");
      equal(await page.locator(".lines > li").count(), 2, "lines");
    });
    await t.step("to the checkout, with mistakes", async () => {
      await follow(page, () => page.click(`main a[href="${at("/checkout")}"]`));
      await isTranslated(page, language);
      await hasNoOverflow(page);
      equal((await page.inputValue("[name='contact.phone']")).trim(), "+998", "what the telephone begins with");
      await page.fill("[name='contact.email']", "nobody-at-home");
      await page.fill("[name='contact.phone']", "call me");
      await page.fill("[name='address.name']", "Aziza <Karimova>");
      await page.fill("[name='address.line1']", "  Navoiy 12 ");
      await page.fill("[name='address.note']", NOTE);
      await page.selectOption("[name='address.country']", "KZ");
      const response = await submit(page);
      equal(response.status(), 400, "the answer to mistakes");
    });
    await t.step("the summary has the focus and each error stands beside its field", async () => {
      await summaryIsRight(page, ["contact.email", "contact.phone", "address.city"]);
      await isTranslated(page, language);
      await hasNoOverflow(page);
    });
    await t.check("nothing that was typed is lost", async () => {
      const typed = {
        "contact.email": "nobody-at-home",
        "contact.phone": "call me",
        "address.name": "Aziza <Karimova>",
      };
      for (const [name, value] of Object.entries(typed)) equal(await page.inputValue(`[name='${name}']`), value, name);
      equal((await page.inputValue("[name='address.line1']")).trim(), "Navoiy 12", "the street");
      equal(await page.inputValue("[name='address.note']"), NOTE, "the note");
      equal(await page.inputValue("[name='address.country']"), "KZ", "the country");
    });
    await t.check("a link of the summary leads into its field", async () => {
      await page.locator("[role=alert] a[href='#f-address-city']").click();
      const there = () => page.evaluate(() => document.activeElement?.id ?? "");
      equal(await until("the focus on the field", there), "f-address-city", "the focus");
    });
    if (scripts) {
      await t.check("what was typed is there again after the network has failed", async () => {
        await page.goto(at("/checkout"));
        await page.fill("[name='address.city']", "Buxoro");
        await page.fill("[name='address.landmark']", "Blue gate");
        await who.context.setOffline(true);
        await page.click("main form[method=post] button.btn").catch(() => {});
        await page.waitForEvent("requestfailed", { timeout: 2_000 }).catch(() => {});
        await who.context.setOffline(false);
        await page.goto(at("/checkout"));
        const typed = ["city", "landmark"].map((name) => page.inputValue(`[name='address.${name}']`));
        equal(await Promise.all(typed), ["Buxoro", "Blue gate"], "what was typed");
      });
      await page.goto(at("/checkout"));
    }
    await t.step("mended", async () => {
      await page.selectOption("[name='address.country']", "UZ");
      await fillAddress(page, { email: contact.email ?? "", phone: contact.phone ?? "+998 " });
      const response = await submit(page);
      equal([response.status(), pathOf(page)], [200, at("/checkout/delivery")], "after the address");
    });
    await t.step("delivery by each shop", async () => {
      equal(await page.locator("input[type=radio]:checked").count(), 2, "chosen deliveries");
      await isTranslated(page, language);
      await hasNoOverflow(page);
      await submit(page);
      equal(pathOf(page), at("/checkout/payment"), "after delivery");
    });
    await t.step("cash on delivery", async () => {
      await isTranslated(page, language);
      await hasNoOverflow(page);
      const total = await page.locator(".sum dd").last().textContent();
      assert((await page.locator("main form button.btn").textContent()).includes(total), `the button says ${total}`);
      await placeWith(page, "cash_on_delivery");
      assert(/\/orders\/ord_\w+$/.test(pathOf(page)), `an order, not ${page.url()}`);
      assert(page.url().endsWith("?placed"), "the order's page thanks");
      t.order = pathOf(page);
      await isTranslated(page, language);
      await hasNoOverflow(page);
    });
    await t.check("the cart is empty again", async () => {
      await page.goto(at("/cart"));
      equal(await page.locator(".lines > li").count(), 0, "lines of the cart");
      await page.goto(t.order);
    });
    await t.step("a wrong code", async () => {
      t.code = await codeFor(address);
      await page.fill("[name=code]", t.code === "000000" ? "000001" : "000000");
      const response = await follow(page, () => page.click("button[value=confirm]"));
      assert(response.status() >= 400 && response.status() < 500, `a wrong code is answered ${response.status()}`);
      assert((await page.locator("[role=alert]").count()) > 0, "nothing is said of a wrong code");
      assert((await page.locator("[name=code]").count()) === 1, "the code can be entered again");
      equal(pathOf(page), `${t.order}/confirm`, "the address");
    });
    await t.check("the address of the page with the wrong code can be opened again", async () => {
      const response = await page.goto(page.url());
      equal([response.status(), await page.locator("[name=code]").count()], [200, 1], `the answer to ${page.url()}`);
    });
    await t.step("the code that was sent", async () => {
      await page.goto(t.order);
      await page.fill("[name=code]", t.code);
      await follow(page, () => page.click("button[value=confirm]"));
      equal(pathOf(page), t.order, "after the code");
      equal(await page.locator("[name=code]").count(), 0, "fields for a code");
      equal(await page.locator("main h2").filter({ hasText: /Margilan|Chust/ }).count(), 2, "parts of the order");
    });
    await t.check("the link of the message, on another device", async () => {
      const link = await until("a message with a link", async () => {
        const texts = (await messagesTo(address)).map((message) => message.text);
        return texts.map((text) => text.match(/https?:\/\/\S+/)?.[0]).findLast(Boolean);
      });
      const other = await person({ scripts, width, height, locale: LANGUAGES[language] });
      t.page = other.page;
      const response = await other.page.goto(link);
      equal(response.status(), 200, `the answer to the link ${link}`);
      assert(new URL(other.page.url()).pathname.startsWith("/r/"), `the link is ${link}`);
      await isTranslated(other.page, language);
      equal(await other.page.locator("main form button").count(), 1, "buttons");
      await follow(other.page, () => other.page.click("main form button"));
      equal(pathOf(other.page), t.order, "where the button leads");
      other.hasNone();
      await other.close();
    });
    t.page = page;
    await t.step("cancelled after a question", async () => {
      await page.goto(t.order);
      await follow(page, () => page.click(`main a[href="${t.order}/cancel"]`));
      await isTranslated(page, language);
      await follow(page, () => page.click("main form button"));
      equal(pathOf(page), t.order, "after cancelling");
      equal(await page.locator(`main a[href="${t.order}/cancel"]`).count(), 0, "ways to cancel again");
    });
    await t.check("a stranger's browser is shown nothing of the order", async () => {
      const stranger = await person({ scripts: false });
      const response = await stranger.page.goto(t.order);
      const text = await stranger.page.locator("body").innerText();
      assert(!text.includes("Navoiy") && !text.includes("Karimova"), "an address is shown");
      assert(pathOf(stranger.page) !== t.order || response.status() >= 400, "the order is shown");
      await stranger.close();
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}

/** Pays by card on the provider's hosted page. */
export async function cardRoad({ scripts, language }) {
  await road(`card, scripts ${scripts ? "on" : "off"}, ${language}`, async (t) => {
    if (!hasHostedPage) return leftOut("card on the hosted page of the sandbox");
    const who = await person({ scripts, width: 390, height: 800, locale: LANGUAGES[language] });
    const { page } = who;
    t.page = page;
    const press = (act) => follow(page, () => page.click(`button[name=do][value="${act}"]`));
    const isHosted = () => !pathOf(page).startsWith(`/${language}/`);
    const toHosted = async () => {
      await page.goto(`/${language}/p/${SOUGHT.handle}`);
      await add(page);
      await toPayment(page, language, { email: newEmail("card") });
      await placeWith(page, "stripe");
    };
    const isPaid = async () => {
      await until("the order's page", () => /\/orders\/ord_\w+$/.test(pathOf(page)));
      const paid = async () => {
        if ((await page.locator("main form[action$='/pay']").count()) === 0) return true;
        await page.reload();
        return false;
      };
      await until("the payment", paid);
    };
    try {
      await toHosted();
    } catch (error) {
      await t.step("to the provider's page", () => Promise.reject(error));
    }
    if (!isHosted()) {
      hasHostedPage = false;
      await who.close();
      return leftOut("card on the hosted page of the sandbox");
    }
    await t.step("paid", async () => {
      await press("pay");
      await isPaid();
    });
    await t.step("declined, and paid with another card", async () => {
      await toHosted();
      await press("decline");
      assert(isHosted() && (await page.locator("[role=alert]").count()) === 1, "the page says that it was declined");
      await press("pay");
      await isPaid();
    });
    await t.step("left, paid later", async () => {
      await toHosted();
      await press("leave");
      await until("the order's page", () => /\/orders\/ord_\w+$/.test(pathOf(page)));
      equal(await page.locator("main form[action$='/pay']").count(), 1, "ways to pay");
      await isTranslated(page, language);
      await follow(page, () => page.click("main form[action$='/pay'] button"));
      assert(isHosted(), `paying later leads to ${page.url()}`);
      await press("pay");
      await isPaid();
    });
    await t.step("gone from the page, and back by the browser's button", async () => {
      await toHosted();
      await page.goto(`/${language}/`);
      await page.goBack();
      assert(isHosted(), "the provider's page is there again");
      await press("3ds");
      await follow(page, () => page.click("button[value=confirm]"));
      await isPaid();
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}

/** Every language shows the pages of a purchase in its own words. */
export async function languagesRoad() {
  await road("each language", async (t) => {
    const who = await person({ scripts: false, width: 360, height: 740 });
    const { page } = who;
    t.page = page;
    await t.step("something in the cart", async () => {
      await page.goto(`/en/p/${CHOSEN.handle}`);
      await add(page);
    });
    const pages = ["/", `/c/${CHOSEN.categories.join("/")}`, `/p/${CHOSEN.handle}`, "/cart", "/checkout"];
    const words = {};
    const script = {
      uz: /\p{Script=Latin}/u,
      "uz-cyrl": /\p{Script=Cyrillic}/u,
      ru: /\p{Script=Cyrillic}/u,
      en: /\p{Script=Latin}/u,
      zh: /\p{Script=Han}/u,
    };
    for (const language of Object.keys(LANGUAGES)) {
      await t.check(language, async () => {
        for (const path of pages) {
          const response = await page.goto(`/${language}${path}`);
          equal([response.status(), pathOf(page)], [200, `/${language}${path}`], "the page");
          await isTranslated(page, language);
          await hasNoOverflow(page);
        }
        const labels = await page
          .locator("main label, main legend, main button, footer h2, header a[href$='/cart']")
          .allInnerTexts();
        const foreign = labels.filter((label) => label.trim() !== "" && !script[language].test(label));
        equal(foreign, [], `labels of the checkout in ${language}`);
        words[language] = labels.map((label) => label.trim()).filter(Boolean);
        const others = await page.locator("footer a[hreflang]").evaluateAll((all) => all.map((a) => a.pathname));
        equal(others, Object.keys(LANGUAGES).map((code) => `/${code}/checkout`), "the same page in each language");
      });
    }
    for (const language of ["uz", "uz-cyrl", "ru", "zh"]) {
      await t.check(`what is wrong is said in ${language}`, async () => {
        await page.goto(`/${language}/checkout`);
        await page.fill("[name='contact.email']", newEmail());
        for (const name of ["name", "region", "city", "line1", "landmark"]) {
          const field = page.locator(`[name='address.${name}']`);
          const most = Number((await field.getAttribute("maxlength")) ?? 300);
          await field.fill("x".repeat(most));
        }
        await page.fill("[name='address.postal_code']", "x".repeat(60));
        const response = await submit(page);
        if (response.status() === 200) return;
        const said = await page.locator("main .err, [role=alert] a").allInnerTexts();
        const english = said.filter((text) => /must|at most|characters|is needed|is not|invalid/i.test(text));
        equal(english, [], "English words");
      });
    }
    await t.check("no language shows the labels of another", () => {
      const same = ["uz", "uz-cyrl", "ru", "zh"].flatMap((code) =>
        (words[code] ?? []).filter((word) => words.en?.includes(word)),
      );
      equal(same, [], "English labels");
    });
    await who.close();
  });
}

/** What nobody means by a quantity. */
export async function quantitiesRoad() {
  await road("quantities that nobody means", async (t) => {
    const client = new Client();
    let variant = "";
    await t.step("something in the cart", async () => {
      await addTo(client, SOUGHT.handle);
      variant = (await client.get("/en/cart")).text.match(/name="variant" value="([^"]+)"/)[1];
    });
    for (const typed of ["", "-3", "2.5", "many", "99999999999"]) {
      await t.check(`"${typed}" is not silently another one`, async () => {
        await client.post("/en/cart", { do: "set", variant, quantity: "4" });
        const answer = await client.post("/en/cart", { do: "set", variant, quantity: typed });
        const { text } = await client.get("/en/cart");
        const units = text.match(/name="quantity"[^>]*value="(\d+)"/)?.[1];
        const isTold = answer.status >= 400 && answer.text.includes('role="alert"');
        assert(isTold || units === "4", `4 units became ${units}, and nothing is said`);
      });
    }
  });
}

/** A choice that is sold out, to which links lead. */
export async function soldOutRoad() {
  await road("a choice that is sold out", async (t) => {
    const who = await person({ scripts: false, width: 360, height: 740 });
    const { page } = who;
    t.page = page;
    const vendor = await api("/auth/sign-in", { json: { contact: "vendor@bozor.test", password: PASSWORD } });
    const token = vendor.json.access_token;
    const product = (await api("/products/rishtan-blue-kosa")).json;
    const [variant] = product.variants;
    const stock = async (units) => {
      const path = `/vendor/products/${product.id}/variants/${variant.id}/stock`;
      await api(path, {
        token,
        method: "PUT",
        json: { on_hand: units },
        headers: { "idempotency-key": newEmail("stock") },
      });
      await advance("6m");
      const shown = async () =>
        (await api(`/products/${product.handle}`)).json.variants.find((one) => one.id === variant.id);
      await until("the new stock", async () => (await shown()).available === units);
    };
    assert(product.variants.length > 1, "the product has choices");
    try {
      await stock(0);
      await t.check("cannot be put into the cart, and the page says why", async () => {
        const isTold = async () => {
          await page.goto(`/en/p/${product.handle}?variant=${variant.id}`);
          return (await page.locator(".state").first().innerText()) !== "In stock";
        };
        await until("that it is sold out", isTold);
        const button = page.locator("main form[action$='/cart'] button.btn");
        const isChosen = await page.locator(`input[name=variant][value="${variant.id}"]`).isChecked();
        if (isChosen)
          assert((await page.locator(".state").first().innerText()) === "Sold out", "it is said to be sold out");
        if (!(await button.count()) || (await button.isDisabled())) return;
        const before = page.url();
        await Promise.all([page.waitForNavigation({ timeout: 3_000 }).catch(() => {}), button.click()]);
        if (page.url() === before) return;
        const text = await page.locator("main").innerText();
        assert(!text.includes("There is nothing here"), `buying it leads to a page that is not there: ${page.url()}`);
        const lines = page.locator(`.lines [name=variant][value="${variant.id}"]`);
        assert(
          (await page.locator("main [role=alert]").count()) > 0 || (await lines.count()) === 0,
          "it is in the cart",
        );
      });
      await t.check("is sold again when there is some", async () => {
        await stock(3);
        const isTold = async () => {
          await page.goto(`/en/p/${product.handle}?variant=${variant.id}`);
          return (await page.locator(".state").first().innerText()).includes("3");
        };
        await until("that only three are left", isTold);
        await add(page);
        await line(page, product.handle).locator("[name=quantity]").fill("5");
        await follow(page, () => line(page, product.handle).locator("button[value=set]").click());
        const warning = await line(page, product.handle).locator(".err").allInnerTexts();
        const told = warning.length > 0 || (await page.locator("main [role=alert]").count()) > 0;
        assert(told, "more than there is: nothing is said");
      });
    } finally {
      await stock(20);
    }
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}
