// A seller with a phone, and the people of the marketplace.
import zlib from "node:zlib";
import {
  Client, PASSWORD, SHOP, advance, assert, codeFor, equal, follow, hasNoOverflow, idle, leftOut, newEmail, newPhone,
  pathOf, person, road, send, summaryIsRight, until,
} from "./lib.mjs";
import { OWN, addTo, newcomer, numberOn, orderOf, sendForm, sendFrom, signIn } from "./acts.mjs";
import { signInAt } from "./account.mjs";
import { CHOSEN } from "./guest.mjs";

/** In the names of what a road makes: roads are played twice, and on the same server. */
export const newMark = () => Date.now().toString(36);

export const withScripts = (scripts) => `scripts ${scripts ? "on" : "off"}`;

/** Presses a button of the form that posts there. */
export const press = (page, action, button = "button") =>
  follow(page, () => page.click(`main form[action="${action}"] ${button}`));

/** A picture as a phone would take it, only smaller; with noise it is as large as its pixels. */
export function picture(side = 640, isNoise = false) {
  const crc = (bytes) => {
    let sum = 0xffffffff;
    for (const byte of bytes) {
      sum ^= byte;
      for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0);
    }
    return (sum ^ 0xffffffff) >>> 0;
  };
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(side, 0);
  head.writeUInt32BE(side, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(side * (side * 3 + 1));
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const noise = isNoise ? Math.imul(x * side + y, 2654435761) >>> 8 : 0;
      rows.set(
        [x ^ noise, y ^ (noise >> 8), x ^ y ^ (noise >> 16)].map((value) => value & 255),
        y * (side * 3 + 1) + 1 + x * 3,
      );
    }
  }
  const start = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    start,
    chunk("IHDR", head),
    chunk("IDAT", zlib.deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** Somebody at a desk, after signing in. */
export async function atDesk(t, contact, path, { width, scripts }) {
  const who = await person({ scripts, width, height: 700 });
  t.page = who.page;
  await t.step(`${contact} signs in and comes to ${path}`, async () => {
    await who.page.goto(path);
    equal(pathOf(who.page), "/en/sign-in", "where the desk leads first");
    await signInAt(who.page, contact, PASSWORD);
    equal(pathOf(who.page), path, "after signing in");
    await hasNoOverflow(who.page);
  });
  return who;
}

/** A picture that is larger than a form may be, from a phone on which scripts run. */
export async function cameraRoad() {
  await road("a large picture of a phone's camera", async (t) => {
    const who = await atDesk(t, "vendor@bozor.test", "/desk/products", { width: 390, scripts: true });
    const { page } = who;
    await t.step("is made smaller before it is sent, and belongs to the product", async () => {
      await follow(page, () => page.locator("main a[href^='/desk/products/prd_']").first().click());
      const buffer = picture(1400, true);
      assert(buffer.length > 4 * 1024 * 1024, `${buffer.length} bytes are no large picture`);
      const field = page.locator("input[type=file][name=pictures]");
      await field.setInputFiles({ name: "IMG_0001.png", mimeType: "image/png", buffer });
      const chosen = () => field.evaluate(({ files: [file] }) => [file.name, file.type, file.size]);
      await until("a smaller picture", async () => (await chosen())[1] === "image/jpeg");
      const [name, , size] = await chosen();
      assert(name === "IMG_0001.jpg" && size < 4 * 1024 * 1024, `${name} of ${size} bytes`);
      const action = await field.evaluate(({ form }) => form.getAttribute("action"));
      const before = await page.locator("main img").count();
      await press(page, action);
      // Nobody sees it before it was looked at, which a function does beside the form.
      await until("the picture of the product", async () => {
        await page.reload();
        return (await page.locator("main img").count()) === before + 1;
      });
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}

export async function vendorRoad({ scripts }) {
  await road(`a seller with a phone, 320 px, ${withScripts(scripts)}`, async (t) => {
    const who = await atDesk(t, "vendor@bozor.test", "/desk", { width: 320, scripts });
    const { page } = who;
    const mark = newMark();
    const title = `Bowl of ${mark} </script><b>`;
    await t.step("a product without a price is refused", async () => {
      await page.goto("/desk/products/new");
      await hasNoOverflow(page);
      await page.fill("[name=title]", title);
      await page.fill("[name=description]", "From the oven,\nstill warm.");
      equal((await press(page, "/desk/products/new")).status(), 400, "the answer");
      await summaryIsRight(page, ["price"]);
      equal(await page.inputValue("[name=title]"), title, "what was typed");
      equal(await page.inputValue("[name=description]"), "From the oven,\nstill warm.", "what was typed");
    });
    await t.step("a product in the shop", async () => {
      await page.fill("[name=price]", "12,50");
      await page.fill("[name=stock]", "4");
      await page.check("[name=visibility][value=publish]");
      await press(page, "/desk/products/new");
      assert(/^\/desk\/products\/prd_\w+$/.test(pathOf(page)), `a product, not ${page.url()}`);
      t.product = pathOf(page);
      await hasNoOverflow(page);
    });
    await t.step("with a picture", async () => {
      await page.setInputFiles("[name=pictures]", { name: "bowl.png", mimeType: "image/png", buffer: picture() });
      await press(page, `${t.product}/pictures`);
      equal(pathOf(page), t.product, "after the picture");
      equal(await page.locator(`main form[action="${t.product}/pictures/remove"]`).count(), 1, "pictures");
      await hasNoOverflow(page);
    });
    await t.check("what is no picture is refused beside its field", async () => {
      await page.setInputFiles("[name=pictures]", {
        name: "bowl.txt",
        mimeType: "text/plain",
        buffer: Buffer.from("bowl"),
      });
      const response = await press(page, `${t.product}/pictures`);
      assert(response.status() >= 400 && response.status() < 500, `it is answered ${response.status()}`);
      assert((await page.locator("main .err, main [role=alert]").count()) > 0, "nothing is said");
      await page.goto(t.product);
    });
    await t.step("buyers see it, with its picture and its name as it was typed", async () => {
      await idle();
      const handle = new URL(await page.locator("main a[href*='/p/']").first().getAttribute("href"), SHOP).pathname
        .split("/")
        .at(-1);
      const shown = await until("the product's page", async () => {
        const answer = await send("GET", `/en/p/${handle}`);
        return answer.status === 200 && /<img[^>]+fetchpriority/.test(answer.text) && answer;
      });
      const data = [...shown.text.matchAll(/<script type="application\/ld\+json">(.*?)<\/script>/gs)].map(([, text]) =>
        JSON.parse(text),
      );
      equal(data.find((one) => one.offers)?.name, title, "the name for machines");
      t.handle = handle;
    });
    await t.check("a buyer's browser shows name, price and picture", async () => {
      const buyer = await person({ width: 320 });
      await buyer.page.goto(`/en/p/${t.handle}`);
      equal(await buyer.page.locator("h1").innerText(), title, "the name for people");
      assert((await buyer.page.locator(".price").first().innerText()).includes("12.50"), "the price");
      const isThere = (image) => image.complete && image.naturalWidth > 0;
      await until("the picture", () => buyer.page.locator(".gallery img").first().evaluate(isThere));
      buyer.hasNone();
      await buyer.close();
    });
    await t.step("another price and another stock", async () => {
      const price = page.locator(`form[action*="/variants/"][action$="/price"]`);
      await price.locator("[name=price]").fill("13");
      await follow(page, () => price.locator("button").click());
      equal(await page.locator("form[action$='/price'] [name=price]").inputValue(), "13.00", "the price");
      await page.locator("form[action$='/stock'] [name=on_hand]").fill("9");
      await follow(page, () => page.locator("form[action$='/stock'] button").click());
      equal(await page.locator("form[action$='/stock'] [name=on_hand]").inputValue(), "9", "the stock");
    });
    await t.step("its name in Russian, for who reads that", async () => {
      const texts = `${t.product}/texts/ru`;
      await follow(page, () => page.click(`main a[href="${texts}"]`));
      await hasNoOverflow(page);
      await page.fill("[name=title]", `Миска ${mark}`);
      await press(page, texts);
      equal(pathOf(page), t.product, "after saving");
      await hasNoOverflow(page);
      await idle();
      await until("the page in Russian", async () =>
        (await send("GET", `/ru/p/${t.handle}`)).text.includes(`Миска ${mark}`),
      );
    });
    await t.step("an order is accepted", async () => {
      t.guest = new Client();
      const email = newEmail("ships");
      await addTo(t.guest, OWN);
      t.order = (await orderOf(t.guest, email)).path;
      const code = await codeFor(email);
      equal((await sendFrom(t.guest, t.order, `${t.order}/confirm`, { code, do: "confirm" })).status, 303, "the code");
      await idle();
      await page.goto("/desk/orders?tab=new");
      await hasNoOverflow(page);
      const number = numberOn((await t.guest.get(t.order)).text);
      await follow(page, () => page.locator(`main a:has-text("${number}")`).first().click());
      await hasNoOverflow(page);
      t.sold = pathOf(page);
      await press(page, `${t.sold}/accept`);
      equal(pathOf(page), t.sold, "after accepting");
    });
    await t.step("its label is printed", async () => {
      await follow(page, () => page.click(`main a[href="${t.sold}/label"]`));
      const text = await page.locator("body").innerText();
      assert(text.includes("Navoiy 12") && text.includes("Aziza Karimova"), "the label has the address");
      await page.goto(t.sold);
    });
    await t.step("shipped, and its buyer follows it", async () => {
      await page.fill("[name=carrier]", "Uzpost");
      await page.fill("[name=tracking_number]", `UZ${mark}`);
      await press(page, `${t.sold}/ship`);
      equal(pathOf(page), t.sold, "after shipping");
      const { text } = await t.guest.get(t.order);
      assert(text.includes(`UZ${mark}`) && text.includes("Uzpost"), "the buyer sees where the parcel is");
    });
    await t.step("delivered, and asked back", async () => {
      await follow(page, () => page.click("main form[action*='/parcels/'] button[value=delivered]"));
      const link = (await t.guest.get(t.order)).text.match(/href="([^"]*\/return\?part=[^"]*)"/)?.[1];
      assert(link, "the buyer can ask to return goods");
      const path = link.replace(/&amp;/g, "&");
      const html = (await t.guest.get(path)).text;
      const units = html.match(/name="(units\.[^"]+)"/)[1];
      const nothing = await sendFrom(t.guest, path, `${t.order}/return`, { [units]: "1" });
      assert(nothing.status >= 400 && nothing.text.includes('role="alert"'), "a return needs its reason");
      const sent = await sendFrom(t.guest, path, `${t.order}/return`, { [units]: "1", reason: "damaged" });
      equal(sent.status, 303, "asking to return");
      await page.goto(t.sold);
      await follow(page, () => page.click("main form[action*='/returns/'] button[value=approve]"));
      equal(pathOf(page), t.sold, "after approving the return");
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}

export async function operatorRoad({ scripts }) {
  await road(`the marketplace's people, ${withScripts(scripts)}`, async (t) => {
    const who = await atDesk(t, "admin@bozor.test", "/operate", { width: 390, scripts });
    const { page } = who;
    const mark = newMark();
    const shop = `Shop ${mark}`;
    const email = newEmail("seller");
    await t.step("somebody applies to sell", async () => {
      const seller = await person({ scripts, width: 320, height: 700 });
      t.page = seller.page;
      await (await newcomer(email)).lendTo(seller.context);
      const own = seller.page;
      await own.goto("/desk");
      equal(pathOf(own), "/desk/apply", "where the desk of a newcomer leads");
      await hasNoOverflow(own);
      equal((await press(own, "/desk/apply")).status(), 400, "an empty application");
      await own.fill("[name=name]", shop);
      await own.fill("[name=about]", "We weave.");
      await own.fill("[name=email]", email);
      await own.fill("[name=phone]", newPhone());
      await own.fill("[name=legal_name]", `${shop} LLC`);
      await own.fill("[name=tax_id]", "301234567");
      await own.fill("[name=register_no]", "12345");
      await own.fill("[name=address]", "Navoiy 1, Toshkent");
      await own.fill("[name=shipping_rate]", "5");
      if (await own.locator("[name=terms][type=checkbox]").count()) await own.check("[name=terms]");
      await press(own, "/desk/apply");
      equal(pathOf(own), "/desk/shop", "after opening the shop");
      await hasNoOverflow(own);
      t.seller = seller;
    });
    await t.check("hands in papers", async () => {
      const own = t.seller.page;
      const added = async (kind, until) => {
        if (until) await own.fill("[name=expires_at]", until);
        await own.selectOption("[name=kind]", kind);
        await own.setInputFiles("[name=file]", { name: `${kind}.png`, mimeType: "image/png", buffer: picture(64) });
        return (await press(own, "/desk/shop/documents")).status();
      };
      await own.goto("/desk/shop/documents");
      const kinds = await own.locator("[name=kind] option").evaluateAll((all) => all.map((option) => option.value));
      for (const kind of kinds.filter((kind) => kind !== "licence")) equal(await added(kind), 200, `a paper (${kind})`);
      equal(await added("licence"), 400, "a licence that never expires");
      await summaryIsRight(own, ["expires_at"]);
      equal(await added("licence", "2031-12-31"), 200, "a licence");
    });
    await t.step("hands in the application", async () => {
      const own = t.seller.page;
      await own.goto("/desk/shop");
      const response = await press(own, "/desk/shop/submit");
      equal(response.status(), 200, `the application (${(await own.locator("main").innerText()).slice(0, 400)})`);
    });
    t.page = page;
    await t.step("the shop is approved", async () => {
      await page.goto("/operate/vendors?state=submitted");
      await hasNoOverflow(page);
      await follow(page, () => page.locator(`main a:has-text("${shop}")`).first().click());
      const at = pathOf(page);
      await press(page, `${at}/approve`);
      equal(pathOf(page), at, "after approving");
      equal(await page.locator(`main form[action="${at}/approve"]`).count(), 0, "ways to approve again");
      await t.seller.page.goto("/desk/shop");
      equal(await t.seller.page.locator("main form[action='/desk/shop/submit']").count(), 0, "ways to submit again");
      t.seller.hasNone();
      await t.seller.close();
    });
    await t.step("an order is paid, found and refunded in part", async () => {
      const buyer = new Client();
      await addTo(buyer, CHOSEN.handle);
      await orderOf(buyer, newEmail("refund"), { stops: true });
      const paid = await sendForm(buyer, "/en/checkout/payment", { provider: "stripe" });
      const hosted = new URL(paid.to, SHOP);
      if (/\/orders\//.test(hosted.pathname)) return leftOut("a refund: no hosted page to pay on");
      const done = await buyer.post(hosted.pathname + hosted.search, { do: "pay" });
      equal(done.status, 303, "paying");
      const order = (await buyer.get(new URL(done.headers.location, SHOP).pathname)).path.split("?")[0];
      await idle();
      const id = order.split("/").at(-1);
      const number = numberOn((await buyer.get(order)).text);
      await follow(page, () => page.locator("a[href='/operate/orders']").first().click());
      await hasNoOverflow(page);
      await page.fill("[name=number]", number);
      await press(page, "/operate/orders");
      equal(await page.inputValue("[name=number]"), number, "what was sought");
      const found = page.locator("main a[href^='/operate/orders/ord_']");
      equal(await found.allInnerTexts(), [number], "the orders of that number");
      await hasNoOverflow(page);
      await follow(page, () => found.click());
      equal(pathOf(page), `/operate/orders/${id}`, "where the number leads");
      await hasNoOverflow(page);
      await page.fill("[name=amount]", "1.50");
      equal((await press(page, `/operate/orders/${id}/refund`)).status(), 400, "a refund without a reason");
      equal(await page.inputValue("[name=amount]"), "1.50", "what was typed");
      await page.fill("[name=reason]", "A scratch on the handle");
      await press(page, `/operate/orders/${id}/refund`);
      equal(pathOf(page), `/operate/orders/${id}`, "after the refund");
      await idle();
      assert((await buyer.get(order)).text.includes("1.50"), "the buyer sees what is refunded");
      t.refunded = id;
      t.refundSeen = async () => (await buyer.get(order)).text;
    });
    await t.check("what the buyer's bank sends back waits for a person, who says how it was given back", async () => {
      if (!t.refunded) return leftOut("a refund that comes back: nothing was paid");
      const path = `/operate/orders/${t.refunded}`;
      // Money goes back in the background, every few minutes.
      await advance("10m");
      const isPaidBack = async () => {
        const answer = await send("GET", `/_local/pay/stripe/orders/${t.refunded}`);
        await idle();
        return JSON.parse(answer.text).refunds.length > 0;
      };
      await until("the refund", isPaidBack);
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ do: "fail_refund" });
      equal((await send("POST", `/_local/pay/stripe/orders/${t.refunded}`, { headers, body })).status, 200, "the bank");
      await idle();
      assert((await t.refundSeen()).includes("sent the refund back to us"), "the buyer is told that it came back");
      await page.goto("/operate/waiting/failed-refunds");
      await follow(page, () => page.click(`main a[href="${path}"]`));
      const resolve = page.locator("main form[action$='/resolve']");
      equal(await resolve.count(), 1, "forms that say how the money was given back");
      await resolve.locator("[name=note]").fill("In cash, at the shop.");
      await follow(page, () => resolve.locator("button").click());
      assert((await page.locator("main").innerText()).includes("In cash, at the shop."), "how it was given back");
      equal(await resolve.count(), 0, "forms after that");
      const after = await t.refundSeen();
      assert(after.includes("Refunded") && !after.includes("sent the refund back"), "the buyer is told its end");
    });
    await t.check("a buyer and a seller see nothing of it", async () => {
      for (const [contact, path] of [
        ["buyer@bozor.test", "/operate"],
        ["vendor@bozor.test", "/operate/orders"],
        ["vendor@bozor.test", "/operate/settings/limits"],
      ]) {
        const other = new Client();
        await signIn(other, contact);
        equal((await other.get(path)).status, 403, `${path} for ${contact}`);
      }
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}
