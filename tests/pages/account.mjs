// Somebody with an account: from signing up to another password.
import {
  Client, assert, codeFor, codesFor, equal, follow, hasNoOverflow, isTranslated, newEmail, pathOf, person, road,
  summaryIsRight,
} from "./lib.mjs";
import { addTo, signIn } from "./acts.mjs";
import { CHOSEN, add, fillAddress } from "./guest.mjs";

const press = (page, action) => follow(page, () => page.click(`main form[action="${action}"] button.btn`));

/** Signs in on the page that asks for it. */
export async function signInAt(page, contact, password) {
  await page.fill("[name=contact]", contact);
  await page.fill("[name=password]", password);
  return follow(page, () => page.click("main form[action$='/sign-in'] button.btn"));
}

/** What a signed-out browser may not show. */
async function showsNothingOf(page, secrets) {
  const text = await page.evaluate(() => {
    const typed = [...document.querySelectorAll("input, textarea")].map((field) => field.value);
    return `${document.body.innerText}\n${typed.join("\n")}`;
  });
  const shown = secrets.filter((secret) => text.includes(secret));
  equal(shown, [], `private words at ${page.url()}`);
}

export async function accountRoad({ scripts, language }) {
  await road(`an account, scripts ${scripts ? "on" : "off"}, ${language}`, async (t) => {
    const who = await person({ scripts, width: 360, height: 740, locale: language });
    const { page } = who;
    t.page = page;
    const at = (path) => `/${language}${path}`;
    const [email, password, other] = [
      newEmail("account"),
      "four quiet mountains in spring",
      "six loud rivers in autumn",
    ];
    const name = "Dilnoza Private";

    await t.step("a guest puts something into the cart", async () => {
      await page.goto(at(`/p/${CHOSEN.handle}`));
      await add(page);
      equal(await page.locator(".lines > li").count(), 1, "lines");
    });
    await t.step("the account asks to sign in, and leads to signing up", async () => {
      await follow(page, () => page.click("header a[href$='/account']"));
      equal(pathOf(page), at("/sign-in"), "where the account leads");
      await isTranslated(page, language);
      await hasNoOverflow(page);
      await follow(page, () => page.locator(`main a[href^="${at("/sign-up")}"]`).first().click());
      await isTranslated(page, language);
    });
    await t.step("a weak password is refused beside its field", async () => {
      await page.fill("[name=contact]", email);
      await page.fill("[name=password]", "short");
      await page.fill("[name=name]", name);
      equal((await press(page, at("/sign-up"))).status(), 400, "the answer");
      await summaryIsRight(page, ["password"]);
      equal(
        [await page.inputValue("[name=contact]"), await page.inputValue("[name=name]")],
        [email, name],
        "what was typed",
      );
      equal(await page.inputValue("[name=password]"), "", "the password, which no page repeats");
    });
    await t.step("signed up, with the mailed code", async () => {
      await page.fill("[name=password]", password);
      await press(page, at("/sign-up"));
      equal(pathOf(page), at("/confirm"), "after signing up");
      await isTranslated(page, language);
      const code = await codeFor(email);
      await page.fill("[name=code]", code === "000000" ? "000001" : "000000");
      assert((await press(page, at("/confirm"))).status() >= 400, "a wrong code is refused");
      await page.fill("[name=code]", code);
      await press(page, at("/confirm"));
      equal(pathOf(page), at("/sign-in"), "after the code");
    });
    await t.step("a wrong password says neither which nor why", async () => {
      const wrong = await signInAt(page, email, other);
      const told = await page.locator("[role=alert]").innerText();
      equal(await page.inputValue("[name=contact]"), email, "the address that was typed");
      const nobody = await signInAt(page, newEmail("nobody"), other);
      equal(
        [nobody.status(), await page.locator("[role=alert]").innerText()],
        [wrong.status(), told],
        "for an unknown address",
      );
    });
    await t.step("signed in, and the cart is still there", async () => {
      await signInAt(page, email, password);
      equal(pathOf(page), at("/account"), "after signing in");
      await isTranslated(page, language);
      await hasNoOverflow(page);
      await page.goto(at("/cart"));
      equal(await page.locator(".lines > li").count(), 1, "lines of the cart");
    });
    await t.step("ordered", async () => {
      await page.goto(at("/checkout"));
      await fillAddress(page, { email, name, street: "Secret street 7" });
      await press(page, at("/checkout"));
      equal(pathOf(page), at("/checkout/delivery"), "after the address");
      await press(page, at("/checkout/delivery"));
      await page.check("[name=provider][value=cash_on_delivery]");
      const before = await codesFor(email);
      await press(page, at("/checkout/payment"));
      assert(/\/orders\/ord_\w+$/.test(pathOf(page)), `an order, not ${page.url()}`);
      t.order = pathOf(page);
      if ((await page.locator("[name=code]").count()) > 0) {
        await page.fill("[name=code]", await codeFor(email, before));
        await follow(page, () => page.click("button[value=confirm]"));
      }
      equal(await page.locator("[name=code]").count(), 0, "fields for a code");
      t.number = (await page.locator("h1").innerText()).match(/[0-9A-Z]{5}-[0-9A-Z]{5}/)[0];
    });
    await t.step("the order stands in the account", async () => {
      await page.goto(at("/account/orders"));
      await hasNoOverflow(page);
      await follow(page, () => page.click(`main a[href="${t.order}"]`));
      assert((await page.locator("body").innerText()).includes("Secret street 7"), "the address of the order");
    });
    await t.check("an address is kept and taken away", async () => {
      await page.goto(at("/account/addresses"));
      await page.fill("main [name=name]", name);
      await page.fill("main [name=phone]", "+998712000000");
      await page.fill("main [name=region]", "Xorazm");
      await page.fill("main [name=district]", "Xiva");
      await page.fill("main [name=line1]", "Kept street 8");
      await press(page, at("/account/addresses"));
      assert((await page.locator("main").innerText()).includes("Kept street 8"), "the address is kept");
      await follow(page, () =>
        page
          .locator(`main form[action="${at("/account/addresses/delete")}"] button`)
          .first()
          .click(),
      );
      assert(!(await page.locator("main").innerText()).includes("Kept street 8"), "the address is gone");
    });
    const secrets = () => [name, "Secret street 7", t.number, email];
    await t.step("signed out", async () => {
      t.former = new Client();
      for (const { name, value } of await who.context.cookies()) t.former.cookies.set(name, value);
      await page.goto(t.order);
      await page.goto(at("/account"));
      await follow(page, () => page.click(`main a[href="${at("/sign-out")}"]`));
      await press(page, at("/sign-out"));
      equal(pathOf(page), at("/sign-in"), "after signing out");
      await showsNothingOf(page, secrets());
    });
    for (const back of ["once", "twice", "three times"]) {
      await t.check(`back ${back}, and nothing private is shown`, async () => {
        await page.goBack();
        await showsNothingOf(page, secrets());
      });
    }
    await t.check("nothing of the account is kept in the browser", async () => {
      const kept = scripts
        ? await page.evaluate(async () => {
            const found = [];
            for (const name of "caches" in globalThis ? await caches.keys() : []) {
              const cache = await caches.open(name);
              for (const request of await cache.keys())
                found.push(`${request.url} ${await (await cache.match(request)).text()}`);
            }
            return [...found, ...Object.entries(localStorage).flat(), ...Object.entries(sessionStorage).flat()];
          })
        : [];
      const shown = kept
        .filter((text) => secrets().some((secret) => text.includes(secret)))
        .map((text) => text.slice(0, 200));
      equal(shown, [], "kept in caches or storages");
      const left = (await who.context.cookies()).filter((cookie) => /session|cart/.test(cookie.name));
      equal(left.map((cookie) => cookie.name), [], "cookies that are left");
      for (const path of [at("/account"), at("/cart"), at("/checkout"), at("/account/addresses")]) {
        await page.goto(path);
        await showsNothingOf(page, secrets());
      }
    });
    await t.check("the checkout of whoever comes next begins empty", async () => {
      await page.goto(at(`/p/${CHOSEN.handle}`));
      await add(page);
      await page.goto(at("/checkout"));
      await showsNothingOf(page, secrets());
    });
    await t.check("the order is shown to nobody who is signed out", async () => {
      await page.goto(t.order);
      await showsNothingOf(page, [name, "Secret street 7", email]);
    });
    await t.check("the session that was signed out is worth nothing", async () => {
      assert(
        (await t.former.get(at("/account"))).path.startsWith(at("/sign-in")),
        "the former cookie opens the account",
      );
    });
    await t.step("another password: a session elsewhere ends", async () => {
      const elsewhere = new Client();
      equal((await signIn(elsewhere, email, { password })).status, 303, "signing in elsewhere");
      equal((await elsewhere.get("/en/account")).path, "/en/account", "the account elsewhere");
      const before = await codesFor(email);
      await page.goto(at("/sign-in"));
      await follow(page, () => page.click(`main a[href="${at("/reset")}"]`));
      await isTranslated(page, language);
      await page.fill("[name=contact]", email);
      await press(page, at("/reset"));
      equal(pathOf(page), at("/reset/enter"), "after asking for a code");
      await page.fill("[name=code]", await codeFor(email, before));
      await page.fill("[name=password]", other);
      await press(page, at("/reset/enter"));
      equal(pathOf(page), at("/sign-in"), "after the new password");
      assert(
        (await elsewhere.get("/en/account")).path.startsWith("/en/sign-in"),
        "the session elsewhere is still good",
      );
      await addTo(elsewhere, CHOSEN.handle);
      assert(
        !(await elsewhere.get("/en/checkout")).text.includes("Secret street"),
        "the address is still offered elsewhere",
      );
    });
    await t.step("the old password is worth nothing, the new one signs in", async () => {
      await signInAt(page, email, password);
      equal(pathOf(page), at("/sign-in"), "after the old password");
      await signInAt(page, email, other);
      equal(pathOf(page), at("/account"), "after the new password");
      assert((await page.locator("body").innerText()).includes(t.number), "the order is there");
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}
