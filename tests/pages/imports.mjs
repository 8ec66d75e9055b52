// A seller's files: one of 300 products, and one whose columns nobody knows.
import { SHOP, assert, equal, follow, hasNoOverflow, idle, pathOf, road, until } from "./lib.mjs";
import { atDesk, newMark, press, withScripts } from "./desk.mjs";

/** A file of 300 products, three of whose rows are wrong. */
function productFile(mark) {
  const rows = ["Handle,Title,Variant Inventory Qty,Variant Price"];
  for (let row = 1; row <= 300; row += 1) {
    const price = row % 100 === 50 ? "cheap" : `${(row % 90) + 1}.50`;
    rows.push(`of-file-${mark}-${row},"Of a file ${mark}, ${row}",${row % 7},${price}`);
  }
  return `${rows.join("\r\n")}\r\n`;
}

/** Looks at an import until it has come to its end. */
const isOver = (page) =>
  until("the end of the import", async () => {
    await idle();
    await page.goto(pathOf(page));
    const waits = page.locator("meta[http-equiv=refresh], main .state.wait, main .badge.wait");
    return (await waits.count()) === 0;
  });

async function beginImport(page, text) {
  await page.goto("/desk/imports");
  await page.setInputFiles("[name=file]", { name: "products.csv", mimeType: "text/csv", buffer: Buffer.from(text) });
  await press(page, "/desk/imports");
  assert(/^\/desk\/imports\/imp_\w+$/.test(pathOf(page)), `an import, not ${page.url()}`);
  await isOver(page);
}

async function startImport(page) {
  await press(page, `${pathOf(page)}/start`);
  await isOver(page);
}

export async function importRoad({ scripts }) {
  await road(`a file of 300 products, ${withScripts(scripts)}`, async (t) => {
    const who = await atDesk(t, "vendor@bozor.test", "/desk/imports", { width: 390, scripts });
    const { page } = who;
    const mark = newMark();
    const [begin, start] = [(text) => beginImport(page, text), () => startImport(page)];
    const main = () => page.locator("main").innerText();
    await t.check("no file is refused beside its field", async () => {
      equal((await press(page, "/desk/imports")).status(), 400, "the answer");
      assert((await page.locator("main .err").count()) > 0, "nothing is said");
    });
    await t.step("is looked through first", async () => {
      await begin(productFile(mark));
      const text = await main();
      assert(/\b297\b/.test(text) && /\b3\b/.test(text), `297 products and 3 refused rows: ${text.slice(0, 300)}`);
      assert(text.includes("cheap"), "the report shows what is wrong");
      await hasNoOverflow(page);
    });
    await t.step("is imported without what is refused", async () => {
      await start();
      assert(/\b297\b/.test(await main()), "297 products");
    });
    await t.step("refused rows are fetched, mended and brought again", async () => {
      const href = await page
        .locator("main a[href*='csv'], main a[href*='_aws'], main a[href*='refused']")
        .first()
        .getAttribute("href");
      const file = await fetch(new URL(href, SHOP));
      const text = await file.text();
      equal(file.status, 200, "the file of refused rows");
      equal(
        [text.split(",cheap").length - 1, text.trim().split(/\r?\n/).length],
        [3, 4],
        "refused rows, and rows in all",
      );
      const price = text
        .split(/\r?\n/)
        .map((row) => row.replace(/,cheap\s*$/, ",5.00"))
        .join("\r\n");
      await begin(price);
      await start();
      assert(/\b3\b/.test(await main()), "3 products");
    });
    await t.step("all are in the shop", async () => {
      for (const row of [50, 150, 300]) {
        await page.goto(`/desk/products?q=${encodeURIComponent(`${mark}, ${row}`)}`);
        assert((await main()).includes(`Of a file ${mark}, ${row}`), `product ${row}`);
      }
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}

const COLUMNS = "/desk/imports/columns";

export async function columnsRoad({ scripts }) {
  await road(`a file whose columns nobody knows, 320 px, ${withScripts(scripts)}`, async (t) => {
    const who = await atDesk(t, "vendor@bozor.test", "/desk/imports", { width: 320, scripts });
    const { page } = who;
    const mark = newMark();
    const main = () => page.locator("main").innerText();
    // Headers of this run alone: what they mean is kept for the shop.
    const headers = ["Kod", "Nomi <b>", "Narxi / soʻm", "Soni"].map((header) => `${header} ${mark}`);
    const [code, name, price, count] = headers;
    const file = (from) => {
      const rows = [1, 2].map(
        (row) => `of-columns-${mark}-${from + row},"Of columns ${mark}, ${from + row}",${row}.50,${row}`,
      );
      return [[code, name, price, count].join(","), ...rows, ""].join("\r\n");
    };
    const field = (header) => page.locator("select").and(page.getByLabel(header));
    const save = () => press(page, COLUMNS);
    const toColumns = () => follow(page, () => page.click(`main a[href^="${COLUMNS}?from="]`));
    await t.step("is refused, and leads to the page of its columns", async () => {
      await beginImport(page, file(0));
      await hasNoOverflow(page);
      await toColumns();
      equal(pathOf(page), COLUMNS, "where the report leads");
      await hasNoOverflow(page);
      for (const header of [code, name, price, count]) equal(await field(header).count(), 1, `fields of ${header}`);
    });
    await t.step("without a column that names the product, nothing is lost and the reason is told", async () => {
      await field(name).selectOption("title");
      await field(price).selectOption("price");
      equal((await save()).status(), 400, "the answer");
      assert((await page.locator("main [role=alert]").count()) > 0, "nothing is said");
      equal([await field(name).inputValue(), await field(price).inputValue()], ["title", "price"], "what was chosen");
    });
    await t.step("is kept", async () => {
      await field(code).selectOption("handle");
      await field(count).selectOption("quantity");
      await save();
      assert((await page.locator("main [role=status]").count()) > 0, "it is told that it is saved");
      const kept = await Promise.all([code, name, price, count].map((header) => field(header).inputValue()));
      equal(kept, ["handle", "title", "price", "quantity"], "what the columns mean");
    });
    await t.step("the file is looked through again, without bringing it again", async () => {
      await press(page, `/desk/imports/${new URL(page.url()).searchParams.get("from")}/start`);
      await isOver(page);
      equal(await page.locator(`main a[href^="${COLUMNS}?from="]`).count(), 0, "links to the columns");
      await startImport(page);
      await page.goto(`/desk/products?q=${encodeURIComponent(`Of columns ${mark}`)}`);
      for (const row of [1, 2]) assert((await main()).includes(`Of columns ${mark}, ${row}`), `product ${row}`);
    });
    await t.check("the products have the price and the number of their columns", async () => {
      await follow(page, () => page.locator(`main a:has-text("Of columns ${mark}, 2")`).first().click());
      equal(await page.locator("form[action$='/price'] [name=price]").inputValue(), "2.50", "the price");
      equal(await page.locator("form[action$='/stock'] [name=on_hand]").inputValue(), "2", "the stock");
    });
    await t.check("the next file is understood at once", async () => {
      await beginImport(page, file(2));
      equal(await page.locator(`main a[href^="${COLUMNS}?from="]`).count(), 0, "links to the columns");
      equal(await page.locator(`main form[action="${pathOf(page)}/start"]`).count(), 1, "ways to start");
    });
    await t.step("what is told of the columns is taken back", async () => {
      await page.goto(COLUMNS);
      for (const header of [code, name, price, count]) await field(header).selectOption("");
      await save();
      for (const header of [code, name, price, count]) equal(await field(header).count(), 0, `fields of ${header}`);
    });
    await t.check("a header with a comma in it is one column", async () => {
      await beginImport(page, `Raqam ${mark},"Narxi, UZS ${mark}"\r\nof-comma-${mark},5.00\r\n`);
      await toColumns();
      equal(await field(`Narxi, UZS ${mark}`).count(), 1, `fields of a header with a comma (${await main()})`);
    });
    await t.check("no page complained", () => who.hasNone());
    await who.close();
  });
}
